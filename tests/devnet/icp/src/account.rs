//! Accounts for development, and the name of a network.

use candid::Principal;
use ed25519_dalek::SigningKey;

use crate::{authority::ED25519_DER_PREFIX, cbor::sha256};

/// An account whose secret is public knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevAccount {
    /// The principal that follows from its key.
    pub principal: Principal,
    /// The seed of its Ed25519 key.
    pub secret: [u8; 32],
}

impl DevAccount {
    /// The account number `index`, the same in every network.
    pub fn new(index: u32) -> Self {
        let secret = sha256(&[b"development account", &index.to_be_bytes()]);
        let key = SigningKey::from_bytes(&secret).verifying_key();
        let der = [ED25519_DER_PREFIX, key.as_bytes()].concat();
        Self { principal: Principal::self_authenticating(der), secret }
    }
}

/// The CAIP-2 name of the network with this root key: it commits to the key.
pub fn chain_id(root_key: &[u8]) -> String {
    let digits = hex::encode(sha256(&[root_key]));
    format!("icp:{}", digits.get(..32).unwrap_or(&digits))
}

//! What the machine asks of the chain that it runs on.

use types::Hash;

use crate::anchor::{Account, OnChainId};

/// What an approval by signature is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The record.
    pub context: OnChainId,
    /// The proposal.
    pub seq: u64,
    /// keccak-256 of its encoded batch.
    pub actions_hash: Hash,
    /// Unix time of the signature's last second.
    pub deadline_s: u64,
}

/// The cryptography of a chain's virtual machine.
pub trait Host {
    /// Whether `signer` signed `approval`, by whatever rule the chain has for that account.
    fn approved(&self, signer: &Account, approval: &Approval, signature: &[u8]) -> bool;

    /// The Ethereum address whose secp256k1 key made `r ‖ s ‖ v` (v 27 or 28, low s) over `digest`.
    fn recover(&self, digest: &Hash, signature: &[u8]) -> Option<[u8; 20]>;

    /// Whether a member `key` of `scheme` signed `digest`; `None` if this chain cannot tell, and
    /// leaves it to nodes.
    fn key_signed(&self, scheme: u8, key: &[u8], digest: &Hash, signature: &[u8]) -> Option<bool>;
}

/// A host that can check nothing: nobody approved, nobody signed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn approved(&self, _: &Account, _: &Approval, _: &[u8]) -> bool {
        false
    }

    fn recover(&self, _: &Hash, _: &[u8]) -> Option<[u8; 20]> {
        None
    }

    fn key_signed(&self, _: u8, _: &[u8], _: &Hash, _: &[u8]) -> Option<bool> {
        None
    }
}

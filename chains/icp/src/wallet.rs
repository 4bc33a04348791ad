//! Wallets: what an identity of the Internet Computer signs to be bound to a member key, and how
//! that is checked. Pure, and all offline: a key, a chain of delegations, a canister's certificate.
//!
//! Reading order: `der` → `key` → `request_id` → `delegation` → `webauthn` → `canister_signature` →
//! `envelope` → `answer`.

mod answer;
mod canister_signature;
mod delegation;
mod der;
mod envelope;
mod key;
mod message;
mod request_id;
mod rsa;
mod webauthn;

pub use self::{
    canister_signature::{CanisterKey, CanisterSigned, canister_signature},
    delegation::{BadDelegation, Delegation, DelegationChain, Session, SignedDelegation},
    key::{BadKey, BadSignature, Key, PublicKey, Trust},
    request_id::{Content, request_id},
    webauthn::{CoseKey, RelyingParty},
};

use std::collections::BTreeMap;

use chain::{AccountKey, WalletError, Wallets};
use ed25519_dalek::{Signer as _, SigningKey};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use types::{AccountId, ChainId, UnixMillis};

use self::envelope::Envelope;
use crate::{Principal, PrincipalKind, UnixNanos, proof::RootKey};

/// An identity's signature over a text, in an envelope, in a [`WalletProof`].
pub const SCHEME_IC: u8 = 3;

/// Hexadecimal digits in a network's name: half of a SHA-256.
const NETWORK_DIGITS: usize = 32;

/// Signs and checks for principals of all networks.
///
/// The message names the principal and the network, the context, the invitation (so that a proof
/// cannot serve twice) and the member key, and must be exactly as expected: nothing in it is the
/// signer's own. What is signed is the message itself. Nothing else that identities sign can be
/// taken for it, nor it for anything else: calls, delegations, queries' answers and credentials
/// begin with the length of a domain's name (`0x0a ‖ "ic-request"`, `0x1a ‖
/// "ic-request-auth-delegation"`), none of which is as long as the letter `a`, a number of 97.
///
/// The proof's signature is an envelope as calls have it, without the call: CBOR
/// `{sender_pubkey, sender_delegation?, sender_sig}`, at most 16 KiB. Who signed is the hash of
/// `sender_pubkey`; a delegation lets another key sign until it expires, by the time of whoever
/// orders the log. One for certain canisters alone is refused: a node is none of them, and which
/// registry a context has is nothing that a wallet's proof says.
///
/// A canister's word (Internet Identity) is checked under the root key of its network. Those of
/// other networks than the mainnet must be given; without one the proof can be checked by nobody
/// who does not know it, and is unsupported here.
#[derive(Clone, Debug)]
pub struct IcpWallets {
    root_keys: BTreeMap<ChainId, RootKey>,
}

impl Default for IcpWallets {
    fn default() -> Self {
        Self { root_keys: BTreeMap::new() }.with_network(RootKey::mainnet())
    }
}

impl IcpWallets {
    /// Knows the network of `root_key`, too.
    #[must_use]
    pub fn with_network(mut self, root_key: RootKey) -> Self {
        self.root_keys.insert(root_key.network(), root_key);
        self
    }

    fn judge(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        let unsupported = || WalletError::Unsupported { account: binding.account.clone() };
        if proof.scheme != SCHEME_IC {
            return Err(unsupported());
        }
        // First, so that an account that is none of ours is not judged.
        let principal = signer(&binding.account)?;
        message::compare(&proof.message, &message::expected(binding, &principal))?;
        let envelope = Envelope::parse(&proof.signature).map_err(|_| WalletError::BadSignature)?;
        let chain = &envelope.chain;
        let found = Principal::self_authenticating(&chain.key);
        if found != principal {
            let expected = binding.account.clone();
            let found = account_id(&expected.chain(), &found)?;
            return Err(WalletError::OtherSigner { expected, found });
        }
        let trust = self.trust(&binding.account, chain).ok_or_else(unsupported)?;
        let at = UnixNanos::from_millis(UnixMillis(binding.time_s.saturating_mul(1_000)));
        let session = chain.verify(at, &trust).map_err(refused)?;
        if !session.is_for(None) {
            return Err(WalletError::OtherField { field: "canister" });
        }
        let result = session.key.verify(&proof.message, &envelope.signature, &trust);
        result.map_err(|_| WalletError::BadSignature)
    }

    /// What the proof may rest on; `None` if it needs a root key that is not known.
    fn trust(&self, account: &AccountId, chain: &DelegationChain) -> Option<Trust> {
        let known = self.root_keys.get(&account.chain()).copied();
        let root_key = match known {
            Some(root_key) => root_key,
            None if chain.needs_root_key() => return None,
            // Nothing is checked under it.
            None => RootKey::mainnet(),
        };
        Some(Trust { root_key, relying_party: None })
    }
}

/// The principal that must sign: one that a key stands behind, of some network.
fn signer(account: &AccountId) -> Result<Principal, WalletError> {
    let chain = account.chain();
    if chain.namespace() != "icp" {
        return Err(WalletError::Unsupported { account: account.clone() });
    }
    let principal = account.address().parse::<Principal>().ok();
    let user = principal.filter(|id| id.kind() == PrincipalKind::SelfAuthenticating);
    let user = user.filter(|_| is_network(&chain));
    user.ok_or_else(|| WalletError::BadAccount { account: account.clone() })
}

/// Whether `chain` may be a network: `icp:` and half of a hash.
pub(crate) fn is_network(chain: &ChainId) -> bool {
    let digits = chain.reference();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    chain.namespace() == "icp" && digits.len() == NETWORK_DIGITS && digits.bytes().all(is_digit)
}

/// The account of `principal` on `chain`.
pub(crate) fn account_id(chain: &ChainId, principal: &Principal) -> Result<AccountId, WalletError> {
    AccountId::new(chain, &principal.to_string()).map_err(|_| WalletError::BadKey)
}

/// Who signs with an Ed25519 key.
pub(crate) fn principal_of(key: &AccountKey) -> Principal {
    Principal::self_authenticating(&public_der(&signing_key(key)))
}

impl Wallets for IcpWallets {
    /// Of an Ed25519 key.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        if is_network(chain) {
            account_id(chain, &principal_of(key))
        } else {
            Err(WalletError::BadKey)
        }
    }

    /// Says nothing of `now`: an invitation serves once, and delegations have their own expiry.
    fn message(&self, binding: &Binding, _now: UnixMillis) -> Result<String, WalletError> {
        Ok(message::expected(binding, &signer(&binding.account)?))
    }

    /// With an Ed25519 key.
    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let key = signing_key(key);
        let signature = key.sign(message.as_bytes()).to_bytes().to_vec();
        let chain = DelegationChain { key: public_der(&key), hops: Vec::new() };
        Ok(proof(message, &Envelope { chain, signature }))
    }

    /// The answer is JSON in hexadecimal digits, as the Internet Computer's own library writes
    /// keys and delegations: `{"publicKey", "delegations"?, "signature"}`, which is
    /// `{...chain.toJSON(), signature}` with a `DelegationChain`.
    fn answered(&self, message: &str, answer: &str) -> Result<WalletProof, WalletError> {
        Ok(proof(message, &answer::read(answer)?))
    }

    /// At [`Binding::time_s`]; at time 0 nothing has expired.
    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        self.judge(binding, proof)
    }
}

fn proof(message: &str, envelope: &Envelope) -> WalletProof {
    let message = message.as_bytes().to_vec();
    WalletProof { scheme: SCHEME_IC, message, signature: envelope.encode() }
}

impl WalletVerifier for IcpWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

fn refused(error: BadDelegation) -> WalletError {
    match error {
        BadDelegation::Expired { .. } => WalletError::Expired,
        _ => WalletError::BadSignature,
    }
}

fn signing_key(key: &AccountKey) -> SigningKey {
    SigningKey::from_bytes(key.as_bytes())
}

fn public_der(key: &SigningKey) -> Vec<u8> {
    [&der::ED25519[..], key.verifying_key().as_bytes()].concat()
}

#[cfg(test)]
mod tests;

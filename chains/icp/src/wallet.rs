//! Wallets: what an identity of the Internet Computer signs to be bound to a member key, and how
//! that is checked. Pure, and all offline: a key, a chain of delegations, a canister's certificate.
//!
//! Reading order: `der` → `key` → `request_id` → `delegation` → `webauthn` → `canister_signature` →
//! `envelope`.

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

use chain::{AccountKey, WalletError, Wallets};
use ed25519_dalek::{Signer as _, SigningKey};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use types::{AccountId, ChainId, UnixMillis};

use self::envelope::Envelope;
use crate::{Principal, PrincipalKind, UnixNanos};

/// An identity's signature over a text, in an envelope, in a [`WalletProof`].
pub const SCHEME_IC: u8 = 3;

/// Stands before the text when it is signed, so that no call, delegation or credential can be
/// passed off as a binding, nor the other way round.
const DOMAIN: &[u8] = b"\x12anchorhold-binding";

/// Signs and checks for principals of one network.
///
/// The message names the principal and the network, the context, the invitation (so that a proof
/// cannot serve twice) and the member key, and must be exactly as expected: nothing in it is the
/// signer's own. The proof's signature is an envelope as calls have it, without the call: CBOR
/// `{sender_pubkey, sender_delegation?, sender_sig}`, at most 16 KiB. Who signed is the hash of
/// `sender_pubkey`; a delegation lets another key sign until it expires.
#[derive(Clone, Debug)]
pub struct IcpWallets {
    trust: Trust,
    network: ChainId,
    registry: Option<Principal>,
}

impl IcpWallets {
    /// For the network of `trust.root_key`.
    ///
    /// A delegation for certain canisters alone counts if `registry` is among them.
    pub fn new(trust: Trust, registry: Option<Principal>) -> Self {
        let network = trust.root_key.network();
        Self { trust, network, registry }
    }

    /// For the mainnet.
    pub fn mainnet() -> Self {
        Self::new(Trust::default(), None)
    }

    /// As [`Wallets::check`], for delegations too: `at` is when the proof must have been good.
    ///
    /// # Errors
    /// [`WalletError`]; [`WalletError::OtherField`] with `time` if a delegation has expired, with
    /// `canister` if it is for other canisters alone.
    pub fn check_at(
        &self,
        binding: &Binding,
        proof: &WalletProof,
        at: UnixMillis,
    ) -> Result<(), WalletError> {
        self.judge(binding, proof, Some(UnixNanos::from_millis(at)))
    }

    fn judge(
        &self,
        binding: &Binding,
        proof: &WalletProof,
        at: Option<UnixNanos>,
    ) -> Result<(), WalletError> {
        let unsupported = || WalletError::Unsupported { account: binding.account.clone() };
        if proof.scheme != SCHEME_IC {
            return Err(unsupported());
        }
        // First, so that an account that is none of ours is not judged.
        let principal = self.signer(&binding.account)?;
        message::compare(&proof.message, &message::expected(binding, &principal))?;
        let envelope = Envelope::parse(&proof.signature).map_err(|_| WalletError::BadSignature)?;
        let chain = &envelope.chain;
        let found = Principal::self_authenticating(&chain.key);
        if found != principal {
            let expected = binding.account.clone();
            let found = self.account_id(&found)?;
            return Err(WalletError::OtherSigner { expected, found });
        }
        let at = match at {
            Some(at) => at,
            // No delegation, no expiry.
            None if chain.hops.is_empty() => UnixNanos(0),
            None => return Err(unsupported()),
        };
        let session = chain.verify(at, &self.trust).map_err(refused)?;
        if !session.is_for(self.registry) {
            return Err(WalletError::OtherField { field: "canister" });
        }
        let signed = [DOMAIN, &proof.message].concat();
        let result = session.key.verify(&signed, &envelope.signature, &self.trust);
        result.map_err(|_| WalletError::BadSignature)
    }

    /// The principal that must sign: one that a key stands behind.
    fn signer(&self, account: &AccountId) -> Result<Principal, WalletError> {
        if account.chain() != self.network {
            return Err(WalletError::Unsupported { account: account.clone() });
        }
        let principal = account.address().parse::<Principal>().ok();
        let user = principal.filter(|id| id.kind() == PrincipalKind::SelfAuthenticating);
        user.ok_or_else(|| WalletError::BadAccount { account: account.clone() })
    }

    fn account_id(&self, principal: &Principal) -> Result<AccountId, WalletError> {
        AccountId::new(&self.network, &principal.to_string()).map_err(|_| WalletError::BadKey)
    }
}

impl Wallets for IcpWallets {
    /// Of an Ed25519 key.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        if *chain != self.network {
            return Err(WalletError::BadKey);
        }
        self.account_id(&Principal::self_authenticating(&public_der(&signing_key(key))))
    }

    /// Says nothing of `now`: an invitation serves once, and delegations have their own expiry.
    fn message(&self, binding: &Binding, _now: UnixMillis) -> Result<String, WalletError> {
        Ok(message::expected(binding, &self.signer(&binding.account)?))
    }

    /// With an Ed25519 key.
    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let key = signing_key(key);
        let signature = key.sign(&[DOMAIN, message.as_bytes()].concat());
        let signature = envelope::of_key(&public_der(&key), &signature.to_bytes());
        Ok(WalletProof { scheme: SCHEME_IC, message: message.as_bytes().to_vec(), signature })
    }

    /// A proof by delegation is [`WalletError::Unsupported`] here, as whether it has expired cannot
    /// be told without a time: see [`IcpWallets::check_at`].
    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        self.judge(binding, proof, None)
    }
}

impl WalletVerifier for IcpWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

fn refused(error: BadDelegation) -> WalletError {
    match error {
        BadDelegation::Expired { .. } => WalletError::OtherField { field: "time" },
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

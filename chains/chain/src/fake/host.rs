//! What the machine in memory asks of its chain: everybody signs as [`super::FakeWallets`] do.

use governance::anchor::{Account, Approval, Host};
use types::{Hash, MemberKey, MemberSecret, Signature, keccak256, keccak256_concat};

use crate::AccountKey;

/// Ed25519, the one scheme of member keys that this chain checks.
const SCHEME_ED25519: u8 = 1;

/// The cryptography of [`crate::fake::FakeChain`]: a signature is an Ed25519 key and what it made.
#[derive(Clone, Copy, Debug)]
pub struct FakeHost;

impl FakeHost {
    /// What an admin signs to approve.
    pub fn approval_digest(approval: &Approval) -> Hash {
        let Approval { context, seq, actions_hash, deadline_s } = approval;
        keccak256_concat(&[
            b"approve",
            context.as_hash().as_bytes(),
            &seq.to_be_bytes(),
            actions_hash.as_bytes(),
            &deadline_s.to_be_bytes(),
        ])
    }

    /// Signs `digest` with the key of an account or an invitation.
    pub fn sign(digest: &Hash, key: &AccountKey) -> Vec<u8> {
        let secret = MemberSecret::from_seed(key.as_bytes());
        let signature = secret.sign_bytes(digest.as_bytes());
        [&secret.public().as_bytes()[..], signature.as_bytes()].concat()
    }

    /// The account of `key`, and so the name of an invitation that `key` is for.
    pub fn address(key: &MemberKey) -> [u8; 20] {
        let hash = keccak256(key.as_bytes());
        *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
    }

    /// Whether `account` signed `digest`.
    pub fn signed(account: &Account, digest: &Hash, signature: &[u8]) -> bool {
        Self.recover(digest, signature).is_some_and(|found| found == account.as_bytes())
    }
}

impl Host for FakeHost {
    fn approved(&self, signer: &Account, approval: &Approval, signature: &[u8]) -> bool {
        Self::signed(signer, &Self::approval_digest(approval), signature)
    }

    fn recover(&self, digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
        let (key, signature) = signature.split_first_chunk()?;
        let key = MemberKey::from_bytes(*key);
        let signature = Signature::from_bytes(signature.try_into().ok()?);
        key.verify_bytes(digest.as_bytes(), &signature).ok()?;
        Some(Self::address(&key))
    }

    fn key_signed(&self, scheme: u8, key: &[u8], digest: &Hash, signature: &[u8]) -> Option<bool> {
        if scheme != SCHEME_ED25519 {
            return None;
        }
        let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else {
            return Some(false);
        };
        let signature = Signature::from_bytes(signature);
        Some(MemberKey::from_bytes(key).verify_bytes(digest.as_bytes(), &signature).is_ok())
    }
}

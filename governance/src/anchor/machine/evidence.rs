//! T10 to T12: what accounts say about member keys. Evidence alone: membership changes by batches.

use alloc::{vec, vec::Vec};

use types::{Hash, keccak256, keccak256_concat};

use super::{Call, Event, Host, Record, record::FLAG_CLAIMS};
use crate::{
    anchor::{Account, Code},
    members_root::{self, PROOF_MAX},
};

/// Longest member key: a BLS12-381 key in G2 has 96 bytes.
const KEY_BYTES_MAX: usize = 96;
/// Longest signature of one.
const SIGNATURE_BYTES_MAX: usize = 256;
/// The scheme of Ed25519 keys: a contract that cannot check it leaves it to nodes.
pub const SCHEME_ED25519: u8 = 1;
/// P-256, the highest scheme that has a number.
const SCHEME_P256: u8 = 3;

/// An invitation that may be claimed on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The Ethereum address of the key that its link carries.
    pub key: [u8; 20],
    /// Unix time of its last second.
    pub expiry_s: u64,
    /// What its holder becomes.
    pub role: u8,
    /// How many may come with it.
    pub uses: u32,
}

impl Invite {
    /// `keccak(keccak(key ‖ expiry u64 ‖ role u8 ‖ uses u32))`.
    pub fn leaf(&self) -> Hash {
        let Self { key, expiry_s, role, uses } = self;
        let inner =
            keccak256_concat(&[key, &expiry_s.to_be_bytes(), &[*role], &uses.to_be_bytes()]);
        keccak256(inner.as_bytes())
    }
}

/// What a member key signs to be bound to `account`, in the record with `domain`:
/// `keccak("cam1-bind" ‖ domain ‖ len ‖ account ‖ scheme ‖ len ‖ key ‖ expiry u64)`.
///
/// # Panics
/// If `key` has more than 255 bytes.
pub fn binding_digest(
    domain: &Hash,
    account: &Account,
    scheme: u8,
    key: &[u8],
    expiry_s: u64,
) -> Hash {
    let account = account.as_bytes();
    keccak256_concat(&[
        b"cam1-bind",
        domain.as_bytes(),
        &[len(account)],
        account,
        &[scheme, len(key)],
        key,
        &expiry_s.to_be_bytes(),
    ])
}

/// What an invite key signs for `account` to come with a member `key`:
/// `keccak("cam1-claim" ‖ domain ‖ len ‖ account ‖ len ‖ key)`.
///
/// # Panics
/// If `key` has more than 255 bytes.
pub fn claim_digest(domain: &Hash, account: &Account, key: &[u8]) -> Hash {
    let account = account.as_bytes();
    let (account_len, key_len) = ([len(account)], [len(key)]);
    keccak256_concat(&[b"cam1-claim", domain.as_bytes(), &account_len, account, &key_len, key])
}

fn len(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).expect("accounts have at most 64 bytes, keys were bounded before")
}

impl Record {
    pub(super) fn tell(
        &mut self,
        caller: &Account,
        call: &Call,
        now_s: u64,
        host: &dyn Host,
    ) -> Result<Vec<Event>, Code> {
        self.active()?;
        match call {
            Call::Bind { scheme, key, signature, expiry_s } => {
                let is_sized = (1..=KEY_BYTES_MAX).contains(&key.len())
                    && (1..=SIGNATURE_BYTES_MAX).contains(&signature.len())
                    && (SCHEME_ED25519..=SCHEME_P256).contains(scheme);
                if !is_sized || now_s > *expiry_s {
                    return Err(Code::E60);
                }
                let digest = binding_digest(&self.domain, caller, *scheme, key, *expiry_s);
                match host.key_signed(*scheme, key, &digest, signature) {
                    Some(false) => Err(Code::E60),
                    Some(true) | None => Ok(vec![Event::Bound { key: key.clone() }]),
                }
            }
            Call::ClaimInvite { key, invite, use_number, proof, signature } => {
                self.may_claim(invite, *use_number, proof, now_s)?;
                let nullifier =
                    keccak256_concat(&[invite.leaf().as_bytes(), &use_number.to_be_bytes()]);
                if self.nullifiers.contains(&nullifier) {
                    return Err(Code::E74);
                }
                let is_sized = (1..=KEY_BYTES_MAX).contains(&key.len());
                let signer = is_sized
                    .then(|| claim_digest(&self.domain, caller, key))
                    .and_then(|digest| host.recover(&digest, signature));
                if signer != Some(invite.key) {
                    return Err(Code::E73);
                }
                self.nullifiers.insert(nullifier);
                let (key, leaf, use_number) = (key.clone(), invite.leaf(), *use_number);
                Ok(vec![Event::Claimed { key, leaf, use_number }])
            }
            Call::Unbind { key } => Ok(vec![Event::Unbound { key: key.clone() }]),
            // `Record::transit` sends none of the others here.
            _ => Err(Code::E17),
        }
    }

    fn may_claim(
        &self,
        invite: &Invite,
        use_number: u32,
        proof: &[Hash],
        now_s: u64,
    ) -> Result<(), Code> {
        if self.head.flags & FLAG_CLAIMS == 0 {
            return Err(Code::E70);
        }
        let is_there = self.invite_root != Hash::ZERO
            && proof.len() <= PROOF_MAX
            && use_number < invite.uses
            && members_root::verify(&self.invite_root, &invite.leaf(), proof);
        if !is_there {
            return Err(Code::E71);
        }
        if now_s > invite.expiry_s {
            return Err(Code::E72);
        }
        Ok(())
    }
}

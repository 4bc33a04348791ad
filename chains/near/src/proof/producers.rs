//! Block producers and their stakes. Source: nomicon, "Light Client"; nearcore, `ValidatorStake`.

use std::collections::HashMap;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use crate::{
    wallet::{NearId, key::ed25519_key},
    wire::{CryptoHash, prefix},
};

/// Most block producers of an epoch: the main network has 100.
pub const PRODUCERS_MAX: usize = 512;

/// Who may approve blocks in an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Its account.
    pub account_id: NearId,
    /// Its ed25519 key; the protocol lets no other stake.
    pub key: [u8; 32],
    /// In yoctoNEAR.
    pub stake: u128,
    /// How it is written.
    pub form: StakeForm,
}

/// How a producer is written where it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StakeForm {
    /// As it was until 2021.
    Bare,
    /// With a version before it.
    V1,
}

/// An epoch's block producers, ready to check signatures.
#[derive(Clone, Debug)]
pub struct Producers {
    members: Vec<Member>,
    total: u128,
}

#[derive(Clone, Debug)]
struct Member {
    /// `None` if the bytes are no point: then nobody can sign for it, but its stake counts.
    key: Option<VerifyingKey>,
    stake: u128,
}

/// What an epoch's last blocks commit to: SHA-256 over the list.
pub fn next_bp_hash(producers: &[Producer]) -> CryptoHash {
    let mut hasher = Sha256::new();
    hasher.update(prefix(producers.len()));
    for Producer { account_id, key, stake, form } in producers {
        if *form == StakeForm::V1 {
            hasher.update([0]);
        }
        hasher.update(prefix(account_id.as_str().len()));
        hasher.update(account_id.as_str());
        // The key's curve.
        hasher.update([0]);
        hasher.update(key);
        hasher.update(stake.to_le_bytes());
    }
    CryptoHash::from(hasher)
}

impl Producers {
    /// Decompresses their keys, which takes a tenth of the time of as many checks. Keys that are
    /// among those of `before` are taken from there: few change from one epoch to the next.
    ///
    /// `None` for more than [`PRODUCERS_MAX`], or if their stakes exceed 128 bits.
    pub fn new(producers: &[Producer], before: Option<&Self>) -> Option<Self> {
        if producers.len() > PRODUCERS_MAX {
            return None;
        }
        let mut stakes = producers.iter().map(|producer| producer.stake);
        let total = stakes.try_fold(0_u128, u128::checked_add)?;
        let known = before.into_iter().flat_map(|before| &before.members);
        let known: HashMap<&[u8; 32], VerifyingKey> = known
            .filter_map(|member| member.key.as_ref().map(|key| (key.as_bytes(), *key)))
            .collect();
        let member = |producer: &Producer| Member {
            key: known.get(&producer.key).copied().or_else(|| ed25519_key(&producer.key)),
            stake: producer.stake,
        };
        Some(Self { members: producers.iter().map(member).collect(), total })
    }

    /// All their stakes, in yoctoNEAR.
    pub const fn total(&self) -> u128 {
        self.total
    }

    /// The stakes of those whose approvals these are; `None` if any signature is bad.
    pub(super) fn approved(&self, approvals: &[Option<[u8; 64]>], message: &[u8]) -> Option<u128> {
        let mut approved = 0;
        for (member, approval) in self.members.iter().zip(approvals) {
            let Some(bytes) = approval else { continue };
            let signature = ed25519_dalek::Signature::from_bytes(bytes);
            member.key.as_ref()?.verify_strict(message, &signature).ok()?;
            // Cannot exceed the total.
            approved += member.stake;
        }
        Some(approved)
    }
}

//! What became of a transaction or a receipt. Source: nomicon, "Light Client", outcome proofs.

use sha2::{Digest as _, Sha256};

use super::{
    block::Header,
    merkle::{self, Step},
    trie::BadProof,
};
use crate::{
    wallet::NearId,
    wire::{CryptoHash, prefix},
};

/// What a transaction or a receipt did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The transaction or receipt.
    pub id: CryptoHash,
    /// Lines that the contract wrote, events among them.
    pub logs: Vec<String>,
    /// Receipts that it made.
    pub receipt_ids: Vec<CryptoHash>,
    /// Gas.
    pub gas_burnt: u64,
    /// In yoctoNEAR.
    pub tokens_burnt: u128,
    /// Which account it ran on.
    pub executor_id: NearId,
    /// How it ended.
    pub status: Status,
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not yet.
    Unknown,
    /// It failed. Why is not proved.
    Failure,
    /// With a value.
    Value(Vec<u8>),
    /// Goes on in a receipt.
    Receipt(CryptoHash),
}

/// An outcome, the block that has it, and the way from both to a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeProof {
    /// What is proved.
    pub outcome: Outcome,
    /// In which block.
    pub block_hash: CryptoHash,
    /// From the outcome to its shard's root.
    pub path: Vec<Step>,
    /// From there to the root over all shards.
    pub root_path: Vec<Step>,
    /// The block.
    pub header: Header,
    /// From it to the root over all blocks before the head.
    pub block_path: Vec<Step>,
}

impl Outcome {
    /// SHA-256 over the hashes of its parts. Profiles and the reason of a failure are none.
    pub fn hash(&self) -> CryptoHash {
        let mut hasher = Sha256::new();
        hasher.update(prefix(self.logs.len().saturating_add(2)));
        hasher.update(self.id.as_bytes());
        hasher.update(self.partial_hash().as_bytes());
        for log in &self.logs {
            hasher.update(Sha256::digest(log));
        }
        CryptoHash::from(hasher)
    }

    fn partial_hash(&self) -> CryptoHash {
        let mut hasher = Sha256::new();
        hasher.update(prefix(self.receipt_ids.len()));
        self.receipt_ids.iter().for_each(|id| hasher.update(id.as_bytes()));
        hasher.update(self.gas_burnt.to_le_bytes());
        hasher.update(self.tokens_burnt.to_le_bytes());
        hasher.update(prefix(self.executor_id.as_str().len()));
        hasher.update(self.executor_id.as_str());
        match &self.status {
            Status::Unknown => hasher.update([0]),
            Status::Failure => hasher.update([1]),
            Status::Value(value) => {
                hasher.update([2]);
                hasher.update(prefix(value.len()));
                hasher.update(value);
            }
            Status::Receipt(id) => {
                hasher.update([3]);
                hasher.update(id.as_bytes());
            }
        }
        CryptoHash::from(hasher)
    }
}

impl OutcomeProof {
    /// Whether the outcome is in a block before the head whose `block_merkle_root` is `head_root`.
    ///
    /// # Errors
    /// [`BadProof`].
    pub fn verify(&self, head_root: &CryptoHash) -> Result<(), BadProof> {
        let hash = self.header.hash();
        if hash != self.block_hash {
            return Err(BadProof::OtherValue("block"));
        }
        let shard = merkle::root(self.outcome.hash(), &self.path).ok_or(BadProof::TooLarge)?;
        let shard = CryptoHash::of(shard.as_bytes());
        let root = merkle::root(shard, &self.root_path).ok_or(BadProof::TooLarge)?;
        if root != self.header.inner.outcome_root {
            return Err(BadProof::OtherValue("outcome"));
        }
        let root = merkle::root(hash, &self.block_path).ok_or(BadProof::TooLarge)?;
        if root == *head_root { Ok(()) } else { Err(BadProof::OtherValue("chain")) }
    }
}

#[cfg(test)]
mod tests;

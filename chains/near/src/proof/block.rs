//! Blocks as light clients see them. Source: nomicon, "Light Client".

use super::producers::Producer;
use crate::wire::CryptoHash;

/// The part of a block's header that light clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerLite {
    /// Its height.
    pub height: u64,
    /// The epoch it is of.
    pub epoch_id: CryptoHash,
    /// The epoch after.
    pub next_epoch_id: CryptoHash,
    /// Root over the states of all shards before it.
    pub prev_state_root: CryptoHash,
    /// Root over the outcomes of all shards before it.
    pub outcome_root: CryptoHash,
    /// Nanoseconds since 1970.
    pub timestamp_ns: u64,
    /// Hash over the block producers of the next epoch.
    pub next_bp_hash: CryptoHash,
    /// Root over the hashes of all blocks before it.
    pub block_merkle_root: CryptoHash,
}

/// All that a block's hash is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The block before it.
    pub prev_block_hash: CryptoHash,
    /// Hash over what light clients do not read.
    pub inner_rest_hash: CryptoHash,
    /// What they read.
    pub inner: InnerLite,
}

/// A block with the signatures of those who approved the block after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its header.
    pub header: Header,
    /// What the next block's hash is made of, beside this block's.
    pub next_block_inner_hash: CryptoHash,
    /// The block producers of the next epoch; needed in the first block of an epoch.
    pub next_producers: Option<Vec<Producer>>,
    /// Ed25519 signatures, in the order of the epoch's block producers; what follows after them is
    /// of the next epoch's, and says nothing.
    pub approvals: Vec<Option<[u8; 64]>>,
}

impl InnerLite {
    /// SHA-256 of the borsh encoding.
    pub fn hash(&self) -> CryptoHash {
        CryptoHash::concat(&[
            &self.height.to_le_bytes(),
            self.epoch_id.as_bytes(),
            self.next_epoch_id.as_bytes(),
            self.prev_state_root.as_bytes(),
            self.outcome_root.as_bytes(),
            &self.timestamp_ns.to_le_bytes(),
            self.next_bp_hash.as_bytes(),
            self.block_merkle_root.as_bytes(),
        ])
    }
}

impl Header {
    /// The block's hash.
    pub fn hash(&self) -> CryptoHash {
        let inner =
            CryptoHash::concat(&[self.inner.hash().as_bytes(), self.inner_rest_hash.as_bytes()]);
        CryptoHash::concat(&[inner.as_bytes(), self.prev_block_hash.as_bytes()])
    }
}

impl Block {
    /// What producers sign who approve the block after this one, whose own hash is `hash`.
    ///
    /// The height is that of the block after next: approvals name the height they are included at.
    /// `None` if there is no such height.
    pub(super) fn approval_message(&self, hash: &CryptoHash) -> Option<[u8; 41]> {
        let next = CryptoHash::concat(&[self.next_block_inner_hash.as_bytes(), hash.as_bytes()]);
        let height = self.header.inner.height.checked_add(2)?;
        let mut message = [0; 41];
        // The first byte stays zero: an endorsement, not a skip.
        let (_, rest) = message.split_at_mut(1);
        let (hash, target) = rest.split_at_mut(32);
        hash.copy_from_slice(next.as_bytes());
        target.copy_from_slice(&height.to_le_bytes());
        Some(message)
    }
}

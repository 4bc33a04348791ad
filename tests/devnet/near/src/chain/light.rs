//! What light clients ask for. Source: nomicon, "Light Client"; nearcore, `view_client_actor.rs`.

use near_primitives::{
    hash::CryptoHash,
    merkle::{Direction, MerklePath, MerklePathItem, combine_hash, merklize},
    transaction::ExecutionOutcomeWithIdAndProof,
    views::{
        BlockHeaderInnerLiteView, LightClientBlockLiteView, LightClientBlockView,
        validator_stake_view::ValidatorStakeView,
    },
};

use super::{Block, Chain};
use crate::block;

/// A proof that something happened, as light clients want it.
#[derive(Clone, Debug)]
pub(crate) struct LightProof {
    /// Names the block whose header commits to the outcome: the one after it.
    pub(crate) outcome: ExecutionOutcomeWithIdAndProof,
    pub(crate) outcome_root: MerklePath,
    pub(crate) header: LightClientBlockLiteView,
    pub(crate) block: MerklePath,
}

impl Chain {
    /// The furthest block that a light client at `last` can be led to in one step; `None` if it
    /// knows it already, or `last` is unknown.
    pub(crate) fn next_light_client_block(
        &self,
        last: &CryptoHash,
    ) -> Option<LightClientBlockView> {
        let last = self.by_hash(last)?;
        let (epoch, next) = (last.header.epoch_id(), last.header.next_epoch_id());
        let of_epoch = |block: &&Block| block.header.epoch_id() == next;
        // The last block of the next epoch that has two blocks of that epoch above it.
        let far = self.blocks.iter().rev().filter(|block| block.header.epoch_id() != epoch);
        let far = far.filter(|block| block.height() > last.height()).find(of_epoch);
        let top = far
            .or_else(|| self.blocks.iter().rev().find(|block| block.header.epoch_id() == epoch))?;
        let found = self.two_below(top)?;
        let found = if found.height() <= last.height() { None } else { Some(found) }?;
        let with_producers = found.header.epoch_id() != epoch;
        self.light_client_block(found, with_producers)
    }

    /// The newest block with two of its own epoch above it, at most `top`.
    fn two_below(&self, top: &Block) -> Option<&Block> {
        let mut height = top.height().checked_sub(2)?;
        // Terminates: an epoch has at least three blocks.
        loop {
            let (block, above) = (self.by_height(height)?, self.by_height(height + 2)?);
            if block.header.epoch_id() == above.header.epoch_id() {
                return Some(block);
            }
            height = height.checked_sub(1)?;
        }
    }

    fn light_client_block(
        &self,
        found: &Block,
        with_producers: bool,
    ) -> Option<LightClientBlockView> {
        let next = self.by_height(found.height() + 1)?;
        let after_next = self.by_height(found.height() + 2)?;
        let stakes = || block::stakes(&self.producers).into_iter().map(ValidatorStakeView::from);
        Some(LightClientBlockView {
            prev_block_hash: *found.header.prev_hash(),
            next_block_inner_hash: next.inner_hash(),
            inner_lite: BlockHeaderInnerLiteView::from(found.header.clone()),
            inner_rest_hash: CryptoHash::hash_bytes(&found.header.inner_rest_bytes()),
            next_bps: with_producers.then(|| stakes().collect()),
            approvals_after_next: after_next.header.approvals().to_vec(),
        })
    }

    /// A proof that what has this id ran, for a light client at `head`.
    ///
    /// `None` if it did not run, or not far enough below that head.
    pub(crate) fn light_proof(&self, id: &CryptoHash, head: &CryptoHash) -> Option<LightProof> {
        let head = self.by_hash(head)?;
        let ran = self.by_height(*self.ran_at.get(id)?)?;
        let committing = self.by_height(ran.height() + 1)?;
        let index = ran.outcomes.iter().position(|outcome| outcome.id == *id)?;
        let block = self.block_path(committing.height(), head.height())?;
        let (_, mut roots) = merklize(&[*committing.chunk.prev_outcome_root()]);
        Some(LightProof {
            outcome: ExecutionOutcomeWithIdAndProof {
                proof: ran.outcome_paths.get(index)?.clone(),
                block_hash: *committing.hash(),
                outcome_with_id: ran.outcomes.get(index)?.clone(),
            },
            outcome_root: roots.pop()?,
            header: committing.header.clone().into(),
            block,
        })
    }

    /// The way from the block at `height` to the root in the head's header, over all before it.
    pub(crate) fn block_path(&self, height: u64, head: u64) -> Option<MerklePath> {
        if height >= head {
            return None;
        }
        let before = self.blocks.get(..usize::try_from(head).ok()?)?;
        let mut layer: Vec<CryptoHash> = before.iter().map(|block| *block.hash()).collect();
        let mut index = usize::try_from(height).ok()?;
        let mut path = Vec::new();
        // Terminates: every turn halves the layer.
        while layer.len() > 1 {
            let (sibling, direction) = match index % 2 {
                0 => (index + 1, Direction::Right),
                _ => (index - 1, Direction::Left),
            };
            if let Some(hash) = layer.get(sibling) {
                path.push(MerklePathItem { hash: *hash, direction });
            }
            let pairs = layer.chunks(2).map(|pair| match pair {
                [left, right] => combine_hash(left, right),
                [alone, ..] => *alone,
                [] => CryptoHash::default(),
            });
            layer = pairs.collect();
            index /= 2;
        }
        Some(path)
    }
}

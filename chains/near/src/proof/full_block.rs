//! Whole blocks, as endpoints show them. A block's hash is computed here from its header's fields,
//! and the roots of its shards' states must be those that the header commits to. Source: nearcore,
//! `block_header.rs`.

use std::sync::Arc;

use near_primitives::{
    block_header::{BlockHeaderInnerRestV4, BlockHeaderInnerRestV5, BlockHeaderInnerRestV6},
    stateless_validation::chunk_endorsements_bitmap::ChunkEndorsementsBitmap,
    types::validator_stake::ValidatorStake,
    views::{BlockHeaderView, BlockView},
};

use super::{
    block::{Header, InnerLite},
    merkle::shard_root,
};
use crate::wire::CryptoHash;

/// Why a block that an endpoint shows is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadBlock {
    /// The header's fields have another hash, or are of a form that is not known here.
    #[error("the header's fields do not have the hash that is told")]
    Hash,
    /// The shards' roots are not those under the header.
    #[error("the chunks' state roots are not those of the header")]
    Roots,
}

/// A block whose hash was computed from its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullBlock {
    /// What the hash is made of.
    pub header: Header,
    /// The hash.
    pub hash: CryptoHash,
    /// Of the shards' states after the block before, in this block's own order; without those of
    /// which this block has no chunk, and so commits to an older state.
    pub roots: Arc<[CryptoHash]>,
    /// How many shards there are.
    pub shards: usize,
}

impl FullBlock {
    /// Reads what `block` answers.
    ///
    /// # Errors
    /// [`BadBlock`]. Headers of before 2023, and those of a protocol that is newer than 88, are of
    /// forms that are not known here.
    pub fn new(view: &BlockView) -> Result<Self, BadBlock> {
        let told = ours(&view.header.hash);
        let header = |inner_rest_hash| Header {
            prev_block_hash: ours(&view.header.prev_hash),
            inner_rest_hash,
            inner: inner_lite(&view.header),
        };
        let rest = rest_hashes(&view.header)?;
        let header = rest.into_iter().map(header).find(|header| header.hash() == told);
        let header = header.ok_or(BadBlock::Hash)?;
        let roots = view.chunks.iter().map(|chunk| ours(&chunk.prev_state_root));
        let roots: Vec<CryptoHash> = roots.collect();
        let mask = &view.header.chunk_mask;
        if shard_root(&roots) != Some(header.inner.prev_state_root) || mask.len() != roots.len() {
            return Err(BadBlock::Roots);
        }
        let shards = roots.len();
        let with_chunk = roots.into_iter().zip(mask).filter(|(_, is_there)| **is_there);
        let roots = with_chunk.map(|(root, _)| root).collect();
        Ok(Self { header, hash: told, roots, shards })
    }
}

fn ours(hash: &near_primitives::hash::CryptoHash) -> CryptoHash {
    CryptoHash::from_bytes(hash.0)
}

fn inner_lite(view: &BlockHeaderView) -> InnerLite {
    InnerLite {
        height: view.height,
        epoch_id: ours(&view.epoch_id),
        next_epoch_id: ours(&view.next_epoch_id),
        prev_state_root: ours(&view.prev_state_root),
        outcome_root: ours(&view.outcome_root),
        timestamp_ns: view.timestamp_nanosec,
        next_bp_hash: ours(&view.next_bp_hash),
        block_merkle_root: ours(&view.block_merkle_root),
    }
}

/// The hashes that the rest of the header may have: nothing says of which of the later forms it is,
/// but its hash fits one.
fn rest_hashes(view: &BlockHeaderView) -> Result<Vec<CryptoHash>, BadBlock> {
    let is_newer = view.prev_last_certified_block_epoch_id.is_some()
        || view.spice_chunk_endorsement_stats.is_some()
        || view.chunk_execution_root.is_some();
    if is_newer {
        return Err(BadBlock::Hash);
    }
    let latest = latest(view);
    let with_challenges = with_challenges(view, &latest);
    let encodings = match view.chunk_endorsements {
        None => vec![borsh::to_vec(&without_endorsements(&with_challenges))],
        Some(_) => vec![borsh::to_vec(&latest), borsh::to_vec(&with_challenges)],
    };
    let hashes = encodings.into_iter().map(|bytes| Ok(CryptoHash::of(&bytes?)));
    hashes.collect::<Result<_, std::io::Error>>().map_err(|_| BadBlock::Hash)
}

/// As headers are since challenges were removed.
fn latest(view: &BlockHeaderView) -> BlockHeaderInnerRestV6 {
    let proposals = view.validator_proposals.iter().cloned().map(ValidatorStake::from);
    let endorsements = view.chunk_endorsements.clone().unwrap_or_default();
    BlockHeaderInnerRestV6 {
        block_body_hash: view.block_body_hash.unwrap_or_default(),
        prev_chunk_outgoing_receipts_root: view.chunk_receipts_root,
        chunk_headers_root: view.chunk_headers_root,
        chunk_tx_root: view.chunk_tx_root,
        random_value: view.random_value,
        prev_validator_proposals: proposals.collect(),
        chunk_mask: view.chunk_mask.clone(),
        next_gas_price: view.gas_price,
        total_supply: view.total_supply,
        last_final_block: view.last_final_block,
        last_ds_final_block: view.last_ds_final_block,
        block_ordinal: view.block_ordinal.unwrap_or_default(),
        prev_height: view.prev_height.unwrap_or_default(),
        epoch_sync_data_hash: view.epoch_sync_data_hash,
        approvals: view.approvals.clone(),
        latest_protocol_version: view.latest_protocol_version,
        chunk_endorsements: ChunkEndorsementsBitmap::from_bytes(endorsements),
        shard_split: view.shard_split.clone(),
    }
}

#[expect(deprecated, reason = "older headers have these fields, and their hash covers them")]
fn with_challenges(
    view: &BlockHeaderView,
    latest: &BlockHeaderInnerRestV6,
) -> BlockHeaderInnerRestV5 {
    let latest = latest.clone();
    BlockHeaderInnerRestV5 {
        block_body_hash: latest.block_body_hash,
        prev_chunk_outgoing_receipts_root: latest.prev_chunk_outgoing_receipts_root,
        chunk_headers_root: latest.chunk_headers_root,
        chunk_tx_root: latest.chunk_tx_root,
        challenges_root: view.challenges_root,
        random_value: latest.random_value,
        prev_validator_proposals: latest.prev_validator_proposals,
        chunk_mask: latest.chunk_mask,
        next_gas_price: latest.next_gas_price,
        total_supply: latest.total_supply,
        challenges_result: view.challenges_result.clone(),
        last_final_block: latest.last_final_block,
        last_ds_final_block: latest.last_ds_final_block,
        block_ordinal: latest.block_ordinal,
        prev_height: latest.prev_height,
        epoch_sync_data_hash: latest.epoch_sync_data_hash,
        approvals: latest.approvals,
        latest_protocol_version: latest.latest_protocol_version,
        chunk_endorsements: latest.chunk_endorsements,
    }
}

#[expect(deprecated, reason = "older headers have these fields, and their hash covers them")]
fn without_endorsements(rest: &BlockHeaderInnerRestV5) -> BlockHeaderInnerRestV4 {
    let rest = rest.clone();
    BlockHeaderInnerRestV4 {
        block_body_hash: rest.block_body_hash,
        prev_chunk_outgoing_receipts_root: rest.prev_chunk_outgoing_receipts_root,
        chunk_headers_root: rest.chunk_headers_root,
        chunk_tx_root: rest.chunk_tx_root,
        challenges_root: rest.challenges_root,
        random_value: rest.random_value,
        prev_validator_proposals: rest.prev_validator_proposals,
        chunk_mask: rest.chunk_mask,
        next_gas_price: rest.next_gas_price,
        total_supply: rest.total_supply,
        challenges_result: rest.challenges_result,
        last_final_block: rest.last_final_block,
        last_ds_final_block: rest.last_ds_final_block,
        block_ordinal: rest.block_ordinal,
        prev_height: rest.prev_height,
        epoch_sync_data_hash: rest.epoch_sync_data_hash,
        approvals: rest.approvals,
        latest_protocol_version: rest.latest_protocol_version,
    }
}

#[cfg(test)]
mod tests;

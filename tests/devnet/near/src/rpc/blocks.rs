//! Blocks and chunks.

use near_jsonrpc_primitives::types::{
    blocks::{RpcBlockError, RpcBlockRequest},
    chunks::{ChunkReference, RpcChunkError, RpcChunkRequest},
    gas_price::RpcGasPriceError,
};
use near_primitives::{
    sharding::ChunkHash,
    types::{BlockId, BlockReference, ShardId},
    views::{
        BlockHeaderView, BlockView, ChunkHeaderView, ChunkView, GasPriceView, ReceiptView,
        SignedTransactionView,
    },
};
use serde_json::Value;

use super::{Answer, params, shown};
use crate::{Block, Chain, devnet::Node};

pub(super) fn block(node: &Node, request: Value) -> Answer {
    let reference = match request {
        // In order: a block id alone.
        Value::Array(list) => {
            let [id]: [Value; 1] = params::parsed(Value::Array(list))?;
            BlockReference::BlockId(params::parsed::<BlockId>(id)?)
        }
        named => params::parsed::<RpcBlockRequest>(named)?.block_reference,
    };
    let chain = node.chain();
    let found = params::block(&chain, &reference);
    let error_message = format!("{reference:?}");
    let found = found.ok_or(RpcBlockError::UnknownBlock { error_message })?;
    shown(BlockView {
        author: chain.producers().at(found.height()).validator_id().clone(),
        header: BlockHeaderView::from(&found.header),
        chunks: vec![ChunkHeaderView::from(found.chunk.clone())],
    })
}

pub(super) fn chunk(node: &Node, request: Value) -> Answer {
    let reference = match request {
        Value::Array(list) if list.len() == 2 => {
            let (block_id, shard_id) = params::parsed::<(BlockId, ShardId)>(Value::Array(list))?;
            ChunkReference::BlockShardId { block_id, shard_id }
        }
        Value::Array(list) => {
            let [chunk_id] = params::parsed(Value::Array(list))?;
            ChunkReference::ChunkHash { chunk_id }
        }
        named => params::parsed::<RpcChunkRequest>(named)?.chunk_reference,
    };
    let chain = node.chain();
    let found = find_chunk(&chain, reference)?;
    let receipts = chain.by_height(found.height().wrapping_sub(1)).map(|parent| &parent.outgoing);
    let receipts = receipts.into_iter().flatten().cloned().map(ReceiptView::from);
    shown(ChunkView {
        author: chain.producers().at(found.height()).validator_id().clone(),
        header: ChunkHeaderView::from(found.chunk.clone()),
        transactions: found.transactions.iter().cloned().map(SignedTransactionView::from).collect(),
        receipts: receipts.collect(),
    })
}

fn find_chunk(chain: &Chain, reference: ChunkReference) -> Result<&Block, RpcChunkError> {
    match reference {
        ChunkReference::BlockShardId { block_id, shard_id } => {
            if shard_id != ShardId::new(0) {
                return Err(RpcChunkError::InvalidShardId { shard_id });
            }
            let error_message = format!("{block_id:?}");
            let found = params::block_by_id(chain, &block_id);
            found.ok_or(RpcChunkError::UnknownBlock { error_message })
        }
        ChunkReference::ChunkHash { chunk_id } => {
            let chunk_hash = ChunkHash(chunk_id);
            let found = chain.blocks().iter().rev();
            let mut found = found.filter(|block| *block.chunk.chunk_hash() == chunk_hash);
            found.next().ok_or(RpcChunkError::UnknownChunk { chunk_hash })
        }
    }
}

pub(super) fn gas_price(node: &Node, request: Value) -> Answer {
    let id = match request {
        Value::Object(mut named) => named.remove("block_id").unwrap_or(Value::Null),
        other => params::first(other),
    };
    let id: Option<BlockId> = params::parsed(id)?;
    let chain = node.chain();
    let found = match &id {
        None => Some(chain.head()),
        Some(id) => params::block_by_id(&chain, id),
    };
    let error_message = format!("{id:?}");
    let found = found.ok_or(RpcGasPriceError::UnknownBlock { error_message })?;
    shown(GasPriceView { gas_price: found.header.next_gas_price() })
}

//! For light clients.

use std::sync::Arc;

use near_jsonrpc_primitives::types::light_client::{
    RpcLightClientBlockProofRequest, RpcLightClientBlockProofResponse,
    RpcLightClientExecutionProofRequest, RpcLightClientExecutionProofResponse,
    RpcLightClientNextBlockError, RpcLightClientNextBlockRequest, RpcLightClientNextBlockResponse,
    RpcLightClientProofError,
};
use near_primitives::{
    hash::CryptoHash, types::TransactionOrReceiptId, views::ExecutionOutcomeWithIdView,
};
use serde_json::Value;

use super::{Answer, params, shown};
use crate::devnet::Node;

pub(super) fn next_block(node: &Node, request: Value) -> Answer {
    let last = match request {
        Value::Array(list) => {
            let [hash]: [CryptoHash; 1] = params::parsed(Value::Array(list))?;
            hash
        }
        named => params::parsed::<RpcLightClientNextBlockRequest>(named)?.last_block_hash,
    };
    let chain = node.chain();
    if chain.by_hash(&last).is_none() {
        let error_message = last.to_string();
        return Err(RpcLightClientNextBlockError::UnknownBlock { error_message }.into());
    }
    let light_client_block = chain.next_light_client_block(&last).map(Arc::new);
    shown(RpcLightClientNextBlockResponse { light_client_block })
}

pub(super) fn proof(node: &Node, request: Value) -> Answer {
    let RpcLightClientExecutionProofRequest { id, light_client_head } = params::parsed(request)?;
    let id = match id {
        TransactionOrReceiptId::Transaction { transaction_hash, .. } => transaction_hash,
        TransactionOrReceiptId::Receipt { receipt_id, .. } => receipt_id,
    };
    let chain = node.chain();
    if chain.by_hash(&light_client_head).is_none() {
        return Err(unknown_block(&light_client_head));
    }
    let transaction_or_receipt_id = id;
    if !chain.has_run(&id) {
        let unknown =
            RpcLightClientProofError::UnknownTransactionOrReceipt { transaction_or_receipt_id };
        return Err(unknown.into());
    }
    let proof = chain
        .light_proof(&id, &light_client_head)
        .ok_or(RpcLightClientProofError::NotConfirmed { transaction_or_receipt_id })?;
    shown(RpcLightClientExecutionProofResponse {
        outcome_proof: ExecutionOutcomeWithIdView::from(proof.outcome),
        outcome_root_proof: proof.outcome_root,
        block_header_lite: proof.header,
        block_proof: proof.block,
    })
}

pub(super) fn block_proof(node: &Node, request: Value) -> Answer {
    let RpcLightClientBlockProofRequest { block_hash, light_client_head } =
        params::parsed(request)?;
    let chain = node.chain();
    let block = chain.by_hash(&block_hash).ok_or_else(|| unknown_block(&block_hash))?;
    let head =
        chain.by_hash(&light_client_head).ok_or_else(|| unknown_block(&light_client_head))?;
    let path = chain.block_path(block.height(), head.height());
    shown(RpcLightClientBlockProofResponse {
        block_header_lite: block.header.clone().into(),
        block_proof: path.ok_or_else(|| unknown_block(&block_hash))?,
    })
}

fn unknown_block(hash: &CryptoHash) -> near_jsonrpc_primitives::errors::RpcError {
    RpcLightClientProofError::UnknownBlock { error_message: hash.to_string() }.into()
}

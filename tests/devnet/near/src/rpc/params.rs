//! Reading parameters, named or in order.

use near_jsonrpc_primitives::errors::RpcError;
use near_primitives::{
    serialize::from_base64,
    transaction::SignedTransaction,
    types::{BlockId, BlockReference, Finality as Wanted, SyncCheckpoint},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Block, Chain, Finality};

pub(super) fn parsed<T: DeserializeOwned>(params: Value) -> Result<T, RpcError> {
    serde_json::from_value(params)
        .map_err(|error| RpcError::parse_error(format!("Failed parsing args: {error}")))
}

/// A transaction as clients send it: base64 of its borsh.
pub(super) fn transaction(value: &Value) -> Result<SignedTransaction, RpcError> {
    let bad = |why: String| RpcError::parse_error(format!("Failed to decode transaction: {why}"));
    let text = value.as_str().ok_or_else(|| bad("it is no text".to_owned()))?;
    let bytes = from_base64(text).map_err(|error| bad(error.to_string()))?;
    borsh::from_slice(&bytes).map_err(|error| bad(error.to_string()))
}

/// The block that a request names.
pub(super) fn block<'a>(chain: &'a Chain, reference: &BlockReference) -> Option<&'a Block> {
    match reference {
        BlockReference::BlockId(id) => block_by_id(chain, id),
        BlockReference::Finality(finality) => Some(chain.by_finality(match finality {
            Wanted::None => Finality::Optimistic,
            Wanted::DoomSlug => Finality::NearFinal,
            Wanted::Final => Finality::Final,
        })),
        BlockReference::SyncCheckpoint(SyncCheckpoint::Genesis) => chain.by_height(0),
        BlockReference::SyncCheckpoint(SyncCheckpoint::EarliestAvailable) => {
            chain.blocks().iter().find(|block| block.state().is_some())
        }
    }
}

pub(super) fn block_by_id<'a>(chain: &'a Chain, id: &BlockId) -> Option<&'a Block> {
    match id {
        BlockId::Height(height) => chain.by_height(*height),
        BlockId::Hash(hash) => chain.by_hash(hash),
    }
}

/// The first of parameters in order; all of named ones.
pub(super) fn first(params: Value) -> Value {
    match params {
        Value::Array(list) => list.into_iter().next().unwrap_or(Value::Null),
        other => other,
    }
}

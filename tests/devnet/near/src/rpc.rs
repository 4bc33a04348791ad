//! NEAR's JSON-RPC over a chain: the requests, answers and errors that clients know.
//!
//! Source: nearcore, `chain/jsonrpc`. What only tests need beside is in `sandbox`.

mod blocks;
mod light;
mod network;
mod params;
mod query;
mod sandbox;
mod transactions;

pub(crate) use network::status;

use near_jsonrpc_primitives::{errors::RpcError, message::Request};
use serde::Serialize;
use serde_json::Value;

use crate::devnet::Node;

type Answer = Result<Value, RpcError>;

/// Answers one request.
pub(crate) async fn answer(node: &Node, request: &Request) -> Answer {
    let params = request.params.clone();
    match request.method.as_str() {
        "block" | "EXPERIMENTAL_block" => blocks::block(node, params),
        "chunk" | "EXPERIMENTAL_chunk" => blocks::chunk(node, params),
        "gas_price" => blocks::gas_price(node, params),
        "query" => query::query(node, params),
        "tx" => transactions::tx(node, params, transactions::Detail::Outcomes).await,
        "tx_status" | "EXPERIMENTAL_tx_status" => {
            transactions::tx(node, params, transactions::Detail::Receipts).await
        }
        "send_tx" => transactions::send(node, params).await,
        "broadcast_tx_commit" => transactions::commit(node, params).await,
        "broadcast_tx_async" => transactions::send_only(node, params),
        "EXPERIMENTAL_receipt" => transactions::receipt(node, params),
        "next_light_client_block" | "EXPERIMENTAL_next_light_client_block" => {
            light::next_block(node, params)
        }
        "light_client_proof" | "EXPERIMENTAL_light_client_proof" => light::proof(node, params),
        "EXPERIMENTAL_light_client_block_proof" => light::block_proof(node, params),
        "status" => network::status(node),
        "health" => Ok(Value::Null),
        "network_info" => network::info(),
        "validators" => network::validators(node, params),
        "EXPERIMENTAL_validators_ordered" => network::validators_ordered(node),
        "EXPERIMENTAL_protocol_config" => network::protocol_config(node, params),
        "sandbox_patch_state" => sandbox::patch_state(node, params),
        "sandbox_fast_forward" => sandbox::fast_forward(node, params),
        other => Err(RpcError::method_not_found(other.to_owned())),
    }
}

fn shown<T: Serialize>(value: T) -> Answer {
    serde_json::to_value(value).map_err(|error| RpcError::serialization_error(error.to_string()))
}

//! What NEAR's sandbox adds for tests. Source: nearcore, `sandbox_patch_state` and
//! `sandbox_fast_forward`.

use std::time::Duration;

use near_jsonrpc_primitives::{
    errors::RpcError,
    types::sandbox::{
        RpcSandboxFastForwardRequest, RpcSandboxFastForwardResponse, RpcSandboxPatchStateRequest,
        RpcSandboxPatchStateResponse,
    },
};
use near_primitives::{state_record::StateRecord, trie_key::TrieKey};
use serde_json::Value;

use super::{Answer, params, shown};
use crate::{devnet::Node, state::encoded};

/// Most blocks that are made at once; time passes for all that are asked for.
const FAST_BLOCKS_MAX: u64 = 1_000;
/// Time from block to block of the real network, by which blocks stand for time.
const BLOCK_TIME: Duration = Duration::from_secs(1);

pub(super) fn patch_state(node: &Node, request: Value) -> Answer {
    let RpcSandboxPatchStateRequest { records } = params::parsed(request)?;
    let mut patch = Vec::new();
    for record in records {
        let (key, value) = match record {
            StateRecord::Account { account_id, account } => {
                (TrieKey::Account { account_id }, encoded(&account))
            }
            StateRecord::Data { account_id, data_key, value } => {
                (TrieKey::ContractData { account_id, key: data_key.to_vec() }, value.to_vec())
            }
            StateRecord::Contract { account_id, code } => {
                (TrieKey::ContractCode { account_id }, code)
            }
            StateRecord::AccessKey { account_id, public_key, access_key } => {
                (TrieKey::access_key(account_id, public_key), encoded(&access_key))
            }
            other => {
                let text = format!("records of this kind cannot be patched: {other}");
                return Err(RpcError::parse_error(text));
            }
        };
        patch.push((key.to_vec(), value));
    }
    node.change(|chain| {
        for (key, value) in patch {
            chain.patch_state(key, Some(value));
        }
        chain.produce();
    });
    shown(RpcSandboxPatchStateResponse {})
}

pub(super) fn fast_forward(node: &Node, request: Value) -> Answer {
    let RpcSandboxFastForwardRequest { delta_height } = params::parsed(request)?;
    let blocks = delta_height.min(FAST_BLOCKS_MAX);
    let seconds = BLOCK_TIME.as_secs().saturating_mul(delta_height);
    node.advance(Duration::from_secs(seconds), blocks);
    shown(RpcSandboxFastForwardResponse {})
}

//! Proofs in the two forms in which endpoints write them: `starknet_getStorageProof` (JSON-RPC 0.8
//! and later) and the older `pathfinder_getProof`.

use serde_json::Value;

use super::{
    state::{ContractState, Roots, StateProof},
    trie::{BadProof, Node},
};
use crate::{
    felt::{Felt, parse_hex},
    hash::FeltHash,
};

/// Most nodes in one list.
const NODES_MAX: usize = 16_384;
/// Most lists or leaves in one proof.
const PARTS_MAX: usize = 1024;

/// Nodes as either form writes them. Where a node's hash stands beside it, it must be its own.
///
/// # Errors
/// [`BadProof`] if any is malformed.
pub fn nodes(value: &Value, hash: FeltHash) -> Result<Vec<Node>, BadProof> {
    list(value, NODES_MAX)?.iter().map(|value| node(value, hash)).collect()
}

/// The result of `starknet_getStorageProof`.
///
/// # Errors
/// [`BadProof`] if it is malformed; also if a contract's leaf comes without the storage root, as
/// some endpoints' did, because nothing can be proved of it.
pub fn rpc_proof(value: &Value) -> Result<StateProof, BadProof> {
    let roots = part(value, "global_roots")?;
    let contracts = part(value, "contracts_proof")?;
    let leaves = list(part(contracts, "contract_leaves_data")?, PARTS_MAX)?;
    let storage = list(part(value, "contracts_storage_proofs")?, PARTS_MAX)?;
    Ok(StateProof {
        roots: Roots {
            contracts: felt(part(roots, "contracts_tree_root")?)?,
            classes: felt(part(roots, "classes_tree_root")?)?,
        },
        contract_nodes: nodes(part(contracts, "nodes")?, FeltHash::Pedersen)?,
        class_nodes: nodes(part(value, "classes_proof")?, FeltHash::Poseidon)?,
        contracts: leaves
            .iter()
            .map(|leaf| contract(leaf, "storage_root"))
            .collect::<Result<_, _>>()?,
        storage_nodes: storage
            .iter()
            .map(|value| nodes(value, FeltHash::Pedersen))
            .collect::<Result<_, _>>()?,
    })
}

/// The result of `pathfinder_getProof`, which is about one contract and some of its storage's keys.
/// All keys' nodes are taken together.
///
/// # Errors
/// [`BadProof`] if it is malformed.
pub fn pathfinder_proof(value: &Value) -> Result<StateProof, BadProof> {
    let contract_nodes = nodes(part(value, "contract_proof")?, FeltHash::Pedersen)?;
    let first = contract_nodes.first().map(|node| node.hash(FeltHash::Pedersen));
    let classes = value.get("class_commitment").filter(|value| !value.is_null());
    let data = value.get("contract_data").unwrap_or(&Value::Null);
    let storage = match data.get("storage_proofs") {
        None | Some(Value::Null) => Vec::new(),
        Some(lists) => {
            let lists = list(lists, PARTS_MAX)?.iter();
            let lists = lists.map(|value| nodes(value, FeltHash::Pedersen));
            lists.collect::<Result<Vec<_>, _>>()?.concat()
        }
    };
    let version = data.get("contract_state_hash_version");
    if version.is_some_and(|version| felt(version) != Ok(Felt::ZERO)) {
        return Err(BadProof::Other("version of contracts"));
    }
    Ok(StateProof {
        roots: Roots {
            contracts: first.unwrap_or(Felt::ZERO),
            classes: classes.map_or(Ok(Felt::ZERO), felt)?,
        },
        contract_nodes,
        class_nodes: Vec::new(),
        contracts: vec![contract(data, "root")?],
        storage_nodes: vec![storage],
    })
}

/// What a contract's leaf is made of; null, or all zeros, for no contract.
pub(super) fn contract(value: &Value, root: &str) -> Result<Option<ContractState>, BadProof> {
    if value.is_null() {
        return Ok(None);
    }
    let state = ContractState {
        class_hash: felt(part(value, "class_hash")?)?,
        nonce: felt(part(value, "nonce")?)?,
        storage_root: felt(part(value, root)?)?,
    };
    let parts = [state.class_hash, state.nonce, state.storage_root];
    Ok(parts.iter().any(|part| *part != Felt::ZERO).then_some(state))
}

fn node(value: &Value, hash: FeltHash) -> Result<Node, BadProof> {
    if let Some(inner) = value.get("node") {
        let node = plain_node(inner)?;
        // Not needed, but whoever writes another one lies or is broken.
        let claimed = value.get("node_hash").map(felt).transpose()?;
        let is_own = claimed.is_none_or(|claimed| claimed == node.hash(hash));
        return if is_own { Ok(node) } else { Err(BadProof::Other("node than its hash says")) };
    }
    if let Some(inner) = value.get("binary").or_else(|| value.get("edge")) {
        return plain_node(inner);
    }
    plain_node(value)
}

fn plain_node(value: &Value) -> Result<Node, BadProof> {
    if value.get("left").is_some() {
        let (left, right) = (felt(part(value, "left")?)?, felt(part(value, "right")?)?);
        return Ok(Node::Binary { left, right });
    }
    let child = felt(part(value, "child")?)?;
    let path = part(value, "path")?;
    let (path, length) = match path.get("value") {
        Some(bits) => (bits, part(path, "len")?),
        None => (path, part(value, "length")?),
    };
    let length = length.as_u64().and_then(|length| u8::try_from(length).ok());
    Ok(Node::Edge { child, path: felt(path)?, length: length.ok_or(BadProof::Edge)? })
}

fn part<'a>(value: &'a Value, name: &str) -> Result<&'a Value, BadProof> {
    value.get(name).ok_or(BadProof::Encoding)
}

fn felt(value: &Value) -> Result<Felt, BadProof> {
    value.as_str().and_then(parse_hex).ok_or(BadProof::Encoding)
}

fn list(value: &Value, max: usize) -> Result<&[Value], BadProof> {
    let list = value.as_array().ok_or(BadProof::Encoding)?;
    if list.len() > max { Err(BadProof::TooLarge) } else { Ok(list) }
}

#[cfg(test)]
mod tests;

//! Values of a shard's state. Sources: nearcore, `trie_key.rs`; RPC "view_state", `include_proof`.

use super::trie::{self, BadProof, Nodes, ValueRef};
use crate::{wallet::NearId, wire::CryptoHash};

/// The column of contracts' data.
const CONTRACT_DATA: u8 = 9;

/// Where the state has what the contract `account` keeps at `key`.
pub fn contract_key(account: &NearId, key: &[u8]) -> Vec<u8> {
    [&[CONTRACT_DATA], account.as_str().as_bytes(), b",", key].concat()
}

/// What the state under `root` has at `key`; `None` if it is proved that it has nothing.
///
/// `root` is of one shard; [`super::shard_root`] ties it to a block. `nodes` are those on the path,
/// in any order, others beside them.
///
/// # Errors
/// [`BadProof`] if `nodes` do not show either.
pub fn value(
    root: &CryptoHash,
    key: &[u8],
    nodes: &[Vec<u8>],
) -> Result<Option<ValueRef>, BadProof> {
    if *root == CryptoHash::ZERO {
        // A state with nothing in it has no nodes.
        return Ok(None);
    }
    trie::walk(root, key, 0, &Nodes::new(nodes)?)
}

/// As [`value`], below the root: the first `skipped` nibbles of `key` lead to the node `start`.
pub(super) fn value_below(
    start: &CryptoHash,
    key: &[u8],
    skipped: usize,
    nodes: &[Vec<u8>],
) -> Result<Option<ValueRef>, BadProof> {
    trie::walk(start, key, skipped, &Nodes::new(nodes)?)
}

//! Proofs about Starknet's state, from nothing but a state commitment or a block that is trusted.
//!
//! Pure: no clock, no network. A value is present, proved absent, or its proof is bad; the three
//! are never mixed up. Reading order: `trie` → `state` → `json` → `block`.

mod block;
mod claims;
mod json;
mod state;
mod trie;

pub(crate) use self::claims::verify;
pub use self::{
    block::{BadHeader, GasPrice, HashRule, Header, SignatureRule, Since0_13_2, signed_hash},
    json::{nodes, pathfinder_proof, rpc_proof},
    state::{Asked, ContractState, Proved, Roots, StateProof, class_leaf},
    trie::{BadProof, Node, NodeSet, root_of_list},
};

//! A light client of the beacon chain: what is final, on the word of a sync committee's majority.
//!
//! It starts from a block root that its operator trusts, and follows the hand-over from committee
//! to committee. Pure: no clock, no network. Whoever was away longer than the weak subjectivity
//! period (about two weeks) must begin anew from a fresh root, since old committees' keys may have
//! been sold by then: [`Store::freshness`] tells, the caller decides.
//!
//! Source: consensus-specs, `specs/*/light-client/sync-protocol.md`, Altair to Fulu.

mod claims;
mod committee;
mod containers;
mod network;
mod store;

pub(crate) use self::claims::verify;
pub use self::{
    committee::BadSignature,
    containers::{BeaconHeader, Bootstrap, Execution, Malformed, Update},
    network::{Fork, ForkAt, Network, Preset},
    store::{Freshness, Refused, Store},
};

use alloy::primitives::B256;

/// SHA-256 of two nodes of a Merkle tree.
fn parent(left: &B256, right: &B256) -> B256 {
    let mut both = [0; 64];
    let (first, second) = both.split_at_mut(32);
    first.copy_from_slice(left.as_slice());
    second.copy_from_slice(right.as_slice());
    tree_hash::merkle_root(&both, 2)
}

/// Whether `leaf` stands at `index` of the layer below `branch`, under `root`.
fn is_under(root: &B256, leaf: B256, branch: &[B256], index: usize) -> bool {
    let mut index = index;
    let mut node = leaf;
    for sibling in branch {
        node = if index & 1 == 1 { parent(sibling, &node) } else { parent(&node, sibling) };
        index >>= 1;
    }
    index == 0 && node == *root
}

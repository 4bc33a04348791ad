//! Proofs about a chain's past and state, from nothing but a head that is trusted.
//!
//! Pure: no clock, no network. A proof shows what is, or that it is not, or is bad; the three are
//! never mixed up. How a light client's head leads to a contract's value: the head's block names
//! the root over all shards' states ([`shard_root`]), that names the shard's root, and that the
//! value ([`state::value`]).
//!
//! A block commits to the state *before* it: what its own receipts do shows under the next one.
//!
//! Reading order: `block` → `full_block` → `producers` → `light_client` → `merkle` → `outcome` →
//! `trie` → `state`.

mod block;
mod claims;
mod full_block;
mod light_client;
mod merkle;
mod outcome;
mod producers;
pub mod state;
mod trie;
mod view;

pub(crate) use self::claims::verify;
pub use self::{
    block::{Block, Header, InnerLite},
    full_block::{BadBlock, FullBlock},
    light_client::{LightClient, Refused, Stake},
    merkle::{Direction, PATH_MAX, Step, shard_root},
    outcome::{Outcome, OutcomeProof, Status},
    producers::{PRODUCERS_MAX, Producer, Producers, StakeForm, next_bp_hash},
    trie::{BadProof, Children, Node, NodeBody, ValueRef},
};

/// Reads what `next_light_client_block` answers.
pub(crate) fn light_client_block(
    value: &serde_json::Value,
) -> Result<Block, chain::verdict::Refusal> {
    view::block(chain::verdict::Input(value))
}

/// Reads what `EXPERIMENTAL_validators_ordered` answers.
pub(crate) fn producers(
    value: &serde_json::Value,
) -> Result<Vec<Producer>, chain::verdict::Refusal> {
    view::ordered(value)
}

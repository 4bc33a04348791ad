//! Proofs about a chain's past and state, from nothing but a head that is trusted.
//!
//! Pure: no clock, no network. A proof shows what is, or that it is not, or is bad; the three are
//! never mixed up. How a light client's head leads to a contract's value: the head's block names
//! the root over all shards' states ([`shard_root`]), that names the shard's root, and that the
//! value ([`state::value`]).
//!
//! Reading order: `block` → `producers` → `light_client` → `merkle` → `outcome` → `trie` → `state`.

mod block;
mod claims;
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
    light_client::{LightClient, Refused, Stake},
    merkle::{Direction, PATH_MAX, Step, shard_root},
    outcome::{Outcome, OutcomeProof, Status},
    producers::{PRODUCERS_MAX, Producer, Producers, StakeForm, next_bp_hash},
    trie::{BadProof, Children, Node, NodeBody, ValueRef},
};

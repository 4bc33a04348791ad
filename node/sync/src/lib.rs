//! Keeps replicas of one context in step. No I/O: feed [`Replica`] inputs, carry out its outputs.
//!
//! Never looks into a payload, never reads a clock, never decides who may do what: that is
//! `governance`'s.
//!
//! Reading order: `delta` → `frontier` → `fork` → `rejection` → `message` → `law` → `pending` →
//! `chains` → `session` → `replica` (`intake` → `branch` → `ledger` → `exchange`) → `status`.
//!
//! # Invariants
//! - A delta waits only once [`Authentic`] (form and signature hold), and counts only once
//!   [`Verified`] (predecessor and dependencies merged, its author had the right at the epoch that
//!   it cites, no later cut excludes it). Gossip, catch-up and our own writes share that path.
//! - Each author's merged deltas are a gapless chain up to its [`Head`].
//! - Any order of the same entries, deltas and fork proofs ends in the same frontier (`tests/sim`).
//! - Everything that waits is bounded, and what is dropped for want of room is asked for again.
//! - "In sync" is said only after log, frontier and root were compared.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod bounded;
mod chains;
mod delta;
mod fork;
mod frontier;
mod law;
mod message;
mod pending;
mod rejection;
mod replica;
mod session;
mod status;

pub use delta::{
    Authentic, DEPS_MAX, Delta, DeltaBody, Dep, Header, NO_DELTA, PAYLOAD_MAX_BYTES, SignedHeader,
    Verified, signed_header,
};
pub use fork::ForkProof;
pub use frontier::{Frontier, Head, frontier_hash};
pub use message::{
    FORKS_MAX, GOSSIP_MAX_BYTES, HEADS_MAX, Heartbeat, MESSAGE_MAX_BYTES, Message, PAGE_MAX_BYTES,
    PAGE_MAX_DELTAS, PAGE_MAX_ENTRIES, Positions, RANGES_MAX, Range, Reply, entry_page, page,
};
pub use pending::{PENDING_MAX, PENDING_MAX_BYTES, PENDING_TOTAL_MAX};
pub use rejection::Rejection;
pub use replica::{DraftError, Input, Output, Replica};
pub use session::PeerId;
pub use status::{PeerStatus, Standing, Status};

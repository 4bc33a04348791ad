//! Holds replicated values that merge: typed collections, the deltas' payloads, the state tree.
//!
//! Refuses to do I/O, read a clock or make randomness: state is read through [`Read`], and what
//! must be written is returned as [`Writes`] for the caller's own atomic batch.
//!
//! Reading order: `id` → `payload` → `read` → `row` → `entry` → `ends` → `draft` → `merge` →
//! `refold` → `tree` → `transaction`.
//!
//! # Merge rules
//! - Register: the write with the greatest [`Stamp`] stays.
//! - Map, set: a put or insert adds a dot, `(author, seq)`; whoever overwrites or removes names the
//!   dots that it saw, and those end, with the same authors' earlier ones, unless their clock is
//!   later than its own. So a put concurrent with a remove survives, and of concurrent puts the one
//!   with the greatest [`Stamp`] is what readers see.
//! - Counter: the sum of all additions.
//!
//! # Invariants
//! - Hashed state is a function of the *set* of merged deltas, whatever the order in which the
//!   authors' chains were interleaved, even if an author names dots that it cannot have seen.
//! - Each delta counts once: merging it again is an error, not a second effect.
//! - The tree's shape is a function of the set of live entries, so equal states have equal roots.
//! - Counts, marks and early ends are derived and local: they are never hashed.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod draft;
mod ends;
mod entry;
mod id;
mod merge;
mod payload;
mod read;
mod refold;
mod row;
mod transaction;
mod tree;

pub use id::{CollectionId, EntryKey, IdError, Kind};
pub use merge::{MergeError, Merged, last_seq, merge};
pub use payload::{Dot, KEY_MAX, Op, Origin, PAYLOAD_MAX, Payload, PayloadError, Stamp, VALUE_MAX};
pub use read::{Memory, Read, ReadError, Row, StateError, Writes};
pub use refold::Refold;
pub use transaction::{PAGE_BYTES_MAX, PAGE_MAX, Page, Transaction, TransactionError};
pub use tree::{PROOF_MAX, Proof, ProofError, Proven, prove, root};

//! Golden traces of the on-chain machine: calls in order and what each must come to.
//!
//! The files in `contracts/vectors` are made here from the model in `governance::anchor`, and every
//! contract must reproduce them. The author of a trace says what must come out, by
//! `contracts/README.md`; where the model says something else, no file is written.
//!
//! Reading order: `script` (the text form) → `cast` (who plays) → `eip155` → `stage` (plays a call
//! on the model) → `scene` (writes a trace) → `groups` (the traces) → `file` → `replay` (plays the
//! files in the registry of any chain).
//!
//! # Invariants
//! - Everything follows from names: the same sources make the same files, byte for byte.
//! - A script can be replayed from its abstract calls alone; wire data is what one chain adds.

mod asks;
mod cast;
mod eip155;
mod file;
mod groups;
mod replay;
mod scene;
mod script;
mod stage;

pub use cast::Cast;
pub use eip155::Ethereum;
pub use file::{committed, folder, read, text};
pub use groups::scripts;
pub use replay::{Played, Replay, Venue};
pub use script::{
    Ask, Batch, Deed, Elsewhere, Expect, FORMAT, Flaw, Hex, Invite, Key, Over, PerChain, Place,
    Player, Script, Signature, Signed, Step, Terms, Trace, What,
};
pub use stage::{Outcome, Stage};

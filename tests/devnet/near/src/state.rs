//! What accounts have: a trie, and what a block is changing in it.

mod nibbles;
mod trie;
mod update;

pub use trie::Trie;
pub(crate) use update::{Update, encoded};

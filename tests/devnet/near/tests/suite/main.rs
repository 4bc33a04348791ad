//! The development chain as its users see it.

mod calls;
mod client;
mod contract;
mod javascript;
mod keys;
mod light;
mod program;
mod served;
mod trie;

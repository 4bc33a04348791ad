//! A development chain: the JSON-RPC of NEAR in front of its own VM.
//!
//! [`Chain`] is all of it without clock and network: tests of contracts use it directly. It keeps
//! the protocol's rules for accounts, keys, gas, storage and receipts, runs contracts in the VM
//! that the network runs, and makes blocks that light clients accept.
//!
//! [`Devnet`] serves it over HTTP and lets time pass.
//!
//! Reading order: `state` → `runtime` → `genesis` → `block` → `chain` → `rpc` → `http` → `devnet`.
//!
//! # Invariants
//! - A block's state has the root that the next block's header commits to.
//! - What a receipt changes is kept whole or not at all.
//! - Nothing that a client sends makes the chain panic.

mod block;
mod chain;
mod devnet;
mod genesis;
mod http;
mod rpc;
mod runtime;
mod sandbox;
mod state;

pub use block::Block;
pub use chain::{Call, Chain, Finality, Progress, Ran, Report, sign};
pub use devnet::{Devnet, DevnetConfig, Mining, Time};
pub use genesis::{ChainConfig, GenesisAccount};
pub use runtime::{ViewError, Viewed};
pub use state::Trie;

/// The types of NEAR's that this crate's interface is made of.
pub use near_primitives::{
    account::Account,
    action::Action,
    errors::InvalidTxError,
    hash::CryptoHash,
    transaction::SignedTransaction,
    types::{AccountId, Balance, Gas},
};

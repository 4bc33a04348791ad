//! Translates between the chain seam and Ethereum: the registry through JSON-RPC, wallets by
//! EIP-4361.
//!
//! Refuses to decide, cache or retry. What an endpoint says is checked as far as it can be without
//! headers of one's own: code and chain id, the log head over all revisions, the block in which
//! both were read.
//!
//! Reading order: `adapter` → `wire` → `rpc` → `wallet`.
//!
//! # Invariants
//! - Any bytes, logs or JSON are a value or an error, never a panic, and never more than a bound.
//! - A transaction is simulated before it is signed, so that a refusal costs nothing.

mod adapter;
mod rpc;
mod submit;
mod wallet;
mod wire;

pub use adapter::{Ethereum, EthereumConfig};
pub use wallet::{EthereumWallets, SCHEME_EIP4361};

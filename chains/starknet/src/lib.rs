//! Translates between the chain seam and Starknet: the registry through JSON-RPC, finality by
//! agreement of endpoints or by the core contract on L1, wallets by SNIP-12, and what is proved
//! about the chain's state.
//!
//! Refuses to decide whom of several endpoints to believe: [`chain::Quorum`] does. What an endpoint
//! says about a block is checked against the block's header here, wherever there is a proof and the
//! header's hash can be computed. Every account of Starknet is a contract that alone says what it
//! signed, so nothing here accepts an account's signature without the chain: [`StarknetWallets`]
//! checks what can be checked offline, and leaves the rest to a block that the proof names.
//!
//! Reading order: `felt` → `hash` → `adapter` → `endpoint` → `block` → `proposals` → `signed` →
//! `submit` → `transaction` → `l1` → `rpc` → `wire` → `wallet` → `proof` → `identity`.
//!
//! # Invariants
//! - Any bytes or JSON are a value or an error, never a panic, and never more than a bound.
//! - A felt is below the prime wherever it comes from outside; nothing is reduced silently.
//! - Nothing is called proved under a header whose hash was not computed from its fields.
//! - A transaction is simulated before it is sent, so that a refusal costs nothing.

mod adapter;
mod artifact;
mod block;
mod endpoint;
pub mod felt;
pub mod hash;
mod identity;
mod l1;
pub mod proof;
mod proposals;
mod rpc;
mod signed;
mod submit;
mod transaction;
mod verdict;
pub mod wallet;
mod wire;

pub use adapter::{Settled, Starknet, StarknetConfig};
pub use block::BlockHashes;
pub use l1::{CoreContract, OnL1, WordsOnL1};
pub use wallet::{SCHEME_SNIP12, StarknetWallets};

/// Checks a claim of `kind` about Starknet, offline; `None` if the kind is unknown.
///
/// What may be trusted (a root, a key, an account) stands in `input`. Anything malformed is a
/// verdict against the claim.
pub fn verify(kind: &str, input: &serde_json::Value) -> Option<chain::Verdict> {
    let input = chain::verdict::Input(input);
    identity::verify(kind, input).or_else(|| proof::verify(kind, input))
}

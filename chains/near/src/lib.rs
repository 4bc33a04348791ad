//! Translates between the chain seam and NEAR: the registry through JSON-RPC, finality by agreement
//! of endpoints or by NEAR's light client, wallets by NEP-413.
//!
//! Refuses to decide whom of several endpoints to believe: [`chain::Quorum`] does. What an endpoint
//! says about a block is checked against the block's header here, wherever there is a proof. What
//! only the chain knows (whether a key still is an account's) is asked for in a block that is
//! named, and is never assumed.
//!
//! Reading order: `adapter` → `endpoint` → `proposals` → `signed` → `resolve` → `submit` →
//! `relay` → `consensus` → `rpc` → `registry` → `wire` → `wallet` → `proof` → `identity`.
//!
//! # Invariants
//! - Any bytes or JSON are a value or an error, never a panic, and never more than a bound.
//! - A block's hash is computed from its header's fields, never taken from an endpoint.
//! - A record as of a block is the one that the block's header commits to, which the block before
//!   left; a revision stands in the first block that commits to it.
//! - A signature alone makes no proof valid: whose key it is, is the chain's to say.
//! - A call is tried on the model before it is signed, so that a refusal costs nothing.

mod adapter;
mod consensus;
mod endpoint;
mod identity;
pub mod proof;
mod proposals;
mod registry;
mod relay;
mod resolve;
mod rpc;
mod signed;
mod submit;
mod verdict;
pub mod wallet;
mod wire;

pub use adapter::{Near, NearConfig};
pub use registry::call_arguments;
pub use relay::Delegated;
pub use wallet::{NearWallets, SCHEME_ETH_IMPLICIT, SCHEME_NEP413, SCHEME_NEP641, secret_key};
pub use wire::{CryptoHash, Malformed};

/// Checks a statement of `kind` about NEAR, offline; `None` if the kind is unknown.
///
/// What may be trusted (a head, a root, the block producers) stands in `input`. Anything malformed
/// is a verdict against the statement.
pub fn verify(kind: &str, input: &serde_json::Value) -> Option<chain::Verdict> {
    let input = chain::verdict::Input(input);
    identity::verify(kind, input).or_else(|| proof::verify(kind, input))
}

#[cfg(test)]
mod tests;

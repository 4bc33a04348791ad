//! Translates between the chain seam and Starknet: what accounts sign, and what is proved about the
//! chain's state.
//!
//! Refuses to decide, cache or retry. Every account of Starknet is a contract that alone says what
//! it signed, so nothing here accepts an account's signature without the chain: [`StarknetWallets`]
//! checks what can be checked offline, and gives the call that asks the account and the reading of
//! its answer.
//!
//! Reading order: `felt` → `hash` → `wallet` → `proof` → `identity`.
//!
//! # Invariants
//! - Any bytes or JSON are a value or an error, never a panic, and never more than a bound.
//! - A felt is below the prime wherever it comes from outside; nothing is reduced silently.

pub mod felt;
pub mod hash;
mod identity;
pub mod proof;
mod verdict;
pub mod wallet;

pub use wallet::{SCHEME_SNIP12, StarknetWallets};

/// Checks a claim of `kind` about Starknet, offline; `None` if the kind is unknown.
///
/// What may be trusted (a root, a key, an account) stands in `input`. Anything malformed is a
/// verdict against the claim.
pub fn verify(kind: &str, input: &serde_json::Value) -> Option<chain::Verdict> {
    let input = chain::verdict::Input(input);
    identity::verify(kind, input).or_else(|| proof::verify(kind, input))
}

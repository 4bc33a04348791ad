//! Translates between the chain seam and NEAR: wallets by NEP-413, proofs from a light client's
//! head.
//!
//! Refuses to decide, cache or retry. Everything here is pure: no clock, no network. What only the
//! chain knows (whether a key still is an account's) is checked in the form in which the chain
//! would tell it, and is never assumed.
//!
//! Reading order: `wire` → `wallet` → `proof` → `identity`.
//!
//! # Invariants
//! - Any bytes or JSON are a value or an error, never a panic, and never more than a bound.
//! - A signature alone makes no proof valid: whose key it is, is the chain's to say.

mod identity;
pub mod proof;
mod verdict;
pub mod wallet;
mod wire;

pub use wallet::{NearWallets, SCHEME_ETH_IMPLICIT, SCHEME_NEP413};
pub use wire::{CryptoHash, Malformed};

/// Checks a claim of `kind` about NEAR, offline; `None` if the kind is unknown.
///
/// What may be trusted (a head, a root, the block producers) stands in `input`. Anything malformed
/// is a verdict against the claim.
pub fn verify(kind: &str, input: &serde_json::Value) -> Option<chain::Verdict> {
    let input = chain::verdict::Input(input);
    identity::verify(kind, input).or_else(|| proof::verify(kind, input))
}

#[cfg(test)]
mod tests;

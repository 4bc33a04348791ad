//! Translates between the chain seam and the Internet Computer: wallets by signed identities and
//! delegations, proofs by certificates.
//!
//! Pure: no clock, no network. All trust is one root key, the mainnet's unless configured
//! otherwise, and never asked for at run time.
//!
//! Reading order: `principal` → `proof` → `wallet` → `identity`.
//!
//! # Invariants
//! - Any bytes or JSON are a value or an error, never a panic, and never more than a bound.
//! - Nothing is read from a certificate that has not been checked ([`proof::Certified`]).
//! - A key has one encoding, and so one principal.

mod hash;
mod identity;
mod nanos;
mod principal;
pub mod proof;
pub mod wallet;

pub use nanos::UnixNanos;
pub use principal::{BadPrincipal, Principal, PrincipalKind};
pub use wallet::{IcpWallets, SCHEME_IC};

/// Checks a claim of `kind` about the Internet Computer, offline; `None` if the kind is
/// unknown.
///
/// What may be trusted (a root key, the time) stands in `input`. Anything malformed is a verdict
/// against the claim.
pub fn verify(kind: &str, input: &serde_json::Value) -> Option<chain::Verdict> {
    let input = chain::verdict::Input(input);
    identity::verify(kind, input).or_else(|| proof::verify(kind, input))
}

#[cfg(test)]
mod forge;

//! Translates between the chain seam and the Internet Computer: the registry by boundary nodes,
//! believed by certificates alone; wallets by signed identities and delegations.
//!
//! All trust is one root key, which the network is named after: the mainnet's is built in, and a
//! development network's counts if it hashes to its name. Refuses to believe an endpoint: whether a
//! record is there, where it stands and what happened is proved, by any one of them.
//!
//! Reading order: `adapter` → `endpoint` → `history` → `proposals` → `submit` → `deploy` → `wire` →
//! `principal` → `proof` → `wallet` → `identity`.
//!
//! # Invariants
//! - Any bytes or JSON are a value or an error, never a panic, and never more than a bound.
//! - Nothing is read from a certificate that has not been checked ([`proof::Certified`]).
//! - A key has one encoding, and so one principal.
//! - `proof`, `wallet` and `identity` know no clock and no network.

mod adapter;
mod artifact;
mod deploy;
mod endpoint;
mod hash;
mod history;
mod identity;
mod nanos;
mod principal;
pub mod proof;
mod proposals;
mod submit;
pub mod wallet;
mod wire;

pub use adapter::{Icp, IcpConfig};
pub use deploy::Deployment;
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

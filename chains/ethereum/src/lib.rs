//! Translates between the chain seam and Ethereum: the registry through JSON-RPC, finality by
//! agreement of endpoints or by the beacon chain's light client, wallets by EIP-4361.
//!
//! Refuses to decide whom of several endpoints to believe: [`chain::Quorum`] does. What an endpoint
//! says about a block is checked against the block's header here, wherever there is a proof.
//!
//! Reading order: `adapter` → `endpoint` → `proposals` → `signed` → `submit` → `beacon` → `heads` →
//! `rpc` → `receipts` → `wire` → `proof` → `light_client` → `wallet`.
//!
//! # Invariants
//! - Any bytes, logs or JSON are a value or an error, never a panic, and never more than a bound.
//! - A block's hash is computed from its header's fields, never taken from an endpoint.
//! - A transaction is simulated before it is signed, so that a refusal costs nothing.

mod adapter;
mod beacon;
pub mod contract_account;
mod endpoint;
mod heads;
mod identity;
pub mod light_client;
pub mod proof;
mod proposals;
mod receipts;
mod rpc;
mod signed;
mod submit;
mod typed_data;
mod verdict;
mod wallet;
mod wire;

pub use adapter::{Ethereum, EthereumConfig};
pub use beacon::LightClientConfig;
pub use wallet::{EthereumWallets, SCHEME_EIP4361, SCHEME_ERC1271};
pub use wire::call_data;

/// Checks a claim of `kind` about Ethereum, offline; `None` if the kind is unknown.
///
/// What may be trusted (a root, an address, the time) stands in `input`. Anything malformed is a
/// verdict against the claim.
pub fn verify(kind: &str, input: &serde_json::Value) -> Option<chain::Verdict> {
    let input = verdict::Input(input);
    identity::verify(kind, input)
        .or_else(|| proof::verify(kind, input))
        .or_else(|| light_client::verify(kind, input))
}

//! A development replica: the HTTP interface of the Internet Computer in front of canisters in
//! wasmtime.
//!
//! One subnet with one node. [`Replica`] is the core, without a network or a clock, for tests that
//! call canisters directly; [`Devnet`] is the same behind HTTP, for clients.
//!
//! Reading order: `module` → `host` → `system` → `canister` → `replica` → `tree` → `authority` →
//! `ingress` → `http` → `network`.
//!
//! # Invariants
//! - A message changes all that it changes, or nothing: code runs on a copy of the state.
//! - The same calls at the same times give the same state, certificates included.
//! - Whatever bytes come as a module or a request end in an error, within bounds.

mod account;
mod authority;
mod canister;
mod cbor;
mod host;
mod http;
mod ingress;
mod module;
mod network;
mod price;
mod reject;
mod replica;
mod signature;
mod stable;
mod system;
mod tree;

pub use candid::Principal;

pub use account::{DevAccount, chain_id};
pub use canister::Status;
pub use http::{Devnet, DevnetConfig};
pub use module::MethodKind;
pub use network::Network;
pub use reject::{Reject, RejectCode};
pub use replica::{Answer, Call, InstallMode, Replica, ReplicaConfig};

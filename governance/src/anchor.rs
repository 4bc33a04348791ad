//! The on-chain machine (CAM-1, version 1) as every contract and node spell it: actions, revisions,
//! names, the log head, the packed head, the error codes.
//!
//! Reading order: `account` → `name` → `action` → `revision` → `head` → `code` →
//! `machine`.
//!
//! # Invariants
//! - One encoding per value, big endian, bounded; trailing bytes are refused.
//! - Every hash is keccak-256, which all chains compute, and starts from the registry's domain.

mod account;
mod action;
mod code;
mod head;
mod machine;
mod name;
mod outline;
mod principal;
mod reader;
mod revision;

pub use account::{ACCOUNT_BYTES_MAX, Account};
pub use action::{
    ACTIONS_BYTES_MAX, ACTIONS_MAX, Action, Class, actions_hash, class_of, decode_actions,
    encode_actions,
};
pub use code::Code;
pub use head::{Head, Status};
pub use machine::{
    Approval, Call, Event, FLAG_CLAIMS, Host, Invite, NoHost, PendingDelay, Proposal, Record,
    SCHEME_ED25519, Seat, binding_digest, claim_digest,
};
pub use name::{OnChainId, Registry, log_head};
pub use outline::Outline;
pub use revision::{Created, Happened, Terms};

#[cfg(test)]
mod tests;

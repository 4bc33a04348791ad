//! The machine itself: one record, its transitions, their guards. What every contract must do.
//!
//! A guard that fails changes nothing. Guards stand in the order in which all contracts look at
//! them, so that the same mistake has the same code on every chain.
//!
//! Reading order: `call` → `record` → `proposals` → `apply` → `seats` → `evidence` → `host`.

mod apply;
mod call;
mod evidence;
mod host;
mod proposals;
mod record;
mod seats;

pub use self::{
    call::{Call, Event},
    evidence::{Invite, SCHEME_ED25519, binding_digest, claim_digest},
    host::{Approval, Host, NoHost},
    record::{FLAG_CLAIMS, PendingDelay, Proposal, Record, Seat},
};

#[cfg(test)]
mod tests;

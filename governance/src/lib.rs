//! Decides who may do what: the ordered ACL log, its fold, and the on-chain machine that orders it.
//!
//! Refuses to do I/O, read a clock or make randomness, so that a contract can run the same code.
//!
//! Reading order: `log` (`role` → `genesis` → `invitation` → `change` → `entry` → `verdict` →
//! `acl` → `proposal`) → `members_root` → `anchor`.
//!
//! # Invariants
//! - Authority has one source: the fold [`log::Acl`]. It answers allow, deny(why) or unknown yet.
//! - The same entries give the same fold, byte for byte, on every node.
//! - An entry applies wholly or not at all, and a denied one changes nothing.
#![no_std]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod anchor;
pub mod log;
pub mod members_root;

//! CAM-1, version 1, for Starknet. What it does is said in ../../README.md.
//!
//! Reading order: `interface` → `registry` → `record` → `proposals` → `batch` → `evidence`.

pub mod action;
pub mod batch;
pub mod bytes;
pub mod bytes32;
pub mod error;
pub mod event;
pub mod evidence;
pub mod head;
pub mod interface;
pub mod proposals;
pub mod record;
pub mod registry;
pub mod seats;
pub mod signature;

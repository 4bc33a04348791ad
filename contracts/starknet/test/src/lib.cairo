//! Contracts that the tests use. Not for use with anything of value.

pub mod multisig;
pub mod root;

//! The registry on a running starknet-devnet: golden traces, a multisig in a seat, attacks, costs.
//!
//! Where starknet-devnet is not there, a test prints a line and passes.

#![expect(clippy::print_stdout, reason = "what is left out, and how much was played, is said")]

mod attacks;
mod costs;
mod council;
mod curves;
mod devnet;
mod multisig;
mod replay;
mod wire;

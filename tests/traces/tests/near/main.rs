//! The registry on NEAR: its contract, in NEAR's own virtual machine, on the development chain.

mod costs;
mod dao;
mod hostile;
mod payments;
mod traces;
mod world;

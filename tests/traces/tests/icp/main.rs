//! The Internet Computer's registry, as the wasm that is committed, on the development replica: it
//! reproduces the golden traces, outlives upgrades, obeys canisters, withstands abuse, and costs
//! what the table in `contracts/README.md` says.

mod abuse;
mod binding;
mod costs;
mod dao;
mod quota;
mod traces;
mod upgrade;
mod validate;
mod wire;
mod witness;
mod world;

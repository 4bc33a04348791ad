//! Canisters in the replica, without a network.

mod calls;
mod cdk;
mod messages;
mod upgrades;
mod world;

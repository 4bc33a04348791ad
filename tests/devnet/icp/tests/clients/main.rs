//! Clients of the Internet Computer, as they are, in front of the development replica.

mod agent;
mod js;
mod refused;
mod world;

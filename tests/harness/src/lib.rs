//! Starts real nodes and chains for tests, and ends them whatever happens.
//!
//! Nothing here imitates: [`Node`] runs the `anchorhold` binary as an operator would, [`Anvil`]
//! runs an Ethereum node. Both can be stopped, killed, frozen and started again on the same data.
//! [`Devnet`] runs the development chains of NEAR, the Internet Computer and Starknet.
//! [`Proxy`] is an endpoint between them that lies at command.
//!
//! Reading order: `places` → `process` → `wait` → `anvil` → `devnet` → `proxy` → `node`.
//!
//! # Invariants
//! - Every process that is started ends when its value is dropped, also while a test panics.
//! - Waiting is asking again until a deadline ([`eventually`]); what the last answer was is part
//!   of the error.
//! - Ports are chosen by the system, on the loopback address only.

mod anvil;
mod devnet;
mod node;
pub mod places;
mod process;
mod proxy;
mod wait;

pub use anvil::{Anvil, AnvilConfig, DevAccount};
pub use devnet::{Devnet, DevnetKind};
pub use node::{Caller, Node, NodeConfig, Said};
pub use process::Process;
pub use proxy::{Lie, Proxy};
pub use wait::eventually;

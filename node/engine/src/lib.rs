//! Owns contexts and carries out what their state machines return, in order.
//!
//! The only place where state changes. Knows neither the network nor HTTP: see [`port`] and
//! [`Engine`].
//!
//! Reading order: `request` (what is asked) → `handle` → `create`, `join` → `context` (one task per
//! context: `call`, `outputs`, `session`, `govern`, `anchor`) → `node` → `router` → `wire`, `link`.
//!
//! # Invariants
//! - One task per context; whatever takes long runs beside it and comes back as a command.
//! - A delta's state, its log row, its author's head and its event are one store batch.
//! - An acknowledged write is on disk, and is gossiped no earlier.
//! - A peer is told nothing of a context before it proved to be a member who may read.

mod context;
mod create;
mod error;
pub mod event;
mod handle;
mod join;
pub mod link;
mod node;
pub mod port;
pub mod request;
mod router;
mod row;
mod verifier;
pub mod wire;

pub use context::role_name;
pub use error::EngineError;
pub use governance::{
    anchor::{Account as ChainAccount, Action as ChainAction, Class},
    log::{BlockRef, Caps, Role},
};
pub use handle::Engine;
pub use link::Link;
pub use node::EngineParts;

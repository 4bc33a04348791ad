//! Speaks to people and tools: HTTP and WebSocket around one [`engine::Engine`].
//!
//! Refuses to touch the store, the network or a chain. Default deny: every route but
//! `/v1/health` needs the node's bearer token, and a session acts as this node's own member.
//!
//! Reading order: `wire` (the JSON types) → `auth` → `routes` → `events` → `error` → `server`.
//!
//! # Invariants
//! - Every body is bounded, and every id is parsed before the engine sees it.
//! - "Not yet" is 503 with `retry`, never 500 and never a wrong answer.
//! - The token is compared in constant time, and no secret is ever logged.

mod auth;
mod error;
mod events;
mod routes;
mod server;
pub mod wire;

pub use auth::Token;
pub use server::{Server, ServerError};

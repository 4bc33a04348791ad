//! Runs one guest call under a budget: (module, state, call with its caller) in, (value, payloads,
//! events) out.
//!
//! Refuses to write state, to know a peer, to read a clock or draw randomness for a guest: the
//! caller passes the time and a seed, so that a call can be told by its recorded inputs.
//! The only crate that knows wasmtime.
//!
//! Reading order: `module` → `cache` → `engine` → `host` → `call` → `spare` → `application` →
//! `runtime`.
//!
//! # Invariants
//! - A guest reaches nothing but the imports of `wit/context.wit`.
//! - Every call runs in an instance that no call has used before.
//! - A call that does not answer with a value has no outcome: nothing of it can be committed.
//! - Whatever a guest does, and whatever bytes come as a module, ends in an error, within bounds.

mod application;
mod cache;
mod call;
mod engine;
mod host;
mod module;
#[doc(hidden)]
pub mod rival;
mod runtime;
mod spare;

pub use application::{Application, Argument, Manifest, Method, MethodKind};
pub use call::{
    ARGUMENTS_MAX_BYTES, Call, CallError, Caller, EVENT_MAX_BYTES, EVENTS_MAX, Event,
    LOG_MAX_BYTES, LOGS_MAX, Mode, Outcome, Role, VALUE_MAX_BYTES,
};
pub use engine::{FUEL_MAX, MEMORY_MAX_BYTES, TIME_MAX};
pub use module::{MODULE_MAX_BYTES, ModuleError};
pub use runtime::{Runtime, RuntimeConfig, RuntimeError};

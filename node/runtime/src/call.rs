//! One call: what goes in, what comes out, why it may fail.

use crdt::{Payload, TransactionError};
use types::{AccountId, ContextId, MemberKey, UnixMillis};

use crate::{FUEL_MAX, MEMORY_MAX_BYTES, MethodKind, TIME_MAX, spare::CALLS_MAX};

/// Bytes of a call's arguments: one delta's worth.
pub const ARGUMENTS_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a call's value: a page for a person or a program, not an export.
pub const VALUE_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Events of one call.
pub const EVENTS_MAX: usize = 100;
/// Bytes of one event, kind and data together.
pub const EVENT_MAX_BYTES: usize = 16 * 1024;
/// Log lines of one call.
pub const LOGS_MAX: usize = 100;
/// Bytes of one log line.
pub const LOG_MAX_BYTES: usize = 16 * 1024;

/// Everything that a call depends on besides the state.
#[derive(Clone, Debug)]
pub struct Call {
    /// In which context.
    pub context: ContextId,
    /// What is called; ignored in [`Mode::Init`].
    pub method: String,
    /// A JSON object with the arguments by name; empty means none.
    pub args: Vec<u8>,
    /// Who calls.
    pub caller: Caller,
    /// What the call may do.
    pub mode: Mode,
    /// The time that the guest sees.
    pub now: UnixMillis,
    /// What the guest's random bytes are derived from. Drawn once per call, never used again.
    pub seed: [u8; 32],
}

/// Who calls: a member, never the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its key.
    pub member: MemberKey,
    /// The chain account bound to it.
    pub account: Option<AccountId>,
    /// Its role at the time of the call.
    pub role: Role,
}

/// What a guest is told of its caller's role, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    ReadOnly,
    /// Reads and writes.
    Member,
    /// Manages members too.
    Admin,
    /// Orders the log.
    Owner,
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Sets a new context up.
    Init,
    /// Calls a method that may write.
    Mutate,
    /// Calls a method that reads.
    View,
}

/// What a call came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// JSON; `null` after [`Mode::Init`].
    pub value: Vec<u8>,
    /// What it wrote to shared storage.
    pub shared: Payload,
    /// What it wrote to this node's storage.
    pub private: Payload,
    /// What subscribers are told once it is committed, in order.
    pub events: Vec<Event>,
    /// Its log lines, each cut at [`LOG_MAX_BYTES`], the first [`LOGS_MAX`] of them.
    pub logs: Vec<String>,
    /// How many log lines were left out.
    pub logs_dropped: u64,
    /// Instructions that it took, about.
    pub fuel_used: u64,
}

/// Something that a guest tells subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What kind of thing, in the application's words.
    pub kind: String,
    /// The thing; JSON by the sdk's custom.
    pub data: Vec<u8>,
}

/// Why a call has no outcome. Nothing of it is to be committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The application has no such method.
    #[error("no method {method}")]
    UnknownMethod {
        /// What was called.
        method: String,
    },
    /// The method is of another kind than the call.
    #[error("method {method} is a {found}, so it cannot be called as a {asked}")]
    WrongKind {
        /// What was called.
        method: String,
        /// What it is.
        found: MethodKind,
        /// What it was called as.
        asked: MethodKind,
    },
    /// The arguments do not fit the method.
    #[error("bad arguments: {reason}")]
    BadArguments {
        /// In the application's words.
        reason: String,
    },
    /// The application refused.
    #[error("{reason}")]
    Refused {
        /// In the application's words.
        reason: String,
    },
    /// A view tried to write or to emit an event.
    #[error("a view cannot write")]
    ViewWrites,
    /// The guest wanted more than it may have.
    #[error("too much: {what}, at most {max} allowed")]
    OverLimit {
        /// What of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// What the guest wrote cannot be stored.
    #[error("cannot store that: {0}")]
    Unstorable(#[source] TransactionError),
    /// It took more than [`FUEL_MAX`] instructions.
    #[error("call took more than {FUEL_MAX} instructions")]
    OutOfFuel,
    /// It took longer than [`TIME_MAX`].
    #[error("call took longer than {} s", TIME_MAX.as_secs())]
    OutOfTime,
    /// It wanted more than [`MEMORY_MAX_BYTES`], and gave up.
    #[error("call wanted more than {} MiB of memory", MEMORY_MAX_BYTES >> 20)]
    OutOfMemory,
    /// The guest broke off.
    #[error("application broke off: {reason}")]
    Trapped {
        /// The trap, with the panic message that the guest logged last, if it did.
        reason: String,
    },
    /// Too many calls run, and none of them ended for a while.
    #[error("node is busy: {CALLS_MAX} calls run already")]
    Busy,
    /// The node could not read the state.
    #[error("could not read state")]
    Storage(#[source] TransactionError),
    /// The node could not make an instance.
    #[error("could not start an instance: {reason}")]
    NoInstance {
        /// What happened.
        reason: String,
    },
}

impl CallError {
    /// Whether this node is at fault, not the application or its caller.
    pub const fn is_node_fault(&self) -> bool {
        matches!(self, Self::Busy | Self::Storage(_) | Self::NoInstance { .. })
    }
}

impl From<TransactionError> for CallError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::ReadOnly => Self::ViewWrites,
            error if error.is_guest_fault() => Self::Unstorable(error),
            error => Self::Storage(error),
        }
    }
}

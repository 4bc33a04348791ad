//! What one execution of a canister's code is given, and what it does.

use std::sync::{Arc, OnceLock};

use candid::Principal;
use wasmtime::{Memory, StoreLimits};

use crate::{
    authority::{Authority, Ranges, Signer, State, path},
    cbor::leb128,
    stable::Draft,
    tree::Tree,
};

/// What code is run for; decides which calls of the system it may make. Each has a bit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Stage {
    /// The module's start function.
    Start = 1,
    /// `canister_init` or `canister_post_upgrade`.
    Init = 1 << 1,
    PreUpgrade = 1 << 2,
    Update = 1 << 3,
    /// A query method, called as updates are.
    ReplicatedQuery = 1 << 4,
    Query = 1 << 5,
    Reply = 1 << 6,
    Reject = 1 << 7,
    Cleanup = 1 << 8,
    Inspect = 1 << 9,
    /// Heartbeat or timer.
    Task = 1 << 10,
}

/// An inter-canister call as its caller puts it together.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) callee: Principal,
    pub(crate) method: String,
    pub(crate) arg: Vec<u8>,
    pub(crate) cycles: u128,
    /// Seconds that it waits for the answer, if not for ever.
    pub(crate) patience_s: Option<u32>,
    pub(crate) reply: Closure,
    pub(crate) reject: Closure,
    pub(crate) cleanup: Option<Closure>,
}

/// A function by its place in the table, and what it is called with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closure {
    pub(crate) function: u32,
    pub(crate) environment: u32,
}

/// What code can learn.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) arg: Vec<u8>,
    pub(crate) caller: Vec<u8>,
    pub(crate) method: String,
    /// Code and text, in the callback of a rejected call; the code is kept for its cleanup.
    pub(crate) reject: Option<(u32, String)>,
    pub(crate) deadline_ns: u64,
    pub(crate) canister: Vec<u8>,
    pub(crate) controllers: Vec<Principal>,
    pub(crate) status: u32,
    pub(crate) version: u64,
    pub(crate) time_ns: u64,
    pub(crate) subnet: Vec<u8>,
    pub(crate) root_key: Vec<u8>,
    pub(crate) refunded: u128,
    /// Instructions that the call used in messages before this one.
    pub(crate) instructions: u64,
    pub(crate) certificate: Option<Certificate>,
    /// Whether somebody waits for an answer.
    pub(crate) unanswered: bool,
    pub(crate) fuel: u64,
}

/// What code does; taken over only if it ends well.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) reply: Vec<u8>,
    /// The reply, or the text of a rejection.
    pub(crate) response: Option<Result<Vec<u8>, String>>,
    pub(crate) calls: Vec<Outgoing>,
    pub(crate) building: Option<Outgoing>,
    pub(crate) balance: u128,
    pub(crate) available: u128,
    pub(crate) certified_data: Option<Vec<u8>>,
    /// When the timer is due, 0 for never.
    pub(crate) timer_ns: u64,
    pub(crate) accepted: bool,
    pub(crate) prints: Vec<String>,
}

/// One execution.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) stage: Stage,
    pub(crate) given: Given,
    pub(crate) effects: Effects,
    pub(crate) stable: Draft,
    pub(crate) memory: Option<Memory>,
    pub(crate) limits: StoreLimits,
}

/// A certificate of a canister's certified data, made when it is asked for.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) authority: Arc<Authority>,
    pub(crate) canister: Principal,
    pub(crate) certified_data: Vec<u8>,
    pub(crate) time_ns: u64,
    pub(crate) ranges: Ranges,
    pub(crate) made: OnceLock<Vec<u8>>,
}

impl Certificate {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.made.get_or_init(|| {
            let id = self.canister.as_slice();
            let data = Tree::folder([("certified_data", Tree::leaf(&self.certified_data))]);
            let tree = Tree::folder([
                ("canister", Tree::folder([(id, data)])),
                ("time", Tree::leaf(leb128(self.time_ns))),
            ]);
            let state = State { tree, time_ns: self.time_ns };
            let shown = path([b"canister", id, b"certified_data"]);
            self.authority.certify(&state, &[shown], Signer::Subnet(self.ranges))
        })
    }
}

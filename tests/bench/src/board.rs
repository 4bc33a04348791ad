//! The task board in this process: its module, and a board with one task.

use std::{fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use crdt::{Memory, Origin, Transaction};
use harness::places;
use runtime::{Call, Caller, Mode, Outcome, Role};
use store::{Batch, Durability, Store};
use types::{ContextId, Hlc, MemberKey, UnixMillis};

/// The application that is measured with.
pub(crate) const MODULE: &str = "anchorhold_task_board.wasm";
const CONTEXT: ContextId = ContextId::from_bytes([1; 32]);
const MEMBER: MemberKey = MemberKey::from_bytes([2; 32]);

/// A board in a store.
#[derive(Debug)]
pub(crate) struct Board {
    store: Store,
    seq: u64,
}

/// The bytes of the module.
pub(crate) fn module() -> Result<Vec<u8>> {
    let file = places::guest(MODULE)?;
    fs::read(&file).with_context(|| format!("could not read {}", file.display()))
}

/// A call of `method` by the one member.
pub(crate) fn call(method: &str, args: Vec<u8>) -> Call {
    Call {
        context: CONTEXT,
        method: method.to_owned(),
        args,
        caller: Caller { member: MEMBER, account: None, role: Role::Member },
        mode: Mode::Mutate,
        now: UnixMillis(1),
        seed: [3; 32],
    }
}

/// A call that adds a task to an empty board.
pub(crate) fn add() -> Call {
    call("add", br#"{"title":"water the roses"}"#.to_vec())
}

/// A transaction over nothing.
pub(crate) fn nothing() -> Transaction {
    Transaction::new(Arc::new(Memory::new()))
}

impl Board {
    /// An empty board.
    pub(crate) const fn new(store: Store) -> Self {
        Self { store, seq: 0 }
    }

    /// What a call reads and writes: shared, private.
    pub(crate) fn transactions(&self) -> (Transaction, Transaction) {
        let (shared, private) = (self.store.state(&CONTEXT), self.store.private(&CONTEXT));
        (Transaction::new(Arc::new(shared)), Transaction::new(Arc::new(private)))
    }

    /// Merges what a call wrote and stores it, not waiting for the disk.
    pub(crate) fn commit(&mut self, outcome: &Outcome) -> Result<()> {
        ensure!(!outcome.shared.is_empty(), "the call wrote nothing");
        self.seq += 1;
        let hlc = Hlc { millis: self.seq, count: 0 };
        let origin = Origin { author: MEMBER, seq: self.seq, hlc };
        let merged = crdt::merge(&self.store.state(&CONTEXT), &outcome.shared, &origin)?;
        let mut batch = Batch::new();
        batch.write_state(&CONTEXT, merged.writes);
        self.store.write(batch, Durability::Relaxed)?;
        Ok(())
    }
}

//! What is to be written together.

use std::fmt;

use types::{ContextId, MemberKey};

use crate::{Family, StoreError, backend::Change, family::key};

/// Changes that [`Store::write`](crate::Store::write) applies wholly or not at all, in the order in
/// which they were added: a later change sees the earlier ones.
#[derive(Default)]
pub struct Batch {
    steps: Vec<Step>,
    size_bytes: usize,
}

/// One change, before positions are given out.
pub(crate) enum Step {
    Change(Change),
    Entry { context: ContextId, epoch: u64, bytes: Vec<u8> },
    Delta { context: ContextId, author: MemberKey, seq: u64, bytes: Vec<u8> },
    Void { context: ContextId, author: MemberKey, after_seq: u64 },
    Readmit { context: ContextId, author: MemberKey, after_seq: u64, up_to_seq: u64 },
    Event { context: ContextId, bytes: Vec<u8> },
    Forget { context: ContextId },
}

impl Batch {
    /// Bytes of keys and values that one batch may hold; all of it stands in memory and in one log
    /// record. Far above a delta (4 MiB) with its state, far below what RocksDB takes.
    pub const BYTES_MAX: usize = 256 << 20;

    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Bytes of keys and values added so far.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Merges `writes` into the shared state of `context`: values to put, or `None` to delete.
    pub fn write_state(&mut self, context: &ContextId, writes: crdt::Writes) {
        self.write_all(Family::State, context, writes);
    }

    /// Merges `writes` into the private state of `context`.
    pub fn write_private(&mut self, context: &ContextId, writes: crdt::Writes) {
        self.write_all(Family::Private, context, writes);
    }

    /// Deletes every row of `context` in every family, its secrets included. Rows added to the
    /// batch afterwards stay.
    pub fn forget_context(&mut self, context: &ContextId) {
        self.push(Step::Forget { context: *context }, 32);
    }

    fn write_all(&mut self, family: Family, context: &ContextId, writes: crdt::Writes) {
        for (suffix, value) in writes {
            let key = key(context, &[&suffix]);
            match value {
                Some(value) => self.put(family, key, value),
                None => self.delete(family, key),
            }
        }
    }

    pub(crate) fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.change(Change::Put { family, key, value });
    }

    pub(crate) fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.change(Change::Delete { family, key });
    }

    pub(crate) fn push(&mut self, step: Step, size_bytes: usize) {
        self.size_bytes = self.size_bytes.saturating_add(size_bytes);
        self.steps.push(step);
    }

    pub(crate) fn into_steps(self) -> Result<Vec<Step>, StoreError> {
        let (size, max) = (self.size_bytes, Self::BYTES_MAX);
        if size > max {
            return Err(StoreError::TooLarge { what: "batch", size, max });
        }
        Ok(self.steps)
    }

    fn change(&mut self, change: Change) {
        let size_bytes = change.size_bytes();
        self.push(Step::Change(change), size_bytes);
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be private state.
        f.debug_struct("Batch")
            .field("steps", &self.steps.len())
            .field("size_bytes", &self.size_bytes)
            .finish()
    }
}

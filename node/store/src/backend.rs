//! Ordered rows in families, on disk or in memory: the few operations all else is made of.

mod disk;
mod memory;

use std::sync::Arc;

pub(crate) use disk::Disk;
use disk::DiskSnapshot;
pub(crate) use memory::Memory;
use memory::Tables;

use crate::{Family, StoreError, family::above};

/// A key and its value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// One primitive change.
#[derive(Debug)]
pub(crate) enum Change {
    Put {
        family: Family,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Delete {
        family: Family,
        key: Vec<u8>,
    },
    /// Deletes every key that begins with `prefix`.
    DeletePrefix {
        family: Family,
        prefix: Vec<u8>,
    },
}

impl Change {
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Put { key, value, .. } => key.len() + value.len(),
            Self::Delete { key, .. } => key.len(),
            Self::DeletePrefix { prefix, .. } => prefix.len(),
        }
    }
}

/// Which rows: `from ≤ key < to`, at most `limit` of them, and no further row once the values
/// taken make `bytes_max`. So at least one row comes if there is one.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Option<Vec<u8>>,
    pub(crate) limit: usize,
    pub(crate) bytes_max: usize,
}

impl Rows {
    /// All rows whose key begins with `prefix`.
    pub(crate) fn under(prefix: Vec<u8>) -> Self {
        let to = above(&prefix);
        Self { from: prefix, to, limit: usize::MAX, bytes_max: usize::MAX }
    }

    /// Only those after `key`.
    pub(crate) fn after(mut self, mut key: Vec<u8>) -> Self {
        // The least key above `key` itself.
        key.push(0);
        self.from = self.from.max(key);
        self
    }

    /// At most `limit`, and at most about `bytes_max` bytes of values.
    pub(crate) fn at_most(mut self, limit: usize, bytes_max: usize) -> Self {
        self.limit = limit;
        self.bytes_max = bytes_max;
        self
    }

    fn is_empty(&self) -> bool {
        self.limit == 0 || self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// Takes rows until the bounds of a request are met.
struct Page {
    rows: Vec<Row>,
    bytes: usize,
}

impl Page {
    fn new() -> Self {
        Self { rows: Vec::new(), bytes: 0 }
    }

    /// Whether there is room for another row.
    fn push(&mut self, request: &Rows, key: &[u8], value: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(value.len());
        self.rows.push((key.to_vec(), value.to_vec()));
        self.rows.len() < request.limit && self.bytes < request.bytes_max
    }
}

/// Where the rows are.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Disk(Arc<Disk>),
    Memory(Arc<Memory>),
}

/// Rows to read: as they are, or as they were.
#[derive(Clone)]
pub(crate) enum Source {
    Live(Backend),
    Disk(Arc<DiskSnapshot>),
    Memory(Arc<Tables>),
}

impl Backend {
    /// Applies all of `changes`, in order, or none. Not synced.
    pub(crate) fn write(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        match self {
            Self::Disk(disk) => disk.write(changes),
            Self::Memory(memory) => {
                memory.write(changes);
                Ok(())
            }
        }
    }

    /// Returns once everything written before is on disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        match self {
            Self::Disk(disk) => disk.sync(),
            Self::Memory(_) => Ok(()),
        }
    }

    /// The rows as they are at this moment, whatever is written later.
    pub(crate) fn snapshot(&self) -> Source {
        match self {
            Self::Disk(disk) => Source::Disk(Arc::new(disk::snapshot(Arc::clone(disk)))),
            Self::Memory(memory) => Source::Memory(memory.tables()),
        }
    }
}

impl Source {
    pub(crate) fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Live(Backend::Disk(disk)) => disk.get(family, key),
            Self::Live(Backend::Memory(memory)) => Ok(memory.tables().get(family, key)),
            Self::Disk(snapshot) => disk::get_at(snapshot, family, key),
            Self::Memory(tables) => Ok(tables.get(family, key)),
        }
    }

    /// The rows asked for, in ascending order of their keys.
    pub(crate) fn rows(&self, family: Family, request: &Rows) -> Result<Vec<Row>, StoreError> {
        if request.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Live(Backend::Disk(disk)) => disk.rows(family, request),
            Self::Live(Backend::Memory(memory)) => Ok(memory.tables().rows(family, request)),
            Self::Disk(snapshot) => disk::rows_at(snapshot, family, request),
            Self::Memory(tables) => Ok(tables.rows(family, request)),
        }
    }

    /// The row with the greatest key that begins with `prefix`.
    pub(crate) fn last(&self, family: Family, prefix: &[u8]) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Live(Backend::Disk(disk)) => disk.last(family, prefix),
            Self::Live(Backend::Memory(memory)) => Ok(memory.tables().last(family, prefix)),
            Self::Disk(snapshot) => disk::last_at(snapshot, family, prefix),
            Self::Memory(tables) => Ok(tables.last(family, prefix)),
        }
    }
}

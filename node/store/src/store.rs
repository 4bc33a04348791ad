//! The store: opened once, shared by everything that keeps something.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use crate::{
    Batch, StoreError,
    backend::{Backend, Disk, Memory, Source},
    commit::{self, Ledger},
    folder,
    syncer::Syncer,
};

/// Name of the database's folder in the data folder.
const FOLDER: &str = "db";

/// What the operator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// When writes are acknowledged.
    pub sync_policy: SyncPolicy,
    /// Memory for blocks read from disk, shared by all contexts.
    pub cache_bytes: usize,
    /// Memory for rows not yet in tables, shared by all contexts.
    pub memtable_bytes_max: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            sync_policy: SyncPolicy::Always,
            cache_bytes: 64 << 20,
            memtable_bytes_max: 32 << 20,
        }
    }
}

/// When the node acknowledges what it was told to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Once it is on disk.
    #[default]
    Always,
    /// Once the operating system has it: survives a crash of the node, not of the machine.
    Relaxed,
}

/// What one write waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The operating system has it. A later [`Store::on_durable`] covers it.
    Relaxed,
    /// It is on disk, one sync being shared with everyone who waits at the same time. Blocks.
    Synced,
}

/// What a write gave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Sequence numbers of the appended events, in the order of the batch.
    pub events: Vec<u64>,
}

/// A handle on one database; clones share it. The database closes with the last handle, view and
/// snapshot, after everything written was synced.
///
/// All methods are blocking and may be called from any thread.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    backend: Backend,
    /// Present when acknowledging means waiting for the disk.
    syncer: Option<Syncer>,
    /// Held from reading positions to having written them, so that numbers follow the order of
    /// writes. A leaf: nothing is awaited and no other lock is taken while it is held.
    ledger: Mutex<Ledger>,
    sync_policy: SyncPolicy,
}

impl Store {
    /// Opens, or creates, the database in the folder `db` of `data_folder`.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Denied`], [`StoreError::Exposed`],
    /// [`StoreError::Damaged`], [`StoreError::UnknownSchema`], [`StoreError::DiskFull`] or
    /// [`StoreError::Io`]. A refused folder is left as it was.
    pub fn open(data_folder: &Path, config: StoreConfig) -> Result<Self, StoreError> {
        folder::prepare(data_folder)?;
        let disk = Disk::open(&data_folder.join(FOLDER), &config)?;
        let backend = Backend::Disk(Arc::new(disk));
        let syncer = match config.sync_policy {
            SyncPolicy::Always => {
                let started = Syncer::start(backend.clone());
                Some(started.map_err(|error| StoreError::io(data_folder, error))?)
            }
            SyncPolicy::Relaxed => None,
        };
        Ok(Self::new(backend, syncer, config.sync_policy))
    }

    /// A store that forgets everything when its last handle is dropped.
    pub fn in_memory() -> Self {
        Self::new(Backend::Memory(Arc::new(Memory::new())), None, SyncPolicy::Relaxed)
    }

    fn new(backend: Backend, syncer: Option<Syncer>, sync_policy: SyncPolicy) -> Self {
        let ledger = Mutex::new(Ledger::new());
        Self(Arc::new(Inner { backend, syncer, ledger, sync_policy }))
    }

    /// What acknowledging means here; [`SyncPolicy::Relaxed`] for a store in memory.
    pub fn sync_policy(&self) -> SyncPolicy {
        self.0.sync_policy
    }

    /// Applies all of `batch`, or nothing.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over [`Batch::BYTES_MAX`]; [`StoreError::Taken`] for a log position
    /// that is filled; [`StoreError::SyncFailed`] after a failed sync; [`StoreError::DiskFull`] or
    /// [`StoreError::Io`] from the disk. With [`Durability::Synced`] also a failed sync, after
    /// which the batch may or may not be there.
    pub fn write(&self, batch: Batch, durability: Durability) -> Result<Written, StoreError> {
        if let Some(syncer) = &self.0.syncer {
            syncer.refuse_failed()?;
        }
        let events = self.apply(batch)?;
        match durability {
            Durability::Relaxed => {}
            Durability::Synced => self.sync_wal()?,
        }
        Ok(Written { events })
    }

    /// Calls `done` once everything written before this call is on disk, or cannot be. Many callers
    /// share one sync.
    ///
    /// `done` runs on the store's own thread, or at once where nothing is to be waited for
    /// ([`SyncPolicy::Relaxed`]); it must be short, and must not wait for the store. Blocks only
    /// while 4,096 callers are waiting already.
    pub fn on_durable(&self, done: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        match &self.0.syncer {
            Some(syncer) => syncer.wait(Box::new(done)),
            None => done(Ok(())),
        }
    }

    /// Returns once everything written before is on disk. Many callers share one sync.
    ///
    /// # Errors
    /// [`StoreError::SyncFailed`] and what the disk says; the store must then be reopened.
    pub fn sync_wal(&self) -> Result<(), StoreError> {
        let (tx, rx) = mpsc::sync_channel(1);
        self.on_durable(move |result| {
            // The receiver waits below until something is sent.
            drop(tx.send(result));
        });
        rx.recv().unwrap_or(Err(StoreError::SyncFailed))
    }

    pub(crate) fn live(&self) -> Source {
        Source::Live(self.0.backend.clone())
    }

    pub(crate) fn frozen(&self) -> Source {
        self.0.backend.snapshot()
    }

    fn apply(&self, batch: Batch) -> Result<Vec<u64>, StoreError> {
        let steps = batch.into_steps()?;
        // Poisoned only by a panic before the ledger changed, so what it holds is still true.
        let mut ledger = self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let commit = commit::resolve(steps, &self.live(), &ledger)?;
        if let Err(error) = self.0.backend.write(commit.changes) {
            // What was written is unknown: read the positions again before giving out more.
            ledger.clear();
            return Err(error);
        }
        ledger.extend(commit.ledger);
        Ok(commit.events)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.0.backend)
            .field("sync_policy", &self.0.sync_policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crdt::Read as _;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
    use types::{ContextId, MemberKey};

    use super::*;
    use crate::{Family, Keystore, backend::Change};

    const HERE: ContextId = ContextId::from_bytes([7; 32]);
    const AUTHOR: MemberKey = MemberKey::from_bytes([1; 32]);

    /// Reads all there is to read; what matters is that it returns.
    fn read_everything(store: &Store) -> Vec<StoreError> {
        let all = usize::MAX;
        let mut rng = ChaCha20Rng::from_seed([0; 32]);
        let keystore = Keystore::in_memory(&mut rng);
        let results = [
            store.contexts().map(drop),
            store.contexts_with_local("name").map(drop),
            store.frontier(&HERE).map(drop),
            store.entries_after(&HERE, None, all, all).map(drop),
            store.delta(&HERE, &AUTHOR, 1).map(drop),
            store.deltas_after(&HERE, &AUTHOR, 0, u64::MAX, all).map(drop),
            store.deltas(&HERE).and_then(|mut rows| rows.try_for_each(|row| row.map(drop))),
            store.quarantined_deltas(&HERE, &AUTHOR, all).map(drop),
            store.events_after(&HERE, 0, all, all).map(drop),
            store.last_event(&HERE).map(drop),
            keystore.member(store, &HERE).map(drop),
            keystore.epoch_secrets(store, &HERE).map(drop),
            keystore.wallets(store).map(drop),
            store.write(every_step(), Durability::Synced).map(drop),
        ];
        store.state(&HERE).scan(b"", None, all).expect("any bytes are state");
        results.into_iter().filter_map(Result::err).collect()
    }

    fn every_step() -> Batch {
        let mut batch = Batch::new();
        batch.void_deltas(&HERE, &AUTHOR, 0);
        batch.readmit_deltas(&HERE, &AUTHOR, 0, u64::MAX);
        batch.append_event(&HERE, Vec::new());
        batch.append_delta(&HERE, &AUTHOR, 9, Vec::new());
        batch
    }

    fn row() -> impl Strategy<Value = (usize, Vec<u8>, Vec<u8>)> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..90);
        // Keys that get past the first check: of our context, our author, a known kind of row.
        let key = (any::<bool>(), 0..4_u8, any::<bool>(), bytes()).prop_map(
            |(is_ours, kind, has_author, rest)| {
                let mut key = if is_ours { HERE.as_bytes().to_vec() } else { Vec::new() };
                key.push(kind);
                if has_author {
                    key.extend_from_slice(AUTHOR.as_bytes());
                }
                key.extend_from_slice(&rest);
                key
            },
        );
        (0..Family::ALL.len(), key, bytes())
    }

    proptest! {
        #[test]
        fn arbitrary_rows_are_errors_never_panics(rows in prop::collection::vec(row(), 0..20)) {
            let store = Store::in_memory();
            let put = |(at, key, value)| Change::Put { family: Family::ALL[at], key, value };
            store.0.backend.write(rows.into_iter().map(put).collect()).expect("in memory");
            for error in read_everything(&store) {
                let is_expected =
                    matches!(error, StoreError::Corrupt { .. } | StoreError::Taken { .. });
                prop_assert!(is_expected, "{error:?}");
            }
        }
    }

    #[test]
    fn a_delta_under_anothers_name_is_corrupt() {
        let store = Store::in_memory();
        let mut batch = Batch::new();
        batch.append_delta(&HERE, &AUTHOR, 1, b"delta".to_vec());
        store.write(batch, Durability::Relaxed).expect("written");
        let wrong = crate::deltas::index_key(&HERE, &AUTHOR, 2);
        let order = 1_u64.to_be_bytes().to_vec();
        let change = Change::Put { family: Family::Deltas, key: wrong, value: order };
        store.0.backend.write(vec![change]).expect("in memory");
        assert!(matches!(store.delta(&HERE, &AUTHOR, 2), Err(StoreError::Corrupt { .. })));
        assert!(store.delta(&HERE, &AUTHOR, 1).expect("read").is_some());
    }

    #[test]
    fn a_blob_that_is_not_its_name_is_corrupt() {
        let store = Store::in_memory();
        let hash = types::Hash::of(b"blob");
        let key = hash.as_bytes().to_vec();
        let change = Change::Put { family: Family::Blobs, key, value: b"other".to_vec() };
        store.0.backend.write(vec![change]).expect("in memory");
        let refused = store.blob(&hash).expect_err("another blob").to_string();
        assert_eq!(refused, format!("row {hash} of family blobs is corrupt"));
    }
}

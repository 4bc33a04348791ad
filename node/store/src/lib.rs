//! Keeps bytes, atomically: one RocksDB for all contexts of a node, or its twin in memory.
//!
//! Refuses to know what the bytes mean: deltas, entries and genesis records arrive and leave
//! encoded. What it knows are names (contexts, authors, sequence numbers) and orders.
//! The only crate that knows RocksDB.
//!
//! Reading order: `family` → `batch` → `store` → one file per noun (`contexts`, `entries`,
//! `deltas`, `events`, `blobs`, `meta`) → `view` → `keystore`; beneath them `commit` (what a batch
//! means), `backend` (disk, memory), `syncer` (group commit), `folder` (who may read the files).
//!
//! # Invariants
//! - A [`Batch`] is in the store wholly or not at all, also after a crash.
//! - Acknowledged is on disk: [`Store::on_durable`] answers `Ok` only after the write-ahead log was
//!   synced past everything written before the call (unless the operator chose
//!   [`SyncPolicy::Relaxed`], which [`Store::sync_policy`] tells).
//! - After one failed sync nothing is acknowledged again until the store is reopened.
//! - Bytes on disk never cause a panic: what does not parse is [`StoreError::Corrupt`].
//! - Secrets are sealed before they reach the store, never printed, and wiped when dropped.

mod backend;
mod batch;
mod blobs;
mod commit;
mod contexts;
mod deltas;
mod entries;
mod error;
mod events;
mod family;
mod folder;
pub mod keystore;
mod meta;
mod store;
mod syncer;
mod view;

pub use batch::Batch;
pub use blobs::BLOB_BYTES_MAX;
pub use contexts::FrontierRow;
pub use deltas::{DeltaRow, Deltas};
pub use entries::EntryRow;
pub use error::{BoxError, RowKey, StoreError};
pub use events::{EventPage, EventRow};
pub use family::Family;
pub use keystore::Keystore;
pub use store::{Durability, Store, StoreConfig, SyncPolicy, Written};
pub use view::{Snapshot, View};

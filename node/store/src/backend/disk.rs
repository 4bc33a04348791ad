//! Rows in RocksDB.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRawIterator, LogLevel, Options, ReadOptions, Snapshot, WriteBatch, WriteBufferManager,
};

use super::{Change, Page, Row, Rows};
use crate::{Family, StoreConfig, StoreError, family::above, folder, meta};

/// One memtable; families that see few writes never grow one to this size.
const MEMTABLE_BYTES: usize = 8 << 20;
/// Log of writes kept for families that were not flushed yet: bounds the time of a restart.
const WAL_BYTES_MAX: u64 = 64 << 20;
/// Open table files; more are opened again when read.
const OPEN_FILES_MAX: i32 = 256;
/// Bits of bloom filter per key: 1 % of the reads of an absent key touch the disk.
const BLOOM_BITS: f64 = 10.0;
/// Blobs from this size are kept beside the tree, so that compaction does not copy them.
const BLOB_FILE_BYTES_MIN: u64 = 32 << 10;
/// RocksDB's own log: two files of this size.
const INFO_LOG_BYTES_MAX: usize = 1 << 20;

/// An open database.
pub(crate) struct Disk {
    db: DB,
    path: PathBuf,
}

self_cell::self_cell!(
    /// A snapshot together with the database it belongs to.
    pub(crate) struct DiskSnapshot {
        owner: Arc<Disk>,
        #[covariant]
        dependent: Snapshot,
    }
);

impl Disk {
    /// Opens or creates the database in `path`.
    pub(crate) fn open(path: &Path, config: &StoreConfig) -> Result<Self, StoreError> {
        folder::prepare(path)?;
        let is_new = refuse_what_is_not_ours(path)?;
        let budget = Budget::new(config);
        let families = Family::ALL
            .map(|family| ColumnFamilyDescriptor::new(family.name(), budget.options(family)));
        let options = budget.database(is_new);
        let db = DB::open_cf_descriptors(&options, path, families)
            .map_err(|error| opening(path, error))?;
        let disk = Self { db, path: path.to_owned() };
        meta::claim(&disk)?;
        Ok(disk)
    }

    /// Whether no family has a row.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        for family in Family::ALL {
            if self.last(family, &[])?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.column(family), key).map_err(|error| self.failed(error))
    }

    pub(super) fn rows(&self, family: Family, request: &Rows) -> Result<Vec<Row>, StoreError> {
        let options = bounds(&request.from, request.to.as_deref());
        self.page(self.db.raw_iterator_cf_opt(self.column(family), options), request)
    }

    pub(super) fn last(&self, family: Family, prefix: &[u8]) -> Result<Option<Row>, StoreError> {
        let options = bounds(prefix, above(prefix).as_deref());
        self.last_of(self.db.raw_iterator_cf_opt(self.column(family), options))
    }

    pub(crate) fn write(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let size = changes.iter().map(Change::size_bytes).sum();
        let mut batch = WriteBatch::with_capacity_bytes(size);
        for change in changes {
            match change {
                Change::Put { family, key, value } => {
                    batch.put_cf(self.column(family), key, value);
                }
                Change::Delete { family, key } => batch.delete_cf(self.column(family), key),
                Change::DeletePrefix { family, prefix } => {
                    self.delete_prefix(&mut batch, family, prefix);
                }
            }
        }
        self.db.write(batch).map_err(|error| self.failed(error))
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.db.flush_wal(true).map_err(|error| self.failed(error))
    }

    fn delete_prefix(&self, batch: &mut WriteBatch, family: Family, prefix: Vec<u8>) {
        // A prefix without a successor is all 0xff; no key of ours is longer than this one.
        let to = above(&prefix).unwrap_or_else(|| vec![u8::MAX; 4096]);
        batch.delete_range_cf(self.column(family), prefix, to);
    }

    fn column(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(family.name()).expect("every family was opened or created in `open`")
    }

    fn page(&self, mut rows: DBRawIterator<'_>, request: &Rows) -> Result<Vec<Row>, StoreError> {
        let mut page = Page::new();
        rows.seek_to_first();
        // Terminates: each turn moves the iterator, and the upper bound ends it.
        while let Some((key, value)) = rows.item() {
            if !page.push(request, key, value) {
                return Ok(page.rows);
            }
            rows.next();
        }
        rows.status().map_err(|error| self.failed(error))?;
        Ok(page.rows)
    }

    fn last_of(&self, mut rows: DBRawIterator<'_>) -> Result<Option<Row>, StoreError> {
        rows.seek_to_last();
        if let Some((key, value)) = rows.item() {
            return Ok(Some((key.to_vec(), value.to_vec())));
        }
        rows.status().map_err(|error| self.failed(error))?;
        Ok(None)
    }

    fn failed(&self, error: rocksdb::Error) -> StoreError {
        let path = self.path.clone();
        match fault(&error) {
            Fault::Full => StoreError::DiskFull { path, source: error.into() },
            Fault::Denied => StoreError::Denied { path, source: error.into() },
            Fault::Damaged => StoreError::Damaged { path, source: error.into() },
            Fault::Locked | Fault::Other => StoreError::Io { path, source: error.into() },
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Disk").field(&self.path).finish()
    }
}

pub(super) fn snapshot(disk: Arc<Disk>) -> DiskSnapshot {
    DiskSnapshot::new(disk, |disk| disk.db.snapshot())
}

pub(super) fn get_at(
    snapshot: &DiskSnapshot,
    family: Family,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let disk = snapshot.borrow_owner();
    snapshot.borrow_dependent().get_cf(disk.column(family), key).map_err(|error| disk.failed(error))
}

pub(super) fn rows_at(
    snapshot: &DiskSnapshot,
    family: Family,
    request: &Rows,
) -> Result<Vec<Row>, StoreError> {
    let disk = snapshot.borrow_owner();
    let options = bounds(&request.from, request.to.as_deref());
    let rows = snapshot.borrow_dependent().raw_iterator_cf_opt(disk.column(family), options);
    disk.page(rows, request)
}

pub(super) fn last_at(
    snapshot: &DiskSnapshot,
    family: Family,
    prefix: &[u8],
) -> Result<Option<Row>, StoreError> {
    let disk = snapshot.borrow_owner();
    let options = bounds(prefix, above(prefix).as_deref());
    let rows = snapshot.borrow_dependent().raw_iterator_cf_opt(disk.column(family), options);
    disk.last_of(rows)
}

fn bounds(from: &[u8], to: Option<&[u8]>) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(from);
    if let Some(to) = to {
        options.set_iterate_upper_bound(to);
    }
    options
}

/// What all families share, so that a thousand idle contexts cost nothing.
struct Budget {
    cache: Cache,
    memtables: WriteBufferManager,
}

impl Budget {
    fn new(config: &StoreConfig) -> Self {
        let cache = Cache::new_lru_cache(config.cache_bytes);
        let memtables =
            WriteBufferManager::new_write_buffer_manager(config.memtable_bytes_max, false);
        Self { cache, memtables }
    }

    fn database(&self, is_new: bool) -> Options {
        let mut options = Options::default();
        // Only where nothing is: a lost CURRENT file must not begin a new database over an old one.
        options.create_if_missing(is_new);
        // A crash in the middle of creation leaves some families out.
        options.create_missing_column_families(true);
        options.set_write_buffer_manager(&self.memtables);
        options.set_max_total_wal_size(WAL_BYTES_MAX);
        options.set_max_open_files(OPEN_FILES_MAX);
        options.set_max_background_jobs(2);
        options.set_paranoid_checks(true);
        options.set_log_level(LogLevel::Warn);
        options.set_max_log_file_size(INFO_LOG_BYTES_MAX);
        options.set_keep_log_file_num(2);
        options.set_stats_dump_period_sec(0);
        options.set_stats_persist_period_sec(0);
        options
    }

    fn options(&self, family: Family) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&self.cache);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_bloom_filter(BLOOM_BITS, false);
        let mut options = Options::default();
        options.set_block_based_table_factory(&table);
        options.set_write_buffer_size(MEMTABLE_BYTES);
        options.set_max_write_buffer_number(2);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_level_compaction_dynamic_level_bytes(true);
        if family == Family::Blobs {
            options.set_enable_blob_files(true);
            options.set_min_blob_size(BLOB_FILE_BYTES_MIN);
            options.set_blob_compression_type(DBCompressionType::Lz4);
            options.set_enable_blob_gc(true);
        }
        options
    }
}

/// Whether the folder is to become a database. Looks only; nothing is changed by a refusal.
fn refuse_what_is_not_ours(path: &Path) -> Result<bool, StoreError> {
    if path.join("CURRENT").try_exists().map_err(|error| StoreError::io(path, error))? {
        let names = DB::list_cf(&Options::default(), path).map_err(|error| opening(path, error))?;
        let known = |name: &String| {
            name == rocksdb::DEFAULT_COLUMN_FAMILY_NAME
                || Family::ALL.iter().any(|family| family.name() == name)
        };
        return match names.into_iter().find(|name| !known(name)) {
            Some(name) => Err(StoreError::UnknownSchema {
                found: format!("with a family \"{name}\""),
                known: meta::SCHEMA,
            }),
            None => Ok(false),
        };
    }
    for file in path.read_dir().map_err(|error| StoreError::io(path, error))? {
        let name = file.map_err(|error| StoreError::io(path, error))?.file_name();
        let is_data = [".sst", ".log", ".blob"]
            .iter()
            .any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()));
        if is_data {
            let source = io::Error::new(io::ErrorKind::NotFound, "the file CURRENT is missing");
            return Err(StoreError::Damaged { path: path.to_owned(), source: source.into() });
        }
    }
    Ok(true)
}

/// What a RocksDB error means; its kinds are too coarse, so the text decides.
enum Fault {
    Locked,
    Full,
    Denied,
    Damaged,
    Other,
}

fn fault(error: &rocksdb::Error) -> Fault {
    let text = error.as_ref();
    let says = |needle| text.contains(needle);
    if says("lock hold by current process") || says("While lock file") {
        if says("Permission denied") { Fault::Denied } else { Fault::Locked }
    } else if says("No space left on device") || says("Disk quota exceeded") {
        Fault::Full
    } else if says("Permission denied") || says("Read-only file system") {
        Fault::Denied
    } else if error.kind() == rocksdb::ErrorKind::Corruption {
        Fault::Damaged
    } else {
        Fault::Other
    }
}

fn opening(path: &Path, error: rocksdb::Error) -> StoreError {
    let source = error.clone().into();
    let path = path.to_owned();
    match fault(&error) {
        Fault::Locked => StoreError::Locked { folder: path },
        Fault::Full => StoreError::DiskFull { path, source },
        Fault::Denied => StoreError::Denied { path, source },
        // When opening, a file that is named but missing is damage too.
        Fault::Damaged => StoreError::Damaged { path, source },
        Fault::Other if error.as_ref().contains("No such file") => {
            StoreError::Damaged { path, source }
        }
        Fault::Other => StoreError::Io { path, source },
    }
}

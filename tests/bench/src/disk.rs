//! The store's folder after 10,000 writes of 32 bytes, before and after compaction.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use rocksdb::{DB, DBCompressionType, Options};
use sync::Message;
use tempfile::TempDir;

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
    scene,
};

const WRITES: usize = 10_000;
/// In megabytes.
const LIMIT: f64 = 10.0;

pub(crate) fn run(_: &Scale) -> Result<Vec<Row>> {
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let folder = dir.path().join("node");
    let (mut author, mut reader) = scene::open(&folder)?;
    for _ in 0..WRITES {
        reader.apply(&Message::Fresh(Box::new(author.next()?)).encode())?;
    }
    drop(reader);
    let closed = megabytes(&folder)?;
    compact(&folder.join("db"))?;
    let compacted = megabytes(&folder)?;
    let row = |what: &str, how: &str, value, beside, ratio_max| Row {
        what: format!("disk after {WRITES} writes of 32 bytes, {what}"),
        how: how.to_owned(),
        unit: Unit::Megabytes,
        subject: Sample::one(value),
        beside,
        ratio_max,
    };
    Ok(vec![
        row(
            "as the store was closed",
            "all files: tables, write-ahead log, RocksDB's own log",
            closed,
            Beside::Nothing,
            None,
        ),
        row(
            "after compaction",
            "10,000 distinct keys in one map, one delta each, in the engine's batches: all deltas, \
             state, tree and events; every family compacted by RocksDB (LZ4), reopened, closed",
            compacted,
            Beside::Limit(LIMIT),
            Some(1.0),
        ),
    ])
}

fn compact(path: &Path) -> Result<()> {
    let mut options = Options::default();
    options.set_compression_type(DBCompressionType::Lz4);
    let families = DB::list_cf(&options, path).context("the families")?;
    let database = DB::open_cf(&options, path, &families).context("the store")?;
    for name in &families {
        let family = database.cf_handle(name).context("a family that was listed")?;
        database.flush_cf(family).context("a flush")?;
        database.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
    }
    drop(database);
    // What compaction replaced is deleted at the latest by the next opening.
    drop(DB::open_cf(&options, path, &families).context("the store, again")?);
    Ok(())
}

/// Millions of bytes in the files under `folder`.
pub(crate) fn megabytes(folder: &Path) -> Result<f64> {
    Ok(bytes(folder)? as f64 / 1e6)
}

fn bytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let entry = entry?;
        let found = entry.metadata()?;
        sum += if found.is_dir() { bytes(&entry.path())? } else { found.len() };
    }
    Ok(sum)
}

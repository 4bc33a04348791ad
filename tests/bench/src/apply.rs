//! Applying a received delta, against one strict Ed25519 check and one RocksDB write of its bytes.

use anyhow::{Context as _, Result};
use rocksdb::{DB, Options};
use sync::Message;
use tempfile::TempDir;
use types::{Tagged as _, encode};

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
    scene,
};

/// Turns before the other side's.
const BATCH: usize = 50;
/// Keys in the context before anything is measured.
const KEYS_BEFORE: usize = 1_000;

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let (mut author, mut reader) = scene::open(&dir.path().join("node"))?;
    let mut options = Options::default();
    options.create_if_missing(true);
    let rival = DB::open(&options, dir.path().join("rival"))?;
    for _ in 0..KEYS_BEFORE {
        reader.apply(&Message::Fresh(Box::new(author.next()?)).encode())?;
    }
    let (mut ours, mut theirs, mut checks) = <(Sample, Sample, Sample)>::default();
    for _ in 0..scale.pick(60, 10) {
        let deltas = (0..BATCH).map(|_| author.next()).collect::<Result<Vec<_>>>()?;
        for delta in &deltas {
            let message = Message::Fresh(Box::new(delta.clone())).encode();
            ours.time(|| reader.apply(&message))?;
        }
        for delta in &deltas {
            let (preimage, bytes) = (delta.body.preimage(), encode(delta));
            theirs.time(|| {
                let author = delta.body.author;
                let check = || author.verify_bytes(&preimage, &delta.signature).context("signed");
                checks.time(check)?;
                rival.put(delta.body.seq.to_be_bytes(), &bytes).context("a write")
            })?;
        }
    }
    let (parts, check) = (reader.parts(), checks.estimate()?.median);
    let (merge, write) = (parts.merge.estimate()?.median, parts.write.estimate()?.median);
    Ok(vec![Row {
        what: "apply of a received delta".to_owned(),
        how: format!(
            "one put of 32 bytes into a map of {KEYS_BEFORE} keys and more: parse, check, merge, \
             one relaxed batch (delta, head, state, tree, event); unsealing is left out; of ours, \
             merge takes {merge:.1} µs and write {write:.1} µs; of the rival, the check \
             {check:.1} µs"
        ),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("verify_strict and one RocksDB put of its bytes, no sync", theirs),
        ratio_max: Some(1.5),
    }])
}

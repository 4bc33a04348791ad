//! The cost of a write depends on the logarithm of the number of entries.

use std::sync::atomic::{AtomicUsize, Ordering};

use anchorhold_crdt::{
    EntryKey, Memory, Op, Payload, Proven, Read, ReadError, Row, merge, prove, root,
};

use crate::world::{apply, map, origin, view};

/// Counts what is read.
struct Counted {
    state: Memory,
    reads: AtomicUsize,
}

impl Read for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.state.get(key)
    }

    fn scan(&self, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<Vec<Row>, ReadError> {
        Err(ReadError::new("a merge must not scan"))
    }
}

fn put(n: u32) -> Op {
    let key = format!("task/{n:08}").into_bytes();
    Op::Put { id: map(), key, value: vec![n.to_le_bytes()[0]; 32], observed: vec![] }
}

fn filled(entries: u32) -> Memory {
    let mut state = Memory::new();
    for (seq, first) in (1..).zip((0..entries).step_by(1_000)) {
        let ops = (first..entries.min(first + 1_000)).map(put).collect();
        apply(&mut state, &origin(1, seq, 1), ops);
    }
    state
}

/// Most reads and writes of any of a hundred merges of one put each.
fn worst(state: &Memory, puts: impl Iterator<Item = u32>) -> (usize, usize) {
    let counted = Counted { state: state.clone(), reads: AtomicUsize::new(0) };
    let costs = puts.map(|n| {
        let payload = Payload::new(vec![put(n)]).expect("one op");
        counted.reads.store(0, Ordering::Relaxed);
        let merged = merge(&counted, &payload, &origin(2, 1, 2)).expect("merges");
        (counted.reads.load(Ordering::Relaxed), merged.writes.len())
    });
    costs.fold((0, 0), |(reads, writes), (r, w)| (reads.max(r), writes.max(w)))
}

#[test]
fn a_hundred_thousand_entries_cost_a_few_reads_more_than_a_thousand() {
    let (small, large) = (filled(1_000), filled(100_000));
    for (state, entries, most) in [(&small, 1_000, 8), (&large, 100_000, 10)] {
        let overwrites = worst(state, (0..entries).step_by(entries as usize / 100));
        let inserts = worst(state, entries..entries + 100);
        assert!(overwrites.0 <= most && overwrites.1 <= most, "{entries}: {overwrites:?}");
        assert!(inserts.0 <= most && inserts.1 <= most, "{entries}: {inserts:?}");
    }
    assert_eq!(view(&large).map_len(&map()).expect("memory reads"), 100_000);
    let (top, key) = (root(&large).expect("memory reads"), b"task/00054321");
    let key = EntryKey::new(&map(), key).expect("short");
    let proof = prove(&large, &key).expect("memory reads");
    assert!(proof.encode().len() < 4_000);
    let expected = Proven::Value(vec![54_321u32.to_le_bytes()[0]; 32]);
    assert_eq!(proof.verify(&top, &key), Ok(expected));
    let bytes: usize = large.rows().map(|(key, value)| key.len() + value.len()).sum();
    assert!(bytes / 100_000 < 300, "{} bytes per entry of 45", bytes / 100_000);
}

#[test]
fn a_batch_reads_each_tree_node_once() {
    let counted = Counted { state: filled(10_000), reads: AtomicUsize::new(0) };
    let payload = Payload::new((0..1_000).map(put).collect()).expect("a thousand ops");
    merge(&counted, &payload, &origin(2, 1, 2)).expect("merges");
    let reads = counted.reads.load(Ordering::Relaxed);
    assert!(reads < 3_000, "{reads} reads for 1,000 puts");
}

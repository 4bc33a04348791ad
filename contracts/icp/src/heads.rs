//! The certified tree: path `["head", context]` is `head b32 ‖ log head b32`, path `["times",
//! context]` the hash over when its revisions happened, which the log head does not cover.
//!
//! It lies in the heap, and is made anew from the records when the code is upgraded.

use governance::anchor::{Event, OnChainId};
use ic_certified_map::{AsHashTree as _, HashTree, RbTree, fork, fork_hash, labeled, labeled_hash};
use sha2::{Digest as _, Sha256};

use crate::row::RecordV1;

// The labels at the top, ascending. Others may follow in later versions.
const HEAD: &[u8] = b"head";
const TIMES: &[u8] = b"times";

/// Heads and times of all records.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    heads: RbTree<[u8; 32], Vec<u8>>,
    times: RbTree<[u8; 32], Vec<u8>>,
}

/// The hash over when revisions happened, after those in `events` at `time_ns` (nanoseconds of
/// Unix time): `sha256(times before ‖ rev u64 ‖ time u64)` for each, from 32 zeros on.
pub(crate) fn times(before: [u8; 32], events: &[Event], time_ns: u64) -> [u8; 32] {
    events.iter().fold(before, |times, event| match event {
        Event::Rev { rev, .. } => {
            let parts = [&times[..], &rev.to_be_bytes(), &time_ns.to_be_bytes()];
            Sha256::digest(parts.concat()).into()
        }
        _ => times,
    })
}

impl Heads {
    /// Sets where a record stands.
    pub(crate) fn set(&mut self, context: &OnChainId, row: &RecordV1) {
        let key = *context.as_hash().as_bytes();
        self.heads.insert(key, [row.head, row.log_head].concat());
        self.times.insert(key, row.times.to_vec());
    }

    /// What the canister certifies.
    pub(crate) fn root(&self) -> [u8; 32] {
        let heads = labeled_hash(HEAD, &self.heads.root_hash());
        fork_hash(&heads, &labeled_hash(TIMES, &self.times.root_hash()))
    }

    /// The tree with nothing but the two paths to `context`, or with their neighbours where it is
    /// absent; CBOR.
    pub(crate) fn witness(&self, context: &OnChainId) -> Vec<u8> {
        let context = context.as_hash().as_bytes();
        let heads = labeled(HEAD, self.heads.witness(context));
        let tree = fork(heads, labeled(TIMES, self.times.witness(context)));
        // Tag 55799: this is CBOR.
        let mut out = vec![0xd9, 0xd9, 0xf7];
        put(&tree, &mut out);
        out
    }
}

/// Appends a tree as the IC interface specification has it ("Certificate encoding"). The tree is
/// balanced, so this does not go deep.
fn put(tree: &HashTree<'_>, out: &mut Vec<u8>) {
    match tree {
        HashTree::Empty => out.extend_from_slice(&[0x81, 0]),
        HashTree::Fork(pair) => {
            out.extend_from_slice(&[0x83, 1]);
            put(&pair.0, out);
            put(&pair.1, out);
        }
        HashTree::Labeled(label, inner) => {
            out.extend_from_slice(&[0x83, 2]);
            put_bytes(label, out);
            put(inner, out);
        }
        HashTree::Leaf(value) => {
            out.extend_from_slice(&[0x82, 3]);
            put_bytes(value, out);
        }
        HashTree::Pruned(digest) => {
            out.extend_from_slice(&[0x82, 4]);
            put_bytes(digest, out);
        }
    }
}

/// Appends a byte string of at most 255 bytes.
fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let len = u8::try_from(bytes.len()).expect("labels have at most 32 bytes, leaves 64");
    match len {
        0..=23 => out.push(0x40 | len),
        _ => out.extend_from_slice(&[0x58, len]),
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use governance::anchor::{Account, Record, Registry, Terms};
    use types::{ContextId, Hash};

    use super::*;

    fn row() -> RecordV1 {
        let account = Account::new(&[1]).expect("an account");
        let chain = "icp:00".parse().expect("a chain");
        let registry = Registry { chain, account: account.clone() };
        let terms = Terms {
            app: Hash::ZERO,
            members_root: Hash::ZERO,
            members_count: 1,
            flags: 0,
            delays_s: [0; 4],
            guardian: None,
            context: ContextId::from_bytes([3; 32]),
        };
        let (_, record, _) = Record::create(&registry, &account, [7; 32], terms).expect("legal");
        RecordV1::of(&record, [9; 32], (0, 0))
    }

    #[test]
    fn a_witness_shows_both_leaves_or_the_neighbours() {
        let (mut heads, row) = (Heads::default(), row());
        let id = |byte| OnChainId::new(Hash::from_bytes([byte; 32]));
        let empty = b"\xd9\xd9\xf7\x83\x01\x83\x02\x44head\x81\x00\x83\x02\x45times\x81\x00";
        assert_eq!(heads.witness(&id(1)), empty);
        for byte in [1, 3, 5] {
            heads.set(&id(byte), &row);
        }
        let head = [&[0x82, 3, 0x58, 64][..], &row.head, &row.log_head].concat();
        let times = [&[0x82, 3, 0x58, 32][..], &[9; 32]].concat();
        let has = |witness: &[u8], part: &[u8]| witness.windows(part.len()).any(|w| w == part);
        let there = heads.witness(&id(3));
        assert!(has(&there, &head) && has(&there, &times));
        let absent = heads.witness(&id(2));
        assert!(!has(&absent, &head) && !has(&absent, &times), "a leaf in {absent:02x?}");
        for neighbour in [1, 3] {
            assert!(has(&absent, &[&[0x58, 32][..], &[neighbour; 32]].concat()));
        }
    }
}

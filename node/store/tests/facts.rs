//! What holds of a store, be it on disk or in memory.

use std::sync::mpsc;

use anchorhold_store::{Batch, Durability, FrontierRow, Store, StoreConfig, StoreError};
use crdt::{Read as _, Writes};
use proptest::prelude::*;
use types::{ContextId, DeltaId, Hash, MemberKey};

const HERE: ContextId = ContextId::from_bytes([7; 32]);
const THERE: ContextId = ContextId::from_bytes([8; 32]);
/// Has no id above it.
const LAST: ContextId = ContextId::from_bytes([0xff; 32]);
const ALL: usize = usize::MAX;

/// Checks `fact` of a fresh store of each kind.
fn on_both(fact: impl Fn(&Store)) {
    fact(&Store::in_memory());
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::open(folder.path(), StoreConfig::default()).expect("a new store");
    fact(&store);
}

fn author(byte: u8) -> MemberKey {
    MemberKey::from_bytes([byte; 32])
}

#[track_caller]
fn write(store: &Store, fill: impl FnOnce(&mut Batch)) -> Vec<u64> {
    let mut batch = Batch::new();
    fill(&mut batch);
    store.write(batch, Durability::Relaxed).expect("written").events
}

#[track_caller]
fn seqs(store: &Store, author: &MemberKey) -> Vec<u64> {
    let rows = store.deltas_after(&HERE, author, 0, u64::MAX, ALL).expect("read");
    rows.into_iter().map(|row| row.seq).collect()
}

#[track_caller]
fn admitted(store: &Store) -> Vec<(u8, u64)> {
    let rows = store.deltas(&HERE).expect("read");
    rows.map(|row| row.expect("row")).map(|row| (row.author.as_bytes()[0], row.seq)).collect()
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    on_both(|store| {
        write(store, |batch| batch.append_entry(&HERE, 1, b"one".to_vec()));
        let mut batch = Batch::new();
        batch.put_meta("name", b"value".to_vec());
        batch.append_event(&HERE, b"event".to_vec());
        batch.append_entry(&HERE, 1, b"other".to_vec());
        let refused = store.write(batch, Durability::Relaxed);
        assert!(matches!(refused, Err(StoreError::Taken { what: "entry", position: 1, .. })));
        assert_eq!(store.meta("name").expect("read"), None);
        assert_eq!(store.last_event(&HERE).expect("read"), 0);
        assert_eq!(store.entry(&HERE, 1).expect("read").as_deref(), Some(&b"one"[..]));
    });
}

#[test]
fn a_batch_over_the_bound_is_refused() {
    on_both(|store| {
        let mut batch = Batch::new();
        for epoch in 0..17 {
            batch.append_entry(&HERE, epoch, vec![0; 16 << 20]);
        }
        let refused = store.write(batch, Durability::Relaxed);
        assert!(matches!(refused, Err(StoreError::TooLarge { what: "batch", .. })));
    });
}

#[test]
fn entries_come_in_the_order_of_epochs_and_within_bounds() {
    on_both(|store| {
        write(store, |batch| {
            for epoch in (0..300).rev() {
                batch.append_entry(&HERE, epoch, vec![1; 10]);
            }
            batch.append_entry(&THERE, 0, vec![2]);
        });
        let page = |after, limit, bytes| -> Vec<u64> {
            let rows = store.entries_after(&HERE, after, limit, bytes).expect("read");
            rows.into_iter().map(|row| row.epoch).collect()
        };
        assert_eq!(page(None, 3, ALL), [0, 1, 2]);
        assert_eq!(page(Some(254), 3, ALL), [255, 256, 257]);
        assert_eq!(page(Some(10), ALL, 25), [11, 12, 13]);
        assert_eq!(page(Some(10), ALL, 0), [11], "one at least, whatever its size");
        assert_eq!(page(Some(299), ALL, ALL), [0_u64; 0]);
        assert_eq!(page(None, 0, ALL), [0_u64; 0]);
        assert_eq!(page(Some(u64::MAX), ALL, ALL), [0_u64; 0]);
    });
}

#[test]
fn deltas_are_read_by_author_within_bounds() {
    on_both(|store| {
        write(store, |batch| {
            for seq in 1..=600 {
                batch.append_delta(&HERE, &author(1), seq, vec![0; 100]);
                batch.append_delta(&HERE, &author(2), seq, seq.to_le_bytes().to_vec());
            }
        });
        assert_eq!(seqs(store, &author(1)), (1..=600).collect::<Vec<_>>());
        let range = store.deltas_after(&HERE, &author(1), 255, 258, ALL).expect("read");
        assert_eq!(range.iter().map(|row| row.seq).collect::<Vec<_>>(), [256, 257, 258]);
        let few = store.deltas_after(&HERE, &author(1), 0, u64::MAX, 150).expect("read");
        assert_eq!(few.len(), 2, "none further once the bytes are reached");
        let one = store.delta(&HERE, &author(2), 513).expect("read");
        assert_eq!(one, Some(513_u64.to_le_bytes().to_vec()));
        assert_eq!(store.delta(&THERE, &author(2), 513).expect("read"), None);
    });
}

#[test]
fn all_deltas_come_in_the_order_of_admission() {
    on_both(|store| {
        let order = [(3, 1), (1, 1), (3, 2), (2, 1), (1, 2)];
        for (who, seq) in order {
            write(store, |batch| batch.append_delta(&HERE, &author(who), seq, vec![who]));
        }
        write(store, |batch| batch.append_delta(&THERE, &author(9), 1, vec![]));
        assert_eq!(admitted(store), order);
    });
}

#[test]
fn walking_all_deltas_sees_the_moment_it_began() {
    on_both(|store| {
        write(store, |batch| {
            for seq in 1..=1_000 {
                batch.append_delta(&HERE, &author(1), seq, vec![0; 2_000]);
            }
        });
        let mut walk = store.deltas(&HERE).expect("read");
        assert_eq!(walk.next().expect("one").expect("row").seq, 1);
        write(store, |batch| {
            batch.void_deltas(&HERE, &author(1), 10);
            batch.append_delta(&HERE, &author(2), 1, vec![]);
        });
        assert_eq!(walk.map(|row| row.expect("row").seq).last(), Some(1_000));
        assert_eq!(admitted(store).len(), 11);
    });
}

#[test]
fn a_voided_place_can_be_filled_again() {
    on_both(|store| {
        write(store, |batch| {
            for seq in 1..=4 {
                batch.append_delta(&HERE, &author(1), seq, b"old".to_vec());
                batch.append_delta(&HERE, &author(2), seq, b"old".to_vec());
            }
        });
        write(store, |batch| {
            batch.append_delta(&HERE, &author(1), 5, b"old".to_vec());
            batch.void_deltas(&HERE, &author(1), 2);
            batch.append_delta(&HERE, &author(1), 3, b"new".to_vec());
        });
        assert_eq!(seqs(store, &author(1)), [1, 2, 3]);
        assert_eq!(seqs(store, &author(2)), [1, 2, 3, 4], "another author is not concerned");
        let new = store.delta(&HERE, &author(1), 3).expect("read");
        assert_eq!(new.as_deref(), Some(&b"new"[..]));
        let set_aside = store.quarantined_deltas(&HERE, &author(1), ALL).expect("read");
        assert_eq!(set_aside.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(set_aside.iter().all(|row| row.bytes == b"old"));
        assert_eq!(admitted(store).iter().filter(|(who, _)| *who == 1).count(), 3);
    });
}

#[test]
fn readmitted_deltas_count_at_their_old_place() {
    on_both(|store| {
        for (who, seq) in [(1, 1), (1, 2), (2, 1), (1, 3)] {
            write(store, |batch| batch.append_delta(&HERE, &author(who), seq, vec![]));
        }
        write(store, |batch| batch.void_deltas(&HERE, &author(1), 0));
        assert_eq!(admitted(store), [(2, 1)]);
        write(store, |batch| batch.readmit_deltas(&HERE, &author(1), 0, 2));
        assert_eq!(admitted(store), [(1, 1), (1, 2), (2, 1)]);
        write(store, |batch| batch.append_delta(&HERE, &author(1), 3, vec![]));
        let mut batch = Batch::new();
        batch.readmit_deltas(&HERE, &author(1), 2, 3);
        let refused = store.write(batch, Durability::Relaxed);
        assert!(matches!(refused, Err(StoreError::Taken { what: "delta", position: 3, .. })));
    });
}

#[test]
fn events_are_numbered_without_gaps_in_each_context() {
    on_both(|store| {
        let given = write(store, |batch| {
            batch.append_event(&HERE, b"a".to_vec());
            batch.append_event(&THERE, b"b".to_vec());
            batch.append_event(&HERE, b"c".to_vec());
        });
        assert_eq!(given, [1, 1, 2]);
        assert_eq!(write(store, |batch| batch.append_event(&HERE, b"d".to_vec())), [3]);
        let page = store.events_after(&HERE, 1, ALL, ALL).expect("read");
        assert_eq!(page.lost, 0);
        let seen: Vec<_> = page.events.iter().map(|row| (row.seq, row.bytes.as_slice())).collect();
        assert_eq!(seen, [(2, &b"c"[..]), (3, &b"d"[..])]);
        assert_eq!(store.last_event(&HERE).expect("read"), 3);
        assert_eq!(store.events_after(&HERE, 3, ALL, ALL).expect("read").events, []);
    });
}

#[test]
fn old_events_go_and_their_reader_is_told() {
    on_both(|store| {
        for _ in 0..3 {
            write(store, |batch| {
                (0..4_000).for_each(|_| batch.append_event(&HERE, vec![1; 8]));
            });
        }
        let page = store.events_after(&HERE, 5, 1, ALL).expect("read");
        assert_eq!((page.events[0].seq, page.lost), (2_001, 1_995));
        let page = store.events_after(&HERE, 2_000, 1, ALL).expect("read");
        assert_eq!((page.events[0].seq, page.lost), (2_001, 0));
    });
}

#[test]
fn contexts_are_those_with_a_genesis() {
    on_both(|store| {
        write(store, |batch| {
            batch.put_genesis(&LAST, b"genesis".to_vec());
            batch.put_genesis(&HERE, b"genesis".to_vec());
            batch.put_local(&HERE, "name", b"ours".to_vec());
            batch.put_local(&THERE, "ticket", b"waiting".to_vec());
        });
        assert_eq!(store.contexts().expect("read"), [HERE, LAST]);
        assert_eq!(store.contexts_with_local("ticket").expect("read"), [THERE]);
        assert_eq!(store.genesis(&HERE).expect("read"), Some(b"genesis".to_vec()));
        assert_eq!(store.local(&HERE, "name").expect("read"), Some(b"ours".to_vec()));
        write(store, |batch| batch.delete_local(&THERE, "ticket"));
        assert_eq!(store.contexts_with_local("ticket").expect("read"), []);
    });
}

#[test]
fn a_frontier_has_one_row_per_author() {
    on_both(|store| {
        let row = |seq| FrontierRow { seq, id: DeltaId::from_bytes([seq as u8; 32]) };
        write(store, |batch| {
            batch.put_frontier(&HERE, &author(2), row(1));
            batch.put_frontier(&HERE, &author(1), row(7));
            batch.put_frontier(&HERE, &author(2), row(2));
            batch.put_frontier(&THERE, &author(3), row(3));
        });
        let frontier = store.frontier(&HERE).expect("read");
        assert_eq!(
            frontier.into_iter().collect::<Vec<_>>(),
            [(author(1), row(7)), (author(2), row(2))]
        );
        write(store, |batch| batch.delete_frontier(&HERE, &author(1)));
        assert_eq!(store.frontier(&HERE).expect("read").len(), 1);
    });
}

#[test]
fn a_forgotten_context_leaves_nothing_and_its_neighbours_everything() {
    on_both(|store| {
        let fill = |batch: &mut Batch, context: &ContextId| {
            batch.put_genesis(context, b"genesis".to_vec());
            batch.put_local(context, "name", b"name".to_vec());
            batch.put_frontier(
                context,
                &author(1),
                FrontierRow { seq: 1, id: DeltaId::from_bytes([1; 32]) },
            );
            batch.append_entry(context, 0, b"entry".to_vec());
            batch.append_delta(context, &author(1), 1, b"delta".to_vec());
            batch.append_event(context, b"event".to_vec());
            let writes = || Writes::from([(b"key".to_vec(), Some(b"value".to_vec()))]);
            batch.write_state(context, writes());
            batch.write_private(context, writes());
        };
        let is_full = |context: &ContextId| {
            let row = |found: Option<Vec<u8>>| found.is_some();
            [
                row(store.genesis(context).expect("read")),
                row(store.local(context, "name").expect("read")),
                !store.frontier(context).expect("read").is_empty(),
                row(store.entry(context, 0).expect("read")),
                row(store.delta(context, &author(1), 1).expect("read")),
                store.last_event(context).expect("read") == 1,
                row(store.state(context).get(b"key").expect("read")),
                row(store.private(context).get(b"key").expect("read")),
            ]
        };
        for context in [HERE, THERE, LAST] {
            write(store, |batch| fill(batch, &context));
        }
        write(store, |batch| batch.forget_context(&HERE));
        assert_eq!(is_full(&HERE), [false; 8]);
        assert_eq!(is_full(&THERE), [true; 8]);
        write(store, |batch| batch.forget_context(&LAST));
        assert_eq!(is_full(&LAST), [false; 8]);
        assert_eq!(is_full(&THERE), [true; 8]);
        // Joined again: numbers and places start afresh, in the very same batch too.
        write(store, |batch| fill(batch, &HERE));
        assert_eq!(is_full(&HERE), [true; 8]);
        write(store, |batch| {
            batch.forget_context(&HERE);
            fill(batch, &HERE);
        });
        assert_eq!(is_full(&HERE), [true; 8]);
        assert_eq!(admitted(store), [(1, 1)]);
    });
}

#[test]
fn a_view_is_one_context_without_its_prefix() {
    on_both(|store| {
        write(store, |batch| {
            let rows = ["a", "ab", "abc", "b"].map(|key| (key.into(), Some(vec![1])));
            batch.write_state(&LAST, Writes::from(rows));
            batch.write_state(&THERE, Writes::from([(b"ab".to_vec(), Some(vec![2]))]));
            batch.write_private(&LAST, Writes::from([(b"ab".to_vec(), Some(vec![3]))]));
        });
        let view = store.state(&LAST);
        let keys = |prefix: &str, after: Option<&str>, limit| -> Vec<String> {
            let after = after.map(str::as_bytes);
            let rows = view.scan(prefix.as_bytes(), after, limit).expect("read");
            rows.into_iter().map(|(key, _)| String::from_utf8(key).expect("text")).collect()
        };
        assert_eq!(keys("", None, ALL), ["a", "ab", "abc", "b"]);
        assert_eq!(keys("a", Some("ab"), ALL), ["abc"]);
        assert_eq!(keys("ab", Some("a"), ALL), ["ab", "abc"], "after a key before the prefix");
        assert_eq!(keys("a", Some("b"), ALL), [""; 0], "after a key behind the prefix");
        assert_eq!(keys("", None, 2), ["a", "ab"]);
        assert_eq!(view.get(b"ab").expect("read"), Some(vec![1]));
        assert_eq!(store.private(&LAST).get(b"ab").expect("read"), Some(vec![3]));
        assert_eq!(view.get(b"").expect("read"), None);
    });
}

#[test]
fn a_snapshot_stays_what_it_was() {
    on_both(|store| {
        let put = |value: u8| {
            write(store, |batch| {
                batch.write_state(&HERE, Writes::from([(b"key".to_vec(), Some(vec![value]))]));
            });
        };
        put(1);
        let snapshot = store.snapshot();
        let (before, now) = (snapshot.state(&HERE), store.state(&HERE));
        put(2);
        drop(snapshot);
        assert_eq!(before.get(b"key").expect("read"), Some(vec![1]));
        assert_eq!(before.scan(b"", None, ALL).expect("read"), [(b"key".to_vec(), vec![1])]);
        assert_eq!(now.get(b"key").expect("read"), Some(vec![2]));
        write(store, |batch| {
            batch.write_state(&HERE, Writes::from([(b"key".to_vec(), None)]));
        });
        assert_eq!(now.get(b"key").expect("read"), None);
    });
}

#[test]
fn a_view_outlives_its_store_handle() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::open(folder.path(), StoreConfig::default()).expect("a new store");
    write(&store, |batch| {
        batch.write_state(&HERE, Writes::from([(b"key".to_vec(), Some(vec![1]))]));
    });
    let view = store.snapshot().state(&HERE);
    drop(store);
    let read = std::thread::spawn(move || view.get(b"key").expect("read"));
    assert_eq!(read.join().expect("no panic"), Some(vec![1]));
}

#[test]
fn blobs_are_named_by_their_hash() {
    on_both(|store| {
        let blob: Vec<u8> = (0..anchorhold_store::BLOB_BYTES_MAX).map(|at| at as u8).collect();
        let mut batch = Batch::new();
        let hash = batch.put_blob(blob.clone()).expect("within the bound");
        store.write(batch, Durability::Synced).expect("written");
        assert_eq!(hash, Hash::of(&blob));
        assert_eq!(store.blob(&hash).expect("read"), Some(blob.clone()));
        assert_eq!(store.blob(&Hash::ZERO).expect("read"), None);
        let larger = [blob, vec![0]].concat();
        assert!(matches!(
            Batch::new().put_blob(larger),
            Err(StoreError::TooLarge { what: "blob", .. })
        ));
        write(store, |batch| batch.delete_blob(&hash));
        assert_eq!(store.blob(&hash).expect("read"), None);
    });
}

#[test]
fn rows_of_the_node_cannot_be_its_schema() {
    on_both(|store| {
        write(store, |batch| batch.put_meta("schema", b"other".to_vec()));
        assert_eq!(store.meta("schema").expect("read"), Some(b"other".to_vec()));
        write(store, |batch| batch.delete_meta("schema"));
        assert_eq!(store.meta("schema").expect("read"), None);
    });
}

#[test]
fn whoever_waits_is_told() {
    on_both(|store| {
        write(store, |batch| batch.put_meta("name", vec![]));
        let (tx, rx) = mpsc::sync_channel(100);
        for waiter in 0..100 {
            let tx = tx.clone();
            store.on_durable(move |result| {
                tx.send(result.map(|()| waiter)).expect("the test receives");
            });
        }
        drop(tx);
        let told: Result<Vec<_>, _> = rx.iter().collect();
        assert_eq!(told.expect("synced"), (0..100).collect::<Vec<_>>());
        store.sync_wal().expect("synced");
    });
}

/// A step of the comparison below, small enough to collide often.
#[derive(Clone, Debug)]
enum Act {
    Entry(u8, u64),
    Delta(u8, u8, u64),
    Void(u8, u8, u64),
    Readmit(u8, u8, u64),
    Event(u8),
    State(u8, u8, bool),
    Forget(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let (context, who, at) = (0..2_u8, 0..2_u8, 0..4_u64);
    prop_oneof![
        (context.clone(), at.clone()).prop_map(|(c, e)| Act::Entry(c, e)),
        (context.clone(), who.clone(), at.clone()).prop_map(|(c, w, s)| Act::Delta(c, w, s)),
        (context.clone(), who.clone(), at.clone()).prop_map(|(c, w, s)| Act::Delta(c, w, s)),
        (context.clone(), who.clone(), at.clone()).prop_map(|(c, w, s)| Act::Void(c, w, s)),
        (context.clone(), who, at).prop_map(|(c, w, s)| Act::Readmit(c, w, s)),
        context.clone().prop_map(Act::Event),
        (context.clone(), 0..4_u8, any::<bool>()).prop_map(|(c, k, put)| Act::State(c, k, put)),
        context.prop_map(Act::Forget),
    ]
}

fn perform(store: &Store, acts: &[Act]) -> String {
    let mut batch = Batch::new();
    for (step, act) in acts.iter().enumerate() {
        let bytes = step.to_le_bytes().to_vec();
        let at = |context: u8| ContextId::from_bytes([context; 32]);
        match *act {
            Act::Entry(c, epoch) => batch.append_entry(&at(c), epoch, bytes),
            Act::Delta(c, who, seq) => batch.append_delta(&at(c), &author(who), seq, bytes),
            Act::Void(c, who, after) => batch.void_deltas(&at(c), &author(who), after),
            Act::Readmit(c, who, up_to) => batch.readmit_deltas(&at(c), &author(who), 0, up_to),
            Act::Event(c) => batch.append_event(&at(c), bytes),
            Act::State(c, key, put) => {
                batch.write_state(&at(c), Writes::from([(vec![key], put.then_some(bytes))]));
            }
            Act::Forget(c) => batch.forget_context(&at(c)),
        }
    }
    let written = store.write(batch, Durability::Relaxed);
    let mut seen = format!("{written:?}");
    for context in [0, 1].map(|byte| ContextId::from_bytes([byte; 32])) {
        let deltas: Vec<_> = store.deltas(&context).expect("read").collect();
        let aside = [0, 1].map(|who| store.quarantined_deltas(&context, &author(who), ALL));
        let entries = store.entries_after(&context, None, ALL, ALL);
        let events = store.events_after(&context, 0, ALL, ALL);
        let state = store.state(&context).scan(b"", None, ALL);
        seen += &format!("{deltas:?} {aside:?} {entries:?} {events:?} {state:?}");
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The disk loses the ledger between two batches, so positions are read again from its rows.
    #[test]
    fn disk_and_memory_cannot_be_told_apart(
        batches in prop::collection::vec(prop::collection::vec(act(), 0..6), 1..6),
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let memory = Store::in_memory();
        for batch in &batches {
            let disk = Store::open(folder.path(), StoreConfig::default()).expect("opened");
            prop_assert_eq!(perform(&disk, batch), perform(&memory, batch));
        }
    }
}

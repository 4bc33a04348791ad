//! What a guest sees of the state and of its own writes, and the bounds that it meets.

use std::{collections::BTreeMap, sync::Arc};

use anchorhold_crdt::{
    CollectionId, IdError, KEY_MAX, Kind, Memory, PAGE_BYTES_MAX, PAGE_MAX, PAYLOAD_MAX,
    Transaction, TransactionError, VALUE_MAX,
};
use proptest::prelude::*;

use crate::world::{
    Act, acts, apply_payload, counter, histories, map, merged, origin, play, register, set, view,
};

/// All entries of the map, by pages of `limit`.
fn entries(guest: &Transaction, limit: usize) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = guest.map_entries(&map(), after.as_deref(), limit).expect("memory reads");
        assert!(page.items.len() <= limit);
        for (key, value) in page.items {
            assert!(found.last_key_value().is_none_or(|(last, _)| *last < key), "ascending");
            found.insert(key, value);
        }
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

proptest! {
    #[test]
    fn what_a_guest_reads_after_writing_is_what_the_state_becomes(
        events in histories(), acts in acts(), limit in 1..6usize,
    ) {
        let mut state = merged(&play(&events));
        let mut guest = view(&state);
        let mut model = entries(&guest, 100);
        for act in &acts {
            match *act {
                Act::Put(key, value) => drop(model.insert(vec![key], vec![value])),
                Act::Remove(key) => drop(model.remove(&vec![key])),
                _ => {}
            }
            act.on(&mut guest);
        }
        let seen = |guest: &Transaction| -> Result<_, TransactionError> {
            Ok((
                guest.register_get(&register())?,
                guest.map_len(&map())?,
                guest.set_items(&set(), None, 100)?.items,
                guest.set_len(&set())?,
                guest.counter_value(&counter())?,
            ))
        };
        let before = seen(&guest).expect("memory reads");
        prop_assert_eq!(&entries(&guest, limit), &model);
        let payload = guest.finish();
        // A fifth author's clock is later than all.
        apply_payload(&mut state, &origin(5, 1, 1_000), &payload);
        let after = view(&state);
        prop_assert_eq!(seen(&after).expect("memory reads"), before);
        prop_assert_eq!(entries(&after, limit), model);
    }
}

#[test]
fn writes_that_come_to_nothing_are_not_recorded() {
    let mut guest = view(&Memory::new());
    guest.map_put(&map(), b"k", vec![1]).expect("writes");
    assert!(guest.map_remove(&map(), b"k").expect("writes"));
    assert!(!guest.map_remove(&map(), b"k").expect("writes"));
    assert!(guest.set_insert(&set(), b"i").expect("writes"));
    assert!(!guest.set_insert(&set(), b"i").expect("writes"));
    assert!(guest.set_discard(&set(), b"i").expect("writes"));
    guest.counter_add(&counter(), 3).expect("writes");
    guest.counter_add(&counter(), -3).expect("writes");
    assert_eq!(guest.map_len(&map()).expect("memory reads"), 0);
    assert!(guest.finish().is_empty());
}

#[test]
fn a_read_only_view_refuses_every_write() {
    let mut guest = Transaction::read_only(Arc::new(Memory::new()));
    let results = [
        guest.register_set(&register(), vec![]),
        guest.map_put(&map(), b"k", vec![]),
        guest.map_remove(&map(), b"k").map(drop),
        guest.set_insert(&set(), b"i").map(drop),
        guest.set_discard(&set(), b"i").map(drop),
        guest.counter_add(&counter(), 1),
        guest.counter_add(&counter(), 0),
    ];
    for (at, result) in results.into_iter().enumerate() {
        assert!(matches!(result, Err(TransactionError::ReadOnly)), "write {at}: {result:?}");
    }
    assert_eq!(guest.map_get(&map(), b"k").expect("memory reads"), None);
    assert!(guest.finish().is_empty());
}

#[test]
fn bounds_are_errors_that_change_nothing() {
    let mut guest = view(&Memory::new());
    let long = vec![0; KEY_MAX + 1];
    let result = guest.map_put(&map(), &long, vec![]);
    assert!(matches!(result, Err(TransactionError::Key(IdError::KeyTooLong { size: 1025 }))));
    assert!(matches!(guest.map_get(&map(), &long), Err(TransactionError::Key(_))));
    assert!(matches!(guest.set_insert(&set(), &long), Err(TransactionError::Key(_))));
    let result = guest.map_put(&map(), b"k", vec![0; VALUE_MAX + 1]);
    assert!(matches!(result, Err(TransactionError::ValueTooLarge { .. })), "{result:?}");
    let result = guest.register_set(&map(), vec![]);
    let expected = "expected a Register, got a Map";
    assert_eq!(result.expect_err("another kind").to_string(), expected);
    guest.counter_add(&counter(), i64::MAX).expect("writes");
    assert!(matches!(guest.counter_add(&counter(), 1), Err(TransactionError::Overflow)));
    assert_eq!(guest.counter_value(&counter()).expect("memory reads"), i64::MAX);
    assert_eq!(guest.finish().ops().len(), 1);
}

#[test]
fn all_writes_of_a_call_share_one_bound() {
    let mut guest = view(&Memory::new());
    for key in 0..3u8 {
        guest.map_put(&map(), &[key], vec![key; VALUE_MAX]).expect("three fit");
    }
    let result = guest.map_put(&map(), &[3], vec![3; VALUE_MAX]);
    assert!(matches!(result, Err(TransactionError::TooLarge { .. })), "{result:?}");
    assert_eq!(guest.map_get(&map(), &[3]).expect("memory reads"), None);
    assert_eq!(guest.map_len(&map()).expect("memory reads"), 3);
    // Writing less to one, or taking it back, makes room again.
    guest.map_put(&map(), &[0], vec![]).expect("shrinks");
    guest.map_put(&map(), &[3], vec![3; VALUE_MAX]).expect("fits");
    for _ in 0..9 {
        guest.map_remove(&map(), &[0]).expect("makes room");
        guest.map_put(&map(), &[0], vec![0; VALUE_MAX / 2]).expect("fits");
    }
    assert!(guest.finish().encode().len() <= PAYLOAD_MAX);
}

#[test]
fn pages_are_bounded_in_entries_and_in_bytes() {
    let mut guest = view(&Memory::new());
    for key in 0..1_500u16 {
        guest.map_put(&map(), &key.to_be_bytes(), vec![0]).expect("writes");
    }
    let mut state = Memory::new();
    apply_payload(&mut state, &origin(1, 1, 1), &guest.finish());
    let guest = view(&state);
    let page = guest.map_entries(&map(), None, usize::MAX).expect("memory reads");
    assert_eq!(page.items.len(), PAGE_MAX);
    let rest = guest.map_entries(&map(), page.next.as_deref(), usize::MAX).expect("memory reads");
    assert_eq!((rest.items.len(), rest.next), (500, None));
    let one = guest.map_entries(&map(), None, 0).expect("memory reads");
    assert_eq!(one.items.len(), 1, "a page moves on");

    let mut guest = view(&state);
    for key in 0xf0..0xf4u8 {
        guest.map_put(&map(), &[key], vec![0; PAGE_BYTES_MAX / 2]).expect("writes");
    }
    let page = guest.map_entries(&map(), Some(&[0xf0]), 100).expect("memory reads");
    assert_eq!((page.items.len(), page.next), (2, Some(vec![0xf2])));
}

#[test]
fn a_page_gives_up_after_many_removed_rows_and_says_where() {
    let mut guest = view(&Memory::new());
    for key in 0..9_000u16 {
        guest.set_insert(&set(), &key.to_be_bytes()).expect("writes");
    }
    let mut state = Memory::new();
    apply_payload(&mut state, &origin(1, 1, 1), &guest.finish());
    let mut guest = view(&state);
    for key in 0..8_999u16 {
        guest.set_discard(&set(), &key.to_be_bytes()).expect("writes");
    }
    let (mut after, mut pages, mut items) = (None, 0, vec![]);
    loop {
        let page = guest.set_items(&set(), after.as_deref(), 10).expect("memory reads");
        items.extend(page.items);
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(items, vec![8_999u16.to_be_bytes().to_vec()]);
    assert!((2..5).contains(&pages), "{pages} pages");
    assert_eq!(guest.set_len(&set()).expect("memory reads"), 1);
}

#[test]
fn nested_collections_do_not_mix() {
    let board = CollectionId::root(Kind::Map, "boards");
    let lists = [board.child(b"a", Kind::Map), board.child(b"b", Kind::Map)];
    let mut guest = view(&Memory::new());
    guest.map_put(&lists[0], b"k", vec![1]).expect("writes");
    guest.map_put(&board, b"a", vec![2]).expect("writes");
    assert_eq!(guest.map_get(&lists[1], b"k").expect("memory reads"), None);
    assert_eq!(guest.map_get(&board, b"k").expect("memory reads"), None);
    assert_eq!(guest.map_len(&lists[0]).expect("memory reads"), 1);
    let page = guest.map_entries(&board, None, 10).expect("memory reads");
    assert_eq!(page.items, vec![(b"a".to_vec(), vec![2])]);
}

//! What a block commits to of its events.

use super::*;

/// Events as StarkWare's tests of block hashes number them.
fn event(seed: u64) -> Event {
    let felts = |numbers: core::ops::Range<u64>| numbers.map(Felt::from).collect();
    Event {
        from: Felt::from(seed + 8),
        keys: felts(seed..seed + 2),
        data: felts(seed + 2..seed + 5),
        place: Some((Felt::from(0x1234_u64), Felt::ZERO, 1)),
    }
}

fn sealed() -> Sealed {
    let root = "0x069bb140ddbbeb01d81c7201ecfb933031306e45dab9c77ff9f9ba3cd4c2b9c3";
    let event_commitment = Felt::from_hex_unchecked(root);
    Sealed { state_root: Felt::ZERO, events: 3, event_commitment }
}

/// The numbers that StarkWare's `starknet_api` gives.
#[test]
fn events_are_hashed_as_the_sequencer_does() {
    let leaf = "0x0367807f532742a4dcbe2d8a47b974b22dd7496faa75edc64a3a5fdb6709057";
    assert_eq!(event_leaf(&event(2)), Some(Felt::from_hex_unchecked(leaf)));
    assert!(are_all(&[event(0), event(1), event(2)], &sealed()));
}

#[test]
fn a_left_out_moved_or_altered_event_is_found() {
    let all = || vec![event(0), event(1), event(2)];
    let check = |story: &str, change: fn(&mut Vec<Event>)| {
        let mut events = all();
        change(&mut events);
        assert!(!are_all(&events, &sealed()), "{story}");
    };
    check("the last left out", |events| events.truncate(2));
    check("the first left out", |events| drop(events.remove(0)));
    check("two swapped", |events| events.swap(0, 1));
    check("one more", |events| events.push(event(3)));
    check("another key", |events| events[1].keys[0] = Felt::ZERO);
    check("a key among the data", |events| {
        let key = events[1].keys.pop().expect("two keys");
        events[1].data.insert(0, key);
    });
    check("another transaction", |events| {
        events[2].place = event(0).place.map(|_| (Felt::ONE, Felt::ZERO, 1))
    });
    check("no place", |events| events[2].place = None);
    let none = Sealed { state_root: Felt::ZERO, events: 0, event_commitment: Felt::ZERO };
    assert!(are_all(&[], &none));
}

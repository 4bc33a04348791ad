//! Encodings: they come back, they do not change, and other bytes are errors.

use anchorhold_crdt::{
    CollectionId, KEY_MAX, Kind, Memory, MergeError, Op, PAYLOAD_MAX, Payload, PayloadError, Proof,
    StateError, Transaction, VALUE_MAX, Writes, merge, prove, root,
};
use anchorhold_crdt::{EntryKey, IdError};
use proptest::prelude::*;
use types::DecodeError;

use crate::world::{
    Delta, apply, counter, dot, histories, lies, map, merged, origin, play, register, set,
};

fn put(key: &[u8]) -> Op {
    Op::Put { id: map(), key: key.to_vec(), value: vec![7], observed: vec![dot(1, 2), dot(2, 1)] }
}

/// One operation of each sort.
fn every_op() -> Vec<Op> {
    let observed = vec![dot(3, 9)];
    vec![
        Op::SetRegister { id: register(), value: b"title".to_vec() },
        put(b"k"),
        Op::Remove { id: map(), key: b"l".to_vec(), observed: observed.clone() },
        Op::Insert { id: set(), item: b"i".to_vec(), observed: vec![] },
        Op::Discard { id: set(), item: b"j".to_vec(), observed },
        Op::Add { id: counter(), amount: -3 },
    ]
}

proptest! {
    #[test]
    fn a_payload_comes_back_from_its_bytes(events in histories(), lies in lies()) {
        for Delta { payload, .. } in play(&events).into_iter().chain(lies) {
            prop_assert_eq!(Payload::decode(&payload.encode()), Ok(payload));
        }
    }

    #[test]
    fn any_bytes_are_one_payload_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in 0..300usize, byte in any::<u8>(),
    ) {
        if let Ok(payload) = Payload::decode(&bytes) {
            prop_assert_eq!(payload.encode(), bytes);
        }
        let mut near = Payload::new(every_op()).expect("a payload").encode();
        if let Some(changed) = near.get_mut(at) {
            *changed = byte;
        }
        if let Ok(payload) = Payload::decode(&near) {
            prop_assert_eq!(payload.encode(), near);
            let merged = merge(&Memory::new(), &payload, &origin(1, 1, 1));
            prop_assert!(merged.is_ok());
        }
    }

    #[test]
    fn rows_of_other_making_are_errors_not_panics(
        events in histories(), row in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let deltas = play(&events);
        let mut state = merged(&deltas);
        let keys: Vec<_> = state.rows().map(|(key, _)| key.to_vec()).collect();
        prop_assume!(!keys.is_empty());
        state.write(Writes::from([(keys[row.index(keys.len())].clone(), Some(bytes))]));
        for delta in &deltas {
            let next = delta.origin.seq + 100;
            let origin = anchorhold_crdt::Origin { seq: next, ..delta.origin };
            if let Err(error) = merge(&state, &delta.payload, &origin) {
                let is_told = matches!(
                    error,
                    MergeError::State(StateError::Corrupt { .. }) | MergeError::Repeated { .. }
                );
                prop_assert!(is_told, "{:?}", error);
            }
        }
        let guest = Transaction::new(std::sync::Arc::new(state));
        // Whether it reads something or an error is the row's luck.
        drop(guest.map_entries(&map(), None, 10));
        drop(guest.counter_value(&counter()));
    }
}

#[test]
fn a_missing_tree_node_is_corruption() {
    let mut state = Memory::new();
    let many = (0..100u8).map(|n| put(&[n])).collect();
    apply(&mut state, &origin(5, 1, 1), many);
    let nodes: Vec<_> = state.rows().filter(|(key, _)| key.len() == 2 && key[0] == b't').collect();
    let gone = nodes.first().expect("a hundred entries branch").0.to_vec();
    state.write(Writes::from([(gone, None)]));
    let all = Payload::new((0..100u8).map(|n| put(&[n])).collect()).expect("a payload");
    let result = merge(&state, &all, &origin(5, 2, 2));
    assert!(matches!(result, Err(MergeError::State(StateError::Corrupt { .. }))), "{result:?}");
}

#[test]
fn operations_out_of_place_are_no_payload() {
    let wrong = |op| Payload::new(vec![op]).expect_err("out of bounds");
    let long = vec![0; KEY_MAX + 1];
    assert_eq!(wrong(put(&long)), PayloadError::Key(IdError::KeyTooLong { size: 1025 }));
    let value = vec![0; VALUE_MAX + 1];
    let size = value.len();
    let large = Op::SetRegister { id: register(), value };
    assert_eq!(wrong(large), PayloadError::ValueTooLarge { size });
    let kind = Op::SetRegister { id: map(), value: vec![] };
    let (expected, found) = (Kind::Register, Kind::Map);
    assert_eq!(wrong(kind), PayloadError::WrongKind { expected, found });
    for observed in [vec![dot(2, 1), dot(1, 1)], vec![dot(1, 1), dot(1, 2)]] {
        let op = Op::Remove { id: map(), key: vec![], observed };
        assert_eq!(wrong(op), PayloadError::ObservedOrder);
    }
    let twice = Payload::new(vec![put(b"k"), put(b"k")]);
    assert_eq!(twice, Err(PayloadError::Order));
    let most =
        |n: u8| Op::Put { id: map(), key: vec![n], value: vec![0; VALUE_MAX], observed: vec![] };
    let result = Payload::new((0..4).map(most).collect());
    assert!(matches!(result, Err(PayloadError::TooLarge { .. })), "over 4 MiB in all");
}

#[test]
fn unsorted_or_oversized_bytes_are_no_payload() {
    let [one, two] = [b"a", b"b"].map(|key| Payload::new(vec![put(key)]).expect("one op").encode());
    let body = |bytes: &[u8]| bytes[4..].to_vec();
    let sorted = [vec![2, 0, 0, 0], body(&one), body(&two)].concat();
    let swapped = [vec![2, 0, 0, 0], body(&two), body(&one)].concat();
    assert!(Payload::decode(&sorted).is_ok());
    assert_eq!(Payload::decode(&swapped), Err(PayloadError::Order));
    let large = Payload::decode(&vec![0; PAYLOAD_MAX + 1]);
    let expected = DecodeError::TooLong { size: PAYLOAD_MAX + 1, max: PAYLOAD_MAX };
    assert_eq!(large, Err(PayloadError::Decode(expected)));
    assert_eq!(
        Payload::decode(&[one, vec![0]].concat()),
        Err(PayloadError::Decode(DecodeError::Malformed))
    );
}

/// Bytes and hashes that other nodes hold: a change here needs another version in the tag.
#[test]
fn what_is_hashed_stays_as_it_is() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let payload = Payload::new(every_op()).expect("a payload");
    let mut state = Memory::new();
    let empty = root(&state).expect("memory reads");
    let full = apply(&mut state, &origin(1, 1, 1_000), payload.ops().to_vec());
    let ids = [
        CollectionId::root(Kind::Map, "tasks"),
        CollectionId::root(Kind::Map, "tasks").child(b"tags", Kind::Set),
    ];
    let key = EntryKey::new(&map(), b"k").expect("short");
    let proof: Proof = prove(&state, &key).expect("memory reads");
    let digest = |bytes: &[u8]| types::Hash::of(bytes).to_string();
    let found = [
        hex(ids[0].as_bytes()),
        hex(ids[1].as_bytes()),
        digest(&payload.encode()),
        empty.to_string(),
        full.to_string(),
        digest(&proof.encode()),
    ];
    let expected = [
        "02b68e263faa2ca329b52e06d38602a097cfed1473d42d037850cb99de025ef3",
        "03fc667fea4c6e041a7311e1be3557fe9722c6eb93fb46ef504f128de6ef7a6a",
        "c6490533d40d193bf1529a70b1a477cf5141e05889ec04aa694f65091fd1e0b0",
        "23e6c9a86931de1409cbd3dc39bb85aed1eacb120f9f4d37c33cf707cc648ffa",
        "e82467138a62964cc644f02c283235a020f9c4ced44f5661f638115b108d92c4",
        "342c868502de9ee35911c41659777c5d2bd5f8187492a6dc7dd2920706e4e1a6",
    ];
    assert_eq!(found, expected);
}

//! A proof shows what is there and what is not, to somebody who has only the root.

use anchorhold_crdt::{EntryKey, Kind, Memory, Op, Proof, Proven, prove, root};
use proptest::prelude::*;
use types::Root;

use crate::world::{apply, counter, histories, map, merged, origin, play, register, set, view};

/// Every entry that a history may have written, and some that it cannot have.
fn keys() -> Vec<EntryKey> {
    let keyed =
        (0..6u8).flat_map(|key| [EntryKey::new(&map(), &[key]), EntryKey::new(&set(), &[key])]);
    let single = [EntryKey::new(&register(), &[]), EntryKey::new(&counter(), &[])];
    keyed.chain(single).map(|key| key.expect("short")).collect()
}

fn truth(state: &Memory, key: &EntryKey) -> Proven {
    let guest = view(state);
    let id = key.collection();
    let value = |value: Option<Vec<u8>>| value.map_or(Proven::Absent, Proven::Value);
    match id.kind() {
        Kind::Register => value(guest.register_get(&id).expect("memory reads")),
        Kind::Map => value(guest.map_get(&id, key.key()).expect("memory reads")),
        Kind::Set => match guest.set_contains(&id, key.key()).expect("memory reads") {
            true => Proven::Value(vec![]),
            false => Proven::Absent,
        },
        Kind::Counter => match guest.counter_value(&id).expect("memory reads") {
            0 => Proven::Absent,
            sum => Proven::Sum(sum.into()),
        },
    }
}

proptest! {
    #[test]
    fn every_entry_and_every_absence_has_a_proof(events in histories()) {
        let state = merged(&play(&events));
        let root = root(&state).expect("memory reads");
        for key in keys() {
            let proof = prove(&state, &key).expect("memory reads");
            let proof = Proof::decode(&proof.encode()).expect("its own bytes");
            prop_assert_eq!(proof.verify(&root, &key), Ok(truth(&state, &key)), "{:?}", key);
        }
    }

    #[test]
    fn a_proof_of_one_entry_proves_nothing_false_of_another(events in histories()) {
        let state = merged(&play(&events));
        let root = root(&state).expect("memory reads");
        for key in keys() {
            let proof = prove(&state, &key).expect("memory reads");
            for other in keys() {
                if let Ok(proven) = proof.verify(&root, &other) {
                    prop_assert_eq!(proven, truth(&state, &other), "{:?} for {:?}", key, other);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_a_proof_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(proof) = Proof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
            for key in keys() {
                let root = Root::from_bytes([0; 32]);
                prop_assert!(proof.verify(&root, &key).is_err());
            }
        }
    }
}

fn large() -> Memory {
    let mut state = Memory::new();
    let put = |n: u16| Op::Put {
        id: map(),
        key: n.to_be_bytes().to_vec(),
        value: b"a value".to_vec(),
        observed: vec![],
    };
    apply(&mut state, &origin(1, 1, 1), (0..600).map(put).collect());
    state
}

#[test]
fn a_changed_byte_anywhere_breaks_a_proof() {
    let state = large();
    let root = root(&state).expect("memory reads");
    for key in [b"\x00\x07".as_slice(), b"absent"] {
        let key = EntryKey::new(&map(), key).expect("short");
        let bytes = prove(&state, &key).expect("memory reads").encode();
        assert!(Proof::decode(&bytes).expect("its own bytes").verify(&root, &key).is_ok());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            if let Ok(proof) = Proof::decode(&changed) {
                assert!(proof.verify(&root, &key).is_err(), "byte {at} of {}", bytes.len());
            }
        }
        let other = Root::from_bytes([7; 32]);
        let proof = Proof::decode(&bytes).expect("its own bytes");
        assert!(proof.verify(&other, &key).is_err());
    }
}

#[test]
fn an_outdated_proof_does_not_hold() {
    let mut state = large();
    let key = EntryKey::new(&map(), b"\x00\x07").expect("short");
    let proof = prove(&state, &key).expect("memory reads");
    let op = Op::Put { id: map(), key: b"new".to_vec(), value: vec![], observed: vec![] };
    let root = apply(&mut state, &origin(2, 1, 1), vec![op]);
    assert!(proof.verify(&root, &key).is_err());
    let proof = prove(&state, &key).expect("memory reads");
    assert_eq!(proof.verify(&root, &key), Ok(Proven::Value(b"a value".to_vec())));
}

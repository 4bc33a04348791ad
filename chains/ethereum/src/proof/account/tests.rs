//! Accounts and slots in tries that alloy builds.

use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use proptest::prelude::*;

use super::*;

/// The root over these leaves by hashed key, and the proof for `target`.
fn proof(leaves: &[(B256, Vec<u8>)], target: B256) -> (B256, Vec<Bytes>) {
    let target = Nibbles::unpack(target);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    let mut sorted = leaves.to_vec();
    sorted.sort();
    for (key, value) in &sorted {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes();
    (root, nodes.matching_nodes_sorted(&target).into_iter().map(|(_, node)| node).collect())
}

fn slot_key(slot: &U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

fn account_leaf(state: &AccountState) -> Vec<u8> {
    let account = alloy_trie::TrieAccount {
        nonce: state.nonce,
        balance: state.balance,
        storage_root: state.storage_root,
        code_hash: state.code_hash,
    };
    alloy_rlp::encode(account)
}

#[test]
fn an_account_and_its_slot_are_proved_under_a_state_root() {
    let slots: Vec<(B256, Vec<u8>)> = (0..50_u64)
        .map(|slot| (slot_key(&U256::from(slot)), alloy_rlp::encode(U256::from(slot + 1) << 60)))
        .collect();
    let (storage_root, slot_nodes) = proof(&slots, slot_key(&U256::from(7)));
    let state = AccountState {
        nonce: 9,
        balance: U256::from(10).pow(U256::from(18)),
        storage_root,
        code_hash: B256::repeat_byte(1),
    };
    let ours = Address::repeat_byte(0x11);
    let mut accounts = vec![(keccak256(ours), account_leaf(&state))];
    accounts
        .extend((0..99).map(|byte| (B256::repeat_byte(byte), account_leaf(&AccountState::EMPTY))));
    let (state_root, nodes) = proof(&accounts, keccak256(ours));
    let found = account(&state_root, &ours, &nodes).expect("a proof").expect("an account");
    assert_eq!(found, state);
    let value = storage(&found.storage_root, &U256::from(7), &slot_nodes);
    assert_eq!(value, Ok(U256::from(8) << 60));
    let (_, none) = proof(&slots, slot_key(&U256::from(77)));
    assert_eq!(storage(&found.storage_root, &U256::from(77), &none), Ok(U256::ZERO));
    let nobody = Address::repeat_byte(0x22);
    let (_, none) = proof(&accounts, keccak256(nobody));
    assert_eq!(account(&state_root, &nobody, &none), Ok(None));
    assert!(account(&state_root, &nobody, &nodes).is_err());
    assert_eq!(storage(&EMPTY_ROOT, &U256::ZERO, &[]), Ok(U256::ZERO));
}

#[test]
fn a_leaf_has_one_form() {
    let slot = U256::ZERO;
    let reads = |leaf: &[u8]| {
        let (root, nodes) = proof(&[(slot_key(&slot), leaf.to_vec())], slot_key(&slot));
        storage(&root, &slot, &nodes)
    };
    assert_eq!(reads(&[0x01]), Ok(U256::ONE));
    assert_eq!(reads(&[&[0xa0][..], &[0xff; 32]].concat()), Ok(U256::MAX));
    assert_eq!(reads(&[0x80]), Err(BadProof::ZeroLeaf));
    for (story, leaf) in [
        ("zero, spelled", vec![0x00]),
        ("a leading zero", vec![0x82, 0x00, 0x01]),
        ("a byte with a header", vec![0x81, 0x01]),
        ("33 bytes", [&[0xa1][..], &[1; 33]].concat()),
        ("a list", vec![0xc1, 0x01]),
        ("two items", vec![0x01, 0x01]),
    ] {
        assert_eq!(reads(&leaf), Err(BadProof::Encoding), "{story}");
    }
}

#[test]
fn an_account_has_four_fields() {
    let good = account_leaf(&AccountState::EMPTY);
    assert_eq!(AccountState::decode(&good), Ok(AccountState::EMPTY));
    let longer = [&[0xf8, good[1] + 1][..], &good[2..], &[0x80]].concat();
    for (story, leaf) in [
        ("bytes after it", [&good[..], &[0]].concat()),
        ("a fifth field", longer),
        ("a text", vec![0x80]),
        ("an empty list", vec![0xc0]),
        ("nothing", vec![]),
    ] {
        assert_eq!(AccountState::decode(&leaf), Err(BadProof::Encoding), "{story}");
    }
    let mut nonce = good;
    nonce[2] = 0x00;
    assert_eq!(AccountState::decode(&nonce), Err(BadProof::Encoding), "a nonce of zero, spelled");
}

proptest! {
    #[test]
    fn any_account_comes_back(
        nonce: u64, balance: [u64; 4], storage_root: [u8; 32], code: [u8; 32],
    ) {
        let state = AccountState {
            nonce,
            balance: U256::from_limbs(balance),
            storage_root: storage_root.into(),
            code_hash: code.into(),
        };
        prop_assert_eq!(AccountState::decode(&account_leaf(&state)), Ok(state));
    }

    #[test]
    fn any_bytes_are_an_account_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(state) = AccountState::decode(&bytes) {
            prop_assert_eq!(account_leaf(&state), bytes);
        }
    }
}

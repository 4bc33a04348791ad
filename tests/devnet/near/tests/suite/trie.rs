//! The state's trie, against our own verifier of its proofs.

use std::collections::BTreeMap;

use anchorhold_devnet_near::Trie;
use near::{
    CryptoHash,
    proof::{Node, NodeBody, state},
};

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn key(&mut self) -> Vec<u8> {
        let len = self.next(5);
        (0..len)
            .map(|_| b"\x00\x01\x10\x1f\xf0"[usize::try_from(self.next(5)).expect("below five")])
            .collect()
    }
}

fn root(trie: &Trie) -> CryptoHash {
    CryptoHash::from_bytes(trie.root().0)
}

#[test]
fn a_trie_is_a_map_whose_proofs_hold() {
    let mut numbers = Numbers(7);
    let (mut trie, mut map) = (Trie::default(), BTreeMap::new());
    for round in 0_u64..600 {
        let key = numbers.key();
        if numbers.next(3) == 0 {
            trie.remove(&key);
            map.remove(&key);
        } else {
            trie.insert(&key, &round.to_le_bytes());
            map.insert(key, round.to_le_bytes().to_vec());
        }
        let asked = numbers.key();
        let proved = state::value(&root(&trie), &asked, &trie.proof(&asked));
        let proved = proved.expect("the proof shows either");
        match map.get(&asked) {
            Some(value) => assert!(proved.expect("it is there").is_of(value)),
            None => assert_eq!(proved, None),
        }
    }
    assert!(!map.is_empty());
    for prefix in [&b""[..], b"\x00", b"\x10\x1f", b"\x77"] {
        let entries: Vec<_> =
            trie.entries(prefix).into_iter().map(|(key, value)| (key, value.to_vec())).collect();
        let expected: Vec<_> = map
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(entries, expected, "{prefix:?}");
        for (key, value) in expected {
            let proved = state::value(&root(&trie), &key, &trie.prefix_proof(prefix));
            assert!(proved.expect("all are proved").expect("it is there").is_of(&value));
        }
        let nothing = state::value(&root(&trie), prefix, &trie.prefix_proof(prefix));
        assert!(nothing.is_ok(), "also that nothing is there");
    }
}

#[test]
fn the_root_follows_from_the_content_alone() {
    let mut numbers = Numbers(11);
    let keys: Vec<_> = (0..60).map(|_| numbers.key()).collect();
    let mut forward = Trie::default();
    keys.iter().for_each(|key| forward.insert(key, key));
    let mut backward = Trie::default();
    for key in keys.iter().rev() {
        backward.insert(key, b"other");
        backward.insert(&[key.as_slice(), b"more"].concat(), b"extra");
    }
    for key in &keys {
        backward.remove(&[key.as_slice(), b"more"].concat());
        backward.insert(key, key);
    }
    assert_eq!(forward.root(), backward.root());
    keys.iter().for_each(|key| forward.remove(key));
    assert_eq!(forward.root(), Trie::default().root());
}

#[test]
fn nodes_count_their_memory_as_the_protocol_does() {
    let mut trie = Trie::default();
    trie.insert(b"ab", b"value");
    let proof = trie.proof(b"ab");
    let node = Node::decode(&proof[0]).expect("it is one");
    assert!(matches!(node.body, NodeBody::Leaf(..)));
    // 50 for the node, 2 for each of 3 bytes of path, 50 and 5 for the value.
    assert_eq!(node.memory_usage, 111);
    trie.insert(b"ac", b"");
    let proof = trie.proof(b"ab");
    let nodes: Vec<_> = proof.iter().map(|node| Node::decode(node).expect("it is one")).collect();
    // The leaves' paths have no nibble left: one byte each.
    let leaves = (50 + 2 + 50 + 5) + (50 + 2 + 50);
    assert_eq!(nodes[1].memory_usage, 50 + leaves);
    // Three nibbles in common: two bytes.
    assert_eq!(nodes[0].memory_usage, 50 + 4 + nodes[1].memory_usage);
}

//! Against tries that another implementation builds, and everything that is no proof.

use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use proptest::prelude::*;

use super::*;

/// A trie by its sorted leaves, and the proof of `key` in it, as alloy-trie has them.
fn proof(leaves: &[(Vec<u8>, Vec<u8>)], key: &[u8]) -> (B256, Vec<Bytes>) {
    let target = Nibbles::unpack(key);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes();
    (root, nodes.matching_nodes_sorted(&target).into_iter().map(|(_, node)| node).collect())
}

fn leaves(keys: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    // Too long to stand in a parent.
    keys.iter().map(|key| (key.to_vec(), [&[0x76; 40], *key].concat())).collect()
}

fn path(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

#[track_caller]
fn check(story: &str, leaves: &[(Vec<u8>, Vec<u8>)], key: &[u8], nodes_expected: usize) {
    let (root, nodes) = proof(leaves, key);
    assert_eq!(nodes.len(), nodes_expected, "{story}");
    let expected = leaves.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_slice());
    assert_eq!(walk(&root, &path(key), &nodes), Ok(expected), "{story}");
}

#[test]
fn a_proof_shows_what_is_there_and_what_is_not() {
    let one = leaves(&[&[0x12, 0x34]]);
    check("a leaf as root", &one, &[0x12, 0x34], 1);
    check("another key, a leaf as root", &one, &[0x12, 0x35], 1);
    let two = leaves(&[&[0x12, 0x34, 0x01], &[0x12, 0x34, 0xf1]]);
    check("below an extension and a branch", &two, &[0x12, 0x34, 0x01], 3);
    check("an empty slot of a branch", &two, &[0x12, 0x34, 0x51], 2);
    check("diverges in the extension", &two, &[0x12, 0x44, 0x01], 1);
    check("diverges at its first nibble", &two, &[0x92, 0x34, 0x01], 1);
    check("diverges in the leaf", &two, &[0x12, 0x34, 0x02], 3);
}

#[test]
fn an_empty_trie_has_nothing() {
    let node = Bytes::from_static(&[0x80]);
    assert_eq!(EMPTY_ROOT, keccak256(&node));
    let path = path(&[1; 32]);
    assert_eq!(walk(&EMPTY_ROOT, &path, &[]), Ok(None));
    assert_eq!(walk(&EMPTY_ROOT, &path, core::slice::from_ref(&node)), Ok(None));
    let superfluous = Err(BadProof::Superfluous);
    assert_eq!(walk(&EMPTY_ROOT, &path, &[node.clone(), node]), superfluous);
    assert_eq!(walk(&EMPTY_ROOT, &path, &[Bytes::new()]), superfluous);
    assert_eq!(walk(&B256::ZERO, &path, &[]), Err(BadProof::Truncated));
}

#[test]
fn short_nodes_stand_in_their_parent() {
    let tiny: Vec<(Vec<u8>, Vec<u8>)> = [(0x10, 1), (0x11, 2), (0x12, 3)]
        .iter()
        .map(|(key, value)| (vec![0xab, *key], vec![*value]))
        .collect();
    for key in [0x10, 0x11, 0x12] {
        // alloy gives them by themselves, too.
        check("there, and given once more", &tiny, &[0xab, key], 3);
    }
    check("not there", &tiny, &[0xab, 0x13], 2);
    check("not there either", &tiny, &[0xab, 0x20], 1);
    let (root, nodes) = proof(&tiny, &[0xab, 0x10]);
    let path = path(&[0xab, 0x10]);
    let walks = |nodes: &[Bytes]| walk(&root, &path, nodes).map(|value| value.map(<[u8]>::to_vec));
    assert_eq!(walks(&nodes), Ok(Some(vec![1])));
    assert_eq!(walks(&nodes[..2]), Ok(Some(vec![1])), "not given once more");
    let [a, b, c] = [0, 1, 2].map(|index| nodes[index].clone());
    let superfluous = Err(BadProof::Superfluous);
    let twice = [a.clone(), b.clone(), c.clone(), c];
    assert_eq!(walks(&twice), superfluous, "given twice more");
    let other = [a, b, Bytes::from_static(&[0xc2, 0x20, 0x02])];
    assert_eq!(walks(&other), superfluous, "another one");
}

#[test]
fn nodes_are_all_there_in_order_and_no_others() {
    let keys: Vec<[u8; 2]> = (0..=255_u8).map(|byte| [byte, byte.wrapping_mul(7)]).collect();
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 2]>::as_slice).collect();
    let all = leaves(&keys);
    let (root, nodes) = proof(&all, &[0x42, 0xce]);
    let path = path(&[0x42, 0xce]);
    assert_eq!(nodes.len(), 3);
    let value = [&[0x76; 40][..], &[0x42, 0xce]].concat();
    assert_eq!(walk(&root, &path, &nodes), Ok(Some(value.as_slice())));
    let check = |story: &str, nodes: Vec<Bytes>, why: BadProof| {
        assert_eq!(walk(&root, &path, &nodes), Err(why), "{story}");
    };
    let [a, b, c] = [0, 1, 2].map(|index| nodes[index].clone());
    check("nothing", vec![], BadProof::Truncated);
    check("the last one dropped", vec![a.clone(), b.clone()], BadProof::Truncated);
    check("the first one dropped", vec![b.clone(), c.clone()], BadProof::OtherNode(0));
    check("one left out", vec![a.clone(), c.clone()], BadProof::OtherNode(1));
    check("two swapped", vec![a.clone(), c.clone(), b.clone()], BadProof::OtherNode(1));
    check("one twice", vec![a.clone(), a.clone(), b.clone(), c.clone()], BadProof::OtherNode(1));
    check("one more", vec![a, b, c.clone(), c], BadProof::Superfluous);
    check("too many", vec![nodes[0].clone(); NODES_MAX + 1], BadProof::TooLarge);
    check("too long", vec![vec![0; NODE_BYTES_MAX + 1].into()], BadProof::TooLarge);
    assert_eq!(walk(&B256::ZERO, &path, &nodes), Err(BadProof::OtherNode(0)), "another root");
}

/// One node as the whole trie.
#[track_caller]
fn reads(story: &str, node: &str, key: &[u8], expected: Result<Option<&[u8]>, BadProof>) {
    let node: Bytes = node.parse().expect("hex");
    let root = keccak256(&node);
    assert_eq!(walk(&root, &path(key), &[node]), expected, "{story}");
}

#[test]
fn a_node_has_one_form() {
    let bad = Err(BadProof::Encoding);
    reads("a leaf", "0xc7823012837a7a7a", &[0x01, 0x22], Ok(None));
    reads("a leaf of an even path", "0xc58200128161", &[0x12], bad);
    reads("a leaf of an even path", "0xc482201261", &[0x12], Ok(Some(b"a")));
    reads("a shorter leaf on the way", "0xc482201261", &[0x12, 0x34], Ok(None));
    reads("a longer leaf than the path", "0xc6832012348161", &[0x12], bad);
    reads("a longer leaf than the path", "0xc58320123461", &[0x12], Ok(None));
    reads("a single byte with a header of its own", "0xc58220128161", &[0x12], bad);
    reads("a leaf with nothing in it", "0xc482201280", &[0x12], bad);
    reads("a leaf with a list in it", "0xc4822012c0", &[0x12], bad);
    reads("an even path with a nibble", "0xc482211261", &[0x12], bad);
    reads("flags that there are not", "0xc482401261", &[0x12], bad);
    reads("no flags", "0xc28061", &[0x12], bad);
    reads("a list for a path", "0xc3c18061", &[0x12], bad);
    reads("an extension of no length", "0xc20080", &[0x12], bad);
    reads("an extension to nothing", "0xc482001280", &[0x12], bad);
    reads("an extension to a short hash", "0xc4820012820102", &[0x12], bad);
    reads("a branch of 16", "0xd080808080808080808080808080808080", &[0x12], bad);
    reads("an empty branch", "0xd18080808080808080808080808080808080", &[0x12], Ok(None));
    reads("a branch of 18", "0xd2808080808080808080808080808080808080", &[0x12], bad);
    reads("a branch with a value", "0xd18080808080808080808080808080808061", &[], Ok(Some(b"a")));
    reads("a value that is a list", "0xd180808080808080808080808080808080c0", &[], bad);
    reads("a text", "0x83616263", &[0x12], bad);
    reads("nothing", "0x", &[0x12], bad);
    reads("an empty list", "0xc0", &[0x12], bad);
    reads("one item", "0xc161", &[0x12], bad);
    reads("bytes after the node", "0xc48220126100", &[0x12], bad);
    reads("a length that leads outside", "0xc582201261", &[0x12], bad);
    reads("a long length for a short list", "0xf80482201261", &[0x12], bad);
    reads("a length with a leading zero", "0xf9000482201261", &[0x12], bad);
    reads("a length of 2^64 - 1", "0xffffffffffffffffff", &[0x12], bad);
}

#[test]
fn a_node_of_a_hash_or_more_is_never_inlined() {
    // An extension to a leaf of 33 bytes that stands in it.
    let leaf = [&[0xe0, 0x20, 0x9e][..], &[0x61; 30]].concat();
    let node = [&[0xe2, 0x16][..], &leaf].concat();
    assert_eq!(leaf.len(), 33);
    let node = Bytes::from(node);
    assert_eq!(walk(&keccak256(&node), &[6], &[node]), Err(BadProof::Encoding));
}

fn any_leaves() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    // Keys near each other, so that paths branch late; of one length, as in a state.
    let key = prop::collection::vec(prop::sample::select(vec![0x00_u8, 0x01, 0x10, 0x11, 0xff]), 4);
    let value = prop::collection::vec(any::<u8>(), 1..40);
    prop::collection::btree_map(key, value, 1..40).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn every_key_is_proved_there_or_not(
        leaves in any_leaves(), key: [u8; 4], index: prop::sample::Index,
    ) {
        let known = leaves[index.index(leaves.len())].0.clone();
        for key in [key.to_vec(), known] {
            let (root, nodes) = proof(&leaves, &key);
            let expected = leaves.iter().find(|(other, _)| *other == key);
            let found = walk(&root, &path(&key), &nodes);
            prop_assert_eq!(found, Ok(expected.map(|(_, value)| value.as_slice())));
        }
    }

    #[test]
    fn a_flipped_bit_proves_nothing(
        leaves in any_leaves(),
        node: prop::sample::Index,
        byte: prop::sample::Index,
        bit in 0_u8..8,
        index: prop::sample::Index,
    ) {
        let key = leaves[index.index(leaves.len())].0.clone();
        let (root, mut nodes) = proof(&leaves, &key);
        let node = node.index(nodes.len());
        let mut bytes = nodes[node].to_vec();
        let byte = byte.index(bytes.len());
        bytes[byte] ^= 1_u8 << bit;
        nodes[node] = bytes.into();
        // A short node that is given once more is another one then, and used no more.
        let found = walk(&root, &path(&key), &nodes);
        let why = found.expect_err("it proves nothing");
        prop_assert!(why == BadProof::OtherNode(node) || why == BadProof::Superfluous);
    }

    #[test]
    fn any_node_is_a_step_or_an_error(
        node in prop::collection::vec(any::<u8>(), 0..80),
        path in prop::collection::vec(0_u8..16, 0..10),
        is_list: bool,
    ) {
        let node = if is_list {
            let mut list = Vec::new();
            alloy_rlp::Header { list: true, payload_length: node.len() }.encode(&mut list);
            [list, node].concat()
        } else {
            node
        };
        drop(step(&node, &path));
        let node = Bytes::from(node);
        let (root, nodes) = (keccak256(&node), [node]);
        prop_assert_ne!(walk(&root, &path, &nodes), Err(BadProof::OtherNode(0)));
    }
}

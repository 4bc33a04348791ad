//! Small tries, written by hand.

use proptest::prelude::*;

use super::*;

/// What the tests' tries have, as nibbles: `1234` and `1235` and `12` with values, `1` leads there.
struct Trie {
    root: CryptoHash,
    nodes: Vec<Vec<u8>>,
}

fn value_ref(value: &[u8]) -> Vec<u8> {
    let len = u32::try_from(value.len()).expect("short");
    [&len.to_le_bytes(), CryptoHash::of(value).as_bytes().as_slice()].concat()
}

fn list(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("short").to_le_bytes(), bytes].concat()
}

fn node(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag], parts.concat().as_slice(), &7_u64.to_le_bytes()].concat()
}

fn trie() -> Trie {
    let leaf = |path: &[u8], value: &[u8]| node(0, &[&list(path), &value_ref(value)]);
    // Keys 0x1234, 0x1235, 0x12 and 0x1300.
    let (four, five) = (leaf(&[0x20], b"four"), leaf(&[0x20], b"five"));
    let hash = |node: &[u8]| *CryptoHash::of(node).as_bytes();
    let fork = node(1, &[&0b11_0000_u16.to_le_bytes(), &hash(&four), &hash(&five)]);
    let three = node(3, &[&list(&[0x13]), &hash(&fork)]);
    let branch = |value: &[u8], bits: u16, children: &[&[u8]]| {
        node(2, &[value, &bits.to_le_bytes(), &children.concat()])
    };
    // Nibbles 1 2 lead here; the extension's own nibble is 3, so the child hangs at 3 by itself.
    let other = leaf(&[0x30], b"other");
    let twelve = branch(&value_ref(b"twelve"), 0b1000, &[&hash(&fork)]);
    let top = node(1, &[&0b1100_u16.to_le_bytes(), &hash(&twelve), &hash(&other)]);
    let root = node(3, &[&list(&[0x11]), &hash(&top)]);
    let root_hash = CryptoHash::of(&root);
    // The extension `three` is not on any path: others may stand beside.
    Trie { root: root_hash, nodes: vec![five, other, root, top, three, twelve, fork, four] }
}

fn at(trie: &Trie, key: &[u8]) -> Result<Option<ValueRef>, BadProof> {
    walk(&trie.root, key, 0, &Nodes::new(&trie.nodes).expect("few")).map(|walked| walked.value)
}

#[test]
fn values_are_found_or_proved_absent() {
    let trie = trie();
    let check = |key: &[u8], value: Option<&[u8]>| {
        let found = at(&trie, key).expect("a proof");
        assert_eq!(found.is_some(), value.is_some(), "{key:x?}");
        if let (Some(found), Some(value)) = (found, value) {
            assert!(found.is_of(value) && !found.is_of(b"else"), "{key:x?}");
        }
    };
    check(&[0x12, 0x34], Some(b"four"));
    check(&[0x12, 0x35], Some(b"five"));
    check(&[0x12], Some(b"twelve"));
    check(&[0x13, 0x00], None);
    check(&[0x12, 0x36], None);
    check(&[0x12, 0x44], None);
    check(&[0x12, 0x34, 0x56], None);
    check(&[0x14], None);
    check(&[0x22], None);
    check(&[], None);
}

#[test]
fn an_absence_tells_how_far_others_have_the_same_key() {
    let trie = trie();
    let shared = |key: &[u8]| {
        let nodes = Nodes::new(&trie.nodes).expect("few");
        walk(&trie.root, key, 0, &nodes).expect("a proof").shared
    };
    for (key, expected) in [
        (&[0x12, 0x34][..], 4),
        (&[0x12, 0x36], 3),
        (&[0x12, 0x44], 2),
        (&[0x12, 0x34, 0x56], 4),
        (&[0x13, 0x11], 2),
        (&[0x14], 1),
        (&[0x22], 0),
        (&[], 0),
    ] {
        assert_eq!(shared(key), expected, "{key:x?}");
    }
}

#[test]
fn a_leaf_holds_the_rest_of_its_path_alone() {
    let trie = trie();
    // At nibbles 1 3 hangs a leaf whose own path is the nibble 0.
    let key_of_odd = |key: &[u8], skipped| {
        let nodes = Nodes::new(&trie.nodes).expect("few");
        walk(&CryptoHash::of(&trie.nodes[1]), key, skipped, &nodes).map(|walked| walked.value)
    };
    assert!(key_of_odd(&[0x10], 1).expect("a proof").is_some_and(|value| value.is_of(b"other")));
    assert_eq!(key_of_odd(&[0x11], 1), Ok(None));
    assert_eq!(key_of_odd(&[0x10], 2), Ok(None));
    assert_eq!(key_of_odd(&[0x10], 3), Err(BadProof::TooLarge));
}

#[test]
fn a_missing_node_is_no_absence() {
    for index in 0..8 {
        let mut trie = trie();
        trie.nodes.remove(index);
        let on_path = ![1, 4].contains(&index);
        let keys: [&[u8]; 2] = [&[0x12, 0x34], &[0x12, 0x35]];
        let found: Vec<_> = keys.iter().map(|key| at(&trie, key)).collect();
        assert_eq!(found.contains(&Err(BadProof::Missing)), on_path, "{index}");
    }
    let trie = trie();
    let none = walk(&CryptoHash::of(b"x"), &[0x12], 0, &Nodes::new(&trie.nodes).expect("few"));
    assert_eq!(none, Err(BadProof::Missing));
}

#[test]
fn paths_have_one_form() {
    let check = |path: &[u8], is_leaf, expected: Option<&[u8]>| {
        let found = nibbles(path, is_leaf).ok().map(Iterator::collect::<Vec<_>>);
        assert_eq!(found.as_deref(), expected, "{path:x?}");
    };
    check(&[0x00, 0x12], false, Some(&[1, 2]));
    check(&[0x13, 0x12], false, Some(&[3, 1, 2]));
    check(&[0x20], true, Some(&[]));
    check(&[0x3f], true, Some(&[15]));
    for (path, is_leaf) in [
        (&[][..], true),
        (&[0x00], true),
        (&[0x20], false),
        (&[0x21], true),
        (&[0x01], false),
        (&[0x40], false),
        (&[0xb0], true),
    ] {
        check(path, is_leaf, None);
    }
    // An extension that leads nowhere could go on for ever.
    let node = node(3, &[&list(&[0x00]), CryptoHash::ZERO.as_bytes()]);
    let nodes = [node];
    let nodes = Nodes::new(&nodes).expect("few");
    let (start, _) = nodes.0.iter().next().expect("one");
    assert_eq!(walk(start, &[0x12], 0, &nodes), Err(BadProof::Encoding));
}

#[test]
fn proofs_have_bounds() {
    let trie = trie();
    let long = vec![0; KEY_BYTES_MAX + 1];
    assert_eq!(at(&trie, &long), Err(BadProof::TooLarge));
    let many = vec![Vec::new(); NODES_MAX + 1];
    assert_eq!(Nodes::new(&many).err(), Some(BadProof::TooLarge));
    let large = [vec![0; NODE_BYTES_MAX + 1]];
    assert_eq!(Nodes::new(&large).err(), Some(BadProof::TooLarge));
    assert_eq!(Node::decode(&large[0]), Err(BadProof::TooLarge));
}

#[test]
fn children_stand_where_the_bitmap_says() {
    let hashes = [[1; 32], [2; 32]];
    let children = Children { bitmap: 0x8001, hashes: &hashes };
    let child = |nibble| children.get(nibble).map(|hash| hash.as_bytes()[0]);
    assert_eq!((child(0), child(15), child(1), child(16)), (Some(1), Some(2), None, None));
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200), tag in 0_u8..5) {
        let _either = Node::decode(&bytes).is_ok();
        let tagged = [&[tag], bytes.as_slice()].concat();
        let _either = Node::decode(&tagged).is_ok();
        let nodes = [tagged];
        let start = CryptoHash::of(&nodes[0]);
        let _either = walk(&start, &bytes, 0, &Nodes::new(&nodes).expect("few")).is_ok();
    }

    #[test]
    fn one_changed_byte_spoils_a_path(place: prop::sample::Index, flip in 1_u8..) {
        let mut trie = trie();
        let place = place.index(trie.nodes.iter().map(Vec::len).sum());
        let mut bytes = trie.nodes.iter_mut().flatten();
        *bytes.nth(place).expect("below the sum") ^= flip;
        let keys: [&[u8]; 3] = [&[0x12, 0x34], &[0x12, 0x35], &[0x13, 0x00]];
        let found: Vec<_> = keys.iter().map(|key| at(&trie, key)).collect();
        // Only in a node that no path needs.
        let all_good = found.iter().all(Result::is_ok);
        let before: usize = trie.nodes.iter().take(4).map(Vec::len).sum();
        let beside = (before..before + trie.nodes[4].len()).contains(&place);
        prop_assert_eq!(all_good, beside);
    }
}

use proptest::prelude::*;

use super::*;
use crate::forge::Tree;

/// `a`: `1`, `c`: nothing, `e`: { `f`: `2` }.
fn state() -> Tree {
    Tree::folder([
        ("a", Tree::leaf("1")),
        ("c", Tree::Empty),
        ("e", Tree::folder([("f", Tree::leaf("2"))])),
    ])
}

#[track_caller]
fn check(tree: &Tree, path: &[&str], expected: Lookup<'_>) {
    let bytes = tree.encode();
    let parsed = HashTree::parse(&bytes).expect("well-formed");
    assert_eq!(parsed.digest(), tree.digest());
    assert_eq!(parsed.lookup(path), expected, "{path:?}");
}

#[test]
fn whole_trees_know_everything() {
    let tree = state();
    check(&tree, &["a"], Lookup::Found(b"1"));
    check(&tree, &["e", "f"], Lookup::Found(b"2"));
    check(&tree, &["e"], Lookup::Error);
    check(&tree, &[], Lookup::Error);
    check(&tree, &["c"], Lookup::Absent);
    for nothing in ["", "0", "b", "d", "ee", "f", "ea"] {
        check(&tree, &[nothing], Lookup::Absent);
        check(&tree, &["e", nothing, nothing], Lookup::Absent);
    }
    check(&tree, &["a", "a"], Lookup::Absent);
    check(&tree, &["c", "a"], Lookup::Absent);
    check(&Tree::Empty, &[], Lookup::Absent);
    check(&Tree::Empty, &["a"], Lookup::Absent);
    check(&Tree::leaf("1"), &[], Lookup::Found(b"1"));
    check(&Tree::leaf("1"), &["a"], Lookup::Absent);
}

#[test]
fn what_is_cut_away_is_unknown_and_not_absent() {
    let (a, c, e) = (
        Tree::label("a", Tree::leaf("1")),
        Tree::label("c", Tree::leaf("2")),
        Tree::label("e", Tree::leaf("3")),
    );
    let without_c = Tree::fork(a.clone(), Tree::fork(c.pruned(), e.clone()));
    assert_eq!(
        without_c.digest(),
        Tree::fork(a.clone(), Tree::fork(c.clone(), e.clone())).digest()
    );
    check(&without_c, &["a"], Lookup::Found(b"1"));
    check(&without_c, &["0"], Lookup::Absent);
    check(&without_c, &["c"], Lookup::Unknown);
    check(&without_c, &["d"], Lookup::Unknown);
    check(&without_c, &["e"], Lookup::Found(b"3"));
    check(&without_c, &["f"], Lookup::Absent);
    let without_ends = Tree::fork(a.pruned(), Tree::fork(c, e.pruned()));
    check(&without_ends, &["a"], Lookup::Unknown);
    check(&without_ends, &["d"], Lookup::Unknown);
    check(&without_ends, &["c", "a"], Lookup::Absent);
    check(&without_ends.pruned(), &["c"], Lookup::Unknown);
    check(&without_ends.pruned(), &[], Lookup::Unknown);
    let only_the_label = Tree::fork(Tree::label("a", Tree::leaf("1").pruned()), e);
    check(&only_the_label, &["a"], Lookup::Unknown);
    check(&only_the_label, &["b"], Lookup::Absent);
}

#[test]
fn trees_that_the_network_never_makes_are_refused() {
    let refuses = |story: &str, tree: &Tree, error: BadTree| {
        assert_eq!(HashTree::parse(&tree.encode()), Err(error), "{story}");
    };
    let (a, b) = (Tree::label("a", Tree::leaf("1")), Tree::label("b", Tree::leaf("2")));
    refuses("turned", &Tree::fork(b.clone(), a.clone()), BadTree::Order);
    refuses("twice", &Tree::fork(a.clone(), a.clone()), BadTree::Order);
    let apart = Tree::fork(Tree::fork(b.clone(), a.pruned()), a.clone());
    refuses("turned, with a gap between", &apart, BadTree::Order);
    let below = Tree::label("x", Tree::fork(b.clone(), a.clone()));
    refuses("turned further down", &below, BadTree::Order);
    let prefix = Tree::fork(Tree::label("aa", Tree::Empty), a.clone());
    refuses("longer before shorter", &prefix, BadTree::Order);
    refuses("a leaf beside a label", &Tree::fork(a, Tree::leaf("1")), BadTree::StrayLeaf);
    let alone = Tree::fork(Tree::Empty, Tree::leaf("1"));
    refuses("a leaf beside nothing", &alone, BadTree::StrayLeaf);
}

#[test]
fn other_forms_of_nodes_are_refused() {
    for bytes in [
        &b"\x80"[..],
        b"\x82\x00\x80",
        b"\x82\x01\x81\x00",
        b"\x81\x03",
        b"\x83\x03\x41a\x41b",
        b"\x82\x05\x00",
        b"\x82\x04\x41a",
        b"\x83\x02\x61a\x81\x00",
        b"\x81\x00\x00",
        b"\x9f\x00\xff",
        b"\xf6",
        b"",
    ] {
        assert!(HashTree::parse(bytes).is_err(), "{bytes:x?}");
    }
    assert!(HashTree::parse(b"\xd9\xd9\xf7\x81\x00").is_ok());
}

#[test]
fn depth_and_number_of_nodes_are_bounded() {
    let nested = |levels: usize| [&b"\x83\x02\x40".repeat(levels)[..], b"\x81\x00"].concat();
    assert!(HashTree::parse(&nested(127)).is_ok());
    assert_eq!(HashTree::parse(&nested(128)).err(), Some(BadTree::TooLarge));
    assert_eq!(HashTree::parse(&nested(1 << 20)).err(), Some(BadTree::TooLarge));
    let forks = b"\x83\x01".repeat(1 << 20);
    assert_eq!(HashTree::parse(&forks).err(), Some(BadTree::TooLarge));
    // Seventeen levels of forks have more nodes than are read.
    let bushy =
        (0..17).fold(b"\x81\x00".to_vec(), |tree, _| [b"\x83\x01", &tree[..], &tree].concat());
    assert_eq!(HashTree::parse(&bushy).err(), Some(BadTree::TooLarge));
}

/// Heads of small arrays, tags of nodes, strings of no or one byte.
const BYTES_OF_TREES: &[u8] = b"\x81\x82\x83\x00\x01\x02\x03\x40\x41a";

/// Any state with labels `a` to `h`, and which of its entries are cut away.
fn any_state() -> impl Strategy<Value = Vec<(String, u8, bool)>> {
    let entry = ("[a-h]{1,2}", any::<u8>(), any::<bool>());
    prop::collection::btree_map("[a-h]{1,2}", (entry.1, entry.2), 0..12)
        .prop_map(|map| map.into_iter().map(|(label, (value, cut))| (label, value, cut)).collect())
}

proptest! {
    #[test]
    fn cutting_away_never_turns_an_answer_around(entries in any_state(), path in "[a-h]{1,2}") {
        let leaf = |value: &u8| Tree::leaf([*value]);
        let whole = Tree::folder(entries.iter().map(|(label, value, _)| (label, leaf(value))));
        // The same shape, with some entries replaced by their hashes.
        let parts = entries.iter().map(|(label, value, cut)| {
            let node = Tree::label(label, leaf(value));
            if *cut { node.pruned() } else { node }
        });
        let mut nodes: Vec<Tree> = parts.collect();
        while nodes.len() > 1 {
            let pairs = nodes.chunks(2).map(|pair| match pair {
                [left, right] => Tree::fork(left.clone(), right.clone()),
                _ => pair[0].clone(),
            });
            nodes = pairs.collect();
        }
        let cut = nodes.pop().unwrap_or(Tree::Empty);
        prop_assert_eq!(cut.digest(), whole.digest());
        let (whole, cut) = (whole.encode(), cut.encode());
        let truth = HashTree::parse(&whole).expect("well-formed").lookup(&[&path]);
        let told = HashTree::parse(&cut).expect("well-formed").lookup(&[&path]);
        prop_assert!(told == truth || told == Lookup::Unknown, "{told:?}, in truth {truth:?}");
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(tree) = HashTree::parse(&bytes) {
            tree.digest();
        }
    }

    #[test]
    fn bytes_like_a_trees_are_judged(
        bytes in prop::collection::vec(prop::sample::select(BYTES_OF_TREES), 0..60),
    ) {
        if let Ok(tree) = HashTree::parse(&bytes) {
            tree.lookup(&["a"]);
        }
    }
}

use proptest::prelude::*;

use super::*;

/// A trie built from the top, unlike [`root_of_list`]: its root, and all its nodes.
pub(in crate::proof) fn build(
    hash: FeltHash,
    height: usize,
    leaves: &[(Felt, Felt)],
) -> (Felt, Vec<Node>) {
    let entries = leaves.iter().filter(|(_, leaf)| *leaf != Felt::ZERO).map(|(key, leaf)| {
        let bits = key.to_bits_be();
        (bits[256 - height..].to_vec(), *leaf)
    });
    let mut nodes = Vec::new();
    let root = below(hash, &entries.collect::<Vec<_>>(), &mut nodes);
    (root, nodes)
}

fn below(hash: FeltHash, entries: &[(Vec<bool>, Felt)], nodes: &mut Vec<Node>) -> Felt {
    let Some((first, leaf)) = entries.first() else { return Felt::ZERO };
    if first.is_empty() {
        return *leaf;
    }
    let shared = (0..first.len())
        .take_while(|place| entries.iter().all(|(bits, _)| bits[*place] == first[*place]))
        .count();
    let after = |count: usize, entries: Vec<&(Vec<bool>, Felt)>| -> Vec<(Vec<bool>, Felt)> {
        entries.iter().map(|(bits, leaf)| (bits[count..].to_vec(), *leaf)).collect()
    };
    let node = if shared > 0 {
        let child = below(hash, &after(shared, entries.iter().collect()), nodes);
        let path =
            first[..shared].iter().fold(Felt::ZERO, |path, bit| path.double() + Felt::from(*bit));
        Node::Edge { child, path, length: u8::try_from(shared).expect("at most 251") }
    } else {
        let (right, left): (Vec<_>, Vec<_>) = entries.iter().partition(|(bits, _)| bits[0]);
        let left = below(hash, &after(1, left), nodes);
        Node::Binary { left, right: below(hash, &after(1, right), nodes) }
    };
    nodes.push(node);
    node.hash(hash)
}

fn felt(number: u64) -> Felt {
    Felt::from(number)
}

const BOTH: [FeltHash; 2] = [FeltHash::Pedersen, FeltHash::Poseidon];

#[test]
fn values_are_present_or_proved_absent() {
    let far = Felt::TWO.pow(250_u8);
    let leaves = [(felt(2), felt(20)), (felt(3), felt(30)), (far, felt(40))];
    for hash in BOTH {
        let (root, nodes) = build(hash, HEIGHT, &leaves);
        let set = NodeSet::new(hash, &nodes).expect("few");
        for (key, leaf) in leaves {
            assert_eq!(set.leaf(&root, &key), Ok(Some(leaf)), "{key:#x}");
        }
        for key in [felt(0), felt(1), felt(4), far + Felt::ONE, Felt::TWO.pow(249_u8)] {
            assert_eq!(set.leaf(&root, &key), Ok(None), "{key:#x}");
        }
        let other = BOTH.into_iter().find(|other| *other != hash).expect("there are two");
        let set = NodeSet::new(other, &nodes).expect("few");
        assert_eq!(set.leaf(&root, &felt(2)), Err(BadProof::Missing), "the other hash");
    }
}

#[test]
fn nothing_is_in_an_empty_trie() {
    let set = NodeSet::new(FeltHash::Pedersen, &[]).expect("few");
    assert_eq!(set.leaf(&Felt::ZERO, &felt(1)), Ok(None));
    assert_eq!(set.leaf(&Felt::ONE, &felt(1)), Err(BadProof::Missing));
}

#[test]
fn keys_longer_than_the_path_prove_nothing() {
    let (root, nodes) = build(FeltHash::Pedersen, HEIGHT, &[(felt(1), felt(2))]);
    let set = NodeSet::new(FeltHash::Pedersen, &nodes).expect("few");
    for key in [Felt::TWO.pow(251_u8), Felt::TWO.pow(251_u8) + Felt::ONE, Felt::MAX] {
        assert_eq!(set.leaf(&root, &key), Err(BadProof::Key));
    }
}

/// An edge's hash is a sum, so other lengths and paths must not read as the same node.
#[test]
fn edges_of_impossible_length_prove_nothing() {
    let check = |node: Node, error| {
        let set = NodeSet::new(FeltHash::Pedersen, &[node]).expect("few");
        let root = node.hash(FeltHash::Pedersen);
        assert_eq!(set.leaf(&root, &felt(1)), Err(error), "{node:?}");
    };
    let edge = |path, length| Node::Edge { child: Felt::ONE, path, length };
    check(edge(Felt::ZERO, 0), BadProof::Edge);
    check(edge(Felt::ONE, 0), BadProof::Edge);
    check(edge(Felt::ONE, 252), BadProof::Edge);
    check(edge(Felt::ONE, 255), BadProof::Edge);
    check(edge(felt(4), 2), BadProof::Edge);
    check(edge(Felt::MAX, 251), BadProof::Edge);
    // The path fits the key, but what is below is not there.
    check(edge(Felt::ZERO, 250), BadProof::Missing);
}

#[test]
fn lists_have_the_root_of_their_trie() {
    let leaves: Vec<Felt> = [5, 0, 7, 8, 9, 0, 0].map(felt).to_vec();
    for hash in BOTH {
        for height in [3, 4, 64, 251] {
            for count in 0..=leaves.len() {
                let list = &leaves[..count];
                let keyed: Vec<_> = (0..).map(felt).zip(list.iter().copied()).collect();
                let (root, _) = build(hash, height, &keyed);
                assert_eq!(root_of_list(hash, height, list), Ok(root), "{height} {count}");
            }
        }
    }
    let hash = FeltHash::Poseidon;
    assert_eq!(root_of_list(hash, 2, &leaves), Err(BadProof::TooLarge));
    assert_eq!(root_of_list(hash, 0, &leaves), Err(BadProof::Edge));
    assert_eq!(root_of_list(hash, 252, &leaves), Err(BadProof::Edge));
}

#[test]
fn a_set_has_a_bound() {
    let node = Node::Binary { left: Felt::ONE, right: Felt::ONE };
    let found = NodeSet::new(FeltHash::Poseidon, &vec![node; NODES_MAX + 1]);
    assert_eq!(found.map(drop), Err(BadProof::TooLarge));
}

fn any_node() -> impl Strategy<Value = Node> {
    let felt = || any::<[u8; 32]>().prop_map(|bytes| Felt::from_bytes_be(&bytes));
    prop_oneof![
        (felt(), felt()).prop_map(|(left, right)| Node::Binary { left, right }),
        (felt(), felt(), any::<u8>()).prop_map(|(child, path, length)| Node::Edge {
            child,
            path,
            length
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_proof_without_one_of_its_nodes_proves_nothing(
        keys in prop::collection::btree_set(any::<u16>(), 1..12),
        place: prop::sample::Index,
    ) {
        let leaves: Vec<_> =
            keys.iter().map(|key| (felt(u64::from(*key)), felt(u64::from(*key) + 1))).collect();
        let (root, nodes) = build(FeltHash::Poseidon, HEIGHT, &leaves);
        let whole = NodeSet::new(FeltHash::Poseidon, &nodes).expect("few");
        let mut some = nodes;
        some.remove(place.index(some.len()));
        let set = NodeSet::new(FeltHash::Poseidon, &some).expect("few");
        for (key, leaf) in &leaves {
            prop_assert_eq!(whole.leaf(&root, key), Ok(Some(*leaf)));
            // Never "absent", never another value.
            let found = set.leaf(&root, key);
            prop_assert!(found == Ok(Some(*leaf)) || found == Err(BadProof::Missing));
        }
    }

    #[test]
    fn any_nodes_lead_somewhere_or_nowhere(
        nodes in prop::collection::vec(any_node(), 1..8), key: [u8; 32], place: prop::sample::Index,
    ) {
        let set = NodeSet::new(FeltHash::Poseidon, &nodes).expect("few");
        let root = nodes[place.index(nodes.len())].hash(FeltHash::Poseidon);
        let found = set.leaf(&root, &Felt::from_bytes_be(&key));
        prop_assert!(!matches!(found, Ok(Some(_))));
    }
}

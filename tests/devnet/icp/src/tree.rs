//! Hash trees: a state with labels, its digest, and parts of it that prove themselves.
//! Source: IC interface specification, "Certificate" and "Encoding of certificates".

use std::sync::Arc;

use crate::cbor::{Value, sha256};

/// A part of the state, with its digest.
#[derive(Clone, Debug)]
pub(crate) struct Tree(Arc<Node>);

#[derive(Debug)]
struct Node {
    digest: [u8; 32],
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Empty,
    /// Both halves hold labels; `left_last` and `right_first` are the ones beside the gap.
    Fork {
        left: Tree,
        right: Tree,
        left_last: Vec<u8>,
        right_first: Vec<u8>,
    },
    Labeled(Vec<u8>, Tree),
    Leaf(Vec<u8>),
}

/// Labels from the root to a part of the state.
pub(crate) type Path = Vec<Vec<u8>>;

impl Tree {
    pub(crate) fn empty() -> Self {
        Self::new(domain("ic-hashtree-empty", &[]), Kind::Empty)
    }

    pub(crate) fn leaf(value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        Self::new(domain("ic-hashtree-leaf", &[&value]), Kind::Leaf(value))
    }

    pub(crate) fn labeled(label: impl AsRef<[u8]>, inner: Self) -> Self {
        let label = label.as_ref().to_vec();
        let digest = domain("ic-hashtree-labeled", &[&label, inner.digest()]);
        Self::new(digest, Kind::Labeled(label, inner))
    }

    /// A folder of these entries, which stand in the order of their labels.
    pub(crate) fn folder<L: AsRef<[u8]>>(entries: impl IntoIterator<Item = (L, Self)>) -> Self {
        Self::joined(entries.into_iter().map(|(label, inner)| Self::labeled(label, inner)))
    }

    /// One folder of several, whose labels stand in order.
    pub(crate) fn joined(folders: impl IntoIterator<Item = Self>) -> Self {
        let mut level: Vec<Self> = folders.into_iter().filter(|tree| !tree.is_empty()).collect();
        // Terminates: each turn halves the level.
        while level.len() > 1 {
            let pairs = level.chunks(2).map(|pair| match pair {
                [left, right] => Self::fork(left.clone(), right.clone()),
                rest => rest.iter().next().cloned().unwrap_or_else(Self::empty),
            });
            level = pairs.collect();
        }
        level.pop().unwrap_or_else(Self::empty)
    }

    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }

    /// The tree in which only what lies under one of `paths` is shown, or proved absent.
    pub(crate) fn reveal(&self, paths: &[&[Vec<u8>]]) -> Value {
        if paths.is_empty() {
            return node(4, [Value::bytes(self.digest())]);
        }
        let whole = paths.iter().any(|path| path.is_empty());
        match &self.0.kind {
            Kind::Empty => node(0, []),
            Kind::Leaf(value) => node(3, [Value::bytes(value)]),
            Kind::Fork { left, right, left_last, right_first } => {
                let before =
                    |path: &&&[Vec<u8>]| path.first().is_none_or(|label| label < right_first);
                let after = |path: &&&[Vec<u8>]| path.first().is_none_or(|label| label > left_last);
                let halves: [Vec<&[Vec<u8>]>; 2] = [
                    paths.iter().filter(before).copied().collect(),
                    paths.iter().filter(after).copied().collect(),
                ];
                let [before, after] = &halves;
                node(1, [left.reveal(before), right.reveal(after)])
            }
            Kind::Labeled(label, inner) => {
                let split = paths.iter().filter_map(|path| path.split_first());
                let mut under: Vec<&[Vec<u8>]> =
                    split.filter(|(first, _)| *first == label).map(|(_, rest)| rest).collect();
                if whole {
                    under.push(&[]);
                }
                node(2, [Value::bytes(label), inner.reveal(&under)])
            }
        }
    }

    fn new(digest: [u8; 32], kind: Kind) -> Self {
        Self(Arc::new(Node { digest, kind }))
    }

    fn fork(left: Self, right: Self) -> Self {
        let digest = domain("ic-hashtree-fork", &[left.digest(), right.digest()]);
        let left_last = left.edge(true).to_vec();
        let right_first = right.edge(false).to_vec();
        Self::new(digest, Kind::Fork { left, right, left_last, right_first })
    }

    fn is_empty(&self) -> bool {
        matches!(self.0.kind, Kind::Empty)
    }

    /// The last label in a folder, or the first.
    fn edge(&self, last: bool) -> &[u8] {
        match &self.0.kind {
            Kind::Fork { left, right, .. } => if last { right } else { left }.edge(last),
            Kind::Labeled(label, _) => label,
            Kind::Empty | Kind::Leaf(_) => &[],
        }
    }
}

fn node<const N: usize>(tag: u64, parts: [Value; N]) -> Value {
    Value::Array([Value::Unsigned(tag)].into_iter().chain(parts).collect())
}

fn domain(name: &str, parts: &[&[u8]]) -> [u8; 32] {
    // The names are short: their length is one byte.
    let len = [name.len() as u8];
    let mut all: Vec<&[u8]> = vec![&len, name.as_bytes()];
    all.extend(parts);
    sha256(&all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ic_certification::{HashTree, LookupResult, hash_tree};
    use proptest::prelude::*;

    use super::*;

    /// As another implementation has it.
    fn theirs(value: &Value) -> HashTree {
        let bytes = |value: &Value| value.as_bytes().expect("bytes").to_vec();
        let parts = value.as_array().expect("a node");
        match (parts[0].as_unsigned().expect("a tag"), &parts[1..]) {
            (0, []) => hash_tree::empty(),
            (1, [left, right]) => hash_tree::fork(theirs(left), theirs(right)),
            (2, [label, inner]) => hash_tree::label(bytes(label), theirs(inner)),
            (3, [value]) => hash_tree::leaf(bytes(value)),
            (4, [digest]) => {
                let digest: [u8; 32] = bytes(digest).try_into().expect("32 bytes");
                hash_tree::pruned(digest)
            }
            _ => panic!("no node: {value:?}"),
        }
    }

    type Folders = BTreeMap<u8, BTreeMap<u8, u8>>;

    fn built(folders: &Folders) -> Tree {
        let inner = |values: &BTreeMap<u8, u8>| {
            Tree::folder(values.iter().map(|(label, value)| ([*label], Tree::leaf([*value]))))
        };
        Tree::folder(folders.iter().map(|(label, values)| ([*label], inner(values))))
    }

    proptest! {
        #[test]
        fn what_is_asked_is_shown_or_proved_absent(
            folders in prop::collection::btree_map(
                0_u8..20, prop::collection::btree_map(0_u8..20, any::<u8>(), 0..6), 0..8),
            asked in prop::collection::vec((0_u8..20, 0_u8..20), 0..4),
        ) {
            let tree = built(&folders);
            let paths: Vec<Path> = asked.iter().map(|(a, b)| vec![vec![*a], vec![*b]]).collect();
            let paths: Vec<&[Vec<u8>]> = paths.iter().map(Vec::as_slice).collect();
            let shown = theirs(&tree.reveal(&paths));
            prop_assert_eq!(&shown.digest(), tree.digest());
            for (outer, values) in &folders {
                for (inner, value) in values {
                    let seen = shown.lookup_path([[*outer], [*inner]]);
                    if asked.contains(&(*outer, *inner)) {
                        prop_assert_eq!(seen, LookupResult::Found(&[*value]));
                    } else {
                        prop_assert_eq!(seen, LookupResult::Unknown);
                    }
                }
            }
            for (outer, inner) in asked {
                if folders.get(&outer).is_none_or(|values| !values.contains_key(&inner)) {
                    prop_assert_eq!(shown.lookup_path([[outer], [inner]]), LookupResult::Absent);
                }
            }
        }

        #[test]
        fn a_prefix_shows_all_under_it(
            folders in prop::collection::btree_map(
                0_u8..20, prop::collection::btree_map(0_u8..20, any::<u8>(), 1..6), 1..8),
        ) {
            let tree = built(&folders);
            let (outer, values) = folders.iter().next().expect("there is one");
            let shown = theirs(&tree.reveal(&[&[vec![*outer]]]));
            prop_assert_eq!(&shown.digest(), tree.digest());
            for (inner, value) in values {
                let seen = shown.lookup_path([[*outer], [*inner]]);
                prop_assert_eq!(seen, LookupResult::Found(&[*value]));
            }
        }
    }
}

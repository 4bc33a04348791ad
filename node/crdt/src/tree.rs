//! The state's Merkle tree: one root for all entries, O(log n) per write, proofs of single entries.
//!
//! A trie of 16 children per node over BLAKE3 of the entries' keys. A node stands at a prefix if,
//! and only if, at least two entries share it (the root always stands); a lone entry is a leaf
//! inside the deepest node above it. So the shape depends on the entries alone, not on their
//! history, and keys that hash alike to `n` bits make a path of `n / 4` nodes, not a wide node.

mod node;
mod proof;

use types::{Hash, Root, Tagged as _};

use self::node::{Node, Slot, nibble};
use crate::{Read, StateError, Writes, row};

pub use proof::{PROOF_MAX, Proof, ProofError, Proven, prove};

/// The root of the state in `base`. Reads one row.
///
/// # Errors
/// [`StateError`] if that cannot be read or is malformed.
pub fn root(base: &dyn Read) -> Result<Root, StateError> {
    Ok(read(base, &[])?.unwrap_or_default().digest().into())
}

/// Sets and removes `leaves`, each key at most once, and adds the changed nodes to `writes`.
pub(crate) fn update(
    base: &dyn Read,
    mut leaves: Vec<(Hash, Option<Hash>)>,
    writes: &mut Writes,
) -> Result<Root, StateError> {
    leaves.sort_unstable_by_key(|(key, _)| *key);
    let stood = read(base, &[])?;
    let existed = stood.is_some();
    let mut update = Update { base, writes, path: Vec::new() };
    let node = update.children(stood.unwrap_or_default(), &leaves)?;
    if leaves.is_empty() || node.is_empty() {
        update.clear(existed && node.is_empty());
        return Ok(node.digest().into());
    }
    Ok(update.store(&node).into())
}

struct Update<'a> {
    base: &'a dyn Read,
    writes: &'a mut Writes,
    /// Nibbles from the root to where the update is.
    path: Vec<u8>,
}

type Leaf = (Hash, Option<Hash>);

impl Update<'_> {
    /// What stands in `slot`, at `path`, after `leaves`, which all belong below it.
    ///
    /// Recursion ends: each level takes a nibble, and two keys differ in one of their 64.
    fn slot(&mut self, slot: Slot, leaves: &[Leaf]) -> Result<Slot, StateError> {
        match (slot, leaves) {
            (slot, []) => Ok(slot),
            (Slot::Branch(_), _) => {
                let node = read(self.base, &self.path)?;
                let node =
                    node.ok_or_else(|| StateError::Corrupt { row: row::node(&self.path) })?;
                let node = self.children(node, leaves)?;
                Ok(self.settle(true, &node))
            }
            (Slot::Empty, [(key, value)]) => Ok(leaf(key, *value)),
            (Slot::Leaf { key: old, .. }, [(key, value)]) if old == *key => Ok(leaf(key, *value)),
            (old @ Slot::Leaf { .. }, [(_, None)]) => Ok(old),
            (old, _) => {
                let mut node = Node::default();
                if let Slot::Leaf { key, .. } = old {
                    *node.slot_mut(nibble(&key, self.path.len())) = old;
                }
                let node = self.children(node, leaves)?;
                Ok(self.settle(false, &node))
            }
        }
    }

    fn children(&mut self, mut node: Node, leaves: &[Leaf]) -> Result<Node, StateError> {
        let depth = self.path.len();
        for group in leaves.chunk_by(|(a, _), (b, _)| nibble(a, depth) == nibble(b, depth)) {
            let Some((key, _)) = group.first() else { continue };
            let child = nibble(key, depth);
            self.path.push(child);
            let slot = self.slot(*node.slot(child), group)?;
            self.path.pop();
            *node.slot_mut(child) = slot;
        }
        Ok(node)
    }

    /// Stores `node` at `path` if two entries or more are below it; else they move up.
    fn settle(&mut self, existed: bool, node: &Node) -> Slot {
        match node.lone() {
            Some(lone) => {
                self.clear(existed);
                lone
            }
            None => Slot::Branch(self.store(node)),
        }
    }

    fn store(&mut self, node: &Node) -> Hash {
        self.writes.insert(row::node(&self.path), Some(types::encode(node)));
        node.digest()
    }

    fn clear(&mut self, existed: bool) {
        if existed {
            self.writes.insert(row::node(&self.path), None);
        }
    }
}

fn leaf(key: &Hash, value: Option<Hash>) -> Slot {
    value.map_or(Slot::Empty, |value| Slot::Leaf { key: *key, value })
}

fn read(base: &dyn Read, path: &[u8]) -> Result<Option<Node>, StateError> {
    let row = row::node(path);
    match base.get(&row)? {
        Some(bytes) => match types::decode(&bytes, node::NODE_MAX) {
            Ok(node) => Ok(Some(node)),
            Err(_) => Err(StateError::Corrupt { row }),
        },
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::Memory;

    fn applied(state: &mut Memory, leaves: Vec<Leaf>) -> Root {
        let mut writes = Writes::new();
        let root = update(state, leaves, &mut writes).expect("memory updates");
        state.write(writes);
        assert_eq!(super::root(state).expect("memory reads"), root);
        root
    }

    /// Hashes of which many share long prefixes, as an attacker would grind them.
    fn hashes() -> impl Strategy<Value = Hash> {
        (0..32usize, 0..4u8, 0..3u8).prop_map(|(at, byte, first)| {
            let here = |n| if n == at { byte } else { 0 };
            let top = |n| if n == 0 { first << 4 } else { 0 };
            Hash::from_bytes(std::array::from_fn(|n| here(n) ^ top(n)))
        })
    }

    fn batches() -> impl Strategy<Value = Vec<BTreeMap<Hash, Option<u8>>>> {
        let batch = prop::collection::btree_map(hashes(), any::<Option<u8>>(), 0..12);
        prop::collection::vec(batch, 0..12)
    }

    fn leaves(batch: &BTreeMap<Hash, Option<u8>>) -> Vec<Leaf> {
        batch.iter().map(|(key, value)| (*key, value.map(|byte| Hash::of(&[byte])))).collect()
    }

    proptest! {
        #[test]
        fn the_tree_depends_on_the_entries_not_on_their_history(batches in batches()) {
            let mut state = Memory::new();
            let mut entries = BTreeMap::new();
            let mut root = super::root(&state).expect("memory reads");
            for batch in &batches {
                root = applied(&mut state, leaves(batch));
                entries.extend(batch.clone());
            }
            entries.retain(|_, value| value.is_some());
            let mut at_once = Memory::new();
            prop_assert_eq!(applied(&mut at_once, leaves(&entries)), root);
            prop_assert_eq!(&at_once, &state);
            let mut backwards = Memory::new();
            for leaf in leaves(&entries).into_iter().rev() {
                applied(&mut backwards, vec![leaf]);
            }
            prop_assert_eq!(&backwards, &state);
            for (key, _) in entries {
                applied(&mut state, vec![(key, None)]);
            }
            prop_assert_eq!(state, Memory::new());
        }

        #[test]
        fn other_entries_have_other_roots(
            a in prop::collection::btree_map(hashes(), any::<u8>(), 0..8),
            b in prop::collection::btree_map(hashes(), any::<u8>(), 0..8),
        ) {
            let root = |entries: &BTreeMap<Hash, u8>| {
                let some = entries.iter().map(|(key, byte)| (*key, Some(*byte))).collect();
                applied(&mut Memory::new(), leaves(&some))
            };
            prop_assert_eq!(a == b, root(&a) == root(&b));
        }
    }
}

//! One node of the tree, and its bytes, which are its row, its part of a proof and what is hashed.

use borsh::{BorshDeserialize, BorshSerialize, io};
use types::{Hash, Tagged};

/// Children of a node: one nibble of a key's hash.
const WIDTH: usize = 16;

/// Longest encoded node in bytes: 16 leaves.
pub(super) const NODE_MAX: usize = 2 + 2 + WIDTH * 64;

/// What stands at one nibble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Slot {
    #[default]
    Empty,
    /// The only entry below: hash of its key, hash of its row.
    Leaf { key: Hash, value: Hash },
    /// Digest of the node there.
    Branch(Hash),
}

/// Encoding: two bit sets, where leaves stand and where branches, then these in nibble order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    slots: [Slot; WIDTH],
}

impl Tagged for Node {
    const TAG: &'static str = "anchorhold/tree-node/1";
}

impl Node {
    pub(super) fn slot(&self, nibble: u8) -> &Slot {
        self.slots.get(usize::from(nibble)).expect("a nibble is below 16")
    }

    pub(super) fn slot_mut(&mut self, nibble: u8) -> &mut Slot {
        self.slots.get_mut(usize::from(nibble)).expect("a nibble is below 16")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| *slot == Slot::Empty)
    }

    /// The slot that can stand in place of the whole node: its only leaf, or nothing.
    pub(super) fn lone(&self) -> Option<Slot> {
        let mut slots = self.slots.iter().filter(|slot| **slot != Slot::Empty);
        match (slots.next(), slots.next()) {
            (None, _) => Some(Slot::Empty),
            (Some(leaf @ Slot::Leaf { .. }), None) => Some(*leaf),
            _ => None,
        }
    }

    fn bits(&self, is_in: impl Fn(&Slot) -> bool) -> u16 {
        self.slots.iter().rev().fold(0, |bits, slot| bits << 1 | u16::from(is_in(slot)))
    }
}

/// The `depth`th nibble of `key`, high half first; 0 past its end.
pub(super) fn nibble(key: &Hash, depth: usize) -> u8 {
    let byte = key.as_bytes().get(depth / 2).copied().unwrap_or(0);
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

impl BorshSerialize for Node {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        // Gathered first: one write is one pass of the hasher.
        let mut bytes = Vec::with_capacity(NODE_MAX);
        bytes.extend(self.bits(|slot| matches!(slot, Slot::Leaf { .. })).to_le_bytes());
        bytes.extend(self.bits(|slot| matches!(slot, Slot::Branch(_))).to_le_bytes());
        for slot in &self.slots {
            match slot {
                Slot::Empty => {}
                Slot::Leaf { key, value } => {
                    bytes.extend_from_slice(key.as_bytes());
                    bytes.extend_from_slice(value.as_bytes());
                }
                Slot::Branch(digest) => bytes.extend_from_slice(digest.as_bytes()),
            }
        }
        writer.write_all(&bytes)
    }
}

impl BorshDeserialize for Node {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let leaves = u16::deserialize_reader(reader)?;
        let branches = u16::deserialize_reader(reader)?;
        if leaves & branches != 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut node = Self::default();
        for (at, slot) in node.slots.iter_mut().enumerate() {
            if leaves >> at & 1 == 1 {
                let (key, value) = BorshDeserialize::deserialize_reader(reader)?;
                *slot = Slot::Leaf { key, value };
            } else if branches >> at & 1 == 1 {
                *slot = Slot::Branch(Hash::deserialize_reader(reader)?);
            }
        }
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nodes() -> impl Strategy<Value = Node> {
        let hash = || any::<[u8; 32]>().prop_map(Hash::from_bytes);
        let slot = prop_oneof![
            Just(Slot::Empty),
            (hash(), hash()).prop_map(|(key, value)| Slot::Leaf { key, value }),
            hash().prop_map(Slot::Branch),
        ];
        proptest::array::uniform16(slot).prop_map(|slots| Node { slots })
    }

    proptest! {
        #[test]
        fn a_node_comes_back_from_its_bytes(node in nodes()) {
            prop_assert_eq!(types::decode(&types::encode(&node), NODE_MAX), Ok(node));
        }

        #[test]
        fn any_bytes_are_one_node_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..99),
        ) {
            if let Ok(node) = types::decode::<Node>(&bytes, NODE_MAX) {
                prop_assert_eq!(types::encode(&node), bytes);
            }
        }
    }

    #[test]
    fn nibbles_go_from_the_high_half_of_the_first_byte() {
        let mut bytes = [0; 32];
        bytes[0] = 0xab;
        bytes[31] = 0x0c;
        let key = Hash::from_bytes(bytes);
        let found = [0, 1, 2, 62, 63, 64].map(|depth| nibble(&key, depth));
        assert_eq!(found, [0xa, 0xb, 0, 0, 0xc, 0]);
    }
}

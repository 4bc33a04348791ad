//! Starknet's tries: binary, of a fixed height, with paths that have no branches drawn together.
//!
//! Source: Starknet, "Structure of Starknet state", Merkle-Patricia tries.

use std::collections::HashMap;

use crate::{felt::Felt, hash::FeltHash};

/// Height of the tries of contracts, classes and storage.
pub(super) const HEIGHT: usize = 251;

/// Most nodes in one set: a path has at most 251, and a proof many paths.
const NODES_MAX: usize = 16_384;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadProof {
    /// A node that the path leads to is not in the proof.
    #[error("the proof lacks a node on the path")]
    Missing,
    /// There are more nodes, keys or leaves than any proof needs.
    #[error("the proof is too large")]
    TooLarge,
    /// An edge is longer than what is left of the path, or than its own length says, or empty.
    #[error("an edge in the proof has no possible length")]
    Edge,
    /// The key is 2^251 or more.
    #[error("the key is longer than any path")]
    Key,
    /// Something is not written in its one form.
    #[error("something in the proof is not written as it must be")]
    Encoding,
    /// The proof leads to another value than was claimed.
    #[error("the proof is of another {0}")]
    Other(&'static str),
}

/// A node as it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// One child for the next bit 0, one for 1.
    Binary {
        /// For 0.
        left: Felt,
        /// For 1.
        right: Felt,
    },
    /// One child after several bits.
    Edge {
        /// What is below.
        child: Felt,
        /// The bits, as a number.
        path: Felt,
        /// How many they are, 1 to 251.
        length: u8,
    },
}

/// Nodes by their hashes, which are computed here.
#[derive(Clone, Debug)]
pub struct NodeSet(HashMap<Felt, Node>);

impl Node {
    /// What its parent, or the root, holds of it.
    pub fn hash(&self, hash: FeltHash) -> Felt {
        match self {
            Self::Binary { left, right } => hash.pair(left, right),
            Self::Edge { child, path, length } => hash.pair(child, path) + Felt::from(*length),
        }
    }
}

impl NodeSet {
    /// Hashes each of `nodes` once; their order does not matter.
    ///
    /// # Errors
    /// [`BadProof::TooLarge`].
    pub fn new(hash: FeltHash, nodes: &[Node]) -> Result<Self, BadProof> {
        if nodes.len() > NODES_MAX {
            return Err(BadProof::TooLarge);
        }
        Ok(Self(nodes.iter().map(|node| (node.hash(hash), *node)).collect()))
    }

    /// The leaf at `key` under `root`; `None` if it is proved that there is none.
    ///
    /// # Errors
    /// [`BadProof`] if the nodes do not lead to it or to a place where it would have to be.
    pub fn leaf(&self, root: &Felt, key: &Felt) -> Result<Option<Felt>, BadProof> {
        let bits = key.to_bits_be();
        let (above, mut path) = bits.split_at(bits.len() - HEIGHT);
        if above.contains(&true) {
            return Err(BadProof::Key);
        }
        let mut at = *root;
        // Terminates: every turn takes at least one bit of the path, or ends.
        while !path.is_empty() {
            if at == Felt::ZERO {
                return Ok(None);
            }
            match self.0.get(&at).ok_or(BadProof::Missing)? {
                Node::Binary { left, right } => {
                    let (bit, rest) = path.split_first().ok_or(BadProof::Edge)?;
                    (at, path) = (if *bit { *right } else { *left }, rest);
                }
                Node::Edge { child, path: edge, length } => {
                    let length = usize::from(*length);
                    let edge = edge.to_bits_be();
                    let (above, edge) =
                        edge.split_at_checked(edge.len() - length).ok_or(BadProof::Edge)?;
                    let (begin, rest) = path.split_at_checked(length).ok_or(BadProof::Edge)?;
                    if length == 0 || above.contains(&true) {
                        return Err(BadProof::Edge);
                    }
                    if begin != edge {
                        return Ok(None);
                    }
                    (at, path) = (*child, rest);
                }
            }
        }
        Ok((at != Felt::ZERO).then_some(at))
    }
}

/// The root of a trie of `height` that holds `leaves` at 0, 1, 2 and so on; zero if there are none.
///
/// Transactions, events and receipts of a block are committed to so, at height 64. A leaf of zero
/// is no leaf.
///
/// # Errors
/// [`BadProof::TooLarge`] for more leaves than a height has places, [`BadProof::Edge`] for a height
/// that is not 1 to 251.
pub fn root_of_list(hash: FeltHash, height: usize, leaves: &[Felt]) -> Result<Felt, BadProof> {
    if height == 0 || height > HEIGHT {
        return Err(BadProof::Edge);
    }
    let mut layer: Vec<Subtrie> = leaves.iter().map(|leaf| Subtrie::leaf(*leaf)).collect();
    for _ in 0..height {
        let parents = layer.chunks(2).map(|pair| match pair {
            [left, right] => Subtrie::above(hash, *left, *right),
            alone => alone
                .first()
                .map_or(Subtrie::EMPTY, |left| Subtrie::above(hash, *left, Subtrie::EMPTY)),
        });
        layer = parents.collect();
    }
    match layer.as_slice() {
        [] => Ok(Felt::ZERO),
        [root] => Ok(root.hash(hash)),
        _ => Err(BadProof::TooLarge),
    }
}

/// What lies below one place: nothing, or a node after an edge that may still grow upwards.
#[derive(Clone, Copy)]
struct Subtrie {
    child: Felt,
    path: Felt,
    length: u8,
    /// What a bit 1 above the edge is worth.
    next_bit: Felt,
}

impl Subtrie {
    const EMPTY: Self = Self::leaf(Felt::ZERO);

    const fn leaf(child: Felt) -> Self {
        Self { child, path: Felt::ZERO, length: 0, next_bit: Felt::ONE }
    }

    fn is_empty(&self) -> bool {
        self.child == Felt::ZERO
    }

    fn above(hash: FeltHash, left: Self, right: Self) -> Self {
        match (left.is_empty(), right.is_empty()) {
            (true, true) => Self::EMPTY,
            (false, true) => left.grown(Felt::ZERO),
            (true, false) => right.grown(right.next_bit),
            (false, false) => Self::leaf(hash.pair(&left.hash(hash), &right.hash(hash))),
        }
    }

    fn grown(self, bit: Felt) -> Self {
        Self {
            path: self.path + bit,
            length: self.length.saturating_add(1),
            next_bit: self.next_bit.double(),
            ..self
        }
    }

    fn hash(&self, hash: FeltHash) -> Felt {
        let Self { child, path, length, .. } = *self;
        match length {
            0 => child,
            _ => Node::Edge { child, path, length }.hash(hash),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;

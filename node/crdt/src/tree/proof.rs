//! Shows one entry, or its absence, to somebody who knows only the root.

use borsh::{BorshDeserialize, BorshSerialize, io};
use types::{Hash, Root, Tagged as _, decode, encode};

use super::node::{Node, Slot, nibble};
use crate::{EntryKey, Read, StateError, entry, entry::Entry, row};

/// Longest encoded proof in bytes: the path, and an entry with a few concurrent values of the
/// largest size.
pub const PROOF_MAX: usize = 8 * 1024 * 1024;

/// Deepest path: one node per nibble of a 32-byte hash.
const DEPTH_MAX: usize = 64;

/// What a proof shows about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proven {
    /// It is not there: never written, removed, or a counter at 0.
    Absent,
    /// What readers of the register or map key see; empty for an item of a set.
    Value(Vec<u8>),
    /// The counter's sum.
    Sum(i128),
}

/// The bytes are no proof, or prove nothing about this entry under this root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proof does not hold")]
pub struct ProofError;

/// The tree's nodes from the root towards one entry, and the entry if it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    nodes: Vec<Node>,
    row: Option<Vec<u8>>,
}

/// Proves what `base` holds at `key`, or that it holds nothing.
///
/// # Errors
/// [`StateError`] if rows cannot be read, are malformed or missing.
pub fn prove(base: &dyn Read, key: &EntryKey) -> Result<Proof, StateError> {
    let hash = key.path();
    let mut path = Vec::new();
    let mut nodes = vec![super::read(base, &path)?.unwrap_or_default()];
    while let Some(Slot::Branch(_)) = nodes.last().map(|node| node.slot(nibble(&hash, path.len())))
    {
        path.push(nibble(&hash, path.len()));
        let node = super::read(base, &path)?;
        nodes.push(node.ok_or_else(|| StateError::Corrupt { row: row::node(&path) })?);
    }
    Ok(Proof { nodes, row: base.get(&row::entry(key))? })
}

impl Proof {
    /// What this proves about `key` under `root`.
    ///
    /// # Errors
    /// [`ProofError`] unless the nodes hash up to `root`, lead where `key` must stand, and end in
    /// exactly this entry or in its absence.
    pub fn verify(&self, root: &Root, key: &EntryKey) -> Result<Proven, ProofError> {
        let slot = self.walk(Hash::from_bytes(*root.as_bytes()), &key.path())?;
        match (slot, &self.row) {
            (Slot::Empty, None) => Ok(Proven::Absent),
            (Slot::Leaf { key: other, .. }, None) if other != key.path() => Ok(Proven::Absent),
            (Slot::Leaf { key: found, value }, Some(row))
                if found == key.path() && value == entry::digest(row) =>
            {
                seen(key, row)
            }
            _ => Err(ProofError),
        }
    }

    /// The slot where `key` must stand, once all nodes are checked.
    fn walk(&self, root: Hash, key: &Hash) -> Result<Slot, ProofError> {
        let mut slot = Slot::Branch(root);
        for (depth, node) in self.nodes.iter().enumerate() {
            if slot != Slot::Branch(node.digest()) {
                return Err(ProofError);
            }
            slot = *node.slot(nibble(key, depth));
        }
        Ok(slot)
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Parses canonical bytes, at most [`PROOF_MAX`].
    ///
    /// # Errors
    /// [`ProofError`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        decode(bytes, PROOF_MAX).map_err(|_| ProofError)
    }
}

fn seen(key: &EntryKey, row: &[u8]) -> Result<Proven, ProofError> {
    match Entry::decode(key.collection().kind(), row) {
        Ok(Entry::Sum(sum)) => Ok(Proven::Sum(sum)),
        Ok(entry) => entry.into_value().map(Proven::Value).ok_or(ProofError),
        Err(_) => Err(ProofError),
    }
}

impl BorshSerialize for Proof {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let count = u8::try_from(self.nodes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        count.serialize(writer)?;
        self.nodes.iter().try_for_each(|node| node.serialize(writer))?;
        self.row.serialize(writer)
    }
}

impl BorshDeserialize for Proof {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let count = u8::deserialize_reader(reader)?;
        // A node takes more memory than bytes, so their number is bounded before any is made.
        if !(1..=DEPTH_MAX).contains(&usize::from(count)) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let nodes =
            (0..count).map(|_| Node::deserialize_reader(reader)).collect::<Result<_, _>>()?;
        Ok(Self { nodes, row: BorshDeserialize::deserialize_reader(reader)? })
    }
}

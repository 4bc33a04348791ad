//! Nodes of NEAR's state trie, and one walk through them. Source: nearcore, `RawTrieNodeWithSize`.
//!
//! Endpoints give the nodes of a whole subtree, in no order. So nodes are found by their hash, and
//! others may stand beside them; but a node that is missing is a bad proof, never an absence.

use std::collections::HashMap;

use crate::wire::{CryptoHash, Malformed, Reader};

/// Longest key: column, account, separator, and the protocol's limit for a contract's key.
pub(super) const KEY_BYTES_MAX: usize = 1 + 64 + 1 + 2048;
/// Longest node: a leaf with all of the longest key.
const NODE_BYTES_MAX: usize = 4096;
/// Most nodes: endpoints refuse to show states above 50 kB, which have fewer.
pub(super) const NODES_MAX: usize = 4096;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadProof {
    /// More nodes, steps or bytes than there may be.
    #[error("the proof is too large")]
    TooLarge,
    /// A node on the path is missing.
    #[error("a node on the path is missing")]
    Missing,
    /// Something is not encoded in its one form.
    #[error("something in the proof is not encoded as it must be")]
    Encoding,
    /// The proof leads to another value than was claimed.
    #[error("the proof is of another {0}")]
    OtherValue(&'static str),
}

impl From<Malformed> for BadProof {
    fn from(_: Malformed) -> Self {
        Self::Encoding
    }
}

/// What a trie has at a key: its length and its hash, not the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueRef {
    /// Bytes.
    pub len: u32,
    /// SHA-256.
    pub hash: CryptoHash,
}

/// A node. Borrows from its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// What it holds.
    pub body: NodeBody<'a>,
    /// What it and all below it take, in bytes; part of its hash.
    pub memory_usage: u64,
}

/// What a node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeBody<'a> {
    /// The end of a path.
    Leaf(&'a [u8], ValueRef),
    /// A fork of paths.
    BranchNoValue(Children<'a>),
    /// A fork where a path ends too.
    BranchWithValue(ValueRef, Children<'a>),
    /// A part of paths that all have in common.
    Extension(&'a [u8], CryptoHash),
}

/// The children of a branch, at most 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Children<'a> {
    bitmap: u16,
    hashes: &'a [[u8; 32]],
}

impl ValueRef {
    /// Whether it is of `value`.
    pub fn is_of(&self, value: &[u8]) -> bool {
        usize::try_from(self.len) == Ok(value.len()) && CryptoHash::of(value) == self.hash
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { len: reader.u32()?, hash: reader.hash()? })
    }
}

impl<'a> Node<'a> {
    /// Reads exactly one node.
    ///
    /// # Errors
    /// [`BadProof::TooLarge`] above 4 KiB; [`BadProof::Encoding`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, BadProof> {
        if bytes.len() > NODE_BYTES_MAX {
            return Err(BadProof::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        let body = match reader.u8()? {
            0 => NodeBody::Leaf(reader.bytes(NODE_BYTES_MAX)?, ValueRef::read(&mut reader)?),
            1 => NodeBody::BranchNoValue(Children::read(&mut reader)?),
            2 => {
                let value = ValueRef::read(&mut reader)?;
                NodeBody::BranchWithValue(value, Children::read(&mut reader)?)
            }
            3 => NodeBody::Extension(reader.bytes(NODE_BYTES_MAX)?, reader.hash()?),
            _ => return Err(BadProof::Encoding),
        };
        let memory_usage = reader.u64()?;
        reader.end()?;
        Ok(Self { body, memory_usage })
    }
}

impl NodeBody<'_> {
    /// Its kind, in nearcore's words.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Leaf(..) => "Leaf",
            Self::BranchNoValue(..) => "BranchNoValue",
            Self::BranchWithValue(..) => "BranchWithValue",
            Self::Extension(..) => "Extension",
        }
    }
}

impl<'a> Children<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bitmap = reader.u16()?;
        let len = usize::try_from(bitmap.count_ones()).map_err(|_| Malformed("length"))?;
        let (hashes, _) = reader.take(len * 32)?.as_chunks();
        Ok(Self { bitmap, hashes })
    }

    /// The child for a nibble.
    pub fn get(&self, nibble: u8) -> Option<CryptoHash> {
        let bit = 1_u16.checked_shl(u32::from(nibble))?;
        let before = (self.bitmap & (bit - 1)).count_ones();
        let hash = self.hashes.get(usize::try_from(before).ok()?)?;
        (self.bitmap & bit != 0).then(|| CryptoHash::from_bytes(*hash))
    }
}

/// Nodes by their hashes.
#[derive(Debug)]
pub(super) struct Nodes<'a>(HashMap<CryptoHash, &'a [u8]>);

impl<'a> Nodes<'a> {
    pub(super) fn new(nodes: &'a [Vec<u8>]) -> Result<Self, BadProof> {
        let is_bounded = nodes.iter().all(|node| node.len() <= NODE_BYTES_MAX);
        if nodes.len() > NODES_MAX || !is_bounded {
            return Err(BadProof::TooLarge);
        }
        let hashed = nodes.iter().map(|node| (CryptoHash::of(node), node.as_slice()));
        Ok(Self(hashed.collect()))
    }

    pub(super) fn has(&self, hash: &CryptoHash) -> bool {
        self.0.contains_key(hash)
    }

    fn get(&self, hash: &CryptoHash) -> Result<Node<'a>, BadProof> {
        Node::decode(self.0.get(hash).ok_or(BadProof::Missing)?)
    }
}

/// Where a walk along a key ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// What is there; `None` if it is proved that there is nothing.
    pub(super) value: Option<ValueRef>,
    /// With how many nibbles of the key something in the trie begins.
    pub(super) shared: usize,
}

/// What is at `key` under the node `start`, to which its first `skipped` nibbles lead.
///
/// # Errors
/// [`BadProof`] if `nodes` show neither a value nor that there is none.
pub(super) fn walk(
    start: &CryptoHash,
    key: &[u8],
    skipped: usize,
    nodes: &Nodes<'_>,
) -> Result<Walked, BadProof> {
    let len = key.len().saturating_mul(2);
    if key.len() > KEY_BYTES_MAX || skipped > len {
        return Err(BadProof::TooLarge);
    }
    let nibble_at = |at: usize| {
        let byte = key.get(at / 2).copied()?;
        Some(if at.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
    };
    let (mut at, mut node) = (skipped, *start);
    // Terminates: every turn takes at least one nibble of the key, or ends.
    loop {
        let ends = |value, shared| Ok(Walked { value, shared });
        let (forks, value) = match nodes.get(&node)?.body {
            NodeBody::Leaf(path, value) => {
                let path: Vec<u8> = nibbles(path, true)?.collect();
                let common = common(&path, at, nibble_at);
                let is_there = common == path.len() && at.saturating_add(common) == len;
                return ends(is_there.then_some(value), at.saturating_add(common));
            }
            NodeBody::Extension(path, child) => {
                let path: Vec<u8> = nibbles(path, false)?.collect();
                if path.is_empty() {
                    return Err(BadProof::Encoding);
                }
                let common = common(&path, at, nibble_at);
                at = at.saturating_add(common);
                if common < path.len() {
                    return ends(None, at);
                }
                node = child;
                continue;
            }
            NodeBody::BranchNoValue(children) => (children, None),
            NodeBody::BranchWithValue(value, children) => (children, Some(value)),
        };
        let Some(nibble) = nibble_at(at) else { return ends(value, at) };
        let Some(child) = forks.get(nibble) else { return ends(None, at) };
        (at, node) = (at.saturating_add(1), child);
    }
}

/// How many nibbles of `path` the key goes on with.
fn common(path: &[u8], at: usize, nibble_at: impl Fn(usize) -> Option<u8>) -> usize {
    let goes_on =
        |(step, nibble): &(usize, &u8)| nibble_at(at.saturating_add(*step)) == Some(**nibble);
    path.iter().enumerate().take_while(goes_on).count()
}

/// The nibbles of a path: the first byte says whether it is a leaf's, and whether its own low
/// nibble is the first.
fn nibbles(path: &[u8], is_leaf: bool) -> Result<impl Iterator<Item = u8>, BadProof> {
    let (flags, bytes) = path.split_first().ok_or(BadProof::Encoding)?;
    let leaf_flag = if is_leaf { 0x20 } else { 0 };
    let first = match flags & 0xf0 {
        flag if flag == leaf_flag && flags & 0x0f == 0 => None,
        flag if flag == leaf_flag | 0x10 => Some(flags & 0x0f),
        _ => return Err(BadProof::Encoding),
    };
    Ok(first.into_iter().chain(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f])))
}

#[cfg(test)]
mod tests;

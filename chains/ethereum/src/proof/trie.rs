//! One walk through a Merkle Patricia trie. Source: Yellow Paper, appendix D.
//!
//! Strict: the nodes given are exactly those of the path, in order, and all of them are used. A
//! proof has one form but for one thing: a node that is short enough to stand in its parent may be
//! given once more by itself, as some clients do.

use alloy::primitives::{B256, Bytes, b256, keccak256};

use super::rlp::{self, Item};

/// Root of a trie with nothing in it: `keccak256(0x80)`.
pub const EMPTY_ROOT: B256 =
    b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// Most nodes on a path: one per nibble of a 32-byte key, and the leaf.
const NODES_MAX: usize = 65;
/// Longest node of a state trie is a branch with 16 hashes (532 bytes); in other tries a leaf holds
/// a value, such as a receipt.
const NODE_BYTES_MAX: usize = 1 << 20;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadProof {
    /// More nodes or bytes than any path has.
    #[error("the proof is too large")]
    TooLarge,
    /// The path goes on, the nodes do not.
    #[error("the proof breaks off")]
    Truncated,
    /// A node is not the one that its parent (or the root) names.
    #[error("node {0} is not the one that the path leads to")]
    OtherNode(usize),
    /// Nodes follow after the end of the path.
    #[error("the proof has more nodes than its path")]
    Superfluous,
    /// Something is not encoded in its one form.
    #[error("something in the proof is not encoded as it must be")]
    Encoding,
    /// A leaf holds zero, which no state does: absent is zero.
    #[error("the proof has a leaf that holds zero")]
    ZeroLeaf,
    /// The proof leads to another value than was claimed.
    #[error("the proof is of another {0}")]
    OtherValue(&'static str),
}

/// The value at `path` (nibbles) under `root`; `None` if it is proved that there is none.
///
/// # Errors
/// [`BadProof`] if `nodes` are not the path.
pub(super) fn walk<'a>(
    root: &B256,
    path: &[u8],
    nodes: &'a [Bytes],
) -> Result<Option<&'a [u8]>, BadProof> {
    if nodes.len() > NODES_MAX {
        return Err(BadProof::TooLarge);
    }
    if *root == EMPTY_ROOT {
        // Clients give nothing, or the empty node itself.
        let is_empty = nodes.iter().all(|node| node.as_ref() == [0x80]) && nodes.len() <= 1;
        return if is_empty { Ok(None) } else { Err(BadProof::Superfluous) };
    }
    let mut left = nodes.iter().enumerate().peekable();
    let mut node = hashed(&mut left, root)?;
    let mut path = path;
    // Terminates: every turn takes at least one nibble of the path, or ends.
    let value = loop {
        match step(node, path)? {
            Step::Value(value) => break Some(value),
            Step::Nothing => break None,
            Step::Hash(hash, rest) => (node, path) = (hashed(&mut left, &hash)?, rest),
            Step::Inline(inline, rest) => {
                left.next_if(|(_, again)| again.as_ref() == inline);
                (node, path) = (inline, rest);
            }
        }
    };
    if left.next().is_some() { Err(BadProof::Superfluous) } else { Ok(value) }
}

fn hashed<'a>(
    left: &mut impl Iterator<Item = (usize, &'a Bytes)>,
    hash: &B256,
) -> Result<&'a [u8], BadProof> {
    let (index, node) = left.next().ok_or(BadProof::Truncated)?;
    if node.len() > NODE_BYTES_MAX {
        return Err(BadProof::TooLarge);
    }
    if keccak256(node) == *hash { Ok(node) } else { Err(BadProof::OtherNode(index)) }
}

enum Step<'a, 'p> {
    Value(&'a [u8]),
    Nothing,
    Hash(B256, &'p [u8]),
    Inline(&'a [u8], &'p [u8]),
}

fn step<'a, 'p>(node: &'a [u8], path: &'p [u8]) -> Result<Step<'a, 'p>, BadProof> {
    let list = rlp::single(node)?;
    if !list.is_list {
        return Err(BadProof::Encoding);
    }
    let (first, rest) = rlp::split(list.payload)?;
    let (second, rest) = rlp::split(rest)?;
    if rest.is_empty() {
        return short(first, second, path);
    }
    branch(list.payload, path)
}

/// A branch has 16 children and a value.
fn branch<'a, 'p>(payload: &'a [u8], path: &'p [u8]) -> Result<Step<'a, 'p>, BadProof> {
    let wanted = path.first().map_or(16, |nibble| usize::from(*nibble));
    let mut found = None;
    let mut rest = payload;
    for index in 0..17 {
        let (item, after) = rlp::split(rest)?;
        if index == wanted {
            found = Some(item);
        }
        rest = after;
    }
    let (Some(item), []) = (found, rest) else { return Err(BadProof::Encoding) };
    match path.split_first() {
        Some((_, path)) => child(item, path),
        None => match item.string()? {
            [] => Ok(Step::Nothing),
            value => Ok(Step::Value(value)),
        },
    }
}

/// A leaf or an extension: part of a path, hex-prefixed, and what it leads to.
fn short<'a, 'p>(
    prefix: Item<'a>,
    target: Item<'a>,
    path: &'p [u8],
) -> Result<Step<'a, 'p>, BadProof> {
    let (flags, bytes) = prefix.string()?.split_first().ok_or(BadProof::Encoding)?;
    let is_leaf = match flags >> 4 {
        0 if flags & 0x0f == 0 => false,
        1 => false,
        2 if flags & 0x0f == 0 => true,
        3 => true,
        _ => return Err(BadProof::Encoding),
    };
    let odd = (flags >> 4 & 1 == 1).then_some(flags & 0x0f);
    let nibbles = odd.into_iter().chain(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]));
    let len = usize::from(odd.is_some()) + 2 * bytes.len();
    let fits = path.get(..len).is_some_and(|begin| begin.iter().copied().eq(nibbles));
    if !is_leaf {
        if len == 0 {
            return Err(BadProof::Encoding);
        }
        return match (fits, child(target, path.get(len..).unwrap_or_default())?) {
            (_, Step::Nothing) => Err(BadProof::Encoding),
            (true, step) => Ok(step),
            (false, _) => Ok(Step::Nothing),
        };
    }
    match target.string()? {
        [] => Err(BadProof::Encoding),
        value if fits && path.len() == len => Ok(Step::Value(value)),
        _ => Ok(Step::Nothing),
    }
}

/// Where a child's reference leads: a node shorter than a hash stands in its parent.
fn child<'a, 'p>(item: Item<'a>, path: &'p [u8]) -> Result<Step<'a, 'p>, BadProof> {
    if item.is_list {
        let is_short = item.whole.len() < B256::len_bytes();
        return if is_short { Ok(Step::Inline(item.whole, path)) } else { Err(BadProof::Encoding) };
    }
    match item.payload {
        [] => Ok(Step::Nothing),
        hash => {
            let hash = <[u8; 32]>::try_from(hash).map_err(|_| BadProof::Encoding)?;
            Ok(Step::Hash(hash.into(), path))
        }
    }
}

/// The nibbles of `key`, high ones first.
pub(super) fn nibbles(key: &B256) -> [u8; 64] {
    let mut nibbles = [0; 64];
    let (pairs, _) = nibbles.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(key) {
        *pair = [byte >> 4, byte & 0x0f];
    }
    nibbles
}

#[cfg(test)]
mod tests;

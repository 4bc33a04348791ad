//! NEAR's Merkle trees: a node is the hash of its two children, and what has no sibling goes up as
//! it is. Source: nearcore, `merkle.rs`.
//!
//! Leaves and nodes are hashed alike, so a path proves what it should only if its leaf is a hash
//! that has a meaning of its own; every caller's is.

use crate::wire::CryptoHash;

/// Longest path: no tree has more than 2⁶⁴ leaves.
pub const PATH_MAX: usize = 64;
/// Most shards: the main network has 9.
const SHARDS_MAX: usize = 1024;

/// On which side a sibling stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Before.
    Left,
    /// After.
    Right,
}

/// One step up a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The sibling.
    pub hash: CryptoHash,
    /// Where it stands.
    pub direction: Direction,
}

/// The root above `leaf`; `None` for a path longer than [`PATH_MAX`].
pub(super) fn root(leaf: CryptoHash, path: &[Step]) -> Option<CryptoHash> {
    let up = |node: CryptoHash, step: &Step| match step.direction {
        Direction::Left => parent(&step.hash, &node),
        Direction::Right => parent(&node, &step.hash),
    };
    (path.len() <= PATH_MAX).then(|| path.iter().fold(leaf, up))
}

/// What a block's `prev_state_root` must be if these are the roots of its shards' states, in the
/// order in which the block lists its chunks (`prev_state_root` of each).
///
/// So one list from anybody, checked against a header that is known, gives the root under which a
/// shard's values are proved. `None` for no shards, or for more than 1024.
pub fn shard_root(roots: &[CryptoHash]) -> Option<CryptoHash> {
    if roots.len() > SHARDS_MAX {
        return None;
    }
    let mut layer: Vec<CryptoHash> =
        roots.iter().map(|root| CryptoHash::of(root.as_bytes())).collect();
    // Terminates: every turn halves the layer.
    while layer.len() > 1 {
        layer = layer
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => parent(left, right),
                [alone, ..] => *alone,
                [] => CryptoHash::ZERO,
            })
            .collect();
    }
    layer.first().copied()
}

fn parent(left: &CryptoHash, right: &CryptoHash) -> CryptoHash {
    CryptoHash::concat(&[left.as_bytes(), right.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(number: u8) -> CryptoHash {
        CryptoHash::of(&[number])
    }

    #[test]
    fn siblings_stand_where_the_path_says() {
        let (left, right) = (leaf(1), leaf(2));
        let both = parent(&left, &right);
        let step = |hash, direction| Step { hash, direction };
        assert_eq!(root(left, &[step(right, Direction::Right)]), Some(both));
        assert_eq!(root(right, &[step(left, Direction::Left)]), Some(both));
        assert_ne!(root(left, &[step(right, Direction::Left)]), Some(both));
        assert_eq!(root(left, &[]), Some(left));
        assert_eq!(root(left, &[step(right, Direction::Left); PATH_MAX + 1]), None);
    }

    #[test]
    fn an_odd_shard_goes_up_as_it_is() {
        let roots: Vec<_> = (0..3).map(leaf).collect();
        let hashed: Vec<_> = roots.iter().map(|root| CryptoHash::of(root.as_bytes())).collect();
        let first = parent(&hashed[0], &hashed[1]);
        assert_eq!(shard_root(&roots), Some(parent(&first, &hashed[2])));
        assert_eq!(shard_root(&roots[..1]), Some(hashed[0]));
        assert_eq!(shard_root(&[]), None);
        assert_eq!(shard_root(&[leaf(1); SHARDS_MAX + 1]), None);
    }
}

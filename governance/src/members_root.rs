//! The Merkle root over a context's members, which contracts store and check proofs against.
//!
//! Sorted pairs, leaves hashed twice and sorted, laid out as a complete binary tree in an array,
//! so that OpenZeppelin's `MerkleProof.sol` and `SimpleMerkleTree` interoperate.

use alloc::{vec, vec::Vec};

use types::{AccountId, Hash, MemberKey, keccak256, keccak256_concat};

/// Longest proof that contracts accept.
pub const PROOF_MAX: usize = 32;

/// The scheme byte of an Ed25519 member key.
const SCHEME_ED25519: u8 = 1;

/// What a leaf commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// The member's key.
    pub key: MemberKey,
    /// [`crate::log::Role::code`] of its stored role; seats are not in the tree.
    pub role: u8,
    /// Bits of its capabilities.
    pub caps: u32,
    /// The epoch of the batch that added it.
    pub joined_epoch: u32,
    /// Its account; 32 zero bytes stand for none.
    pub account: Option<&'a AccountId>,
}

impl Leaf<'_> {
    /// `keccak(keccak(scheme ‖ key ‖ role ‖ caps ‖ joined epoch ‖ account hash))`, numbers big
    /// endian, the account hash being the keccak-256 of its CAIP-10 text.
    pub fn hash(&self) -> Hash {
        let account =
            self.account.map_or(Hash::ZERO, |account| keccak256(account.as_str().as_bytes()));
        let inner = keccak256_concat(&[
            &[SCHEME_ED25519],
            self.key.as_bytes(),
            &[self.role],
            &self.caps.to_be_bytes(),
            &self.joined_epoch.to_be_bytes(),
            account.as_bytes(),
        ]);
        keccak256(inner.as_bytes())
    }
}

/// The root over `leaves` in any order; all zero for none.
pub fn root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    tree(leaves).first().copied().unwrap_or(Hash::ZERO)
}

/// The path from `leaf` to the root over `leaves`, or none if it is not among them.
pub fn prove(leaves: impl IntoIterator<Item = Hash>, leaf: &Hash) -> Option<Vec<Hash>> {
    let tree = tree(leaves);
    // The first node of that value from the end is a leaf, unless no leaf has it.
    let leaves = tree.len().div_ceil(2);
    let mut at = tree.iter().rposition(|node| node == leaf)?;
    if at < tree.len().saturating_sub(leaves) {
        return None;
    }
    let mut path = Vec::new();
    while at > 0 {
        let sibling = if at % 2 == 1 { at.saturating_add(1) } else { at.saturating_sub(1) };
        path.push(*tree.get(sibling)?);
        at = at.saturating_sub(1) / 2;
    }
    Some(path)
}

/// Whether `path` leads from `leaf` to `root`. The caller must have hashed `leaf` from a member's
/// fields ([`Leaf::hash`]): an inner node passes as well.
pub fn verify(root: &Hash, leaf: &Hash, path: &[Hash]) -> bool {
    path.len() <= PROOF_MAX
        && path.iter().fold(*leaf, |node, sibling| pair(node, *sibling)) == *root
}

fn tree(leaves: impl IntoIterator<Item = Hash>) -> Vec<Hash> {
    let mut leaves: Vec<Hash> = leaves.into_iter().collect();
    leaves.sort_unstable();
    let size = leaves.len().saturating_mul(2).saturating_sub(1);
    let mut tree = vec![Hash::ZERO; size];
    // Node i has its children at 2i+1 and 2i+2; the leaves fill the end, the smallest last.
    for (node, leaf) in tree.iter_mut().rev().zip(&leaves) {
        *node = *leaf;
    }
    for at in (0..size.saturating_sub(leaves.len())).rev() {
        let left = at.saturating_mul(2).saturating_add(1);
        if let Some([left, right]) = tree.get(left..left.saturating_add(2)) {
            let parent = pair(*left, *right);
            if let Some(node) = tree.get_mut(at) {
                *node = parent;
            }
        }
    }
    tree
}

fn pair(a: Hash, b: Hash) -> Hash {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    keccak256_concat(&[low.as_bytes(), high.as_bytes()])
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use proptest::prelude::*;

    use super::*;

    /// Roots that `SimpleMerkleTree` of `@openzeppelin/merkle-tree` 1.0 gives for so many leaves,
    /// the n-th being 32 times the byte `37·n + 11`.
    const ROOTS: [(u8, &str); 6] = [
        (1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
        (2, "519af87b686f5cc397bbf91f2113dce0d996dba26a2caa37f3628325605eb3d1"),
        (3, "d6413c29854dfb47d51a14ae93b296a028976bb9addc000c25b08bc6632c2d84"),
        (5, "d1ce614600699c30646792ef4a79d473afa75ee51fbfc0172a52235f0ef03935"),
        (7, "3b37e7c77ff92c9198e430cbef62160838aa9fbbd0563f26619a21f38224b694"),
        (8, "d3ed71cb3d25b83ffc841a05b013d76bdb04f63044d991b347b4ec853f4be1ac"),
    ];

    fn leaf(n: u8) -> Hash {
        Hash::from_bytes([n.wrapping_mul(37).wrapping_add(11); 32])
    }

    #[test]
    fn roots_are_those_of_the_library_that_contracts_use() {
        for (count, expected) in ROOTS {
            assert_eq!(root((0..count).map(leaf)).to_string(), expected, "{count} leaves");
            assert_eq!(root((0..count).rev().map(leaf)).to_string(), expected, "in any order");
        }
        assert_eq!(root([]), Hash::ZERO);
        let path = prove((0..5).map(leaf), &leaf(0)).expect("a leaf");
        let last = "324b1850d3bc74a29ecdef88c827ce89e37ddbdcd016c66f558c5751a1d2c941";
        assert_eq!(path.last().map(Hash::to_string).as_deref(), Some(last));
    }

    #[test]
    fn leaves_are_those_of_an_independent_encoder() {
        let account: AccountId =
            "eip155:1:0x00000000000000000000000000000000000a11ce".parse().expect("legal");
        let leaf = |account| Leaf {
            key: MemberKey::from_bytes([1; 32]),
            role: 1,
            caps: 2,
            joined_epoch: 3,
            account,
        };
        let with = "b2c3135d5d1e7dc8d03c95b7276bcc62deb7674c5759b98a77281f544aae5885";
        let without = "1f8eccdf679234df9ff8e57069306ced63d28f5c947688f3deb0d18caa322528";
        assert_eq!(leaf(Some(&account)).hash().to_string(), with);
        assert_eq!(leaf(None).hash().to_string(), without);
    }

    proptest! {
        #[test]
        fn exactly_the_leaves_have_a_proof(
            leaves in proptest::collection::btree_set(any::<[u8; 32]>(), 1..40),
            other: [u8; 32],
        ) {
            let hashes: Vec<Hash> = leaves.iter().copied().map(Hash::from_bytes).collect();
            let root = root(hashes.iter().copied());
            for leaf in &hashes {
                let path = prove(hashes.iter().copied(), leaf).expect("a leaf");
                prop_assert!(verify(&root, leaf, &path));
                let passes = verify(&root, &Hash::from_bytes(other), &path);
                prop_assert_eq!(passes, leaves.contains(&other));
            }
            prop_assert_eq!(
                prove(hashes.iter().copied(), &Hash::from_bytes(other)).is_some(),
                leaves.contains(&other)
            );
            let is_inner = hashes.len() > 1;
            prop_assert!(!is_inner || prove(hashes.iter().copied(), &root).is_none());
            prop_assert!(!verify(&root, &root, &[Hash::ZERO; PROOF_MAX + 1]));
        }
    }
}

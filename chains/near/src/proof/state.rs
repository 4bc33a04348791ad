//! Values of a shard's state. Sources: nearcore, `trie_key.rs`; RPC "view_state", `include_proof`.

use super::trie::{self, BadProof, Nodes, ValueRef, Walked};
use crate::{wallet::NearId, wire::CryptoHash};

/// The column of contracts' data.
const CONTRACT_DATA: u8 = 9;

/// What a shard's state says about a key of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This value.
    Value(ValueRef),
    /// Nothing, and the contract is of this shard: there are other keys of it.
    Nothing,
    /// Nothing, nor anything else of the contract: another shard may have it.
    Stranger,
}

/// Nodes of a shard's state that show several values.
#[derive(Debug)]
pub struct Proof<'a>(Nodes<'a>);

/// Where the state has what the contract `account` keeps at `key`.
pub fn contract_key(account: &NearId, key: &[u8]) -> Vec<u8> {
    [&[CONTRACT_DATA], account.as_str().as_bytes(), b",", key].concat()
}

/// What the state under `root` has at `key`; `None` if it is proved that it has nothing.
///
/// `root` is of one shard; [`super::shard_root`] ties it to a block. `nodes` are those on the path,
/// in any order, others beside them.
///
/// # Errors
/// [`BadProof`] if `nodes` do not show either.
pub fn value(
    root: &CryptoHash,
    key: &[u8],
    nodes: &[Vec<u8>],
) -> Result<Option<ValueRef>, BadProof> {
    if *root == CryptoHash::ZERO {
        // A state with nothing in it has no nodes.
        return Ok(None);
    }
    trie::walk(root, key, 0, &Nodes::new(nodes)?).map(|walked| walked.value)
}

impl<'a> Proof<'a> {
    /// Of these nodes, in any order.
    ///
    /// # Errors
    /// [`BadProof::TooLarge`].
    pub fn new(nodes: &'a [Vec<u8>]) -> Result<Self, BadProof> {
        Nodes::new(nodes).map(Self)
    }

    /// Whether it has the node of this hash.
    pub fn has(&self, hash: &CryptoHash) -> bool {
        self.0.has(hash)
    }

    /// What the contract `account` keeps at `key` in the shard whose state is under `root`; says
    /// apart whether the shard is the contract's at all, which nothing in a block tells.
    ///
    /// # Errors
    /// As [`value`].
    pub fn contract_value(
        &self,
        root: &CryptoHash,
        account: &NearId,
        key: &[u8],
    ) -> Result<Found, BadProof> {
        let Walked { value, shared } = trie::walk(root, &contract_key(account, key), 0, &self.0)?;
        let of_contract = contract_key(account, &[]).len().saturating_mul(2);
        Ok(match value {
            Some(value) => Found::Value(value),
            None if shared >= of_contract => Found::Nothing,
            None => Found::Stranger,
        })
    }
}

/// As [`value`], below the root: the first `skipped` nibbles of `key` lead to the node `start`.
pub(super) fn value_below(
    start: &CryptoHash,
    key: &[u8],
    skipped: usize,
    nodes: &[Vec<u8>],
) -> Result<Option<ValueRef>, BadProof> {
    trie::walk(start, key, skipped, &Nodes::new(nodes)?).map(|walked| walked.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state with nothing but this value: one leaf.
    fn leaf(key: &[u8], value: &[u8]) -> Vec<u8> {
        let len = |len: usize| u32::try_from(len).expect("short").to_le_bytes();
        let path = [&[0x20], key].concat();
        let hash = CryptoHash::of(value);
        [
            &[0][..],
            &len(path.len()),
            &path,
            &len(value.len()),
            hash.as_bytes(),
            &9_u64.to_le_bytes(),
        ]
        .concat()
    }

    #[test]
    fn an_absence_counts_where_the_contract_is() {
        let registry: NearId = "registry.near".parse().expect("legal");
        let nodes = [leaf(&contract_key(&registry, b"a key"), b"value")];
        let root = CryptoHash::of(&nodes[0]);
        let proof = Proof::new(&nodes).expect("one node");
        let found = |account: &str, key: &[u8]| {
            let account = account.parse().expect("legal");
            proof.contract_value(&root, &account, key)
        };
        let value = found("registry.near", b"a key").expect("a proof");
        assert!(matches!(value, Found::Value(value) if value.is_of(b"value")));
        for (account, key, expected) in [
            ("registry.near", &b"another"[..], Found::Nothing),
            ("registry.near", b"a key that is longer", Found::Nothing),
            ("registry.nea", b"a key", Found::Stranger),
            ("other.near", b"a key", Found::Stranger),
        ] {
            assert_eq!(found(account, key), Ok(expected), "{account}");
        }
        assert!(proof.has(&root) && !proof.has(&CryptoHash::ZERO));
        let elsewhere = proof.contract_value(&CryptoHash::of(b"x"), &registry, b"a key");
        assert_eq!(elsewhere, Err(BadProof::Missing));
        assert_eq!(value_at_nothing(&registry), Ok(None));
    }

    fn value_at_nothing(registry: &NearId) -> Result<Option<ValueRef>, BadProof> {
        super::value(&CryptoHash::ZERO, &contract_key(registry, b"a key"), &[])
    }
}

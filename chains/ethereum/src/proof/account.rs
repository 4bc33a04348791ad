//! Accounts and their storage. Source: EIP-1186; Yellow Paper, 4.1.

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};

use super::{
    rlp,
    trie::{self, BadProof, EMPTY_ROOT},
};

/// What the state has of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Root of its storage.
    pub storage_root: B256,
    /// keccak-256 of its code.
    pub code_hash: B256,
}

/// An account as `eth_getProof` gives it. Only the nodes are taken from it, never what it says that
/// they prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// Path to the account.
    pub account: Vec<Bytes>,
    /// Paths to its slots.
    pub storage: Vec<(U256, Vec<Bytes>)>,
}

impl AccountState {
    /// An account that nobody has used.
    pub const EMPTY: Self = Self {
        nonce: 0,
        balance: U256::ZERO,
        storage_root: EMPTY_ROOT,
        code_hash: KECCAK256_EMPTY,
    };

    /// The state in a leaf: `rlp([nonce, balance, storage root, code hash])`.
    pub(super) fn decode(leaf: &[u8]) -> Result<Self, BadProof> {
        let [nonce, balance, storage_root, code_hash] = rlp::fields(leaf)?;
        Ok(Self {
            nonce: nonce.u64()?,
            balance: U256::from_be_slice(balance.integer(32)?),
            storage_root: storage_root.array()?.into(),
            code_hash: code_hash.array()?.into(),
        })
    }
}

/// The account at `address` under `state_root`; `None` if it is proved that there is none.
///
/// # Errors
/// [`BadProof`] if `nodes` are not the path to it.
pub fn account(
    state_root: &B256,
    address: &Address,
    nodes: &[Bytes],
) -> Result<Option<AccountState>, BadProof> {
    let path = trie::nibbles(&keccak256(address));
    trie::walk(state_root, &path, nodes)?.map(AccountState::decode).transpose()
}

/// The word in `slot` under an account's `storage_root`; zero if it is proved that it has none.
///
/// # Errors
/// As for [`account`]; [`BadProof::ZeroLeaf`] if a leaf holds zero, which no state does.
pub fn storage(storage_root: &B256, slot: &U256, nodes: &[Bytes]) -> Result<U256, BadProof> {
    let path = trie::nibbles(&keccak256(slot.to_be_bytes::<32>()));
    match trie::walk(storage_root, &path, nodes)? {
        None => Ok(U256::ZERO),
        Some(leaf) => match rlp::single(leaf)?.integer(32)? {
            [] => Err(BadProof::ZeroLeaf),
            bytes => Ok(U256::from_be_slice(bytes)),
        },
    }
}

#[cfg(test)]
mod tests;

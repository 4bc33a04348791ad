//! Looking at blocks and their states.

use near_primitives::{
    account::{AccessKey, Account},
    hash::CryptoHash,
    trie_key::{TrieKey, trie_key_parsers},
    types::AccountId,
};

use super::{Block, Chain, Env};
use crate::{
    block::{self, GAS_LIMIT},
    runtime::{self, ViewError, Viewed},
    state::{Trie, Update},
};

/// How sure one wants to be of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// It is the newest.
    Optimistic,
    /// One block is above it.
    NearFinal,
    /// Two blocks are above it; it stays.
    Final,
}

impl Chain {
    /// The block at `height`.
    pub fn by_height(&self, height: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(height).ok()?)
    }

    /// The block with this hash.
    pub fn by_hash(&self, hash: &CryptoHash) -> Option<&Block> {
        self.by_height(*self.heights.get(hash)?)
    }

    /// The newest block of which one can be so sure.
    pub fn by_finality(&self, finality: Finality) -> &Block {
        let above = match finality {
            Finality::Optimistic => 0,
            Finality::NearFinal => 1,
            Finality::Final => 2,
        };
        let height = self.head().height().saturating_sub(above);
        self.by_height(height).expect("there are blocks at all heights up to the head's")
    }

    /// All blocks, by height.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// An account as it is in the newest block.
    pub fn account(&self, id: &AccountId) -> Option<Account> {
        self.reading().account(id)
    }

    /// An account's key as it is in the newest block.
    pub fn access_key(&self, id: &AccountId, key: &near_crypto::PublicKey) -> Option<AccessKey> {
        self.reading().access_key(id, key)
    }

    /// What a contract keeps at `key` in the newest block.
    pub fn storage(&self, id: &AccountId, key: &[u8]) -> Option<Vec<u8>> {
        let key = TrieKey::ContractData { account_id: id.clone(), key: key.to_vec() };
        self.head_state().get(&key.to_vec()).map(|value| value.to_vec())
    }

    /// All keys of a contract that begin with `prefix`, and their values, in the newest block.
    pub fn storage_entries(&self, id: &AccountId, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        contract_entries(self.head_state(), id, prefix)
    }

    /// Calls a method that changes nothing, on the newest block.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn view(
        &self,
        contract: &AccountId,
        method: &str,
        args: &[u8],
    ) -> Result<Viewed, ViewError> {
        let env = self.env_of(self.head());
        runtime::view(self.head_state(), &env, contract, method, args)
    }

    fn reading(&self) -> Update {
        Update::new(self.head_state().clone())
    }

    /// What a view method sees on top of `block`.
    pub(crate) fn env_of(&self, block: &Block) -> Env {
        Env {
            chain_id: self.config.chain_id.clone(),
            height: block.height(),
            time_ns: block.header.raw_timestamp(),
            epoch_height: block.epoch_height,
            gas_price: self.config.gas_price,
            gas_limit: GAS_LIMIT,
            seed: block.seed,
            stakes: block::stakes_for_contracts(&self.producers),
        }
    }
}

/// All keys of a contract that begin with `prefix`, and their values.
pub(crate) fn contract_entries(
    state: &Trie,
    id: &AccountId,
    prefix: &[u8],
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let column = trie_key_parsers::get_raw_prefix_for_contract_data(id, &[]);
    let full = trie_key_parsers::get_raw_prefix_for_contract_data(id, prefix);
    let entries = state.entries(&full).into_iter();
    entries.map(|(key, value)| (key[column.len()..].to_vec(), value.to_vec())).collect()
}

//! Changes to a trie that can be taken back until they are kept.
//!
//! Source: nearcore, `TrieUpdate`: what one receipt changes is kept or dropped whole, and becomes
//! part of the trie at the end of the block.

use std::{collections::BTreeMap, sync::Arc};

use near_crypto::PublicKey;
use near_primitives::{
    account::{AccessKey, Account},
    trie_key::{TrieKey, trie_key_parsers},
    types::AccountId,
};

use super::Trie;

type Changes = BTreeMap<Vec<u8>, Option<Arc<[u8]>>>;

/// A trie with changes that are not in it.
#[derive(Debug)]
pub(crate) struct Update {
    base: Trie,
    kept: Changes,
    open: Changes,
}

/// What was read, and what reading it through the trie touched.
#[derive(Debug)]
pub(crate) struct Read {
    /// `None`: there is nothing.
    pub(crate) value: Option<Arc<[u8]>>,
    /// Nodes on the path; none if the value comes from this block's changes.
    pub(crate) nodes: u64,
    /// Whether the value itself comes from the trie.
    pub(crate) is_stored: bool,
}

impl Update {
    pub(crate) const fn new(base: Trie) -> Self {
        Self { base, kept: Changes::new(), open: Changes::new() }
    }

    fn changed(&self, key: &[u8]) -> Option<&Option<Arc<[u8]>>> {
        self.open.get(key).or_else(|| self.kept.get(key))
    }

    pub(crate) fn read(&self, key: &TrieKey) -> Read {
        let key = key.to_vec();
        if let Some(value) = self.changed(&key) {
            return Read { value: value.clone(), nodes: 0, is_stored: false };
        }
        let (value, nodes) = self.base.get_counted(&key);
        Read { is_stored: value.is_some(), value, nodes }
    }

    pub(crate) fn get(&self, key: &TrieKey) -> Option<Arc<[u8]>> {
        self.read(key).value
    }

    pub(crate) fn contains(&self, key: &TrieKey) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn set(&mut self, key: &TrieKey, value: &[u8]) {
        self.open.insert(key.to_vec(), Some(Arc::from(value)));
    }

    pub(crate) fn remove(&mut self, key: &TrieKey) {
        self.open.insert(key.to_vec(), None);
    }

    /// Takes the value out and gives it back.
    pub(crate) fn take(&mut self, key: &TrieKey) -> Option<Arc<[u8]>> {
        let value = self.get(key);
        if value.is_some() {
            self.remove(key);
        }
        value
    }

    /// Keeps what was changed since the last time.
    pub(crate) fn keep(&mut self) {
        self.kept.append(&mut self.open);
    }

    /// Drops what was changed since the last time.
    pub(crate) fn drop_open(&mut self) {
        self.open.clear();
    }

    /// The trie with all that was kept.
    pub(crate) fn finish(mut self) -> Trie {
        for (key, value) in self.kept {
            match value {
                Some(value) => self.base.insert(&key, &value),
                None => self.base.remove(&key),
            }
        }
        self.base
    }

    /// Removes everything whose key begins with `prefix`.
    fn remove_all(&mut self, prefix: &[u8]) {
        let stored = self.base.entries(prefix).into_iter().map(|(key, _)| key);
        let mut keys: Vec<_> = stored.collect();
        for changes in [&self.kept, &self.open] {
            let from = changes.range(prefix.to_vec()..);
            keys.extend(from.map(|(key, _)| key.clone()).take_while(|key| key.starts_with(prefix)));
        }
        self.open.extend(keys.into_iter().map(|key| (key, None)));
    }

    /// Removes an account with its code, its keys and its contract's data.
    pub(crate) fn remove_account(&mut self, id: &AccountId) {
        self.remove(&TrieKey::Account { account_id: id.clone() });
        self.remove(&TrieKey::ContractCode { account_id: id.clone() });
        self.remove_all(&trie_key_parsers::get_raw_prefix_for_access_keys(id));
        self.remove_all(&trie_key_parsers::get_raw_prefix_for_contract_data(id, &[]));
    }

    pub(crate) fn account(&self, id: &AccountId) -> Option<Account> {
        let bytes = self.get(&TrieKey::Account { account_id: id.clone() })?;
        Some(borsh::from_slice(&bytes).expect("only accounts are put there"))
    }

    pub(crate) fn set_account(&mut self, id: &AccountId, account: &Account) {
        let key = TrieKey::Account { account_id: id.clone() };
        self.set(&key, &encoded(account));
    }

    pub(crate) fn access_key(&self, id: &AccountId, key: &PublicKey) -> Option<AccessKey> {
        let bytes = self.get(&TrieKey::access_key(id.clone(), key))?;
        Some(borsh::from_slice(&bytes).expect("only access keys are put there"))
    }

    pub(crate) fn set_access_key(&mut self, id: &AccountId, key: &PublicKey, access: &AccessKey) {
        self.set(&TrieKey::access_key(id.clone(), key), &encoded(access));
    }
}

/// Borsh.
pub(crate) fn encoded<T: borsh::BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail")
}

//! Where a registry is, and where in a record's history a reader stands.

use core::fmt;

use governance::{
    anchor::{Account, OnChainId, Registry},
    log::Revision,
};
use types::{AccountId, ChainId, Hash};

/// One registry contract on one chain. Text form: its CAIP-10 account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locator {
    id: AccountId,
    registry: Registry,
}

/// How far a reader knows a record's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last revision known; 0 for none.
    pub rev: u64,
    /// The log head after it.
    pub log_head: Hash,
    /// The lowest block that can hold the next one.
    pub height: u64,
}

impl Locator {
    /// The registry with this account; `None` if no contract of its chain can have it.
    pub fn new(id: AccountId) -> Option<Self> {
        let registry = Registry { chain: id.chain(), account: Account::from_id(&id)? };
        Some(Self { id, registry })
    }

    /// The registry's account.
    pub const fn id(&self) -> &AccountId {
        &self.id
    }

    /// Its chain.
    pub const fn chain(&self) -> &ChainId {
        &self.registry.chain
    }

    /// It, as contracts' hashes name it.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The record that `creator` makes here with `salt`; `None` if it is no account of this chain.
    pub fn context(&self, creator: &AccountId, salt: &[u8; 32]) -> Option<OnChainId> {
        if creator.chain() != *self.chain() {
            return None;
        }
        Some(self.registry.context(&Account::from_id(creator)?, salt))
    }

    /// Before revision 1 of `context`, searching from block `height` on.
    pub fn start(&self, context: &OnChainId, height: u64) -> Position {
        Position { rev: 0, log_head: self.registry.log_start(context), height }
    }
}

impl Position {
    /// Right after `revision`.
    pub const fn after(revision: &Revision) -> Self {
        Self { rev: revision.rev, log_head: revision.log_head, height: revision.block.height }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

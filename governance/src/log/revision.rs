//! A contract's revisions as entries carry them: raw, so that nobody between the contract and the
//! fold can say something else in their name.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use types::{AccountId, Hash};

use crate::{
    anchor::{ACTIONS_BYTES_MAX, Account, Happened, OnChainId, Registry, log_head},
    log::{Anchor, Denied, bounded},
};

/// One governed change on chain, as the contract's event tells it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Revision {
    /// Its number; `create` makes revision 1.
    pub rev: u64,
    /// Which kind of change.
    pub kind: u8,
    /// Its canonical arguments, no longer than a batch of actions may be.
    #[borsh(deserialize_with = "bounded::list::<u8, _, ACTIONS_BYTES_MAX>")]
    pub payload: Vec<u8>,
    /// The contract's running hash after it.
    pub log_head: Hash,
    /// Where it stands.
    pub block: BlockRef,
}

/// A block of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockRef {
    /// Its number.
    pub height: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its time, in Unix seconds.
    pub time_s: u64,
}

impl Revision {
    /// What it says.
    ///
    /// # Errors
    /// [`Denied::MalformedRevision`] unless the payload is exactly what its kind asks for.
    pub fn happened(&self) -> Result<Happened, Denied> {
        Happened::decode(self.kind, &self.payload)
            .map_err(|_| Denied::MalformedRevision { kind: self.kind })
    }

    /// Whether it continues the contract's log after `prev`.
    pub fn continues(&self, prev: &Hash) -> bool {
        log_head(prev, self.rev, self.kind, &self.payload) == self.log_head
    }
}

impl Anchor {
    /// The registry; none if its address is not one of its chain.
    pub fn registry(&self) -> Option<Registry> {
        let account = Account::from_id(&self.registry)?;
        Some(Registry { chain: self.chain(), account })
    }

    /// The id of the record that `creator` makes for this context, which nobody else can take;
    /// none if an address is not one of its chain.
    pub fn on_chain_id(&self, creator: &AccountId) -> Option<OnChainId> {
        Some(self.registry()?.context(&Account::from_id(creator)?, &self.salt))
    }
}

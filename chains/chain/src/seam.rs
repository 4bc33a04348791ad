//! The seam: what every adapter does, and the values that cross it.

use core::fmt;

use async_trait::async_trait;
use governance::{
    anchor::{Account, Action, Class, Head, OnChainId},
    log::{self, Answer, BlockRef, Revision},
};
use types::{AccountId, Hash};

use crate::{BlockId, Call, ChainError, Fault, Locator, Position, Signer, Trust};

/// Most revisions in one page: bounds an answer's memory, and is more than a busy record has a day.
pub const PAGE_MAX: usize = 256;

/// How settled a block must be to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finality {
    /// It exists. For display only.
    Latest,
    /// The chain is very unlikely to undo it.
    Safe,
    /// The chain will not undo it.
    Final,
}

/// A record's head as of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorHead {
    /// The packed part.
    pub head: Head,
    /// Hash over all revisions up to `head.rev`.
    pub log_head: Hash,
    /// As of which block.
    pub block: BlockRef,
    /// What it rests on.
    pub trust: Trust,
}

/// A proposal that may still be approved or carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenProposal {
    /// Its number.
    pub seq: u64,
    /// Who made it.
    pub proposer: Account,
    /// Its batch, which has the hash that the contract keeps.
    pub actions: Vec<Action>,
    /// How grave it is.
    pub class: Class,
    /// Whose approvals count, in the order of their seats.
    pub approvals: Vec<Account>,
    /// How many must approve.
    pub needed: u8,
    /// From when on it may be carried out (Unix seconds); `None` until it has its approvals.
    pub eta_s: Option<u64>,
    /// Its last second, Unix.
    pub expiry_s: u64,
}

/// What a chain says about a signature of one of its accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// [`Answer::Unknown`] if the chain cannot tell.
    pub answer: Answer,
    /// As of which block: keys change.
    pub block: BlockRef,
    /// What the answer rests on.
    pub trust: Trust,
}

/// Consecutive revisions, checked against the record's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Oldest first, at most [`PAGE_MAX`].
    pub revisions: Vec<Revision>,
    /// Where the next page begins.
    pub next: Position,
    /// The head that the page was checked against; `None` while the record does not exist (at the
    /// finality that was asked for).
    pub head: Option<AnchorHead>,
}

/// A call that the chain took in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction; `None` if the record already was as the call would have made it, so that
    /// nothing had to be sent.
    pub transaction: Option<Hash>,
    /// The block that took it in. It may still be undone: wait for its revision to become final.
    pub block: Option<BlockRef>,
    /// The proposal that it made, if it made one.
    pub seq: Option<u64>,
    /// The last revision that it made, if it made one.
    pub rev: Option<u64>,
}

/// One registry on one chain. Adapters translate; whom to believe is [`crate::Quorum`]'s to decide.
#[async_trait]
pub trait Chain: fmt::Debug + Send + Sync {
    /// Which registry this is.
    fn locator(&self) -> &Locator;

    /// Whether the endpoint serves the expected chain, and the expected code is at the address.
    ///
    /// # Errors
    /// [`ChainError::OtherChain`], [`ChainError::NoRegistry`], [`ChainError::OtherRegistry`], or
    /// that the endpoint does not answer as it should.
    async fn verify_registry(&self) -> Result<(), ChainError>;

    /// The head of `context` in the newest block of `finality`; `None` if it has no record there.
    ///
    /// # Errors
    /// [`ChainError`] if the endpoint does not answer, or not as it should.
    async fn head(
        &self,
        context: &OnChainId,
        finality: Finality,
    ) -> Result<Option<AnchorHead>, ChainError>;

    /// The revisions of `context` after `after` that reached `finality`.
    ///
    /// A page may be empty although there are more: ask again from [`Page::next`] until
    /// [`Page::is_last`].
    ///
    /// # Errors
    /// [`ChainError::Inconsistent`] if events were left out or altered, or the chain took back what
    /// `after` knows; else as for [`Chain::head`].
    async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        finality: Finality,
    ) -> Result<Page, ChainError>;

    /// Sends `call`, signed and paid by `signer`, and waits until a block has it.
    ///
    /// Safe to repeat: a call whose effect is there already sends nothing, and the contract refuses
    /// what a repetition would undo.
    ///
    /// # Errors
    /// [`ChainError::Refused`] if a guard of the contract fails, before anything is paid;
    /// [`ChainError::BadKey`] if the signer's key is none of its account; [`ChainError::NoFunds`];
    /// [`ChainError::NotIncluded`] if no block took it in within the adapter's patience (it still
    /// may); else as for [`Chain::head`].
    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError>;

    /// The proposals of `context` that are open in the newest block, in the order of their numbers.
    ///
    /// # Errors
    /// As for [`Chain::head`].
    async fn proposals(&self, context: &OnChainId) -> Result<Vec<OpenProposal>, ChainError>;

    /// Whether `account` signed `digest`, by whatever rule the chain has for it, in the block `at`,
    /// or in the newest final one.
    ///
    /// [`Answer::Unknown`] where `at` is not final yet, and [`Answer::Invalid`] where the chain has
    /// another block there.
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if it is none of this chain; else as for [`Chain::head`].
    async fn account_signed(
        &self,
        account: &AccountId,
        digest: &Hash,
        signature: &[u8],
        at: Option<BlockId>,
    ) -> Result<Signed, ChainError>;

    /// What `account` can pay with, in the chain's smallest unit.
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if it is none of this chain; else as for [`Chain::head`].
    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError>;

    /// Resolves when the chain tells of a new block; never, where nothing tells. A hint: what it
    /// missed shows in the next reading.
    async fn changed(&self);

    /// What endpoints did wrong since the start, the newest first.
    fn faults(&self) -> Vec<Fault>;
}

impl Page {
    /// Whether nothing more has reached the finality that was asked for.
    pub fn is_last(&self) -> bool {
        self.head.is_none_or(|head| head.head.rev <= self.next.rev)
    }
}

impl From<log::Finality> for Finality {
    fn from(finality: log::Finality) -> Self {
        match finality {
            log::Finality::Final => Self::Final,
            log::Finality::Safe => Self::Safe,
        }
    }
}

//! What reading by agreement asks of one endpoint.

use core::{fmt, ops::RangeInclusive};

use async_trait::async_trait;
use governance::{
    anchor::{Head, OnChainId},
    log::{BlockRef, Revision},
};
use types::Hash;

use crate::{ChainError, Finality};

/// A block's header as this node computed its hash: never as an endpoint told it.
pub trait Header: Clone + fmt::Debug + Send + Sync {
    /// Which block it is of.
    fn block(&self) -> BlockRef;

    /// The hash of the block before.
    fn parent(&self) -> Hash;
}

/// What an endpoint says about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed<T> {
    /// With a proof that was checked under the block's header.
    Proved(T),
    /// Without: the endpoint has no proof.
    Told(T),
}

/// One endpoint of one registry's chain. Asks once, never retries; whom to believe is
/// [`crate::Quorum`]'s to decide.
#[async_trait]
pub trait Endpoint: fmt::Debug + Send + Sync {
    /// A header of its chain.
    type Header: Header;

    /// Its address for people, without what is secret in it.
    fn name(&self) -> &str;

    /// The header of its newest block of `finality`; `None` if it has none yet.
    ///
    /// # Errors
    /// [`ChainError`] if it does not answer, or not as it should. So for all others.
    async fn tip(&self, finality: Finality) -> Result<Option<Self::Header>, ChainError>;

    /// The header of its block at `height`; `None` if it has none.
    ///
    /// # Errors
    /// See [`Endpoint::tip`].
    async fn header(&self, height: u64) -> Result<Option<Self::Header>, ChainError>;

    /// The record of `context` in the block of `header`: its head and log head; `None` for none.
    ///
    /// # Errors
    /// [`ChainError::Lied`] if its proof does not hold; else see [`Endpoint::tip`].
    async fn record(
        &self,
        context: &OnChainId,
        header: &Self::Header,
    ) -> Result<Claimed<Option<(Head, Hash)>>, ChainError>;

    /// The revisions of `context` after number `after_rev` in the blocks of `heights`, as it tells
    /// them: nothing about them is checked but their form.
    ///
    /// # Errors
    /// See [`Endpoint::tip`].
    async fn revisions(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError>;

    /// Whether the block of `header` has the events of all `revisions`, which say that they are of
    /// that block; proved by the header's root over all that happened in the block.
    ///
    /// # Errors
    /// See [`Endpoint::tip`]; also if there is no proof.
    async fn has_revisions(
        &self,
        context: &OnChainId,
        header: &Self::Header,
        revisions: &[Revision],
    ) -> Result<bool, ChainError>;
}

/// Follows a chain's consensus, so that no endpoint need be believed about which block is final.
#[async_trait]
pub trait Consensus: fmt::Debug + Send + Sync {
    /// The address of who serves it, for people.
    fn name(&self) -> &str;

    /// The newest block that consensus made final, proved; `None` if there is none yet.
    ///
    /// # Errors
    /// [`ChainError`] if it could not be followed.
    async fn finalized(&self) -> Result<Option<BlockRef>, ChainError>;
}

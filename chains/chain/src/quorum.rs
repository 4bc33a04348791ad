//! Reading by agreement: endpoints agree on a block's header, and prove the rest.
//!
//! So many of them must give the same block; the threshold is fixed, an endpoint that fails or lags
//! counts as one that disagrees, and no plurality below the threshold ever settles. What else is
//! read comes from any one of them and is checked against that header. One that gives something
//! else is named, and the next one is asked. Where a chain's consensus is followed, its final block
//! takes the place of the agreement.

mod agree;
mod blame;
mod block;
mod named;
mod place;
mod scan;

#[cfg(test)]
mod tests;

use core::{num::NonZeroUsize, time::Duration};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use governance::anchor::OnChainId;

pub use self::{agree::Asked, named::Named};
use self::{blame::Blame, scan::Scan};
use crate::{
    AnchorHead, ChainError, Consensus, Endpoint, Fault, Finality, Header as _, Inconsistent,
    PAGE_MAX, Page, Position, Trust, Vouched,
};

/// Histories that are read at the same time at most; one more starts from its beginning again.
const SCANS_MAX: usize = 64;
/// How much older than the others' an endpoint's newest block may be. Endpoints see finality up to
/// two epochs apart, which are 13 minutes on Ethereum.
const LAG_MAX: Duration = Duration::from_secs(15 * 60);

/// Several endpoints of one registry's chain, so many of which must agree on a block.
#[derive(Debug)]
pub struct Quorum<E: Endpoint> {
    endpoints: Vec<E>,
    needed: NonZeroUsize,
    consensus: Option<Arc<dyn Consensus>>,
    lag_max: Duration,
    blame: Blame,
    // A leaf lock, never held over an await: a scan is taken out while it goes on.
    scans: Mutex<BTreeMap<(OnChainId, Finality), Scan>>,
}

/// A block's header that may be believed, and why.
#[derive(Clone, Debug)]
pub struct Agreed<H> {
    /// It.
    pub header: H,
    /// Why.
    pub vouched: Vouched,
}

impl<E: Endpoint> Quorum<E> {
    /// At least `needed` of `endpoints` must agree. `None` if there are fewer than that.
    pub fn new(endpoints: Vec<E>, needed: NonZeroUsize) -> Option<Self> {
        (endpoints.len() >= needed.get()).then(|| Self {
            endpoints,
            needed,
            consensus: None,
            lag_max: LAG_MAX,
            blame: Blame::default(),
            scans: Mutex::default(),
        })
    }

    /// Takes which block is final from `consensus`. `Safe` is then read as `Final`, since nothing
    /// between the two is signed.
    #[must_use]
    pub fn with_consensus(mut self, consensus: Arc<dyn Consensus>) -> Self {
        self.consensus = Some(consensus);
        self
    }

    /// Names endpoints whose newest block is older than the others' by more than this, instead of
    /// 15 minutes: for chains with a clock of their own.
    #[must_use]
    pub const fn with_lag_max(mut self, lag_max: Duration) -> Self {
        self.lag_max = lag_max;
        self
    }

    /// The endpoints.
    pub fn endpoints(&self) -> &[E] {
        &self.endpoints
    }

    /// How many must agree.
    pub const fn needed(&self) -> usize {
        self.needed.get()
    }

    /// What they did wrong, the newest first.
    pub fn faults(&self) -> Vec<Fault> {
        self.blame.faults()
    }

    /// The head of `context` in the newest block of `finality` that enough endpoints have; `None`
    /// if it has no record there.
    ///
    /// # Errors
    /// [`ChainError::Disagreement`] if too few agree; the endpoint's own error if there is but one,
    /// or none answers.
    pub async fn head(
        &self,
        context: &OnChainId,
        finality: Finality,
    ) -> Result<Option<AnchorHead>, ChainError> {
        let Some(agreed) = self.block(finality).await? else { return Ok(None) };
        self.head_in(context, &agreed).await
    }

    /// The revisions of `context` after `after` that reached `finality`, and have been checked up
    /// to the head.
    ///
    /// A long history is checked over several calls, which give empty pages meanwhile.
    ///
    /// # Errors
    /// [`ChainError::Inconsistent`] if the chain took back what `after` knows, or no endpoint tells
    /// the whole history; else as for [`Quorum::head`].
    pub async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        finality: Finality,
        span_blocks: u64,
    ) -> Result<Page, ChainError> {
        let inconsistent = |source| ChainError::Inconsistent { context: *context, source };
        let agreed = self.block(finality).await?;
        let head = match &agreed {
            Some(agreed) => self.head_in(context, agreed).await?,
            None => None,
        };
        let (Some(agreed), Some(head)) = (agreed, head) else {
            if after.rev > 0 {
                return Err(inconsistent(Inconsistent::Behind { known: after.rev, head: 0 }));
            }
            return Ok(Page { revisions: Vec::new(), next: *after, head: None });
        };
        crate::check_revisions(after, &[], &head).map_err(inconsistent)?;
        if after.rev == head.head.rev {
            let mut next = *after;
            if finality == Finality::Final {
                // The next one is in no earlier block than this, which saves looking for it before.
                // It may be in this one: a block's header may commit to the state before it.
                next.height = next.height.max(head.block.height);
            }
            return Ok(Page { revisions: Vec::new(), next, head: Some(head) });
        }
        // Ends: an endpoint that misplaces a revision is asked last from then on.
        for _ in 0..=self.endpoints.len() {
            let mut scan = self.take_scan(context, after, finality);
            self.scan(context, &mut scan, &head, span_blocks, finality).await?;
            let source = scan.source;
            let revisions = scan.give(PAGE_MAX);
            if finality != Finality::Latest {
                let misplaced = self.misplaced(context, &revisions, &agreed).await?;
                if let (Some(rev), Some(source)) = (misplaced, source) {
                    self.blame_place(source, rev);
                    continue;
                }
            }
            self.keep_scan(context, scan, finality);
            let next = revisions.last().map_or(*after, Position::after);
            return Ok(Page { revisions, next, head: Some(head) });
        }
        Err(inconsistent(Inconsistent::Misplaced { rev: after.rev.saturating_add(1) }))
    }

    fn take_scan(&self, context: &OnChainId, after: &Position, finality: Finality) -> Scan {
        let mut scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = scans.remove(&(*context, finality)).filter(|scan| scan.begins_at(after));
        known.unwrap_or_else(|| Scan::new(*after))
    }

    fn keep_scan(&self, context: &OnChainId, scan: Scan, finality: Finality) {
        let mut scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        if scan.is_worth_keeping(finality) && scans.len() < SCANS_MAX {
            scans.insert((*context, finality), scan);
        }
    }

    /// The head of `context` in a block: proved by one endpoint, or told by enough; `None` if it
    /// has no record there.
    ///
    /// # Errors
    /// As for [`Quorum::head`].
    pub async fn head_in(
        &self,
        context: &OnChainId,
        agreed: &Agreed<E::Header>,
    ) -> Result<Option<AnchorHead>, ChainError> {
        let header = &agreed.header;
        let record = self.believe("the record", |endpoint| endpoint.record(context, header));
        let (record, answer) = record.await?;
        let trust = Trust { block: agreed.vouched, answer };
        let block = agreed.header.block();
        Ok(record.map(|(head, log_head)| AnchorHead { head, log_head, block, trust }))
    }

    fn disagreement(&self, method: &'static str, agreeing: usize) -> ChainError {
        let (asked, needed) = (self.endpoints.len(), self.needed.get());
        ChainError::Disagreement { method, agreeing, asked, needed }
    }
}

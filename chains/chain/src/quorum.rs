//! Reading by agreement: several endpoints of one registry, so many of which must say the same.

use core::{future::Future, num::NonZeroUsize, pin::Pin};
use std::sync::Arc;

use async_trait::async_trait;
use governance::anchor::OnChainId;
use types::AccountId;

use crate::{
    AccountKey, AnchorHead, Call, Chain, ChainError, Finality, Locator, Page, Position, Receipt,
};

/// A registry that is read through several endpoints.
///
/// The threshold is fixed: an endpoint that fails or lags counts as one that disagrees, and no
/// plurality below the threshold ever settles. Calls go through the endpoints in turn until one
/// can be reached: the contract, not the endpoint, decides about them.
#[derive(Debug)]
pub struct Quorum {
    endpoints: Vec<Arc<dyn Chain>>,
    needed: NonZeroUsize,
}

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChainError>> + Send + 'a>>;

impl Quorum {
    /// At least `needed` of `endpoints` must agree. `None` if there are fewer than that, or they
    /// are not endpoints of one registry.
    pub fn new(endpoints: Vec<Arc<dyn Chain>>, needed: NonZeroUsize) -> Option<Self> {
        let first = endpoints.first()?.locator();
        let alike = endpoints.iter().all(|endpoint| endpoint.locator() == first);
        (alike && endpoints.len() >= needed.get()).then_some(Self { endpoints, needed })
    }

    async fn agree<'a, T>(
        &'a self,
        method: &'static str,
        ask: impl Fn(&'a dyn Chain) -> Asked<'a, T>,
        alike: impl Fn(&T, &T) -> bool,
    ) -> Result<T, ChainError> {
        let mut answers: Vec<(T, usize)> = Vec::with_capacity(self.endpoints.len());
        let mut failure = None;
        for endpoint in &self.endpoints {
            let answer = match ask(&**endpoint).await {
                Ok(answer) => answer,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            match answers.iter().position(|(known, _)| alike(known, &answer)) {
                Some(index) => answers[index].1 += 1,
                None => answers.push((answer, 1)),
            }
        }
        let best = answers.into_iter().max_by_key(|(_, count)| *count);
        match (best, failure) {
            (Some((answer, count)), _) if count >= self.needed.get() => Ok(answer),
            // Nobody answered: say why rather than that nobody agrees.
            (None, Some(error)) => Err(error),
            (best, _) => Err(ChainError::Disagreement {
                method,
                agreeing: best.map_or(0, |(_, count)| count),
                asked: self.endpoints.len(),
                needed: self.needed.get(),
            }),
        }
    }
}

#[async_trait]
impl Chain for Quorum {
    fn locator(&self) -> &Locator {
        self.endpoints.first().expect("a quorum has an endpoint").locator()
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.agree("verify", |endpoint| endpoint.verify_registry(), |(), ()| true).await
    }

    async fn head(
        &self,
        context: &OnChainId,
        finality: Finality,
    ) -> Result<Option<AnchorHead>, ChainError> {
        let context = *context;
        self.agree(
            "head",
            move |endpoint| Box::pin(async move { endpoint.head(&context, finality).await }),
            same_head,
        )
        .await
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        finality: Finality,
    ) -> Result<Page, ChainError> {
        let (context, after) = (*context, *after);
        let alike = |one: &Page, other: &Page| {
            one.revisions == other.revisions && same_head(&one.head, &other.head)
        };
        self.agree(
            "revisions",
            move |endpoint| {
                Box::pin(async move { endpoint.revisions(&context, &after, finality).await })
            },
            alike,
        )
        .await
    }

    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        key: &AccountKey,
    ) -> Result<Receipt, ChainError> {
        let mut failure = None;
        for endpoint in &self.endpoints {
            match endpoint.submit(context, call, key).await {
                Err(error @ ChainError::Unreachable { .. }) => failure = Some(error),
                done => return done,
            }
        }
        Err(failure.expect("a quorum has an endpoint"))
    }

    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        let account = account.clone();
        self.agree(
            "balance",
            move |endpoint| {
                let account = account.clone();
                Box::pin(async move { endpoint.balance(&account).await })
            },
            u128::eq,
        )
        .await
    }
}

/// Endpoints are seldom at one block; they agree if the record is the same at theirs.
fn same_head(one: &Option<AnchorHead>, other: &Option<AnchorHead>) -> bool {
    let record = |head: &Option<AnchorHead>| head.map(|head| (head.head, head.log_head));
    record(one) == record(other)
}

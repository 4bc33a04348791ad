//! One registry on one network of the Internet Computer, through one or several endpoints.

use core::{num::NonZeroUsize, time::Duration};

use async_trait::async_trait;
use chain::{
    AnchorHead, BlockId, Call, Chain, ChainError, Endpoint as _, Fault, Finality, Header as _,
    Inconsistent, Locator, OpenProposal, Page, Position, Quorum, Receipt, Shown, Signed, Signer,
    Trust, Vouched, check_revisions,
};
use governance::{
    anchor::{Account, OnChainId},
    log::Answer,
};
use types::{AccountId, Hash};
use url::Url;

use crate::{
    Principal, PrincipalKind,
    endpoint::{Anchored, Asking, Node, Stand},
    hash::sha256,
    history::{self, Chained, Histories, Span},
    proof::principals,
    proposals,
    submit::Outstanding,
    wallet::is_network,
};

/// What every answer rests on: its subnet's signature, and a hash tree under it.
const PROVED: Trust = Trust { block: Vouched::Consensus, answer: Shown::Proved };

/// How to reach a registry.
#[derive(Clone, Debug)]
pub struct IcpConfig {
    /// Where boundary nodes or replicas listen: `http` or `https`. At least one. They are asked one
    /// after the other: a certificate is as good from one as from all.
    pub endpoints: Vec<Url>,
    /// How many of them must say the same where an answer is not certified: what is proposed, and
    /// by whom. From 1 up to all.
    pub needed: NonZeroUsize,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How long to wait until a call is answered.
    pub patience: Duration,
    /// How old a certificate may be by this machine's clock. One from the future may be as far
    /// ahead, but no more than five minutes.
    pub lag_max: Duration,
}

/// One registry on one network.
#[derive(Debug)]
pub struct Icp {
    pub(crate) locator: Locator,
    pub(crate) registry: Principal,
    pub(crate) config: IcpConfig,
    pub(crate) quorum: Quorum<Node>,
    pub(crate) outstanding: Outstanding,
    histories: Histories,
}

impl IcpConfig {
    /// One endpoint and the usual bounds: 15 s for an answer, as endpoints let calls wait for one
    /// up to ten; 2 minutes for a call; certificates of five minutes.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoints: vec![endpoint],
            needed: NonZeroUsize::MIN,
            timeout: Duration::from_secs(15),
            patience: Duration::from_secs(120),
            lag_max: Duration::from_secs(5 * 60),
        }
    }
}

impl Icp {
    /// The registry with this account. Asks nothing yet: see [`Chain::verify_registry`].
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if `registry` is no canister of a network that is named after its
    /// root key; [`ChainError::TooFewEndpoints`] if more must agree than there are.
    pub fn new(registry: AccountId, config: IcpConfig) -> Result<Self, ChainError> {
        let bad = || ChainError::BadAccount { account: registry.clone() };
        let locator = Locator::new(registry.clone()).ok_or_else(bad)?;
        if !is_network(locator.chain()) {
            return Err(bad());
        }
        let principal: Principal = registry.address().parse().map_err(|_| bad())?;
        if principal.kind() != PrincipalKind::Opaque {
            return Err(bad());
        }
        let asking = Asking {
            network: locator.chain().clone(),
            registry: principal,
            timeout: config.timeout,
            age_max: config.lag_max,
        };
        let quorum = quorum(&config, &asking)?;
        let (outstanding, histories) = Default::default();
        Ok(Self { locator, registry: principal, config, quorum, outstanding, histories })
    }

    /// Where `context` stands, which is no earlier than at revision `known`.
    pub(crate) async fn stand(&self, context: &OnChainId, known: u64) -> Result<Stand, ChainError> {
        let stand = self.quorum.any(|node| {
            Box::pin(async move {
                let stand = node.stand(context).await?;
                let head = stand.record.map_or(0, |record| record.head.rev);
                if head < known {
                    // A replica that lags behind the others: the next one may not.
                    let source = Inconsistent::Behind { known, head };
                    return Err(ChainError::Inconsistent { context: *context, source });
                }
                Ok(stand)
            })
        });
        stand.await
    }

    /// Tells the log who may change the registry. Whether that is enough is the operator's to say:
    /// nobody is safest, and a canister such as an SNS's is a vote.
    async fn tell_controllers(&self) -> Result<(), ChainError> {
        let registry = self.locator.to_string();
        let told = self.quorum.any(|node| {
            Box::pin(async move {
                let Some(bytes) = node.certified("controllers").await? else {
                    return Ok(Vec::new());
                };
                let listed = principals(&bytes);
                listed.map_err(|error| node.nonsense("read_state", error))
            })
        });
        let names: Vec<String> = told.await?.iter().map(Principal::to_string).collect();
        if names.is_empty() {
            tracing::info!(registry, "nobody can change the registry");
        } else {
            let controllers = names.join(", ");
            tracing::warn!(registry, controllers, "the registry can be changed by its controllers");
        }
        Ok(())
    }

    /// The account as a principal, if it is one of this network.
    pub(crate) fn account(&self, account: &AccountId) -> Result<Principal, ChainError> {
        let same_chain = account.chain() == *self.locator.chain();
        let known = Account::from_id(account).filter(|_| same_chain);
        let known = known.and_then(|known| Principal::from_bytes(known.as_bytes()).ok());
        known.ok_or_else(|| ChainError::BadAccount { account: account.clone() })
    }
}

pub(crate) fn quorum(config: &IcpConfig, asking: &Asking) -> Result<Quorum<Node>, ChainError> {
    let nodes = config.endpoints.iter().map(|endpoint| Node::new(endpoint, asking.clone()));
    let nodes: Vec<Node> = nodes.collect::<Result<_, ChainError>>()?;
    let (given, needed) = (nodes.len(), config.needed);
    let too_few = ChainError::TooFewEndpoints { given, needed: needed.get() };
    Quorum::new(nodes, needed).ok_or(too_few)
}

fn anchor_head(stand: &Stand) -> Option<AnchorHead> {
    let Anchored { head, log_head, .. } = stand.record?;
    Some(AnchorHead { head, log_head, block: stand.moment.block(), trust: PROVED })
}

#[async_trait]
impl Chain for Icp {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        let registry = self.locator.clone();
        let found = self.quorum.any(|node| Box::pin(node.certified("module_hash"))).await?;
        let Some(found) = found else { return Err(ChainError::NoRegistry { registry }) };
        if found != sha256(&[crate::artifact::MODULE]) {
            return Err(ChainError::OtherRegistry { registry });
        }
        self.tell_controllers().await
    }

    /// There is one finality: what a subnet certifies, it does not take back.
    async fn head(
        &self,
        context: &OnChainId,
        _: Finality,
    ) -> Result<Option<AnchorHead>, ChainError> {
        Ok(anchor_head(&self.stand(context, 0).await?))
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        _: Finality,
    ) -> Result<Page, ChainError> {
        if let Some(page) = self.histories.take(context, after) {
            return Ok(page);
        }
        let stand = self.stand(context, after.rev).await?;
        let head = anchor_head(&stand);
        let (Some(head), Some(Anchored { times, .. })) = (head, stand.record) else {
            return Ok(Page { revisions: Vec::new(), next: *after, head: None });
        };
        let inconsistent = |source| ChainError::Inconsistent { context: *context, source };
        check_revisions(after, &[], &head).map_err(inconsistent)?;
        if after.rev == head.head.rev {
            return Ok(Page { revisions: Vec::new(), next: *after, head: Some(head) });
        }
        let from = self.histories.known(context, after);
        let from = from.unwrap_or_else(|| Chained::start(self.locator.start(context, 0)));
        let span = Span { context, from, after: *after, head, times };
        let told = self.quorum.any(|node| Box::pin(history::read(node, &span))).await?;
        Ok(self.histories.page(span, told))
    }

    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        self.submit_call(context, call, signer).await
    }

    /// Told by one node of the subnet, or by as many endpoints alike as must agree.
    async fn proposals(&self, context: &OnChainId) -> Result<Vec<OpenProposal>, ChainError> {
        proposals::read(&self.quorum, context).await
    }

    /// Wallets' proofs leave nothing to the network, which cannot tell.
    async fn account_signed(
        &self,
        account: &AccountId,
        _: &Hash,
        _: &[u8],
        _: Option<BlockId>,
    ) -> Result<Signed, ChainError> {
        self.account(account)?;
        let moment = self.quorum.any(|node| node.tip(Finality::Final)).await?;
        let moment = moment.ok_or(ChainError::NothingFinal)?;
        Ok(Signed { answer: Answer::Unknown, block: moment.block(), trust: PROVED })
    }

    /// Without bound: the registry pays for calls with cycles of its own, and whoever calls pays
    /// nothing.
    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        self.account(account).map(|_| u128::MAX)
    }

    /// Nothing tells of new states.
    async fn changed(&self) {
        core::future::pending().await
    }

    fn faults(&self) -> Vec<Fault> {
        self.quorum.faults()
    }
}

#[cfg(test)]
mod tests;

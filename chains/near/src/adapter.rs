//! One registry on one NEAR chain, through one or several endpoints.

use core::{num::NonZeroUsize, time::Duration};
use std::sync::Arc;

use async_trait::async_trait;
use chain::{
    Agreed, AnchorHead, BlockId, Call, Chain, ChainError, Consensus, Endpoint as _, Fault,
    Finality, Header as _, Locator, Named, OpenProposal, Page, Position, Quorum, Receipt, Shown,
    Signed, Signer, Trust,
};
use governance::{anchor::OnChainId, log::Answer};
use types::{AccountId, ChainId, Hash};
use url::Url;

use crate::{
    consensus::Followed,
    endpoint::Node,
    proof::FullBlock,
    registry,
    rpc::{AccountAt, Rpc},
    submit::Outstanding,
    wallet::NearId,
    wire::CryptoHash,
};

/// How to reach a registry.
#[derive(Clone, Debug)]
pub struct NearConfig {
    /// Where the endpoints listen: `http` or `https`. At least one. Endpoints forget blocks after
    /// some days: who reads a record's history from its beginning needs an archival one.
    pub endpoints: Vec<Url>,
    /// How many of them must agree on a block: from 1 up to all.
    pub needed: NonZeroUsize,
    /// A final block that the operator trusts. The light client starts from it, and says which
    /// block is final, in place of the endpoints; it follows from the epoch after that block's on,
    /// and so should be given one of an epoch that is over (epochs take 7 to 12 hours).
    pub trusted_block: Option<Hash>,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How long to wait until a block has a transaction.
    pub patience: Duration,
    /// How many blocks one question about revisions covers.
    pub span_blocks: u64,
    /// An endpoint whose newest block is older than the others' by more than this is named.
    pub lag_max: Duration,
}

/// One registry on one NEAR chain.
#[derive(Debug)]
pub struct Near {
    pub(crate) locator: Locator,
    pub(crate) registry: NearId,
    pub(crate) config: NearConfig,
    pub(crate) quorum: Quorum<Node>,
    pub(crate) outstanding: Outstanding,
}

impl NearConfig {
    /// One endpoint and the usual bounds: 20 s for an answer, 1 minute for a block, 10 million
    /// blocks (two months) of revisions, 1 minute of lag.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoints: vec![endpoint],
            needed: NonZeroUsize::MIN,
            trusted_block: None,
            timeout: Duration::from_secs(20),
            patience: Duration::from_secs(60),
            span_blocks: 10_000_000,
            lag_max: Duration::from_secs(60),
        }
    }
}

impl Near {
    /// The registry with this account. Asks nothing yet: see [`Chain::verify_registry`].
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if `registry` is no account of a `near` chain;
    /// [`ChainError::TooFewEndpoints`] if more must agree than there are.
    pub fn new(registry: AccountId, config: NearConfig) -> Result<Self, ChainError> {
        let bad = || ChainError::BadAccount { account: registry.clone() };
        let id = NearId::from_account(&registry).ok_or_else(bad)?;
        let locator = Locator::new(registry.clone()).ok_or_else(bad)?;
        let quorum = quorum(&config, &id)?;
        let outstanding = Outstanding::default();
        Ok(Self { locator, registry: id, config, quorum, outstanding })
    }

    /// The account's name, if it is one of this chain.
    pub(crate) fn id(&self, account: &AccountId) -> Result<NearId, ChainError> {
        let same_chain = account.chain() == *self.locator.chain();
        let known = NearId::from_account(account).filter(|_| same_chain);
        known.ok_or_else(|| ChainError::BadAccount { account: account.clone() })
    }

    /// The newest block that enough endpoints have.
    pub(crate) async fn latest(&self) -> Result<FullBlock, ChainError> {
        latest(&self.quorum).await
    }

    /// An account after the block `at`, as enough endpoints tell it.
    async fn account_after(
        &self,
        account: &NearId,
        at: &CryptoHash,
    ) -> Result<Option<AccountAt>, ChainError> {
        let told = self.quorum.agree("an account", |node| {
            Box::pin(async move {
                let found = node.rpc.account(account, at).await?;
                found.ok_or_else(|| node.rpc.nonsense("view_account", "it lost its newest block"))
            })
        });
        Ok(told.await?.0)
    }

    /// Whether enough endpoints serve the registry's chain.
    pub(crate) async fn verify_chain(&self) -> Result<(), ChainError> {
        let expected = self.locator.chain();
        let served = self.quorum.agree("status", |node| Box::pin(serves(node, expected)));
        match served.await {
            Ok(_) => Ok(()),
            Err(error @ ChainError::Disagreement { .. }) => {
                // Says which one is wrong, rather than that too few are right.
                for node in self.quorum.endpoints() {
                    let answer = serves(node, expected).await;
                    if let Err(other @ ChainError::OtherChain { .. }) = answer {
                        return Err(other);
                    }
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn quorum(config: &NearConfig, registry: &NearId) -> Result<Quorum<Node>, ChainError> {
    let rpcs = || -> Result<Vec<Rpc>, ChainError> {
        let rpc = |endpoint: &Url| Rpc::new(endpoint.clone(), config.timeout);
        config.endpoints.iter().map(rpc).collect()
    };
    let followed = match &config.trusted_block {
        Some(block) => {
            let trusted = CryptoHash::from_bytes(*block.as_bytes());
            let followed: Arc<dyn Consensus> = Arc::new(Followed::new(rpcs()?, trusted));
            Some(followed)
        }
        None => None,
    };
    let node = |rpc| Node { rpc, registry: registry.clone() };
    let nodes: Vec<Node> = rpcs()?.into_iter().map(node).collect();
    let (given, needed) = (nodes.len(), config.needed);
    let quorum = Quorum::new(nodes, needed)
        .ok_or(ChainError::TooFewEndpoints { given, needed: needed.get() })?
        .with_lag_max(config.lag_max);
    Ok(match followed {
        Some(followed) => quorum.with_consensus(followed),
        None => quorum,
    })
}

/// The newest block that enough endpoints have.
pub(crate) async fn latest(quorum: &Quorum<Node>) -> Result<FullBlock, ChainError> {
    let latest = quorum.block(Finality::Latest).await?;
    latest.map(|agreed| agreed.header).ok_or(ChainError::NothingFinal)
}

/// The chain that an endpoint serves.
pub(crate) async fn served(node: &Node) -> Result<ChainId, ChainError> {
    let name = node.rpc.chain_name().await?;
    let bad = || node.rpc.nonsense("status", "a chain id that is no CAIP-2 reference");
    format!("near:{name}").parse().map_err(|_| bad())
}

async fn serves(node: &Node, expected: &ChainId) -> Result<(), ChainError> {
    let found = served(node).await?;
    if found == *expected {
        return Ok(());
    }
    let (endpoint, expected) = (node.name().to_owned(), expected.clone());
    Err(ChainError::OtherChain { endpoint, expected, found })
}

#[async_trait]
impl Chain for Near {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    /// An account that has an access key is another registry: whoever holds it can replace the
    /// code.
    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.verify_chain().await?;
        let block = self.latest().await?;
        let (id, at) = (&self.registry, &block.hash);
        let registry = self.locator.clone();
        let Some(account) = self.account_after(id, at).await? else {
            return Err(ChainError::NoRegistry { registry });
        };
        let is_shared = account.shared_code.is_some() || account.follows_account;
        if account.code_hash == CryptoHash::ZERO && !is_shared {
            return Err(ChainError::NoRegistry { registry });
        }
        // Shared code is as good, where it is named by its hash.
        let code_hash = account.shared_code.unwrap_or(account.code_hash);
        if code_hash != registry::code_hash() || account.follows_account {
            return Err(ChainError::OtherRegistry { registry });
        }
        let keys = self.quorum.agree("access keys", |node| Box::pin(node.rpc.has_keys(id, at)));
        if keys.await?.0 { Err(ChainError::OtherRegistry { registry }) } else { Ok(()) }
    }

    async fn head(
        &self,
        context: &OnChainId,
        finality: Finality,
    ) -> Result<Option<AnchorHead>, ChainError> {
        self.quorum.head(context, finality).await
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        finality: Finality,
    ) -> Result<Page, ChainError> {
        self.quorum.revisions(context, after, finality, self.config.span_blocks).await
    }

    /// What a call takes of the state is paid by its signer; what was attached too much comes back.
    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        self.submit_call(context, call, signer).await
    }

    async fn proposals(&self, context: &OnChainId) -> Result<Vec<OpenProposal>, ChainError> {
        let Some(agreed) = self.quorum.block(Finality::Latest).await? else {
            return Ok(Vec::new());
        };
        let block = &agreed.header;
        let open =
            self.quorum.believe("open proposals", |node| Box::pin(node.proposals(context, block)));
        Ok(open.await?.0)
    }

    async fn account_signed(
        &self,
        account: &AccountId,
        digest: &Hash,
        signature: &[u8],
        at: Option<BlockId>,
    ) -> Result<Signed, ChainError> {
        let id = self.id(account)?;
        let newest = self.quorum.block(Finality::Final).await?.ok_or(ChainError::NothingFinal)?;
        let agreed = match at {
            None => newest,
            Some(block) => match self.quorum.named(block).await? {
                Named::Final(named) => named,
                named @ (Named::Ahead | Named::Elsewhere) => return Ok(unsaid(&named, &newest)),
            },
        };
        let (answer, shown) = self.signed_in(&agreed.header, &id, digest, signature).await?;
        let trust = Trust { block: agreed.vouched, answer: shown };
        Ok(Signed { answer, block: agreed.header.block(), trust })
    }

    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        let id = self.id(account)?;
        let block = self.latest().await?;
        let found = self.account_after(&id, &block.hash).await?;
        Ok(found.map_or(0, |account| account.amount))
    }

    /// Endpoints tell nothing by themselves.
    async fn changed(&self) {
        core::future::pending().await
    }

    fn faults(&self) -> Vec<Fault> {
        self.quorum.faults()
    }
}

/// Of a block that is not final, or not of this chain.
fn unsaid(named: &Named<FullBlock>, newest: &Agreed<FullBlock>) -> Signed {
    let answer = match named {
        Named::Elsewhere => Answer::Invalid,
        Named::Final(_) | Named::Ahead => Answer::Unknown,
    };
    let trust = Trust { block: newest.vouched, answer: Shown::Proved };
    Signed { answer, block: newest.header.block(), trust }
}

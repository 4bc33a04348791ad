//! One registry on one Starknet chain, through one or several endpoints.

use core::{num::NonZeroUsize, time::Duration};
use std::sync::Arc;

use async_trait::async_trait;
use chain::{
    Agreed, AnchorHead, BlockId, Call, Chain, ChainError, Consensus, Endpoint as _, Fault,
    Finality, Header as _, Locator, Named, OpenProposal, Page, Position, Quorum, Receipt, Shown,
    Signed, Signer, Trust,
};
use governance::{
    anchor::{Account, OnChainId},
    log::Answer,
};
use types::{AccountId, ChainId, Hash};
use url::Url;

use crate::{
    artifact,
    block::{Block, BlockHashes},
    endpoint::{Node, Rules},
    felt::{self, Felt},
    rpc::Rpc,
    signed::balance_of,
    submit::Outstanding,
    wire,
};

/// When a block is final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settled {
    /// Once its state was proved and accepted on L1, some hours later.
    #[default]
    OnL1,
    /// Once so many blocks follow it on L2; with 0, at once. For chains for development alone,
    /// below which there is no L1: on Starknet itself such blocks were taken back.
    AfterBlocks(u64),
}

/// How to reach a registry.
#[derive(Clone, Debug)]
pub struct StarknetConfig {
    /// Where the endpoints listen: `http` or `https`. At least one.
    pub endpoints: Vec<Url>,
    /// How many of them must agree on a block: from 1 up to all.
    pub needed: NonZeroUsize,
    /// Says which block is final, in place of the endpoints, where there is one: see
    /// [`crate::CoreContract`].
    pub consensus: Option<Arc<dyn Consensus>>,
    /// When a block is final, as far as endpoints say it.
    pub settled: Settled,
    /// A block that is older than the newest by this is safe: enough for routine decisions.
    pub safe_after: Duration,
    /// Where blocks' hashes come from.
    pub block_hashes: BlockHashes,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How long to wait until a block has a transaction.
    pub patience: Duration,
    /// How many blocks one question about events covers; endpoints have limits of their own.
    pub span_blocks: u64,
    /// An endpoint whose newest block is older than the others' by more than this is named.
    pub lag_max: Duration,
}

/// One registry on one Starknet chain.
#[derive(Debug)]
pub struct Starknet {
    pub(crate) locator: Locator,
    pub(crate) address: Felt,
    pub(crate) config: StarknetConfig,
    pub(crate) quorum: Quorum<Node>,
    pub(crate) outstanding: Outstanding,
}

impl StarknetConfig {
    /// One endpoint and the usual bounds: 20 s for an answer, 2 minutes for a block, 2 hours until
    /// a block is safe, 100,000 blocks of events, 3 hours of lag, since endpoints hear of L1 at
    /// different times.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoints: vec![endpoint],
            needed: NonZeroUsize::MIN,
            consensus: None,
            settled: Settled::OnL1,
            safe_after: Duration::from_secs(2 * 60 * 60),
            block_hashes: BlockHashes::Computed,
            timeout: Duration::from_secs(20),
            patience: Duration::from_secs(120),
            span_blocks: 100_000,
            lag_max: Duration::from_secs(3 * 60 * 60),
        }
    }

    /// For a chain for development: a block is final once `blocks` others follow it, and hashed as
    /// its endpoint says.
    pub fn development(endpoint: Url, blocks: u64) -> Self {
        Self {
            settled: Settled::AfterBlocks(blocks),
            block_hashes: BlockHashes::Told,
            ..Self::new(endpoint)
        }
    }
}

impl Starknet {
    /// The registry with this account. Asks nothing yet: see [`Chain::verify_registry`].
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if `registry` is no account of a `starknet` chain;
    /// [`ChainError::TooFewEndpoints`] if more must agree than there are.
    pub fn new(registry: AccountId, config: StarknetConfig) -> Result<Self, ChainError> {
        let bad = || ChainError::BadAccount { account: registry.clone() };
        let locator = Locator::new(registry.clone()).ok_or_else(bad)?;
        chain_name(locator.chain()).ok_or_else(bad)?;
        let address = wire::address(&locator.registry().account).ok_or_else(bad)?;
        let quorum = quorum(&config, address)?;
        let outstanding = Outstanding::default();
        Ok(Self { locator, address, config, quorum, outstanding })
    }

    /// The account as an address, if it is one of this chain.
    pub(crate) fn account(&self, account: &AccountId) -> Result<Felt, ChainError> {
        address_on(self.locator.chain(), account)
    }

    /// The newest block that enough endpoints have.
    pub(crate) async fn latest(&self) -> Result<Block, ChainError> {
        let latest = self.quorum.block(Finality::Latest).await?;
        latest.map(|agreed| agreed.header).ok_or_else(|| ChainError::BadAnswer {
            endpoint: self.locator.to_string(),
            method: "starknet_getBlockWithTxHashes",
            source: "no newest block".into(),
        })
    }

    /// Whether enough endpoints serve the registry's chain.
    pub(crate) async fn verify_chain(&self) -> Result<(), ChainError> {
        let expected = self.locator.chain();
        let served = self.quorum.agree("starknet_chainId", |node| Box::pin(serves(node, expected)));
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

pub(crate) fn quorum(config: &StarknetConfig, registry: Felt) -> Result<Quorum<Node>, ChainError> {
    let StarknetConfig { settled, safe_after, block_hashes: hashes, .. } = *config;
    let rules = Rules { settled, safe_after, hashes };
    let nodes = config.endpoints.iter().map(|endpoint| {
        let rpc = Rpc::new(endpoint.clone(), config.timeout)?;
        Ok(Node::new(rpc, registry, rules))
    });
    let nodes: Vec<Node> = nodes.collect::<Result<_, ChainError>>()?;
    let (given, needed) = (nodes.len(), config.needed);
    let quorum = Quorum::new(nodes, needed)
        .ok_or(ChainError::TooFewEndpoints { given, needed: needed.get() })?
        .with_lag_max(config.lag_max);
    Ok(match &config.consensus {
        Some(consensus) => quorum.with_consensus(Arc::clone(consensus)),
        None => quorum,
    })
}

async fn serves(node: &Node, expected: &ChainId) -> Result<(), ChainError> {
    let found = node.rpc.chain_id().await?;
    if Some(found) == chain_name(expected) {
        return Ok(());
    }
    let strange = || node.rpc.nonsense("starknet_chainId", "a name that is no text");
    Err(ChainError::OtherChain {
        endpoint: node.name().to_owned(),
        expected: expected.clone(),
        found: chain_id(&found).ok_or_else(strange)?,
    })
}

#[async_trait]
impl Chain for Starknet {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.verify_chain().await?;
        let header = self.latest().await?;
        let header = &header;
        let class =
            self.quorum.believe("the registry's class", |node| Box::pin(node.class_hash(header)));
        let registry = self.locator.clone();
        match class.await? {
            (None, _) => Err(ChainError::NoRegistry { registry }),
            (Some(class), _) if class == artifact::class_hash() => Ok(()),
            (Some(_), _) => Err(ChainError::OtherRegistry { registry }),
        }
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

    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        self.submit_call(context, call, signer).await
    }

    async fn proposals(&self, context: &OnChainId) -> Result<Vec<OpenProposal>, ChainError> {
        let agreed = self.quorum.block(Finality::Latest).await?;
        let Some(agreed) = agreed else { return Ok(Vec::new()) };
        let Some(head) = self.quorum.head_in(context, &agreed).await? else {
            return Ok(Vec::new());
        };
        let (header, head, span) = (&agreed.header, &head.head, self.config.span_blocks);
        let open = self.quorum.believe("open proposals", |node| {
            Box::pin(node.proposals(context, header, head, span))
        });
        Ok(open.await?.0)
    }

    async fn account_signed(
        &self,
        account: &AccountId,
        digest: &Hash,
        signature: &[u8],
        at: Option<BlockId>,
    ) -> Result<Signed, ChainError> {
        let address = self.account(account)?;
        let newest = self.quorum.block(Finality::Final).await?.ok_or(ChainError::NothingFinal)?;
        let agreed = match at {
            None => newest,
            Some(id) => match self.quorum.named(id).await? {
                Named::Final(named) => named,
                named @ (Named::Ahead | Named::Elsewhere) => return Ok(unsaid(&named, &newest)),
            },
        };
        let (answer, shown) = self.signed_under(&agreed.header, address, digest, signature).await?;
        let trust = Trust { block: agreed.vouched, answer: shown };
        Ok(Signed { answer, block: agreed.header.block(), trust })
    }

    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        let address = self.account(account)?;
        balance_of(&self.quorum, address, &self.latest().await?).await
    }

    /// Never resolves: nothing here subscribes to blocks.
    async fn changed(&self) {
        core::future::pending().await
    }

    fn faults(&self) -> Vec<Fault> {
        self.quorum.faults()
    }
}

/// The chain's name as a short string; `None` unless it is of kind `starknet`.
pub(crate) fn chain_name(chain: &ChainId) -> Option<Felt> {
    let name = felt::short_string(chain.reference())?;
    (chain.namespace() == "starknet").then_some(name)
}

/// The chain of a name; `None` if it is no text that CAIP-2 allows.
pub(crate) fn chain_id(name: &Felt) -> Option<ChainId> {
    let bytes = name.to_bytes_be();
    let start = bytes.iter().position(|byte| *byte != 0)?;
    format!("starknet:{}", str::from_utf8(bytes.get(start..)?).ok()?).parse().ok()
}

/// The account at an address.
pub(crate) fn account_id(chain: &ChainId, address: &Felt) -> AccountId {
    AccountId::new(chain, &format!("{address:#066x}")).expect("an address is legal")
}

/// The account as an address, if it is one of `chain`.
pub(crate) fn address_on(chain: &ChainId, account: &AccountId) -> Result<Felt, ChainError> {
    let known = Account::from_id(account).filter(|_| account.chain() == *chain);
    let address = known.as_ref().and_then(wire::address);
    address.ok_or_else(|| ChainError::BadAccount { account: account.clone() })
}

/// Of a block that is not final, or not of this chain.
fn unsaid(named: &Named<Block>, newest: &Agreed<Block>) -> Signed {
    let answer = match named {
        Named::Elsewhere => Answer::Invalid,
        Named::Final(_) | Named::Ahead => Answer::Unknown,
    };
    let trust = Trust { block: newest.vouched, answer: Shown::Proved };
    Signed { answer, block: newest.header.block(), trust }
}

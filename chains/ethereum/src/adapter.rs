//! One registry on one Ethereum chain, through one or several endpoints.

use core::{num::NonZeroUsize, time::Duration};
use std::sync::Arc;

use alloy::primitives::{Address, KECCAK256_EMPTY, U256, keccak256};
use async_trait::async_trait;
use chain::{
    Agreed, AnchorHead, BlockId, Call, Chain, ChainError, Endpoint as _, Fault, Finality,
    Header as _, Locator, Named, OpenProposal, Page, Position, Quorum, Receipt, Shown, Signed,
    Signer, Trust,
};
use governance::{
    anchor::{Account, OnChainId},
    log::Answer,
};
use types::{AccountId, ChainId, Hash};
use url::Url;

use crate::{
    beacon::{Beacon, LightClientConfig},
    endpoint::Node,
    heads::Heads,
    proof::Header,
    rpc::Rpc,
    submit::{Outstanding, chain_id},
    wire,
};

/// How to reach a registry.
#[derive(Clone, Debug)]
pub struct EthereumConfig {
    /// Where the endpoints listen: `http`, `https`, `ws` or `wss`. At least one; through WebSockets
    /// they also tell of new blocks.
    pub endpoints: Vec<Url>,
    /// How many of them must agree on a block: from 1 up to all.
    pub needed: NonZeroUsize,
    /// Says which block is final, in place of the endpoints, where there is one.
    pub light_client: Option<LightClientConfig>,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How long to wait until a block has a transaction.
    pub patience: Duration,
    /// After how long without a block a transaction pays more.
    pub bump_after: Duration,
    /// How many blocks one question about events covers; endpoints have limits of their own.
    pub span_blocks: u64,
    /// An endpoint whose newest block is older than the others' by more than this is named.
    pub lag_max: Duration,
}

/// One registry on one Ethereum chain.
#[derive(Debug)]
pub struct Ethereum {
    pub(crate) locator: Locator,
    pub(crate) address: Address,
    pub(crate) chain_number: u64,
    pub(crate) config: EthereumConfig,
    pub(crate) quorum: Quorum<Node>,
    pub(crate) outstanding: Outstanding,
    heads: Heads,
}

impl EthereumConfig {
    /// One endpoint and the usual bounds: 20 s for an answer, 2 minutes for a block, more pay after
    /// 30 s, 10,000 blocks of events, 15 minutes of lag.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoints: vec![endpoint],
            needed: NonZeroUsize::MIN,
            light_client: None,
            timeout: Duration::from_secs(20),
            patience: Duration::from_secs(120),
            bump_after: Duration::from_secs(30),
            span_blocks: 10_000,
            lag_max: Duration::from_secs(15 * 60),
        }
    }
}

impl Ethereum {
    /// The registry with this account. Asks nothing yet: see [`Chain::verify_registry`].
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if `registry` is no account of an `eip155` chain;
    /// [`ChainError::TooFewEndpoints`] if more must agree than there are.
    pub fn new(registry: AccountId, config: EthereumConfig) -> Result<Self, ChainError> {
        let bad = || ChainError::BadAccount { account: registry.clone() };
        let chain_number = chain_number(&registry.chain()).ok_or_else(bad)?;
        let locator = Locator::new(registry.clone()).ok_or_else(bad)?;
        let address = wire::address(&locator.registry().account).ok_or_else(bad)?;
        let quorum = quorum(&config, address)?;
        let heads = Heads::new(&config.endpoints);
        let outstanding = Outstanding::default();
        Ok(Self { locator, address, chain_number, config, quorum, outstanding, heads })
    }

    /// The account as an address, if it is one of this chain.
    fn account(&self, account: &AccountId) -> Result<Address, ChainError> {
        let same_chain = account.chain() == *self.locator.chain();
        let known = Account::from_id(account).filter(|_| same_chain);
        let address = known.as_ref().and_then(wire::address);
        address.ok_or_else(|| ChainError::BadAccount { account: account.clone() })
    }

    /// The words of `contract` at `slots` in the newest final block, proved; `None` while there is
    /// no final block.
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if `contract` is none of this chain;
    /// [`ChainError::EndpointRefused`] if no endpoint has proofs; else as for [`Chain::head`].
    pub async fn words(
        &self,
        contract: &AccountId,
        slots: &[Hash],
    ) -> Result<Option<Vec<Hash>>, ChainError> {
        let address = self.account(contract)?;
        let Some(agreed) = self.quorum.block(Finality::Final).await? else { return Ok(None) };
        let slots: Vec<U256> = slots.iter().map(|slot| wire::word(slot).into()).collect();
        let (header, slots) = (&agreed.header, slots.as_slice());
        let words = self
            .quorum
            .believe("a contract's words", |node| Box::pin(node.words(address, slots, header)));
        match words.await? {
            (words, Shown::Proved) => {
                Ok(Some(words.into_iter().map(|word| wire::hash(word.into())).collect()))
            }
            (_, Shown::Told { .. }) => Err(ChainError::EndpointRefused {
                endpoint: self.locator.to_string(),
                method: "eth_getProof",
                source: "no endpoint has proofs".into(),
            }),
        }
    }

    /// The newest block that enough endpoints have.
    pub(crate) async fn latest(&self) -> Result<Header, ChainError> {
        let latest = self.quorum.block(Finality::Latest).await?;
        latest.map(|agreed| agreed.header).ok_or_else(|| ChainError::BadAnswer {
            endpoint: self.locator.to_string(),
            method: "eth_getBlockByNumber",
            source: "no newest block".into(),
        })
    }

    /// Whether enough endpoints serve the registry's chain.
    pub(crate) async fn verify_chain(&self) -> Result<(), ChainError> {
        let expected = self.locator.chain();
        let number = self.chain_number;
        let served =
            self.quorum.agree("eth_chainId", |node| Box::pin(serves(node, number, expected)));
        match served.await {
            Ok(_) => Ok(()),
            Err(error @ ChainError::Disagreement { .. }) => {
                // Says which one is wrong, rather than that too few are right.
                for node in self.quorum.endpoints() {
                    let answer = serves(node, number, expected).await;
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

pub(crate) fn quorum(
    config: &EthereumConfig,
    registry: Address,
) -> Result<Quorum<Node>, ChainError> {
    let nodes = config.endpoints.iter().map(|endpoint| {
        let rpc = Rpc::new(endpoint.clone(), config.timeout)?;
        Ok(Node { rpc, registry })
    });
    let nodes: Vec<Node> = nodes.collect::<Result<_, ChainError>>()?;
    let (given, needed) = (nodes.len(), config.needed);
    let quorum = Quorum::new(nodes, needed)
        .ok_or(ChainError::TooFewEndpoints { given, needed: needed.get() })?
        .with_lag_max(config.lag_max);
    Ok(match &config.light_client {
        Some(light_client) => {
            let beacon = Beacon::new(light_client.clone(), config.timeout)?;
            quorum.with_consensus(Arc::new(beacon))
        }
        None => quorum,
    })
}

async fn serves(node: &Node, number: u64, expected: &ChainId) -> Result<(), ChainError> {
    let found = node.rpc.chain_id().await?;
    if found == number {
        return Ok(());
    }
    Err(ChainError::OtherChain {
        endpoint: node.name().to_owned(),
        expected: expected.clone(),
        found: chain_id(found),
    })
}

#[async_trait]
impl Chain for Ethereum {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.verify_chain().await?;
        let header = self.latest().await?;
        let (address, header) = (self.address, &header);
        let code_hash =
            self.quorum.believe("the code", |node| Box::pin(node.code_hash(address, header)));
        let (code_hash, _) = code_hash.await?;
        let registry = self.locator.clone();
        if code_hash == KECCAK256_EMPTY {
            return Err(ChainError::NoRegistry { registry });
        }
        if code_hash != keccak256(wire::runtime_code(registry.registry())) {
            return Err(ChainError::OtherRegistry { registry });
        }
        Ok(())
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
        let balance = balance_of(&self.quorum, address, &self.latest().await?).await?;
        // More than there is of any chain's coin.
        Ok(u128::try_from(balance).unwrap_or(u128::MAX))
    }

    async fn changed(&self) {
        self.heads.changed().await;
    }

    fn faults(&self) -> Vec<Fault> {
        self.quorum.faults()
    }
}

/// What `address` has under `header`, in wei.
pub(crate) async fn balance_of(
    quorum: &Quorum<Node>,
    address: Address,
    header: &Header,
) -> Result<U256, ChainError> {
    let balance = quorum.believe("a balance", |node| Box::pin(node.balance(address, header)));
    Ok(balance.await?.0)
}

/// The chain's number; `None` unless it is of kind `eip155`.
pub(crate) fn chain_number(chain: &ChainId) -> Option<u64> {
    let number = chain.reference().parse().ok()?;
    let canonical = format!("eip155:{number}") == chain.as_str();
    canonical.then_some(number)
}

/// Of a block that is not final, or not of this chain.
fn unsaid(named: &Named<Header>, newest: &Agreed<Header>) -> Signed {
    let answer = match named {
        Named::Elsewhere => Answer::Invalid,
        Named::Final(_) | Named::Ahead => Answer::Unknown,
    };
    let trust = Trust { block: newest.vouched, answer: Shown::Proved };
    Signed { answer, block: newest.header.block(), trust }
}

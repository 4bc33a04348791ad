//! One registry on one Ethereum chain, through one endpoint.

use core::{ops::RangeInclusive, time::Duration};
use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use chain::{
    AccountKey, AnchorHead, Call, Chain, ChainError, Finality, Inconsistent, Locator, PAGE_MAX,
    Page, Position, Receipt, check_revisions,
};
use governance::{
    anchor::{Account, OnChainId},
    log::{BlockRef, Revision},
};
use types::{AccountId, ChainId};
use url::Url;

use crate::{
    rpc::{Header, Rpc},
    wire,
};

/// Most questions about events in one page, so that a page ends in bounded time.
const SPANS_MAX: usize = 16;

/// How to reach a registry.
#[derive(Clone, Debug)]
pub struct EthereumConfig {
    /// Where the endpoint listens.
    pub endpoint: Url,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How long to wait until a block has a transaction.
    pub patience: Duration,
    /// How many blocks one question about events covers; endpoints have limits of their own.
    pub span_blocks: u64,
}

/// One registry on one Ethereum chain, through one endpoint.
#[derive(Debug)]
pub struct Ethereum {
    pub(crate) locator: Locator,
    pub(crate) address: Address,
    pub(crate) chain_number: u64,
    pub(crate) rpc: Rpc,
    pub(crate) config: EthereumConfig,
}

impl EthereumConfig {
    /// The usual bounds: 20 s for an answer, 2 minutes for a block, 10,000 blocks of events.
    pub const fn new(endpoint: Url) -> Self {
        Self {
            endpoint,
            timeout: Duration::from_secs(20),
            patience: Duration::from_secs(120),
            span_blocks: 10_000,
        }
    }
}

impl Ethereum {
    /// The registry with this account. Asks nothing yet: see [`Chain::verify_registry`].
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if `registry` is no account of an `eip155` chain.
    pub fn new(registry: AccountId, config: EthereumConfig) -> Result<Self, ChainError> {
        let bad = || ChainError::BadAccount { account: registry.clone() };
        let chain_number = chain_number(&registry.chain()).ok_or_else(bad)?;
        let locator = Locator::new(registry.clone()).ok_or_else(bad)?;
        let address = wire::address(&locator.registry().account).ok_or_else(bad)?;
        let rpc = Rpc::new(config.endpoint.clone(), config.timeout)?;
        Ok(Self { locator, address, chain_number, rpc, config })
    }

    async fn newest(&self, finality: Finality) -> Result<Option<(BlockRef, B256)>, ChainError> {
        let tag = match finality {
            Finality::Latest => "latest",
            Finality::Safe => "safe",
            Finality::Final => "finalized",
        };
        let header = self.rpc.block(tag).await?;
        Ok(header.map(|header| {
            let block = header.reference();
            (block, wire::word(&block.hash))
        }))
    }

    pub(crate) async fn block(&self, hash: B256) -> Result<BlockRef, ChainError> {
        let header: Option<Header> = self.rpc.block_by_hash(hash).await?;
        let block = header.map(|header| header.reference());
        let same = block.filter(|block| wire::word(&block.hash) == hash);
        same.ok_or_else(|| self.rpc.nonsense("eth_getBlockByHash", "the block is not there"))
    }

    /// The revisions after `after` in blocks up to `last`, and from which block on to look further.
    async fn collect(
        &self,
        context: &OnChainId,
        after: &Position,
        last: u64,
    ) -> Result<(Vec<Revision>, u64), ChainError> {
        let mut revisions = Vec::new();
        let mut from = after.height;
        // At most SPANS_MAX turns.
        for _ in 0..SPANS_MAX {
            if from > last {
                break;
            }
            let to = last.min(from.saturating_add(self.config.span_blocks.saturating_sub(1)));
            for revision in self.span(context, after.rev, from..=to).await? {
                if revisions.len() == PAGE_MAX {
                    return Ok((revisions, revision.block.height));
                }
                revisions.push(revision);
            }
            from = to.saturating_add(1);
        }
        Ok((revisions, from))
    }

    /// The first revisions after `after_rev` in these blocks, one more than a page at most.
    async fn span(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError> {
        const METHOD: &str = "eth_getLogs";
        let topics = wire::rev_topics(context);
        let logs = self.rpc.logs(self.address, &topics, *heights.start(), *heights.end()).await?;
        let mut blocks: BTreeMap<B256, BlockRef> = BTreeMap::new();
        let mut revisions = Vec::new();
        for log in &logs {
            let hash = log.block_hash.ok_or_else(|| self.rpc.nonsense(METHOD, "no block"))?;
            let read = wire::revision(log, self.address, context);
            let stray = || self.rpc.nonsense(METHOD, "not an event that was asked for");
            let (rev, with_block) = read.ok_or_else(stray)?;
            if rev <= after_rev {
                continue;
            }
            let block = match blocks.get(&hash) {
                Some(block) => *block,
                None => self.block(hash).await?,
            };
            blocks.insert(hash, block);
            if !heights.contains(&block.height) {
                return Err(self.rpc.nonsense(METHOD, "an event of another block"));
            }
            revisions.push(with_block(block));
            if revisions.len() > PAGE_MAX {
                break;
            }
        }
        Ok(revisions)
    }
}

#[async_trait]
impl Chain for Ethereum {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.verify_chain().await?;
        let code = self.rpc.code(self.address).await?;
        let registry = self.locator.clone();
        if code.is_empty() {
            return Err(ChainError::NoRegistry { registry });
        }
        if code != wire::runtime_code(registry.registry()) {
            return Err(ChainError::OtherRegistry { registry });
        }
        Ok(())
    }

    async fn head(
        &self,
        context: &OnChainId,
        finality: Finality,
    ) -> Result<Option<AnchorHead>, ChainError> {
        let Some((block, hash)) = self.newest(finality).await? else { return Ok(None) };
        let answer = self.rpc.view(self.address, &wire::head_call(context), hash).await?;
        // Before the registry was deployed there is no code, and so no bytes at all.
        if answer.is_empty() {
            return Ok(None);
        }
        let head = wire::head_answer(&answer);
        let head = head.ok_or_else(|| self.rpc.nonsense("eth_call", "not a record's head"))?;
        Ok(head.map(|(head, log_head)| AnchorHead { head, log_head, block }))
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        finality: Finality,
    ) -> Result<Page, ChainError> {
        let Some(head) = self.head(context, finality).await? else {
            return Ok(Page { revisions: Vec::new(), next: *after, head: None });
        };
        let inconsistent = |source| ChainError::Inconsistent { context: *context, source };
        let last = head.block.height;
        let (revisions, height) = if head.head.rev > after.rev {
            self.collect(context, after, last).await?
        } else {
            (Vec::new(), after.height)
        };
        let mut next = check_revisions(after, &revisions, &head).map_err(inconsistent)?;
        if next.rev < head.head.rev {
            if height > last {
                let (head, found) = (head.head.rev, next.rev);
                return Err(inconsistent(Inconsistent::Omitted { head, found }));
            }
            next.height = height;
        }
        Ok(Page { revisions, next, head: Some(head) })
    }

    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        key: &AccountKey,
    ) -> Result<Receipt, ChainError> {
        self.submit_call(context, call, key).await
    }

    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        let bad = || ChainError::BadAccount { account: account.clone() };
        let same_chain = account.chain() == *self.locator.chain();
        let known = Account::from_id(account).filter(|_| same_chain);
        let address = known.as_ref().and_then(wire::address).ok_or_else(bad)?;
        let balance = self.rpc.balance(address).await?;
        // More than there is of any chain's coin.
        Ok(u128::try_from(balance).unwrap_or(u128::MAX))
    }
}

/// The chain's number; `None` unless it is of kind `eip155`.
pub(crate) fn chain_number(chain: &ChainId) -> Option<u64> {
    let number = chain.reference().parse().ok()?;
    let canonical = format!("eip155:{number}") == chain.as_str();
    canonical.then_some(number)
}

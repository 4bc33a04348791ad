//! A chain in memory: the same machine, with blocks that become final late, reorganisations,
//! outages and lies at command. For tests and simulation.
//!
//! It is read by agreement of endpoints as real chains are.

mod endpoint;
mod host;
mod wallets;
mod world;

use core::num::NonZeroUsize;

use async_trait::async_trait;
use governance::{
    anchor::{Account, Code, Event, OnChainId, Record},
    log::{Answer, BlockRef},
};
use types::{AccountId, Hash};

use self::world::Shared;
use crate::{
    AnchorHead, Beside, BlockId, Call, Chain, ChainError, Consensus, Fault, Finality, Locator,
    Named, OpenProposal, Page, Position, Quorum, Receipt, Shown, Signed, Signer, Trust,
    Wallets as _, repeats,
};

pub use self::{
    endpoint::{FakeEndpoint, FakeHeader, Lie},
    host::FakeHost,
    wallets::FakeWallets,
};

/// Every account is this rich.
const BALANCE: u128 = 1_000_000_000_000_000_000;
/// One question about events covers so many blocks.
const SPAN_BLOCKS: u64 = 10_000;

/// A registry on a chain that exists in this process alone.
///
/// Each accepted call makes one block. `Final` is so many blocks behind the newest, `Safe` half.
#[derive(Debug)]
pub struct FakeChain {
    locator: Locator,
    shared: Shared,
    quorum: Quorum<FakeEndpoint>,
}

/// The consensus of a [`FakeChain`].
#[derive(Clone, Debug)]
pub struct FakeConsensus(Shared);

impl FakeChain {
    /// An empty registry on an empty chain that begins at `time_s`, with one endpoint; blocks are
    /// final once `finality_depth` others (at most 64) are on top of them.
    pub fn new(locator: Locator, time_s: u64, finality_depth: usize) -> Self {
        let one = NonZeroUsize::MIN;
        let made = Self::with_endpoints(locator, time_s, finality_depth, (one, one));
        made.expect("one endpoint is enough for one")
    }

    /// As [`FakeChain::new`], with so many endpoints of which so many must agree; `None` if there
    /// are fewer than that.
    pub fn with_endpoints(
        locator: Locator,
        time_s: u64,
        finality_depth: usize,
        (count, needed): (NonZeroUsize, NonZeroUsize),
    ) -> Option<Self> {
        let shared = Shared::new(time_s, finality_depth);
        let endpoint = |index| FakeEndpoint::new(format!("endpoint {index}"), shared.clone());
        let endpoints = (1..=count.get()).map(endpoint).collect();
        let quorum = Quorum::new(endpoints, needed)?;
        Some(Self { locator, shared, quorum })
    }

    /// Takes from the chain's consensus which block is final.
    #[must_use]
    pub fn with_consensus(mut self) -> Self {
        let consensus = FakeConsensus(self.shared.clone());
        self.quorum = self.quorum.with_consensus(std::sync::Arc::new(consensus));
        self
    }

    /// The endpoints, in order.
    pub fn endpoints(&self) -> &[FakeEndpoint] {
        self.quorum.endpoints()
    }

    /// Whether any endpoint answers from here on.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.endpoints().iter().for_each(|endpoint| endpoint.set_reachable(is_reachable));
    }

    /// Adds `count` empty blocks, `interval_s` seconds apart.
    pub fn mine(&self, count: usize, interval_s: u64) {
        let mut world = self.shared.lock();
        for _ in 0..count {
            world.push(interval_s, |_, _| {});
        }
    }

    /// Undoes the newest `depth` blocks and puts as many empty ones in their place.
    pub fn reorganise(&self, depth: usize) {
        self.shared.lock().reorganise(depth);
    }

    /// Unix time of the newest block.
    pub fn time_s(&self) -> u64 {
        self.shared.lock().newest().block.time_s
    }

    /// Whether any endpoint answers.
    fn check_reachable(&self, method: &'static str) -> Result<(), ChainError> {
        let mut answers = self.endpoints().iter().map(|endpoint| endpoint.check_reachable(method));
        let first = answers.next().expect("a quorum has an endpoint");
        if first.is_ok() || answers.any(|answer| answer.is_ok()) { Ok(()) } else { first }
    }

    fn account(&self, account: &AccountId) -> Result<Account, ChainError> {
        let same_chain = account.chain() == *self.locator.chain();
        let known = Account::from_id(account).filter(|_| same_chain);
        known.ok_or_else(|| ChainError::BadAccount { account: account.clone() })
    }

    fn transit(
        &self,
        context: &OnChainId,
        present: Option<&Record>,
        caller: &Account,
        call: &Call,
        now_s: u64,
    ) -> Result<(Record, Vec<Event>), ChainError> {
        let refused = |code| ChainError::Refused { code };
        match (present, call) {
            (Some(record), call) => record.after(caller, call, now_s, &FakeHost).map_err(refused),
            (None, Call::Create { salt, terms }) => {
                let registry = self.locator.registry();
                let made = Record::create(registry, caller, *salt, terms.clone());
                let (id, record, event) = made.map_err(refused)?;
                if id != *context {
                    return Err(ChainError::BadCall { what: "the creator or salt is another's" });
                }
                Ok((record, vec![event]))
            }
            (None, _) => Err(refused(Code::E10)),
        }
    }
}

#[async_trait]
impl Chain for FakeChain {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.quorum.block(Finality::Latest).await.map(drop)
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
        self.quorum.revisions(context, after, finality, SPAN_BLOCKS).await
    }

    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        let id = FakeWallets.account(self.locator.chain(), &signer.key);
        let id = id.ok().filter(|id| *id == signer.account).ok_or(ChainError::BadKey)?;
        let caller = Account::from_id(&id).ok_or(ChainError::BadKey)?;
        self.check_reachable("submit")?;
        let mut world = self.shared.lock();
        let now_s = world.newest().block.time_s.saturating_add(1);
        let present = world.newest().records.get(context).map(|history| &history.record);
        match self.transit(context, present, &caller, call, now_s) {
            Ok((record, events)) => Ok(world.take_in(context, call, record, &events)),
            Err(ChainError::Refused { code })
                if present.is_some_and(|record| repeats(call, code, &beside(record))) =>
            {
                Ok(Receipt { transaction: None, block: None, seq: None, rev: None })
            }
            Err(error) => Err(error),
        }
    }

    async fn proposals(&self, context: &OnChainId) -> Result<Vec<OpenProposal>, ChainError> {
        self.check_reachable("proposals")?;
        let world = self.shared.lock();
        let history = world.newest().records.get(context);
        Ok(history.map(world::History::open).unwrap_or_default())
    }

    async fn account_signed(
        &self,
        account: &AccountId,
        digest: &Hash,
        signature: &[u8],
        at: Option<BlockId>,
    ) -> Result<Signed, ChainError> {
        let known = self.account(account)?;
        let agreed = self.quorum.block(Finality::Final).await?;
        let mut agreed = agreed.expect("a chain in memory has a final block from the start");
        let is_signed = FakeHost::signed(&known, digest, signature);
        let mut answer = if is_signed { Answer::Valid } else { Answer::Invalid };
        if let Some(id) = at {
            match self.quorum.named(id).await? {
                Named::Final(named) => agreed = named,
                Named::Ahead => answer = Answer::Unknown,
                Named::Elsewhere => answer = Answer::Invalid,
            }
        }
        let trust = Trust { block: agreed.vouched, answer: Shown::Proved };
        Ok(Signed { answer, block: agreed.header.block, trust })
    }

    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        self.check_reachable("balance")?;
        self.account(account).map(|_| BALANCE)
    }

    async fn changed(&self) {
        self.shared.changed().await;
    }

    fn faults(&self) -> Vec<Fault> {
        self.quorum.faults()
    }
}

#[async_trait]
impl Consensus for FakeConsensus {
    fn name(&self) -> &str {
        "consensus"
    }

    async fn finalized(&self) -> Result<Option<BlockRef>, ChainError> {
        let depth = self.0.depth(Finality::Final);
        Ok(Some(self.0.lock().block_below(depth).block))
    }
}

fn beside(record: &Record) -> Beside {
    Beside { context: record.terms.context, members_root: record.terms.members_root }
}

#[cfg(test)]
mod tests;

//! A chain in memory: the same machine, with blocks that become final late, reorganisations and
//! outages at command. For tests and simulation.

mod wallets;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use governance::{
    anchor::{Account, Code, Event, OnChainId, Record},
    log::{BlockRef, Revision},
};
use types::{AccountId, Hash, keccak256_concat};

use crate::{
    AccountKey, AnchorHead, Call, Chain, ChainError, Finality, Inconsistent, Locator, PAGE_MAX,
    Page, Position, Receipt, Wallets as _, check_revisions,
};

pub use wallets::FakeWallets;

/// Blocks that can still be looked back to or undone.
const BLOCKS_KEPT: usize = 128;

/// Every account is this rich.
const BALANCE: u128 = 1_000_000_000_000_000_000;

/// A registry on a chain that exists in this process alone.
///
/// Each accepted call makes one block. `Final` is so many blocks behind the newest, `Safe` half.
#[derive(Debug)]
pub struct FakeChain {
    locator: Locator,
    finality_depth: usize,
    // A leaf lock: held for single reads and writes, never over an await.
    world: Mutex<World>,
}

#[derive(Debug)]
struct World {
    blocks: Vec<Block>,
    reachable: bool,
    omitted: Option<u64>,
    forks: u64,
}

#[derive(Clone, Debug)]
struct Block {
    block: BlockRef,
    records: BTreeMap<OnChainId, History>,
}

#[derive(Clone, Debug)]
struct History {
    record: Record,
    revisions: Vec<Revision>,
}

impl FakeChain {
    /// An empty registry on an empty chain that begins at `time_s`; blocks are final once
    /// `finality_depth` others (at most 64) are on top of them.
    pub fn new(locator: Locator, time_s: u64, finality_depth: usize) -> Self {
        let block = BlockRef { height: 0, hash: block_hash(&Hash::ZERO, 0), time_s };
        let genesis = Block { block, records: BTreeMap::new() };
        let world = World { blocks: vec![genesis], reachable: true, omitted: None, forks: 0 };
        Self { locator, finality_depth: finality_depth.min(64), world: Mutex::new(world) }
    }

    /// Whether the chain answers from here on.
    pub fn set_reachable(&self, reachable: bool) {
        self.world().reachable = reachable;
    }

    /// Leaves revision `rev` of every record out of what is told, as a lying endpoint would.
    pub fn omit(&self, rev: Option<u64>) {
        self.world().omitted = rev;
    }

    /// Adds `count` empty blocks, `interval_s` seconds apart.
    pub fn mine(&self, count: usize, interval_s: u64) {
        let mut world = self.world();
        for _ in 0..count {
            world.push(interval_s, |_, _| {});
        }
    }

    /// Undoes the newest `depth` blocks and puts as many empty ones in their place.
    pub fn reorganise(&self, depth: usize) {
        let mut world = self.world();
        let keep = world.blocks.len().saturating_sub(depth).max(1);
        let undone = world.blocks.len().saturating_sub(keep);
        world.blocks.truncate(keep);
        world.forks = world.forks.saturating_add(1);
        for _ in 0..undone {
            world.push(1, |_, _| {});
        }
    }

    /// Unix time of the newest block.
    pub fn time_s(&self) -> u64 {
        self.world().newest().block.time_s
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere leaves whole blocks: each is pushed in one step.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reachable(&self, method: &'static str) -> Result<MutexGuard<'_, World>, ChainError> {
        let world = self.world();
        if world.reachable {
            return Ok(world);
        }
        let endpoint = self.locator.to_string();
        Err(ChainError::Unreachable { endpoint, method, source: "switched off".into() })
    }

    fn block<'a>(&self, world: &'a World, finality: Finality) -> &'a Block {
        let depth = match finality {
            Finality::Latest => 0,
            Finality::Safe => self.finality_depth / 2,
            Finality::Final => self.finality_depth,
        };
        let index = world.blocks.len().saturating_sub(depth + 1);
        world.blocks.get(index).unwrap_or_else(|| world.newest())
    }
}

#[async_trait]
impl Chain for FakeChain {
    fn locator(&self) -> &Locator {
        &self.locator
    }

    async fn verify_registry(&self) -> Result<(), ChainError> {
        self.reachable("verify").map(drop)
    }

    async fn head(
        &self,
        context: &OnChainId,
        finality: Finality,
    ) -> Result<Option<AnchorHead>, ChainError> {
        let world = self.reachable("head")?;
        let block = self.block(&world, finality);
        Ok(block.records.get(context).map(|history| history.head(block)))
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after: &Position,
        finality: Finality,
    ) -> Result<Page, ChainError> {
        let world = self.reachable("revisions")?;
        let block = self.block(&world, finality);
        let Some(history) = block.records.get(context) else {
            return Ok(Page { revisions: Vec::new(), next: *after, head: None });
        };
        let head = history.head(block);
        let told = history.revisions.iter().filter(|revision| Some(revision.rev) != world.omitted);
        let revisions: Vec<Revision> =
            told.filter(|revision| revision.rev > after.rev).take(PAGE_MAX).cloned().collect();
        let inconsistent = |source| ChainError::Inconsistent { context: *context, source };
        let next = check_revisions(after, &revisions, &head).map_err(inconsistent)?;
        if next.rev < head.head.rev && revisions.len() < PAGE_MAX {
            let (head, found) = (head.head.rev, next.rev);
            return Err(inconsistent(Inconsistent::Omitted { head, found }));
        }
        Ok(Page { revisions, next, head: Some(head) })
    }

    async fn submit(
        &self,
        context: &OnChainId,
        call: &Call,
        key: &AccountKey,
    ) -> Result<Receipt, ChainError> {
        let id = FakeWallets.account(self.locator.chain(), key).map_err(|_| ChainError::BadKey)?;
        let caller = Account::from_id(&id).ok_or(ChainError::BadKey)?;
        let mut world = self.reachable("submit")?;
        let now_s = world.newest().block.time_s.saturating_add(1);
        let present = world.newest().records.get(context).map(|history| &history.record);
        let outcome = transit(&self.locator, context, present, &caller, call, now_s);
        let (record, events) = match outcome {
            Ok(next) => next,
            Err(ChainError::Refused { code }) if is_done(present, call, code) => {
                return Ok(Receipt { transaction: None, block: None, seq: None, rev: None });
            }
            Err(error) => return Err(error),
        };
        let receipt = world.take_in(context, record, &events);
        Ok(receipt)
    }

    async fn balance(&self, account: &AccountId) -> Result<u128, ChainError> {
        let world = self.reachable("balance")?;
        drop(world);
        let known = account.chain() == *self.locator.chain() && Account::from_id(account).is_some();
        if known { Ok(BALANCE) } else { Err(ChainError::BadAccount { account: account.clone() }) }
    }
}

/// Whether a call that the contract refused with `code` would only repeat what is there.
pub(crate) fn is_done(present: Option<&Record>, call: &Call, code: Code) -> bool {
    match (present, call, code) {
        (Some(record), Call::Create { terms, .. }, Code::E01) => {
            record.terms.context == terms.context
        }
        (Some(_), Call::AcceptAdmin, Code::E51) => true,
        _ => false,
    }
}

fn transit(
    locator: &Locator,
    context: &OnChainId,
    present: Option<&Record>,
    caller: &Account,
    call: &Call,
    now_s: u64,
) -> Result<(Record, Vec<Event>), ChainError> {
    let refused = |code| ChainError::Refused { code };
    match (present, call) {
        (Some(record), call) => record.after(caller, call, now_s).map_err(refused),
        (None, Call::Create { salt, terms }) => {
            let made = Record::create(locator.registry(), caller, *salt, terms.clone());
            let (id, record, event) = made.map_err(refused)?;
            if id != *context {
                return Err(ChainError::BadCall { what: "the creator or salt is another's" });
            }
            Ok((record, vec![event]))
        }
        (None, _) => Err(refused(Code::E10)),
    }
}

impl World {
    fn newest(&self) -> &Block {
        self.blocks.last().expect("the chain begins with a block, and one always stays")
    }

    fn push(
        &mut self,
        interval_s: u64,
        change: impl FnOnce(&BlockRef, &mut BTreeMap<OnChainId, History>),
    ) -> BlockRef {
        let Block { block: parent, mut records } = self.newest().clone();
        let block = BlockRef {
            height: parent.height.saturating_add(1),
            hash: block_hash(&parent.hash, self.forks),
            time_s: parent.time_s.saturating_add(interval_s),
        };
        change(&block, &mut records);
        if self.blocks.len() == BLOCKS_KEPT {
            self.blocks.remove(0);
        }
        self.blocks.push(Block { block, records });
        block
    }

    fn take_in(&mut self, context: &OnChainId, record: Record, events: &[Event]) -> Receipt {
        let mut receipt = Receipt { transaction: None, block: None, seq: None, rev: None };
        let block = self.push(1, |block, records| {
            let known = records.remove(context).map(|history| history.revisions);
            let mut revisions = known.unwrap_or_default();
            for event in events {
                match event {
                    Event::Rev { rev, happened, log_head } => {
                        receipt.rev = Some(*rev);
                        revisions.push(Revision {
                            rev: *rev,
                            kind: happened.kind(),
                            payload: happened.payload(),
                            log_head: *log_head,
                            block: *block,
                        });
                    }
                    Event::Proposed { seq } => receipt.seq = Some(*seq),
                    Event::Queued { .. } | Event::Executed { .. } => {}
                }
            }
            records.insert(*context, History { record, revisions });
        });
        receipt.transaction = Some(keccak256_concat(&[b"transaction", block.hash.as_bytes()]));
        receipt.block = Some(block);
        receipt
    }
}

impl History {
    fn head(&self, at: &Block) -> AnchorHead {
        let Record { head, log_head, .. } = self.record;
        AnchorHead { head, log_head, block: at.block }
    }
}

fn block_hash(parent: &Hash, fork: u64) -> Hash {
    keccak256_concat(&[b"block", parent.as_bytes(), &fork.to_be_bytes()])
}

#[cfg(test)]
mod tests;

//! The chain in memory itself: blocks, records, and who waits for the next block.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use governance::{
    anchor::{Account, Action, Event, OnChainId, Proposal, Record, Seat},
    log::{BlockRef, Revision},
};
use types::{Hash, keccak256_concat};

use crate::{Call, Finality, OpenProposal, Receipt};

/// Blocks whose records can still be looked back to or undone.
const BLOCKS_KEPT: usize = 128;

/// A world that its endpoints share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) finality_depth: usize,
    // A leaf lock: held for single reads and writes, never over an await.
    world: Arc<Mutex<World>>,
}

#[derive(Debug)]
pub(super) struct World {
    blocks: Vec<Block>,
    /// Every block that there is, also those whose records are no longer kept.
    pub(super) headers: BTreeMap<u64, BlockRef>,
    forks: u64,
    /// Changes of the newest block.
    changes: u64,
    waiting: Vec<Waker>,
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) block: BlockRef,
    pub(super) records: BTreeMap<OnChainId, History>,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) record: Record,
    pub(super) revisions: Vec<Revision>,
    /// The batches of its proposals.
    batches: BTreeMap<u64, Vec<Action>>,
}

/// Resolves at the next block.
#[derive(Debug)]
pub(super) struct Changed {
    shared: Shared,
    seen: Option<u64>,
}

impl Shared {
    pub(super) fn new(time_s: u64, finality_depth: usize) -> Self {
        let block = BlockRef { height: 0, hash: block_hash(&Hash::ZERO, 0), time_s };
        let world = World {
            blocks: vec![Block { block, records: BTreeMap::new() }],
            headers: BTreeMap::from([(0, block)]),
            forks: 0,
            changes: 0,
            waiting: Vec::new(),
        };
        let finality_depth = finality_depth.min(BLOCKS_KEPT / 2);
        Self { finality_depth, world: Arc::new(Mutex::new(world)) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere leaves whole blocks: each is pushed in one step.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many blocks lie on top of the newest of `finality`.
    pub(super) const fn depth(&self, finality: Finality) -> usize {
        match finality {
            Finality::Latest => 0,
            Finality::Safe => self.finality_depth / 2,
            Finality::Final => self.finality_depth,
        }
    }

    pub(super) fn changed(&self) -> Changed {
        Changed { shared: self.clone(), seen: None }
    }
}

impl Future for Changed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let seen = *self.seen.get_or_insert(world.changes);
        if world.changes != seen {
            return Poll::Ready(());
        }
        if !world.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            world.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl World {
    pub(super) fn newest(&self) -> &Block {
        self.blocks.last().expect("the chain begins with a block, and one always stays")
    }

    /// The block that has `depth` others on top of it; the first one if there are fewer.
    pub(super) fn block_below(&self, depth: usize) -> &Block {
        let index = self.blocks.len().saturating_sub(depth.saturating_add(1));
        self.blocks.get(index).unwrap_or_else(|| self.newest())
    }

    /// The block with this hash, if its records are still kept.
    pub(super) fn block(&self, hash: &Hash) -> Option<&Block> {
        self.blocks.iter().rev().find(|kept| kept.block.hash == *hash)
    }

    pub(super) fn push(
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
        self.headers.insert(block.height, block);
        self.tell();
        block
    }

    /// Undoes the newest `depth` blocks and puts as many empty ones in their place.
    pub(super) fn reorganise(&mut self, depth: usize) {
        let keep = self.blocks.len().saturating_sub(depth).max(1);
        let undone = self.blocks.len().saturating_sub(keep);
        self.blocks.truncate(keep);
        self.forks = self.forks.saturating_add(1);
        for _ in 0..undone {
            self.push(1, |_, _| {});
        }
    }

    fn tell(&mut self) {
        self.changes = self.changes.wrapping_add(1);
        self.waiting.drain(..).for_each(Waker::wake);
    }

    pub(super) fn take_in(
        &mut self,
        context: &OnChainId,
        call: &Call,
        record: Record,
        events: &[Event],
    ) -> Receipt {
        let mut receipt = Receipt { transaction: None, block: None, seq: None, rev: None };
        let block = self.push(1, |block, records| {
            let (mut revisions, mut batches) = match records.remove(context) {
                Some(History { revisions, batches, .. }) => (revisions, batches),
                None => Default::default(),
            };
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
                    Event::Proposed { seq } => {
                        receipt.seq = Some(*seq);
                        if let Call::Propose { actions, .. } | Call::Act { actions, .. } = call {
                            batches.insert(*seq, actions.clone());
                        }
                    }
                    // The record itself shows what these say.
                    _ => {}
                }
            }
            batches.retain(|seq, _| record.proposals.contains_key(seq));
            records.insert(*context, History { record, revisions, batches });
        });
        receipt.transaction = Some(keccak256_concat(&[b"transaction", block.hash.as_bytes()]));
        receipt.block = Some(block);
        receipt
    }
}

impl History {
    /// Its proposals that are open, by number.
    pub(super) fn open(&self) -> Vec<OpenProposal> {
        let open = self.record.proposals.iter();
        open.filter_map(|(seq, proposal)| self.open_proposal(*seq, proposal)).collect()
    }

    fn open_proposal(&self, seq: u64, proposal: &Proposal) -> Option<OpenProposal> {
        let counts = |seat: &Seat| {
            let bit = 1_u64.checked_shl(seat.index.into()).unwrap_or_default();
            proposal.approvals & bit != 0 && seat.since <= proposal.created_rev
        };
        let seats = self.record.seats.iter().filter(|(_, seat)| counts(seat));
        let mut approvals: Vec<(u8, Account)> =
            seats.map(|(account, seat)| (seat.index, account.clone())).collect();
        approvals.sort();
        Some(OpenProposal {
            seq,
            proposer: proposal.proposer.clone(),
            actions: self.batches.get(&seq)?.clone(),
            class: proposal.class,
            approvals: approvals.into_iter().map(|(_, account)| account).collect(),
            needed: proposal.threshold.max(self.record.head.threshold),
            eta_s: proposal.eta_s,
            expiry_s: proposal.expiry_s,
        })
    }
}

fn block_hash(parent: &Hash, fork: u64) -> Hash {
    keccak256_concat(&[b"block", parent.as_bytes(), &fork.to_be_bytes()])
}

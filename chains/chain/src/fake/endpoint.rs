//! Endpoints of the chain in memory, which fail and lie at command.

use core::{ops::RangeInclusive, time::Duration};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use governance::{
    anchor::{Head, OnChainId},
    log::{BlockRef, Revision},
};
use types::{Hash, keccak256};

use super::world::{Shared, World};
use crate::{BoxError, ChainError, Claimed, Endpoint, Finality, Header};

/// One endpoint of a [`super::FakeChain`].
#[derive(Debug)]
pub struct FakeEndpoint {
    name: String,
    shared: Shared,
    // A leaf lock: held for single reads and writes, never over an await.
    mood: Mutex<Mood>,
}

/// How an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mood {
    is_reachable: bool,
    /// Whether it can prove what it says.
    proves: bool,
    lie: Option<Lie>,
    /// How long it takes to say which block is its newest.
    delay: Duration,
}

/// How an endpoint lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Records are one revision further than they are.
    WrongValue,
    /// This revision of every record never happened.
    Omit(u64),
    /// This revision of every record said something else.
    Alter(u64),
    /// This revision of every record happened one block later.
    Misplace(u64),
    /// The chain is so many blocks shorter.
    OldHead(u64),
    /// Every block is another.
    OtherBlock,
}

/// A header of the chain in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FakeHeader {
    /// Which block it is of.
    pub block: BlockRef,
    /// The hash of the block before.
    pub parent: Hash,
}

impl Header for FakeHeader {
    fn block(&self) -> BlockRef {
        self.block
    }

    fn parent(&self) -> Hash {
        self.parent
    }
}

impl FakeEndpoint {
    pub(super) const fn new(name: String, shared: Shared) -> Self {
        let mood = Mood { is_reachable: true, proves: true, lie: None, delay: Duration::ZERO };
        Self { name, shared, mood: Mutex::new(mood) }
    }

    /// Whether it answers from here on.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.mood_mut().is_reachable = is_reachable;
    }

    /// Whether it proves from here on what it says.
    pub fn set_proves(&self, proves: bool) {
        self.mood_mut().proves = proves;
    }

    /// How long it takes from here on to say which block is its newest.
    pub fn set_delay(&self, delay: Duration) {
        self.mood_mut().delay = delay;
    }

    /// How it lies from here on.
    pub fn set_lie(&self, lie: Option<Lie>) {
        self.mood_mut().lie = lie;
    }

    fn mood_mut(&self) -> MutexGuard<'_, Mood> {
        // A mood is whole at any time.
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check_reachable(&self, method: &'static str) -> Result<(), ChainError> {
        self.mood(method).map(drop)
    }

    fn mood(&self, method: &'static str) -> Result<Mood, ChainError> {
        let mood = *self.mood_mut();
        if mood.is_reachable {
            return Ok(mood);
        }
        let source: BoxError = "switched off".into();
        Err(ChainError::Unreachable { endpoint: self.name.clone(), method, source })
    }

    fn told(world: &World, block: BlockRef, lie: Option<Lie>) -> FakeHeader {
        let below = block.height.checked_sub(1).and_then(|height| world.headers.get(&height));
        let parent = below.map_or(Hash::ZERO, |below| below.hash);
        let hash = match lie {
            Some(Lie::OtherBlock) => keccak256(block.hash.as_bytes()),
            _ => block.hash,
        };
        FakeHeader { block: BlockRef { hash, ..block }, parent }
    }

    fn refused(&self, method: &'static str, why: &'static str) -> ChainError {
        ChainError::EndpointRefused { endpoint: self.name.clone(), method, source: why.into() }
    }

    fn lied(&self, method: &'static str, why: &str) -> ChainError {
        ChainError::Lied { endpoint: self.name.clone(), method, why: why.to_owned() }
    }
}

#[async_trait]
impl Endpoint for FakeEndpoint {
    type Header = FakeHeader;

    fn name(&self) -> &str {
        &self.name
    }

    async fn tip(&self, finality: Finality) -> Result<Option<FakeHeader>, ChainError> {
        let Mood { lie, delay, .. } = self.mood("tip")?;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let behind = match lie {
            Some(Lie::OldHead(blocks)) => usize::try_from(blocks).unwrap_or(usize::MAX),
            _ => 0,
        };
        let depth = self.shared.depth(finality).saturating_add(behind);
        let world = self.shared.lock();
        Ok(Some(Self::told(&world, world.block_below(depth).block, lie)))
    }

    async fn header(&self, height: u64) -> Result<Option<FakeHeader>, ChainError> {
        let lie = self.mood("header")?.lie;
        let world = self.shared.lock();
        let newest = world.newest().block.height;
        let last = match lie {
            Some(Lie::OldHead(blocks)) => newest.saturating_sub(blocks),
            _ => newest,
        };
        let block = world.headers.get(&height).filter(|block| block.height <= last);
        Ok(block.map(|block| Self::told(&world, *block, lie)))
    }

    async fn record(
        &self,
        context: &OnChainId,
        header: &FakeHeader,
    ) -> Result<Claimed<Option<(Head, Hash)>>, ChainError> {
        const METHOD: &str = "record";
        let mood = self.mood(METHOD)?;
        let world = self.shared.lock();
        let Some(block) = world.block(&header.block.hash) else {
            return Err(self.refused(METHOD, "it has no such block"));
        };
        let record = block.records.get(context).map(|history| &history.record);
        let mut found: Option<(Head, Hash)> = record.map(|record| (record.head, record.log_head));
        if mood.lie == Some(Lie::WrongValue) {
            if mood.proves {
                return Err(self.lied(METHOD, "the proof is of another value"));
            }
            if let Some((head, _)) = &mut found {
                head.rev = head.rev.saturating_add(1);
            }
        }
        Ok(if mood.proves { Claimed::Proved(found) } else { Claimed::Told(found) })
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError> {
        let lie = self.mood("revisions")?.lie;
        let world = self.shared.lock();
        let Some(history) = world.newest().records.get(context) else { return Ok(Vec::new()) };
        let mut told = Vec::new();
        for revision in &history.revisions {
            let mut revision = revision.clone();
            match lie {
                Some(Lie::Omit(rev)) if rev == revision.rev => continue,
                Some(Lie::Alter(rev)) if rev == revision.rev => revision.payload.push(0),
                Some(Lie::Misplace(rev)) if rev == revision.rev => {
                    let later = world.headers.get(&revision.block.height.saturating_add(1));
                    revision.block = later.copied().unwrap_or(revision.block);
                }
                _ => {}
            }
            if revision.rev > after_rev && heights.contains(&revision.block.height) {
                told.push(revision);
            }
        }
        Ok(told)
    }

    async fn has_revisions(
        &self,
        context: &OnChainId,
        header: &FakeHeader,
        revisions: &[Revision],
    ) -> Result<bool, ChainError> {
        const METHOD: &str = "has_revisions";
        if !self.mood(METHOD)?.proves {
            return Err(self.refused(METHOD, "it has no proofs"));
        }
        let world = self.shared.lock();
        let history = world.newest().records.get(context);
        let has = |revision: &Revision| {
            let is_it = |known: &Revision| known == revision && known.block == header.block;
            history.is_some_and(|history| history.revisions.iter().any(is_it))
        };
        Ok(revisions.iter().all(has))
    }
}

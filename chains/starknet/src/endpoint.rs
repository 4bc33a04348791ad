//! One endpoint of a Starknet chain: what it says, checked against the header it is about.

use core::{ops::RangeInclusive, time::Duration};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use chain::{ChainError, Claimed, Endpoint, Finality};
use governance::{
    anchor::{Head, OnChainId},
    log::{BlockRef, Revision},
};
use types::Hash;

use crate::{
    adapter::Settled,
    block::{Block, BlockHashes, Sealed, to_hash},
    felt::{Felt, selector},
    hash::FeltHash,
    proof::{Asked, BadProof, Proved, root_of_list},
    rpc::{At, Event, Ran, Rpc},
    wire,
};

/// Height of the trie of a block's events.
const EVENTS_HEIGHT: usize = 64;
/// Blocks that are looked at for one place in the chain: halving finds it among 2^60.
const LOOKS_MAX: usize = 120;

/// One endpoint, and the registry that it is asked about.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) rpc: Rpc,
    pub(crate) registry: Felt,
    pub(crate) rules: Rules,
    /// The height of the safe block that was found last: where the next search begins.
    // A leaf lock: held for single reads and writes.
    known_safe: Mutex<u64>,
}

/// What is believed of this chain's blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) settled: Settled,
    pub(crate) safe_after: Duration,
    pub(crate) hashes: BlockHashes,
}

impl Node {
    pub(crate) fn new(rpc: Rpc, registry: Felt, rules: Rules) -> Self {
        Self { rpc, registry, rules, known_safe: Mutex::default() }
    }

    async fn block(&self, at: At) -> Result<Option<Block>, ChainError> {
        self.rpc.block(at, self.rules.hashes).await
    }

    async fn block_at(&self, height: u64) -> Result<Block, ChainError> {
        let gone = || self.rpc.nonsense(BLOCK, "a block below its newest is missing");
        self.block(At::Height(height)).await?.ok_or_else(gone)
    }

    async fn settled(&self) -> Result<Option<Block>, ChainError> {
        match self.rules.settled {
            Settled::OnL1 => match self.block(At::OnL1).await {
                // Before JSON-RPC 0.9 there was no such tag.
                Err(ChainError::EndpointRefused { .. }) => self.newest_on_l1().await,
                answer => answer,
            },
            Settled::AfterBlocks(blocks) => {
                let Some(latest) = self.block(At::Latest).await? else { return Ok(None) };
                match latest.height.checked_sub(blocks) {
                    None => Ok(None),
                    Some(height) if height == latest.height => Ok(Some(latest)),
                    Some(height) => self.block(At::Height(height)).await,
                }
            }
        }
    }

    /// By what blocks say of themselves, where there is no name for it.
    async fn newest_on_l1(&self) -> Result<Option<Block>, ChainError> {
        let Some(latest) = self.block(At::Latest).await? else { return Ok(None) };
        if latest.is_on_l1 {
            return Ok(Some(latest));
        }
        let first = self.block_at(0).await?;
        if !first.is_on_l1 {
            return Ok(None);
        }
        let half = |low: &Block, high: &Block| low.height.midpoint(high.height);
        self.last(first, latest, half, |block| block.is_on_l1).await.map(Some)
    }

    /// The newest block that is older than the newest of all by the delay, or settled.
    async fn safe(&self) -> Result<Option<Block>, ChainError> {
        let Some(latest) = self.block(At::Latest).await? else { return Ok(None) };
        let settled = self.settled().await?;
        // By the chain's own clock: a chain that stands still makes nothing safer.
        let until_s = latest.time_s.checked_sub(self.rules.safe_after.as_secs());
        let Some(until_s) = until_s else { return Ok(settled) };
        let is_old = |block: &Block| block.time_s <= until_s;
        if is_old(&latest) {
            return Ok(Some(latest));
        }
        let low = match settled {
            Some(settled) if !is_old(&settled) => return Ok(Some(settled)),
            Some(settled) => settled,
            None => self.block_at(0).await?,
        };
        if !is_old(&low) {
            return Ok(None);
        }
        let known = *self.known_safe.lock().unwrap_or_else(PoisonError::into_inner);
        let low = match self.block(At::Height(known.max(low.height).min(latest.height))).await? {
            Some(known) if is_old(&known) => known,
            _ => low,
        };
        // Blocks come about evenly, which finds the place in a few steps.
        let guess = |low: &Block, high: &Block| {
            let share = u128::from(until_s.saturating_sub(low.time_s));
            let blocks = u128::from(high.height.saturating_sub(low.height));
            let time_s = u128::from(high.time_s.saturating_sub(low.time_s)).max(1);
            let ahead = share.saturating_mul(blocks) / time_s;
            low.height.saturating_add(u64::try_from(ahead).unwrap_or(u64::MAX))
        };
        let found = self.last(low, latest, guess, is_old).await?;
        *self.known_safe.lock().unwrap_or_else(PoisonError::into_inner) = found.height;
        Ok(Some(found))
    }

    /// The last block for which `holds`, between one for which it does and a later one for which it
    /// does not. Every second look halves, whatever `guess` says.
    async fn last(
        &self,
        mut low: Block,
        mut high: Block,
        guess: impl Fn(&Block, &Block) -> u64,
        holds: impl Fn(&Block) -> bool,
    ) -> Result<Block, ChainError> {
        for look in 0..LOOKS_MAX {
            let (after, before) = (low.height.saturating_add(1), high.height.saturating_sub(1));
            if after > before {
                return Ok(low);
            }
            let height = if look % 2 == 0 {
                guess(&low, &high).clamp(after, before)
            } else {
                low.height.midpoint(high.height).clamp(after, before)
            };
            let block = self.block_at(height).await?;
            if holds(&block) {
                low = block;
            } else {
                high = block;
            }
        }
        Ok(low)
    }

    /// The registry, and its storage under `keys`, proved; `None` if there is no proof.
    async fn proved(&self, keys: &[Felt], block: &Block) -> Result<Option<Proved>, ChainError> {
        let Some(sealed) = &block.sealed else { return Ok(None) };
        let at = At::Hash(block.hash);
        let Some(proof) = self.rpc.proof(self.registry, keys, at).await? else { return Ok(None) };
        let storage =
            if keys.is_empty() { Vec::new() } else { vec![(self.registry, keys.to_vec())] };
        let asked = Asked { classes: Vec::new(), contracts: vec![self.registry], storage };
        let proved = proof.check(&sealed.state_root, &asked);
        proved.map(Some).map_err(|error| self.bad_proof(error))
    }

    /// The class of the registry; `None` if no contract is there.
    pub(crate) async fn class_hash(
        &self,
        block: &Block,
    ) -> Result<Claimed<Option<Felt>>, ChainError> {
        if let Some(proved) = self.proved(&[], block).await? {
            let contract = proved.contracts.first().copied().flatten();
            return Ok(Claimed::Proved(contract.map(|contract| contract.class_hash)));
        }
        let told = self.rpc.class_hash(self.registry, At::Hash(block.hash)).await?;
        Ok(Claimed::Told(told))
    }

    /// What the registry answers in `block` to a function that only looks.
    pub(crate) async fn view<T>(
        &self,
        name: &str,
        arguments: &[Felt],
        block: &Block,
        read: impl FnOnce(&[Felt]) -> Option<T>,
    ) -> Result<Option<T>, ChainError> {
        let at = At::Hash(block.hash);
        match self.rpc.call(self.registry, selector(name), arguments, at).await? {
            Ran::Well(answer) => {
                let strange = || self.rpc.nonsense(CALL, "not what the registry answers");
                read(&answer).map(Some).ok_or_else(strange)
            }
            // Before the registry was deployed nothing is there.
            Ran::Nothing => Ok(None),
            Ran::Reverted(_) => Err(self.rpc.nonsense(CALL, "not the registry")),
        }
    }

    fn bad_proof(&self, error: BadProof) -> ChainError {
        self.rpc.lied("starknet_getStorageProof", error.to_string())
    }

    /// The block that `event` says it is of; events do not tell its time.
    async fn block_of(
        &self,
        event: &Event,
        known: &mut BTreeMap<Hash, BlockRef>,
    ) -> Result<BlockRef, ChainError> {
        let unplaced = || self.rpc.nonsense(EVENTS, "an event of no block");
        let (_, hash, height) = event.place.ok_or_else(unplaced)?;
        let hash = to_hash(&hash);
        if let Some(block) = known.get(&hash) {
            return Ok(*block);
        }
        let block = self.block(At::Height(height)).await?;
        let block = block.map(|block| chain::Header::block(&block));
        let gone = || self.rpc.lied(EVENTS, "an event of a block that is not there");
        let block = block.filter(|block| block.hash == hash).ok_or_else(gone)?;
        known.insert(hash, block);
        Ok(block)
    }
}

const BLOCK: &str = "starknet_getBlockWithTxHashes";
const CALL: &str = "starknet_call";
const EVENTS: &str = "starknet_getEvents";

#[async_trait]
impl Endpoint for Node {
    type Header = Block;

    fn name(&self) -> &str {
        self.rpc.name()
    }

    /// What is final was accepted on L1; what is safe was accepted on L2 some hours ago; the latest
    /// block was accepted on L2. What is only pre-confirmed is no block yet and never shown.
    async fn tip(&self, finality: Finality) -> Result<Option<Block>, ChainError> {
        match finality {
            Finality::Latest => self.block(At::Latest).await,
            Finality::Safe => self.safe().await,
            Finality::Final => self.settled().await,
        }
    }

    async fn header(&self, height: u64) -> Result<Option<Block>, ChainError> {
        self.block(At::Height(height)).await
    }

    async fn record(
        &self,
        context: &OnChainId,
        header: &Block,
    ) -> Result<Claimed<Option<(Head, Hash)>>, ChainError> {
        let keys = wire::anchor(context);
        if let Some(proved) = self.proved(&keys, header).await? {
            let words = proved.storage.first().map(Vec::as_slice).unwrap_or_default();
            let words: Vec<Felt> = words.iter().map(|word| word.unwrap_or_default()).collect();
            let strange = || self.rpc.nonsense("starknet_getStorageProof", "not a record's head");
            return wire::head(&words).map(Claimed::Proved).ok_or_else(strange);
        }
        let arguments = wire::context_arguments(context);
        let told = self.view("head", &arguments, header, wire::head).await?;
        Ok(Claimed::Told(told.flatten()))
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError> {
        let keys = wire::rev_keys(context);
        let events = self.rpc.events(Some(self.registry), &keys, heights).await?;
        let mut known = BTreeMap::new();
        let mut revisions = Vec::with_capacity(events.len());
        for event in &events {
            let read = wire::revision(event, self.registry, context);
            let stray = || self.rpc.nonsense(EVENTS, "not an event that was asked for");
            let (rev, with_block) = read.ok_or_else(stray)?;
            if rev > after_rev {
                revisions.push(with_block(self.block_of(event, &mut known).await?));
            }
        }
        Ok(revisions)
    }

    async fn has_revisions(
        &self,
        context: &OnChainId,
        header: &Block,
        revisions: &[Revision],
    ) -> Result<bool, ChainError> {
        let Some(sealed) = header.sealed else {
            // No fault of the endpoint's, so that it is not named for it.
            let (method, agreeing, asked, needed) = ("the events of a block", 0, 0, 1);
            return Err(ChainError::Disagreement { method, agreeing, asked, needed });
        };
        let events = self.rpc.events(None, &[], header.height..=header.height).await?;
        if !are_all(&events, &sealed) {
            return Err(self.rpc.lied(EVENTS, "the block has other events"));
        }
        let block = chain::Header::block(header);
        let told: Vec<Revision> = events
            .iter()
            .filter_map(|event| wire::revision(event, self.registry, context))
            .map(|(_, with_block)| with_block(block))
            .collect();
        Ok(revisions.iter().all(|revision| told.contains(revision)))
    }
}

/// Whether `events`, in order, are those that the block commits to.
fn are_all(events: &[Event], sealed: &Sealed) -> bool {
    let leaves: Option<Vec<Felt>> = events.iter().map(event_leaf).collect();
    let root = leaves.map(|leaves| root_of_list(FeltHash::Poseidon, EVENTS_HEIGHT, &leaves));
    let count = u64::try_from(events.len()).ok();
    count == Some(sealed.events) && root == Some(Ok(sealed.event_commitment))
}

/// What a block commits to of an event. Source: Starknet, "Block hash", event hash since 0.13.2.
fn event_leaf(event: &Event) -> Option<Felt> {
    let (transaction, ..) = event.place?;
    let mut parts = vec![event.from, transaction, Felt::from(event.keys.len())];
    parts.extend_from_slice(&event.keys);
    parts.push(Felt::from(event.data.len()));
    parts.extend_from_slice(&event.data);
    Some(FeltHash::Poseidon.list(&parts))
}

#[cfg(test)]
mod tests;

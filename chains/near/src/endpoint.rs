//! One endpoint of a NEAR chain: what it says, checked against the block that it is about.
//!
//! A block's header commits to the state before it. So a record as of a block is the one that the
//! block before left, and a revision stands in the block after the one that it ran in, which is the
//! first that has it. Both can be proved then, by that one header.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chain::{ChainError, Claimed, Endpoint, Finality};
use futures::future::join_all;
use governance::{
    anchor::{Head, OnChainId},
    log::{BlockRef, Revision},
};
use near_primitives::{
    types::{self as near, BlockId, BlockReference},
    views::StateItem,
};
use serde_json::json;
use types::Hash;

use crate::{
    proof::{BadProof, FullBlock, state},
    registry::{self, Keys, Told},
    rpc::{Rpc, View},
    wallet::NearId,
    wire::CryptoHash,
};

/// Revisions that one question is for; the contract gives no more.
const REVISIONS_AT_ONCE: u32 = 64;
/// Revisions that one call reads at most.
const REVISIONS_MAX: usize = 4_096;
/// Blocks that are asked for at the same time.
const BLOCKS_AT_ONCE: usize = 16;
/// Heights in a row at which the chain may have no block.
const MISSED_MAX: u64 = 16;
/// Nanoseconds in a second.
const NS_PER_S: u64 = 1_000_000_000;

/// One endpoint, and the registry that it is asked about.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) rpc: Rpc,
    pub(crate) registry: NearId,
}

/// Values at keys, in the order of the keys.
pub(crate) type Values = Vec<Option<Vec<u8>>>;

impl chain::Header for FullBlock {
    fn block(&self) -> BlockRef {
        let inner = &self.header.inner;
        let time_s = inner.timestamp_ns / NS_PER_S;
        BlockRef { height: inner.height, hash: hash(&self.hash), time_s }
    }

    fn parent(&self) -> Hash {
        hash(&self.header.prev_block_hash)
    }
}

impl Node {
    /// What the registry keeps at `keys`, which begin with `prefix`, in the state before `block`.
    ///
    /// Told alone where the block does not commit to it: no endpoint may show all of it, or the
    /// shard's chunk is missing.
    ///
    /// # Errors
    /// [`ChainError::Lied`] if a value is not the one that its proof shows.
    pub(crate) async fn values(
        &self,
        prefix: &[u8],
        keys: &[Vec<u8>],
        block: &FullBlock,
    ) -> Result<Claimed<Values>, ChainError> {
        let at = &block.header.prev_block_hash;
        let gone = || self.rpc.nonsense("view_state", "it no longer has the state of that block");
        let state = self.rpc.state(&self.registry, prefix, at).await?.ok_or_else(gone)?;
        let nodes: Vec<Vec<u8>> = state.proof.iter().map(|node| node.to_vec()).collect();
        if let Some(values) = self.proved(keys, &state.values, &nodes, block)? {
            return Ok(Claimed::Proved(values));
        }
        let told = |key: &Vec<u8>| value_at(&state.values, key).map(<[u8]>::to_vec);
        Ok(Claimed::Told(keys.iter().map(told).collect()))
    }

    /// What the registry keeps at `keys`, which begin with `prefix`, after the block `at`, as the
    /// endpoint tells it.
    pub(crate) async fn values_after(
        &self,
        prefix: &[u8],
        keys: &[Vec<u8>],
        at: &CryptoHash,
    ) -> Result<Values, ChainError> {
        let gone = || self.rpc.nonsense("view_state", "it no longer has its newest block");
        let state = self.rpc.state(&self.registry, prefix, at).await?.ok_or_else(gone)?;
        Ok(keys.iter().map(|key| value_at(&state.values, key).map(<[u8]>::to_vec)).collect())
    }

    /// The values that `nodes` prove under one of the block's shards; `None` if they prove nothing.
    fn proved(
        &self,
        keys: &[Vec<u8>],
        items: &[StateItem],
        nodes: &[Vec<u8>],
        block: &FullBlock,
    ) -> Result<Option<Values>, ChainError> {
        const METHOD: &str = "view_state";
        let lied = |error: BadProof| self.rpc.lied(METHOD, error.to_string());
        let proof = state::Proof::new(nodes).map_err(lied)?;
        let Some(root) = block.roots.iter().find(|root| proof.has(root)) else {
            return Ok(None);
        };
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let found = proof.contract_value(root, &self.registry, key).map_err(lied)?;
            let told = value_at(items, key);
            match (found, told) {
                (state::Found::Value(proved), Some(told)) if proved.is_of(told) => {
                    values.push(Some(told.to_vec()));
                }
                (state::Found::Nothing, None) => values.push(None),
                // Where there is but one shard, the contract can be of no other.
                (state::Found::Stranger, None) if block.shards == 1 => values.push(None),
                (state::Found::Stranger, None) => return Ok(None),
                _ => return Err(self.rpc.lied(METHOD, "the value is not the one that is proved")),
            }
        }
        Ok(Some(values))
    }

    /// What the registry keeps at `key`, in the state before `block`.
    pub(crate) async fn value(
        &self,
        key: Vec<u8>,
        block: &FullBlock,
    ) -> Result<Claimed<Option<Vec<u8>>>, ChainError> {
        let first = |values: Values| values.into_iter().next().flatten();
        Ok(match self.values(&key.clone(), &[key], block).await? {
            Claimed::Proved(values) => Claimed::Proved(first(values)),
            Claimed::Told(values) => Claimed::Told(first(values)),
        })
    }

    /// Revisions after `after_rev` that ran below the height `end`, as the contract's view tells
    /// them.
    async fn told(
        &self,
        context: &OnChainId,
        after_rev: u64,
        end: u64,
    ) -> Result<Vec<Told>, ChainError> {
        const METHOD: &str = "revisions";
        let Some(newest) = self.rpc.block(finality(Finality::Latest)).await? else {
            return Ok(Vec::new());
        };
        let mut told: Vec<Told> = Vec::new();
        // Ends: every turn but the last adds revisions.
        while told.len() < REVISIONS_MAX {
            let after = told.last().map_or(after_rev, |revision| revision.rev);
            let context = format!("0x{}", context.as_hash());
            let after = after.to_string();
            let args = json!({ "context": context, "after": after, "limit": REVISIONS_AT_ONCE });
            let answer = match self.rpc.view(&self.registry, METHOD, &args, &newest.hash).await? {
                Some(View::Ran(answer)) => answer,
                Some(View::NoCode) => return Ok(Vec::new()),
                Some(View::Failed(_)) => return Err(self.rpc.nonsense(METHOD, "not the registry")),
                None => return Err(self.rpc.nonsense(METHOD, "it lost its newest block")),
            };
            let page = registry::revisions(&answer);
            let page = page.ok_or_else(|| self.rpc.nonsense(METHOD, "no list of revisions"))?;
            let is_full = page.len() >= REVISIONS_AT_ONCE as usize;
            let within = page.into_iter().take_while(|revision| revision.height < end);
            let before = told.len();
            told.extend(within);
            if !is_full || told.len() - before < REVISIONS_AT_ONCE as usize {
                return Ok(told);
            }
        }
        let what = format!("more than {REVISIONS_MAX} revisions");
        let endpoint = self.rpc.name().to_owned();
        // The same in fewer blocks is asked next.
        Err(ChainError::EndpointRefused { endpoint, method: METHOD, source: what.into() })
    }

    /// The blocks right after those of these heights.
    async fn next_blocks(
        &self,
        heights: &BTreeSet<u64>,
    ) -> Result<BTreeMap<u64, FullBlock>, ChainError> {
        let heights: Vec<u64> = heights.iter().copied().collect();
        let mut found = BTreeMap::new();
        for some in heights.chunks(BLOCKS_AT_ONCE) {
            let asked = some.iter().map(|height| self.next_block(*height));
            for (height, block) in some.iter().zip(join_all(asked).await) {
                // Endpoints forget blocks after some days.
                let what = "it has not the block of a revision: an archival endpoint is needed";
                let gone = || self.rpc.nonsense("block", what);
                found.insert(*height, block?.ok_or_else(gone)?);
            }
        }
        Ok(found)
    }

    /// The block after the one at `height`: it commits to what that one did.
    pub(crate) async fn next_block(&self, height: u64) -> Result<Option<FullBlock>, ChainError> {
        for ahead in 1..=MISSED_MAX {
            let next = self.header(height.saturating_add(ahead)).await?;
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Endpoint for Node {
    type Header = FullBlock;

    fn name(&self) -> &str {
        self.rpc.name()
    }

    async fn tip(&self, at: Finality) -> Result<Option<FullBlock>, ChainError> {
        self.rpc.block(finality(at)).await
    }

    /// `None` also for a height at which the chain has no block: producers may miss their turn.
    async fn header(&self, height: u64) -> Result<Option<FullBlock>, ChainError> {
        let at = BlockReference::BlockId(BlockId::Height(height));
        let found = self.rpc.block(at).await?;
        match found {
            Some(block) if block.header.inner.height != height => {
                Err(self.rpc.lied("block", "a block of another height"))
            }
            found => Ok(found),
        }
    }

    async fn record(
        &self,
        context: &OnChainId,
        header: &FullBlock,
    ) -> Result<Claimed<Option<(Head, Hash)>>, ChainError> {
        let read = |value: Option<Vec<u8>>| match value {
            None => Ok(None),
            Some(value) => {
                let heads = registry::heads(&value);
                let unknown = || self.rpc.nonsense("view_state", "a record of an unknown form");
                heads.map(Some).ok_or_else(unknown)
            }
        };
        match self.value(Keys(context).record(), header).await? {
            Claimed::Proved(value) => read(value).map(Claimed::Proved),
            Claimed::Told(value) => read(value).map(Claimed::Told),
        }
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError> {
        let told = self.told(context, after_rev, *heights.end()).await?;
        let ran: BTreeSet<u64> = told.iter().map(|revision| revision.height).collect();
        let blocks = self.next_blocks(&ran).await?;
        let revision = |told: Told| {
            let block = chain::Header::block(blocks.get(&told.height)?);
            let Told { rev, kind, payload, log_head, .. } = told;
            Some(Revision { rev, kind, payload, log_head, block })
        };
        Ok(told.into_iter().filter_map(revision).collect())
    }

    /// By the contract's own state, which has the height at which each revision ran; the block
    /// commits to it.
    async fn has_revisions(
        &self,
        context: &OnChainId,
        header: &FullBlock,
        revisions: &[Revision],
    ) -> Result<bool, ChainError> {
        let ran_in = self.rpc.block_by_hash(&header.header.prev_block_hash).await?;
        let ran_in = ran_in.ok_or(NO_PROOF)?.header.inner.height;
        let block = chain::Header::block(header);
        for revision in revisions {
            let key = Keys(context).revision(revision.rev);
            let Claimed::Proved(value) = self.value(key, header).await? else {
                return Err(NO_PROOF);
            };
            let kept = value.and_then(|value| registry::revision(revision.rev, &value));
            let is_it = kept.is_some_and(|kept| {
                let Told { rev, kind, height, payload, log_head, .. } = kept;
                height == ran_in && *revision == Revision { rev, kind, payload, log_head, block }
            });
            if !is_it {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// That a block does not show something is no endpoint's fault.
const NO_PROOF: ChainError = ChainError::NothingFinal;

fn value_at<'a>(items: &'a [StateItem], key: &[u8]) -> Option<&'a [u8]> {
    let item = items.iter().find(|item| item.key.as_slice() == key)?;
    Some(item.value.as_slice())
}

/// The seam's words for how settled a block is, in NEAR's. Below final nothing is settled: what is
/// optimistic may be undone, and no block is half-way.
pub(crate) const fn finality(at: Finality) -> BlockReference {
    BlockReference::Finality(match at {
        Finality::Latest => near::Finality::None,
        Finality::Safe | Finality::Final => near::Finality::Final,
    })
}

pub(crate) const fn hash(hash: &CryptoHash) -> Hash {
    Hash::from_bytes(*hash.as_bytes())
}

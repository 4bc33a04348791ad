//! One endpoint of an Ethereum chain: what it says, checked against the header it is about.

use core::ops::RangeInclusive;
use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, keccak256};
use async_trait::async_trait;
use chain::{ChainError, Claimed, Endpoint, Finality};
use governance::{
    anchor::{Head, OnChainId},
    log::{BlockRef, Revision},
};
use types::Hash;

use crate::{
    proof::{self, AccountProof, AccountState, BadProof, Header},
    receipts,
    rpc::{Rpc, Simulated},
    wire::{self, Log, RecordAt},
};

/// One endpoint, and the registry that it is asked about.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) rpc: Rpc,
    pub(crate) registry: Address,
}

impl chain::Header for Header {
    fn block(&self) -> BlockRef {
        BlockRef { height: self.number, hash: wire::hash(self.hash), time_s: self.time_s }
    }

    fn parent(&self) -> Hash {
        wire::hash(self.parent)
    }
}

impl Node {
    /// Paths to an account and its slots; `None` if the endpoint has no proofs.
    ///
    /// Nor has the first block: what it begins with came about in no block, and chains for
    /// development give it the root of nothing.
    async fn proof(
        &self,
        address: Address,
        slots: &[U256],
        header: &Header,
    ) -> Result<Option<AccountProof>, ChainError> {
        if header.number == 0 {
            return Ok(None);
        }
        self.rpc.proof(address, slots, header.number).await
    }

    /// An account under `header`, proved; `None` if the endpoint has no proofs.
    pub(crate) async fn account(
        &self,
        address: Address,
        header: &Header,
    ) -> Result<Option<AccountState>, ChainError> {
        let Some(proof) = self.proof(address, &[], header).await? else { return Ok(None) };
        let state = proof::account(&header.state_root, &address, &proof.account);
        let state = state.map_err(|error| self.bad_proof(error))?;
        Ok(Some(state.unwrap_or(AccountState::EMPTY)))
    }

    /// What an account has, in wei.
    pub(crate) async fn balance(
        &self,
        address: Address,
        header: &Header,
    ) -> Result<Claimed<U256>, ChainError> {
        match self.account(address, header).await? {
            Some(state) => Ok(Claimed::Proved(state.balance)),
            None => self.rpc.balance(address, header.number).await.map(Claimed::Told),
        }
    }

    /// The hash of an account's code.
    pub(crate) async fn code_hash(
        &self,
        address: Address,
        header: &Header,
    ) -> Result<Claimed<B256>, ChainError> {
        match self.account(address, header).await? {
            Some(state) => Ok(Claimed::Proved(state.code_hash)),
            None => {
                let code = self.rpc.code(address, header.number).await?;
                Ok(Claimed::Told(keccak256(code)))
            }
        }
    }

    /// The words of `contract` at `slots` under `header`.
    pub(crate) async fn words(
        &self,
        contract: Address,
        slots: &[U256],
        header: &Header,
    ) -> Result<Claimed<Vec<U256>>, ChainError> {
        if let Some(values) = self.proved_words(contract, slots, header).await? {
            return Ok(Claimed::Proved(values));
        }
        let mut values = Vec::with_capacity(slots.len());
        for slot in slots {
            values.push(self.rpc.storage(contract, *slot, header.number).await?);
        }
        Ok(Claimed::Told(values))
    }

    /// `None` if the endpoint has no proofs.
    async fn proved_words(
        &self,
        contract: Address,
        slots: &[U256],
        header: &Header,
    ) -> Result<Option<Vec<U256>>, ChainError> {
        let Some(proof) = self.proof(contract, slots, header).await? else { return Ok(None) };
        let state = proof::account(&header.state_root, &contract, &proof.account);
        let Some(state) = state.map_err(|error| self.bad_proof(error))? else {
            return Ok(Some(vec![U256::ZERO; slots.len()]));
        };
        let mut words = Vec::with_capacity(slots.len());
        for (slot, (_, nodes)) in slots.iter().zip(&proof.storage) {
            match proof::storage(&state.storage_root, slot, nodes) {
                Ok(word) => words.push(word),
                // Chains for development leave a zero where a word was erased, which is no proof.
                Err(BadProof::ZeroLeaf) => return Ok(None),
                Err(error) => return Err(self.bad_proof(error)),
            }
        }
        Ok(Some(words))
    }

    fn bad_proof(&self, error: BadProof) -> ChainError {
        self.rpc.lied("eth_getProof", error.to_string())
    }

    fn head(&self, packed: U256, log_head: U256) -> Result<Option<(Head, Hash)>, ChainError> {
        if packed.is_zero() {
            return Ok(None);
        }
        let unknown = || self.rpc.nonsense("eth_getProof", "a record of an unknown status");
        let head = Head::unpack(&packed.to_be_bytes()).ok_or_else(unknown)?;
        Ok(Some((head, wire::hash(log_head.into()))))
    }

    /// The block that `log` says it is of; its time may have to be asked for.
    async fn block_of(
        &self,
        log: &Log,
        known: &mut BTreeMap<B256, BlockRef>,
    ) -> Result<BlockRef, ChainError> {
        let (Some(hash), Some(number)) = (log.block_hash, log.block_number) else {
            return Err(self.rpc.nonsense("eth_getLogs", "an event of no block"));
        };
        if let Some(block) = known.get(&hash) {
            return Ok(*block);
        }
        let height = number.to();
        let time_s = match log.block_timestamp {
            Some(time_s) => time_s.to(),
            None => {
                let header = self.rpc.block_at(height).await?;
                let header = header.filter(|header| header.hash == hash);
                let gone = || self.rpc.lied("eth_getLogs", "an event of a block that is not there");
                header.ok_or_else(gone)?.time_s
            }
        };
        let block = BlockRef { height, hash: wire::hash(hash), time_s };
        known.insert(hash, block);
        Ok(block)
    }
}

#[async_trait]
impl Endpoint for Node {
    type Header = Header;

    fn name(&self) -> &str {
        self.rpc.name()
    }

    /// The tags mean what the chain's own nodes mean by them. Those of a chain above Ethereum call
    /// `safe` what they derived from a block below, and `finalized` what they derived from a final
    /// one; what they only heard from the sequencer is `latest`.
    async fn tip(&self, finality: Finality) -> Result<Option<Header>, ChainError> {
        let tag = match finality {
            Finality::Latest => "latest",
            Finality::Safe => "safe",
            Finality::Final => "finalized",
        };
        self.rpc.block(tag).await
    }

    async fn header(&self, height: u64) -> Result<Option<Header>, ChainError> {
        self.rpc.block_at(height).await
    }

    async fn record(
        &self,
        context: &OnChainId,
        header: &Header,
    ) -> Result<Claimed<Option<(Head, Hash)>>, ChainError> {
        if let Some(words) =
            self.proved_words(self.registry, &RecordAt::new(context).head(), header).await?
        {
            let [packed, log_head] = words.as_slice() else {
                return Err(self.rpc.nonsense("eth_getProof", "not two words"));
            };
            return self.head(*packed, *log_head).map(Claimed::Proved);
        }
        let call = wire::head_call(context);
        match self.rpc.view(Some(self.registry), &call, header.number).await? {
            // Before the registry was deployed there is no code, and so no bytes at all.
            Simulated::Ran(answer) if answer.is_empty() => Ok(Claimed::Told(None)),
            Simulated::Ran(answer) => {
                let head = wire::head_answer(&answer);
                let strange = || self.rpc.nonsense("eth_call", "not a record's head");
                head.map(Claimed::Told).ok_or_else(strange)
            }
            Simulated::Reverted(_) => Err(self.rpc.nonsense("eth_call", "not the registry")),
        }
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError> {
        const METHOD: &str = "eth_getLogs";
        let topics = serde_json::json!(wire::rev_topics(context));
        let (from, to) = (*heights.start(), *heights.end());
        let logs = self.rpc.logs(self.registry, topics, from, to).await?;
        let mut known = BTreeMap::new();
        let mut revisions = Vec::with_capacity(logs.len());
        for log in &logs {
            let read = wire::revision(log, self.registry, context);
            let stray = || self.rpc.nonsense(METHOD, "not an event that was asked for");
            let (rev, with_block) = read.ok_or_else(stray)?;
            if rev > after_rev {
                revisions.push(with_block(self.block_of(log, &mut known).await?));
            }
        }
        Ok(revisions)
    }

    async fn has_revisions(
        &self,
        context: &OnChainId,
        header: &Header,
        revisions: &[Revision],
    ) -> Result<bool, ChainError> {
        const METHOD: &str = "eth_getBlockReceipts";
        let receipts = self.rpc.receipts(header.number).await?;
        // Not a lie: chains have receipts of their own kinds.
        if receipts::root(&receipts) != Some(header.receipts_root) {
            return Err(self.rpc.nonsense(METHOD, "receipts of another root"));
        }
        let logs = receipts.iter().flat_map(|receipt| &receipt.logs);
        let block = chain::Header::block(header);
        let told: Vec<Revision> = logs
            .filter_map(|log| wire::revision(log, self.registry, context))
            .map(|(_, with_block)| with_block(block))
            .collect();
        Ok(revisions.iter().all(|revision| told.contains(revision)))
    }
}

//! Blocks: real headers, with the hashes and signatures that light clients check.
//!
//! A block's header commits to the state before it and to the outcomes of the block before it; its
//! own are in the next header. Source: nomicon, "Light Client"; nearcore, `block_header.rs`.

use std::sync::Arc;

use near_primitives::{
    bandwidth_scheduler::BandwidthRequests,
    block_header::{Approval, ApprovalInner, BlockHeader, compute_bp_hash_from_validator_stakes},
    congestion_info::CongestionInfo,
    hash::CryptoHash,
    merkle::{MerklePath, merklize},
    receipt::Receipt,
    sharding::{ChunkHashHeight, ShardChunkHeader, ShardChunkHeaderV3},
    stateless_validation::chunk_endorsements_bitmap::ChunkEndorsementsBitmap,
    transaction::{ExecutionOutcomeWithId, SignedTransaction},
    types::{Balance, EpochId, Gas, ShardId, validator_stake::ValidatorStake},
    version::PROTOCOL_VERSION,
};

use crate::{
    genesis::{ChainConfig, Producers},
    runtime::Applied,
    state::Trie,
};

/// Most gas of a block.
pub(crate) const GAS_LIMIT: Gas = Gas::from_teragas(1000);

/// A block and what it did.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header.
    pub header: BlockHeader,
    /// Its only chunk's header.
    pub chunk: ShardChunkHeader,
    /// Which epoch it is of, counted.
    pub epoch_height: u64,
    /// Height of its epoch's first block.
    pub epoch_start: u64,
    /// Transactions that became receipts in it.
    pub transactions: Vec<SignedTransaction>,
    /// Receipts that came from the block before.
    pub incoming: Vec<Receipt>,
    /// Receipts that were made in it and ran at once.
    pub local: Vec<Receipt>,
    /// Receipts for the next block.
    pub outgoing: Vec<Receipt>,
    /// What ran, transactions first.
    pub outcomes: Vec<ExecutionOutcomeWithId>,
    /// Its [`Self::outcomes`], as the next header commits to them.
    pub(crate) outcome_root: CryptoHash,
    pub(crate) outcome_paths: Vec<MerklePath>,
    pub(crate) gas_used: Gas,
    pub(crate) burnt: Balance,
    pub(crate) seed: CryptoHash,
    /// After it; `None` once it is too old to be kept.
    pub(crate) state: Option<Trie>,
}

impl Block {
    /// Its height.
    pub fn height(&self) -> u64 {
        self.header.height()
    }

    /// Its hash.
    pub fn hash(&self) -> &CryptoHash {
        self.header.hash()
    }

    /// The state after it, as long as it is kept.
    pub const fn state(&self) -> Option<&Trie> {
        self.state.as_ref()
    }

    /// The hash over the two inner parts of its header.
    pub(crate) fn inner_hash(&self) -> CryptoHash {
        BlockHeader::compute_inner_hash(
            &self.header.inner_lite_bytes(),
            &self.header.inner_rest_bytes(),
        )
    }

    /// The root over its state's roots, as the next header commits to it.
    fn state_root(&self) -> CryptoHash {
        self.state.as_ref().map_or_else(CryptoHash::default, Trie::root)
    }
}

/// What a new block is made from, beside what it does.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) config: &'a ChainConfig,
    pub(crate) producers: &'a Producers,
    pub(crate) parent: &'a Block,
    /// The parent's parent, which becomes final.
    pub(crate) grandparent: CryptoHash,
    pub(crate) time_ns: u64,
    pub(crate) block_merkle_root: CryptoHash,
    pub(crate) seed: CryptoHash,
}

/// The stakes of those who produce blocks, in this epoch and all others.
pub(crate) fn stakes(producers: &Producers) -> Vec<ValidatorStake> {
    let stake = |producer: &near_primitives::validator_signer::ValidatorSigner| {
        let (id, key) = (producer.validator_id().clone(), producer.public_key());
        ValidatorStake::new_v1(id, key, Producers::stake())
    };
    producers.iter().map(stake).collect()
}

fn bp_hash(producers: &Producers) -> CryptoHash {
    compute_bp_hash_from_validator_stakes(&stakes(producers), true)
}

/// The first block, which does nothing.
pub(crate) fn genesis(config: &ChainConfig, producers: &Producers, state: Trie) -> Block {
    let chunk = chunk(producers, 0, CryptoHash::default(), &Parts::genesis(&state));
    let time_ns = config.genesis_time_s.saturating_mul(1_000_000_000);
    let header = BlockHeader::new(
        PROTOCOL_VERSION,
        PROTOCOL_VERSION,
        0,
        CryptoHash::default(),
        CryptoHash::hash_bytes(chunk.chunk_hash().as_bytes()),
        merklize(&[chunk.prev_state_root()]).0,
        merklize(&[*chunk.prev_outgoing_receipts_root()]).0,
        merklize(&[ChunkHashHeight(chunk.chunk_hash().clone(), 0)]).0,
        merklize(&[*chunk.tx_root()]).0,
        merklize(&[*chunk.prev_outcome_root()]).0,
        time_ns,
        CryptoHash::default(),
        Vec::new(),
        vec![true],
        1,
        EpochId::default(),
        EpochId::default(),
        config.gas_price,
        Balance::ZERO,
        producers.at(0),
        CryptoHash::default(),
        CryptoHash::default(),
        None,
        Vec::new(),
        bp_hash(producers),
        CryptoHash::default(),
        0,
        Some(ChunkEndorsementsBitmap::genesis()),
        None,
        None,
        None,
        None,
    );
    Block {
        header,
        chunk,
        epoch_height: 0,
        epoch_start: 0,
        transactions: Vec::new(),
        incoming: Vec::new(),
        local: Vec::new(),
        outgoing: Vec::new(),
        outcomes: Vec::new(),
        outcome_root: CryptoHash::default(),
        outcome_paths: Vec::new(),
        gas_used: Gas::ZERO,
        burnt: Balance::ZERO,
        seed: CryptoHash::default(),
        state: Some(state),
    }
}

/// Which epoch a block is of.
struct Epoch {
    id: EpochId,
    next: EpochId,
    height: u64,
    start: u64,
}

impl Frame<'_> {
    fn height(&self) -> u64 {
        self.parent.height() + 1
    }

    /// An epoch's id is the hash of the last block two epochs before.
    fn epoch(&self) -> Epoch {
        let (parent, height) = (self.parent, self.height());
        let is_first =
            height == 1 || height - parent.epoch_start >= self.config.epoch_blocks.max(3);
        if is_first {
            Epoch {
                id: *parent.header.next_epoch_id(),
                next: EpochId(*parent.hash()),
                height: parent.epoch_height + 1,
                start: height,
            }
        } else {
            Epoch {
                id: *parent.header.epoch_id(),
                next: *parent.header.next_epoch_id(),
                height: parent.epoch_height,
                start: parent.epoch_start,
            }
        }
    }

    /// The signatures by which all producers approve the parent.
    fn approvals(&self) -> Vec<Option<Box<near_crypto::Signature>>> {
        let inner = ApprovalInner::Endorsement(*self.parent.hash());
        let message = Approval::get_data_for_sig(&inner, self.height());
        self.producers
            .iter()
            .map(|producer| Some(Box::new(producer.sign_bytes(&message))))
            .collect()
    }

    /// The block in which `applied` happened.
    pub(crate) fn finish(self, applied: Applied, incoming: Vec<Receipt>) -> Block {
        let (height, epoch, parent) = (self.height(), self.epoch(), self.parent);
        let parts = Parts::after(parent, &applied.included);
        let mut chunk = chunk(self.producers, height, *parent.hash(), &parts);
        *chunk.height_included_mut() = height;
        let supply = parent.header.total_supply().saturating_sub(parent.burnt);
        let header = BlockHeader::new(
            PROTOCOL_VERSION,
            PROTOCOL_VERSION,
            height,
            *parent.hash(),
            CryptoHash::hash_bytes(chunk.chunk_hash().as_bytes()),
            merklize(&[chunk.prev_state_root()]).0,
            merklize(&[*chunk.prev_outgoing_receipts_root()]).0,
            merklize(&[ChunkHashHeight(chunk.chunk_hash().clone(), height)]).0,
            merklize(&[*chunk.tx_root()]).0,
            merklize(&[*chunk.prev_outcome_root()]).0,
            self.time_ns,
            self.seed,
            Vec::new(),
            vec![true],
            height + 1,
            epoch.id,
            epoch.next,
            self.config.gas_price,
            supply,
            self.producers.at(height),
            self.grandparent,
            *parent.hash(),
            None,
            self.approvals(),
            bp_hash(self.producers),
            self.block_merkle_root,
            parent.height(),
            Some(ChunkEndorsementsBitmap::new(1)),
            None,
            None,
            None,
            None,
        );
        let hashes: Vec<_> =
            applied.outcomes.iter().map(ExecutionOutcomeWithId::to_hashes).collect();
        let (outcome_root, outcome_paths) = merklize(&hashes);
        Block {
            header,
            chunk,
            epoch_height: epoch.height,
            epoch_start: epoch.start,
            transactions: applied.included,
            incoming,
            local: applied.local,
            outgoing: applied.outgoing,
            outcomes: applied.outcomes,
            outcome_root,
            outcome_paths,
            gas_used: applied.gas_used,
            burnt: applied.burnt,
            seed: self.seed,
            state: Some(applied.state),
        }
    }
}

/// What a chunk's header commits to.
struct Parts {
    state_root: CryptoHash,
    outcome_root: CryptoHash,
    receipts_root: CryptoHash,
    tx_root: CryptoHash,
    gas_used: Gas,
    burnt: Balance,
}

impl Parts {
    fn genesis(state: &Trie) -> Self {
        let none = CryptoHash::default();
        Self {
            state_root: state.root(),
            outcome_root: none,
            receipts_root: none,
            tx_root: none,
            gas_used: Gas::ZERO,
            burnt: Balance::ZERO,
        }
    }

    fn after(parent: &Block, transactions: &[SignedTransaction]) -> Self {
        Self {
            state_root: parent.state_root(),
            outcome_root: parent.outcome_root,
            receipts_root: merklize(&parent.outgoing).0,
            tx_root: merklize(transactions).0,
            gas_used: parent.gas_used,
            burnt: parent.burnt,
        }
    }
}

fn chunk(producers: &Producers, height: u64, prev: CryptoHash, parts: &Parts) -> ShardChunkHeader {
    ShardChunkHeader::V3(ShardChunkHeaderV3::new(
        prev,
        parts.state_root,
        parts.outcome_root,
        CryptoHash::default(),
        0,
        height,
        ShardId::new(0),
        parts.gas_used,
        GAS_LIMIT,
        parts.burnt,
        parts.receipts_root,
        parts.tx_root,
        Vec::new(),
        CongestionInfo::default(),
        BandwidthRequests::empty(),
        None,
        producers.at(height),
        PROTOCOL_VERSION,
    ))
}

/// Stakes as contracts can ask for them.
pub(crate) fn stakes_for_contracts(
    producers: &Producers,
) -> Arc<[(near_primitives::types::AccountId, Balance)]> {
    let stake = |producer: &near_primitives::validator_signer::ValidatorSigner| {
        (producer.validator_id().clone(), Producers::stake())
    };
    producers.iter().map(stake).collect()
}

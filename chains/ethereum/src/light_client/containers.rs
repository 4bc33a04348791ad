//! What light clients are told, in SSZ, and the one form that it takes here.
//!
//! Forks differ in shape only; whatever depends on the shape ends in this file.

use alloy::primitives::{Address, B256, FixedBytes, U256};
use ssz::{Decode, Encode};
use ssz_derive::{Decode, Encode};
use ssz_types::{
    BitVector, FixedVector, VariableList,
    typenum::{U4, U5, U6, U7, U32, U256 as N256, U512, Unsigned},
};
use tree_hash::TreeHash;
use tree_hash_derive::TreeHash;

use super::{
    is_under,
    network::{Fork, Preset},
};

/// Longest message, in bytes: an update of 512 keys has about 26,000.
const BYTES_MAX: usize = 64 << 10;
/// Index of the execution header in a beacon block's body, 4 levels deep.
const EXECUTION_INDEX: usize = 9;

pub(super) type PublicKeyBytes = FixedBytes<48>;
pub(super) type SignatureBytes = FixedBytes<96>;

/// Header of a beacon block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct BeaconHeader {
    /// Its slot.
    pub slot: u64,
    /// Who proposed it.
    pub proposer_index: u64,
    /// The block before.
    pub parent_root: B256,
    /// The beacon state after it.
    pub state_root: B256,
    /// Its body.
    pub body_root: B256,
}

/// What is needed of an execution block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// Its hash.
    pub block_hash: B256,
    /// Its height.
    pub number: u64,
    /// Root of all accounts after it.
    pub state_root: B256,
    /// Root of its receipts.
    pub receipts_root: B256,
    /// Its time, Unix seconds.
    pub time_s: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, TreeHash)]
struct CapellaExecution {
    parent_hash: B256,
    fee_recipient: Address,
    state_root: B256,
    receipts_root: B256,
    logs_bloom: FixedVector<u8, N256>,
    prev_randao: B256,
    block_number: u64,
    gas_limit: u64,
    gas_used: u64,
    timestamp: u64,
    extra_data: VariableList<u8, U32>,
    base_fee_per_gas: U256,
    block_hash: B256,
    transactions_root: B256,
    withdrawals_root: B256,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, TreeHash)]
struct DenebExecution {
    parent_hash: B256,
    fee_recipient: Address,
    state_root: B256,
    receipts_root: B256,
    logs_bloom: FixedVector<u8, N256>,
    prev_randao: B256,
    block_number: u64,
    gas_limit: u64,
    gas_used: u64,
    timestamp: u64,
    extra_data: VariableList<u8, U32>,
    base_fee_per_gas: U256,
    block_hash: B256,
    transactions_root: B256,
    withdrawals_root: B256,
    blob_gas_used: u64,
    excess_blob_gas: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
struct AltairHeader {
    beacon: BeaconHeader,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
struct CapellaHeader {
    beacon: BeaconHeader,
    execution: CapellaExecution,
    execution_branch: FixedVector<B256, U4>,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
struct DenebHeader {
    beacon: BeaconHeader,
    execution: DenebExecution,
    execution_branch: FixedVector<B256, U4>,
}

/// A beacon block, and the execution block in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) beacon: BeaconHeader,
    pub(super) execution: Execution,
    /// Whether it is what stands where there is none: nothing is final yet.
    pub(super) is_empty: bool,
    /// `None` in the shape of Altair.
    proof: Option<ExecutionProof>,
}

/// How an execution header stands in a beacon block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ExecutionProof {
    /// Root of all its fields.
    root: B256,
    /// Root of the fields that Capella had; `None` if a later one is not zero.
    early_root: Option<B256>,
    branch: Vec<B256>,
    /// Whether all of it is zero.
    is_empty: bool,
}

impl Header {
    /// Whether the execution block is the one in the beacon block, by the rules of the fork `at`
    /// its slot: messages are told in the shape of later forks, too. Where the fork is not known,
    /// that of the message's shape or an earlier one from Capella on will do.
    pub(super) fn is_whole(&self, at: Option<Fork>) -> bool {
        let Some(proof) = &self.proof else { return at.is_none_or(|fork| fork == Fork::Altair) };
        let holds =
            |root: B256| is_under(&self.beacon.body_root, root, &proof.branch, EXECUTION_INDEX);
        match at {
            Some(Fork::Altair) => proof.is_empty,
            Some(Fork::Capella) => proof.early_root.is_some_and(holds),
            Some(Fork::Deneb | Fork::Electra) => holds(proof.root),
            None => holds(proof.root) || proof.early_root.is_some_and(holds),
        }
    }
}

impl From<AltairHeader> for Header {
    fn from(header: AltairHeader) -> Self {
        let is_empty = header == AltairHeader::default();
        Self { beacon: header.beacon, execution: Execution::default(), is_empty, proof: None }
    }
}

impl CapellaExecution {
    fn early_root(&self) -> Option<B256> {
        Some(self.tree_hash_root())
    }
}

impl DenebExecution {
    fn early_root(&self) -> Option<B256> {
        let Self { blob_gas_used: 0, excess_blob_gas: 0, .. } = self else { return None };
        let late = self.clone();
        let early = CapellaExecution {
            parent_hash: late.parent_hash,
            fee_recipient: late.fee_recipient,
            state_root: late.state_root,
            receipts_root: late.receipts_root,
            logs_bloom: late.logs_bloom,
            prev_randao: late.prev_randao,
            block_number: late.block_number,
            gas_limit: late.gas_limit,
            gas_used: late.gas_used,
            timestamp: late.timestamp,
            extra_data: late.extra_data,
            base_fee_per_gas: late.base_fee_per_gas,
            block_hash: late.block_hash,
            transactions_root: late.transactions_root,
            withdrawals_root: late.withdrawals_root,
        };
        early.early_root()
    }
}

macro_rules! header_with_execution {
    ($name:ident) => {
        impl From<$name> for Header {
            fn from(header: $name) -> Self {
                let empty = $name::default();
                let is_empty = header == empty;
                let $name { beacon, execution, execution_branch } = header;
                let proof = ExecutionProof {
                    root: execution.tree_hash_root(),
                    early_root: execution.early_root(),
                    branch: execution_branch.to_vec(),
                    is_empty: execution == empty.execution
                        && execution_branch == empty.execution_branch,
                };
                Self {
                    beacon,
                    execution: Execution {
                        block_hash: execution.block_hash,
                        number: execution.block_number,
                        state_root: execution.state_root,
                        receipts_root: execution.receipts_root,
                        time_s: execution.timestamp,
                    },
                    is_empty,
                    proof: Some(proof),
                }
            }
        }
    };
}

header_with_execution!(CapellaHeader);
header_with_execution!(DenebHeader);

/// Keys that sign for a period.
#[derive(Clone, Debug, PartialEq, Encode, Decode, TreeHash)]
struct SyncCommittee<N: Unsigned> {
    pubkeys: FixedVector<PublicKeyBytes, N>,
    aggregate_pubkey: PublicKeyBytes,
}

/// Keys that sign for a period, and the root that the beacon state has of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommitteeBytes {
    pub(super) keys: Vec<PublicKeyBytes>,
    /// The sum of all keys.
    pub(super) aggregate: PublicKeyBytes,
    pub(super) root: B256,
    /// Whether it is what stands where there is none.
    pub(super) is_empty: bool,
}

impl<N: Unsigned> From<SyncCommittee<N>> for CommitteeBytes {
    fn from(committee: SyncCommittee<N>) -> Self {
        let root = committee.tree_hash_root();
        let keys = committee.pubkeys.to_vec();
        let is_empty = committee.aggregate_pubkey.is_zero() && keys.iter().all(|key| key.is_zero());
        Self { keys, aggregate: committee.aggregate_pubkey, root, is_empty }
    }
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct SyncAggregate<N: Unsigned + Clone> {
    bits: BitVector<N>,
    signature: SignatureBytes,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct BootstrapSsz<H: Encode + Decode, N: Unsigned, D: Unsigned> {
    header: H,
    current_sync_committee: SyncCommittee<N>,
    current_sync_committee_branch: FixedVector<B256, D>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct UpdateSsz<H: Encode + Decode, N: Unsigned + Clone, D: Unsigned, F: Unsigned> {
    attested_header: H,
    next_sync_committee: SyncCommittee<N>,
    next_sync_committee_branch: FixedVector<B256, D>,
    finalized_header: H,
    finality_branch: FixedVector<B256, F>,
    sync_aggregate: SyncAggregate<N>,
    signature_slot: u64,
}

/// An update that names no committee.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct FinalitySsz<H: Encode + Decode, N: Unsigned + Clone, F: Unsigned> {
    attested_header: H,
    finalized_header: H,
    finality_branch: FixedVector<B256, F>,
    sync_aggregate: SyncAggregate<N>,
    signature_slot: u64,
}

/// Where a light client begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    pub(super) fork: Fork,
    pub(super) header: Header,
    pub(super) committee: CommitteeBytes,
    pub(super) committee_branch: Vec<B256>,
}

/// How a light client goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub(super) fork: Fork,
    pub(super) attested: Header,
    pub(super) next_committee: CommitteeBytes,
    pub(super) next_committee_branch: Vec<B256>,
    pub(super) finalized: Header,
    pub(super) finality_branch: Vec<B256>,
    /// Who of the committee signed.
    pub(super) bits: Vec<bool>,
    pub(super) signature: SignatureBytes,
    pub(super) signature_slot: u64,
}

/// The bytes are no such message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a light client message of this fork and preset")]
pub struct Malformed;

fn decoded<T: Decode>(bytes: &[u8]) -> Result<T, Malformed> {
    if bytes.len() > BYTES_MAX {
        return Err(Malformed);
    }
    T::from_ssz_bytes(bytes).map_err(|_| Malformed)
}

impl Bootstrap {
    /// Reads the SSZ of a `LightClientBootstrap`.
    ///
    /// # Errors
    /// [`Malformed`] unless `bytes` are exactly one of `fork` and `preset`.
    pub fn decode(bytes: &[u8], fork: Fork, preset: Preset) -> Result<Self, Malformed> {
        match preset {
            Preset::Mainnet => Self::sized::<U512>(bytes, fork),
            Preset::Minimal => Self::sized::<U32>(bytes, fork),
        }
    }

    fn sized<N: Unsigned>(bytes: &[u8], fork: Fork) -> Result<Self, Malformed> {
        match fork {
            Fork::Altair => Self::shaped::<AltairHeader, N, U5>(bytes, fork),
            Fork::Capella => Self::shaped::<CapellaHeader, N, U5>(bytes, fork),
            Fork::Deneb => Self::shaped::<DenebHeader, N, U5>(bytes, fork),
            Fork::Electra => Self::shaped::<DenebHeader, N, U6>(bytes, fork),
        }
    }

    fn shaped<H, N, D>(bytes: &[u8], fork: Fork) -> Result<Self, Malformed>
    where
        H: Encode + Decode + Into<Header>,
        N: Unsigned,
        D: Unsigned,
    {
        let read: BootstrapSsz<H, N, D> = decoded(bytes)?;
        Ok(Self {
            fork,
            header: read.header.into(),
            committee: read.current_sync_committee.into(),
            committee_branch: read.current_sync_committee_branch.to_vec(),
        })
    }
}

impl Update {
    /// Reads the SSZ of a `LightClientUpdate`.
    ///
    /// # Errors
    /// [`Malformed`] unless `bytes` are exactly one of `fork` and `preset`.
    pub fn decode(bytes: &[u8], fork: Fork, preset: Preset) -> Result<Self, Malformed> {
        match preset {
            Preset::Mainnet => Self::sized::<U512>(bytes, fork),
            Preset::Minimal => Self::sized::<U32>(bytes, fork),
        }
    }

    fn sized<N: Unsigned + Clone>(bytes: &[u8], fork: Fork) -> Result<Self, Malformed> {
        match fork {
            Fork::Altair => Self::shaped::<AltairHeader, N, U5, U6>(bytes, fork),
            Fork::Capella => Self::shaped::<CapellaHeader, N, U5, U6>(bytes, fork),
            Fork::Deneb => Self::shaped::<DenebHeader, N, U5, U6>(bytes, fork),
            Fork::Electra => Self::shaped::<DenebHeader, N, U6, U7>(bytes, fork),
        }
    }

    fn shaped<H, N, D, F>(bytes: &[u8], fork: Fork) -> Result<Self, Malformed>
    where
        H: Encode + Decode + Into<Header>,
        N: Unsigned + Clone,
        D: Unsigned,
        F: Unsigned,
    {
        let read: UpdateSsz<H, N, D, F> = decoded(bytes)?;
        Ok(Self {
            fork,
            attested: read.attested_header.into(),
            next_committee: read.next_sync_committee.into(),
            next_committee_branch: read.next_sync_committee_branch.to_vec(),
            finalized: read.finalized_header.into(),
            finality_branch: read.finality_branch.to_vec(),
            bits: read.sync_aggregate.bits.iter().collect(),
            signature: read.sync_aggregate.signature,
            signature_slot: read.signature_slot,
        })
    }

    /// Reads the SSZ of a `LightClientFinalityUpdate`.
    ///
    /// # Errors
    /// [`Malformed`] unless `bytes` are exactly one of `fork` and `preset`.
    pub fn decode_finality(bytes: &[u8], fork: Fork, preset: Preset) -> Result<Self, Malformed> {
        match preset {
            Preset::Mainnet => Self::finality::<U512>(bytes, fork),
            Preset::Minimal => Self::finality::<U32>(bytes, fork),
        }
    }

    fn finality<N: Unsigned + Clone>(bytes: &[u8], fork: Fork) -> Result<Self, Malformed> {
        match fork {
            Fork::Altair => Self::final_only::<AltairHeader, N, U6>(bytes, fork),
            Fork::Capella => Self::final_only::<CapellaHeader, N, U6>(bytes, fork),
            Fork::Deneb => Self::final_only::<DenebHeader, N, U6>(bytes, fork),
            Fork::Electra => Self::final_only::<DenebHeader, N, U7>(bytes, fork),
        }
    }

    fn final_only<H, N, F>(bytes: &[u8], fork: Fork) -> Result<Self, Malformed>
    where
        H: Encode + Decode + Into<Header>,
        N: Unsigned + Clone,
        F: Unsigned,
    {
        let read: FinalitySsz<H, N, F> = decoded(bytes)?;
        let key = PublicKeyBytes::ZERO;
        Ok(Self {
            fork,
            attested: read.attested_header.into(),
            next_committee: CommitteeBytes {
                keys: vec![key; N::to_usize()],
                aggregate: key,
                root: B256::ZERO,
                is_empty: true,
            },
            next_committee_branch: Vec::new(),
            finalized: read.finalized_header.into(),
            finality_branch: read.finality_branch.to_vec(),
            bits: read.sync_aggregate.bits.iter().collect(),
            signature: read.sync_aggregate.signature,
            signature_slot: read.signature_slot,
        })
    }

    /// How many of the committee signed.
    pub fn participants(&self) -> usize {
        self.bits.iter().filter(|bit| **bit).count()
    }

    /// Whether it names the committee of the period after the attested block's.
    pub(super) fn has_committee(&self) -> bool {
        self.next_committee_branch.iter().any(|node| !node.is_zero())
    }

    /// Whether it names a final block.
    pub(super) fn has_finality(&self) -> bool {
        self.finality_branch.iter().any(|node| !node.is_zero())
    }
}

/// The SSZ of a `SyncCommittee` alone.
pub(super) fn committee(bytes: &[u8], preset: Preset) -> Result<CommitteeBytes, Malformed> {
    match preset {
        Preset::Mainnet => decoded::<SyncCommittee<U512>>(bytes).map(CommitteeBytes::from),
        Preset::Minimal => decoded::<SyncCommittee<U32>>(bytes).map(CommitteeBytes::from),
    }
}

#[cfg(test)]
pub(super) mod tests;

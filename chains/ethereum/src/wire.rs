//! The contract's calls, answers, events and errors, to and from the seam's values. Pure.

mod call;
mod layout;

use std::sync::LazyLock;

use alloy::{
    primitives::{Address, B256, Bytes, U64, U256},
    sol_types::{SolCall as _, SolEvent as _, SolInterface as _, SolValue as _},
};
use governance::{
    anchor::{Account, Code, Head, OnChainId, Registry},
    log::{BlockRef, Revision},
};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{ContextId, Hash};

use self::abi::IRegistry;
pub use self::call::call_data;
pub(crate) use self::layout::{Ballot, RecordAt, SEATS_MAX, open_proposals, seat, seat_since};

mod abi {
    alloy::sol! {
        interface IRegistry {
            error E01_Exists();
            error E03_BadTerms();
            error E10_NotActive();
            error E11_Frozen();
            error E12_NotAdmin();
            error E13_TooManyOpenByProposer();
            error E14_TooManyOpen();
            error E15_BadExpiry();
            error E16_BadActions();
            error E17_Reserved(uint8 kind);
            error E20_NotOpen();
            error E21_Expired();
            error E22_OtherActions();
            error E23_ApproverNotAdmin();
            error E24_SeatedLater();
            error E25_AlreadyApproved();
            error E26_BadSignature();
            error E27_NotApproved();
            error E30_NotProposer();
            error E31_NotGuardian();
            error E40_OtherActions();
            error E41_NotQueued();
            error E42_TooEarly();
            error E43_Expired();
            error E44_Frozen();
            error E46_TooFewApprovals();
            error E48_NotExpired();
            error E50_NotNominated();
            error E51_AlreadyAdmin();
            error E52_NoFreeSeat();
            error E53_LastAdmin();
            error E54_RemovalRefused();
            error E55_BadThreshold();
            error E56_BadDelay();
            error E57_StaleRoot(bytes32 current);
            error E58_NomineeIsAdmin();
            error E59_BadTtl();
            error E60_BadBinding();
            error E70_NoClaims();
            error E71_NotInvited();
            error E72_InviteExpired();
            error E73_BadInviteSignature();
            error E74_InviteUsed();
            error E80_FreezeRefused();

            event Rev(
                bytes32 indexed ctx, uint64 indexed rev, uint8 kind, bytes payload, bytes32 logHead
            );
            event Proposed(
                bytes32 indexed ctx, uint64 indexed seq, address indexed by, bytes actions,
                uint64 expiry
            );
            event Approved(bytes32 indexed ctx, uint64 indexed seq, address indexed by);

            struct Terms {
                bytes32 appHash;
                bytes32 membersRoot;
                uint32 membersCount;
                uint8 flags;
                uint32[4] delays;
                address guardian;
                bytes32 contextKeyHash;
            }

            struct Record {
                bytes32 contextKeyHash;
                bytes32 appHash;
                bytes32 membersRoot;
                bytes32 metaHash;
                bytes32 inviteRoot;
                uint32 membersCount;
                uint32[4] delays;
                uint8 openProposals;
                address guardian;
                uint64 frozenUntil;
                uint64 lastFreeze;
            }

            struct Proposal {
                bytes32 actionsHash;
                uint64 approvals;
                uint64 withdrawn;
                uint64 createdRev;
                uint40 eta;
                uint40 expiry;
                uint8 threshold;
                uint8 class;
                uint8 status;
                bool setsGuardian;
                address proposer;
            }

            struct SignedApproval {
                address signer;
                bytes signature;
            }

            struct Invite {
                address key;
                uint64 expiry;
                uint8 role;
                uint32 uses;
            }

            function create(bytes32 salt, Terms calldata terms) external returns (bytes32 ctx);
            function propose(bytes32 ctx, bytes calldata actions, uint64 expiry)
                external returns (uint64 seq);
            function act(bytes32 ctx, bytes calldata actions, uint64 expiry)
                external returns (uint64 seq);
            function approve(bytes32 ctx, uint64 seq, bytes32 actionsHash) external;
            function approveAndExecute(bytes32 ctx, uint64 seq, bytes calldata actions) external;
            function unapprove(bytes32 ctx, uint64 seq) external;
            function cancel(bytes32 ctx, uint64 seq) external;
            function approveBySigs(
                bytes32 ctx, uint64 seq, bytes32 actionsHash, uint256 deadline,
                SignedApproval[] calldata approvals
            ) external;
            function veto(bytes32 ctx, uint64 seq) external;
            function execute(bytes32 ctx, uint64 seq, bytes calldata actions) external;
            function expire(bytes32 ctx, uint64 seq) external;
            function acceptAdmin(bytes32 ctx) external;
            function renounce(bytes32 ctx) external;
            function bind(
                bytes32 ctx, uint8 scheme, bytes calldata key, bytes calldata signature,
                uint64 expiry
            ) external;
            function unbind(bytes32 ctx, bytes calldata key) external;
            function claimInvite(
                bytes32 ctx, bytes calldata key, Invite calldata invite, uint32 use,
                bytes32[] calldata proof, bytes calldata signature
            ) external;
            function freeze(bytes32 ctx, uint32 secs) external;
            function head(bytes32 ctx) external view returns (uint256 word, bytes32 logHead);
            function record(bytes32 ctx) external view returns (Record memory);
            function proposal(bytes32 ctx, uint64 seq) external view returns (Proposal memory);
            function isMember(bytes32 ctx, bytes32 leaf, bytes32[] calldata proof)
                external view returns (bool);
        }
    }
}

/// The build that is committed beside the contract.
const ARTIFACT: &str = include_str!("../../../contracts/ethereum/artifact/Registry.json");

/// What this adapter uses of the build.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    creation: Bytes,
    runtime: Bytes,
    /// Where the constructor writes the registry's domain into the runtime code.
    registry_domain_at: Vec<usize>,
}

static REGISTRY: LazyLock<Artifact> = LazyLock::new(|| {
    serde_json::from_str(ARTIFACT).expect("the committed artifact is read by this crate's tests")
});

/// An event as `eth_getLogs` and receipts tell it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    pub(crate) block_hash: Option<B256>,
    pub(crate) block_number: Option<U64>,
    /// Newer clients tell it, which saves a question.
    #[serde(default)]
    pub(crate) block_timestamp: Option<U64>,
}

/// A receipt as `eth_getBlockReceipts` tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    #[serde(rename = "type", default)]
    pub(crate) kind: U64,
    /// Or, before Byzantium, `root`.
    #[serde(default)]
    pub(crate) status: Option<U64>,
    #[serde(default)]
    pub(crate) root: Option<B256>,
    pub(crate) cumulative_gas_used: U64,
    pub(crate) logs_bloom: Bytes,
    pub(crate) logs: Vec<Log>,
    /// Of deposits on chains like Optimism.
    #[serde(default)]
    pub(crate) deposit_nonce: Option<U64>,
    #[serde(default)]
    pub(crate) deposit_receipt_version: Option<U64>,
}

/// What the events of one transaction say that it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) seq: Option<u64>,
    pub(crate) rev: Option<u64>,
}

/// The code to deploy.
pub(crate) fn creation_code() -> Bytes {
    REGISTRY.creation.clone()
}

/// The code that `registry` must have: the build with its own domain filled in.
pub(crate) fn runtime_code(registry: &Registry) -> Bytes {
    let mut code = REGISTRY.runtime.to_vec();
    let domain = registry.domain();
    for start in &REGISTRY.registry_domain_at {
        if let Some(hole) = code.get_mut(*start..start.saturating_add(32)) {
            hole.copy_from_slice(domain.as_bytes());
        }
    }
    code.into()
}

/// The call that reads the two words of a head.
pub(crate) fn head_call(context: &OnChainId) -> Bytes {
    IRegistry::headCall { ctx: word(context.as_hash()) }.abi_encode().into()
}

/// The call that reads what stands beside a head.
pub(crate) fn record_call(context: &OnChainId) -> Bytes {
    IRegistry::recordCall { ctx: word(context.as_hash()) }.abi_encode().into()
}

/// The head and log head in an answer; the inner `None` if there is no such record.
pub(crate) fn head_answer(data: &[u8]) -> Option<Option<(Head, Hash)>> {
    let (packed, log_head) = <(U256, B256)>::abi_decode(data).ok()?;
    if packed.is_zero() {
        return Some(None);
    }
    let head = Head::unpack(&packed.to_be_bytes())?;
    Some(Some((head, hash(log_head))))
}

/// Context and members root in the answer to [`record_call`].
pub(crate) fn record_answer(data: &[u8]) -> Option<(ContextId, Hash)> {
    let record = IRegistry::recordCall::abi_decode_returns(data).ok()?;
    Some((ContextId::from_bytes(record.contextKeyHash.0), hash(record.membersRoot)))
}

/// Why the registry reverted; `None` if this is no error of it.
pub(crate) fn code_of(revert: &[u8]) -> Option<Code> {
    let error = IRegistry::IRegistryErrors::abi_decode(revert).ok()?;
    Some(code(&error))
}

const fn code(error: &IRegistry::IRegistryErrors) -> Code {
    use IRegistry::IRegistryErrors as E;
    match error {
        E::E01_Exists(_) => Code::E01,
        E::E03_BadTerms(_) => Code::E03,
        E::E10_NotActive(_) => Code::E10,
        E::E11_Frozen(_) => Code::E11,
        E::E12_NotAdmin(_) => Code::E12,
        E::E13_TooManyOpenByProposer(_) => Code::E13,
        E::E14_TooManyOpen(_) => Code::E14,
        E::E15_BadExpiry(_) => Code::E15,
        E::E16_BadActions(_) => Code::E16,
        E::E17_Reserved(_) => Code::E17,
        E::E20_NotOpen(_) => Code::E20,
        E::E21_Expired(_) => Code::E21,
        E::E22_OtherActions(_) => Code::E22,
        E::E23_ApproverNotAdmin(_) => Code::E23,
        E::E24_SeatedLater(_) => Code::E24,
        E::E25_AlreadyApproved(_) => Code::E25,
        E::E26_BadSignature(_) => Code::E26,
        E::E27_NotApproved(_) => Code::E27,
        E::E30_NotProposer(_) => Code::E30,
        E::E31_NotGuardian(_) => Code::E31,
        E::E40_OtherActions(_) => Code::E40,
        E::E41_NotQueued(_) => Code::E41,
        E::E42_TooEarly(_) => Code::E42,
        E::E43_Expired(_) => Code::E43,
        E::E44_Frozen(_) => Code::E44,
        E::E46_TooFewApprovals(_) => Code::E46,
        E::E48_NotExpired(_) => Code::E48,
        E::E50_NotNominated(_) => Code::E50,
        E::E51_AlreadyAdmin(_) => Code::E51,
        E::E52_NoFreeSeat(_) => Code::E52,
        E::E53_LastAdmin(_) => Code::E53,
        E::E54_RemovalRefused(_) => Code::E54,
        E::E55_BadThreshold(_) => Code::E55,
        E::E56_BadDelay(_) => Code::E56,
        E::E57_StaleRoot(_) => Code::E57,
        E::E58_NomineeIsAdmin(_) => Code::E58,
        E::E59_BadTtl(_) => Code::E59,
        E::E60_BadBinding(_) => Code::E60,
        E::E70_NoClaims(_) => Code::E70,
        E::E71_NotInvited(_) => Code::E71,
        E::E72_InviteExpired(_) => Code::E72,
        E::E73_BadInviteSignature(_) => Code::E73,
        E::E74_InviteUsed(_) => Code::E74,
        E::E80_FreezeRefused(_) => Code::E80,
    }
}

/// The topics that select the revisions of `context`.
pub(crate) fn rev_topics(context: &OnChainId) -> [B256; 2] {
    [IRegistry::Rev::SIGNATURE_HASH, word(context.as_hash())]
}

/// The revision that `log` tells of, still without its block; `None` if it is another event, or
/// another context's, or from another contract than `registry`.
pub(crate) fn revision(
    log: &Log,
    registry: Address,
    context: &OnChainId,
) -> Option<(u64, impl FnOnce(BlockRef) -> Revision + use<>)> {
    if log.address != registry || !log.topics.starts_with(&rev_topics(context)) {
        return None;
    }
    let event = IRegistry::Rev::decode_raw_log(log.topics.iter().copied(), &log.data).ok()?;
    let IRegistry::Rev { rev, kind, payload, logHead, .. } = event;
    let (payload, log_head) = (payload.into(), hash(logHead));
    Some((rev, move |block| Revision { rev, kind, payload, log_head, block }))
}

/// The topics that select proposals with these numbers and approvals of them.
pub(crate) fn proposal_topics(context: &OnChainId, seqs: &[u64]) -> Value {
    let kinds = [IRegistry::Proposed::SIGNATURE_HASH, IRegistry::Approved::SIGNATURE_HASH];
    let seqs: Vec<B256> = seqs.iter().map(|seq| B256::from(U256::from(*seq))).collect();
    json!([kinds, word(context.as_hash()), seqs])
}

/// What happened to a proposal: its number, who did it, and the batch if it was proposed. `None` if
/// `log` tells of something else.
pub(crate) fn proposal_event(
    log: &Log,
    registry: Address,
    context: &OnChainId,
) -> Option<(u64, Address, Option<Bytes>)> {
    let ctx = word(context.as_hash());
    if log.address != registry || log.topics.get(1) != Some(&ctx) {
        return None;
    }
    let topics = log.topics.iter().copied();
    if let Ok(event) = IRegistry::Proposed::decode_raw_log(topics.clone(), &log.data) {
        return Some((event.seq, event.by, Some(event.actions)));
    }
    let event = IRegistry::Approved::decode_raw_log(topics, &log.data).ok()?;
    Some((event.seq, event.by, None))
}

/// What the events in a receipt say that it did to `context`.
pub(crate) fn done(logs: &[Log], registry: Address, context: &OnChainId) -> Done {
    let mut done = Done::default();
    let ctx = word(context.as_hash());
    for log in logs.iter().filter(|log| log.address == registry) {
        let topics = log.topics.iter().copied();
        if let Ok(event) = IRegistry::Rev::decode_raw_log(topics.clone(), &log.data) {
            done.rev = if event.ctx == ctx { Some(event.rev) } else { done.rev };
        } else if let Ok(event) = IRegistry::Proposed::decode_raw_log(topics, &log.data) {
            done.seq = if event.ctx == ctx { Some(event.seq) } else { done.seq };
        }
    }
    done
}

/// The account as an address; `None` if it has not 20 bytes.
pub(crate) fn address(account: &Account) -> Option<Address> {
    Address::try_from(account.as_bytes()).ok()
}

pub(crate) fn word(hash: &Hash) -> B256 {
    B256::from(*hash.as_bytes())
}

pub(crate) fn hash(word: B256) -> Hash {
    Hash::from_bytes(word.0)
}

#[cfg(test)]
mod tests;

//! The contract's calls, answers, events and errors, to and from the seam's values. Pure.

use std::sync::LazyLock;

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::{SolCall as _, SolEvent as _, SolInterface as _, SolValue as _},
};
use chain::{Call, ChainError};
use governance::{
    anchor::{Account, Action, Code, Head, OnChainId, Registry, Terms, encode_actions},
    log::{BlockRef, Revision},
};
use serde::Deserialize;
use types::{ContextId, Hash};

use self::abi::IRegistry;

mod abi {
    alloy::sol! {
        interface IRegistry {
            error E01_Exists();
            error E03_BadTerms();
            error E10_NotActive();
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
            error E27_NotApproved();
            error E30_NotProposer();
            error E40_OtherActions();
            error E41_NotQueued();
            error E42_TooEarly();
            error E43_Expired();
            error E46_TooFewApprovals();
            error E48_NotExpired();
            error E50_NotNominated();
            error E51_AlreadyAdmin();
            error E52_NoFreeSeat();
            error E53_LastAdmin();
            error E54_RemovalRefused();
            error E55_BadThreshold();
            error E57_StaleRoot(bytes32 current);
            error E58_NomineeIsAdmin();
            error E59_BadTtl();

            event Rev(
                bytes32 indexed ctx, uint64 indexed rev, uint8 kind, bytes payload, bytes32 logHead
            );
            event Proposed(
                bytes32 indexed ctx, uint64 indexed seq, address indexed by, bytes actions,
                uint64 expiry
            );

            struct Terms {
                bytes32 appHash;
                bytes32 membersRoot;
                uint32 membersCount;
                uint8 threshold;
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
            function execute(bytes32 ctx, uint64 seq, bytes calldata actions) external;
            function expire(bytes32 ctx, uint64 seq) external;
            function acceptAdmin(bytes32 ctx) external;
            function renounce(bytes32 ctx) external;
            function head(bytes32 ctx) external view returns (uint256 word, bytes32 logHead);
            function record(bytes32 ctx) external view returns (Record memory);
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

/// The transaction data that makes `call` about `context`.
pub(crate) fn call_data(context: &OnChainId, call: &Call) -> Result<Bytes, ChainError> {
    let ctx = word(context.as_hash());
    let encode = |actions: &[Action]| {
        let too_many = |_| ChainError::BadCall { what: "no action, or more than one batch takes" };
        encode_actions(actions).map(Bytes::from).map_err(too_many)
    };
    let data = match call {
        Call::Create { salt, terms } => {
            IRegistry::createCall { salt: B256::from(*salt), terms: terms_of(terms)? }.abi_encode()
        }
        Call::Propose { actions, expiry_s } => {
            let actions = encode(actions)?;
            IRegistry::proposeCall { ctx, actions, expiry: *expiry_s }.abi_encode()
        }
        Call::Act { actions, expiry_s } => {
            let actions = encode(actions)?;
            IRegistry::actCall { ctx, actions, expiry: *expiry_s }.abi_encode()
        }
        Call::Approve { seq, actions_hash } => {
            let hash = word(actions_hash);
            IRegistry::approveCall { ctx, seq: *seq, actionsHash: hash }.abi_encode()
        }
        Call::ApproveAndExecute { seq, actions } => {
            let actions = encode(actions)?;
            IRegistry::approveAndExecuteCall { ctx, seq: *seq, actions }.abi_encode()
        }
        Call::Unapprove { seq } => IRegistry::unapproveCall { ctx, seq: *seq }.abi_encode(),
        Call::Cancel { seq } => IRegistry::cancelCall { ctx, seq: *seq }.abi_encode(),
        Call::Execute { seq, actions } => {
            IRegistry::executeCall { ctx, seq: *seq, actions: encode(actions)? }.abi_encode()
        }
        Call::Expire { seq } => IRegistry::expireCall { ctx, seq: *seq }.abi_encode(),
        Call::AcceptAdmin => IRegistry::acceptAdminCall { ctx }.abi_encode(),
        Call::Renounce => IRegistry::renounceCall { ctx }.abi_encode(),
    };
    Ok(data.into())
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
        E::E27_NotApproved(_) => Code::E27,
        E::E30_NotProposer(_) => Code::E30,
        E::E40_OtherActions(_) => Code::E40,
        E::E41_NotQueued(_) => Code::E41,
        E::E42_TooEarly(_) => Code::E42,
        E::E43_Expired(_) => Code::E43,
        E::E46_TooFewApprovals(_) => Code::E46,
        E::E48_NotExpired(_) => Code::E48,
        E::E50_NotNominated(_) => Code::E50,
        E::E51_AlreadyAdmin(_) => Code::E51,
        E::E52_NoFreeSeat(_) => Code::E52,
        E::E53_LastAdmin(_) => Code::E53,
        E::E54_RemovalRefused(_) => Code::E54,
        E::E55_BadThreshold(_) => Code::E55,
        E::E57_StaleRoot(_) => Code::E57,
        E::E58_NomineeIsAdmin(_) => Code::E58,
        E::E59_BadTtl(_) => Code::E59,
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

fn terms_of(terms: &Terms) -> Result<IRegistry::Terms, ChainError> {
    let guardian = terms.guardian.as_ref().map_or(Some(Address::ZERO), address);
    Ok(IRegistry::Terms {
        appHash: word(&terms.app),
        membersRoot: word(&terms.members_root),
        membersCount: terms.members_count,
        threshold: terms.threshold,
        delays: terms.delays_s,
        guardian: guardian.ok_or(ChainError::BadCall { what: "the guardian is no address" })?,
        contextKeyHash: B256::from(*terms.context.as_bytes()),
    })
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

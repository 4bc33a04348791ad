//! The registry's interface in Candid: what is sent, and how answers are read. The types are those
//! of `contracts/icp`'s interface file.
//!
//! Refuses answers that cost more to read than any registry's does.

mod call;
mod form;

use candid::{CandidType, DecoderConfig, utils::ArgumentEncoder};
use chain::{Beside, OpenProposal};
use governance::{
    anchor::{Account, Class, Code, OnChainId, decode_actions},
    log::{BlockRef, Revision},
};
use serde::Deserialize;
use types::{ContextId, Hash, keccak256};

use self::form::{
    CertifiedProposals, CertifiedRecord, CertifiedRevisions, Event, Outcome, ProposalView,
    RecordView, Refusal, RevisionView,
};
pub(crate) use self::{
    call::call,
    form::{Blob, Certified},
};
use crate::UnixNanos;

/// The method that proves where a record stands.
pub(crate) const HEAD: &str = "head";
/// The method that tells revisions.
pub(crate) const REVISIONS: &str = "revisions";
/// The method that tells what stands beside a head.
pub(crate) const RECORD: &str = "record";
/// The method that tells open proposals.
pub(crate) const PROPOSALS: &str = "proposals";
/// Most revisions in one answer; the registry's own bound.
pub(crate) const REVISIONS_MAX: u32 = 64;

/// What reading an answer may cost, in Candid's own unit: about a byte each. The longest answer is
/// 64 proposals of 4 KiB.
const DECODING_QUOTA: usize = 4 << 20;
/// The same for parts that are not known here.
const SKIPPING_QUOTA: usize = 64 << 10;
/// Open proposals that a record has at most.
const PROPOSALS_MAX: usize = 64;

/// An answer is not the registry's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadAnswer {
    #[error("it is not in the form of the interface")]
    Candid(#[from] candid::Error),
    #[error("it has {0}")]
    Value(&'static str),
}

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// The last revision that it made.
    pub(crate) rev: Option<u64>,
    /// The proposal that it made.
    pub(crate) seq: Option<u64>,
}

pub(crate) fn head_args(context: &OnChainId) -> Vec<u8> {
    encode((blob32(context.as_hash()),))
}

/// A certificate and a witness.
pub(crate) fn head_answer(bytes: &[u8]) -> Result<Certified, BadAnswer> {
    decode(bytes)
}

pub(crate) fn revisions_args(context: &OnChainId, after_rev: u64) -> Vec<u8> {
    encode((blob32(context.as_hash()), after_rev, REVISIONS_MAX))
}

/// Revisions, and when each happened.
pub(crate) fn revisions_answer(bytes: &[u8]) -> Result<Vec<(Revision, UnixNanos)>, BadAnswer> {
    let CertifiedRevisions { revisions } = decode(bytes)?;
    revisions.into_iter().map(revision).collect()
}

/// When it happened stands for a block: see [`moment_of`].
fn revision(told: RevisionView) -> Result<(Revision, UnixNanos), BadAnswer> {
    let RevisionView { rev, kind, time_ns, payload, log_head } = told;
    let (time, log_head) = (UnixNanos(time_ns), hash(&log_head)?);
    let block = moment_of(time, log_head);
    Ok((Revision { rev, kind, payload: payload.0, log_head, block }, time))
}

/// The moment of a revision, which is the same for whoever reads it: the time that the registry
/// wrote down, in whole seconds, as height too, and the log head after it as hash, since no state
/// tree of the past can be asked for.
const fn moment_of(time: UnixNanos, log_head: Hash) -> BlockRef {
    let time_s = time.as_secs();
    BlockRef { height: time_s, hash: log_head, time_s }
}

pub(crate) fn record_args(context: &OnChainId) -> Vec<u8> {
    head_args(context)
}

/// What stands beside the head; `None` for no record.
pub(crate) fn record_answer(bytes: &[u8]) -> Result<(Certified, Option<Beside>), BadAnswer> {
    let CertifiedRecord { certified, record } = decode(bytes)?;
    let beside = |view: RecordView| -> Result<Beside, BadAnswer> {
        let context = ContextId::from_bytes(*hash(&view.context)?.as_bytes());
        Ok(Beside { context, members_root: hash(&view.members_root)? })
    };
    Ok((certified, record.map(beside).transpose()?))
}

pub(crate) fn proposals_args(context: &OnChainId) -> Vec<u8> {
    head_args(context)
}

/// The open proposals, each with the threshold of its day as how many must approve.
pub(crate) fn proposals_answer(bytes: &[u8]) -> Result<(Certified, Vec<OpenProposal>), BadAnswer> {
    let CertifiedProposals { certified, proposals } = decode(bytes)?;
    if proposals.len() > PROPOSALS_MAX {
        return Err(BadAnswer::Value("more than 64 open proposals"));
    }
    let open = proposals.into_iter().map(open).collect::<Result<_, BadAnswer>>()?;
    Ok((certified, open))
}

fn open(view: ProposalView) -> Result<OpenProposal, BadAnswer> {
    if keccak256(&view.actions.0) != hash(&view.actions_hash)? {
        return Err(BadAnswer::Value("a batch of another hash"));
    }
    let actions = decode_actions(&view.actions.0);
    Ok(OpenProposal {
        seq: view.seq,
        proposer: account(&view.proposer)?,
        actions: actions.map_err(|_| BadAnswer::Value("a batch that no registry takes"))?,
        class: Class::from_number(view.class).ok_or(BadAnswer::Value("an unknown class"))?,
        approvals: view.approved_by.iter().map(account).collect::<Result<_, _>>()?,
        needed: view.threshold,
        eta_s: view.eta_s,
        expiry_s: view.expiry_s,
    })
}

/// What a call came to: done, or refused with a code.
pub(crate) fn call_answer(bytes: &[u8]) -> Result<Result<Done, Code>, BadAnswer> {
    let answer: Result<Outcome, Refusal> = decode(bytes)?;
    match answer {
        Ok(Outcome { events }) => Ok(Ok(done(&events))),
        Err(Refusal { code }) => {
            let code = Code::from_number(code).ok_or(BadAnswer::Value("an unknown code"))?;
            Ok(Err(code))
        }
    }
}

fn done(events: &[Event]) -> Done {
    let mut done = Done::default();
    for event in events {
        match event {
            Event::Rev { rev } => done.rev = Some(*rev),
            Event::Proposed { seq } => done.seq = Some(*seq),
            _ => {}
        }
    }
    done
}

fn encode(args: impl ArgumentEncoder) -> Vec<u8> {
    candid::encode_args(args).expect("these types have a Candid form")
}

fn decode<T: CandidType + for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, BadAnswer> {
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(DECODING_QUOTA).set_skipping_quota(SKIPPING_QUOTA);
    config.set_full_error_message(false);
    Ok(candid::utils::decode_one_with_config(bytes, &config)?)
}

fn blob32(hash: &Hash) -> Blob {
    Blob(hash.as_bytes().to_vec())
}

fn hash(blob: &Blob) -> Result<Hash, BadAnswer> {
    let bytes = <[u8; 32]>::try_from(blob.0.as_slice());
    bytes.map(Hash::from_bytes).map_err(|_| BadAnswer::Value("a hash of another length"))
}

fn account(principal: &candid::Principal) -> Result<Account, BadAnswer> {
    let account = Account::new(principal.as_slice());
    account.ok_or(BadAnswer::Value("an account without bytes"))
}

#[cfg(test)]
mod tests;

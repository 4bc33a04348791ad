//! What anybody may ask.

use governance::{
    anchor::{self, Account, Class, Seat},
    members_root,
};
use near_sdk::{AccountId, json_types::U64, near};
use types::Hash;

use crate::{
    json::{Bytes, Bytes32},
    state::{self, account, name},
    turn::now_s,
};

/// Most revisions that one answer holds.
const REVISIONS_MAX: u64 = 64;

/// The two words that begin a record's value.
#[near(serializers = [json])]
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// The packed head.
    pub head: Bytes32,
    /// The log head.
    pub log_head: Bytes32,
}

/// What stands beside the head.
#[near(serializers = [json])]
#[derive(Clone, Debug)]
pub struct Record {
    /// The context whose genesis names this record.
    pub context: Bytes32,
    /// The application.
    pub app: Bytes32,
    /// Root over the members.
    pub members_root: Bytes32,
    /// How many they are.
    pub members_count: u32,
    /// What the context says about itself.
    pub meta: Bytes32,
    /// Root over open invitations.
    pub invite_root: Bytes32,
    /// Seconds per class, as they count at present.
    pub delays_s: [u32; 4],
    /// How many proposals are open.
    pub open_proposals: u32,
    /// Who may veto and freeze.
    pub guardian: Option<AccountId>,
    /// Unix seconds, exclusive; 0 if it never was frozen.
    pub frozen_until_s: U64,
    /// Unix seconds; 0 for never.
    pub last_freeze_s: U64,
}

/// What an account is to a record.
#[near(serializers = [json])]
#[derive(Clone, Debug, Default)]
pub struct Admin {
    /// Whether it holds a seat.
    pub seated: bool,
    /// Which one.
    pub seat: u8,
    /// Since which revision.
    pub since: U64,
    /// Until when it may take a seat, Unix seconds; 0 if it may not.
    pub nominated_until_s: U64,
    /// How many open proposals are its own.
    pub open: u32,
}

/// An open proposal.
#[near(serializers = [json])]
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its number.
    pub seq: U64,
    /// Its batch.
    pub actions: Bytes,
    /// keccak-256 of the batch.
    pub actions_hash: Bytes32,
    /// Bitmap of the seats that approve.
    pub approvals: U64,
    /// Who holds those of them that count, in the order of their seats.
    pub approved_by: Vec<AccountId>,
    /// Bitmap of the seats that took an approval back.
    pub withdrawn: U64,
    /// The revision when it was made.
    pub created_rev: U64,
    /// From when on it may be executed, Unix seconds; 0 until it has its approvals.
    pub eta_s: U64,
    /// Its last second.
    pub expiry_s: U64,
    /// The threshold when it was made.
    pub threshold: u8,
    /// How grave it is, 0 to 3.
    pub class: u8,
    /// 1 while approvals are missing, 2 once it is queued.
    pub status: u8,
    /// Whether its batch sets the guardian.
    pub sets_guardian: bool,
    /// Who made it.
    pub proposer: AccountId,
}

/// A revision.
#[near(serializers = [json])]
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its number.
    pub rev: U64,
    /// Its kind.
    pub kind: u8,
    /// The block's height.
    pub height: U64,
    /// The block's time, Unix nanoseconds.
    pub time_ns: U64,
    /// What it says.
    pub payload: Bytes,
    /// The log head after it.
    pub log_head: Bytes32,
}

pub(crate) fn heads(context: Bytes32) -> Heads {
    let (head, log_head) = state::heads(&context.into()).map_or(([0; 32], [0; 32]), |heads| {
        let (head, log_head) = heads.split_at(32);
        let word = |bytes: &[u8]| bytes.try_into().expect("half of 64 bytes");
        (word(head), word(log_head))
    });
    Heads { head: Bytes32(head), log_head: Bytes32(log_head) }
}

pub(crate) fn record(context: Bytes32) -> Option<Record> {
    let record = read(context)?;
    let delay_s =
        |number| Class::from_number(number).map_or(0, |class| record.delay_s(class, now_s()));
    Some(Record {
        context: Bytes32(*record.terms.context.as_bytes()),
        app: record.terms.app.into(),
        members_root: record.terms.members_root.into(),
        members_count: record.terms.members_count,
        meta: record.meta.into(),
        invite_root: record.invite_root.into(),
        delays_s: [0, 1, 2, 3].map(delay_s),
        open_proposals: u32::try_from(record.proposals.len()).unwrap_or(u32::MAX),
        guardian: record.terms.guardian.as_ref().map(name),
        frozen_until_s: U64(record.frozen_until_s),
        last_freeze_s: U64(record.last_freeze_s),
    })
}

pub(crate) fn admin(context: Bytes32, id: &AccountId) -> Admin {
    let Some(record) = read(context) else { return Admin::default() };
    let account = account(id);
    let seat = record.seats.get(&account);
    let own = record.proposals.values().filter(|proposal| proposal.proposer == account).count();
    let nominated_until_s = state::nominated_until_s(&record.id, &account);
    Admin {
        seated: seat.is_some(),
        seat: seat.map_or(0, |seat| seat.index),
        since: U64(seat.map_or(0, |seat| seat.since)),
        nominated_until_s: U64(nominated_until_s.unwrap_or(0)),
        open: u32::try_from(own).unwrap_or(u32::MAX),
    }
}

pub(crate) fn proposal(context: Bytes32, seq: u64) -> Option<Proposal> {
    let record = read(context)?;
    record.proposals.get(&seq).map(|proposal| shown(&record, seq, proposal))
}

pub(crate) fn proposals(context: Bytes32) -> Vec<Proposal> {
    let Some(record) = read(context) else { return Vec::new() };
    record.proposals.iter().map(|(seq, proposal)| shown(&record, *seq, proposal)).collect()
}

pub(crate) fn revisions(context: Bytes32, after: u64, limit: u32) -> Vec<Revision> {
    let context = context.into();
    let last = after.saturating_add(u64::from(limit).min(REVISIONS_MAX));
    let revision = |rev| {
        let state::Revision { kind, height, time_ns, payload, log_head } =
            state::revision(&context, rev)?;
        Some(Revision {
            rev: U64(rev),
            kind,
            height: U64(height),
            time_ns: U64(time_ns),
            payload: Bytes(payload),
            log_head: log_head.into(),
        })
    };
    (after.saturating_add(1)..=last).map_while(revision).collect()
}

pub(crate) fn is_member(context: Bytes32, leaf: Bytes32, proof: Vec<Bytes32>) -> bool {
    let Some(record) = read(context) else { return false };
    let root = record.terms.members_root;
    let proof: Vec<Hash> = proof.into_iter().map(Into::into).collect();
    root != Hash::ZERO && members_root::verify(&root, &leaf.into(), &proof)
}

fn read(context: Bytes32) -> Option<anchor::Record> {
    // What is shown does not depend on the domain.
    state::record(&context.into(), Hash::ZERO)
}

fn shown(record: &anchor::Record, seq: u64, proposal: &anchor::Proposal) -> Proposal {
    let counts = |seat: &Seat| {
        proposal.approvals >> seat.index & 1 == 1 && seat.since <= proposal.created_rev
    };
    let mut approving: Vec<(&Account, &Seat)> =
        record.seats.iter().filter(|(_, seat)| counts(seat)).collect();
    approving.sort_by_key(|(_, seat)| seat.index);
    Proposal {
        seq: U64(seq),
        actions: Bytes(state::batch(&record.id, seq)),
        approved_by: approving.into_iter().map(|(account, _)| name(account)).collect(),
        actions_hash: proposal.actions_hash.into(),
        approvals: U64(proposal.approvals),
        withdrawn: U64(proposal.withdrawn),
        created_rev: U64(proposal.created_rev),
        eta_s: U64(proposal.eta_s.unwrap_or(0)),
        expiry_s: U64(proposal.expiry_s),
        threshold: proposal.threshold,
        class: proposal.class.number(),
        status: if proposal.eta_s.is_some() { 2 } else { 1 },
        sets_guardian: proposal.sets_guardian,
        proposer: name(&proposal.proposer),
    }
}

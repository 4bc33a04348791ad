//! T1 to T7: from a proposal to its end. A ballot is worked on in memory and stored once all
//! guards have held.

use core::num::traits::Zero;
use starknet::storage::{
    StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
};
use crate::action::{CLASS_APP, Entry, decode, survey};
use crate::batch;
use crate::bytes::keccak;
use crate::bytes32::{Bytes32, ZERO};
use crate::error;
use crate::event::{
    Approved, Canceled, Event, Executed, Expired, Proposed, Queued, Unapproved, Vetoed, emit,
};
use crate::head::Head;
use crate::interface;
use crate::record::{
    Ballot, OpenProposal, Record, RecordTrait, SettingsTrait, View, caller, now, require_active,
};
use crate::seats::bit;

const OPEN: u8 = 1;
const QUEUED: u8 = 2;

/// One admin cannot fill the record's 64.
const OPEN_PER_ADMIN_MAX: u8 = 8;
/// Bounds what an abandoned record leaves in storage.
const OPEN_MAX: u8 = 64;
/// A forgotten approval must not wait for years: 90 days.
const EXPIRY_MAX_S: u64 = 90 * 24 * 60 * 60;

// ---------------------------------------------------------------- propose

/// T1: keeps the caller's batch as the next proposal, and gives its number.
pub fn propose(record: Record, context: Bytes32, actions: ByteArray, expiry: u64) -> u64 {
    let mut head = record.load();
    let (ballot, _) = draft(record, @head, @actions, expiry);
    head.seq += 1;
    record.store(head);
    open(record, context, @head, ballot, actions);
    head.seq
}

/// T1x: proposes and, if one approval is enough and the class has no delay, executes.
pub fn act(record: Record, context: Bytes32, actions: ByteArray, expiry: u64) -> u64 {
    let mut head = record.load();
    let (ballot, entries) = draft(record, @head, @actions, expiry);
    head.seq += 1;
    let seq = head.seq;
    if head.threshold == 1 && ballot.eta <= now() {
        assert(!record.settings.read().is_frozen(), error::E44_FROZEN);
        let by = caller();
        emit(Event::Proposed(Proposed { context, seq, by, actions, expiry }));
        emit(Event::Queued(Queued { context, seq, eta: ballot.eta }));
        batch::execute(record, context, head, entries);
        emit(Event::Executed(Executed { context, seq, by }));
    } else {
        record.store(head);
        open(record, context, @head, ballot, actions);
    }
    seq
}

/// The ballot that the caller's `actions` begin with, if it may propose them, and the actions. Its
/// `eta` is when they could be executed if its own approval were enough.
fn draft(
    record: Record, head: @Head, actions: @ByteArray, expiry: u64,
) -> (Ballot, Array<Entry>) {
    require_active(head);
    let admin = record.admins.entry(caller()).read();
    assert(admin.seat != 0, error::E12_NOT_ADMIN);
    assert(admin.open < OPEN_PER_ADMIN_MAX, error::E13_TOO_MANY_OPEN_BY_PROPOSER);
    let settings = record.settings.read();
    assert(settings.open_proposals < OPEN_MAX, error::E14_TOO_MANY_OPEN);
    assert(expiry > now() && expiry <= now() + EXPIRY_MAX_S, error::E15_BAD_EXPIRY);
    let entries = decode(actions);
    let (class, sets_guardian) = survey(entries.span(), *head.admins);
    assert(class < CLASS_APP || !settings.is_frozen(), error::E11_FROZEN);
    let eta = now() + record.delay_of(class).into();
    // One that could not be executed before it expires is not worth its storage.
    assert(eta <= expiry, error::E15_BAD_EXPIRY);
    let ballot = Ballot {
        approvals: bit(admin.seat - 1),
        withdrawn: 0,
        created_rev: *head.rev,
        eta,
        expiry,
        threshold: *head.threshold,
        class,
        sets_guardian,
    };
    (ballot, entries)
}

/// Keeps a draft as proposal `head.seq`, queued if the proposer's approval is enough.
fn open(record: Record, context: Bytes32, head: @Head, mut ballot: Ballot, actions: ByteArray) {
    let (seq, by) = (*head.seq, caller());
    let met = ballot.threshold == 1;
    let eta = ballot.eta;
    if !met {
        ballot.eta = 0;
    }
    let mut admin = record.admins.entry(by).read();
    admin.open += 1;
    record.admins.entry(by).write(admin);
    let mut settings = record.settings.read();
    settings.open_proposals += 1;
    record.settings.write(settings);
    let actions_hash = keccak(@actions);
    record.proposals.entry(seq).write(OpenProposal { ballot, actions_hash, proposer: by });
    emit(Event::Proposed(Proposed { context, seq, by, actions, expiry: ballot.expiry }));
    if met {
        emit(Event::Queued(Queued { context, seq, eta }));
    }
}

// ---------------------------------------------------------------- approve

/// T2: approves for the caller.
pub fn approve(record: Record, context: Bytes32, seq: u64, actions_hash: Bytes32) {
    let head = record.load();
    approve_at(record, context, @head, seq, actions_hash);
}

/// T2x: approves and, where that made it ready, executes.
pub fn approve_and_execute(record: Record, context: Bytes32, seq: u64, actions: ByteArray) {
    let head = record.load();
    let ballot = approve_at(record, context, @head, seq, keccak(@actions));
    // A raised threshold may ask for more than queued it.
    if ballot.eta != 0 && ballot.eta <= now() && is_met(record, @head, @ballot) {
        execute(record, context, seq, actions);
    }
}

fn approve_at(
    record: Record, context: Bytes32, head: @Head, seq: u64, actions_hash: Bytes32,
) -> Ballot {
    let by = caller();
    require_active(head);
    let mut ballot = opened(record, seq);
    assert(now() <= ballot.expiry, error::E21_EXPIRED);
    let proposed = record.proposals.entry(seq).actions_hash.read();
    assert(proposed == actions_hash, error::E22_OTHER_ACTIONS);

    let seat = record.seat_of(by);
    assert(seat != 0, error::E23_APPROVER_NOT_ADMIN);
    let index = seat - 1;
    let since = record.seat_since.entry(index).read();
    assert(since <= ballot.created_rev, error::E24_SEATED_LATER);
    assert(ballot.approvals & bit(index) == 0, error::E25_ALREADY_APPROVED);

    ballot.approvals = ballot.approvals | bit(index);
    let mut queued = false;
    if ballot.eta == 0 && is_met(record, head, @ballot) {
        ballot.eta = now() + record.delay_of(ballot.class).into();
        assert(ballot.eta <= ballot.expiry, error::E21_EXPIRED);
        queued = true;
    }
    record.proposals.entry(seq).ballot.write(ballot);
    emit(Event::Approved(Approved { context, seq, by }));
    if queued {
        emit(Event::Queued(Queued { context, seq, eta: ballot.eta }));
    }
    ballot
}

/// T3: takes the caller's approval back.
pub fn unapprove(record: Record, context: Bytes32, seq: u64) {
    let by = caller();
    let head = record.load();
    require_active(@head);
    let mut ballot = opened(record, seq);
    let seat = record.seat_of(by);
    assert(seat != 0, error::E27_NOT_APPROVED);
    let index = seat - 1;
    let approved = ballot.approvals & bit(index) != 0;
    // The bit of a seat that changed hands is not the new holder's to clear.
    let same = record.seat_since.entry(index).read() <= ballot.created_rev;
    assert(approved && same, error::E27_NOT_APPROVED);
    ballot.approvals -= bit(index);
    ballot.withdrawn = ballot.withdrawn | bit(index);
    if !is_met(record, @head, @ballot) {
        ballot.eta = 0;
    }
    record.proposals.entry(seq).ballot.write(ballot);
    emit(Event::Unapproved(Unapproved { context, seq, by }));
}

// ---------------------------------------------------------------- close

/// T4: withdraws a proposal: its proposer, or any admin once the proposer holds no seat.
pub fn cancel(record: Record, context: Bytes32, seq: u64) {
    let by = caller();
    opened(record, seq);
    let proposer = record.proposals.entry(seq).proposer.read();
    let orphaned = record.seat_of(proposer) == 0 && record.seat_of(by) != 0;
    assert(by == proposer || orphaned, error::E30_NOT_PROPOSER);
    close(record, seq);
    emit(Event::Canceled(Canceled { context, seq, by }));
}

/// T5: lets the guardian refuse a proposal, unless all admins want another guardian by it.
pub fn veto(record: Record, context: Bytes32, seq: u64) {
    let by = caller();
    let head = record.load();
    let ballot = opened(record, seq);
    let exempt = ballot.sets_guardian && counted(record, @head, @ballot) == head.admins;
    assert(by == record.guardian.read() && !exempt, error::E31_NOT_GUARDIAN);
    close(record, seq);
    emit(Event::Vetoed(Vetoed { context, seq, by }));
}

/// T6: carries a queued proposal out.
pub fn execute(record: Record, context: Bytes32, seq: u64, actions: ByteArray) {
    let by = caller();
    let head = record.load();
    require_active(@head);
    let OpenProposal { ballot, actions_hash, .. } = record.proposals.entry(seq).read();
    assert(ballot.eta != 0, error::E41_NOT_QUEUED);
    assert(actions_hash == keccak(@actions), error::E40_OTHER_ACTIONS);
    assert(!record.settings.read().is_frozen(), error::E44_FROZEN);
    assert(now() >= ballot.eta, error::E42_TOO_EARLY);
    assert(now() <= ballot.expiry, error::E43_EXPIRED);
    assert(is_met(record, @head, @ballot), error::E46_TOO_FEW_APPROVALS);
    close(record, seq);
    batch::execute(record, context, head, decode(@actions));
    emit(Event::Executed(Executed { context, seq, by }));
}

/// T7: frees a proposal that ran out.
pub fn expire(record: Record, context: Bytes32, seq: u64) {
    caller();
    let ballot = opened(record, seq);
    assert(now() > ballot.expiry, error::E48_NOT_EXPIRED);
    close(record, seq);
    emit(Event::Expired(Expired { context, seq }));
}

// ---------------------------------------------------------------- view

/// An open proposal as callers see it; all zero if there is none.
pub fn show(record: View, seq: u64) -> interface::Proposal {
    let OpenProposal { ballot, actions_hash, proposer } = record.proposals.entry(seq).read();
    let status = if ballot.expiry == 0 {
        0
    } else if ballot.eta == 0 {
        OPEN
    } else {
        QUEUED
    };
    interface::Proposal {
        actions_hash,
        approvals: ballot.approvals.into(),
        withdrawn: ballot.withdrawn.into(),
        created_rev: ballot.created_rev,
        eta: ballot.eta,
        expiry: ballot.expiry,
        threshold: ballot.threshold,
        class: ballot.class,
        status,
        sets_guardian: ballot.sets_guardian,
        proposer,
    }
}

// ---------------------------------------------------------------- parts

fn opened(record: Record, seq: u64) -> Ballot {
    let ballot = record.proposals.entry(seq).ballot.read();
    assert(ballot.expiry != 0, error::E20_NOT_OPEN);
    ballot
}

/// Only open proposals are stored; a number is never given twice.
fn close(record: Record, seq: u64) {
    let proposer = record.proposals.entry(seq).proposer.read();
    let ballot = Ballot {
        approvals: 0,
        withdrawn: 0,
        created_rev: 0,
        eta: 0,
        expiry: 0,
        threshold: 0,
        class: 0,
        sets_guardian: false,
    };
    let closed = OpenProposal { ballot, actions_hash: ZERO, proposer: Zero::zero() };
    record.proposals.entry(seq).write(closed);
    let mut settings = record.settings.read();
    settings.open_proposals -= 1;
    record.settings.write(settings);
    let mut admin = record.admins.entry(proposer).read();
    admin.open -= 1;
    record.admins.entry(proposer).write(admin);
}

/// Never less than what was asked when the proposal was made, nor than what is asked now.
fn is_met(record: Record, head: @Head, ballot: @Ballot) -> bool {
    let needed = if *ballot.threshold > *head.threshold {
        *ballot.threshold
    } else {
        *head.threshold
    };
    counted(record, head, ballot) >= needed
}

/// Approvals of seats that were held without a break since the proposal was made.
fn counted(record: Record, head: @Head, ballot: @Ballot) -> u8 {
    let mut count = 0;
    let mut index = 0;
    let mut left: u64 = (*ballot.approvals).into() & *head.active;
    // At most 32 turns: one per seat.
    while left != 0 {
        let (rest, taken) = DivRem::div_rem(left, 2);
        if taken == 1 && record.seat_since.entry(index).read() <= *ballot.created_rev {
            count += 1;
        }
        left = rest;
        index += 1;
    }
    count
}

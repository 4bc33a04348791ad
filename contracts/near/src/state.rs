//! What the contract keeps, under which keys.
//!
//! | key | value |
//! |---|---|
//! | `00 ‖ context` | `head b32 ‖ log head b32 ‖` the rest of the record in borsh, at most 1 KiB |
//! | `01 ‖ context` | who holds which seat, in borsh |
//! | `02 ‖ context` | the open proposals without their batches, in borsh |
//! | `03 ‖ context ‖ seq u64` | the batch of an open proposal |
//! | `04 ‖ context ‖ rev u64` | `kind u8 ‖ height u64 ‖ time ns u64 ‖ payload ‖ log head b32` |
//! | `05 ‖ context ‖ account` | until when that account may take a seat, Unix seconds u64 |
//! | `06 ‖ context ‖ nullifier` | nothing: that use of an invitation is used up |
//!
//! A context is its 32 bytes; numbers in keys and in the value of a revision are big endian, those
//! in borsh are not. What grows with use (05, 06) is read one by one, and never as a whole.

use std::collections::{BTreeMap, BTreeSet};

use governance::anchor::{
    Account, Call, Class, Happened, Head, Invite, OnChainId, PendingDelay, Proposal, Record, Seat,
    Terms,
};
use near_sdk::{
    AccountId,
    borsh::{self, BorshDeserialize, BorshSerialize},
    env,
};
use types::{ContextId, Hash, keccak256_concat};

/// The form of what follows the two heads in a record's value.
const VERSION: u8 = 1;
/// Cannot be: only this contract writes here.
const DAMAGED: &str = "the state is damaged";

/// What is kept of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Record = 0,
    Seats = 1,
    Proposals = 2,
    Batch = 3,
    Revision = 4,
    Nomination = 5,
    Nullifier = 6,
}

/// A record's value after the two heads.
#[derive(BorshSerialize, BorshDeserialize)]
#[borsh(crate = "near_sdk::borsh")]
struct Rest {
    version: u8,
    app: [u8; 32],
    members_root: [u8; 32],
    members_count: u32,
    delays_s: [u32; 4],
    /// Seconds, and from when on they count; that is 0 where no delay is being lowered.
    pending_delays: [(u32, u64); 4],
    context: [u8; 32],
    meta: [u8; 32],
    invite_root: [u8; 32],
    frozen_until_s: u64,
    last_freeze_s: u64,
    /// Empty for none.
    guardian: Vec<u8>,
}

#[derive(BorshSerialize, BorshDeserialize)]
#[borsh(crate = "near_sdk::borsh")]
struct Chair {
    account: Vec<u8>,
    index: u8,
    since: u64,
}

#[derive(BorshSerialize, BorshDeserialize)]
#[borsh(crate = "near_sdk::borsh")]
struct Open {
    seq: u64,
    actions_hash: [u8; 32],
    approvals: u64,
    withdrawn: u64,
    created_rev: u64,
    /// 0 until it has its approvals: approving must not change how many bytes this takes.
    eta_s: u64,
    expiry_s: u64,
    threshold: u8,
    class: u8,
    sets_guardian: bool,
    proposer: Vec<u8>,
}

/// A revision as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) kind: u8,
    pub(crate) height: u64,
    pub(crate) time_ns: u64,
    pub(crate) payload: Vec<u8>,
    pub(crate) log_head: Hash,
}

/// An account's name as the machine's bytes.
pub(crate) fn account(id: &AccountId) -> Account {
    Account::new(id.as_bytes()).expect("a NEAR account has 2 to 64 bytes, none of them zero")
}

/// The account's name.
pub(crate) fn name(account: &Account) -> AccountId {
    let name = str::from_utf8(account.as_bytes()).ok().and_then(|name| name.parse().ok());
    name.expect("only names of accounts are taken in")
}

/// The key of what is kept of `kind` for `context`.
pub(crate) fn key(kind: Kind, context: &OnChainId, rest: &[u8]) -> Vec<u8> {
    [&[kind as u8], &context.as_hash().as_bytes()[..], rest].concat()
}

/// The two heads of a record.
pub(crate) fn heads(context: &OnChainId) -> Option<[u8; 64]> {
    let value = env::storage_read(&key(Kind::Record, context, &[]))?;
    value.first_chunk().copied()
}

/// The record, with no nominations and no used invitations in it.
pub(crate) fn record(context: &OnChainId, domain: Hash) -> Option<Record> {
    let value = env::storage_read(&key(Kind::Record, context, &[]))?;
    let (head, rest) = value.split_first_chunk().expect(DAMAGED);
    let (log_head, rest) = rest.split_first_chunk().expect(DAMAGED);
    let rest: Rest = read(rest);
    assert!(rest.version == VERSION, "{DAMAGED}");
    let head = Head::unpack(head).expect(DAMAGED);
    Some(Record {
        id: *context,
        domain,
        head,
        log_head: Hash::from_bytes(*log_head),
        pending_delays: rest.pending_delays.map(|(delay_s, effective_s)| {
            (effective_s != 0).then_some(PendingDelay { delay_s, effective_s })
        }),
        meta: Hash::from_bytes(rest.meta),
        invite_root: Hash::from_bytes(rest.invite_root),
        seats: seats(context),
        nominated: BTreeMap::new(),
        proposals: proposals(context),
        frozen_until_s: rest.frozen_until_s,
        last_freeze_s: rest.last_freeze_s,
        nullifiers: BTreeSet::new(),
        terms: Terms {
            app: Hash::from_bytes(rest.app),
            members_root: Hash::from_bytes(rest.members_root),
            members_count: rest.members_count,
            flags: head.flags,
            delays_s: rest.delays_s,
            guardian: Account::new(&rest.guardian),
            context: ContextId::from_bytes(rest.context),
        },
    })
}

/// The record as far as `call` by `caller` may look at it.
pub(crate) fn record_for(
    context: &OnChainId,
    domain: Hash,
    caller: &Account,
    call: &Call,
) -> Option<Record> {
    let mut record = record(context, domain)?;
    match call {
        Call::AcceptAdmin => {
            let until_s = nominated_until_s(context, caller);
            record.nominated.extend(until_s.map(|until_s| (caller.clone(), until_s)));
        }
        Call::ClaimInvite { invite, use_number, .. } => {
            let nullifier = nullifier(invite, *use_number);
            if env::storage_has_key(&key(Kind::Nullifier, context, nullifier.as_bytes())) {
                record.nullifiers.insert(nullifier);
            }
        }
        _ => {}
    }
    Some(record)
}

/// Keeps everything of `after` that `before` has not, but for proposals.
pub(crate) fn keep(before: Option<&Record>, after: &Record) {
    let context = &after.id;
    if before.is_none_or(|before| before.seats != after.seats) {
        let chairs: Vec<Chair> = after.seats.iter().map(chair).collect();
        env::storage_write(&key(Kind::Seats, context, &[]), &write(&chairs));
    }
    let (none, no_hashes) = (BTreeMap::new(), BTreeSet::new());
    let (nominated, used) =
        before.map_or((&none, &no_hashes), |before| (&before.nominated, &before.nullifiers));
    for account in nominated.keys().filter(|account| !after.nominated.contains_key(*account)) {
        env::storage_remove(&key(Kind::Nomination, context, account.as_bytes()));
    }
    for (account, until_s) in &after.nominated {
        if nominated.get(account) != Some(until_s) {
            let key = key(Kind::Nomination, context, account.as_bytes());
            env::storage_write(&key, &until_s.to_be_bytes());
        }
    }
    for nullifier in after.nullifiers.difference(used) {
        env::storage_write(&key(Kind::Nullifier, context, nullifier.as_bytes()), &[]);
    }
    let value = value(after);
    if before.map(self::value).as_ref() != Some(&value) {
        env::storage_write(&key(Kind::Record, context, &[]), &value);
    }
}

/// Keeps the open proposals of `after`; `batch` is that of the one that was made.
pub(crate) fn keep_proposals(before: Option<&Record>, after: &Record, batch: &[u8]) {
    let context = &after.id;
    let none = BTreeMap::new();
    let before_open = before.map_or(&none, |before| &before.proposals);
    if before.is_some() && *before_open == after.proposals {
        return;
    }
    let batch_key = |seq: &u64| key(Kind::Batch, context, &seq.to_be_bytes());
    for seq in before_open.keys().filter(|seq| !after.proposals.contains_key(seq)) {
        env::storage_remove(&batch_key(seq));
    }
    for seq in after.proposals.keys().filter(|seq| !before_open.contains_key(seq)) {
        env::storage_write(&batch_key(seq), batch);
    }
    let open: Vec<Open> = after.proposals.iter().map(open).collect();
    env::storage_write(&key(Kind::Proposals, context, &[]), &write(&open));
}

/// Keeps a revision.
pub(crate) fn keep_revision(context: &OnChainId, rev: u64, happened: &Happened, log_head: &Hash) {
    let mut value = Vec::with_capacity(160);
    value.push(happened.kind());
    value.extend_from_slice(&env::block_height().to_be_bytes());
    value.extend_from_slice(&env::block_timestamp().to_be_bytes());
    value.extend_from_slice(&happened.payload());
    value.extend_from_slice(log_head.as_bytes());
    env::storage_write(&key(Kind::Revision, context, &rev.to_be_bytes()), &value);
}

/// A revision; none if it did not happen yet.
pub(crate) fn revision(context: &OnChainId, rev: u64) -> Option<Revision> {
    let value = env::storage_read(&key(Kind::Revision, context, &rev.to_be_bytes()))?;
    let (kind, rest) = value.split_first().expect(DAMAGED);
    let (height, rest) = rest.split_first_chunk().expect(DAMAGED);
    let (time_ns, rest) = rest.split_first_chunk().expect(DAMAGED);
    let (payload, log_head) = rest.split_last_chunk().expect(DAMAGED);
    Some(Revision {
        kind: *kind,
        height: u64::from_be_bytes(*height),
        time_ns: u64::from_be_bytes(*time_ns),
        payload: payload.to_vec(),
        log_head: Hash::from_bytes(*log_head),
    })
}

/// The batch of an open proposal.
pub(crate) fn batch(context: &OnChainId, seq: u64) -> Vec<u8> {
    env::storage_read(&key(Kind::Batch, context, &seq.to_be_bytes())).expect(DAMAGED)
}

/// Until when `account` may take a seat; none if it was not nominated.
pub(crate) fn nominated_until_s(context: &OnChainId, account: &Account) -> Option<u64> {
    let value = env::storage_read(&key(Kind::Nomination, context, account.as_bytes()))?;
    Some(u64::from_be_bytes(value.try_into().expect(DAMAGED)))
}

fn nullifier(invite: &Invite, use_number: u32) -> Hash {
    keccak256_concat(&[invite.leaf().as_bytes(), &use_number.to_be_bytes()])
}

fn seats(context: &OnChainId) -> BTreeMap<Account, Seat> {
    let value = env::storage_read(&key(Kind::Seats, context, &[])).expect(DAMAGED);
    let chairs: Vec<Chair> = read(&value);
    let seat = |Chair { account, index, since }: Chair| {
        (Account::new(&account).expect(DAMAGED), Seat { index, since })
    };
    chairs.into_iter().map(seat).collect()
}

fn chair((account, seat): (&Account, &Seat)) -> Chair {
    Chair { account: account.as_bytes().to_vec(), index: seat.index, since: seat.since }
}

fn proposals(context: &OnChainId) -> BTreeMap<u64, Proposal> {
    let value = env::storage_read(&key(Kind::Proposals, context, &[])).expect(DAMAGED);
    let open: Vec<Open> = read(&value);
    let proposal = |open: Open| {
        let proposal = Proposal {
            actions_hash: Hash::from_bytes(open.actions_hash),
            approvals: open.approvals,
            withdrawn: open.withdrawn,
            created_rev: open.created_rev,
            eta_s: (open.eta_s != 0).then_some(open.eta_s),
            expiry_s: open.expiry_s,
            threshold: open.threshold,
            class: Class::from_number(open.class).expect(DAMAGED),
            sets_guardian: open.sets_guardian,
            proposer: Account::new(&open.proposer).expect(DAMAGED),
        };
        (open.seq, proposal)
    };
    open.into_iter().map(proposal).collect()
}

fn open((seq, proposal): (&u64, &Proposal)) -> Open {
    Open {
        seq: *seq,
        actions_hash: *proposal.actions_hash.as_bytes(),
        approvals: proposal.approvals,
        withdrawn: proposal.withdrawn,
        created_rev: proposal.created_rev,
        eta_s: proposal.eta_s.unwrap_or(0),
        expiry_s: proposal.expiry_s,
        threshold: proposal.threshold,
        class: proposal.class.number(),
        sets_guardian: proposal.sets_guardian,
        proposer: proposal.proposer.as_bytes().to_vec(),
    }
}

fn value(record: &Record) -> Vec<u8> {
    let Record { terms, .. } = record;
    let pending = |pending: Option<PendingDelay>| {
        pending.map_or((0, 0), |pending| (pending.delay_s, pending.effective_s))
    };
    let rest = Rest {
        version: VERSION,
        app: *terms.app.as_bytes(),
        members_root: *terms.members_root.as_bytes(),
        members_count: terms.members_count,
        delays_s: terms.delays_s,
        pending_delays: record.pending_delays.map(pending),
        context: *terms.context.as_bytes(),
        meta: *record.meta.as_bytes(),
        invite_root: *record.invite_root.as_bytes(),
        frozen_until_s: record.frozen_until_s,
        last_freeze_s: record.last_freeze_s,
        guardian: terms.guardian.as_ref().map_or_else(Vec::new, |guard| guard.as_bytes().to_vec()),
    };
    [&record.head.pack()[..], record.log_head.as_bytes(), &write(&rest)].concat()
}

fn read<T: BorshDeserialize>(bytes: &[u8]) -> T {
    T::try_from_slice(bytes).expect(DAMAGED)
}

fn write<T: BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("it is written to memory")
}

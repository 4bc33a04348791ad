//! What is stored. Each row begins with the number of its version: variants are never taken away,
//! and a row of a version that is not known here traps rather than be guessed at.

use std::borrow::Cow;

use borsh::{BorshDeserialize, BorshSerialize};
use candid::Principal;
use governance::anchor::{Account, Class, OnChainId, PendingDelay, Proposal, Record, Seat, Terms};
use ic_stable_structures::storable::{Blob, Bound, Storable};
use types::{ContextId, Hash};

use crate::wire;

/// Longest principal, in bytes.
pub(crate) const PRINCIPAL_BYTES_MAX: usize = 29;
/// A record's name and a number: `context b32 ‖ number u64`, so that numbers ascend.
pub(crate) type Numbered = [u8; 40];
/// A record's name and an account in it.
pub(crate) type Named = Blob<{ 32 + PRINCIPAL_BYTES_MAX }>;
/// A record's name and a hash in it.
pub(crate) type Hashed = [u8; 64];

/// Gives a row its stored form: borsh, whose first byte is the version.
macro_rules! stored {
    ($row:ident, $bound:expr) => {
        impl Storable for $row {
            const BOUND: Bound = $bound;

            fn to_bytes(&self) -> Cow<'_, [u8]> {
                Cow::Owned(borsh::to_vec(self).expect("memory takes what is written"))
            }

            fn into_bytes(self) -> Vec<u8> {
                borsh::to_vec(&self).expect("memory takes what is written")
            }

            fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
                borsh::from_slice(&bytes).expect("a row of a version that this code knows")
            }
        }
    };
}

const fn at_most(max_size: u32) -> Bound {
    Bound::Bounded { max_size, is_fixed_size: false }
}

// Rows that are mostly far smaller than they may be are stored by what they are, in pages; their
// bound stands where they are made. The others have a place of their largest size.
stored!(SettingsRow, Bound::Unbounded);
stored!(RecordRow, Bound::Unbounded);
stored!(RevisionRow, Bound::Unbounded);
stored!(BatchRow, Bound::Unbounded);
stored!(ProposalRow, at_most(128));
stored!(NominationRow, at_most(16));
stored!(NullifierRow, at_most(1));
stored!(CreatorRow, at_most(16));

/// The registry's settings.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum SettingsRow {
    /// Nothing was installed yet.
    Empty,
    V1 {
        chain: String,
        creators: Vec<Vec<u8>>,
        records_per_creator: u32,
        price_cycles: Option<u128>,
        room_bytes: u64,
    },
}

/// A record without its proposals, nominations and used invitations. At most 32 seats: below
/// 2 KiB.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum RecordRow {
    V1(RecordV1),
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) struct RecordV1 {
    pub(crate) head: [u8; 32],
    pub(crate) log_head: [u8; 32],
    /// Hash over when each revision happened.
    pub(crate) times: [u8; 32],
    app: [u8; 32],
    members_root: [u8; 32],
    members_count: u32,
    delays_s: [u32; 4],
    guardian: Option<Vec<u8>>,
    context: [u8; 32],
    /// `delay_s`, `effective_s`.
    pending_delays: [Option<(u32, u64)>; 4],
    meta: [u8; 32],
    invite_root: [u8; 32],
    /// Account, bit, since.
    seats: Vec<(Vec<u8>, u8, u64)>,
    frozen_until_s: u64,
    last_freeze_s: u64,
    /// Bytes that its history takes, and may take.
    pub(crate) room_used: u64,
    pub(crate) room: u64,
}

impl RecordV1 {
    /// What is stored of `record`, whose revisions happened at `times`; `room` is how many bytes
    /// its history takes, and may take.
    pub(crate) fn of(record: &Record, times: [u8; 32], room: (u64, u64)) -> Self {
        let Terms { app, members_root, members_count, delays_s, guardian, context, .. } =
            &record.terms;
        let seat = |(account, seat): (&Account, &Seat)| {
            (account.as_bytes().to_vec(), seat.index, seat.since)
        };
        Self {
            head: record.head.pack(),
            log_head: *record.log_head.as_bytes(),
            times,
            app: *app.as_bytes(),
            members_root: *members_root.as_bytes(),
            members_count: *members_count,
            delays_s: *delays_s,
            guardian: guardian.as_ref().map(|account| account.as_bytes().to_vec()),
            context: *context.as_bytes(),
            pending_delays: record
                .pending_delays
                .map(|pending| pending.map(|delay| (delay.delay_s, delay.effective_s))),
            meta: *record.meta.as_bytes(),
            invite_root: *record.invite_root.as_bytes(),
            seats: record.seats.iter().map(seat).collect(),
            frozen_until_s: record.frozen_until_s,
            last_freeze_s: record.last_freeze_s,
            room_used: room.0,
            room: room.1,
        }
    }

    /// The record, as yet without proposals, nominations and used invitations.
    pub(crate) fn record(&self, id: OnChainId, domain: Hash) -> Record {
        let head = governance::anchor::Head::unpack(&self.head).expect("a head was packed here");
        let seat = |(account, index, since): &(Vec<u8>, u8, u64)| {
            (stored_account(account), Seat { index: *index, since: *since })
        };
        let pending = |(delay_s, effective_s)| PendingDelay { delay_s, effective_s };
        Record {
            id,
            domain,
            head,
            log_head: Hash::from_bytes(self.log_head),
            terms: Terms {
                app: Hash::from_bytes(self.app),
                members_root: Hash::from_bytes(self.members_root),
                members_count: self.members_count,
                flags: head.flags,
                delays_s: self.delays_s,
                guardian: self.guardian.as_deref().map(stored_account),
                context: ContextId::from_bytes(self.context),
            },
            pending_delays: self.pending_delays.map(|delay| delay.map(pending)),
            meta: Hash::from_bytes(self.meta),
            invite_root: Hash::from_bytes(self.invite_root),
            seats: self.seats.iter().map(seat).collect(),
            nominated: Default::default(),
            proposals: Default::default(),
            frozen_until_s: self.frozen_until_s,
            last_freeze_s: self.last_freeze_s,
            nullifiers: Default::default(),
        }
    }
}

/// An open proposal.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum ProposalRow {
    V1(ProposalV1),
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) struct ProposalV1 {
    actions_hash: [u8; 32],
    approvals: u64,
    withdrawn: u64,
    created_rev: u64,
    eta_s: Option<u64>,
    expiry_s: u64,
    threshold: u8,
    class: u8,
    sets_guardian: bool,
    proposer: Vec<u8>,
}

impl ProposalRow {
    /// What is stored of `proposal`.
    pub(crate) fn of(proposal: &Proposal) -> Self {
        Self::V1(ProposalV1 {
            actions_hash: *proposal.actions_hash.as_bytes(),
            approvals: proposal.approvals,
            withdrawn: proposal.withdrawn,
            created_rev: proposal.created_rev,
            eta_s: proposal.eta_s,
            expiry_s: proposal.expiry_s,
            threshold: proposal.threshold,
            class: proposal.class.number(),
            sets_guardian: proposal.sets_guardian,
            proposer: proposal.proposer.as_bytes().to_vec(),
        })
    }

    /// The proposal.
    pub(crate) fn proposal(&self) -> Proposal {
        let Self::V1(row) = self;
        Proposal {
            actions_hash: Hash::from_bytes(row.actions_hash),
            approvals: row.approvals,
            withdrawn: row.withdrawn,
            created_rev: row.created_rev,
            eta_s: row.eta_s,
            expiry_s: row.expiry_s,
            threshold: row.threshold,
            class: Class::from_number(row.class).expect("a class was numbered here"),
            sets_guardian: row.sets_guardian,
            proposer: stored_account(&row.proposer),
        }
    }
}

/// The encoded batch of an open proposal, at most 4096 bytes.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum BatchRow {
    V1(Vec<u8>),
}

/// A revision. Its payload has at most 279 bytes: that of a creation, with two principals.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum RevisionRow {
    V1 {
        kind: u8,
        /// Where chains have blocks; 0 here.
        height: u64,
        time_ns: u64,
        payload: Vec<u8>,
        log_head: [u8; 32],
    },
}

/// Until when (Unix seconds) an account may take a seat.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum NominationRow {
    V1 { until_s: u64 },
}

/// A use of an invitation is used up.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum NullifierRow {
    V1,
}

/// What an account made without paying, and was bought.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum CreatorRow {
    V1 { made: u32, bought: u32 },
}

impl SettingsRow {
    /// What is stored of `settings` on `chain`.
    pub(crate) fn of(chain: &str, settings: &wire::Settings) -> Self {
        let creators = settings.creators.iter().map(|creator| creator.as_slice().to_vec());
        Self::V1 {
            chain: chain.to_owned(),
            creators: creators.collect(),
            records_per_creator: settings.records_per_creator,
            price_cycles: settings.price_cycles,
            room_bytes: settings.room_bytes,
        }
    }

    /// Chain and settings; none where nothing was installed.
    pub(crate) fn settings(&self) -> Option<(String, wire::Settings)> {
        let Self::V1 { chain, creators, records_per_creator, price_cycles, room_bytes } = self
        else {
            return None;
        };
        let creators = creators.iter().map(|creator| Principal::from_slice(creator)).collect();
        let settings = wire::Settings {
            creators,
            records_per_creator: *records_per_creator,
            price_cycles: *price_cycles,
            room_bytes: *room_bytes,
        };
        Some((chain.clone(), settings))
    }
}

/// `context ‖ number`.
pub(crate) fn numbered(context: &OnChainId, number: u64) -> Numbered {
    let mut key = [0; 40];
    let (first, second) = key.split_at_mut(32);
    first.copy_from_slice(context.as_hash().as_bytes());
    second.copy_from_slice(&number.to_be_bytes());
    key
}

/// The number in such a key.
pub(crate) fn number_of(key: &Numbered) -> u64 {
    let (_, number) = key.split_last_chunk().expect("40 bytes have a last 8");
    u64::from_be_bytes(*number)
}

/// `context ‖ account`.
pub(crate) fn named(context: &OnChainId, account: &Account) -> Named {
    let key = [context.as_hash().as_bytes(), account.as_bytes()].concat();
    Blob::try_from(&key[..]).expect("an account here has at most 29 bytes")
}

/// `context ‖ hash`.
pub(crate) fn hashed(context: &OnChainId, hash: &Hash) -> Hashed {
    let mut key = [0; 64];
    let (first, second) = key.split_at_mut(32);
    first.copy_from_slice(context.as_hash().as_bytes());
    second.copy_from_slice(hash.as_bytes());
    key
}

fn stored_account(bytes: impl AsRef<[u8]>) -> Account {
    Account::new(bytes.as_ref()).expect("an account was stored here")
}

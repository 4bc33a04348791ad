//! The Candid types of the interface, and what they are in the model.

use candid::{CandidType, Principal};
use governance::anchor::{self, Account, Code, Happened};
use serde::Deserialize;
use serde_bytes::{ByteArray, ByteBuf};
use types::{ContextId, Hash};

/// A hash, an id or a salt. Bytes of another number do not decode.
pub(crate) type Bytes32 = ByteArray<32>;

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Refusal {
    /// The code that all chains share: hexadecimal digits of its name, read as hex.
    pub(crate) code: u16,
    /// The same in words.
    pub(crate) text: String,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code: code.number(), text: code.to_string() }
    }
}

/// What a call came to.
pub(crate) type Answer = Result<Outcome, Refusal>;

/// What was done, and where the record stands after it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Outcome {
    /// The record's name.
    pub(crate) context: Bytes32,
    /// Its packed head.
    pub(crate) head: Bytes32,
    /// Its log head.
    pub(crate) log_head: Bytes32,
    /// What happened, in order.
    pub(crate) events: Vec<Event>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) enum Event {
    /// A revision.
    Rev { rev: u64, kind: u8, payload: ByteBuf, log_head: Bytes32 },
    /// A proposal was made.
    Proposed { seq: u64 },
    /// Somebody approved it.
    Approved { seq: u64, by: Principal },
    /// Somebody took an approval back.
    Unapproved { seq: u64 },
    /// It has its approvals, and may be executed from then on (Unix seconds).
    Queued { seq: u64, eta_s: u64 },
    /// It was carried out.
    Executed { seq: u64 },
    /// It was withdrawn.
    Canceled { seq: u64 },
    /// The guardian refused it.
    Vetoed { seq: u64 },
    /// It ran out and was freed.
    Expired { seq: u64 },
    /// The caller and a key belong together.
    Bound { key: ByteBuf },
    /// They no longer do.
    Unbound { key: ByteBuf },
    /// An invitation was used.
    Claimed { key: ByteBuf, leaf: Bytes32, use_number: u32 },
}

impl From<&anchor::Event> for Event {
    fn from(event: &anchor::Event) -> Self {
        use anchor::Event as E;
        match event {
            E::Rev { rev, happened, log_head } => Self::Rev {
                rev: *rev,
                kind: happened.kind(),
                payload: ByteBuf::from(Happened::payload(happened)),
                log_head: bytes32(log_head),
            },
            E::Proposed { seq } => Self::Proposed { seq: *seq },
            E::Approved { seq, by } => Self::Approved { seq: *seq, by: principal(by) },
            E::Unapproved { seq } => Self::Unapproved { seq: *seq },
            E::Queued { seq, eta_s } => Self::Queued { seq: *seq, eta_s: *eta_s },
            E::Executed { seq } => Self::Executed { seq: *seq },
            E::Canceled { seq } => Self::Canceled { seq: *seq },
            E::Vetoed { seq } => Self::Vetoed { seq: *seq },
            E::Expired { seq } => Self::Expired { seq: *seq },
            E::Bound { key } => Self::Bound { key: ByteBuf::from(key.clone()) },
            E::Unbound { key } => Self::Unbound { key: ByteBuf::from(key.clone()) },
            E::Claimed { key, leaf, use_number } => Self::Claimed {
                key: ByteBuf::from(key.clone()),
                leaf: bytes32(leaf),
                use_number: *use_number,
            },
        }
    }
}

/// What a record begins with.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Terms {
    /// The application.
    pub(crate) app: Bytes32,
    /// The root over the first members.
    pub(crate) members_root: Bytes32,
    /// How many they are.
    pub(crate) members_count: u32,
    /// Bit 0: invitations may be claimed here.
    pub(crate) flags: u8,
    /// How long batches wait.
    pub(crate) delays_s: Delays,
    /// Who may veto and freeze.
    pub(crate) guardian: Option<Principal>,
    /// The context whose genesis names this record.
    pub(crate) context: Bytes32,
}

/// Seconds of delay by class, each at most 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Delays {
    pub(crate) routine: u32,
    pub(crate) app: u32,
    pub(crate) admin: u32,
    pub(crate) root: u32,
}

impl TryFrom<Terms> for anchor::Terms {
    type Error = Code;

    /// [`Code::E03`] where the guardian is nobody: anonymous, or without bytes.
    fn try_from(terms: Terms) -> Result<Self, Code> {
        let Delays { routine, app, admin, root } = terms.delays_s;
        let guardian = terms.guardian.map(|guardian| account(&guardian).ok_or(Code::E03));
        Ok(Self {
            app: hash(&terms.app),
            members_root: hash(&terms.members_root),
            members_count: terms.members_count,
            flags: terms.flags,
            delays_s: [routine, app, admin, root],
            guardian: guardian.transpose()?,
            context: ContextId::from_bytes(terms.context.into_array()),
        })
    }
}

/// An invitation that may be claimed here.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Invite {
    /// The Ethereum address of the key that its link carries.
    pub(crate) key: ByteArray<20>,
    /// Unix time of its last second.
    pub(crate) expiry_s: u64,
    /// What its holder becomes.
    pub(crate) role: u8,
    /// How many may come with it.
    pub(crate) uses: u32,
}

impl From<Invite> for anchor::Invite {
    fn from(invite: Invite) -> Self {
        let Invite { key, expiry_s, role, uses } = invite;
        Self { key: key.into_array(), expiry_s, role, uses }
    }
}

/// Where a record stands, and the proof that it does.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct Certified {
    /// The packed head; zeros where there is no record.
    pub(crate) head: Bytes32,
    /// The log head; zeros where there is no record.
    pub(crate) log_head: Bytes32,
    /// The subnet's, over the canister's certified data; none in a replicated call.
    pub(crate) certificate: Option<ByteBuf>,
    /// The hash tree with the paths `["head", context]` and `["times", context]`, or without them
    /// where there is no record; CBOR.
    pub(crate) witness: ByteBuf,
}

/// A record, and the proof of where it stands.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct CertifiedRecord {
    pub(crate) certified: Certified,
    pub(crate) record: Option<RecordView>,
}

/// What stands beside a record's head.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct RecordView {
    pub(crate) context: Bytes32,
    pub(crate) app: Bytes32,
    pub(crate) members_root: Bytes32,
    pub(crate) members_count: u32,
    pub(crate) meta: Bytes32,
    pub(crate) invite_root: Bytes32,
    /// Those that count at present.
    pub(crate) delays_s: Delays,
    pub(crate) guardian: Option<Principal>,
    /// Unix second, exclusive; 0 if it never was frozen.
    pub(crate) frozen_until_s: u64,
    /// Unix second; 0 for never.
    pub(crate) last_freeze_s: u64,
    pub(crate) seats: Vec<Seat>,
    pub(crate) open_proposals: u32,
    /// Bytes that its history takes.
    pub(crate) room_used: u64,
    /// Bytes that its history may take.
    pub(crate) room: u64,
}

/// An admin's seat.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct Seat {
    /// Its bit in the head.
    pub(crate) seat: u8,
    pub(crate) account: Principal,
    /// The revision at which it was taken; 0 for the creator's first.
    pub(crate) since: u64,
}

/// What an account is to a record.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct AdminView {
    /// Its seat, if it has one.
    pub(crate) seat: Option<u8>,
    /// The revision at which it was taken.
    pub(crate) since: u64,
    /// Until when (Unix seconds) it may take a seat; 0 if it was not nominated.
    pub(crate) nominated_until_s: u64,
    /// Its open proposals.
    pub(crate) open_proposals: u32,
}

/// An open proposal, with its batch.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct ProposalView {
    pub(crate) seq: u64,
    /// The encoded batch.
    pub(crate) actions: ByteBuf,
    pub(crate) actions_hash: Bytes32,
    /// Bitmap of seats.
    pub(crate) approvals: u64,
    /// Whose of these count: who held the seat without a break since the proposal was made.
    pub(crate) approved_by: Vec<Principal>,
    /// Bitmap of seats that took an approval back.
    pub(crate) withdrawn: u64,
    pub(crate) created_rev: u64,
    /// From when on it may be executed; none until it has its approvals.
    pub(crate) eta_s: Option<u64>,
    pub(crate) expiry_s: u64,
    pub(crate) threshold: u8,
    pub(crate) class: u8,
    pub(crate) sets_guardian: bool,
    pub(crate) proposer: Principal,
}

/// All open proposals, and the proof of where their record stands.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct CertifiedProposals {
    pub(crate) certified: Certified,
    pub(crate) proposals: Vec<ProposalView>,
}

/// One revision.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct Revision {
    pub(crate) rev: u64,
    pub(crate) kind: u8,
    /// When it happened: nanoseconds of Unix time.
    pub(crate) time_ns: u64,
    pub(crate) payload: ByteBuf,
    /// The log head after it.
    pub(crate) log_head: Bytes32,
}

/// Revisions, and the proof of where their record stands.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct CertifiedRevisions {
    pub(crate) certified: Certified,
    pub(crate) revisions: Vec<Revision>,
}

/// Who may make records, and how much a record may keep. Set at installation and at upgrades.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Settings {
    /// Who makes records without paying; nobody where it is empty.
    pub(crate) creators: Vec<Principal>,
    /// How many records each of them makes so.
    pub(crate) records_per_creator: u32,
    /// Cycles that a record costs everybody else; none: it is not for sale.
    pub(crate) price_cycles: Option<u128>,
    /// Bytes of history that a record may keep, and that paying the price again adds.
    pub(crate) room_bytes: u64,
}

/// Where the registry is, and its settings.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct About {
    /// CAIP-2.
    pub(crate) chain: String,
    /// The canister.
    pub(crate) registry: Principal,
    pub(crate) settings: Settings,
    /// How many records there are.
    pub(crate) records: u64,
}

/// How many records an account may still make.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Allowance {
    /// Without paying.
    pub(crate) free: u32,
    /// Paid for by `buy_record`.
    pub(crate) bought: u32,
}

/// The account of a principal; none for the anonymous one and that without bytes.
pub(crate) fn account(principal: &Principal) -> Option<Account> {
    (*principal != Principal::anonymous()).then(|| Account::new(principal.as_slice())).flatten()
}

/// The principal of an account of this chain.
pub(crate) fn principal(account: &Account) -> Principal {
    Principal::try_from_slice(account.as_bytes())
        .expect("no account enters a record that is not a principal")
}

pub(crate) fn bytes32(hash: &Hash) -> Bytes32 {
    ByteArray::new(*hash.as_bytes())
}

pub(crate) fn hash(bytes: &Bytes32) -> Hash {
    Hash::from_bytes(**bytes)
}

//! The interface as somebody else would write it down, from `registry.did` alone.

use candid::{CandidType, Decode, Encode, Nat, Principal};
use governance::anchor::{self, Account, Call, OnChainId};
use serde::Deserialize;

/// A refusal of the machine.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) context: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) log_head: Vec<u8>,
    pub(crate) events: Vec<Event>,
}

/// What an update answers.
pub(crate) type Answer = Result<Outcome, Refusal>;

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) enum Event {
    Rev { rev: u64, kind: u8, payload: Vec<u8>, log_head: Vec<u8> },
    Proposed { seq: u64 },
    Approved { seq: u64, by: Principal },
    Unapproved { seq: u64 },
    Queued { seq: u64, eta_s: u64 },
    Executed { seq: u64 },
    Canceled { seq: u64 },
    Vetoed { seq: u64 },
    Expired { seq: u64 },
    Bound { key: Vec<u8> },
    Unbound { key: Vec<u8> },
    Claimed { key: Vec<u8>, leaf: Vec<u8>, use_number: u32 },
}

impl From<&anchor::Event> for Event {
    fn from(event: &anchor::Event) -> Self {
        match event.clone() {
            anchor::Event::Rev { rev, happened, log_head } => Self::Rev {
                rev,
                kind: happened.kind(),
                payload: happened.payload(),
                log_head: log_head.as_bytes().to_vec(),
            },
            anchor::Event::Proposed { seq } => Self::Proposed { seq },
            anchor::Event::Approved { seq, by } => Self::Approved { seq, by: principal(&by) },
            anchor::Event::Unapproved { seq } => Self::Unapproved { seq },
            anchor::Event::Queued { seq, eta_s } => Self::Queued { seq, eta_s },
            anchor::Event::Executed { seq } => Self::Executed { seq },
            anchor::Event::Canceled { seq } => Self::Canceled { seq },
            anchor::Event::Vetoed { seq } => Self::Vetoed { seq },
            anchor::Event::Expired { seq } => Self::Expired { seq },
            anchor::Event::Bound { key } => Self::Bound { key },
            anchor::Event::Unbound { key } => Self::Unbound { key },
            anchor::Event::Claimed { key, leaf, use_number } => {
                Self::Claimed { key, leaf: leaf.as_bytes().to_vec(), use_number }
            }
        }
    }
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct Terms {
    app: Vec<u8>,
    members_root: Vec<u8>,
    members_count: u32,
    flags: u8,
    delays_s: Delays,
    guardian: Option<Principal>,
    context: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Delays {
    pub(crate) routine: u32,
    pub(crate) app: u32,
    pub(crate) admin: u32,
    pub(crate) root: u32,
}

impl From<&anchor::Terms> for Terms {
    fn from(terms: &anchor::Terms) -> Self {
        let [routine, app, admin, root] = terms.delays_s;
        Self {
            app: terms.app.as_bytes().to_vec(),
            members_root: terms.members_root.as_bytes().to_vec(),
            members_count: terms.members_count,
            flags: terms.flags,
            delays_s: Delays { routine, app, admin, root },
            guardian: terms.guardian.as_ref().map(principal),
            context: terms.context.as_bytes().to_vec(),
        }
    }
}

#[derive(Clone, Debug, CandidType, Deserialize)]
struct Invite {
    key: Vec<u8>,
    expiry_s: u64,
    role: u8,
    uses: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Settings {
    pub(crate) creators: Vec<Principal>,
    pub(crate) records_per_creator: u32,
    pub(crate) price_cycles: Option<Nat>,
    pub(crate) room_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Allowance {
    pub(crate) free: u32,
    pub(crate) bought: u32,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct About {
    pub(crate) chain: String,
    pub(crate) registry: Principal,
    pub(crate) settings: Settings,
    pub(crate) records: u64,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct Certified {
    pub(crate) head: Vec<u8>,
    pub(crate) log_head: Vec<u8>,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) witness: Vec<u8>,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct CertifiedRecord {
    pub(crate) record: Option<RecordView>,
}

#[derive(Clone, Debug, PartialEq, CandidType, Deserialize)]
pub(crate) struct RecordView {
    pub(crate) context: Vec<u8>,
    pub(crate) delays_s: Delays,
    pub(crate) guardian: Option<Principal>,
    pub(crate) seats: Vec<Seat>,
    pub(crate) open_proposals: u32,
    pub(crate) room_used: u64,
    pub(crate) room: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Seat {
    pub(crate) seat: u8,
    pub(crate) account: Principal,
    pub(crate) since: u64,
}

#[derive(Clone, Debug, PartialEq, CandidType, Deserialize)]
pub(crate) struct ProposalView {
    pub(crate) seq: u64,
    pub(crate) actions: Vec<u8>,
    pub(crate) actions_hash: Vec<u8>,
    pub(crate) approved_by: Vec<Principal>,
    pub(crate) proposer: Principal,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct CertifiedProposals {
    pub(crate) proposals: Vec<ProposalView>,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub(crate) struct Revision {
    pub(crate) rev: u64,
    pub(crate) kind: u8,
    pub(crate) time_ns: u64,
    pub(crate) payload: Vec<u8>,
    pub(crate) log_head: Vec<u8>,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub(crate) struct CertifiedRevisions {
    pub(crate) certified: Certified,
    pub(crate) revisions: Vec<Revision>,
}

/// Method and argument of a call; `batch` in place of the call's own, if there is one.
pub(crate) fn argument(
    context: &OnChainId,
    call: &Call,
    batch: Option<&[u8]>,
) -> (&'static str, Vec<u8>) {
    let ctx = context.as_hash().as_bytes().to_vec();
    let bytes = |actions| match batch {
        Some(bytes) => bytes.to_vec(),
        None => anchor::encode_actions(actions).expect("a legal batch"),
    };
    let encoded = match call {
        Call::Create { salt, terms } => Encode!(&salt.to_vec(), &Terms::from(terms)),
        Call::Propose { actions, expiry_s } | Call::Act { actions, expiry_s } => {
            Encode!(&ctx, &bytes(actions), expiry_s)
        }
        Call::Approve { seq, actions_hash } => {
            Encode!(&ctx, seq, &actions_hash.as_bytes().to_vec())
        }
        Call::ApproveBySigs { .. } => panic!("no method of this chain"),
        Call::ApproveAndExecute { seq, actions } | Call::Execute { seq, actions } => {
            Encode!(&ctx, seq, &bytes(actions))
        }
        Call::Unapprove { seq }
        | Call::Cancel { seq }
        | Call::Veto { seq }
        | Call::Expire { seq } => Encode!(&ctx, seq),
        Call::AcceptAdmin | Call::Renounce => Encode!(&ctx),
        Call::Bind { scheme, key, signature, expiry_s } => {
            Encode!(&ctx, scheme, key, signature, expiry_s)
        }
        Call::Unbind { key } => Encode!(&ctx, key),
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            let proof: Vec<Vec<u8>> = proof.iter().map(|hash| hash.as_bytes().to_vec()).collect();
            let anchor::Invite { key: by, expiry_s, role, uses } = *invite;
            let invite = Invite { key: by.to_vec(), expiry_s, role, uses };
            Encode!(&ctx, key, &invite, use_number, &proof, signature)
        }
        Call::Freeze { secs } => Encode!(&ctx, secs),
    };
    (method(call), encoded.expect("it has a Candid form"))
}

/// What an update answered.
pub(crate) fn answer(reply: &[u8]) -> Answer {
    Decode!(reply, Answer).expect("an answer")
}

pub(crate) fn principal(account: &Account) -> Principal {
    Principal::try_from_slice(account.as_bytes()).expect("at most 29 bytes")
}

fn method(call: &Call) -> &'static str {
    match call {
        Call::ApproveBySigs { .. } => "approve_by_sigs",
        Call::ApproveAndExecute { .. } => "approve_and_execute",
        Call::AcceptAdmin => "accept_admin",
        Call::ClaimInvite { .. } => "claim_invite",
        other => other.method(),
    }
}

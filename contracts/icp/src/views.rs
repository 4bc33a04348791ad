//! The methods that change nothing. What is about heads comes with a certificate and a witness;
//! the rest can be asked in a replicated call where it must be certified.

use candid::Principal;
use governance::{
    anchor::{Account, Class, OnChainId, Proposal, Record},
    members_root,
};
use ic_cdk::{api, query};
use serde_bytes::{ByteArray, ByteBuf};
use types::Hash;

use crate::{
    gate,
    lifecycle::read,
    registry::Registry,
    room,
    row::{RecordV1, RevisionRow},
    wire::{
        self, About, AdminView, Allowance, Bytes32, Certified, CertifiedProposals, CertifiedRecord,
        CertifiedRevisions, Delays, ProposalView, RecordView, Revision, Seat,
    },
};

/// Most revisions in one answer: below 32 KiB.
const REVISIONS_MAX: usize = 64;

/// Where a record stands.
#[query(guard = "gate::size")]
fn head(context: Bytes32) -> Certified {
    read(|registry| certified(registry, &id(&context)))
}

/// A record, as far as it does not grow with time.
#[query(guard = "gate::size")]
fn record(context: Bytes32) -> CertifiedRecord {
    read(|registry| {
        let context = id(&context);
        let record = registry.store.record(&context).map(|row| {
            let mut record = row.record(context, registry.name.log_start(&context));
            registry.store.load_proposals(&mut record);
            record_view(&record, &row, now_s())
        });
        CertifiedRecord { certified: certified(registry, &context), record }
    })
}

/// What an account is to a record.
#[query(guard = "gate::size")]
fn admin(context: Bytes32, account: Principal) -> AdminView {
    let nobody = AdminView { seat: None, since: 0, nominated_until_s: 0, open_proposals: 0 };
    let Some(account) = wire::account(&account) else { return nobody };
    read(|registry| {
        let Some(record) = loaded(registry, &id(&context)) else { return nobody };
        let seat = record.seats.get(&account);
        let own = record.proposals.values().filter(|proposal| proposal.proposer == account);
        let nominated = registry.store.nomination(&record.id, &account);
        AdminView {
            seat: seat.map(|seat| seat.index),
            since: seat.map_or(0, |seat| seat.since),
            nominated_until_s: nominated.unwrap_or(0),
            open_proposals: count(own.count()),
        }
    })
}

/// An open proposal with its batch.
#[query(guard = "gate::size")]
fn proposal(context: Bytes32, seq: u64) -> Option<ProposalView> {
    read(|registry| {
        let record = loaded(registry, &id(&context))?;
        record.proposals.get(&seq).map(|proposal| view(registry, &record, seq, proposal))
    })
}

/// All open proposals with their batches: at most 64.
#[query(guard = "gate::size")]
fn proposals(context: Bytes32) -> CertifiedProposals {
    read(|registry| {
        let context = id(&context);
        let record = loaded(registry, &context);
        let proposals = record.iter().flat_map(|record| {
            let open = record.proposals.iter();
            open.map(|(seq, proposal)| view(registry, record, *seq, proposal))
        });
        let proposals = proposals.collect();
        CertifiedProposals { certified: certified(registry, &context), proposals }
    })
}

/// Revisions after number `after`, oldest first: at most `limit`, and never more than 64.
#[query(guard = "gate::size")]
fn revisions(context: Bytes32, after: u64, limit: u32) -> CertifiedRevisions {
    read(|registry| {
        let context = id(&context);
        let limit = usize::try_from(limit).map_or(REVISIONS_MAX, |limit| limit.min(REVISIONS_MAX));
        let rows = registry.store.revisions(&context, after, limit);
        let revisions = rows.into_iter().map(revision).collect();
        CertifiedRevisions { certified: certified(registry, &context), revisions }
    })
}

/// Whether a leaf is under the members' root. Whoever asks computes the leaf from a member's
/// fields: an inner node given as a leaf would pass.
#[query(guard = "gate::size")]
fn is_member(context: Bytes32, leaf: Bytes32, proof: Vec<Bytes32>) -> bool {
    let proof: Vec<Hash> = proof.iter().map(wire::hash).collect();
    read(|registry| {
        loaded(registry, &id(&context)).is_some_and(|record| {
            record.terms.members_root != Hash::ZERO
                && proof.len() <= members_root::PROOF_MAX
                && members_root::verify(&record.terms.members_root, &wire::hash(&leaf), &proof)
        })
    })
}

/// What every hash of this registry starts from.
#[query(guard = "gate::size")]
fn registry_domain() -> Bytes32 {
    read(|registry| wire::bytes32(&registry.name.domain()))
}

/// The name of the record that `creator` makes with `salt`; none for who can make none.
#[query(guard = "gate::size")]
fn context_id(creator: Principal, salt: Bytes32) -> Option<Bytes32> {
    let creator = wire::account(&creator)?;
    let id = read(|registry| registry.name.context(&creator, &salt));
    Some(wire::bytes32(id.as_hash()))
}

/// What everything signed about a record begins with.
#[query(guard = "gate::size")]
fn domain(context: Bytes32) -> Bytes32 {
    read(|registry| wire::bytes32(&registry.name.log_start(&id(&context))))
}

/// Where this registry is, and its settings.
#[query(guard = "gate::size")]
fn about() -> About {
    read(|registry| About {
        chain: registry.name.chain.as_str().to_owned(),
        registry: api::canister_self(),
        settings: registry.settings.clone(),
        records: registry.store.records(),
    })
}

/// How many records an account may still make.
#[query(guard = "gate::size")]
fn allowance(account: Principal) -> Allowance {
    read(|registry| room::allowance(&registry.store, &registry.settings, &account))
}

fn certified(registry: &Registry, context: &OnChainId) -> Certified {
    let row = registry.store.record(context);
    let (head, log_head) = row.map_or(([0; 32], [0; 32]), |row| (row.head, row.log_head));
    Certified {
        head: ByteArray::new(head),
        log_head: ByteArray::new(log_head),
        certificate: api::data_certificate().map(ByteBuf::from),
        witness: ByteBuf::from(registry.heads.witness(context)),
    }
}

/// A record with its proposals.
fn loaded(registry: &Registry, context: &OnChainId) -> Option<Record> {
    let row = registry.store.record(context)?;
    let mut record = row.record(*context, registry.name.log_start(context));
    registry.store.load_proposals(&mut record);
    Some(record)
}

fn record_view(record: &Record, row: &RecordV1, now_s: u64) -> RecordView {
    let delay_s = |class| record.delay_s(class, now_s);
    let seat = |(account, seat): (&Account, &governance::anchor::Seat)| Seat {
        seat: seat.index,
        account: wire::principal(account),
        since: seat.since,
    };
    RecordView {
        context: ByteArray::new(*record.terms.context.as_bytes()),
        app: wire::bytes32(&record.terms.app),
        members_root: wire::bytes32(&record.terms.members_root),
        members_count: record.terms.members_count,
        meta: wire::bytes32(&record.meta),
        invite_root: wire::bytes32(&record.invite_root),
        delays_s: Delays {
            routine: delay_s(Class::Routine),
            app: delay_s(Class::App),
            admin: delay_s(Class::Admin),
            root: delay_s(Class::Root),
        },
        guardian: record.terms.guardian.as_ref().map(wire::principal),
        frozen_until_s: record.frozen_until_s,
        last_freeze_s: record.last_freeze_s,
        seats: record.seats.iter().map(seat).collect(),
        open_proposals: count(record.proposals.len()),
        room_used: row.room_used,
        room: row.room,
    }
}

fn view(registry: &Registry, record: &Record, seq: u64, proposal: &Proposal) -> ProposalView {
    let actions = registry.store.batch(&record.id, seq).expect("an open proposal has its batch");
    let approved_by = record.seats.iter().filter(|(_, seat)| {
        let bit = proposal.approvals.checked_shr(seat.index.into()).unwrap_or(0) & 1;
        bit == 1 && seat.since <= proposal.created_rev
    });
    ProposalView {
        seq,
        actions: ByteBuf::from(actions),
        actions_hash: wire::bytes32(&proposal.actions_hash),
        approvals: proposal.approvals,
        approved_by: approved_by.map(|(account, _)| wire::principal(account)).collect(),
        withdrawn: proposal.withdrawn,
        created_rev: proposal.created_rev,
        eta_s: proposal.eta_s,
        expiry_s: proposal.expiry_s,
        threshold: proposal.threshold,
        class: proposal.class.number(),
        sets_guardian: proposal.sets_guardian,
        proposer: wire::principal(&proposal.proposer),
    }
}

fn revision((rev, row): (u64, RevisionRow)) -> Revision {
    let RevisionRow::V1 { kind, height: _, time_ns, payload, log_head } = row;
    let (payload, log_head) = (ByteBuf::from(payload), ByteArray::new(log_head));
    Revision { rev, kind, time_ns, payload, log_head }
}

fn now_s() -> u64 {
    api::time() / 1_000_000_000
}

/// There are at most 64 of what is counted here.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn id(context: &Bytes32) -> OnChainId {
    OnChainId::new(wire::hash(context))
}

//! The registry of contexts on NEAR: CAM-1, version 1, which `contracts/README.md` describes.
//!
//! The machine itself is `governance::anchor`, the model that nodes run and that the golden traces
//! are made from. This contract finds a record in its state, lets the model take one turn, keeps
//! what changed, has the caller pay for it, and tells what happened.
//!
//! It has no owner, no state of its own and nothing to initialise: what it is called and where it
//! runs make its domain. Its account must have no access key, so that nobody can replace the code.
//! It calls no contract; it only transfers what was paid too much.
//!
//! Reading order: `json` (the form of arguments) → `state` (what is kept, under which keys) →
//! `turn` (one call) → `payment` → `host` → `event` → `view`.
//!
//! # Invariants
//! - The caller is the predecessor; who signed the transaction does not count.
//! - A refused call panics with text that begins with its code, `E12 `, and changes nothing.
//! - A change is made whole within one receipt: no promise is awaited, there are no callbacks.
//! - Whoever adds to the state pays for it, measured; what a proposal took goes back to its
//!   proposer when it closes.

mod event;
mod host;
mod json;
mod payment;
mod state;
mod turn;
mod view;

use governance::anchor::{Call, Event};
use near_sdk::{AccountId, json_types::U64, near};

use crate::json::{Bytes, Bytes32, Invite, Terms};

/// The contract. It keeps nothing under its own name.
#[near(contract_state, contract_metadata(standard(standard = "cam", version = "1.0.0")))]
#[derive(Debug)]
pub struct Registry {}

/// What changes a record.
///
/// Each method takes a deposit. It must cover the bytes that the call adds to the state, and be at
/// least one yoctoNEAR, so that no access key which may only call functions decides or speaks for
/// its account; `expire` alone is free of that. What is left goes back.
///
/// A method without `self` spares reading and writing a contract's own state, of which there is
/// none. near-sdk takes it for a view, and lets deposits through.
#[near]
impl Registry {
    /// T0: makes the record `context_id(caller, salt)` with the caller as its only admin.
    #[deny_unknown_arguments]
    pub fn create(salt: Bytes32, terms: Terms) -> Bytes32 {
        Bytes32(*turn::create(salt.0, terms.into()).as_hash().as_bytes())
    }

    /// T1: proposes a batch, which the proposer thereby approves; its number.
    #[deny_unknown_arguments]
    pub fn propose(context: Bytes32, actions: Bytes, expiry_s: U64) -> Option<U64> {
        let expiry_s = expiry_s.0;
        let events =
            turn::open(context, &actions, expiry_s, |actions| Call::Propose { actions, expiry_s });
        number(&events)
    }

    /// T1x: proposes and, if one approval is enough and the class has no delay, executes.
    #[deny_unknown_arguments]
    pub fn act(context: Bytes32, actions: Bytes, expiry_s: U64) -> Option<U64> {
        let expiry_s = expiry_s.0;
        let events =
            turn::open(context, &actions, expiry_s, |actions| Call::Act { actions, expiry_s });
        number(&events)
    }

    /// T2: approves a proposal whose batch has this keccak-256.
    #[deny_unknown_arguments]
    pub fn approve(context: Bytes32, seq: U64, actions_hash: Bytes32) {
        turn::take(context, &Call::Approve { seq: seq.0, actions_hash: actions_hash.into() });
    }

    /// T2x: approves and, if that was the last approval needed and nothing is to be waited for,
    /// executes.
    #[deny_unknown_arguments]
    pub fn approve_and_execute(context: Bytes32, seq: U64, actions: Bytes) {
        turn::take(context, &Call::ApproveAndExecute { seq: seq.0, actions: actions.batch() });
    }

    /// T3: takes the caller's approval back.
    #[deny_unknown_arguments]
    pub fn unapprove(context: Bytes32, seq: U64) {
        turn::take(context, &Call::Unapprove { seq: seq.0 });
    }

    /// T4: withdraws a proposal: its proposer, or any admin once the proposer holds no seat.
    #[deny_unknown_arguments]
    pub fn cancel(context: Bytes32, seq: U64) {
        turn::take(context, &Call::Cancel { seq: seq.0 });
    }

    /// T5: refuses a proposal, as the guardian.
    #[deny_unknown_arguments]
    pub fn veto(context: Bytes32, seq: U64) {
        turn::take(context, &Call::Veto { seq: seq.0 });
    }

    /// T6: carries out a queued proposal whose delay is over. Anybody may.
    #[deny_unknown_arguments]
    pub fn execute(context: Bytes32, seq: U64, actions: Bytes) {
        turn::take(context, &Call::Execute { seq: seq.0, actions: actions.batch() });
    }

    /// T7: frees a proposal that ran out. Anybody may.
    #[deny_unknown_arguments]
    pub fn expire(context: Bytes32, seq: U64) {
        turn::take(context, &Call::Expire { seq: seq.0 });
    }

    /// T8: takes the seat that the caller was nominated for.
    #[deny_unknown_arguments]
    pub fn accept_admin(context: Bytes32) {
        turn::take(context, &Call::AcceptAdmin);
    }

    /// T9: gives the caller's seat up.
    #[deny_unknown_arguments]
    pub fn renounce(context: Bytes32) {
        turn::take(context, &Call::Renounce);
    }

    /// T10: tells that the caller and a member key belong together; the key signed so. This chain
    /// checks all three schemes.
    #[deny_unknown_arguments]
    pub fn bind(context: Bytes32, scheme: u8, key: Bytes, signature: Bytes, expiry_s: U64) {
        let (key, signature, expiry_s) = (key.0, signature.0, expiry_s.0);
        turn::take(context, &Call::Bind { scheme, key, signature, expiry_s });
    }

    /// T11: tells that they no longer do.
    #[deny_unknown_arguments]
    pub fn unbind(context: Bytes32, key: Bytes) {
        turn::take(context, &Call::Unbind { key: key.0 });
    }

    /// T12: uses an invitation up, for the caller and its member key.
    #[deny_unknown_arguments]
    pub fn claim_invite(
        context: Bytes32,
        key: Bytes,
        invite: Invite,
        r#use: u32,
        proof: Vec<Bytes32>,
        signature: Bytes,
    ) {
        let call = Call::ClaimInvite {
            key: key.0,
            invite: invite.into(),
            use_number: r#use,
            proof: proof.into_iter().map(Into::into).collect(),
            signature: signature.0,
        };
        turn::take(context, &call);
    }

    /// T13: stops grave proposals and all executions for 1 second up to 7 days, as the guardian.
    #[deny_unknown_arguments]
    pub fn freeze(context: Bytes32, secs: u32) {
        turn::take(context, &Call::Freeze { secs });
    }
}

/// What anybody may ask.
#[near]
impl Registry {
    /// The two words that begin the record's value in the state, zero where there is no record.
    pub fn head(context: Bytes32) -> view::Heads {
        view::heads(context)
    }

    /// What stands beside the head; null where there is no record.
    pub fn record(context: Bytes32) -> Option<view::Record> {
        view::record(context)
    }

    /// Whether the account holds a seat or may take one, and how many proposals it has open.
    pub fn admin(context: Bytes32, account: AccountId) -> view::Admin {
        view::admin(context, &account)
    }

    /// An open proposal with its batch; null where none is.
    pub fn proposal(context: Bytes32, seq: U64) -> Option<view::Proposal> {
        view::proposal(context, seq.0)
    }

    /// All open proposals with their batches, ascending.
    pub fn proposals(context: Bytes32) -> Vec<view::Proposal> {
        view::proposals(context)
    }

    /// At most `limit` revisions after number `after`, ascending; no more than 64 are given.
    pub fn revisions(context: Bytes32, after: U64, limit: u32) -> Vec<view::Revision> {
        view::revisions(context, after.0, limit)
    }

    /// Whether `leaf` is under the members root. Whoever asks computes it from a member's fields.
    pub fn is_member(context: Bytes32, leaf: Bytes32, proof: Vec<Bytes32>) -> bool {
        view::is_member(context, leaf, proof)
    }

    /// `RD`: what every other hash starts from.
    pub fn registry_domain() -> Bytes32 {
        Bytes32(*turn::registry().domain().as_bytes())
    }

    /// The id of the record that `creator` makes with `salt`.
    pub fn context_id(creator: AccountId, salt: Bytes32) -> Bytes32 {
        let context = turn::registry().context(&state::account(&creator), &salt.0);
        Bytes32(*context.as_hash().as_bytes())
    }

    /// What member and invite keys sign about.
    pub fn domain(context: Bytes32) -> Bytes32 {
        Bytes32(*turn::registry().log_start(&context.into()).as_bytes())
    }
}

/// The number of the proposal that was made.
fn number(events: &[Event]) -> Option<U64> {
    events.iter().find_map(|event| match event {
        Event::Proposed { seq } => Some(U64(*seq)),
        _ => None,
    })
}

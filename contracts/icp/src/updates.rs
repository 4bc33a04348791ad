//! The methods that change something, each with its `validate_` twin.

use candid::Principal;
use governance::anchor::{Call, OnChainId};
use ic_cdk::{query, update};
use serde_bytes::ByteBuf;

use crate::{
    ask::Ask,
    gate, lifecycle, validate,
    wire::{Allowance, Answer, Bytes32, Invite, Refusal, Terms, hash},
};

/// A method of the machine and its twin: they take the same arguments, and ask the same.
macro_rules! method {
    ($(#[$doc:meta])* $name:ident, $twin:ident, ($($arg:ident: $type:ty),*) => $ask:expr) => {
        $(#[$doc])*
        #[update(guard = "gate::caller")]
        fn $name($($arg: $type),*) -> Answer {
            submit($ask)
        }

        #[query(guard = "gate::size")]
        fn $twin($($arg: $type),*) -> Result<String, String> {
            validate::ask(&$ask)
        }
    };
}

/// T0: makes the record of the caller and `salt`.
#[update(guard = "gate::caller")]
fn create(salt: Bytes32, terms: Terms) -> Answer {
    let caller = lifecycle::caller().expect("the guard let somebody in");
    lifecycle::change(|registry, till| registry.create(&caller, salt.into_array(), terms, till))
}

#[query(guard = "gate::size")]
fn validate_create(salt: Bytes32, terms: Terms) -> Result<String, String> {
    validate::create(salt.into_array(), terms)
}

method! {
    /// T1: proposes a batch, and approves it.
    propose, validate_propose, (context: Bytes32, actions: ByteBuf, expiry_s: u64) =>
    Ask::with_batch(id(&context), actions.into_vec(), |actions| Call::Propose { actions, expiry_s })
}

method! {
    /// T1x: proposes and, where one approval is enough and nothing is to be waited for, executes.
    act, validate_act, (context: Bytes32, actions: ByteBuf, expiry_s: u64) =>
    Ask::with_batch(id(&context), actions.into_vec(), |actions| Call::Act { actions, expiry_s })
}

method! {
    /// T2: approves.
    approve, validate_approve, (context: Bytes32, seq: u64, actions_hash: Bytes32) =>
    Ask::plain(id(&context), Call::Approve { seq, actions_hash: hash(&actions_hash) })
}

method! {
    /// T2x: approves and, where that was the last approval needed, executes.
    approve_and_execute, validate_approve_and_execute,
    (context: Bytes32, seq: u64, actions: ByteBuf) =>
    Ask::with_batch(id(&context), actions.into_vec(), |actions| {
        Call::ApproveAndExecute { seq, actions }
    })
}

method! {
    /// T3: takes the caller's approval back.
    unapprove, validate_unapprove, (context: Bytes32, seq: u64) =>
    Ask::plain(id(&context), Call::Unapprove { seq })
}

method! {
    /// T4: withdraws a proposal.
    cancel, validate_cancel, (context: Bytes32, seq: u64) =>
    Ask::plain(id(&context), Call::Cancel { seq })
}

method! {
    /// T5: refuses a proposal, as the guardian.
    veto, validate_veto, (context: Bytes32, seq: u64) =>
    Ask::plain(id(&context), Call::Veto { seq })
}

method! {
    /// T6: carries a queued proposal out.
    execute, validate_execute, (context: Bytes32, seq: u64, actions: ByteBuf) =>
    Ask::with_batch(id(&context), actions.into_vec(), |actions| Call::Execute { seq, actions })
}

method! {
    /// T7: frees a proposal that ran out.
    expire, validate_expire, (context: Bytes32, seq: u64) =>
    Ask::plain(id(&context), Call::Expire { seq })
}

method! {
    /// T8: takes the seat that the caller was nominated for.
    accept_admin, validate_accept_admin, (context: Bytes32) =>
    Ask::plain(id(&context), Call::AcceptAdmin)
}

method! {
    /// T9: gives the caller's seat up.
    renounce, validate_renounce, (context: Bytes32) =>
    Ask::plain(id(&context), Call::Renounce)
}

method! {
    /// T10: tells that the caller and a member key belong together.
    bind, validate_bind,
    (context: Bytes32, scheme: u8, key: ByteBuf, signature: ByteBuf, expiry_s: u64) =>
    Ask::plain(id(&context), Call::Bind {
        scheme, key: key.into_vec(), signature: signature.into_vec(), expiry_s
    })
}

method! {
    /// T11: tells that they no longer do.
    unbind, validate_unbind, (context: Bytes32, key: ByteBuf) =>
    Ask::plain(id(&context), Call::Unbind { key: key.into_vec() })
}

method! {
    /// T12: uses an invitation up.
    claim_invite, validate_claim_invite, (
        context: Bytes32, key: ByteBuf, invite: Invite, use_number: u32, proof: Vec<Bytes32>,
        signature: ByteBuf
    ) =>
    Ask::plain(id(&context), Call::ClaimInvite {
        key: key.into_vec(),
        invite: invite.into(),
        use_number,
        proof: proof.iter().map(hash).collect(),
        signature: signature.into_vec(),
    })
}

method! {
    /// T13: stops grave proposals and all executions for a while, as the guardian.
    freeze, validate_freeze, (context: Bytes32, secs: u32) =>
    Ask::plain(id(&context), Call::Freeze { secs })
}

/// Pays, with cycles of the call, for one record that `account` will make. Users have no cycles to
/// send: their wallet calls this.
#[update(guard = "gate::caller")]
fn buy_record(account: Principal) -> Result<Allowance, Refusal> {
    lifecycle::change(|registry, till| registry.buy_record(account, till))
}

#[query(guard = "gate::size")]
fn validate_buy_record(account: Principal) -> Result<String, String> {
    validate::buy_record(&account)
}

/// Pays, with cycles of the call, for more room in a record; how many bytes it has then.
#[update(guard = "gate::caller")]
fn buy_room(context: Bytes32) -> Result<u64, Refusal> {
    lifecycle::change(|registry, till| registry.buy_room(&id(&context), till))
}

#[query(guard = "gate::size")]
fn validate_buy_room(context: Bytes32) -> Result<String, String> {
    validate::buy_room(&id(&context))
}

fn submit(ask: Ask) -> Answer {
    let caller = lifecycle::caller().expect("the guard let somebody in");
    lifecycle::change(|registry, _| registry.submit(&caller, ask))
}

fn id(context: &Bytes32) -> OnChainId {
    OnChainId::new(hash(context))
}

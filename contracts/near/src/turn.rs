//! One call: the model takes its turn on the record, and what it comes to is kept, paid and told.

use governance::anchor::{
    Account, Action, Call, Code, Event, OnChainId, Record, Registry, Terms, decode_actions,
};
use near_sdk::{AccountId, NearToken, env};
use types::Hash;

use crate::{
    event,
    host::Near,
    json::{Bytes, Bytes32},
    payment::{Payment, YOCTO},
    state,
};

const NS_PER_S: u64 = 1_000_000_000;

/// This registry's name: the chain's and its own.
pub(crate) fn registry() -> Registry {
    let chain = ["near:", &env::chain_id()].concat();
    let chain = chain.parse().expect("NEAR's chains have CAIP-2 names");
    Registry { chain, account: state::account(&env::current_account_id()) }
}

/// The block's time, Unix seconds.
pub(crate) fn now_s() -> u64 {
    env::block_timestamp() / NS_PER_S
}

/// T0; the new record's id.
pub(crate) fn create(salt: [u8; 32], terms: Terms) -> OnChainId {
    let payment = Payment::begin();
    let (registry, caller) = (registry(), caller());
    let context = registry.context(&caller, &salt);
    if state::heads(&context).is_some() {
        refuse(Code::E01);
    }
    let created = Record::create(&registry, &caller, salt, terms);
    let (_, record, event) = created.unwrap_or_else(|code| refuse(code));
    let events = [event];
    state::keep_proposals(None, &record, &[]);
    keep(None, &record, &events);
    payment.settle(YOCTO, None);
    let call = Call::Create { salt, terms: record.terms };
    event::tell(&context, &caller, &call, &[], &events);
    context
}

/// T1 and T1x: `call` with the batch that `actions` are.
pub(crate) fn open(
    context: Bytes32,
    actions: &Bytes,
    expiry_s: u64,
    call: impl FnOnce(Vec<Action>) -> Call,
) -> Vec<Event> {
    let batch = decode(&actions.0).unwrap_or_else(|malformed| {
        // What stands before the batch is looked at first, also where it cannot be read.
        let context = context.into();
        let record = state::record(&context, Hash::ZERO).unwrap_or_else(|| refuse(Code::E10));
        let before = record.may_open(&caller(), expiry_s, now_s());
        refuse(before.err().unwrap_or(malformed))
    });
    transit(context.into(), &call(batch), &actions.0)
}

/// Any other transition of a record.
pub(crate) fn take(context: Bytes32, call: &Call) {
    transit(context.into(), call, &[]);
}

fn transit(context: OnChainId, call: &Call, batch: &[u8]) -> Vec<Event> {
    let payment = Payment::begin();
    let caller = caller();
    let before = state::record_for(&context, domain(&context, call), &caller, call);
    let before = before.unwrap_or_else(|| {
        refuse(call.refusal_without_record().unwrap_or(Code::E10));
    });
    let turn = before.after(&caller, call, now_s(), &Near);
    let (after, events) = turn.unwrap_or_else(|code| refuse(code));
    state::keep_proposals(Some(&before), &after, batch);
    let closed = before.proposals.iter().find(|(seq, _)| !after.proposals.contains_key(*seq));
    let freed = closed.map(|(_, proposal)| payment.freed(&proposal.proposer));
    keep(Some(&before), &after, &events);
    // Who frees what ran out decides nothing.
    let least = if matches!(call, Call::Expire { .. }) { NearToken::ZERO } else { YOCTO };
    payment.settle(least, freed);
    event::tell(&context, &caller, call, batch, &events);
    events
}

/// What signatures begin with; where the model looks at none, nothing is hashed for it.
fn domain(context: &OnChainId, call: &Call) -> Hash {
    match call {
        Call::Bind { .. } | Call::ClaimInvite { .. } => registry().log_start(context),
        _ => Hash::ZERO,
    }
}

fn keep(before: Option<&Record>, after: &Record, events: &[Event]) {
    state::keep(before, after);
    for event in events {
        if let Event::Rev { rev, happened, log_head } = event {
            state::keep_revision(&after.id, *rev, happened, log_head);
        }
    }
}

/// The batch that these bytes are; accounts that this chain cannot have are malformed.
fn decode(bytes: &[u8]) -> Result<Vec<Action>, Code> {
    let actions = decode_actions(bytes)?;
    let is_ours = |action: &Action| match action {
        Action::NominateAdmin { account, .. }
        | Action::RemoveAdmin { account }
        | Action::SetGuardian { guardian: Some(account) } => is_account(account),
        _ => true,
    };
    if actions.iter().all(is_ours) { Ok(actions) } else { Err(Code::E16) }
}

fn is_account(account: &Account) -> bool {
    str::from_utf8(account.as_bytes()).is_ok_and(|name| name.parse::<AccountId>().is_ok())
}

/// Who asks: the account that made this call, whoever signed the transaction that led to it.
fn caller() -> Account {
    state::account(&env::predecessor_account_id())
}

/// Ends the call with nothing changed.
pub(crate) fn refuse(code: Code) -> ! {
    env::panic_str(&code.to_string().replacen(": ", " ", 1))
}

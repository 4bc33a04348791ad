//! The registry's calls, answers, events and errors as felts, and the protocol's values. Pure.

mod call;
mod layout;
mod serde;

use governance::{
    anchor::{Account, Class, Code, Head, OnChainId},
    log::{BlockRef, Revision},
};
use serde_json::Value;
use types::{ContextId, Hash};

use self::serde::{Reader, halves};
pub(crate) use self::{
    call::invocation,
    layout::{anchor, seat_since},
    serde::{account, address},
};
use crate::{
    felt::{self, Felt, starknet_keccak},
    rpc::Event,
};

/// No record has more seats.
pub(crate) const SEATS_MAX: u8 = 32;
/// Deepest nesting of a reason that is looked through.
const DEPTH_MAX: usize = 64;

/// What stands beside a head, as far as this adapter needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) context: ContextId,
    pub(crate) members_root: Hash,
    pub(crate) open_proposals: u8,
}

/// An open proposal, without its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ballot {
    pub(crate) actions_hash: Hash,
    /// Bitmap of seats.
    pub(crate) approvals: u64,
    pub(crate) created_rev: u64,
    pub(crate) eta_s: Option<u64>,
    pub(crate) expiry_s: u64,
    pub(crate) threshold: u8,
    pub(crate) class: Class,
    pub(crate) proposer: Account,
}

/// What the events of one transaction say that it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) seq: Option<u64>,
    pub(crate) rev: Option<u64>,
}

/// The arguments that name a record.
pub(crate) fn context_arguments(context: &OnChainId) -> [Felt; 2] {
    halves(context.as_hash().as_bytes())
}

/// Head and log head in the answer of `head`, or in the four words of storage; the inner `None` if
/// there is no such record.
pub(crate) fn head(felts: &[Felt]) -> Option<Option<(Head, Hash)>> {
    let mut reader = Reader(felts);
    let (packed, log_head) = (reader.bytes32()?, reader.hash()?);
    reader.end(())?;
    if packed == [0; 32] {
        return Some(None);
    }
    Some(Some((Head::unpack(&packed)?, log_head)))
}

/// The answer of `record`.
pub(crate) fn beside(felts: &[Felt]) -> Option<Beside> {
    let mut reader = Reader(felts);
    let context = ContextId::from_bytes(reader.bytes32()?);
    let [_app, members_root, _meta, _invites] =
        [reader.hash()?, reader.hash()?, reader.hash()?, reader.hash()?];
    let _members = reader.u32()?;
    for _class in 0..4 {
        let _delay_s = reader.u32()?;
    }
    let open_proposals = reader.u8()?;
    let (_guardian, _frozen_until_s, _last_freeze_s) =
        (reader.account()?, reader.u64()?, reader.u64()?);
    reader.end(Beside { context, members_root, open_proposals })
}

/// The answer of `proposal`; the inner `None` if it is not open.
pub(crate) fn ballot(felts: &[Felt]) -> Option<Option<Ballot>> {
    let mut reader = Reader(felts);
    let actions_hash = reader.hash()?;
    let (approvals, _withdrawn, created_rev) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let (eta_s, expiry_s, threshold) = (reader.u64()?, reader.u64()?, reader.u8()?);
    let class = match reader.u8()? {
        0 => Class::Routine,
        1 => Class::App,
        2 => Class::Admin,
        3 => Class::Root,
        _ => return None,
    };
    let (status, _sets_guardian, proposer) = (reader.u8()?, reader.flag()?, reader.account()?);
    reader.end(())?;
    match (status, proposer) {
        (0, _) => Some(None),
        (1 | 2, Some(proposer)) => Some(Some(Ballot {
            actions_hash,
            approvals,
            created_rev,
            eta_s: (eta_s != 0).then_some(eta_s),
            expiry_s,
            threshold,
            class,
            proposer,
        })),
        _ => None,
    }
}

/// Seat and since when, in the answer of `admin`; the inner `None` if it holds none.
pub(crate) fn seat(felts: &[Felt]) -> Option<Option<(u8, u64)>> {
    let mut reader = Reader(felts);
    let (is_seated, seat, since) = (reader.flag()?, reader.u8()?, reader.u64()?);
    let (_nominated_until_s, _open) = (reader.u64()?, reader.u8()?);
    reader.end(is_seated.then_some((seat, since)))
}

/// The keys that select the revisions of `context`.
pub(crate) fn rev_keys(context: &OnChainId) -> Vec<Vec<Felt>> {
    keys(&["Rev"], context)
}

/// The keys that select proposals of `context` and approvals of them.
pub(crate) fn proposal_keys(context: &OnChainId) -> Vec<Vec<Felt>> {
    keys(&["Proposed", "Approved"], context)
}

fn keys(names: &[&str], context: &OnChainId) -> Vec<Vec<Felt>> {
    let kinds = names.iter().map(|name| starknet_keccak(name.as_bytes())).collect();
    let [high, low] = context_arguments(context);
    vec![kinds, vec![high], vec![low]]
}

/// The keys after name and context, if `event` is called `name` and is of `registry` about
/// `context`.
fn about<'a>(
    event: &'a Event,
    name: &str,
    registry: Felt,
    context: &OnChainId,
) -> Option<&'a [Felt]> {
    let [high, low] = context_arguments(context);
    let keys = event.keys.strip_prefix(&[starknet_keccak(name.as_bytes()), high, low])?;
    (event.from == registry).then_some(keys)
}

/// The revision that `event` tells of, still without its block; `None` if it is another event, or
/// another context's, or from another contract than `registry`.
pub(crate) fn revision(
    event: &Event,
    registry: Felt,
    context: &OnChainId,
) -> Option<(u64, impl FnOnce(BlockRef) -> Revision + use<>)> {
    let [rev] = about(event, "Rev", registry, context)? else { return None };
    let rev = u64::try_from(*rev).ok()?;
    let mut reader = Reader(&event.data);
    let (kind, payload, log_head) = (reader.u8()?, reader.byte_array()?, reader.hash()?);
    reader.end((rev, move |block| Revision { rev, kind, payload, log_head, block }))
}

/// What happened to a proposal: its number, who did it, and the batch if it was proposed. `None` if
/// `event` tells of something else.
pub(crate) fn proposal_event(
    event: &Event,
    registry: Felt,
    context: &OnChainId,
) -> Option<(u64, Felt, Option<Vec<u8>>)> {
    if let Some(keys) = about(event, "Proposed", registry, context) {
        let [seq, by] = keys else { return None };
        let mut reader = Reader(&event.data);
        let (actions, _expiry_s) = (reader.byte_array()?, reader.u64()?);
        return reader.end((u64::try_from(*seq).ok()?, *by, Some(actions)));
    }
    let [seq, by] = about(event, "Approved", registry, context)? else { return None };
    Some((u64::try_from(*seq).ok()?, *by, None))
}

/// What the events in a receipt say that it did to `context`.
pub(crate) fn done(events: &[Event], registry: Felt, context: &OnChainId) -> Done {
    let mut done = Done::default();
    for event in events {
        if let Some((rev, _)) = revision(event, registry, context) {
            done.rev = Some(rev);
        } else if let Some((seq, _, Some(_))) = proposal_event(event, registry, context) {
            done.seq = Some(seq);
        }
    }
    done
}

/// Why the registry refused; `None` if this is no refusal of it.
///
/// Endpoints tell a reason as text, or as objects one within the other, from the account inwards;
/// in it the contract's short string stands as hexadecimal digits, the innermost last.
pub(crate) fn code_of(reason: &Value) -> Option<Code> {
    let mut found = None;
    look(reason, DEPTH_MAX, &mut found);
    found
}

fn look(value: &Value, depth_left: usize, found: &mut Option<Code>) {
    let Some(depth_left) = depth_left.checked_sub(1) else { return };
    match value {
        Value::String(text) => {
            if let Some(code) = code_in(text) {
                *found = Some(code);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| look(value, depth_left, found)),
        Value::Object(values) => values.values().for_each(|value| look(value, depth_left, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The last code in `text`.
pub(crate) fn code_in(text: &str) -> Option<Code> {
    let after = text.split("0x").skip(1);
    after.filter_map(code_of_digits).last()
}

/// The code that hexadecimal digits at the beginning of `text` are: of `E` and two digits.
fn code_of_digits(text: &str) -> Option<Code> {
    let end = text.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(text.len());
    let felt = felt::parse_hex(&format!("0x{}", text.get(..end)?))?;
    let bytes = felt.to_bytes_be();
    let (above, name) = bytes.split_at_checked(bytes.len().checked_sub(3)?)?;
    let digits = str::from_utf8(name.strip_prefix(b"E")?).ok()?;
    let is_name = above.iter().all(|byte| *byte == 0)
        && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
    Code::from_number(u16::from_str_radix(digits, 16).ok().filter(|_| is_name)?)
}

#[cfg(test)]
mod tests;

//! Calls and events of the registry in felts, by `contracts/README.md`.

use anchorhold_traces::Played;
use anyhow::{Context as _, Result, bail};
use governance::anchor::{Account, Call, Event, Invite, OnChainId, Terms};
use starknet_rs::core::{
    types::Felt,
    utils::{get_selector_from_name, starknet_keccak},
};
use types::Hash;

/// Bytes of a whole word of a `ByteArray`.
const WORD: usize = 31;

/// Half a word of 32 bytes, twice: the first half first.
pub(crate) fn word(bytes: &[u8; 32]) -> [Felt; 2] {
    let (high, low) = bytes.split_at(16);
    [Felt::from_bytes_be_slice(high), Felt::from_bytes_be_slice(low)]
}

pub(crate) fn hash(hash: &Hash) -> [Felt; 2] {
    word(hash.as_bytes())
}

pub(crate) fn context(context: &OnChainId) -> [Felt; 2] {
    hash(context.as_hash())
}

/// The 32 bytes of two halves.
pub(crate) fn joined(high: Felt, low: Felt) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&high.to_bytes_be()[16..]);
    bytes[16..].copy_from_slice(&low.to_bytes_be()[16..]);
    bytes
}

/// A `ByteArray`.
pub(crate) fn byte_array(bytes: &[u8]) -> Vec<Felt> {
    let words = bytes.chunks_exact(WORD);
    let rest = words.remainder();
    let mut felts = vec![Felt::from(words.len())];
    felts.extend(words.map(Felt::from_bytes_be_slice));
    felts.extend([Felt::from_bytes_be_slice(rest), Felt::from(rest.len())]);
    felts
}

/// The account with this address.
pub(crate) fn account(address: Felt) -> Option<Account> {
    Account::new(&address.to_bytes_be())
}

pub(crate) fn address(account: &Account) -> Felt {
    Felt::from_bytes_be_slice(account.as_bytes())
}

/// The name and arguments of a step's call.
pub(crate) fn calldata(id: &OnChainId, step: &Played) -> Result<(&'static str, Vec<Felt>)> {
    let name = snake(step.call.method()).context("a method of this chain")?;
    let mut felts = match &step.call {
        Call::Create { .. } => Vec::new(),
        _ => context(id).to_vec(),
    };
    let batch = || step.batch.as_deref().map(byte_array).context("a batch");
    match &step.call {
        Call::Create { salt, terms: made } => {
            felts.extend(word(salt));
            felts.extend(terms(made));
        }
        Call::Propose { expiry_s, .. } | Call::Act { expiry_s, .. } => {
            felts.extend(batch()?);
            felts.push((*expiry_s).into());
        }
        Call::Approve { seq, actions_hash } => {
            felts.push((*seq).into());
            felts.extend(hash(actions_hash));
        }
        Call::ApproveAndExecute { seq, .. } | Call::Execute { seq, .. } => {
            felts.push((*seq).into());
            felts.extend(batch()?);
        }
        Call::Unapprove { seq }
        | Call::Cancel { seq }
        | Call::Veto { seq }
        | Call::Expire { seq } => felts.push((*seq).into()),
        Call::AcceptAdmin | Call::Renounce => {}
        Call::Bind { scheme, key, signature, expiry_s } => {
            felts.extend(bound(*scheme, key, signature, *expiry_s));
        }
        Call::Unbind { key } => felts.extend(byte_array(key)),
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            felts.extend(byte_array(key));
            felts.extend(invitation(invite));
            felts.extend([(*use_number).into(), Felt::from(proof.len())]);
            felts.extend(proof.iter().flat_map(hash));
            felts.extend(byte_array(signature));
        }
        Call::Freeze { secs } => felts.push((*secs).into()),
        Call::ApproveBySigs { .. } => bail!("Ethereum only"),
    }
    Ok((name, felts))
}

/// Keys and data of the event that a step must tell.
pub(crate) fn told(id: &OnChainId, step: &Played, event: &Event) -> Result<(Vec<Felt>, Vec<Felt>)> {
    let mut keys = vec![starknet_keccak(event.name().as_bytes())];
    keys.extend(context(id));
    let caller = address(&step.caller);
    let data = match (event, &step.call) {
        (Event::Rev { rev, happened, log_head }, _) => {
            keys.push((*rev).into());
            let mut data = vec![happened.kind().into()];
            data.extend(byte_array(&happened.payload()));
            data.extend(hash(log_head));
            data
        }
        (Event::Proposed { seq }, Call::Propose { expiry_s, .. } | Call::Act { expiry_s, .. }) => {
            keys.extend([(*seq).into(), caller]);
            let mut data = byte_array(step.batch.as_deref().context("a batch")?);
            data.push((*expiry_s).into());
            data
        }
        (Event::Queued { seq, eta_s }, _) => {
            keys.push((*seq).into());
            vec![(*eta_s).into()]
        }
        (Event::Expired { seq }, _) => {
            keys.push((*seq).into());
            Vec::new()
        }
        (
            Event::Approved { seq, .. }
            | Event::Unapproved { seq }
            | Event::Executed { seq }
            | Event::Canceled { seq }
            | Event::Vetoed { seq },
            _,
        ) => {
            keys.extend([(*seq).into(), caller]);
            Vec::new()
        }
        (Event::Bound { .. }, Call::Bind { scheme, key, signature, expiry_s }) => {
            keys.push(caller);
            bound(*scheme, key, signature, *expiry_s)
        }
        (Event::Unbound { key }, _) => {
            keys.push(caller);
            byte_array(key)
        }
        (Event::Claimed { key, leaf, use_number }, _) => {
            keys.push(caller);
            let mut data = byte_array(key);
            data.extend(hash(leaf));
            data.push((*use_number).into());
            data
        }
        (event, call) => bail!("{} does not tell {event:?}", call.method()),
    };
    Ok((keys, data))
}

/// Where the head of a record lies; its low half and both of the log head's lie in the three words
/// behind it.
pub(crate) fn anchor_slot(id: &OnChainId) -> Result<Felt> {
    use starknet_rs::core::crypto::pedersen_hash;
    let [high, low] = context(id);
    let records = get_selector_from_name("records")?;
    let record = pedersen_hash(&pedersen_hash(&records, &high), &low);
    let slot = pedersen_hash(&record, &get_selector_from_name("anchor")?);
    Ok(starknet_rs::core::utils::normalize_address(slot))
}

fn terms(terms: &Terms) -> Vec<Felt> {
    let mut felts = [hash(&terms.app), hash(&terms.members_root)].concat();
    felts.extend([Felt::from(terms.members_count), terms.flags.into()]);
    felts.extend(terms.delays_s.map(Felt::from));
    felts.push(terms.guardian.as_ref().map_or(Felt::ZERO, address));
    felts.extend(word(terms.context.as_bytes()));
    felts
}

fn bound(scheme: u8, key: &[u8], signature: &[u8], expiry_s: u64) -> Vec<Felt> {
    let mut felts = vec![scheme.into()];
    felts.extend(byte_array(key));
    felts.extend(byte_array(signature));
    felts.push(expiry_s.into());
    felts
}

pub(crate) fn invitation(invite: &Invite) -> [Felt; 4] {
    let Invite { key, expiry_s, role, uses } = invite;
    [Felt::from_bytes_be_slice(key), (*expiry_s).into(), (*role).into(), (*uses).into()]
}

/// Methods as this chain spells them.
fn snake(method: &str) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "create",
        "propose",
        "act",
        "approve",
        "approve_and_execute",
        "unapprove",
        "cancel",
        "veto",
        "execute",
        "expire",
        "accept_admin",
        "renounce",
        "bind",
        "unbind",
        "claim_invite",
        "freeze",
    ];
    NAMES.into_iter().find(|name| name.replace('_', "") == method.to_lowercase())
}

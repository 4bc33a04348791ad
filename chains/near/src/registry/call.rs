//! Calls of the registry as a contract's methods and their arguments: JSON, bytes as `0x` and hex,
//! `u64` as decimal text, accounts by their names.

use chain::{Call, ChainError};
use governance::anchor::{Account, Action, Invite, OnChainId, Terms, encode_actions};
use serde_json::{Map, Value, json};
use types::Hash;

use crate::wallet::NearId;

/// One byte of state, in yoctoNEAR. Source: near-parameters, `storage_amount_per_byte`.
const BYTE_PRICE: u128 = 10_u128.pow(19);
/// What is paid for at most beside a batch and what it does: a record, its seats and its first
/// revision take about 900 bytes.
const BATCH_OVERHEAD_BYTES: u128 = 2_500;
/// What one action may add besides its payload: a revision, a seat, a nomination.
const ACTION_BYTES: u128 = 400;
/// Gas for a call: six times what most take, since not all of what is left comes back.
const GAS_BASE: u64 = 30 * TERA_GAS;
/// More gas for each action of a batch.
const GAS_PER_ACTION: u64 = 4 * TERA_GAS;
const TERA_GAS: u64 = 1_000_000_000_000;

/// What is asked of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    /// JSON.
    pub(crate) args: Vec<u8>,
    /// Covers what the call may add to the state; what is left comes back.
    pub(crate) deposit: u128,
    pub(crate) gas: u64,
}

impl Ask {
    /// What makes `call` about `context`.
    ///
    /// # Errors
    /// As [`call_arguments`].
    pub(crate) fn new(context: &OnChainId, call: &Call) -> Result<Self, ChainError> {
        let (method, args) = call_arguments(context, call)?;
        let actions: &[Action] = match call {
            Call::Propose { actions, .. }
            | Call::Act { actions, .. }
            | Call::ApproveAndExecute { actions, .. }
            | Call::Execute { actions, .. } => actions,
            _ => &[],
        };
        let count = u64::try_from(actions.len()).unwrap_or(u64::MAX);
        let gas = GAS_BASE.saturating_add(GAS_PER_ACTION.saturating_mul(count));
        let args = args.to_string().into_bytes();
        Ok(Self { method, args, deposit: deposit(call, actions), gas })
    }
}

/// More than the contract will keep of it, but for calls that add nothing to the state: these take
/// the one yoctoNEAR that shows a full-access key.
fn deposit(call: &Call, actions: &[Action]) -> u128 {
    match call {
        Call::Unapprove { .. }
        | Call::Cancel { .. }
        | Call::Veto { .. }
        | Call::Expire { .. }
        | Call::Bind { .. }
        | Call::Unbind { .. }
        | Call::Approve { .. } => 1,
        _ => {
            let payload = |action: &Action| 3 * u128_of(action.payload().len()) + ACTION_BYTES;
            let actions: u128 = actions.iter().map(payload).sum();
            (BATCH_OVERHEAD_BYTES + actions) * BYTE_PRICE
        }
    }
}

fn u128_of(len: usize) -> u128 {
    u128::try_from(len).unwrap_or(u128::MAX)
}

/// The method and the JSON arguments that make `call` about `context`.
///
/// # Errors
/// [`ChainError::BadCall`] if the call has no legal batch, an account that is none of NEAR's, or is
/// one that NEAR's contract does not have.
pub fn call_arguments(
    context: &OnChainId,
    call: &Call,
) -> Result<(&'static str, Value), ChainError> {
    let (method, fields) = match call {
        Call::Create { salt, terms } => {
            let terms = terms_of(terms)?;
            return Ok(("create", json!({ "salt": hex(salt), "terms": terms })));
        }
        Call::Propose { actions, expiry_s } => {
            ("propose", json!({ "actions": batch(actions)?, "expiry_s": expiry_s.to_string() }))
        }
        Call::Act { actions, expiry_s } => {
            ("act", json!({ "actions": batch(actions)?, "expiry_s": expiry_s.to_string() }))
        }
        Call::Approve { seq, actions_hash } => {
            ("approve", json!({ "seq": seq.to_string(), "actions_hash": word(actions_hash) }))
        }
        Call::ApproveBySigs { .. } => {
            return Err(ChainError::BadCall { what: "NEAR has no approvals by signatures" });
        }
        Call::ApproveAndExecute { seq, actions } => {
            ("approve_and_execute", json!({ "seq": seq.to_string(), "actions": batch(actions)? }))
        }
        Call::Unapprove { seq } => ("unapprove", json!({ "seq": seq.to_string() })),
        Call::Cancel { seq } => ("cancel", json!({ "seq": seq.to_string() })),
        Call::Veto { seq } => ("veto", json!({ "seq": seq.to_string() })),
        Call::Execute { seq, actions } => {
            ("execute", json!({ "seq": seq.to_string(), "actions": batch(actions)? }))
        }
        Call::Expire { seq } => ("expire", json!({ "seq": seq.to_string() })),
        Call::AcceptAdmin => ("accept_admin", json!({})),
        Call::Renounce => ("renounce", json!({})),
        Call::Freeze { secs } => ("freeze", json!({ "secs": secs })),
        Call::Bind { .. } | Call::Unbind { .. } | Call::ClaimInvite { .. } => said(call),
    };
    let mut args = Map::new();
    args.insert("context".to_owned(), word(context.as_hash()).into());
    if let Value::Object(fields) = fields {
        args.extend(fields);
    }
    Ok((method, Value::Object(args)))
}

/// What accounts say about member keys; nothing for other calls.
fn said(call: &Call) -> (&'static str, Value) {
    match call {
        Call::Bind { scheme, key, signature, expiry_s } => (
            "bind",
            json!({
                "scheme": scheme,
                "key": hex(key),
                "signature": hex(signature),
                "expiry_s": expiry_s.to_string(),
            }),
        ),
        Call::Unbind { key } => ("unbind", json!({ "key": hex(key) })),
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            let Invite { key: invite_key, expiry_s, role, uses } = invite;
            let invite = json!({
                "key": hex(invite_key),
                "expiry_s": expiry_s.to_string(),
                "role": role,
                "uses": uses,
            });
            let proof: Vec<String> = proof.iter().map(word).collect();
            let args = json!({
                "key": hex(key),
                "invite": invite,
                "use": use_number,
                "proof": proof,
                "signature": hex(signature),
            });
            ("claim_invite", args)
        }
        _ => ("", Value::Null),
    }
}

fn batch(actions: &[Action]) -> Result<String, ChainError> {
    let too_many = |_| ChainError::BadCall { what: "no action, or more than one batch takes" };
    encode_actions(actions).map(|bytes| hex(&bytes)).map_err(too_many)
}

fn terms_of(terms: &Terms) -> Result<Value, ChainError> {
    let no_account = ChainError::BadCall { what: "the guardian is no account of NEAR" };
    let guardian = match &terms.guardian {
        None => Value::Null,
        Some(account) => name(account).ok_or(no_account)?.as_str().into(),
    };
    Ok(json!({
        "app": word(&terms.app),
        "members_root": word(&terms.members_root),
        "members_count": terms.members_count,
        "flags": terms.flags,
        "delays_s": terms.delays_s,
        "guardian": guardian,
        "context": hex(terms.context.as_bytes()),
    }))
}

/// The account's name; `None` if it is none of NEAR's.
fn name(account: &Account) -> Option<NearId> {
    str::from_utf8(account.as_bytes()).ok()?.parse().ok()
}

fn word(hash: &Hash) -> String {
    hex(hash.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use governance::anchor::Class;

    use super::*;

    const CONTEXT: OnChainId = OnChainId::new(Hash::from_bytes([1; 32]));

    fn arguments(call: &Call) -> (&'static str, Value) {
        call_arguments(&CONTEXT, call).expect("a legal call")
    }

    #[test]
    fn arguments_are_written_as_the_contract_reads_them() {
        let context = format!("0x{}", "01".repeat(32));
        let (dissolve, latest) = (vec![Action::Dissolve], u64::MAX.to_string());
        for (call, method, expected) in [
            (
                Call::Propose { actions: dissolve.clone(), expiry_s: u64::MAX },
                "propose",
                json!({"context": context, "actions": "0x0f0000", "expiry_s": latest}),
            ),
            (
                Call::ApproveAndExecute { seq: 7, actions: dissolve },
                "approve_and_execute",
                json!({"context": context, "seq": "7", "actions": "0x0f0000"}),
            ),
            (Call::AcceptAdmin, "accept_admin", json!({"context": context})),
            (Call::Freeze { secs: 9 }, "freeze", json!({"context": context, "secs": 9})),
            (
                Call::Unbind { key: vec![0xab] },
                "unbind",
                json!({"context": context, "key": "0xab"}),
            ),
        ] {
            assert_eq!(arguments(&call), (method, expected));
        }
    }

    #[test]
    fn accounts_that_near_cannot_have_are_refused() {
        let terms = |guardian| Terms {
            app: Hash::ZERO,
            members_root: Hash::ZERO,
            members_count: 1,
            flags: 0,
            delays_s: [0; 4],
            guardian,
            context: types::ContextId::from_bytes([2; 32]),
        };
        let create = |guardian: Option<&[u8]>| Call::Create {
            salt: [3; 32],
            terms: terms(guardian.and_then(Account::new)),
        };
        let (_, args) = arguments(&create(Some(b"g_1.near")));
        assert_eq!(args["terms"]["guardian"], "g_1.near");
        assert_eq!(arguments(&create(None)).1["terms"]["guardian"], Value::Null);
        assert!(call_arguments(&CONTEXT, &create(Some(b"Not one"))).is_err());
    }

    #[test]
    fn what_adds_nothing_costs_one_yocto() {
        let deposit = |call: &Call| Ask::new(&CONTEXT, call).expect("a legal call").deposit;
        assert_eq!(deposit(&Call::Veto { seq: 1 }), 1);
        let delay = vec![Action::SetDelay { class: Class::App, delay_s: 1 }];
        let milli_near = 10_u128.pow(21);
        let act = deposit(&Call::Act { actions: delay, expiry_s: 1 });
        assert!((25 * milli_near..50 * milli_near).contains(&act), "{act}");
    }
}

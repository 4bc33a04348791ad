//! Calls of the registry as calldata.

use chain::{Call, ChainError};
use governance::anchor::{Action, Invite, OnChainId, Terms, encode_actions};

use super::serde::{address, byte_array, halves};
use crate::{
    felt::{Felt, selector, word},
    transaction::Invocation,
};

/// The call of the registry at `registry` that makes `call` about `context`.
///
/// # Errors
/// [`ChainError::BadCall`] if the call has no legal batch, an account that is no address, or is one
/// that the contract does not have.
pub(crate) fn invocation(
    registry: Felt,
    context: &OnChainId,
    call: &Call,
) -> Result<Invocation, ChainError> {
    let (name, arguments) = arguments(call)?;
    // All but one name the record first.
    let context = match call {
        Call::Create { .. } => Vec::new(),
        _ => halves(context.as_hash().as_bytes()).to_vec(),
    };
    let calldata = [context, arguments].concat();
    Ok(Invocation { to: registry, selector: selector(name), calldata })
}

const NO_ADDRESS: ChainError = ChainError::BadCall { what: "an account is no address" };
const ONLY_ETHEREUM: ChainError =
    ChainError::BadCall { what: "approvals by signature are Ethereum's alone" };

fn arguments(call: &Call) -> Result<(&'static str, Vec<Felt>), ChainError> {
    let number = |number: u64| vec![Felt::from(number)];
    Ok(match call {
        Call::Create { salt, terms } => ("create", [halves(salt).to_vec(), of(terms)?].concat()),
        Call::Propose { actions, expiry_s } => {
            ("propose", [encode(actions)?, number(*expiry_s)].concat())
        }
        Call::Act { actions, expiry_s } => ("act", [encode(actions)?, number(*expiry_s)].concat()),
        Call::Approve { seq, actions_hash } => {
            ("approve", [number(*seq), halves(actions_hash.as_bytes()).to_vec()].concat())
        }
        Call::ApproveBySigs { .. } => return Err(ONLY_ETHEREUM),
        Call::ApproveAndExecute { seq, actions } => {
            ("approve_and_execute", [number(*seq), encode(actions)?].concat())
        }
        Call::Unapprove { seq } => ("unapprove", number(*seq)),
        Call::Cancel { seq } => ("cancel", number(*seq)),
        Call::Veto { seq } => ("veto", number(*seq)),
        Call::Execute { seq, actions } => ("execute", [number(*seq), encode(actions)?].concat()),
        Call::Expire { seq } => ("expire", number(*seq)),
        Call::AcceptAdmin => ("accept_admin", Vec::new()),
        Call::Renounce => ("renounce", Vec::new()),
        Call::Freeze { secs } => ("freeze", number(u64::from(*secs))),
        Call::Bind { scheme, key, signature, expiry_s } => {
            let scheme = number(u64::from(*scheme));
            let parts = [scheme, byte_array(key), byte_array(signature), number(*expiry_s)];
            ("bind", parts.concat())
        }
        Call::Unbind { key } => ("unbind", byte_array(key)),
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            let steps = proof.iter().flat_map(|step| halves(step.as_bytes())).collect();
            let parts = [
                byte_array(key),
                of_invite(invite),
                number(u64::from(*use_number)),
                vec![Felt::from(proof.len())],
                steps,
                byte_array(signature),
            ];
            ("claim_invite", parts.concat())
        }
    })
}

fn encode(actions: &[Action]) -> Result<Vec<Felt>, ChainError> {
    let too_many = |_| ChainError::BadCall { what: "no action, or more than one batch takes" };
    encode_actions(actions).map(|bytes| byte_array(&bytes)).map_err(too_many)
}

fn of(terms: &Terms) -> Result<Vec<Felt>, ChainError> {
    let guardian = terms.guardian.as_ref().map_or(Some(Felt::ZERO), address);
    let [app, members_root] = [&terms.app, &terms.members_root].map(|hash| halves(hash.as_bytes()));
    let mut felts = [app, members_root].concat();
    felts.extend([Felt::from(terms.members_count), Felt::from(terms.flags)]);
    felts.extend(terms.delays_s.map(Felt::from));
    felts.push(guardian.ok_or(NO_ADDRESS)?);
    felts.extend(halves(terms.context.as_bytes()));
    Ok(felts)
}

fn of_invite(invite: &Invite) -> Vec<Felt> {
    let Invite { key, expiry_s, role, uses } = invite;
    vec![word(key), Felt::from(*expiry_s), Felt::from(*role), Felt::from(*uses)]
}

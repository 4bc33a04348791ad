//! Calls, as the registry takes them.

use chain::{Call, ChainError};
use governance::anchor::{self, Account, Action, Invite, OnChainId, encode_actions};

use super::{
    blob32, encode,
    form::{self, Blob},
};

/// Method and arguments of a call.
///
/// # Errors
/// [`ChainError::BadCall`] if this chain has no such call, or no registry takes its batch.
pub(crate) fn call(
    context: &OnChainId,
    call: &Call,
) -> Result<(&'static str, Vec<u8>), ChainError> {
    let on = || blob32(context.as_hash());
    let blob = |bytes: &[u8]| Blob(bytes.to_vec());
    Ok(match call {
        Call::Create { salt, terms } => ("create", encode((blob(salt), terms_of(terms)?))),
        Call::Propose { actions, expiry_s } => {
            ("propose", encode((on(), batch(actions)?, *expiry_s)))
        }
        Call::Act { actions, expiry_s } => ("act", encode((on(), batch(actions)?, *expiry_s))),
        Call::Approve { seq, actions_hash } => {
            ("approve", encode((on(), *seq, blob32(actions_hash))))
        }
        Call::ApproveBySigs { .. } => {
            return Err(ChainError::BadCall { what: "principals approve by their own calls" });
        }
        Call::ApproveAndExecute { seq, actions } => {
            ("approve_and_execute", encode((on(), *seq, batch(actions)?)))
        }
        Call::Unapprove { seq } => ("unapprove", encode((on(), *seq))),
        Call::Cancel { seq } => ("cancel", encode((on(), *seq))),
        Call::Veto { seq } => ("veto", encode((on(), *seq))),
        Call::Execute { seq, actions } => ("execute", encode((on(), *seq, batch(actions)?))),
        Call::Expire { seq } => ("expire", encode((on(), *seq))),
        Call::AcceptAdmin => ("accept_admin", encode((on(),))),
        Call::Renounce => ("renounce", encode((on(),))),
        Call::Bind { scheme, key, signature, expiry_s } => {
            ("bind", encode((on(), *scheme, blob(key), blob(signature), *expiry_s)))
        }
        Call::Unbind { key } => ("unbind", encode((on(), blob(key)))),
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            let proof: Vec<Blob> = proof.iter().map(blob32).collect();
            let invite = invite_of(invite);
            let args = (on(), blob(key), invite, *use_number, proof, blob(signature));
            ("claim_invite", encode(args))
        }
        Call::Freeze { secs } => ("freeze", encode((on(), *secs))),
    })
}

fn batch(actions: &[Action]) -> Result<Blob, ChainError> {
    let bytes = encode_actions(actions);
    bytes.map(Blob).map_err(|_| ChainError::BadCall { what: "the batch is empty or too long" })
}

fn terms_of(terms: &anchor::Terms) -> Result<form::Terms, ChainError> {
    let [routine, app, admin, root] = terms.delays_s;
    Ok(form::Terms {
        app: blob32(&terms.app),
        members_root: blob32(&terms.members_root),
        members_count: terms.members_count,
        flags: terms.flags,
        delays_s: form::Delays { routine, app, admin, root },
        guardian: terms.guardian.as_ref().map(principal).transpose()?,
        context: Blob(terms.context.as_bytes().to_vec()),
    })
}

fn principal(account: &Account) -> Result<candid::Principal, ChainError> {
    let principal = candid::Principal::try_from_slice(account.as_bytes());
    principal.map_err(|_| ChainError::BadCall { what: "the guardian is no principal" })
}

fn invite_of(invite: &Invite) -> form::Invite {
    let Invite { key, expiry_s, role, uses } = *invite;
    form::Invite { key: Blob(key.to_vec()), expiry_s, role, uses }
}

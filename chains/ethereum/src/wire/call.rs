//! Calls of the registry as transaction data.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall as _,
};
use chain::{Call, ChainError};
use governance::anchor::{Action, Invite, OnChainId, Terms, encode_actions};

use super::{abi::IRegistry, address, word};

/// The transaction data that makes `call` about `context`.
///
/// # Errors
/// [`ChainError::BadCall`] if the call has no legal batch, or an account that is no address.
pub fn call_data(context: &OnChainId, call: &Call) -> Result<Bytes, ChainError> {
    let ctx = word(context.as_hash());
    let data = match call {
        Call::Create { salt, terms } => {
            IRegistry::createCall { salt: B256::from(*salt), terms: terms_of(terms)? }.abi_encode()
        }
        Call::Propose { actions, expiry_s } => {
            let actions = encode(actions)?;
            IRegistry::proposeCall { ctx, actions, expiry: *expiry_s }.abi_encode()
        }
        Call::Act { actions, expiry_s } => {
            let actions = encode(actions)?;
            IRegistry::actCall { ctx, actions, expiry: *expiry_s }.abi_encode()
        }
        Call::Approve { seq, actions_hash } => {
            let hash = word(actions_hash);
            IRegistry::approveCall { ctx, seq: *seq, actionsHash: hash }.abi_encode()
        }
        Call::ApproveBySigs { seq, actions_hash, deadline_s, approvals } => {
            let signed = approvals.iter().map(|(signer, signature)| {
                let signer = address(signer).ok_or(NO_ADDRESS)?;
                let signature = Bytes::copy_from_slice(signature);
                Ok(IRegistry::SignedApproval { signer, signature })
            });
            IRegistry::approveBySigsCall {
                ctx,
                seq: *seq,
                actionsHash: word(actions_hash),
                deadline: U256::from(*deadline_s),
                approvals: signed.collect::<Result<_, ChainError>>()?,
            }
            .abi_encode()
        }
        Call::ApproveAndExecute { seq, actions } => {
            let actions = encode(actions)?;
            IRegistry::approveAndExecuteCall { ctx, seq: *seq, actions }.abi_encode()
        }
        Call::Unapprove { seq } => IRegistry::unapproveCall { ctx, seq: *seq }.abi_encode(),
        Call::Cancel { seq } => IRegistry::cancelCall { ctx, seq: *seq }.abi_encode(),
        Call::Veto { seq } => IRegistry::vetoCall { ctx, seq: *seq }.abi_encode(),
        Call::Execute { seq, actions } => {
            IRegistry::executeCall { ctx, seq: *seq, actions: encode(actions)? }.abi_encode()
        }
        Call::Expire { seq } => IRegistry::expireCall { ctx, seq: *seq }.abi_encode(),
        Call::AcceptAdmin => IRegistry::acceptAdminCall { ctx }.abi_encode(),
        Call::Renounce => IRegistry::renounceCall { ctx }.abi_encode(),
        Call::Freeze { secs } => IRegistry::freezeCall { ctx, secs: *secs }.abi_encode(),
        Call::Bind { .. } | Call::Unbind { .. } | Call::ClaimInvite { .. } => evidence(ctx, call),
    };
    Ok(data.into())
}

const NO_ADDRESS: ChainError = ChainError::BadCall { what: "an account is no address" };

/// What accounts say about member keys; nothing for other calls.
fn evidence(ctx: B256, call: &Call) -> Vec<u8> {
    match call {
        Call::Bind { scheme, key, signature, expiry_s } => IRegistry::bindCall {
            ctx,
            scheme: *scheme,
            key: Bytes::copy_from_slice(key),
            signature: Bytes::copy_from_slice(signature),
            expiry: *expiry_s,
        }
        .abi_encode(),
        Call::Unbind { key } => {
            IRegistry::unbindCall { ctx, key: Bytes::copy_from_slice(key) }.abi_encode()
        }
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            let Invite { key: invite_key, expiry_s, role, uses } = *invite;
            let key_of_link = Address::from(invite_key);
            let invite = IRegistry::Invite { key: key_of_link, expiry: expiry_s, role, uses };
            IRegistry::claimInviteCall {
                ctx,
                key: Bytes::copy_from_slice(key),
                invite,
                r#use: *use_number,
                proof: proof.iter().map(word).collect::<Vec<B256>>(),
                signature: Bytes::copy_from_slice(signature),
            }
            .abi_encode()
        }
        _ => Vec::new(),
    }
}

fn encode(actions: &[Action]) -> Result<Bytes, ChainError> {
    let too_many = |_| ChainError::BadCall { what: "no action, or more than one batch takes" };
    encode_actions(actions).map(Bytes::from).map_err(too_many)
}

fn terms_of(terms: &Terms) -> Result<IRegistry::Terms, ChainError> {
    let guardian = terms.guardian.as_ref().map_or(Some(Address::ZERO), address);
    Ok(IRegistry::Terms {
        appHash: word(&terms.app),
        membersRoot: word(&terms.members_root),
        membersCount: terms.members_count,
        flags: terms.flags,
        delays: terms.delays_s,
        guardian: guardian.ok_or(NO_ADDRESS)?,
        contextKeyHash: B256::from(*terms.context.as_bytes()),
    })
}

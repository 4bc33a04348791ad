//! Meta transactions: one account pays for what another has signed.
//!
//! Source: NEP-366; nearcore, `apply_delegate_action`.

use near_primitives::{
    account::AccessKeyPermission,
    action::{Action, delegate::VersionedDelegateActionRef},
    errors::{ActionErrorKind, IntegerOverflowError, InvalidAccessKeyError},
    receipt::{ActionReceipt, ReceiptEnum},
};

use super::{
    actions::{Acted, Acting},
    check, fees,
    promises::nameless,
};

/// Sends on what `action` delegates.
///
/// # Errors
/// If fees exceed what can be counted.
pub(super) fn act(
    acting: &mut Acting<'_>,
    action: &Action,
    mut acted: Acted,
) -> Result<Acted, IntegerOverflowError> {
    let Some(inner) = fees::delegated(action) else { return Ok(acted) };
    if let Err(kind) = accept(acting, action, inner) {
        acted.result = Err(kind.into());
        return Ok(acted);
    }
    let actions = inner.get_actions();
    let sent = fees::prepaid_send(acting.body.actions())?;
    let needed = [
        fees::prepaid_exec(&actions, inner.receiver_id())?,
        fees::attached_gas(&actions)?,
        fees::receipt_exec(),
        sent,
    ];
    acted.gas_used =
        needed.into_iter().fold(acted.gas_used, near_primitives::types::Gas::saturating_add);
    acted.gas_burnt = acted.gas_burnt.saturating_add(sent);
    let receipt = nameless(
        inner.sender_id(),
        inner.receiver_id(),
        ReceiptEnum::Action(ActionReceipt {
            signer_id: acting.body.signer_id().clone(),
            signer_public_key: acting.body.signer_public_key().clone(),
            gas_price: acting.body.gas_price(),
            output_data_receivers: Vec::new(),
            input_data_ids: Vec::new(),
            actions,
        }),
    );
    if let Err(error) = check::new_receipt(&receipt) {
        acted.result = Err(ActionErrorKind::NewReceiptValidationError(error).into());
        return Ok(acted);
    }
    acted.made.push(receipt);
    Ok(acted)
}

/// Whether the sender signed it, for here and now; uses up its nonce.
fn accept(
    acting: &mut Acting<'_>,
    action: &Action,
    inner: VersionedDelegateActionRef<'_>,
) -> Result<(), ActionErrorKind> {
    let is_signed = match action {
        Action::Delegate(signed) => signed.verify(),
        Action::DelegateV2(signed) => signed.verify(),
        _ => false,
    };
    if !is_signed {
        return Err(ActionErrorKind::DelegateActionInvalidSignature);
    }
    if acting.env.height > inner.max_block_height() {
        return Err(ActionErrorKind::DelegateActionExpired);
    }
    let (sender, key) = (inner.sender_id(), inner.public_key());
    if sender != acting.receipt.receiver_id() {
        return Err(ActionErrorKind::DelegateActionSenderDoesNotMatchTxReceiver {
            sender_id: sender.clone(),
            receiver_id: acting.receipt.receiver_id().clone(),
        });
    }
    let refused = ActionErrorKind::DelegateActionAccessKeyError;
    let mut access = acting.update.access_key(sender, key).ok_or_else(|| {
        let (account_id, public_key) = (sender.clone(), key.clone().into());
        refused(InvalidAccessKeyError::AccessKeyNotFound { account_id, public_key })
    })?;
    if inner.nonce().nonce_index().is_some() {
        return Err(refused(InvalidAccessKeyError::DelegateActionRequiresGasKey));
    }
    let delegate_nonce = inner.nonce().nonce();
    if delegate_nonce <= access.nonce {
        let ak_nonce = access.nonce;
        return Err(ActionErrorKind::DelegateActionInvalidNonce { delegate_nonce, ak_nonce });
    }
    let upper_bound = acting.env.nonce_limit();
    if delegate_nonce >= upper_bound {
        return Err(ActionErrorKind::DelegateActionNonceTooLarge { delegate_nonce, upper_bound });
    }
    if let AccessKeyPermission::FunctionCall(permission) = &access.permission {
        check::permitted(permission, &inner.get_actions(), inner.receiver_id()).map_err(refused)?;
    }
    access.nonce = delegate_nonce;
    acting.update.set_access_key(sender, key, &access);
    Ok(())
}

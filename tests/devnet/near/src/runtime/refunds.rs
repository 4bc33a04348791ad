//! What is given back after a receipt. Source: nearcore, `refund_unspent_gas_and_deposits`.

use near_primitives::{
    errors::IntegerOverflowError,
    receipt::{Receipt, VersionedActionReceipt},
    types::{AccountId, Balance, Gas},
};

use super::{CONFIG, Env, actions::Acted, fees};

/// A receipt by which the system gives `amount` to `receiver`.
pub(super) fn balance_refund(receiver: &AccountId, amount: Balance) -> Receipt {
    Receipt::new_balance_refund(receiver, amount)
}

/// Adds the refunds to what the receipt made, and says what it burnt, in yoctoNEAR.
///
/// Gas is bought at a price that may be above the block's: the difference is given back, less what
/// an account costs that was made.
///
/// # Errors
/// If something exceeds what can be counted.
pub(super) fn settle(
    receipt: &Receipt,
    body: &VersionedActionReceipt<'_>,
    acted: &mut Acted,
    env: &Env,
    is_account_new: bool,
) -> Result<Balance, IntegerOverflowError> {
    let bought_at = body.gas_price();
    let burnt_at = bought_at.min(env.gas_price);
    let actions = body.actions();
    let bought = [
        fees::attached_gas(actions)?,
        fees::prepaid_send(actions)?,
        fees::prepaid_exec(actions, receipt.receiver_id())?,
        fees::receipt_exec(),
    ];
    let bought = bought.into_iter().fold(Gas::ZERO, Gas::saturating_add);
    let has_failed = acted.result.is_err();
    let used = if has_failed { acted.gas_burnt } else { acted.gas_used };
    let unused = bought.saturating_sub(used);
    let penalty = fees::price(CONFIG.fees.gas_penalty_for_gas_refund(unused), burnt_at)?;
    let unused = fees::price(unused, bought_at)?.saturating_sub(penalty);
    let mut surplus = fees::price(acted.gas_burnt, bought_at.saturating_sub(burnt_at))?;
    let mut charge = Balance::ZERO;
    if is_account_new && !has_failed {
        let burnt = fees::price(fees::create_account_exec(), burnt_at)?;
        charge = CONFIG.account_creation_charge.saturating_sub(burnt).min(surplus);
        surplus = surplus.saturating_sub(charge);
    }
    let deposits = fees::deposits(actions)?;
    if has_failed && !deposits.is_zero() {
        acted.made.push(balance_refund(receipt.balance_refund_receiver(), deposits));
    }
    let gas_refund = unused.checked_add(surplus).ok_or(IntegerOverflowError)?;
    if !gas_refund.is_zero() {
        let key = body.signer_public_key().clone();
        acted.made.push(Receipt::new_gas_refund(body.signer_id(), gas_refund, key));
    }
    let burnt = fees::price(acted.gas_burnt, burnt_at)?;
    let burnt = burnt.checked_add(penalty).and_then(|burnt| burnt.checked_add(charge));
    burnt.ok_or(IntegerOverflowError)
}

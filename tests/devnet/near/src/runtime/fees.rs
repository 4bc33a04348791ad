//! What actions cost. Source: nearcore, `runtime/runtime/src/config.rs`.

use near_crypto::{KeyType, PublicKey};
use near_parameters::{ActionCosts, RuntimeFeesConfig, SignatureKind};
use near_primitives::account::id::AccountType;
use near_primitives::{
    account::AccessKeyPermission,
    action::{Action, delegate::VersionedDelegateActionRef},
    errors::IntegerOverflowError,
    transaction::Transaction,
    types::{AccountId, Balance, Gas},
};

use super::CONFIG;

/// When a fee is paid.
#[derive(Clone, Copy)]
enum When {
    /// As it is sent, to the sender itself or to another.
    Sent {
        to_self: bool,
    },
    Executed,
}

/// What a transaction's signer pays at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Burnt as the transaction becomes a receipt.
    pub(crate) gas_burnt: Gas,
    pub(crate) burnt: Balance,
    /// At what price the receipt's gas is bought.
    pub(crate) gas_price: Balance,
    /// All of it, with what the actions send.
    pub(crate) total: Balance,
}

type Checked<T> = Result<T, IntegerOverflowError>;

fn fees() -> &'static RuntimeFeesConfig {
    &CONFIG.fees
}

fn fee(cost: ActionCosts, when: When) -> u64 {
    let fee = fees().fee(cost);
    let cost = match when {
        When::Sent { to_self } => fee.send_fee(to_self),
        When::Executed => fee.exec_fee(),
    };
    cost.gas.as_gas()
}

/// Gas for making any receipt run.
pub(crate) fn receipt_exec() -> Gas {
    Gas::from_gas(fee(ActionCosts::new_action_receipt, When::Executed))
}

/// Gas for executing the creation of an account.
pub(crate) fn create_account_exec() -> Gas {
    Gas::from_gas(fee(ActionCosts::create_account, When::Executed))
}

/// Gas for executing `action` on `receiver`.
pub(crate) fn exec(action: &Action, receiver: &AccountId) -> Gas {
    Gas::from_gas(one(action, receiver, When::Executed))
}

/// Sizes are those of a transaction, so that no product comes near 64 bits.
fn one(action: &Action, receiver: &AccountId, when: When) -> u64 {
    use ActionCosts as Cost;
    let bytes = |len: usize, cost| len as u64 * fee(cost, when);
    match action {
        Action::CreateAccount(_) => fee(Cost::create_account, when),
        Action::DeployContract(deploy) => {
            fee(Cost::deploy_contract_base, when)
                + bytes(deploy.code.len(), Cost::deploy_contract_byte)
        }
        Action::FunctionCall(call) => {
            fee(Cost::function_call_base, when)
                + bytes(call.method_name.len() + call.args.len(), Cost::function_call_byte)
        }
        Action::Transfer(_) => transfer(receiver, when),
        Action::AddKey(add) => match &add.access_key.permission {
            AccessKeyPermission::FunctionCall(permission) => {
                // Each name counts with a zero after it.
                let len = permission.method_names.iter().map(|name| name.len() + 1).sum();
                fee(Cost::add_function_call_key_base, when)
                    + bytes(len, Cost::add_function_call_key_byte)
            }
            _ => fee(Cost::add_full_access_key, when),
        },
        Action::DeleteKey(_) => fee(Cost::delete_key, when),
        Action::DeleteAccount(_) => fee(Cost::delete_account, when),
        Action::Delegate(_) | Action::DelegateV2(_) => fee(Cost::delegate, when),
        // Refused before anything is charged.
        Action::Stake(_)
        | Action::DeployGlobalContract(_)
        | Action::UseGlobalContract(_)
        | Action::DeterministicStateInit(_)
        | Action::UniversalStateInit(_)
        | Action::TransferToGasKey(_)
        | Action::WithdrawFromGasKey(_) => 0,
    }
}

/// Whether an account exists is not known as it is paid for: an implicit one may have to be made.
fn transfer(receiver: &AccountId, when: When) -> u64 {
    let base = fee(ActionCosts::transfer, when);
    match receiver.get_account_type() {
        AccountType::NamedAccount => base,
        AccountType::NearImplicitAccount => {
            base + fee(ActionCosts::create_account, when)
                + fee(ActionCosts::add_full_access_key, when)
        }
        _ => base + fee(ActionCosts::create_account, when),
    }
}

/// What is delegated, if `action` is a delegation.
pub(super) fn delegated(action: &Action) -> Option<VersionedDelegateActionRef<'_>> {
    match action {
        Action::Delegate(signed) => Some((&signed.delegate_action).into()),
        Action::DelegateV2(signed) => Some((&signed.delegate_action).into()),
        _ => None,
    }
}

fn sum(parts: impl IntoIterator<Item = Checked<u64>>) -> Checked<u64> {
    let mut total = 0_u64;
    for part in parts {
        total = total.checked_add(part?).ok_or(IntegerOverflowError)?;
    }
    Ok(total)
}

fn send(actions: &[Action], receiver: &AccountId, to_self: bool) -> Checked<u64> {
    let when = When::Sent { to_self };
    sum(actions.iter().map(|action| match delegated(action) {
        None => Ok(one(action, receiver, when)),
        Some(inner) => sum([
            Ok(one(action, receiver, when)),
            send(&inner.get_actions(), inner.receiver_id(), to_self),
        ]),
    }))
}

/// Gas for sending on what `actions` delegate; bought with the receipt.
pub(crate) fn prepaid_send(actions: &[Action]) -> Checked<Gas> {
    let gas = sum(actions.iter().filter_map(delegated).map(|inner| {
        let to_self = inner.sender_id() == inner.receiver_id();
        send(&inner.get_actions(), inner.receiver_id(), to_self)
    }));
    gas.map(Gas::from_gas)
}

/// Gas for executing all of `actions`, and what they delegate.
pub(crate) fn prepaid_exec(actions: &[Action], receiver: &AccountId) -> Checked<Gas> {
    let gas = sum(actions.iter().map(|action| match delegated(action) {
        None => Ok(exec(action, receiver).as_gas()),
        Some(inner) => sum([
            prepaid_exec(&inner.get_actions(), inner.receiver_id()).map(Gas::as_gas),
            Ok(exec(action, inner.receiver_id()).as_gas()),
            Ok(receipt_exec().as_gas()),
        ]),
    }));
    gas.map(Gas::from_gas)
}

/// Gas that is attached to calls, in what is delegated too.
pub(crate) fn attached_gas(actions: &[Action]) -> Checked<Gas> {
    let gas = sum(actions.iter().map(|action| match delegated(action) {
        None => Ok(action.get_prepaid_gas().as_gas()),
        Some(inner) => attached_gas(&inner.get_actions()).map(Gas::as_gas),
    }));
    gas.map(Gas::from_gas)
}

/// What the actions send, in what is delegated too.
pub(crate) fn deposits(actions: &[Action]) -> Checked<Balance> {
    let mut total = Balance::ZERO;
    for action in actions {
        let part = match delegated(action) {
            None => action.get_deposit_balance(),
            Some(inner) => deposits(&inner.get_actions())?,
        };
        total = total.checked_add(part).ok_or(IntegerOverflowError)?;
    }
    Ok(total)
}

/// The price of gas, in yoctoNEAR.
pub(crate) fn price(gas: Gas, gas_price: Balance) -> Checked<Balance> {
    gas_price.checked_mul(u128::from(gas.as_gas())).ok_or(IntegerOverflowError)
}

fn signature(key: &PublicKey) -> u64 {
    let kind = match key.key_type() {
        KeyType::ED25519 => SignatureKind::Ed25519,
        KeyType::SECP256K1 => SignatureKind::Secp256k1,
        KeyType::MLDSA65 => SignatureKind::MlDsa65,
    };
    fees().signature_verification_costs[kind].gas.as_gas()
}

/// What `transaction` costs its signer at `gas_price`.
///
/// # Errors
/// If that exceeds what can be counted.
pub(crate) fn cost(transaction: &Transaction, gas_price: Balance) -> Checked<Cost> {
    let (actions, receiver) = (transaction.actions(), transaction.receiver_id());
    let to_self = transaction.signer_id() == receiver;
    let inner_keys =
        actions.iter().filter_map(delegated).map(|inner| signature(inner.public_key()));
    let gas_burnt = sum([
        Ok(fee(ActionCosts::new_action_receipt, When::Sent { to_self })),
        send(actions, receiver, to_self),
        Ok(signature(transaction.public_key())),
        sum(inner_keys.map(Ok)),
    ])?;
    let gas_burnt = Gas::from_gas(gas_burnt);
    let gas_left = sum([
        attached_gas(actions).map(Gas::as_gas),
        prepaid_send(actions).map(Gas::as_gas),
        Ok(receipt_exec().as_gas()),
        prepaid_exec(actions, receiver).map(Gas::as_gas),
    ])?;
    let burnt = price(gas_burnt, gas_price)?;
    let receipt_price = gas_price.max(CONFIG.min_gas_purchase_price);
    let total = price(Gas::from_gas(gas_left), receipt_price)?
        .checked_add(burnt)
        .and_then(|gas| gas.checked_add(deposits(actions).ok()?))
        .ok_or(IntegerOverflowError)?;
    Ok(Cost { gas_burnt, burnt, gas_price: receipt_price, total })
}

//! What may be sent at all, and who may. Source: nearcore, `verifier.rs`, `action_validation.rs`.

use near_parameters::vm::LimitConfig;
use near_primitives::{
    account::{AccessKeyPermission, Account, FunctionCallPermission},
    action::{Action, AddKeyAction, FunctionCallAction},
    errors::{
        ActionsValidationError, InvalidAccessKeyError, InvalidTxError, ReceiptValidationError,
    },
    receipt::{Receipt, VersionedReceiptEnum},
    transaction::{NonceMode, SignedTransaction},
    types::{AccountId, Balance, Gas},
    version::PROTOCOL_VERSION,
};

use super::{CONFIG, Env, fees};
use crate::state::Update;

/// Accounts that use no more need not lock anything for it (NEP-448). Bytes.
const FREE_STORAGE: u64 = 770;

fn limits() -> &'static LimitConfig {
    &CONFIG.wasm_config.limit_config
}

/// What `account` lacks for the state that it takes, if it held `amount`.
///
/// # Errors
/// How much more it needs, in yoctoNEAR.
pub(crate) fn check_state_balance(account: &Account, amount: Balance) -> Result<(), Balance> {
    if account.storage_usage() <= FREE_STORAGE {
        return Ok(());
    }
    let needed = CONFIG.storage_amount_per_byte().saturating_mul(account.storage_usage().into());
    let held = amount.saturating_add(account.locked());
    match needed.checked_sub(held) {
        Some(lacking) if !lacking.is_zero() => Err(lacking),
        _ => Ok(()),
    }
}

/// Whether actions are well formed and within the protocol's limits.
pub(super) fn actions(actions: &[Action], is_new: bool) -> Result<(), ActionsValidationError> {
    use ActionsValidationError as Error;
    let (count, limit) = (actions.len() as u64, limits().max_actions_per_receipt);
    if count > limit {
        return Err(Error::TotalNumberOfActionsExceeded { total_number_of_actions: count, limit });
    }
    let deploys = actions.iter().filter(|action| matches!(action, Action::DeployContract(_)));
    let (deploys, limit) = (deploys.count() as u64, limits().max_deploy_actions_per_receipt);
    if is_new && deploys > limit {
        return Err(Error::TotalNumberOfDeployActionsExceeded {
            number_of_deploy_actions: deploys,
            limit,
        });
    }
    if actions.iter().filter(|action| action.is_delegate()).count() > 1 {
        return Err(Error::DelegateActionMustBeOnlyOne);
    }
    for (index, action) in actions.iter().enumerate() {
        if matches!(action, Action::DeleteAccount(_)) && index + 1 < actions.len() {
            return Err(Error::DeleteActionMustBeFinal);
        }
        one_action(action, is_new)?;
    }
    let limit = limits().max_total_prepaid_gas;
    let total = fees::attached_gas(actions).map_err(|_| Error::IntegerOverflow)?;
    if total > limit {
        return Err(Error::TotalPrepaidGasExceeded { total_prepaid_gas: total, limit });
    }
    Ok(())
}

fn one_action(action: &Action, is_new: bool) -> Result<(), ActionsValidationError> {
    use ActionsValidationError as Error;
    match action {
        Action::DeployContract(deploy) => {
            let (size, limit) = (deploy.code.len() as u64, limits().max_contract_size);
            if size > limit { Err(Error::ContractSizeExceeded { size, limit }) } else { Ok(()) }
        }
        Action::FunctionCall(call) => function_call(call),
        Action::AddKey(add) => add_key(add),
        Action::Delegate(_) | Action::DelegateV2(_) => match fees::delegated(action) {
            Some(inner) => actions(&inner.get_actions(), is_new),
            None => Ok(()),
        },
        Action::CreateAccount(_)
        | Action::Transfer(_)
        | Action::DeleteKey(_)
        | Action::DeleteAccount(_) => Ok(()),
        Action::Stake(_)
        | Action::DeployGlobalContract(_)
        | Action::UseGlobalContract(_)
        | Action::DeterministicStateInit(_)
        | Action::UniversalStateInit(_)
        | Action::TransferToGasKey(_)
        | Action::WithdrawFromGasKey(_) => Err(unsupported(action.as_ref())),
    }
}

fn unsupported(what: &str) -> ActionsValidationError {
    ActionsValidationError::UnsupportedProtocolFeature {
        protocol_feature: format!("{what} (not on this development chain)"),
        version: PROTOCOL_VERSION,
    }
}

fn function_call(call: &FunctionCallAction) -> Result<(), ActionsValidationError> {
    use ActionsValidationError as Error;
    if call.gas == Gas::ZERO {
        return Err(Error::FunctionCallZeroAttachedGas);
    }
    let (length, limit) = (call.method_name.len() as u64, limits().max_length_method_name);
    if length > limit {
        return Err(Error::FunctionCallMethodNameLengthExceeded { length, limit });
    }
    let (length, limit) = (call.args.len() as u64, limits().max_arguments_length);
    if length > limit {
        return Err(Error::FunctionCallArgumentsLengthExceeded { length, limit });
    }
    Ok(())
}

fn add_key(add: &AddKeyAction) -> Result<(), ActionsValidationError> {
    use ActionsValidationError as Error;
    let permission = match &add.access_key.permission {
        AccessKeyPermission::FullAccess => return Ok(()),
        AccessKeyPermission::FunctionCall(permission) => permission,
        AccessKeyPermission::GasKeyFunctionCall(..) | AccessKeyPermission::GasKeyFullAccess(_) => {
            return Err(unsupported("GasKey"));
        }
    };
    if permission.receiver_id.parse::<AccountId>().is_err() {
        return Err(Error::InvalidAccountId { account_id: permission.receiver_id.clone() });
    }
    let mut bytes = 0;
    for name in &permission.method_names {
        let (length, limit) = (name.len() as u64, limits().max_length_method_name);
        if length > limit {
            return Err(Error::AddKeyMethodNameLengthExceeded { length, limit });
        }
        bytes += length + 1;
    }
    let limit = limits().max_number_bytes_method_names;
    if bytes > limit {
        return Err(Error::AddKeyMethodNamesNumberOfBytesExceeded {
            total_number_of_bytes: bytes,
            limit,
        });
    }
    Ok(())
}

/// Whether a receipt that was just made is within the protocol's limits.
pub(super) fn new_receipt(receipt: &Receipt) -> Result<(), ReceiptValidationError> {
    use ReceiptValidationError as Error;
    let size = crate::state::encoded(receipt).len() as u64;
    let limit = limits().max_receipt_size;
    if size > limit {
        return Err(Error::ReceiptSizeExceeded { size, limit });
    }
    match receipt.versioned_receipt() {
        VersionedReceiptEnum::Action(action) | VersionedReceiptEnum::PromiseYield(action) => {
            let count = action.input_data_ids().len() as u64;
            let limit = limits().max_number_input_data_dependencies;
            if count > limit {
                return Err(Error::NumberInputDataDependenciesExceeded {
                    number_of_input_data_dependencies: count,
                    limit,
                });
            }
            actions(action.actions(), true).map_err(Error::ActionsValidation)
        }
        VersionedReceiptEnum::Data(data) | VersionedReceiptEnum::PromiseResume(data) => {
            let length = data.data.as_ref().map_or(0, Vec::len) as u64;
            let limit = limits().max_length_returned_data;
            let is_short = length <= limit;
            if is_short {
                Ok(())
            } else {
                Err(Error::ReturnedValueLengthExceeded { length, limit })
            }
        }
        VersionedReceiptEnum::GlobalContractDistribution(_) => {
            Err(Error::ActionsValidation(unsupported("GlobalContractDistribution")))
        }
    }
}

/// Whether a transaction is well formed and signed by the key that it names.
fn form(signed: &SignedTransaction) -> Result<(), InvalidTxError> {
    let transaction = &signed.transaction;
    let (size, limit) = (signed.get_size(), limits().max_transaction_size);
    if size > limit {
        return Err(InvalidTxError::TransactionSizeExceeded { size, limit });
    }
    if transaction.nonce().nonce_index().is_some() {
        return Err(InvalidTxError::InvalidTransactionVersion);
    }
    actions(transaction.actions(), true).map_err(InvalidTxError::ActionsValidation)?;
    let hash = signed.get_hash();
    if !signed.signature.verify(hash.as_ref(), transaction.public_key()) {
        return Err(InvalidTxError::InvalidSignature);
    }
    Ok(())
}

/// Whether `nonce` may follow `current` at this height.
fn nonce(signed: &SignedTransaction, current: u64, env: &Env) -> Result<(), InvalidTxError> {
    let tx_nonce = signed.transaction.nonce().nonce();
    let is_next = match signed.transaction.nonce_mode() {
        NonceMode::Strict => current.checked_add(1) == Some(tx_nonce),
        NonceMode::Monotonic => tx_nonce > current,
    };
    if !is_next {
        return Err(InvalidTxError::InvalidNonce { tx_nonce, ak_nonce: current });
    }
    let upper_bound = env.nonce_limit();
    if tx_nonce >= upper_bound {
        return Err(InvalidTxError::NonceTooLarge { tx_nonce, upper_bound });
    }
    Ok(())
}

/// Charges the signer for a transaction, and uses up its nonce.
///
/// # Errors
/// Why it may not be included; `update` is then as before.
pub(super) fn charge(
    signed: &SignedTransaction,
    update: &mut Update,
    env: &Env,
) -> Result<fees::Cost, InvalidTxError> {
    form(signed)?;
    let transaction = &signed.transaction;
    let (signer, key) = (transaction.signer_id(), transaction.public_key());
    let cost = fees::cost(transaction, env.gas_price)?;
    let mut account = update
        .account(signer)
        .ok_or_else(|| InvalidTxError::SignerDoesNotExist { signer_id: signer.clone() })?;
    let mut access =
        update.access_key(signer, key).ok_or_else(|| InvalidAccessKeyError::AccessKeyNotFound {
            account_id: signer.clone(),
            public_key: key.clone().into(),
        })?;
    nonce(signed, access.nonce, env)?;
    let balance = account.amount();
    let left = balance.checked_sub(cost.total).ok_or_else(|| InvalidTxError::NotEnoughBalance {
        signer_id: signer.clone(),
        balance,
        cost: cost.total,
    })?;
    if let AccessKeyPermission::FunctionCall(permission) = &mut access.permission {
        spend_allowance(permission, cost.total, signed)?;
    }
    check_state_balance(&account, left).map_err(|amount| InvalidTxError::LackBalanceForState {
        signer_id: signer.clone(),
        amount,
    })?;
    if let AccessKeyPermission::FunctionCall(permission) = &access.permission {
        permitted(permission, transaction.actions(), transaction.receiver_id())?;
    }
    access.nonce = transaction.nonce().nonce();
    account.set_amount(left);
    update.set_account(signer, &account);
    update.set_access_key(signer, key, &access);
    Ok(cost)
}

fn spend_allowance(
    permission: &mut FunctionCallPermission,
    cost: Balance,
    signed: &SignedTransaction,
) -> Result<(), InvalidTxError> {
    let Some(allowance) = permission.allowance else { return Ok(()) };
    let left =
        allowance.checked_sub(cost).ok_or_else(|| InvalidAccessKeyError::NotEnoughAllowance {
            account_id: signed.transaction.signer_id().clone(),
            public_key: signed.transaction.public_key().clone().into(),
            allowance,
            cost,
        })?;
    permission.allowance = Some(left);
    Ok(())
}

/// Whether a function-call key allows exactly this.
pub(super) fn permitted(
    permission: &FunctionCallPermission,
    actions: &[Action],
    receiver: &AccountId,
) -> Result<(), InvalidAccessKeyError> {
    let [Action::FunctionCall(call)] = actions else {
        return Err(InvalidAccessKeyError::RequiresFullAccess);
    };
    if !call.deposit.is_zero() {
        return Err(InvalidAccessKeyError::DepositWithFunctionCall);
    }
    if permission.receiver_id != receiver.as_str() {
        return Err(InvalidAccessKeyError::ReceiverMismatch {
            tx_receiver: receiver.clone(),
            ak_receiver: permission.receiver_id.clone(),
        });
    }
    let names = &permission.method_names;
    if !names.is_empty() && !names.contains(&call.method_name) {
        return Err(InvalidAccessKeyError::MethodNameMismatch {
            method_name: call.method_name.clone(),
        });
    }
    Ok(())
}

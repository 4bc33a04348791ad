//! Takes receipts in: those that are ready act, others wait for what they need.
//!
//! What waits lies in the state, under the keys that nearcore uses. Source: nearcore,
//! `process_receipt` and `apply_action_receipt`.

use std::{rc::Rc, sync::Arc};

use near_primitives::{
    errors::{ActionErrorKind, IntegerOverflowError, TxExecutionError},
    hash::CryptoHash,
    receipt::{
        DataReceipt, PromiseYieldIndices, PromiseYieldTimeout, Receipt, ReceiptEnum, ReceivedData,
        VersionedActionReceipt, VersionedReceiptEnum,
    },
    transaction::{ExecutionMetadata, ExecutionOutcome, ExecutionOutcomeWithId, ExecutionStatus},
    trie_key::TrieKey,
    types::{AccountId, Balance},
    utils::create_receipt_id_from_receipt_id,
};
use near_vm_runner::logic::{ReturnData, types::PromiseResult};

use super::{
    CONFIG, Env,
    actions::{Acted, Acting},
    check, fees,
    promises::nameless,
    refunds,
};
use crate::state::{Update, encoded};

/// What carrying out a receipt came to.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) outcome: ExecutionOutcomeWithId,
    /// With their ids.
    pub(super) made: Vec<Receipt>,
    pub(super) burnt: Balance,
}

/// Takes one receipt in; `None` if nothing ran.
///
/// # Errors
/// If something exceeds what can be counted.
pub(super) fn process(
    receipt: &Receipt,
    update: &mut Update,
    env: &Env,
) -> Result<Option<Ran>, IntegerOverflowError> {
    let account = receipt.receiver_id();
    match receipt.versioned_receipt() {
        VersionedReceiptEnum::Action(body) => {
            let missing = body
                .input_data_ids()
                .iter()
                .filter(|data_id| !update.contains(&received(account, **data_id)));
            let missing: Vec<CryptoHash> = missing.copied().collect();
            if missing.is_empty() {
                return run(receipt, &body, update, env).map(Some);
            }
            postpone(receipt, &missing, update);
            Ok(None)
        }
        VersionedReceiptEnum::Data(data) => match take_data(account, &data, update) {
            Some(ready) => run_ready(&ready, update, env),
            None => Ok(None),
        },
        VersionedReceiptEnum::PromiseYield(body) => {
            if let Some(data_id) = body.input_data_ids().first() {
                let key = yielded(account, *data_id);
                update.set(&key, &encoded(receipt));
                expire_later(account, *data_id, update, env);
                update.keep();
            }
            Ok(None)
        }
        VersionedReceiptEnum::PromiseResume(data) => {
            let Some(waiting) = update.take(&yielded(account, data.data_id)) else {
                return Ok(None); // It was resumed before, or its time was over.
            };
            let value = ReceivedData { data: data.data.clone() };
            update.set(&received(account, data.data_id), &encoded(&value));
            run_ready(&decoded(&waiting), update, env)
        }
        // Refused as they were made.
        VersionedReceiptEnum::GlobalContractDistribution(_) => Ok(None),
    }
}

fn received(receiver: &AccountId, data_id: CryptoHash) -> TrieKey {
    TrieKey::ReceivedData { receiver_id: receiver.clone(), data_id }
}

fn yielded(receiver: &AccountId, data_id: CryptoHash) -> TrieKey {
    TrieKey::PromiseYieldReceipt { receiver_id: receiver.clone(), data_id }
}

fn yield_indices(update: &Update) -> PromiseYieldIndices {
    let bytes = update.get(&TrieKey::PromiseYieldIndices);
    let indices = bytes.map(|bytes| borsh::from_slice(&bytes).expect("only indices are put there"));
    indices.unwrap_or_default()
}

/// Notes down until when a receipt waits to be resumed.
fn expire_later(account: &AccountId, data_id: CryptoHash, update: &mut Update, env: &Env) {
    let blocks = CONFIG.wasm_config.limit_config.yield_timeout_length_in_blocks;
    let timeout = PromiseYieldTimeout {
        account_id: account.clone(),
        data_id,
        expires_at: env.height.saturating_add(blocks),
    };
    let mut indices = yield_indices(update);
    let index = indices.next_available_index;
    update.set(&TrieKey::PromiseYieldTimeout { index }, &encoded(&timeout));
    indices.next_available_index += 1;
    update.set(&TrieKey::PromiseYieldIndices, &encoded(&indices));
}

/// The receipts that resume, with nothing, what has waited too long. Source: nearcore,
/// `resolve_promise_yield_timeouts`.
pub(super) fn expire(update: &mut Update, env: &Env) -> Vec<Receipt> {
    let mut indices = yield_indices(update);
    let first = indices.first_index;
    let mut resuming = Vec::new();
    while indices.first_index < indices.next_available_index {
        let key = TrieKey::PromiseYieldTimeout { index: indices.first_index };
        let Some(bytes) = update.get(&key) else { break };
        let timeout: PromiseYieldTimeout =
            borsh::from_slice(&bytes).expect("only timeouts are put there");
        if timeout.expires_at > env.height {
            break;
        }
        let PromiseYieldTimeout { account_id, data_id, .. } = timeout;
        if update.contains(&yielded(&account_id, data_id)) {
            let data = DataReceipt { data_id, data: None };
            let mut receipt = nameless(&account_id, &account_id, ReceiptEnum::PromiseResume(data));
            let id = create_receipt_id_from_receipt_id(&data_id, env.height, resuming.len());
            receipt.set_receipt_id(id);
            resuming.push(receipt);
        }
        update.remove(&key);
        indices.first_index += 1;
    }
    if indices.first_index != first {
        update.set(&TrieKey::PromiseYieldIndices, &encoded(&indices));
        update.keep();
    }
    resuming
}

fn decoded(bytes: &[u8]) -> Receipt {
    borsh::from_slice(bytes).expect("only receipts are put there")
}

fn postpone(receipt: &Receipt, missing: &[CryptoHash], update: &mut Update) {
    let (receiver_id, receipt_id) = (receipt.receiver_id().clone(), *receipt.receipt_id());
    for data_id in missing {
        let key =
            TrieKey::PostponedReceiptId { receiver_id: receiver_id.clone(), data_id: *data_id };
        update.set(&key, receipt_id.as_bytes());
    }
    let count = u32::try_from(missing.len()).unwrap_or(u32::MAX);
    let key = TrieKey::PendingDataCount { receiver_id: receiver_id.clone(), receipt_id };
    update.set(&key, &encoded(&count));
    update.set(&TrieKey::PostponedReceipt { receiver_id, receipt_id }, &encoded(receipt));
    update.keep();
}

/// Notes a result down; the receipt that waited for it, if it was the last.
fn take_data(account: &AccountId, data: &DataReceipt, update: &mut Update) -> Option<Receipt> {
    let value = ReceivedData { data: data.data.clone() };
    update.set(&received(account, data.data_id), &encoded(&value));
    let ready = count_down(account, data.data_id, update);
    update.keep();
    ready
}

fn count_down(account: &AccountId, data_id: CryptoHash, update: &mut Update) -> Option<Receipt> {
    let receiver_id = account.clone();
    let id = update.take(&TrieKey::PostponedReceiptId { receiver_id, data_id })?;
    let receipt_id = CryptoHash::try_from(&*id).expect("only hashes are put there");
    let receiver_id = account.clone();
    let count_key = TrieKey::PendingDataCount { receiver_id: receiver_id.clone(), receipt_id };
    let count = update.take(&count_key)?;
    let count: u32 = borsh::from_slice(&count).expect("only counts are put there");
    if count > 1 {
        update.set(&count_key, &encoded(&(count - 1)));
        return None;
    }
    let waiting = update.take(&TrieKey::PostponedReceipt { receiver_id, receipt_id })?;
    Some(decoded(&waiting))
}

fn run_ready(
    receipt: &Receipt,
    update: &mut Update,
    env: &Env,
) -> Result<Option<Ran>, IntegerOverflowError> {
    match receipt.versioned_receipt() {
        VersionedReceiptEnum::Action(body) | VersionedReceiptEnum::PromiseYield(body) => {
            run(receipt, &body, update, env).map(Some)
        }
        VersionedReceiptEnum::Data(_)
        | VersionedReceiptEnum::PromiseResume(_)
        | VersionedReceiptEnum::GlobalContractDistribution(_) => Ok(None),
    }
}

/// Carries out a receipt whose inputs are all there.
fn run(
    receipt: &Receipt,
    body: &VersionedActionReceipt<'_>,
    update: &mut Update,
    env: &Env,
) -> Result<Ran, IntegerOverflowError> {
    let id = receipt.receiver_id();
    let results = body.input_data_ids().iter().map(|data_id| {
        let bytes = update.take(&received(id, *data_id)).expect("it was checked that it is there");
        let value: ReceivedData = borsh::from_slice(&bytes).expect("only data is put there");
        value.data.map_or(PromiseResult::Failed, |data| PromiseResult::Successful(Rc::from(data)))
    });
    let results: Arc<[PromiseResult]> = results.collect();
    update.keep();
    let account = update.account(id);
    let was_there = account.is_some();
    let actor = receipt.predecessor_id().clone();
    let mut acting = Acting { update, env, receipt, body, account, actor, results };
    let mut acted = Acted::cost(fees::receipt_exec());
    for index in 0..body.actions().len() {
        let next = acting.act(index)?;
        acted.merge(next, index as u64);
        if acted.result.is_err() {
            break;
        }
    }
    let (is_refund, account) = (acting.is_refund(), acting.account);
    let is_new = !was_there && account.is_some();
    if let Some(account) = account.filter(|_| acted.result.is_ok()) {
        match check::check_state_balance(&account, account.amount()) {
            Ok(()) => update.set_account(id, &account),
            Err(amount) => {
                let account_id = id.clone();
                let error = ActionErrorKind::LackBalanceForState { account_id, amount };
                acted.result = Err(error.into());
                acted.made.clear();
            }
        }
    }
    let burnt = if is_refund {
        // The system neither pays for gas nor gets anything back.
        Balance::ZERO
    } else {
        refunds::settle(receipt, body, &mut acted, env, is_new)?
    };
    if acted.result.is_ok() {
        update.keep()
    } else {
        update.drop_open()
    }
    pass_result_on(body, id, &mut acted);
    Ok(finish(receipt, acted, burnt, env))
}

/// Sends the result to those who wait for it, or has the receipt do so that gives the result.
fn pass_result_on(body: &VersionedActionReceipt<'_>, id: &AccountId, acted: &mut Acted) {
    let outputs = body.output_data_receivers();
    let data = match &acted.result {
        Ok(ReturnData::ReceiptIndex(index)) => {
            let made = usize::try_from(*index).ok().and_then(|index| acted.made.get_mut(index));
            if let Some(Receipt::V0(made)) = made {
                match &mut made.receipt {
                    ReceiptEnum::Action(next) | ReceiptEnum::PromiseYield(next) => {
                        next.output_data_receivers.extend_from_slice(outputs);
                    }
                    ReceiptEnum::ActionV2(next) | ReceiptEnum::PromiseYieldV2(next) => {
                        next.output_data_receivers.extend_from_slice(outputs);
                    }
                    ReceiptEnum::Data(_)
                    | ReceiptEnum::PromiseResume(_)
                    | ReceiptEnum::GlobalContractDistribution(_) => (),
                }
            }
            return;
        }
        Ok(ReturnData::Value(value)) => Some(value.clone()),
        Ok(ReturnData::None) => Some(Vec::new()),
        Err(_) => None,
    };
    acted.made.extend(outputs.iter().map(|output| {
        let data = DataReceipt { data_id: output.data_id, data: data.clone() };
        nameless(id, &output.receiver_id, ReceiptEnum::Data(data))
    }));
}

/// Gives ids to the receipts that were made, and writes the outcome down.
fn finish(receipt: &Receipt, acted: Acted, burnt: Balance, env: &Env) -> Ran {
    let mut made = acted.made;
    let mut receipt_ids = Vec::new();
    for (index, next) in made.iter_mut().enumerate() {
        let id = create_receipt_id_from_receipt_id(receipt.receipt_id(), env.height, index);
        next.set_receipt_id(id);
        let is_data =
            matches!(next.receipt(), ReceiptEnum::Data(_) | ReceiptEnum::PromiseResume(_));
        if !is_data {
            receipt_ids.push(id);
        }
    }
    let status = match acted.result {
        Ok(ReturnData::ReceiptIndex(index)) => {
            let next = usize::try_from(index).ok().and_then(|index| made.get(index));
            next.map_or(ExecutionStatus::SuccessValue(Vec::new()), |next| {
                ExecutionStatus::SuccessReceiptId(*next.receipt_id())
            })
        }
        Ok(ReturnData::Value(value)) => ExecutionStatus::SuccessValue(value),
        Ok(ReturnData::None) => ExecutionStatus::SuccessValue(Vec::new()),
        Err(error) => ExecutionStatus::Failure(TxExecutionError::ActionError(error)),
    };
    let outcome = ExecutionOutcome {
        logs: acted.logs,
        receipt_ids,
        gas_burnt: acted.gas_burnt,
        tokens_burnt: burnt,
        executor_id: receipt.receiver_id().clone(),
        status,
        metadata: ExecutionMetadata::V3(Box::new(acted.profile)),
        ..ExecutionOutcome::default()
    };
    Ran { outcome: ExecutionOutcomeWithId { id: *receipt.receipt_id(), outcome }, made, burnt }
}

//! One block's changes: its transactions become receipts, and the receipts that are due run.

use std::collections::VecDeque;

use near_primitives::{
    errors::{IntegerOverflowError, InvalidTxError},
    receipt::Receipt,
    transaction::{ExecutionOutcome, ExecutionOutcomeWithId, ExecutionStatus, SignedTransaction},
    types::{Balance, Gas},
    utils::create_receipt_id_from_transaction,
};

use super::{
    Env, check,
    receipts::{self, Ran},
};
use crate::state::{Trie, Update};

/// What applying a block came to.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) state: Trie,
    /// In the order in which they ran; transactions first.
    pub(crate) outcomes: Vec<ExecutionOutcomeWithId>,
    /// Receipts that were made and ran at once.
    pub(crate) local: Vec<Receipt>,
    /// For the next block.
    pub(crate) outgoing: Vec<Receipt>,
    pub(crate) gas_used: Gas,
    pub(crate) burnt: Balance,
    /// Transactions that were not included, and why.
    pub(crate) refused: Vec<(SignedTransaction, InvalidTxError)>,
    pub(crate) included: Vec<SignedTransaction>,
}

#[derive(Debug)]
struct Step<'a> {
    env: &'a Env,
    update: Update,
    applied: Applied,
}

/// Whether `signed` could be included in a block on top of `state`.
///
/// # Errors
/// Why not.
pub(crate) fn verify(
    state: &Trie,
    env: &Env,
    signed: &SignedTransaction,
) -> Result<(), InvalidTxError> {
    let mut update = Update::new(state.clone());
    check::charge(signed, &mut update, env).map(drop)
}

/// Applies `transactions`, then the receipts in `incoming` as far as the gas limit goes.
pub(crate) fn apply(
    state: &Trie,
    env: &Env,
    transactions: Vec<SignedTransaction>,
    incoming: Vec<Receipt>,
) -> Applied {
    let applied = Applied {
        state: state.clone(),
        outcomes: Vec::new(),
        local: Vec::new(),
        outgoing: Vec::new(),
        gas_used: Gas::ZERO,
        burnt: Balance::ZERO,
        refused: Vec::new(),
        included: Vec::new(),
    };
    let update = Update::new(state.clone());
    let mut step = Step { env, update, applied };
    for transaction in transactions {
        step.include(transaction);
    }
    let local = step.applied.local.clone();
    for receipt in local.into_iter().chain(incoming) {
        step.receive(receipt);
    }
    let expired = receipts::expire(&mut step.update, env);
    step.applied.outgoing.extend(expired);
    let Step { update, mut applied, .. } = step;
    applied.state = update.finish();
    applied
}

impl Step<'_> {
    fn include(&mut self, signed: SignedTransaction) {
        let cost = match check::charge(&signed, &mut self.update, self.env) {
            Ok(cost) => cost,
            Err(error) => {
                self.update.drop_open();
                return self.applied.refused.push((signed, error));
            }
        };
        self.update.keep();
        let transaction = &signed.transaction;
        let (signer, receiver) = (transaction.signer_id(), transaction.receiver_id());
        let hash = signed.get_hash();
        let receipt_id = create_receipt_id_from_transaction(&hash, self.env.height);
        let receipt = Receipt::from_tx(
            receipt_id,
            signer.clone(),
            receiver.clone(),
            transaction.public_key().clone(),
            cost.gas_price,
            transaction.actions().to_vec(),
        );
        let outcome = ExecutionOutcome {
            receipt_ids: vec![receipt_id],
            gas_burnt: cost.gas_burnt,
            tokens_burnt: cost.burnt,
            executor_id: signer.clone(),
            status: ExecutionStatus::SuccessReceiptId(receipt_id),
            ..ExecutionOutcome::default()
        };
        // What one sends to oneself runs in the same block.
        if signer == receiver {
            self.applied.local.push(receipt);
        } else {
            self.applied.outgoing.push(receipt);
        }
        self.note(ExecutionOutcomeWithId { id: hash, outcome }, cost.burnt);
        self.applied.included.push(signed);
    }

    fn note(&mut self, outcome: ExecutionOutcomeWithId, burnt: Balance) {
        let applied = &mut self.applied;
        applied.gas_used = applied.gas_used.saturating_add(outcome.outcome.gas_burnt);
        applied.burnt = applied.burnt.saturating_add(burnt);
        applied.outcomes.push(outcome);
    }

    /// Runs a receipt, or puts it off to the next block if this one is full.
    fn receive(&mut self, receipt: Receipt) {
        if self.applied.gas_used >= self.env.gas_limit {
            return self.applied.outgoing.push(receipt);
        }
        let mut due = VecDeque::from([receipt]);
        // Terminates: what is due at once is a wait or a deletion, and neither makes such.
        while let Some(receipt) = due.pop_front() {
            match receipts::process(&receipt, &mut self.update, self.env) {
                Ok(None) => (),
                Ok(Some(Ran { outcome, made, burnt })) => {
                    self.note(outcome, burnt);
                    let (instant, later): (Vec<_>, Vec<_>) =
                        made.into_iter().partition(Receipt::is_instant_receipt);
                    self.applied.local.extend_from_slice(&instant);
                    due.extend(instant);
                    self.applied.outgoing.extend(later);
                }
                // Only a state that was written by hand holds such amounts.
                Err(IntegerOverflowError) => self.update.drop_open(),
            }
        }
    }
}

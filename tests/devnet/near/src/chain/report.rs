//! What became of a transaction.

use near_primitives::{
    errors::TxExecutionError,
    hash::CryptoHash,
    receipt::Receipt,
    transaction::{ExecutionOutcomeWithId, ExecutionStatus, SignedTransaction},
    types::{Balance, Gas},
};

use super::{Block, Chain};

/// How far a transaction and what it led to have come. In a block it is in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its block is final.
    pub is_included_final: bool,
    /// All that it led to has run, but for refunds.
    pub is_executed: bool,
    /// All of it has run, in final blocks.
    pub is_final: bool,
}

/// A transaction, and all outcomes that it led to so far.
#[derive(Clone, Debug)]
pub struct Report {
    /// The transaction.
    pub transaction: SignedTransaction,
    /// Its own outcome first, then those of the receipts, in order of their making.
    pub outcomes: Vec<Ran>,
    /// The receipts that ran or are to run, in order of their making.
    pub receipts: Vec<Receipt>,
    /// Whether receipts are still to run that are no refunds.
    pub is_running: bool,
    /// Whether refunds are still to come.
    pub awaits_refunds: bool,
}

/// An outcome and its block's height.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What happened.
    pub outcome: ExecutionOutcomeWithId,
    /// In which block.
    pub height: u64,
}

impl Report {
    /// How it ended; `None` if that is not known yet.
    pub fn result(&self) -> Option<Result<Vec<u8>, TxExecutionError>> {
        let mut id = self.outcomes.first()?.outcome.id;
        // Terminates: an outcome names only receipts that it made.
        loop {
            let ran = self.outcomes.iter().find(|ran| ran.outcome.id == id)?;
            match &ran.outcome.outcome.status {
                ExecutionStatus::Unknown => return None,
                ExecutionStatus::Failure(error) => return Some(Err(error.clone())),
                ExecutionStatus::SuccessValue(value) => return Some(Ok(value.clone())),
                ExecutionStatus::SuccessReceiptId(next) => id = *next,
            }
        }
    }

    /// Its value, if it succeeded.
    pub fn value(&self) -> Option<Vec<u8>> {
        self.result()?.ok()
    }

    /// Why it failed, in words; `None` if it did not.
    pub fn failure(&self) -> Option<String> {
        Some(self.result()?.err()?.to_string())
    }

    /// Why any receipt failed, in words, whether or not its caller went on.
    pub fn failures(&self) -> Vec<String> {
        let failure = |ran: &Ran| match &ran.outcome.outcome.status {
            ExecutionStatus::Failure(error) => Some(error.to_string()),
            _ => None,
        };
        self.outcomes.iter().filter_map(failure).collect()
    }

    /// All lines that were written, in order.
    pub fn logs(&self) -> Vec<&str> {
        let logs = self.outcomes.iter().flat_map(|ran| &ran.outcome.outcome.logs);
        logs.map(String::as_str).collect()
    }

    /// All gas that was burnt; that of refunds too, which nobody pays for.
    pub fn gas_burnt(&self) -> Gas {
        let gas = self.outcomes.iter().map(|ran| ran.outcome.outcome.gas_burnt);
        gas.fold(Gas::ZERO, Gas::saturating_add)
    }

    /// What all of it cost.
    pub fn tokens_burnt(&self) -> Balance {
        let tokens = self.outcomes.iter().map(|ran| ran.outcome.outcome.tokens_burnt);
        tokens.fold(Balance::ZERO, Balance::saturating_add)
    }
}

impl Chain {
    /// What became of the transaction `hash`; `None` if it is in no block.
    pub fn report(&self, hash: &CryptoHash) -> Option<Report> {
        let block = self.ran_in(hash)?;
        let transaction = block.transactions.iter().find(|signed| signed.get_hash() == *hash)?;
        let mut report = Report {
            transaction: transaction.clone(),
            outcomes: Vec::new(),
            receipts: Vec::new(),
            is_running: false,
            awaits_refunds: false,
        };
        let mut due = std::collections::VecDeque::from([*hash]);
        // Terminates: receipts form a tree, since a receipt's id follows from its maker's.
        while let Some(id) = due.pop_front() {
            let Some(block) = self.ran_in(&id) else {
                let coming = self.head().outgoing.iter().find(|next| *next.receipt_id() == id);
                if coming.is_some_and(|next| next.predecessor_id().is_system()) {
                    report.awaits_refunds = true;
                } else {
                    report.is_running = true;
                }
                continue;
            };
            let outcome = block.outcomes.iter().find(|outcome| outcome.id == id)?;
            due.extend(&outcome.outcome.receipt_ids);
            report.outcomes.push(Ran { outcome: outcome.clone(), height: block.height() });
            if id != *hash {
                report.receipts.extend(self.receipt(&id, block.height()));
            }
        }
        Some(report)
    }

    /// Whether what has this id ran.
    pub(crate) fn has_run(&self, id: &CryptoHash) -> bool {
        self.ran_at.contains_key(id)
    }

    fn ran_in(&self, id: &CryptoHash) -> Option<&Block> {
        self.by_height(*self.ran_at.get(id)?)
    }

    /// The receipt `id`, which ran at `height`.
    fn receipt(&self, id: &CryptoHash, height: u64) -> Option<Receipt> {
        let heights = (0..=height).rev();
        // Most run in the block after the one that made them; callbacks wait for some more.
        let blocks = heights.filter_map(|height| self.by_height(height)).take(1_000);
        let is_it = |receipt: &&Receipt| receipt.receipt_id() == id;
        let mut found =
            blocks.filter_map(|block| block.incoming.iter().chain(&block.local).find(is_it));
        found.next().cloned()
    }

    /// How far it has come.
    pub fn progress(&self, report: &Report) -> Progress {
        let final_height = self.head().height().saturating_sub(2);
        let is_final = |ran: Option<&Ran>| ran.is_some_and(|ran| ran.height <= final_height);
        let last = report.outcomes.iter().max_by_key(|ran| ran.height);
        Progress {
            is_included_final: is_final(report.outcomes.first()),
            is_executed: !report.is_running,
            is_final: !report.is_running && !report.awaits_refunds && is_final(last),
        }
    }
}

//! Sending transactions, and what became of them.

use near_jsonrpc_primitives::{
    errors::RpcError,
    types::{
        receipts::{RpcReceiptError, RpcReceiptRequest},
        transactions::{
            RpcSendTransactionRequest, RpcTransactionError, RpcTransactionResponse,
            TimeoutErrorCause,
        },
    },
};
use near_primitives::{
    hash::CryptoHash,
    transaction::{ExecutionOutcomeWithIdAndProof, SignedTransaction},
    types::AccountId,
    views::{
        ExecutionOutcomeWithIdView, FinalExecutionOutcomeView, FinalExecutionOutcomeViewEnum,
        FinalExecutionOutcomeWithReceiptView, FinalExecutionStatus, ReceiptView,
        SignedTransactionView, TxExecutionStatus,
    },
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Answer, params, shown};
use crate::{
    Chain, Progress, Report,
    chain::Ran,
    devnet::{ANSWER_LIMIT, Node},
};

/// How much is shown of what a transaction led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Outcomes,
    Receipts,
}

/// The transaction that one asks about: itself, or its hash.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    tx_hash: Option<CryptoHash>,
    #[serde(default)]
    signed_tx_base64: Option<Value>,
    #[serde(default)]
    wait_until: TxExecutionStatus,
}

pub(super) async fn tx(node: &Node, request: Value, detail: Detail) -> Answer {
    let asked = match request {
        Value::Array(list) if list.len() == 2 => {
            let (tx_hash, _) = params::parsed::<(CryptoHash, AccountId)>(Value::Array(list))?;
            let wait_until = TxExecutionStatus::default();
            Asked { tx_hash: Some(tx_hash), signed_tx_base64: None, wait_until }
        }
        Value::Array(list) => {
            let wait_until = TxExecutionStatus::default();
            let signed_tx_base64 = Some(params::first(Value::Array(list)));
            Asked { tx_hash: None, signed_tx_base64, wait_until }
        }
        named => params::parsed::<Asked>(named)?,
    };
    let hash = match (&asked.tx_hash, &asked.signed_tx_base64) {
        (Some(hash), _) => *hash,
        (None, Some(signed)) => params::transaction(signed)?.get_hash(),
        (None, None) => return Err(RpcError::parse_error("no transaction is named".to_owned())),
    };
    shown(wait(node, &hash, &asked.wait_until, detail).await?)
}

pub(super) async fn send(node: &Node, request: Value) -> Answer {
    let (signed, wait_until) = match request {
        Value::Array(_) => {
            (params::transaction(&params::first(request))?, TxExecutionStatus::default())
        }
        named => {
            let signed = named.get("signed_tx_base64").unwrap_or(&Value::Null);
            let signed = params::transaction(signed)?;
            let wait_until = named.get("wait_until").cloned();
            let wait_until = wait_until.map_or(Ok(TxExecutionStatus::default()), params::parsed)?;
            (signed, wait_until)
        }
    };
    send_and_wait(node, RpcSendTransactionRequest { signed_transaction: signed, wait_until }).await
}

pub(super) async fn commit(node: &Node, request: Value) -> Answer {
    send(node, request).await
}

async fn send_and_wait(node: &Node, request: RpcSendTransactionRequest) -> Answer {
    let RpcSendTransactionRequest { signed_transaction, wait_until } = request;
    let hash = signed_transaction.get_hash();
    node.submit(signed_transaction)
        .map_err(|context| RpcTransactionError::InvalidTransaction { context })?;
    shown(wait(node, &hash, &wait_until, Detail::Outcomes).await?)
}

/// Answers with the hash at once; whoever wants to know more asks for it.
pub(super) fn send_only(node: &Node, request: Value) -> Answer {
    let request = match request {
        Value::Object(mut named) => named.remove("signed_tx_base64").unwrap_or(Value::Null),
        other => params::first(other),
    };
    let signed: SignedTransaction = params::transaction(&request)?;
    let hash = signed.get_hash();
    if let Err(error) = node.submit(signed) {
        node.chain().note_refusal(hash, error);
    }
    shown(hash)
}

pub(super) fn receipt(node: &Node, request: Value) -> Answer {
    let RpcReceiptRequest { receipt_reference } = params::parsed(request)?;
    let receipt_id = receipt_reference.receipt_id;
    let chain = node.chain();
    let all = chain.blocks().iter().rev();
    let mut all = all.flat_map(|block| block.outgoing.iter().chain(&block.local));
    let found = all.find(|receipt| *receipt.receipt_id() == receipt_id);
    let found = found.ok_or(RpcReceiptError::UnknownReceipt { receipt_id })?;
    shown(ReceiptView::from(found.clone()))
}

/// Waits until the transaction has come as far as one wants to see.
async fn wait(
    node: &Node,
    hash: &CryptoHash,
    wanted: &TxExecutionStatus,
    detail: Detail,
) -> Result<RpcTransactionResponse, RpcTransactionError> {
    let deadline = Instant::now() + ANSWER_LIMIT;
    let mut heads = node.heads();
    loop {
        let seen = look(&node.chain(), hash, wanted, detail)?;
        let response = match seen {
            Seen::Enough(response) => return Ok(*response),
            Seen::NotYet(response) => response,
        };
        if !matches!(timeout_at(deadline, heads.changed()).await, Ok(Ok(()))) {
            let cause = response.map_or(TimeoutErrorCause::NotObserved, |status| {
                TimeoutErrorCause::Pending { status }
            });
            return Err(RpcTransactionError::TimeoutError(Some(cause)));
        }
    }
}

enum Seen {
    Enough(Box<RpcTransactionResponse>),
    NotYet(Option<Box<RpcTransactionResponse>>),
}

fn look(
    chain: &Chain,
    hash: &CryptoHash,
    wanted: &TxExecutionStatus,
    detail: Detail,
) -> Result<Seen, RpcTransactionError> {
    if let Some(context) = chain.refusal(hash) {
        return Err(RpcTransactionError::InvalidTransaction { context: context.clone() });
    }
    let Some(report) = chain.report(hash) else {
        if !chain.is_waiting(hash) {
            let requested_transaction_hash = *hash;
            return Err(RpcTransactionError::UnknownTransaction { requested_transaction_hash });
        }
        let response = RpcTransactionResponse {
            final_execution_outcome: None,
            final_execution_status: TxExecutionStatus::None,
        };
        return Ok(match wanted {
            TxExecutionStatus::None => Seen::Enough(Box::new(response)),
            _ => Seen::NotYet(None),
        });
    };
    let progress = chain.progress(&report);
    let response = Box::new(RpcTransactionResponse {
        final_execution_outcome: Some(outcome(chain, &report, detail)),
        final_execution_status: status(progress),
    });
    let is_enough = match wanted {
        TxExecutionStatus::None | TxExecutionStatus::Included => true,
        TxExecutionStatus::ExecutedOptimistic => progress.is_executed,
        TxExecutionStatus::IncludedFinal => progress.is_included_final,
        TxExecutionStatus::Executed => progress.is_executed && progress.is_included_final,
        TxExecutionStatus::Final => progress.is_final,
    };
    Ok(if is_enough { Seen::Enough(response) } else { Seen::NotYet(Some(response)) })
}

const fn status(progress: Progress) -> TxExecutionStatus {
    match (progress.is_final, progress.is_included_final, progress.is_executed) {
        (true, _, _) => TxExecutionStatus::Final,
        (_, true, true) => TxExecutionStatus::Executed,
        (_, true, false) => TxExecutionStatus::IncludedFinal,
        (_, false, true) => TxExecutionStatus::ExecutedOptimistic,
        (_, false, false) => TxExecutionStatus::Included,
    }
}

fn outcome(chain: &Chain, report: &Report, detail: Detail) -> FinalExecutionOutcomeViewEnum {
    let mut outcomes = report.outcomes.iter().filter_map(|ran| with_proof(chain, ran));
    let transaction_outcome = outcomes.next().expect("a report begins with the transaction");
    let final_outcome = FinalExecutionOutcomeView {
        status: match report.result() {
            None => FinalExecutionStatus::Started,
            Some(Ok(value)) => FinalExecutionStatus::SuccessValue(value),
            Some(Err(error)) => FinalExecutionStatus::Failure(error),
        },
        transaction: SignedTransactionView::from(report.transaction.clone()),
        transaction_outcome,
        receipts_outcome: outcomes.collect(),
    };
    match detail {
        Detail::Outcomes => FinalExecutionOutcomeViewEnum::FinalExecutionOutcome(final_outcome),
        Detail::Receipts => {
            let receipts = report.receipts.iter().cloned().map(ReceiptView::from).collect();
            let outcome = FinalExecutionOutcomeWithReceiptView { final_outcome, receipts };
            FinalExecutionOutcomeViewEnum::FinalExecutionOutcomeWithReceipt(outcome)
        }
    }
}

fn with_proof(chain: &Chain, ran: &Ran) -> Option<ExecutionOutcomeWithIdView> {
    let block = chain.by_height(ran.height)?;
    let index = block.outcomes.iter().position(|outcome| outcome.id == ran.outcome.id)?;
    Some(ExecutionOutcomeWithIdView::from(ExecutionOutcomeWithIdAndProof {
        proof: block.outcome_paths.get(index)?.clone(),
        block_hash: *block.hash(),
        outcome_with_id: ran.outcome.clone(),
    }))
}

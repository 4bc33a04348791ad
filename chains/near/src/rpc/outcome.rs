//! What became of a transaction, as an endpoint tells it.

use serde_json::Value;

use super::Refusal;
use crate::wire::CryptoHash;

/// Most receipts of one transaction that are looked at.
const RECEIPTS_MAX: usize = 256;
/// Longest text of a failure that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// What came of handing a transaction in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A block has it, and all that it set going has ended.
    Done(Outcome),
    /// It waits.
    Taken,
    /// No block will take it.
    Invalid(Invalid),
}

/// Why no block takes a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// Another transaction of the key has this nonce, or a later one.
    NonceUsed,
    /// The block that it names is too old.
    Expired,
    /// The shard has no room at present.
    Congested,
    /// The signer cannot pay.
    NoFunds,
    /// There is no such account.
    NoAccount,
    /// The key may not do this for the account.
    BadKey,
    /// Something else.
    Other(String),
}

/// How far a transaction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The endpoint does not know it.
    Unknown,
    /// A block has it, and it goes on.
    Pending,
    /// It has ended.
    Ended(Outcome),
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What it returned, or why it failed.
    pub(crate) ended: Ran,
    /// What ran, in order.
    pub(crate) receipts: Vec<ReceiptRan>,
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// With a value.
    Value,
    /// It failed, for this reason.
    Failed(String),
}

/// A part of a transaction that ran on one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptRan {
    /// Which.
    pub(crate) executor: String,
    /// In which block.
    pub(crate) block: CryptoHash,
    /// What it wrote.
    pub(crate) logs: Vec<String>,
}

impl Outcome {
    /// Reads what `send_tx` and `tx` answer; `None` if it has not ended.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let ended = ended(value.get("status")?)?;
        let receipts = value.get("receipts_outcome")?.as_array()?;
        let receipts = receipts.iter().take(RECEIPTS_MAX).filter_map(receipt).collect();
        Some(Self { ended, receipts })
    }
}

fn ended(status: &Value) -> Option<Ran> {
    let fields = status.as_object()?;
    if fields.contains_key("SuccessValue") {
        return Some(Ran::Value);
    }
    Some(Ran::Failed(reason(fields.get("Failure")?)))
}

fn receipt(value: &Value) -> Option<ReceiptRan> {
    let outcome = value.get("outcome")?;
    let logs = outcome.get("logs")?.as_array()?.iter();
    Some(ReceiptRan {
        executor: outcome.get("executor_id")?.as_str()?.to_owned(),
        block: value.get("block_hash")?.as_str()?.parse().ok()?,
        logs: logs.filter_map(|log| log.as_str().map(str::to_owned)).collect(),
    })
}

/// The text that a contract panicked with, or else the whole failure.
fn reason(failure: &Value) -> String {
    let panic = failure.pointer("/ActionError/kind/FunctionCallError/ExecutionError");
    let text = panic.and_then(Value::as_str).map_or_else(|| failure.to_string(), str::to_owned);
    text.chars().take(TEXT_BYTES_MAX).collect()
}

/// Why a transaction is not taken. The reason stands in what older endpoints write alone.
pub(super) fn invalid(refusal: &Refusal) -> Invalid {
    let reason = refusal.data.pointer("/TxExecutionError/InvalidTxError");
    let name = match reason {
        Some(Value::String(name)) => Some((name.as_str(), None)),
        Some(Value::Object(fields)) => {
            fields.iter().next().map(|(name, inside)| (name.as_str(), Some(inside)))
        }
        _ => None,
    };
    let other = || Invalid::Other(refusal.text.clone());
    let Some((name, inside)) = name else { return other() };
    match name {
        "InvalidNonce" | "NonceTooLarge" => Invalid::NonceUsed,
        "Expired" => Invalid::Expired,
        "ShardCongested" | "ShardStuck" => Invalid::Congested,
        "NotEnoughBalance" | "LackBalanceForState" | "NotEnoughBalanceForDeposit" => {
            Invalid::NoFunds
        }
        "SignerDoesNotExist" => Invalid::NoAccount,
        "InvalidAccessKeyError" => {
            let is_poor = inside.is_some_and(|inside| inside.get("NotEnoughAllowance").is_some());
            if is_poor { Invalid::NoFunds } else { Invalid::BadKey }
        }
        "InvalidSignature" => Invalid::BadKey,
        _ => other(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusal(data: Value) -> Refusal {
        let (name, text) = ("INVALID_TRANSACTION".to_owned(), "why".to_owned());
        Refusal { name, info: Value::Null, data, text }
    }

    #[test]
    fn transactions_that_no_block_takes_say_why() {
        let why = |inside: Value| {
            invalid(&refusal(json!({ "TxExecutionError": { "InvalidTxError": inside } })))
        };
        let nonce = json!({ "InvalidNonce": { "tx_nonce": 1, "ak_nonce": 2 } });
        assert_eq!(why(nonce), Invalid::NonceUsed);
        assert_eq!(why(json!("Expired")), Invalid::Expired);
        let poor = json!({ "NotEnoughBalance": { "balance": "1", "cost": "2" } });
        assert_eq!(why(poor), Invalid::NoFunds);
        let key = |inside: Value| json!({ "InvalidAccessKeyError": inside });
        assert_eq!(why(key(json!("RequiresFullAccess"))), Invalid::BadKey);
        assert_eq!(why(key(json!({ "NotEnoughAllowance": {} }))), Invalid::NoFunds);
        assert_eq!(why(json!({ "SignerDoesNotExist": {} })), Invalid::NoAccount);
        assert_eq!(why(json!({ "ShardStuck": {} })), Invalid::Congested);
        let other = Invalid::Other("why".to_owned());
        assert_eq!(why(json!("InvalidChain")), other);
        assert_eq!(invalid(&refusal(json!("a text"))), other);
    }

    #[test]
    fn an_outcome_is_read_once_there_is_one() {
        let block = CryptoHash::of(b"block");
        let ran = json!({
            "block_hash": block.to_string(),
            "outcome": { "executor_id": "registry.near", "logs": ["one", 2] },
        });
        let answer = |status: Value| json!({ "status": status, "receipts_outcome": [ran, {}] });
        let receipts = vec![ReceiptRan {
            executor: "registry.near".to_owned(),
            block,
            logs: vec!["one".to_owned()],
        }];
        let ended = |ended| Some(Outcome { ended, receipts: receipts.clone() });
        assert_eq!(Outcome::read(&answer(json!({ "SuccessValue": "" }))), ended(Ran::Value));
        let panic = "Smart contract panicked: E12 no";
        let failure = json!({ "Failure": { "ActionError": {
            "index": 0, "kind": { "FunctionCallError": { "ExecutionError": panic } },
        } } });
        assert_eq!(Outcome::read(&answer(failure)), ended(Ran::Failed(panic.to_owned())));
        assert_eq!(Outcome::read(&answer(json!("Started"))), None);
        assert_eq!(Outcome::read(&json!({ "final_execution_status": "NONE" })), None);
    }

    proptest! {
        #[test]
        fn any_json_is_judged(text in ".{0,80}", number: u64) {
            let status = json!({ "status": { &text: number } });
            for value in [json!(text), json!([text, number]), status] {
                let _either = Outcome::read(&value).is_some();
                prop_assert!(!matches!(invalid(&refusal(value)), Invalid::NonceUsed));
            }
        }
    }
}

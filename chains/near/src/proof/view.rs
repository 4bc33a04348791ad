//! Blocks and proofs as NEAR's JSON-RPC shows them.

use chain::verdict::{Input, Refusal};
use data_encoding::BASE64;
use serde_json::Value;

use super::{
    block::{Block, Header, InnerLite},
    merkle::{Direction, PATH_MAX, Step},
    outcome::{Outcome, OutcomeProof, Status},
    producers::{PRODUCERS_MAX, Producer, StakeForm},
};
use crate::{
    verdict::{hash, hash_of, list, parsed, u128},
    wallet::{PublicKey, Signature},
};

/// Most approvals: those of two epochs' producers.
const APPROVALS_MAX: usize = 2 * PRODUCERS_MAX;
/// Most log lines of one outcome; the protocol's limit.
const LOGS_MAX: usize = 100;
/// Longest log line; the protocol's limit for all lines of a call.
const LOG_BYTES_MAX: usize = 16 << 10;
/// Most receipts of one outcome: the protocol's limits are 100 actions, and 1024 calls in each.
const RECEIPTS_MAX: usize = 4096;
/// Longest value of an outcome; the protocol's limit.
pub(super) const VALUE_BYTES_MAX: usize = 4 << 20;

pub(super) fn inner_lite(input: Input<'_>) -> Result<InnerLite, Refusal> {
    // `timestamp` is a number that JavaScript rounds; old endpoints have no other.
    let exact = "timestamp_nanosec";
    let timestamp = if input.has(exact) { exact } else { "timestamp" };
    Ok(InnerLite {
        height: input.u64("height")?,
        epoch_id: hash(input, "epoch_id")?,
        next_epoch_id: hash(input, "next_epoch_id")?,
        prev_state_root: hash(input, "prev_state_root")?,
        outcome_root: hash(input, "outcome_root")?,
        timestamp_ns: input.u64(timestamp)?,
        next_bp_hash: hash(input, "next_bp_hash")?,
        block_merkle_root: hash(input, "block_merkle_root")?,
    })
}

pub(super) fn header(input: Input<'_>) -> Result<Header, Refusal> {
    Ok(Header {
        prev_block_hash: hash(input, "prev_block_hash")?,
        inner_rest_hash: hash(input, "inner_rest_hash")?,
        inner: inner_lite(input.object("inner_lite")?)?,
    })
}

/// A block as `next_light_client_block` gives it.
pub(super) fn block(input: Input<'_>) -> Result<Block, Refusal> {
    let approvals = list(input, "approvals_after_next", APPROVALS_MAX)?;
    let name = "next_bps";
    Ok(Block {
        header: header(input)?,
        next_block_inner_hash: hash(input, "next_block_inner_hash")?,
        next_producers: if input.has(name) { Some(producers(input, name)?) } else { None },
        approvals: approvals.iter().map(approval).collect::<Result<_, _>>()?,
    })
}

pub(super) fn producers(input: Input<'_>, name: &str) -> Result<Vec<Producer>, Refusal> {
    list(input, name, PRODUCERS_MAX)?.iter().map(|value| producer(Input(value))).collect()
}

/// Producers as `EXPERIMENTAL_validators_ordered` gives them.
pub(super) fn ordered(value: &Value) -> Result<Vec<Producer>, Refusal> {
    let list = value.as_array().filter(|list| list.len() <= PRODUCERS_MAX);
    let list = list.ok_or_else(|| Refusal("it is no list of block producers".to_owned()))?;
    list.iter().map(|value| producer(Input(value))).collect()
}

fn producer(input: Input<'_>) -> Result<Producer, Refusal> {
    let version = "validator_stake_struct_version";
    let form = match input.has(version) {
        false => StakeForm::Bare,
        true if input.text(version)? == "V1" => StakeForm::V1,
        true => return Err("a block producer is written in a form that is not known".into()),
    };
    let PublicKey::Ed25519(key) = parsed(input, "public_key", "public key")? else {
        return Err("a block producer has no ed25519 key".into());
    };
    let account_id = parsed(input, "account_id", "account id")?;
    Ok(Producer { account_id, key, stake: u128(input, "stake")?, form })
}

fn approval(value: &Value) -> Result<Option<[u8; 64]>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    match value.as_str().and_then(|text| text.parse().ok()) {
        Some(Signature::Ed25519(bytes)) => Ok(Some(bytes)),
        _ => Err("an approval is no ed25519 signature".into()),
    }
}

/// A proof as `EXPERIMENTAL_light_client_proof` gives it.
pub(super) fn outcome_proof(input: Input<'_>) -> Result<OutcomeProof, Refusal> {
    let proof = input.object("outcome_proof")?;
    Ok(OutcomeProof {
        outcome: outcome(hash(proof, "id")?, proof.object("outcome")?)?,
        block_hash: hash(proof, "block_hash")?,
        path: path(proof, "proof")?,
        root_path: path(input, "outcome_root_proof")?,
        header: header(input.object("block_header_lite")?)?,
        block_path: path(input, "block_proof")?,
    })
}

fn path(input: Input<'_>, name: &str) -> Result<Vec<Step>, Refusal> {
    let step = |value| {
        let input = Input(value);
        let direction = match input.text("direction")? {
            "Left" => Direction::Left,
            "Right" => Direction::Right,
            _ => return Err("a sibling stands neither left nor right".into()),
        };
        Ok(Step { hash: hash(input, "hash")?, direction })
    };
    list(input, name, PATH_MAX)?.iter().map(step).collect()
}

fn outcome(id: crate::CryptoHash, input: Input<'_>) -> Result<Outcome, Refusal> {
    let log = |value: &Value| {
        let text = value.as_str().filter(|text| text.len() <= LOG_BYTES_MAX);
        text.map(str::to_owned).ok_or_else(|| Refusal("a log line is no text of 16 KiB".into()))
    };
    let receipts = list(input, "receipt_ids", RECEIPTS_MAX)?;
    Ok(Outcome {
        id,
        logs: list(input, "logs", LOGS_MAX)?.iter().map(log).collect::<Result<_, _>>()?,
        receipt_ids: receipts
            .iter()
            .map(|value| hash_of(value, "receipt_ids"))
            .collect::<Result<_, _>>()?,
        gas_burnt: input.u64("gas_burnt")?,
        tokens_burnt: u128(input, "tokens_burnt")?,
        executor_id: parsed(input, "executor_id", "account id")?,
        status: status(input.value("status")?)?,
    })
}

/// A word, or an object whose only field says what came out.
fn status(value: &Value) -> Result<Status, Refusal> {
    let bad = || Refusal("the status is of no kind that is known".to_owned());
    if value == "Unknown" {
        return Ok(Status::Unknown);
    }
    let fields = value.as_object().filter(|fields| fields.len() == 1).ok_or_else(bad)?;
    let (name, inside) = fields.iter().next().ok_or_else(bad)?;
    match name.as_str() {
        // Why it failed is not hashed.
        "Failure" => Ok(Status::Failure),
        "SuccessValue" => base64(inside, VALUE_BYTES_MAX).map(Status::Value),
        "SuccessReceiptId" => hash_of(inside, name).map(Status::Receipt),
        _ => Err(bad()),
    }
}

/// At most `max` bytes.
pub(super) fn base64(value: &Value, max: usize) -> Result<Vec<u8>, Refusal> {
    let bad = || Refusal(format!("not base64 of at most {max} bytes"));
    let text = value.as_str().filter(|text| text.len() / 4 <= max.div_ceil(3)).ok_or_else(bad)?;
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| bad())?;
    if bytes.len() <= max { Ok(bytes) } else { Err(bad()) }
}

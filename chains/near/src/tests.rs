//! Whatever a statement holds, it gets a verdict.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const KINDS: [&str; 12] = [
    "access-key",
    "account-id",
    "implicit-account",
    "lc-block",
    "lc-outcome-proof",
    "nep366-decode",
    "nep366-delegate",
    "nep413",
    "nep413-hash",
    "public-key",
    "state-proof",
    "trie-node",
];

/// Every field that some kind reads, at whatever depth.
const FIELDS: [&str; 58] = [
    "account_id",
    "accountId",
    "action_borsh",
    "approvals_after_next",
    "block",
    "block_hash",
    "block_header_lite",
    "block_height",
    "block_merkle_root",
    "block_producers",
    "block_proof",
    "callbackUrl",
    "cause",
    "direction",
    "epoch_id",
    "error",
    "executor_id",
    "expected",
    "finality_required",
    "gas_burnt",
    "hash",
    "head",
    "head_block_merkle_root",
    "height",
    "id",
    "inner_lite",
    "inner_rest_hash",
    "logs",
    "message",
    "name",
    "next_block_inner_hash",
    "next_bp_hash",
    "next_bps",
    "next_epoch_id",
    "node",
    "nonce",
    "outcome",
    "outcome_proof",
    "outcome_root",
    "outcome_root_proof",
    "payload",
    "permission",
    "preimage",
    "prev_block_hash",
    "prev_state_root",
    "proof",
    "public_key",
    "receipt_ids",
    "recipient",
    "result",
    "rpc_response",
    "signature",
    "stake",
    "start_hash",
    "start_nibble",
    "state_root",
    "status",
    "trie_key",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<u128>().prop_map(|number| json!(number.to_string())),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| json!(hex::encode(bytes))),
        any::<[u8; 32]>().prop_map(|bytes| json!(CryptoHash::from_bytes(bytes).to_string())),
        any::<[u8; 64]>()
            .prop_map(|bytes| json!(format!("ed25519:{}", crate::wire::to_base58(&bytes)))),
        Just(json!("Left")),
        Just(json!("FullAccess")),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 200, 40, |inner| {
        let field = prop::sample::select(&FIELDS[..]).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((field, inner), 0..40)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

#[test]
fn kinds_of_other_chains_are_not_known() {
    assert_eq!(verify("eip191", &json!({})), None);
    assert!(KINDS.iter().all(|kind| verify(kind, &Value::Null).is_some_and(|it| !it.valid)));
}

proptest! {
    #[test]
    fn any_json_is_judged(kind in prop::sample::select(&KINDS[..]), input in anything()) {
        let verdict = verify(kind, &input).expect("a known kind");
        prop_assert_eq!(verdict.valid, verdict.reason.is_none());
    }
}

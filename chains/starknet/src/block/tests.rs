//! Headers as endpoints of several versions tell them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A block as a JSON-RPC 0.10 endpoint gives it, with the hash that belongs to it.
fn told() -> Value {
    let price = json!({ "price_in_wei": "0x1", "price_in_fri": "0x2" });
    let mut value = json!({
        "status": "ACCEPTED_ON_L2",
        "block_hash": "0x0",
        "parent_hash": "0x7",
        "block_number": 5,
        "new_root": "0x8",
        "timestamp": 1_800_000_000,
        "sequencer_address": "0x9",
        "l1_gas_price": price,
        "l1_data_gas_price": price,
        "l2_gas_price": price,
        "l1_da_mode": "BLOB",
        "starknet_version": "0.14.1",
        "transaction_commitment": "0xa",
        "event_commitment": "0xb",
        "receipt_commitment": "0xc",
        "state_diff_commitment": "0xd",
        "state_diff_length": 1,
        "transaction_count": 2,
        "event_count": 3,
        "transactions": [],
    });
    let hash = header(&value).expect("whole").hash(HashRule::Since0_13_4).expect("whole");
    value["block_hash"] = json!(felt::to_hex(&hash));
    value
}

fn read(value: &Value) -> Result<Block, BadBlock> {
    Block::read(value, BlockHashes::Computed)
}

#[test]
fn a_whole_header_is_sealed_by_its_hash() {
    let block = read(&told()).expect("a block");
    let sealed = block.sealed.expect("its hash was computed");
    assert_eq!((sealed.state_root, sealed.events), (Felt::from(8_u8), 3));
    let reference = chain::Header::block(&block);
    assert_eq!((reference.height, reference.time_s), (5, 1_800_000_000));
    assert_eq!(chain::Header::parent(&block), to_hash(&Felt::from(7_u8)));
    assert!(!block.is_on_l1);
}

#[test]
fn any_other_field_is_another_block() {
    for (field, value) in [
        ("block_number", json!(6)),
        ("parent_hash", json!("0x1")),
        ("new_root", json!("0x1")),
        ("timestamp", json!(1)),
        ("sequencer_address", json!("0x1")),
        ("event_commitment", json!("0x1")),
        ("receipt_commitment", json!("0x1")),
        ("state_diff_commitment", json!("0x1")),
        ("transaction_commitment", json!("0x1")),
        ("state_diff_length", json!(0)),
        ("transaction_count", json!(0)),
        ("event_count", json!(0)),
        ("l1_da_mode", json!("CALLDATA")),
        ("starknet_version", json!("0.14.0")),
        ("block_hash", json!("0x1")),
        ("l2_gas_price", json!({ "price_in_wei": "0x0", "price_in_fri": "0x2" })),
    ] {
        let mut changed = told();
        changed[field] = value;
        assert!(matches!(read(&changed), Err(BadBlock::OtherHash { .. })), "{field}");
        // A development chain's own rule is not known.
        let block = Block::read(&changed, BlockHashes::Told).expect("told");
        assert_eq!(block.sealed, None, "{field}");
    }
}

#[test]
fn nothing_is_sealed_that_was_not_computed() {
    // JSON-RPC 0.8 and 0.9 leave the commitments out.
    let mut older = told();
    older.as_object_mut().expect("an object").remove("receipt_commitment");
    assert_eq!(read(&older).expect("told").sealed, None);
    let mut old_rule = told();
    old_rule["starknet_version"] = json!("0.13.1");
    assert_eq!(read(&old_rule).expect("told").sealed, None);
    let mut on_l1 = told();
    on_l1["status"] = json!("ACCEPTED_ON_L1");
    assert!(read(&on_l1).expect("a block").is_on_l1);
}

#[test]
fn what_is_no_block_yet_is_none() {
    for status in ["PRE_CONFIRMED", "PENDING", "REJECTED", ""] {
        let mut value = told();
        value["status"] = json!(status);
        assert_eq!(read(&value), Err(BadBlock::NotAccepted), "{status}");
    }
    for field in ["block_hash", "parent_hash", "block_number", "timestamp", "starknet_version"] {
        let mut value = told();
        value[field] = json!(null);
        assert!(matches!(read(&value), Err(BadBlock::Field(_))), "{field}");
    }
    let mut future = told();
    future["starknet_version"] = json!("soon");
    assert_eq!(read(&future), Err(BadBlock::Field("starknet_version")));
}

proptest! {
    #[test]
    fn any_value_is_a_block_or_none(
        field in prop::sample::select(vec!["block_hash", "timestamp", "l1_gas_price", "status"]),
        number: u64,
        text in ".{0,20}",
    ) {
        for value in [json!(number), json!(text), json!({ "price_in_wei": text }), json!([])] {
            let mut changed = told();
            changed[field] = value;
            let _read = read(&changed);
        }
    }
}

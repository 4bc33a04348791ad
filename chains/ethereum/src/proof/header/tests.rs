//! Headers of every fork, and what is none. alloy's own header is the other implementation.

use alloy::consensus::Header as Other;
use alloy::primitives::{Address, Bloom};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A header of `fork`, by alloy.
fn header(fork: Fork, seed: u8) -> Other {
    let word = B256::repeat_byte(seed);
    let since = |first: Fork| fork >= first;
    Other {
        parent_hash: word,
        ommers_hash: B256::repeat_byte(2),
        beneficiary: Address::repeat_byte(3),
        state_root: B256::repeat_byte(4),
        transactions_root: B256::repeat_byte(5),
        receipts_root: B256::repeat_byte(6),
        logs_bloom: Bloom::repeat_byte(7),
        difficulty: if since(Fork::Paris) { U256::ZERO } else { U256::from(0x1234_5678_u64) },
        number: u64::from(seed) << 20,
        gas_limit: 30_000_000,
        gas_used: 0,
        timestamp: 1_700_000_000 + u64::from(seed),
        extra_data: Bytes::from_static(b"extra"),
        mix_hash: B256::repeat_byte(8),
        nonce: [9; 8].into(),
        base_fee_per_gas: since(Fork::London).then_some(7),
        withdrawals_root: since(Fork::Shanghai).then_some(B256::repeat_byte(10)),
        blob_gas_used: since(Fork::Cancun).then_some(0),
        excess_blob_gas: since(Fork::Cancun).then_some(131_072),
        parent_beacon_block_root: since(Fork::Cancun).then_some(B256::repeat_byte(11)),
        requests_hash: since(Fork::Prague).then_some(B256::repeat_byte(12)),
        ..Other::default()
    }
}

const FORKS: [Fork; 6] =
    [Fork::PreLondon, Fork::London, Fork::Paris, Fork::Shanghai, Fork::Cancun, Fork::Prague];

#[test]
fn a_header_of_every_fork_has_its_hash() {
    for fork in FORKS {
        let other = header(fork, 1);
        let found = Header::decode(&alloy_rlp::encode(&other)).expect("a header");
        let expected = Header {
            hash: other.hash_slow(),
            number: other.number,
            time_s: other.timestamp,
            parent: other.parent_hash,
            state_root: other.state_root,
            receipts_root: other.receipts_root,
            base_fee: other.base_fee_per_gas.map(U256::from),
            fork,
        };
        assert_eq!(found, expected);
        let json = serde_json::to_value(&other).expect("JSON");
        assert_eq!(Header::from_json(&json), Ok(expected), "{fork:?}");
    }
}

fn items(header: &Other) -> Vec<Vec<u8>> {
    let bytes = alloy_rlp::encode(header);
    let mut rest = rlp::single(&bytes).expect("a list").payload;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (item, after) = rlp::split(rest).expect("an item");
        items.push(item.whole.to_vec());
        rest = after;
    }
    items
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut bytes = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    [bytes, payload].concat()
}

#[test]
fn fields_are_those_of_one_fork_each_in_its_one_form() {
    let check = |story: &str, change: &dyn Fn(&mut Vec<Vec<u8>>), is_header: bool| {
        let mut fields = items(&header(Fork::Prague, 1));
        change(&mut fields);
        assert_eq!(Header::decode(&list(&fields)).is_ok(), is_header, "{story}");
    };
    check("as it is", &|_| {}, true);
    for (count, is_header) in [
        (0, false),
        (1, false),
        (14, false),
        (15, true),
        (16, true),
        (17, true),
        (18, false),
        (19, false),
        (20, true),
        (21, true),
    ] {
        check(&format!("{count} fields"), &|fields| fields.truncate(count), is_header);
    }
    check("a field of the future", &|fields| fields.push(vec![0x80]), false);
    check("one left out", &|fields| drop(fields.remove(16)), false);
    check("an integer with a leading zero", &|fields| fields[9] = vec![0x82, 0, 1], false);
    check("an integer of zero, spelled", &|fields| fields[10] = vec![0], false);
    check("a byte with a header", &|fields| fields[10] = vec![0x81, 5], false);
    check("a byte alone", &|fields| fields[10] = vec![5], true);
    check("nine bytes of gas", &|fields| fields[9] = [&[0x89][..], &[1; 9]].concat(), false);
    check("a list for an integer", &|fields| fields[10] = vec![0xc0], false);
    check("a short hash", &|fields| fields[3] = [&[0x9f][..], &[1; 31]].concat(), false);
    check("a long hash", &|fields| fields[3] = [&[0xa1][..], &[1; 33]].concat(), false);
    check("a nonce of seven bytes", &|fields| fields[14] = [&[0x87][..], &[1; 7]].concat(), false);
    check("no extra data", &|fields| fields[12] = vec![0x80], true);
    check("long extra data", &|fields| fields[12] = alloy_rlp::encode(&[7_u8; 2048][..]), true);
    check("longer extra data", &|fields| fields[12] = alloy_rlp::encode(&[7_u8; 2049][..]), false);
}

#[test]
fn the_list_has_one_form_too() {
    let good = alloy_rlp::encode(header(Fork::Prague, 1));
    assert!(Header::decode(&good).is_ok());
    assert!(Header::decode(&[&good[..], &[0]].concat()).is_err(), "bytes after it");
    assert!(Header::decode(&good[..good.len() - 1]).is_err(), "bytes missing");
    let len = good.len() - 3;
    let [_, high, low] = [0xf9, (len >> 8) as u8, len as u8];
    let padded = [&[0xfa, 0, high, low][..], &good[3..]].concat();
    assert!(Header::decode(&padded).is_err(), "a length with a leading zero");
    let text = [&[0xb9, high, low][..], &good[3..]].concat();
    assert!(Header::decode(&text).is_err(), "a text of the same bytes");
    assert!(Header::decode(&[]).is_err());
    assert!(Header::decode(&vec![0xc0; BYTES_MAX + 1]).is_err());
}

#[test]
fn a_header_in_json_has_no_holes_and_no_strangers() {
    let check = |story: &str, change: &dyn Fn(&mut Value), said: &str| {
        let mut json = serde_json::to_value(header(Fork::Prague, 1)).expect("JSON");
        change(&mut json);
        let found = Header::from_json(&json).map_err(|error| error.to_string());
        match (said, found) {
            ("", found) => assert!(found.is_ok(), "{story}: {found:?}"),
            (said, found) => assert!(found.expect_err(story).contains(said), "{story}"),
        }
    };
    check("as it is", &|_| {}, "");
    check(
        "what endpoints add",
        &|json| {
            json["hash"] = json!("0x00");
            json["size"] = json!("0x2");
            json["transactions"] = json!([]);
            json["totalDifficulty"] = json!(null);
        },
        "",
    );
    check(
        "a middle field missing",
        &|json| json["withdrawalsRoot"] = Value::Null,
        "no `withdrawalsRoot`",
    );
    check("a first field missing", &|json| json["number"] = Value::Null, "no `number`");
    check(
        "nothing but the last",
        &|json| *json = json!({"requestsHash": "0x00"}),
        "no `parentHash`",
    );
    check(
        "half of a fork",
        &|json| {
            json["parentBeaconBlockRoot"] = Value::Null;
            json["requestsHash"] = Value::Null;
        },
        "fields are missing",
    );
    check("of the future", &|json| json["blockAccessListHash"] = json!("0x01"), "no known fork");
    check("of the future, but null", &|json| json["blockAccessListHash"] = Value::Null, "");
    check("a short root", &|json| json["stateRoot"] = json!("0x12"), "encoded");
    check("no hex", &|json| json["stateRoot"] = json!("12"), "0x");
    check("a decimal integer", &|json| json["gasUsed"] = json!("0"), "");
    check("a negative integer", &|json| json["gasUsed"] = json!(-1), "no number");
    check("a large integer", &|json| json["gasUsed"] = json!("0x10000000000000000"), "encoded");
    check("no object", &|json| *json = json!([]), "no object");
    check("an empty object", &|json| *json = json!({}), "missing");
}

proptest! {
    #[test]
    fn any_bytes_are_a_header_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        drop(Header::decode(&bytes));
        drop(Header::decode(&list(&[bytes])));
    }

    #[test]
    fn a_flipped_bit_is_another_block(
        fork in prop::sample::select(FORKS.to_vec()),
        seed: u8,
        byte: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let other = header(fork, seed);
        let mut bytes = alloy_rlp::encode(&other);
        let byte = byte.index(bytes.len());
        bytes[byte] ^= 1_u8 << bit;
        if let Ok(found) = Header::decode(&bytes) {
            prop_assert_ne!(found.hash, other.hash_slow());
            prop_assert_eq!(found.hash, keccak256(&bytes));
        }
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The example of EIP-712 itself.
fn mail() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
            "Mail": [
                {"name": "from", "type": "Person"},
                {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"},
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    })
}

/// A document whose message has one field `x`.
fn one_of(kind: &str, value: Value) -> Value {
    json!({
        "types": {"T": [{"name": "x", "type": kind}]},
        "primaryType": "T",
        "domain": {"name": "n"},
        "message": {"x": value},
    })
}

#[test]
fn the_example_of_the_standard_has_its_digest() {
    let found = digest(&mail()).expect("well-formed").to_string();
    assert_eq!(found, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

#[test]
fn the_domain_alone_can_be_signed() {
    let mut document = mail();
    document["primaryType"] = json!("EIP712Domain");
    let with_message = digest(&document).expect("well-formed");
    document.as_object_mut().expect("an object").remove("message");
    assert_eq!(digest(&document), Ok(with_message));
}

#[test]
fn integers_have_one_value_however_they_are_written() {
    let same = |kind: &str, values: [Value; 3]| {
        let digests = values.map(|value| digest(&one_of(kind, value)).expect("fits"));
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{kind}");
    };
    same("uint8", [json!(255), json!("255"), json!("0xff")]);
    same("int8", [json!(-128), json!("-128"), json!("-0x80")]);
    same("int256", [json!(0), json!("-0"), json!("0x0")]);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let bad = |kind: &str, value: Value, said: &str| {
        let Refusal(why) = digest(&one_of(kind, value)).expect_err(kind);
        assert!(why.contains(said), "{kind}: {why}");
    };
    bad("uint8", json!(256), "uint8");
    bad("uint8", json!(-1), "uint8");
    bad("int8", json!(128), "int8");
    bad("int8", json!(-129), "int8");
    bad("uint256", json!(9_007_199_254_740_993_u64), "too large for JSON");
    bad("uint256", json!(1.5), "whole number");
    bad("uint256", json!("--1"), "no number");
    bad("uint", json!(1), "unknown type");
    bad("uint7", json!(1), "unknown type");
    bad("bytes33", json!("0x"), "unknown type");
    bad("bytes4", json!("0x010203"), "4 bytes");
    bad("bool", json!("true"), "bool");
    bad("string", json!(1), "text");
    bad("address", json!("0xab"), "address");
    bad("address", json!("0xCCCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"), "checksum");
    bad("uint8[2]", json!([1]), "items");
    bad("uint8[]", json!(1), "list");
    bad("uint8[02]", json!([1, 1]), "is no object");
    bad("T", json!(null), "no object");
    bad("U", json!({}), "unknown type");
}

#[test]
fn nothing_is_left_unsigned_and_nothing_left_out() {
    let refused = |change: fn(&mut Value), said: &str| {
        let mut document = mail();
        change(&mut document);
        let Refusal(why) = digest(&document).expect_err(said);
        assert!(why.contains(said), "{why}");
    };
    refused(|d| d["message"]["extra"] = json!(1), "not signed");
    refused(|d| d["domain"]["salt"] = json!("0x00"), "not signed");
    refused(|d| drop(d["message"].as_object_mut().map(|m| m.remove("to"))), "`to` is missing");
    refused(
        |d| drop(d["domain"].as_object_mut().map(|m| m.remove("chainId"))),
        "`chainId` is missing",
    );
    refused(|d| d["primaryType"] = json!("Letter"), "no type Letter");
    refused(|d| d["types"]["Person"][0]["type"] = json!("Soul"), "unknown type");
    refused(|d| d["types"]["Person"][1]["name"] = json!("name"), "second field");
    refused(|d| d["types"]["uint8"] = json!([]), "cannot name a struct");
    refused(|d| d["types"]["EIP712Domain"][0]["type"] = json!("bytes32"), "no domain has");
}

#[test]
fn endless_nesting_ends() {
    let mut value = json!({});
    for _ in 0..100 {
        value = json!({ "x": [value] });
    }
    let document = json!({
        "types": {"T": [{"name": "x", "type": "T[]"}]},
        "primaryType": "T",
        "domain": {},
        "message": value,
    });
    assert_eq!(digest(&document), Err("the values are nested too deeply".into()));
}

#[test]
fn numbers_at_their_bounds_fit_and_one_beyond_does_not() {
    for bits in (8_usize..=256).step_by(8) {
        let (one, half) = (U256::ONE, U256::ONE << (bits - 1));
        let top = half - one + half;
        let reads = |kind: &str, value: String| digest(&one_of(kind, json!(value))).is_ok();
        assert!(reads(&format!("uint{bits}"), top.to_string()));
        assert!(reads(&format!("uint{bits}"), format!("{top:#x}")));
        assert!(reads(&format!("int{bits}"), (half - one).to_string()));
        assert!(reads(&format!("int{bits}"), format!("-{half}")));
        assert!(!reads(&format!("int{bits}"), half.to_string()));
        assert!(!reads(&format!("int{bits}"), format!("-{}", half + one)));
        assert!(!reads(&format!("uint{bits}"), "-1".to_owned()));
        if bits < 256 {
            assert!(!reads(&format!("uint{bits}"), (top + one).to_string()));
        }
    }
    let beyond = format!("{}0", U256::MAX);
    assert!(digest(&one_of("uint256", json!(beyond))).is_err());
    // Every JSON reader keeps integers up to 2^53, and no larger ones.
    let whole = 1_u64 << 53;
    assert!(digest(&one_of("uint256", json!(whole))).is_ok());
    assert!(digest(&one_of("uint256", json!(whole + 1))).is_err());
    assert!(digest(&one_of("int256", json!(-9_007_199_254_740_992_i64))).is_ok());
    assert!(digest(&one_of("int256", json!(-9_007_199_254_740_993_i64))).is_err());
}

#[test]
fn bytes_have_their_number() {
    for len in 1..=32 {
        let kind = format!("bytes{len}");
        let reads =
            |len: usize| digest(&one_of(&kind, json!(format!("0x{}", "ab".repeat(len))))).is_ok();
        assert!(reads(len) && !reads(len - 1) && !reads(len + 1), "{kind}");
    }
}

#[test]
fn arrays_nest_and_fixed_ones_have_their_length() {
    let reads = |kind: &str, value: Value| digest(&one_of(kind, value)).is_ok();
    assert!(reads("uint8[]", json!([])));
    assert!(reads("uint8[0]", json!([])));
    assert!(reads("uint8[2][]", json!([[1, 2], [3, 4], [5, 6]])));
    assert!(reads("uint8[][2]", json!([[1], []])));
    assert!(reads("bytes[1][2][]", json!([[["0x"], ["0x01"]]])));
    assert!(!reads("uint8[2][]", json!([[1, 2], [3]])));
    assert!(!reads("uint8[][2]", json!([[1]])));
    assert!(!reads("uint8[]", json!([[1]])));
    assert!(!reads("uint8[]", json!({"0": 1})));
    assert!(!reads("uint8[]", json!(null)));
    assert!(!reads("uint8[", json!([1])));
    assert!(!reads("uint8]", json!([1])));
    assert!(!reads("uint8[-1]", json!([])));
    assert!(!reads("uint8[+1]", json!([1])));
    assert!(!reads("uint8[ 1]", json!([1])));
    assert!(!reads("[]", json!([])));
    assert!(!reads("uint8[99999999999999999999]", json!([])));
}

#[test]
fn a_type_may_hold_itself_in_a_list() {
    let tree = json!({
        "types": {
            "Node": [{"name": "label", "type": "string"}, {"name": "below", "type": "Node[]"}],
            "Unused": [{"name": "x", "type": "Unused[3]"}],
        },
        "primaryType": "Node",
        "domain": {},
        "message": {"label": "a", "below": [{"label": "b", "below": []}]},
    });
    assert!(digest(&tree).is_ok());
    // One that must hold itself has no end; nothing stands for it.
    let mut endless = tree;
    endless["types"]["Node"][1]["type"] = json!("Node");
    endless["message"]["below"] = json!(null);
    assert!(digest(&endless).is_err());
}

#[test]
fn the_domain_is_what_its_type_says() {
    let whole = digest(&mail()).expect("well-formed");
    let with = |change: fn(&mut Value)| {
        let mut document = mail();
        change(&mut document);
        digest(&document)
    };
    let fields = |d: &mut Value| d["types"]["EIP712Domain"].as_array_mut().expect("a list").clone();
    // Left out, the type follows from the values, in the order of the standard.
    let left_out = with(|d| drop(d["types"].as_object_mut().map(|types| types.remove(DOMAIN))));
    assert_eq!(left_out, Ok(whole));
    let fewer = with(|d| {
        d["types"]["EIP712Domain"].as_array_mut().expect("a list").truncate(3);
        drop(d["domain"].as_object_mut().map(|domain| domain.remove("verifyingContract")));
    });
    assert!(fewer.is_ok_and(|digest| digest != whole), "another domain");
    let order = with(|d| d["types"]["EIP712Domain"].as_array_mut().expect("a list").reverse());
    assert!(order.is_ok_and(|digest| digest != whole), "another type");
    let empty = with(|d| {
        d["types"]["EIP712Domain"] = json!([]);
        d["domain"] = json!({});
    });
    assert!(empty.is_ok_and(|digest| digest != whole), "no domain at all");
    let mut twice = mail();
    let mut declared = fields(&mut twice);
    declared.push(declared[0].clone());
    twice["types"]["EIP712Domain"] = json!(declared);
    assert!(digest(&twice).is_err(), "a field twice");
    for (story, domain) in [
        ("null", json!(null)),
        ("a list", json!([])),
        ("an unknown field", json!({"chain": 1})),
        ("a large chain id", json!({"chainId": 9_007_199_254_740_993_u64})),
        ("a contract that is none", json!({"verifyingContract": "0x00"})),
    ] {
        let mut document = one_of("bool", json!(true));
        document["domain"] = domain;
        assert!(digest(&document).is_err(), "{story}");
    }
}

#[test]
fn documents_are_bounded() {
    let said = |document: &Value| digest(document).expect_err("too much").0;
    let mut document = one_of("T", json!({}));
    for name in 0..TYPES_MAX {
        document["types"][format!("T{name}")] = json!([]);
    }
    assert!(said(&document).contains("more than 64 types"));
    let mut document = one_of("bool", json!(true));
    let fields = (0..=FIELDS_MAX).map(|at| json!({"name": format!("f{at}"), "type": "bool"}));
    document["types"]["T"] = fields.collect();
    assert!(said(&document).contains("at most 64 fields"));
    let many = vec![true; VALUES_MAX];
    assert!(said(&one_of("bool[]", json!(many))).contains("too many values"));
    let deep = format!("bool{}", "[]".repeat(DEPTH_MAX + 2));
    let value = (0..DEPTH_MAX + 2).fold(json!(true), |value, _| json!([value]));
    assert!(said(&one_of(&deep, value)).contains("nested too deeply"));
}

/// As many values of a type that is long to write as there may be.
#[test]
fn a_type_is_written_once() {
    let names: Vec<String> = (0..60).map(|name| format!("T{name}")).collect();
    let mut document = json!({
        "types": {"A": [{"name": "all", "type": "T0[]"}]},
        "primaryType": "A",
        "domain": {},
        "message": {"all": vec![json!({"last": []}); 30_000]},
    });
    for (at, name) in names.iter().enumerate() {
        let next = names.get(at + 1).map_or("T0", String::as_str);
        let fields = if at == 0 {
            json!([{"name": "last", "type": format!("{next}[]")}])
        } else {
            (0..FIELDS_MAX).map(|at| json!({"name": format!("field_{at}"), "type": next})).collect()
        };
        document["types"][name] = fields;
    }
    assert!(digest(&document).is_ok());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("T"),
            Just("T[]"),
            Just("uint8"),
            Just("bytes[1][]"),
            Just("EIP712Domain")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![
            Just("types"),
            Just("T"),
            Just("name"),
            Just("type"),
            Just("domain"),
            Just("message"),
            Just("primaryType"),
            Just("x"),
        ];
        let key = key.prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_a_digest_or_an_error(
        types in any_json(), domain in any_json(), message in any_json(), whole in any_json(),
    ) {
        drop(digest(&whole));
        drop(digest(&json!({
            "types": {"T": types, "U": [{"name": "x", "type": "T[2][]"}]},
            "primaryType": "T", "domain": domain, "message": message,
        })));
        drop(digest(&json!({
            "types": types, "primaryType": "T", "domain": domain, "message": message,
        })));
    }

    #[test]
    fn any_type_name_is_a_type_or_an_error(kind in "[a-zT0-9\\[\\]]{0,12}", value in any_json()) {
        drop(digest(&one_of(&kind, value)));
    }
}

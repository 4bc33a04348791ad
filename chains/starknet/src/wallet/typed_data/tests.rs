use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::felt::parse_hex;

fn account() -> Felt {
    parse_hex("0xabc").expect("a felt")
}

fn hash(document: &Value) -> Result<Felt, Refusal> {
    message(document, &account()).map(|message| message.hash)
}

fn fields(fields: &[(&str, &str)]) -> Value {
    fields.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect()
}

fn domain_0() -> Value {
    fields(&[("name", "felt"), ("version", "felt"), ("chainId", "felt")])
}

fn domain_1() -> Value {
    fields(&[
        ("name", "shortstring"),
        ("version", "shortstring"),
        ("chainId", "shortstring"),
        ("revision", "shortstring"),
    ])
}

/// A document of revision 1 with every type there is.
fn order() -> Value {
    json!({
        "types": {
            "StarknetDomain": domain_1(),
            "Order": [
                {"name": "id", "type": "felt"},
                {"name": "open", "type": "bool"},
                {"name": "note", "type": "string"},
                {"name": "call", "type": "selector"},
                {"name": "amount", "type": "u128"},
                {"name": "delta", "type": "i128"},
                {"name": "to", "type": "ContractAddress"},
                {"name": "class", "type": "ClassHash"},
                {"name": "until", "type": "timestamp"},
                {"name": "tag", "type": "shortstring"},
                {"name": "total", "type": "u256"},
                {"name": "pay", "type": "TokenAmount"},
                {"name": "art", "type": "NftId"},
                {"name": "legs", "type": "Leg*"},
                {"name": "grid", "type": "felt**"},
                {"name": "way", "type": "enum", "contains": "Way"},
                {"name": "other way", "type": "enum", "contains": "Way"},
                {"name": "leaves", "type": "merkletree", "contains": "Leg"},
            ],
            "Leg": fields(&[("from", "shortstring"), ("size", "u128")]),
            "Way": fields(&[("None", "()"), ("Some", "(u128,Leg*,string)")]),
        },
        "primaryType": "Order",
        "domain": {
            "name": "Anchorhold tests", "version": "1", "chainId": "SN_SEPOLIA", "revision": "1",
        },
        "message": {
            "id": "0x12",
            "open": true,
            "note": "A note that is longer than thirty-one bytes.",
            "call": "transfer",
            "amount": "0x10",
            "delta": "-5",
            "to": "0x1234",
            "class": "77",
            "until": 1_700_000_000,
            "tag": "tag",
            "total": {"low": "1", "high": 2},
            "pay": {"token_address": "0x5", "amount": {"low": 3, "high": "0x0"}},
            "art": {"collection_address": "0x6", "token_id": {"low": "0xff", "high": 0}},
            "legs": [{"from": "a", "size": 1}, {"from": "b", "size": 2}],
            "grid": [[1, 2], [], [3]],
            "way": {"Some": [7, [{"from": "c", "size": 3}], "why"]},
            "other way": {"None": []},
            "leaves": [
                {"from": "x", "size": 1}, {"from": "y", "size": 2}, {"from": "z", "size": 3},
            ],
        },
    })
}

/// A document of revision 0, with a type that nothing defines.
fn mail() -> Value {
    json!({
        "types": {
            "StarkNetDomain": domain_0(),
            "Mail": [
                {"name": "to", "type": "Person"},
                {"name": "copies_len", "type": "felt"},
                {"name": "copies", "type": "Person*"},
                {"name": "text", "type": "string"},
                {"name": "roots", "type": "merkletree", "contains": "felt"},
            ],
            "Person": fields(&[("name", "felt"), ("id", "number")]),
        },
        "primaryType": "Mail",
        "domain": {"name": "Anchorhold tests", "version": "1", "chainId": "SN_MAIN"},
        "message": {
            "to": {"name": "Ann", "id": 7},
            "copies_len": 2,
            "copies": [{"name": "Bo", "id": "0x8"}, {"name": "Cy", "id": "9"}],
            "text": "hello",
            "roots": ["0x3", "2", "one"],
        },
    })
}

/// A document whose message has one field `x`.
fn one(revision: Revision, kind: &str, value: Value) -> Value {
    let (name, domain) = match revision {
        Revision::V0 => ("StarkNetDomain", domain_0()),
        Revision::V1 => ("StarknetDomain", domain_1()),
    };
    json!({
        "types": {name: domain, "T": [{"name": "x", "type": kind}]},
        "primaryType": "T",
        "domain": {"name": "n", "version": 1, "chainId": 1, "revision": revision.name()},
        "message": {"x": value},
    })
}

/// Hashes that starknet.js 10.8 gives.
#[test]
fn wallets_sign_the_same() {
    let check = |document: &Value, revision, expected: &str| {
        let message = message(document, &account()).expect("well-formed");
        assert_eq!(format!("{:#x}", message.hash), expected);
        assert_eq!(message.revision, revision);
    };
    let all = "0x188ccdab6798014b554418b7f03a68f4102531579bd3d88a97952ade76b4b0d";
    check(&order(), Revision::V1, all);
    let old = "0x5c4f24c7f6dfe6ed6864f9723c6d465865fc8c9d698cd4a1b453b3d019bd46b";
    check(&mail(), Revision::V0, old);
}

#[test]
fn the_account_and_all_of_the_document_are_signed() {
    let good = hash(&order()).expect("well-formed");
    let other = message(&order(), &Felt::ONE).expect("well-formed").hash;
    assert_ne!(good, other);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = order();
        change(&mut document);
        assert_ne!(hash(&document), Ok(good));
    };
    changed(&|d| d["domain"]["name"] = json!("Other"));
    changed(&|d| d["domain"]["version"] = json!("2"));
    changed(&|d| d["domain"]["chainId"] = json!("SN_MAIN"));
    changed(&|d| d["message"]["note"] = json!("Another"));
    changed(&|d| d["message"]["way"] = json!({"None": []}));
    changed(&|d| d["message"]["leaves"][0]["size"] = json!(9));
    changed(&|d| d["types"]["Leg"][0]["type"] = json!("felt"));
}

#[test]
fn numbers_have_one_value_however_they_are_written() {
    let same = |revision, kind: &str, values: &[Value]| {
        let hashes: Vec<_> =
            values.iter().map(|value| hash(&one(revision, kind, value.clone()))).collect();
        assert!(hashes[0].is_ok(), "{kind}: {hashes:?}");
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{kind}: {hashes:?}");
    };
    for revision in [Revision::V0, Revision::V1] {
        same(revision, "felt", &[json!(255), json!("255"), json!("0xff"), json!("0x00FF")]);
        same(revision, "felt", &[json!("a"), json!("0x61"), json!(97)]);
        same(revision, "felt", &[json!(""), json!(0), json!(false)]);
    }
    same(Revision::V1, "i128", &[json!(-1), json!("-1")]);
    same(
        Revision::V1,
        "selector",
        &[
            json!("transfer"),
            json!("0x83afd3f4caedc6eebf44246fe54e38c95e3179a5ec9ea81740eca5b482d12e"),
        ],
    );
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let bad = |revision, kind: &str, value: Value, said: &str| {
        let Refusal(why) = hash(&one(revision, kind, value)).expect_err(kind);
        assert!(why.contains(said), "{kind}: {why}");
    };
    let new = |kind: &str, value: Value, said: &str| bad(Revision::V1, kind, value, said);
    let two_to_128 = "340282366920938463463374607431768211456";
    new("felt", json!(-1), "negative");
    new("felt", json!(1.5), "whole number");
    new("felt", json!(9_007_199_254_740_993_u64), "too large for JSON");
    new("felt", json!(format!("0x{}", "f".repeat(64))), "no felt");
    new("felt", json!("z".repeat(32)), "31 printable");
    new("felt", json!("a\nb"), "31 printable");
    new("felt", json!("é"), "31 printable");
    for text in [" 1", "1 ", " ", "0X1", "0b1", "0o7", "+1", "-1"] {
        new("felt", json!(text), "two ways");
    }
    new("u128", json!(two_to_128), "128 bits");
    new("timestamp", json!(two_to_128), "128 bits");
    new("u128", json!("one"), "no number");
    new("u128", json!(true), "no number");
    new("i128", json!("170141183460469231731687303715884105728"), "i128");
    new("i128", json!("-170141183460469231731687303715884105729"), "i128");
    new("i128", json!("--1"), "no number");
    new("ContractAddress", json!("me"), "no number");
    new("bool", json!(1), "true nor false");
    new("string", json!(1), "no text");
    new("selector", json!(1), "no text");
    new("selector", json!("0xtransfer"), "no selector");
    new("u256", json!(1), "no object");
    new("u256", json!({"low": 1}), "`high` is missing");
    new("felt*", json!(1), "no list");
    new("T", json!({"x": null}), "missing");
    new("U", json!({}), "unknown type U");
    new("enum", json!({}), "contains");
    new("merkletree", json!([]), "contains");
    new("merkletree*", json!([[1]]), "inside a list");
    bad(Revision::V0, "felt", json!(-1), "negative");
    bad(Revision::V0, "whatever", json!({}), "no number");
    bad(Revision::V0, "merkletree*", json!([[1]]), "inside a list");
}

#[test]
fn nothing_is_left_unsigned_and_nothing_left_out() {
    let refused = |change: &dyn Fn(&mut Value), said: &str| {
        let mut document = order();
        change(&mut document);
        let Refusal(why) = hash(&document).expect_err(said);
        assert!(why.contains(said), "{said}: {why}");
    };
    let remove = |d: &mut Value, name: &str| drop(d.as_object_mut().map(|o| o.remove(name)));
    refused(&|d| d["message"]["extra"] = json!(1), "not signed");
    refused(&|d| d["domain"]["salt"] = json!(1), "not signed");
    refused(&|d| d["message"]["legs"][0]["extra"] = json!(1), "not signed");
    refused(&|d| d["message"]["way"] = json!({"None": [], "Some": []}), "not one variant");
    refused(&|d| d["message"]["way"] = json!({"None": [1]}), "1 values, not 0");
    refused(&|d| d["message"]["way"] = json!({"Some": [7]}), "1 values, not 3");
    refused(&|d| d["message"]["way"] = json!({"More": []}), "no variant `More`");
    refused(&|d| d["message"]["leaves"] = json!([]), "no leaf");
    refused(&|d| remove(&mut d["message"], "tag"), "`tag` is missing");
    refused(&|d| remove(&mut d["domain"], "chainId"), "`chainId` is missing");
    for part in ["types", "domain", "message", "primaryType"] {
        refused(&|d| remove(d, part), "there is no");
    }
    refused(&|d| d["primaryType"] = json!("Letter"), "no type Letter");
    refused(&|d| d["types"]["Order"][15]["contains"] = json!("Leg"), "no variant");
    refused(&|d| d["types"]["Order"][0]["name"] = json!("open"), "second field");
    refused(&|d| d["types"]["Way"][1]["type"] = json!("(u128,,string)"), "no name");
    refused(&|d| d["domain"]["revision"] = json!("2"), "neither 0 nor 1");
}

#[test]
fn the_domain_is_the_revisions_own() {
    let mut document = one(Revision::V1, "felt", json!(1));
    document["domain"]["revision"] = json!("0");
    assert_eq!(hash(&document), Err("there is no type StarkNetDomain".into()));
    let mut document = mail();
    document["domain"]["revision"] = json!(1);
    assert_eq!(hash(&document), Err("there is no type StarknetDomain".into()));
    document["domain"]["revision"] = json!(0);
    assert_eq!(hash(&document), hash(&mail()));
}

#[test]
fn names_cannot_say_two_things() {
    let check = |revision, name: &str, legal: bool| {
        let mut document = one(revision, "felt", json!(1));
        document["types"][name] = json!([]);
        assert_eq!(hash(&document).is_ok(), legal, "{revision:?} {name:?}");
    };
    check(Revision::V1, "Some Type", true);
    check(Revision::V1, "Type (old): a", true);
    for name in ["", "A*", "(A)", "A,B", "A\"B", "A\\B", "A\nB", "u128", "felt", "enum", "u256"] {
        check(Revision::V1, name, false);
    }
    check(Revision::V0, "u256", true);
    check(Revision::V0, "Some \"Type\"", true);
    for name in ["", "A*", "A(b:felt)", "A:B", "felt", "merkletree"] {
        check(Revision::V0, name, false);
    }
    let mut document = one(Revision::V1, "felt", json!(1));
    document["types"]["T"][0]["name"] = json!("x\":\"felt\",\"y");
    assert_eq!(hash(&document), Err("a field of T has a bad name".into()));
}

#[test]
fn endless_documents_end() {
    let mut value = json!({"x": []});
    for _ in 0..60 {
        value = json!({ "x": [value] });
    }
    let mut document = one(Revision::V1, "T*", json!([value]));
    assert_eq!(hash(&document), Err("the values are nested too deeply".into()));
    document["message"] = json!({"x": vec![json!({"x": []}); 20_000]});
    assert_eq!(hash(&document), Err("there are too many values".into()));
    for index in 0..100 {
        document["types"][format!("A{index}")] = json!([]);
    }
    assert_eq!(hash(&document), Err("there are more than 64 types".into()));
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("T"),
        Just("T*"),
        Just("felt"),
        Just("enum"),
        Just("merkletree"),
        Just("u256"),
        Just("(T,felt*)"),
        Just("()"),
        Just("StarknetDomain"),
        Just("0x1"),
        Just("string"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![
            Just("types"),
            Just("T"),
            Just("name"),
            Just("type"),
            Just("contains"),
            Just("x"),
            Just("domain"),
            Just("message"),
            Just("primaryType"),
            Just("revision"),
            Just("StarknetDomain"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_a_hash_or_an_error(
        types in any_json(), domain in any_json(), message in any_json(), whole in any_json(),
    ) {
        drop(hash(&whole));
        let mut document = order();
        document["types"]["Order"] = types.clone();
        document["message"] = message.clone();
        drop(hash(&document));
        document["domain"] = domain.clone();
        drop(hash(&document));
        drop(hash(&json!({
            "types": types, "primaryType": "T", "domain": domain, "message": message,
        })));
    }

    #[test]
    fn any_value_of_any_type_is_judged(kind in "[a-zT0-9*(),]{0,12}", value in any_json()) {
        drop(hash(&one(Revision::V0, &kind, value.clone())));
        drop(hash(&one(Revision::V1, &kind, value)));
    }
}

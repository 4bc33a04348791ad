//! Claims by hand: what no library's verdict is needed for.

use alloy::primitives::U256;
use k256::ecdsa::SigningKey;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).expect("a key")
}

fn owner() -> Address {
    eoa::address_of(key().verifying_key())
}

fn sign(digest: &Hash) -> Vec<u8> {
    let (rs, id) = key().sign_prehash_recoverable(digest.as_bytes()).expect("signs");
    [&rs.to_bytes()[..], &[27 + id.to_byte()]].concat()
}

fn text(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(alloy::primitives::hex::encode_prefixed(bytes))
}

/// `input` with one field changed.
fn with(input: &Value, name: &str, value: Value) -> Value {
    let mut input = input.clone();
    input[name] = value;
    input
}

#[track_caller]
fn check(kind: &str, story: &str, input: &Value, said: &str) -> Verdict {
    let verdict = verify(kind, Input(input)).expect("a known kind");
    match verdict.reason.as_deref() {
        None => assert!(said.is_empty(), "{kind}: {story} is valid"),
        Some(reason) => assert!(!said.is_empty() && reason.contains(said), "{story}: {reason}"),
    }
    verdict
}

#[test]
fn a_personal_signature_is_its_accounts() {
    let digest = eoa::personal_digest(b"hello");
    let signature = sign(&digest);
    let good = json!({
        "message": text(b"hello"), "signature": text(&signature), "address": owner().to_string(),
    });
    let check = |story: &str, name: &str, value: Value, said: &str| {
        let verdict = check("eip191", story, &with(&good, name, value), said);
        assert!(verdict.derived.contains_key("digest") || name == "message", "{story}");
    };
    check("as signed", "message", text(b"hello"), "");
    check("another message", "message", text(b"hello "), "signed by");
    check("no bytes", "message", json!("hello"), "`message`");
    check("lower case", "address", json!(owner().to_string().to_lowercase()), "");
    check("upper case", "address", upper_case(owner()), "");
    let swapped: String = owner().to_string().chars().skip(2).map(swap_case).collect();
    check("a wrong checksum", "address", json!(format!("0x{swapped}")), "checksum");
    check("the zero address", "address", json!(Address::ZERO.to_string()), "nobody");
    check("21 bytes", "address", json!(format!("{}00", owner())), "no address");
    check("no address", "address", Value::Null, "`address`");
    for v in 0..=255 {
        let mut other = signature.clone();
        other[64] = v;
        let said = if [0, 1, 27, 28].contains(&v) {
            if v % 27 == signature[64] % 27 { "" } else { "signed by" }
        } else {
            "signature"
        };
        check(&format!("v {v}"), "signature", text(&other), said);
    }
}

fn upper_case(address: Address) -> Value {
    json!(format!("0x{}", alloy::primitives::hex::encode_upper(address)))
}

fn swap_case(digit: char) -> char {
    if digit.is_ascii_uppercase() { digit.to_ascii_lowercase() } else { digit.to_ascii_uppercase() }
}

#[test]
fn a_message_to_sign_in_says_what_is_expected() {
    let message = format!(
        "https://service.org wants you to sign in with your Ethereum account:\n{}\n\nI accept.\n\n\
         URI: https://service.org/login\nVersion: 1\nChain ID: 10\nNonce: abcdefgh\n\
         Issued At: 2026-01-01T00:00:00Z\nExpiration Time: 2026-01-01T01:00:00Z\n\
         Not Before: 2026-01-01T00:30:00+00:00\nRequest ID: 7\nResources:\n- a:b",
        owner()
    );
    let good = json!({
        "message": message,
        "signature": text(sign(&eoa::personal_digest(message.as_bytes()))),
        "now": "2026-01-01T00:45:00Z",
    });
    let check = |name: &str, value: Value, said: &str| {
        let verdict = check("siwe-verify", name, &with(&good, name, value), said);
        assert_eq!(verdict.derived["signature_recovers_address"], true);
    };
    check("now", json!("2026-01-01T00:30:00Z"), "");
    check("now", json!("2026-01-01T00:29:59.999999999Z"), "not valid yet");
    check("now", json!("2026-01-01T00:59:59.999Z"), "");
    check("now", json!("2026-01-01T03:00:00+02:00"), "expired");
    check("now", json!("today"), "`now`");
    check("now", json!(1_767_228_300), "`now`");
    check("now", Value::Null, "`now`");
    for (name, right, wrong) in [
        ("scheme", json!("https"), json!("http")),
        ("domain", json!("service.org"), json!("service.org.evil.org")),
        ("address", json!(owner().to_string().to_lowercase()), json!(Address::ZERO.to_string())),
        ("statement", json!("I accept."), json!("I accept")),
        ("uri", json!("https://service.org/login"), json!("https://service.org/")),
        ("version", json!("1"), json!(1)),
        ("chain_id", json!(10), json!(1)),
        ("chain_id", json!("10"), json!("1")),
        ("chain_id", json!([1, 10]), json!([1, 137])),
        ("nonce", json!("abcdefgh"), json!("ABCDEFGH")),
        ("issued_at", json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00.0Z")),
        ("request_id", json!("7"), json!("8")),
        ("resources", json!(["a:b"]), json!([])),
    ] {
        check(&format!("expected_{name}"), right, "");
        check(&format!("expected_{name}"), wrong, "another");
        check(&format!("expected_{name}"), Value::Null, "");
    }
    check("expected_mood", json!("good"), "another mood");
}

#[test]
fn an_authorization_is_for_a_chain_or_for_all() {
    let delegate = Address::repeat_byte(0x22);
    let with_chain = |chain: U256, nonce: &str| {
        let nonce_number = nonce.parse().expect("a number");
        let signed = Authorization { chain_number: chain, address: delegate, nonce: nonce_number };
        let signature = sign(&signed.digest());
        json!({
            "chain_id": chain.to_string(), "address": delegate.to_string(), "nonce": nonce,
            "y_parity": signature[64] - 27, "r": text(&signature[..32]),
            "s": text(&signature[32..64]),
        })
    };
    let chain_5 = with_chain(U256::from(5), "0");
    let verdict = check("eip7702-auth", "as signed", &chain_5, "");
    assert_eq!(verdict.derived["authority"], owner().to_string());
    let expects = |input: &Value, chain: Value, said: &str| {
        check("eip7702-auth", "its chain", &with(input, "expected_chain_id", chain), said);
    };
    expects(&chain_5, json!(5), "");
    expects(&chain_5, json!("0x5"), "");
    expects(&chain_5, json!(1), "for chain 5");
    expects(&with_chain(U256::ZERO, "0"), json!(1), "");
    expects(&with_chain(U256::MAX, "0"), json!(U256::MAX.to_string()), "");
    expects(&with_chain(U256::MAX, "18446744073709551614"), json!(1), "for chain");
    expects(&with_chain(U256::ONE, "18446744073709551615"), json!(1), "largest");
    for parity in [json!(2), json!(27), json!(28), json!(256), json!(-1), Value::Null] {
        let input = with(&chain_5, "y_parity", parity);
        assert!(!verify("eip7702-auth", Input(&input)).expect("known").valid);
    }
    check("eip7702-auth", "no r", &with(&chain_5, "r", json!("0x0")), "nobody");
    let other = with(&chain_5, "expected_authority", json!(delegate.to_string()));
    check("eip7702-auth", "another authority", &other, "signed by");
}

#[test]
fn the_precompile_minds_v_and_ranges_alone() {
    let digest = Hash::from_bytes([3; 32]);
    let signature = sign(&digest);
    let good = json!({
        "hash": text(digest.as_bytes()), "v": signature[64],
        "r": text(&signature[..32]), "s": text(&signature[32..64]),
    });
    let verdict = check("ecrecover", "as signed", &good, "");
    assert_eq!(verdict.derived["address"], owner().to_string().to_lowercase());
    let order = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for (name, value) in [
        ("v", json!(0)),
        ("v", json!(29)),
        ("v", json!("0x100000000000000000000000000000000000000000000000000000000000001b")),
        ("r", text([0; 32])),
        ("s", text([0; 32])),
        ("r", json!(order)),
        ("s", json!(order)),
        ("r", text([0xff; 32])),
        ("s", text([1; 31])),
        ("hash", text([1; 33])),
    ] {
        let verdict = verify("ecrecover", Input(&with(&good, name, value))).expect("known");
        assert_eq!((verdict.valid, &verdict.derived["address"]), (false, &Value::Null), "{name}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(0x)?[0-9a-fA-F]{0,140}".prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        prop::collection::vec("0x[0-9a-f]{0,8}", 0..4).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn any_fields_are_judged(
        kind in prop::sample::select(vec![
            "ecrecover", "eip191", "eip712", "siwe-parse", "siwe-verify", "erc1271-call",
            "erc1271-return", "erc6492", "eip7702-code", "eip7702-auth",
        ]),
        values in prop::collection::vec(any_value(), 18),
    ) {
        let names = [
            "hash", "v", "r", "s", "message", "signature", "address", "typed_data", "now",
            "expected_domain", "expected_chain_id", "call_success", "returndata", "code",
            "chain_id", "nonce", "y_parity", "expected_authority",
        ];
        let input: serde_json::Map<String, Value> =
            names.iter().map(|name| (*name).to_owned()).zip(values).collect();
        let verdict = verify(kind, Input(&Value::Object(input))).expect("a known kind");
        prop_assert_eq!(verdict.valid, verdict.reason.is_none());
    }
}

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn answer() -> Value {
    json!({
        "publicKey": "0aff",
        "delegations": [{
            "delegation": { "pubkey": "01", "expiration": "18d77a2fc1c10a00", "targets": ["04"] },
            "signature": "02",
        }],
        "signature": "03",
    })
}

#[track_caller]
fn refuses(story: &str, change: impl FnOnce(&mut Value)) {
    let mut answer = answer();
    change(&mut answer);
    let found = read(&answer.to_string());
    assert!(matches!(found, Err(WalletError::Malformed { .. })), "{story}: {found:?}");
}

#[test]
fn an_answer_is_an_envelope() {
    let envelope = read(&answer().to_string()).expect("well-formed");
    let delegation = Delegation {
        key: vec![1],
        expiration: UnixNanos(0x18d7_7a2f_c1c1_0a00),
        targets: Some(vec![Principal::ANONYMOUS]),
    };
    let hops = vec![SignedDelegation { delegation, signature: vec![2] }];
    let chain = DelegationChain { key: vec![0x0a, 0xff], hops };
    assert_eq!(envelope, Envelope { chain, signature: vec![3] });
    assert_eq!(Envelope::parse(&envelope.encode()), Ok(envelope));
    let alone = json!({ "publicKey": "0x0aFF", "signature": "03" }).to_string();
    let envelope = read(&alone).expect("a key alone");
    assert_eq!(Envelope::parse(&envelope.encode()), Ok(envelope));
}

#[test]
fn other_answers_are_refused() {
    refuses("no key", |answer| drop(answer.as_object_mut().expect("one").remove("publicKey")));
    refuses("no signature", |answer| answer["signature"] = Value::Null);
    refuses("odd digits", |answer| answer["signature"] = json!("123"));
    refuses("base64", |answer| answer["publicKey"] = json!("MCow"));
    refuses("a name too many", |answer| answer["secretKey"] = json!("00"));
    let hop = |answer: &mut Value, name: &str, value: Value| {
        answer["delegations"][0]["delegation"][name] = value;
    };
    refuses("permissions", |answer| hop(answer, "permissions", json!("queries")));
    refuses("a sign", |answer| hop(answer, "expiration", json!("+1")));
    refuses("no expiration", |answer| hop(answer, "expiration", json!("")));
    refuses("65 bits", |answer| hop(answer, "expiration", json!("10000000000000000")));
    refuses("a number", |answer| hop(answer, "expiration", json!(1)));
    refuses("a long target", |answer| hop(answer, "targets", json!(["00".repeat(30)])));
    refuses("a target in words", |answer| hop(answer, "targets", json!(["2vxsx-fae"])));
    for text in ["", "[]", "null", "0x00", "{\"publicKey\":\"00\",\"signature\":\"00\"} x"] {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read(&format!("{}{}", " ".repeat(ANSWER_CHARS_MAX), answer())).is_err());
}

proptest! {
    #[test]
    fn any_text_is_judged(text in ".{0,200}") {
        prop_assert!(read(&text).is_err());
    }
}

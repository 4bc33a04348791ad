//! The interface here is the one that was built, and no bytes of a stranger make it panic.

use std::collections::BTreeSet;

use super::*;
use alloy::primitives::{U256, keccak256};
use governance::anchor::Status;
use proptest::prelude::*;

fn context() -> OnChainId {
    OnChainId::new(Hash::from_bytes([7; 32]))
}

fn signatures(kind: &str) -> BTreeSet<String> {
    let artifact: Value = serde_json::from_str(ARTIFACT).expect("JSON");
    let abi = artifact["abi"].as_array().expect("a list");
    let items = abi.iter().filter(|item| item["type"] == kind);
    items.map(|item| format!("{}{}", text(&item["name"]), tuple(&item["inputs"]))).collect()
}

fn tuple(inputs: &Value) -> String {
    let types = inputs.as_array().expect("a list").iter().map(|input| {
        let name = text(&input["type"]);
        match name.strip_prefix("tuple") {
            Some(suffix) => tuple(&input["components"]) + suffix,
            None => name.to_owned(),
        }
    });
    format!("({})", types.collect::<Vec<_>>().join(","))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn selectors(signatures: &BTreeSet<String>) -> BTreeSet<[u8; 4]> {
    let selector = |text: &String| keccak256(text)[..4].try_into().expect("4 bytes");
    signatures.iter().map(selector).collect()
}

#[test]
fn the_errors_are_exactly_those_of_the_build() {
    let ours: BTreeSet<[u8; 4]> = IRegistry::IRegistryErrors::selectors().collect();
    assert_eq!(ours, selectors(&signatures("error")));
}

#[test]
fn the_calls_and_events_are_among_those_of_the_build() {
    let built = selectors(&signatures("function"));
    for selector in IRegistry::IRegistryCalls::selectors() {
        assert!(built.contains(&selector), "{selector:02x?}");
    }
    let built: BTreeSet<B256> = signatures("event").iter().map(keccak256).collect();
    assert!(built.contains(&IRegistry::Rev::SIGNATURE_HASH));
    assert!(built.contains(&IRegistry::Proposed::SIGNATURE_HASH));
}

#[test]
fn every_error_names_its_code() {
    for signature in signatures("error") {
        let number = u16::from_str_radix(&signature[1..3], 16).expect("a number");
        let selector = &keccak256(&signature)[..4];
        let argument = if signature.ends_with("()") { Vec::new() } else { vec![0; 32] };
        let revert = [selector, &argument].concat();
        assert_eq!(code_of(&revert), Code::from_number(number), "{signature}");
    }
    assert_eq!(code_of(&[]), None);
    assert_eq!(code_of(&[0xde, 0xad, 0xbe, 0xef]), None);
}

#[test]
fn the_runtime_code_holds_the_registrys_domain() {
    let id: types::AccountId =
        "eip155:1:0x00000000000000000000000000000000000a11ce".parse().expect("legal");
    let registry = Registry { chain: id.chain(), account: Account::from_id(&id).expect("legal") };
    let code = runtime_code(&registry);
    let domain = registry.domain();
    let found = code.windows(32).filter(|window| window == domain.as_bytes()).count();
    assert_eq!(found, REGISTRY.registry_domain_at.len());
    assert_eq!(code.len(), REGISTRY.runtime.len());
}

#[test]
fn a_head_answer_is_a_head_or_no_record() {
    let head = Head {
        rev: 5,
        seats_epoch: 2,
        seq: 9,
        threshold: 1,
        admins: 2,
        status: Status::Active,
        flags: 0,
        active: 3,
    };
    let word = U256::from_be_bytes(head.pack());
    let answer = (word, B256::repeat_byte(1)).abi_encode();
    assert_eq!(head_answer(&answer), Some(Some((head, Hash::from_bytes([1; 32])))));
    assert_eq!(head_answer(&[0; 64]), Some(None));
    assert_eq!(head_answer(&answer[..63]), None);
    assert_eq!(head_answer(b"<html>"), None);
}

fn logs() -> impl Strategy<Value = Log> {
    let topics = prop::collection::vec(any::<[u8; 32]>(), 0..4);
    let data = prop::collection::vec(any::<u8>(), 0..300);
    (any::<bool>(), any::<bool>(), topics, data).prop_map(|(ours, fitting, topics, data)| {
        let mut topics: Vec<B256> = topics.into_iter().map(B256::from).collect();
        if fitting {
            let fixed = rev_topics(&context());
            topics.iter_mut().zip(fixed).for_each(|(topic, fixed)| *topic = fixed);
        }
        let address = if ours { Address::repeat_byte(9) } else { Address::ZERO };
        Log {
            address,
            topics,
            data: data.into(),
            block_hash: None,
            block_number: None,
            block_timestamp: None,
        }
    })
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..400)) {
        let _read = (head_answer(&data), record_answer(&data), code_of(&data));
    }

    #[test]
    fn any_events_are_read_or_refused(logs in prop::collection::vec(logs(), 0..8)) {
        let block = BlockRef { height: 0, hash: Hash::ZERO, time_s: 0 };
        for log in &logs {
            let read = revision(log, Address::repeat_byte(9), &context());
            let _read = read.map(|(_, read)| read(block));
        }
        let _read = done(&logs, Address::repeat_byte(9), &context());
    }
}

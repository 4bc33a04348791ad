//! Statements that others made, with verdicts that others reached.

use std::{fs, path::Path};

use anchorhold_starknet::verify;
use serde_json::Value;

/// Where they lie, if this machine has them.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");

/// Every statement of `kind`.
#[expect(clippy::print_stdout, reason = "what was not there to be checked must be seen")]
#[track_caller]
fn agrees(kind: &str) {
    let path = Path::new(FOLDER).join(format!("starknet-{kind}.json"));
    let Ok(text) = fs::read_to_string(&path) else {
        println!("no statements of kind {kind} on this machine");
        return;
    };
    let statements: Vec<Value> = serde_json::from_str(&text).expect("a list of statements");
    assert!(!statements.is_empty());
    let mut wrong = Vec::new();
    for statement in &statements {
        let name = &statement["name"];
        let expect = statement["expect"].as_object().expect("an object");
        let verdict = verify(kind, &statement["input"]).expect("a known kind");
        if Some(verdict.valid) != expect["valid"].as_bool() {
            wrong.push(format!("{name}: {:?} instead of {}", verdict.reason, expect["valid"]));
        }
        assert_eq!(verdict.valid, verdict.reason.is_none(), "{name}");
        for (field, value) in expect {
            let told = !matches!(field.as_str(), "valid" | "reason" | "policy" | "note");
            let found = verdict.derived.get(field);
            if told && found != Some(value) {
                wrong.push(format!("{name}: {field} is {found:?}, not {value}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{kind}:\n{}", wrong.join("\n"));
    println!("{} statements of kind {kind} agree", statements.len());
}

macro_rules! kinds {
    ($($name:ident $kind:literal,)*) => {
        $(
            #[test]
            fn $name() {
                agrees($kind);
            }
        )*
    };
}

kinds! {
    block_hash "block-hash",
    block_hash_legacy "block-hash-legacy",
    block_signature "block-signature",
    contract_address "contract-address",
    is_valid_signature_return "is-valid-signature-return",
    patricia_root "patricia-root",
    pedersen "pedersen",
    poseidon_many "poseidon-many",
    selector "selector",
    stark_ecdsa "stark-ecdsa",
    stark_key "stark-key",
    storage_proof "storage-proof",
    storage_trie_proof "storage-trie-proof",
    typed_data "typed-data",
    typed_data_signature "typed-data-signature",
}

//! Claims with verdicts that other implementations reached: our own, which `generate.mjs` wrote
//! with NEAR's own library, and those that others made, where this machine has them.

#![expect(clippy::print_stdout, reason = "says what there was to compare")]

use std::{fs, path::PathBuf};

use anchorhold_near::verify;
use serde_json::{Value, json};

/// Names one more folder of claims, such as a larger run of the generator.
const MORE: &str = "ANCHORHOLD_CLAIMS";

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files that may hold claims of `kind`.
fn files(kind: &str) -> Vec<PathBuf> {
    let others = here().join("../../../shared/vectors").join(format!("near-{kind}.json"));
    if !others.exists() {
        println!("no claims of kind {kind} by others on this machine");
    }
    let more = std::env::var_os(MORE).map(PathBuf::from);
    let more = more.map(|folder| folder.join(format!("{kind}.json")));
    [Some(others), more].into_iter().flatten().filter(|file| file.exists()).collect()
}

/// The claims in `file`.
#[track_caller]
fn agree(kind: &str, file: &PathBuf) {
    let text = fs::read_to_string(file).expect("a file of claims");
    let claims: Vec<Value> = serde_json::from_str(&text).expect("a list of claims");
    survives(kind, claims.first().expect("there are some"));
    let mut wrong = Vec::new();
    for claim in &claims {
        let (name, expect) = (&claim["name"], claim["expect"].as_object().expect("an object"));
        let verdict = verify(kind, &claim["input"]).expect("a known kind");
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
    println!("{} claims of kind {kind} agree", claims.len());
}

/// Whatever stands in the first claim of `kind`: with anything else in its place it still gets a
/// verdict.
fn survives(kind: &str, claim: &Value) {
    let hostile = [
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!("0"),
        json!("ff".repeat(9)),
        json!("1".repeat(32)),
        json!([]),
        json!([null]),
        json!({}),
    ];
    let input = &claim["input"];
    // The largest claims have hundreds of fields of the same kind.
    for pointer in pointers(input).iter().take(60) {
        for value in &hostile {
            let mut changed = input.clone();
            *changed.pointer_mut(pointer).expect("it is there") = value.clone();
            let verdict = verify(kind, &changed).expect("a known kind");
            assert_eq!(verdict.valid, verdict.reason.is_none(), "{pointer}");
        }
    }
}

/// The places of all that is in `value`, deep and shallow.
fn pointers(value: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, it)| (name.clone(), it)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, it)| (index.to_string(), it)).collect()
        }
        _ => Vec::new(),
    };
    let below = |(name, it): &(String, &Value)| {
        let own = format!("/{name}");
        let deeper = pointers(it).into_iter().map(|rest| format!("{own}{rest}")).collect();
        [vec![own.clone()], deeper].concat()
    };
    inside.iter().flat_map(below).collect()
}

macro_rules! kinds {
    ($($name:ident $kind:literal,)*) => {
        $(
            #[test]
            fn $name() {
                files($kind).iter().for_each(|file| agree($kind, file));
            }
        )*
    };
}

kinds! {
    access_key "access-key",
    account_id "account-id",
    implicit_account "implicit-account",
    light_client_block "lc-block",
    light_client_outcome_proof "lc-outcome-proof",
    nep366_decode "nep366-decode",
    nep366_delegate "nep366-delegate",
    nep413 "nep413",
    nep413_hash "nep413-hash",
    public_key "public-key",
    state_proof "state-proof",
    trie_node "trie-node",
}

#[test]
fn our_own_claims_agree() {
    for (kind, file) in [
        ("implicit-account", "implicit-account"),
        ("nep366-decode", "nep366-decode"),
        ("nep366-delegate", "nep366-delegate"),
        ("nep413", "binding"),
        ("nep413", "nep413"),
        ("nep413-hash", "nep413-hash"),
        ("public-key", "public-key"),
    ] {
        agree(kind, &here().join("tests/vectors/own").join(format!("{file}.json")));
    }
}

//! Claims with verdicts that other implementations reached: our own, which `generate.mjs` wrote
//! with the ecosystem's libraries, and those that others made, where this machine has them.

use std::{fs, path::PathBuf, sync::LazyLock};

use anchorhold_ethereum::verify;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Names one more folder of claims, such as a larger run of the generator.
const MORE: &str = "ANCHORHOLD_CLAIMS";

/// Files that may hold claims of `kind`.
fn files(kind: &str) -> Vec<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let others = here.join("../../../shared/vectors").join(format!("ethereum-{kind}.json"));
    if !others.exists() {
        eprintln!("no claims of kind {kind} by others on this machine");
    }
    let more =
        std::env::var_os(MORE).map(|folder| PathBuf::from(folder).join(format!("{kind}.json")));
    let found = [Some(others), more].into_iter().flatten().filter(|file| file.exists());
    found.collect()
}

fn own(kind: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("tests/vectors/own").join(format!("{kind}.json"))
}

/// Every file of `kind`.
#[track_caller]
fn agrees(kind: &str) {
    for file in files(kind) {
        agree(kind, &file);
    }
}

/// The claims in one file.
#[track_caller]
fn agree(kind: &str, file: &PathBuf) {
    let text = fs::read_to_string(file).expect("a file of claims");
    let claims: Vec<Value> = serde_json::from_str(&text).expect("a list of claims");
    assert!(!claims.is_empty());
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
            if told && found != Some(value) && !is_partly(found, value) {
                wrong.push(format!("{name}: {field} is {found:?}, not {value}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{kind}:\n{}", wrong.join("\n"));
    eprintln!("{} claims of kind {kind} agree", claims.len());
}

/// Whether all that `expected` names is in `found`; what it calls null may be missing.
fn is_partly(found: Option<&Value>, expected: &Value) -> bool {
    match (found.and_then(Value::as_object), expected.as_object()) {
        (Some(found), Some(expected)) => expected
            .iter()
            .all(|(name, value)| found.get(name).map_or(value.is_null(), |other| other == value)),
        _ => false,
    }
}

macro_rules! kinds {
    ($($name:ident $kind:literal,)*) => {
        $(
            #[test]
            fn $name() {
                agrees($kind);
            }
        )*

        const KINDS: &[&str] = &[$($kind),*];
    };
}

kinds! {
    block_header "block-header",
    block_header_rlp "block-header-rlp",
    ecrecover "ecrecover",
    eip1186 "eip1186",
    eip191 "eip191",
    eip712 "eip712",
    eip7702_auth "eip7702-auth",
    eip7702_code "eip7702-code",
    erc1271_call "erc1271-call",
    erc1271_return "erc1271-return",
    erc6492 "erc6492",
    header_storage_proof "header-storage-proof",
    light_client_bootstrap "lc-bootstrap",
    light_client_update "lc-update",
    siwe_parse "siwe-parse",
    siwe_verify "siwe-verify",
}

#[test]
fn our_own_claims_agree() {
    // What a contract answers is a rule and no library's; its table stands beside the rule.
    for kind in KINDS.iter().filter(|kind| **kind != "erc1271-return") {
        agree(kind, &own(kind));
    }
}

#[test]
fn a_kind_that_is_none_has_no_verdict() {
    assert_eq!(verify("eip9999", &Value::Null), None);
}

/// A value somewhere in `value`, chosen by `at`.
fn somewhere<'a>(value: &'a mut Value, at: &[prop::sample::Index]) -> &'a mut Value {
    let Some((first, rest)) = at.split_first().filter(|_| has_parts(value)) else { return value };
    match value {
        Value::Object(fields) => {
            let at = first.index(fields.len());
            somewhere(fields.values_mut().nth(at).expect("in range"), rest)
        }
        Value::Array(items) => {
            let at = first.index(items.len());
            somewhere(&mut items[at], rest)
        }
        leaf => leaf,
    }
}

fn has_parts(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Another value instead of `value`: of another type, or with one character changed.
fn change(value: &mut Value, how: u8, at: &prop::sample::Index) {
    match (how % 8, value) {
        (0, value) => *value = Value::Null,
        (1, value) => *value = json!([]),
        (2, value) => *value = json!({}),
        (3, value) => *value = json!(18_446_744_073_709_551_615_u64),
        (_, Value::String(text)) if !text.is_empty() && text.is_ascii() => {
            let at = at.index(text.len());
            let digit = if text.as_bytes()[at] == b'7' { "8" } else { "7" };
            text.replace_range(at..=at, digit);
        }
        (_, Value::Array(items)) if !items.is_empty() => {
            let at = at.index(items.len());
            items.swap(0, at);
        }
        (_, Value::Object(fields)) => {
            let name = fields.keys().nth(at.index(fields.len().max(1))).cloned();
            drop(name.and_then(|name| fields.remove(&name)));
        }
        (_, value) => *value = json!("0x"),
    }
}

proptest! {
    #[test]
    fn a_changed_claim_is_judged(
        kind: prop::sample::Index,
        claim: prop::sample::Index,
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        how: u8,
        place: prop::sample::Index,
    ) {
        let claims = &OWN[kind.index(OWN.len())];
        let (kind, claims) = (claims.0, &claims.1);
        let mut input = claims[claim.index(claims.len())]["input"].clone();
        change(somewhere(&mut input, &at), how, &place);
        let verdict = verify(kind, &input).expect("a known kind");
        prop_assert_eq!(verdict.valid, verdict.reason.is_none());
    }
}

/// Our own claims by kind.
static OWN: LazyLock<Vec<(&str, Vec<Value>)>> = LazyLock::new(|| {
    let read = |kind: &&'static str| {
        let text = fs::read_to_string(own(kind)).ok()?;
        Some((*kind, serde_json::from_str(&text).expect("a list of claims")))
    };
    KINDS.iter().filter_map(read).collect()
});

//! Statements with verdicts that others reached: those of the Internet Computer's own library,
//! which `generate/icp-sdk-core.mjs` wrote, and those that lie on this machine, if any.

use std::{fs, path::Path};

use anchorhold_icp::{IcpWallets, SCHEME_IC, verify};
use chain::{WalletError, Wallets as _};
use governance::log::{Binding, WalletProof};
use serde_json::{Value, json};
use types::{AccountId, ContextId, InvitationId, MemberSecret};

const OURS: &str = include_str!("../icp-sdk-core.json");
/// Where those of others lie.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");

/// Every file of `kind`.
#[expect(clippy::print_stdout, reason = "what was not there to be checked must be seen")]
#[track_caller]
fn agrees(kind: &str) {
    let path = Path::new(FOLDER).join(format!("icp-{kind}.json"));
    let Ok(text) = fs::read_to_string(&path) else {
        println!("no statements of kind {kind} on this machine");
        return;
    };
    let statements: Vec<Value> = serde_json::from_str(&text).expect("a list of statements");
    survives(kind, statements.first().expect("there are some"));
    agree(kind, &statements);
    println!("{} statements of kind {kind} agree", statements.len());
}

/// Verdicts, and whatever is expected to be told.
#[track_caller]
fn agree(kind: &str, statements: &[Value]) {
    assert!(!statements.is_empty());
    let mut wrong = Vec::new();
    for statement in statements {
        let (name, expect) = (&statement["name"], statement["expect"].as_object().expect("one"));
        let mut input = statement["input"].clone();
        if let Some(lookups) = expect.get("lookups") {
            // The paths stand on this side alone.
            input["lookups"] = lookups.clone();
        }
        let verdict = verify(kind, &input).expect("a known kind");
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
}

/// Whatever stands in a field of the statement, there is a verdict.
fn survives(kind: &str, statement: &Value) {
    let hostile = [
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!("0"),
        json!("d9d9f7".repeat(9)),
        json!("83".repeat(4000)),
        json!([]),
        json!([null]),
        json!({}),
    ];
    let input = statement["input"].as_object().expect("an object");
    for (name, value) in input.keys().flat_map(|name| hostile.iter().map(move |it| (name, it))) {
        let mut changed = input.clone();
        changed.insert(name.clone(), value.clone());
        let verdict = verify(kind, &changed.into()).expect("a known kind");
        assert_eq!(verdict.valid, verdict.reason.is_none(), "{name}");
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
    };
}

kinds! {
    canister_signature "canister-signature",
    certificate "certificate",
    delegation_chain "delegation-chain",
    der_key "der-key",
    hash_tree "hash-tree",
    principal "principal",
    request_id "request-id",
    webauthn_signature "webauthn-signature",
}

fn ours() -> Value {
    serde_json::from_str(OURS).expect("it is JSON")
}

#[test]
fn the_librarys_own_statements_agree() {
    let ours = ours();
    for (kind, statements) in ours["statements"].as_object().expect("an object") {
        agree(kind, statements.as_array().expect("a list"));
    }
}

/// Before the delegations of these proofs are over, in Unix seconds.
const BEFORE_S: u64 = 1_790_000_000;

#[test]
fn the_librarys_identities_prove_bindings() {
    for proof in ours()["proofs"].as_array().expect("a list") {
        let (name, principal) = (&proof["name"], proof["principal"].as_str().expect("text"));
        let account = format!("icp:737ba355e855bd4b61279056603e0550:{principal}");
        let account: AccountId = account.parse().expect("legal");
        let text = |field: &str| proof[field].as_str().expect("text");
        let bytes =
            |field: &str| data_encoding::HEXLOWER.decode(text(field).as_bytes()).expect("hex");
        let (message, signature) = (bytes("message"), bytes("signature"));
        let answered = str::from_utf8(&message).expect("text");
        let answered = IcpWallets::default().answered(answered, text("answer"));
        let theirs = WalletProof { scheme: SCHEME_IC, message, signature };
        for wallet_proof in [theirs, answered.expect("an answer")] {
            let at = |time_s| {
                let binding = binding(account.clone(), time_s);
                IcpWallets::default().check(&binding, &wallet_proof)
            };
            let canister = Err(WalletError::OtherField { field: "canister" });
            let good = if proof["is_targeted"] == true { canister } else { Ok(()) };
            assert_eq!(at(BEFORE_S), good, "{name}");
            let is_delegated = name.as_str().is_some_and(|name| name.contains(','));
            let late = if is_delegated { Err(WalletError::Expired) } else { Ok(()) };
            assert_eq!(at(BEFORE_S + 1), late, "{name}");
        }
    }
}

fn binding(account: AccountId, time_s: u64) -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account,
        time_s,
    }
}

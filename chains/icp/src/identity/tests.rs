use proptest::prelude::*;
use serde_json::json;

use crate::verify;

const KINDS: [&str; 9] = [
    "principal",
    "der-key",
    "request-id",
    "delegation-chain",
    "webauthn-signature",
    "canister-signature",
    "hash-tree",
    "certificate",
    "certified-data",
];

#[track_caller]
fn check(kind: &str, input: &serde_json::Value, reason: Option<&str>) {
    let verdict = verify(kind, input).expect("a known kind");
    assert_eq!(verdict.reason.as_deref(), reason, "{kind}");
    assert_eq!(verdict.valid, reason.is_none());
}

#[test]
fn other_kinds_are_unknown() {
    assert_eq!(verify("eip191", &json!({})), None);
}

#[test]
fn values_say_their_one_kind() {
    let of = |value: serde_json::Value| json!({ "content": { "x": value } });
    check("request-id", &of(json!({ "nat": "340282366920938463463374607431768211455" })), None);
    check("request-id", &of(json!({ "map": { "y": { "array": [{ "blob": "00" }] } } })), None);
    check("request-id", &json!({ "content": {} }), None);
    let no_kind = Some("a value of the content does not say its one kind");
    for value in [json!(7), json!({}), json!(null), json!({ "nat": "1", "text": "1" })] {
        check("request-id", &of(value), no_kind);
    }
    for value in [json!("+1"), json!("-1"), json!(""), json!(-1), json!(1.5), json!("0x1")] {
        check("request-id", &of(json!({ "nat": value })), Some("a value of the content is no nat"));
    }
    let unknown = Some("values of kind `float` are unknown");
    check("request-id", &of(json!({ "float": 1 })), unknown);
    let deep = (0..40).fold(json!({ "nat": 1 }), |inner, _| json!({ "array": [inner] }));
    check("request-id", &of(deep), Some("the content is too deep"));
}

#[test]
fn certified_values_are_told_under_any_root_key() {
    use crate::forge::{Net, Tree};
    let net = Net::new();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let tree = Tree::folder([("a", Tree::leaf("1")), ("c", Tree::leaf("3"))]);
    let mut input = json!({
        "certificate": hex(&net.certified_data(&tree.digest())),
        "root_key": hex(&net.root.key().to_bytes()),
        "effective_canister_id": net.canister.to_string(),
        "now_ns": "2",
        "tree_cbor": hex(&tree.encode()),
        "path": ["61"],
    });
    let verdict = verify("certified-data", &input).expect("a known kind");
    assert_eq!((verdict.valid, &verdict.derived["value"]), (true, &json!("31")));
    input["path"] = json!(["62"]);
    let verdict = verify("certified-data", &input).expect("a known kind");
    assert_eq!((verdict.valid, &verdict.derived["status"]), (true, &json!("absent")));
    input["path"] = json!([]);
    check("certified-data", &input, Some("the tree does not tell what is at the path"));
    let verdict = verify("certificate", &input).expect("a known kind");
    let time = json!([{ "path": ["74696d65"], "status": "found", "value": "01" }]);
    assert_eq!(verdict.derived["lookups"], time);
    input["now_ns"] = json!("300000000002");
    let stale = "the certificate is of 1 ns, more than 300000000000 ns ago";
    check("certificate", &input, Some(stale));
    input["effective_canister_id"] = json!("aaaaa-aa");
    input["now_ns"] = json!(null);
    check("certificate", &input, None);
}

/// Any JSON, with the names that statements have.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|number| json!(number)),
        "[0-9a-f]{0,40}".prop_map(|text| json!(text)),
        ".{0,20}".prop_map(|text| json!(text)),
    ];
    let names = prop::sample::select(vec![
        "text",
        "bytes",
        "der_public_key",
        "der",
        "content",
        "nat",
        "blob",
        "array",
        "map",
        "chain",
        "publicKey",
        "delegations",
        "delegation",
        "pubkey",
        "expiration",
        "targets",
        "signature",
        "now_ns",
        "public_key_der",
        "message",
        "signature_cbor",
        "tree_cbor",
        "path",
        "certificate",
        "root_key",
        "effective_canister_id",
        "lookups",
    ]);
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|list| json!(list)),
            prop::collection::btree_map(names.clone(), inner, 0..8).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_judged(input in any_json()) {
        for kind in KINDS {
            let verdict = verify(kind, &input).expect("a known kind");
            prop_assert_eq!(verdict.valid, verdict.reason.is_none());
        }
    }
}

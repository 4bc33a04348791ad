//! Statements about who signed what and what names what, as `anchorhold verify` reads them.

use chain::{
    Verdict,
    verdict::{Derived, Input, Refusal},
};

use crate::{
    felt,
    hash::FeltHash,
    verdict::{felt, felts, tell},
    wallet::{
        account::{self, Said},
        ecdsa, typed_data,
    },
};

/// The verdict on a statement of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived) -> Result<(), Refusal> = match kind {
        "pedersen" => pedersen,
        "poseidon-many" => poseidon,
        "selector" => selector,
        "contract-address" => contract_address,
        "stark-key" => stark_key,
        "stark-ecdsa" => stark_ecdsa,
        "typed-data" => typed,
        "typed-data-signature" => typed_signature,
        "is-valid-signature-return" => answer,
        _ => return None,
    };
    Some(Verdict::of(|derived| check(input, derived)))
}

fn pedersen(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let hash = FeltHash::Pedersen.pair(&felt(input, "a")?, &felt(input, "b")?);
    tell(derived, input, "hash", &hash)
}

fn poseidon(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let hash = FeltHash::Poseidon.list(&felts(input, "elements")?);
    tell(derived, input, "hash", &hash)
}

fn selector(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    tell(derived, input, "selector", &felt::selector(input.text("name")?))
}

fn contract_address(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let address = account::contract_address(
        &felt(input, "deployer")?,
        &felt(input, "salt")?,
        &felt(input, "class_hash")?,
        &felts(input, "calldata")?,
    );
    tell(derived, input, "address", &address)
}

fn stark_key(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let public = ecdsa::public_key(&felt(input, "private_key")?);
    let public = public.ok_or("the private key is zero, or the curve's order or more")?;
    tell(derived, input, "public_key", &public)
}

fn stark_ecdsa(input: Input<'_>, _: &mut Derived) -> Result<(), Refusal> {
    let (r, s) = (felt(input, "r")?, felt(input, "s")?);
    signed(input, &felt(input, "message_hash")?, &r, &s)
}

fn typed(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    typed_hash(input, derived).map(drop)
}

fn typed_signature(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let hash = typed_hash(input, derived)?;
    match felts(input, "signature")?.as_slice() {
        [r, s] => signed(input, &hash, r, s),
        _ => Err("the signature is not two numbers".into()),
    }
}

fn typed_hash(input: Input<'_>, derived: &mut Derived) -> Result<felt::Felt, Refusal> {
    let account = felt(input, "account_address")?;
    let message = typed_data::message(input.value("typed_data")?, &account)?;
    derived.put("revision", message.revision.name());
    tell(derived, input, "message_hash", &message.hash)?;
    Ok(message.hash)
}

/// Whether `input.public_key` signed `hash` with (r, s).
fn signed(
    input: Input<'_>,
    hash: &felt::Felt,
    r: &felt::Felt,
    s: &felt::Felt,
) -> Result<(), Refusal> {
    let public = felt(input, "public_key")?;
    ecdsa::verify(&public, hash, r, s).map_err(|error| error.to_string().into())
}

fn answer(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    if !input.flag("call_ok")? {
        return Err("the call failed".into());
    }
    let said = account::said(&felts(input, "result")?);
    derived.put("legacy", said == Said::One);
    match said {
        Said::Valid | Said::One => Ok(()),
        Said::No => Err("the account does not say that it signed".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use crate::verify;

    const KINDS: [&str; 15] = [
        "pedersen",
        "poseidon-many",
        "selector",
        "contract-address",
        "stark-key",
        "stark-ecdsa",
        "typed-data",
        "typed-data-signature",
        "is-valid-signature-return",
        "patricia-root",
        "storage-proof",
        "storage-trie-proof",
        "block-hash",
        "block-hash-legacy",
        "block-signature",
    ];

    /// Every field that any kind reads, and some inside them.
    const FIELDS: [&str; 46] = [
        "a",
        "b",
        "elements",
        "name",
        "deployer",
        "salt",
        "class_hash",
        "calldata",
        "private_key",
        "public_key",
        "message_hash",
        "r",
        "s",
        "typed_data",
        "account_address",
        "signature",
        "call_ok",
        "result",
        "leaves",
        "height",
        "hash",
        "state_commitment",
        "contracts_tree_root",
        "classes_tree_root",
        "contract",
        "address",
        "nonce",
        "storage_root",
        "contract_proof",
        "storage",
        "key",
        "value",
        "proof",
        "header",
        "block_hash",
        "rule",
        "chain",
        "length",
        "state_diff_commitment",
        "starknet_version",
        "block_number",
        "left",
        "right",
        "child",
        "path",
        "node",
    ];

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop::sample::select(vec![
            "0x0",
            "0x1",
            "0x5",
            "0xzz",
            "",
            "0.13.4",
            "block_hash",
            "pedersen pre-0.7",
            "BLOB",
            "poseidon",
            "0x800000000000000000000000000000000000000000000000000000000000000",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0_u64..300).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from),
            any::<[u8; 4]>().prop_map(|bytes| json!(format!("0x{}", u32::from_be_bytes(bytes)))),
        ];
        leaf.prop_recursive(4, 80, 12, |inner| {
            let field = prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(field, inner, 0..12)
                    .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    #[test]
    fn other_kinds_are_not_known() {
        for kind in ["", "eip191", "block-header", "Pedersen"] {
            assert_eq!(verify(kind, &json!({})), None, "{kind}");
        }
        for kind in KINDS {
            let verdict = verify(kind, &json!({})).expect(kind);
            assert!(!verdict.valid, "{kind} of nothing");
        }
    }

    #[test]
    fn a_wrong_derived_value_is_refused() {
        let input = json!({"a": "0x1", "b": "0x2", "hash": "0x3"});
        let verdict = verify("pedersen", &input).expect("a known kind");
        let truth = "0x5bb9440e27889a364bcb678b1f679ecd1347acdedcbf36e83494f857cc58026";
        assert_eq!(verdict.derived["hash"], json!(truth));
        assert_eq!(verdict.reason, Some(format!("`hash` is {truth} in truth")));
    }

    proptest! {
        #[test]
        fn any_statement_is_judged(
            fields in prop::collection::btree_map(
                prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned), any_value(), 20..46,
            ),
        ) {
            let input = Value::Object(fields.into_iter().collect());
            for kind in KINDS {
                let verdict = verify(kind, &input).expect("a known kind");
                prop_assert_eq!(verdict.valid, verdict.reason.is_none());
            }
        }
    }
}

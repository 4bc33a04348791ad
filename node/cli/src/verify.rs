//! `anchorhold verify`: checks claims about identities and chains, offline.
//!
//! A claim is `{chain, kind, name, input}`. What may be trusted (a root, an address, the time)
//! stands in its input; nothing else is: no clock, no network, no node.

use std::{
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use chain::Verdict;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::args::Global;

/// Longest file that is read, in bytes: some hundred updates of the largest light client.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Who checks the claims of a chain: kind and input; nothing for a kind that it does not know.
type Check = fn(&str, &Value) -> Option<Verdict>;

const CHAINS: [(&str, Check); 4] = [
    ("ethereum", ethereum::verify),
    ("near", near::verify),
    ("icp", icp::verify),
    ("starknet", starknet::verify),
];

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// A JSON file with one claim or a list of claims; `-` reads standard input.
    file: PathBuf,
}

/// How the claims of a file came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All hold.
    AllValid,
    /// One or more do not.
    SomeInvalid,
}

/// Checks the claims in a file and prints a verdict for each.
///
/// # Errors
/// If the file cannot be read, or is neither a claim nor a list of claims.
pub(crate) fn verify(global: &Global, args: &VerifyArgs) -> anyhow::Result<Outcome> {
    let claims = read(&args.file)?;
    let answers: Vec<Value> = claims.iter().map(answer).collect();
    global.output.show(&answers, |answers| {
        let lines: Vec<String> = answers.iter().map(line).collect();
        lines.join("\n")
    })?;
    let is_valid = |answer: &Value| answer["valid"] == Value::Bool(true);
    let is_all = answers.iter().all(is_valid);
    if !is_all {
        let count = answers.iter().filter(|answer| !is_valid(answer)).count();
        global.output.progress(&format!("{count} of {} claims do not hold", answers.len()));
    }
    Ok(if is_all { Outcome::AllValid } else { Outcome::SomeInvalid })
}

fn read(file: &Path) -> anyhow::Result<Vec<Value>> {
    let is_input = file == Path::new("-");
    let shown = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX + 1;
    let is_read = if is_input {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    is_read.with_context(|| format!("cannot read {shown}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > FILE_BYTES_MAX) {
        bail!("{shown} has more than {FILE_BYTES_MAX} bytes");
    }
    let text = str::from_utf8(&bytes).with_context(|| format!("{shown} is not UTF-8"))?;
    let Unambiguous(json) =
        serde_json::from_str(text).with_context(|| format!("{shown} is not JSON"))?;
    match json {
        Value::Array(claims) if claims.is_empty() => bail!("{shown} holds no claim"),
        Value::Array(claims) if claims.iter().all(Value::is_object) => Ok(claims),
        claim @ Value::Object(_) => Ok(vec![claim]),
        _ => bail!("{shown} holds neither a claim nor a list of claims"),
    }
}

/// JSON in which no object has a key twice: readers differ in which one they take. How deep it may
/// be is the parser's bound.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Unambiguous(value))) = entries.next_entry::<String, _>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// `{name, valid, reason?, …}` with the derived values beside.
fn answer(claim: &Value) -> Value {
    let Verdict { valid, reason, derived } = judge(claim).unwrap_or_else(|reason| Verdict {
        valid: false,
        reason: Some(reason),
        derived: Map::new(),
    });
    let mut answer = derived;
    answer.insert("name".to_owned(), claim.get("name").cloned().unwrap_or(Value::Null));
    answer.insert("valid".to_owned(), Value::Bool(valid));
    answer.extend(reason.map(|reason| ("reason".to_owned(), Value::String(reason))));
    Value::Object(answer)
}

fn judge(claim: &Value) -> Result<Verdict, String> {
    let text = |name: &str| {
        let found = claim.get(name).and_then(Value::as_str);
        found.ok_or_else(|| format!("the claim has no `{name}`"))
    };
    let (chain, kind) = (text("chain")?, text("kind")?);
    let input = claim.get("input").ok_or("the claim has no `input`")?;
    let known = CHAINS.iter().find(|(name, _)| *name == chain);
    let (_, check) = known.ok_or_else(|| format!("nothing here knows the chain {chain:?}"))?;
    check(kind, input).ok_or_else(|| format!("nothing here knows claims of kind {kind:?}"))
}

fn line(answer: &Value) -> String {
    let name = answer["name"].as_str().unwrap_or("(no name)");
    let derived = answer.as_object().into_iter().flatten();
    let derived: Vec<String> = derived
        .filter(|(key, _)| !matches!(key.as_str(), "name" | "valid" | "reason"))
        .map(|(key, value)| {
            format!(
                "\n  {key}: {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    match answer["reason"].as_str() {
        None => format!("valid    {name}{}", derived.concat()),
        Some(reason) => format!("INVALID  {name}: {reason}{}", derived.concat()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_answered_under_its_name() {
        let claim = json!({
            "chain": "ethereum", "kind": "eip7702-code", "name": "empty", "input": {"code": "0x"},
        });
        let answer = answer(&claim);
        assert_eq!(answer["name"], "empty");
        assert_eq!(answer["valid"], false);
        assert!(answer["reason"].is_string() && answer["code_hash"].is_string(), "{answer}");
        assert!(line(&answer).starts_with("INVALID  empty: "), "{}", line(&answer));
    }

    #[test]
    fn every_chain_is_asked() {
        for (chain, _) in CHAINS {
            let claim = json!({"chain": chain, "kind": "seal", "name": "x", "input": {}});
            let reason = answer(&claim)["reason"].to_string();
            assert!(reason.contains("claims of kind"), "{reason}");
        }
    }

    /// What is said of a file with these bytes; empty if it can be read.
    fn complaint(bytes: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        let read = read(file.path()).err();
        read.map_or_else(String::new, |error| crate::failure::line(error.as_ref()))
    }

    #[test]
    fn a_file_that_is_no_list_of_claims_is_one_clear_line() {
        let check = |bytes: &[u8], said: &str| {
            let complaint = complaint(bytes);
            assert!(complaint.contains(said), "{complaint}");
            assert!(!complaint.contains('\n') && complaint.is_empty() == said.is_empty());
        };
        check(b"{}", "");
        check(b"[{}, {}]", "");
        check(b"", "is not JSON: EOF");
        check(b"[]", "holds no claim");
        check(b"3", "holds neither a claim nor a list of claims");
        check(b"[{}, 3]", "holds neither a claim nor a list of claims");
        check(b"{} {}", "is not JSON: trailing");
        check(b"{\"name\": \"\xff\"}", "is not UTF-8");
        check(br#"{"name": "a", "name": "b"}"#, "the key \"name\" stands twice");
        check(br#"[{"input": {"a": 1, "\u0061": 1}}]"#, "the key \"a\" stands twice");
        check("[".repeat(100_000).as_bytes(), "recursion limit exceeded");
        check("{\"a\":".repeat(100_000).as_bytes(), "recursion limit exceeded");
        let huge = usize::try_from(FILE_BYTES_MAX).expect("it fits") + 1;
        check(&vec![b' '; huge], "has more than 16777216 bytes");
        let none = read(Path::new("/nowhere/claims.json")).expect_err("there is no such file");
        assert!(none.to_string().contains("cannot read /nowhere/claims.json"));
    }

    #[test]
    fn numbers_and_texts_are_kept() {
        let text = r#"{"a": [null, true, 0, -1, 18446744073709551615, 1.5, "\u00e9\n"], "b": {}}"#;
        let Unambiguous(found) = serde_json::from_str(text).expect("JSON");
        assert_eq!(found, serde_json::from_str::<Value>(text).expect("JSON"));
    }

    #[test]
    fn what_is_unknown_or_missing_is_invalid_and_says_so() {
        for (claim, said) in [
            (json!({"kind": "eip191", "input": {}}), "no `chain`"),
            (json!({"chain": "ethereum", "input": {}}), "no `kind`"),
            (json!({"chain": "ethereum", "kind": "eip191"}), "no `input`"),
            (json!({"chain": "moon", "kind": "eip191", "input": {}}), "the chain \"moon\""),
            (json!({"chain": "ethereum", "kind": "seal", "input": {}}), "kind \"seal\""),
            (json!({"chain": "ethereum", "kind": "eip191", "input": {}}), "no `message`"),
            (json!({"chain": "ethereum", "kind": "eip191", "input": 3}), "no `message`"),
        ] {
            let answer = answer(&claim);
            assert_eq!(answer["valid"], false);
            let reason = answer["reason"].as_str().expect("a reason");
            assert!(reason.contains(said), "{claim}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            drop(complaint(&bytes));
        }

        #[test]
        fn any_input_is_judged(
            kind in prop::sample::select(vec![
                "ecrecover", "eip191", "eip712", "siwe-parse", "siwe-verify", "erc1271-call",
                "erc1271-return", "erc6492", "eip7702-code", "eip7702-auth", "block-header",
                "block-header-rlp", "eip1186", "header-storage-proof", "lc-bootstrap", "lc-update",
            ]),
            fields in prop::collection::btree_map("[a-z_]{1,20}", "(0x)?[0-9a-f]{0,64}", 0..8),
        ) {
            let claim = json!({"chain": "ethereum", "kind": kind, "input": fields});
            prop_assert!(answer(&claim)["valid"].is_boolean());
        }
    }
}

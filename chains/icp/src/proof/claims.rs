//! Statements about the Internet Computer's state, as `anchorhold verify` reads them.

use chain::{
    Verdict,
    verdict::{Derived, Input, Refusal, bare_bytes},
};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{
    bls::RootKey,
    certificate::{AGE_MAX_NS, Certified, Scope, certificate},
    hash_tree::{HashTree, Lookup},
    witness::witness,
};
use crate::{Principal, PrincipalKind, UnixNanos};

/// Most paths in one statement, and labels in one path.
const PATHS_MAX: usize = 1024;

/// The verdict on a statement of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived) -> Result<(), Refusal> = match kind {
        "hash-tree" => hash_tree,
        "certificate" => state,
        "certified-data" => certified_data,
        _ => return None,
    };
    Some(Verdict::of(|derived| check(input, derived)))
}

/// The key to be trusted: the mainnet's unless another one is named.
pub(crate) fn root_key(input: Input<'_>) -> Result<RootKey, Refusal> {
    if !input.has("root_key") {
        return Ok(RootKey::mainnet());
    }
    RootKey::from_bytes(&input.bare_bytes("root_key")?).map_err(said)
}

/// What an error says, for a verdict.
pub(crate) fn said(error: impl core::error::Error) -> Refusal {
    Refusal(error.to_string())
}

/// `tree_cbor`, and if given `path`.
fn hash_tree(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let bytes = input.bare_bytes("tree_cbor")?;
    let tree = HashTree::parse(&bytes).map_err(said)?;
    derived.bare_hex("digest", tree.digest());
    if input.has("path") {
        let found = tree.lookup(&path(input.value("path")?)?);
        derived.put("status", found.name());
        derived.put("value", value(found));
    }
    Ok(())
}

/// `certificate` under `root_key`, for `effective_canister_id` unless that is null; at `now_ns` if
/// given, at most `max_age_ns` old. Tells the values at `lookups`, or else the time.
fn state(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let bytes = input.bare_bytes("certificate")?;
    let certified = certificate(&bytes, &root_key(input)?, scope(input)?).map_err(said)?;
    derived.bare_hex("root_hash", certified.root_hash());
    tell_time(input, &certified, derived)?;
    let paths: Vec<Vec<Vec<u8>>> = if input.has("lookups") {
        paths(input.list("lookups")?)?
    } else {
        vec![vec![b"time".to_vec()]]
    };
    let lookups = paths.iter().map(|path| {
        let found = certified.lookup(path);
        let labels: Vec<String> = path.iter().map(|label| HEXLOWER.encode(label)).collect();
        json!({ "path": labels, "status": found.name(), "value": value(found) })
    });
    derived.put("lookups", lookups.collect::<Vec<Value>>());
    Ok(())
}

/// As `certificate`, and `tree_cbor` is what the canister certifies; tells what is at `path`.
fn certified_data(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let bytes = input.bare_bytes("certificate")?;
    let certified = certificate(&bytes, &root_key(input)?, scope(input)?).map_err(said)?;
    tell_time(input, &certified, derived)?;
    let bytes = input.bare_bytes("tree_cbor")?;
    let tree = witness(&certified, &bytes).map_err(said)?;
    derived.bare_hex("digest", tree.digest());
    let found = tree.lookup(&path(input.value("path")?)?);
    derived.put("status", found.name());
    derived.put("value", value(found));
    match found {
        Lookup::Found(_) | Lookup::Absent => Ok(()),
        Lookup::Unknown | Lookup::Error => Err("the tree does not tell what is at the path".into()),
    }
}

fn tell_time(
    input: Input<'_>,
    certified: &Certified<'_>,
    derived: &mut Derived,
) -> Result<(), Refusal> {
    let time = certified.time().map_err(said)?;
    derived.put("time_ns", time.0.to_string());
    if input.has("now_ns") {
        let has_limit = input.has("max_age_ns");
        let age_max_ns = if has_limit { input.u64("max_age_ns")? } else { AGE_MAX_NS };
        certified.check_age(UnixNanos(input.u64("now_ns")?), age_max_ns).map_err(said)?;
    }
    Ok(())
}

/// Calls to the management canister are answered by any subnet, and in no range.
fn scope(input: Input<'_>) -> Result<Scope, Refusal> {
    if !input.has("effective_canister_id") {
        return Ok(Scope::Subnet);
    }
    let canister: Principal = input.text("effective_canister_id")?.parse().map_err(said)?;
    match canister.kind() {
        PrincipalKind::Management => Ok(Scope::Subnet),
        _ => Ok(Scope::Canister(canister)),
    }
}

fn paths(list: &[Value]) -> Result<Vec<Vec<Vec<u8>>>, Refusal> {
    if list.len() > PATHS_MAX {
        return Err(format!("more than {PATHS_MAX} paths").into());
    }
    // A path alone, or in the form in which it is answered.
    list.iter().map(|item| path(item.get("path").unwrap_or(item))).collect()
}

fn path(value: &Value) -> Result<Vec<Vec<u8>>, Refusal> {
    let labels = value.as_array().ok_or("`path` is not a list")?;
    if labels.len() > PATHS_MAX {
        return Err(format!("`path` has more than {PATHS_MAX} labels").into());
    }
    labels.iter().map(|label| bare_bytes(label, "path")).collect()
}

fn value(found: Lookup<'_>) -> Value {
    match found {
        Lookup::Found(value) => HEXLOWER.encode(value).into(),
        Lookup::Absent | Lookup::Unknown | Lookup::Error => Value::Null,
    }
}

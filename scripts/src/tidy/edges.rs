//! The rule for crates: who may know whom, and who alone knows a heavy dependency.
//!
//! The table is the one of docs/architecture.md; a new edge is a design decision and is made there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;

/// Prefix of all our packages.
const PREFIX: &str = "anchorhold-";
/// Below all rooms of the node stand these; `cli` and the tests may know every one of them.
const ROOMS: [&str; 17] = [
    "types",
    "crdt",
    "governance",
    "sync",
    "runtime",
    "store",
    "chain",
    "ethereum",
    "near",
    "icp",
    "starknet",
    "net",
    "engine",
    "api",
    "harness",
    "devnet-near",
    "devnet-icp",
];

/// A crate and the crates that it may depend on, lower levels first.
///
/// `store` knows `crdt` because its views implement `crdt::Read`: the state is read where it lies.
const ALLOWED: [(&str, &[&str]); 25] = [
    ("types", &[]),
    ("crdt", &["types"]),
    ("governance", &["types"]),
    ("sync", &["types", "governance"]),
    ("runtime", &["types", "crdt"]),
    ("store", &["types", "crdt"]),
    ("chain", &["types", "governance"]),
    ("sdk-macros", &[]),
    ("sdk", &["sdk-macros"]),
    ("task-board", &["sdk"]),
    ("ethereum", &["chain", "governance", "types"]),
    // The development chains are for their tests alone.
    ("near", &["chain", "governance", "types", "devnet-near"]),
    ("icp", &["chain", "governance", "types", "devnet-icp"]),
    ("starknet", &["chain", "governance", "types"]),
    ("net", &["sync", "types"]),
    ("engine", &["types", "crdt", "governance", "sync", "runtime", "store", "chain"]),
    ("api", &["engine", "types"]),
    ("cli", &ROOMS_OF_CLI),
    ("scripts", &[]),
    ("harness", &[]),
    ("devnet-near", &[]),
    ("devnet-icp", &[]),
    ("e2e", &ROOMS),
    ("traces", &["types", "governance", "chain", "ethereum", "devnet-near", "devnet-icp"]),
    ("bench", &ROOMS),
];

/// All rooms; what an application author imports is not for the node.
const ROOMS_OF_CLI: [&str; 14] = {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, ..] = ROOMS;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n]
};

/// A heavy dependency, and the only crates that may know it. Tests and benches may compare with it.
const HEAVY: [(&str, &[&str]); 15] = [
    ("wasmtime", &["runtime", "devnet-icp", "bench"]),
    ("near-vm-runner", &["devnet-near"]),
    ("near-jsonrpc-client", &["near"]),
    ("near-primitives", &["near", "devnet-near"]),
    ("ic-agent", &["icp"]),
    ("starknet", &["starknet"]),
    ("wit-component", &["runtime", "bench"]),
    ("rocksdb", &["store", "bench"]),
    ("libp2p", &["net", "bench"]),
    ("alloy", &["ethereum", "harness", "e2e", "bench"]),
    ("axum", &["api", "devnet-near", "devnet-icp", "bench"]),
    ("clap", &["cli", "devnet-near", "devnet-icp"]),
    ("syn", &["sdk-macros"]),
    ("hpke", &["types"]),
    ("ed25519-dalek", &["types", "near", "icp", "devnet-icp", "bench"]),
];

/// These do no I/O, read no clock, make no randomness.
const PURE: [&str; 4] = ["types", "crdt", "governance", "sync"];
/// What would let a pure crate do so.
const IMPURE: [&str; 6] = ["tokio", "rand", "getrandom", "reqwest", "tracing", "tempfile"];

/// A dependency as a manifest states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    /// Ours rather than from a registry.
    ours: bool,
    /// Only for tests and benches.
    dev: bool,
}

/// What breaks the tables in the output of `cargo metadata --no-deps`.
///
/// # Errors
/// If `metadata` has another shape.
pub(crate) fn check(metadata: &Value) -> Result<Vec<Finding>> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.context("cargo metadata lists no packages")?;
    let mut edges = BTreeSet::new();
    let mut names = BTreeSet::new();
    for package in packages {
        let name = string(package, "name")?;
        names.insert(short(name).to_owned());
        edges.extend(edges_of(package, short(name))?);
    }
    let mut broken = unknown_crates(&names);
    broken.extend(forbidden(&edges));
    broken.extend(misplaced(&edges));
    broken.extend(cycle(&edges));
    Ok(broken.into_iter().map(|what| Finding::new("Cargo.toml", 0, what)).collect())
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    let text = value.get(key).and_then(Value::as_str);
    text.with_context(|| format!("cargo metadata names no {key}"))
}

fn short(package: &str) -> &str {
    package.strip_prefix(PREFIX).unwrap_or(package)
}

fn edges_of(package: &Value, from: &str) -> Result<Vec<Edge>> {
    let wanted = package.get("dependencies").and_then(Value::as_array);
    let wanted = wanted.context("a package without a list of dependencies")?;
    let edge = |dependency: &Value| -> Result<Edge> {
        Ok(Edge {
            from: from.to_owned(),
            to: short(string(dependency, "name")?).to_owned(),
            ours: dependency.get("path").is_some(),
            dev: dependency.get("kind").and_then(Value::as_str) == Some("dev"),
        })
    };
    wanted.iter().map(edge).collect()
}

fn unknown_crates(names: &BTreeSet<String>) -> Vec<String> {
    names
        .iter()
        .filter(|name| !ALLOWED.iter().any(|(known, _)| known == name))
        .map(|name| format!("crate `{name}` stands in no row of the table of rooms"))
        .collect()
}

fn forbidden(edges: &BTreeSet<Edge>) -> Vec<String> {
    let may = |edge: &Edge| {
        let row = ALLOWED.iter().find(|(name, _)| *name == edge.from);
        row.is_none_or(|(_, allowed)| allowed.contains(&edge.to.as_str()))
    };
    edges
        .iter()
        .filter(|edge| edge.ours && !edge.dev && !may(edge))
        .map(|edge| format!("`{}` may not depend on `{}`", edge.from, edge.to))
        .collect()
}

fn misplaced(edges: &BTreeSet<Edge>) -> Vec<String> {
    let mut broken = Vec::new();
    for edge in edges.iter().filter(|edge| !edge.ours && !edge.dev) {
        let owners = HEAVY.iter().find(|(name, _)| *name == edge.to);
        if let Some((name, owners)) = owners
            && !owners.contains(&edge.from.as_str())
        {
            let only = owners.first().copied().unwrap_or_default();
            broken.push(format!("`{}` depends on `{name}`: that is for `{only}`", edge.from));
        }
        if PURE.contains(&edge.from.as_str()) && IMPURE.contains(&edge.to.as_str()) {
            let text = format!("`{}` does no I/O, but depends on `{}`", edge.from, edge.to);
            broken.push(text);
        }
    }
    broken
}

/// One cycle among our crates, those of tests left out, if there is any.
fn cycle(edges: &BTreeSet<Edge>) -> Option<String> {
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // Tests of a chain's adapter run its development chain, whose tests check it by the adapter.
    for edge in edges.iter().filter(|edge| edge.ours && !edge.dev) {
        below.entry(&edge.from).or_default().insert(&edge.to);
        below.entry(&edge.to).or_default();
    }
    // Terminates: each turn takes at least one crate away, or stops.
    loop {
        let leaf = below
            .iter()
            .find(|(_, needs)| needs.iter().all(|need| !below.contains_key(need)))
            .map(|(name, _)| *name);
        match leaf {
            Some(name) => below.remove(name),
            None => break,
        };
    }
    if below.is_empty() {
        return None;
    }
    let stuck: Vec<&str> = below.keys().copied().collect();
    Some(format!("a cycle runs through some of: {}", stuck.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ALLOWED, check};

    /// A row: crate, then its dependencies; `+` marks one of ours, `?` one of ours for tests.
    fn metadata(rows: &[(&str, &[&str])]) -> Value {
        let dependency = |text: &str| {
            if let Some(name) = text.strip_prefix('+') {
                json!({ "name": format!("anchorhold-{name}"), "kind": null, "path": "x" })
            } else if let Some(name) = text.strip_prefix('?') {
                json!({ "name": format!("anchorhold-{name}"), "kind": "dev", "path": "x" })
            } else {
                json!({ "name": text, "kind": null })
            }
        };
        let package = |(name, wanted): &(&str, &[&str])| {
            let wanted: Vec<Value> = wanted.iter().map(|text| dependency(text)).collect();
            json!({ "name": format!("anchorhold-{name}"), "dependencies": wanted })
        };
        json!({ "packages": rows.iter().map(package).collect::<Vec<_>>() })
    }

    #[test]
    fn arrows_point_down() {
        finds(&[("types", &[]), ("crdt", &["+types"])], &[]);
        finds(&[("types", &["+crdt"])], &["`types` may not depend on `crdt`"]);
        finds(&[("api", &["+store"])], &["`api` may not depend on `store`"]);
        finds(&[("cli", &["+store", "+ethereum"])], &[]);
        finds(&[("cli", &["+harness"])], &["`cli` may not depend on `harness`"]);
        finds(&[("toolbox", &[])], &["stands in no row"]);
    }

    #[test]
    fn tests_may_look_up_and_around() {
        finds(&[("sync", &["?crdt"]), ("crdt", &[])], &[]);
        finds(&[("near", &["?devnet-near"]), ("devnet-near", &["?near"])], &[]);
    }

    #[test]
    fn heavy_dependencies_have_one_owner() {
        finds(&[("store", &["rocksdb"])], &[]);
        finds(&[("engine", &["rocksdb"])], &["that is for `store`"]);
        finds(&[("sync", &["tokio"])], &["does no I/O"]);
    }

    #[test]
    fn the_table_itself_has_no_cycle() {
        let marked: Vec<(&str, Vec<String>)> = ALLOWED
            .iter()
            .map(|(name, below)| (*name, below.iter().map(|to| format!("+{to}")).collect()))
            .collect();
        let words: Vec<(&str, Vec<&str>)> = marked
            .iter()
            .map(|(name, below)| (*name, below.iter().map(String::as_str).collect()))
            .collect();
        let rows: Vec<(&str, &[&str])> =
            words.iter().map(|(name, below)| (*name, below.as_slice())).collect();
        finds(&rows, &[]);
    }

    #[test]
    fn other_shapes_are_errors() {
        assert!(check(&json!({})).is_err());
        assert!(check(&json!({ "packages": [{ "name": "x" }] })).is_err());
        assert!(check(&json!({ "packages": [{ "dependencies": [] }] })).is_err());
    }

    #[track_caller]
    fn finds(rows: &[(&str, &[&str])], expected: &[&str]) {
        let found = check(&metadata(rows)).expect("the shape is right");
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for text in expected {
            assert!(found.iter().any(|one| one.what.contains(text)), "{found:?}");
        }
    }
}

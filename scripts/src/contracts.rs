//! `cargo x contracts`: tests the contracts, and compares what is built with what is committed.

use std::fs;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::guests::{self, Toolchain};
use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, setup, starknet};

pub(crate) const COMMAND: Command = Command {
    name: "contracts",
    summary: "test the contracts; rebuild them and compare with the committed artifact",
    help: "
Usage: cargo x contracts [--write]

Builds every chain's contract again and fails if a result differs from the committed artifact; runs
the tests of contracts/ethereum with forge. Those of the others are tests of the
workspace, but for the interface file of the Internet Computer's, which is compared here.

The contracts for NEAR and the Internet Computer give the same bytes from one compiler alone: where
rustup's wasm32 target or that compiler is not here, they are left out with a line.

  --write  write the artifacts instead of comparing (after a change of a contract)
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let write = match args {
        [] => false,
        [word] if word == "--write" => true,
        [word, ..] => bail!("`cargo x contracts` does not know `{word}`"),
    };
    let repo = Repo::open()?;
    setup::ensure(&repo, setup::Scope::Tests)?;
    verify(&repo, write)
}

/// Tests the contracts and compares the artifacts.
///
/// # Errors
/// If a test fails or an artifact is not what the sources make.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    verify(repo, false)
}

fn verify(repo: &Repo, write: bool) -> Result<()> {
    shell::step("contracts: Ethereum");
    let npm =
        |script: &str| Run::new("npm").args(["run", "--silent", script]).dir(&repo.ethereum());
    npm(if write { "build" } else { "check" }).run()?;
    npm("test").run()?;
    rust(repo, "near", write)?;
    rust(repo, "icp", write)?;
    interface(repo)?;
    starknet(repo, write)
}

/// Whether the interface file of the Internet Computer's contract is what its code says, which the
/// contract's own tests compare.
fn interface(repo: &Repo) -> Result<()> {
    let folder = repo.contract("icp");
    for command in ["fmt", "test"] {
        let run = repo.cargo(command).arg("--manifest-path").arg(folder.join("Cargo.toml"));
        let run = if command == "fmt" { run.arg("--check") } else { run.arg("--locked") };
        run.env("CARGO_TARGET_DIR", repo.contracts_target()).run()?;
    }
    Ok(())
}

/// A contract that is compiled from Rust.
fn rust(repo: &Repo, chain: &str, write: bool) -> Result<()> {
    shell::step(&format!("contracts: {chain}"));
    if !matches!(Toolchain::find(repo), Some(Toolchain::Rustup)) {
        println!("  left out: rustup's target {} is not here", guests::TARGET);
        return Ok(());
    }
    let folder = repo.contract(chain);
    let artifact = fs::read_to_string(folder.join("artifact/artifact.json"))?;
    let artifact: Value = serde_json::from_str(&artifact)?;
    let compiler = Run::new("rustc").arg("--version").dir(&folder).read()?;
    if !write && artifact.get("rustc").and_then(Value::as_str) != Some(compiler.as_str()) {
        println!("  left out: the artifact is not of {compiler}");
        return Ok(());
    }
    let build = Run::new("./build.sh").dir(&folder);
    let build = if write { build.arg("--write") } else { build };
    build.env("CARGO_TARGET_DIR", repo.contracts_target()).run()
}

/// The contract that is compiled from Cairo; its tools are looked for on `PATH`.
fn starknet(repo: &Repo, write: bool) -> Result<()> {
    shell::step("contracts: starknet");
    let folders = starknet::folders(repo);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path)))?;
    let command = if write { "write" } else { "check" };
    let artifact = Run::new("node").args(["bin/artifact.js", command]);
    artifact.dir(&repo.contract("starknet")).env("PATH", path).run()
}

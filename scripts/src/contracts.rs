//! `cargo x contracts`: tests the contracts, and compares what is built with what is committed.

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, setup};

pub(crate) const COMMAND: Command = Command {
    name: "contracts",
    summary: "test the contracts; rebuild them and compare with the committed artifact",
    help: "
Usage: cargo x contracts [--write]

Runs the tests of contracts/ethereum with forge, builds the contract again and fails if the result
differs from the committed artifact.

  --write  write the artifact instead of comparing (after a change of the contract)
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let script = match args {
        [] => "check",
        [word] if word == "--write" => "build",
        [word, ..] => bail!("`cargo x contracts` does not know `{word}`"),
    };
    let repo = Repo::open()?;
    setup::ensure(&repo, setup::Scope::Tests)?;
    verify(&repo, script)
}

/// Tests the contracts and compares the artifacts.
///
/// # Errors
/// If a test fails or an artifact is not what the sources make.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    verify(repo, "check")
}

fn verify(repo: &Repo, script: &str) -> Result<()> {
    shell::step("contracts: Ethereum");
    let npm =
        |script: &str| Run::new("npm").args(["run", "--silent", script]).dir(&repo.ethereum());
    npm(script).run()?;
    npm("test").run()
}

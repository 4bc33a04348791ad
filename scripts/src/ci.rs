//! `cargo x ci`: what must hold before anything lands.

use anyhow::Result;

use crate::repo::Repo;
use crate::{Command, setup, shell, test, tidy};

pub(crate) const COMMAND: Command = Command {
    name: "ci",
    summary: "formatting, tidy, clippy, documentation, licences, all tests: what CI runs",
    help: "
Usage: cargo x ci

In this order, the cheap ones first: cargo fmt --check, tidy, setup, clippy with warnings as errors
on all targets, rustdoc with warnings as errors, cargo deny (licences, bans, sources; left out with
a line where cargo-deny is not installed), and `cargo x test`.
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    crate::expect_no_arguments(&COMMAND, args)?;
    let repo = Repo::open()?;
    shell::step("fmt");
    repo.cargo("fmt").args(["--all", "--check"]).run()?;
    (tidy::COMMAND.run)(&[])?;
    setup::ensure(&repo, setup::Scope::Tests)?;
    shell::step("clippy");
    repo.cargo("clippy").args(["--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
    shell::step("doc");
    repo.cargo("doc")
        .args(["--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    deny(&repo)?;
    (test::COMMAND.run)(&[])
}

fn deny(repo: &Repo) -> Result<()> {
    shell::step("deny");
    if shell::on_path("cargo-deny").is_none() {
        println!("  left out: cargo-deny is not here (`cargo x setup all` builds it)");
        return Ok(());
    }
    // Not `advisories`: their database is a repository that many build machines cannot reach.
    repo.cargo("deny").args(["check", "bans", "licenses", "sources"]).run()
}

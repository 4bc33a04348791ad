//! `cargo x test`: installs what tests need and runs them all.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, contracts, guests, setup};

pub(crate) const COMMAND: Command = Command {
    name: "test",
    summary: "install what tests need and run them all",
    help: "
Usage: cargo x test [arguments for the runner]

Sets up (see `cargo x help setup`), builds the applications, tests the contracts, builds the
programs, runs the examples in the documentation and then every test of the workspace, the ones
with real processes included. The last line is the runner's summary.

With arguments, only the tests that they select run, and nothing of the contracts:
  cargo x test --package anchorhold-sync
  cargo x test --package anchorhold-e2e story

The runner is cargo-nextest where it is installed, else `cargo test`.
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let repo = Repo::open()?;
    setup::ensure(&repo, setup::Scope::Tests)?;
    guests::build(&repo)?;
    if args.is_empty() {
        contracts::check(&repo)?;
    }
    shell::step("build: the tests, and the programs that they start");
    // In one go: apart, cargo might choose other features and compile dependencies again.
    repo.cargo("build").args(["--workspace", "--bins", "--tests"]).run()?;
    if args.is_empty() {
        shell::step("test: examples in the documentation");
        repo.cargo("test").args(["--workspace", "--doc"]).run()?;
    }
    shell::step("test: the workspace");
    if shell::on_path("cargo-nextest").is_some() {
        return select(repo.cargo("nextest").arg("run"), args).envs(repo.environment()).run();
    }
    println!("  cargo-nextest is not here (`cargo x setup all` builds it); using cargo test");
    let run = select(repo.cargo("test").arg("--no-fail-fast"), args);
    run_and_count(run.envs(repo.environment()))
}

/// All targets of the workspace, unless the operator chose packages.
fn select(run: Run, args: &[String]) -> Run {
    let chosen = args.iter().any(|arg| arg.starts_with("-p") || arg.starts_with("--package"));
    let run = if chosen { run } else { run.arg("--workspace") };
    run.arg("--tests").args(args)
}

/// Runs `cargo test`, which sums up per program only, and prints one summary at the end.
fn run_and_count(run: Run) -> Result<()> {
    println!("$ {}", run.line());
    let mut child = run.command().stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("the runner has no output")?;
    let mut total = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("the runner's output broke off")?;
        println!("{line}");
        if let Some(counts) = Counts::parse(&line) {
            total.add(counts);
        }
    }
    let status = child.wait().context("could not collect the runner")?;
    println!(
        "\ntests: {} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    if !status.success() {
        bail!("the tests ended with {status}");
    }
    Ok(())
}

/// How many tests went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`; other lines are `None`.
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut found = Self::default();
        for part in counts.split("; ") {
            let (number, word) = part.split_once(' ')?;
            let Ok(number) = number.parse::<u64>() else {
                continue; // The time it took.
            };
            match word {
                "passed" => found.passed = number,
                "failed" => found.failed = number,
                "ignored" => found.skipped = number,
                _ => {}
            }
        }
        Some(found)
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, run_and_count, select};
    use crate::shell::Run;

    #[test]
    fn the_runners_lines_are_counted() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; \
                    4 filtered out; finished in 0.05s";
        let expected = Counts { passed: 3, failed: 2, skipped: 1 };
        assert_eq!(Counts::parse(line), Some(expected));
        assert_eq!(Counts::parse("running 3 tests"), None);
    }

    #[test]
    fn a_failing_runner_is_an_error() {
        let runner = |script: &str| run_and_count(Run::new("sh").args(["-c", script]));
        assert!(runner("echo 'test result: ok. 2 passed; 0 failed'").is_ok());
        assert!(runner("echo 'test result: FAILED. 1 passed; 1 failed'; exit 101").is_err());
    }

    #[test]
    fn naming_a_package_narrows_the_run() {
        let line = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            select(Run::new("cargo"), &args).line()
        };
        assert!(line(&[]).contains("--workspace"));
        assert!(line(&["a_name"]).contains("--workspace"));
        assert!(!line(&["--package", "anchorhold-sync"]).contains("--workspace"));
    }
}

//! `cargo x tidy`: holds what compilers do not: who may know whom, sizes, names, clean text.
//!
//! Each rule is a pure function from text to findings, in the files beside this one.

mod edges;
mod mask;
mod readme;
mod source;
mod text;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::Command;
use crate::repo::Repo;
use crate::shell::{self, Run};

pub(crate) const COMMAND: Command = Command {
    name: "tidy",
    summary: "check dependency edges, file and function sizes, names, stray text, the README",
    help: "
Usage: cargo x tidy

  edges    which crate may depend on which, which crate alone knows a heavy dependency, no cycles
  sources  at most 800 lines a file, 70 a function, 100 columns; no mod.rs, no work left undone;
           no utils, common, helpers, misc, primitives; no FooManager, FooHelper, FooHandler,
           FooService, FooProcessor, FooWrapper
  text     no addresses of package registries, no paths of one machine, no working notes
  readme   the dependency table lists every workspace dependency, and no other

Looks at every file that git tracks or would track. Prints one line per finding.
",
    run,
};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root.
    path: String,
    /// From 1; 0 if it is about the whole file.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

fn run(args: &[String]) -> Result<()> {
    crate::expect_no_arguments(&COMMAND, args)?;
    shell::step("tidy");
    let repo = Repo::open()?;
    let mut findings = edges::check(repo.metadata())?;
    let files = tracked(repo.root())?;
    for path in &files {
        findings.extend(check_file(repo.root(), path)?);
    }
    let read = |name: &str| fs::read_to_string(repo.root().join(name)).unwrap_or_default();
    findings.extend(readme::check(&read("README.md"), &read("Cargo.toml"))?);
    findings.sort();
    let mut lines = String::new();
    for Finding { path, line, what } in &findings {
        lines.push_str(&format!("{path}:{line}: {what}\n"));
    }
    // At once: `cargo x tidy | head` then ends with an error instead of a panic.
    io::stdout().write_all(lines.as_bytes())?;
    if findings.is_empty() {
        println!("  {} files, nothing found", files.len());
        return Ok(());
    }
    bail!("tidy found {} things", findings.len())
}

/// Every file that git tracks, or would if it were added now.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let list = Run::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .dir(root)
        .read()?;
    let mut files: Vec<String> = list.lines().map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn check_file(root: &Path, path: &str) -> Result<Vec<Finding>> {
    let file = root.join(path);
    if !file.is_file() {
        return Ok(Vec::new()); // Deleted, but not yet for git.
    }
    let bytes = fs::read(&file).with_context(|| format!("could not read {path}"))?;
    let Ok(content) = String::from_utf8(bytes) else {
        return Ok(Vec::new()); // No text.
    };
    let mut findings = text::check(path, &content);
    findings.extend(source::check(path, &content));
    Ok(findings)
}

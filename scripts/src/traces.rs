//! `cargo x traces`: the golden traces of the on-chain machine.

use anyhow::Result;

use crate::Command;
use crate::repo::Repo;
use crate::shell::{self, Run};

pub(crate) const COMMAND: Command = Command {
    name: "traces",
    summary: "make the golden traces from the model and compare them with contracts/vectors",
    help: "
Usage: cargo x traces [--write]

Makes every trace from the model and fails if a file in contracts/vectors differs, or if the model
says something else than the trace's author.

  --write  write the files instead of comparing (after a change of the machine or the traces)
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let repo = Repo::open()?;
    shell::step("build: the programs");
    repo.build()?;
    shell::step("traces");
    Run::new(repo.binary("traces")).args(args).dir(repo.root()).run()
}

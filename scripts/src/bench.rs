//! `cargo x bench`: measures, and prints ratios against a rival or a limit in the same run.

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, guests, setup};

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    summary: "measure; print ratios against a rival or a limit of the same run",
    help: "
Usage: cargo x bench [arguments for the benches]

Sets up and builds what a node needs, then runs the benches in tests/bench, in the same optimised
profile as the tests: both sides of each ratio are compiled alike.
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let repo = Repo::open()?;
    setup::ensure(&repo, setup::Scope::Node)?;
    guests::build(&repo)?;
    shell::step("build: the programs");
    repo.build()?;
    let program = repo.binary("anchorhold-bench");
    if !program.is_file() {
        bail!("the workspace built no program `anchorhold-bench`");
    }
    shell::step("bench");
    Run::new(program).args(args).dir(repo.root()).envs(repo.environment()).run()
}

//! `cargo x demo`: plays the story with its own chain, three nodes and real keys.

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, guests, setup};

pub(crate) const COMMAND: Command = Command {
    name: "demo",
    summary: "play the story: one chain, three nodes, real keys; each step and its outcome",
    help: "
Usage: cargo x demo [arguments for the demo]

Sets up and builds, then starts an anvil and three nodes in folders of their own, walks through
creating, inviting, joining, writing apart and together, nominating, removing, crashing and losing
the chain, and prints each step with its outcome. Everything it started is ended with it.
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let repo = Repo::open()?;
    setup::ensure(&repo, setup::Scope::Tests)?;
    guests::build(&repo)?;
    shell::step("build: the programs");
    repo.build()?;
    let program = repo.binary("demo");
    if !program.is_file() {
        bail!("the workspace built no program `demo`");
    }
    shell::step("demo");
    Run::new(program).args(args).dir(repo.root()).envs(repo.environment()).run()
}

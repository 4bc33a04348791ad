//! `cargo x devnet`: starts a development chain.

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::setup::{self, Scope};
use crate::shell::Run;
use crate::{Command, starknet};

pub(crate) const COMMAND: Command = Command {
    name: "devnet",
    summary: "start a development chain: ethereum, near, icp or starknet",
    help: "
Usage: cargo x devnet <ethereum|near|icp|starknet> [arguments for the chain's program]

  ethereum   anvil, whose blocks become final two blocks later
  near       NEAR's JSON-RPC in front of NEAR's own VM (tests/devnet/near)
  icp        the Internet Computer's HTTP interface in front of canisters in wasmtime
             (tests/devnet/icp)
  starknet   starknet-devnet

Each prints where it listens and the keys of accounts that have funds, and runs until you end it.
`cargo x devnet near --help` shows what that program takes.
",
    run,
};

fn run(args: &[String]) -> Result<()> {
    let Some((chain, rest)) = args.split_first() else {
        bail!("`cargo x devnet` wants a chain: ethereum, near, icp or starknet");
    };
    let repo = Repo::open()?;
    let ours = match chain.as_str() {
        "near" => "anchorhold-devnet-near",
        "icp" => "anchorhold-devnet-icp",
        "ethereum" => {
            setup::ensure(&repo, Scope::Tests)?;
            let anvil = repo.anvil().context("there is no anvil")?;
            let finality = ["--block-time", "1", "--slots-in-an-epoch", "1", "--mixed-mining"];
            return Run::new(anvil).args(finality).args(rest).run();
        }
        "starknet" => {
            setup::ensure(&repo, Scope::Tests)?;
            let devnet = starknet::program(&repo, starknet::DEVNET);
            return Run::new(devnet.context("there is no starknet-devnet")?).args(rest).run();
        }
        other => bail!("`{other}` is none of ethereum, near, icp, starknet"),
    };
    setup::ensure(&repo, Scope::Node)?;
    repo.build()?;
    Run::new(repo.binary(ours)).args(rest).run()
}

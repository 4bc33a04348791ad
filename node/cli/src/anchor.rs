//! `anchorhold anchor`: registries on chains, and the records in them.

mod record;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use chain::{AccountKey, Chain, Signer};
use clap::Subcommand;
use serde::Serialize;
use types::{AccountId, ChainId};
use url::Url;

use crate::{
    args::Global,
    chains::{self, Deploying},
    config::{ChainConfig, Config},
    folder::DataFolder,
    secret,
};

#[derive(Debug, Subcommand)]
pub(crate) enum AnchorCommand {
    /// Put a new registry on a chain. One serves all contexts there.
    Deploy(DeployArgs),
    /// Make a record by hand, for a context that a node did not make itself.
    Create(Box<record::CreateArgs>),
    /// Show what a record says, as far as it is final.
    Show(record::RecordArgs),
    /// Check a record from its first revision on: the contract's code, the chain of its revisions,
    /// the proof of its head.
    Verify(record::RecordArgs),
}

/// Which registry, and who answers for its chain.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The chain, such as `eip155:1`.
    #[arg(long)]
    chain: ChainId,
    /// Who answers for the chain, instead of what the configuration says; may be given several
    /// times. A majority must agree.
    #[arg(long, value_name = "URL", requires = "registry")]
    endpoint: Vec<Url>,
    /// The registry's address, instead of what the configuration says.
    #[arg(long, value_name = "ADDRESS", requires = "endpoint")]
    registry: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    /// The chain, such as `eip155:1`.
    #[arg(long)]
    chain: ChainId,
    /// A file with the key of the account that pays, which only you may read: 64 hex digits, or
    /// `ed25519:…` as NEAR's tools write it.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The account that the key is of, where a key does not tell: on Starknet, and for named
    /// accounts of NEAR.
    #[arg(long)]
    account: Option<AccountId>,
    /// Who answers for the chain, instead of what the configuration says.
    #[arg(long, value_name = "URL")]
    endpoint: Option<Url>,
    /// On the Internet Computer: who may make records in it without paying, besides the account;
    /// may be given several times.
    #[arg(long, value_name = "ACCOUNT")]
    creator: Vec<AccountId>,
    /// The chain is a Starknet for development.
    #[arg(long)]
    development: bool,
}

#[derive(Debug, Serialize)]
struct Deployed {
    registry: String,
    chain: String,
    /// For `anchorhold init --chain`.
    flag: String,
    /// For the configuration.
    config: String,
}

pub(crate) async fn anchor(global: &Global, command: AnchorCommand) -> anyhow::Result<()> {
    match command {
        AnchorCommand::Deploy(args) => deploy(global, args).await,
        AnchorCommand::Create(args) => record::create(global, *args).await,
        AnchorCommand::Show(args) => record::show(global, args).await,
        AnchorCommand::Verify(args) => record::verify(global, args).await,
    }
}

async fn deploy(global: &Global, args: DeployArgs) -> anyhow::Result<()> {
    let endpoint = match &args.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => {
            let mut endpoints = configured(global, &args.chain)?.endpoints;
            endpoints.truncate(1);
            endpoints.pop().context("the configuration names no endpoint")?
        }
    };
    let key = AccountKey::from_bytes(*secret::key(&args.key_file)?);
    let payer = chains::payer(&args.chain, args.account, &key)?;
    global.output.progress(&format!("{payer} deploys a registry"));
    let signer = Signer { account: payer, key };
    let (creators, development) = (args.creator, args.development);
    let deploying = Deploying { creators, development };
    let registry = chains::deploy(&args.chain, endpoint.clone(), &signer, deploying).await?;
    let made = ChainConfig::one(args.chain.clone(), endpoint.clone(), registry);
    let made = ChainConfig { development, ..made };
    let deployed = Deployed {
        registry: made.registry.to_string(),
        chain: made.id.to_string(),
        flag: format!("{}={endpoint}@{}", made.id, made.registry.address()),
        config: made.to_text(),
    };
    global.output.show(&deployed, |deployed| {
        format!("{}\n\nfor config.toml:\n{}", deployed.registry, deployed.config)
    })
}

impl Place {
    /// The registry behind its adapter; asks no endpoint.
    fn open(&self, global: &Global) -> anyhow::Result<Arc<dyn Chain>> {
        let Some(registry) = &self.registry else {
            let configs = Config::read(&DataFolder::of(global)?.config())?.chains;
            return chains::adapter(&known(&configs, &self.chain)?, &configs);
        };
        let config = ChainConfig::of(&self.chain, &self.endpoint, registry);
        chains::adapter(&config.map_err(|why| anyhow::anyhow!(why))?, &[])
    }
}

fn configured(global: &Global, chain: &ChainId) -> anyhow::Result<ChainConfig> {
    known(&Config::read(&DataFolder::of(global)?.config())?.chains, chain)
}

fn known(configs: &[ChainConfig], chain: &ChainId) -> anyhow::Result<ChainConfig> {
    let found = configs.iter().find(|known| known.id == *chain).cloned();
    found.with_context(|| format!("{chain} is not configured: give --endpoint and --registry"))
}

//! `anchorhold anchor`: registries on chains, and the records in them.

mod record;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use chain::{AccountKey, Chain, ChainError, Wallets as _};
use clap::Subcommand;
use ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use serde::Serialize;
use types::{AccountId, ChainId};
use url::Url;

use crate::{
    args::Global,
    chains,
    config::{ChainConfig, Config},
    folder::DataFolder,
    secret,
};

/// Nobody's address, since the zero address is none: asked for its code to see which chain an
/// endpoint serves.
const NOBODY: &str = "0x0000000000000000000000000000000000000001";

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
    /// A file with the key of the account that pays, as 64 hex digits, which only you may read.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The account that the key must be of.
    #[arg(long)]
    account: Option<AccountId>,
    /// Who answers for the chain, instead of what the configuration says.
    #[arg(long, value_name = "URL")]
    endpoint: Option<Url>,
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
    if args.chain.namespace() != "eip155" {
        bail!("chain {}: registries are deployed on eip155 chains alone", args.chain);
    }
    let endpoint = match &args.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => {
            let mut endpoints = configured(global, &args.chain)?.endpoints;
            endpoints.truncate(1);
            endpoints.pop().context("the configuration names no endpoint")?
        }
    };
    let key = AccountKey::from_bytes(*secret::key(&args.key_file)?);
    let payer = EthereumWallets.account(&args.chain, &key)?;
    if let Some(account) = args.account.filter(|account| *account != payer) {
        bail!("{} is the key of {payer}, not of {account}", args.key_file.display());
    }
    let config = EthereumConfig::new(endpoint.clone());
    let nobody = Ethereum::new(AccountId::new(&args.chain, NOBODY)?, config.clone())?;
    match nobody.verify_registry().await {
        Ok(()) | Err(ChainError::NoRegistry { .. } | ChainError::OtherRegistry { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    global.output.progress(&format!("{payer} deploys a registry"));
    let deployed = Ethereum::deploy(config, &key).await?;
    let registry = deployed.locator().id().clone();
    let made = ChainConfig::one(args.chain.clone(), endpoint.clone(), registry);
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
        let config = match &self.registry {
            None => configured(global, &self.chain)?,
            Some(registry) => ChainConfig::of(&self.chain, &self.endpoint, registry)
                .map_err(|why| anyhow::anyhow!(why))?,
        };
        chains::adapter(&config)
    }
}

fn configured(global: &Global, chain: &ChainId) -> anyhow::Result<ChainConfig> {
    let folder = DataFolder::of(global)?;
    let config = Config::read(&folder.config())?;
    let found = config.chains.into_iter().find(|known| known.id == *chain);
    found.with_context(|| format!("{chain} is not configured: give --endpoint and --registry"))
}

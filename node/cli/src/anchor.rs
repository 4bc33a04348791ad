//! `anchorhold anchor`: registries on chains.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chain::{AccountKey, Chain as _, ChainError, Wallets as _};
use clap::Subcommand;
use ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use serde::Serialize;
use types::{AccountId, ChainId};
use url::Url;

use crate::{
    args::Global,
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
    let AnchorCommand::Deploy(args) = command;
    if args.chain.namespace() != "eip155" {
        bail!("chain {}: registries are deployed on eip155 chains alone", args.chain);
    }
    let endpoint = match &args.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => configured(global, &args.chain)?,
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
    let made = ChainConfig { id: args.chain.clone(), endpoint: endpoint.clone(), registry };
    let deployed = Deployed {
        registry: made.registry.to_string(),
        chain: made.id.to_string(),
        flag: format!("{}={}@{}", made.id, made.endpoint, made.registry.address()),
        config: made.to_text(),
    };
    global.output.show(&deployed, |deployed| {
        format!("{}\n\nfor config.toml:\n{}", deployed.registry, deployed.config)
    })
}

fn configured(global: &Global, chain: &ChainId) -> anyhow::Result<Url> {
    let folder = DataFolder::of(global)?;
    let config = Config::read(&folder.config())?;
    let found = config.chains.into_iter().find(|known| known.id == *chain);
    let found = found.with_context(|| format!("{chain} is not configured: give --endpoint"))?;
    Ok(found.endpoint)
}

//! A development chain: the JSON-RPC of NEAR in front of its own VM.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anchorhold_devnet_near::{
    AccountId, Balance, ChainConfig, Devnet, DevnetConfig, GenesisAccount, Mining, Time,
};
use anyhow::{Context, Result, bail};
use clap::Parser;
use near_crypto::SecretKey;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// Runs a development chain that speaks NEAR's JSON-RPC, until it is told to end.
///
/// When it answers, it prints one line of JSON: its URL, the chain's name, and the accounts that
/// it begins with, each with the seed of its Ed25519 key. All of it is in memory and gone at the
/// end.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on, on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 3030)]
    port: u16,
    /// How many accounts to begin with, `dev-0.near` and on, with keys that follow from the names.
    #[arg(long, default_value_t = 10)]
    accounts: u16,
    /// An account to begin with, by name, or by name and key: `alice.near=ed25519:…`. May be given
    /// several times.
    #[arg(long = "account", value_name = "NAME[=KEY]")]
    named: Vec<String>,
    /// What each of them has, in NEAR.
    #[arg(long, default_value_t = 10_000)]
    balance: u32,
    /// The chain's name, as wallets and contracts see it.
    #[arg(long, default_value = "localnet")]
    chain_id: String,
    /// Milliseconds from block to block; 0 makes none but by `--at-once`.
    #[arg(long, default_value_t = 300)]
    block_time_ms: u64,
    /// Makes blocks as soon as a transaction comes, until all that it leads to is final.
    #[arg(long)]
    at_once: bool,
    /// How many take turns in producing blocks.
    #[arg(long, default_value_t = 1)]
    producers: u16,
    /// Blocks of an epoch.
    #[arg(long, default_value_t = 500)]
    epoch_blocks: u64,
    /// For how many blocks a transaction may be included after the one that it names.
    #[arg(long, default_value_t = 86_400)]
    validity_blocks: u64,
}

impl Arguments {
    fn accounts(&self) -> Result<Vec<GenesisAccount>> {
        let balance = Balance::from_near(self.balance.into());
        let mut accounts = Vec::new();
        for index in 0..self.accounts {
            let id: AccountId = format!("dev-{index}.near").parse()?;
            accounts.push(GenesisAccount::new(id, balance));
        }
        for named in &self.named {
            let (name, key) = named.split_once('=').unzip();
            let name = name.unwrap_or(named);
            let id = name.parse().with_context(|| format!("{name} is no account id"))?;
            let mut account = GenesisAccount::new(id, balance);
            if let Some(key) = key {
                account.key = key.parse().with_context(|| format!("not a key of {name}"))?;
            }
            accounts.push(account);
        }
        Ok(accounts)
    }

    fn config(&self) -> Result<DevnetConfig> {
        if self.block_time_ms == 0 && !self.at_once {
            bail!("without a block time and without --at-once there would never be a block");
        }
        let every = (self.block_time_ms > 0).then(|| Duration::from_millis(self.block_time_ms));
        Ok(DevnetConfig {
            chain: ChainConfig {
                chain_id: self.chain_id.clone(),
                producers: self.producers,
                epoch_blocks: self.epoch_blocks,
                validity_blocks: self.validity_blocks,
                accounts: self.accounts()?,
                ..ChainConfig::default()
            },
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)),
            mining: Mining { at_once: self.at_once, every },
            time: Time::System,
        })
    }
}

/// The seed of an Ed25519 key, in hex; keys of other kinds as NEAR writes them.
fn secret(key: &SecretKey) -> String {
    match key {
        SecretKey::ED25519(key) => hex::encode(&key.0[..32]),
        other => other.to_string(),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let config = Arguments::parse().config()?;
    let accounts: Vec<_> = config
        .chain
        .accounts
        .iter()
        .map(|account| json!({ "address": account.id, "secret": secret(&account.key) }))
        .collect();
    let mut terminate = signal(SignalKind::terminate())?;
    let devnet = Devnet::start(config).await.context("cannot listen")?;
    let ready = json!({ "url": devnet.url(), "chain": devnet.chain_name(), "accounts": accounts });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()?;
    drop(out);
    tokio::select! {
        _ = terminate.recv() => (),
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

//! A development replica on this machine, until it is asked to end.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use anchorhold_devnet_icp::{DevAccount, Devnet, DevnetConfig, ReplicaConfig, chain_id};
use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::json;

/// A development replica of the Internet Computer on this machine.
///
/// Answers the HTTP interface (status, query, call, read_state) for canisters that clients create
/// with provisional_create_canister_with_cycles. Forgets everything when it ends.
///
/// Prints one line of JSON on standard output when it is ready: url, chain, rootKey, accounts.
/// The secrets of the accounts are the same for everybody. Ends on SIGTERM or SIGINT.
#[derive(Debug, Parser)]
#[command(name = "anchorhold-devnet-icp", version)]
struct Options {
    /// The port on the loopback address; 0 for any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many accounts to print, each with its Ed25519 seed.
    #[arg(long, default_value_t = 10)]
    accounts: u32,
    /// What the network's keys follow from: another number, another root key.
    #[arg(long, default_value_t = 7)]
    seed: u8,
    /// Milliseconds from round to round: timers, heartbeats, bounded waits.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    round_ms: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let config = DevnetConfig {
        addr: SocketAddr::from(([127, 0, 0, 1], options.port)),
        round: Duration::from_millis(options.round_ms),
        replica: ReplicaConfig { seed: [options.seed; 32], ..ReplicaConfig::default() },
    };
    let devnet = Devnet::start_with(config).await?;
    let accounts = (0..options.accounts).map(DevAccount::new).map(|account| {
        json!({ "address": account.principal.to_text(), "secret": hex::encode(account.secret) })
    });
    let root_key = devnet.root_key();
    let ready = json!({
        "url": devnet.url(),
        "chain": chain_id(&root_key),
        "rootKey": hex::encode(&root_key),
        "accounts": accounts.collect::<Vec<_>>(),
    });
    let mut out = std::io::stdout();
    writeln!(out, "{ready}").and_then(|()| out.flush()).context("nobody reads")?;
    ended().await
}

/// Waits until the process is asked to end.
async fn ended() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

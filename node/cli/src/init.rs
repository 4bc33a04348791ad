//! `anchorhold init`: keys, token and configuration of a new node.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    path::Path,
};

use anyhow::{Context as _, bail};
use net::{Address, Peer};
use rand_core::{OsRng, RngCore as _};
use serde::Serialize;
use store::keystore::{Keystore, Unlock, generate_key_file};

use crate::{
    args::Global,
    chains,
    config::{ChainConfig, Config},
    folder::{self, DataFolder},
    run,
    unlock::{self, UnlockArgs},
};

/// Where a new node looks for a port: below what systems hand out to outgoing connections, so that
/// the port is free again at the next start.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Ports that are tried.
const PORT_TRIES: usize = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    unlock: UnlockArgs,
    /// Ask for a new passphrase instead of making a key file.
    #[arg(long, conflicts_with_all = ["passphrase_file", "key_file"])]
    ask_passphrase: bool,
    #[command(flatten)]
    choices: Choices,
}

/// What goes into the configuration.
#[derive(Debug, clap::Args)]
struct Choices {
    /// Where peers reach the node, as a multiaddress; may be given several times.
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<Address>,
    /// A peer to stay in touch with; may be given several times.
    #[arg(long, value_name = "MULTIADDR")]
    bootstrap: Vec<Address>,
    /// Where the API listens.
    #[arg(long, value_name = "ADDR")]
    api_addr: Option<SocketAddr>,
    /// Do not look for peers on the local network.
    #[arg(long)]
    no_mdns: bool,
    /// A registry on a chain, and who answers for the chain; may be given several times. Of several
    /// endpoints a majority must agree.
    #[arg(long, value_name = "CHAIN=ENDPOINT,…@REGISTRY")]
    chain: Vec<ChainConfig>,
}

#[derive(Debug, Serialize)]
struct Made {
    data: String,
    config: String,
    peer: String,
    locked_by: String,
}

pub(crate) fn init(global: &Global, args: InitArgs) -> anyhow::Result<()> {
    let folder = DataFolder::of(global)?;
    if Keystore::exists(folder.path())? {
        bail!("there is a node in {} already", folder.path().display());
    }
    let named = args.unlock.named()?;
    let config = configuration(&folder.config(), args.choices)?;
    let chosen = if args.ask_passphrase { Some(unlock::choose()?) } else { named };
    folder.make()?;
    let unlock = match chosen {
        Some(unlock) => unlock,
        None => made_key(&folder)?,
    };
    if let Some(config) = config {
        folder::write(&folder.config(), &config.to_text(), 0o600)?;
    }
    run::token(&folder)?;
    // Last: what comes before can be done again, and a folder with a keystore is a node.
    let keystore = Keystore::create(folder.path(), &unlock, &mut OsRng)?;
    let made = Made {
        data: folder.path().display().to_string(),
        config: folder.config().display().to_string(),
        peer: Peer::of_seed(keystore.node_seed()).to_string(),
        locked_by: match &unlock {
            Unlock::Passphrase(_) => "a passphrase".to_owned(),
            Unlock::KeyFile(path) => path.display().to_string(),
        },
    };
    global.output.show(&made, |made| {
        format!(
            "made a node in {}\n  peer    {}\n  config  {}\n  keys are locked by {}",
            made.data, made.peer, made.config, made.locked_by
        )
    })
}

/// The key file of an earlier try that did not come to a keystore is as good as a new one.
fn made_key(folder: &DataFolder) -> anyhow::Result<Unlock> {
    if !folder.key().is_file() {
        generate_key_file(&folder.key(), &mut OsRng)?;
    }
    Ok(Unlock::KeyFile(folder.key()))
}

/// What to write; `None` to keep a file that is there.
fn configuration(path: &Path, choices: Choices) -> anyhow::Result<Option<Config>> {
    let Choices { listen, bootstrap, api_addr, no_mdns, chain } = choices;
    if path.try_exists().with_context(|| format!("cannot read {}", path.display()))? {
        let given = !listen.is_empty() || !bootstrap.is_empty() || !chain.is_empty();
        if given || api_addr.is_some() || no_mdns {
            bail!("{} exists: change it there, or leave the options out", path.display());
        }
        return Config::read(path).map(|_| None);
    }
    let default = Config::default();
    let config = Config {
        listen: if listen.is_empty() { default_listen()? } else { listen },
        bootstrap,
        mdns: !no_mdns,
        api_addr: api_addr.unwrap_or(default.api_addr),
        chains: chain,
        ..default
    };
    chains::open(&config.chains)?;
    // What is written must be read again: this finds a chain that stands there twice.
    match config.to_text().parse::<Config>() {
        Ok(_) => Ok(Some(config)),
        Err(why) => bail!("{why}"),
    }
}

/// TCP and QUIC on all interfaces, on a port that is free now.
fn default_listen() -> anyhow::Result<Vec<Address>> {
    let port = free_port().context("no free port found; give --listen")?;
    let texts = [format!("/ip4/0.0.0.0/tcp/{port}"), format!("/ip4/0.0.0.0/udp/{port}/quic-v1")];
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}

fn free_port() -> Option<u16> {
    let count = u32::from(PORTS.end - PORTS.start);
    let draw = || u16::try_from(OsRng.next_u32() % count).map(|number| PORTS.start + number);
    (0..PORT_TRIES).filter_map(|_| draw().ok()).find(|port| {
        let address = ("0.0.0.0", *port);
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    })
}

//! `anchorhold run`: the daemon. Builds the rooms, joins them, and takes them down in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use api::{Server, Token};
use engine::{
    Engine, EngineParts,
    port::{NetInput, NetOutput, PORT_CAPACITY},
};
use net::{Address, Discovery, Net, NetConfig, NetEvent, NetHandle};
use rand_core::{OsRng, RngCore as _};
use runtime::{Runtime, RuntimeConfig};
use store::{Batch, Durability, Keystore, Store, StoreConfig, SyncPolicy};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use zeroize::Zeroizing;

use crate::{
    args::Global,
    bridge::Bridge,
    chains::{self, Chains},
    config::{Config, Sync},
    folder::{self, DataFolder},
    logs::{self, LogFormat},
    output, secret,
    unlock::UnlockArgs,
};

/// Name of the secret that seals the cache of compiled applications.
const CACHE_KEY: &str = "runtime-cache";
/// How long requests under way may take after the node was asked to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    unlock: UnlockArgs,
    /// Where the API listens, instead of what the configuration says.
    #[arg(long, value_name = "ADDR")]
    api_addr: Option<SocketAddr>,
    /// Where peers reach the node, instead of what the configuration says.
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<Address>,
    /// Do not look for peers on the local network.
    #[arg(long)]
    no_mdns: bool,
    /// How log lines look; the variable ANCHORHOLD_LOG says what is logged.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
}

/// What the node is made of while it runs.
struct Rooms {
    engine: Engine,
    router: JoinHandle<()>,
    net: NetHandle,
    bridge: Bridge,
}

pub(crate) async fn run(global: &Global, args: RunArgs) -> anyhow::Result<()> {
    logs::start(args.log)?;
    let stop = Stop::listen()?;
    let folder = DataFolder::of(global)?;
    let config = overridden(Config::read(&folder.config())?, &args);
    let chains = chains::open(&config.chains)?;
    let keystore = Keystore::open(folder.path(), &args.unlock.find(&folder)?)?;
    let store = Store::open(folder.path(), store_config(config.sync))?;
    let token = token(&folder)?;
    let server = Server::bind(config.api_addr).await?;
    let address = server.address()?;
    let rooms = start(&folder, &config, keystore, store, chains.clone()).await?;
    let checks = tokio::spawn(chains::check(chains));
    folder::write(&folder.api_addr(), &format!("{address}\n"), 0o600)?;
    let peer = rooms.net.local_peer();
    output::line(&format!("ready: api http://{address} peer {peer}"))?;
    let served = serve(server, rooms, token, stop).await;
    checks.abort();
    folder::remove(&folder.api_addr()).context("cannot remove the address of the API")?;
    served
}

fn overridden(config: Config, args: &RunArgs) -> Config {
    Config {
        api_addr: args.api_addr.unwrap_or(config.api_addr),
        listen: if args.listen.is_empty() { config.listen } else { args.listen.clone() },
        mdns: config.mdns && !args.no_mdns,
        ..config
    }
}

fn store_config(sync: Sync) -> StoreConfig {
    let sync_policy = match sync {
        Sync::Always => SyncPolicy::Always,
        Sync::Relaxed => SyncPolicy::Relaxed,
    };
    StoreConfig { sync_policy, ..StoreConfig::default() }
}

async fn start(
    folder: &DataFolder,
    config: &Config,
    keystore: Keystore,
    store: Store,
    chains: Chains,
) -> anyhow::Result<Rooms> {
    let cache_key = cache_key(&keystore, &store)?;
    let runtime = Runtime::open(&RuntimeConfig { cache_dir: folder.cache(), cache_key })?;
    let (net, events) = Net::start(net_config(config, &keystore)).await?;
    let peer = net.local_peer();
    let parts = EngineParts {
        store,
        keystore: Arc::new(keystore),
        runtime,
        chains,
        wallets: chains::wallets(),
        peer: (peer.to_bytes(), peer.to_string()),
    };
    join(parts, net, events)
}

fn join(
    parts: EngineParts,
    net: NetHandle,
    events: mpsc::Receiver<NetEvent>,
) -> anyhow::Result<Rooms> {
    let (to_net, from_engine) = mpsc::channel::<NetOutput>(PORT_CAPACITY);
    let (to_engine, inbox) = mpsc::channel::<NetInput>(PORT_CAPACITY);
    // First, so that what the engine says while it starts is heard.
    let bridge = Bridge::start(net.clone(), events, to_engine, from_engine);
    let (engine, router) = Engine::start(parts, to_net, inbox)?;
    Ok(Rooms { engine, router, net, bridge })
}

fn net_config(config: &Config, keystore: &Keystore) -> NetConfig {
    NetConfig {
        seed: keystore.node_seed().clone(),
        listen: config.listen.clone(),
        bootstrap: config.bootstrap.clone(),
        discovery: if config.mdns { Discovery::LocalNetwork } else { Discovery::Off },
    }
}

/// The key of the cache; made at the first start.
fn cache_key(keystore: &Keystore, store: &Store) -> anyhow::Result<[u8; 32]> {
    if let Some(known) = keystore.named(store, CACHE_KEY)? {
        return <[u8; 32]>::try_from(known.as_slice()).context("the cache's key is corrupt");
    }
    let mut key = [0; 32];
    OsRng.fill_bytes(&mut key);
    let mut batch = Batch::new();
    keystore.put_named(&mut batch, CACHE_KEY, &key, &mut OsRng)?;
    store.write(batch, Durability::Synced)?;
    Ok(key)
}

/// The API's token in `folder`; made if there is none.
///
/// # Errors
/// If the file is open to others or holds no token, or what the system says.
pub(crate) fn token(folder: &DataFolder) -> anyhow::Result<Token> {
    let path = folder.token();
    if path.try_exists().with_context(|| format!("cannot read {}", path.display()))? {
        return Ok(Token::from_bytes(&*secret::key(&path)?));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(bytes.as_mut_slice());
    let token = Token::from_bytes(&bytes);
    folder::write(&path, &format!("{}\n", token.as_str()), 0o600)?;
    Ok(token)
}

/// Serves until `stop`, or until something ends that should not; then takes the rooms down.
async fn serve(server: Server, rooms: Rooms, token: Token, mut stop: Stop) -> anyhow::Result<()> {
    let Rooms { engine, router, net, mut bridge } = rooms;
    let (drain, drained) = oneshot::channel::<()>();
    let draining = async move {
        // Told, or the sender is gone: both mean to stop.
        drop(drained.await);
    };
    let mut serving = tokio::spawn(server.serve(engine.clone(), token, draining));
    let outcome = tokio::select! {
        () = stop.asked() => Ok(()),
        () = bridge.ended() => Err(anyhow::anyhow!("the network stopped")),
        ended = &mut serving => match ended {
            Ok(Ok(())) => Err(anyhow::anyhow!("the API stopped")),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        },
    };
    tracing::info!("shutting down");
    drop(drain);
    if outcome.is_ok() && tokio::time::timeout(DRAIN_LIMIT, &mut serving).await.is_err() {
        tracing::warn!("requests were cut off after {DRAIN_LIMIT:?}");
    }
    serving.abort();
    engine.shutdown().await?;
    net.stop().await;
    drop(bridge);
    // With the bridge gone, the router's inbox has ended.
    match tokio::time::timeout(DRAIN_LIMIT, router).await {
        Ok(Ok(())) => outcome,
        Ok(Err(error)) => Err(error.into()),
        Err(_) => bail!("the engine did not stop within {DRAIN_LIMIT:?}"),
    }
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: listen(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

//! A chain that is served over HTTP, with somebody who makes its blocks.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::MissedTickBehavior};

use crate::{
    Chain, ChainConfig, InvalidTxError, SignedTransaction, http,
    sandbox::{self, Sandbox},
};

/// How long a request waits for what it asks for; nearcore's default.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mining {
    /// As soon as a transaction comes, until all that it leads to is final.
    pub at_once: bool,
    /// Again and again, whether or not anything happens.
    pub every: Option<Duration>,
}

/// Where blocks have their time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The system's clock; [`Devnet::advance`] puts the chain ahead of it.
    System,
    /// Only [`Devnet::advance`] and [`Chain::set_time_s`] let time pass.
    ByHand,
}

/// How a development chain is served.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// The chain itself. Its first block's time counts only with [`Time::ByHand`].
    pub chain: ChainConfig,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// When blocks are made.
    pub mining: Mining,
    /// Where they have their time from.
    pub time: Time,
}

impl Default for DevnetConfig {
    /// On loopback, a free port; blocks at once, and one every half second.
    fn default() -> Self {
        Self {
            chain: ChainConfig::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            mining: Mining { at_once: true, every: Some(Duration::from_millis(500)) },
            time: Time::System,
        }
    }
}

/// A running development chain; it ends when this is dropped.
#[derive(Debug)]
pub struct Devnet(Running);

#[derive(Debug)]
enum Running {
    Own {
        node: Arc<Node>,
        /// Aborted with the handle.
        _tasks: JoinSet<()>,
    },
    Sandbox(Sandbox),
}

/// What requests and the maker of blocks share.
#[derive(Debug)]
pub(crate) struct Node {
    // A leaf lock, never held over an await: every request looks at one state of the chain.
    clock: Mutex<Clocked>,
    heads: watch::Sender<u64>,
    mining: Mining,
    addr: SocketAddr,
    started: Instant,
}

#[derive(Debug)]
struct Clocked {
    chain: Chain,
    time: Time,
    /// How far ahead of the system's clock the chain is.
    ahead: Duration,
}

/// The chain, as long as nobody else may look at it.
pub(crate) struct Held<'a>(MutexGuard<'a, Clocked>);

impl std::ops::Deref for Held<'_> {
    type Target = Chain;

    fn deref(&self) -> &Chain {
        &self.0.chain
    }
}

impl std::ops::DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Chain {
        &mut self.0.chain
    }
}

impl Devnet {
    /// Starts one; it answers when this returns.
    ///
    /// Where `NEAR_SANDBOX_BIN_PATH` is set, that program runs in its place: with the same
    /// accounts, but at an address, with blocks and at a time of its own.
    ///
    /// # Errors
    /// If it cannot listen where it should, or the sandbox does not start.
    pub async fn start(config: DevnetConfig) -> io::Result<Self> {
        match std::env::var_os(sandbox::VARIABLE) {
            None => Self::start_own(config).await,
            Some(program) => {
                let start = move || Sandbox::start(&program, &config.chain);
                let started = tokio::task::spawn_blocking(start).await;
                let sandbox = started.map_err(io::Error::other)??;
                Ok(Self(Running::Sandbox(sandbox)))
            }
        }
    }

    /// Starts our own, whatever the environment says: for tests that look into it.
    ///
    /// # Errors
    /// If it cannot listen where it should.
    pub async fn start_own(config: DevnetConfig) -> io::Result<Self> {
        let DevnetConfig { mut chain, listen, mining, time } = config;
        if time == Time::System {
            chain.genesis_time_s = now_ns() / 1_000_000_000;
        }
        let listener = TcpListener::bind(listen).await?;
        let node = Arc::new(Node {
            addr: listener.local_addr()?,
            clock: Mutex::new(Clocked { chain: Chain::new(chain), time, ahead: Duration::ZERO }),
            heads: watch::Sender::new(0),
            mining,
            started: Instant::now(),
        });
        // So that the first block that is final is not the first of all.
        node.change(|chain| chain.produce_many(3));
        let mut tasks = JoinSet::new();
        tasks.spawn(http::serve(listener, Arc::clone(&node)));
        if let Some(every) = mining.every {
            tasks.spawn(keep_making_blocks(Arc::clone(&node), every));
        }
        Ok(Self(Running::Own { node, _tasks: tasks }))
    }

    /// Our own chain.
    fn node(&self) -> &Node {
        match &self.0 {
            Running::Own { node, .. } => node,
            Running::Sandbox(_) => panic!("nobody can look into the sandbox's chain"),
        }
    }

    /// Where its JSON-RPC answers.
    pub fn url(&self) -> String {
        let addr = match &self.0 {
            Running::Own { node, .. } => node.addr,
            Running::Sandbox(sandbox) => sandbox.addr(),
        };
        format!("http://{addr}")
    }

    /// The chain's name as wallets see it, e.g. `near:localnet`.
    pub fn chain_name(&self) -> String {
        match &self.0 {
            Running::Own { node, .. } => format!("near:{}", node.chain().config().chain_id),
            Running::Sandbox(sandbox) => format!("near:{}", sandbox.chain_id),
        }
    }

    /// Does something with the chain itself, while nobody else can.
    ///
    /// What it changes beside making blocks is seen once there is another block.
    ///
    /// # Panics
    /// If it is a sandbox's chain: see [`Self::start_own`].
    pub fn with<T>(&self, change: impl FnOnce(&mut Chain) -> T) -> T {
        self.node().change(change)
    }

    /// Makes `count` blocks.
    ///
    /// # Panics
    /// If a sandbox does not.
    pub fn produce(&self, count: u64) {
        match &self.0 {
            Running::Own { node, .. } => node.change(|chain| chain.produce_many(count)),
            Running::Sandbox(sandbox) => {
                sandbox.fast_forward(count).expect("the sandbox goes forward");
            }
        }
    }

    /// Lets time pass for the chain, and makes a block.
    ///
    /// # Panics
    /// If a sandbox does not.
    pub fn advance(&self, time: Duration) {
        match &self.0 {
            Running::Own { node, .. } => node.advance(time, 1),
            Running::Sandbox(sandbox) => {
                sandbox.fast_forward(time.as_secs().max(1)).expect("the sandbox goes forward");
            }
        }
    }
}

impl Node {
    /// The chain, to look at.
    pub(crate) fn chain(&self) -> Held<'_> {
        // A panic elsewhere left the chain between two of its own methods: it is whole.
        Held(self.clock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells when there is another block.
    pub(crate) fn heads(&self) -> watch::Receiver<u64> {
        self.heads.subscribe()
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Changes the chain at the time that it is, and tells those who wait.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Chain) -> T) -> T {
        let mut held = self.chain();
        if held.0.time == Time::System {
            let ahead = u64::try_from(held.0.ahead.as_nanos()).unwrap_or(u64::MAX);
            let time_ns = now_ns().saturating_add(ahead);
            held.set_time_ns(time_ns);
        }
        let changed = change(&mut held);
        let height = held.head().height();
        drop(held);
        self.heads.send_replace(height);
        changed
    }

    pub(crate) fn submit(&self, signed: SignedTransaction) -> Result<(), InvalidTxError> {
        self.change(|chain| {
            chain.submit(signed)?;
            if self.mining.at_once {
                chain.settle();
            }
            Ok(())
        })
    }

    /// Lets time pass, and makes `blocks` blocks.
    pub(crate) fn advance(&self, time: Duration, blocks: u64) {
        {
            let mut held = self.chain();
            held.0.ahead = held.0.ahead.saturating_add(time);
            held.advance(time);
        }
        self.change(|chain| chain.produce_many(blocks));
    }
}

async fn keep_making_blocks(node: Arc<Node>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    // A process that was stopped for a while does not make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        node.change(|chain| {
            chain.produce();
        });
    }
}

/// Nanoseconds since 1970.
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

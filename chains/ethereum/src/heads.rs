//! Tells of new blocks, where endpoints do: `newHeads` through WebSockets. Source: geth, real-time
//! events.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use chain::BoxError;
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use url::Url;

use crate::rpc::{Socket, is_socket};

/// Pause before a connection that broke off is opened again.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest such pause, after several failures.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A chain that tells nothing for so long has stopped, or its connection died unseen.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// The subscriptions of one registry. They begin when somebody first waits, and end with it.
#[derive(Debug)]
pub(crate) struct Heads {
    sockets: Vec<Url>,
    told: watch::Sender<u64>,
    // A leaf lock: held to spawn, never over an await.
    tasks: Mutex<JoinSet<()>>,
}

impl Heads {
    pub(crate) fn new(endpoints: &[Url]) -> Self {
        let sockets = endpoints.iter().filter(|url| is_socket(url)).cloned().collect();
        Self { sockets, told: watch::Sender::new(0), tasks: Mutex::default() }
    }

    /// Resolves at the next block that any endpoint tells of; never if none can.
    pub(crate) async fn changed(&self) {
        if self.sockets.is_empty() {
            return core::future::pending().await;
        }
        let mut told = self.told.subscribe();
        self.begin();
        // The sender lives as long as `self`.
        if told.changed().await.is_err() {
            core::future::pending().await
        }
    }

    fn begin(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.is_empty() {
            for url in &self.sockets {
                tasks.spawn(follow(url.clone(), self.told.clone()));
            }
        }
    }
}

/// Subscribes, over and over.
async fn follow(url: Url, told: watch::Sender<u64>) {
    let mut pause = PAUSE;
    loop {
        let mut count = 0_u64;
        // Why it ended does not matter: readings go on without, and say what is wrong.
        drop(subscription(&url, &told, &mut count).await);
        pause = if count > 0 { PAUSE } else { (pause * 2).min(PAUSE_MAX) };
        sleep(pause).await;
    }
}

async fn subscription(
    url: &Url,
    told: &watch::Sender<u64>,
    count: &mut u64,
) -> Result<(), BoxError> {
    let mut socket = timeout(SILENCE_MAX, Socket::connect(url)).await??;
    let id = socket.next_id();
    let request = json!({
        "jsonrpc": "2.0", "id": id, "method": "eth_subscribe", "params": ["newHeads"],
    });
    let answer = timeout(SILENCE_MAX, socket.ask(id, request.to_string())).await??;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    if !answer["result"].is_string() {
        return Err("it has no subscriptions".into());
    }
    loop {
        // What it says about the block is not looked at.
        timeout(SILENCE_MAX, socket.next()).await??;
        *count = count.saturating_add(1);
        told.send_modify(|blocks| *blocks = blocks.wrapping_add(1));
    }
}

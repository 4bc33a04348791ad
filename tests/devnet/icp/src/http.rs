//! The HTTP interface in front of a replica. Source: IC interface specification, "HTTPS Interface".

mod answer;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use candid::Principal;
use tokio::{net::TcpListener, task::JoinHandle, time::MissedTickBehavior};

use crate::{
    authority::Ranges,
    replica::{Replica, ReplicaConfig, Seat},
};

/// Most bytes of a request; an installation of 2 MiB fits.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// How a development network behaves.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// Where it listens; port 0 for any that is free.
    pub addr: SocketAddr,
    /// How often timers, heartbeats and bounded waits are looked after.
    pub round: Duration,
    /// The replica's own; its time is the machine's instead.
    pub replica: ReplicaConfig,
}

impl Default for DevnetConfig {
    /// Any free port of this machine, five rounds a second.
    fn default() -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            round: Duration::from_millis(200),
            replica: ReplicaConfig::default(),
        }
    }
}

/// A replica that answers on HTTP until it is dropped.
#[derive(Debug)]
pub struct Devnet {
    addr: SocketAddr,
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct Shared {
    // Held for one request at a time, never over an await: the replica is one state.
    replica: Mutex<Replica>,
    /// How far the replica's clock is ahead of the machine's.
    ahead_ns: AtomicU64,
}

impl Devnet {
    /// Starts one with [`DevnetConfig::default`].
    ///
    /// # Errors
    /// As [`Devnet::start_with`].
    pub async fn start() -> Result<Self> {
        Self::start_with(DevnetConfig::default()).await
    }

    /// Starts one.
    ///
    /// # Errors
    /// If it cannot listen there.
    pub async fn start_with(config: DevnetConfig) -> Result<Self> {
        let listener = TcpListener::bind(config.addr).await.context("cannot listen")?;
        let addr = listener.local_addr().context("cannot tell the address")?;
        let shared = Arc::new(Shared {
            replica: Mutex::new(Replica::new(config.replica)),
            ahead_ns: AtomicU64::new(0),
        });
        drop(shared.replica());
        let router = router(shared.clone());
        let server = tokio::spawn(async move {
            // It ends by being aborted alone.
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the development replica ended: {error}");
            }
        });
        let rounds = tokio::spawn(rounds(shared.clone(), config.round));
        Ok(Self { addr, shared, tasks: [server, rounds] })
    }

    /// Where it answers, e.g. `http://127.0.0.1:4943`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The network's root key in DER.
    pub fn root_key(&self) -> Vec<u8> {
        self.with(|replica| replica.root_key().to_vec())
    }

    /// Looks into the replica, or changes it, beside its HTTP interface.
    pub fn with<T>(&self, work: impl FnOnce(&mut Replica) -> T) -> T {
        work(&mut self.shared.replica())
    }

    /// Sets the replica's clock ahead of the machine's, for good. Clients refuse what is older
    /// than five minutes by their own clocks, and the replica what has expired by its.
    pub fn advance(&self, time: Duration) {
        let ahead = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.shared.ahead_ns.fetch_add(ahead, Ordering::Relaxed);
        self.shared.replica().tick();
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    /// The replica, at the present time.
    fn replica(&self) -> MutexGuard<'_, Replica> {
        // A panic is a failed test; the state is still one.
        let mut replica = self.replica.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        replica.follow(self.now_ns());
        replica
    }

    fn now_ns(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        now.saturating_add(self.ahead_ns.load(Ordering::Relaxed))
    }
}

/// Looks after what is due, for ever.
async fn rounds(shared: Arc<Shared>, round: Duration) {
    let mut interval = tokio::time::interval(round);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let shared = shared.clone();
        let ticked = tokio::task::spawn_blocking(move || shared.replica().tick());
        if ticked.await.is_err() {
            return; // The runtime ends, or the replica panicked and said so.
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/v2/status", get(status))
        .route("/api/{version}/canister/{id}/{what}", post(canister))
        .route("/api/{version}/subnet/{id}/{what}", post(subnet))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(shared)
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let body = answer::status(&shared.replica());
    cbor(body)
}

async fn canister(
    state: State<Arc<Shared>>,
    Path((version, id, what)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    match Principal::from_text(&id) {
        Ok(id) => request(state, (version, Seat::Canister(id), what), body).await,
        Err(_) => (StatusCode::BAD_REQUEST, "the canister's id is malformed").into_response(),
    }
}

async fn subnet(
    state: State<Arc<Shared>>,
    Path((version, id, what)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    match Principal::from_text(&id) {
        Ok(id) => request(state, (version, Seat::Subnet(id), what), body).await,
        Err(_) => (StatusCode::BAD_REQUEST, "the subnet's id is malformed").into_response(),
    }
}

/// Which interface a request came by.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// An update, answered with a certificate, or not waited for.
    Call(Option<Ranges>),
    Query(Ranges),
    ReadState(Ranges),
}

async fn request(
    State(shared): State<Arc<Shared>>,
    (version, seat, what): (String, Seat, String),
    body: Bytes,
) -> Response {
    let way = match (version.as_str(), what.as_str()) {
        ("v2", "call") => Way::Call(None),
        ("v3", "call") => Way::Call(Some(Ranges::Flat)),
        ("v4", "call") => Way::Call(Some(Ranges::Sharded)),
        ("v2", "query") => Way::Query(Ranges::Flat),
        ("v3", "query") => Way::Query(Ranges::Sharded),
        ("v2", "read_state") => Way::ReadState(Ranges::Flat),
        ("v3", "read_state") => Way::ReadState(Ranges::Sharded),
        _ => return (StatusCode::NOT_FOUND, "there is no such interface").into_response(),
    };
    // Signatures and guests take their time.
    let work = tokio::task::spawn_blocking(move || answer::request(&shared, way, seat, &body));
    match work.await {
        Ok(Ok(Some(body))) => cbor(body),
        Ok(Ok(None)) => StatusCode::ACCEPTED.into_response(),
        Ok(Err(refusal)) => {
            let status = match refusal {
                crate::ingress::Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
                crate::ingress::Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            };
            (status, refusal.to_string()).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn cbor(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/cbor")], body).into_response()
}

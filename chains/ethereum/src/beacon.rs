//! Follows the beacon chain through a REST endpoint that need not be believed: whatever it says is
//! checked by [`crate::light_client`]. Source: Ethereum Beacon APIs, `light_client`.

mod message;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy::primitives::B256;
use async_trait::async_trait;
use chain::{BoxError, ChainError, Consensus};
use governance::log::BlockRef;
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use types::Hash;
use url::Url;

use self::message::Message;
use crate::{
    light_client::{Bootstrap, Execution, Freshness, Network, Refused, Store, Update},
    wire,
};

/// Longest answer that is read, in bytes: an update has about 60,000 in JSON.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Updates that are asked for at once.
const UPDATES_MAX: u64 = 32;
/// Questions about updates in one turn: more than a year of periods.
const TURNS_MAX: usize = 16;

/// How to follow a beacon chain.
#[derive(Clone, Debug)]
pub struct LightClientConfig {
    /// Where its REST API listens: `http` or `https`.
    pub beacon: Url,
    /// Root of a final block that the operator trusts. It must be younger than the weak
    /// subjectivity period (about two weeks) when the node starts.
    pub checkpoint: Hash,
    /// Which beacon chain.
    pub network: Network,
}

impl LightClientConfig {
    /// For the beacon chain under this execution chain; `None` if it is none that is known here.
    pub fn new(chain_number: u64, beacon: Url, checkpoint: Hash) -> Option<Self> {
        let network = match chain_number {
            1 => Network::mainnet(),
            560_048 => Network::hoodi(),
            11_155_111 => Network::sepolia(),
            _ => return None,
        };
        Some(Self { beacon, checkpoint, network })
    }
}

/// A light client that asks one endpoint.
#[derive(Debug)]
pub(crate) struct Beacon {
    http: reqwest::Client,
    config: LightClientConfig,
    /// Scheme, host and port alone: the rest of a URL often holds a secret.
    name: String,
    // Held while one reader follows; the others wait for what it finds.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    store: Option<Store>,
    asked_at: Option<Instant>,
}

impl Beacon {
    pub(crate) fn new(config: LightClientConfig, timeout: Duration) -> Result<Self, ChainError> {
        let host = config.beacon.host_str().unwrap_or("?");
        let name = match config.beacon.port() {
            Some(port) => format!("{}://{host}:{port}", config.beacon.scheme()),
            None => format!("{}://{host}", config.beacon.scheme()),
        };
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unreachable(&name, "connect", error.into()))?;
        Ok(Self { http, config, name, state: Mutex::default() })
    }

    /// Takes in what is new at `now_s` (Unix seconds). What was taken in stays, whatever fails.
    async fn follow(&self, known: &mut Option<Store>, now_s: u64) -> Result<(), ChainError> {
        let store = match known {
            Some(store) => store,
            None => known.insert(self.bootstrap().await?),
        };
        if let Freshness::Stale { age_s } = store.freshness(now_s) {
            return Err(ChainError::OldCheckpoint { age_days: age_s / (24 * 60 * 60) });
        }
        let network = store.network();
        let period = network.preset.period(network.slot_at(now_s));
        for _ in 0..TURNS_MAX {
            let wanted = store.wanted_period();
            if wanted > period {
                break;
            }
            self.take_updates(store, wanted, now_s).await?;
            if store.wanted_period() == wanted {
                break;
            }
        }
        let message = self.get(FINALITY, "finality_update").await?;
        let update = message.finality(&self.config.network);
        self.take(store, FINALITY, &update.map_err(|why| self.bad(FINALITY, why))?, now_s)
    }

    async fn bootstrap(&self) -> Result<Store, ChainError> {
        const METHOD: &str = "light_client/bootstrap";
        let checkpoint = self.config.checkpoint;
        let message = self.get(METHOD, &format!("bootstrap/0x{checkpoint}")).await?;
        let bootstrap: Bootstrap =
            message.bootstrap(&self.config.network).map_err(|why| self.bad(METHOD, why))?;
        let network = self.config.network.clone();
        let trusted = B256::from(*checkpoint.as_bytes());
        Store::bootstrap(network, &trusted, &bootstrap).map_err(|why| self.lied(METHOD, why))
    }

    async fn take_updates(
        &self,
        store: &mut Store,
        start: u64,
        now_s: u64,
    ) -> Result<(), ChainError> {
        const METHOD: &str = "light_client/updates";
        let path = format!("updates?start_period={start}&count={UPDATES_MAX}");
        let answer = self.json(METHOD, &path).await?;
        let list = answer.as_array().ok_or_else(|| self.bad(METHOD, "it is no list".into()))?;
        for value in list.iter().take(UPDATES_MAX as usize) {
            let message = Message::new(value).map_err(|why| self.bad(METHOD, why))?;
            let update = message.update(&self.config.network);
            let update = update.map_err(|why| self.bad(METHOD, why))?;
            self.take(store, METHOD, &update, now_s)?;
        }
        Ok(())
    }

    fn take(
        &self,
        store: &mut Store,
        method: &'static str,
        update: &Update,
        now_s: u64,
    ) -> Result<(), ChainError> {
        match store.process(update, now_s) {
            Ok(()) | Err(Refused::Known) => Ok(()),
            Err(why) => Err(self.lied(method, why)),
        }
    }

    async fn get(&self, method: &'static str, path: &str) -> Result<Message, ChainError> {
        let answer = self.json(method, path).await?;
        Message::new(&answer).map_err(|why| self.bad(method, why))
    }

    async fn json(&self, method: &'static str, path: &str) -> Result<Value, ChainError> {
        let mut url = self.config.beacon.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        url.set_path(&format!("{base}/eth/v1/beacon/light_client/{path}"));
        url.set_query(query);
        let cut =
            |error: reqwest::Error| unreachable(&self.name, method, error.without_url().into());
        let request = self.http.get(url).header(reqwest::header::ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(cut)?;
        let status = answer.status();
        if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(unreachable(&self.name, method, format!("HTTP status {status}").into()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(cut)? {
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                let what = format!("an answer of more than {ANSWER_BYTES_MAX} bytes");
                return Err(self.bad(method, what.into()));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(self.bad(method, format!("HTTP status {status}").into()));
        }
        serde_json::from_slice(&body).map_err(|error| self.bad(method, error.into()))
    }

    fn bad(&self, method: &'static str, source: BoxError) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source }
    }

    fn lied(&self, method: &'static str, why: Refused) -> ChainError {
        ChainError::Lied { endpoint: self.name.clone(), method, why: why.to_string() }
    }
}

const FINALITY: &str = "light_client/finality_update";

#[async_trait]
impl Consensus for Beacon {
    fn name(&self) -> &str {
        &self.name
    }

    async fn finalized(&self) -> Result<Option<BlockRef>, ChainError> {
        let mut state = self.state.lock().await;
        // Nothing new is signed within a slot.
        let slot = Duration::from_secs(self.config.network.slot_s);
        let is_due = state.asked_at.is_none_or(|at| at.elapsed() >= slot);
        if is_due {
            self.follow(&mut state.store, now_s()).await?;
            state.asked_at = Some(Instant::now());
        }
        let execution = state.store.as_ref().and_then(Store::finalized_execution);
        Ok(execution.map(block))
    }
}

fn block(execution: Execution) -> BlockRef {
    BlockRef {
        height: execution.number,
        hash: wire::hash(execution.block_hash),
        time_s: execution.time_s,
    }
}

fn now_s() -> u64 {
    // A clock before 1970 makes every block one of the future, and so refused.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

fn unreachable(endpoint: &str, method: &'static str, source: BoxError) -> ChainError {
    ChainError::Unreachable { endpoint: endpoint.to_owned(), method, source }
}

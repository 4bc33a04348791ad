//! Follows the chain by its light client, through endpoints that need not be believed: whatever
//! they say is checked by [`crate::proof::LightClient`]. Source: nomicon, "Light Client".

use core::time::Duration;

use async_trait::async_trait;
use chain::{ChainError, Consensus, Header as _};
use governance::log::BlockRef;
use tokio::{sync::Mutex, time::Instant};

use crate::{endpoint::hash, proof::LightClient, rpc::Rpc, wire::CryptoHash};

/// How often to ask for a newer block: NEAR makes one in 600 ms.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Steps in one turn: more than a month of epochs.
const STEPS_MAX: usize = 128;
/// Nanoseconds in a second.
const NS_PER_S: u64 = 1_000_000_000;

/// A light client that asks endpoints in turn.
#[derive(Debug)]
pub(crate) struct Followed {
    endpoints: Vec<Rpc>,
    /// A final block that the operator trusts.
    trusted: CryptoHash,
    // Held while one reader follows; the others wait for what it finds.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reached: Option<Reached>,
    asked_at: Option<Instant>,
}

/// How far the chain was followed.
#[derive(Clone, Debug)]
enum Reached {
    /// To the block that is trusted: the epoch after it has not begun, and nobody can show who
    /// produces its own.
    Trusted(BlockRef),
    /// On from there.
    Head(Box<LightClient>),
}

impl Followed {
    pub(crate) fn new(endpoints: Vec<Rpc>, trusted: CryptoHash) -> Self {
        Self { endpoints, trusted, state: Mutex::default() }
    }

    /// Goes on from `known` by what the first endpoint tells that tells anything.
    async fn follow(&self, known: Option<&Reached>) -> Result<Reached, ChainError> {
        let mut failure = None;
        for rpc in &self.endpoints {
            match self.follow_by(rpc, known).await {
                Ok(reached) => return Ok(reached),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        Err(failure.unwrap_or(ChainError::NothingFinal))
    }

    async fn follow_by(&self, rpc: &Rpc, known: Option<&Reached>) -> Result<Reached, ChainError> {
        let mut client = match known {
            Some(Reached::Head(client)) => client.clone(),
            Some(Reached::Trusted(_)) | None => match self.start(rpc).await? {
                Reached::Head(client) => client,
                trusted @ Reached::Trusted(_) => return Ok(trusted),
            },
        };
        for _ in 0..STEPS_MAX {
            let Some(block) = rpc.next_light_client_block(client.hash()).await? else { break };
            let inner = &block.header.inner;
            let head = client.head().inner;
            let is_unknown = inner.epoch_id == head.epoch_id && !client.knows_epoch();
            if inner.height <= head.height || is_unknown {
                break;
            }
            client.advance(block).map_err(|why| rpc.lied(METHOD, why.to_string()))?;
        }
        Ok(Reached::Head(client))
    }

    async fn start(&self, rpc: &Rpc) -> Result<Reached, ChainError> {
        let trusted = rpc.block_by_hash(&self.trusted).await?;
        let trusted = trusted
            .ok_or_else(|| rpc.nonsense("block", "it no longer has the block that is trusted"))?;
        let later = rpc.next_light_client_block(&self.trusted).await?;
        let later =
            later.filter(|later| later.header.inner.epoch_id == trusted.header.inner.next_epoch_id);
        let Some(later) = later else { return Ok(Reached::Trusted(trusted.block())) };
        // Whoever tells them: the trusted block commits to them.
        let next = rpc.producers(&later.header.hash()).await?;
        let client = LightClient::start(trusted.header, next);
        let client = client.map_err(|why| rpc.lied(METHOD, why.to_string()))?;
        Ok(Reached::Head(Box::new(client)))
    }
}

const METHOD: &str = "next_light_client_block";

#[async_trait]
impl Consensus for Followed {
    fn name(&self) -> &str {
        self.endpoints.first().map_or("", Rpc::name)
    }

    async fn finalized(&self) -> Result<Option<BlockRef>, ChainError> {
        let mut state = self.state.lock().await;
        let is_due = state.asked_at.is_none_or(|at| at.elapsed() >= ASK_EVERY);
        if is_due {
            state.reached = Some(self.follow(state.reached.as_ref()).await?);
            state.asked_at = Some(Instant::now());
        }
        Ok(state.reached.as_ref().map(Reached::block))
    }
}

impl Reached {
    fn block(&self) -> BlockRef {
        match self {
            Self::Trusted(block) => *block,
            Self::Head(client) => BlockRef {
                height: client.head().inner.height,
                hash: hash(client.hash()),
                time_s: client.head().inner.timestamp_ns / NS_PER_S,
            },
        }
    }
}

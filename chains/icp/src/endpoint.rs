//! One endpoint: a boundary node or a replica. What it says is certified by its subnet, or signed
//! by one of its nodes, and checked here.

use core::{future::Future, ops::RangeInclusive, time::Duration};
use std::{
    sync::{Arc, OnceLock},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use chain::{ChainError, Claimed, Endpoint, Finality};
use governance::{
    anchor::{Head, OnChainId},
    log::{BlockRef, Revision},
};
use ic_agent::{Agent, AgentError, Identity, agent::RejectCode};
use types::{ChainId, Hash};
use url::Url;

use crate::{
    Principal, UnixNanos,
    proof::{self, Lookup, RootKey, Scope, leb128},
    wire,
};

/// Most bytes of an answer: what a canister answers has at most 2 MiB, and comes in a certificate.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// For how long a request may wait. Replicas take at most five minutes, by their own clocks.
pub(crate) const REQUEST_TTL: Duration = Duration::from_secs(4 * 60);

/// How much of what a canister says an error shows, in characters.
pub(crate) const SHOWN_CHARS_MAX: usize = 200;

/// How an endpoint is asked, and about what.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) network: ChainId,
    pub(crate) registry: Principal,
    pub(crate) timeout: Duration,
    /// How old a certificate may be.
    pub(crate) age_max: Duration,
}

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    agent: Agent,
    asking: Asking,
    root_key: OnceLock<RootKey>,
}

/// A state of the subnet: there are no blocks, but certified moments.
///
/// Its height is its Unix time in seconds, its hash the root hash of the state tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) time: UnixNanos,
    pub(crate) root_hash: Hash,
}

/// Where a record stands, and when.
#[derive(Clone, Debug)]
pub(crate) struct Stand {
    /// `None` for no record.
    pub(crate) record: Option<Anchored>,
    pub(crate) moment: Moment,
}

/// What the registry certifies about a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchored {
    pub(crate) head: Head,
    pub(crate) log_head: Hash,
    /// Hash over when its revisions happened, which the log head does not cover.
    pub(crate) times: [u8; 32],
}

impl chain::Header for Moment {
    fn block(&self) -> BlockRef {
        let time_s = self.time.as_secs();
        BlockRef { height: time_s, hash: self.root_hash, time_s }
    }

    /// A state tree does not name the one before.
    fn parent(&self) -> Hash {
        Hash::ZERO
    }
}

impl Node {
    /// Asks nothing yet.
    pub(crate) fn new(url: &Url, asking: Asking) -> Result<Self, ChainError> {
        let name = match url.origin() {
            origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
            url::Origin::Opaque(_) => url.scheme().to_owned(),
        };
        let agent = Agent::builder()
            .with_url(url.as_str())
            .with_ingress_expiry(REQUEST_TTL)
            .with_max_response_body_size(ANSWER_BYTES_MAX)
            .build();
        let agent = agent.map_err(|source| ChainError::BadAnswer {
            endpoint: name.clone(),
            method: "status",
            source: source.into(),
        })?;
        Ok(Self { name, agent, asking, root_key: OnceLock::new() })
    }

    /// The same endpoint for somebody who signs. It checks answers once [`Node::root_key`] is
    /// known.
    pub(crate) fn agent_of(&self, identity: &Arc<dyn Identity>) -> Agent {
        let mut agent = self.agent.clone();
        agent.set_arc_identity(Arc::clone(identity));
        agent
    }

    /// The key that the network is named after: the mainnet's is built in, others are taken from
    /// the endpoint if they hash to the name.
    pub(crate) async fn root_key(&self) -> Result<RootKey, ChainError> {
        const METHOD: &str = "status";
        if let Some(known) = self.root_key.get() {
            return Ok(*known);
        }
        let mainnet = RootKey::mainnet();
        if self.asking.network == mainnet.network() {
            return Ok(*self.root_key.get_or_init(|| mainnet));
        }
        let status = self.ask(METHOD, self.agent.status()).await?;
        let bytes = status.root_key.ok_or_else(|| self.nonsense(METHOD, "no root key"))?;
        let key = RootKey::from_bytes(&bytes);
        let key = key.map_err(|error| self.nonsense(METHOD, error))?;
        if key.network() != self.asking.network {
            return Err(ChainError::OtherChain {
                endpoint: self.name.clone(),
                expected: self.asking.network.clone(),
                found: key.network(),
            });
        }
        self.agent.set_root_key(key.key().to_der());
        Ok(*self.root_key.get_or_init(|| key))
    }

    /// Where a record stands, proved by a certificate that is young enough.
    pub(crate) async fn stand(&self, context: &OnChainId) -> Result<Stand, ChainError> {
        let certified = self.query(wire::HEAD, wire::head_args(context)).await?;
        let certified = wire::head_answer(&certified);
        let certified = certified.map_err(|error| self.nonsense(wire::HEAD, error))?;
        self.proved(wire::HEAD, context, &certified).await
    }

    /// What `told` proves.
    pub(crate) async fn proved(
        &self,
        method: &'static str,
        context: &OnChainId,
        told: &wire::Certified,
    ) -> Result<Stand, ChainError> {
        let root = self.root_key().await?;
        let bytes = told.certificate().ok_or_else(|| self.lied(method, "no certificate"))?;
        let scope = Scope::Canister(self.asking.registry);
        let certified = proof::certificate(bytes, &root, scope);
        let certified = certified.map_err(|error| self.lied(method, error))?;
        let age_max_ns = u64::try_from(self.asking.age_max.as_nanos()).unwrap_or(u64::MAX);
        let time = certified.check_age(now(), age_max_ns);
        let time = time.map_err(|error| self.lied(method, error))?;
        let tree = proof::witness(&certified, told.witness());
        let tree = tree.map_err(|error| self.lied(method, error))?;
        let at = |label: &'static [u8]| match tree.lookup(&[label, context.as_hash().as_bytes()]) {
            Lookup::Absent => Ok(None),
            Lookup::Found(value) => Ok(Some(value)),
            nothing @ (Lookup::Unknown | Lookup::Error) => {
                Err(self.lied(method, format!("the record is {}", nothing.name())))
            }
        };
        let record = match (at(b"head")?, at(b"times")?) {
            (None, None) => None,
            (Some(head), Some(times)) => Some(self.record_of(method, head, times)?),
            _ => return Err(self.nonsense(method, "half a record")),
        };
        let root_hash = Hash::from_bytes(*certified.root_hash());
        Ok(Stand { record, moment: Moment { time, root_hash } })
    }

    /// What the canister certifies in a form that no registry has is not the endpoint's doing.
    fn record_of(
        &self,
        method: &'static str,
        heads: &[u8],
        times: &[u8],
    ) -> Result<Anchored, ChainError> {
        let parts = heads.split_first_chunk::<32>();
        let parts = parts.and_then(|(head, log_head)| {
            let log_head = Hash::from_bytes(log_head.try_into().ok()?);
            let times = times.try_into().ok()?;
            Some(Anchored { head: Head::unpack(head)?, log_head, times })
        });
        parts.ok_or_else(|| self.nonsense(method, "a record of an unknown form"))
    }

    /// Revisions after `after` and when each happened, as the endpoint tells them: at most
    /// [`wire::REVISIONS_MAX`].
    pub(crate) async fn page(
        &self,
        context: &OnChainId,
        after: u64,
    ) -> Result<Vec<(Revision, UnixNanos)>, ChainError> {
        let arg = wire::revisions_args(context, after);
        let answer = self.query(wire::REVISIONS, arg).await?;
        wire::revisions_answer(&answer).map_err(|error| self.nonsense(wire::REVISIONS, error))
    }

    /// A query whose answer is checked by what is certified.
    async fn query(&self, method: &'static str, arg: Vec<u8>) -> Result<Vec<u8>, ChainError> {
        let query = self.agent.query(&canister(&self.asking.registry), method).with_arg(arg);
        self.ask(method, query.call_without_verification()).await
    }

    /// A query whose answer is signed by one node of the subnet, so that no boundary node can make
    /// one up.
    pub(crate) async fn signed_query(
        &self,
        method: &'static str,
        arg: Vec<u8>,
    ) -> Result<Vec<u8>, ChainError> {
        self.root_key().await?;
        let query = self.agent.query(&canister(&self.asking.registry), method).with_arg(arg);
        self.ask(method, query.call_with_verification()).await
    }

    /// A value of the registry in the certified state tree; `None` if it is proved that there is
    /// none.
    pub(crate) async fn certified(
        &self,
        field: &'static str,
    ) -> Result<Option<Vec<u8>>, ChainError> {
        const METHOD: &str = "read_state";
        let registry = canister(&self.asking.registry);
        self.root_key().await?;
        match self.ask(METHOD, self.agent.read_state_canister_info(registry, field)).await {
            Ok(value) => Ok(Some(value)),
            Err(ChainError::BadAnswer { source, .. })
                if matches!(source.downcast_ref(), Some(AgentError::LookupPathAbsent(_))) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for an answer, but not longer than for any.
    pub(crate) async fn ask<T>(
        &self,
        method: &'static str,
        answer: impl Future<Output = Result<T, AgentError>> + Send,
    ) -> Result<T, ChainError> {
        self.ask_within(self.asking.timeout, method, answer).await
    }

    /// Waits for an answer that takes its time.
    pub(crate) async fn ask_within<T>(
        &self,
        timeout: Duration,
        method: &'static str,
        answer: impl Future<Output = Result<T, AgentError>> + Send,
    ) -> Result<T, ChainError> {
        match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer.map_err(|error| self.failed(method, error)),
            Err(elapsed) => Err(self.unreachable(method, elapsed)),
        }
    }

    fn failed(&self, method: &'static str, error: AgentError) -> ChainError {
        use AgentError as E;
        match error {
            E::TransportError(_)
            | E::TimeoutWaitingForResponse()
            | E::RouteProviderError(_)
            | E::InvalidHttpResponse(_) => self.unreachable(method, error),
            E::HttpError(ref answer) if answer.status == 429 || answer.status >= 500 => {
                self.unreachable(method, error)
            }
            E::HttpError(_) => self.refused(method, error),
            E::UncertifiedReject { ref reject, .. }
                if reject.reject_code == RejectCode::SysTransient =>
            {
                self.unreachable(method, error)
            }
            E::UncertifiedReject { .. } => self.refused(method, error),
            // The subnet's own word, and not the endpoint's doing.
            E::CertifiedReject { reject, .. } => ChainError::Failed {
                data: reject.reject_message.chars().take(SHOWN_CHARS_MAX).collect(),
            },
            E::CertificateVerificationFailed()
            | E::CertificateNotAuthorized()
            | E::CertificateOutdated(_)
            | E::CertificateHasTooManyDelegations
            | E::DerKeyLengthMismatch { .. }
            | E::DerPrefixMismatch { .. }
            | E::QuerySignatureVerificationFailed
            | E::MissingSignature
            | E::MalformedSignature
            | E::TooManySignatures { .. } => self.lied(method, error),
            error => self.nonsense(method, error),
        }
    }

    fn unreachable(&self, method: &'static str, source: impl Into<chain::BoxError>) -> ChainError {
        ChainError::Unreachable { endpoint: self.name.clone(), method, source: source.into() }
    }

    fn refused(&self, method: &'static str, source: impl Into<chain::BoxError>) -> ChainError {
        ChainError::EndpointRefused { endpoint: self.name.clone(), method, source: source.into() }
    }

    /// The error for an answer that is none.
    pub(crate) fn nonsense(
        &self,
        method: &'static str,
        source: impl Into<chain::BoxError>,
    ) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source: source.into() }
    }

    /// The error for an answer that its own proof contradicts.
    pub(crate) fn lied(&self, method: &'static str, why: impl ToString) -> ChainError {
        ChainError::Lied { endpoint: self.name.clone(), method, why: why.to_string() }
    }
}

#[async_trait]
impl Endpoint for Node {
    type Header = Moment;

    fn name(&self) -> &str {
        &self.name
    }

    /// What is certified is final.
    async fn tip(&self, _: Finality) -> Result<Option<Moment>, ChainError> {
        const METHOD: &str = "read_state";
        let registry = canister(&self.asking.registry);
        self.root_key().await?;
        let asked = self.agent.read_state_raw(vec![vec!["time".into()]], registry);
        let certificate = self.ask(METHOD, asked).await?;
        let time = ic_agent::lookup_value(&certificate, [b"time".as_slice()]);
        let time = time.map_err(|error| self.nonsense(METHOD, error))?;
        let time = leb128(time, "time").map_err(|error| self.nonsense(METHOD, error))?;
        let root_hash = Hash::from_bytes(certificate.tree.digest());
        Ok(Some(Moment { time: UnixNanos(time), root_hash }))
    }

    /// States of the past cannot be asked for.
    async fn header(&self, _: u64) -> Result<Option<Moment>, ChainError> {
        Ok(None)
    }

    /// As of now, whatever the moment is: a state has no way back to an earlier one.
    async fn record(
        &self,
        context: &OnChainId,
        _: &Moment,
    ) -> Result<Claimed<Option<(Head, Hash)>>, ChainError> {
        let record = self.stand(context).await?.record;
        Ok(Claimed::Proved(record.map(|record| (record.head, record.log_head))))
    }

    async fn revisions(
        &self,
        context: &OnChainId,
        after_rev: u64,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Revision>, ChainError> {
        let told = self.page(context, after_rev).await?.into_iter().map(|(revision, _)| revision);
        Ok(told.filter(|revision| heights.contains(&revision.block.height)).collect())
    }

    /// No state says which revisions came with it.
    async fn has_revisions(
        &self,
        _: &OnChainId,
        _: &Moment,
        _: &[Revision],
    ) -> Result<bool, ChainError> {
        Err(self.nonsense("read_state", "states do not prove what happened in them"))
    }
}

/// The same principal, as the agent has it.
pub(crate) fn canister(principal: &Principal) -> candid::Principal {
    candid::Principal::from_slice(principal.as_bytes())
}

/// This machine's time. To a clock before 1970, every certificate is of the future.
pub(crate) fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    UnixNanos(u64::try_from(since).unwrap_or(u64::MAX))
}

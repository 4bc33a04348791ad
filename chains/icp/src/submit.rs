//! Calls as requests: signed once, handed in, and followed until the subnet certifies an answer.

use core::time::Duration;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chain::{Call, ChainError, Header as _, Receipt, Signer, repeats};
use governance::anchor::{Account, Code, OnChainId};
use ic_agent::{
    AgentError, Identity, RequestId,
    agent::{CallResponse, RequestStatusResponse},
    identity::BasicIdentity,
};
use tokio::time::{Instant, MissedTickBehavior, interval};
use types::Hash;

use crate::{
    Principal,
    adapter::Icp,
    endpoint::{Node, REQUEST_TTL, SHOWN_CHARS_MAX, canister},
    hash::sha256,
    proof::leb128,
    wallet::principal_of,
    wire,
};

/// How often to look what became of a request.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Requests that are remembered until they are answered.
const OUTSTANDING_MAX: usize = 256;

/// Requests that were handed in, and have no answer yet.
///
/// Whoever repeats a call within the life of its request hands in the same bytes, which the network
/// carries out once.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    // A leaf lock: held for single reads and writes, never over an await.
    sent: Mutex<BTreeMap<[u8; 32], Sent>>,
}

/// A signed request.
#[derive(Clone, Debug)]
struct Sent {
    request: Vec<u8>,
    id: RequestId,
    /// After this (nanoseconds) no replica carries it out.
    expiry_ns: u64,
}

/// What a call is, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Who is called.
    pub(crate) to: Principal,
    /// Which subnet carries it out: that of this canister.
    pub(crate) route: Principal,
    pub(crate) method: &'static str,
    pub(crate) arg: Vec<u8>,
}

/// What became of a request.
enum Fate {
    /// It waits, or runs.
    Pending,
    /// It ran, and this was certified as the answer.
    Replied(Vec<u8>),
    /// It was certified as refused, or its answer was forgotten.
    Failed(String),
    /// It is over, and was never carried out.
    Lost,
}

impl Outstanding {
    fn get(&self, name: &[u8; 32]) -> Option<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep(&self, name: [u8; 32], sent: Sent) {
        let mut kept = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= OUTSTANDING_MAX {
            let oldest = kept.iter().min_by_key(|(_, sent)| sent.expiry_ns);
            if let Some(oldest) = oldest.map(|(name, _)| *name) {
                kept.remove(&oldest);
            }
        }
        kept.insert(name, sent);
    }

    fn forget(&self, name: &[u8; 32]) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Icp {
    pub(crate) async fn submit_call(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        let principal = principal_of(&signer.key);
        if self.account(&signer.account)? != principal {
            return Err(ChainError::BadKey);
        }
        if let Call::Create { salt, .. } = call
            && !self.creates(&principal, salt, context)
        {
            return Err(ChainError::BadCall { what: "the creator or salt is another's" });
        }
        let (method, arg) = wire::call(context, call)?;
        let request = Request { to: self.registry, route: self.registry, method, arg };
        let (id, reply) = self.run(&request, signer).await?;
        let answer = wire::call_answer(&reply);
        match answer.map_err(|error| ChainError::Failed { data: error.to_string() })? {
            Ok(done) => self.receipt(context, &id, done).await,
            Err(code) => self.refusal(context, call, code).await,
        }
    }

    fn creates(&self, principal: &Principal, salt: &[u8; 32], context: &OnChainId) -> bool {
        let creator = Account::new(principal.as_bytes());
        creator.is_some_and(|creator| self.locator.registry().context(&creator, salt) == *context)
    }

    /// The call is done, whatever the reading that follows says.
    async fn receipt(
        &self,
        context: &OnChainId,
        id: &RequestId,
        done: wire::Done,
    ) -> Result<Receipt, ChainError> {
        let wire::Done { rev, seq } = done;
        let block = match self.stand(context, rev.unwrap_or(0)).await {
            Ok(stand) => Some(stand.moment.block()),
            Err(error) => {
                tracing::debug!(%context, %error, "a call is done, but its effect cannot be read");
                None
            }
        };
        Ok(Receipt { transaction: Some(hash(id)), block, seq, rev })
    }

    /// The error for a refused call, unless it would only repeat what is there.
    async fn refusal(
        &self,
        context: &OnChainId,
        call: &Call,
        code: Code,
    ) -> Result<Receipt, ChainError> {
        let beside = self.quorum.any(|node| Box::pin(node.beside(context))).await?;
        if beside.is_some_and(|beside| repeats(call, code, &beside)) {
            return Ok(Receipt { transaction: None, block: None, seq: None, rev: None });
        }
        Err(ChainError::Refused { code })
    }

    /// Hands a request in, or goes on with what was handed in before, and waits for its certified
    /// answer.
    pub(crate) async fn run(
        &self,
        request: &Request,
        signer: &Signer,
    ) -> Result<(RequestId, Vec<u8>), ChainError> {
        let identity: Arc<dyn Identity> =
            Arc::new(BasicIdentity::from_raw_key(signer.key.as_bytes()));
        let until = Instant::now() + self.config.patience;
        let name = request.name(&signer.account.to_string());
        let known = match self.outstanding.get(&name) {
            Some(sent) => match self.look(request, &sent, &identity).await? {
                Fate::Lost => None,
                Fate::Pending => Some(sent),
                fate => return self.end(&name, &sent, fate),
            },
            None => None,
        };
        let sent = match known {
            Some(sent) => sent,
            None => request.sign(self.first(), &identity)?,
        };
        self.outstanding.keep(name, sent.clone());
        let mut fate = match self.hand_in(request, &sent, &identity).await {
            // It may have been taken all the same: whoever answers now says so.
            Err(error) if error.is_transient() => {
                self.look(request, &sent, &identity).await.map_err(|_| error)?
            }
            fate => fate?,
        };
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.tick().await;
        // Ends with the patience.
        while matches!(fate, Fate::Pending) {
            if Instant::now() >= until {
                return Err(ChainError::NotIncluded { transaction: hash(&sent.id) });
            }
            look.tick().await;
            fate = match self.look(request, &sent, &identity).await {
                Err(error) if error.is_transient() => Fate::Pending,
                fate => fate?,
            };
        }
        self.end(&name, &sent, fate)
    }

    fn end(
        &self,
        name: &[u8; 32],
        sent: &Sent,
        fate: Fate,
    ) -> Result<(RequestId, Vec<u8>), ChainError> {
        self.outstanding.forget(name);
        match fate {
            Fate::Replied(reply) => Ok((sent.id, reply)),
            Fate::Failed(why) => {
                Err(ChainError::Failed { data: why.chars().take(SHOWN_CHARS_MAX).collect() })
            }
            Fate::Pending | Fate::Lost => {
                Err(ChainError::NotIncluded { transaction: hash(&sent.id) })
            }
        }
    }

    fn first(&self) -> &Node {
        self.quorum.endpoints().first().expect("a quorum has an endpoint")
    }

    /// Hands the request in at the first endpoint that takes it. Endpoints answer once a call is
    /// done, which takes longer than other answers; all of them together have half of the patience.
    async fn hand_in(
        &self,
        request: &Request,
        sent: &Sent,
        identity: &Arc<dyn Identity>,
    ) -> Result<Fate, ChainError> {
        let count = u32::try_from(self.quorum.endpoints().len()).unwrap_or(u32::MAX);
        let share = (self.config.patience / 2) / count.max(1);
        let timeout = share.max(self.config.timeout);
        let handed = self.quorum.any(|node| {
            Box::pin(async move {
                node.root_key().await?;
                let agent = node.agent_of(identity);
                let asked = agent.update_signed(canister(&request.route), sent.request.clone());
                let asked = async {
                    match asked.await {
                        Ok(CallResponse::Response(reply)) => Ok(Fate::Replied(reply)),
                        Ok(CallResponse::Poll(_)) => Ok(Fate::Pending),
                        Err(AgentError::CertifiedReject { reject, .. }) => {
                            Ok(Fate::Failed(reject.reject_message))
                        }
                        Err(error) => Err(error),
                    }
                };
                node.ask_within(timeout, request.method, asked).await
            })
        });
        handed.await
    }

    /// What the subnet certifies about the request.
    async fn look(
        &self,
        request: &Request,
        sent: &Sent,
        identity: &Arc<dyn Identity>,
    ) -> Result<Fate, ChainError> {
        let looked = self.quorum.any(|node| {
            Box::pin(async move {
                node.root_key().await?;
                let agent = node.agent_of(identity);
                let asked = agent.request_status_raw(&sent.id, canister(&request.route));
                let (status, certificate) = node.ask("read_state", asked).await?;
                let time = ic_agent::lookup_value(&certificate, [b"time".as_slice()]);
                let time = time.map_err(|error| node.nonsense("read_state", error))?;
                let time = leb128(time, "time");
                let time_ns = time.map_err(|error| node.nonsense("read_state", error))?;
                Ok(sent.fate(status, time_ns))
            })
        });
        looked.await
    }
}

impl Request {
    /// What the same call by the same account has in common.
    fn name(&self, account: &str) -> [u8; 32] {
        let parts = [account.as_bytes(), self.to.as_bytes(), self.method.as_bytes(), &self.arg];
        let digests = parts.map(|part| sha256(&[part]));
        sha256(&[&digests.concat()])
    }

    fn sign(&self, node: &Node, identity: &Arc<dyn Identity>) -> Result<Sent, ChainError> {
        let agent = node.agent_of(identity);
        let update = agent.update(&canister(&self.to), self.method);
        let update = update.with_effective_canister_id(canister(&self.route));
        let signed = update.with_arg(self.arg.clone()).expire_after(REQUEST_TTL).sign();
        // Nothing but the key can be wrong here.
        let signed = signed.map_err(|_| ChainError::BadKey)?;
        Ok(Sent {
            request: signed.signed_update,
            id: signed.request_id,
            expiry_ns: signed.ingress_expiry,
        })
    }
}

impl Sent {
    /// In a state of the subnet at `time_ns`.
    fn fate(&self, status: RequestStatusResponse, time_ns: u64) -> Fate {
        match status {
            RequestStatusResponse::Unknown if time_ns > self.expiry_ns => Fate::Lost,
            RequestStatusResponse::Unknown
            | RequestStatusResponse::Received
            | RequestStatusResponse::Processing => Fate::Pending,
            RequestStatusResponse::Replied(reply) => Fate::Replied(reply.arg),
            RequestStatusResponse::Rejected(reject) => Fate::Failed(reject.reject_message),
            RequestStatusResponse::Done => {
                Fate::Failed("it was carried out, and the answer is forgotten".to_owned())
            }
        }
    }
}

fn hash(id: &RequestId) -> Hash {
    Hash::from_bytes(**id)
}

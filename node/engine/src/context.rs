//! One context's task: the only place where its state changes.
//!
//! The task takes one [`Command`] at a time, feeds the replica, and carries out what the replica
//! returns, in order. What takes long (guests, peers, chains) runs beside it and comes back as a
//! command.

mod anchor;
mod bindings;
mod call;
mod govern;
mod outputs;
mod proposals;
mod session;
mod wallets;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use governance::log::{Claim, Entry, Proposal, Role, SignedInvitation};
use rand_core::OsRng;
use sync::{Input, Replica};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::Instant,
};
use types::{
    AccountId, AppId, ChainId, ContextId, ExchangeSecret, Hash, InvitationId, MemberKey,
    MemberSecret, Root, TopicId, UnixMillis,
    seal::{EpochSecret, Sealed},
};

pub(crate) use self::call::Mode;
pub use self::call::role_name;
use self::{anchor::Following, govern::Governing, session::Sessions};
use crate::{
    error::EngineError,
    node::Node,
    port::GossipId,
    request::{
        Answer, ContextStatus, Deed, GovernanceState, InviteRequest, Invited, MemberInfo,
        ProposalInfo, Receipt,
    },
    wire::{Greeting, JoinAnswer, JoinQuestion, Peer, Tell},
};

/// Commands that wait for one context; senders from the network drop what does not fit, callers
/// wait.
const INBOX_CAPACITY: usize = 64;
/// How long a context sleeps at most before it looks around: a second, well under a heartbeat.
const IDLE_MAX: Duration = Duration::from_secs(5);

type Reply<T> = oneshot::Sender<Result<T, EngineError>>;

/// What a context is told.
#[derive(Debug)]
pub(crate) enum Command {
    // From callers.
    Call {
        method: String,
        args: Vec<u8>,
        mode: Mode,
        reply: Reply<Answer>,
    },
    Status {
        reply: oneshot::Sender<ContextStatus>,
    },
    Members {
        reply: oneshot::Sender<Vec<MemberInfo>>,
    },
    Invite {
        request: InviteRequest,
        reply: Reply<Invited>,
    },
    Remove {
        member: MemberKey,
        reply: Reply<GovernanceState>,
    },
    SetRole {
        member: MemberKey,
        role: Role,
        reply: Reply<GovernanceState>,
    },
    Nominate {
        member: MemberKey,
        reply: Reply<GovernanceState>,
    },
    Accept {
        reply: Reply<GovernanceState>,
    },
    Renounce {
        reply: Reply<GovernanceState>,
    },
    Revoke {
        invitation: InvitationId,
        reply: Reply<GovernanceState>,
    },
    ChainOf {
        reply: Reply<ChainId>,
    },
    Proposals {
        reply: Reply<Vec<ProposalInfo>>,
    },
    Act {
        deed: Deed,
        account: Option<AccountId>,
        reply: Reply<Receipt>,
    },
    // From joiners.
    Claimed {
        invitation: Box<SignedInvitation>,
        claim: Box<Claim>,
        reply: oneshot::Sender<JoinAnswer>,
    },
    Asked {
        question: JoinQuestion,
        reply: oneshot::Sender<JoinAnswer>,
    },
    // From peers.
    Introduce {
        to: Peer,
        reply: oneshot::Sender<Option<Vec<u8>>>,
    },
    Greeted {
        from: Peer,
        greeting: Greeting,
        reply: oneshot::Sender<Option<Vec<u8>>>,
    },
    Welcomed {
        from: Peer,
        greeting: Greeting,
    },
    Gossip {
        topic: TopicId,
        from: Peer,
        id: GossipId,
        sealed: Sealed,
    },
    Meshed,
    Sealed {
        from: Peer,
        sealed: Sealed,
    },
    Log {
        from: Peer,
        message: Vec<u8>,
    },
    Blob {
        from: Peer,
        app: AppId,
        offset: u64,
        reply: oneshot::Sender<Tell>,
    },
    PeerLeft(Peer),
    // From what runs beside it.
    Entries(Vec<Entry>),
    Fetched {
        app: AppId,
        result: Result<(), EngineError>,
    },
    Chain(anchor::News),
    Submitted(govern::Submitted),
    Looked(Box<proposals::Looked>),
    WalletSaid(Box<wallets::Said>),
    Stop {
        done: oneshot::Sender<()>,
    },
}

/// Sends to one context.
#[derive(Clone, Debug)]
pub(crate) struct ContextHandle {
    id: ContextId,
    commands: mpsc::Sender<Command>,
    events: watch::Receiver<u64>,
}

impl ContextHandle {
    pub(crate) const fn id(&self) -> ContextId {
        self.id
    }

    /// The newest event's sequence number.
    pub(crate) fn events(&self) -> watch::Receiver<u64> {
        self.events.clone()
    }

    /// Waits for room. A stopped context takes nothing; whoever waits for an answer sees that.
    pub(crate) async fn send(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!(context = ?self.id, "told a stopped context");
        }
    }

    /// Whether there was room.
    pub(crate) fn try_send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await;
        answer.await.map_err(|_| EngineError::Closed)
    }

    pub(crate) async fn ask_fallible<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, EngineError> {
        self.ask(command).await?
    }

    /// Returns when the context's task has ended.
    pub(crate) async fn stop(&self) {
        if self.ask(|done| Command::Stop { done }).await.is_err() {
            tracing::debug!(context = ?self.id, "stopped twice");
        }
    }
}

/// This node's member in a context.
#[derive(Clone, Debug)]
pub(crate) struct Me {
    pub(crate) secret: MemberSecret,
    pub(crate) exchange: ExchangeSecret,
}

/// What a context is opened from.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) replica: Replica,
    pub(crate) me: Me,
    pub(crate) secrets: BTreeMap<u32, EpochSecret>,
    pub(crate) root: Root,
    pub(crate) event_seq: u64,
}

/// The task's state.
#[derive(Debug)]
pub(crate) struct Context {
    id: ContextId,
    node: Arc<Node>,
    commands: mpsc::WeakSender<Command>,
    inbox: mpsc::Receiver<Command>,
    replica: Replica,
    me: Me,
    /// Secrets of the key epochs that this node was given, oldest first.
    secrets: BTreeMap<u32, EpochSecret>,
    root: Root,
    sessions: Sessions,
    governing: Governing,
    following: Option<Following>,
    events: watch::Sender<u64>,
    wake_at: Option<UnixMillis>,
    /// Work beside the task; ends with it.
    work: JoinSet<()>,
    fetching: bool,
    /// Proofs of wallets about which a chain is being asked.
    asking: BTreeSet<Hash>,
    /// Whether members' accounts still stand behind them.
    bindings: bindings::Bindings,
    /// Whether the wallets of claims say so still.
    still: wallets::Still,
    /// Batches of admins that this node may have to order.
    proposed: VecDeque<Proposal>,
    /// Why the log cannot go on, until it can.
    halted: Option<String>,
    /// A write failed: store and replica no longer agree, until the context is opened anew.
    is_broken: bool,
}

impl Context {
    /// Starts the task of a context that is in the store.
    pub(crate) fn spawn(node: &Arc<Node>, opening: Opening) -> ContextHandle {
        let id = opening.replica.acl().context();
        let (commands, inbox) = mpsc::channel(INBOX_CAPACITY);
        let (events_out, events) = watch::channel(opening.event_seq);
        let context = Self {
            id,
            node: Arc::clone(node),
            commands: commands.downgrade(),
            inbox,
            replica: opening.replica,
            me: opening.me,
            secrets: opening.secrets,
            root: opening.root,
            sessions: Sessions::default(),
            governing: Governing::default(),
            following: None,
            events: events_out,
            wake_at: None,
            work: JoinSet::new(),
            fetching: false,
            asking: BTreeSet::new(),
            bindings: bindings::Bindings::new(),
            still: wallets::Still::new(),
            proposed: VecDeque::new(),
            halted: None,
            is_broken: false,
        };
        tokio::spawn(context.run());
        ContextHandle { id, commands, events }
    }

    async fn run(mut self) {
        self.enter().await;
        let done = loop {
            let wake = self.wake();
            tokio::select! {
                command = self.inbox.recv() => match command {
                    Some(Command::Stop { done }) => break Some(done),
                    Some(command) => self.take(command).await,
                    None => break None,
                },
                () = tokio::time::sleep_until(wake) => self.tick().await,
                Some(ended) = self.work.join_next(), if !self.work.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(context = ?self.id, %error, "work beside a context failed");
                    }
                }
            }
        };
        self.work.shutdown().await;
        if let Some(done) = done {
            let heard = done.send(()).is_ok();
            tracing::debug!(context = ?self.id, heard, "stopped");
        }
    }

    async fn enter(&mut self) {
        self.join_topic().await;
        if let Err(error) = self.read_bindings() {
            tracing::error!(context = ?self.id, %error, "members' accounts are not checked");
        }
        self.resume_governing();
        self.follow_chain();
        self.feed(Input::Root(self.root)).await;
        self.feed(Input::Tick).await;
    }

    async fn tick(&mut self) {
        self.wake_at = None;
        self.feed(Input::Tick).await;
        self.advance_governing().await;
        self.fetch_app();
        self.check_bindings();
    }

    fn wake(&self) -> Instant {
        let idle = match self.wake_at {
            Some(at) => Duration::from_millis(at.0.saturating_sub(now().0)),
            None => IDLE_MAX,
        };
        let next = Instant::now() + idle.min(IDLE_MAX);
        self.bindings.next().map_or(next, |check| check.min(next))
    }

    async fn take(&mut self, command: Command) {
        match command {
            Command::Call { method, args, mode, reply } => {
                self.call(method, args, mode, reply).await;
            }
            Command::Status { reply } => drop(reply.send(self.status())),
            Command::Members { reply } => drop(reply.send(self.members())),
            Command::Introduce { .. }
            | Command::Greeted { .. }
            | Command::Welcomed { .. }
            | Command::Gossip { .. }
            | Command::Meshed
            | Command::Sealed { .. }
            | Command::Log { .. }
            | Command::Blob { .. }
            | Command::PeerLeft(_) => self.take_from_peer(command).await,
            Command::Fetched { app, result } => self.fetched(app, result),
            Command::Chain(news) => self.take_news(news).await,
            // The loop takes it before it comes here.
            Command::Stop { .. } => {}
            Command::Invite { .. }
            | Command::Remove { .. }
            | Command::SetRole { .. }
            | Command::Nominate { .. }
            | Command::Accept { .. }
            | Command::Renounce { .. }
            | Command::Revoke { .. }
            | Command::Claimed { .. }
            | Command::Asked { .. }
            | Command::Entries(_)
            | Command::Submitted(_) => self.take_governing(command).await,
            Command::ChainOf { .. }
            | Command::Proposals { .. }
            | Command::Act { .. }
            | Command::Looked(_) => self.take_proposals(command).await,
            Command::WalletSaid(said) => self.wallet_said(*said).await,
        }
        self.ask_chain_about_wallets();
    }

    /// Whether this node's member is one now; the log says.
    fn role(&self) -> Option<Role> {
        self.replica.acl().role(&self.me.secret.public())
    }

    fn status(&self) -> ContextStatus {
        let acl = self.replica.acl();
        let standing = self.replica.status();
        let in_sync = |peer: &&sync::PeerStatus| peer.standing == sync::Standing::InSync;
        ContextStatus {
            context: self.id,
            app: acl.app(),
            member: self.me.secret.public(),
            role: self.role(),
            epoch: acl.epoch(),
            head: acl.head(),
            key_epoch: acl.key_epoch(),
            root: self.root,
            deltas: standing.deltas,
            members: acl.members().len(),
            peers: self.sessions.len(),
            peers_in_sync: standing.peers.iter().filter(in_sync).count(),
            pending: standing.waiting,
            anchor: self.anchor_status(),
            waiting: self.waiting(),
            failures: self.failures(),
        }
    }

    fn members(&self) -> Vec<MemberInfo> {
        let acl = self.replica.acl();
        let me = self.me.secret.public();
        let info = |member: &governance::log::Member| MemberInfo {
            member: member.record.key,
            role: acl.role(&member.record.key).unwrap_or(member.role),
            caps: member.caps,
            account: member.account.clone(),
            since_epoch: member.joined_epoch,
            is_self: member.record.key == me,
            has_lapsed: self.bindings.has_lapsed(&member.record.key),
        };
        acl.members().map(info).collect()
    }

    /// Sends to this context from work beside it; `None` once it is stopped.
    fn commands(&self) -> Option<mpsc::Sender<Command>> {
        self.commands.upgrade()
    }

    const fn rng(&self) -> OsRng {
        OsRng
    }
}

/// The wall clock. A clock before 1970 reads as 1970; the HLC keeps order all the same.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

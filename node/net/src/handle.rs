//! Starting the network, and talking to the task that runs it.

use std::io;

use tokio::sync::{mpsc, oneshot};
use types::{Hash, TopicId};

use crate::{
    Address, FRAME_BYTES_MAX, NetConfig, NetEvent, Peer,
    driver::Driver,
    gate::{GateError, PublishError, Verdict},
};

/// Commands that wait for the task; senders wait beyond it.
const COMMANDS_MAX: usize = 256;

/// Events that wait for their reader. Beyond it the network waits: peers are slowed down, not
/// dropped.
const EVENTS_MAX: usize = 256;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the network did not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The transports could not be made.
    #[error("could not set up the network")]
    Setup {
        /// What failed.
        source: BoxError,
    },
    /// The node cannot listen there: most often the port is taken by another program.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody by that name is connected.
    #[error("not connected to {peer}")]
    NotConnected {
        /// Who.
        peer: Peer,
    },
    /// Too many requests under way, here or there.
    #[error("too many requests under way with {peer}")]
    Busy {
        /// Who.
        peer: Peer,
    },
    /// The peer does not want to answer this.
    #[error("{peer} refused the request")]
    Refused {
        /// Who.
        peer: Peer,
    },
    /// No answer in time, or the connection broke. The peer may have seen the request.
    #[error("no answer from {peer}")]
    NoAnswer {
        /// Who.
        peer: Peer,
        /// How it failed.
        source: BoxError,
    },
    /// More bytes than a message may have.
    #[error("{size} bytes, at most {max} allowed")]
    TooLong {
        /// What came.
        size: usize,
        /// The bound.
        max: usize,
    },
    /// The topic must be subscribed to first.
    #[error("not subscribed to topic {topic}")]
    NotSubscribed {
        /// Which.
        topic: TopicId,
    },
    /// Nobody takes part in the topic now: the message went nowhere, and may be published again.
    #[error("nobody takes part in topic {topic} now")]
    Nobody {
        /// Which.
        topic: TopicId,
    },
    /// The same bytes went out, or came in, on this topic a moment ago.
    #[error("this was published a moment ago")]
    Duplicate,
    /// A bound of the network is reached.
    #[error("no room: {what}")]
    Full {
        /// The bound.
        what: BoxError,
    },
    /// The network task has ended.
    #[error("the network is shut down")]
    Stopped,
}

impl NetError {
    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::NotConnected { .. }
                | Self::Busy { .. }
                | Self::NoAnswer { .. }
                | Self::Nobody { .. }
                | Self::Full { .. }
        )
    }

    pub(crate) fn gate(topic: TopicId, error: GateError) -> Self {
        match error {
            GateError::NotSubscribed(topic) => Self::NotSubscribed { topic },
            GateError::Publish(PublishError::Nobody) => Self::Nobody { topic },
            GateError::Publish(PublishError::Duplicate) => Self::Duplicate,
            GateError::Publish(PublishError::TooLong { size }) => {
                Self::TooLong { size, max: crate::GOSSIP_BYTES_MAX }
            }
            GateError::Topics | GateError::Peers | GateError::Publish(PublishError::Full) => {
                Self::Full { what: Box::new(error) }
            }
        }
    }
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Who.
    pub peer: Peer,
    /// Where it says it listens; for redialling after a restart of this node.
    pub addresses: Vec<Address>,
}

pub(crate) type Answer<T> = oneshot::Sender<Result<T, NetError>>;

/// What a handle asks of the task.
#[derive(Debug)]
pub(crate) enum Command {
    Dial { address: Address, done: Answer<()> },
    Disconnect { peer: Peer },
    Subscribe { topic: TopicId, done: Answer<()> },
    Unsubscribe { topic: TopicId },
    Admit { topic: TopicId, peer: Peer, done: Answer<()> },
    Expel { topic: TopicId, peer: Peer, done: Answer<()> },
    Publish { topic: TopicId, bytes: Vec<u8>, done: Answer<Hash> },
    Judge { topic: TopicId, id: Hash, verdict: Verdict },
    Request { peer: Peer, bytes: Vec<u8>, done: Answer<Vec<u8>> },
    Peers { done: Answer<Vec<PeerInfo>> },
    ListenAddresses { done: Answer<Vec<Address>> },
    Stop,
}

/// Starts the network.
#[derive(Debug)]
pub struct Net;

impl Net {
    /// Starts the task that owns the network, listening everywhere `config` says, and dialling the
    /// bootstrap peers. It ends when the last handle or the receiver is dropped, or on
    /// [`NetHandle::stop`].
    ///
    /// # Errors
    /// - [`NetError::Listen`] if one of the addresses cannot be listened on; then nothing runs.
    /// - [`NetError::Setup`] if the transports cannot be made.
    /// - [`NetError::Full`] for more bootstrap addresses than are kept.
    pub async fn start(
        config: NetConfig,
    ) -> Result<(NetHandle, mpsc::Receiver<NetEvent>), NetError> {
        let peer = Peer::of_seed(&config.seed);
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let driver = Driver::start(config, inbox, events).await?;
        // Owned by its channels: it ends with them, and `stop` waits until it has.
        tokio::spawn(driver.run());
        Ok((NetHandle { peer, commands }, receiver))
    }
}

/// Asks the network task for things. Cheap to clone; calls of one handle are carried out in order.
#[derive(Clone, Debug)]
pub struct NetHandle {
    peer: Peer,
    commands: mpsc::Sender<Command>,
}

impl NetHandle {
    /// This node's own name.
    pub const fn local_peer(&self) -> Peer {
        self.peer
    }

    /// Dials `address`, and stays in touch with the peer there: it is dialled again, ever more
    /// slowly, whenever it is not connected. [`NetEvent::Connected`] tells of success.
    ///
    /// # Errors
    /// [`NetError::Full`] if too many are to be kept in touch with.
    pub async fn dial(&self, address: Address) -> Result<(), NetError> {
        self.ask(|done| Command::Dial { address, done }).await
    }

    /// Closes all connections to `peer`. It may come back: this is no ban.
    ///
    /// # Errors
    /// [`NetError::Stopped`].
    pub async fn disconnect(&self, peer: Peer) -> Result<(), NetError> {
        self.tell(Command::Disconnect { peer }).await
    }

    /// Takes part in `topic`, where nobody is admitted yet. Again is a no-op.
    ///
    /// # Errors
    /// [`NetError::Full`] beyond [`crate::TOPICS_MAX`].
    pub async fn subscribe(&self, topic: TopicId) -> Result<(), NetError> {
        self.ask(|done| Command::Subscribe { topic, done }).await
    }

    /// Leaves `topic`, and forgets who was admitted there.
    ///
    /// # Errors
    /// [`NetError::Stopped`].
    pub async fn unsubscribe(&self, topic: TopicId) -> Result<(), NetError> {
        self.tell(Command::Unsubscribe { topic }).await
    }

    /// Lets `peer` take part in `topic`, whether it is connected now or later; and stays in touch
    /// with it. Gossip flows once both sides admitted each other ([`NetEvent::Joined`]).
    ///
    /// # Errors
    /// - [`NetError::NotSubscribed`] if this node does not take part itself.
    /// - [`NetError::Full`] beyond the bound of peers on a topic.
    pub async fn admit(&self, topic: TopicId, peer: Peer) -> Result<(), NetError> {
        self.ask(|done| Command::Admit { topic, peer, done }).await
    }

    /// Takes the admission back. When this returns, nothing that is published or forwarded on
    /// `topic` goes to `peer` any more; what its socket already holds cannot be called back.
    ///
    /// # Errors
    /// [`NetError::Stopped`].
    pub async fn expel(&self, topic: TopicId, peer: Peer) -> Result<(), NetError> {
        self.ask(|done| Command::Expel { topic, peer, done }).await
    }

    /// Hands `bytes` to all who take part in `topic`; returns their BLAKE3 hash, the message's id.
    /// A hint, not a delivery: what must arrive is asked for as well.
    ///
    /// # Errors
    /// - [`NetError::NotSubscribed`]; [`NetError::TooLong`] over [`crate::GOSSIP_BYTES_MAX`].
    /// - [`NetError::Nobody`] if nobody takes part now.
    /// - [`NetError::Duplicate`] for bytes that were on this topic within the last two minutes.
    /// - [`NetError::Full`] if the queues to all of them are full.
    pub async fn publish(&self, topic: TopicId, bytes: Vec<u8>) -> Result<Hash, NetError> {
        self.ask(|done| Command::Publish { topic, bytes, done }).await
    }

    /// Decides about a message heard by [`NetEvent::Gossip`]. Without a verdict within about five
    /// seconds it is not forwarded.
    ///
    /// # Errors
    /// [`NetError::Stopped`].
    pub async fn judge(&self, topic: TopicId, id: Hash, verdict: Verdict) -> Result<(), NetError> {
        self.tell(Command::Judge { topic, id, verdict }).await
    }

    /// Asks `peer`, and waits for its answer: at most 30 seconds.
    ///
    /// # Errors
    /// - [`NetError::TooLong`] over [`FRAME_BYTES_MAX`].
    /// - [`NetError::NotConnected`], [`NetError::Busy`], [`NetError::Refused`],
    ///   [`NetError::NoAnswer`] as they say.
    pub async fn request(&self, peer: Peer, bytes: Vec<u8>) -> Result<Vec<u8>, NetError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(NetError::TooLong { size: bytes.len(), max: FRAME_BYTES_MAX });
        }
        self.ask(|done| Command::Request { peer, bytes, done }).await
    }

    /// Who is connected, in the order of their ids.
    ///
    /// # Errors
    /// [`NetError::Stopped`].
    pub async fn peers(&self) -> Result<Vec<PeerInfo>, NetError> {
        self.ask(|done| Command::Peers { done }).await
    }

    /// Where this node listens, each address with this node's name.
    ///
    /// # Errors
    /// [`NetError::Stopped`].
    pub async fn listen_addresses(&self) -> Result<Vec<Address>, NetError> {
        self.ask(|done| Command::ListenAddresses { done }).await
    }

    /// Ends the network task, and waits until its sockets are closed. Again is a no-op.
    pub async fn stop(&self) {
        if self.tell(Command::Stop).await.is_ok() {
            self.commands.closed().await;
        }
    }

    async fn tell(&self, command: Command) -> Result<(), NetError> {
        self.commands.send(command).await.map_err(|_| NetError::Stopped)
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, NetError> {
        let (done, answer) = oneshot::channel();
        self.tell(command(done)).await?;
        answer.await.map_err(|_| NetError::Stopped)?
    }
}

//! The engine's two channels to the network. `cli` joins them to a driver; a test joins engines.

use tokio::sync::oneshot;
use types::{Hash, TopicId};

use crate::wire::Peer;

/// Capacity of either channel, in messages: enough for a burst from every peer of a busy node.
pub const PORT_CAPACITY: usize = 1_024;

/// Names one gossip message: BLAKE3 of its bytes.
pub type GossipId = Hash;

/// What the network tells the engine.
#[derive(Debug)]
pub enum NetInput {
    /// A connection to this peer stands.
    Connected(Peer),
    /// The last connection to it is gone.
    Disconnected(Peer),
    /// It asks; dropping `reply` refuses.
    Request {
        /// Who asks.
        from: Peer,
        /// An encoded [`crate::wire::Ask`].
        bytes: Vec<u8>,
        /// Where the encoded [`crate::wire::Tell`] goes.
        reply: oneshot::Sender<Vec<u8>>,
    },
    /// This peer takes part in a topic too, from now on.
    Joined(TopicId, Peer),
    /// A gossip message; it is relayed only after [`NetOutput::Judge`].
    Gossip {
        /// Its topic.
        topic: TopicId,
        /// The neighbour that relayed it, not the author.
        from: Peer,
        /// For [`NetOutput::Judge`].
        id: GossipId,
        /// An encoded `Sealed`.
        bytes: Vec<u8>,
    },
    /// The addresses at which this node listens, as multiaddresses.
    Listening(Vec<String>),
}

/// What the engine tells the network.
#[derive(Debug)]
pub enum NetOutput {
    /// Connect there, and stay in touch.
    Dial {
        /// A multiaddress.
        address: String,
        /// Hears of the peer once connected, or why there is no connection.
        reply: oneshot::Sender<Result<Peer, String>>,
    },
    /// Ask a connected peer.
    Request {
        /// Whom.
        to: Peer,
        /// An encoded [`crate::wire::Ask`].
        bytes: Vec<u8>,
        /// The encoded answer, or why there is none.
        reply: oneshot::Sender<Result<Vec<u8>, String>>,
    },
    /// Take part in a topic.
    Subscribe(TopicId),
    /// No longer.
    Unsubscribe(TopicId),
    /// This peer may be meshed on the topic.
    Admit(TopicId, Peer),
    /// No longer.
    Expel(TopicId, Peer),
    /// Gossip these bytes.
    Publish(TopicId, Vec<u8>),
    /// What became of a gossip message.
    Judge {
        /// Its topic.
        topic: TopicId,
        /// The message.
        id: GossipId,
        /// Whether it is relayed, dropped or held against the neighbour.
        judgement: Judgement,
    },
}

/// What a gossip message was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Good: relay it.
    Accept,
    /// Not for us to say: drop it.
    Ignore,
    /// Bad: drop it and score the neighbour down.
    Reject,
}

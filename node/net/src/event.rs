//! What the network tells the node.

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use types::{Hash, TopicId};

use crate::{Address, Peer};

/// Something happened on the network. In the order in which it happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetEvent {
    /// The node listens at this address.
    Listening(Address),
    /// First connection with this peer; its name is proven (the handshake signs with its key).
    Connected {
        /// Who.
        peer: Peer,
    },
    /// Last connection with this peer closed.
    Disconnected {
        /// Who.
        peer: Peer,
    },
    /// A peer asks. An answer goes through `reply`; dropping `reply` refuses.
    Request {
        /// Who asks.
        peer: Peer,
        /// What, at most [`crate::FRAME_BYTES_MAX`].
        bytes: Vec<u8>,
        /// Where the answer goes.
        reply: Reply,
    },
    /// An admitted peer takes part in the topic as well: gossip can flow. Comes again after each
    /// reconnection or admission, so a good moment for a heartbeat.
    Joined {
        /// Where.
        topic: TopicId,
        /// Who.
        peer: Peer,
    },
    /// A message on a topic, seen for the first time, from an admitted peer. It is forwarded to
    /// others only after [`crate::NetHandle::judge`] accepts it.
    Gossip {
        /// Where.
        topic: TopicId,
        /// Who handed it to us; not who wrote it.
        peer: Peer,
        /// BLAKE3 of `bytes`.
        id: Hash,
        /// At most [`crate::GOSSIP_BYTES_MAX`].
        bytes: Vec<u8>,
    },
}

/// Where the answer to one request goes. Dropped unused, the asker learns that it was refused.
#[derive(Debug)]
pub struct Reply {
    answer: oneshot::Sender<Vec<u8>>,
    /// The share of the inbound budget that the request's bytes take until it is answered.
    _budget: OwnedSemaphorePermit,
}

impl Reply {
    pub(crate) fn new(answer: oneshot::Sender<Vec<u8>>, budget: OwnedSemaphorePermit) -> Self {
        Self { answer, _budget: budget }
    }

    /// Answers with `bytes`. More than [`crate::FRAME_BYTES_MAX`] counts as a refusal.
    ///
    /// Says nothing about delivery: if the asker is gone, the answer is dropped.
    pub fn answer(self, bytes: Vec<u8>) {
        if self.answer.send(bytes).is_err() {
            tracing::debug!("nobody waits for this answer any more");
        }
    }
}

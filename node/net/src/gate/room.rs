//! One topic: a gossipsub of its own, the peers admitted there, and their sessions.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    PeerId,
    core::ConnectedPoint,
    gossipsub::{
        self, ConfigBuilder, IdentTopic, MessageAcceptance, MessageAuthenticity, MessageId,
        ValidationMode, WhitelistSubscriptionFilter,
    },
    swarm::{
        ConnectionClosed, ConnectionId, FromSwarm, NetworkBehaviour as _, ToSwarm,
        behaviour::ConnectionEstablished,
    },
};
use types::{Hash, TopicId};

use super::{
    GOSSIP_BYTES_MAX,
    door::{Gossipsub, InnerEvent, InnerHandler},
};

/// Mesh links per node and topic: at least, wanted, at most. Small, because a context has few
/// members and publishing floods anyway; the defaults (5, 6, 12) are out of reach for four nodes.
const MESH: (usize, usize, usize) = (2, 4, 8);

/// Mesh links that we dialled: one, against being surrounded by those who dialled us.
const MESH_OUTBOUND_MIN: usize = 1;

/// What gossipsub's frame adds to a message at most: topic and lengths.
const FRAME_EXTRA_BYTES: usize = 1024;

/// Ids in one IHAVE: 34 bytes each must stay below gossipsub's 16 KiB for a control message.
const IHAVE_IDS_MAX: usize = 400;

/// Messages that wait for us in one session's queue; beyond it they are dropped, and catch-up
/// brings them.
const QUEUE_MAX: usize = 512;

/// How long a message seen before is known as such: longer than any path through the mesh.
const SEEN_TIME: Duration = Duration::from_secs(120);

/// Heard messages that wait for a verdict; the oldest is given up.
const UNJUDGED_MAX: usize = 1024;

/// What the node thinks of a message it heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good: forward it.
    Accept,
    /// Not to be forwarded, and nobody's fault: old, or not to be judged yet.
    Ignore,
    /// It is bad: drop it.
    Reject,
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PublishError {
    #[error("nobody takes part in the topic now")]
    Nobody,
    #[error("{size} bytes, at most {GOSSIP_BYTES_MAX} by gossip")]
    TooLong { size: usize },
    #[error("the queues to all peers are full")]
    Full,
    #[error("published before")]
    Duplicate,
}

/// What was heard in a room.
#[derive(Debug)]
pub(super) enum Heard {
    Joined { peer: PeerId },
    Gossip { peer: PeerId, id: Hash, bytes: Vec<u8> },
}

/// One topic's gossip network.
pub(super) struct Room {
    topic: TopicId,
    gossip: Gossipsub,
    admitted: BTreeSet<PeerId>,
    /// Open sessions by the name that gossipsub knows them by: fresh and random for each.
    sessions: HashMap<PeerId, Session>,
    by_connection: HashMap<ConnectionId, PeerId>,
    /// Who handed us what still waits for a verdict, oldest first.
    unjudged: VecDeque<(Hash, PeerId)>,
}

struct Session {
    peer: PeerId,
    connection: ConnectionId,
    endpoint: ConnectedPoint,
    number: u64,
}

impl Room {
    pub(super) fn new(topic: TopicId) -> Self {
        let wire = IdentTopic::new(topic.to_string());
        let only = WhitelistSubscriptionFilter(std::iter::once(wire.hash()).collect());
        let mut gossip = Gossipsub::new_with_subscription_filter(
            // No author, number or signature: payloads are sealed and signed inside, where only
            // members can see by whom; gossipsub's own would name a node to everybody on the way.
            MessageAuthenticity::Anonymous,
            config(),
            only,
        )
        .expect("anonymous authenticity and anonymous validation agree");
        gossip.subscribe(&wire).expect("the filter allows its own topic");
        Self {
            topic,
            gossip,
            admitted: BTreeSet::new(),
            sessions: HashMap::new(),
            by_connection: HashMap::new(),
            unjudged: VecDeque::new(),
        }
    }

    pub(super) fn is_admitted(&self, peer: &PeerId) -> bool {
        self.admitted.contains(peer)
    }

    pub(super) fn admitted_count(&self) -> usize {
        self.admitted.len()
    }

    /// Whether `peer` was not admitted before.
    pub(super) fn admit(&mut self, peer: PeerId) -> bool {
        self.admitted.insert(peer)
    }

    /// Ends the admission and all sessions of `peer`.
    pub(super) fn expel(&mut self, peer: PeerId) {
        self.admitted.remove(&peer);
        let sessions = self.sessions.values().filter(|session| session.peer == peer);
        for connection in sessions.map(|session| session.connection).collect::<Vec<_>>() {
            self.lost(connection);
        }
    }

    /// Who was admitted, at the end of the room.
    pub(super) fn into_admitted(self) -> BTreeSet<PeerId> {
        self.admitted
    }

    /// Starts a session. Gossipsub's handler for it, unless gossipsub wants none.
    pub(super) fn open(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        number: u64,
        endpoint: ConnectedPoint,
    ) -> Option<InnerHandler> {
        self.lost(connection);
        let name = PeerId::random();
        let handler = match &endpoint {
            ConnectedPoint::Dialer { address, role_override, port_use } => {
                self.gossip.handle_established_outbound_connection(
                    connection,
                    name,
                    address,
                    *role_override,
                    *port_use,
                )
            }
            ConnectedPoint::Listener { local_addr, send_back_addr } => {
                let (local, remote) = (local_addr, send_back_addr);
                self.gossip.handle_established_inbound_connection(connection, name, local, remote)
            }
        };
        let handler = handler
            .inspect_err(|error| tracing::warn!(%peer, %error, "gossipsub refuses a session"))
            .ok()?;
        self.gossip.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
            peer_id: name,
            connection_id: connection,
            endpoint: &endpoint,
            failed_addresses: &[],
            other_established: 0,
        }));
        self.by_connection.insert(connection, name);
        self.sessions.insert(name, Session { peer, connection, endpoint, number });
        Some(handler)
    }

    /// Ends the session on `connection` if it has this number; whether it did.
    pub(super) fn close(&mut self, connection: ConnectionId, number: u64) -> bool {
        let present = self.name(connection, number).is_some();
        if present {
            self.lost(connection);
        }
        present
    }

    /// Ends the session on `connection`, if there is one.
    pub(super) fn lost(&mut self, connection: ConnectionId) {
        let Some(name) = self.by_connection.remove(&connection) else { return };
        let Some(session) = self.sessions.remove(&name) else { return };
        self.gossip.on_swarm_event(FromSwarm::ConnectionClosed(ConnectionClosed {
            peer_id: name,
            connection_id: connection,
            endpoint: &session.endpoint,
            cause: None,
            remaining_established: 0,
        }));
    }

    /// Lets gossipsub have what its handler received, if the session is the present one.
    pub(super) fn receive(&mut self, connection: ConnectionId, number: u64, event: InnerEvent) {
        if let Some(name) = self.name(connection, number) {
            self.gossip.on_connection_handler_event(name, connection, event);
        }
    }

    /// What gossipsub calls this session.
    fn name(&self, connection: ConnectionId, number: u64) -> Option<PeerId> {
        let name = self.by_connection.get(&connection)?;
        self.sessions.get(name).is_some_and(|session| session.number == number).then_some(*name)
    }

    pub(super) fn publish(&mut self, bytes: Vec<u8>) -> Result<Hash, PublishError> {
        if bytes.len() > GOSSIP_BYTES_MAX {
            return Err(PublishError::TooLong { size: bytes.len() });
        }
        let id = Hash::of(&bytes);
        let topic = IdentTopic::new(self.topic.to_string());
        match self.gossip.publish(topic, bytes) {
            Ok(_) => Ok(id),
            Err(gossipsub::PublishError::Duplicate) => Err(PublishError::Duplicate),
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => Err(PublishError::Nobody),
            // Signing and transforming do not take place here: what is left is full queues.
            Err(_) => Err(PublishError::Full),
        }
    }

    pub(super) fn judge(&mut self, id: Hash, verdict: Verdict) {
        let Some(at) = self.unjudged.iter().position(|(other, _)| *other == id) else { return };
        let Some((_, source)) = self.unjudged.remove(at) else { return };
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        let id = MessageId::new(id.as_bytes());
        if !self.gossip.report_message_validation_result(&id, &source, acceptance) {
            tracing::debug!(topic = ?self.topic, %id, "the verdict came too late");
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        loop {
            let event = match self.gossip.poll(cx) {
                Poll::Ready(ToSwarm::GenerateEvent(event)) => event,
                // Gossipsub wants to tell its handlers what keeps a connection alive, which
                // admission does here, and to dial, which it has no right to.
                Poll::Ready(_) => continue,
                Poll::Pending => return Poll::Pending,
            };
            if let Some(heard) = self.hear(event) {
                return Poll::Ready(heard);
            }
        }
    }

    fn hear(&mut self, event: gossipsub::Event) -> Option<Heard> {
        match event {
            gossipsub::Event::Message { propagation_source, message, .. } => {
                let peer = self.sessions.get(&propagation_source)?.peer;
                let id = Hash::of(&message.data);
                if self.unjudged.len() >= UNJUDGED_MAX {
                    self.unjudged.pop_front();
                }
                self.unjudged.push_back((id, propagation_source));
                Some(Heard::Gossip { peer, id, bytes: message.data })
            }
            gossipsub::Event::Subscribed { peer_id, .. } => {
                Some(Heard::Joined { peer: self.sessions.get(&peer_id)?.peer })
            }
            gossipsub::Event::SlowPeer { peer_id, failed_messages } => {
                let peer = self.sessions.get(&peer_id).map(|session| session.peer);
                tracing::debug!(?peer, ?failed_messages, "peer is slow to take gossip");
                None
            }
            gossipsub::Event::Unsubscribed { .. }
            | gossipsub::Event::GossipsubNotSupported { .. } => None,
        }
    }
}

fn config() -> gossipsub::Config {
    let (low, wanted, high) = MESH;
    ConfigBuilder::default()
        .mesh_n_low(low)
        .mesh_n(wanted)
        .mesh_n_high(high)
        .mesh_outbound_min(MESH_OUTBOUND_MIN)
        .gossip_lazy(wanted)
        .flood_publish(true)
        .heartbeat_initial_delay(Duration::from_secs(1))
        .heartbeat_interval(Duration::from_secs(1))
        .max_transmit_size(GOSSIP_BYTES_MAX + FRAME_EXTRA_BYTES)
        .max_control_messages_sent(IHAVE_IDS_MAX)
        .connection_handler_queue_len(QUEUE_MAX)
        .duplicate_cache_time(SEEN_TIME)
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message| MessageId::new(Hash::of(&message.data).as_bytes()))
        .build()
        .expect("low ≤ wanted ≤ high, and 2 × outbound ≤ wanted")
}

//! The wall around gossip: each topic is a gossip network of its own, whose only peers are those
//! admitted on it.
//!
//! libp2p's gossipsub has one peer set for all topics: whoever is connected learns what we
//! subscribe to, and gets what it subscribes to. Filtering that from outside leaks in the gaps.
//! So gossipsub is told of nobody here until a peer is admitted, and then only the gossipsub of
//! that topic. Its streams go over a protocol of our own, which names the topic first; a stream on
//! a topic where its sender is not admitted is dropped, unread and unanswered.
//!
//! # Sessions
//! Gossipsub's two ends remember what they told each other, so they must start and stop together,
//! or one keeps a mesh link of which the other knows nothing. They do so in sessions, one per
//! topic and connection. The side that dialled leads: it begins a session, numbered, when it
//! admits the peer, and its streams carry the number. The other side follows: it takes the
//! leader's stream, joins the session, and answers in it; when it admits the peer, or lost its
//! end, it knocks, and the leader begins another one. Streams of other sessions are dropped.
//!
//! To gossipsub each session is another peer: a reconnect is a stranger, without stale state,
//! back-off or score.

mod door;
mod opening;
mod room;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{ConnectedPoint, Endpoint, transport::PortUse},
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour,
        NotifyHandler, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        behaviour::ConnectionEstablished,
    },
};
use types::{Hash, TopicId};

pub use self::room::Verdict;
pub(crate) use self::{door::DOORS_MAX, room::PublishError};
use self::{
    door::{Doors, FromDoors, Role, ToDoors},
    room::{Heard, Room},
};

/// Most bytes in one gossip message; what is larger is announced and pulled.
pub const GOSSIP_BYTES_MAX: usize = 64 << 10;

/// Most topics at once. Each is a small gossip network with a heartbeat of its own.
pub const TOPICS_MAX: usize = 1024;

/// Most peers admitted on one topic, connected or not.
const ADMITTED_MAX: usize = 10_000;

/// A bound of the gate was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GateError {
    #[error("at most {TOPICS_MAX} topics")]
    Topics,
    #[error("at most {ADMITTED_MAX} peers on a topic")]
    Peers,
    #[error("not subscribed to {0}")]
    NotSubscribed(TopicId),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What happens in the rooms.
#[derive(Debug)]
pub(crate) enum GateEvent {
    /// An admitted peer told us that it takes part too.
    Joined { topic: TopicId, peer: PeerId },
    /// A message heard for the first time; it waits for a verdict.
    Gossip { topic: TopicId, peer: PeerId, id: Hash, bytes: Vec<u8> },
}

/// The network behaviour that keeps the rooms.
pub(crate) struct Gate {
    rooms: BTreeMap<TopicId, Room>,
    connections: HashMap<PeerId, BTreeMap<ConnectionId, ConnectedPoint>>,
    session_last: u64,
    /// Grows by one per admission of a connection; drained by each poll.
    outbox: VecDeque<ToSwarm<GateEvent, ToDoors>>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            rooms: BTreeMap::new(),
            connections: HashMap::new(),
            session_last: 0,
            outbox: VecDeque::new(),
        }
    }

    /// Takes part in `topic`, with nobody admitted. Again is a no-op.
    pub(crate) fn subscribe(&mut self, topic: TopicId) -> Result<(), GateError> {
        if self.rooms.contains_key(&topic) {
            return Ok(());
        }
        if self.rooms.len() >= TOPICS_MAX {
            return Err(GateError::Topics);
        }
        self.rooms.insert(topic, Room::new(topic));
        Ok(())
    }

    /// Leaves `topic` and forgets who was admitted there; returns who that was.
    pub(crate) fn unsubscribe(&mut self, topic: TopicId) -> BTreeSet<PeerId> {
        let admitted = self.rooms.remove(&topic).map(Room::into_admitted).unwrap_or_default();
        for peer in &admitted {
            self.close(topic, *peer);
        }
        admitted
    }

    /// Lets `peer` take part in `topic`, now or whenever it connects. Again is a no-op.
    pub(crate) fn admit(&mut self, topic: TopicId, peer: PeerId) -> Result<(), GateError> {
        let room = self.rooms.get_mut(&topic).ok_or(GateError::NotSubscribed(topic))?;
        if !room.is_admitted(&peer) && room.admitted_count() >= ADMITTED_MAX {
            return Err(GateError::Peers);
        }
        if room.admit(peer) {
            let connections = self.connections.get(&peer).cloned().unwrap_or_default();
            for (connection, endpoint) in connections {
                self.admit_on(topic, peer, connection, endpoint);
            }
        }
        Ok(())
    }

    /// From now on nothing of `topic` goes to `peer`, and nothing of it is taken from `peer`.
    pub(crate) fn expel(&mut self, topic: TopicId, peer: PeerId) {
        if let Some(room) = self.rooms.get_mut(&topic) {
            room.expel(peer);
            self.close(topic, peer);
        }
    }

    /// Shuts the topic's doors on all connections with `peer`.
    fn close(&mut self, topic: TopicId, peer: PeerId) {
        let connections = self.connections.get(&peer).into_iter().flat_map(BTreeMap::keys);
        for connection in connections.copied().collect::<Vec<_>>() {
            self.tell(peer, connection, ToDoors::Close { topic });
        }
    }

    /// Sends `bytes` to all who take part in `topic`.
    pub(crate) fn publish(&mut self, topic: TopicId, bytes: Vec<u8>) -> Result<Hash, GateError> {
        let room = self.rooms.get_mut(&topic).ok_or(GateError::NotSubscribed(topic))?;
        Ok(room.publish(bytes)?)
    }

    /// Lets a heard message go on to others, or not.
    pub(crate) fn judge(&mut self, topic: TopicId, id: Hash, verdict: Verdict) {
        if let Some(room) = self.rooms.get_mut(&topic) {
            room.judge(id, verdict);
        }
    }

    /// Whether `peer` is admitted anywhere.
    pub(crate) fn is_member(&self, peer: &PeerId) -> bool {
        self.rooms.values().any(|room| room.is_admitted(peer))
    }

    /// A connection with an admitted peer: its leader begins a session, its follower knocks.
    fn admit_on(
        &mut self,
        topic: TopicId,
        peer: PeerId,
        connection: ConnectionId,
        endpoint: ConnectedPoint,
    ) {
        match role(&endpoint) {
            Role::Leader => {
                let session = self.next_session();
                self.open(topic, peer, connection, endpoint, session);
            }
            Role::Follower => self.tell(peer, connection, ToDoors::Admit { topic }),
        }
    }

    /// Puts a session behind the door.
    fn open(
        &mut self,
        topic: TopicId,
        peer: PeerId,
        connection: ConnectionId,
        endpoint: ConnectedPoint,
        session: u64,
    ) {
        let room = self.rooms.get_mut(&topic).filter(|room| room.is_admitted(&peer));
        let Some(room) = room else { return };
        if let Some(inner) = room.open(peer, connection, session, endpoint) {
            let inner = Box::new(inner);
            self.tell(peer, connection, ToDoors::Open { topic, session, inner });
        }
    }

    /// The leader began a session, which we join if the peer is still admitted.
    fn begun(&mut self, topic: TopicId, peer: PeerId, connection: ConnectionId, session: u64) {
        if let Some(endpoint) = self.endpoint(&peer, connection)
            && role(&endpoint) == Role::Follower
        {
            self.open(topic, peer, connection, endpoint, session);
        }
    }

    /// A session that we lead is over, unless it already was.
    fn over(&mut self, topic: TopicId, peer: PeerId, connection: ConnectionId, session: u64) {
        let room = self.rooms.get_mut(&topic);
        if room.is_some_and(|room| room.close(connection, session))
            && let Some(endpoint) = self.endpoint(&peer, connection)
        {
            let session = self.next_session();
            self.open(topic, peer, connection, endpoint, session);
        }
    }

    fn endpoint(&self, peer: &PeerId, connection: ConnectionId) -> Option<ConnectedPoint> {
        self.connections.get(peer)?.get(&connection).cloned()
    }

    fn next_session(&mut self) -> u64 {
        // Cannot overflow: 2⁶⁴ sessions take longer than any process lives.
        self.session_last = self.session_last.wrapping_add(1);
        self.session_last
    }

    fn tell(&mut self, peer_id: PeerId, connection: ConnectionId, event: ToDoors) {
        let handler = NotifyHandler::One(connection);
        self.outbox.push_back(ToSwarm::NotifyHandler { peer_id, handler, event });
    }

    fn connected(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        self.connections.entry(peer).or_default().insert(connection, endpoint.clone());
        let admitted = self.rooms.iter().filter(|(_, room)| room.is_admitted(&peer));
        for topic in admitted.map(|(topic, _)| *topic).collect::<Vec<_>>() {
            self.admit_on(topic, peer, connection, endpoint.clone());
        }
    }

    fn disconnected(&mut self, peer: PeerId, connection: ConnectionId) {
        for room in self.rooms.values_mut() {
            room.lost(connection);
        }
        if let Some(connections) = self.connections.get_mut(&peer) {
            connections.remove(&connection);
            if connections.is_empty() {
                self.connections.remove(&peer);
            }
        }
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = Doors;
    type ToSwarm = GateEvent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Doors::new(Role::Follower))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Doors::new(Role::Leader))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            }) => self.connected(peer_id, connection_id, endpoint),
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.disconnected(peer_id, connection_id);
            }
            _ => {} // Gossip cares about connections alone; the enum may grow.
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {
            FromDoors::Gossip { topic, session, event } => {
                if let Some(room) = self.rooms.get_mut(&topic) {
                    room.receive(connection, session, *event);
                }
            }
            FromDoors::Begun { topic, session } => self.begun(topic, peer, connection, session),
            FromDoors::Over { topic, session } => self.over(topic, peer, connection, session),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<GateEvent, THandlerInEvent<Self>>> {
        if let Some(event) = self.outbox.pop_front() {
            return Poll::Ready(event);
        }
        for (&topic, room) in &mut self.rooms {
            if let Poll::Ready(heard) = room.poll(cx) {
                return Poll::Ready(ToSwarm::GenerateEvent(match heard {
                    Heard::Joined { peer } => GateEvent::Joined { topic, peer },
                    Heard::Gossip { peer, id, bytes } => {
                        GateEvent::Gossip { topic, peer, id, bytes }
                    }
                }));
            }
        }
        Poll::Pending
    }
}

fn role(endpoint: &ConnectedPoint) -> Role {
    if endpoint.is_dialer() { Role::Leader } else { Role::Follower }
}

//! One connection's side of the wall: a door per topic on which the peer is admitted.
//!
//! A stream on a topic without a door is dropped unread. Behind a door stands gossipsub's own
//! handler for one session, or nothing while the follower waits for the leader to begin one.

use std::{
    convert::Infallible,
    fmt, io,
    task::{Context, Poll},
};

use futures::FutureExt as _;
use libp2p::{
    Stream, gossipsub,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol, THandler,
        THandlerOutEvent,
        handler::{
            ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
            InboundUpgradeSend as _, OutboundUpgradeSend, UpgradeInfoSend as _,
        },
    },
};
use types::TopicId;

use super::opening::{Dial, Kind, Listen, Opening};

/// Topics that gossip with one peer on one connection; each takes a stream each way. Further ones
/// are left to catch-up.
pub(crate) const DOORS_MAX: usize = 96;

/// Streams of each direction that gossipsub's handler takes before it gives up for good, less one:
/// before that happens the session ends and another one begins.
const STREAMS_MAX: u32 = 4;

/// Knocks for one wish to begin anew, if their streams fail.
const KNOCKS_MAX: u32 = 3;

/// Gossipsub with room for one topic.
pub(crate) type Gossipsub =
    gossipsub::Behaviour<gossipsub::IdentityTransform, gossipsub::WhitelistSubscriptionFilter>;
pub(crate) type InnerHandler = THandler<Gossipsub>;
pub(crate) type InnerEvent = THandlerOutEvent<Gossipsub>;
type InnerDial = <InnerHandler as ConnectionHandler>::OutboundProtocol;
type InnerStream = <InnerDial as OutboundUpgradeSend>::Output;

/// Which side of a connection begins the sessions: the one that dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Leader,
    Follower,
}

/// What the gate tells a connection.
pub(crate) enum ToDoors {
    /// To a follower: opens the topic's door, and asks the leader for a session.
    Admit { topic: TopicId },
    /// Puts a session behind the topic's door, opening it if need be.
    Open { topic: TopicId, session: u64, inner: Box<InnerHandler> },
    /// Shuts the door: whatever was behind it is dropped, streams and queue.
    Close { topic: TopicId },
}

/// What a connection tells the gate.
#[derive(Debug)]
pub(crate) enum FromDoors {
    /// Gossipsub's handler has something for the gossipsub of its topic.
    Gossip { topic: TopicId, session: u64, event: Box<InnerEvent> },
    /// To a follower's gate: the leader began this session.
    Begun { topic: TopicId, session: u64 },
    /// To a leader's gate: this session is over, begin another one.
    Over { topic: TopicId, session: u64 },
}

impl fmt::Debug for ToDoors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit { topic } => write!(f, "Admit({topic:?})"),
            Self::Open { topic, session, .. } => write!(f, "Open({topic:?}, {session})"),
            Self::Close { topic } => write!(f, "Close({topic:?})"),
        }
    }
}

/// The doors of one connection.
pub(crate) struct Doors {
    role: Role,
    doors: Vec<Door>,
    /// Whose turn it is to be polled first, so that no topic starves another.
    turn: usize,
}

struct Door {
    topic: TopicId,
    role: Role,
    session: Option<Session>,
    /// The leader's stream that began a session, until the gate puts that session here.
    arrived: Option<(u64, Stream)>,
    wish: Wish,
    knock_count: u32,
}

/// A session, as one end of one connection has it.
struct Session {
    number: u64,
    inner: InnerHandler,
    inbound_count: u32,
    outbound_count: u32,
}

/// What a door needs from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    None,
    /// The other side, if we follow, or our gate, if we lead, should begin a session.
    Anew,
    /// Our gate should join the session that the leader began.
    Begin(u64),
    /// The wish was told and not yet granted.
    Told,
}

impl Doors {
    pub(crate) const fn new(role: Role) -> Self {
        Self { role, doors: Vec::new(), turn: 0 }
    }

    fn admit(&mut self, topic: TopicId) {
        self.close(topic);
        self.add(Door::new(topic, self.role, Wish::Anew));
    }

    fn open(&mut self, topic: TopicId, number: u64, inner: InnerHandler) {
        if !self.doors.iter().any(|door| door.topic == topic) {
            self.add(Door::new(topic, self.role, Wish::None));
        }
        if let Some(door) = self.doors.iter_mut().find(|door| door.topic == topic) {
            door.begin(Session { number, inner, inbound_count: 0, outbound_count: 0 });
        }
    }

    fn add(&mut self, door: Door) {
        if self.doors.len() < DOORS_MAX {
            self.doors.push(door);
        } else {
            tracing::warn!(topic = ?door.topic, "too many topics with one peer to gossip on all");
        }
    }

    fn close(&mut self, topic: TopicId) {
        self.doors.retain(|door| door.topic != topic);
    }

    fn arrive(&mut self, opening: &Opening, stream: Stream) {
        if let Some(door) = self.doors.iter_mut().find(|door| door.topic == opening.topic) {
            door.arrive(opening.kind, stream);
        }
    }

    /// The door of a session, if it is still the present one.
    fn session(&mut self, topic: TopicId, number: u64) -> Option<(&mut Session, &mut Wish)> {
        let door = self.doors.iter_mut().find(|door| door.topic == topic)?;
        let session = door.session.as_mut().filter(|session| session.number == number)?;
        Some((session, &mut door.wish))
    }

    /// A stream of ours came about, or did not.
    fn dialled(
        &mut self,
        topic: TopicId,
        number: Option<u64>,
        result: Result<InnerStream, StreamUpgradeError<Infallible>>,
    ) {
        let Some((session, wish)) = number.and_then(|number| self.session(topic, number)) else {
            return;
        };
        session.outbound_count += 1;
        if session.outbound_count > STREAMS_MAX {
            *wish = Wish::Anew;
            return;
        }
        session.inner.on_connection_event(match result {
            Ok(protocol) => ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol,
                info: (),
            }),
            Err(error) => ConnectionEvent::DialUpgradeError(DialUpgradeError { info: (), error }),
        });
    }

    /// A knock could not be made.
    fn knock_failed(&mut self, topic: TopicId) {
        let door = self.doors.iter_mut().find(|door| door.topic == topic);
        if let Some(door) = door
            && door.wish == Wish::Told
            && door.knock_count < KNOCKS_MAX
        {
            door.wish = Wish::Anew;
        }
    }
}

impl Door {
    const fn new(topic: TopicId, role: Role, wish: Wish) -> Self {
        Self { topic, role, session: None, arrived: None, wish, knock_count: 0 }
    }

    /// Takes up a session. A follower does so only while the leader's stream of that session is
    /// here: otherwise the leader began another one since, or was asked to.
    fn begin(&mut self, session: Session) {
        let arrived = self.arrived.take_if(|(number, _)| *number == session.number);
        if self.role == Role::Follower && arrived.is_none() {
            return;
        }
        self.session = Some(session);
        self.wish = Wish::None;
        self.knock_count = 0;
        if let Some((_, stream)) = arrived {
            self.take(stream);
        }
    }

    fn arrive(&mut self, kind: Kind, stream: Stream) {
        let present = self.session.as_ref().map(|session| session.number);
        match (self.role, kind) {
            (Role::Leader, Kind::Follow(number)) if present == Some(number) => self.take(stream),
            (Role::Leader, Kind::Knock) if self.wish == Wish::None => self.wish = Wish::Anew,
            (Role::Follower, Kind::Lead(number)) if present == Some(number) => self.take(stream),
            (Role::Follower, Kind::Lead(number)) => {
                self.arrived = Some((number, stream));
                self.wish = Wish::Begin(number);
            }
            // Late from a session that is over, or out of its role: the stream is dropped.
            (Role::Leader, Kind::Follow(_) | Kind::Knock | Kind::Lead(_))
            | (Role::Follower, Kind::Follow(_) | Kind::Knock) => {}
        }
    }

    /// Hands a stream of the other side to gossipsub's handler.
    fn take(&mut self, stream: Stream) {
        let Some(session) = &mut self.session else { return };
        session.inbound_count += 1;
        if session.inbound_count > STREAMS_MAX || !session.take(stream) {
            self.wish = Wish::Anew;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let topic = self.topic;
        let told = |event| Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        match (self.wish, self.role, &self.session) {
            (Wish::Begin(session), ..) => {
                self.wish = Wish::Told;
                return told(FromDoors::Begun { topic, session });
            }
            (Wish::Anew, Role::Leader, Some(session)) => {
                self.wish = Wish::Told;
                return told(FromDoors::Over { topic, session: session.number });
            }
            (Wish::Anew, Role::Follower, _) => {
                self.wish = Wish::Told;
                self.knock_count += 1;
                let knock = Dial { opening: Opening { topic, kind: Kind::Knock }, inner: None };
                return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                    protocol: SubstreamProtocol::new(knock, (topic, None)),
                });
            }
            (Wish::Anew, Role::Leader, None) | (Wish::None | Wish::Told, ..) => {}
        }
        let Some(session) = &mut self.session else { return Poll::Pending };
        let number = session.number;
        let kind = match self.role {
            Role::Leader => Kind::Lead(number),
            Role::Follower => Kind::Follow(number),
        };
        session.inner.poll(cx).map(|event| {
            event
                .map_protocol(|inner| Dial { opening: Opening { topic, kind }, inner: Some(inner) })
                .map_outbound_open_info(|()| (topic, Some(number)))
                .map_custom(|event| FromDoors::Gossip {
                    topic,
                    session: number,
                    event: Box::new(event),
                })
        })
    }
}

impl Session {
    /// Whether gossipsub's handler took the stream.
    fn take(&mut self, stream: Stream) -> bool {
        let (upgrade, ()) = self.inner.listen_protocol().into_upgrade();
        let Some(info) = upgrade.protocol_info().next() else {
            return false; // The handler has given up.
        };
        // The upgrade only wraps the stream, so it is ready at once.
        let Some(Ok(protocol)) = upgrade.upgrade_inbound(stream, info).now_or_never() else {
            return false;
        };
        let inbound = FullyNegotiatedInbound { protocol, info: () };
        self.inner.on_connection_event(ConnectionEvent::FullyNegotiatedInbound(inbound));
        true
    }
}

/// The topic, and the session unless the stream is a knock.
type Info = (TopicId, Option<u64>);
type Event = ConnectionHandlerEvent<Dial<InnerDial>, Info, FromDoors>;

impl ConnectionHandler for Doors {
    type FromBehaviour = ToDoors;
    type ToBehaviour = FromDoors;
    type InboundProtocol = Listen;
    type OutboundProtocol = Dial<InnerDial>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Info;

    fn listen_protocol(&self) -> SubstreamProtocol<Listen> {
        SubstreamProtocol::new(Listen, ())
    }

    /// Members stay connected; others only while they ask something.
    fn connection_keep_alive(&self) -> bool {
        !self.doors.is_empty()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let count = self.doors.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            if let Some(door) = self.doors.get_mut(at)
                && let Poll::Ready(event) = door.poll(cx)
            {
                self.turn = at + 1;
                return Poll::Ready(event);
            }
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: ToDoors) {
        match event {
            ToDoors::Admit { topic } => self.admit(topic),
            ToDoors::Open { topic, session, inner } => self.open(topic, session, *inner),
            ToDoors::Close { topic } => self.close(topic),
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Listen, Dial<InnerDial>, (), Info>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (opening, stream),
                ..
            }) => self.arrive(&opening, stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: Some(protocol),
                info: (topic, number),
            }) => self.dialled(topic, number, Ok(protocol)),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: (topic, None), .. }) => {
                self.knock_failed(topic)
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError {
                info: (topic, number),
                error,
            }) => self.dialled(topic, number, Err(plain(error))),
            _ => {} // A knock that went out; addresses and protocol lists.
        }
    }
}

/// Gossipsub's own upgrade cannot fail; writing our head can.
fn plain(error: StreamUpgradeError<io::Error>) -> StreamUpgradeError<Infallible> {
    match error {
        StreamUpgradeError::Timeout => StreamUpgradeError::Timeout,
        StreamUpgradeError::NegotiationFailed => StreamUpgradeError::NegotiationFailed,
        StreamUpgradeError::Apply(error) | StreamUpgradeError::Io(error) => {
            StreamUpgradeError::Io(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_kept_alive_while_its_peer_is_admitted_somewhere() {
        let (first, second) = (TopicId::from_bytes([1; 32]), TopicId::from_bytes([2; 32]));
        let mut doors = Doors::new(Role::Follower);
        assert!(!doors.connection_keep_alive());
        for topic in [first, first, second] {
            doors.on_behaviour_event(ToDoors::Admit { topic });
        }
        doors.on_behaviour_event(ToDoors::Close { topic: first });
        assert!(doors.connection_keep_alive());
        doors.on_behaviour_event(ToDoors::Close { topic: second });
        assert!(!doors.connection_keep_alive());
    }

    #[test]
    fn a_connection_has_a_bounded_number_of_doors() {
        let mut doors = Doors::new(Role::Follower);
        for n in 0..=u8::MAX {
            doors.on_behaviour_event(ToDoors::Admit { topic: TopicId::from_bytes([n; 32]) });
        }
        assert_eq!(doors.doors.len(), DOORS_MAX);
    }

    #[test]
    fn a_follower_knocks_and_tries_again_a_few_times() {
        let topic = TopicId::from_bytes([1; 32]);
        let mut doors = Doors::new(Role::Follower);
        doors.on_behaviour_event(ToDoors::Admit { topic });
        let mut knocks = 0;
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(event) = doors.poll(&mut cx) {
            let ConnectionHandlerEvent::OutboundSubstreamRequest { protocol } = event else {
                panic!("not a stream");
            };
            assert_eq!(protocol.upgrade().opening, Opening { topic, kind: Kind::Knock });
            assert_eq!(*protocol.info(), (topic, None));
            knocks += 1;
            doors.knock_failed(topic);
        }
        assert_eq!(knocks, KNOCKS_MAX);
    }
}

//! The task that owns the swarm: commands in, events out, dials when they are due.

mod requests;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::transport::ListenerId,
    identify, mdns,
    multiaddr::Protocol,
    ping,
    request_response::{OutboundRequestId, ResponseChannel},
    swarm::{
        ConnectionId, DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    Address, NetConfig, NetError, NetEvent, Peer, PeerInfo,
    behaviour::{self, Behaviour, BehaviourEvent},
    book::{Book, Due, Reason},
    frame::Response,
    gate::GateEvent,
    handle::{Answer, Command},
    names, peer,
};

/// Events in hand before the network has to wait for their reader.
const OUTBOX_MAX: usize = 64;

/// How long a second connection to one peer is left alone before one of them is closed.
const DOUBLE_GRACE: Duration = Duration::from_secs(5);

/// Longest wait for the listeners to come up: they are local.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

type Answering = BoxFuture<'static, (PeerId, ResponseChannel<Response>, Response)>;

/// Owns the swarm and everything that belongs to its peers.
pub(crate) struct Driver {
    // First, so that the sockets are closed before the handles see the inbox closed.
    swarm: Swarm<Behaviour>,
    book: Book,
    /// Connections in the order in which they came.
    connections: BTreeMap<PeerId, Vec<ConnectionId>>,
    /// When to look whether a peer still has two connections.
    doubles: BTreeMap<PeerId, Instant>,
    asked: HashMap<OutboundRequestId, (PeerId, Answer<Vec<u8>>)>,
    answering: FuturesUnordered<Answering>,
    answering_count: HashMap<PeerId, usize>,
    /// Dials whose host names are being looked up.
    looking_up: FuturesUnordered<BoxFuture<'static, (Due, Vec<Multiaddr>)>>,
    outbox: VecDeque<NetEvent>,
    events: mpsc::Sender<NetEvent>,
    inbox: mpsc::Receiver<Command>,
}

/// What woke the task.
enum Woken {
    Command(Option<Command>),
    Room,
    Swarm(Box<SwarmEvent<BehaviourEvent>>),
    Answered((PeerId, ResponseChannel<Response>, Response)),
    LookedUp((Due, Vec<Multiaddr>)),
    Due,
}

impl Driver {
    /// A driver that listens everywhere it should.
    pub(crate) async fn start(
        config: NetConfig,
        inbox: mpsc::Receiver<Command>,
        events: mpsc::Sender<NetEvent>,
    ) -> Result<Self, NetError> {
        let swarm = behaviour::swarm(peer::keypair(&config.seed), config.discovery)?;
        let mut driver = Self {
            swarm,
            book: Book::default(),
            connections: BTreeMap::new(),
            doubles: BTreeMap::new(),
            asked: HashMap::new(),
            answering: FuturesUnordered::new(),
            answering_count: HashMap::new(),
            looking_up: FuturesUnordered::new(),
            outbox: VecDeque::new(),
            events,
            inbox,
        };
        driver.listen(config.listen).await?;
        for address in config.bootstrap {
            driver.ask_for(address)?;
        }
        Ok(driver)
    }

    /// Runs until the handles or the event's reader are gone.
    pub(crate) async fn run(mut self) {
        loop {
            match self.wake().await {
                Woken::Command(None | Some(Command::Stop)) => return,
                Woken::Command(Some(command)) => self.obey(command),
                Woken::Room => {
                    if !self.deliver() {
                        return;
                    }
                }
                Woken::Swarm(event) => self.observe(*event),
                Woken::Answered((peer, channel, response)) => {
                    self.answered(&peer, channel, response);
                }
                Woken::LookedUp((due, places)) => self.dial(due, places),
                Woken::Due => {
                    self.dial_due();
                    self.close_doubles();
                }
            }
        }
    }

    /// Waits for the next thing to do. Commands are always taken; the swarm only while its events
    /// have somewhere to go.
    async fn wake(&mut self) -> Woken {
        let due = self.book.next().into_iter().chain(self.doubles.values().min().copied()).min();
        let due_at = due.unwrap_or_else(Instant::now);
        tokio::select! {
            command = self.inbox.recv() => Woken::Command(command),
            _ = self.events.reserve(), if !self.outbox.is_empty() => Woken::Room,
            event = self.swarm.select_next_some(), if self.outbox.len() < OUTBOX_MAX => {
                Woken::Swarm(Box::new(event))
            }
            () = self.events.closed() => Woken::Command(None),
            Some(answered) = self.answering.next() => Woken::Answered(answered),
            Some(found) = self.looking_up.next() => Woken::LookedUp(found),
            () = sleep_until(due_at), if due.is_some() => Woken::Due,
        }
    }

    /// Hands out events while there is room; `false` once nobody reads them.
    fn deliver(&mut self) -> bool {
        while let Some(event) = self.outbox.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => {
                    self.outbox.push_front(event);
                    return true;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
            }
        }
        true
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Dial { address, done } => finish(done, self.ask_for(address)),
            Command::Disconnect { peer } => {
                if self.swarm.disconnect_peer_id(peer.id()).is_err() {
                    tracing::debug!(%peer, "was not connected");
                }
            }
            Command::Subscribe { topic, done } => {
                let subscribed = self.swarm.behaviour_mut().gate.subscribe(topic);
                finish(done, subscribed.map_err(|error| NetError::gate(topic, error)));
            }
            Command::Unsubscribe { topic } => {
                for peer in self.swarm.behaviour_mut().gate.unsubscribe(topic) {
                    self.if_not_member(&peer);
                }
            }
            Command::Admit { topic, peer, done } => {
                let admitted = self.swarm.behaviour_mut().gate.admit(topic, peer.id());
                if admitted.is_ok() {
                    self.want(peer.id(), Reason::Member);
                }
                finish(done, admitted.map_err(|error| NetError::gate(topic, error)));
            }
            Command::Expel { topic, peer, done } => {
                self.swarm.behaviour_mut().gate.expel(topic, peer.id());
                self.if_not_member(&peer.id());
                finish(done, Ok(()));
            }
            Command::Publish { topic, bytes, done } => {
                let published = self.swarm.behaviour_mut().gate.publish(topic, bytes);
                finish(done, published.map_err(|error| NetError::gate(topic, error)));
            }
            Command::Judge { topic, id, verdict } => {
                self.swarm.behaviour_mut().gate.judge(topic, id, verdict);
            }
            Command::Request { peer, bytes, done } => self.request(peer, bytes, done),
            Command::Peers { done } => finish(done, Ok(self.peers())),
            Command::ListenAddresses { done } => finish(done, Ok(self.listen_addresses())),
            Command::Stop => {} // The loop ended before this.
        }
    }

    fn observe(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.observe_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.connected(peer_id, connection_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                tracing::debug!(%peer_id, ?cause, "connection closed");
                self.disconnected(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                self.dial_failed(connection_id, peer_id, &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(from = %send_back_addr, %error, "no connection came about");
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.outbox.push_back(NetEvent::Listening(Address::new(address)));
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listener"),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::warn!(?addresses, ?reason, "no longer listening");
            }
            _ => {} // The swarm's other news are of no use here; the enum may grow.
        }
    }

    fn observe_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gate(GateEvent::Joined { topic, peer }) => {
                self.outbox.push_back(NetEvent::Joined { topic, peer: Peer::new(peer) });
            }
            BehaviourEvent::Gate(GateEvent::Gossip { topic, peer, id, bytes }) => {
                let peer = Peer::new(peer);
                self.outbox.push_back(NetEvent::Gossip { topic, peer, id, bytes });
            }
            BehaviourEvent::Requests(event) => self.observe_request(event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                let usable = |address: &Multiaddr| !is_unspecified(address);
                let addresses = info.listen_addrs.into_iter().map(|at| Address::new(at).place());
                self.book.replace(peer_id, addresses.filter(usable).collect());
            }
            BehaviourEvent::Identify(_) => {}
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.want(peer, Reason::Discovered);
                    self.book.learn(Instant::now(), peer, Address::new(address).place());
                }
            }
            BehaviourEvent::Mdns(mdns::Event::Expired(_)) => {}
            BehaviourEvent::Ping(ping::Event { peer, connection, result }) => match result {
                Ok(_) | Err(ping::Failure::Unsupported) => {}
                Err(error) => {
                    tracing::debug!(%peer, %error, "peer does not respond");
                    self.swarm.close_connection(connection);
                }
            },
        }
    }
}

/// Listening and dialling.
impl Driver {
    /// Listens on all of `addresses`, and waits until that is so.
    async fn listen(&mut self, addresses: Vec<Address>) -> Result<(), NetError> {
        let mut pending = HashMap::new();
        for address in addresses {
            match self.listen_on(&address) {
                Ok(listener) => pending.insert(listener, address),
                Err(source) => return Err(NetError::Listen { address, source }),
            };
        }
        let deadline = Instant::now() + LISTEN_TIMEOUT;
        while let Some(address) = pending.values().next().cloned() {
            let event = tokio::time::timeout_at(deadline, self.swarm.select_next_some());
            let event = event.await.map_err(|late| NetError::Listen {
                address,
                source: io::Error::new(io::ErrorKind::TimedOut, late),
            })?;
            let (listener, failed) = match event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    self.observe(event);
                    (listener_id, None)
                }
                SwarmEvent::ListenerError { listener_id, error } => (listener_id, Some(error)),
                SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                    let closed = || io::Error::other("the listener closed");
                    (listener_id, Some(reason.err().unwrap_or_else(closed)))
                }
                other => {
                    self.observe(other);
                    continue;
                }
            };
            if let (Some(address), Some(source)) = (pending.remove(&listener), failed) {
                return Err(NetError::Listen { address, source });
            }
        }
        Ok(())
    }

    /// libp2p shares a TCP port with whoever shares it too, so that two nodes on one port would
    /// each get half of the connections; a plain socket finds out first.
    fn listen_on(&mut self, address: &Address) -> io::Result<ListenerId> {
        if let Some(socket) = tcp_socket(address.inner()) {
            drop(std::net::TcpListener::bind(socket)?);
        }
        self.swarm.listen_on(address.inner().clone()).map_err(|error| match error {
            libp2p::TransportError::Other(error) => error,
            unsupported @ libp2p::TransportError::MultiaddrNotSupported(_) => {
                io::Error::new(io::ErrorKind::Unsupported, unsupported)
            }
        })
    }

    fn ask_for(&mut self, address: Address) -> Result<(), NetError> {
        if address.peer().is_some_and(|peer| peer.id() == *self.swarm.local_peer_id()) {
            tracing::debug!(%address, "that is this node itself");
            return Ok(());
        }
        let full = |error| NetError::Full { what: Box::new(error) };
        self.book.ask(Instant::now(), address).map_err(full)
    }

    fn want(&mut self, peer: PeerId, reason: Reason) {
        if peer == *self.swarm.local_peer_id() {
            return;
        }
        if let Err(error) = self.book.want(Instant::now(), peer, reason) {
            tracing::warn!(%peer, %error, "will not be dialled again");
        }
    }

    fn if_not_member(&mut self, peer: &PeerId) {
        if !self.swarm.behaviour().gate.is_member(peer) {
            self.book.not_member(peer);
        }
    }

    /// Dials what is due, names being looked up on the way.
    fn dial_due(&mut self) {
        for due in self.book.due(Instant::now()) {
            let places = match &due {
                Due::Peer(_, places) => places.clone(),
                Due::Nameless(place) => vec![place.clone()],
            };
            if places.iter().any(names::has_name) {
                // As many as the book has entries, because each is due once at a time.
                let looking = async move { (due, names::look_up(places).await) };
                self.looking_up.push(looking.boxed());
            } else {
                self.dial(due, places);
            }
        }
    }

    fn dial(&mut self, due: Due, places: Vec<Multiaddr>) {
        let Some(first) = places.first().cloned() else {
            return self.book.unreachable(Instant::now(), &due);
        };
        let (peer, opts) = match due {
            Due::Peer(peer, _) => {
                let opts = DialOpts::peer_id(peer)
                    .addresses(places)
                    .condition(PeerCondition::DisconnectedAndNotDialing);
                (Some(peer), opts.build())
            }
            Due::Nameless(address) => {
                let opts = DialOpts::unknown_peer_id().address(first).build();
                self.book.dialling(opts.connection_id(), address);
                (None, opts)
            }
        };
        let connection = opts.connection_id();
        if let Err(error) = self.swarm.dial(opts) {
            self.dial_failed(connection, peer, &error);
        }
    }

    fn dial_failed(&mut self, connection: ConnectionId, peer: Option<PeerId>, error: &DialError) {
        tracing::debug!(?peer, %error, "dial failed");
        match error {
            DialError::LocalPeerId { .. } => self.book.forget(connection),
            // It is connected by now, or another dial is on its way.
            DialError::DialPeerConditionFalse(_) => {}
            _ => self.book.failed(Instant::now(), peer, connection),
        }
    }

    fn connected(&mut self, peer: PeerId, connection: ConnectionId) {
        let now = Instant::now();
        self.book.connected(now, peer, connection);
        let connections = self.connections.entry(peer).or_default();
        connections.push(connection);
        match connections.len() {
            1 => self.outbox.push_back(NetEvent::Connected { peer: Peer::new(peer) }),
            // One of the two sides decides, so that they do not close one each.
            _ if *self.swarm.local_peer_id() < peer => {
                self.doubles.insert(peer, now + DOUBLE_GRACE);
            }
            _ => {}
        }
    }

    fn disconnected(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(connections) = self.connections.get_mut(&peer) else { return };
        connections.retain(|other| *other != connection);
        if connections.is_empty() {
            self.connections.remove(&peer);
            self.doubles.remove(&peer);
            self.book.disconnected(Instant::now(), peer);
            self.outbox.push_back(NetEvent::Disconnected { peer: Peer::new(peer) });
        }
    }

    /// Keeps the newest connection to a peer: an older one may be dead without our knowing.
    /// Waits while requests are under way.
    fn close_doubles(&mut self) {
        let now = Instant::now();
        let due = self.doubles.iter().filter(|(_, at)| **at <= now);
        for peer in due.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            let asked = self.asked.values().any(|(other, _)| *other == peer);
            if asked || self.answering_count.contains_key(&peer) {
                self.doubles.insert(peer, now + DOUBLE_GRACE);
                continue;
            }
            self.doubles.remove(&peer);
            let connections = self.connections.get(&peer).map_or(&[][..], Vec::as_slice);
            if let [older @ .., _newest] = connections {
                for connection in older {
                    self.swarm.close_connection(*connection);
                }
            }
        }
    }

    fn peers(&self) -> Vec<PeerInfo> {
        let info = |peer: &PeerId| PeerInfo {
            peer: Peer::new(*peer),
            addresses: self.book.addresses(peer).into_iter().map(Address::new).collect(),
        };
        self.connections.keys().map(info).collect()
    }

    fn listen_addresses(&self) -> Vec<Address> {
        let me = Peer::new(*self.swarm.local_peer_id());
        self.swarm.listeners().map(|at| Address::new(at.clone()).with_peer(me)).collect()
    }
}

/// Tells a caller; one that stopped waiting does not need to know.
fn finish<T>(done: Answer<T>, result: Result<T, NetError>) {
    if done.send(result).is_err() {
        tracing::trace!("the caller stopped waiting");
    }
}

/// The TCP socket that a multiaddr names with a port of its own.
fn tcp_socket(address: &Multiaddr) -> Option<std::net::SocketAddr> {
    let mut parts = address.iter();
    let ip: std::net::IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) if port != 0 => Some((ip, port).into()),
        _ => None,
    }
}

fn is_unspecified(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => ip.is_unspecified(),
        Protocol::Ip6(ip) => ip.is_unspecified(),
        _ => false,
    })
}

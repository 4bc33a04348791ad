//! A peer that keeps to no rule: it writes raw bytes on gossip streams, and keeps what it is told.

use std::{
    collections::VecDeque,
    io, iter,
    task::{Context, Poll},
    time::Duration,
};

use anchorhold_net::Peer;
use futures::future::BoxFuture;
use futures::{AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _, StreamExt as _};
use libp2p::{
    InboundUpgrade, Multiaddr, OutboundUpgrade, PeerId, Stream, StreamProtocol, SwarmBuilder,
    core::{Endpoint, UpgradeInfo, transport::PortUse},
    noise,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, OneShotHandler,
        OneShotHandlerConfig, SubstreamProtocol, Swarm, SwarmEvent, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
    tcp, yamux,
};
use types::TopicId;

use crate::nodes::Node;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/anchorhold/gossip/1");

/// What the peer was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// On a stream that it opened: what came until the other side ended it.
    Answer(Vec<u8>),
    /// On a stream that the other side opened: what came until its end, or until [`MARK`].
    Stream(Vec<u8>),
}

/// Ends the reading of a stream.
pub(crate) const MARK: &[u8] = b"-- mark --";

/// Kinds of streams, see the crate's `gate::opening`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Lead = 1,
    Follow = 2,
    Knock = 3,
}

/// A stream's head.
pub(crate) fn head(topic: TopicId, kind: Kind, session: u64) -> Vec<u8> {
    [&topic.as_bytes()[..], &[kind as u8], &session.to_be_bytes()].concat()
}

/// A gossipsub frame: its length, then the protobuf message `RPC`.
pub(crate) fn frame(rpc: &[u8]) -> Vec<u8> {
    field_free(rpc)
}

/// `RPC.subscriptions = [{ subscribe: true, topic }]`.
pub(crate) fn subscribe(topic: TopicId) -> Vec<u8> {
    field(1, &[&[0x08, 1][..], &field(2, topic.to_string().as_bytes())].concat())
}

/// `RPC.control.graft = [{ topic }]`.
pub(crate) fn graft(topic: TopicId) -> Vec<u8> {
    field(3, &field(3, &field(1, topic.to_string().as_bytes())))
}

/// `RPC.control.iwant = [{ ids }]`.
pub(crate) fn iwant(ids: &[[u8; 32]]) -> Vec<u8> {
    field(3, &field(2, &ids.iter().flat_map(|id| field(1, id)).collect::<Vec<_>>()))
}

/// `RPC.publish = [{ data, topic }]`.
pub(crate) fn publish(topic: TopicId, data: &[u8]) -> Vec<u8> {
    field(2, &[field(2, data), field(4, topic.to_string().as_bytes())].concat())
}

/// A length-delimited protobuf field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &field_free(bytes)].concat()
}

fn field_free(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("7 bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("7 bits"));
    out.extend_from_slice(bytes);
    out
}

/// The peer.
pub(crate) struct Raw {
    swarm: Swarm<Mouth>,
    victim: PeerId,
}

impl Raw {
    /// Connects to `victim`.
    pub(crate) async fn meet(victim: &mut Node) -> Self {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .expect("tcp")
            .with_behaviour(|_| Mouth::default())
            .expect("a behaviour")
            .with_swarm_config(|config| {
                config.with_idle_connection_timeout(Duration::from_secs(60))
            })
            .build();
        let address: Multiaddr = victim.tcp().to_string().parse().expect("an address");
        swarm.dial(address).expect("dialling");
        let victim_peer = loop {
            if let SwarmEvent::ConnectionEstablished { peer_id, .. } =
                swarm.select_next_some().await
            {
                break peer_id;
            }
        };
        let raw = Self { swarm, victim: victim_peer };
        victim.connected(raw.peer()).await;
        raw
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::from_bytes(&self.swarm.local_peer_id().to_bytes()).expect("a peer")
    }

    /// Opens a stream and writes `bytes` on it.
    pub(crate) fn say(&mut self, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().queue.push_back(ToSwarm::NotifyHandler {
            peer_id: self.victim,
            handler: NotifyHandler::Any,
            event: Say(bytes),
        });
    }

    /// The next thing that it is told.
    pub(crate) async fn told(&mut self) -> Told {
        let telling = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::Behaviour(told) => return told,
                    SwarmEvent::ConnectionClosed { cause, .. } => panic!("closed: {cause:?}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), telling).await.expect("told in time")
    }
}

#[derive(Default)]
struct Mouth {
    queue: VecDeque<ToSwarm<Told, Say>>,
}

type Handler = OneShotHandler<Ear, Say, Told>;

fn handler() -> Handler {
    let timeout = Duration::from_secs(60);
    let listen = SubstreamProtocol::new(Ear, ()).with_timeout(timeout);
    let max_dial_negotiated = 64;
    let config = OneShotHandlerConfig { outbound_substream_timeout: timeout, max_dial_negotiated };
    OneShotHandler::new(listen, config)
}

impl NetworkBehaviour for Mouth {
    type ConnectionHandler = Handler;
    type ToSwarm = Told;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(handler())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.queue.push_back(ToSwarm::GenerateEvent(event.expect("a stream")));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Told, THandlerInEvent<Self>>> {
        self.queue.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Listens to what the other side opens.
#[derive(Clone, Debug)]
struct Ear;

/// Says something on a stream of its own.
#[derive(Debug)]
struct Say(Vec<u8>);

impl UpgradeInfo for Ear {
    type Info = StreamProtocol;
    type InfoIter = iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once(PROTOCOL)
    }
}

impl UpgradeInfo for Say {
    type Info = StreamProtocol;
    type InfoIter = iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once(PROTOCOL)
    }
}

impl InboundUpgrade<Stream> for Ear {
    type Output = Told;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Told>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        async move { Ok(Told::Stream(read(stream).await)) }.boxed()
    }
}

impl OutboundUpgrade<Stream> for Say {
    type Output = Told;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Told>>;

    fn upgrade_outbound(self, mut stream: Stream, _: StreamProtocol) -> Self::Future {
        async move {
            // The other side may end the stream before it has read all: that is an answer too.
            if stream.write_all(&self.0).await.is_ok() && stream.flush().await.is_ok() {
                return Ok(Told::Answer(read(stream).await));
            }
            Ok(Told::Answer(vec![]))
        }
        .boxed()
    }
}

/// All that comes until the stream ends, however it ends, or until [`MARK`].
async fn read(mut stream: Stream) -> Vec<u8> {
    let (mut bytes, mut chunk) = (vec![], [0; 1024]);
    while !bytes.windows(MARK.len()).any(|window| window == MARK) {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
    bytes
}

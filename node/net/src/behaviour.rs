//! The swarm: transports, and the network behaviours that share each connection.

use std::{num::NonZeroU8, time::Duration};

use libp2p::{
    Swarm, SwarmBuilder,
    connection_limits::{self, ConnectionLimits},
    identify,
    identity::Keypair,
    mdns, noise, ping,
    request_response::{self, ProtocolSupport},
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, yamux,
};

use crate::{
    Discovery, NetError,
    frame::{Frames, PROTOCOL},
    gate::{DOORS_MAX, Gate},
};

/// Connections, so that strangers cannot take all the memory. A member that is kept out by them is
/// dialled from here: the two directions are counted apart.
const INCOMING_MAX: u32 = 128;
const OUTGOING_MAX: u32 = 256;
/// Handshakes under way, each way.
const PENDING_MAX: u32 = 64;
/// Two sides may dial at once, and a dead connection may linger while its peer is back.
const PER_PEER_MAX: u32 = 4;

/// Streams on one connection, both ways: gossip, requests, and a few for the rest. Each may hold
/// 256 KiB unread on TCP, where QUIC bounds the connection as a whole.
const STREAMS_MAX: usize = 2 * DOORS_MAX + REQUESTS_PER_CONNECTION_MAX;
/// Streams of one connection whose protocol is being agreed upon.
const NEGOTIATING_MAX: usize = 32;

/// A connection with nothing to do and no admission behind it is closed after this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// How long one request may take, its answer included: 8 MiB over a slow line.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests on one connection, both ways.
const REQUESTS_PER_CONNECTION_MAX: usize = 64;

/// A dead peer is noticed within the sum of both. QUIC notices by itself within 10 s.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// Unread bytes that QUIC takes on one stream and on one connection.
const QUIC_STREAM_BYTES: u32 = 1 << 20;
const QUIC_CONNECTION_BYTES: u32 = 8 << 20;

/// Addresses of one peer that are tried at the same time.
const DIALS_AT_ONCE: NonZeroU8 = NonZeroU8::new(4).expect("4 is not zero");

/// What a node does on its connections.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    ping: ping::Behaviour,
    identify: identify::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) requests: request_response::Behaviour<Frames>,
    pub(crate) gate: Gate,
}

/// A swarm that listens nowhere yet.
pub(crate) fn swarm(key: Keypair, discovery: Discovery) -> Result<Swarm<Behaviour>, NetError> {
    let behaviour = behaviour(&key, discovery);
    let swarm = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, || {
            let mut config = yamux::Config::default();
            config.set_max_num_streams(STREAMS_MAX);
            config
        })
        .map_err(|error| NetError::Setup { source: Box::new(error) })?
        .with_quic_config(|mut config| {
            config.max_stream_data = QUIC_STREAM_BYTES;
            config.max_connection_data = QUIC_CONNECTION_BYTES;
            config.max_concurrent_stream_limit = u32::try_from(STREAMS_MAX).unwrap_or(u32::MAX);
            config
        })
        .with_behaviour(|_| behaviour)
        .map_err(|error| NetError::Setup { source: Box::new(error) })?
        .with_swarm_config(|config| {
            config
                .with_idle_connection_timeout(IDLE_TIMEOUT)
                .with_max_negotiating_inbound_streams(NEGOTIATING_MAX)
                .with_dial_concurrency_factor(DIALS_AT_ONCE)
        })
        .build();
    Ok(swarm)
}

fn behaviour(key: &Keypair, discovery: Discovery) -> Behaviour {
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_MAX))
        .with_max_pending_outgoing(Some(PENDING_MAX))
        .with_max_established_incoming(Some(INCOMING_MAX))
        .with_max_established_outgoing(Some(OUTGOING_MAX))
        .with_max_established_per_peer(Some(PER_PEER_MAX));
    let ping = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT);
    let identify = identify::Config::new(PROTOCOL.to_string(), key.public())
        .with_agent_version("anchorhold".to_owned())
        .with_push_listen_addr_updates(true)
        .with_cache_size(0); // The book keeps the addresses.
    let requests = request_response::Config::default()
        .with_request_timeout(REQUEST_TIMEOUT)
        .with_max_concurrent_streams(REQUESTS_PER_CONNECTION_MAX);
    Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        ping: ping::Behaviour::new(ping),
        identify: identify::Behaviour::new(identify),
        mdns: Toggle::from(mdns(key, discovery)),
        requests: request_response::Behaviour::with_codec(
            Frames::default(),
            [(PROTOCOL, ProtocolSupport::Full)],
            requests,
        ),
        gate: Gate::new(),
    }
}

/// Discovery on the local network, if wanted and if this machine can do multicast.
fn mdns(key: &Keypair, discovery: Discovery) -> Option<mdns::tokio::Behaviour> {
    match discovery {
        Discovery::Off => None,
        Discovery::LocalNetwork => {
            mdns::tokio::Behaviour::new(mdns::Config::default(), key.public().to_peer_id())
                .inspect_err(|error| {
                    tracing::warn!(%error, "no discovery on the local network");
                })
                .ok()
        }
    }
}

//! Moves opaque bytes between peers over libp2p: requests with answers, and gossip behind a wall.
//!
//! Refuses to know what it carries: no context, member, role or key of the layers above. Who may
//! take part in a topic is told from outside ([`NetHandle::admit`], [`NetHandle::expel`]).
//!
//! Reading order: `peer` → `config` → `event` → `handle` → `frame` → `gate` → `book` → `names` →
//! `driver`.
//!
//! # Invariants
//! - One task owns the swarm. Everyone else holds a [`NetHandle`] and bounded channels.
//! - Each topic is its own gossip network, which knows admitted peers only. A peer that is not
//!   admitted on a topic is sent no byte of it, not even the fact that we take part in it,
//!   whatever it knows or sends.
//! - The task always takes commands, even while its events wait for their reader, so that two
//!   tasks with two bounded channels between them cannot lock each other.
//! - Nothing a peer sends can cause a panic or an unbounded queue.

mod behaviour;
mod book;
mod config;
mod driver;
mod event;
mod frame;
mod gate;
mod handle;
mod names;
mod peer;

pub use config::{Discovery, NetConfig};
pub use event::{NetEvent, Reply};
pub use frame::FRAME_BYTES_MAX;
pub use gate::{GOSSIP_BYTES_MAX, TOPICS_MAX, Verdict};
pub use handle::{Net, NetError, NetHandle, PeerInfo};
pub use peer::{Address, ParsePeerError, Peer};

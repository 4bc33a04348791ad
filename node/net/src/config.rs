//! What the operator decides about the network.

use std::fmt;

use zeroize::Zeroizing;

use crate::Address;

/// Whether the node looks for peers on the local network by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Announce this node by mDNS, and dial the nodes announced there. Where multicast does not
    /// work this is the same as [`Discovery::Off`], with a warning in the log.
    LocalNetwork,
    /// Dial only what was asked for.
    Off,
}

/// How a node takes part in the network.
pub struct NetConfig {
    /// Seed of the node key (RFC 8032 §5.1.5), from the keystore.
    pub seed: Zeroizing<[u8; 32]>,
    /// Where to listen, such as `/ip4/0.0.0.0/tcp/4001` and `/ip4/0.0.0.0/udp/4001/quic-v1`;
    /// port 0 takes a free one. Empty: only dial.
    pub listen: Vec<Address>,
    /// Peers to stay in touch with, named by `/p2p/…` or not.
    pub bootstrap: Vec<Address>,
    /// Whether to look around on the local network.
    pub discovery: Discovery,
}

impl fmt::Debug for NetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetConfig")
            .field("peer", &crate::Peer::of_seed(&self.seed))
            .field("listen", &self.listen)
            .field("bootstrap", &self.bootstrap)
            .field("discovery", &self.discovery)
            .finish()
    }
}

//! Names of peers and where they are: text and bytes outside, libp2p's types inside.

use std::{fmt, str::FromStr};

use libp2p::{Multiaddr, PeerId, identity::Keypair, multiaddr::Protocol};
use zeroize::Zeroizing;

/// The text or bytes name no peer or no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}")]
pub struct ParsePeerError {
    what: &'static str,
    text: String,
}

/// Names a node on the network: its Ed25519 node key, as a libp2p peer id.
///
/// Text form: base58, `12D3KooW…`. Bytes: the multihash, at most 66 of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(PeerId);

impl Peer {
    /// The peer that a node with this key seed is.
    pub fn of_seed(seed: &[u8; 32]) -> Self {
        Self(keypair(seed).public().to_peer_id())
    }

    /// Reads the bytes of [`Peer::to_bytes`].
    ///
    /// # Errors
    /// [`ParsePeerError`] for bytes that are no peer id.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParsePeerError> {
        let what = "peer id";
        PeerId::from_bytes(bytes)
            .map(Self)
            .map_err(|_| ParsePeerError { what, text: format!("{} bytes", bytes.len()) })
    }

    /// The bytes that name this peer in other rooms, and in what members sign.
    pub fn to_bytes(self) -> Vec<u8> {
        self.0.to_bytes()
    }

    pub(crate) const fn new(id: PeerId) -> Self {
        Self(id)
    }

    pub(crate) const fn id(self) -> PeerId {
        self.0
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        write!(f, "Peer(…{})", text.get(text.len().saturating_sub(8)..).unwrap_or(&text))
    }
}

impl FromStr for Peer {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, ParsePeerError> {
        let what = "peer id";
        text.parse().map(Self).map_err(|_| ParsePeerError { what, text: text.to_owned() })
    }
}

/// Where a peer listens or may be reached: a multiaddr such as
/// `/ip4/192.0.2.7/udp/4001/quic-v1/p2p/12D3KooW…`. Text form: the multiaddr.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Multiaddr);

impl Address {
    /// The peer that the address names in its last part, if it names one.
    pub fn peer(&self) -> Option<Peer> {
        match self.0.iter().last() {
            Some(Protocol::P2p(id)) => Some(Peer(id)),
            _ => None,
        }
    }

    /// The same place, naming `peer`; for invitations.
    pub fn with_peer(self, peer: Peer) -> Self {
        Self(self.place().with(Protocol::P2p(peer.0)))
    }

    /// The address without a peer's name.
    pub(crate) fn place(self) -> Multiaddr {
        self.0.into_iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
    }

    pub(crate) const fn new(address: Multiaddr) -> Self {
        Self(address)
    }

    pub(crate) const fn inner(&self) -> &Multiaddr {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.0)
    }
}

impl FromStr for Address {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, ParsePeerError> {
        let what = "network address";
        text.parse().map(Self).map_err(|_| ParsePeerError { what, text: text.to_owned() })
    }
}

/// The node key with this seed (RFC 8032 §5.1.5).
pub(crate) fn keypair(seed: &[u8; 32]) -> Keypair {
    // Wiped when dropped, and the callee wipes what it is lent as well.
    let mut seed = Zeroizing::new(*seed);
    Keypair::ed25519_from_bytes(seed.as_mut_slice()).expect("32 bytes are always an Ed25519 seed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_survives_text_and_bytes() {
        let peer = Peer::of_seed(&[7; 32]);
        assert_eq!(peer.to_string().parse(), Ok(peer));
        assert_eq!(Peer::from_bytes(&peer.to_bytes()), Ok(peer));
        assert!(Peer::from_bytes(b"").is_err());
        assert!("12D3KooW".parse::<Peer>().is_err());
    }

    #[test]
    fn address_names_its_peer_once() {
        let peer = Peer::of_seed(&[7; 32]);
        let bare: Address = "/ip4/127.0.0.1/tcp/4001".parse().expect("an address");
        assert_eq!(bare.peer(), None);
        let named = bare.clone().with_peer(Peer::of_seed(&[8; 32])).with_peer(peer);
        assert_eq!(named.peer(), Some(peer));
        assert_eq!(named.place(), *bare.inner());
        assert!("127.0.0.1:4001".parse::<Address>().is_err());
    }
}

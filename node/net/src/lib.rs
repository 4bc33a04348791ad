//! Moves sync's messages between peers over libp2p.

//! What an operator may want to know.

use types::{EntryId, MemberKey};

use crate::session::PeerId;

/// How a peer compares with this node, as of its last heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not compared yet.
    Unknown,
    /// It has what we lack, or the other way.
    Differs,
    /// Log, frontier and state root are equal.
    InSync,
    /// Log and frontier are equal, state roots are not: a defect in one of the two nodes.
    Diverged,
    /// It has another log than we at the same epoch: whoever orders signed two.
    OtherLog,
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which.
    pub peer: PeerId,
    /// As whom it proved itself.
    pub member: MemberKey,
    /// How it compares.
    pub standing: Standing,
}

/// A replica's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Number of the last log entry.
    pub acl_epoch: u64,
    /// That entry.
    pub acl_head: EntryId,
    /// Authors with merged deltas.
    pub authors: usize,
    /// Merged deltas in all.
    pub deltas: u64,
    /// Deltas that wait for others or for the log.
    pub waiting: usize,
    /// Authors stopped by a fork, with its position.
    pub forked: Vec<(MemberKey, u64)>,
    /// Authors with a position that the log settled and that is not reached yet.
    pub unsettled: Vec<MemberKey>,
    /// Announced peers.
    pub peers: Vec<PeerStatus>,
}

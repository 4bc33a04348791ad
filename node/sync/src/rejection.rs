//! Why something from a peer was not taken.

use governance::log::Denied;
use types::{DeltaId, MemberKey};

/// Why a message, or a part of it, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Outside the bounds or the form of its kind.
    #[error("malformed")]
    Malformed,
    /// Meant for another context.
    #[error("of another context")]
    OtherContext,
    /// Its author did not sign it.
    #[error("not signed by {author:?}")]
    BadSignature {
        /// The pretended author.
        author: MemberKey,
    },
    /// The author had no right to write at the epoch that it cites.
    #[error("{author:?} may not write at epoch {epoch}")]
    NoRight {
        /// Who wrote.
        author: MemberKey,
        /// Under which entry.
        epoch: u64,
        /// What the log says.
        why: Denied,
    },
    /// Beyond the position up to which the log counts the author's deltas.
    #[error("delta {seq} of {author:?} is past the cut at {cut}")]
    PastCut {
        /// Who wrote.
        author: MemberKey,
        /// Which delta.
        seq: u64,
        /// The last that counts.
        cut: u64,
    },
    /// The author forked its chain; nothing past the fork counts until an admin decides.
    #[error("delta {seq} of {author:?} is past a fork of its chain at {fork}")]
    Forked {
        /// Who wrote.
        author: MemberKey,
        /// Which delta.
        seq: u64,
        /// The position that has two deltas.
        fork: u64,
    },
    /// An admin has restricted the author; the entry that says so is not sequenced yet.
    #[error("{author:?} is restricted until the log decides")]
    Restricted {
        /// Who wrote.
        author: MemberKey,
    },
    /// Not on the branch of the author's chain that counts, or is merged here.
    #[error("delta {id} is on another branch of its author's chain")]
    OffBranch {
        /// Which delta.
        id: DeltaId,
    },
    /// The author's clock is too far ahead; it may be taken later.
    #[error("clock of {author:?} is too far ahead")]
    ClockAhead {
        /// Whose clock.
        author: MemberKey,
    },
    /// No room to let it wait; it is asked for again later.
    #[error("too many deltas wait for others")]
    Full,
    /// The two headers prove nothing.
    #[error("no proof of a fork")]
    NotAFork,
    /// An entry does not apply.
    #[error("entry does not apply")]
    BadEntry(#[source] Denied),
    /// Another entry than ours at the same epoch: whoever orders the log signed two.
    #[error("another entry than ours at epoch {epoch}")]
    LogConflict {
        /// Where.
        epoch: u64,
    },
    /// A proposed batch would not apply.
    #[error("proposal does not apply")]
    BadProposal(#[source] Denied),
    /// The peer is not (or no more) announced as a member that may read.
    #[error("sender is not a member")]
    NotAMember,
    /// A page that was not asked for, or comes too late.
    #[error("deltas that were not asked for")]
    Unasked,
    /// Own: the state has moved on since it was drafted; draft it again.
    #[error("drafted on an earlier state")]
    Outdated,
}

impl Rejection {
    /// Whether an honest, up-to-date peer could not have sent it. Late knowledge is no fault: a
    /// peer may forward what a cut, fork or restriction that it has not heard of excludes.
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::Malformed
            | Self::OtherContext
            | Self::BadSignature { .. }
            | Self::NoRight { .. }
            | Self::NotAFork => true,
            Self::BadEntry(why) => !why.is_transient(),
            Self::PastCut { .. }
            | Self::Forked { .. }
            | Self::Restricted { .. }
            | Self::OffBranch { .. }
            | Self::ClockAhead { .. }
            | Self::Full
            | Self::LogConflict { .. }
            | Self::BadProposal(_)
            | Self::Outdated
            | Self::Unasked
            | Self::NotAMember => false,
        }
    }
}

//! What endpoints did wrong.

use core::fmt;

use types::Hash;

/// Something that an endpoint did wrong, as people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which endpoint: its address, without what is secret in it.
    pub endpoint: String,
    /// What it did.
    pub misdeed: Misdeed,
    /// How often.
    pub times: u64,
    /// How long ago the last time was, in seconds.
    pub ago_s: u64,
}

/// What an endpoint did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misdeed {
    /// It gave a value, or a proof, that does not hold under the block.
    WrongValue {
        /// What is wrong with it.
        why: String,
    },
    /// Its events do not lead to what the record is proved to be.
    WrongEvents {
        /// What is wrong with them.
        why: String,
    },
    /// It gave another block of this height than the others.
    OtherBlock {
        /// The height.
        height: u64,
        /// The one it gave.
        hash: Hash,
    },
    /// Its newest block is much older than that of the others, or it has not a block that they
    /// have.
    OldHead {
        /// Its newest, or the one it has not.
        height: u64,
    },
    /// It serves another chain.
    OtherChain {
        /// Which.
        found: String,
    },
    /// It could not be reached, or was too slow.
    Unreachable {
        /// What happened.
        why: String,
    },
    /// It answered like no node of the chain does.
    BadAnswer {
        /// What it said.
        why: String,
    },
}

impl Misdeed {
    /// Whether it is of the same kind as `other`: those are counted together.
    pub fn is_like(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
    }

    /// Whether an honest endpoint never does it: such an endpoint is asked last from then on.
    pub const fn is_a_lie(&self) -> bool {
        match self {
            Self::WrongValue { .. }
            | Self::WrongEvents { .. }
            | Self::OtherBlock { .. }
            | Self::OtherChain { .. } => true,
            Self::OldHead { .. } | Self::Unreachable { .. } | Self::BadAnswer { .. } => false,
        }
    }
}

impl fmt::Display for Misdeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongValue { why } => write!(f, "gave a wrong value: {why}"),
            Self::WrongEvents { why } => write!(f, "left events out or altered them: {why}"),
            Self::OtherBlock { height, hash } => {
                write!(f, "gave 0x{hash} as block {height}, others do not")
            }
            Self::OldHead { height } => write!(f, "is behind the others, at block {height}"),
            Self::OtherChain { found } => write!(f, "serves {found}"),
            Self::Unreachable { why } => write!(f, "could not be reached: {why}"),
            Self::BadAnswer { why } => write!(f, "did not answer like a node: {why}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, misdeed, times, ago_s } = self;
        let times = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
        write!(f, "{endpoint} {misdeed} ({times}, last {ago_s} s ago)")
    }
}

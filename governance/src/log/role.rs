//! What a member may do at all, and the capabilities on top.

use borsh::{BorshDeserialize, BorshSerialize};

/// A member's standing. Ordered: each role may do all that the ones before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Role {
    /// Reads the context.
    ReadOnly,
    /// Reads and writes.
    Member,
    /// Manages members and permissions too. Where a chain orders the log, seats on the chain give
    /// this role, never a batch.
    Admin,
    /// Orders the log of a context without a chain. Exactly one there, none elsewhere.
    Owner,
}

impl Role {
    /// The byte that stands for it in hashed and on-chain encodings.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Capabilities on top of a role: a set of bits. Admins and owners have all of them anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Caps(u8);

impl Caps {
    /// No capability.
    pub const NONE: Self = Self(0);
    /// May invite others, up to its own role.
    pub const INVITE: Self = Self(1);
    /// May change the application.
    pub const UPGRADE: Self = Self(2);
    /// May permit calls from other contexts.
    pub const PERMIT_CALLS: Self = Self(4);
    const ALL: u8 = 7;

    /// The set with these bits, unless one of them is not known.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::ALL == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits, as hashed.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every capability of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BorshDeserialize for Caps {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let invalid = || borsh::io::Error::from(borsh::io::ErrorKind::InvalidData);
        Self::from_bits(u8::deserialize_reader(reader)?).ok_or_else(invalid)
    }
}

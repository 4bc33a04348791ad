//! What one entry holds.

use borsh::{BorshDeserialize, BorshSerialize};
use types::{DecodeError, Hash, Tagged, decode, encode};

use crate::{Dot, Kind, Stamp};

/// A value and when it was written.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Write {
    pub(crate) stamp: Stamp,
    pub(crate) value: Vec<u8>,
}

/// One entry; its bytes are its row, and what the tree hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Of a register.
    Last(Write),
    /// Of a map or set: the live puts, ascending by author, one each, at least one. More than one
    /// only while puts are concurrent.
    Live(Vec<Write>),
    /// Of a counter, not 0.
    Sum(i128),
}

impl Entry {
    /// Parses a row of a collection of `kind`. Its size was bounded when it was written.
    pub(crate) fn decode(kind: Kind, row: &[u8]) -> Result<Self, DecodeError> {
        let entry = match kind {
            Kind::Register => Self::Last(decode(row, usize::MAX)?),
            Kind::Map | Kind::Set => Self::Live(decode(row, usize::MAX)?),
            Kind::Counter => Self::Sum(decode(row, usize::MAX)?),
        };
        if entry.is_canonical() { Ok(entry) } else { Err(DecodeError::Malformed) }
    }

    fn is_canonical(&self) -> bool {
        match self {
            Self::Last(_) => true,
            Self::Live(live) => {
                let author = |write: &Write| write.stamp.dot.author;
                !live.is_empty() && live.is_sorted_by(|a, b| author(a) < author(b))
            }
            Self::Sum(sum) => *sum != 0,
        }
    }

    /// The row, or `None` for an entry that is not there.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        match self {
            Self::Last(write) => Some(encode(write)),
            Self::Live(live) => (!live.is_empty()).then(|| encode(live)),
            Self::Sum(sum) => (*sum != 0).then(|| encode(sum)),
        }
    }

    /// What readers see, except of a counter.
    pub(crate) fn into_value(self) -> Option<Vec<u8>> {
        match self {
            Self::Last(write) => Some(write.value),
            Self::Live(live) => {
                live.into_iter().max_by_key(|write| write.stamp).map(|write| write.value)
            }
            Self::Sum(_) => None,
        }
    }

    /// The dots that a write here observes.
    pub(crate) fn dots(&self) -> Vec<Dot> {
        match self {
            Self::Live(live) => live.iter().map(|write| write.stamp.dot).collect(),
            Self::Last(_) | Self::Sum(_) => Vec::new(),
        }
    }
}

/// What the tree holds of an entry's row.
pub(crate) fn digest(row: &[u8]) -> Hash {
    RowBytes(row).digest()
}

#[derive(BorshSerialize)]
struct RowBytes<'a>(&'a [u8]);

impl Tagged for RowBytes<'_> {
    const TAG: &'static str = "anchorhold/entry/1";
}

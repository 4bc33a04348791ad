//! What a delta does to the state, as its author wrote it.

use borsh::{BorshDeserialize, BorshSerialize};
use types::{DecodeError, Hlc, MemberKey, decode, encode};

use crate::{CollectionId, EntryKey, IdError, Kind};

/// Longest map key or set item in bytes: an index into data, not data.
pub const KEY_MAX: usize = 1024;
/// Longest value in bytes: what a guest can hold twice beside its own work.
pub const VALUE_MAX: usize = 1024 * 1024;
/// Longest encoded payload in bytes: one delta stays one message.
pub const PAYLOAD_MAX: usize = 4 * 1024 * 1024;

/// Names the put or insert of one delta at one entry. An author has at most one that lives there.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Dot {
    /// Who wrote it.
    pub author: MemberKey,
    /// In which of its deltas.
    pub seq: u64,
}

/// The one total order of writes, for every kind: clock, then author, then sequence number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Stamp {
    /// The delta's clock reading.
    pub hlc: Hlc,
    /// Breaks ties of clocks.
    pub dot: Dot,
}

/// Which delta a payload came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who signed it.
    pub author: MemberKey,
    /// Its place in the author's chain, from 1.
    pub seq: u64,
    /// Its clock reading.
    pub hlc: Hlc,
}

impl Origin {
    /// What its puts and inserts are called.
    pub const fn dot(&self) -> Dot {
        Dot { author: self.author, seq: self.seq }
    }

    /// How its writes compare with others.
    pub const fn stamp(&self) -> Stamp {
        Stamp { hlc: self.hlc, dot: self.dot() }
    }
}

/// One change of one entry. `observed` are the dots that its author saw live there: they end, and
/// nothing else does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum Op {
    /// Sets a register.
    SetRegister {
        /// Which register.
        id: CollectionId,
        /// Its value, at most [`VALUE_MAX`].
        value: Vec<u8>,
    },
    /// Sets a key of a map.
    Put {
        /// Which map.
        id: CollectionId,
        /// Where, at most [`KEY_MAX`].
        key: Vec<u8>,
        /// Its value, at most [`VALUE_MAX`].
        value: Vec<u8>,
        /// Strictly ascending, one per author.
        observed: Vec<Dot>,
    },
    /// Removes a key from a map.
    Remove {
        /// Which map.
        id: CollectionId,
        /// Where, at most [`KEY_MAX`].
        key: Vec<u8>,
        /// Strictly ascending, one per author.
        observed: Vec<Dot>,
    },
    /// Inserts an item into a set.
    Insert {
        /// Which set.
        id: CollectionId,
        /// What, at most [`KEY_MAX`].
        item: Vec<u8>,
        /// Strictly ascending, one per author.
        observed: Vec<Dot>,
    },
    /// Takes an item out of a set.
    Discard {
        /// Which set.
        id: CollectionId,
        /// What, at most [`KEY_MAX`].
        item: Vec<u8>,
        /// Strictly ascending, one per author.
        observed: Vec<Dot>,
    },
    /// Adds to a counter.
    Add {
        /// Which counter.
        id: CollectionId,
        /// How much; may be negative.
        amount: i64,
    },
}

/// An [`Op`] seen from its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    Set(&'a [u8]),
    Add(i64),
    Live { put: Option<&'a [u8]>, observed: &'a [Dot] },
}

/// Why operations are no payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The bytes are too many or malformed.
    #[error("not a payload: {0}")]
    Decode(#[from] DecodeError),
    /// A key is too long or out of place.
    #[error(transparent)]
    Key(#[from] IdError),
    /// The operation is not for collections of this kind.
    #[error("operation on a {found:?} that only fits a {expected:?}")]
    WrongKind {
        /// What the operation is for.
        expected: Kind,
        /// What the id says.
        found: Kind,
    },
    /// A value over [`VALUE_MAX`].
    #[error("value of {size} bytes, at most {VALUE_MAX} allowed")]
    ValueTooLarge {
        /// What came.
        size: usize,
    },
    /// More than [`PAYLOAD_MAX`] when encoded.
    #[error("payload of {size} bytes, at most {PAYLOAD_MAX} allowed")]
    TooLarge {
        /// What came.
        size: usize,
    },
    /// Two operations on one entry, or not in ascending order of entries.
    #[error("operations are not in strictly ascending order of their entries")]
    Order,
    /// Observed dots with an author twice or not ascending.
    #[error("observed dots are not in strictly ascending order of their authors")]
    ObservedOrder,
}

/// The operations of one delta: at most one per entry, ascending by entry, each within bounds. So
/// every set of changes has one encoding, and merging it needs no checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize)]
pub struct Payload {
    ops: Vec<Op>,
}

impl Payload {
    /// A payload of `ops`, which it sorts.
    ///
    /// # Errors
    /// [`PayloadError`] if one is out of bounds, two concern one entry, or all together encode to
    /// more than [`PAYLOAD_MAX`] bytes.
    pub fn new(mut ops: Vec<Op>) -> Result<Self, PayloadError> {
        ops.sort_by(|a, b| a.place().cmp(&b.place()));
        Self::from_sorted(ops)
    }

    pub(crate) fn from_sorted(ops: Vec<Op>) -> Result<Self, PayloadError> {
        ops.iter().try_for_each(Op::check)?;
        if !ops.is_sorted_by(|a, b| a.place() < b.place()) {
            return Err(PayloadError::Order);
        }
        let size = ops.iter().map(Op::encoded_len).fold(4, usize::saturating_add);
        if size > PAYLOAD_MAX {
            return Err(PayloadError::TooLarge { size });
        }
        Ok(Self { ops })
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Parses canonical bytes.
    ///
    /// Whether bytes are a payload depends on nothing else, so all nodes agree about a delta that
    /// carries something else.
    ///
    /// # Errors
    /// [`PayloadError`] as for [`Payload::new`], and for ops that are not sorted.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        Self::from_sorted(decode(bytes, PAYLOAD_MAX)?)
    }

    /// What it does, ascending by entry.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
}

impl Op {
    /// Which collection it changes.
    pub const fn collection(&self) -> &CollectionId {
        match self {
            Self::SetRegister { id, .. }
            | Self::Put { id, .. }
            | Self::Remove { id, .. }
            | Self::Insert { id, .. }
            | Self::Discard { id, .. }
            | Self::Add { id, .. } => id,
        }
    }

    /// Where in the collection; empty for registers and counters.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Remove { key, .. } => key,
            Self::Insert { item, .. } | Self::Discard { item, .. } => item,
            Self::SetRegister { .. } | Self::Add { .. } => &[],
        }
    }

    pub(crate) fn entry(&self) -> EntryKey {
        EntryKey::new(self.collection(), self.key()).expect("a payload checked its keys")
    }

    fn place(&self) -> (&CollectionId, &[u8]) {
        (self.collection(), self.key())
    }

    /// What it does, without where: sets are maps to nothing.
    pub(crate) fn change(&self) -> Change<'_> {
        match self {
            Self::SetRegister { value, .. } => Change::Set(value),
            Self::Put { value, observed, .. } => Change::Live { put: Some(value), observed },
            Self::Insert { observed, .. } => Change::Live { put: Some(&[]), observed },
            Self::Remove { observed, .. } | Self::Discard { observed, .. } => {
                Change::Live { put: None, observed }
            }
            Self::Add { amount, .. } => Change::Add(*amount),
        }
    }

    fn value_and_observed(&self) -> (&[u8], &[Dot]) {
        match self.change() {
            Change::Set(value) => (value, &[]),
            Change::Add(_) => (&[], &[]),
            Change::Live { put, observed } => (put.unwrap_or_default(), observed),
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::SetRegister { .. } => Kind::Register,
            Self::Put { .. } | Self::Remove { .. } => Kind::Map,
            Self::Insert { .. } | Self::Discard { .. } => Kind::Set,
            Self::Add { .. } => Kind::Counter,
        }
    }

    fn check(&self) -> Result<(), PayloadError> {
        let (expected, found) = (self.kind(), self.collection().kind());
        if expected != found {
            return Err(PayloadError::WrongKind { expected, found });
        }
        EntryKey::new(self.collection(), self.key())?;
        let (value, observed) = self.value_and_observed();
        if value.len() > VALUE_MAX {
            return Err(PayloadError::ValueTooLarge { size: value.len() });
        }
        if !observed.is_sorted_by(|a, b| a.author < b.author) {
            return Err(PayloadError::ObservedOrder);
        }
        Ok(())
    }

    /// Bytes that it takes in an encoded payload.
    pub(crate) fn encoded_len(&self) -> usize {
        const TAG_AND_ID: usize = 1 + 32;
        const LENGTH: usize = 4;
        const DOT: usize = 32 + 8;
        let lists = match self {
            Self::SetRegister { .. } => LENGTH,
            Self::Add { .. } => 8,
            Self::Put { .. } => 3 * LENGTH,
            Self::Remove { .. } | Self::Insert { .. } | Self::Discard { .. } => 2 * LENGTH,
        };
        let (value, observed) = self.value_and_observed();
        let dots = observed.len().saturating_mul(DOT);
        [TAG_AND_ID, lists, self.key().len(), value.len(), dots]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

//! Names collections and the entries in them.

use core::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use types::{Hash, Tagged};

use crate::KEY_MAX;

/// What a collection is, and so how it merges. Part of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// One value; the last write stays.
    Register = 1,
    /// Keys to values; a put survives a remove that did not see it.
    Map = 2,
    /// Items; an insert survives a discard that did not see it.
    Set = 3,
    /// A signed sum.
    Counter = 4,
}

/// The bytes name no collection or entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The first byte is no [`Kind`].
    #[error("{0} is no kind of collection")]
    UnknownKind(u8),
    /// A key in a register or counter, which have none.
    #[error("a {0:?} has no keys")]
    Keyless(Kind),
    /// A key over [`KEY_MAX`].
    #[error("key of {size} bytes, at most {KEY_MAX} allowed")]
    KeyTooLong {
        /// What came.
        size: usize,
    },
}

/// Names a collection: its [`Kind`] in the first byte, then 31 bytes of BLAKE3 over where it
/// stands. Derived, never drawn, so that every node and every call arrives at the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct CollectionId([u8; 32]);

/// Names one hashed entry: a collection and, in maps and sets, a key or item of at most
/// [`KEY_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey(Vec<u8>);

#[derive(BorshSerialize)]
struct Place<'a> {
    parent: Option<CollectionId>,
    key: &'a [u8],
    kind: u8,
}

impl Tagged for Place<'_> {
    const TAG: &'static str = "anchorhold/collection/1";
}

impl CollectionId {
    /// The collection that an application calls `name`, at the top.
    pub fn root(kind: Kind, name: &str) -> Self {
        Self::derive(kind, &Place { parent: None, key: name.as_bytes(), kind: kind as u8 })
    }

    /// The collection at `key` inside this one. It lives by itself: removing `key` from the parent
    /// leaves it, so that work done in it meanwhile is not lost.
    #[must_use]
    pub fn child(&self, key: &[u8], kind: Kind) -> Self {
        Self::derive(kind, &Place { parent: Some(*self), key, kind: kind as u8 })
    }

    fn derive(kind: Kind, place: &Place<'_>) -> Self {
        let [_, rest @ ..] = *place.digest().as_bytes();
        let mut bytes = [kind as u8; 32];
        bytes.iter_mut().skip(1).zip(rest).for_each(|(byte, hashed)| *byte = hashed);
        Self(bytes)
    }

    /// Wraps bytes that are already such an id.
    ///
    /// # Errors
    /// [`IdError::UnknownKind`] by the first byte.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, IdError> {
        Kind::from_byte(first(&bytes)).map(|_| Self(bytes))
    }

    /// The bytes inside.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// How it merges.
    pub fn kind(&self) -> Kind {
        Kind::from_byte(first(&self.0)).expect("both constructors put a kind first")
    }
}

impl Kind {
    const fn from_byte(byte: u8) -> Result<Self, IdError> {
        match byte {
            1 => Ok(Self::Register),
            2 => Ok(Self::Map),
            3 => Ok(Self::Set),
            4 => Ok(Self::Counter),
            other => Err(IdError::UnknownKind(other)),
        }
    }

    /// Whether entries have keys.
    pub(crate) const fn is_keyed(self) -> bool {
        matches!(self, Self::Map | Self::Set)
    }
}

const fn first(bytes: &[u8; 32]) -> u8 {
    let [first, ..] = *bytes;
    first
}

impl EntryKey {
    /// The entry of `collection` at `key`; an empty `key` for a register or counter.
    ///
    /// # Errors
    /// [`IdError::Keyless`] for a key where there is none, [`IdError::KeyTooLong`] over
    /// [`KEY_MAX`].
    pub fn new(collection: &CollectionId, key: &[u8]) -> Result<Self, IdError> {
        if key.len() > KEY_MAX {
            return Err(IdError::KeyTooLong { size: key.len() });
        }
        if !key.is_empty() && !collection.kind().is_keyed() {
            return Err(IdError::Keyless(collection.kind()));
        }
        Ok(Self([collection.as_bytes().as_slice(), key].concat()))
    }

    /// The collection it is in.
    pub fn collection(&self) -> CollectionId {
        let bytes = self.0.first_chunk().expect("`new` puts a collection's 32 bytes first");
        CollectionId(*bytes)
    }

    /// Where in the collection.
    pub fn key(&self) -> &[u8] {
        self.0.get(32..).unwrap_or_default()
    }

    /// Collection, then key.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its place in the tree.
    pub(crate) fn path(&self) -> Hash {
        KeyBytes(&self.0).digest()
    }
}

#[derive(BorshSerialize)]
struct KeyBytes<'a>(&'a [u8]);

impl Tagged for KeyBytes<'_> {
    const TAG: &'static str = "anchorhold/entry-key/1";
}

impl BorshDeserialize for CollectionId {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let bytes = <[u8; 32]>::deserialize_reader(reader)?;
        Self::from_bytes(bytes).map_err(|_| borsh::io::ErrorKind::InvalidData.into())
    }
}

impl fmt::Debug for CollectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, a, b, c, d, ..] = self.0;
        write!(f, "{:?}({a:02x}{b:02x}{c:02x}{d:02x})", self.kind())
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.collection(), self.key().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_place_and_kind_apart() {
        let map = CollectionId::root(Kind::Map, "tasks");
        let ids = [
            map,
            CollectionId::root(Kind::Set, "tasks"),
            CollectionId::root(Kind::Map, "task"),
            map.child(b"tasks", Kind::Map),
            map.child(b"", Kind::Map),
            map.child(b"tasks", Kind::Counter),
            map.child(b"tasks", Kind::Map).child(b"tasks", Kind::Map),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(map.child(b"n", Kind::Counter).kind(), Kind::Counter);
        assert_eq!(CollectionId::from_bytes(*map.as_bytes()), Ok(map));
        assert_eq!(CollectionId::from_bytes([9; 32]), Err(IdError::UnknownKind(9)));
    }

    #[test]
    fn keys_are_bounded_and_only_where_there_are_keys() {
        let map = CollectionId::root(Kind::Map, "m");
        let register = CollectionId::root(Kind::Register, "r");
        assert!(EntryKey::new(&map, &[0; KEY_MAX]).is_ok());
        let long = EntryKey::new(&map, &[0; KEY_MAX + 1]);
        assert_eq!(long, Err(IdError::KeyTooLong { size: KEY_MAX + 1 }));
        assert!(EntryKey::new(&register, b"").is_ok());
        assert_eq!(EntryKey::new(&register, b"k"), Err(IdError::Keyless(Kind::Register)));
    }
}

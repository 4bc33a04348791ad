//! Keys of rows: one leading byte per sort of row, so that sorts never mix.

use types::MemberKey;

use crate::{CollectionId, EntryKey};

/// An entry, as hashed.
pub(crate) fn entry(key: &EntryKey) -> Vec<u8> {
    [b"e", key.as_bytes()].concat()
}

/// What the rows of all entries of `collection` start with.
pub(crate) fn entries(collection: &CollectionId) -> Vec<u8> {
    [b"e", collection.as_bytes().as_slice()].concat()
}

/// A tree node, by the nibbles that lead to it.
pub(crate) fn node(path: &[u8]) -> Vec<u8> {
    [b"t", path].concat()
}

/// How many entries `collection` has. Local.
pub(crate) fn count(collection: &CollectionId) -> Vec<u8> {
    [b"n", collection.as_bytes().as_slice()].concat()
}

/// How far `author` is merged. Local.
pub(crate) fn mark(author: &MemberKey) -> Vec<u8> {
    [b"a", author.as_bytes().as_slice()].concat()
}

/// Where writes of `author` at `key` have ended before they came. Local.
pub(crate) fn early_ends(author: &MemberKey, key: &EntryKey) -> Vec<u8> {
    [b"x", author.as_bytes().as_slice(), key.as_bytes()].concat()
}

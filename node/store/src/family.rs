//! The column families and the keys in them.

use std::fmt;

use types::ContextId;

/// A column family. All but `Meta` and `Blobs` have keys that begin with a [`ContextId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Rows of the node itself, by name; among them the schema version.
    Meta,
    /// Content by its hash.
    Blobs,
    /// Genesis, local rows and frontier of each context.
    Contexts,
    /// ACL log entries by epoch.
    Entries,
    /// Deltas by order of admission, with an index by author.
    Deltas,
    /// Shared state.
    State,
    /// State that never leaves this node.
    Private,
    /// Sealed secrets.
    Keys,
    /// Events by sequence number.
    Events,
}

impl Family {
    /// Every family, in the order of the enum.
    pub const ALL: [Self; 9] = [
        Self::Meta,
        Self::Blobs,
        Self::Contexts,
        Self::Entries,
        Self::Deltas,
        Self::State,
        Self::Private,
        Self::Keys,
        Self::Events,
    ];

    /// The families that are emptied of a context when this node leaves it.
    pub(crate) const OF_A_CONTEXT: [Self; 7] = [
        Self::Contexts,
        Self::Entries,
        Self::Deltas,
        Self::State,
        Self::Private,
        Self::Keys,
        Self::Events,
    ];

    /// Its name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Blobs => "blobs",
            Self::Contexts => "contexts",
            Self::Entries => "entries",
            Self::Deltas => "deltas",
            Self::State => "state",
            Self::Private => "private",
            Self::Keys => "keys",
            Self::Events => "events",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `context ‖ parts…`, the key of a row of `context`.
pub(crate) fn key(context: &ContextId, parts: &[&[u8]]) -> Vec<u8> {
    let len = 32 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut key = Vec::with_capacity(len);
    key.extend_from_slice(context.as_bytes());
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// The least key above every key that begins with `prefix`; none if `prefix` is all `0xff`.
pub(crate) fn above(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=kept)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// The fixed-size array that `bytes` begin with, and the rest.
pub(crate) fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().map(|(head, rest)| (*head, rest))
}

/// A big-endian number that is all of `bytes`.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_is_the_end_of_a_prefix() {
        for (prefix, end) in [
            (&b"ab"[..], Some(&b"ac"[..])),
            (b"a\xff", Some(b"b")),
            (b"\xff\xff", None),
            (b"", None),
        ] {
            assert_eq!(above(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}

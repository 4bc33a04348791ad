//! The state that merges and guests read, and what they would write.

use std::{collections::BTreeMap, error::Error, ops::Bound};

/// The bytes below could not be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read state")]
pub struct ReadError(#[source] Box<dyn Error + Send + Sync>);

impl ReadError {
    /// Wraps what the storage said.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// The state could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The storage failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The rows are not ones that this code wrote.
    #[error("state is corrupt at row {}", .row.escape_ascii())]
    Corrupt {
        /// Key of the row that is malformed, or that is missing though another refers to it.
        row: Vec<u8>,
    },
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// One context's rows, in byte order of their keys. All reads between a [`crate::merge()`] and the
/// writing of its result must see the same state.
pub trait Read: Send + Sync {
    /// The row at `key`.
    ///
    /// # Errors
    /// [`ReadError`] if the storage fails; an absent row is `None`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// The first `limit` rows whose key starts with `prefix` and, if given, is greater than
    /// `after` (a whole key), ascending. Keys come back whole.
    ///
    /// # Errors
    /// [`ReadError`] if the storage fails.
    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, ReadError>;
}

/// Rows to put (`Some`) and to delete (`None`), all or none.
pub type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// State in memory: what a store holds of one context, without the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Memory {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out `writes`.
    pub fn write(&mut self, writes: Writes) {
        for (key, value) in writes {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }

    /// All rows, ascending.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.rows.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

impl Read for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, ReadError> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rows = self.rows.range::<[u8], _>((start, Bound::Unbounded));
        let within = rows.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(within.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_stays_within_its_prefix_and_after_its_cursor() {
        let mut memory = Memory::new();
        let rows = ["a", "b", "b1", "b2", "b3", "c"];
        memory.write(rows.iter().map(|key| (key.as_bytes().to_vec(), Some(vec![]))).collect());
        let check = |after: Option<&str>, limit, expected: &[&str]| {
            let found = memory.scan(b"b", after.map(str::as_bytes), limit).expect("memory reads");
            let keys: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
            assert_eq!(
                keys,
                expected.iter().map(|k| k.as_bytes()).collect::<Vec<_>>(),
                "{after:?}"
            );
        };
        check(None, 9, &["b", "b1", "b2", "b3"]);
        check(None, 2, &["b", "b1"]);
        check(Some("a"), 9, &["b", "b1", "b2", "b3"]);
        check(Some("b1"), 9, &["b2", "b3"]);
        check(Some("b9"), 9, &[]);
        check(Some("z"), 9, &[]);
    }
}

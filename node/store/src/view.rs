//! State as merges and guests read it.

use std::{collections::BTreeMap, fmt};

use crdt::ReadError;
use types::{ContextId, MemberKey};

use crate::{
    Family, FrontierRow, Store, StoreError,
    backend::{Rows, Source},
    contexts,
    family::key,
};

/// The state of one context, by keys without the context's prefix. Cheap to clone and to send; it
/// keeps the database open.
#[derive(Clone)]
pub struct View {
    source: Source,
    family: Family,
    context: ContextId,
}

/// The whole store as it was at one moment, whatever is written later. While one is held, rows
/// that were overwritten since are kept on disk, so it should not be held for long.
#[derive(Clone)]
pub struct Snapshot(Source);

impl Store {
    /// The shared state of `context` as it is whenever it is read.
    pub fn state(&self, context: &ContextId) -> View {
        View { source: self.live(), family: Family::State, context: *context }
    }

    /// The private state of `context` as it is whenever it is read.
    pub fn private(&self, context: &ContextId) -> View {
        View { source: self.live(), family: Family::Private, context: *context }
    }

    /// Everything as it is at this moment. Costs no copy.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.frozen())
    }
}

impl Snapshot {
    /// The shared state of `context` at that moment.
    pub fn state(&self, context: &ContextId) -> View {
        View { source: self.0.clone(), family: Family::State, context: *context }
    }

    /// The private state of `context` at that moment.
    pub fn private(&self, context: &ContextId) -> View {
        View { source: self.0.clone(), family: Family::Private, context: *context }
    }

    /// The frontier of `context` at that moment.
    ///
    /// # Errors
    /// As [`Store::frontier`].
    pub fn frontier(
        &self,
        context: &ContextId,
    ) -> Result<BTreeMap<MemberKey, FrontierRow>, StoreError> {
        contexts::frontier(&self.0, context)
    }
}

impl crdt::Read for View {
    fn get(&self, suffix: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.source.get(self.family, &key(&self.context, &[suffix])).map_err(ReadError::new)
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ReadError> {
        let mut request = Rows::under(key(&self.context, &[prefix])).at_most(limit, usize::MAX);
        if let Some(after) = after {
            request = request.after(key(&self.context, &[after]));
        }
        let rows = self.source.rows(self.family, &request).map_err(ReadError::new)?;
        let strip = |(key, value): (Vec<u8>, Vec<u8>)| {
            // Every key under the prefix begins with the context's 32 bytes.
            (key.get(32..).unwrap_or_default().to_vec(), value)
        };
        Ok(rows.into_iter().map(strip).collect())
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("family", &self.family)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot(…)")
    }
}

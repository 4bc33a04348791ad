//! The contexts of this node: genesis, local rows, frontier.

use std::collections::BTreeMap;

use types::{ContextId, DeltaId, MemberKey};

use crate::{
    Batch, Family, Store, StoreError,
    backend::{Rows, Source},
    commit::Positions,
    deltas, events,
    family::{above, key, number, take},
};

const GENESIS: &[u8] = &[0];
const LOCAL: &[u8] = &[1];
const FRONTIER: &[u8] = &[2];

/// How far an author's deltas are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrontierRow {
    /// Sequence number of its last delta.
    pub seq: u64,
    /// Name of that delta.
    pub id: DeltaId,
}

impl Batch {
    /// Sets the genesis record of `context`, by which it becomes one of [`Store::contexts`].
    pub fn put_genesis(&mut self, context: &ContextId, genesis: Vec<u8>) {
        self.put(Family::Contexts, key(context, &[GENESIS]), genesis);
    }

    /// Sets a row about `context` that concerns this node alone, e.g. its name here.
    pub fn put_local(&mut self, context: &ContextId, name: &str, value: Vec<u8>) {
        self.put(Family::Contexts, local_key(context, name), value);
    }

    /// Deletes such a row.
    pub fn delete_local(&mut self, context: &ContextId, name: &str) {
        self.delete(Family::Contexts, local_key(context, name));
    }

    /// Sets how far the deltas of `author` are in.
    pub fn put_frontier(&mut self, context: &ContextId, author: &MemberKey, row: FrontierRow) {
        let value = [row.seq.to_be_bytes().as_slice(), row.id.as_bytes()].concat();
        self.put(Family::Contexts, key(context, &[FRONTIER, author.as_bytes()]), value);
    }

    /// Deletes the frontier row of `author`: none of its deltas counts.
    pub fn delete_frontier(&mut self, context: &ContextId, author: &MemberKey) {
        self.delete(Family::Contexts, key(context, &[FRONTIER, author.as_bytes()]));
    }
}

impl Store {
    /// The contexts that have a genesis record here, in ascending order.
    ///
    /// # Errors
    /// What the disk says, here and in all reading methods; [`StoreError::Corrupt`] for a row that
    /// does not parse.
    pub fn contexts(&self) -> Result<Vec<ContextId>, StoreError> {
        contexts_with(&self.frozen(), GENESIS)
    }

    /// The contexts that have the local row `name`, with or without a genesis record.
    ///
    /// # Errors
    /// As [`Store::contexts`].
    pub fn contexts_with_local(&self, name: &str) -> Result<Vec<ContextId>, StoreError> {
        contexts_with(&self.frozen(), &[LOCAL, name.as_bytes()].concat())
    }

    /// The genesis record of `context`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn genesis(&self, context: &ContextId) -> Result<Option<Vec<u8>>, StoreError> {
        self.live().get(Family::Contexts, &key(context, &[GENESIS]))
    }

    /// The local row `name` of `context`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn local(&self, context: &ContextId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.live().get(Family::Contexts, &local_key(context, name))
    }

    /// How far the deltas of each author are in: one row per author that ever wrote.
    ///
    /// # Errors
    /// As [`Store::contexts`].
    pub fn frontier(
        &self,
        context: &ContextId,
    ) -> Result<BTreeMap<MemberKey, FrontierRow>, StoreError> {
        frontier(&self.live(), context)
    }
}

pub(crate) fn frontier(
    source: &Source,
    context: &ContextId,
) -> Result<BTreeMap<MemberKey, FrontierRow>, StoreError> {
    let prefix = key(context, &[FRONTIER]);
    let start = prefix.len();
    let rows = source.rows(Family::Contexts, &Rows::under(prefix))?;
    rows.into_iter()
        .map(|(key, value)| {
            frontier_row(key.get(start..).unwrap_or_default(), &value)
                .ok_or_else(|| StoreError::corrupt(Family::Contexts, &key))
        })
        .collect()
}

/// The last positions that were given out in `context`.
pub(crate) fn positions(source: &Source, context: &ContextId) -> Result<Positions, StoreError> {
    let last = |family, prefix: Vec<u8>| match source.last(family, &prefix)? {
        None => Ok(0),
        Some((key, _)) => number(key.get(prefix.len()..).unwrap_or_default())
            .ok_or_else(|| StoreError::corrupt(family, &key)),
    };
    Ok(Positions {
        delta: last(Family::Deltas, deltas::body_prefix(context))?,
        event: last(Family::Events, events::prefix(context))?,
    })
}

/// Walks from context to context, so that the cost is theirs and not that of all their rows.
fn contexts_with(source: &Source, suffix: &[u8]) -> Result<Vec<ContextId>, StoreError> {
    let mut found = Vec::new();
    let mut next = Some(Vec::new());
    // Terminates: each turn begins above every row of the context before.
    while let Some(from) = next {
        let request = Rows { from, to: None, limit: 1, bytes_max: usize::MAX };
        let Some((row, _)) = source.rows(Family::Contexts, &request)?.pop() else { break };
        let corrupt = || StoreError::corrupt(Family::Contexts, &row);
        let context = ContextId::from_bytes(take(&row).ok_or_else(corrupt)?.0);
        if source.get(Family::Contexts, &key(&context, &[suffix]))?.is_some() {
            found.push(context);
        }
        next = above(context.as_bytes());
    }
    Ok(found)
}

fn local_key(context: &ContextId, name: &str) -> Vec<u8> {
    key(context, &[LOCAL, name.as_bytes()])
}

fn frontier_row(author: &[u8], value: &[u8]) -> Option<(MemberKey, FrontierRow)> {
    let author = MemberKey::from_bytes(author.try_into().ok()?);
    let (seq, id) = take(value)?;
    let id = DeltaId::from_bytes(id.try_into().ok()?);
    Some((author, FrontierRow { seq: u64::from_be_bytes(seq), id }))
}

//! Changes on their way into the state: gathers them per delta, then updates the tree once.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use types::{Hash, MemberKey, decode, encode};

use crate::{
    CollectionId, EntryKey, MergeError, Merged, Origin, Read, StateError, Writes,
    ends::Ends,
    entry::{Entry, digest},
    row, tree,
};

/// How far an author is merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Mark {
    /// Its last delta.
    pub(crate) seq: u64,
    /// How many early-ends rows it has: 0 unless somebody named dots before they came.
    pub(crate) early: u32,
}

pub(crate) struct Draft<'a> {
    base: &'a dyn Read,
    writes: Writes,
    leaves: Vec<(Hash, Option<Hash>)>,
    counts: BTreeMap<CollectionId, i64>,
    marks: BTreeMap<MemberKey, Mark>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(base: &'a dyn Read) -> Self {
        Self {
            base,
            writes: Writes::new(),
            leaves: Vec::new(),
            counts: BTreeMap::new(),
            marks: BTreeMap::new(),
        }
    }

    /// Notes that `origin` is being merged.
    pub(crate) fn advance(&mut self, origin: &Origin) -> Result<(), MergeError> {
        let mut mark = self.mark(&origin.author)?;
        if origin.seq <= mark.seq {
            let Origin { author, seq, .. } = *origin;
            return Err(MergeError::Repeated { author, seq, merged: mark.seq });
        }
        mark.seq = origin.seq;
        self.set_mark(&origin.author, mark);
        Ok(())
    }

    pub(crate) fn mark(&self, author: &MemberKey) -> Result<Mark, StateError> {
        match self.marks.get(author) {
            Some(mark) => Ok(*mark),
            None => read_mark(self.base, author),
        }
    }

    pub(crate) fn set_mark(&mut self, author: &MemberKey, mark: Mark) {
        self.marks.insert(*author, mark);
        let row = (mark != Mark::default()).then(|| encode(&mark));
        self.writes.insert(row::mark(author), row);
    }

    /// Where writes of `author` at `key` ended before they came.
    pub(crate) fn early_ends(
        &self,
        author: &MemberKey,
        key: &EntryKey,
    ) -> Result<Ends, StateError> {
        if self.mark(author)?.early == 0 {
            return Ok(Ends::default());
        }
        let ends: Option<Ends> = read(self.base, row::early_ends(author, key))?;
        Ok(ends.unwrap_or_default())
    }

    /// At most once per author and key.
    pub(crate) fn set_early_ends(
        &mut self,
        author: &MemberKey,
        key: &EntryKey,
        ends: &Ends,
    ) -> Result<(), StateError> {
        let before = self.early_ends(author, key)?;
        if before == *ends {
            return Ok(());
        }
        let mut mark = self.mark(author)?;
        mark.early = match (before.is_empty(), ends.is_empty()) {
            (true, false) => mark.early.saturating_add(1),
            (false, true) => mark.early.saturating_sub(1),
            _ => mark.early,
        };
        self.set_mark(author, mark);
        let row = (!ends.is_empty()).then(|| encode(ends));
        self.writes.insert(row::early_ends(author, key), row);
        Ok(())
    }

    /// The row at `key`, as it was.
    pub(crate) fn row(&self, key: &EntryKey) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.base.get(&row::entry(key))?)
    }

    /// Exchanges the row `old` at `key`; at most once per key.
    pub(crate) fn replace(&mut self, key: &EntryKey, old: Option<&[u8]>, new: Option<&Entry>) {
        let new = new.and_then(Entry::encode);
        if old == new.as_deref() {
            return;
        }
        let change = i64::from(new.is_some()).saturating_sub(i64::from(old.is_some()));
        if change != 0 && key.collection().kind().is_keyed() {
            let count = self.counts.entry(key.collection()).or_default();
            *count = count.saturating_add(change);
        }
        self.leaves.push((key.path(), new.as_deref().map(digest)));
        self.writes.insert(row::entry(key), new);
    }

    pub(crate) fn finish(mut self) -> Result<Merged, StateError> {
        for (collection, change) in std::mem::take(&mut self.counts) {
            let count = read_count(self.base, &collection)?.saturating_add_signed(change);
            let row = (count != 0).then(|| encode(&count));
            self.writes.insert(row::count(&collection), row);
        }
        let root = tree::update(self.base, self.leaves, &mut self.writes)?;
        Ok(Merged { writes: self.writes, root })
    }
}

/// How many entries `collection` has.
pub(crate) fn read_count(base: &dyn Read, collection: &CollectionId) -> Result<u64, StateError> {
    Ok(read(base, row::count(collection))?.unwrap_or(0))
}

pub(crate) fn read_mark(base: &dyn Read, author: &MemberKey) -> Result<Mark, StateError> {
    Ok(read(base, row::mark(author))?.unwrap_or_default())
}

pub(crate) fn read_entry(base: &dyn Read, key: &EntryKey) -> Result<Option<Entry>, StateError> {
    let row = row::entry(key);
    match base.get(&row)? {
        Some(bytes) => decode_entry(key, &bytes).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn decode_entry(key: &EntryKey, bytes: &[u8]) -> Result<Entry, StateError> {
    Entry::decode(key.collection().kind(), bytes)
        .map_err(|_| StateError::Corrupt { row: row::entry(key) })
}

/// A local row. Its size was bounded when it was written.
fn read<T: BorshDeserialize>(base: &dyn Read, row: Vec<u8>) -> Result<Option<T>, StateError> {
    match base.get(&row)? {
        Some(bytes) => match decode(&bytes, usize::MAX) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(StateError::Corrupt { row }),
        },
        None => Ok(None),
    }
}

//! What a batch means on top of what is stored: positions given out, voided ranges looked up.

use std::collections::{BTreeMap, BTreeSet};

use types::{ContextId, MemberKey};

use crate::{
    Family, StoreError,
    backend::{Change, Row, Rows, Source},
    batch::Step,
    contexts, deltas, entries, events,
};

/// The last positions given out in one context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions {
    /// Order of admission of the last delta.
    pub(crate) delta: u64,
    /// Sequence number of the last event.
    pub(crate) event: u64,
}

/// Positions by context, loaded when first needed; one small row per context that was written to.
pub(crate) type Ledger = BTreeMap<ContextId, Positions>;

/// A batch in primitive changes.
pub(crate) struct Commit {
    pub(crate) changes: Vec<Change>,
    /// What the ledger holds once the changes are written.
    pub(crate) ledger: Ledger,
    /// Sequence numbers of the appended events, in the order of the batch.
    pub(crate) events: Vec<u64>,
}

/// Turns `steps` into changes on top of `source`. Reads only; the caller keeps other writers out
/// until the changes are written.
///
/// # Errors
/// [`StoreError::Taken`] for a position that is filled; what reading says.
pub(crate) fn resolve(
    steps: Vec<Step>,
    source: &Source,
    ledger: &Ledger,
) -> Result<Commit, StoreError> {
    let commit = Commit { changes: Vec::new(), ledger: Ledger::new(), events: Vec::new() };
    let mut draft =
        Draft { source, known: ledger, rows: BTreeMap::new(), emptied: BTreeSet::new(), commit };
    steps.into_iter().try_for_each(|step| draft.take(step))?;
    Ok(draft.commit)
}

struct Draft<'a> {
    source: &'a Source,
    known: &'a Ledger,
    /// Positions this batch itself fills (`Some`) or frees (`None`): the log rows only.
    rows: BTreeMap<(Family, Vec<u8>), Option<Vec<u8>>>,
    /// Contexts of which nothing in `source` counts any more.
    emptied: BTreeSet<ContextId>,
    commit: Commit,
}

impl Draft<'_> {
    fn take(&mut self, step: Step) -> Result<(), StoreError> {
        match step {
            Step::Change(change) => self.commit.changes.push(change),
            Step::Entry { context, epoch, bytes } => {
                let key = entries::entry_key(&context, epoch);
                self.refuse_taken("entry", &context, epoch, Family::Entries, &key)?;
                self.put(Family::Entries, key, bytes);
            }
            Step::Delta { context, author, seq, bytes } => {
                self.delta(&context, &author, seq, bytes)?;
            }
            Step::Void { context, author, after_seq } => self.void(&context, &author, after_seq)?,
            Step::Readmit { context, author, after_seq, up_to_seq } => {
                self.readmit(&context, &author, after_seq, up_to_seq)?;
            }
            Step::Event { context, bytes } => self.event(&context, bytes)?,
            Step::Forget { context } => self.forget(context),
        }
        Ok(())
    }

    fn delta(
        &mut self,
        context: &ContextId,
        author: &MemberKey,
        seq: u64,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let index = deltas::index_key(context, author, seq);
        self.refuse_taken("delta", context, seq, Family::Deltas, &index)?;
        let positions = self.positions(context)?;
        let order = next(positions.delta, Family::Deltas, context)?;
        positions.delta = order;
        let body = deltas::body(author, seq, &bytes);
        self.commit.changes.push(Change::Put {
            family: Family::Deltas,
            key: deltas::body_key(context, order),
            value: body,
        });
        self.put(Family::Deltas, index, order.to_be_bytes().to_vec());
        Ok(())
    }

    fn void(
        &mut self,
        context: &ContextId,
        author: &MemberKey,
        after_seq: u64,
    ) -> Result<(), StoreError> {
        let Some(first) = after_seq.checked_add(1) else { return Ok(()) };
        for (key, order) in self.index(context, author, first)? {
            let seq = deltas::index_seq(&key)?;
            self.put(
                Family::Deltas,
                deltas::quarantine_key(context, author, seq, &order),
                Vec::new(),
            );
            self.delete(Family::Deltas, key);
        }
        Ok(())
    }

    fn readmit(
        &mut self,
        context: &ContextId,
        author: &MemberKey,
        after_seq: u64,
        up_to_seq: u64,
    ) -> Result<(), StoreError> {
        for (key, _) in self.under(context, &deltas::quarantine_prefix(context, author))? {
            let (seq, order) = deltas::quarantined(&key)?;
            if seq <= after_seq || seq > up_to_seq {
                continue;
            }
            let index = deltas::index_key(context, author, seq);
            self.refuse_taken("delta", context, seq, Family::Deltas, &index)?;
            self.put(Family::Deltas, index, order.to_be_bytes().to_vec());
            self.delete(Family::Deltas, key);
        }
        Ok(())
    }

    fn event(&mut self, context: &ContextId, bytes: Vec<u8>) -> Result<(), StoreError> {
        let positions = self.positions(context)?;
        let seq = next(positions.event, Family::Events, context)?;
        positions.event = seq;
        self.commit.events.push(seq);
        let key = events::event_key(context, seq);
        self.commit.changes.push(Change::Put { family: Family::Events, key, value: bytes });
        if let Some(stale) = seq.checked_sub(events::RETAINED_MAX).filter(|stale| *stale > 0) {
            let key = events::event_key(context, stale);
            self.commit.changes.push(Change::Delete { family: Family::Events, key });
        }
        Ok(())
    }

    fn forget(&mut self, context: ContextId) {
        for family in Family::OF_A_CONTEXT {
            let prefix = context.as_bytes().to_vec();
            self.commit.changes.push(Change::DeletePrefix { family, prefix });
        }
        self.rows.retain(|(_, key), _| !key.starts_with(context.as_bytes()));
        self.emptied.insert(context);
        self.commit.ledger.insert(context, Positions::default());
    }

    fn positions(&mut self, context: &ContextId) -> Result<&mut Positions, StoreError> {
        if !self.commit.ledger.contains_key(context) {
            let positions = match self.known.get(context) {
                Some(known) => *known,
                None => contexts::positions(self.source, context)?,
            };
            self.commit.ledger.insert(*context, positions);
        }
        Ok(self.commit.ledger.entry(*context).or_default())
    }

    fn refuse_taken(
        &self,
        what: &'static str,
        context: &ContextId,
        position: u64,
        family: Family,
        key: &[u8],
    ) -> Result<(), StoreError> {
        let is_taken = match self.rows.get(&(family, key.to_vec())) {
            Some(row) => row.is_some(),
            None if self.emptied.contains(context) => false,
            None => self.source.get(family, key)?.is_some(),
        };
        if is_taken {
            return Err(StoreError::Taken { what, context: *context, position });
        }
        Ok(())
    }

    /// Index rows of `author` from seq `first` on, this batch's own included.
    fn index(
        &self,
        context: &ContextId,
        author: &MemberKey,
        first: u64,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.under(context, &deltas::index_prefix(context, author))?;
        let from = deltas::index_key(context, author, first);
        rows.retain(|key, _| *key >= from);
        Ok(rows.into_iter().collect())
    }

    /// The delta rows under `prefix`, with this batch's changes.
    fn under(
        &self,
        context: &ContextId,
        prefix: &[u8],
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let stored = if self.emptied.contains(context) {
            Vec::new()
        } else {
            self.source.rows(Family::Deltas, &Rows::under(prefix.to_vec()))?
        };
        let mut rows: BTreeMap<_, _> = stored.into_iter().collect();
        let from = (Family::Deltas, prefix.to_vec());
        let ours = self
            .rows
            .range(from..)
            .take_while(|((family, key), _)| *family == Family::Deltas && key.starts_with(prefix));
        for ((_, key), value) in ours {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(rows)
    }

    fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.rows.insert((family, key.clone()), Some(value.clone()));
        self.commit.changes.push(Change::Put { family, key, value });
    }

    fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.rows.insert((family, key.clone()), None);
        self.commit.changes.push(Change::Delete { family, key });
    }
}

/// The position after `last`. Nobody writes 2^64 rows, so a row at the end is not ours.
fn next(last: u64, family: Family, context: &ContextId) -> Result<u64, StoreError> {
    last.checked_add(1).ok_or_else(|| StoreError::corrupt(family, context.as_bytes()))
}

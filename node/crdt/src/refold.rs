//! Takes voided deltas out of the state again.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use types::MemberKey;

use crate::{
    EntryKey, Merged, Op, Origin, Payload, Read, StateError,
    draft::{Draft, Mark},
    ends::{End, Ends},
    entry::{Entry, Write},
    payload::Change,
};

/// Recomputes the entries that voided deltas touched, from the deltas that still count.
///
/// Holds the touched entries only, whatever the length of the log.
#[derive(Debug)]
pub struct Refold {
    cells: BTreeMap<EntryKey, Cell>,
    /// Authors of voided deltas, each with the last of its deltas that counts.
    cut: BTreeMap<MemberKey, u64>,
}

/// One touched entry while deltas come in, in any order.
#[derive(Debug, Default)]
struct Cell {
    set: Option<Write>,
    sum: i128,
    /// Each author's last put.
    puts: BTreeMap<MemberKey, Write>,
    /// Where each author's puts ended.
    ends: BTreeMap<MemberKey, Ends>,
    /// Whose puts voided deltas had ended.
    voided_ends: BTreeSet<MemberKey>,
}

impl Refold {
    /// Starts from the deltas that no longer count: of each author concerned, the tail of its chain
    /// that was merged, in any order.
    pub fn new(voided: impl IntoIterator<Item = (Origin, Payload)>) -> Self {
        let mut refold = Self { cells: BTreeMap::new(), cut: BTreeMap::new() };
        for (origin, payload) in voided {
            refold.cut.insert(origin.author, 0);
            for op in payload.ops() {
                let cell = refold.cells.entry(op.entry()).or_default();
                if let Change::Live { observed, .. } = op.change() {
                    cell.voided_ends.extend(observed.iter().map(|dot| dot.author));
                }
            }
        }
        refold
    }

    /// Takes in a delta that counts. Every one that is merged and still counts, of every author,
    /// must be given once, in any order.
    pub fn keep(&mut self, origin: &Origin, payload: &Payload) {
        if let Some(last) = self.cut.get_mut(&origin.author) {
            *last = origin.seq.max(*last);
        }
        for op in payload.ops() {
            if let Some(cell) = self.cells.get_mut(&op.entry()) {
                cell.take(op, origin);
            }
        }
    }

    /// The state as if the voided deltas had never been merged; they may be merged again.
    ///
    /// # Errors
    /// [`StateError`] if rows cannot be read or are malformed.
    pub fn finish(self, base: &dyn Read) -> Result<Merged, StateError> {
        let mut draft = Draft::new(base);
        for (author, seq) in self.cut {
            let mark = draft.mark(&author)?;
            draft.set_mark(&author, Mark { seq, ..mark });
        }
        for (key, cell) in self.cells {
            cell.settle_early_ends(&mut draft, &key)?;
            let old = draft.row(&key)?;
            draft.replace(&key, old.as_deref(), cell.into_entry(&key).as_ref());
        }
        draft.finish()
    }
}

impl Cell {
    fn take(&mut self, op: &Op, origin: &Origin) {
        let write = |value: &[u8]| Write { stamp: origin.stamp(), value: value.to_vec() };
        match op.change() {
            Change::Set(value) => {
                if self.set.as_ref().is_none_or(|set| set.stamp < origin.stamp()) {
                    self.set = Some(write(value));
                }
            }
            Change::Add(amount) => self.sum = self.sum.wrapping_add(i128::from(amount)),
            Change::Live { put, observed } => {
                for dot in observed {
                    if let Some(said) = End::new(origin, dot) {
                        self.ends.entry(dot.author).or_default().add(said);
                    }
                }
                if let Some(value) = put {
                    self.put(origin, || write(value));
                }
            }
        }
    }

    fn put(&mut self, origin: &Origin, write: impl FnOnce() -> Write) {
        match self.puts.entry(origin.author) {
            btree_map::Entry::Vacant(slot) => {
                slot.insert(write());
            }
            btree_map::Entry::Occupied(mut slot) => {
                if slot.get().stamp.dot.seq < origin.seq {
                    slot.insert(write());
                }
            }
        }
    }

    /// Puts that ended, and now count as not having come, must stay ended when they come again.
    fn settle_early_ends(&self, draft: &mut Draft<'_>, key: &EntryKey) -> Result<(), StateError> {
        let authors: BTreeSet<_> = self.ends.keys().chain(&self.voided_ends).collect();
        for author in authors {
            let mut ends = self.ends.get(author).cloned().unwrap_or_default();
            ends.forget_until(draft.mark(author)?.seq);
            draft.set_early_ends(author, key, &ends)?;
        }
        Ok(())
    }

    fn into_entry(mut self, key: &EntryKey) -> Option<Entry> {
        if key.collection().kind().is_keyed() {
            let puts = std::mem::take(&mut self.puts);
            let ends = |write: &Write| self.ends.get(&write.stamp.dot.author);
            let is_live = |write: &Write| ends(write).is_none_or(|ends| !ends.cover(&write.stamp));
            return Some(Entry::Live(puts.into_values().filter(is_live).collect()));
        }
        self.set.map(Entry::Last).or(Some(Entry::Sum(self.sum)))
    }
}

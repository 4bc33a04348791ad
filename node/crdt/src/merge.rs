//! Brings one delta's payload into the state.

use types::{MemberKey, Root};

use crate::{
    EntryKey, Op, Origin, Payload, Read, StateError, Writes,
    draft::{Draft, decode_entry, read_mark},
    ends::End,
    entry::{Entry, Write},
    payload::Change,
};

/// Why a delta was not merged. Nothing about the payload can be the reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The state below failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The author's deltas up to `merged` are in already.
    #[error("delta {seq} of {author} is merged already, as all up to {merged}")]
    Repeated {
        /// Whose delta.
        author: MemberKey,
        /// Which one.
        seq: u64,
        /// The last one merged.
        merged: u64,
    },
}

/// What merging comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// What to write, in one atomic batch with the delta itself.
    pub writes: Writes,
    /// The state's root once that is written.
    pub root: Root,
}

/// Merges the `payload` of the delta `origin` into `base`.
///
/// Each author's deltas must come in the order of their `seq`, gaps allowed; chains of different
/// authors may interleave in any order that puts a delta after what it observed. Reads one row per
/// entry and O(log n) tree nodes, however many operations share them.
///
/// # Errors
/// - [`MergeError::Repeated`] unless `origin.seq` is above [`last_seq`] of its author.
/// - [`MergeError::State`] if rows cannot be read, or are not of this code's making.
pub fn merge(base: &dyn Read, payload: &Payload, origin: &Origin) -> Result<Merged, MergeError> {
    let mut draft = Draft::new(base);
    draft.advance(origin)?;
    for op in payload.ops() {
        apply(&mut draft, op, origin)?;
    }
    Ok(draft.finish()?)
}

/// Sequence number of the last delta of `author` merged into `base`, 0 before the first.
///
/// # Errors
/// [`StateError`] if the row cannot be read or is malformed.
pub fn last_seq(base: &dyn Read, author: &MemberKey) -> Result<u64, StateError> {
    Ok(read_mark(base, author)?.seq)
}

fn apply(draft: &mut Draft<'_>, op: &Op, origin: &Origin) -> Result<(), StateError> {
    let key = op.entry();
    let row = draft.row(&key)?;
    let old = row.as_deref().map(|row| decode_entry(&key, row)).transpose()?;
    let new = match (op.change(), old) {
        (Change::Set(value), old) => Some(later(old, origin, value)),
        (Change::Add(amount), old) => Some(sum(old, amount)),
        (Change::Live { put, observed }, old) => {
            let mut live = match old {
                Some(Entry::Live(live)) => live,
                _ => Vec::new(),
            };
            for dot in observed {
                if let Some(said) = End::new(origin, dot) {
                    end(draft, &key, &mut live, &dot.author, said)?;
                }
            }
            if let Some(value) = put {
                begin(draft, &key, &mut live, origin, value)?;
            }
            Some(Entry::Live(live))
        }
    };
    draft.replace(&key, row.as_deref(), new.as_ref());
    Ok(())
}

fn later(old: Option<Entry>, origin: &Origin, value: &[u8]) -> Entry {
    match old {
        Some(Entry::Last(write)) if write.stamp > origin.stamp() => Entry::Last(write),
        _ => Entry::Last(Write { stamp: origin.stamp(), value: value.to_vec() }),
    }
}

fn sum(old: Option<Entry>, amount: i64) -> Entry {
    let before = match old {
        Some(Entry::Sum(sum)) => sum,
        _ => 0,
    };
    // Wrapping would take 2^64 additions of the largest amount.
    Entry::Sum(before.wrapping_add(i128::from(amount)))
}

/// Ends the author's writes at `key` as `said`, also those that have not come yet.
fn end(
    draft: &mut Draft<'_>,
    key: &EntryKey,
    live: &mut Vec<Write>,
    author: &MemberKey,
    said: End,
) -> Result<(), StateError> {
    live.retain(|write| write.stamp.dot.author != *author || !said.covers(&write.stamp));
    if said.reaches_beyond(draft.mark(author)?.seq) {
        let mut ends = draft.early_ends(author, key)?;
        ends.add(said);
        draft.set_early_ends(author, key, &ends)?;
    }
    Ok(())
}

/// Adds the author's write at `key` in place of its earlier one, unless it ended early.
fn begin(
    draft: &mut Draft<'_>,
    key: &EntryKey,
    live: &mut Vec<Write>,
    origin: &Origin,
    value: &[u8],
) -> Result<(), StateError> {
    live.retain(|write| write.stamp.dot.author != origin.author);
    let mut ends = draft.early_ends(&origin.author, key)?;
    if !ends.cover(&origin.stamp()) {
        let at = live.partition_point(|write| write.stamp.dot.author < origin.author);
        live.insert(at, Write { stamp: origin.stamp(), value: value.to_vec() });
    }
    // The author's further writes come after this one.
    ends.forget_until(origin.seq);
    draft.set_early_ends(&origin.author, key, &ends)
}

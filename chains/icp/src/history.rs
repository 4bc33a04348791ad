//! A record's history from one endpoint, believed only once it leads to what is certified: what
//! revisions say, to the log head; when they happened, to the hash over their times.
//!
//! That hash begins with the first revision, so that a reader who knows none of it reads the whole
//! history once, also of a record whose revisions it knows. From then on it goes on where it was.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chain::{AnchorHead, ChainError, Inconsistent, PAGE_MAX, Page, Position, check_revisions};
use governance::{anchor::OnChainId, log::Revision};

use crate::{UnixNanos, endpoint::Node, hash::sha256, wire::REVISIONS};

/// Revisions that are held at a time. A longer history is checked to its end all the same, and the
/// rest of it read again afterwards.
const HELD_MAX: usize = 16_384;
/// Records that are gone on with; others are read from their beginning.
const KEPT_MAX: usize = 256;

/// How far a history is known, with its times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chained {
    at: Position,
    times: [u8; 32],
}

/// What is read: the revisions after `after`, up to `head`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub(crate) context: &'a OnChainId,
    /// Where reading begins: at `after`, or at the record's beginning.
    pub(crate) from: Chained,
    pub(crate) after: Position,
    pub(crate) head: AnchorHead,
    /// The hash over all times up to `head`.
    pub(crate) times: [u8; 32],
}

/// Revisions that were read and proved.
#[derive(Debug)]
pub(crate) struct Proved {
    revisions: VecDeque<Revision>,
    /// After the last of them.
    end: Chained,
}

/// Histories that readers are in the middle of.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    // A leaf lock: held for single reads and writes, never over an await.
    kept: Mutex<BTreeMap<OnChainId, Kept>>,
}

#[derive(Debug)]
struct Kept {
    /// What the first of the revisions comes after.
    after: Position,
    /// Those that were not given out yet.
    proved: Proved,
    /// What they were proved by.
    head: AnchorHead,
}

impl Chained {
    /// Before the first revision.
    pub(crate) const fn start(at: Position) -> Self {
        Self { at, times: [0; 32] }
    }

    /// Source: `contracts/icp`, "The certified tree".
    fn happened(&mut self, rev: u64, time: UnixNanos) {
        self.times = sha256(&[&self.times, &rev.to_be_bytes(), &time.0.to_be_bytes()]);
    }

    fn is_at(&self, at: &Position) -> bool {
        (self.at.rev, self.at.log_head) == (at.rev, at.log_head)
    }
}

impl Histories {
    /// The next page after `after`, if it was proved before.
    pub(crate) fn take(&self, context: &OnChainId, after: &Position) -> Option<Page> {
        let mut kept = self.kept();
        let known = kept.get_mut(context)?;
        let is_next = (known.after.rev, known.after.log_head) == (after.rev, after.log_head);
        (is_next && !known.proved.revisions.is_empty()).then(|| known.give())
    }

    /// What is known of the times up to `after`.
    pub(crate) fn known(&self, context: &OnChainId, after: &Position) -> Option<Chained> {
        let kept = self.kept();
        kept.get(context).map(|known| known.proved.end).filter(|end| end.is_at(after))
    }

    /// The first page of what was read; the rest is kept.
    pub(crate) fn page(&self, span: Span<'_>, proved: Proved) -> Page {
        let mut known = Kept { after: span.after, proved, head: span.head };
        let page = known.give();
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX && !kept.contains_key(span.context) {
            kept.pop_first();
        }
        kept.insert(*span.context, known);
        page
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<OnChainId, Kept>> {
        // A panic elsewhere leaves whole entries: each is put in one step.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn give(&mut self) -> Page {
        let revisions = &mut self.proved.revisions;
        let count = revisions.len().min(PAGE_MAX);
        let revisions: Vec<Revision> = revisions.drain(..count).collect();
        self.after = revisions.last().map_or(self.after, Position::after);
        Page { revisions, next: self.after, head: Some(self.head) }
    }
}

/// Reads a history from one endpoint. Holds at most [`HELD_MAX`] of its revisions.
///
/// # Errors
/// [`ChainError::Lied`] if it does not lead to what is certified; [`ChainError::Inconsistent`] if
/// it does, and what the reader knows does not.
pub(crate) async fn read(node: &Node, span: &Span<'_>) -> Result<Proved, ChainError> {
    let Span { context, from, after, head, times } = span;
    let mut chained = *from;
    let (mut revisions, mut end, mut is_known) = (VecDeque::new(), *from, from.is_at(after));
    // Ends: each turn comes at least one revision nearer to the certified head.
    while chained.at.rev < head.head.rev {
        let mut told = node.page(context, chained.at.rev).await?;
        // What happened after the head was certified is the next reading's.
        told.retain(|(revision, _)| revision.rev <= head.head.rev);
        if told.is_empty() {
            let (head, found) = (head.head.rev, chained.at.rev);
            return Err(node.lied(REVISIONS, Inconsistent::Omitted { head, found }));
        }
        for (revision, time) in told {
            let at = check_revisions(&chained.at, core::slice::from_ref(&revision), head);
            chained.at = at.map_err(|error| node.lied(REVISIONS, error))?;
            chained.happened(revision.rev, time);
            is_known |= chained.is_at(after);
            if revision.rev > after.rev && revisions.len() < HELD_MAX {
                revisions.push_back(revision);
                end = chained;
            }
        }
    }
    if chained.times != *times {
        return Err(node.lied(REVISIONS, "revisions happened at other times"));
    }
    if !is_known {
        let source = Inconsistent::OtherHead { rev: after.rev };
        return Err(ChainError::Inconsistent { context: **context, source });
    }
    Ok(Proved { revisions, end })
}

//! Authentic deltas that wait for others, or for a log entry.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use types::{DeltaId, MemberKey};

use crate::delta::{Authentic, DeltaBody};

/// Deltas of one author that may wait. An author further ahead than this is pulled in order.
pub const PENDING_MAX: usize = 1_000;

/// Deltas that may wait in all: ten authors at their bound.
pub const PENDING_TOTAL_MAX: usize = 10_000;

/// Payload bytes that may wait in all.
pub const PENDING_MAX_BYTES: usize = 64 << 20;

/// Deltas that may wait from authors the log does not know; it may name them in a later entry.
/// Small, so that keys made up for the purpose cannot crowd out members.
pub(crate) const STRANGERS_MAX: usize = 200;

/// What a delta waits for. One thing at a time; when it comes, the next is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// The log entry of this epoch.
    Epoch(u64),
    /// This position of this author's chain.
    Position(MemberKey, u64),
}

/// Whether the log knows an author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Known,
    Stranger,
}

/// What became of a delta that shall wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parked {
    /// It waits, or waited already.
    Waits,
    /// No room; a farther one of its author may have been dropped instead.
    Full,
    /// Another delta of its author at its position waits: the chain is forked.
    Forked(Box<Authentic>),
}

#[derive(Debug)]
struct Waiting {
    delta: Authentic,
    wait: Wait,
    standing: Standing,
}

/// A place in a chain.
type Place = (MemberKey, u64);

/// Indexed by place and by what is waited for: each arrival touches only what waits for it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    deltas: BTreeMap<Place, Waiting>,
    children: BTreeMap<Wait, BTreeSet<Place>>,
    /// How many wait, by author.
    counts: BTreeMap<MemberKey, usize>,
    strangers: usize,
    payload_bytes: usize,
}

impl Pending {
    /// Lets `delta` wait for `wait`.
    pub(crate) fn park(&mut self, delta: Authentic, wait: Wait, standing: Standing) -> Parked {
        let place = place_of(delta.body());
        if let Some(there) = self.deltas.get(&place) {
            let same = there.delta.id() == delta.id();
            return if same { Parked::Waits } else { Parked::Forked(Box::new(delta)) };
        }
        if !self.make_room(delta.body(), standing) {
            return Parked::Full;
        }
        self.count(delta.body(), standing);
        self.children.entry(wait).or_default().insert(place);
        self.deltas.insert(place, Waiting { delta, wait, standing });
        Parked::Waits
    }

    /// Takes out what waited for positions of `author` up to `seq`.
    pub(crate) fn reached(&mut self, author: MemberKey, seq: u64) -> Vec<Authentic> {
        self.release(Wait::Position(author, 0), Wait::Position(author, seq))
    }

    /// Takes out what waited for positions of `author` past `seq`, which will not come.
    pub(crate) fn unreachable(&mut self, author: MemberKey, seq: u64) -> Vec<Authentic> {
        let next = Wait::Position(author, seq.saturating_add(1));
        self.release(next, Wait::Position(author, u64::MAX))
    }

    /// Takes out what waited for log entries up to `epoch`.
    pub(crate) fn sequenced(&mut self, epoch: u64) -> Vec<Authentic> {
        self.release(Wait::Epoch(0), Wait::Epoch(epoch))
    }

    /// Takes out everything of `author` from `seq` on.
    pub(crate) fn take_from(&mut self, author: MemberKey, seq: u64) -> Vec<Authentic> {
        let places: Vec<Place> = self
            .deltas
            .range((author, seq)..=(author, u64::MAX))
            .map(|(place, _)| *place)
            .collect();
        places.into_iter().filter_map(|place| self.remove(place)).collect()
    }

    /// Takes out the delta that waits at a place, unless it is `id`.
    pub(crate) fn drop_other(&mut self, author: MemberKey, seq: u64, id: DeltaId) {
        if self.get(author, seq).is_some_and(|delta| delta.id() != id) {
            drop(self.remove((author, seq)));
        }
    }

    /// The delta that waits at a place.
    pub(crate) fn get(&self, author: MemberKey, seq: u64) -> Option<&Authentic> {
        self.deltas.get(&(author, seq)).map(|waiting| &waiting.delta)
    }

    /// The last position of `author` up to which, from `seq`, all are here.
    pub(crate) fn contiguous(&self, author: MemberKey, seq: u64) -> u64 {
        let mut tip = seq;
        let next = (author, seq.saturating_add(1));
        for (place, _) in self.deltas.range(next..=(author, u64::MAX)) {
            if place.1 != tip.saturating_add(1) {
                break;
            }
            tip = place.1;
        }
        tip
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.deltas.len()
    }

    fn release(&mut self, from: Wait, to: Wait) -> Vec<Authentic> {
        let waits: Vec<Wait> = self.children.range(from..=to).map(|(wait, _)| *wait).collect();
        let places: Vec<Place> =
            waits.iter().filter_map(|wait| self.children.remove(wait)).flatten().collect();
        places.into_iter().filter_map(|place| self.remove(place)).collect()
    }

    fn remove(&mut self, place: Place) -> Option<Authentic> {
        let Waiting { delta, wait, standing } = self.deltas.remove(&place)?;
        if let Entry::Occupied(mut places) = self.children.entry(wait) {
            places.get_mut().remove(&place);
            if places.get().is_empty() {
                places.remove();
            }
        }
        self.uncount(delta.body(), standing);
        Some(delta)
    }

    /// Drops the author's farthest delta if that is farther than `body`: the nearer ones are the
    /// first to be of use.
    fn make_room(&mut self, body: &DeltaBody, standing: Standing) -> bool {
        while !self.has_room(body, standing) {
            let mine = (body.author, body.seq)..=(body.author, u64::MAX);
            let Some(farthest) = self.deltas.range(mine).next_back().map(|(place, _)| *place)
            else {
                return false;
            };
            drop(self.remove(farthest));
        }
        true
    }

    fn has_room(&self, body: &DeltaBody, standing: Standing) -> bool {
        let of_author = self.counts.get(&body.author).copied().unwrap_or(0);
        of_author < PENDING_MAX
            && self.deltas.len() < PENDING_TOTAL_MAX
            && (standing == Standing::Known || self.strangers < STRANGERS_MAX)
            && self.payload_bytes.saturating_add(body.payload.len()) <= PENDING_MAX_BYTES
    }

    fn count(&mut self, body: &DeltaBody, standing: Standing) {
        let of_author = self.counts.entry(body.author).or_default();
        *of_author = of_author.saturating_add(1);
        self.payload_bytes = self.payload_bytes.saturating_add(body.payload.len());
        self.strangers = self.strangers.saturating_add(usize::from(standing == Standing::Stranger));
    }

    fn uncount(&mut self, body: &DeltaBody, standing: Standing) {
        if let Entry::Occupied(mut of_author) = self.counts.entry(body.author) {
            *of_author.get_mut() = of_author.get().saturating_sub(1);
            if *of_author.get() == 0 {
                of_author.remove();
            }
        }
        self.payload_bytes = self.payload_bytes.saturating_sub(body.payload.len());
        self.strangers = self.strangers.saturating_sub(usize::from(standing == Standing::Stranger));
    }
}

fn place_of(body: &DeltaBody) -> Place {
    (body.author, body.seq)
}

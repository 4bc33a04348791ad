//! What is known of each author's chain: its head, its last ids, the ids that the log has settled,
//! and a fork if there is one.

use std::collections::{BTreeMap, VecDeque};

use types::{DeltaId, Hash, MemberKey};

use crate::{
    delta::NO_DELTA,
    fork::ForkProof,
    frontier::{Frontier, Head, frontier_hash},
};

/// Ids remembered below each head: enough that gossip's echoes and young forks need no look-up.
const RECENT_MAX: usize = 64;

/// Ids that one chain may have settled above its head: 2.6 MB. A branch that differs over a
/// longer stretch than this from the settled one is followed upward instead, unchecked until the
/// settled position.
const PINS_MAX: usize = 65_536;

/// Deltas given up at once at most, in search of where a wrong branch left the settled one.
const STEP_MAX: u64 = 1_024;

/// Chains of all authors.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    frontier: Frontier,
    tracks: BTreeMap<MemberKey, Track>,
    hash: Option<Hash>,
}

/// What one chain's head does not tell.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// Ids up to the head's, the head's last. May be shorter than it could be, never wrong.
    recent: VecDeque<DeltaId>,
    /// Above the head: the only id that counts at that position, because a log entry names it or
    /// a settled delta links to it.
    pins: BTreeMap<u64, DeltaId>,
    /// The lowest proven fork.
    pub(crate) fork: Option<Box<ForkProof>>,
    /// The head must go back to here; its id there is being looked up.
    pub(crate) retreat: Option<u64>,
    /// A peer has another branch; what it sends below our head is compared with ours.
    pub(crate) probing: bool,
    /// Our branch is doubtful below a settled position: pulled from there downward, to learn the
    /// ids that count.
    pub(crate) descending: bool,
    /// How much to give up next if the settled branch still does not meet ours.
    step: u64,
}

impl Chains {
    /// Chains with these heads.
    pub(crate) fn open(frontier: Frontier) -> Self {
        Self { frontier, tracks: BTreeMap::new(), hash: None }
    }

    pub(crate) const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    pub(crate) fn hash(&mut self) -> Hash {
        *self.hash.get_or_insert_with(|| frontier_hash(&self.frontier))
    }

    /// The head of `author`'s chain, [`Head::NONE`] if it has none.
    pub(crate) fn head(&self, author: &MemberKey) -> Head {
        self.frontier.get(author).copied().unwrap_or(Head::NONE)
    }

    pub(crate) fn track(&self, author: &MemberKey) -> Option<&Track> {
        self.tracks.get(author)
    }

    pub(crate) fn track_mut(&mut self, author: MemberKey) -> &mut Track {
        self.tracks.entry(author).or_default()
    }

    pub(crate) fn track_if_mut(&mut self, author: &MemberKey) -> Option<&mut Track> {
        self.tracks.get_mut(author)
    }

    pub(crate) fn tracks(&self) -> impl Iterator<Item = (&MemberKey, &Track)> {
        self.tracks.iter()
    }

    /// The id of our delta at `seq`, if it is remembered.
    pub(crate) fn id_at(&self, author: &MemberKey, seq: u64) -> Option<DeltaId> {
        let head = self.head(author);
        if seq == 0 {
            return Some(NO_DELTA);
        }
        let below = usize::try_from(head.seq.checked_sub(seq)?).ok()?;
        if below == 0 {
            return Some(head.id);
        }
        let recent = &self.tracks.get(author)?.recent;
        let at = recent.len().checked_sub(1)?.checked_sub(below)?;
        recent.get(at).copied()
    }

    /// One delta further.
    pub(crate) fn advance(&mut self, author: MemberKey, head: Head) {
        self.frontier.insert(author, head);
        self.hash = None;
        let track = self.track_mut(author);
        if track.recent.len() >= RECENT_MAX {
            track.recent.pop_front();
        }
        track.recent.push_back(head.id);
        if !track.pins.is_empty() {
            track.pins.remove(&head.seq);
        }
    }

    /// Back to `head`, which lies below.
    pub(crate) fn set_back(&mut self, author: MemberKey, head: Head) {
        let dropped = self.head(&author).seq.saturating_sub(head.seq);
        if head.seq == 0 {
            self.frontier.remove(&author);
        } else {
            self.frontier.insert(author, head);
        }
        self.hash = None;
        let track = self.track_mut(author);
        let kept =
            track.recent.len().saturating_sub(usize::try_from(dropped).unwrap_or(usize::MAX));
        track.recent.truncate(kept);
        track.retreat = None;
        if track.recent.back() != Some(&head.id) {
            track.recent.clear();
            track.recent.push_back(head.id);
        }
    }
}

impl Track {
    /// The id that alone counts at `seq`, above the head.
    pub(crate) fn pin(&self, seq: u64) -> Option<DeltaId> {
        self.pins.get(&seq).copied()
    }

    /// Settles `seq` on `id`. The first word stands.
    pub(crate) fn settle(&mut self, seq: u64, id: DeltaId) {
        if self.pins.len() >= PINS_MAX {
            // Keeps what the log itself named, gives up the descent.
            self.pins = self.pins.split_off(&self.pins.keys().next_back().copied().unwrap_or(0));
            self.descending = false;
        } else {
            self.pins.entry(seq).or_insert(id);
        }
    }

    /// The lowest position that [`Track::settle`] named.
    pub(crate) fn lowest_pin(&self) -> Option<u64> {
        self.pins.keys().next().copied()
    }

    /// The settled branch meets ours: go on upward.
    pub(crate) fn meets(&mut self) {
        self.descending = false;
        self.step = 0;
    }

    /// How many deltas below the head to give up; doubles from call to call.
    pub(crate) fn next_step(&mut self) -> u64 {
        self.descending = true;
        self.step = self.step.saturating_mul(2).clamp(1, STEP_MAX);
        self.step
    }
}

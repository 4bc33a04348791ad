//! What is known of each peer: what it says it has, and what it was asked.

use std::{collections::BTreeMap, fmt, sync::Arc};

use types::{MemberKey, UnixMillis};

use crate::{
    message::{HEADS_MAX, RANGES_MAX, Range},
    status::Standing,
};

/// A peer as the network names it; opaque here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(Arc<[u8]>);

impl PeerId {
    /// Wraps the network's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes inside.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The end differs between peers; the beginning is often the same code for the key's kind.
        let tail = self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default();
        f.write_str("PeerId(")?;
        tail.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// How long an answer may take, in milliseconds. A page of 2 MiB passes 4 Mbit/s in this time.
pub(crate) const ANSWER_MILLIS: u64 = 5_000;

/// Between two exchanges of frontiers with one peer, in milliseconds.
const PAUSE_MILLIS: u64 = 300;

/// Requests in a row that a peer may leave unanswered before it is not asked for a while.
const MISSES_MAX: u32 = 3;

/// For how long it is not asked then, in milliseconds.
const REST_MILLIS: u64 = 30_000;

/// One peer that proved its membership.
#[derive(Debug)]
pub(crate) struct Session {
    /// As whom.
    pub(crate) member: MemberKey,
    /// How it compares with us, as of its last heartbeat.
    pub(crate) standing: Standing,
    /// How far it says to be, where that is further than we are.
    claims: BTreeMap<MemberKey, u64>,
    /// Its last log entry's number, as of its last heartbeat.
    pub(crate) epoch: u64,
    /// Ranges below our heads to compare branches by.
    probes: Vec<Range>,
    /// The one request for deltas that it has not answered.
    open: Option<Request>,
    /// When its frontier or log page is due.
    due: BTreeMap<Ask, UnixMillis>,
    next_request: u32,
    misses: u32,
    rests_until: UnixMillis,
}

/// What else a peer is asked for, one at a time each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    Frontier,
    Log,
    Forks,
}

/// Why deltas are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To follow the chain upward.
    Follow,
    /// To learn the ids of the settled branch, downward.
    Descend,
    /// To compare with ours.
    Probe,
}

#[derive(Debug)]
pub(crate) struct Request {
    number: u32,
    pub(crate) wants: Vec<(Range, Purpose)>,
    due: UnixMillis,
}

impl Session {
    pub(crate) const fn new(member: MemberKey) -> Self {
        Self {
            member,
            standing: Standing::Unknown,
            epoch: 0,
            claims: BTreeMap::new(),
            probes: Vec::new(),
            open: None,
            due: BTreeMap::new(),
            next_request: 1,
            misses: 0,
            rests_until: UnixMillis(0),
        }
    }

    /// It has `author`'s chain up to `seq`.
    pub(crate) fn claim(&mut self, author: MemberKey, seq: u64) {
        if self.claims.len() >= HEADS_MAX && !self.claims.contains_key(&author) {
            return;
        }
        let claimed = self.claims.entry(author).or_default();
        *claimed = (*claimed).max(seq);
    }

    /// Do not ask it for `author` again before it says anew what it has.
    pub(crate) fn disclaim(&mut self, author: &MemberKey) {
        self.claims.remove(author);
    }

    pub(crate) fn disclaim_all(&mut self) {
        self.claims.clear();
    }

    pub(crate) fn take_claims(&mut self) -> BTreeMap<MemberKey, u64> {
        std::mem::take(&mut self.claims)
    }

    /// Compare these with ours, at the next request.
    pub(crate) fn probe(&mut self, ranges: impl Iterator<Item = Range>) {
        let room = RANGES_MAX.saturating_sub(self.probes.len());
        self.probes.extend(ranges.take(room));
    }

    pub(crate) fn take_probes(&mut self) -> impl Iterator<Item = Range> + use<> {
        std::mem::take(&mut self.probes).into_iter()
    }

    pub(crate) fn may_be_asked(&self, now: UnixMillis) -> bool {
        self.open.is_none() && now >= self.rests_until
    }

    /// Opens a request; its number.
    pub(crate) fn request(&mut self, now: UnixMillis, wants: Vec<(Range, Purpose)>) -> u32 {
        let number = self.next_request;
        self.next_request = self.next_request.wrapping_add(1);
        self.open = Some(Request { number, wants, due: later(now, ANSWER_MILLIS) });
        number
    }

    /// The request that this answers, if it is the open one.
    pub(crate) fn answered(&mut self, number: u32) -> Option<Request> {
        let request = self.open.take_if(|open| open.number == number)?;
        self.misses = 0;
        Some(request)
    }

    /// Authors of whom it is being asked for deltas.
    pub(crate) fn asked_for(&self) -> impl Iterator<Item = MemberKey> + '_ {
        self.open.iter().flat_map(|open| &open.wants).map(|(range, _)| range.author)
    }

    /// Whether to ask now: not while an answer is due.
    pub(crate) fn ask(&mut self, now: UnixMillis, what: Ask) -> bool {
        let free = self.due.get(&what).is_none_or(|due| *due <= now);
        if free {
            self.due.insert(what, later(now, ANSWER_MILLIS));
        }
        free
    }

    /// It answered. Frontiers are not asked for again at once: while everybody writes, they differ
    /// at every heartbeat, and gossip mends that by itself.
    pub(crate) fn told(&mut self, now: UnixMillis, what: Ask) {
        match what {
            Ask::Frontier => self.due.insert(what, later(now, PAUSE_MILLIS)),
            Ask::Log | Ask::Forks => self.due.remove(&what),
        };
    }

    /// Gives up an overdue request: what it asked for may be asked of others.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        let Some(request) = self.open.take_if(|open| open.due <= now) else { return };
        request.wants.iter().for_each(|(range, _)| self.disclaim(&range.author));
        self.misses = self.misses.saturating_add(1);
        if self.misses >= MISSES_MAX {
            self.misses = 0;
            self.rests_until = later(now, REST_MILLIS);
        }
    }

    /// When [`Session::expire`] has something to do.
    pub(crate) fn deadline(&self) -> Option<UnixMillis> {
        self.open.as_ref().map(|open| open.due)
    }
}

/// `millis` after `now`.
pub(crate) const fn later(now: UnixMillis, millis: u64) -> UnixMillis {
    UnixMillis(now.0.saturating_add(millis))
}

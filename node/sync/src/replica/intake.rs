//! The one path of a delta into the log, wherever it came from.

use std::collections::VecDeque;

use governance::log::{Missing, Verdict};
use types::{MemberKey, UnixMillis};

use super::{Output, Replica};
use crate::{
    delta::{Authentic, Delta, Verified},
    frontier::Head,
    law,
    message::{GOSSIP_MAX_BYTES, Message},
    pending::{Parked, Wait},
    rejection::Rejection,
    session::PeerId,
};

/// Where an authentic delta belongs.
enum Place {
    /// After its author's head, with all that it depends on merged.
    Next,
    /// Later, when something else has come.
    Later(Wait),
    /// At or below its author's head.
    Below,
    /// After our head by number, but its author links it to another delta than that.
    Apart,
    /// Nowhere.
    Refused(Rejection),
    /// Nowhere while its author's branch is being sorted out; it is asked for again.
    Unclear,
}

impl Replica {
    /// A delta of this node's member.
    pub(super) fn author(&mut self, now: UnixMillis, delta: Authentic) {
        match self.place(now, &delta) {
            Place::Next => {
                let small = delta.body().payload.len() < GOSSIP_MAX_BYTES;
                let fresh = small.then(|| Message::Fresh(Box::new(delta.delta().clone())));
                self.settle(now, None, delta);
                // The dependencies count too, so the bytes themselves decide.
                let fits = |fresh: &Message| fresh.encode().len() <= GOSSIP_MAX_BYTES;
                self.out.extend(fresh.filter(fits).map(Output::Publish));
            }
            Place::Refused(why) => self.reject(None, why),
            Place::Later(_) | Place::Below | Place::Apart | Place::Unclear => {
                self.reject(None, Rejection::Outdated);
            }
        }
    }

    /// A delta from a peer, by gossip or by request.
    pub(super) fn take(&mut self, now: UnixMillis, from: &PeerId, delta: Delta) {
        if delta.body.context != self.context {
            return self.reject(Some(from), Rejection::OtherContext);
        }
        if self.is_known(&delta) {
            return;
        }
        match Authentic::check(delta) {
            Ok(delta) => self.settle(now, Some(from), delta),
            Err(why) => self.reject(Some(from), why),
        }
    }

    /// Brings in `delta`, and then all that waited for it.
    ///
    /// Terminates: each turn but the first takes a delta out of `pending`, and puts back only
    /// those that wait for something not merged yet.
    pub(super) fn settle(&mut self, now: UnixMillis, from: Option<&PeerId>, delta: Authentic) {
        let mut work = VecDeque::from([delta]);
        let mut from = from;
        while let Some(delta) = work.pop_front() {
            // Only the first is this peer's; who sent the ones that waited is forgotten.
            let from = from.take();
            self.link_pins(&delta);
            match self.place(now, &delta) {
                Place::Next => work.extend(self.admit(delta)),
                Place::Later(wait) => self.park(now, from, delta, wait),
                Place::Below => self.compare(from, delta),
                Place::Apart => self.stray(from, &delta),
                Place::Refused(why) => self.reject(from, why),
                Place::Unclear => {}
            }
        }
    }

    /// As [`Replica::settle`], for deltas that waited.
    pub(super) fn resettle(&mut self, now: UnixMillis, deltas: Vec<Authentic>) {
        deltas.into_iter().for_each(|delta| self.settle(now, None, delta));
    }

    /// Whether this very delta is merged or waits. Below what is remembered, positions are taken
    /// as equal unless a peer showed another branch.
    fn is_known(&self, delta: &Delta) -> bool {
        let (author, seq) = (delta.body.author, delta.body.seq);
        let known = if seq <= self.chains.head(&author).seq {
            self.chains.id_at(&author, seq)
        } else {
            self.pending.get(author, seq).map(Authentic::id)
        };
        match known {
            Some(id) => id == delta.digest().into(),
            None => {
                let probing = self.chains.track(&author).is_some_and(|track| track.probing);
                seq <= self.chains.head(&author).seq && !probing
            }
        }
    }

    fn place(&self, now: UnixMillis, delta: &Authentic) -> Place {
        let body = delta.body();
        let head = self.chains.head(&body.author);
        match self.counts(delta) {
            Place::Next => {}
            other => return other,
        }
        if body.seq <= head.seq {
            return Place::Below;
        }
        if body.hlc.is_too_far_ahead(now) {
            return Place::Refused(Rejection::ClockAhead { author: body.author });
        }
        if body.seq > head.seq.saturating_add(1) {
            return Place::Later(Wait::Position(body.author, body.seq.saturating_sub(1)));
        }
        if body.prev != head.id {
            return Place::Apart;
        }
        let mut deps = body.deps.iter();
        let open = deps.find(|dep| !self.is_met(&dep.author, dep.seq, body.acl_epoch));
        open.map_or(Place::Next, |dep| Place::Later(Wait::Position(dep.author, dep.seq)))
    }

    /// Whether a delta may count by the log: [`Place::Next`] if so.
    fn counts(&self, delta: &Authentic) -> Place {
        let body = delta.body();
        let (author, seq, epoch) = (body.author, body.seq, body.acl_epoch);
        match law::may_write(&self.acl, &author, epoch, &body.acl_hash) {
            Verdict::Allow => {}
            Verdict::Deny(why) => {
                return Place::Refused(Rejection::NoRight { author, epoch, why });
            }
            Verdict::Unknown(Missing::Epoch(epoch)) => return Place::Later(Wait::Epoch(epoch)),
        }
        if let Some(cut) = law::cut(&self.acl, &author, epoch).filter(|cut| seq > cut.seq) {
            return Place::Refused(Rejection::PastCut { author, seq, cut: cut.seq });
        }
        if law::is_restricted(&self.acl, &author) {
            return Place::Refused(Rejection::Restricted { author });
        }
        if let Some(fork) = self.fork_of(&author).filter(|fork| seq >= *fork) {
            return Place::Refused(Rejection::Forked { author, seq, fork });
        }
        if self.is_unclear(&author, seq) {
            return Place::Unclear;
        }
        match self.pin(&author, seq) {
            Some(id) if id != delta.id() => Place::Refused(Rejection::OffBranch { id: delta.id() }),
            _ => Place::Next,
        }
    }

    /// Whether a dependency of a delta citing `epoch` holds it back no longer: merged, or never
    /// to be merged.
    fn is_met(&self, author: &MemberKey, seq: u64, epoch: u64) -> bool {
        self.chains.head(author).seq >= seq
            || law::cut(&self.acl, author, epoch).is_some_and(|cut| cut.seq < seq)
            || self.fork_of(author).is_some_and(|fork| fork <= seq)
    }

    /// Makes `delta` its author's head; what waited for it.
    fn admit(&mut self, delta: Authentic) -> Vec<Authentic> {
        let body = delta.body();
        let (author, seq) = (body.author, body.seq);
        self.hlc = self.hlc.observe(body.hlc);
        if Some(author) == self.me {
            for dep in &body.deps {
                if self.news.get(&dep.author).is_some_and(|seq| *seq <= dep.seq) {
                    self.news.remove(&dep.author);
                }
            }
        } else {
            self.news.insert(author, seq);
        }
        self.chains.advance(author, Head { seq, id: delta.id() });
        self.root = None;
        self.out.push(Output::AppendDelta(Verified::vouch(delta)));
        self.pending.reached(author, seq)
    }

    fn park(&mut self, now: UnixMillis, from: Option<&PeerId>, delta: Authentic, wait: Wait) {
        let body = delta.body();
        let (author, seq) = (body.author, body.seq);
        if let Some(session) = from.and_then(|from| self.sessions.get_mut(from)) {
            // Whoever passes it on has what it depends on.
            session.claim(author, seq);
            if let Wait::Position(author, seq) = wait {
                session.claim(author, seq);
            }
        }
        if let (Some(from), Wait::Epoch(_)) = (from, wait) {
            self.want_log(now, from);
        }
        match self.pending.park(delta, wait, law::standing(&self.acl, &author)) {
            Parked::Waits => {}
            Parked::Full => self.reject(from, Rejection::Full),
            Parked::Forked(delta) => {
                let other = self.pending.get(author, seq).map(Authentic::signed_header);
                if let Some(other) = other {
                    self.meet_fork(now, from, other, delta.signed_header());
                }
            }
        }
    }
}

//! Authors that signed two branches: which one counts, and how to get there.
//!
//! Where the log names a position (a cut, final data), the branch that leads to it counts, and
//! ids are learnt from there downward. Elsewhere nothing counts from the first difference on.

use governance::log::Cut;
use types::{DeltaId, MemberKey, Tagged as _, UnixMillis};

use super::{Output, Question, Replica};
use crate::{
    chains::Track,
    delta::{Authentic, Delta, NO_DELTA, SignedHeader, signed_header},
    fork::ForkProof,
    frontier::Head,
    law::{self, ForkVerdict},
    message::Range,
    rejection::Rejection,
    session::PeerId,
};

/// Look-ups for comparisons that may be open. More is asked after the next exchange.
const QUESTIONS_MAX: usize = 1_024;

/// Deltas below a doubtful head that are compared at once, from the head down.
pub(super) const PROBE_LEN: u64 = 32;

impl Replica {
    /// The only id that counts at a position that is not merged, if that is known.
    pub(super) fn pin(&self, author: &MemberKey, seq: u64) -> Option<DeltaId> {
        let settled = law::settled(&self.acl, author);
        if settled.seq == seq && seq > 0 {
            return Some(settled.id);
        }
        self.chains.track(author)?.pin(seq)
    }

    /// The lowest position above the head for which [`Replica::pin`] knows an id.
    pub(super) fn lowest_pin(&self, author: &MemberKey) -> Option<u64> {
        let head = self.chains.head(author).seq;
        let settled = Some(law::settled(&self.acl, author).seq).filter(|seq| *seq > head);
        let track = self.chains.track(author).and_then(Track::lowest_pin);
        settled.into_iter().chain(track).min()
    }

    /// Whether it cannot be told yet if the author's delta at `seq` counts, because our branch
    /// is in doubt.
    pub(super) fn is_unclear(&self, author: &MemberKey, seq: u64) -> bool {
        let Some(track) = self.chains.track(author) else { return false };
        let below_pins = || self.lowest_pin(author).is_some_and(|pin| seq < pin);
        track.retreat.is_some()
            || (track.descending && seq > self.chains.head(author).seq && below_pins())
    }

    /// The position from which nothing of `author` counts because it forked its chain there.
    pub(super) fn fork_of(&self, author: &MemberKey) -> Option<u64> {
        let proof = self.chains.track(author)?.fork.as_deref()?;
        (law::judge_fork(&self.acl, proof) == ForkVerdict::Stops).then(|| proof.seq())
    }

    /// Keeps `proof` if it stops its author earlier than what is known; whether it does.
    pub(super) fn keep_if_lower(&mut self, proof: &ForkProof) -> bool {
        let author = proof.author();
        let lower = self.fork_of(&author).is_none_or(|known| proof.seq() < known);
        if lower {
            self.chains.track_mut(author).fork = Some(Box::new(proof.clone()));
        }
        lower
    }

    /// Learns from `delta`, if it is on the settled branch, which delta before it is.
    pub(super) fn link_pins(&mut self, delta: &Authentic) {
        let author = delta.body().author;
        let (mut seq, mut id, mut prev) = (delta.body().seq, delta.id(), delta.body().prev);
        // Terminates: seq falls, and stays above the head.
        while self.pin(&author, seq) == Some(id) && !self.is_retreating(&author) {
            let head = self.chains.head(&author);
            let below = seq.saturating_sub(1);
            if below < head.seq || seq == 0 {
                return;
            }
            if below == head.seq {
                return self.meet_branch(author, prev);
            }
            self.chains.track_mut(author).settle(below, prev);
            self.pending.drop_other(author, below, prev);
            let Some(next) = self.pending.get(author, below) else { return };
            (seq, id, prev) = (below, next.id(), next.body().prev);
        }
    }

    /// The settled branch has `right` at our head.
    fn meet_branch(&mut self, author: MemberKey, right: DeltaId) {
        let head = self.chains.head(&author);
        if head.id == right {
            if let Some(track) = self.chains.track_if_mut(&author) {
                track.meets();
            }
        } else {
            self.chains.track_mut(author).settle(head.seq, right);
            self.give_up(author, head.seq);
        }
    }

    /// Our branch is wrong at `seq`: goes back to below it, farther each time.
    fn give_up(&mut self, author: MemberKey, seq: u64) {
        let step = self.chains.track_mut(author).next_step();
        self.retreat(author, seq.saturating_sub(step), None);
    }

    /// A delta at or below its author's head.
    pub(super) fn compare(&mut self, from: Option<&PeerId>, delta: Authentic) {
        let (author, seq) = (delta.body().author, delta.body().seq);
        let ours = self.chains.id_at(&author, seq);
        if ours == Some(delta.id()) {
            return;
        }
        let settled = law::settled(&self.acl, &author);
        if seq <= settled.seq {
            if settled.seq > self.chains.head(&author).seq {
                self.chains.track_mut(author).descending = true;
            } else if ours.is_some() {
                self.reject(from, Rejection::OffBranch { id: delta.id() });
            }
            return;
        }
        let place = (author, seq);
        if self.questions.len() < QUESTIONS_MAX && !self.questions.contains_key(&place) {
            self.questions.insert(place, Question::Fork(Box::new(delta.signed_header())));
            self.out.push(Output::LookUp { author, seq });
        }
    }

    /// A delta that follows our head by number, but not by link.
    pub(super) fn stray(&mut self, from: Option<&PeerId>, delta: &Authentic) {
        let author = delta.body().author;
        let head = self.chains.head(&author);
        if head.seq <= law::settled(&self.acl, &author).seq && self.is_settled(&author) {
            self.reject(from, Rejection::OffBranch { id: delta.id() });
        } else if let Some(from) = from {
            self.doubt(from, author, head.seq);
        }
    }

    /// A peer has another delta than ours at `seq`.
    pub(super) fn doubt(&mut self, from: &PeerId, author: MemberKey, seq: u64) {
        let settled = law::settled(&self.acl, &author).seq;
        if self.fork_of(&author).is_some_and(|fork| fork <= seq) {
            return;
        }
        if !self.is_settled(&author) {
            self.chains.track_mut(author).descending = true;
        } else if seq > settled {
            let Some(session) = self.sessions.get_mut(from) else { return };
            let lowest = seq.saturating_sub(PROBE_LEN).max(settled);
            let one = |up_to: u64| Range { author, after_seq: up_to.saturating_sub(1), up_to };
            session.probe((lowest.saturating_add(1)..=seq).rev().map(one));
            self.chains.track_mut(author).probing = true;
        }
    }

    /// Our own delta at a place that was to be looked up.
    pub(super) fn held(&mut self, now: UnixMillis, delta: &Delta) {
        let header = signed_header(delta);
        let (author, seq) = (header.body.author, header.body.seq);
        let id: DeltaId = header.body.digest().into();
        if seq > self.chains.head(&author).seq || header.body.context != self.context {
            return;
        }
        if self.chains.track(&author).is_some_and(|track| track.retreat == Some(seq)) {
            self.set_back(author, Head { seq, id });
        }
        match self.questions.remove(&(author, seq)) {
            Some(Question::Fork(other)) if DeltaId::from(other.body.digest()) != id => {
                self.meet_fork(now, None, header, *other);
            }
            Some(Question::Settled(head)) if head.id != id => self.give_up(author, seq),
            Some(Question::Fork(_) | Question::Settled(_)) | None => {}
        }
    }

    /// Two headers whose signatures hold, for one place.
    pub(super) fn meet_fork(
        &mut self,
        now: UnixMillis,
        from: Option<&PeerId>,
        one: SignedHeader,
        other: SignedHeader,
    ) {
        match ForkProof::new(one, other) {
            Ok(proof) => self.learn_fork(now, from, &proof),
            Err(why) => self.reject(from, why),
        }
    }

    /// A proof whose signatures hold.
    pub(super) fn learn_fork(&mut self, now: UnixMillis, from: Option<&PeerId>, proof: &ForkProof) {
        let (author, seq) = (proof.author(), proof.seq());
        match law::judge_fork(&self.acl, proof) {
            ForkVerdict::Void => return self.reject(from, Rejection::NotAFork),
            ForkVerdict::Settled if !self.is_settled(&author) => {
                self.chains.track_mut(author).descending = true;
                return;
            }
            ForkVerdict::Settled => return,
            ForkVerdict::Unknown => {
                return from.into_iter().for_each(|from| self.want_log(now, from));
            }
            ForkVerdict::Stops => {}
        }
        if !self.keep_if_lower(proof) {
            return;
        }
        self.out.push(Output::KeepFork(Box::new(proof.clone())));
        drop(self.pending.take_from(author, seq));
        self.retreat_from(proof);
        let freed = self.pending.unreachable(author, seq.saturating_sub(1));
        self.resettle(now, freed);
        self.hasten_beat(now);
    }

    /// Gives up what is merged from the fork on.
    pub(super) fn retreat_from(&mut self, proof: &ForkProof) {
        let (author, seq) = (proof.author(), proof.seq());
        if self.chains.head(&author).seq >= seq {
            let ours = self.chains.id_at(&author, seq).unwrap_or(NO_DELTA);
            self.retreat(author, seq.saturating_sub(1), proof.prev_of(&ours));
        }
    }

    /// Brings `author`'s head in line with what the log says of it.
    pub(super) fn conform(&mut self, author: MemberKey) {
        let head = self.chains.head(&author);
        let settled = law::settled(&self.acl, &author);
        let cut = law::ceiling(&self.acl, &author).filter(|cut| cut.seq < head.seq);
        let Cut { seq, id, .. } =
            cut.unwrap_or(Cut { member: author, seq: settled.seq, id: settled.id });
        if seq > head.seq {
            // Remembered, so that the status can name it.
            self.chains.track_mut(author);
            return;
        }
        let ours = self.chains.id_at(&author, seq);
        if cut.is_some() {
            self.set_back(author, Head { seq, id });
        }
        match ours {
            Some(ours) if ours == id => {}
            Some(_) => self.give_up(author, seq),
            None => {
                self.questions.insert((author, seq), Question::Settled(Head { seq, id }));
                self.out.push(Output::LookUp { author, seq });
            }
        }
    }

    /// As [`Replica::conform`], for all authors of whom the log says anything.
    pub(super) fn conform_all(&mut self) {
        let is_named = |author: &&MemberKey| {
            law::settled(&self.acl, author).seq > 0 || law::ceiling(&self.acl, author).is_some()
        };
        let authors: Vec<MemberKey> = self.frontier().keys().filter(is_named).copied().collect();
        authors.into_iter().for_each(|author| self.conform(author));
    }

    /// Goes back to `seq`, whose id is `hint` unless it is remembered; looks it up otherwise.
    fn retreat(&mut self, author: MemberKey, seq: u64, hint: Option<DeltaId>) {
        match self.chains.id_at(&author, seq).or(hint) {
            Some(id) => self.set_back(author, Head { seq, id }),
            None => {
                self.chains.track_mut(author).retreat = Some(seq);
                self.out.push(Output::LookUp { author, seq });
            }
        }
    }

    fn set_back(&mut self, author: MemberKey, head: Head) {
        self.chains.set_back(author, head);
        self.questions.retain(|(whose, seq), _| *whose != author || *seq <= head.seq);
        if let Some(news) = self.news.get_mut(&author) {
            *news = (*news).min(head.seq);
        }
        self.news.retain(|_, seq| *seq > 0);
        self.root = None;
        self.out.push(Output::Void { author, head });
    }

    fn is_retreating(&self, author: &MemberKey) -> bool {
        self.chains.track(author).is_some_and(|track| track.retreat.is_some())
    }

    /// Whether `author`'s chain here has reached the position that the log settled.
    fn is_settled(&self, author: &MemberKey) -> bool {
        law::settled(&self.acl, author).seq <= self.chains.head(author).seq
    }
}

//! Heartbeats, frontiers, pulls: how replicas find out what they lack, and fetch it.

use std::collections::BTreeSet;

use governance::log::WalletVerifier;
use types::{Hash, MemberKey, Root, UnixMillis};

use super::{Output, Replica};
use crate::{
    delta::Delta,
    fork::ForkProof,
    frontier::Head,
    law,
    message::{
        FORKS_MAX, HEADS_MAX, Heartbeat, Message, PAGE_MAX_DELTAS, Positions, RANGES_MAX, Range,
        Reply,
    },
    pending::PENDING_MAX,
    rejection::Rejection,
    session::{Ask, PeerId, Purpose, Session, later},
    status::Standing,
};

/// Mean time between heartbeats in milliseconds: how long a lost message may stay unnoticed.
const BEAT_MILLIS: u64 = 2_000;

/// How much a heartbeat may come earlier or later, in milliseconds, so that nodes do not beat in
/// step.
const JITTER_MILLIS: u64 = 500;

/// How soon after a change a heartbeat follows, in milliseconds: long enough that a burst of
/// changes causes one.
const HASTE_MILLIS: u64 = 150;

/// Deltas of one settled branch that are asked for at once, from the top down.
const DESCENT_LEN: u64 = 64;

/// When the next heartbeat is due.
#[derive(Debug)]
pub(super) struct Beat {
    due: UnixMillis,
    count: u64,
}

impl Beat {
    /// Due at once.
    pub(super) const FIRST: Self = Self { due: UnixMillis(0), count: 0 };
}

/// What to ask a peer for about one author.
enum Want {
    /// It has nothing that we lack.
    Nothing,
    /// Something else must come first.
    Later,
    /// These.
    Ranges(Vec<Range>, Purpose),
}

impl Replica {
    pub(super) fn receive(
        &mut self,
        now: UnixMillis,
        from: &PeerId,
        message: Message,
        wallets: &dyn WalletVerifier,
    ) {
        if !self.sessions.contains_key(from) {
            return self.reject(Some(from), Rejection::NotAMember);
        }
        match message {
            Message::Heartbeat(beat) => self.hear_beat(now, from, &beat),
            Message::Fresh(delta) => self.take(now, from, *delta),
            Message::Frontier(positions) => self.hear_positions(now, from, &positions),
            Message::WantDeltas { request, ranges } => {
                self.out.push(Output::SendDeltas { to: from.clone(), request, ranges });
            }
            Message::Deltas { request, deltas } => self.take_page(now, from, request, deltas),
            Message::WantForks(authors) => self.send_forks(from, &authors),
            Message::Forks(proofs) => self.take_forks(now, from, &proofs),
            Message::WantEntries { after_epoch } => {
                self.out.push(Output::SendEntries { to: from.clone(), after_epoch });
            }
            Message::Entries(entries) => self.receive_entries(now, from, entries, wallets),
            Message::Proposal(proposal) => self.receive_proposal(from, *proposal, wallets),
        }
        self.pull(now, from);
    }

    pub(super) fn join(&mut self, peer: PeerId, member: MemberKey) {
        if law::is_shut_out(&self.acl, &member) {
            return self.out.push(Output::Expel(peer));
        }
        let beat = self.heartbeat();
        if let Some(beat) = beat {
            self.send(&peer, Message::Heartbeat(beat));
        }
        self.sessions.insert(peer, Session::new(member));
    }

    /// The state matches the frontier again.
    pub(super) fn merged(&mut self, now: UnixMillis, root: Root) {
        self.root = Some(root);
        self.hasten_beat(now);
    }

    pub(super) fn tick(&mut self, now: UnixMillis) {
        self.sessions.values_mut().for_each(|session| session.expire(now));
        if self.beat.due <= now
            && let Some(beat) = self.heartbeat()
        {
            self.out.push(Output::Publish(Message::Heartbeat(beat)));
            self.beat.count = self.beat.count.wrapping_add(1);
            self.beat.due = later(now, self.interval_millis());
            self.tell_proposal();
        }
        let peers: Vec<PeerId> = self.sessions.keys().cloned().collect();
        peers.iter().for_each(|peer| self.pull(now, peer));
    }

    /// Lets the next heartbeat follow soon.
    pub(super) fn hasten_beat(&mut self, now: UnixMillis) {
        self.beat.due = self.beat.due.min(later(now, HASTE_MILLIS));
    }

    /// Asks for the tick that is due next, if that has changed.
    pub(super) fn announce_wake(&mut self, now: UnixMillis) {
        // Without a root there is nothing to say; the root's arrival sets the time.
        let beat = self.root.is_some().then_some(self.beat.due);
        let deadlines = self.sessions.values().filter_map(Session::deadline);
        let next = deadlines.chain(beat).min().map(|next| next.max(now));
        if next != self.wake {
            self.wake = next;
            self.out.extend(next.map(Output::WakeAt));
        }
    }

    /// Asks `from` for its log after ours.
    pub(super) fn want_log(&mut self, now: UnixMillis, from: &PeerId) {
        let after_epoch = self.acl.epoch();
        if self.may_ask(now, from, Ask::Log) {
            self.send(from, Message::WantEntries { after_epoch });
        }
    }

    pub(super) fn told(&mut self, now: UnixMillis, from: &PeerId, what: Ask) {
        if let Some(session) = self.sessions.get_mut(from) {
            session.told(now, what);
        }
    }

    fn may_ask(&mut self, now: UnixMillis, peer: &PeerId, what: Ask) -> bool {
        self.sessions.get_mut(peer).is_some_and(|session| session.ask(now, what))
    }

    fn heartbeat(&mut self) -> Option<Heartbeat> {
        let (acl_epoch, acl_head) = (self.acl.epoch(), self.acl.head());
        let root = self.root?;
        Some(Heartbeat { acl_epoch, acl_head, frontier: self.chains.hash(), root })
    }

    /// Differs from node to node and from beat to beat without a source of randomness.
    fn interval_millis(&self) -> u64 {
        let me = self.me.map_or([0; 32], |me| *me.as_bytes());
        let noise = Hash::of(&[me.as_slice(), &self.beat.count.to_le_bytes()].concat());
        let [a, b, ..] = *noise.as_bytes();
        let jitter = u64::from(u16::from_le_bytes([a, b])) % (2 * JITTER_MILLIS);
        (BEAT_MILLIS - JITTER_MILLIS).saturating_add(jitter)
    }

    fn hear_beat(&mut self, now: UnixMillis, from: &PeerId, theirs: &Heartbeat) {
        let (epoch, head, ours) = (self.acl.epoch(), self.acl.head(), self.heartbeat());
        let frontier = self.chains.hash();
        let Some(session) = self.sessions.get_mut(from) else { return };
        session.epoch = theirs.acl_epoch;
        let standing = match ours {
            _ if theirs.acl_epoch == epoch && theirs.acl_head != head => Standing::OtherLog,
            _ if theirs.acl_epoch != epoch || theirs.frontier != frontier => Standing::Differs,
            // Equal as far as is known; our own root is still being computed.
            None => return,
            Some(ours) if ours.root == theirs.root => Standing::InSync,
            Some(_) => Standing::Diverged,
        };
        let is_news = std::mem::replace(&mut session.standing, standing) != standing;
        match standing {
            Standing::InSync if is_news => self.out.push(Output::InSync(from.clone())),
            Standing::Diverged if is_news => self.out.push(Output::Diverged(from.clone())),
            Standing::OtherLog if is_news => {
                self.reject(Some(from), Rejection::LogConflict { epoch });
            }
            _ => {}
        }
        if theirs.acl_epoch > epoch {
            self.want_log(now, from);
        }
        if theirs.frontier != frontier && self.may_ask(now, from, Ask::Frontier) {
            self.send_positions(from, Reply::Wanted);
        }
    }

    fn send_positions(&mut self, to: &PeerId, reply: Reply) {
        let heads = self.frontier().iter().take(HEADS_MAX);
        let heads = heads.map(|(author, head)| (*author, *head)).collect();
        let forked = self.chains.tracks().map(|(author, _)| *author);
        let forks = forked.filter_map(|author| Some((author, self.fork_of(&author)?)));
        let forks = forks.take(FORKS_MAX).collect();
        self.send(to, Message::Frontier(Positions { reply, heads, forks }));
    }

    fn hear_positions(&mut self, now: UnixMillis, from: &PeerId, theirs: &Positions) {
        match theirs.reply {
            Reply::Wanted => self.send_positions(from, Reply::Given),
            Reply::Given => self.told(now, from, Ask::Frontier),
        }
        if let Some(session) = self.sessions.get_mut(from) {
            session.disclaim_all();
        }
        for (author, head) in &theirs.heads {
            self.hear_head(from, *author, *head);
        }
        let is_news = |(author, seq): &&(MemberKey, u64)| {
            *seq > law::settled(&self.acl, author).seq
                && self.fork_of(author).is_none_or(|known| *seq < known)
        };
        let wanted: Vec<MemberKey> =
            theirs.forks.iter().filter(is_news).map(|(author, _)| *author).collect();
        if !wanted.is_empty() && self.may_ask(now, from, Ask::Forks) {
            self.send(from, Message::WantForks(wanted));
        }
    }

    fn hear_head(&mut self, from: &PeerId, author: MemberKey, theirs: Head) {
        let ours = self.chains.head(&author).seq;
        if theirs.seq > ours {
            if let Some(session) = self.sessions.get_mut(from) {
                session.claim(author, theirs.seq);
            }
        } else if self.chains.id_at(&author, theirs.seq).is_some_and(|id| id != theirs.id) {
            self.doubt(from, author, theirs.seq);
        }
    }

    fn send_forks(&mut self, to: &PeerId, authors: &[MemberKey]) {
        let proof = |author: &MemberKey| self.chains.track(author)?.fork.as_deref().cloned();
        let proofs = authors.iter().take(FORKS_MAX).filter_map(proof).collect();
        self.send(to, Message::Forks(proofs));
    }

    fn take_forks(&mut self, now: UnixMillis, from: &PeerId, proofs: &[ForkProof]) {
        self.told(now, from, Ask::Forks);
        for proof in proofs {
            if self.fork_of(&proof.author()).is_some_and(|known| known <= proof.seq()) {
                continue;
            }
            match proof.verify(&self.context) {
                Ok(()) => self.learn_fork(now, Some(from), proof),
                Err(why) => self.reject(Some(from), why),
            }
        }
    }

    /// The answer to a request of ours, or a page that comes too late to be one.
    fn take_page(&mut self, now: UnixMillis, from: &PeerId, number: u32, deltas: Vec<Delta>) {
        let answered = self.sessions.get_mut(from).and_then(|session| session.answered(number));
        let Some(request) = answered else {
            return self.reject(Some(from), Rejection::Unasked);
        };
        let mut deltas = deltas;
        if request.wants.iter().any(|(_, purpose)| *purpose == Purpose::Probe) {
            // The lowest difference first: the others then need no more work.
            deltas.sort_by_key(|delta| delta.body.seq);
        }
        deltas.into_iter().for_each(|delta| self.take(now, from, delta));
        for (range, purpose) in request.wants {
            let author = range.author;
            let is_idle = match purpose {
                Purpose::Follow => self.tip(&author) <= range.after_seq,
                Purpose::Descend => self.lowest_pin(&author).is_some_and(|pin| pin >= range.up_to),
                Purpose::Probe => {
                    self.chains.track_mut(author).probing = false;
                    false
                }
            };
            if let Some(session) = self.sessions.get_mut(from).filter(|_| is_idle) {
                session.disclaim(&author);
            }
        }
    }

    /// The last position up to which all deltas of `author` are merged or wait.
    fn tip(&self, author: &MemberKey) -> u64 {
        self.pending.contiguous(*author, self.chains.head(author).seq)
    }

    /// Asks `peer` for what it has and we lack, unless an answer is due or others are asked.
    fn pull(&mut self, now: UnixMillis, peer: &PeerId) {
        let asked: BTreeSet<MemberKey> =
            self.sessions.values().flat_map(Session::asked_for).collect();
        let Some(session) = self.sessions.get_mut(peer).filter(|it| it.may_be_asked(now)) else {
            return;
        };
        let mut wants: Vec<(Range, Purpose)> =
            session.take_probes().map(|range| (range, Purpose::Probe)).collect();
        let claims = session.take_claims();
        let mut kept = Vec::new();
        for (author, claimed) in claims {
            let want = match asked.contains(&author) || wants.len() >= RANGES_MAX {
                true => Want::Later,
                false => self.want(&author, claimed),
            };
            match want {
                Want::Nothing => continue,
                Want::Later => {}
                Want::Ranges(ranges, purpose) => {
                    wants.extend(ranges.into_iter().map(|range| (range, purpose)));
                }
            }
            kept.push((author, claimed));
        }
        wants.truncate(RANGES_MAX);
        let Some(session) = self.sessions.get_mut(peer) else { return };
        kept.into_iter().for_each(|(author, seq)| session.claim(author, seq));
        if !wants.is_empty() {
            let ranges = wants.iter().map(|(range, _)| *range).collect();
            let request = session.request(now, wants);
            self.send(peer, Message::WantDeltas { request, ranges });
        }
    }

    /// What to ask for of `author` from a peer that has its chain up to `claimed`.
    fn want(&self, author: &MemberKey, claimed: u64) -> Want {
        let head = self.chains.head(author).seq;
        let ceiling = law::ceiling(&self.acl, author).map(|cut| cut.seq);
        let fork = self.fork_of(author).map(|fork| fork.saturating_sub(1));
        let goal = ceiling.into_iter().chain(fork).fold(claimed, u64::min);
        if goal <= head || law::is_restricted(&self.acl, author) {
            return Want::Nothing;
        }
        let track = self.chains.track(author);
        if track.is_some_and(|track| track.retreat.is_some()) {
            return Want::Later;
        }
        let author = *author;
        let descending = track.is_some_and(|track| track.descending);
        if let Some(pin) = self.lowest_pin(&author).filter(|_| descending) {
            if goal < pin {
                return Want::Later;
            }
            let lowest = pin.saturating_sub(DESCENT_LEN).max(head);
            let one = |up_to: u64| Range { author, after_seq: up_to.saturating_sub(1), up_to };
            let ranges = (lowest.saturating_add(1)..=pin).rev().map(one).collect();
            return Want::Ranges(ranges, Purpose::Descend);
        }
        let tip = self.tip(&author);
        let page_end = tip.saturating_add(PAGE_MAX_DELTAS as u64);
        let room_end = head.saturating_add(PENDING_MAX as u64).max(tip);
        let up_to = goal.min(page_end).min(room_end);
        if up_to > tip {
            let range = Range { author, after_seq: tip, up_to };
            return Want::Ranges(vec![range], Purpose::Follow);
        }
        if goal > tip { Want::Later } else { Want::Nothing }
    }
}

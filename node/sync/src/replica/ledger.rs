//! Log entries and proposals, and what they do to deltas.

use std::collections::BTreeSet;

use governance::log::{Denied, Entry, Proposal, Sequencer, WalletVerifier};
use types::{MemberKey, UnixMillis};

use super::{Output, Replica};
use crate::{
    law,
    message::{GOSSIP_MAX_BYTES, Message},
    rejection::Rejection,
    session::{Ask, PeerId},
};

impl Replica {
    /// Appends the next entry, and brings everything in line with it.
    pub(super) fn sequence(
        &mut self,
        now: UnixMillis,
        from: Option<&PeerId>,
        entry: Entry,
        wallets: &dyn WalletVerifier,
    ) {
        let applied = match self.acl.apply(&entry, wallets) {
            Ok(applied) => applied,
            Err(why) => return self.refuse_entry(now, from, why),
        };
        let cut: BTreeSet<MemberKey> = applied.cuts.iter().map(|cut| cut.member).collect();
        let finals = entry.batch.iter().flat_map(|batch| &batch.body.data_final);
        let named: BTreeSet<MemberKey> =
            finals.map(|cut| cut.member).chain(cut.iter().copied()).collect();
        if entry.batch.is_some() {
            // Either ours, or it has made ours stale.
            self.proposed = None;
        }
        let fresh = from.is_none().then(|| Message::Entries(vec![entry.clone()]));
        self.out.push(Output::AppendEntry(Box::new(entry), Box::new(applied)));
        if !self.is_chain_ordered() {
            let fits = |fresh: &Message| fresh.encode().len() <= GOSSIP_MAX_BYTES;
            self.out.extend(fresh.filter(fits).map(Output::Publish));
        }
        self.shut_out();
        for author in named {
            self.conform(author);
            // What waits is judged anew: some of it is past the cut, some on the wrong branch.
            let waiting = self.pending.take_from(author, 0);
            self.resettle(now, waiting);
        }
        for author in cut {
            let end = law::settled(&self.acl, &author).seq;
            let freed = self.pending.unreachable(author, end);
            self.resettle(now, freed);
        }
        let ready = self.pending.sequenced(self.acl.epoch());
        self.resettle(now, ready);
        self.hasten_beat(now);
    }

    /// A page of entries from a peer. An owner's entry proves itself. A chain's does not: this
    /// node reads the chain itself, and takes only the bodies.
    pub(super) fn receive_entries(
        &mut self,
        now: UnixMillis,
        from: &PeerId,
        entries: Vec<Entry>,
        wallets: &dyn WalletVerifier,
    ) {
        if self.is_chain_ordered() {
            // Not noted as told: until the chain has been read here too, the same page would be
            // asked for at every heartbeat.
            return self.offer_bodies(entries);
        }
        self.told(now, from, Ask::Log);
        let before = self.acl.epoch();
        for entry in entries {
            if entry.epoch > before {
                self.sequence(now, Some(from), entry, wallets);
            }
        }
        let claimed = self.sessions.get(from).map_or(0, |session| session.epoch);
        if self.acl.epoch() > before && claimed > self.acl.epoch() {
            self.want_log(now, from);
        }
    }

    fn offer_bodies(&mut self, entries: Vec<Entry>) {
        let bodies: Vec<Proposal> = entries
            .into_iter()
            .filter_map(|Entry { batch, envelopes, .. }| {
                let (batch, envelopes) = (batch?, envelopes?);
                Some(Proposal { batch, envelopes })
            })
            .collect();
        if !bodies.is_empty() {
            self.out.push(Output::Bodies(bodies));
        }
    }

    /// A batch of this node's member.
    pub(super) fn propose(&mut self, proposal: Proposal, wallets: &dyn WalletVerifier) {
        match self.acl.restrict(&proposal.batch, wallets) {
            Ok(_) => {
                self.shut_out();
                self.proposed = Some(proposal.clone());
                self.tell_proposal();
                self.out.push(Output::Propose(Box::new(proposal)));
            }
            Err(why) => self.reject(None, Rejection::BadProposal(why)),
        }
    }

    /// Tells everybody what we propose: whoever orders the log may have been away.
    pub(super) fn tell_proposal(&mut self) {
        let Some(proposal) = &self.proposed else { return };
        let message = Message::Proposal(Box::new(proposal.clone()));
        if message.encode().len() <= GOSSIP_MAX_BYTES {
            return self.out.push(Output::Publish(message));
        }
        let peers = self.sessions.keys().cloned();
        let sends = peers.map(|to| Output::Send { to, message: message.clone() });
        self.out.extend(sends);
    }

    /// A batch that a peer wants sequenced: what it takes away is taken away here at once.
    pub(super) fn receive_proposal(
        &mut self,
        from: &PeerId,
        proposal: Proposal,
        wallets: &dyn WalletVerifier,
    ) {
        let verdict = self.acl.restrict(&proposal.batch, wallets);
        if self.is_chain_ordered() {
            // The chain may have ordered it already, or after entries that are not here yet.
            self.out.push(Output::Bodies(vec![proposal.clone()]));
        }
        match verdict {
            Ok(_) => {
                self.shut_out();
                self.out.push(Output::Propose(Box::new(proposal)));
            }
            Err(why) => self.reject(Some(from), Rejection::BadProposal(why)),
        }
    }

    fn refuse_entry(&mut self, now: UnixMillis, from: Option<&PeerId>, why: Denied) {
        match why {
            Denied::AlreadyApplied { .. } => {}
            Denied::Lost { epoch } => self.reject(from, Rejection::LogConflict { epoch }),
            Denied::Early { .. } => from.into_iter().for_each(|from| self.want_log(now, from)),
            why => self.reject(from, Rejection::BadEntry(why)),
        }
    }

    fn is_chain_ordered(&self) -> bool {
        matches!(self.acl.genesis().sequencer, Sequencer::Chain(_))
    }

    /// Drops peers whose members the log or an admin has shut out.
    fn shut_out(&mut self) {
        let is_out = |member: &MemberKey| law::is_shut_out(&self.acl, member);
        let out = self.sessions.iter().filter(|(_, session)| is_out(&session.member));
        let peers: Vec<PeerId> = out.map(|(peer, _)| peer.clone()).collect();
        for peer in peers {
            self.sessions.remove(&peer);
            self.out.push(Output::Expel(peer));
        }
    }
}

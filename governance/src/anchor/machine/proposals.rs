//! T1 to T7: from a proposal to its end.

use alloc::{vec, vec::Vec};

use types::Hash;

use super::{Approval, Event, Host, Proposal, Record, record::bit};
use crate::anchor::{Account, Action, Class, Code, actions_hash, class_of};

/// One admin cannot fill the record's 64.
const OPEN_PER_ADMIN_MAX: usize = 8;
/// Bounds what an abandoned record leaves in storage.
const OPEN_MAX: usize = 64;
/// A forgotten approval must not wait for years: 90 days.
const EXPIRY_MAX_S: u64 = 90 * 24 * 60 * 60;
/// More admins there are none.
const APPROVALS_MAX: usize = 32;

impl Record {
    pub(super) fn propose(
        &mut self,
        caller: &Account,
        actions: &[Action],
        expiry_s: u64,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        let class = self.may_propose(caller, actions, expiry_s, now_s)?;
        let seq = self.next_seq()?;
        let mut events = vec![Event::Proposed { seq }];
        let met = self.head.threshold == 1;
        let eta_s = met.then(|| now_s.saturating_add(self.delay_s(class, now_s).into()));
        let seat = self.seats.get(caller).ok_or(Code::E12)?;
        let proposal = Proposal {
            actions_hash: actions_hash(actions)?,
            approvals: bit(seat.index),
            withdrawn: 0,
            created_rev: self.head.rev,
            eta_s,
            expiry_s,
            threshold: self.head.threshold,
            class,
            sets_guardian: actions.iter().any(|a| matches!(a, Action::SetGuardian { .. })),
            proposer: caller.clone(),
        };
        self.proposals.insert(seq, proposal);
        events.extend(eta_s.map(|eta_s| Event::Queued { seq, eta_s }));
        Ok(events)
    }

    pub(super) fn act(
        &mut self,
        caller: &Account,
        actions: &[Action],
        expiry_s: u64,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        let class = self.may_propose(caller, actions, expiry_s, now_s)?;
        if self.head.threshold != 1 || self.delay_s(class, now_s) != 0 {
            return self.propose(caller, actions, expiry_s, now_s);
        }
        if self.is_frozen(now_s) {
            return Err(Code::E44);
        }
        let seq = self.next_seq()?;
        let mut events = vec![Event::Proposed { seq }, Event::Queued { seq, eta_s: now_s }];
        events.extend(self.apply_all(actions, now_s)?);
        events.push(Event::Executed { seq });
        Ok(events)
    }

    /// Whether `caller` may propose at all: the guards that stand before a batch is read, for who
    /// has it as bytes.
    ///
    /// # Errors
    /// [`Code::E10`], [`Code::E12`] to [`Code::E15`].
    pub fn may_open(&self, caller: &Account, expiry_s: u64, now_s: u64) -> Result<(), Code> {
        self.active()?;
        if !self.seats.contains_key(caller) {
            return Err(Code::E12);
        }
        let own = self.proposals.values().filter(|proposal| proposal.proposer == *caller).count();
        if own >= OPEN_PER_ADMIN_MAX {
            return Err(Code::E13);
        }
        if self.proposals.len() >= OPEN_MAX {
            return Err(Code::E14);
        }
        if expiry_s <= now_s || expiry_s > now_s.saturating_add(EXPIRY_MAX_S) {
            return Err(Code::E15);
        }
        Ok(())
    }

    fn may_propose(
        &self,
        caller: &Account,
        actions: &[Action],
        expiry_s: u64,
        now_s: u64,
    ) -> Result<Class, Code> {
        self.may_open(caller, expiry_s, now_s)?;
        actions_hash(actions)?;
        let class = class_of(actions, self.head.admins);
        if class >= Class::App && self.is_frozen(now_s) {
            return Err(Code::E11);
        }
        // One that could not be executed before it expires is not worth its storage.
        if now_s.saturating_add(self.delay_s(class, now_s).into()) > expiry_s {
            return Err(Code::E15);
        }
        Ok(class)
    }

    pub(super) fn approve(
        &mut self,
        caller: &Account,
        seq: u64,
        actions_hash: Option<Hash>,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        let mut proposal = self.approvable(seq, actions_hash, now_s)?;
        let seat_bit = self.approving_bit(&proposal, caller)?;
        proposal.approvals |= seat_bit;
        self.approved(seq, proposal, caller, now_s)
    }

    pub(super) fn approve_by_sigs(
        &mut self,
        approval: &Approval,
        approvals: &[(Account, Vec<u8>)],
        now_s: u64,
        host: &dyn Host,
    ) -> Result<Vec<Event>, Code> {
        let seq = approval.seq;
        let mut proposal = self.approvable(seq, Some(approval.actions_hash), now_s)?;
        let fits = (1..=APPROVALS_MAX).contains(&approvals.len());
        if now_s > approval.deadline_s || !fits {
            return Err(Code::E26);
        }
        let mut events = Vec::new();
        let mut last: Option<&Account> = None;
        for (signer, signature) in approvals {
            if last.is_some_and(|last| last >= signer) {
                return Err(Code::E26);
            }
            last = Some(signer);
            let seat_bit = self.approving_bit(&proposal, signer)?;
            // A signature that is still around must not bring back what its signer took back.
            if proposal.withdrawn & seat_bit != 0 || !host.approved(signer, approval, signature) {
                return Err(Code::E26);
            }
            proposal.approvals |= seat_bit;
            events.extend(self.approved(seq, proposal, signer, now_s)?);
            proposal = self.proposals.get(&seq).cloned().ok_or(Code::E20)?;
        }
        Ok(events)
    }

    pub(super) fn approve_and_execute(
        &mut self,
        caller: &Account,
        seq: u64,
        actions: &[Action],
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        // What is no batch has no hash, and so is not what was proposed.
        let mut events = self.approve(caller, seq, actions_hash(actions).ok(), now_s)?;
        let is_due = self.proposals.get(&seq).is_some_and(|proposal| {
            // A raised threshold may ask for more than queued it.
            proposal.eta_s.is_some_and(|eta_s| eta_s <= now_s) && self.is_met(proposal)
        });
        if is_due {
            events.extend(self.execute(seq, actions, now_s)?);
        }
        Ok(events)
    }

    fn approvable(
        &self,
        seq: u64,
        actions_hash: Option<Hash>,
        now_s: u64,
    ) -> Result<Proposal, Code> {
        self.active()?;
        let proposal = self.proposals.get(&seq).cloned().ok_or(Code::E20)?;
        if now_s > proposal.expiry_s {
            return Err(Code::E21);
        }
        if Some(proposal.actions_hash) != actions_hash {
            return Err(Code::E22);
        }
        Ok(proposal)
    }

    /// The bit that an approval by `account` sets.
    fn approving_bit(&self, proposal: &Proposal, account: &Account) -> Result<u64, Code> {
        let seat = self.seats.get(account).ok_or(Code::E23)?;
        if seat.since > proposal.created_rev {
            return Err(Code::E24);
        }
        if proposal.approvals & bit(seat.index) != 0 {
            return Err(Code::E25);
        }
        Ok(bit(seat.index))
    }

    /// Keeps `proposal`, which `by` just approved, and queues it if that was enough.
    fn approved(
        &mut self,
        seq: u64,
        mut proposal: Proposal,
        by: &Account,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        let mut events = vec![Event::Approved { seq, by: by.clone() }];
        if proposal.eta_s.is_none() && self.is_met(&proposal) {
            let eta_s = now_s.saturating_add(self.delay_s(proposal.class, now_s).into());
            if eta_s > proposal.expiry_s {
                return Err(Code::E21);
            }
            proposal.eta_s = Some(eta_s);
            events.push(Event::Queued { seq, eta_s });
        }
        self.proposals.insert(seq, proposal);
        Ok(events)
    }

    pub(super) fn unapprove(&mut self, caller: &Account, seq: u64) -> Result<Vec<Event>, Code> {
        self.active()?;
        let mut proposal = self.proposals.get(&seq).cloned().ok_or(Code::E20)?;
        let seat = self.seats.get(caller).ok_or(Code::E27)?;
        let approved = proposal.approvals & bit(seat.index) != 0;
        // The bit of a seat that changed hands is not the new holder's to clear.
        if !approved || seat.since > proposal.created_rev {
            return Err(Code::E27);
        }
        proposal.approvals &= !bit(seat.index);
        proposal.withdrawn |= bit(seat.index);
        if !self.is_met(&proposal) {
            proposal.eta_s = None;
        }
        self.proposals.insert(seq, proposal);
        Ok(vec![Event::Unapproved { seq }])
    }

    pub(super) fn cancel(&mut self, caller: &Account, seq: u64) -> Result<Vec<Event>, Code> {
        let proposer = &self.proposals.get(&seq).ok_or(Code::E20)?.proposer;
        let orphaned = !self.seats.contains_key(proposer) && self.seats.contains_key(caller);
        if proposer != caller && !orphaned {
            return Err(Code::E30);
        }
        self.proposals.remove(&seq);
        Ok(vec![Event::Canceled { seq }])
    }

    pub(super) fn veto(&mut self, caller: &Account, seq: u64) -> Result<Vec<Event>, Code> {
        let proposal = self.proposals.get(&seq).ok_or(Code::E20)?;
        let is_unanimous = self.counted(proposal) == usize::from(self.head.admins);
        let is_exempt = proposal.sets_guardian && is_unanimous;
        if self.terms.guardian.as_ref() != Some(caller) || is_exempt {
            return Err(Code::E31);
        }
        self.proposals.remove(&seq);
        Ok(vec![Event::Vetoed { seq }])
    }

    pub(super) fn execute(
        &mut self,
        seq: u64,
        actions: &[Action],
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        self.active()?;
        let proposal = self.proposals.get(&seq).ok_or(Code::E41)?;
        let eta_s = proposal.eta_s.ok_or(Code::E41)?;
        if Ok(proposal.actions_hash) != actions_hash(actions) {
            return Err(Code::E40);
        }
        if self.is_frozen(now_s) {
            return Err(Code::E44);
        }
        if now_s < eta_s {
            return Err(Code::E42);
        }
        if now_s > proposal.expiry_s {
            return Err(Code::E43);
        }
        if !self.is_met(proposal) {
            return Err(Code::E46);
        }
        self.proposals.remove(&seq);
        let mut events = self.apply_all(actions, now_s)?;
        events.push(Event::Executed { seq });
        Ok(events)
    }

    pub(super) fn expire(&mut self, seq: u64, now_s: u64) -> Result<Vec<Event>, Code> {
        let proposal = self.proposals.get(&seq).ok_or(Code::E20)?;
        if now_s <= proposal.expiry_s {
            return Err(Code::E48);
        }
        self.proposals.remove(&seq);
        Ok(vec![Event::Expired { seq }])
    }

    fn next_seq(&mut self) -> Result<u64, Code> {
        self.head.seq = self.head.seq.checked_add(1).ok_or(Code::E14)?;
        Ok(self.head.seq)
    }

    /// Approvals by seats that were held without a break since the proposal was made.
    fn counted(&self, proposal: &Proposal) -> usize {
        let counts = |seat: &&super::Seat| {
            proposal.approvals & bit(seat.index) != 0 && seat.since <= proposal.created_rev
        };
        self.seats.values().filter(counts).count()
    }

    /// Whether they are enough: never fewer than were asked when the proposal was made, nor than
    /// are asked now.
    pub(super) fn is_met(&self, proposal: &Proposal) -> bool {
        let needed = proposal.threshold.max(self.head.threshold).max(1);
        self.counted(proposal) >= usize::from(needed)
    }
}

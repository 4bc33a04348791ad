//! The machine itself: one record, its transitions, their guards. What every contract must do.
//!
//! Transitions that this version does not have yet (T2b, T5, T10–T16) and the actions 04, 0A, 0B
//! are refused as reserved, as the contract does.

mod apply;

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};

use types::{Hash, keccak256};

use crate::anchor::{
    Account, Action, Class, Code, Created, Happened, Head, OnChainId, Registry, Status, Terms,
    class_of, encode_actions, log_head,
};

/// The bitmap has 64 seats; more than 32 people do not govern one room.
const SEATS_MAX: u8 = 32;
/// One admin cannot fill the record's 64.
const OPEN_PER_ADMIN_MAX: usize = 8;
/// Bounds what an abandoned record leaves in storage.
const OPEN_MAX: usize = 64;
/// A forgotten approval must not wait for years.
const EXPIRY_MAX_S: u64 = 90 * DAY_S;
/// Longer, and a mistake could not be undone in time.
const DELAY_MAX_S: u32 = 30 * 24 * 60 * 60;
const DAY_S: u64 = 24 * 60 * 60;

/// A transition that an account asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// T0: makes the record.
    Create {
        /// With the caller it makes the id.
        salt: [u8; 32],
        /// What it begins with.
        terms: Terms,
    },
    /// T1: proposes a batch, and approves it.
    Propose {
        /// The batch.
        actions: Vec<Action>,
        /// Unix time of its last second.
        expiry_s: u64,
    },
    /// T1x: proposes and, where one approval is enough and nothing is to be waited for, executes.
    Act {
        /// The batch.
        actions: Vec<Action>,
        /// Unix time of its last second.
        expiry_s: u64,
    },
    /// T2: approves.
    Approve {
        /// Which proposal.
        seq: u64,
        /// keccak-256 of its encoded batch.
        actions_hash: Hash,
    },
    /// T2x: approves and, where that was the last approval needed, executes.
    ApproveAndExecute {
        /// Which proposal.
        seq: u64,
        /// Its batch.
        actions: Vec<Action>,
    },
    /// T3: takes the caller's approval back.
    Unapprove {
        /// Which proposal.
        seq: u64,
    },
    /// T4: withdraws a proposal.
    Cancel {
        /// Which.
        seq: u64,
    },
    /// T6: carries a queued proposal out.
    Execute {
        /// Which.
        seq: u64,
        /// Its batch.
        actions: Vec<Action>,
    },
    /// T7: frees a proposal that ran out.
    Expire {
        /// Which.
        seq: u64,
    },
    /// T8: takes the seat that the caller was nominated for.
    AcceptAdmin,
    /// T9: gives the caller's seat up.
    Renounce,
}

/// What a transition tells the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A revision.
    Rev {
        /// Its number.
        rev: u64,
        /// What it says.
        happened: Box<Happened>,
        /// The log head after it.
        log_head: Hash,
    },
    /// A proposal was made.
    Proposed {
        /// Its number.
        seq: u64,
    },
    /// A proposal has the approvals it needs.
    Queued {
        /// Which.
        seq: u64,
        /// From when on it may be executed, Unix seconds.
        eta_s: u64,
    },
    /// A proposal was carried out.
    Executed {
        /// Which.
        seq: u64,
    },
}

/// One context's record in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The packed part.
    pub head: Head,
    /// Hash over all revisions.
    pub log_head: Hash,
    /// Application, roots, delays, guardian and context as they are at present.
    pub terms: Terms,
    /// What the context says about itself.
    pub meta: Hash,
    /// Root of open invitations.
    pub invite_root: Hash,
    /// Who holds which seat.
    pub seats: BTreeMap<Account, Seat>,
    /// Until when (Unix seconds) who may take a seat.
    pub nominated: BTreeMap<Account, u64>,
    /// Those that are open, by their number.
    pub proposals: BTreeMap<u64, Proposal>,
}

/// An admin's seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its bit.
    pub index: u8,
    /// The revision at which it was taken; 0 for the creator's first.
    pub since: u64,
}

/// An open proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// keccak-256 of its encoded batch.
    pub actions_hash: Hash,
    /// Bitmap of seats.
    pub approvals: u64,
    /// The revision when it was made: later seats do not count.
    pub created_rev: u64,
    /// From when on it may be executed; none until it has its approvals.
    pub eta_s: Option<u64>,
    /// Its last second.
    pub expiry_s: u64,
    /// The threshold when it was made.
    pub threshold: u8,
    /// How grave it is.
    pub class: Class,
    /// Who made it.
    pub proposer: Account,
}

impl Record {
    /// T0: the record that `creator` makes in `registry`, and what it tells.
    ///
    /// # Errors
    /// [`Code::E03`] if the threshold is not 1 or a delay exceeds 30 days. That there is no such
    /// record yet ([`Code::E01`]) is the caller's to see.
    pub fn create(
        registry: &Registry,
        creator: &Account,
        salt: [u8; 32],
        terms: Terms,
    ) -> Result<(OnChainId, Self, Event), Code> {
        let bounded = terms.delays_s.iter().all(|delay_s| *delay_s <= DELAY_MAX_S);
        if terms.threshold != 1 || !bounded {
            return Err(Code::E03);
        }
        let id = registry.context(creator, &salt);
        let mut record = Self {
            head: Head {
                rev: 0,
                seats_epoch: 1,
                seq: 0,
                threshold: 1,
                admins: 1,
                status: Status::Active,
                flags: 0,
                active: 1,
            },
            log_head: registry.log_start(&id),
            terms: terms.clone(),
            meta: Hash::ZERO,
            invite_root: Hash::ZERO,
            seats: BTreeMap::from([(creator.clone(), Seat { index: 0, since: 0 })]),
            nominated: BTreeMap::new(),
            proposals: BTreeMap::new(),
        };
        let created = Created { creator: creator.clone(), salt, terms };
        let event = record.advance(Happened::Created(created))?;
        Ok((id, record, event))
    }

    /// The record after `call` by `caller` at `now_s` (Unix seconds), and what it tells, in order.
    /// Nothing changes on an error.
    ///
    /// # Errors
    /// The [`Code`] of the first guard that fails; [`Code::E01`] for [`Call::Create`].
    pub fn after(
        &self,
        caller: &Account,
        call: &Call,
        now_s: u64,
    ) -> Result<(Self, Vec<Event>), Code> {
        let mut next = self.clone();
        let events = next.transit(caller, call, now_s)?;
        Ok((next, events))
    }

    fn transit(&mut self, caller: &Account, call: &Call, now_s: u64) -> Result<Vec<Event>, Code> {
        match call {
            Call::Create { .. } => Err(Code::E01),
            Call::Propose { actions, expiry_s } => self.propose(caller, actions, *expiry_s, now_s),
            Call::Act { actions, expiry_s } => self.act(caller, actions, *expiry_s, now_s),
            Call::Approve { seq, actions_hash } => self.approve(caller, *seq, *actions_hash, now_s),
            Call::ApproveAndExecute { seq, actions } => {
                let hash = keccak256(&encode_actions(actions)?);
                let mut events = self.approve(caller, *seq, hash, now_s)?;
                let eta_s = self.proposals.get(seq).and_then(|proposal| proposal.eta_s);
                if eta_s.is_some_and(|eta_s| eta_s <= now_s) {
                    events.extend(self.execute(*seq, actions, now_s)?);
                }
                Ok(events)
            }
            Call::Unapprove { seq } => self.unapprove(caller, *seq),
            Call::Cancel { seq } => self.cancel(caller, *seq),
            Call::Execute { seq, actions } => self.execute(*seq, actions, now_s),
            Call::Expire { seq } => self.expire(*seq, now_s),
            Call::AcceptAdmin => self.accept(caller, now_s),
            Call::Renounce => self.renounce(caller),
        }
    }

    fn propose(
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
        let eta_s = met.then(|| now_s.saturating_add(self.delay_s(class)));
        let seat = self.seats.get(caller).ok_or(Code::E12)?;
        let proposal = Proposal {
            actions_hash: keccak256(&encode_actions(actions)?),
            approvals: bit(seat.index),
            created_rev: self.head.rev,
            eta_s,
            expiry_s,
            threshold: self.head.threshold,
            class,
            proposer: caller.clone(),
        };
        self.proposals.insert(seq, proposal);
        events.extend(eta_s.map(|eta_s| Event::Queued { seq, eta_s }));
        Ok(events)
    }

    fn act(
        &mut self,
        caller: &Account,
        actions: &[Action],
        expiry_s: u64,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        let class = self.may_propose(caller, actions, expiry_s, now_s)?;
        if self.head.threshold != 1 || self.delay_s(class) != 0 {
            return self.propose(caller, actions, expiry_s, now_s);
        }
        let seq = self.next_seq()?;
        let mut events = vec![Event::Proposed { seq }, Event::Queued { seq, eta_s: now_s }];
        events.extend(self.apply_all(actions, now_s)?);
        events.push(Event::Executed { seq });
        Ok(events)
    }

    fn may_propose(
        &self,
        caller: &Account,
        actions: &[Action],
        expiry_s: u64,
        now_s: u64,
    ) -> Result<Class, Code> {
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
        encode_actions(actions)?;
        let reserved = |action: &Action| {
            matches!(
                action,
                Action::SetDelay { .. } | Action::SetCaps { .. } | Action::SetGuardian { .. }
            )
        };
        if actions.iter().any(reserved) {
            return Err(Code::E17);
        }
        let class = class_of(actions, self.head.admins);
        // One that could not be executed before it expires is not worth its storage.
        if now_s.saturating_add(self.delay_s(class)) > expiry_s {
            return Err(Code::E15);
        }
        Ok(class)
    }

    fn approve(
        &mut self,
        caller: &Account,
        seq: u64,
        actions_hash: Hash,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        self.active()?;
        let mut proposal = self.proposals.get(&seq).cloned().ok_or(Code::E20)?;
        if now_s > proposal.expiry_s {
            return Err(Code::E21);
        }
        if proposal.actions_hash != actions_hash {
            return Err(Code::E22);
        }
        let seat = self.seats.get(caller).ok_or(Code::E23)?;
        if seat.since > proposal.created_rev {
            return Err(Code::E24);
        }
        if proposal.approvals & bit(seat.index) != 0 {
            return Err(Code::E25);
        }
        proposal.approvals |= bit(seat.index);
        let mut events = Vec::new();
        if proposal.eta_s.is_none() && self.is_met(&proposal) {
            let eta_s = now_s.saturating_add(self.delay_s(proposal.class));
            if eta_s > proposal.expiry_s {
                return Err(Code::E21);
            }
            proposal.eta_s = Some(eta_s);
            events.push(Event::Queued { seq, eta_s });
        }
        self.proposals.insert(seq, proposal);
        Ok(events)
    }

    fn unapprove(&mut self, caller: &Account, seq: u64) -> Result<Vec<Event>, Code> {
        self.active()?;
        let mut proposal = self.proposals.get(&seq).cloned().ok_or(Code::E20)?;
        let seat = self.seats.get(caller).ok_or(Code::E27)?;
        let approved = proposal.approvals & bit(seat.index) != 0;
        // The bit of a seat that changed hands is not the new holder's to clear.
        if !approved || seat.since > proposal.created_rev {
            return Err(Code::E27);
        }
        proposal.approvals &= !bit(seat.index);
        if !self.is_met(&proposal) {
            proposal.eta_s = None;
        }
        self.proposals.insert(seq, proposal);
        Ok(Vec::new())
    }

    fn cancel(&mut self, caller: &Account, seq: u64) -> Result<Vec<Event>, Code> {
        let proposer = &self.proposals.get(&seq).ok_or(Code::E20)?.proposer;
        let orphaned = !self.seats.contains_key(proposer) && self.seats.contains_key(caller);
        if proposer != caller && !orphaned {
            return Err(Code::E30);
        }
        self.proposals.remove(&seq);
        Ok(Vec::new())
    }

    fn execute(&mut self, seq: u64, actions: &[Action], now_s: u64) -> Result<Vec<Event>, Code> {
        self.active()?;
        let proposal = self.proposals.get(&seq).ok_or(Code::E41)?;
        let eta_s = proposal.eta_s.ok_or(Code::E41)?;
        if proposal.actions_hash != keccak256(&encode_actions(actions)?) {
            return Err(Code::E40);
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

    fn expire(&mut self, seq: u64, now_s: u64) -> Result<Vec<Event>, Code> {
        let proposal = self.proposals.get(&seq).ok_or(Code::E20)?;
        if now_s <= proposal.expiry_s {
            return Err(Code::E48);
        }
        self.proposals.remove(&seq);
        Ok(Vec::new())
    }

    fn accept(&mut self, caller: &Account, now_s: u64) -> Result<Vec<Event>, Code> {
        self.active()?;
        if self.seats.contains_key(caller) {
            return Err(Code::E51);
        }
        if self.nominated.get(caller).is_none_or(|until_s| *until_s < now_s) {
            return Err(Code::E50);
        }
        if self.head.admins >= SEATS_MAX {
            return Err(Code::E52);
        }
        self.nominated.remove(caller);
        self.head.admins = self.head.admins.saturating_add(1);
        self.head.seats_epoch = self.head.seats_epoch.saturating_add(1);
        let event = self.advance(Happened::AdminAccepted(caller.clone()))?;
        // Fits: fewer than 32 of the 64 bits are taken.
        let index = u8::try_from(self.head.active.trailing_ones()).map_err(|_| Code::E52)?;
        self.head.active |= bit(index);
        self.seats.insert(caller.clone(), Seat { index, since: self.head.rev });
        Ok(vec![event])
    }

    fn renounce(&mut self, caller: &Account) -> Result<Vec<Event>, Code> {
        self.active()?;
        if !self.seats.contains_key(caller) {
            return Err(Code::E12);
        }
        if self.head.admins < 2 {
            return Err(Code::E53);
        }
        self.vacate(caller);
        self.head.threshold = self.head.threshold.min(self.head.admins);
        Ok(vec![self.advance(Happened::AdminRenounced(caller.clone()))?])
    }

    fn active(&self) -> Result<(), Code> {
        if self.head.status == Status::Active { Ok(()) } else { Err(Code::E10) }
    }

    fn next_seq(&mut self) -> Result<u64, Code> {
        self.head.seq = self.head.seq.checked_add(1).ok_or(Code::E14)?;
        Ok(self.head.seq)
    }

    fn delay_s(&self, class: Class) -> u64 {
        let delay_s = self.terms.delays_s.get(usize::from(class.number()));
        delay_s.copied().map_or(0, u64::from)
    }

    /// Whether the approvals by seats that were held without a break are enough: never fewer than
    /// were asked when the proposal was made, nor than are asked now.
    fn is_met(&self, proposal: &Proposal) -> bool {
        let counts = |seat: &&Seat| {
            proposal.approvals & bit(seat.index) != 0 && seat.since <= proposal.created_rev
        };
        let count = self.seats.values().filter(counts).count();
        count >= usize::from(proposal.threshold.max(self.head.threshold).max(1))
    }

    fn vacate(&mut self, account: &Account) {
        if let Some(seat) = self.seats.remove(account) {
            self.head.active &= !bit(seat.index);
            self.head.admins = self.head.admins.saturating_sub(1);
            self.head.seats_epoch = self.head.seats_epoch.saturating_add(1);
        }
    }

    fn advance(&mut self, happened: Happened) -> Result<Event, Code> {
        let rev = self.head.rev.checked_add(1).ok_or(Code::E10)?;
        self.head.rev = rev;
        self.log_head = log_head(&self.log_head, rev, happened.kind(), &happened.payload());
        Ok(Event::Rev { rev, happened: Box::new(happened), log_head: self.log_head })
    }
}

/// Seats have indices below 64.
const fn bit(index: u8) -> u64 {
    1_u64.wrapping_shl(index as u32)
}

#[cfg(test)]
mod tests;

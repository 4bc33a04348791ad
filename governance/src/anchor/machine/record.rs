//! One context's record in a registry.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use types::Hash;

use super::{Call, Event, Host};
use crate::anchor::{
    Account, Class, Code, Created, Happened, Head, OnChainId, Registry, Status, Terms, log_head,
};

/// Bit of [`Terms::flags`]: invitations may be claimed on chain.
pub const FLAG_CLAIMS: u8 = 1;
/// Longer, and a mistake could not be undone in time.
pub(super) const DELAY_MAX_S: u32 = 30 * 24 * 60 * 60;

/// One context's record in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name in the registry.
    pub id: OnChainId,
    /// What everything signed about it begins with.
    pub domain: Hash,
    /// The packed part.
    pub head: Head,
    /// Hash over all revisions.
    pub log_head: Hash,
    /// Application, roots, delays, guardian and context as they are at present. A delay that is
    /// being lowered stands in `pending_delays` until then.
    pub terms: Terms,
    /// Lowered delays that do not count yet, or that nobody has looked at since they do.
    pub pending_delays: [Option<PendingDelay>; 4],
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
    /// Until when (Unix seconds, exclusive) nothing is executed; 0 if it never was frozen.
    pub frozen_until_s: u64,
    /// When it was last frozen, Unix seconds; 0 for never.
    pub last_freeze_s: u64,
    /// Uses of invitations that are used up.
    pub nullifiers: BTreeSet<Hash>,
}

/// A delay that was lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDelay {
    /// Seconds.
    pub delay_s: u32,
    /// From when on it counts, Unix seconds.
    pub effective_s: u64,
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
    /// Seats that took an approval back: only their own call brings it again.
    pub withdrawn: u64,
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
    /// Whether its batch sets the guardian.
    pub sets_guardian: bool,
    /// Who made it.
    pub proposer: Account,
}

impl Record {
    /// T0: the record that `creator` makes in `registry`, and what it tells.
    ///
    /// # Errors
    /// [`Code::E03`] for an unknown flag or a delay of more than 30 days. That there is no such
    /// record yet ([`Code::E01`]) is the caller's to see.
    pub fn create(
        registry: &Registry,
        creator: &Account,
        salt: [u8; 32],
        terms: Terms,
    ) -> Result<(OnChainId, Self, Event), Code> {
        let bounded = terms.delays_s.iter().all(|delay_s| *delay_s <= DELAY_MAX_S);
        if terms.flags & !FLAG_CLAIMS != 0 || !bounded {
            return Err(Code::E03);
        }
        let id = registry.context(creator, &salt);
        let domain = registry.log_start(&id);
        let head = Head {
            rev: 0,
            seats_epoch: 1,
            seq: 0,
            threshold: 1,
            admins: 1,
            status: Status::Active,
            flags: terms.flags,
            active: 1,
        };
        let mut record = Self {
            id,
            domain,
            head,
            log_head: domain,
            terms: terms.clone(),
            pending_delays: [None; 4],
            meta: Hash::ZERO,
            invite_root: Hash::ZERO,
            seats: BTreeMap::from([(creator.clone(), Seat { index: 0, since: 0 })]),
            nominated: BTreeMap::new(),
            proposals: BTreeMap::new(),
            frozen_until_s: 0,
            last_freeze_s: 0,
            nullifiers: BTreeSet::new(),
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
        host: &dyn Host,
    ) -> Result<(Self, Vec<Event>), Code> {
        let mut next = self.clone();
        let events = next.transit(caller, call, now_s, host)?;
        Ok((next, events))
    }

    fn transit(
        &mut self,
        caller: &Account,
        call: &Call,
        now_s: u64,
        host: &dyn Host,
    ) -> Result<Vec<Event>, Code> {
        match call {
            Call::Create { .. } => Err(Code::E01),
            Call::Propose { actions, expiry_s } => self.propose(caller, actions, *expiry_s, now_s),
            Call::Act { actions, expiry_s } => self.act(caller, actions, *expiry_s, now_s),
            Call::Approve { seq, actions_hash } => {
                self.approve(caller, *seq, Some(*actions_hash), now_s)
            }
            Call::ApproveBySigs { seq, actions_hash, deadline_s, approvals } => {
                let (seq, actions_hash, deadline_s) = (*seq, *actions_hash, *deadline_s);
                let approval = super::Approval { context: self.id, seq, actions_hash, deadline_s };
                self.approve_by_sigs(&approval, approvals, now_s, host)
            }
            Call::ApproveAndExecute { seq, actions } => {
                self.approve_and_execute(caller, *seq, actions, now_s)
            }
            Call::Unapprove { seq } => self.unapprove(caller, *seq),
            Call::Cancel { seq } => self.cancel(caller, *seq),
            Call::Veto { seq } => self.veto(caller, *seq),
            Call::Execute { seq, actions } => self.execute(*seq, actions, now_s),
            Call::Expire { seq } => self.expire(*seq, now_s),
            Call::AcceptAdmin => self.accept(caller, now_s),
            Call::Renounce => self.renounce(caller),
            Call::Bind { .. } | Call::Unbind { .. } | Call::ClaimInvite { .. } => {
                self.tell(caller, call, now_s, host)
            }
            Call::Freeze { secs } => self.freeze(caller, *secs, now_s),
        }
    }

    pub(super) fn active(&self) -> Result<(), Code> {
        if self.head.status == Status::Active { Ok(()) } else { Err(Code::E10) }
    }

    pub(super) const fn is_frozen(&self, now_s: u64) -> bool {
        now_s < self.frozen_until_s
    }

    /// How long batches of `class` wait at `now_s`, in seconds.
    pub fn delay_s(&self, class: Class, now_s: u64) -> u32 {
        let index = usize::from(class.number());
        let pending = self.pending_delays.get(index).copied().flatten();
        let lowered = pending.filter(|pending| pending.effective_s <= now_s);
        let present = self.terms.delays_s.get(index).copied().unwrap_or(DELAY_MAX_S);
        lowered.map_or(present, |pending| pending.delay_s)
    }

    pub(super) fn advance(&mut self, happened: Happened) -> Result<Event, Code> {
        let rev = self.head.rev.checked_add(1).ok_or(Code::E10)?;
        self.head.rev = rev;
        self.log_head = log_head(&self.log_head, rev, happened.kind(), &happened.payload());
        Ok(Event::Rev { rev, happened: Box::new(happened), log_head: self.log_head })
    }
}

/// Seats have indices below 64.
pub(super) const fn bit(index: u8) -> u64 {
    1_u64.wrapping_shl(index as u32)
}

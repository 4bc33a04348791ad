//! What the actions of a batch do to a record.

use alloc::vec::Vec;

use types::Hash;

use super::{Event, PendingDelay, Record, record::DELAY_MAX_S};
use crate::anchor::{Account, Action, Class, Code, Happened, Status};

/// A nomination that nobody takes ends by itself: 90 days.
const TTL_MAX_S: u32 = 90 * 24 * 60 * 60;

impl Record {
    /// Applies a batch in order; each action is a revision. That enough admins remain for the
    /// threshold is looked at when all are done.
    pub(super) fn apply_all(&mut self, actions: &[Action], now_s: u64) -> Result<Vec<Event>, Code> {
        let mut events = Vec::with_capacity(actions.len());
        for action in actions {
            self.active()?;
            self.apply(action, now_s)?;
            events.push(self.advance(Happened::Done(action.clone()))?);
        }
        if self.head.threshold <= self.head.admins {
            return Ok(events);
        }
        let sets = actions.iter().any(|action| matches!(action, Action::SetThreshold { .. }));
        Err(if sets { Code::E55 } else { Code::E54 })
    }

    fn apply(&mut self, action: &Action, now_s: u64) -> Result<(), Code> {
        match action {
            Action::NominateAdmin { account, ttl_s } => self.nominate(account, *ttl_s, now_s)?,
            Action::RemoveAdmin { account } => self.remove_admin(account)?,
            Action::SetThreshold { threshold: 0 } => return Err(Code::E55),
            Action::SetThreshold { threshold } => {
                self.head.threshold = *threshold;
                self.head.seats_epoch = self.head.seats_epoch.saturating_add(1);
            }
            Action::SetDelay { class, delay_s } => self.set_delay(*class, *delay_s, now_s)?,
            Action::SetMembersRoot { prev, new, count, .. } => {
                swap(&mut self.terms.members_root, prev, new)?;
                self.terms.members_count = *count;
            }
            Action::SetApp { app, .. } => self.terms.app = *app,
            Action::SetInviteRoot { prev, new } => swap(&mut self.invite_root, prev, new)?,
            Action::SetGuardian { guardian } => self.terms.guardian.clone_from(guardian),
            Action::Dissolve => self.head.status = Status::Dissolved,
            Action::SetMeta { meta } => self.meta = *meta,
            // Recorded: the revision is all there is.
            Action::SetCaps { .. } => {}
        }
        Ok(())
    }

    /// Raised at once; lowered after the present delay, so that nobody can skip it.
    fn set_delay(&mut self, class: Class, delay_s: u32, now_s: u64) -> Result<(), Code> {
        if delay_s > DELAY_MAX_S {
            return Err(Code::E56);
        }
        let present_s = self.delay_s(class, now_s);
        let index = usize::from(class.number());
        let delay = self.terms.delays_s.get_mut(index).ok_or(Code::E16)?;
        let pending = self.pending_delays.get_mut(index).ok_or(Code::E16)?;
        if delay_s >= present_s {
            *delay = delay_s;
            *pending = None;
        } else {
            *delay = present_s;
            let effective_s = now_s.saturating_add(present_s.into());
            *pending = Some(PendingDelay { delay_s, effective_s });
        }
        Ok(())
    }

    fn nominate(&mut self, account: &Account, ttl_s: u32, now_s: u64) -> Result<(), Code> {
        if ttl_s == 0 || ttl_s > TTL_MAX_S {
            return Err(Code::E59);
        }
        if self.seats.contains_key(account) {
            return Err(Code::E58);
        }
        self.nominated.insert(account.clone(), now_s.saturating_add(u64::from(ttl_s)));
        Ok(())
    }

    fn remove_admin(&mut self, account: &Account) -> Result<(), Code> {
        if !self.seats.contains_key(account) || self.head.admins < 2 {
            return Err(Code::E54);
        }
        self.vacate(account);
        Ok(())
    }
}

/// Compare and set: the loser of a race makes its change anew.
fn swap(root: &mut Hash, prev: &Hash, new: &Hash) -> Result<(), Code> {
    if root != prev {
        return Err(Code::E57);
    }
    *root = *new;
    Ok(())
}

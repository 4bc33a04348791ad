//! What the actions of a batch do to a record.

use alloc::vec::Vec;

use types::Hash;

use super::{Event, Record};
use crate::anchor::{Account, Action, Code, Happened, Status};

/// A nomination that nobody takes ends by itself.
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
            Action::SetThreshold { threshold } => self.head.threshold = *threshold,
            Action::SetMembersRoot { prev, new, count, .. } => {
                swap(&mut self.terms.members_root, prev, new)?;
                self.terms.members_count = *count;
            }
            Action::SetApp { app, .. } => self.terms.app = *app,
            Action::SetInviteRoot { prev, new } => swap(&mut self.invite_root, prev, new)?,
            Action::Dissolve => self.head.status = Status::Dissolved,
            Action::SetMeta { meta } => self.meta = *meta,
            Action::SetDelay { .. } | Action::SetCaps { .. } | Action::SetGuardian { .. } => {
                return Err(Code::E17);
            }
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

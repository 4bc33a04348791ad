//! T8, T9 and T13: who governs, and who may hold them back.

use alloc::{vec, vec::Vec};

use super::{Event, Record, Seat, record::bit};
use crate::anchor::{Account, Code, Happened};

/// The bitmap has 64 seats; more than 32 people do not govern one room.
const SEATS_MAX: u8 = 32;
const DAY_S: u64 = 24 * 60 * 60;
/// Long enough to act, short enough that a guardian cannot hold a context hostage.
const FREEZE_MAX_S: u64 = 7 * DAY_S;
/// So that one freeze does not follow the other.
const FREEZE_PAUSE_S: u64 = 30 * DAY_S;

impl Record {
    pub(super) fn accept(&mut self, caller: &Account, now_s: u64) -> Result<Vec<Event>, Code> {
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

    pub(super) fn renounce(&mut self, caller: &Account) -> Result<Vec<Event>, Code> {
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

    pub(super) fn freeze(
        &mut self,
        caller: &Account,
        secs: u32,
        now_s: u64,
    ) -> Result<Vec<Event>, Code> {
        self.active()?;
        let secs = u64::from(secs);
        let is_rested =
            self.last_freeze_s == 0 || self.last_freeze_s.saturating_add(FREEZE_PAUSE_S) <= now_s;
        let is_legal = (1..=FREEZE_MAX_S).contains(&secs) && is_rested;
        if self.terms.guardian.as_ref() != Some(caller) || !is_legal {
            return Err(Code::E80);
        }
        self.last_freeze_s = now_s;
        self.frozen_until_s = now_s.saturating_add(secs);
        Ok(vec![self.advance(Happened::Frozen { until_s: self.frozen_until_s })?])
    }

    pub(super) fn vacate(&mut self, account: &Account) {
        if let Some(seat) = self.seats.remove(account) {
            self.head.active &= !bit(seat.index);
            self.head.admins = self.head.admins.saturating_sub(1);
            self.head.seats_epoch = self.head.seats_epoch.saturating_add(1);
        }
    }
}

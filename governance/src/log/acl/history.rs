//! What the fold knew at every epoch: the source of [`super::Acl::judge`].

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use types::{AccountId, MemberKey};

use crate::log::{
    Cut,
    acl::state::{Standing, State},
};

/// Values with the epoch from which each holds, ascending.
#[derive(Clone, Debug)]
struct Timeline<T>(Vec<(u64, T)>);

/// Never forgets: a delta may cite any epoch.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    standings: BTreeMap<MemberKey, Timeline<Option<Standing>>>,
    seats: BTreeMap<AccountId, Timeline<bool>>,
    cuts: BTreeMap<MemberKey, Vec<(u64, Cut)>>,
}

impl<T: PartialEq> Timeline<T> {
    fn at(&self, epoch: u64) -> Option<&T> {
        let after = self.0.partition_point(|(since, _)| *since <= epoch);
        self.0.get(after.checked_sub(1)?).map(|(_, value)| value)
    }

    fn push(&mut self, epoch: u64, value: T) {
        if self.0.last().is_none_or(|(_, last)| *last != value) {
            self.0.push((epoch, value));
        }
    }
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl History {
    /// Records that `state` holds from its epoch on. `touched` names every member whose standing
    /// may differ from before.
    pub(super) fn record<'a>(
        &mut self,
        state: &State,
        touched: impl IntoIterator<Item = &'a MemberKey>,
        cuts: &[Cut],
    ) {
        let epoch = state.epoch;
        for key in touched {
            let standing = state.members.get(key).map(|member| member.standing());
            self.standings.entry(*key).or_default().push(epoch, standing);
        }
        for cut in cuts {
            self.cuts.entry(cut.member).or_default().push((epoch, *cut));
        }
        let Some(record) = &state.record else { return };
        for account in &record.seats {
            self.seats.entry(account.clone()).or_default().push(epoch, true);
        }
        for (account, timeline) in &mut self.seats {
            if !record.seats.contains(account) {
                timeline.push(epoch, false);
            }
        }
    }

    pub(super) fn standing(&self, member: &MemberKey, epoch: u64) -> Option<&Standing> {
        self.standings.get(member)?.at(epoch)?.as_ref()
    }

    pub(super) fn is_seated(&self, account: &AccountId, epoch: u64) -> bool {
        self.seats.get(account).and_then(|timeline| timeline.at(epoch)).is_some_and(|held| *held)
    }

    pub(super) fn seats(&self, epoch: u64) -> BTreeSet<AccountId> {
        let held = |account: &&AccountId| self.is_seated(account, epoch);
        self.seats.keys().filter(held).cloned().collect()
    }

    /// The cut of `member` in the last entry that has one.
    pub(super) fn last_cut(&self, member: &MemberKey) -> Option<Cut> {
        self.cuts.get(member)?.last().map(|(_, cut)| *cut)
    }

    /// The lowest cut of `member` in an entry after `epoch`.
    pub(super) fn cut_after(&self, member: &MemberKey, epoch: u64) -> Option<Cut> {
        let later = self.cuts.get(member)?.iter().filter(|(at, _)| *at > epoch);
        later.map(|(_, cut)| *cut).min_by_key(|cut| cut.seq)
    }
}

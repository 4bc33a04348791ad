//! Restrictions that act here at once, before they are ordered: the fold may only become stricter
//! by them, and they end when the log has decided.

use alloc::collections::{BTreeMap, BTreeSet};

use types::{EntryId, MemberKey};

use crate::log::{
    Action, Batch, Change, Denied, SignedBatch, Verdict, WalletVerifier,
    acl::{
        Acl,
        sitting::sit,
        state::{Standing, State},
    },
};

/// By author. Bounded: what an author adds concerns members, each at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct Restrictions(BTreeMap<MemberKey, Restriction>);

#[derive(Clone, Debug)]
struct Restriction {
    /// What the first batch cites. The others end with it: none of them outlives the same state.
    epoch: u64,
    prev: EntryId,
    /// What the batches leave to those whom it restricts; none to a removed one.
    left: BTreeMap<MemberKey, Option<Standing>>,
}

impl Acl {
    /// Takes the restrictions (removals, lower roles, fewer capabilities) of an admin's `batch` in
    /// force on this node at once, and returns whom they concern. They act on [`Acl::may_now`]
    /// alone, never on the log, and end when the batch is ordered or can no longer be. Those of
    /// several batches of one author add up; of one member the latest holds. Grants do not act.
    ///
    /// # Errors
    /// As [`Acl::check`].
    pub fn restrict(
        &mut self,
        batch: &SignedBatch,
        wallets: &dyn WalletVerifier,
    ) -> Result<BTreeSet<MemberKey>, Denied> {
        self.check_place(batch)?;
        let bench = self.bench(&batch.body, self.state.time_s, wallets);
        let (after, _) = sit(&bench, self.state.clone(), batch)?;
        let Batch { epoch, prev, author, changes, .. } = &batch.body;
        let left: BTreeMap<_, _> =
            changes.iter().filter_map(|change| restricted(change, &after)).collect();
        let concerned = left.keys().copied().collect();
        if !left.is_empty() {
            let empty = Restriction { epoch: *epoch, prev: *prev, left: BTreeMap::new() };
            self.restrictions.0.entry(*author).or_insert(empty).left.extend(left);
        }
        Ok(concerned)
    }

    /// May `member` do `action` here and now? As the newest entry says, less the restrictions that
    /// are not ordered yet. For what this node serves, forwards and hands keys to; what counts is
    /// for [`Acl::judge`] to say.
    pub fn may_now(&self, member: &MemberKey, action: Action) -> Verdict {
        let verdict = self.judge(member, self.epoch(), &self.head(), action);
        if verdict == Verdict::Allow && self.restrictions.forbid(&self.state, member, action) {
            return Verdict::Deny(Denied::Restricted { member: *member });
        }
        verdict
    }

    /// Drops the restrictions whose batch can no longer be ordered.
    pub(super) fn lift_restrictions(&mut self) {
        let mut restrictions = core::mem::take(&mut self.restrictions);
        restrictions.0.retain(|_, restriction| {
            self.check_cited(restriction.epoch, &restriction.prev).is_ok()
        });
        self.restrictions = restrictions;
    }
}

impl Restrictions {
    fn forbid(&self, state: &State, member: &MemberKey, action: Action) -> bool {
        let is_seated = |account: &_| {
            state.record.as_ref().is_some_and(|record| record.seats.contains(account))
        };
        let forbids = |left: &Option<Standing>| {
            !left.as_ref().is_some_and(|standing| standing.allows(action, is_seated))
        };
        self.0.values().filter_map(|restriction| restriction.left.get(member)).any(forbids)
    }
}

fn restricted(change: &Change, after: &State) -> Option<(MemberKey, Option<Standing>)> {
    let member = match change {
        Change::Remove { member }
        | Change::SetRole { member, .. }
        | Change::SetCaps { member, .. } => member,
        Change::Add { .. }
        | Change::Nominate { .. }
        | Change::Accept { .. }
        | Change::Renounce { .. }
        | Change::RevokeInvitation { .. }
        | Change::SetApplication { .. }
        | Change::OfferOwnership { .. }
        | Change::AcceptOwnership { .. } => return None,
    };
    Some((*member, after.members.get(member).map(|member| member.standing())))
}

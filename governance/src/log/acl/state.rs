//! What the fold knows at one epoch.

use alloc::collections::{BTreeMap, BTreeSet};

use types::{AccountId, AppId, Hash, InvitationId, MemberKey};

use crate::{
    log::{Action, Caps, Cut, Denied, MemberRecord, Role},
    members_root::{self, Leaf},
};

/// A member of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its keys.
    pub record: MemberRecord,
    /// Its stored role. With a chain a seat may raise it: [`crate::log::Acl::role`].
    pub role: Role,
    /// Its capabilities on top.
    pub caps: Caps,
    /// Its account.
    pub account: Option<AccountId>,
    /// The epoch of the batch that added it.
    pub joined_epoch: u64,
    /// Why it is in; none for the creator.
    pub invitation: Option<InvitationId>,
}

/// Everything that the next entry is judged by, and no more.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) epoch: u64,
    /// The sequencer's time at the last entry; 0 before the first.
    pub(super) time_s: u64,
    /// The epoch of the last entry that changed members.
    pub(super) roster_epoch: u64,
    pub(super) members: BTreeMap<MemberKey, Member>,
    /// Removed keys: none of them returns.
    pub(super) spent: BTreeSet<MemberKey>,
    pub(super) nominations: BTreeMap<MemberKey, Nomination>,
    pub(super) offer: Option<Offer>,
    pub(super) uses: BTreeMap<InvitationId, u32>,
    /// By an admin (none), or by the inviter named.
    pub(super) revoked: BTreeSet<(InvitationId, Option<MemberKey>)>,
    pub(super) app: AppId,
    pub(super) key_epoch: u32,
    pub(super) finals: BTreeMap<MemberKey, Cut>,
    /// Only where a chain orders the log.
    pub(super) record: Option<Record>,
}

#[derive(Clone, Debug)]
pub(super) struct Nomination {
    pub(super) by: MemberKey,
    pub(super) epoch: u64,
    pub(super) expires_epoch: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) to: MemberKey,
    pub(super) epoch: u64,
}

/// What the contract holds.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) log_head: Hash,
    pub(super) members_root: Hash,
    pub(super) threshold: u8,
    pub(super) seats: BTreeSet<AccountId>,
    /// Until when (Unix seconds) the account may take a seat.
    pub(super) nominated: BTreeMap<AccountId, u64>,
    pub(super) is_dissolved: bool,
}

/// What one member may do, without the seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) role: Role,
    pub(super) caps: Caps,
    pub(super) account: Option<AccountId>,
}

impl Standing {
    /// The role with the seat counted in. A read-only device stays read-only, so that the loss of
    /// a seat, which carries no cut, never takes the right to write.
    pub(super) fn role(&self, is_seated: impl Fn(&AccountId) -> bool) -> Role {
        match self.role {
            Role::Member if self.account.as_ref().is_some_and(is_seated) => Role::Admin,
            role => role,
        }
    }

    pub(super) fn allows(&self, action: Action, is_seated: impl Fn(&AccountId) -> bool) -> bool {
        let role = self.role(is_seated);
        let has = |cap| role >= Role::Admin || self.caps.contains(cap);
        match action {
            Action::Read => true,
            Action::Write => role >= Role::Member,
            Action::Invite => has(Caps::INVITE),
            Action::Upgrade => has(Caps::UPGRADE),
            Action::PermitCalls => has(Caps::PERMIT_CALLS),
            Action::Manage => role >= Role::Admin,
        }
    }
}

impl Member {
    pub(super) fn standing(&self) -> Standing {
        Standing { role: self.role, caps: self.caps, account: self.account.clone() }
    }
}

impl State {
    pub(super) fn owner(&self) -> Option<MemberKey> {
        let is_owner =
            |(key, member): (&MemberKey, &Member)| (member.role == Role::Owner).then_some(*key);
        self.members.iter().find_map(is_owner)
    }

    pub(super) fn member(&self, key: &MemberKey) -> Result<&Member, Denied> {
        self.members.get(key).ok_or(Denied::NotMember { member: *key })
    }

    pub(super) fn member_mut(&mut self, key: &MemberKey) -> Result<&mut Member, Denied> {
        self.members.get_mut(key).ok_or(Denied::NotMember { member: *key })
    }

    /// Root over all members.
    ///
    /// # Errors
    /// [`Denied::EpochTooLarge`] once an epoch no longer fits a leaf's four bytes.
    pub(super) fn members_root(&self) -> Result<Hash, Denied> {
        let leaves: Result<alloc::vec::Vec<Hash>, Denied> =
            self.members.values().map(Member::leaf).collect();
        Ok(members_root::root(leaves?))
    }
}

impl Member {
    pub(super) fn leaf(&self) -> Result<Hash, Denied> {
        let epoch = self.joined_epoch;
        let leaf = Leaf {
            key: self.record.key,
            role: self.role.code(),
            caps: self.caps.bits().into(),
            joined_epoch: epoch.try_into().map_err(|_| Denied::EpochTooLarge { epoch })?,
            account: self.account.as_ref(),
        };
        Ok(leaf.hash())
    }
}

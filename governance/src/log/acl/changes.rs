//! The rule for each kind of change.

use types::{AppId, InvitationId, MemberKey, Signature};

use crate::log::{
    Acceptance, Action, Caps, Change, Denied, MEMBERS_MAX, Member, OwnershipAcceptance, Proof,
    Renunciation, Role,
    acl::{
        sitting::Sitting,
        state::{Nomination, Offer},
    },
};

impl Sitting<'_> {
    pub(super) fn change(&mut self, change: &Change) -> Result<(), Denied> {
        match change {
            Change::Add { .. } => self.add(change),
            Change::Remove { member } => self.remove(member),
            Change::SetRole { member, role } => self.set_role(member, *role),
            Change::SetCaps { member, caps } => self.set_caps(member, *caps),
            Change::RevokeInvitation { invitation } => self.revoke(*invitation),
            Change::Nominate { .. }
            | Change::Accept { .. }
            | Change::Renounce { .. }
            | Change::SetApplication { .. }
            | Change::OfferOwnership { .. }
            | Change::AcceptOwnership { .. }
                if self.is_chain() =>
            {
                Err(Denied::ChainDecides)
            }
            Change::Nominate { member, expires_epoch } => self.nominate(member, *expires_epoch),
            Change::Accept { member, proof } => self.accept(member, proof),
            Change::Renounce { member, proof } => self.renounce(member, proof),
            Change::SetApplication { app } => self.set_application(*app),
            Change::OfferOwnership { to } => self.offer_ownership(to),
            Change::AcceptOwnership { proof } => self.accept_ownership(proof),
        }
    }

    fn add(&mut self, change: &Change) -> Result<(), Denied> {
        let Change::Add { member: record, role, caps, account, admission } = change else {
            return Ok(());
        };
        self.require(&self.batch.author, Action::Invite)?;
        let key = record.key;
        if self.state.members.contains_key(&key) {
            return Err(Denied::AlreadyMember { member: key });
        }
        if self.state.spent.contains(&key) {
            return Err(Denied::SpentKey { member: key });
        }
        if self.state.members.len() >= MEMBERS_MAX {
            return Err(Denied::Full);
        }
        let invitation = self.admit(change, admission)?;
        let member = Member {
            record: record.clone(),
            role: *role,
            caps: *caps,
            account: account.clone(),
            joined_epoch: self.batch.epoch,
            invitation: Some(invitation),
        };
        self.state.members.insert(key, member);
        self.effects.added.insert(key);
        self.effects.touched.insert(key);
        Ok(())
    }

    fn remove(&mut self, key: &MemberKey) -> Result<(), Denied> {
        self.require(&self.batch.author, Action::Manage)?;
        self.check_lowerable(key)?;
        if *key == self.batch.author {
            return Err(Denied::RemovesItself);
        }
        self.state.members.remove(key);
        self.state.spent.insert(*key);
        // Its final position stays: nobody may cut it off later either.
        self.forget_offers(key);
        self.effects.removed.insert(*key);
        self.effects.touched.insert(*key);
        Ok(())
    }

    fn set_role(&mut self, key: &MemberKey, role: Role) -> Result<(), Denied> {
        self.require(&self.batch.author, Action::Manage)?;
        if role > Role::Member {
            return Err(Denied::RoleNotGrantable { role });
        }
        self.check_lowerable(key)?;
        let member = self.state.member_mut(key)?;
        if member.role == role {
            return Err(Denied::NoChange);
        }
        member.role = role;
        self.forget_offers(key);
        self.effects.touched.insert(*key);
        Ok(())
    }

    fn set_caps(&mut self, key: &MemberKey, caps: Caps) -> Result<(), Denied> {
        self.require(&self.batch.author, Action::Manage)?;
        let member = self.state.member_mut(key)?;
        if member.role == Role::Owner {
            return Err(Denied::OwnerUntouchable);
        }
        if member.caps == caps {
            return Err(Denied::NoChange);
        }
        member.caps = caps;
        self.effects.touched.insert(*key);
        Ok(())
    }

    /// Whether a batch may lower `key` at all: never the owner, and nobody on a seat except
    /// another device of the author's own account.
    fn check_lowerable(&self, key: &MemberKey) -> Result<(), Denied> {
        let member = self.state.member(key)?;
        if member.role == Role::Owner {
            let is_own = *key == self.batch.author;
            return Err(if is_own { Denied::LastAdmin } else { Denied::OwnerUntouchable });
        }
        let Some(account) = member.account.as_ref().filter(|account| self.is_seated(account))
        else {
            return Ok(());
        };
        let author = self.state.member(&self.batch.author)?;
        if author.account.as_ref() == Some(account) && *key != self.batch.author {
            return Ok(());
        }
        Err(Denied::SeatHeld { member: *key })
    }

    fn forget_offers(&mut self, key: &MemberKey) {
        self.state.nominations.remove(key);
        self.state.offer.take_if(|offer| offer.to == *key);
    }

    fn revoke(&mut self, invitation: InvitationId) -> Result<(), Denied> {
        let author = self.batch.author;
        self.require(&author, Action::Invite)?;
        let by = (self.role(&author)? < Role::Admin).then_some(author);
        if self.state.revoked.insert((invitation, by)) { Ok(()) } else { Err(Denied::NoChange) }
    }

    fn nominate(&mut self, key: &MemberKey, expires_epoch: u64) -> Result<(), Denied> {
        self.require(&self.batch.author, Action::Manage)?;
        if self.state.member(key)?.role >= Role::Admin {
            return Err(Denied::NoChange);
        }
        let epoch = self.batch.epoch;
        let stands = |nomination: &Nomination| nomination.expires_epoch >= epoch;
        if self.state.nominations.get(key).is_some_and(stands) {
            return Err(Denied::AlreadyNominated { member: *key });
        }
        let latest = epoch.saturating_add(self.bench.genesis.policy.nominate_ttl_epochs);
        if expires_epoch <= epoch || expires_epoch > latest {
            return Err(Denied::BadTerm { expires_epoch });
        }
        let nomination = Nomination { by: self.batch.author, epoch, expires_epoch };
        self.state.nominations.insert(*key, nomination);
        Ok(())
    }

    fn accept(&mut self, key: &MemberKey, proof: &Signature) -> Result<(), Denied> {
        self.require_own_or_admin(key)?;
        let not_nominated = Denied::NotNominated { member: *key };
        let nomination = self.state.nominations.get(key).ok_or(not_nominated.clone())?;
        if nomination.expires_epoch < self.batch.epoch {
            return Err(not_nominated);
        }
        self.require(&nomination.by, Action::Manage)?;
        let (context, nominated_epoch) = (self.bench.context, nomination.epoch);
        let body = Acceptance { context, member: *key, nominated_epoch };
        key.verify(&body, proof).map_err(|_| Denied::BadProof(Proof::Acceptance))?;
        self.state.member_mut(key)?.role = Role::Admin;
        self.state.nominations.remove(key);
        self.effects.touched.insert(*key);
        Ok(())
    }

    fn renounce(&mut self, key: &MemberKey, proof: &Signature) -> Result<(), Denied> {
        self.require_own_or_admin(key)?;
        match self.state.member(key)?.role {
            Role::ReadOnly | Role::Member => return Err(Denied::NotAdmin { member: *key }),
            Role::Owner => return Err(Denied::LastAdmin),
            Role::Admin => {}
        }
        let epoch = self.batch.epoch.saturating_sub(1);
        let body = Renunciation { context: self.bench.context, member: *key, epoch };
        key.verify(&body, proof).map_err(|_| Denied::BadProof(Proof::Renunciation))?;
        self.state.member_mut(key)?.role = Role::Member;
        self.effects.touched.insert(*key);
        Ok(())
    }

    fn require_own_or_admin(&self, key: &MemberKey) -> Result<(), Denied> {
        self.state.member(key)?;
        if *key == self.batch.author {
            return Ok(());
        }
        self.require(&self.batch.author, Action::Manage)
    }

    fn set_application(&mut self, app: AppId) -> Result<(), Denied> {
        self.require(&self.batch.author, Action::Upgrade)?;
        if self.state.app == app {
            return Err(Denied::NoChange);
        }
        self.state.app = app;
        Ok(())
    }

    fn offer_ownership(&mut self, to: &MemberKey) -> Result<(), Denied> {
        let author = self.batch.author;
        if self.state.member(&author)?.role != Role::Owner {
            return Err(Denied::NotOwner { member: author });
        }
        if *to == author {
            return Err(Denied::NoChange);
        }
        self.require(to, Action::Write)?;
        self.state.offer = Some(Offer { to: *to, epoch: self.batch.epoch });
        Ok(())
    }

    fn accept_ownership(&mut self, proof: &Signature) -> Result<(), Denied> {
        let member = self.batch.author;
        let not_offered = Denied::NotOffered { member };
        let offer = self.state.offer.take_if(|offer| offer.to == member).ok_or(not_offered)?;
        let body =
            OwnershipAcceptance { context: self.bench.context, member, offered_epoch: offer.epoch };
        member.verify(&body, proof).map_err(|_| Denied::BadProof(Proof::Ownership))?;
        if let Some(owner) = self.state.owner() {
            self.state.member_mut(&owner)?.role = Role::Admin;
            self.effects.touched.insert(owner);
        }
        self.state.member_mut(&member)?.role = Role::Owner;
        self.state.nominations.remove(&member);
        self.effects.touched.insert(member);
        Ok(())
    }
}

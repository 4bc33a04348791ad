//! Whether an invitation and its claim let somebody in.

use types::{ContextId, InvitationId, Signature};

use crate::log::{
    Action, Admission, Answer, Binding, Caps, Change, Claim, ClaimBody, Denied, Invitation,
    Invitee, MemberRecord, Proof, Role, SignedInvitation, USES_MAX, WalletProof, WalletVerifier,
    acl::sitting::Sitting,
};

impl Sitting<'_> {
    /// Checks the evidence for an [`Change::Add`] and counts the use.
    pub(super) fn admit(
        &mut self,
        add: &Change,
        admission: &Admission,
    ) -> Result<InvitationId, Denied> {
        let Admission::Invited { invitation, claim } = admission;
        self.check_inviter(invitation)?;
        self.check_terms(&invitation.body)?;
        check_fit(add, &invitation.body, claim)?;
        self.check_claim(&invitation.body, claim)?;
        Ok(claim.invitation)
    }

    /// The inviter has the right when the invitation is used, and gives no more than it may.
    fn check_inviter(&self, invitation: &SignedInvitation) -> Result<(), Denied> {
        let Invitation { context, inviter, role, caps, .. } = &invitation.body;
        if *context != self.bench.context {
            return Err(Denied::OtherContext);
        }
        self.require(inviter, Action::Invite)?;
        let own_role = self.role(inviter)?;
        let is_above = *role > own_role || (*caps != Caps::NONE && own_role < Role::Admin);
        if *role > Role::Member {
            return Err(Denied::RoleNotGrantable { role: *role });
        }
        if is_above {
            return Err(Denied::InvitesAbove);
        }
        invitation.verify(inviter).map_err(|_| Denied::BadProof(Proof::Invitation))
    }

    /// The invitation still stands; counts this use.
    fn check_terms(&mut self, invitation: &Invitation) -> Result<(), Denied> {
        let (id, max_uses) = (invitation.id(), invitation.max_uses);
        if !(1..=USES_MAX).contains(&max_uses) {
            return Err(Denied::UseCount { found: max_uses });
        }
        // By the epoch of the batch, not of the entry: revisions in between say nothing about it.
        let epoch_over = invitation.expires_epoch.is_some_and(|last| self.batch.epoch > last);
        let time_over = invitation.expires_at_s.is_some_and(|last| self.bench.time_s > last);
        if epoch_over || time_over {
            return Err(Denied::InvitationExpired);
        }
        let revoked = |by| self.state.revoked.contains(&(id, by));
        if revoked(None) || revoked(Some(invitation.inviter)) {
            return Err(Denied::InvitationRevoked);
        }
        let uses = self.state.uses.entry(id).or_insert(0);
        if *uses >= max_uses {
            return Err(Denied::InvitationUsedUp);
        }
        *uses = uses.saturating_add(1);
        Ok(())
    }

    fn check_claim(&self, invitation: &Invitation, claim: &Claim) -> Result<(), Denied> {
        let Claim { member, account, .. } = claim;
        check_record(member, self.bench.context)?;
        let body = ClaimBody {
            context: self.bench.context,
            invitation: claim.invitation,
            member: member.clone(),
            account: account.clone(),
        };
        check_signature(member, &body, &claim.member_proof)?;
        check_invitee(&invitation.invitee, claim, &body)?;
        if account.is_none() && self.bench.genesis.policy.require_account {
            return Err(Denied::AccountMissing);
        }
        let bind = |account| Binding {
            context: body.context,
            invitation: Some(body.invitation),
            member: body.member.key,
            account,
            time_s: self.bench.time_s,
        };
        check_wallet(account.clone().map(bind), claim.wallet_proof.as_ref(), self.bench.wallets)
    }
}

/// The change says what the invitation gives and whom the claim names.
fn check_fit(add: &Change, invitation: &Invitation, claim: &Claim) -> Result<(), Denied> {
    let Change::Add { member, role, caps, account, .. } = add else {
        return Err(Denied::ClaimMismatch);
    };
    let fits = *role == invitation.role
        && *caps == invitation.caps
        && *member == claim.member
        && *account == claim.account
        && claim.invitation == invitation.id();
    if fits { Ok(()) } else { Err(Denied::ClaimMismatch) }
}

fn check_signature(
    member: &MemberRecord,
    body: &ClaimBody,
    proof: &Signature,
) -> Result<(), Denied> {
    member.key.verify(body, proof).map_err(|_| Denied::BadProof(Proof::Claim))
}

/// The claim is by whom the invitation names, with an open proof exactly where it belongs.
fn check_invitee(invitee: &Invitee, claim: &Claim, body: &ClaimBody) -> Result<(), Denied> {
    let is_invited = match (invitee, &claim.open_proof) {
        (Invitee::Open(address), Some(proof)) => {
            return address.verify(body, proof).map_err(|_| Denied::BadProof(Proof::Open));
        }
        (Invitee::Open(_), None) | (Invitee::Member(_) | Invitee::Account(_), Some(_)) => {
            return Err(Denied::ProofCount);
        }
        (Invitee::Member(key), None) => *key == claim.member.key,
        (Invitee::Account(account), None) => claim.account.as_ref() == Some(account),
    };
    if is_invited { Ok(()) } else { Err(Denied::NotInvited) }
}

/// Keys that vouch for each other, to which a context key can be wrapped.
pub(super) fn check_record(record: &MemberRecord, context: ContextId) -> Result<(), Denied> {
    if record.has_weak_exchange() {
        return Err(Denied::WeakExchangeKey { member: record.key });
    }
    if record.is_proven(context) { Ok(()) } else { Err(Denied::BadProof(Proof::Exchange)) }
}

/// A proof exactly where there is something to prove, and it holds.
pub(super) fn check_wallet(
    binding: Option<Binding>,
    proof: Option<&WalletProof>,
    wallets: &dyn WalletVerifier,
) -> Result<(), Denied> {
    match (binding, proof) {
        (None, None) => Ok(()),
        (None, Some(_)) | (Some(_), None) => Err(Denied::ProofCount),
        (Some(binding), Some(proof)) => match wallets.verify(&binding, proof) {
            Answer::Valid => Ok(()),
            Answer::Invalid => Err(Denied::BadProof(Proof::Wallet)),
            Answer::Unknown => Err(Denied::WalletUnknown),
        },
    }
}

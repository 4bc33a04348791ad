//! Drafts batches: computes cuts, changes the key, wraps it for who needs it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::CryptoRngCore;
use types::{
    DeltaId, ExchangeKey, MemberKey, MemberSecret, Signed, Tagged as _,
    seal::{Envelope, EpochSecret},
};

use crate::log::{
    Acceptance, Acl, Action, Admission, Batch, Change, Claim, Cut, Denied, Envelopes, Invitation,
    OwnershipAcceptance, Renunciation, Role, SignedBatch, SignedInvitation, Verdict,
};

/// A signed batch with the envelopes that it commits to: what an admin sends to the sequencer, and
/// what travels beside a members revision.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// What to change.
    pub batch: SignedBatch,
    /// The keys it hands out.
    pub envelopes: Envelopes,
}

/// The epoch secrets at a drafter's hand.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Of the key epoch in force: for those who join.
    pub current: EpochSecret,
    /// Fresh, from the caller's random source: taken if the batch must change the key.
    pub next: EpochSecret,
}

/// What a drafter wants.
#[derive(Clone, Debug, Default)]
pub struct Intent {
    /// In order.
    pub changes: Vec<Change>,
    /// How far the drafter holds each author's deltas: where the cuts fall.
    pub frontier: BTreeMap<MemberKey, (u64, DeltaId)>,
    /// Positions to make final, in any order.
    pub data_final: Vec<Cut>,
}

impl Intent {
    /// These changes, with cuts at the `frontier` (author, last seq held, its id).
    pub fn new(
        changes: impl IntoIterator<Item = Change>,
        frontier: impl IntoIterator<Item = (MemberKey, u64, DeltaId)>,
    ) -> Self {
        let frontier = frontier.into_iter().map(|(author, seq, id)| (author, (seq, id))).collect();
        Self { changes: changes.into_iter().collect(), frontier, data_final: Vec::new() }
    }

    /// Whether a batch of these changes must change the key.
    pub fn needs_rotation(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Remove { .. }))
    }
}

impl Proposal {
    /// Drafts the batch that carries out `intent` on top of `acl`, and signs it. Checks nothing
    /// beyond what it needs: [`Acl::check`] does.
    ///
    /// # Errors
    /// [`Denied::WeakExchangeKey`] if a key cannot be wrapped for a member;
    /// [`Denied::WrongKeyEpoch`] after the last key epoch.
    pub fn draft(
        acl: &Acl,
        intent: Intent,
        author: &MemberSecret,
        secrets: &Secrets,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, Denied> {
        let last = acl.key_epoch();
        let key_epoch = match intent.needs_rotation() {
            true => {
                let wrong = Denied::WrongKeyEpoch { found: last, last };
                last.checked_add(1).ok_or(wrong)?
            }
            false => last,
        };
        let secret = if key_epoch == last { &secrets.current } else { &secrets.next };
        let recipients = recipients(acl, &intent);
        let envelopes = wrap(acl, &recipients, secret, key_epoch, rng)?;
        let mut data_final = intent.data_final.clone();
        data_final.sort_unstable();
        let batch = Batch {
            context: acl.context(),
            prev: acl.head(),
            epoch: acl.epoch().saturating_add(1),
            cuts: cuts(acl, &intent),
            changes: intent.changes,
            data_final,
            key_epoch,
            envelopes_hash: envelopes.digest(),
            author: author.public(),
        };
        Ok(Self { batch: Signed::new(batch, author), envelopes })
    }
}

impl Change {
    /// Admits whom `claim` names by `invitation`, with what the invitation gives.
    pub fn admit(invitation: SignedInvitation, claim: Claim) -> Self {
        let Invitation { role, caps, .. } = invitation.body;
        Self::Add {
            member: claim.member.clone(),
            role,
            caps,
            account: claim.account.clone(),
            admission: Admission::Invited { invitation: invitation.into(), claim: claim.into() },
        }
    }

    /// Accepts the nomination of the member whose secret this is, as it stands in `acl`; none if
    /// there is none.
    pub fn accept(acl: &Acl, secret: &MemberSecret) -> Option<Self> {
        let (context, member) = (acl.context(), secret.public());
        let (nominated_epoch, _) = acl.nomination(&member)?;
        let proof = secret.sign(&Acceptance { context, member, nominated_epoch });
        Some(Self::Accept { member, proof })
    }

    /// Steps down, in the entry that follows the newest of `acl`.
    pub fn renounce(acl: &Acl, secret: &MemberSecret) -> Self {
        let (context, member, epoch) = (acl.context(), secret.public(), acl.epoch());
        let proof = secret.sign(&Renunciation { context, member, epoch });
        Self::Renounce { member, proof }
    }

    /// Takes the ownership over that `acl` has on offer; none if it is offered to somebody else.
    pub fn accept_ownership(acl: &Acl, secret: &MemberSecret) -> Option<Self> {
        let (context, member) = (acl.context(), secret.public());
        let (_, offered_epoch) = acl.ownership_offer().filter(|(to, _)| *to == member)?;
        let proof = secret.sign(&OwnershipAcceptance { context, member, offered_epoch });
        Some(Self::AcceptOwnership { proof })
    }

    /// Who loses the right to write by it, if they have it.
    fn silences(&self) -> Option<MemberKey> {
        match self {
            Self::Remove { member } | Self::SetRole { member, role: Role::ReadOnly } => {
                Some(*member)
            }
            Self::Add { .. }
            | Self::SetRole { .. }
            | Self::SetCaps { .. }
            | Self::Nominate { .. }
            | Self::Accept { .. }
            | Self::Renounce { .. }
            | Self::RevokeInvitation { .. }
            | Self::SetApplication { .. }
            | Self::OfferOwnership { .. }
            | Self::AcceptOwnership { .. } => None,
        }
    }
}

/// One cut for each writer that is silenced: at the frontier, or at final history if that is
/// further.
fn cuts(acl: &Acl, intent: &Intent) -> Vec<Cut> {
    let cut = |member: MemberKey| {
        let (seq, id) =
            intent.frontier.get(&member).copied().unwrap_or((0, DeltaId::from_bytes([0; 32])));
        let held = Cut { member, seq, id };
        let newly_final = intent.data_final.iter().find(|position| position.member == member);
        let floors = [newly_final.copied(), acl.final_position(&member)];
        floors.into_iter().flatten().fold(held, |cut, floor| match floor.seq >= cut.seq {
            true => floor,
            false => cut,
        })
    };
    let writes = |member: &MemberKey| {
        acl.judge(member, acl.epoch(), &acl.head(), Action::Write) == Verdict::Allow
    };
    let silenced: BTreeSet<MemberKey> =
        intent.changes.iter().filter_map(Change::silences).filter(writes).collect();
    silenced.into_iter().map(cut).collect()
}

/// Who needs an envelope: the new ones or, if the key changes, all who will be members.
fn recipients(acl: &Acl, intent: &Intent) -> BTreeMap<MemberKey, ExchangeKey> {
    let mut recipients = BTreeMap::new();
    if intent.needs_rotation() {
        let all = acl.members().map(|member| (member.record.key, member.record.exchange));
        recipients.extend(all);
    }
    for change in &intent.changes {
        match change {
            Change::Add { member, .. } => {
                recipients.insert(member.key, member.exchange);
            }
            Change::Remove { member } => {
                recipients.remove(member);
            }
            Change::SetRole { .. }
            | Change::SetCaps { .. }
            | Change::Nominate { .. }
            | Change::Accept { .. }
            | Change::Renounce { .. }
            | Change::RevokeInvitation { .. }
            | Change::SetApplication { .. }
            | Change::OfferOwnership { .. }
            | Change::AcceptOwnership { .. } => {}
        }
    }
    recipients
}

fn wrap(
    acl: &Acl,
    recipients: &BTreeMap<MemberKey, ExchangeKey>,
    secret: &EpochSecret,
    key_epoch: u32,
    rng: &mut impl CryptoRngCore,
) -> Result<Envelopes, Denied> {
    let context = acl.context();
    let mut list = Vec::with_capacity(recipients.len());
    for (member, exchange) in recipients {
        let envelope = Envelope::wrap(secret, &context, key_epoch, exchange, rng)
            .map_err(|_| Denied::WeakExchangeKey { member: *member })?;
        list.push((*member, envelope));
    }
    Ok(Envelopes { key_epoch, list })
}

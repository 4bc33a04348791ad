//! One batch, judged on a copy of the state: either all of it holds, or the copy is thrown away.

use alloc::collections::BTreeSet;

use types::{AccountId, ContextId, MemberKey};

use crate::log::{
    Action, Batch, CHANGES_MAX, Change, Cut, Denied, Genesis, Member, MemberRecord, Proof, Role,
    Sequencer, SignedBatch, WalletVerifier, acl::state::State,
};

/// What a batch did, beyond the state it left.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    pub(super) added: BTreeSet<MemberKey>,
    pub(super) removed: BTreeSet<MemberKey>,
    /// Everybody whose standing may have changed.
    pub(super) touched: BTreeSet<MemberKey>,
    /// Who must hold the key of the batch's key epoch and may not yet.
    pub(super) recipients: BTreeSet<MemberKey>,
    pub(super) is_rotation: bool,
}

/// What a batch is judged by, beside the state.
pub(super) struct Bench<'a> {
    pub(super) context: ContextId,
    pub(super) genesis: &'a Genesis,
    /// What holds until the batch does.
    pub(super) before: &'a State,
    /// The accounts that hold seats as of the entry that the batch cites. The contract's
    /// compare-and-set keeps members the same since then, not seats; a seat that moved between
    /// proposal and execution must not make nodes refuse what the contract took.
    pub(super) seats: BTreeSet<AccountId>,
    pub(super) time_s: u64,
    pub(super) wallets: &'a dyn WalletVerifier,
}

pub(super) struct Sitting<'a> {
    pub(super) bench: &'a Bench<'a>,
    pub(super) batch: &'a Batch,
    pub(super) state: State,
    pub(super) effects: Effects,
    /// Subjects of the changes so far: no two concern the same.
    subjects: BTreeSet<Subject>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Member(MemberKey),
    Application,
}

/// Judges `batch` on `state`, and says what both become.
///
/// # Errors
/// The first reason why not.
pub(super) fn sit(
    bench: &Bench<'_>,
    state: State,
    batch: &SignedBatch,
) -> Result<(State, Effects), Denied> {
    let body = &batch.body;
    state.member(&body.author)?;
    batch.verify(&body.author).map_err(|_| Denied::BadProof(Proof::Batch))?;
    let found = body.changes.len();
    if !(1..=CHANGES_MAX).contains(&found) {
        return Err(Denied::ChangeCount { found });
    }
    let mut sitting = Sitting {
        bench,
        batch: body,
        state,
        effects: Effects::default(),
        subjects: BTreeSet::new(),
    };
    if sitting.is_chain() {
        sitting.require(&body.author, Action::Manage)?;
    }
    sitting.finalize()?;
    for change in &body.changes {
        sitting.note_subject(change)?;
        sitting.change(change)?;
    }
    sitting.check_cuts()?;
    sitting.rotate()?;
    Ok((sitting.state, sitting.effects))
}

impl Sitting<'_> {
    pub(super) fn is_chain(&self) -> bool {
        matches!(self.bench.genesis.sequencer, Sequencer::Chain(_))
    }

    pub(super) fn is_seated(&self, account: &AccountId) -> bool {
        self.bench.seats.contains(account)
    }

    pub(super) fn role(&self, member: &MemberKey) -> Result<Role, Denied> {
        Ok(self.state.member(member)?.standing().role(|account| self.is_seated(account)))
    }

    pub(super) fn require(&self, member: &MemberKey, action: Action) -> Result<(), Denied> {
        let standing = self.state.member(member)?.standing();
        if standing.allows(action, |account| self.is_seated(account)) {
            return Ok(());
        }
        Err(Denied::NotAllowed { member: *member, action })
    }

    fn note_subject(&mut self, change: &Change) -> Result<(), Denied> {
        let subject = match change {
            Change::Add { member: MemberRecord { key, .. }, .. } => Subject::Member(*key),
            Change::Remove { member }
            | Change::SetRole { member, .. }
            | Change::SetCaps { member, .. }
            | Change::Nominate { member, .. }
            | Change::Accept { member, .. }
            | Change::Renounce { member, .. }
            | Change::OfferOwnership { to: member } => Subject::Member(*member),
            Change::AcceptOwnership { .. } => Subject::Member(self.batch.author),
            Change::SetApplication { .. } => Subject::Application,
            // Revoking twice is refused where revocations are kept.
            Change::RevokeInvitation { .. } => return Ok(()),
        };
        if self.subjects.insert(subject) { Ok(()) } else { Err(Denied::Duplicate) }
    }

    /// Raises the floors below which no cut may fall.
    fn finalize(&mut self) -> Result<(), Denied> {
        let positions = &self.batch.data_final;
        check_canonical(positions)?;
        if positions.is_empty() {
            return Ok(());
        }
        self.require(&self.batch.author, Action::Manage)?;
        for position in positions {
            let member = position.member;
            self.state.member(&member)?;
            let last = self.state.finals.get(&member).map_or(0, |last| last.seq);
            if position.seq <= last {
                return Err(Denied::FinalNotGrowing { member });
            }
            self.state.finals.insert(member, *position);
        }
        Ok(())
    }

    /// Exactly those who could write before and cannot any more have a cut, not below final.
    fn check_cuts(&self) -> Result<(), Denied> {
        let cuts = &self.batch.cuts;
        check_canonical(cuts)?;
        let writes = |state: &State, member: &MemberKey| {
            let standing = state.members.get(member).map(Member::standing);
            standing.is_some_and(|standing| {
                standing.allows(Action::Write, |account| self.is_seated(account))
            })
        };
        let lost =
            |member: &MemberKey| writes(self.bench.before, member) && !writes(&self.state, member);
        if let Some(cut) = cuts.iter().find(|cut| !lost(&cut.member)) {
            return Err(Denied::CutUnexpected { member: cut.member });
        }
        let has_cut = |key: &MemberKey| cuts.iter().any(|cut| cut.member == *key);
        let mut touched = self.effects.touched.iter();
        if let Some(member) = touched.find(|member| lost(member) && !has_cut(member)) {
            return Err(Denied::CutMissing { member: *member });
        }
        cuts.iter().try_for_each(|cut| self.check_floor(cut))
    }

    fn check_floor(&self, cut: &Cut) -> Result<(), Denied> {
        let Some(floor) = self.state.finals.get(&cut.member) else {
            return Ok(());
        };
        let is_below = cut.seq < floor.seq || (cut.seq == floor.seq && cut.id != floor.id);
        if is_below { Err(Denied::CutBelowFinal { member: cut.member }) } else { Ok(()) }
    }

    /// Settles the key epoch and who gets an envelope.
    fn rotate(&mut self) -> Result<(), Denied> {
        let (found, last) = (self.batch.key_epoch, self.state.key_epoch);
        if self.effects.removed.is_empty() {
            self.effects.recipients = self.effects.added.clone();
            return if found == last { Ok(()) } else { Err(Denied::WrongKeyEpoch { found, last }) };
        }
        if found == last {
            return Err(Denied::NotRotated);
        }
        if last.checked_add(1) != Some(found) {
            return Err(Denied::WrongKeyEpoch { found, last });
        }
        self.state.key_epoch = found;
        self.effects.is_rotation = true;
        self.effects.recipients = self.state.members.keys().copied().collect();
        Ok(())
    }
}

fn check_canonical(positions: &[Cut]) -> Result<(), Denied> {
    let ascends = positions.is_sorted_by(|a, b| a.member < b.member);
    let is_none_marked = |cut: &Cut| (cut.seq == 0) == (*cut.id.as_bytes() == [0; 32]);
    if ascends && positions.iter().all(is_none_marked) {
        Ok(())
    } else {
        Err(Denied::MalformedCuts)
    }
}

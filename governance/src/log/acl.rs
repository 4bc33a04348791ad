//! The fold of the log: the one source of who may do what in a context.

mod admission;
mod changes;
mod history;
mod restriction;
mod revision;
mod sitting;
mod state;

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

use types::{AccountId, AppId, ContextId, EntryId, Hash, InvitationId, MemberKey, Tagged as _};

use crate::{
    log::{
        Action, Batch, Binding, Caps, Cut, Denied, Entry, Envelopes, Genesis, Missing, Order,
        OwnerOrder, Proof, Proposal, Role, Sequencer, SignedBatch, SignedGenesis, Verdict,
        WalletVerifier,
    },
    members_root,
};
use history::History;
use restriction::Restrictions;
use sitting::{Bench, Effects, sit};
pub use state::Member;
use state::State;

/// Who may do what in one context, after every entry so far. Deterministic: the same genesis and
/// entries give the same answers on every node.
///
/// Holds one id per entry and the standings of every member that ever was, because a delta may
/// cite any epoch.
#[derive(Clone, Debug)]
pub struct Acl {
    genesis: Box<SignedGenesis>,
    context: ContextId,
    /// Ids of all entries, by epoch.
    entries: Vec<EntryId>,
    state: State,
    history: History,
    restrictions: Restrictions,
}

/// What an entry did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The entry.
    pub id: EntryId,
    /// Its epoch.
    pub epoch: u64,
    /// Deltas of these members beyond these positions no longer count, if they cite an earlier
    /// epoch.
    pub cuts: Vec<Cut>,
    /// Whether a key epoch begins: messages and topic change.
    pub is_rotation: bool,
    /// Who came.
    pub added: BTreeSet<MemberKey>,
    /// Who went.
    pub removed: BTreeSet<MemberKey>,
    /// The application from here on, if it changed.
    pub app: Option<AppId>,
}

/// How a members revision must change the contract's record so that a batch applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootChange {
    /// The root that the contract must hold.
    pub prev: Hash,
    /// The root to set.
    pub new: Hash,
    /// Members under it.
    pub count: u32,
    /// What commits to the batch.
    pub delta_hash: Hash,
}

impl Acl {
    /// The fold at epoch 0.
    ///
    /// # Errors
    /// [`Denied`] if the genesis contradicts itself or a proof in it fails;
    /// [`Denied::WalletUnknown`] if the creator's account cannot be checked yet.
    pub fn open(genesis: &SignedGenesis, wallets: &dyn WalletVerifier) -> Result<Self, Denied> {
        let Genesis { version, creator, sequencer, app, .. } = &genesis.body;
        if *version != Genesis::VERSION {
            return Err(Denied::UnknownVersion { found: *version });
        }
        genesis.verify(&creator.key).map_err(|_| Denied::BadProof(Proof::Genesis))?;
        admission::check_record(creator, Genesis::NO_CONTEXT)?;
        check_creator_account(&genesis.body, wallets)?;
        let (role, record) = match sequencer {
            Sequencer::Owner(owner) if *owner != creator.key => {
                return Err(Denied::CreatorNotOwner);
            }
            Sequencer::Owner(_) => (Role::Owner, None),
            Sequencer::Chain(_) => {
                let (anchor, account) = revision::anchor_of(&genesis.body)?;
                (Role::Member, Some(revision::unborn(anchor, account)?))
            }
        };
        let state = State::new(&genesis.body, role, *app, record);
        let mut history = History::default();
        history.record(&state, [&creator.key], &[]);
        let context = genesis.body.context();
        Ok(Self {
            genesis: Box::new(genesis.clone()),
            context,
            entries: vec![Self::genesis_entry(context)],
            state,
            history,
            restrictions: Restrictions::default(),
        })
    }

    /// The id that stands for the genesis as entry of epoch 0.
    pub const fn genesis_entry(context: ContextId) -> EntryId {
        EntryId::from_bytes(*context.as_bytes())
    }

    /// Which context.
    pub const fn context(&self) -> ContextId {
        self.context
    }

    /// How it started.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis.body
    }

    /// As [`Acl::genesis`], with the creator's signature: what a joiner opens the log with.
    pub fn signed_genesis(&self) -> &SignedGenesis {
        &self.genesis
    }

    /// The epoch of the newest entry.
    pub const fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// The newest entry.
    pub fn head(&self) -> EntryId {
        self.entries.last().copied().unwrap_or(Self::genesis_entry(self.context))
    }

    /// The entry of `epoch`, if it is here.
    pub fn entry_id_at(&self, epoch: u64) -> Option<EntryId> {
        self.entries.get(usize::try_from(epoch).ok()?).copied()
    }

    /// The sequencer's time at the newest entry, in Unix seconds; 0 at epoch 0.
    pub const fn time_s(&self) -> u64 {
        self.state.time_s
    }

    /// The key epoch in force.
    pub const fn key_epoch(&self) -> u32 {
        self.state.key_epoch
    }

    /// The application in force.
    pub const fn app(&self) -> AppId {
        self.state.app
    }

    /// All members, ascending by key.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.state.members.values()
    }

    /// The member with this key.
    pub fn member(&self, key: &MemberKey) -> Option<&Member> {
        self.state.members.get(key)
    }

    /// The member's role, a seat of its account counted in.
    pub fn role(&self, key: &MemberKey) -> Option<Role> {
        Some(self.state.members.get(key)?.standing().role(|account| self.is_seated(account)))
    }

    /// Members that may govern: the owner and admins, ascending by key.
    pub fn admins(&self) -> impl Iterator<Item = &Member> {
        self.members().filter(|member| {
            member.standing().allows(Action::Manage, |account| self.is_seated(account))
        })
    }

    /// The owner; none where a chain orders.
    pub fn owner(&self) -> Option<&Member> {
        self.members().find(|member| member.role == Role::Owner)
    }

    /// Accounts that hold a seat on chain; none without a chain.
    pub fn seats(&self) -> impl Iterator<Item = &AccountId> {
        self.state.record.iter().flat_map(|record| &record.seats)
    }

    /// How many admins the contract asks for; none without a chain.
    pub fn threshold(&self) -> Option<u8> {
        self.state.record.as_ref().map(|record| record.threshold)
    }

    /// Accounts that may take a seat, and until when in Unix seconds.
    pub fn nominated_accounts(&self) -> impl Iterator<Item = (&AccountId, u64)> {
        let records = self.state.record.iter();
        records.flat_map(|record| &record.nominated).map(|(account, until)| (account, *until))
    }

    /// The nomination that `member` may accept in the next entry: since which epoch, and the last
    /// to accept at.
    pub fn nomination(&self, member: &MemberKey) -> Option<(u64, u64)> {
        let stands = |nomination: &&state::Nomination| nomination.expires_epoch > self.epoch();
        let nomination = self.state.nominations.get(member).filter(stands)?;
        Some((nomination.epoch, nomination.expires_epoch))
    }

    /// To whom the ownership is offered, and since which epoch.
    pub fn ownership_offer(&self) -> Option<(MemberKey, u64)> {
        self.state.offer.as_ref().map(|offer| (offer.to, offer.epoch))
    }

    /// The contract's running hash at the newest entry; none without a chain.
    pub fn log_head(&self) -> Option<Hash> {
        self.state.record.as_ref().map(|record| record.log_head)
    }

    /// Whether the contract's record is closed for good.
    pub fn is_dissolved(&self) -> bool {
        self.state.record.as_ref().is_some_and(|record| record.is_dissolved)
    }

    /// How often an invitation was used.
    pub fn uses(&self, invitation: &InvitationId) -> u32 {
        self.state.uses.get(invitation).copied().unwrap_or(0)
    }

    /// The position below which no cut of `member` may fall.
    pub fn final_position(&self, member: &MemberKey) -> Option<Cut> {
        self.state.finals.get(member).copied()
    }

    /// Root over all members, as contracts hold it.
    ///
    /// # Errors
    /// [`Denied::EpochTooLarge`] after four thousand million epochs.
    pub fn members_root(&self) -> Result<Hash, Denied> {
        self.state.members_root()
    }

    /// The leaf of `member` and its path to [`Acl::members_root`].
    pub fn prove_member(&self, member: &MemberKey) -> Option<(Hash, Vec<Hash>)> {
        let leaf = self.member(member)?.leaf().ok()?;
        let leaves: Result<Vec<Hash>, Denied> = self.members().map(Member::leaf).collect();
        Some((leaf, members_root::prove(leaves.ok()?, &leaf)?))
    }

    /// Would `batch` apply next? Judged at the time of the newest entry, and without its envelopes.
    ///
    /// # Errors
    /// Why it would not.
    pub fn check(&self, batch: &SignedBatch, wallets: &dyn WalletVerifier) -> Result<(), Denied> {
        self.after(batch, wallets).map(drop)
    }

    /// Would `proposal` apply next, with its envelopes? Judged at the time of the newest entry.
    ///
    /// # Errors
    /// Why it would not.
    pub fn check_proposal(
        &self,
        proposal: &Proposal,
        wallets: &dyn WalletVerifier,
    ) -> Result<(), Denied> {
        let (_, effects) = self.after(&proposal.batch, wallets)?;
        check_envelopes(&proposal.batch.body, Some(&proposal.envelopes), &effects)
    }

    /// What a contract must commit to for `proposal` to apply next.
    ///
    /// # Errors
    /// As [`Acl::check_proposal`]: what does not apply must not be committed to, because no node
    /// could follow the contract then. [`Denied::WrongSequencer`] without a chain.
    pub fn root_change(
        &self,
        proposal: &Proposal,
        wallets: &dyn WalletVerifier,
    ) -> Result<RootChange, Denied> {
        let Proposal { batch, envelopes } = proposal;
        let (after, effects) = self.after(batch, wallets)?;
        check_envelopes(&batch.body, Some(envelopes), &effects)?;
        let record = self.state.record.as_ref().ok_or(Denied::WrongSequencer)?;
        Ok(RootChange {
            prev: record.members_root,
            new: after.members_root()?,
            count: u32::try_from(after.members.len()).map_err(|_| Denied::Full)?,
            delta_hash: batch.body.digest_keccak(),
        })
    }

    /// Appends `entry`, wholly or not at all.
    ///
    /// An owner's entry proves itself. A revision does not: the fold sees that it continues the
    /// contract's log, not that the chain said it. Callers take revisions from the chain alone,
    /// and only bodies from peers.
    ///
    /// # Errors
    /// Why it does not apply; nothing changed then. [`Denied::is_transient`] says whether it may
    /// later.
    pub fn apply(
        &mut self,
        entry: &Entry,
        wallets: &dyn WalletVerifier,
    ) -> Result<Applied, Denied> {
        let id = self.check_order(entry)?;
        let (mut state, effects) = match &entry.order {
            Order::Owner { time_s, .. } => self.obey_owner(entry, *time_s, wallets)?,
            Order::Chain(revision) => self.revise(entry, revision, wallets)?,
        };
        if let Some(batch) = &entry.batch {
            check_envelopes(&batch.body, entry.envelopes.as_ref(), &effects)?;
        }
        state.epoch = entry.epoch;
        let cuts = entry.batch.as_ref().map_or_else(Vec::new, |batch| batch.body.cuts.clone());
        let app = (state.app != self.state.app).then_some(state.app);
        self.history.record(&state, &effects.touched, &cuts);
        self.entries.push(id);
        self.state = state;
        self.lift_restrictions();
        let Effects { added, removed, is_rotation, .. } = effects;
        Ok(Applied { id, epoch: entry.epoch, cuts, is_rotation, added, removed, app })
    }

    /// May `author` do `action` as of the entry `acl_hash` of `epoch`? A fact that never changes;
    /// unknown until that entry is here.
    pub fn judge(
        &self,
        author: &MemberKey,
        epoch: u64,
        acl_hash: &EntryId,
        action: Action,
    ) -> Verdict {
        let Some(id) = self.entry_id_at(epoch) else {
            return Verdict::Unknown(Missing::Epoch(epoch));
        };
        if id != *acl_hash {
            return Verdict::Deny(Denied::WrongPrev { found: *acl_hash });
        }
        let member = *author;
        match self.history.standing(author, epoch) {
            None => Verdict::Deny(Denied::NotMember { member }),
            Some(standing) => {
                let is_seated = |account: &AccountId| self.history.is_seated(account, epoch);
                if standing.allows(action, is_seated) {
                    Verdict::Allow
                } else {
                    Verdict::Deny(Denied::NotAllowed { member, action })
                }
            }
        }
    }

    /// The lowest cut in an entry after `epoch` that took the right to write from `author`: what
    /// it wrote citing `epoch` counts up to there.
    pub fn cut_after(&self, author: &MemberKey, epoch: u64) -> Option<Cut> {
        self.history.cut_after(author, epoch)
    }

    /// The cut that last took the right to write from `author`, if one ever did.
    pub fn last_cut(&self, author: &MemberKey) -> Option<Cut> {
        self.history.last_cut(author)
    }

    /// Whether `key` was a member and was removed: it never returns.
    pub fn was_removed(&self, key: &MemberKey) -> bool {
        self.state.spent.contains(key)
    }

    /// The place of the entry, before anything inside it is looked at.
    fn check_order(&self, entry: &Entry) -> Result<EntryId, Denied> {
        let id = entry.id(self.context);
        let epoch = entry.epoch;
        if let Some(known) = self.entry_id_at(epoch) {
            let is_same = known == id;
            return Err(if is_same {
                Denied::AlreadyApplied { epoch }
            } else {
                Denied::Lost { epoch }
            });
        }
        let next = self.epoch().saturating_add(1);
        if epoch != next {
            return Err(Denied::Early { epoch, next });
        }
        if entry.prev != self.head() {
            return Err(Denied::WrongPrev { found: entry.prev });
        }
        Ok(id)
    }

    fn obey_owner(
        &self,
        entry: &Entry,
        time_s: u64,
        wallets: &dyn WalletVerifier,
    ) -> Result<(State, Effects), Denied> {
        let owner = self.state.owner().ok_or(Denied::WrongSequencer)?;
        let Order::Owner { signature, .. } = &entry.order else {
            return Err(Denied::WrongSequencer);
        };
        let batch = entry.batch.as_ref().ok_or(Denied::BatchMissing)?;
        let Entry { epoch, prev, .. } = *entry;
        let context = self.context;
        let order = OwnerOrder { context, epoch, prev, time_s, batch: batch.digest() };
        owner.verify(&order, signature).map_err(|_| Denied::BadProof(Proof::Order))?;
        let last = self.state.time_s;
        if time_s < last {
            return Err(Denied::TimeWentBack { found: time_s, last });
        }
        self.check_place(batch)?;
        let (mut state, effects) =
            sit(&self.bench(&batch.body, time_s, wallets), self.state.clone(), batch)?;
        state.time_s = time_s;
        state.roster_epoch = epoch;
        Ok((state, effects))
    }

    fn after(
        &self,
        batch: &SignedBatch,
        wallets: &dyn WalletVerifier,
    ) -> Result<(State, Effects), Denied> {
        if self.is_dissolved() {
            return Err(Denied::Dissolved);
        }
        self.check_place(batch)?;
        let (state, effects) =
            sit(&self.bench(&batch.body, self.state.time_s, wallets), self.state.clone(), batch)?;
        if effects.recipients.is_empty() {
            check_hash(&batch.body, &Envelopes::none(batch.body.key_epoch))?;
        }
        Ok((state, effects))
    }

    fn bench<'a>(
        &'a self,
        batch: &Batch,
        time_s: u64,
        wallets: &'a dyn WalletVerifier,
    ) -> Bench<'a> {
        let seats = self.history.seats(batch.epoch.saturating_sub(1));
        let (context, genesis, before) = (self.context, self.genesis(), &self.state);
        Bench { context, genesis, before, seats, time_s, wallets }
    }

    fn check_place(&self, batch: &SignedBatch) -> Result<(), Denied> {
        if batch.body.context != self.context {
            return Err(Denied::OtherContext);
        }
        self.check_cited(batch.body.epoch, &batch.body.prev)
    }

    /// Whether a batch of `epoch` after `prev` can still be ordered next: `prev` is the newest
    /// entry or, with a chain, no entry since has changed members. The contract compares the
    /// members root alone, so its other revisions must not void a batch.
    fn check_cited(&self, epoch: u64, prev: &EntryId) -> Result<(), Denied> {
        let next = self.epoch().saturating_add(1);
        if epoch > next {
            return Err(Denied::Early { epoch, next });
        }
        let cited = epoch.checked_sub(1).ok_or(Denied::Stale)?;
        if self.entry_id_at(cited) != Some(*prev) {
            return Err(Denied::WrongPrev { found: *prev });
        }
        let is_current = if self.state.record.is_some() {
            cited >= self.state.roster_epoch
        } else {
            epoch == next
        };
        if is_current { Ok(()) } else { Err(Denied::Stale) }
    }

    fn is_seated(&self, account: &AccountId) -> bool {
        self.state.record.as_ref().is_some_and(|record| record.seats.contains(account))
    }
}

impl State {
    fn new(genesis: &Genesis, role: Role, app: AppId, record: Option<state::Record>) -> Self {
        let creator = Member {
            record: genesis.creator.clone(),
            role,
            caps: Caps::NONE,
            account: genesis.creator_account.clone(),
            joined_epoch: 0,
            invitation: None,
        };
        Self {
            epoch: 0,
            time_s: 0,
            roster_epoch: 0,
            members: BTreeMap::from([(genesis.creator.key, creator)]),
            spent: BTreeSet::new(),
            nominations: BTreeMap::new(),
            offer: None,
            uses: BTreeMap::new(),
            revoked: BTreeSet::new(),
            app,
            key_epoch: 0,
            finals: BTreeMap::new(),
            record,
        }
    }
}

/// Without a chain the account proves itself here; with one, the `create` call does.
fn check_creator_account(genesis: &Genesis, wallets: &dyn WalletVerifier) -> Result<(), Denied> {
    let Genesis { creator, creator_account, creator_proof, sequencer, policy, .. } = genesis;
    if matches!(sequencer, Sequencer::Chain(_)) {
        return match creator_proof {
            None => Ok(()),
            Some(_) => Err(Denied::ProofCount),
        };
    }
    if policy.require_account && creator_account.is_none() {
        return Err(Denied::AccountMissing);
    }
    let binding = creator_account.clone().map(|account| Binding {
        context: Genesis::NO_CONTEXT,
        invitation: None,
        member: creator.key,
        account,
        time_s: 0,
    });
    admission::check_wallet(binding, creator_proof.as_ref(), wallets)
}

/// The envelopes are those of the batch, for exactly those who need the key.
fn check_envelopes(
    batch: &Batch,
    envelopes: Option<&Envelopes>,
    effects: &Effects,
) -> Result<(), Denied> {
    let Some(envelopes) = envelopes else {
        if effects.recipients.is_empty() {
            return check_hash(batch, &Envelopes::none(batch.key_epoch));
        }
        return Err(Denied::EnvelopesMissing);
    };
    check_hash(batch, envelopes)?;
    let is_exact = envelopes.key_epoch == batch.key_epoch
        && envelopes.list.iter().map(|(member, _)| member).eq(&effects.recipients);
    if is_exact { Ok(()) } else { Err(Denied::WrongRecipients) }
}

fn check_hash(batch: &Batch, envelopes: &Envelopes) -> Result<(), Denied> {
    if batch.envelopes_hash == envelopes.digest() { Ok(()) } else { Err(Denied::OtherEnvelopes) }
}

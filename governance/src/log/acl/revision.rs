//! The contract's revisions, as entries.

use alloc::collections::{BTreeMap, BTreeSet};

use types::{AccountId, ChainId, Hash};

use crate::{
    anchor::{self, Account, Happened},
    log::{
        Anchor, Denied, Entry, Genesis, Revision, Sequencer, WalletVerifier,
        acl::{
            Acl,
            sitting::{Effects, sit},
            state::{Record, State},
        },
    },
};

/// The genesis's anchor and the account behind it.
pub(super) fn anchor_of(genesis: &Genesis) -> Result<(&Anchor, &AccountId), Denied> {
    let Sequencer::Chain(anchor) = &genesis.sequencer else { return Err(Denied::WrongSequencer) };
    let creator = genesis.creator_account.as_ref().ok_or(Denied::AccountMissing)?;
    Ok((anchor, creator))
}

/// What the fold believes of the contract's record before it has seen any revision.
pub(super) fn unborn(anchor: &Anchor, creator: &AccountId) -> Result<Record, Denied> {
    if creator.chain() != anchor.chain() {
        return Err(Denied::AccountOnOtherChain);
    }
    let registry = anchor.registry().ok_or(Denied::BadAddress)?;
    let id = anchor.on_chain_id(creator).ok_or(Denied::BadAddress)?;
    Ok(Record {
        // Starts from chain, registry, creator and salt: no other record's log fits.
        log_head: registry.log_start(&id),
        members_root: Hash::ZERO,
        threshold: 1,
        seats: BTreeSet::from([creator.clone()]),
        nominated: BTreeMap::new(),
        is_dissolved: false,
    })
}

impl Acl {
    /// The state after `entry`, which `revision` orders.
    pub(super) fn revise(
        &self,
        entry: &Entry,
        revision: &Revision,
        wallets: &dyn WalletVerifier,
    ) -> Result<(State, Effects), Denied> {
        let (anchor, _) = anchor_of(self.genesis())?;
        let mut state = self.state.clone();
        let record = state.record.as_mut().ok_or(Denied::WrongSequencer)?;
        if record.is_dissolved {
            return Err(Denied::Dissolved);
        }
        if revision.rev != entry.epoch {
            return Err(Denied::RevGap { rev: revision.rev, epoch: entry.epoch });
        }
        if !revision.continues(&record.log_head) {
            return Err(Denied::LogHeadMismatch { rev: revision.rev });
        }
        record.log_head = revision.log_head;
        // Not every chain's clock is strictly monotone; revisions order, and time only grows.
        state.time_s = state.time_s.max(revision.block.time_s);
        let happened = revision.happened()?;
        if matches!(happened, Happened::Created(_)) != (revision.rev == 1) {
            return Err(Denied::CreateOutOfPlace);
        }
        if let Happened::Done(anchor::Action::SetMembersRoot { prev, new, count, delta_hash }) =
            happened
        {
            let roots = Roots { prev, new, count, delta_hash };
            return self.replace_members(state, entry, &roots, wallets);
        }
        if entry.batch.is_some() || entry.envelopes.is_some() {
            return Err(Denied::BatchUnexpected);
        }
        match happened {
            Happened::Created(created) => self.create(&mut state, &created)?,
            Happened::AdminAccepted(account) => seat(&mut state, &account, &anchor.chain())?,
            Happened::AdminRenounced(account) => unseat(&mut state, &account, &anchor.chain())?,
            // What the guardian stops, the contract stops: the log only sees that it did.
            Happened::Frozen { .. } => {}
            Happened::Done(action) => enact(&mut state, action, &anchor.chain())?,
        }
        Ok((state, Effects::default()))
    }

    /// The record must be the one that the genesis names, and hold what the genesis says.
    fn create(&self, state: &mut State, created: &anchor::Created) -> Result<(), Denied> {
        let (anchor, account) = anchor_of(self.genesis())?;
        let members_root = state.members_root()?;
        let anchor::Terms { app, members_root: root, members_count, context, .. } = created.terms;
        let is_ours = created.creator.to_id(&anchor.chain()).as_ref() == Some(account)
            && created.salt == anchor.salt
            && context == self.context()
            && app.as_bytes() == state.app.as_bytes()
            && root == members_root
            && members_count == 1;
        if !is_ours {
            return Err(Denied::OtherRecord);
        }
        state.roster_epoch = 1;
        record(state)?.members_root = members_root;
        Ok(())
    }

    /// The members after the batch must be those that the contract committed to.
    fn replace_members(
        &self,
        state: State,
        entry: &Entry,
        roots: &Roots,
        wallets: &dyn WalletVerifier,
    ) -> Result<(State, Effects), Denied> {
        let batch = entry.batch.as_ref().ok_or(Denied::BatchMissing)?;
        if batch.body.digest_keccak() != roots.delta_hash {
            return Err(Denied::OtherBatch);
        }
        if state.record.as_ref().is_none_or(|record| record.members_root != roots.prev) {
            return Err(Denied::Diverged);
        }
        self.check_place(batch)?;
        let bench = self.bench(&batch.body, state.time_s, wallets);
        let (mut state, effects) = sit(&bench, state, batch)?;
        let count = u32::try_from(state.members.len()).map_err(|_| Denied::Full)?;
        if state.members_root()? != roots.new || count != roots.count {
            return Err(Denied::Diverged);
        }
        state.roster_epoch = entry.epoch;
        record(&mut state)?.members_root = roots.new;
        Ok((state, effects))
    }
}

/// A members revision's arguments.
struct Roots {
    prev: Hash,
    new: Hash,
    count: u32,
    delta_hash: Hash,
}

fn enact(state: &mut State, action: anchor::Action, chain: &ChainId) -> Result<(), Denied> {
    use anchor::Action;
    match action {
        Action::NominateAdmin { account, ttl_s } => {
            let until = state.time_s.saturating_add(ttl_s.into());
            record(state)?.nominated.insert(name(&account, chain)?, until);
        }
        Action::RemoveAdmin { account } => unseat(state, &account, chain)?,
        Action::SetThreshold { threshold } => record(state)?.threshold = threshold,
        Action::SetApp { app, .. } => state.app = app.into(),
        Action::Dissolve => record(state)?.is_dissolved = true,
        // What these set is the contract's own business: members' capabilities are in the leaves.
        Action::SetMembersRoot { .. }
        | Action::SetDelay { .. }
        | Action::SetInviteRoot { .. }
        | Action::SetCaps { .. }
        | Action::SetGuardian { .. }
        | Action::SetMeta { .. } => {}
    }
    Ok(())
}

fn seat(state: &mut State, account: &Account, chain: &ChainId) -> Result<(), Denied> {
    let account = name(account, chain)?;
    let record = record(state)?;
    record.nominated.remove(&account);
    if record.seats.insert(account) { Ok(()) } else { Err(Denied::SeatMismatch) }
}

fn unseat(state: &mut State, account: &Account, chain: &ChainId) -> Result<(), Denied> {
    let account = name(account, chain)?;
    let record = record(state)?;
    if !record.seats.remove(&account) {
        return Err(Denied::SeatMismatch);
    }
    let seats = u8::try_from(record.seats.len()).map_err(|_| Denied::SeatMismatch)?;
    if seats == 0 {
        return Err(Denied::LastAdmin);
    }
    record.threshold = record.threshold.min(seats);
    Ok(())
}

fn name(account: &Account, chain: &ChainId) -> Result<AccountId, Denied> {
    account.to_id(chain).ok_or(Denied::BadAddress)
}

fn record(state: &mut State) -> Result<&mut Record, Denied> {
    state.record.as_mut().ok_or(Denied::WrongSequencer)
}

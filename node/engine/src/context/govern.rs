//! Changes the rules: invitations, membership, roles. What is asked becomes a batch or a contract
//! call, and counts once it is sequenced.
//!
//! One change is under way at a time. The rest queue, since each batch is made for the state that
//! the one before leaves.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use chain::{ChainError, Receipt};
use governance::{
    anchor::{Account, Action as ChainAction, Call, Code},
    log::{
        Action, Answer, Change, Claim, Denied, Entry, Intent, Invitation, Invitee, Member, Order,
        Proposal, Role, RootChange, Secrets, Sequencer, SignedInvitation, USES_MAX, Verdict,
    },
};
use rand_core::{OsRng, RngCore as _};
use sync::Input;
use tokio::time::Instant;
use types::{AccountId, InviteSecret, MemberKey, Signed, seal::EpochSecret};

use super::{Command, Context, Reply, anchor::Following, now};
use crate::{
    create,
    error::EngineError,
    link::{BOOTSTRAP_MAX, Link},
    request::{GovernanceState, InviteRequest, Invited, InviteeChoice},
    wire::JoinAnswer,
};

/// Changes that wait for their turn at most; a joiner beyond that is told to come back.
const QUEUE_MAX: usize = 1_000;
/// Claims that were refused and are remembered for their joiners.
const REFUSED_MAX: usize = 1_000;
/// For how long a nomination on chain may be accepted, in seconds: two weeks.
const NOMINATION_TTL_SECS: u32 = 14 * 24 * 3_600;
/// Pause before a contract call is tried again after the chain could not be reached.
const RESEND_PAUSE: Duration = Duration::from_secs(3);
/// After how long without a sign of it a revision counts as taken back by the chain.
const LOST_AFTER: Duration = Duration::from_secs(120);
/// For how long a contract call may be approved and carried out, in seconds: a week, since the
/// usual delays are up to two days and other admins have to be found.
const CALL_TTL_SECS: u64 = 7 * 24 * 3_600;

/// What is asked of the rules.
#[derive(Clone, Debug)]
enum Wish {
    /// A change of the members, in a batch.
    Change(Change),
    /// A call of the contract by this node's account.
    Call(ContractCall),
}

#[derive(Clone, Debug)]
enum ContractCall {
    Act(Vec<ChainAction>),
    Accept,
    Renounce,
}

/// What is under way and what waits.
#[derive(Debug, Default)]
pub(super) struct Governing {
    queue: VecDeque<Wish>,
    sent: Option<Sent>,
    refused: BTreeMap<MemberKey, String>,
    /// How many of the next wishes are tried alone, because together they were refused.
    one_by_one: usize,
    failed: Option<String>,
    /// How many changes that were asked of this node failed since its start, and why the last did.
    failures: (u64, Option<String>),
}

/// The change that is under way on the chain.
#[derive(Debug)]
struct Sent {
    wishes: Vec<Wish>,
    state: SentState,
}

#[derive(Debug)]
enum SentState {
    Sending,
    /// In a block; not final yet.
    Included {
        rev: u64,
        at: Instant,
    },
    /// Waits for the approval of other admins, or for its delay, as this proposal.
    Proposed {
        seq: u64,
        at: Instant,
    },
    /// Without a chain: the owner was asked to order it as this epoch.
    Asked {
        epoch: u64,
    },
    /// The chain could not be reached.
    Resend {
        at: Instant,
        why: String,
    },
    /// The contract refused to free a seat that the log says is taken: the record may be ahead.
    Doubted {
        at: Instant,
        why: String,
    },
}

/// What became of a contract call.
#[derive(Debug)]
pub(crate) struct Submitted(Result<Receipt, EngineError>);

impl Context {
    pub(super) async fn take_governing(&mut self, command: Command) {
        match command {
            Command::Invite { request, reply } => drop(reply.send(self.invite(request))),
            Command::Remove { member, reply } => {
                let mut wishes: Vec<Wish> = self.unseating(&member).into_iter().collect();
                wishes.push(Wish::Change(Change::Remove { member }));
                self.wish_and_answer(wishes, reply).await;
            }
            Command::SetRole { member, role, reply } => {
                let wish = Wish::Change(Change::SetRole { member, role });
                self.wish_and_answer(vec![wish], reply).await;
            }
            Command::Revoke { invitation, reply } => {
                let wish = Wish::Change(Change::RevokeInvitation { invitation });
                self.wish_and_answer(vec![wish], reply).await;
            }
            Command::Nominate { member, reply } => match self.nomination(member) {
                Ok(wish) => self.wish_and_answer(vec![wish], reply).await,
                Err(error) => drop(reply.send(Err(error))),
            },
            Command::Accept { reply } => match self.acceptance() {
                Ok(wish) => self.wish_and_answer(vec![wish], reply).await,
                Err(error) => drop(reply.send(Err(error))),
            },
            Command::Renounce { reply } => match self.renunciation() {
                Ok(wish) => self.wish_and_answer(vec![wish], reply).await,
                Err(error) => drop(reply.send(Err(error))),
            },
            Command::Claimed { invitation, claim, reply } => {
                drop(reply.send(self.claimed(*invitation, *claim).await));
            }
            Command::Asked { question, reply } => {
                drop(reply.send(self.claim_state(&question.member)));
            }
            Command::Entries(entries) => self.take_entries(entries).await,
            Command::Submitted(submitted) => self.submitted(submitted).await,
            // Not about the rules: `Context::take` sends none of them here.
            _ => {}
        }
    }

    // --- invitations

    fn invite(&self, request: InviteRequest) -> Result<Invited, EngineError> {
        let me = self.me.secret.public();
        allowed(self.replica.acl().may_now(&me, Action::Invite))?;
        if !(1..=USES_MAX).contains(&request.uses_max) || request.role > Role::Member {
            let why = format!("1 to {USES_MAX} uses, as a member or read-only");
            return Err(EngineError::Invalid(why));
        }
        let mut salt = [0; 16];
        OsRng.fill_bytes(&mut salt);
        let secret = match request.invitee {
            InviteeChoice::Open => Some(InviteSecret::generate(&mut OsRng)),
            InviteeChoice::Account(_) | InviteeChoice::Member(_) => None,
        };
        let invitee = match (request.invitee, &secret) {
            (InviteeChoice::Account(account), _) => Invitee::Account(account),
            (InviteeChoice::Member(member), _) => Invitee::Member(member),
            (InviteeChoice::Open, Some(secret)) => Invitee::Open(secret.address()),
            (InviteeChoice::Open, None) => return Err(EngineError::Closed),
        };
        let ttl = |secs: u64| (now().0 / 1_000).saturating_add(secs);
        let invitation = Invitation {
            context: self.id,
            inviter: me,
            role: request.role,
            caps: request.caps,
            invitee,
            expires_epoch: None,
            expires_at_s: request.ttl_secs.map(ttl),
            max_uses: request.uses_max,
            salt,
        };
        let id = invitation.id();
        let mut bootstrap = self.node.listen();
        bootstrap.truncate(BOOTSTRAP_MAX);
        let invitation = Signed::new(invitation, &self.me.secret);
        let link = Link { invitation, bootstrap, secret };
        Ok(Invited { invitation: id, link: link.to_string() })
    }

    /// A joiner's claim: refused at once if it cannot apply, else queued.
    async fn claimed(&mut self, invitation: SignedInvitation, claim: Claim) -> JoinAnswer {
        let member = claim.member.key;
        // A claim can be copied, so it is never answered with the log: that is for the question
        // after it, which is signed for both peers.
        if self.replica.acl().member(&member).is_some() || self.is_known_claim(&member) {
            return self.claim_outlook(&member);
        }
        if self.governing.queue.len() >= QUEUE_MAX {
            return JoinAnswer::Waiting("many are joining; come back later".to_owned());
        }
        // The log judges by the sequencer's time; this spares a claim that it would refuse.
        if invitation.body.expires_at_s.is_some_and(|at| at <= now().0 / 1_000) {
            return JoinAnswer::Refused("the invitation has expired".to_owned());
        }
        let change = Change::admit(invitation.clone(), claim.clone());
        let denied = self.try_change(&change).err();
        let is_unsaid = denied == Some(Denied::WalletUnknown) && self.is_asking();
        if let Some(denied) = denied.filter(|_| !is_unsaid) {
            return JoinAnswer::Refused(denied.to_string());
        }
        match self.says_still(&invitation.body, &claim) {
            Answer::Valid if !is_unsaid => {}
            Answer::Invalid => {
                let why = "the account's contract does not say any more that it signed this";
                return JoinAnswer::Refused(why.to_owned());
            }
            Answer::Valid | Answer::Unknown => {
                let what = "the chain to say whether the account's contract signed";
                return JoinAnswer::Waiting(what.to_owned());
            }
        }
        self.governing.queue.push_back(Wish::Change(change));
        self.advance_governing().await;
        self.claim_outlook(&member)
    }

    fn is_known_claim(&self, member: &MemberKey) -> bool {
        let adds = |wish: &Wish| match wish {
            Wish::Change(Change::Add { member: added, .. }) => added.key == *member,
            Wish::Change(_) | Wish::Call(_) => false,
        };
        let sent = self.governing.sent.iter().flat_map(|sent| &sent.wishes);
        self.governing.refused.contains_key(member)
            || self.governing.queue.iter().chain(sent).any(adds)
    }

    /// How the claim of a member stands that has proved to be the one who asks.
    fn claim_state(&self, member: &MemberKey) -> JoinAnswer {
        match self.replica.acl().may_now(member, Action::Read) {
            Verdict::Allow => self.admission(),
            Verdict::Deny(_) | Verdict::Unknown(_) => self.claim_outlook(member),
        }
    }

    /// How a claim stands, for anybody who knows it.
    fn claim_outlook(&self, member: &MemberKey) -> JoinAnswer {
        if let Some(why) = self.governing.refused.get(member) {
            return JoinAnswer::Refused(why.clone());
        }
        if self.replica.acl().member(member).is_some() {
            return JoinAnswer::Waiting("the log to be sent".to_owned());
        }
        if !self.is_known_claim(member) {
            return JoinAnswer::Refused("no claim of this member is known here".to_owned());
        }
        // In our own words: what the chain's endpoint says is not for strangers.
        let text = match self.governing.sent.as_ref().map(|sent| &sent.state) {
            Some(SentState::Included { rev, .. }) => format!("finality of revision {rev}"),
            Some(SentState::Asked { .. }) => "the owner's node".to_owned(),
            Some(SentState::Resend { .. }) => "the chain to be reached again".to_owned(),
            Some(SentState::Proposed { .. }) => "the approval of other admins".to_owned(),
            Some(SentState::Sending | SentState::Doubted { .. }) | None => {
                "the claim to be sequenced".to_owned()
            }
        };
        JoinAnswer::Waiting(text)
    }

    /// What a new member starts from: the genesis and the first page of the log.
    fn admission(&self) -> JoinAnswer {
        match self.log_page(0) {
            Ok(entries) => JoinAnswer::Admitted {
                genesis: Box::new(self.replica.acl().signed_genesis().clone()),
                entries,
            },
            Err(error) => {
                tracing::error!(context = ?self.id, %error, "the log cannot be read");
                JoinAnswer::Waiting("the inviter's node cannot read its log".to_owned())
            }
        }
    }

    // --- admins

    fn nomination(&self, member: MemberKey) -> Result<Wish, EngineError> {
        let acl = self.replica.acl();
        if !self.is_anchored() {
            let ttl = acl.genesis().policy.nominate_ttl_epochs;
            let expires_epoch = acl.epoch().saturating_add(1).saturating_add(ttl);
            return Ok(Wish::Change(Change::Nominate { member, expires_epoch }));
        }
        let account = self.chain_account(&member)?;
        let action = ChainAction::NominateAdmin { account, ttl_s: NOMINATION_TTL_SECS };
        Ok(Wish::Call(ContractCall::Act(vec![action])))
    }

    fn acceptance(&self) -> Result<Wish, EngineError> {
        if self.is_anchored() {
            return Ok(Wish::Call(ContractCall::Accept));
        }
        let member = self.me.secret.public();
        let change = Change::accept(self.replica.acl(), &self.me.secret);
        Ok(Wish::Change(change.ok_or(Denied::NotNominated { member })?))
    }

    fn renunciation(&self) -> Result<Wish, EngineError> {
        let acl = self.replica.acl();
        if !self.is_anchored() {
            return Ok(Wish::Change(Change::renounce(acl, &self.me.secret)));
        }
        let member = self.me.secret.public();
        let account = self.account_of(&member)?;
        if !acl.seats().any(|seat| *seat == account) {
            return Err(Denied::NotAdmin { member }.into());
        }
        if acl.seats().count() <= 1 {
            return Err(Denied::LastAdmin.into());
        }
        Ok(Wish::Call(ContractCall::Renounce))
    }

    fn is_anchored(&self) -> bool {
        create::anchor_of(self.replica.acl().signed_genesis()).is_some()
    }

    /// The seat of a member whom a change removes must go first.
    fn unseating(&self, member: &MemberKey) -> Option<Wish> {
        let account = self.replica.acl().member(member)?.account.clone()?;
        self.replica.acl().seats().find(|seat| **seat == account)?;
        let account = Account::from_id(&account)?;
        Some(Wish::Call(ContractCall::Act(vec![ChainAction::RemoveAdmin { account }])))
    }

    fn chain_account(&self, member: &MemberKey) -> Result<Account, EngineError> {
        let account = self.account_of(member)?;
        Account::from_id(&account).ok_or_else(|| {
            EngineError::Invalid(format!("{account} is not an account of its chain"))
        })
    }

    pub(super) fn account_of(&self, member: &MemberKey) -> Result<AccountId, EngineError> {
        let found = self.replica.acl().member(member);
        let found = found.ok_or(Denied::NotMember { member: *member })?;
        found.account.clone().ok_or_else(|| Denied::AccountMissing.into())
    }

    // --- the queue

    async fn wish_and_answer(&mut self, wishes: Vec<Wish>, reply: Reply<GovernanceState>) {
        drop(reply.send(self.wish(wishes).await));
    }

    async fn wish(&mut self, wishes: Vec<Wish>) -> Result<GovernanceState, EngineError> {
        if let [Wish::Change(change)] = wishes.as_slice() {
            self.try_change(change)?;
        }
        if self.governing.queue.len() >= QUEUE_MAX {
            return Err(EngineError::NotReady("too many changes wait".to_owned()));
        }
        let epoch = self.replica.acl().epoch();
        self.governing.failed = None;
        self.governing.queue.extend(wishes);
        self.advance_governing().await;
        if let Some(why) = self.governing.failed.take() {
            return Err(EngineError::Invalid(why));
        }
        let after = self.replica.acl().epoch();
        if after > epoch {
            return Ok(GovernanceState::Sequenced(after));
        }
        Ok(GovernanceState::Waiting(self.waiting().join("; ")))
    }

    /// Whether `change` would apply on the present state.
    fn try_change(&self, change: &Change) -> Result<(), Denied> {
        let proposal = self.draft(vec![change.clone()])?;
        self.replica.acl().check(&proposal.batch, self.node.wallets())
    }

    fn draft(&self, changes: Vec<Change>) -> Result<Proposal, Denied> {
        let acl = self.replica.acl();
        let current = self.secrets.get(&acl.key_epoch());
        let current = current.ok_or(Denied::BadProof(governance::log::Proof::Exchange))?;
        let secrets = Secrets { current: current.clone(), next: EpochSecret::generate(&mut OsRng) };
        let heads = self.replica.frontier().keys().map(|member| {
            let cut = self.replica.cut(member);
            (*member, cut.seq, cut.id)
        });
        Proposal::draft(acl, Intent::new(changes, heads), &self.me.secret, &secrets, &mut OsRng)
    }

    /// Takes the next change up if none is under way. Called after everything that may help.
    pub(super) async fn advance_governing(&mut self) {
        self.review_sent();
        self.order_proposed().await;
        // Terminates: each turn takes at least one wish out of the queue.
        while self.governing.sent.is_none() && self.halted.is_none() && !self.is_stale() {
            // Before the record's first revision is final there is no root to build on.
            let unborn = self.is_anchored() && self.replica.acl().epoch() == 0;
            let behind = unborn || self.following.as_ref().is_some_and(Following::is_behind);
            if behind || self.governing.queue.is_empty() {
                return;
            }
            let wishes = self.next_wishes();
            match &self.replica.acl().genesis().sequencer {
                Sequencer::Owner(_) => self.order(wishes).await,
                Sequencer::Chain(_) => self.submit(wishes).await,
            }
        }
    }

    /// The next wishes that fit into one step: as many additions as there are, or one other.
    fn next_wishes(&mut self) -> Vec<Wish> {
        let adds = |wish: &Wish| matches!(wish, Wish::Change(Change::Add { .. }));
        let queue = &mut self.governing.queue;
        if self.governing.one_by_one > 0 {
            self.governing.one_by_one -= 1;
            return queue.pop_front().into_iter().collect();
        }
        let count = queue.iter().take_while(|wish| adds(wish)).count();
        queue.drain(..count.clamp(1, governance::log::CHANGES_MAX).min(queue.len())).collect()
    }

    /// Without a chain: the owner orders at once, others ask the owner.
    async fn order(&mut self, wishes: Vec<Wish>) {
        let changes: Vec<Change> = wishes.iter().filter_map(Wish::change).collect();
        let checked = self.draft(changes).and_then(|proposal| {
            self.replica.acl().check(&proposal.batch, self.node.wallets()).map(|()| proposal)
        });
        match checked {
            Err(denied) => self.fail_or_split(wishes, denied.to_string()),
            Ok(proposal) if self.is_owner() => {
                if let Err(denied) = self.order_own(proposal).await {
                    self.fail(wishes, denied.to_string());
                }
            }
            Ok(proposal) => {
                let epoch = self.replica.acl().epoch().saturating_add(1);
                self.feed(Input::Proposed(Box::new(proposal))).await;
                self.governing.sent = Some(Sent { wishes, state: SentState::Asked { epoch } });
            }
        }
    }

    fn is_owner(&self) -> bool {
        let owner = self.replica.acl().owner();
        owner.is_some_and(|owner: &Member| owner.record.key == self.me.secret.public())
    }

    /// Orders `proposal` as the owner.
    async fn order_own(&mut self, proposal: Proposal) -> Result<(), Denied> {
        let acl = self.replica.acl();
        acl.check(&proposal.batch, self.node.wallets())?;
        let entry = Entry::ordered_by_owner(acl, proposal, now().0 / 1_000, &self.me.secret);
        self.feed(Input::Sequenced(Box::new(entry))).await;
        Ok(())
    }

    /// Orders what admins have proposed meanwhile, if that is this node's to do.
    async fn order_proposed(&mut self) {
        while let Some(proposal) = self.proposed.pop_front() {
            if !self.is_owner() {
                continue;
            }
            if let Err(denied) = self.order_own(proposal).await {
                tracing::warn!(context = ?self.id, %denied, "an admin's batch is not ordered");
            }
        }
    }

    /// With a chain: the contract orders what this node's account sends it.
    async fn submit(&mut self, wishes: Vec<Wish>) {
        match self.contract_call(&wishes).await {
            Ok(call) => {
                self.send_call(call);
                self.governing.sent = Some(Sent { wishes, state: SentState::Sending });
            }
            Err(error) => self.fail_or_split(wishes, error.to_string()),
        }
    }

    async fn contract_call(&mut self, wishes: &[Wish]) -> Result<Call, EngineError> {
        let expiry_s = (now().0 / 1_000).saturating_add(CALL_TTL_SECS);
        if let [Wish::Call(call)] = wishes {
            return Ok(match call {
                ContractCall::Act(actions) => Call::Act { actions: actions.clone(), expiry_s },
                ContractCall::Accept => Call::AcceptAdmin,
                ContractCall::Renounce => Call::Renounce,
            });
        }
        let proposal = self.draft(wishes.iter().filter_map(Wish::change).collect())?;
        let change = self.replica.acl().root_change(&proposal, self.node.wallets())?;
        // The batch must not be carried out after an invitation in it has expired.
        let expiry_s = proposal.batch.body.expires_at_s().unwrap_or(expiry_s).min(expiry_s);
        self.keep_proposal(&proposal)?;
        // A removal or demotion acts on this node, and on the peers it reaches, before the chain
        // has ordered it.
        self.feed(Input::Proposed(Box::new(proposal))).await;
        let RootChange { prev, new, count, delta_hash } = change;
        let action = ChainAction::SetMembersRoot { prev, new, count, delta_hash };
        Ok(Call::Act { actions: vec![action], expiry_s })
    }

    fn send_call(&mut self, call: Call) {
        let Some(following) = &self.following else { return };
        let (chain, record) = (following.chain(), following.record());
        let account = self.account_of(&self.me.secret.public());
        let (node, commands) = (Arc::clone(&self.node), self.commands.clone());
        self.work.spawn(async move {
            let result = match account {
                Ok(account) => node.submit(&*chain, &record, &call, &account).await,
                Err(error) => Err(error),
            };
            if let Some(commands) = commands.upgrade() {
                drop(commands.send(Command::Submitted(Submitted(result))).await);
            }
        });
    }

    async fn submitted(&mut self, Submitted(result): Submitted) {
        let (epoch, now) = (self.replica.acl().epoch(), Instant::now());
        let Some(sent) = &mut self.governing.sent else { return };
        let is_batch = sent.wishes.iter().any(|wish| wish.change().is_some());
        match result {
            // An open proposal about the admins holds up nothing: the chain keeps it, and this
            // node carries it out once it is due.
            Ok(Receipt { rev: None, seq: Some(seq), .. }) if !is_batch => {
                tracing::info!(context = ?self.id, seq, "proposed");
                self.governing.sent = None;
            }
            Ok(receipt) => {
                sent.state = match (receipt.rev, receipt.seq) {
                    (Some(rev), _) => SentState::Included { rev, at: now },
                    (None, Some(seq)) => SentState::Proposed { seq, at: now },
                    // Nothing was sent: the record is as wished already, and final soon. A batch
                    // of ours in it is a revision that is not in the log yet.
                    (None, None) => {
                        let rev = epoch.saturating_add(u64::from(is_batch));
                        SentState::Included { rev, at: now }
                    }
                };
                if let Some(following) = &self.following {
                    following.poke();
                }
            }
            // Somebody else's batch came first: this one is made anew on what that one left.
            Err(error) if error.is_transient() || is_stale(&error) => {
                let at = Instant::now() + RESEND_PAUSE;
                sent.state = SentState::Resend { at, why: error.to_string() };
            }
            Err(EngineError::Chain(error @ ChainError::Refused { code: Code::E54 }))
                if sent.wishes.iter().any(|wish| wish.freed_seat().is_some()) =>
            {
                sent.state = SentState::Doubted { at: now, why: error.to_string() };
                if let Some(following) = &self.following {
                    following.poke();
                }
            }
            Err(error) => {
                if let Some(sent) = self.governing.sent.take() {
                    self.fail_or_split(sent.wishes, error.to_string());
                }
            }
        }
        self.advance_governing().await;
    }

    /// Ends, or begins anew, what is under way, as the log and the clock tell.
    fn review_sent(&mut self) {
        let Some(sent) = &self.governing.sent else { return };
        let epoch = self.replica.acl().epoch();
        let now = Instant::now();
        let is_over = match &sent.state {
            SentState::Sending => false,
            // Final, or taken back by a reorganisation of the chain.
            SentState::Included { rev, at } => {
                let seen_rev = self.following.as_ref().map_or(0, Following::seen_rev);
                *rev <= epoch || (seen_rev < *rev && now.duration_since(*at) > LOST_AFTER)
            }
            // Closed, and what it did is in the log: carried out, withdrawn, vetoed or run out.
            SentState::Proposed { seq, at } => self.following.as_ref().is_some_and(|following| {
                let is_closed = following.open.is_open(*seq, *at) == Some(false);
                is_closed && following.seen_rev() <= epoch
            }),
            SentState::Asked { epoch: wanted } => epoch >= *wanted,
            // What was sent may have arrived all the same: then its effect is in the log by now,
            // or the contract refuses the second one as stale.
            SentState::Resend { at, .. } => *at <= now,
            SentState::Doubted { at, why } => {
                let is_freed = sent.wishes.iter().all(|wish| !self.holds_seat(wish));
                if is_freed {
                    self.governing.sent = None;
                } else if self.has_read_all_since(*at) {
                    let why = why.clone();
                    let sent = self.governing.sent.take();
                    sent.into_iter().for_each(|sent| self.fail(sent.wishes, why.clone()));
                }
                return;
            }
        };
        if is_over {
            self.requeue_unfulfilled();
        }
    }

    /// Whether the seat that `wish` frees is taken, as the log has it.
    fn holds_seat(&self, wish: &Wish) -> bool {
        let Some(freed) = wish.freed_seat() else { return false };
        let mut seats = self.replica.acl().seats();
        seats.any(|seat| Account::from_id(seat).as_ref() == Some(freed))
    }

    /// Whether the record was read after `at`, and the log has all of it.
    fn has_read_all_since(&self, at: Instant) -> bool {
        let epoch = self.replica.acl().epoch();
        let whole = |following: &Following| {
            following.was_read_since(at) && following.seen_rev() <= epoch && !following.is_behind()
        };
        self.following.as_ref().is_none_or(whole)
    }

    /// Takes up again what the log does not show: somebody else's batch came first, or it was lost.
    fn requeue_unfulfilled(&mut self) {
        let Some(sent) = self.governing.sent.take() else { return };
        let is_resend = matches!(sent.state, SentState::Resend { .. });
        for wish in sent.wishes.into_iter().rev() {
            let acl = self.replica.acl();
            let is_lost = match &wish {
                Wish::Change(Change::Add { member, .. }) => acl.member(&member.key).is_none(),
                Wish::Change(Change::Remove { member }) => acl.member(member).is_some(),
                Wish::Change(_) | Wish::Call(_) => is_resend,
            };
            if is_lost {
                self.governing.queue.push_front(wish);
            }
        }
    }

    /// Wishes that were refused together are tried alone, so that one bad one harms no other.
    fn fail_or_split(&mut self, wishes: Vec<Wish>, why: String) {
        if wishes.len() <= 1 {
            return self.fail(wishes, why);
        }
        self.governing.one_by_one = wishes.len();
        wishes.into_iter().rev().for_each(|wish| self.governing.queue.push_front(wish));
    }

    fn fail(&mut self, wishes: Vec<Wish>, why: String) {
        tracing::warn!(context = ?self.id, why, "a change of the rules failed");
        if wishes.iter().any(|wish| wish.freed_seat().is_some())
            && matches!(self.governing.queue.front(), Some(Wish::Change(Change::Remove { .. })))
        {
            // The removal that the seat had to be freed for.
            self.governing.queue.pop_front();
        }
        if !wishes.iter().all(|wish| matches!(wish, Wish::Change(Change::Add { .. }))) {
            let (count, _) = self.governing.failures;
            self.governing.failures = (count.saturating_add(1), Some(why.clone()));
        }
        for wish in wishes {
            if let Wish::Change(Change::Add { member, .. }) = wish {
                if self.governing.refused.len() >= REFUSED_MAX {
                    self.governing.refused.pop_first();
                }
                self.governing.refused.insert(member.key, why.clone());
            }
        }
        self.governing.failed = Some(why);
    }

    // --- status

    /// How many changes failed since the start, and why the last one did.
    pub(super) fn failures(&self) -> (u64, Option<String>) {
        self.governing.failures.clone()
    }

    /// What the rules wait for, in words.
    pub(super) fn waiting(&self) -> Vec<String> {
        let mut waiting = Vec::new();
        waiting.extend(self.halted.iter().map(|why| format!("halted: {why}")));
        match self.governing.sent.as_ref().map(|sent| &sent.state) {
            Some(SentState::Sending) => waiting.push("sending to the chain".to_owned()),
            Some(SentState::Included { rev, .. }) => {
                waiting.push(format!("finality of revision {rev}"))
            }
            Some(SentState::Asked { .. }) => waiting.push("the owner's node to order".to_owned()),
            // What it waits for stands with the open proposals.
            Some(SentState::Proposed { .. }) => {}
            Some(SentState::Resend { why, .. }) => {
                waiting.push(format!("the chain to be reached again: {why}"));
            }
            Some(SentState::Doubted { why, .. }) => {
                waiting.push(format!("the record to be read, which may be ahead: {why}"));
            }
            None => {}
        }
        if self.is_stale() {
            waiting.push("the chain to be read again: who governs may have changed".to_owned());
        }
        waiting.extend(self.waiting_for_chain());
        if !self.governing.queue.is_empty() {
            waiting.push(format!("{} changes queued", self.governing.queue.len()));
        }
        waiting.dedup();
        waiting
    }

    /// Takes up what a restart interrupted: our own batches that the chain may have sequenced
    /// meanwhile lie in the store, and are found there by their hash.
    pub(super) fn resume_governing(&mut self) {
        self.governing = Governing::default();
    }

    /// Log entries that came with our admission.
    pub(super) async fn take_entries(&mut self, entries: Vec<Entry>) {
        let mut bodies = Vec::new();
        for entry in entries {
            match &entry.order {
                Order::Owner { .. } => {
                    let epoch = self.replica.acl().epoch();
                    if entry.epoch <= epoch {
                        continue;
                    }
                    self.feed(Input::Sequenced(Box::new(entry))).await;
                    if self.replica.acl().epoch() == epoch {
                        return;
                    }
                }
                Order::Chain(_) => bodies.extend(proposal_in(entry)),
            }
        }
        self.keep_bodies(bodies);
        self.sequence_backlog().await;
    }
}

impl Wish {
    fn change(&self) -> Option<Change> {
        match self {
            Self::Change(change) => Some(change.clone()),
            Self::Call(_) => None,
        }
    }

    /// Whose seat it frees, if that is all that it does.
    fn freed_seat(&self) -> Option<&Account> {
        match self {
            Self::Call(ContractCall::Act(actions)) => match actions.as_slice() {
                [ChainAction::RemoveAdmin { account }] => Some(account),
                _ => None,
            },
            Self::Change(_) | Self::Call(_) => None,
        }
    }
}

fn proposal_in(entry: Entry) -> Option<Proposal> {
    let Entry { batch, envelopes, .. } = entry;
    batch.zip(envelopes).map(|(batch, envelopes)| Proposal { batch, envelopes })
}

fn is_stale(error: &EngineError) -> bool {
    matches!(error, EngineError::Chain(ChainError::Refused { code: Code::E57 }))
}

fn allowed(verdict: Verdict) -> Result<(), EngineError> {
    match verdict {
        Verdict::Allow => Ok(()),
        Verdict::Deny(denied) => Err(denied.into()),
        Verdict::Unknown(missing) => Err(EngineError::NotReady(format!("waiting for {missing:?}"))),
    }
}

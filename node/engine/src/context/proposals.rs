//! What admins decide together on the context's chain: proposals, approvals, executions.
//!
//! The chain has the proposals; nothing about them is kept here. A question or a deed reads them
//! beside the context's task and comes back as a command, since what it says about a members batch
//! is this node's log to judge. Nobody approves what it has not seen.

use std::{sync::Arc, time::Duration};

use chain::{Chain, ChainError, OpenProposal, Receipt};
use governance::{
    anchor::{Account, Action, Call, OnChainId, SCHEME_ED25519, binding_digest},
    log::{Change, Proposal, RootChange},
};
use tokio::time::Instant;
use types::{AccountId, ChainId};

use super::{Command, Context, Reply, now};
use crate::{
    error::EngineError,
    request::{Deed, MembersChange, ProposalAct, ProposalInfo},
};

/// How often open proposals are looked at, to carry out those of this node that are due.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What open proposals were read for.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// Somebody asked for them.
    List(Reply<Vec<ProposalInfo>>),
    /// To approve this one as this account.
    Approve { seq: u64, account: AccountId, reply: Reply<Receipt> },
    /// To execute this one as this account.
    Execute { seq: u64, account: AccountId, reply: Reply<Receipt> },
    /// To carry out what is due, and to see what became of this node's own.
    Look,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Looked {
    purpose: Purpose,
    result: Result<Vec<OpenProposal>, ChainError>,
}

/// The proposals as last seen.
#[derive(Debug, Default)]
pub(super) struct Open {
    proposals: Vec<OpenProposal>,
    /// The record's number of proposals ever made, when they were read.
    seq: u64,
    /// When the last reading began that has come back.
    read_at: Option<Instant>,
    /// When the reading began that is under way.
    began: Option<Instant>,
}

impl Open {
    /// Whether proposal `seq` was still open at a reading that began after `since`; `None` if there
    /// was no such reading.
    pub(super) fn is_open(&self, seq: u64, since: Instant) -> Option<bool> {
        self.read_at.filter(|at| *at > since)?;
        Some(self.proposals.iter().any(|open| open.seq == seq))
    }

    /// What they wait for, in words.
    pub(super) fn waiting(&self) -> impl Iterator<Item = String> {
        self.proposals.iter().map(|open| {
            let (seq, given, needed) = (open.seq, open.approvals.len(), open.needed);
            match open.eta_s {
                Some(eta_s) => {
                    let left = eta_s.saturating_sub(now().0 / 1_000);
                    format!("proposal {seq} to be carried out, in {left} s at the earliest")
                }
                None => format!("proposal {seq} to be approved, by {given} of {needed} so far"),
            }
        })
    }
}

impl Context {
    pub(super) async fn take_proposals(&mut self, command: Command) {
        match command {
            Command::ChainOf { reply } => drop(reply.send(self.own_chain().map(|(_, _, id)| id))),
            Command::Proposals { reply } => self.read_proposals(Purpose::List(reply)),
            Command::Act { deed, account, reply } => match self.actor(account) {
                Ok(account) => self.act(deed, account, reply),
                Err(error) => drop(reply.send(Err(error))),
            },
            Command::Looked(looked) => {
                self.looked(*looked);
                self.advance_governing().await;
            }
            // Not about proposals: `Context::take` sends none of them here.
            _ => {}
        }
    }

    fn own_chain(&self) -> Result<(Arc<dyn Chain>, OnChainId, ChainId), EngineError> {
        let following = self.following.as_ref().ok_or_else(|| match &self.halted {
            Some(why) => EngineError::NotReady(why.clone()),
            None => EngineError::Invalid("the context is anchored on no chain".to_owned()),
        })?;
        let chain = following.chain();
        let id = chain.locator().chain().clone();
        Ok((chain, following.record(), id))
    }

    fn actor(&self, account: Option<AccountId>) -> Result<AccountId, EngineError> {
        self.own_chain()?;
        match account {
            Some(account) => Ok(account),
            None => self.account_of(&self.me.secret.public()),
        }
    }

    fn act(&mut self, deed: Deed, account: AccountId, reply: Reply<Receipt>) {
        let expiry = |ttl_secs: u64| (now().0 / 1_000).saturating_add(ttl_secs);
        let call = match deed {
            Deed::Propose { actions, ttl_secs } => {
                Ok(Call::Act { actions, expiry_s: expiry(ttl_secs) })
            }
            Deed::OnProposal { seq, act: ProposalAct::Approve } => {
                return self.read_proposals(Purpose::Approve { seq, account, reply });
            }
            Deed::OnProposal { seq, act: ProposalAct::Execute } => {
                return self.read_proposals(Purpose::Execute { seq, account, reply });
            }
            Deed::OnProposal { seq, act: ProposalAct::Unapprove } => Ok(Call::Unapprove { seq }),
            Deed::OnProposal { seq, act: ProposalAct::Cancel } => Ok(Call::Cancel { seq }),
            Deed::OnProposal { seq, act: ProposalAct::Veto } => Ok(Call::Veto { seq }),
            Deed::OnProposal { seq, act: ProposalAct::Expire } => Ok(Call::Expire { seq }),
            Deed::Accept => Ok(Call::AcceptAdmin),
            Deed::Renounce => Ok(Call::Renounce),
            Deed::Freeze { secs } => Ok(Call::Freeze { secs }),
            Deed::Bind { ttl_secs } => self.binding_call(&account, expiry(ttl_secs)),
        };
        match call {
            Ok(call) => self.send_for(call, account, Some(reply)),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Both sides sign: the account by the transaction, this node's member inside it.
    fn binding_call(&self, account: &AccountId, expiry_s: u64) -> Result<Call, EngineError> {
        let (chain, record, id) = self.own_chain()?;
        let caller = Account::from_id(account).filter(|_| account.chain() == id);
        let caller = caller.ok_or_else(|| {
            EngineError::Invalid(format!("{account} is no account of the context's chain, {id}"))
        })?;
        let domain = chain.locator().registry().log_start(&record);
        let key = self.me.secret.public();
        let digest = binding_digest(&domain, &caller, SCHEME_ED25519, key.as_bytes(), expiry_s);
        let signature = self.me.secret.sign_bytes(digest.as_bytes());
        Ok(Call::Bind {
            scheme: SCHEME_ED25519,
            key: key.as_bytes().to_vec(),
            signature: signature.as_bytes().to_vec(),
            expiry_s,
        })
    }

    /// Sends `call` as `account` beside the task.
    fn send_for(&mut self, call: Call, account: AccountId, reply: Option<Reply<Receipt>>) {
        let Some(following) = &self.following else { return };
        let (chain, record) = (following.chain(), following.record());
        let (node, poke) = (Arc::clone(&self.node), following.poker());
        let id = self.id;
        self.work.spawn(async move {
            let result = node.submit(&*chain, &record, &call, &account).await;
            poke.notify_one();
            match (reply, result) {
                (Some(reply), result) => drop(reply.send(result)),
                (None, Ok(receipt)) => tracing::info!(context = ?id, ?receipt, "carried out"),
                (None, Err(error)) => {
                    tracing::warn!(context = ?id, %error, "a proposal could not be carried out");
                }
            }
        });
    }

    fn read_proposals(&mut self, purpose: Purpose) {
        let (chain, record) = match self.own_chain() {
            Ok((chain, record, _)) => (chain, record),
            Err(error) => return purpose.refuse(error),
        };
        let commands = self.commands.clone();
        self.work.spawn(async move {
            let result = chain.proposals(&record).await;
            let Some(commands) = commands.upgrade() else { return };
            let looked = Box::new(Looked { purpose, result });
            drop(commands.send(Command::Looked(looked)).await);
        });
    }

    fn looked(&mut self, looked: Looked) {
        let Looked { purpose, result } = looked;
        let proposals = match result {
            Ok(proposals) => proposals,
            Err(error) => {
                if let (Purpose::Look, Some(following)) = (&purpose, &mut self.following) {
                    following.open.began = None;
                }
                return purpose.refuse(error.into());
            }
        };
        match purpose {
            Purpose::List(reply) => {
                let infos = proposals.into_iter().map(|open| self.info(open)).collect();
                drop(reply.send(infos));
            }
            Purpose::Approve { seq, account, reply } => match self.approval(&proposals, seq) {
                Ok(call) => self.send_for(call, account, Some(reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
            Purpose::Execute { seq, account, reply } => match find(&proposals, seq) {
                Ok(open) => {
                    let call = Call::Execute { seq, actions: open.actions.clone() };
                    self.send_for(call, account, Some(reply));
                }
                Err(error) => drop(reply.send(Err(error))),
            },
            Purpose::Look => self.carry_out_due(proposals),
        }
    }

    fn info(&self, open: OpenProposal) -> Result<ProposalInfo, EngineError> {
        let (_, _, chain) = self.own_chain()?;
        let members = self.batch_in(&open.actions).map(|batch| members_change(&batch));
        let objection = self.objection(&open);
        Ok(ProposalInfo { chain, open, members, objection })
    }

    /// The batch behind a change of the members among `actions`, if it is here.
    fn batch_in(&self, actions: &[Action]) -> Option<Proposal> {
        let delta_hash = actions.iter().find_map(|action| match action {
            Action::SetMembersRoot { delta_hash, .. } => Some(delta_hash),
            _ => None,
        })?;
        self.known_batch(delta_hash)
    }

    /// Why this node would not approve `open`: a batch that it cannot see, or that leads elsewhere
    /// than the contract would be told.
    fn objection(&self, open: &OpenProposal) -> Option<String> {
        let roots = open.actions.iter().filter_map(|action| match action {
            Action::SetMembersRoot { prev, new, count, delta_hash } => {
                Some(RootChange { prev: *prev, new: *new, count: *count, delta_hash: *delta_hash })
            }
            _ => None,
        });
        let roots: Vec<RootChange> = roots.collect();
        let [root] = roots.as_slice() else {
            return (!roots.is_empty()).then(|| "it changes the members twice".to_owned());
        };
        let Some(batch) = self.known_batch(&root.delta_hash) else {
            return Some("the batch of its members has not come from a member yet".to_owned());
        };
        match self.replica.acl().root_change(&batch, self.node.wallets()) {
            Ok(change) if change == *root => None,
            Ok(change) if change.prev != root.prev => {
                Some("it was made for members that have changed since".to_owned())
            }
            Ok(_) => Some("its batch leads to other members than it tells the chain".to_owned()),
            Err(denied) => Some(format!("its batch does not fit: {denied}")),
        }
    }

    fn approval(&self, proposals: &[OpenProposal], seq: u64) -> Result<Call, EngineError> {
        let open = find(proposals, seq)?;
        if let Some(why) = self.objection(open) {
            return Err(EngineError::Invalid(format!("proposal {seq} is not approved: {why}")));
        }
        Ok(Call::ApproveAndExecute { seq, actions: open.actions.clone() })
    }

    /// Looks at open proposals now and then, where there may be any.
    pub(super) fn look_at_proposals(&mut self) {
        let Some(following) = &mut self.following else { return };
        let seq = following.proposals_made();
        let open = &mut following.open;
        let is_due = open.read_at.is_none_or(|at| at.elapsed() >= LOOK_INTERVAL);
        let may_be_some = !open.proposals.is_empty() || open.seq != seq;
        if open.began.is_some() || !is_due || !may_be_some {
            return;
        }
        (open.began, open.seq) = (Some(Instant::now()), seq);
        self.read_proposals(Purpose::Look);
    }

    /// Anybody may carry out what is approved and due; the node that proposed it does.
    fn carry_out_due(&mut self, proposals: Vec<OpenProposal>) {
        let own = self.account_of(&self.me.secret.public()).ok();
        let own_bytes = own.as_ref().and_then(Account::from_id);
        let now_s = now().0 / 1_000;
        let is_due = |open: &&OpenProposal| {
            Some(&open.proposer) == own_bytes.as_ref()
                && open.eta_s.is_some_and(|eta_s| eta_s <= now_s)
                && now_s <= open.expiry_s
        };
        let due: Vec<Call> = proposals
            .iter()
            .filter(is_due)
            .map(|open| Call::Execute { seq: open.seq, actions: open.actions.clone() })
            .collect();
        if let Some(following) = &mut self.following {
            let open = &mut following.open;
            open.proposals = proposals;
            open.read_at = open.began.take();
        }
        if let Some(account) = own {
            due.into_iter().for_each(|call| self.send_for(call, account.clone(), None));
        }
    }
}

impl Purpose {
    fn refuse(self, error: EngineError) {
        match self {
            Self::List(reply) => drop(reply.send(Err(error))),
            Self::Approve { reply, .. } | Self::Execute { reply, .. } => {
                drop(reply.send(Err(error)));
            }
            Self::Look => tracing::debug!(%error, "open proposals could not be read"),
        }
    }
}

fn find(proposals: &[OpenProposal], seq: u64) -> Result<&OpenProposal, EngineError> {
    let found = proposals.iter().find(|open| open.seq == seq);
    found.ok_or_else(|| EngineError::Invalid(format!("proposal {seq} is not open")))
}

fn members_change(proposal: &Proposal) -> MembersChange {
    let mut summary = MembersChange::default();
    for change in &proposal.batch.body.changes {
        match change {
            Change::Add { member, .. } => summary.added.push(member.key),
            Change::Remove { member } => summary.removed.push(*member),
            _ => summary.others += 1,
        }
    }
    summary
}

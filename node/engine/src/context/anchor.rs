//! Follows the contract's record of a context: final revisions become log entries, in order.
//!
//! What is not final yet is shown beside them, and taken back where the chain takes it back; it
//! counts nowhere.
//!
//! A reading runs beside the context's task and reports what it found. A members revision needs its
//! batch, which travels between members: it waits here until the batch has come.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chain::{AnchorHead, Chain, ChainError, Finality, Position};
use governance::{
    anchor::{Action, Happened, Head, OnChainId},
    log::{Entry, Order, Proposal, Revision},
};
use store::{Batch, Durability};
use sync::{Input, Message};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use types::{Hash, encode};

use super::{Command, Context, now, proposals::Open};
use crate::{
    create, event,
    request::{AnchorStatus, Provisional},
    row,
};

/// How often it is looked whether a quiet record has changed.
const READ_INTERVAL: Duration = Duration::from_secs(1);
/// How often a quiet record is read whole all the same, which shows that its chain goes on.
const PROVE_INTERVAL: Duration = Duration::from_secs(20);
/// How long a reader waits at most after failures.
const READ_INTERVAL_MAX: Duration = Duration::from_secs(15);
/// Batches from peers that are kept for revisions not yet final.
const BODIES_MAX: usize = 256;

/// What a reading found.
#[derive(Debug)]
pub(crate) enum News {
    /// The record as it stands.
    Read(Box<Reading>),
    /// It failed.
    Failed(ChainError),
}

/// A record as it stands.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Final revisions that are new, ascending.
    revisions: Vec<Revision>,
    /// The head that they were checked against; `None` if nothing is final yet, or it was not read.
    proven: Option<AnchorHead>,
    /// Revisions after the last final one, as the newest block has them.
    provisional: Vec<Revision>,
    /// The record's head in the newest block.
    newest: Option<Head>,
}

/// The chain side of one context.
#[derive(Debug)]
pub(crate) struct Following {
    chain: Arc<dyn Chain>,
    record: OnChainId,
    /// Final revisions that wait for their turn or their batch.
    backlog: VecDeque<Revision>,
    /// Batches by the hash that a contract commits to.
    bodies: BTreeMap<Hash, Proposal>,
    newest: Option<Head>,
    final_rev: u64,
    /// What may still be undone.
    provisional: Vec<Provisional>,
    /// Proposals that are open.
    pub(super) open: Open,
    /// The last final reading.
    proven: Option<AnchorHead>,
    read_at: Option<Instant>,
    error: Option<String>,
    poke: Arc<Notify>,
}

impl Following {
    pub(super) fn chain(&self) -> Arc<dyn Chain> {
        Arc::clone(&self.chain)
    }

    pub(super) const fn record(&self) -> OnChainId {
        self.record
    }

    /// Reads again at once.
    pub(super) fn poke(&self) {
        self.poke.notify_one();
    }

    /// What wakes the reader.
    pub(super) fn poker(&self) -> Arc<Notify> {
        Arc::clone(&self.poke)
    }

    /// The highest revision that was seen at all.
    pub(super) fn seen_rev(&self) -> u64 {
        self.newest.map_or(0, |head| head.rev)
    }

    /// How many proposals were ever made.
    pub(super) fn proposals_made(&self) -> u64 {
        self.newest.map_or(0, |head| head.seq)
    }

    /// What final revisions that wait have committed to.
    pub(super) fn wanted(&self) -> BTreeSet<Hash> {
        let wanted = self.backlog.iter().filter_map(|revision| match revision.happened() {
            Ok(Happened::Done(Action::SetMembersRoot { delta_hash, .. })) => Some(delta_hash),
            Ok(_) | Err(_) => None,
        });
        wanted.collect()
    }

    /// Whether the record has final revisions that the log does not have yet.
    pub(super) fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Whether the record was read whole after `at`.
    pub(super) fn was_read_since(&self, at: Instant) -> bool {
        self.read_at.is_some_and(|read_at| read_at > at)
    }

    pub(super) fn keep_body(&mut self, proposal: Proposal) {
        if self.bodies.len() >= BODIES_MAX {
            self.bodies.pop_first();
        }
        self.bodies.insert(proposal.batch.body.digest_keccak(), proposal);
    }
}

impl Context {
    /// Starts to read the record, if there is one and its chain is configured.
    pub(super) fn follow_chain(&mut self) {
        let genesis = self.replica.acl().signed_genesis();
        let Some(anchor) = create::anchor_of(genesis) else { return };
        let found = self.node.chain(&anchor.chain()).and_then(|chain| {
            let record = create::record_of(&*chain, genesis)?;
            Ok((chain, record))
        });
        let (chain, record) = match found {
            Ok(found) => found,
            Err(error) => {
                self.halted = Some(error.to_string());
                return;
            }
        };
        let poke = Arc::new(Notify::new());
        let reader = Reader {
            chain: Arc::clone(&chain),
            record,
            at: self.position(&*chain, &record),
            finality: self.replica.acl().genesis().policy.finality.into(),
            commands: self.commands.clone(),
            poke: Arc::clone(&poke),
            proven_at: None,
            is_midway: false,
        };
        self.work.spawn(reader.run());
        self.following = Some(Following {
            chain,
            record,
            backlog: VecDeque::new(),
            bodies: BTreeMap::new(),
            newest: None,
            final_rev: self.replica.acl().epoch(),
            provisional: Vec::new(),
            open: Open::default(),
            proven: None,
            read_at: None,
            error: None,
            poke,
        });
    }

    /// Where the log stands on the record: after the revision of its newest entry.
    fn position(&self, chain: &dyn Chain, record: &OnChainId) -> Position {
        let epoch = self.replica.acl().epoch();
        let stored = self.node.store.entry(&self.id, epoch).ok().flatten();
        let entry = stored.and_then(|bytes| row::parse::<Entry>(&bytes, "a log entry").ok());
        match entry.map(|entry| entry.order) {
            Some(Order::Chain(revision)) => Position::after(&revision),
            Some(Order::Owner { .. }) | None => chain.locator().start(record, 0),
        }
    }

    pub(super) async fn take_news(&mut self, news: News) {
        let Some(following) = &mut self.following else { return };
        match news {
            News::Read(reading) => {
                let Reading { revisions, proven, provisional, newest } = *reading;
                following.error = None;
                following.newest = newest;
                if let Some(proven) = proven {
                    following.read_at = Some(Instant::now());
                    following.proven = Some(proven);
                }
                if let Some(last) = revisions.last() {
                    following.final_rev = last.rev;
                }
                following.backlog.extend(revisions);
                self.show_provisional(&provisional);
            }
            News::Failed(error) => {
                tracing::warn!(context = ?self.id, %error, "the chain was not read");
                following.error = Some(error.to_string());
            }
        }
        self.look_at_proposals();
        self.sequence_backlog().await;
        self.advance_governing().await;
    }

    /// Shows what is not final yet, and says what of it the chain took back.
    fn show_provisional(&mut self, revisions: &[Revision]) {
        let Some(following) = &mut self.following else { return };
        let now: Vec<Provisional> = revisions.iter().map(provisional).collect();
        let before = std::mem::replace(&mut following.provisional, now.clone());
        let same = |one: &Provisional, other: &Provisional| {
            (one.rev, one.log_head) == (other.rev, other.log_head)
        };
        let is_new = |all: &[Provisional], one: &Provisional| !all.iter().any(|o| same(o, one));
        let final_rev = following.final_rev;
        let retracted = before.iter().filter(|one| one.rev > final_rev && is_new(&now, one));
        let added = now.iter().filter(|one| is_new(&before, one));
        let mut batch = Batch::new();
        for (kind, one) in
            retracted.map(|one| ("retracted", one)).chain(added.map(|one| ("provisional", one)))
        {
            let Provisional { rev, height, what, .. } = one;
            tracing::info!(context = ?self.id, rev, height, what, kind, "a revision is not final");
            let news = format!(r#"{{"rev":{rev},"height":{height},"what":"{what}"}}"#);
            batch.append_event(&self.id, event::bytes(kind, news.as_bytes()));
        }
        if !batch.is_empty()
            && let Err(error) = self.write(batch)
        {
            // It is shown all the same, in the status.
            tracing::error!(context = ?self.id, %error, "an event was not written");
        }
    }

    /// Turns final revisions into entries as long as what they need is here.
    pub(super) async fn sequence_backlog(&mut self) {
        while self.halted.is_none() {
            let Some(revision) = self.following.as_ref().and_then(|f| f.backlog.front()) else {
                return;
            };
            let revision = revision.clone();
            if revision.rev <= self.replica.acl().epoch() {
                self.drop_front();
                continue;
            }
            let body = match self.body_of(&revision) {
                Ok(body) => body,
                Err(Missing::Body) => return self.ask_for_body(),
                Err(Missing::Sense(why)) => {
                    self.halted = Some(why);
                    return;
                }
            };
            let epoch_before = self.replica.acl().epoch();
            let entry = Entry::ordered_by_chain(self.replica.acl(), revision, body);
            self.feed(Input::Sequenced(Box::new(entry))).await;
            if self.replica.acl().epoch() == epoch_before {
                if self.is_asking() {
                    return;
                }
                let rev = epoch_before.saturating_add(1);
                self.halted = Some(format!("revision {rev} does not fit the log of this node"));
                return;
            }
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        if let Some(following) = &mut self.following {
            following.backlog.pop_front();
        }
    }

    fn body_of(&self, revision: &Revision) -> Result<Option<Proposal>, Missing> {
        let happened = revision.happened();
        match happened.map_err(|denied| Missing::Sense(denied.to_string()))? {
            Happened::Done(Action::SetMembersRoot { delta_hash, .. }) => {
                self.known_batch(&delta_hash).map(Some).ok_or(Missing::Body)
            }
            _ => Ok(None),
        }
    }

    /// The batch that a contract commits to by `delta_hash`, if it is here.
    pub(super) fn known_batch(&self, delta_hash: &Hash) -> Option<Proposal> {
        let found = self.following.as_ref()?.bodies.get(delta_hash).cloned();
        found.or_else(|| {
            let bytes =
                self.node.store.local(&self.id, &row::proposal(delta_hash)).ok().flatten()?;
            row::parse(&bytes, "a proposal").ok()
        })
    }

    /// Asks the proven peers for the batches of revisions that are final already.
    fn ask_for_body(&mut self) {
        let after_epoch = self.replica.acl().epoch();
        let peers: Vec<_> = self.sessions.peers().cloned().collect();
        for peer in peers {
            self.send(peer, &Message::WantEntries { after_epoch });
        }
    }

    /// Keeps batches that may be what a revision commits to; the hash decides when it is read.
    pub(super) fn keep_bodies(&mut self, proposals: Vec<Proposal>) {
        let Some(following) = &mut self.following else { return };
        proposals.into_iter().for_each(|proposal| following.keep_body(proposal));
    }

    /// Keeps our own batch on disk until the chain has sequenced it: only we have it.
    pub(super) fn keep_proposal(&mut self, proposal: &Proposal) -> Result<(), store::StoreError> {
        let name = row::proposal(&proposal.batch.body.digest_keccak());
        let mut batch = Batch::new();
        batch.put_local(&self.id, &name, encode(proposal));
        self.node.store.write(batch, Durability::Synced)?;
        if let Some(following) = &mut self.following {
            following.keep_body(proposal.clone());
        }
        Ok(())
    }

    pub(super) fn anchor_status(&self) -> Option<AnchorStatus> {
        let following = self.following.as_ref()?;
        Some(AnchorStatus {
            locator: following.chain.locator().to_string(),
            record: following.record.to_string(),
            final_rev: following.final_rev,
            seen_rev: following.seen_rev().max(following.final_rev),
            provisional: following.provisional.clone(),
            trust: following.proven.map(|proven| proven.trust.to_string()),
            block: following.proven.map(|proven| proven.block),
            stale_secs: following.read_at.map(|at| at.elapsed().as_secs()),
            is_stale: self.is_stale(),
            faults: following.chain.faults().iter().map(ToString::to_string).collect(),
            error: following.error.clone(),
        })
    }

    /// Whether the chain was not read for so long that nobody may rely on who governs.
    pub(super) fn is_stale(&self) -> bool {
        let Some(following) = &self.following else { return false };
        let block_time_s = following.proven.map_or(0, |proven| proven.block.time_s);
        chain::is_stale(block_time_s, now().0 / 1_000)
    }

    /// What the chain side waits for, in words.
    pub(super) fn waiting_for_chain(&self) -> Vec<String> {
        let Some(following) = &self.following else { return Vec::new() };
        let mut waiting = Vec::new();
        if let Some(error) = &following.error {
            waiting.push(format!("the chain cannot be read: {error}"));
        }
        if self.is_asking() {
            waiting.push("the chain to say whether a contract signed for its account".to_owned());
        }
        if let Some(revision) = following.backlog.front() {
            let rev = revision.rev;
            waiting.push(format!("the batch of revision {rev} has not come from a member yet"));
        } else if following.seen_rev() > following.final_rev {
            let rev = following.final_rev.saturating_add(1);
            waiting.push(format!("finality of revision {rev}"));
        }
        waiting.extend(following.open.waiting());
        waiting
    }
}

/// What a revision that is not final says.
fn provisional(revision: &Revision) -> Provisional {
    let what = match revision.happened() {
        Ok(happened) => happened.to_string(),
        Err(_) => "something that this node does not understand".to_owned(),
    };
    let Revision { rev, log_head, .. } = *revision;
    Provisional { rev, log_head, what, height: revision.block.height }
}

/// Why a revision is not an entry yet.
enum Missing {
    Body,
    Sense(String),
}

/// Reads one record, over and over.
struct Reader {
    chain: Arc<dyn Chain>,
    record: OnChainId,
    at: Position,
    finality: Finality,
    commands: mpsc::WeakSender<Command>,
    poke: Arc<Notify>,
    /// When the record was last read whole.
    proven_at: Option<Instant>,
    /// Whether the last page was not the last one there is: a long history comes in several.
    is_midway: bool,
}

impl Reader {
    async fn run(mut self) {
        let mut pause = READ_INTERVAL;
        loop {
            let news = self.read().await;
            let failed = matches!(news, News::Failed(_));
            pause = if failed { (pause * 2).min(READ_INTERVAL_MAX) } else { READ_INTERVAL };
            let Some(commands) = self.commands.upgrade() else { return };
            if commands.send(Command::Chain(news)).await.is_err() {
                return;
            }
            drop(commands);
            if self.is_midway {
                continue;
            }
            tokio::select! {
                () = self.poke.notified() => {}
                () = self.chain.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn read(&mut self) -> News {
        self.is_midway = false;
        match self.reading().await {
            Ok(reading) => News::Read(Box::new(reading)),
            Err(error) => News::Failed(error),
        }
    }

    async fn reading(&mut self) -> Result<Reading, ChainError> {
        let newest = self.chain.head(&self.record, Finality::Latest).await?;
        let newest = newest.map(|head| head.head);
        let mut reading =
            Reading { revisions: Vec::new(), proven: None, provisional: Vec::new(), newest };
        let seen_rev = newest.map_or(0, |head| head.rev);
        let is_due = self.proven_at.is_none_or(|at| at.elapsed() >= PROVE_INTERVAL);
        if seen_rev <= self.at.rev && !is_due {
            return Ok(reading);
        }
        let page = self.chain.revisions(&self.record, &self.at, self.finality).await?;
        self.at = page.next;
        self.proven_at = page.head.map(|_| Instant::now());
        let is_last = page.is_last();
        self.is_midway = !is_last;
        (reading.revisions, reading.proven) = (page.revisions, page.head);
        if is_last && seen_rev > self.at.rev {
            let page = self.chain.revisions(&self.record, &self.at, Finality::Latest).await;
            // What is read as newest may have been undone meanwhile: the next turn sees.
            reading.provisional = page.map_or_else(|_| Vec::new(), |page| page.revisions);
        }
        Ok(reading)
    }
}

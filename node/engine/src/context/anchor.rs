//! Follows the contract's record of a context: final revisions become log entries, in order.
//!
//! A reading runs beside the context's task and reports what it found. A members revision needs its
//! batch, which travels between members: it waits here until the batch has come.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chain::{Chain, ChainError, Finality, Position};
use governance::{
    anchor::{Action, Happened, OnChainId},
    log::{Entry, Order, Proposal, Revision},
};
use store::{Batch, Durability};
use sync::{Input, Message};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use types::{Hash, encode};

use super::{Command, Context};
use crate::{create, request::AnchorStatus, row};

/// How often a quiet record is read.
const READ_INTERVAL: Duration = Duration::from_secs(1);
/// How long a reader waits at most after failures.
const READ_INTERVAL_MAX: Duration = Duration::from_secs(15);
/// Batches from peers that are kept for revisions not yet final.
const BODIES_MAX: usize = 256;

/// What a reading found.
#[derive(Debug)]
pub(crate) enum News {
    /// Final revisions, ascending, and the highest revision seen at all.
    Read { revisions: Vec<Revision>, seen_rev: u64 },
    /// It failed.
    Failed(ChainError),
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
    seen_rev: u64,
    final_rev: u64,
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

    /// The highest revision that was seen at all.
    pub(super) const fn seen_rev(&self) -> u64 {
        self.seen_rev
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
        };
        self.work.spawn(reader.run());
        self.following = Some(Following {
            chain,
            record,
            backlog: VecDeque::new(),
            bodies: BTreeMap::new(),
            seen_rev: 0,
            final_rev: self.replica.acl().epoch(),
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
            News::Read { revisions, seen_rev } => {
                following.read_at = Some(Instant::now());
                following.error = None;
                following.seen_rev = seen_rev;
                if let Some(last) = revisions.last() {
                    following.final_rev = last.rev;
                }
                following.backlog.extend(revisions);
            }
            News::Failed(error) => {
                tracing::warn!(context = ?self.id, %error, "the chain was not read");
                following.error = Some(error.to_string());
            }
        }
        self.sequence_backlog().await;
        self.advance_governing().await;
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
        let Some(following) = &self.following else { return Err(Missing::Body) };
        let happened = revision.happened();
        match happened.map_err(|denied| Missing::Sense(denied.to_string()))? {
            Happened::Done(Action::SetMembersRoot { delta_hash, .. }) => {
                let stored = || {
                    let name = row::proposal(&delta_hash);
                    let bytes = self.node.store.local(&self.id, &name).ok().flatten()?;
                    row::parse(&bytes, "a proposal").ok()
                };
                let found = following.bodies.get(&delta_hash).cloned().or_else(stored);
                found.map(Some).ok_or(Missing::Body)
            }
            _ => Ok(None),
        }
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
            final_rev: following.final_rev,
            seen_rev: following.seen_rev.max(following.final_rev),
            stale_secs: following.read_at.map(|at| at.elapsed().as_secs()),
            error: following.error.clone(),
        })
    }

    /// What the chain side waits for, in words.
    pub(super) fn waiting_for_chain(&self) -> Option<String> {
        let following = self.following.as_ref()?;
        if let Some(error) = &following.error {
            return Some(format!("the chain cannot be read: {error}"));
        }
        if let Some(revision) = following.backlog.front() {
            let rev = revision.rev;
            return Some(format!("the batch of revision {rev} has not come from a member yet"));
        }
        let rev = following.final_rev.saturating_add(1);
        (following.seen_rev >= rev).then(|| format!("finality of revision {rev}"))
    }
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
            tokio::select! {
                () = self.poke.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn read(&mut self) -> News {
        let seen_rev = match self.chain.head(&self.record, Finality::Latest).await {
            Ok(head) => head.map_or(0, |head| head.head.rev),
            Err(error) => return News::Failed(error),
        };
        if seen_rev <= self.at.rev {
            return News::Read { revisions: Vec::new(), seen_rev };
        }
        match self.chain.revisions(&self.record, &self.at, self.finality).await {
            Ok(page) => {
                self.at = page.next;
                News::Read { revisions: page.revisions, seen_rev }
            }
            Err(error) => News::Failed(error),
        }
    }
}

//! Carries out what the replica returns, in order: the one place where a context's rows change.

use std::collections::VecDeque;

use crdt::{Origin, Payload, Refold};
use governance::log::{Applied, Change, Entry};
use rand_core::OsRng;
use store::{Batch, Durability, FrontierRow};
use sync::{Delta, Head, Input, Message, Output, PeerId, Range, Rejection, Verified};
use types::{MemberKey, encode};

use super::{Context, now};
use crate::{error::EngineError, event, port::NetOutput, row};

/// Bytes of log entries in one message.
const ENTRIES_PAGE_BYTES: usize = 4 << 20;

/// What goes into the same store batch as a delta.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) batch: Batch,
    /// Kind and data of events.
    pub(super) events: Vec<(String, Vec<u8>)>,
}

/// One round of inputs and outputs.
#[derive(Default)]
struct Round {
    inputs: VecDeque<Input>,
    extra: Option<Extra>,
    /// Held back until what this node wrote is on disk.
    publish: Vec<NetOutput>,
    is_authored: bool,
    refused: Option<Rejection>,
}

impl Context {
    /// Gives the replica `input` and carries out everything that follows from it.
    pub(super) async fn feed(&mut self, input: Input) {
        let round = Round { inputs: [input].into(), ..Round::default() };
        let round = self.run_round(round).await;
        for output in round.publish {
            self.node.net(output).await;
        }
    }

    /// As [`Context::feed`] for this node's own delta. `done` hears of it once it is on disk, and
    /// peers hear of it no earlier.
    pub(super) async fn feed_authored(
        &mut self,
        input: Input,
        extra: Extra,
        done: impl FnOnce(Result<(), EngineError>) + Send + 'static,
    ) {
        let round = Round {
            inputs: [input].into(),
            extra: Some(extra),
            is_authored: true,
            ..Round::default()
        };
        let round = self.run_round(round).await;
        if let Err(error) = self.check_whole() {
            return done(Err(error));
        }
        if let Some(why) = round.refused {
            return done(Err(EngineError::Invalid(why.to_string())));
        }
        let node = std::sync::Arc::clone(&self.node);
        let publish = round.publish;
        self.node.store.on_durable(move |result| {
            if result.is_ok() {
                // Gossip is a hint: if the queue is full, anti-entropy delivers.
                let full = publish.into_iter().any(|output| !node.try_net(output));
                if full {
                    tracing::debug!("the network's queue is full");
                }
            }
            done(result.map_err(EngineError::from));
        });
    }

    /// Data goes on while the rules are halted, but not once a write has failed.
    pub(super) fn check_whole(&self) -> Result<(), EngineError> {
        match &self.halted {
            Some(why) if self.is_broken => Err(EngineError::NotReady(why.clone())),
            Some(_) | None => Ok(()),
        }
    }

    async fn run_round(&mut self, mut round: Round) -> Round {
        if self.is_broken {
            return round;
        }
        // Terminates: only look-ups and the root are given back, both bounded by the outputs.
        while let Some(input) = round.inputs.pop_front() {
            let outputs = self.replica.handle(now(), input, self.node.wallets());
            let mut is_changed = false;
            for output in outputs {
                is_changed |= matches!(output, Output::AppendDelta(_) | Output::Void { .. });
                if let Err(error) = self.carry_out(output, &mut round).await {
                    tracing::error!(context = ?self.id, %error, "the context is halted");
                    self.halted = Some(format!("this node cannot go on: {error}"));
                    self.is_broken = true;
                    round.publish.clear();
                    return round;
                }
            }
            if is_changed {
                round.inputs.push_back(Input::Root(self.root));
            }
        }
        round
    }

    async fn carry_out(&mut self, output: Output, round: &mut Round) -> Result<(), EngineError> {
        match output {
            Output::AppendDelta(delta) => {
                let extra = round.extra.take().unwrap_or_default();
                self.append_delta(delta, extra)?;
            }
            Output::AppendEntry(entry, applied) => {
                self.append_entry(&entry, &applied, round).await?;
            }
            Output::Void { author, head } => self.void(author, head)?,
            Output::KeepFork(proof) => {
                let mut batch = Batch::new();
                batch.put_local(&self.id, &row::fork(&proof.author()), encode(&*proof));
                self.node.store.write(batch, Durability::Relaxed)?;
            }
            Output::LookUp { author, seq } => {
                if let Some(delta) = self.delta(&author, seq)? {
                    round.inputs.push_back(Input::Held(Box::new(delta)));
                }
            }
            Output::Publish(message) => self.publish(&message, round),
            Output::Send { to, message } => self.send(to.as_bytes().to_vec(), &message),
            Output::SendDeltas { to, request, ranges } => self.send_deltas(&to, request, &ranges),
            Output::SendEntries { to, after_epoch } => {
                let entries = self.log_page(after_epoch)?;
                self.send(to.as_bytes().to_vec(), &Message::Entries(entries));
            }
            Output::Bodies(proposals) => self.keep_bodies(proposals),
            Output::Propose(proposal) => {
                // Before admins approve it on the chain they look at it.
                self.keep_bodies(vec![(*proposal).clone()]);
                self.proposed.push_back(*proposal);
            }
            Output::Expel(peer) => self.expel(&peer).await,
            Output::Reject { from, why } => self.refuse(from, why, round),
            Output::InSync(peer) => tracing::debug!(context = ?self.id, ?peer, "in sync"),
            Output::Diverged(peer) => {
                tracing::error!(context = ?self.id, ?peer, "same log and deltas, another root");
            }
            Output::WakeAt(at) => self.wake_at = Some(at),
        }
        Ok(())
    }

    /// One store batch: the delta, its author's head, what it does to the state, its event.
    fn append_delta(&mut self, delta: Verified, extra: Extra) -> Result<(), EngineError> {
        let id = delta.id();
        let delta = delta.into_delta();
        let body = &delta.body;
        let origin = Origin { author: body.author, seq: body.seq, hlc: body.hlc };
        let view = self.node.store.state(&self.id);
        let payload = payload_of(&delta);
        let merged = crdt::merge(&view, &payload, &origin)
            .map_err(|error| EngineError::State(error.to_string()))?;
        let Extra { mut batch, events } = extra;
        batch.write_state(&self.id, merged.writes);
        batch.append_delta(&self.id, &body.author, body.seq, encode(&delta));
        batch.put_frontier(&self.id, &body.author, FrontierRow { seq: body.seq, id });
        for (kind, data) in events {
            batch.append_event(&self.id, event::bytes(&kind, &data));
        }
        let news = format!(
            r#"{{"author":"{}","seq":{},"delta":"{id}","root":"{}"}}"#,
            body.author, body.seq, merged.root
        );
        batch.append_event(&self.id, event::bytes("delta", news.as_bytes()));
        self.write(batch)?;
        self.root = merged.root;
        Ok(())
    }

    /// Writes what a call leaves when it changes nothing that is shared.
    pub(super) fn write_extra(&self, extra: Extra) -> Result<(), EngineError> {
        let Extra { mut batch, events } = extra;
        for (kind, data) in events {
            batch.append_event(&self.id, event::bytes(&kind, &data));
        }
        if batch.is_empty() { Ok(()) } else { self.write(batch) }
    }

    /// Writes rows whose loss a peer or a reading makes good, and tells of new events.
    pub(super) fn write(&self, batch: Batch) -> Result<(), EngineError> {
        let written = self.node.store.write(batch, Durability::Relaxed)?;
        if let Some(last) = written.events.last() {
            self.events.send_replace(*last);
        }
        Ok(())
    }

    async fn append_entry(
        &mut self,
        entry: &Entry,
        applied: &Applied,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        let mut batch = Batch::new();
        batch.append_entry(&self.id, entry.epoch, encode(entry));
        let news = format!(
            r#"{{"epoch":{},"entry":"{}","added":{},"removed":{}}}"#,
            applied.epoch,
            applied.id,
            applied.added.len(),
            applied.removed.len()
        );
        batch.append_event(&self.id, event::bytes("members", news.as_bytes()));
        if let Some(body) = &entry.batch {
            // Kept until now because only this node may have had it.
            batch.delete_local(&self.id, &row::proposal(&body.body.digest_keccak()));
        }
        let secret = self.take_envelope(entry);
        if let Some((key_epoch, secret)) = &secret {
            let keystore = &self.node.keystore;
            keystore.put_epoch_secret(&mut batch, &self.id, *key_epoch, secret, &mut OsRng);
        }
        // On disk before anybody hears of it: the owner must not sign another one for this epoch
        // after a crash.
        let written = self.node.store.write(batch, Durability::Synced)?;
        if let Some(last) = written.events.last() {
            self.events.send_replace(*last);
        }
        if secret.is_some() {
            // Gossip is under a key from here on that the others have from this entry alone. A
            // member that it removes still has its session, and may read what removes it.
            let peers: Vec<_> = self.sessions.peers().cloned().collect();
            for peer in peers {
                self.send(peer, &Message::Entries(vec![entry.clone()]));
            }
        }
        self.secrets.extend(secret);
        tracing::info!(context = ?self.id, epoch = applied.epoch, "an entry was sequenced");
        self.note_bindings(entry);
        self.bid_farewell(&applied.removed);
        if applied.removed.contains(&self.me.secret.public()) {
            self.forget_secrets()?;
            let gone = self.end_sessions().into_iter();
            let gone = gone.map(|peer| Input::PeerLeft(PeerId::from_bytes(&peer)));
            round.inputs.extend(gone);
        }
        self.join_topic().await;
        self.node.greet_all();
        Ok(())
    }

    fn take_envelope(&self, entry: &Entry) -> Option<(u32, types::seal::EpochSecret)> {
        let envelopes = entry.envelopes.as_ref()?;
        let envelope = envelopes.for_member(&self.me.secret.public())?;
        match envelope.unwrap(&self.id, envelopes.key_epoch, &self.me.exchange) {
            Ok(secret) => Some((envelopes.key_epoch, secret)),
            Err(error) => {
                tracing::error!(context = ?self.id, %error, "an envelope for us does not open");
                None
            }
        }
    }

    /// Who is removed keeps no key of the context.
    fn forget_secrets(&mut self) -> Result<(), EngineError> {
        let mut batch = Batch::new();
        for key_epoch in self.secrets.keys() {
            self.node.keystore.delete_epoch_secret(&mut batch, &self.id, *key_epoch);
        }
        self.secrets.clear();
        self.node.store.write(batch, Durability::Synced)?;
        tracing::warn!(context = ?self.id, "this node's member was removed");
        Ok(())
    }

    /// Takes an author's deltas past `head` back: quarantine, head and the touched keys at once.
    fn void(&mut self, author: MemberKey, head: Head) -> Result<(), EngineError> {
        let store = &self.node.store;
        let mut voided = Vec::new();
        let rows = store.deltas_after(&self.id, &author, head.seq, u64::MAX, usize::MAX)?;
        for stored in rows {
            let delta: Delta = row::parse(&stored.bytes, "a delta")?;
            voided.push((origin_of(&delta), payload_of(&delta)));
        }
        let voided_count = voided.len();
        let mut refold = Refold::new(voided);
        for stored in store.deltas(&self.id)? {
            let delta: Delta = row::parse(&stored?.bytes, "a delta")?;
            if delta.body.author != author || delta.body.seq <= head.seq {
                refold.keep(&origin_of(&delta), &payload_of(&delta));
            }
        }
        let merged = refold
            .finish(&store.state(&self.id))
            .map_err(|error| EngineError::State(error.to_string()))?;
        let mut batch = Batch::new();
        batch.void_deltas(&self.id, &author, head.seq);
        if head.seq == 0 {
            batch.delete_frontier(&self.id, &author);
        } else {
            batch.put_frontier(&self.id, &author, FrontierRow { seq: head.seq, id: head.id });
        }
        batch.write_state(&self.id, merged.writes);
        let news = format!(r#"{{"author":"{author}","after_seq":{}}}"#, head.seq);
        batch.append_event(&self.id, event::bytes("voided", news.as_bytes()));
        self.write(batch)?;
        self.root = merged.root;
        tracing::warn!(context = ?self.id, ?author, voided_count, "deltas were taken back");
        Ok(())
    }

    fn delta(&self, author: &MemberKey, seq: u64) -> Result<Option<Delta>, EngineError> {
        let bytes = self.node.store.delta(&self.id, author, seq)?;
        bytes.map(|bytes| row::parse(&bytes, "a delta")).transpose()
    }

    fn publish(&self, message: &Message, round: &mut Round) {
        // Without a peer there is nobody to hear it; who comes later compares frontiers.
        if self.sessions.len() == 0 {
            return;
        }
        let Some((topic, bytes)) = self.gossip_frame(message) else { return };
        round.publish.push(NetOutput::Publish(topic, bytes));
    }

    fn send_deltas(&mut self, to: &PeerId, request: u32, ranges: &[Range]) {
        let deltas = sync::page(ranges, |author, seq| match self.delta(author, seq) {
            Ok(delta) => delta,
            Err(error) => {
                tracing::error!(context = ?self.id, %error, "a delta cannot be read");
                None
            }
        });
        self.send(to.as_bytes().to_vec(), &Message::Deltas { request, deltas });
    }

    /// The log after `after_epoch`, as much as one message holds.
    pub(super) fn log_page(&self, after_epoch: u64) -> Result<Vec<Entry>, EngineError> {
        let store = &self.node.store;
        let (limit, bytes_max) = (sync::PAGE_MAX_ENTRIES, ENTRIES_PAGE_BYTES);
        let rows = store.entries_after(&self.id, Some(after_epoch), limit, bytes_max)?;
        rows.iter().map(|stored| row::parse(&stored.bytes, "a log entry")).collect()
    }

    /// The newest page of the log up to the entry that removed `member`.
    pub(super) fn log_until_removal(&self, member: &MemberKey) -> Result<Vec<Entry>, EngineError> {
        let mut page: Vec<Entry> = Vec::new();
        let mut after_epoch = 0;
        // Terminates: each turn reads the entries after the last one read.
        loop {
            let entries = self.log_page(after_epoch)?;
            let Some(last) = entries.last() else { return Ok(Vec::new()) };
            after_epoch = last.epoch;
            for entry in entries {
                let is_removal = removes(&entry, member);
                page.push(entry);
                if is_removal {
                    let start = page.len().saturating_sub(sync::PAGE_MAX_ENTRIES);
                    return Ok(page.split_off(start));
                }
            }
        }
    }

    fn refuse(&self, from: Option<PeerId>, why: Rejection, round: &mut Round) {
        match from {
            Some(peer) => tracing::debug!(context = ?self.id, ?peer, %why, "refused"),
            None if round.is_authored => round.refused = Some(why),
            None => tracing::warn!(context = ?self.id, %why, "refused"),
        }
    }
}

fn removes(entry: &Entry, member: &MemberKey) -> bool {
    let changes = entry.batch.iter().flat_map(|batch| &batch.body.changes);
    changes
        .into_iter()
        .any(|change| matches!(change, Change::Remove { member: gone } if gone == member))
}

fn origin_of(delta: &Delta) -> Origin {
    Origin { author: delta.body.author, seq: delta.body.seq, hlc: delta.body.hlc }
}

/// The operations of a delta. A payload that does not parse counts as none, on every node alike:
/// its author is a member who may write, and harms only its own words.
fn payload_of(delta: &Delta) -> Payload {
    Payload::decode(&delta.body.payload).unwrap_or_else(|error| {
        tracing::warn!(author = ?delta.body.author, %error, "a payload does not parse");
        Payload::default()
    })
}

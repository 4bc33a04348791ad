//! Who of the connected peers proved to be a member, and what may be said to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use governance::log::{Action, Entry, Verdict};
use sync::{Input, Message, PeerId};
use tokio::sync::oneshot;
use types::{MemberKey, TopicId, encode, seal};

use super::{Command, Context};
use crate::{
    node::Node,
    port::{Judgement, NetOutput},
    router,
    wire::{Ask, Greeting, Introduction, Peer, Tell},
};

/// Messages on their way to peers at once; what exceeds it is dropped, and anti-entropy asks again.
const SENDS_AT_ONCE_MAX: usize = 64;

/// Shut-out members that are remembered; a batch removes no more.
const SHUT_OUT_MAX: usize = 256;

/// The proven peers of one context.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    peers: BTreeMap<Peer, Session>,
    topic: Option<TopicId>,
    /// Peers of members that were shut out, until they are told by which entry.
    shut_out: BTreeMap<MemberKey, Peer>,
    /// Peers that were told already, while they stay connected.
    told: BTreeSet<Peer>,
    /// Peers that were asked for the log, while they stay connected.
    asked: BTreeSet<Peer>,
}

#[derive(Debug)]
struct Session {
    member: MemberKey,
}

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    pub(crate) fn contains(&self, peer: &Peer) -> bool {
        self.peers.contains_key(peer)
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.keys()
    }
}

impl Context {
    pub(super) async fn take_from_peer(&mut self, command: Command) {
        match command {
            Command::Introduce { to, reply } => {
                let needed = !self.sessions.contains(&to);
                drop(reply.send(needed.then(|| self.introduction(&to)).flatten()));
            }
            Command::Greeted { from, greeting, reply } => {
                let answer = match self.admit(&from, &greeting).await {
                    true => self.introduction(&from),
                    false => None,
                };
                drop(reply.send(answer));
            }
            Command::Welcomed { from, greeting } => {
                let holds = self.admit(&from, &greeting).await;
                tracing::debug!(context = ?self.id, holds, "a peer welcomed us");
            }
            Command::Gossip { topic, from, id, sealed } => {
                let judgement = self.gossip(from, &sealed).await;
                self.node.net(NetOutput::Judge { topic, id, judgement }).await;
            }
            // It hears gossip from now on: say where we stand.
            Command::Meshed => self.feed(Input::Tick).await,
            // Its key is ahead of ours: the entry that hands it out comes first.
            Command::Sealed { from, sealed } if self.is_ahead(&sealed) => self.ask_log(from),
            Command::Sealed { from, sealed } => {
                if let Some(message) = self.open(&from, &sealed) {
                    self.receive(from, message).await;
                }
            }
            Command::Log { from, message } => self.take_log(from, &message).await,
            Command::Blob { from, app, offset, reply } => {
                drop(reply.send(self.blob(&from, app, offset)));
            }
            Command::PeerLeft(peer) => self.leave(&peer).await,
            // Not from peers: `Context::take` sends none of them here.
            _ => {}
        }
    }

    /// What proves this node's member to `to`; `None` once it is no member.
    ///
    /// One whose admission is not read yet proves itself all the same: the other side judges.
    fn introduction(&self, to: &Peer) -> Option<Vec<u8>> {
        if self.replica.acl().was_removed(&self.me.secret.public()) {
            return None;
        }
        let introduction = Introduction::new(&self.id, self.node.peer(), to, &self.me.secret);
        introduction.seal(&self.id, &mut self.rng())
    }

    /// Starts a session with `from` if its introduction proves a member who may read now.
    async fn admit(&mut self, from: &Peer, greeting: &Greeting) -> bool {
        let Some(introduction) = Introduction::open(&self.id, &greeting.introduction) else {
            return false;
        };
        let member = introduction.member;
        let proven = introduction.holds(&self.id, from, self.node.peer());
        if proven && self.replica.acl().was_removed(&member) {
            self.tell_removal(from.clone(), &member);
        }
        let allowed = matches!(self.replica.acl().may_now(&member, Action::Read), Verdict::Allow);
        // Before our own admission is read we know few members: whoever answers may know more.
        if proven && self.role().is_none() {
            self.ask_log(from.clone());
        }
        let is_out = self.replica.acl().was_removed(&self.me.secret.public());
        if !proven || !allowed || is_out {
            return false;
        }
        if self.sessions.peers.get(from).is_some_and(|session| session.member == member) {
            return true;
        }
        self.sessions.peers.insert(from.clone(), Session { member });
        if let Some(topic) = self.sessions.topic {
            self.node.net(NetOutput::Admit(topic, from.clone())).await;
        }
        tracing::debug!(context = ?self.id, ?member, "a member's peer is here");
        self.feed(Input::PeerJoined { peer: PeerId::from_bytes(from), member }).await;
        self.fetch_app();
        true
    }

    /// Tells the members whom an entry removed that it did: the last they hear of the context.
    pub(super) fn bid_farewell(&mut self, removed: &BTreeSet<MemberKey>) {
        for member in removed {
            if let Some(peer) = self.sessions.shut_out.remove(member) {
                self.tell_removal(peer, member);
            }
        }
    }

    /// Sends a removed member the log up to its removal, which was its own to read, once.
    fn tell_removal(&mut self, peer: Peer, member: &MemberKey) {
        if self.work.len() >= SENDS_AT_ONCE_MAX || !self.sessions.told.insert(peer.clone()) {
            return;
        }
        let entries = match self.log_until_removal(member) {
            Ok(entries) if !entries.is_empty() => entries,
            Ok(_) => return,
            Err(error) => {
                tracing::error!(context = ?self.id, %error, "the log cannot be read");
                return;
            }
        };
        let room = seal::rendezvous_tag(&self.id, self.node.peer(), &peer);
        let ask = Ask::Log { room, message: Message::Entries(entries).encode() };
        let node = Arc::clone(&self.node);
        self.work.spawn(async move {
            if router::ask(&node, &peer, &ask).await.is_none() {
                tracing::debug!("a removed member was not told");
            }
        });
    }

    /// No longer a member: nobody has a session with us, and we have none. The peers that had one.
    pub(super) fn end_sessions(&mut self) -> Vec<Peer> {
        std::mem::take(&mut self.sessions.peers).into_keys().collect()
    }

    async fn leave(&mut self, peer: &Peer) {
        self.sessions.told.remove(peer);
        self.sessions.asked.remove(peer);
        if self.sessions.peers.remove(peer).is_some() {
            self.feed(Input::PeerLeft(PeerId::from_bytes(peer))).await;
        }
    }

    /// Ends the session of a peer whose member may no longer read. The replica has forgotten it.
    pub(super) async fn expel(&mut self, peer: &PeerId) {
        let peer = peer.as_bytes().to_vec();
        let ended = self.sessions.peers.remove(&peer);
        if let Some(session) = ended.filter(|_| self.sessions.shut_out.len() < SHUT_OUT_MAX) {
            self.sessions.shut_out.insert(session.member, peer.clone());
        }
        if let Some(topic) = self.sessions.topic {
            self.node.net(NetOutput::Expel(topic, peer)).await;
        }
    }

    /// Takes part in the topic of the newest key epoch, with every proven peer, and in no other.
    pub(super) async fn join_topic(&mut self) {
        let member = self.role().is_some();
        let secret = self.secrets.last_key_value().filter(|_| member).map(|(_, secret)| secret);
        let topic = secret.map(|secret| secret.topic(&self.id));
        if topic == self.sessions.topic {
            return;
        }
        if let Some(old) = self.sessions.topic.take() {
            self.node.drop_topic(&old);
            self.node.net(NetOutput::Unsubscribe(old)).await;
        }
        let Some(topic) = topic else { return };
        self.node.set_topic(self.id, topic);
        self.sessions.topic = Some(topic);
        self.node.net(NetOutput::Subscribe(topic)).await;
        for peer in self.sessions.peers.keys() {
            self.node.net(NetOutput::Admit(topic, peer.clone())).await;
        }
    }

    async fn gossip(&mut self, from: Peer, sealed: &seal::Sealed) -> Judgement {
        // An older or newer epoch is no fault: its sender may be ahead of us or behind.
        let known = self.secrets.contains_key(&sealed.key_epoch);
        let message = self.open(&from, sealed);
        let judgement = match (&message, known) {
            (Some(_), _) => Judgement::Accept,
            (None, true) => Judgement::Reject,
            (None, false) => Judgement::Ignore,
        };
        if let Some(message) = message {
            self.receive(from, message).await;
        }
        judgement
    }

    async fn receive(&mut self, from: Peer, message: Message) {
        if self.sessions.contains(&from) {
            self.feed(Input::Received { from: PeerId::from_bytes(&from), message }).await;
        }
    }

    /// The message inside; `None` for what is not sealed under a key that counts.
    ///
    /// Only the newest epoch's key counts, and the one before for what was under way at the change:
    /// who was removed earlier cannot speak with an old key.
    fn open(&self, from: &Peer, sealed: &seal::Sealed) -> Option<Message> {
        let newest = *self.secrets.last_key_value()?.0;
        if !self.sessions.contains(from) || sealed.key_epoch.saturating_add(1) < newest {
            return None;
        }
        let secret = self.secrets.get(&sealed.key_epoch)?;
        let plain = secret.open(&self.id, sealed).ok()?;
        Message::decode(&plain).ok()
    }

    async fn take_log(&mut self, from: Peer, message: &[u8]) {
        match Message::decode(message) {
            // Entries prove themselves, or are matched with what the chain committed to. They are
            // taken from a peer without a session too: it may know more of the log than we do.
            Ok(Message::Entries(entries)) if !self.sessions.contains(&from) => {
                let entries = self.believable(&from, entries);
                self.take_entries(entries).await;
            }
            Ok(
                message
                @ (Message::Entries(_) | Message::WantEntries { .. } | Message::Proposal(_)),
            ) => {
                self.receive(from, message).await;
            }
            Ok(_) | Err(_) => tracing::debug!(context = ?self.id, "a peer sent no log message"),
        }
    }

    /// Of a stranger's entries those that the chain has committed to; all of a peer that was asked.
    fn believable(&self, from: &Peer, mut entries: Vec<Entry>) -> Vec<Entry> {
        if let Some(following) = &self.following
            && !self.sessions.asked.contains(from)
        {
            let wanted = following.wanted();
            entries.retain(|entry| {
                let batch = entry.batch.as_ref();
                batch.is_some_and(|batch| wanted.contains(&batch.body.digest_keccak()))
            });
        }
        entries
    }

    fn is_ahead(&self, sealed: &seal::Sealed) -> bool {
        self.secrets.last_key_value().is_none_or(|(newest, _)| sealed.key_epoch > *newest)
    }

    /// Asks `peer` for the log after ours, with or without a session.
    fn ask_log(&mut self, peer: Peer) {
        if self.work.len() >= SENDS_AT_ONCE_MAX {
            return;
        }
        self.sessions.asked.insert(peer.clone());
        let message = Message::WantEntries { after_epoch: self.replica.acl().epoch() }.encode();
        let room = seal::rendezvous_tag(&self.id, self.node.peer(), &peer);
        let node = Arc::clone(&self.node);
        self.work.spawn(async move {
            let told = router::ask(&node, &peer, &Ask::Log { room, message }).await;
            tracing::debug!(is_taken = told.is_some(), "asked for the log");
        });
    }

    /// Sends `message` to one peer, sealed unless it is about the log, beside the task.
    pub(super) fn send(&mut self, to: Peer, message: &Message) {
        if self.work.len() >= SENDS_AT_ONCE_MAX || !self.sessions.contains(&to) {
            tracing::debug!(context = ?self.id, "not sent: too much is under way, or no session");
            return;
        }
        let Some(ask) = self.frame(&to, message) else { return };
        let (node, commands) = (Arc::clone(&self.node), self.commands.clone());
        let must_rest = matches!(message, Message::Deltas { .. });
        self.work.spawn(async move {
            // Our own deltas leave this node no earlier than they are on disk, or a crash would
            // make us write another one in their place.
            if must_rest && !is_durable(&node).await {
                return;
            }
            // Refused: the session is gone over there, by a restart or a removal. Begin anew.
            if matches!(router::ask(&node, &to, &ask).await, Some(Tell::Refused)) {
                if let Some(commands) = commands.upgrade() {
                    drop(commands.send(Command::PeerLeft(to)).await);
                }
                node.greet_all();
            }
        });
    }

    fn frame(&self, to: &Peer, message: &Message) -> Option<Ask> {
        let room = seal::rendezvous_tag(&self.id, self.node.peer(), to);
        let message_bytes = message.encode();
        match message {
            Message::Entries(_) | Message::WantEntries { .. } | Message::Proposal(_) => {
                Some(Ask::Log { room, message: message_bytes })
            }
            _ => {
                let (key_epoch, secret) = self.secrets.last_key_value()?;
                let sealed = secret.seal(&self.id, *key_epoch, &message_bytes, &mut self.rng());
                Some(Ask::Sync { room, sealed: sealed.ok()? })
            }
        }
    }

    /// What goes out by gossip: the topic and the sealed bytes; `None` before there is a key.
    pub(super) fn gossip_frame(&self, message: &Message) -> Option<(TopicId, Vec<u8>)> {
        let topic = self.sessions.topic?;
        let (key_epoch, secret) = self.secrets.last_key_value()?;
        let sealed = secret.seal(&self.id, *key_epoch, &message.encode(), &mut self.rng()).ok()?;
        Some((topic, encode(&sealed)))
    }
}

/// Returns once everything written so far is on disk; whether it is.
async fn is_durable(node: &Node) -> bool {
    let (done, synced) = oneshot::channel();
    let store = node.store.clone();
    // The queue of waiters may be full, which blocks.
    let queued = tokio::task::spawn_blocking(move || {
        store.on_durable(move |result| {
            if done.send(result.is_ok()).is_err() {
                tracing::debug!("nobody waits for the disk any more");
            }
        });
    });
    queued.await.is_ok() && matches!(synced.await, Ok(true))
}

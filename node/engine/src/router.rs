//! Carries what the network says to the contexts it concerns, and greets new peers.
//!
//! One task. It decides nothing about membership: contexts answer introductions, the router only
//! remembers which [`Tag`] means which context towards which peer.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use types::{decode, encode, seal};

use crate::{
    context::{Command, ContextHandle},
    join,
    node::Node,
    port::{Judgement, NetInput, NetOutput},
    wire::{Ask, GREETING_ROOMS_MAX, Greeting, MESSAGE_MAX_BYTES, Peer, Tag, Tell},
};

/// Requests of peers that are worked on at once; further ones wait in the network's queue.
const REQUESTS_AT_ONCE_MAX: usize = 64;
/// How often peers without a session are greeted anew: they may have learnt of us meanwhile.
const GREET_INTERVAL: Duration = Duration::from_secs(10);
/// How soon they are greeted when something has changed.
const GREET_DELAY: Duration = Duration::from_millis(250);
/// Longest gossip message, in bytes, as the network bounds it too.
const GOSSIP_MAX_BYTES: usize = 64 << 10;

/// The task's state.
#[derive(Debug)]
pub(crate) struct Router {
    node: Arc<Node>,
    inbox: mpsc::Receiver<NetInput>,
    work: JoinSet<()>,
    slots: Arc<Semaphore>,
}

impl Router {
    pub(crate) fn new(node: Arc<Node>, inbox: mpsc::Receiver<NetInput>) -> Self {
        let slots = Arc::new(Semaphore::new(REQUESTS_AT_ONCE_MAX));
        Self { node, inbox, work: JoinSet::new(), slots }
    }

    /// Runs until the network or the engine is gone.
    pub(crate) async fn run(mut self) {
        let mut asked = self.node.greet_requests();
        let mut due = Instant::now() + GREET_INTERVAL;
        loop {
            tokio::select! {
                input = self.inbox.recv() => match input {
                    Some(input) => self.take(input).await,
                    None => break,
                },
                // Many requests in a short time are answered by one round.
                changed = asked.changed() => match changed {
                    Ok(()) => due = due.min(Instant::now() + GREET_DELAY),
                    Err(_) => break,
                },
                () = tokio::time::sleep_until(due) => {
                    self.greet_everybody();
                    due = Instant::now() + GREET_INTERVAL;
                }
                Some(_) = self.work.join_next(), if !self.work.is_empty() => {}
            }
        }
        self.work.shutdown().await;
    }

    async fn take(&mut self, input: NetInput) {
        match input {
            NetInput::Connected(peer) => {
                self.node.meet(&peer);
                self.greet(peer);
            }
            NetInput::Disconnected(peer) => {
                self.node.part(&peer);
                let contexts = self.node.contexts();
                self.work.spawn(async move {
                    for context in contexts {
                        context.send(Command::PeerLeft(peer.clone())).await;
                    }
                });
            }
            NetInput::Request { from, bytes, reply } => self.answer(from, bytes, reply),
            NetInput::Gossip { topic, from, id, bytes } => {
                let judged =
                    match (self.node.context_of_topic(&topic), decode(&bytes, GOSSIP_MAX_BYTES)) {
                        (Some(context), Ok(sealed)) => {
                            let command = Command::Gossip { topic, from, id, sealed };
                            if context.try_send(command) { return } else { Judgement::Ignore }
                        }
                        (None, _) => Judgement::Ignore,
                        (Some(_), Err(_)) => Judgement::Reject,
                    };
                self.node.net(NetOutput::Judge { topic, id, judgement: judged }).await;
            }
            NetInput::Joined(topic, _) => {
                if let Some(context) = self.node.context_of_topic(&topic) {
                    // A hint: the next heartbeat makes it good.
                    let is_told = context.try_send(Command::Meshed);
                    tracing::debug!(is_told, "a peer joined a topic");
                }
            }
            NetInput::Listening(addresses) => self.node.set_listen(addresses),
        }
    }

    fn greet_everybody(&mut self) {
        for peer in self.node.peers() {
            self.greet(peer);
        }
    }

    fn greet(&mut self, peer: Peer) {
        let node = Arc::clone(&self.node);
        self.work.spawn(async move { greet(&node, peer).await });
    }

    fn answer(&mut self, from: Peer, bytes: Vec<u8>, reply: oneshot::Sender<Vec<u8>>) {
        // Full: dropping `reply` refuses, and the asker comes again.
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return };
        let node = Arc::clone(&self.node);
        self.work.spawn(async move {
            let tell = match Ask::decode(&bytes) {
                Ok(ask) => answer(&node, from, ask).await,
                Err(_) => Tell::Refused,
            };
            // The asker may have gone away meanwhile; then nobody misses the answer.
            drop(reply.send(encode(&tell)));
            drop(slot);
        });
    }
}

/// Introduces this node's members to `peer`, room by room, and hands contexts what it answers.
async fn greet(node: &Arc<Node>, peer: Peer) {
    let contexts = node.contexts();
    for page in contexts.chunks(GREETING_ROOMS_MAX) {
        let mut greetings = Vec::with_capacity(page.len());
        let mut rooms: HashMap<Tag, ContextHandle> = HashMap::with_capacity(page.len());
        for context in page {
            let Some(greeting) = introduce(node, context, &peer).await else { continue };
            rooms.insert(greeting.room, context.clone());
            greetings.push(greeting);
        }
        if greetings.is_empty() {
            continue;
        }
        let Some(Tell::Welcome(welcomes)) = ask(node, &peer, &Ask::Hello(greetings)).await else {
            continue;
        };
        for welcome in welcomes {
            if let Some(context) = rooms.remove(&welcome.room) {
                let command = Command::Welcomed { from: peer.clone(), greeting: welcome };
                context.send(command).await;
            }
        }
    }
}

async fn introduce(node: &Node, context: &ContextHandle, peer: &Peer) -> Option<Greeting> {
    let (reply, answer) = oneshot::channel();
    context.send(Command::Introduce { to: peer.clone(), reply }).await;
    let introduction = answer.await.ok()??;
    let room = seal::rendezvous_tag(&context.id(), node.peer(), peer);
    Some(Greeting { room, introduction })
}

/// Asks `peer`; `None` if it did not answer or what came was none.
pub(crate) async fn ask(node: &Node, peer: &Peer, ask: &Ask) -> Option<Tell> {
    let (reply, answer) = oneshot::channel();
    let bytes = encode(ask);
    if bytes.len() > MESSAGE_MAX_BYTES {
        tracing::warn!(size = bytes.len(), "not sent: a message over the limit");
        return None;
    }
    node.net(NetOutput::Request { to: peer.clone(), bytes, reply }).await;
    match answer.await.ok()? {
        Ok(bytes) => Tell::decode(&bytes).ok(),
        Err(error) => {
            tracing::debug!(error, "a peer did not answer");
            None
        }
    }
}

async fn answer(node: &Arc<Node>, from: Peer, ask: Ask) -> Tell {
    match ask {
        Ask::Hello(greetings) => welcome(node, from, greetings).await,
        Ask::Sync { room, sealed } => {
            deliver(node, &from, room, |from| Command::Sealed { from, sealed })
        }
        Ask::Log { room, message } => {
            deliver(node, &from, room, |from| Command::Log { from, message })
        }
        Ask::Blob { room, app, offset } => {
            let Some(context) = node.context_of_tag(&from, &room) else { return Tell::Refused };
            let (reply, answer) = oneshot::channel();
            context.send(Command::Blob { from, app, offset, reply }).await;
            answer.await.unwrap_or(Tell::Refused)
        }
        Ask::Join { invitation, claim } => join::claimed(node, *invitation, *claim).await,
        Ask::JoinStatus(question) => join::asked(node, &from, question).await,
    }
}

fn deliver(node: &Node, from: &Peer, room: Tag, command: impl FnOnce(Peer) -> Command) -> Tell {
    match node.context_of_tag(from, &room) {
        // Full is not «no session»: what is dropped here is asked for again.
        Some(context) => {
            let is_taken = context.try_send(command(from.clone()));
            tracing::trace!(is_taken, "a message for a context");
            Tell::Ack
        }
        None => Tell::Refused,
    }
}

async fn welcome(node: &Arc<Node>, from: Peer, greetings: Vec<Greeting>) -> Tell {
    let mut welcomes = Vec::new();
    for greeting in greetings.into_iter().take(GREETING_ROOMS_MAX) {
        let Some(context) = node.context_of_tag(&from, &greeting.room) else { continue };
        let room = greeting.room;
        let (reply, answer) = oneshot::channel();
        context.send(Command::Greeted { from: from.clone(), greeting, reply }).await;
        if let Ok(Some(introduction)) = answer.await {
            welcomes.push(Greeting { room, introduction });
        }
    }
    Tell::Welcome(welcomes)
}

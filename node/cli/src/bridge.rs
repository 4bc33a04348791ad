//! Joins the engine and the network: what one tells is carried out by the other.
//!
//! Two tasks, one each way, between bounded channels. The network takes commands even while its
//! events wait, so that the two cannot block each other.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use engine::port::{Judgement, NetInput, NetOutput};
use net::{Address, NetError, NetEvent, NetHandle, Peer, Verdict};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
};
use types::TopicId;

use crate::failure;

/// How long a dial may take until it counts as failed; the network tries on by itself.
const DIAL_LIMIT: Duration = Duration::from_secs(10);
/// Requests and dials under way at most; further ones fail at once, and their senders try again.
const UNDER_WAY_MAX: usize = 1_024;

/// Who is connected now.
type Connected = BTreeSet<Peer>;

/// The two tasks. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Bridge {
    tasks: JoinSet<()>,
}

impl Bridge {
    /// Joins them.
    pub(crate) fn start(
        net: NetHandle,
        events: mpsc::Receiver<NetEvent>,
        to_engine: mpsc::Sender<NetInput>,
        from_engine: mpsc::Receiver<NetOutput>,
    ) -> Self {
        let (connected, watched) = watch::channel(Connected::new());
        let mut tasks = JoinSet::new();
        let inward = Inward { net: net.clone(), to_engine, connected, answers: JoinSet::new() };
        let slots = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        let outward = Outward { net, connected: watched, slots, under_way: JoinSet::new() };
        tasks.spawn(inward.run(events));
        tasks.spawn(outward.run(from_engine));
        Self { tasks }
    }

    /// Waits until one side has ended.
    pub(crate) async fn ended(&mut self) {
        if let Some(Err(error)) = self.tasks.join_next().await {
            tracing::error!(%error, "a task between engine and network failed");
        }
    }
}

// --- from the network to the engine

struct Inward {
    net: NetHandle,
    to_engine: mpsc::Sender<NetInput>,
    connected: watch::Sender<Connected>,
    answers: JoinSet<()>,
}

impl Inward {
    async fn run(mut self, mut events: mpsc::Receiver<NetEvent>) {
        while let Some(event) = events.recv().await {
            while self.answers.try_join_next().is_some() {}
            if !self.take(event).await {
                break;
            }
        }
    }

    /// `false` once the engine is gone.
    async fn take(&mut self, event: NetEvent) -> bool {
        match event {
            NetEvent::Connected { peer } => {
                let told = self.tell(NetInput::Connected(peer.to_bytes())).await;
                self.connected.send_modify(|connected| {
                    connected.insert(peer);
                });
                told
            }
            NetEvent::Disconnected { peer } => {
                self.connected.send_modify(|connected| {
                    connected.remove(&peer);
                });
                self.tell(NetInput::Disconnected(peer.to_bytes())).await
            }
            NetEvent::Request { peer, bytes, reply } => {
                let (answer, answered) = oneshot::channel();
                // Bounded by the network: each open reply holds a part of its budget.
                self.answers.spawn(async move {
                    if let Ok(bytes) = answered.await {
                        reply.answer(bytes);
                    }
                });
                let from = peer.to_bytes();
                self.tell(NetInput::Request { from, bytes, reply: answer }).await
            }
            NetEvent::Joined { topic, peer } => {
                self.tell(NetInput::Joined(topic, peer.to_bytes())).await
            }
            NetEvent::Gossip { topic, peer, id, bytes } => {
                let from = peer.to_bytes();
                self.tell(NetInput::Gossip { topic, from, id, bytes }).await
            }
            NetEvent::Listening(address) => {
                tracing::info!(%address, "listening for peers");
                match self.net.listen_addresses().await {
                    Ok(all) => {
                        let all = all.iter().map(Address::to_string).collect();
                        self.tell(NetInput::Listening(all)).await
                    }
                    Err(_) => true, // It is shutting down: its events end next.
                }
            }
            _ => true,
        }
    }

    async fn tell(&self, input: NetInput) -> bool {
        self.to_engine.send(input).await.is_ok()
    }
}

// --- from the engine to the network

struct Outward {
    net: NetHandle,
    connected: watch::Receiver<Connected>,
    slots: Arc<Semaphore>,
    under_way: JoinSet<()>,
}

impl Outward {
    async fn run(mut self, mut from_engine: mpsc::Receiver<NetOutput>) {
        while let Some(output) = from_engine.recv().await {
            while self.under_way.try_join_next().is_some() {}
            self.carry_out(output).await;
        }
        // What is under way is for an engine that is gone.
        self.under_way.shutdown().await;
    }

    /// Requests and dials run beside; the rest is short, and its order matters.
    async fn carry_out(&mut self, output: NetOutput) {
        match output {
            NetOutput::Dial { address, reply } => self.dial(address, reply),
            NetOutput::Request { to, bytes, reply } => self.request(&to, bytes, reply),
            NetOutput::Subscribe(topic) => self.note(topic, self.net.subscribe(topic).await),
            NetOutput::Unsubscribe(topic) => self.note(topic, self.net.unsubscribe(topic).await),
            NetOutput::Admit(topic, peer) => {
                if let Some(peer) = known(&peer) {
                    self.note(topic, self.net.admit(topic, peer).await);
                }
            }
            NetOutput::Expel(topic, peer) => {
                if let Some(peer) = known(&peer) {
                    self.note(topic, self.net.expel(topic, peer).await);
                }
            }
            NetOutput::Publish(topic, bytes) => {
                self.note(topic, self.net.publish(topic, bytes).await.map(drop));
            }
            NetOutput::Judge { topic, id, judgement } => {
                self.note(topic, self.net.judge(topic, id, verdict(judgement)).await);
            }
        }
    }

    /// Gossip is a hint, and peers ask for what they missed: nobody waits for these results.
    #[expect(clippy::unused_self, reason = "stands beside the calls that it ends")]
    fn note(&self, topic: TopicId, result: Result<(), NetError>) {
        match result {
            Ok(()) => {}
            Err(error) if error.is_transient() || matches!(error, NetError::Stopped) => {
                tracing::debug!(%topic, %error, "gossip");
            }
            Err(error) => tracing::warn!(%topic, %error, "gossip"),
        }
    }

    fn request(&mut self, to: &[u8], bytes: Vec<u8>, reply: oneshot::Sender<Answer<Vec<u8>>>) {
        let Ok(peer) = Peer::from_bytes(to) else {
            return tell(reply, Err("this is no peer".to_owned()));
        };
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return tell(reply, Err(BUSY.to_owned()));
        };
        let net = self.net.clone();
        self.under_way.spawn(async move {
            let answer = net.request(peer, bytes).await;
            tell(reply, answer.map_err(|error| failure::line(&error)));
            drop(slot);
        });
    }

    fn dial(&mut self, address: String, reply: oneshot::Sender<Answer<Vec<u8>>>) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return tell(reply, Err(BUSY.to_owned()));
        };
        let (net, connected) = (self.net.clone(), self.connected.clone());
        self.under_way.spawn(async move {
            tell(reply, dial(net, connected, &address).await);
            drop(slot);
        });
    }
}

/// What the engine is told of a request or a dial.
type Answer<T> = Result<T, String>;

const BUSY: &str = "too many requests under way on this node";

async fn dial(
    net: NetHandle,
    mut connected: watch::Receiver<Connected>,
    address: &str,
) -> Answer<Vec<u8>> {
    let address: Address = address.parse().map_err(|error| format!("{error}"))?;
    let peer = address.peer().ok_or_else(|| format!("{address} names no peer"))?;
    if !connected.borrow().contains(&peer) {
        net.dial(address.clone()).await.map_err(|error| failure::line(&error))?;
        let there = connected.wait_for(|connected| connected.contains(&peer));
        match tokio::time::timeout(DIAL_LIMIT, there).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err("the network is shut down".to_owned()),
            Err(_) => return Err(format!("no connection to {address} within {DIAL_LIMIT:?}")),
        }
    }
    Ok(peer.to_bytes())
}

fn known(peer: &[u8]) -> Option<Peer> {
    let known = Peer::from_bytes(peer).ok();
    if known.is_none() {
        tracing::warn!(bytes = peer.len(), "the engine named a peer that is none");
    }
    known
}

const fn verdict(judgement: Judgement) -> Verdict {
    match judgement {
        Judgement::Accept => Verdict::Accept,
        Judgement::Ignore => Verdict::Ignore,
        Judgement::Reject => Verdict::Reject,
    }
}

fn tell<T>(reply: oneshot::Sender<Answer<T>>, answer: Answer<T>) {
    if reply.send(answer).is_err() {
        tracing::debug!("nobody waits for this answer any more");
    }
}

#[cfg(test)]
mod tests {
    use net::{Discovery, Net, NetConfig};
    use types::{Hash, TopicId};
    use zeroize::Zeroizing;

    use super::*;

    /// One side: what stands in for an engine, with a network behind it.
    struct Side {
        peer: Peer,
        net: NetHandle,
        inbox: mpsc::Receiver<NetInput>,
        outbox: mpsc::Sender<NetOutput>,
        _bridge: Bridge,
    }

    impl Side {
        async fn start(seed: u8) -> Self {
            let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().expect("an address")];
            let config = NetConfig {
                seed: Zeroizing::new([seed; 32]),
                listen,
                bootstrap: Vec::new(),
                discovery: Discovery::Off,
            };
            let (net, events) = Net::start(config).await.expect("listens");
            let (to_engine, inbox) = mpsc::channel(64);
            let (outbox, from_engine) = mpsc::channel(64);
            let bridge = Bridge::start(net.clone(), events, to_engine, from_engine);
            Self { peer: net.local_peer(), net, inbox, outbox, _bridge: bridge }
        }

        /// The next input that `wanted` takes; the others are of no interest.
        async fn until<T>(&mut self, wanted: impl Fn(NetInput) -> Option<T>) -> T {
            let found = async {
                loop {
                    let input = self.inbox.recv().await.expect("the bridge stands");
                    if let Some(found) = wanted(input) {
                        return found;
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(20), found).await.expect("in time")
        }

        async fn address(&mut self) -> String {
            self.until(|input| match input {
                NetInput::Listening(all) => all.first().cloned(),
                _ => None,
            })
            .await
        }

        async fn tell(&self, output: NetOutput) {
            self.outbox.send(output).await.expect("the bridge stands");
        }

        async fn dial(&self, address: &str) -> Answer<Vec<u8>> {
            let (reply, answer) = oneshot::channel();
            self.tell(NetOutput::Dial { address: address.to_owned(), reply }).await;
            answer.await.expect("answered")
        }
    }

    async fn two_connected() -> (Side, Side) {
        let (mut one, two) = (Side::start(1).await, Side::start(2).await);
        let address = one.address().await;
        assert_eq!(two.dial(&address).await, Ok(one.peer.to_bytes()));
        // Again is a no-op, and answers at once.
        assert_eq!(two.dial(&address).await, Ok(one.peer.to_bytes()));
        (one, two)
    }

    #[tokio::test]
    async fn requests_and_their_answers_cross() {
        let (mut one, two) = two_connected().await;
        let (reply, answer) = oneshot::channel();
        let to = one.peer.to_bytes();
        two.tell(NetOutput::Request { to, bytes: b"ping".to_vec(), reply }).await;
        let (from, bytes, back) = one
            .until(|input| match input {
                NetInput::Request { from, bytes, reply } => Some((from, bytes, reply)),
                _ => None,
            })
            .await;
        assert_eq!((from, bytes), (two.peer.to_bytes(), b"ping".to_vec()));
        back.send(b"pong".to_vec()).expect("awaited");
        assert_eq!(answer.await.expect("answered"), Ok(b"pong".to_vec()));
    }

    #[tokio::test]
    async fn gossip_crosses_once_both_admit() {
        let (mut one, mut two) = two_connected().await;
        let topic = TopicId::from_bytes([3; 32]);
        for (side, other) in [(&one, two.peer), (&two, one.peer)] {
            side.tell(NetOutput::Subscribe(topic)).await;
            side.tell(NetOutput::Admit(topic, other.to_bytes())).await;
        }
        let peer = two.until(|input| match input {
            NetInput::Joined(joined, peer) if joined == topic => Some(peer),
            _ => None,
        });
        assert_eq!(peer.await, one.peer.to_bytes());
        two.tell(NetOutput::Publish(topic, b"news".to_vec())).await;
        let heard = one.until(|input| match input {
            NetInput::Gossip { id, bytes, .. } => Some((id, bytes)),
            _ => None,
        });
        assert_eq!(heard.await, (Hash::of(b"news"), b"news".to_vec()));
    }

    #[tokio::test]
    async fn a_broken_connection_is_told() {
        let (mut one, two) = two_connected().await;
        let gone = two.peer.to_bytes();
        two.net.stop().await;
        let left = one.until(|input| match input {
            NetInput::Disconnected(peer) => Some(peer),
            _ => None,
        });
        assert_eq!(left.await, gone);
    }

    #[tokio::test]
    async fn nonsense_is_answered_with_an_error() {
        let one = Side::start(1).await;
        assert!(one.dial("nowhere").await.is_err());
        let why = one.dial("/ip4/127.0.0.1/tcp/1").await.expect_err("no peer");
        assert!(why.contains("names no peer"), "{why}");
        let (reply, answer) = oneshot::channel();
        one.tell(NetOutput::Request { to: vec![1], bytes: Vec::new(), reply }).await;
        assert!(answer.await.expect("answered").is_err());
        let (reply, answer) = oneshot::channel();
        let to = Peer::of_seed(&[9; 32]).to_bytes();
        one.tell(NetOutput::Request { to, bytes: Vec::new(), reply }).await;
        assert!(answer.await.expect("answered").is_err());
    }

    #[test]
    fn judgements_keep_their_meaning() {
        assert_eq!(verdict(Judgement::Accept), Verdict::Accept);
        assert_eq!(verdict(Judgement::Ignore), Verdict::Ignore);
        assert_eq!(verdict(Judgement::Reject), Verdict::Reject);
    }
}

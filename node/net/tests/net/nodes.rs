//! A node under test: its handle, its events, and how tests wait for them.

use std::{
    collections::VecDeque,
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use anchorhold_net::{Address, Discovery, Net, NetConfig, NetError, NetEvent, NetHandle, Peer};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use types::{Hash, TopicId};

/// How long anything may take: more than a loaded machine needs, less than for ever.
const DEADLINE: Duration = Duration::from_secs(60);

/// A topic with a name of one digit.
pub(crate) fn topic(n: u8) -> TopicId {
    TopicId::from_bytes([n; 32])
}

/// A running node.
pub(crate) struct Node {
    pub(crate) net: NetHandle,
    events: mpsc::Receiver<NetEvent>,
    /// What came while something else was waited for, in order.
    kept: VecDeque<NetEvent>,
    addresses: Vec<Address>,
}

/// What a node listens on, any port.
fn anywhere() -> Vec<Address> {
    ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"]
        .map(|text| text.parse().expect("an address"))
        .to_vec()
}

/// A node's configuration: key seed `n`, any port, nobody known.
pub(crate) fn config(n: u8) -> NetConfig {
    NetConfig {
        seed: [n; 32].into(),
        listen: anywhere(),
        bootstrap: vec![],
        discovery: Discovery::Off,
    }
}

impl Node {
    pub(crate) async fn start(n: u8) -> Self {
        Self::with(config(n)).await.expect("started")
    }

    /// A node that knows where `others` are.
    pub(crate) async fn start_knowing(n: u8, others: &[&Self]) -> Self {
        let bootstrap = others.iter().map(|other| other.tcp()).collect();
        Self::with(NetConfig { bootstrap, ..config(n) }).await.expect("started")
    }

    pub(crate) async fn with(config: NetConfig) -> Result<Self, NetError> {
        let (net, events) = Net::start(config).await?;
        let addresses = net.listen_addresses().await?;
        Ok(Self { net, events, kept: VecDeque::new(), addresses })
    }

    pub(crate) fn peer(&self) -> Peer {
        self.net.local_peer()
    }

    pub(crate) fn tcp(&self) -> Address {
        self.address("/tcp/")
    }

    pub(crate) fn quic(&self) -> Address {
        self.address("/quic-v1")
    }

    fn address(&self, part: &str) -> Address {
        let found = self.addresses.iter().find(|address| address.to_string().contains(part));
        found.expect("listens there").clone()
    }

    /// The first event, kept or to come, of which `pick` makes something.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(NetEvent) -> ControlFlow<T, NetEvent>,
    ) -> T {
        let mut found = None;
        for event in std::mem::take(&mut self.kept) {
            if found.is_some() {
                self.kept.push_back(event);
                continue;
            }
            match pick(event) {
                Break(picked) => found = Some(picked),
                Continue(event) => self.kept.push_back(event),
            }
        }
        if let Some(found) = found {
            return found;
        }
        let deadline = Instant::now() + DEADLINE;
        loop {
            let event = timeout_at(deadline, self.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("no {what} in time: {:?}", self.kept));
            match pick(event.expect("the node runs")) {
                Break(found) => return found,
                Continue(event) => self.kept.push_back(event),
            }
        }
    }

    pub(crate) async fn connected(&mut self, peer: Peer) {
        self.until("connection", |event| match event {
            NetEvent::Connected { peer: other } if other == peer => Break(()),
            other => Continue(other),
        })
        .await;
    }

    pub(crate) async fn disconnected(&mut self, peer: Peer) {
        self.until("disconnection", |event| match event {
            NetEvent::Disconnected { peer: other } if other == peer => Break(()),
            other => Continue(other),
        })
        .await;
    }

    pub(crate) async fn joined(&mut self, room: TopicId, peer: Peer) {
        self.until("joining", |event| match event {
            NetEvent::Joined { topic, peer: other } if topic == room && other == peer => Break(()),
            other => Continue(other),
        })
        .await;
    }

    /// The next message on `room`.
    pub(crate) async fn gossip(&mut self, room: TopicId) -> (Vec<u8>, Hash) {
        self.until("gossip", |event| match event {
            NetEvent::Gossip { topic, bytes, id, .. } if topic == room => Break((bytes, id)),
            other => Continue(other),
        })
        .await
    }

    /// Connects, this node dialling.
    pub(crate) async fn meet(&mut self, other: &mut Self) {
        self.net.dial(other.tcp()).await.expect("dialling");
        self.connected(other.peer()).await;
        other.connected(self.peer()).await;
    }

    /// Both admit each other on `room`, and see each other there.
    pub(crate) async fn admit_each_other(&mut self, other: &mut Self, room: TopicId) {
        self.net.admit(room, other.peer()).await.expect("admitted");
        other.net.admit(room, self.peer()).await.expect("admitted");
        self.joined(room, other.peer()).await;
        other.joined(room, self.peer()).await;
    }

    /// Publishes something new on `room` each time that `other` is seen to join, until it hears.
    /// Gossip may be lost while sessions begin anew; each beginning is told by an event.
    pub(crate) async fn reaches(&mut self, other: &mut Self, room: TopicId, mark: &[u8]) {
        for n in 0..u8::MAX {
            let bytes = [mark, &[n]].concat();
            match self.net.publish(room, bytes).await {
                Ok(_) | Err(NetError::Nobody { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            let peer = other.peer();
            let heard = other.until("gossip", |event| match event {
                NetEvent::Gossip { topic, bytes, id, .. }
                    if topic == room && bytes.starts_with(mark) =>
                {
                    Break(id)
                }
                other => Continue(other),
            });
            tokio::select! {
                biased;
                _ = heard => return,
                () = self.joined(room, peer) => {}
            }
        }
        panic!("no end of joining");
    }

    /// Asks `other` something, which it answers: all that was sent on the connection before has
    /// been handled by then.
    pub(crate) async fn asks(&self, other: &mut Self) {
        let peer = other.peer();
        let answering = other.until("request", |event| match event {
            NetEvent::Request { bytes, reply, .. } => {
                reply.answer(bytes);
                Break(())
            }
            other => Continue(other),
        });
        let (answer, ()) = tokio::join!(self.net.request(peer, b"there?".to_vec()), answering);
        assert_eq!(answer.expect("an answer"), b"there?");
    }

    /// Takes in what has come so far.
    fn look(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.kept.push_back(event);
        }
    }

    /// No gossip has come that was not waited for.
    #[track_caller]
    pub(crate) fn heard_nothing(&mut self) {
        self.look();
        let gossip = self.kept.iter().find(|event| matches!(event, NetEvent::Gossip { .. }));
        assert!(gossip.is_none(), "heard {gossip:?}");
    }

    /// Nobody was seen to join `room` who was not waited for.
    #[track_caller]
    pub(crate) fn saw_nobody_join(&mut self, room: TopicId) {
        self.look();
        let is_joining =
            |event: &&NetEvent| matches!(event, NetEvent::Joined { topic, .. } if *topic == room);
        let joining = self.kept.iter().find(is_joining);
        assert!(joining.is_none(), "saw {joining:?}");
    }

    /// `peer` was not seen to join anything.
    #[track_caller]
    pub(crate) fn never_saw_join(&mut self, stranger: Peer) {
        self.look();
        let is_joining =
            |event: &&NetEvent| matches!(event, NetEvent::Joined { peer, .. } if *peer == stranger);
        let joining = self.kept.iter().find(is_joining);
        assert!(joining.is_none(), "saw {joining:?}");
    }
}

//! What a removed member can read of what it captures: nothing that is said after its removal.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anchorhold_engine::{
    Caps, Engine, EngineParts, Link, Role,
    port::{NetInput, NetOutput, PORT_CAPACITY},
    request::{CreateContext, InviteRequest, InviteeChoice},
    wire::{Ask, Greeting, Introduction, JoinAnswer, JoinQuestion, Tell},
};
use chain::{WalletSet, Wallets, fake::FakeWallets};
use governance::log::{Claim, Entry, MemberRecord};
use rand_core::OsRng;
use runtime::{Runtime, RuntimeConfig};
use store::{Keystore, Store};
use sync::Message;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use types::{
    ContextId, ExchangeSecret, MemberSecret, decode, encode,
    seal::{self, EpochSecret, Sealed},
};

const HERE: &[u8] = b"the node";
const LIMIT: Duration = Duration::from_secs(20);

/// A member without a node of its own: it speaks to the engine by hand, and keeps what it hears.
struct Member {
    peer: &'static [u8],
    secret: MemberSecret,
    exchange: ExchangeSecret,
    keys: BTreeMap<u32, EpochSecret>,
}

impl Member {
    fn new(peer: &'static [u8]) -> Self {
        let (secret, exchange) =
            (MemberSecret::generate(&mut OsRng), ExchangeSecret::generate(&mut OsRng));
        Self { peer, secret, exchange, keys: BTreeMap::new() }
    }

    /// Opens the envelopes for it in `entries`.
    fn learn(&mut self, context: &ContextId, entries: &[Entry]) {
        for envelopes in entries.iter().filter_map(|entry| entry.envelopes.as_ref()) {
            let Some(envelope) = envelopes.for_member(&self.secret.public()) else { continue };
            let key = envelope.unwrap(context, envelopes.key_epoch, &self.exchange);
            self.keys.insert(envelopes.key_epoch, key.expect("an envelope for this member"));
        }
    }

    /// Whether any key that it was ever given opens `sealed`.
    fn opens(&self, context: &ContextId, sealed: &Sealed) -> bool {
        self.keys.values().any(|key| key.open(context, sealed).is_ok())
    }
}

/// The owner's node, with its network in our hands.
struct Owner {
    engine: Engine,
    context: ContextId,
    link: Link,
    to_engine: mpsc::Sender<NetInput>,
    from_engine: mpsc::Receiver<NetOutput>,
    _cache: TempDir,
}

impl Owner {
    async fn start() -> Self {
        let cache = TempDir::new().expect("a folder");
        let config = RuntimeConfig { cache_dir: cache.path().to_owned(), cache_key: [7; 32] };
        let parts = EngineParts {
            store: Store::in_memory(),
            keystore: Arc::new(Keystore::in_memory(&mut OsRng)),
            runtime: Runtime::open(&config).expect("this machine runs guests"),
            chains: BTreeMap::new(),
            wallets: WalletSet::new([("eip155", Arc::new(FakeWallets) as Arc<dyn Wallets>)]),
            peer: (HERE.to_vec(), "here".to_owned()),
        };
        let (to_net, from_engine) = mpsc::channel(PORT_CAPACITY);
        let (to_engine, inbox) = mpsc::channel(PORT_CAPACITY);
        let (engine, _router) = Engine::start(parts, to_net, inbox).expect("starts");
        let module = harness::places::guest("anchorhold_task_board.wasm").expect("cargo x guests");
        let module = std::fs::read(module).expect("the task board");
        let app = engine.install(module).await.expect("an application").app;
        let create = CreateContext { app, anchor: None, init_args: b"{}".to_vec() };
        let context = engine.create(create).await.expect("a context");
        let request = InviteRequest {
            invitee: InviteeChoice::Open,
            role: Role::Member,
            caps: Caps::NONE,
            uses_max: 2,
            ttl_secs: None,
        };
        let link = engine.invite(context, request).await.expect("invites").link;
        let link = link.parse().expect("a link");
        Self { engine, context, link, to_engine, from_engine, _cache: cache }
    }

    async fn ask(&self, member: &Member, ask: &Ask) -> Tell {
        let (reply, answer) = oneshot::channel();
        let (from, bytes) = (member.peer.to_vec(), encode(ask));
        let request = NetInput::Request { from, bytes, reply };
        self.to_engine.send(request).await.expect("the engine runs");
        Tell::decode(&answer.await.expect("answered")).expect("a tell")
    }

    /// Claims the link, asks how the claim stands, proves the membership.
    async fn admit(&self, member: &mut Member) {
        let connected = NetInput::Connected(member.peer.to_vec());
        self.to_engine.send(connected).await.expect("the engine runs");
        let invitation = &self.link.invitation;
        let record = MemberRecord::new(self.context, &member.secret, &member.exchange);
        let open = self.link.secret.as_ref();
        let claim = Claim::new(&invitation.body, &member.secret, record, None, open);
        let claim = Box::new(claim.expect("signs"));
        self.ask(member, &Ask::Join { invitation: Box::new(invitation.clone()), claim }).await;
        let id = invitation.body.id();
        let question = JoinQuestion::new(self.context, id, (member.peer, HERE), &member.secret);
        let Tell::Join(JoinAnswer::Admitted { entries, .. }) =
            self.ask(member, &Ask::JoinStatus(question)).await
        else {
            panic!("not admitted")
        };
        member.learn(&self.context, &entries);
        let introduction = Introduction::new(&self.context, member.peer, HERE, &member.secret);
        let introduction = introduction.seal(&self.context, &mut OsRng).expect("seals");
        let room = seal::rendezvous_tag(&self.context, HERE, member.peer);
        let told = self.ask(member, &Ask::Hello(vec![Greeting { room, introduction }])).await;
        assert!(matches!(told, Tell::Welcome(rooms) if rooms.len() == 1), "not welcomed");
    }

    /// Writes a task, and returns the gossip about it: the first that is not older.
    async fn write(&mut self, title: &str, listeners: &mut [&mut Member]) -> Sealed {
        while let Ok(output) = self.from_engine.try_recv() {
            self.overhear(output, listeners);
        }
        let args = format!(r#"{{"title":"{title}"}}"#).into_bytes();
        self.engine.call(self.context, "add".to_owned(), args).await.expect("a task");
        tokio::time::timeout(LIMIT, async {
            loop {
                let output = self.from_engine.recv().await.expect("the engine runs");
                if let Some(sealed) = self.overhear(output, listeners) {
                    return sealed;
                }
            }
        })
        .await
        .expect("gossip in time")
    }

    /// Hands log entries to the peers that they are for; returns what goes out by gossip.
    fn overhear(&self, output: NetOutput, listeners: &mut [&mut Member]) -> Option<Sealed> {
        match output {
            NetOutput::Publish(_, bytes) => Some(decode(&bytes, 1 << 20).expect("sealed")),
            NetOutput::Request { to, bytes, .. } => {
                let Ok(Ask::Log { message, .. }) = Ask::decode(&bytes) else { return None };
                let Ok(Message::Entries(entries)) = Message::decode(&message) else { return None };
                let hears = |member: &&mut &mut Member| member.peer == to.as_slice();
                if let Some(member) = listeners.iter_mut().find(hears) {
                    member.learn(&self.context, &entries);
                }
                None
            }
            _ => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_opens_what_was_said_before_and_nothing_after() {
    let mut owner = Owner::start().await;
    let (mut bob, mut carol) = (Member::new(b"bob"), Member::new(b"carol"));
    owner.admit(&mut bob).await;
    owner.admit(&mut carol).await;
    let context = owner.context;
    let before = owner.write("before", &mut [&mut bob, &mut carol]).await;
    assert!(bob.opens(&context, &before), "a member reads");
    assert!(carol.opens(&context, &before), "a member reads");
    owner.engine.remove(context, bob.secret.public()).await.expect("removes");
    let after = owner.write("after", &mut [&mut bob, &mut carol]).await;
    assert!(after.key_epoch > before.key_epoch, "another key");
    assert!(carol.opens(&context, &after), "who stays was handed the new key");
    assert!(!bob.opens(&context, &after), "who was removed cannot read what it captures");
}

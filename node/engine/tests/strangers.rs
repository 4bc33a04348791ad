//! What a peer that proved nothing is told of a context whose id, and even a link, it has.

use std::{collections::BTreeMap, sync::Arc};

use anchorhold_engine::{
    Caps, Engine, EngineParts, Link, Role,
    port::{NetInput, NetOutput, PORT_CAPACITY},
    request::{CreateContext, InviteRequest, InviteeChoice},
    wire::{Ask, Greeting, Introduction, JoinAnswer, JoinQuestion, Tell},
};
use chain::{WalletSet, Wallets, fake::FakeWallets};
use governance::log::{Claim, MemberRecord};
use rand_core::OsRng;
use runtime::{Runtime, RuntimeConfig};
use store::{Keystore, Store};
use sync::Message;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use types::{AppId, ContextId, ExchangeSecret, MemberKey, MemberSecret, Signature, encode, seal};

const HERE: &[u8] = b"the node";
const EVE: &[u8] = b"eve";

/// A node with one context, as its network sees it.
struct Node {
    engine: Engine,
    context: ContextId,
    app: AppId,
    link: Link,
    to_engine: mpsc::Sender<NetInput>,
    from_engine: mpsc::Receiver<NetOutput>,
    _cache: TempDir,
}

impl Node {
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
            uses_max: 1,
            ttl_secs: None,
        };
        let link = engine.invite(context, request).await.expect("invites").link;
        let link = link.parse().expect("a link");
        let connected = NetInput::Connected(EVE.to_vec());
        to_engine.send(connected).await.expect("the engine runs");
        Self { engine, context, app, link, to_engine, from_engine, _cache: cache }
    }

    async fn ask(&self, ask: &Ask) -> Tell {
        let (reply, answer) = oneshot::channel();
        let request = NetInput::Request { from: EVE.to_vec(), bytes: encode(ask), reply };
        self.to_engine.send(request).await.expect("the engine runs");
        Tell::decode(&answer.await.expect("answered")).expect("a tell")
    }

    fn room(&self) -> types::Hash {
        seal::rendezvous_tag(&self.context, HERE, EVE)
    }

    /// A claim that names a key which its maker does not hold.
    fn forged_claim(&self, member: MemberKey) -> Claim {
        let junk = Signature::from_bytes([1; 64]);
        let exchange = ExchangeSecret::generate(&mut OsRng).public();
        Claim {
            invitation: self.link.invitation.body.id(),
            member: MemberRecord { key: member, exchange, exchange_proof: junk },
            account: None,
            member_proof: junk,
            open_proof: None,
            wallet_proof: None,
        }
    }
}

#[tokio::test]
async fn a_claim_in_a_members_name_is_not_answered_with_the_log() {
    let node = Node::start().await;
    let inviter = node.link.invitation.body.inviter;
    let invitation = Box::new(node.link.invitation.clone());
    let claim = Box::new(node.forged_claim(inviter));
    let told = node.ask(&Ask::Join { invitation, claim }).await;
    assert!(matches!(told, Tell::Join(JoinAnswer::Waiting(_))), "{told:?}");
    let question = JoinQuestion {
        context: node.context,
        invitation: node.link.invitation.body.id(),
        member: inviter,
        proof: Signature::from_bytes([1; 64]),
    };
    assert_eq!(node.ask(&Ask::JoinStatus(question)).await, Tell::Refused);
}

#[tokio::test]
async fn a_forged_claim_changes_nothing() {
    let node = Node::start().await;
    let stranger = MemberSecret::generate(&mut OsRng).public();
    let invitation = Box::new(node.link.invitation.clone());
    let claim = Box::new(node.forged_claim(stranger));
    let told = node.ask(&Ask::Join { invitation, claim }).await;
    assert!(matches!(told, Tell::Join(JoinAnswer::Refused(_))), "{told:?}");
    assert_eq!(node.engine.members(node.context).await.expect("members").len(), 1);
}

#[tokio::test]
async fn who_is_no_member_is_not_welcomed_and_gets_nothing() {
    let mut node = Node::start().await;
    let eve = MemberSecret::generate(&mut OsRng);
    let introduction = Introduction::new(&node.context, EVE, HERE, &eve);
    let introduction = introduction.seal(&node.context, &mut OsRng).expect("seals");
    let hello = Ask::Hello(vec![Greeting { room: node.room(), introduction }]);
    assert_eq!(node.ask(&hello).await, Tell::Welcome(vec![]));
    let blob = Ask::Blob { room: node.room(), app: node.app, offset: 0 };
    assert_eq!(node.ask(&blob).await, Tell::Refused);
    let message = Message::WantEntries { after_epoch: 0 }.encode();
    node.ask(&Ask::Log { room: node.room(), message }).await;
    // The context has taken the question once it answers the next command.
    node.engine.status(node.context).await.expect("a status");
    while let Ok(output) = node.from_engine.try_recv() {
        let NetOutput::Request { bytes, .. } = output else { continue };
        let ask = Ask::decode(&bytes).expect("our own");
        assert!(matches!(ask, Ask::Hello(_)), "told a stranger: {ask:?}");
    }
}

#[tokio::test]
async fn another_context_s_room_is_like_none() {
    let node = Node::start().await;
    let room = seal::rendezvous_tag(&ContextId::from_bytes([9; 32]), HERE, EVE);
    let hello = Ask::Hello(vec![Greeting { room, introduction: vec![0; 200] }]);
    assert_eq!(node.ask(&hello).await, Tell::Welcome(vec![]));
    let blob = Ask::Blob { room, app: node.app, offset: 0 };
    assert_eq!(node.ask(&blob).await, Tell::Refused);
}

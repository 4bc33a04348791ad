//! The adapter, the contract and the model, side by side on a real chain.

mod process;

use std::time::Duration;

use anchorhold_ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use chain::{
    AccountKey, Call, Chain as _, ChainError, Finality, Inconsistent, Position, Wallets as _,
};
use governance::{
    anchor::{Account, Action, Code, OnChainId, Record, Terms},
    members_root::{self, Leaf},
};
use process::Anvil;
use types::{AccountId, ContextId, Hash, MemberKey, keccak256};

const SALT: [u8; 32] = [7; 32];

/// A registry on its own chain, one record in it, and the model of that record.
struct World {
    anvil: Anvil,
    registry: Ethereum,
    context: OnChainId,
    model: Record,
}

impl World {
    async fn new(extra: &[&str]) -> Self {
        let anvil = Anvil::start(extra);
        let registry = Ethereum::deploy(config(&anvil), &Anvil::key(0)).await.expect("deployed");
        let context = context_of(&registry, 0);
        let call = Call::Create { salt: SALT, terms: terms() };
        registry.submit(&context, &call, &Anvil::key(0)).await.expect("created");
        let creator = account(0);
        let made = Record::create(registry.locator().registry(), &creator, SALT, terms());
        let (id, model, _) = made.expect("legal terms");
        assert_eq!(id, context);
        let world = Self { anvil, registry, context, model };
        world.agrees("create").await;
        world
    }

    /// Submits, does the same to the model, and compares.
    async fn call(&mut self, by: usize, call: Call) {
        let receipt = self.registry.submit(&self.context, &call, &Anvil::key(by)).await;
        let receipt = receipt.expect("accepted");
        let block = receipt.block.expect("in a block");
        let after = self.model.after(&account(by), &call, block.time_s);
        let (model, _) = after.unwrap_or_else(|code| panic!("{call:?}: {code}"));
        self.model = model;
        self.agrees(&format!("{call:?}")).await;
    }

    async fn refused(&self, by: usize, call: &Call, code: Code) {
        let answer = self.registry.submit(&self.context, call, &Anvil::key(by)).await;
        assert!(
            matches!(answer, Err(ChainError::Refused { code: found }) if found == code),
            "{call:?}: {answer:?} instead of {code}"
        );
        let block = self.registry.head(&self.context, Finality::Latest).await.expect("answers");
        let now_s = block.expect("there").block.time_s + 1;
        let model = self.model.after(&account(by), call, now_s);
        assert_eq!(model.map(drop), Err(code), "{call:?}");
    }

    async fn agrees(&self, story: &str) {
        let head = self.registry.head(&self.context, Finality::Latest).await.expect("answers");
        let head = head.expect("the record is there");
        assert_eq!((head.head, head.log_head), (self.model.head, self.model.log_head), "{story}");
    }

    async fn revisions(&self, after: &Position, finality: Finality) -> chain::Page {
        self.registry.revisions(&self.context, after, finality).await.expect("consistent")
    }

    fn start(&self) -> Position {
        self.registry.locator().start(&self.context, 0)
    }

    async fn now_s(&self) -> u64 {
        let head = self.registry.head(&self.context, Finality::Latest).await.expect("answers");
        head.expect("there").block.time_s
    }

    async fn act(&self, action: Action) -> Call {
        Call::Act { actions: vec![action], expiry_s: self.now_s().await + 3600 }
    }

    async fn propose(&self, action: Action) -> Call {
        Call::Propose { actions: vec![action], expiry_s: self.now_s().await + 3600 }
    }
}

fn config(anvil: &Anvil) -> EthereumConfig {
    let patience = Duration::from_secs(20);
    EthereumConfig { patience, ..EthereumConfig::new(anvil.url.clone()) }
}

fn id(index: usize) -> AccountId {
    let chain = "eip155:31337".parse().expect("legal");
    EthereumWallets.account(&chain, &Anvil::key(index)).expect("a key")
}

fn account(index: usize) -> Account {
    Account::from_id(&id(index)).expect("an account")
}

fn context_of(registry: &Ethereum, creator: usize) -> OnChainId {
    registry.locator().context(&id(creator), &SALT).expect("an account of the chain")
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn terms() -> Terms {
    Terms {
        app: hash(1),
        members_root: hash(2),
        members_count: 1,
        threshold: 1,
        delays_s: [0; 4],
        guardian: None,
        context: ContextId::from_bytes([3; 32]),
    }
}

fn members(prev: u8, new: u8) -> Action {
    Action::SetMembersRoot { prev: hash(prev), new: hash(new), count: 2, delta_hash: hash(9) }
}

fn nominate(index: usize) -> Action {
    Action::NominateAdmin { account: account(index), ttl_s: 3600 }
}

#[tokio::test]
async fn contract_and_model_live_the_same_life() {
    let mut world = World::new(&[]).await;
    world.registry.verify_registry().await.expect("it is the registry");
    world.call(0, world.act(members(2, 4)).await).await;
    world.refused(0, &world.act(members(2, 5)).await, Code::E57).await;
    world.refused(0, &Call::Renounce, Code::E53).await;
    world.refused(1, &world.act(members(4, 5)).await, Code::E12).await;
    world.refused(1, &Call::AcceptAdmin, Code::E50).await;

    world.call(0, world.act(nominate(1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    world.call(0, world.act(nominate(2)).await).await;
    world.call(2, Call::AcceptAdmin).await;
    world.call(1, world.act(Action::SetThreshold { threshold: 2 }).await).await;

    let change = vec![members(4, 6)];
    world.call(0, world.propose(members(4, 6)).await).await;
    let seq = world.model.head.seq;
    let execute = Call::Execute { seq, actions: change.clone() };
    world.refused(1, &execute, Code::E41).await;
    let actions_hash = keccak256(b"other");
    world.refused(1, &Call::Approve { seq, actions_hash }, Code::E22).await;
    world.call(1, Call::ApproveAndExecute { seq, actions: change }).await;

    let change = vec![members(6, 7)];
    world.call(1, world.propose(members(6, 7)).await).await;
    let seq = world.model.head.seq;
    world.call(1, Call::Renounce).await;
    world.call(2, Call::Approve { seq, actions_hash: batch_hash(&change) }).await;
    let execute = Call::Execute { seq, actions: change };
    // The one who left approved it, and does not count.
    world.refused(0, &execute, Code::E41).await;
    world.call(0, Call::Cancel { seq }).await;
    world.call(2, Call::Renounce).await;
    world.refused(0, &Call::Renounce, Code::E53).await;
    world.call(0, world.act(Action::SetApp { app: hash(8), migration: Hash::ZERO }).await).await;
    world.call(0, world.act(Action::Dissolve).await).await;
    world.refused(0, &world.act(members(6, 7)).await, Code::E10).await;

    let page = world.revisions(&world.start(), Finality::Latest).await;
    assert!(page.is_last());
    assert_eq!(page.next.log_head, world.model.log_head);
    assert_eq!(page.revisions.len(), usize::try_from(world.model.head.rev).expect("few"));
    for revision in &page.revisions {
        revision.happened().expect("the log reads what the chain says");
    }
}

fn batch_hash(actions: &[Action]) -> Hash {
    keccak256(&governance::anchor::encode_actions(actions).expect("fits"))
}

#[tokio::test]
async fn a_revision_is_told_as_final_only_once_it_is() {
    let world = World::new(&[]).await;
    let early = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!((early.revisions.len(), early.head), (0, None));
    assert_eq!(world.revisions(&world.start(), Finality::Latest).await.revisions.len(), 1);
    world.anvil.mine(1).await;
    assert_eq!(world.revisions(&world.start(), Finality::Safe).await.revisions.len(), 1);
    assert_eq!(world.revisions(&world.start(), Finality::Final).await.revisions.len(), 0);
    world.anvil.mine(1).await;
    let page = world.revisions(&world.start(), Finality::Final).await;
    let [created] = page.revisions.as_slice() else { panic!("one revision") };
    assert_eq!(Position::after(created), page.next);
    let again = world.revisions(&page.next, Finality::Final).await;
    assert_eq!((again.revisions.len(), again.is_last()), (0, true));
}

#[tokio::test]
async fn a_page_is_made_of_short_spans_of_blocks() {
    let mut world = World::new(&[]).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.anvil.mine(40).await;
    world.call(0, world.act(members(4, 5)).await).await;
    let config = EthereumConfig { span_blocks: 2, ..config(&world.anvil) };
    let slow = Ethereum::new(world.registry.locator().id().clone(), config).expect("eip155");
    let mut at = world.start();
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let page = slow.revisions(&world.context, &at, Finality::Latest).await.expect("fits");
        found.extend(page.revisions.iter().map(|revision| revision.rev));
        pages += 1;
        at = page.next;
        if page.is_last() {
            break;
        }
    }
    assert_eq!(found, [1, 2, 3]);
    assert_eq!(pages, 2);
}

#[tokio::test]
async fn repeating_what_is_done_sends_nothing() {
    let mut world = World::new(&[]).await;
    let create = Call::Create { salt: SALT, terms: terms() };
    let change = world.act(members(2, 4)).await;
    world.call(0, change.clone()).await;
    world.call(0, world.act(nominate(1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    for (by, call) in [(0, &create), (0, &change), (1, &Call::AcceptAdmin)] {
        let receipt = world.registry.submit(&world.context, call, &Anvil::key(by)).await;
        assert_eq!(receipt.expect("done already").transaction, None, "{call:?}");
    }
    let other = Terms { context: ContextId::from_bytes([4; 32]), ..terms() };
    let other = Call::Create { salt: SALT, terms: other };
    world.refused(0, &other, Code::E01).await;
    let stolen = world.registry.submit(&world.context, &create, &Anvil::key(1)).await;
    assert!(matches!(stolen, Err(ChainError::BadCall { .. })));
}

#[tokio::test]
async fn the_contract_accepts_our_proofs_of_membership() {
    let mut world = World::new(&[]).await;
    let key = |byte| MemberKey::from_bytes([byte; 32]);
    let keys: Vec<MemberKey> = (1..=5).map(key).collect();
    let leaf = |key: &MemberKey| {
        Leaf { key: *key, role: 1, caps: 0, joined_epoch: 7, account: None }.hash()
    };
    let leaves: Vec<Hash> = keys.iter().map(leaf).collect();
    let root = members_root::root(leaves.iter().copied());
    let new = Action::SetMembersRoot { prev: hash(2), new: root, count: 5, delta_hash: hash(9) };
    world.call(0, world.act(new).await).await;
    for leaf in &leaves {
        let proof = members_root::prove(leaves.iter().copied(), leaf).expect("it is a leaf");
        assert!(is_member(&world, leaf, &proof).await);
        assert!(!is_member(&world, &hash(1), &proof).await);
    }
}

async fn is_member(world: &World, leaf: &Hash, proof: &[Hash]) -> bool {
    let selector = keccak256(b"isMember(bytes32,bytes32,bytes32[])").to_string();
    let (offset, length) = (format!("{:064x}", 0x60), format!("{:064x}", proof.len()));
    let proof: String = proof.iter().map(Hash::to_string).collect();
    let context = world.context.as_hash();
    let data = format!("0x{}{context}{leaf}{offset}{length}{proof}", &selector[..8]);
    let to = world.registry.locator().id().address().to_owned();
    let call = serde_json::json!([{ "to": to, "data": data }, "latest"]);
    let answer = world.anvil.ask("eth_call", call).await;
    answer.as_str().expect("a word").ends_with('1')
}

#[tokio::test]
async fn a_reorganisation_is_noticed() {
    let mut world = World::new(&[]).await;
    world.anvil.mine(3).await;
    world.call(0, world.act(members(2, 4)).await).await;
    let page = world.revisions(&world.start(), Finality::Latest).await;
    assert_eq!(page.next.rev, 2);
    world.anvil.ask("anvil_reorg", serde_json::json!([2, []])).await;
    let after = world.registry.revisions(&world.context, &page.next, Finality::Latest).await;
    let behind = Inconsistent::Behind { known: 2, head: 1 };
    assert!(
        matches!(after, Err(ChainError::Inconsistent { source, .. }) if source == behind),
        "{after:?}"
    );
    let final_page = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(final_page.next.rev, 1);
}

#[tokio::test]
async fn a_wrong_registry_or_chain_is_named() {
    let world = World::new(&[]).await;
    let verify = |registry: String| {
        let registry = registry.parse().expect("legal");
        let wrong = Ethereum::new(registry, config(&world.anvil)).expect("eip155");
        async move { wrong.verify_registry().await.expect_err("it is wrong") }
    };
    let nothing = verify("eip155:31337:0x00000000000000000000000000000000000a11ce".into()).await;
    assert!(matches!(nothing, ChainError::NoRegistry { .. }), "{nothing:?}");
    // A contract that anvil brings along.
    let other = verify("eip155:31337:0x4e59b44847b379578588920ca78fbf26c0b4956c".into()).await;
    assert!(matches!(other, ChainError::OtherRegistry { .. }), "{other:?}");
    let address = world.registry.locator().id().address().to_owned();
    let chain = verify(format!("eip155:1:{address}")).await;
    assert!(matches!(chain, ChainError::OtherChain { .. }), "{chain:?}");
    assert!(Ethereum::new(id(0), config(&world.anvil)).is_ok());
    let near = Ethereum::new("near:mainnet:a.near".parse().expect("legal"), config(&world.anvil));
    assert!(matches!(near, Err(ChainError::BadAccount { .. })));
}

#[tokio::test]
async fn who_cannot_pay_or_sign_is_told_so() {
    let world = World::new(&[]).await;
    let poor = AccountKey::from_bytes([5; 32]);
    let account = EthereumWallets.account(world.registry.locator().chain(), &poor).expect("a key");
    assert_eq!(world.registry.balance(&account).await.expect("answers"), 0);
    assert!(world.registry.balance(&id(0)).await.expect("answers") > 0);
    let context = world.registry.locator().context(&account, &SALT).expect("an account");
    let create = Call::Create { salt: SALT, terms: terms() };
    let answer = world.registry.submit(&context, &create, &poor).await;
    assert!(matches!(answer, Err(ChainError::NoFunds { .. })), "{answer:?}");
    let answer = world.registry.submit(&context, &create, &AccountKey::from_bytes([0; 32])).await;
    assert!(matches!(answer, Err(ChainError::BadKey)), "{answer:?}");
}

#[tokio::test]
async fn a_transaction_that_no_block_takes_in_is_named() {
    let anvil = Anvil::start(&["--no-mining"]);
    let config = EthereumConfig { patience: Duration::from_millis(600), ..config(&anvil) };
    let answer = Ethereum::deploy(config, &Anvil::key(0)).await.expect_err("nothing is mined");
    assert!(matches!(answer, ChainError::NotIncluded { .. }), "{answer:?}");
    assert!(answer.is_transient());
}

#[tokio::test]
async fn a_stopped_chain_is_unreachable_and_that_passes() {
    let mut world = World::new(&[]).await;
    world.anvil.stop();
    let answer = world.registry.head(&world.context, Finality::Final).await.expect_err("stopped");
    assert!(matches!(answer, ChainError::Unreachable { .. }), "{answer:?}");
    assert!(answer.is_transient());
}

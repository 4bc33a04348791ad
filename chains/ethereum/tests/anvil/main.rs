//! The adapter, the contract and the model, side by side on a real chain.

mod accounts;
mod process;
mod proxy;
mod reading;
mod sending;

use std::time::Duration;

use anchorhold_ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use chain::{Call, Chain as _, ChainError, Finality, Position, Wallets as _};
use governance::{
    anchor::{Account, Action, Code, NoHost, OnChainId, Record, Terms},
    members_root::{self, Leaf},
};
use process::Anvil;
use types::{AccountId, ContextId, Hash, MemberKey, keccak256};
use url::Url;

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
        registry.submit(&context, &call, &Anvil::signer(0)).await.expect("created");
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
        let receipt = self.registry.submit(&self.context, &call, &Anvil::signer(by)).await;
        let receipt = receipt.expect("accepted");
        let block = receipt.block.expect("in a block");
        let after = self.model.after(&account(by), &call, block.time_s, &NoHost);
        let (model, _) = after.unwrap_or_else(|code| panic!("{call:?}: {code}"));
        self.model = model;
        self.agrees(&format!("{call:?}")).await;
    }

    async fn refused(&self, by: usize, call: &Call, code: Code) {
        let answer = self.registry.submit(&self.context, call, &Anvil::signer(by)).await;
        assert!(
            matches!(answer, Err(ChainError::Refused { code: found }) if found == code),
            "{call:?}: {answer:?} instead of {code}"
        );
        let block = self.registry.head(&self.context, Finality::Latest).await.expect("answers");
        let now_s = block.expect("there").block.time_s + 1;
        let model = self.model.after(&account(by), call, now_s, &NoHost);
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
    config_for(std::slice::from_ref(&anvil.url), 1)
}

/// Of these endpoints so many must agree.
fn config_for(endpoints: &[Url], needed: usize) -> EthereumConfig {
    EthereumConfig {
        endpoints: endpoints.to_vec(),
        needed: needed.try_into().expect("not zero"),
        patience: Duration::from_secs(20),
        timeout: Duration::from_secs(5),
        ..EthereumConfig::new(endpoints[0].clone())
    }
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
        flags: 0,
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

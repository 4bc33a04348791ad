//! The adapter, the contract and the model, side by side on a real chain.

mod accounts;
mod process;
mod proxy;
mod reading;
mod sending;

use std::{num::NonZeroUsize, time::Duration};

use anchorhold_starknet::{BlockHashes, Settled, Starknet, StarknetConfig};
use chain::{Call, Chain as _, ChainError, Finality, Position};
use governance::anchor::{Account, Action, Code, NoHost, OnChainId, Record, Terms, encode_actions};
use process::Devnet;
use types::{ContextId, Hash, keccak256};
use url::Url;

/// A registry on its own chain, one record in it, and the model of that record.
struct World {
    devnet: Devnet,
    registry: Starknet,
    salt: [u8; 32],
    context: OnChainId,
    model: Record,
}

impl World {
    /// `None` where there is no chain to try it on.
    async fn new() -> Option<Self> {
        let devnet = Devnet::start(&[]).await?;
        let registry = Starknet::deploy(config(&devnet.url), &devnet.signer(0)).await;
        let registry = registry.expect("deployed");
        let (salt, (context, model)) = ([0; 32], made(&registry, &devnet, [0; 32]));
        let mut world = Self { devnet, registry, salt, context, model };
        world.renew().await;
        Some(world)
    }

    /// Goes on with another record. A class takes a development chain seconds to compile, so that
    /// stories share a registry.
    async fn renew(&mut self) {
        self.registry = self.through(config(&self.devnet.url));
        self.salt[0] += 1;
        (self.context, self.model) = made(&self.registry, &self.devnet, self.salt);
        let call = Call::Create { salt: self.salt, terms: terms() };
        let signer = self.devnet.signer(0);
        self.registry.submit(&self.context, &call, &signer).await.expect("created");
        self.agrees("create").await;
    }

    /// Submits, does the same to the model, and compares.
    async fn call(&mut self, by: usize, call: Call) {
        let signer = self.devnet.signer(by);
        let receipt = self.registry.submit(&self.context, &call, &signer).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{call:?}: {error:?}"));
        let block = receipt.block.expect("in a block");
        let by = account(&self.devnet, by);
        let after = self.model.after(&by, &call, block.time_s, &NoHost);
        let (model, _) = after.unwrap_or_else(|code| panic!("{call:?}: {code}"));
        self.model = model;
        self.agrees(&format!("{call:?}")).await;
    }

    async fn refused(&self, by: usize, call: &Call, code: Code) {
        let answer = self.registry.submit(&self.context, call, &self.devnet.signer(by)).await;
        assert!(
            matches!(answer, Err(ChainError::Refused { code: found }) if found == code),
            "{call:?}: {answer:?} instead of {code}"
        );
        let now_s = self.now_s().await + 1;
        let model = self.model.after(&account(&self.devnet, by), call, now_s, &NoHost);
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

    /// The same registry, reached otherwise.
    fn through(&self, config: StarknetConfig) -> Starknet {
        Starknet::new(self.registry.locator().id().clone(), config).expect("a registry")
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

fn config(url: &Url) -> StarknetConfig {
    config_for(std::slice::from_ref(url), 1)
}

/// Of these endpoints so many must agree.
fn config_for(endpoints: &[Url], needed: usize) -> StarknetConfig {
    StarknetConfig {
        endpoints: endpoints.to_vec(),
        needed: NonZeroUsize::new(needed).expect("not zero"),
        patience: Duration::from_secs(60),
        timeout: Duration::from_secs(60),
        ..StarknetConfig::development(endpoints[0].clone(), 0)
    }
}

/// As on Starknet itself, but for the blocks' hashes.
fn settled_on_l1(url: &Url) -> StarknetConfig {
    let (settled, block_hashes) = (Settled::OnL1, BlockHashes::Told);
    StarknetConfig { settled, block_hashes, ..config(url) }
}

fn account(devnet: &Devnet, index: usize) -> Account {
    Account::from_id(&devnet.id(index)).expect("an account")
}

/// The record that account 0 makes with `salt`, and its model.
fn made(registry: &Starknet, devnet: &Devnet, salt: [u8; 32]) -> (OnChainId, Record) {
    let context = registry.locator().context(&devnet.id(0), &salt).expect("of this chain");
    let creator = account(devnet, 0);
    let made = Record::create(registry.locator().registry(), &creator, salt, terms());
    let (id, model, _) = made.expect("legal terms");
    assert_eq!(id, context);
    (context, model)
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

fn nominate(devnet: &Devnet, index: usize) -> Action {
    Action::NominateAdmin { account: account(devnet, index), ttl_s: 3600 }
}

fn batch_hash(actions: &[Action]) -> Hash {
    keccak256(&encode_actions(actions).expect("fits"))
}

#[tokio::test]
async fn contract_and_model_live_the_same_life() {
    let Some(mut world) = World::new().await else { return };
    world.registry.verify_registry().await.expect("it is the registry");
    world.call(0, world.act(members(2, 4)).await).await;
    world.refused(0, &world.act(members(2, 5)).await, Code::E57).await;
    world.refused(0, &Call::Renounce, Code::E53).await;
    world.refused(1, &world.act(members(4, 5)).await, Code::E12).await;
    world.refused(1, &Call::AcceptAdmin, Code::E50).await;

    world.call(0, world.act(nominate(&world.devnet, 1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    world.call(0, world.act(nominate(&world.devnet, 2)).await).await;
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

    world.call(1, world.propose(members(6, 7)).await).await;
    let seq = world.model.head.seq;
    world.call(1, Call::Renounce).await;
    let approve = Call::Approve { seq, actions_hash: batch_hash(&[members(6, 7)]) };
    world.call(2, approve).await;
    // The one who left approved it, and does not count.
    let execute = Call::Execute { seq, actions: vec![members(6, 7)] };
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
    a_wrong_registry_or_chain_is_named(&world).await;
}

async fn a_wrong_registry_or_chain_is_named(world: &World) {
    let verify = |registry: String| {
        let registry = registry.parse().expect("legal");
        let wrong = Starknet::new(registry, config(&world.devnet.url)).expect("starknet");
        async move { wrong.verify_registry().await.expect_err("it is wrong") }
    };
    let nothing = verify(format!("starknet:SN_SEPOLIA:{:#066x}", 0xa11ce)).await;
    assert!(matches!(nothing, ChainError::NoRegistry { .. }), "{nothing:?}");
    let other = verify(world.devnet.id(0).to_string()).await;
    assert!(matches!(other, ChainError::OtherRegistry { .. }), "{other:?}");
    let address = world.registry.locator().id().address().to_owned();
    let chain = verify(format!("starknet:SN_MAIN:{address}")).await;
    assert!(chain.to_string().ends_with("serves starknet:SN_SEPOLIA, not starknet:SN_MAIN"));
    for registry in ["near:mainnet:a.near", "starknet:SN_MAIN:0x0"] {
        let answer = Starknet::new(registry.parse().expect("legal"), config(&world.devnet.url));
        assert!(matches!(answer, Err(ChainError::BadAccount { .. })), "{registry}");
    }
}

//! The adapter, the contract and the model, side by side on a development chain.

mod every_method;
mod following;
mod proxy;
mod reading;
mod sending;
mod signing;

use std::time::Duration;

use anchorhold_near::{Near, NearConfig, wallet::secret_key};
use chain::{AccountKey, Call, Chain as _, ChainError, Finality, Position, Signer};
use devnet_near::{ChainConfig, Devnet, DevnetConfig, GenesisAccount, Mining, Time};
use governance::anchor::{Account, Action, Code, NoHost, OnChainId, Record, Terms};
use near_primitives::types::Balance;
use types::{AccountId, ContextId, Hash};
use url::Url;

const SALT: [u8; 32] = [7; 32];
/// Accounts that a chain begins with.
const NAMES: [&str; 4] = ["alice.near", "bob.near", "c_1.near", "dave.near"];

/// A registry on its own chain, one record in it, and the model of that record.
struct World {
    devnet: Devnet,
    registry: Near,
    context: OnChainId,
    model: Record,
}

impl World {
    async fn new() -> Self {
        Self::on(ChainConfig::default()).await
    }

    async fn on(chain: ChainConfig) -> Self {
        Self::made(chain, terms()).await
    }

    async fn with(terms: Terms) -> Self {
        Self::made(ChainConfig::default(), terms).await
    }

    async fn made(chain: ChainConfig, terms: Terms) -> Self {
        Self::within(start(chain).await, terms).await
    }

    /// On a chain that makes blocks only when something is sent to it.
    async fn still() -> Self {
        Self::within(start_with(ChainConfig::default(), None).await, terms()).await
    }

    async fn within(devnet: Devnet, terms: Terms) -> Self {
        let registry = Near::deploy(config(&url(&devnet)), &signer(0), "registry").await;
        let registry = registry.expect("deployed");
        let context = context_of(&registry, 0);
        let call = Call::Create { salt: SALT, terms: terms.clone() };
        registry.submit(&context, &call, &signer(0)).await.expect("created");
        let made = Record::create(registry.locator().registry(), &account(0), SALT, terms);
        let (id, model, _) = made.expect("legal terms");
        assert_eq!(id, context);
        let world = Self { devnet, registry, context, model };
        world.agrees("create").await;
        world
    }

    /// Submits, does the same to the model, and compares.
    async fn call(&mut self, by: usize, call: Call) -> chain::Receipt {
        let receipt = self.registry.submit(&self.context, &call, &signer(by)).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{call:?}: {error:?}"));
        self.follow(by, &call, &receipt).await;
        receipt
    }

    async fn follow(&mut self, by: usize, call: &Call, receipt: &chain::Receipt) {
        let block = receipt.block.expect("in a block");
        let after = self.model.after(&account(by), call, block.time_s, &NoHost);
        let (model, _) = after.unwrap_or_else(|code| panic!("{call:?}: {code}"));
        self.model = model;
        self.agrees(&format!("{call:?}")).await;
    }

    async fn refused(&self, by: usize, call: &Call, code: Code) {
        let answer = self.registry.submit(&self.context, call, &signer(by)).await;
        assert!(
            matches!(answer, Err(ChainError::Refused { code: found }) if found == code),
            "{call:?}: {answer:?} instead of {code}"
        );
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

    /// The same registry through these endpoints, of which so many must agree.
    fn through(&self, endpoints: &[Url], needed: usize) -> Near {
        let config = config_for(endpoints, needed);
        Near::new(self.registry.locator().id().clone(), config).expect("near")
    }

    fn url(&self) -> Url {
        url(&self.devnet)
    }
}

/// A chain with the accounts of [`NAMES`], whose blocks come at once and every 50 ms.
async fn start(chain: ChainConfig) -> Devnet {
    start_with(chain, Some(Duration::from_millis(50))).await
}

async fn start_with(chain: ChainConfig, every: Option<Duration>) -> Devnet {
    let accounts = NAMES.iter().enumerate().map(|(index, name)| genesis(name, index));
    let accounts = accounts.chain(chain.accounts.clone()).collect();
    let mining = Mining { at_once: true, every };
    let config = DevnetConfig {
        chain: ChainConfig { accounts, ..chain },
        mining,
        time: Time::System,
        ..DevnetConfig::default()
    };
    Devnet::start(config).await.expect("a free port")
}

fn genesis(name: &str, index: usize) -> GenesisAccount {
    let pair = ed25519_dalek::SigningKey::from_bytes(key(index).as_bytes()).to_keypair_bytes();
    let text = format!("ed25519:{}", bs58::encode(pair).into_string());
    assert!(secret_key(&text).is_some());
    GenesisAccount {
        id: name.parse().expect("legal"),
        balance: Balance::from_near(1_000),
        key: text.parse().expect("a key"),
    }
}

fn url(devnet: &Devnet) -> Url {
    devnet.url().parse().expect("an address")
}

fn config(endpoint: &Url) -> NearConfig {
    config_for(std::slice::from_ref(endpoint), 1)
}

fn config_for(endpoints: &[Url], needed: usize) -> NearConfig {
    NearConfig {
        endpoints: endpoints.to_vec(),
        needed: needed.try_into().expect("not zero"),
        patience: Duration::from_secs(20),
        timeout: Duration::from_secs(5),
        ..NearConfig::new(endpoints[0].clone())
    }
}

fn key(index: usize) -> AccountKey {
    AccountKey::from_bytes([u8::try_from(index).expect("few") + 1; 32])
}

fn signer(index: usize) -> Signer {
    Signer { account: id(index), key: key(index) }
}

fn id(index: usize) -> AccountId {
    named(NAMES[index])
}

fn named(name: &str) -> AccountId {
    let chain = "near:localnet".parse().expect("legal");
    AccountId::new(&chain, name).expect("legal")
}

fn account(index: usize) -> Account {
    Account::from_id(&id(index)).expect("an account")
}

fn context_of(registry: &Near, creator: usize) -> OnChainId {
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
async fn a_record_lives_as_the_model_says() {
    let mut world = World::new().await;
    let receipt = world.call(0, world.act(members(2, 4)).await).await;
    assert_eq!((receipt.seq, receipt.rev), (Some(1), Some(2)));
    world.refused(0, &world.act(members(2, 5)).await, Code::E57).await;
    world.refused(0, &Call::Renounce, Code::E53).await;
    world.refused(1, &world.act(members(4, 5)).await, Code::E12).await;
    world.refused(1, &Call::AcceptAdmin, Code::E50).await;
    world.call(0, world.act(nominate(1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    world.call(0, world.act(nominate(2)).await).await;
    world.call(2, Call::AcceptAdmin).await;
    world.call(0, world.act(Action::SetThreshold { threshold: 2 }).await).await;

    let actions = vec![members(4, 5)];
    let proposed = world.call(0, world.propose(members(4, 5)).await).await;
    let seq = proposed.seq.expect("a proposal");
    let execute = Call::Execute { seq, actions: actions.clone() };
    world.refused(1, &execute, Code::E41).await;
    let open = world.registry.proposals(&world.context).await.expect("answers");
    let [open] = open.as_slice() else { panic!("one proposal: {open:?}") };
    assert_eq!((open.seq, &open.actions, open.needed), (seq, &actions, 2));
    assert_eq!((&open.proposer, &open.approvals), (&account(0), &vec![account(0)]));
    assert_eq!(open.eta_s, None);
    world.refused(1, &Call::Approve { seq, actions_hash: hash(1) }, Code::E22).await;
    world.call(1, Call::ApproveAndExecute { seq, actions }).await;
    assert_eq!(world.registry.proposals(&world.context).await.expect("answers"), []);

    world.call(1, Call::Renounce).await;
    let page = world.revisions(&world.start(), Finality::Latest).await;
    assert!(page.is_last());
    let revs: Vec<u64> = page.revisions.iter().map(|revision| revision.rev).collect();
    assert_eq!(revs, (1..=world.model.head.rev).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_registry_is_verified_by_chain_code_and_keys() {
    let world = World::new().await;
    world.registry.verify_registry().await.expect("the one that was deployed");
    let other = |account: AccountId| Near::new(account, config(&world.url())).expect("near");
    let nowhere = other(named("nobody.near")).verify_registry().await;
    assert!(matches!(nowhere, Err(ChainError::NoRegistry { .. })), "{nowhere:?}");
    let person = other(id(0)).verify_registry().await;
    assert!(matches!(person, Err(ChainError::NoRegistry { .. })), "{person:?}");
    let mainnet: AccountId = "near:mainnet:registry.alice.near".parse().expect("legal");
    let elsewhere = other(mainnet).verify_registry().await;
    assert!(matches!(elsewhere, Err(ChainError::OtherChain { .. })), "{elsewhere:?}");
    let ethereum: AccountId = "eip155:1:0xab".parse().expect("legal");
    let none = Near::new(ethereum, config(&world.url()));
    assert!(matches!(none, Err(ChainError::BadAccount { .. })), "{none:?}");
}

#[tokio::test]
async fn a_registry_with_a_key_is_none() {
    let world = World::new().await;
    let code = include_bytes!("../../../../contracts/near/artifact/registry.wasm");
    // The account keeps the key that it began with.
    world.devnet.with(|chain| {
        let dave = "dave.near".parse().expect("legal");
        chain.deploy(&dave, code).expect("deployed");
    });
    let owned = Near::new(id(3), config(&world.url())).expect("near");
    let found = owned.verify_registry().await;
    assert!(matches!(found, Err(ChainError::OtherRegistry { .. })), "{found:?}");
}

#[tokio::test]
async fn balances_are_told() {
    let world = World::new().await;
    let near = 10_u128.pow(24);
    let balance = async |account| world.registry.balance(&account).await.ok();
    assert_eq!(balance(id(1)).await, Some(1_000 * near));
    assert_eq!(balance(named("nobody.near")).await, Some(0));
    let other = world.registry.balance(&"near:mainnet:alice.near".parse().expect("legal")).await;
    assert!(matches!(other, Err(ChainError::BadAccount { .. })), "{other:?}");
}

//! A development network with a canister on it, and agents.

use anchorhold_devnet_icp::{Devnet, InstallMode, Principal};
use ic_agent::{
    Agent, Identity,
    identity::{BasicIdentity, Delegation, SignedDelegation},
};

const COUNTER: &str = include_str!("../../testdata/counter.wat");

pub(crate) fn module() -> Vec<u8> {
    wat::parse_str(COUNTER).expect("well-formed")
}

/// A network with one counter, which `admin` controls.
pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) counter: Principal,
}

impl World {
    pub(crate) async fn new() -> Self {
        let devnet = Devnet::start().await.expect("it starts");
        let admin = admin().sender().expect("a principal");
        let counter = devnet.with(|replica| {
            let counter = replica.create_canister(&[admin]).expect("there is room");
            let mode = InstallMode::Install;
            replica.install(counter, mode, &module(), b"", admin).expect("it is installed");
            counter
        });
        Self { devnet, counter }
    }

    /// An agent that trusts the network.
    pub(crate) fn agent(&self, identity: impl Identity + 'static) -> Agent {
        let agent = Agent::builder().with_url(self.devnet.url()).with_identity(identity);
        let agent = agent.build().expect("the address is one");
        agent.set_root_key(self.devnet.root_key());
        agent
    }

    pub(crate) async fn count(&self, agent: &Agent) -> u64 {
        let asked = agent.query(&self.counter, "count").with_arg([]).call().await;
        number(&asked.expect("it answers"))
    }
}

pub(crate) fn admin() -> BasicIdentity {
    BasicIdentity::from_raw_key(&[1; 32])
}

pub(crate) fn number(reply: &[u8]) -> u64 {
    u64::from_le_bytes(reply.try_into().expect("eight bytes"))
}

/// What `from` signs so that `to` may speak for it until `expiration`, in nanoseconds.
pub(crate) fn delegation(
    from: &impl Identity,
    to: &impl Identity,
    expiration: u64,
    targets: Option<Vec<Principal>>,
) -> SignedDelegation {
    let pubkey = to.public_key().expect("a key");
    let delegation = Delegation { pubkey, expiration, targets, permissions: None };
    let signed = from.sign_delegation(&delegation).expect("it signs");
    SignedDelegation { delegation, signature: signed.signature.expect("a signature") }
}

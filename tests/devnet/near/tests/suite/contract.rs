//! A chain with a contract on it.

use anchorhold_devnet_near::{
    AccountId, Balance, Call, Chain, ChainConfig, GenesisAccount, Report,
};

/// The contract of `probe.wat`.
pub(crate) fn code() -> Vec<u8> {
    wat::parse_str(include_str!("probe.wat")).expect("the contract is well formed")
}

pub(crate) fn id(text: &str) -> AccountId {
    text.parse().expect("a valid account id")
}

/// A chain on which `alice.near` and `bob.near` have 1000 NEAR each.
pub(crate) fn chain() -> Chain {
    chain_with(ChainConfig::default())
}

pub(crate) fn chain_with(config: ChainConfig) -> Chain {
    let rich = |name| GenesisAccount::new(id(name), Balance::from_near(1000));
    let accounts = vec![rich("alice.near"), rich("bob.near")];
    Chain::new(ChainConfig { accounts, ..config })
}

/// The same with the contract on `a.near` and `b.near`.
pub(crate) fn chain_with_contracts() -> Chain {
    let mut chain = chain();
    for name in ["a.near", "b.near"] {
        chain.create_account(&id(name), Balance::from_near(10));
        let report = chain.deploy(&id(name), &code()).expect("it is included");
        assert_eq!(report.failures(), Vec::<String>::new());
    }
    chain
}

/// Calls as `alice.near`, and must be included.
#[track_caller]
pub(crate) fn call(chain: &mut Chain, contract: &str, method: &str, args: &str) -> Report {
    let call = Call::new(&id(contract), method, args);
    chain.call(&id("alice.near"), call).expect("it is included")
}

/// What the contract says that it keeps.
pub(crate) fn kept(chain: &Chain, contract: &str) -> String {
    let viewed = chain.view(&id(contract), "get", &[]).expect("it answers");
    String::from_utf8(viewed.value).expect("tests keep text")
}

//! Sending calls: repeated, stuck, without funds; and proposals on their way.

use std::time::Duration;

use anchorhold_ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use chain::{AccountKey, Call, Chain as _, ChainError, Signer, Wallets as _};
use governance::anchor::{Action, Class, Code, Terms};
use serde_json::{Value, json};
use types::ContextId;

use crate::{
    SALT, World, account, batch_hash, config, config_for, id, members, nominate,
    process::Anvil,
    proxy::{Lie, Proxy},
    terms,
};

#[tokio::test]
async fn repeating_what_is_done_sends_nothing() {
    let mut world = World::new(&[]).await;
    let create = Call::Create { salt: SALT, terms: terms() };
    let change = world.act(members(2, 4)).await;
    world.call(0, change.clone()).await;
    world.call(0, world.act(nominate(1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    for (by, call) in [(0, &create), (0, &change), (1, &Call::AcceptAdmin)] {
        let receipt = world.registry.submit(&world.context, call, &Anvil::signer(by)).await;
        assert_eq!(receipt.expect("done already").transaction, None, "{call:?}");
    }
    let other = Terms { context: ContextId::from_bytes([4; 32]), ..terms() };
    let other = Call::Create { salt: SALT, terms: other };
    world.refused(0, &other, Code::E01).await;
    let stolen = world.registry.submit(&world.context, &create, &Anvil::signer(1)).await;
    assert!(matches!(stolen, Err(ChainError::BadCall { .. })));
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
    let poor = Signer { account, key: poor };
    let answer = world.registry.submit(&context, &create, &poor).await;
    assert!(matches!(answer, Err(ChainError::NoFunds { .. })), "{answer:?}");
    let nobody = Signer { key: AccountKey::from_bytes([0; 32]), ..poor };
    let answer = world.registry.submit(&context, &create, &nobody).await;
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

/// All transactions of `by` that wait.
async fn waiting(world: &World, by: usize) -> Vec<Value> {
    let pool = world.anvil.ask("txpool_content", json!([])).await;
    let address = id(by).address().to_lowercase();
    let own = pool["pending"].as_object().expect("accounts").iter();
    let own = own.filter(|(account, _)| account.to_lowercase() == address);
    own.flat_map(|(_, by_nonce)| by_nonce.as_object().expect("nonces").values().cloned()).collect()
}

fn fee(transaction: &Value) -> u128 {
    let text = transaction["maxFeePerGas"].as_str().expect("a number");
    u128::from_str_radix(text.trim_start_matches("0x"), 16).expect("hexadecimal")
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_and_never_doubled() {
    let world = World::new(&[]).await;
    world.anvil.ask("evm_setAutomine", json!([false])).await;
    let impatient = EthereumConfig {
        patience: Duration::from_millis(900),
        bump_after: Duration::from_millis(300),
        ..config(&world.anvil)
    };
    let registry_id = world.registry.locator().id().clone();
    let registry = Ethereum::new(registry_id, impatient).expect("eip155");
    let call = world.act(members(2, 4)).await;
    let stuck = registry.submit(&world.context, &call, &Anvil::signer(0)).await;
    assert!(matches!(stuck, Err(ChainError::NotIncluded { .. })), "{stuck:?}");
    let before = waiting(&world, 0).await;
    let [first] = before.as_slice() else { panic!("one transaction waits: {before:?}") };
    // Repeating goes on with it, and pays more.
    let stuck = registry.submit(&world.context, &call, &Anvil::signer(0)).await;
    assert!(matches!(stuck, Err(ChainError::NotIncluded { .. })), "{stuck:?}");
    let after = waiting(&world, 0).await;
    let [second] = after.as_slice() else { panic!("one transaction waits: {after:?}") };
    assert_eq!(second["nonce"], first["nonce"]);
    assert!(fee(second) * 8 >= fee(first) * 9, "{} after {}", fee(second), fee(first));
    world.anvil.ask("evm_setAutomine", json!([true])).await;
    world.anvil.mine(1).await;
    let receipt = registry.submit(&world.context, &call, &Anvil::signer(0)).await;
    assert_eq!(receipt.expect("in a block").rev, Some(2));
    let again = registry.submit(&world.context, &call, &Anvil::signer(0)).await;
    assert_eq!(again.expect("done already").transaction, None);
}

#[tokio::test]
async fn calls_go_through_whichever_endpoint_takes_them() {
    let mut world = World::new(&[]).await;
    let proxy = Proxy::start(&world.anvil.url).await;
    let mut config = config_for(&[proxy.url.clone(), world.anvil.url.clone()], 1);
    config.timeout = Duration::from_millis(500);
    for (lie, root) in [(Lie::Html, 4), (Lie::Silence, 5), (Lie::Reverts, 6), (Lie::Dear, 7)] {
        let registry_id = world.registry.locator().id().clone();
        world.registry = Ethereum::new(registry_id, config.clone()).expect("eip155");
        proxy.lie(lie);
        world
            .call(0, world.act(members(root.max(4) - if root == 4 { 2 } else { 1 }, root)).await)
            .await;
    }
}

#[tokio::test]
async fn open_proposals_are_proved_with_those_whose_approval_counts() {
    let mut world = World::new(&[]).await;
    for index in [1, 2] {
        world.call(0, world.act(nominate(index)).await).await;
        world.call(index, Call::AcceptAdmin).await;
    }
    world.call(0, world.act(Action::SetThreshold { threshold: 2 }).await).await;
    assert_eq!(world.registry.proposals(&world.context).await.expect("answers"), []);
    world.call(1, world.propose(members(2, 4)).await).await;
    let first = world.model.head.seq;
    world.call(2, world.propose(Action::SetMeta { meta: crate::hash(5) }).await).await;
    let second = world.model.head.seq;
    let actions_hash = batch_hash(&[members(2, 4)]);
    world.call(2, Call::Approve { seq: first, actions_hash }).await;
    let open = world.registry.proposals(&world.context).await.expect("proved");
    let [one, two] = open.as_slice() else { panic!("two are open: {open:?}") };
    assert_eq!((one.seq, two.seq), (first, second));
    assert_eq!(one.actions, [members(2, 4)]);
    assert_eq!((&one.proposer, one.class, one.needed), (&account(1), Class::Routine, 2));
    assert_eq!(one.approvals, [account(1), account(2)]);
    assert!(one.eta_s.is_some() && two.eta_s.is_none());
    // Who leaves does not count, though nobody took the approval back.
    world.call(1, Call::Renounce).await;
    let open = world.registry.proposals(&world.context).await.expect("proved");
    assert_eq!(open[0].approvals, [account(2)]);
    world.refused(0, &Call::Execute { seq: first, actions: vec![members(2, 4)] }, Code::E46).await;
    world.call(0, Call::Approve { seq: first, actions_hash }).await;
    world.call(0, Call::Execute { seq: first, actions: vec![members(2, 4)] }).await;
    let open = world.registry.proposals(&world.context).await.expect("proved");
    assert_eq!(open.iter().map(|open| open.seq).collect::<Vec<_>>(), [second]);
}

#[tokio::test]
async fn a_hidden_or_forged_proposal_is_found_out() {
    let mut world = World::new(&[]).await;
    world.call(0, world.act(nominate(1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    world.call(0, world.act(Action::SetThreshold { threshold: 2 }).await).await;
    world.call(1, world.propose(members(2, 4)).await).await;
    let proxy = Proxy::start(&world.anvil.url).await;
    let urls = [proxy.url.clone(), world.anvil.url.clone()];
    for lie in [Lie::OmittedEvent(0), Lie::AlteredEvent(0), Lie::ForgedProof] {
        let registry_id = world.registry.locator().id().clone();
        let registry = Ethereum::new(registry_id, config_for(&urls, 2)).expect("eip155");
        proxy.lie(lie);
        let open = registry.proposals(&world.context).await.expect("the other one is honest");
        assert_eq!((open.len(), &open[0].actions), (1, &vec![members(2, 4)]), "{lie:?}");
        assert!(registry.faults().iter().any(|fault| fault.misdeed.is_a_lie()), "{lie:?}");
    }
}

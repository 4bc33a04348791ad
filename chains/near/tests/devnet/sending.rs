//! Sending calls: races, expiry, repetition, refusals, and who pays.

use std::time::Duration;

use anchorhold_near::{Delegated, Near, NearConfig};
use chain::{AccountKey, Call, Chain as _, ChainError, Finality, Signer};
use devnet_near::{Balance, ChainConfig};
use governance::anchor::{Action, Code};

use crate::{
    SALT, World, account, config, config_for, context_of, hash, id, key, members, named, nominate,
    proxy::{Lie, Proxy},
    signer, terms, url,
};

#[tokio::test]
async fn calls_of_one_key_do_not_take_each_others_nonces() {
    let world = World::new().await;
    let other = world.through(&[world.url()], 1);
    let expiry_s = world.now_s().await + 3600;
    let propose =
        |byte| Call::Propose { actions: vec![Action::SetMeta { meta: hash(byte) }], expiry_s };
    let (by, context) = (signer(0), world.context);
    let mut calls = tokio::task::JoinSet::new();
    let (one, other) =
        (std::sync::Arc::new(world.through(&[world.url()], 1)), std::sync::Arc::new(other));
    for byte in 0..6 {
        let registry = std::sync::Arc::clone(if byte % 2 == 0 { &one } else { &other });
        let (call, by) = (propose(byte), by.clone());
        calls.spawn(async move { registry.submit(&context, &call, &by).await });
    }
    let mut seqs = Vec::new();
    while let Some(done) = calls.join_next().await {
        let receipt = done.expect("it ran").expect("accepted");
        seqs.push(receipt.seq.expect("a proposal"));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_transaction_that_has_expired_is_made_anew() {
    let chain = ChainConfig { validity_blocks: 40, ..ChainConfig::default() };
    let mut world = World::on(chain).await;
    world.devnet.produce(100);
    let proxy = Proxy::start(&world.url()).await;
    let registry = world.through(std::slice::from_ref(&proxy.url), 1);
    let call = world.act(members(2, 4)).await;
    proxy.lie_times(Lie::AncientFinal, 2);
    let receipt = registry.submit(&world.context, &call, &signer(0)).await.expect("accepted");
    world.follow(0, &call, &receipt).await;
}

#[tokio::test]
async fn what_is_there_is_not_sent_again() {
    let mut world = World::new().await;
    let create = Call::Create { salt: SALT, terms: terms() };
    let balance = world.registry.balance(&id(0)).await.expect("answers");
    let again = world.registry.submit(&world.context, &create, &signer(0)).await.expect("there");
    assert_eq!((again.transaction, again.block), (None, None));
    let call = world.act(members(2, 4)).await;
    world
        .refused(
            0,
            &Call::Create {
                salt: SALT,
                terms: governance::anchor::Terms {
                    context: types::ContextId::from_bytes([9; 32]),
                    ..terms()
                },
            },
            Code::E01,
        )
        .await;
    assert_eq!(world.registry.balance(&id(0)).await.expect("answers"), balance);
    world.call(0, call.clone()).await;
    let again = world.registry.submit(&world.context, &call, &signer(0)).await.expect("there");
    assert_eq!(again.transaction, None);
    world.call(0, world.act(nominate(1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    let again = world.registry.submit(&world.context, &Call::AcceptAdmin, &signer(1)).await;
    assert_eq!(again.expect("there").transaction, None);
}

#[tokio::test]
async fn a_refusal_costs_nothing() {
    let world = World::new().await;
    let before = world.registry.balance(&id(1)).await.expect("answers");
    world.refused(1, &world.act(members(2, 4)).await, Code::E12).await;
    world.refused(1, &Call::Veto { seq: 1 }, Code::E20).await;
    assert_eq!(world.registry.balance(&id(1)).await.expect("answers"), before);
}

#[tokio::test]
async fn what_was_attached_too_much_comes_back() {
    let mut world = World::new().await;
    let before = world.registry.balance(&id(0)).await.expect("answers");
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.produce(5);
    let after = world.registry.balance(&id(0)).await.expect("answers");
    let milli_near = 10_u128.pow(21);
    assert!(before - after < 10 * milli_near, "{}", before - after);
}

#[tokio::test]
async fn who_cannot_sign_or_pay_is_told_so() {
    let world = World::new().await;
    let call = Call::AcceptAdmin;
    let submit = async |account, key| {
        let by = Signer { account, key };
        world.registry.submit(&world.context, &call, &by).await
    };
    let create = Call::Create { salt: SALT, terms: terms() };
    let context = context_of(&world.registry, 1);
    let by = Signer { account: id(1), key: key(0) };
    let found = world.registry.submit(&context, &create, &by).await;
    assert!(matches!(found, Err(ChainError::BadKey)), "{found:?}");
    let nobody = named("nobody.near");
    let context = world.registry.locator().context(&nobody, &SALT).expect("of the chain");
    let by = Signer { account: nobody, key: key(0) };
    let found = world.registry.submit(&context, &create, &by).await;
    assert!(matches!(found, Err(ChainError::NoFunds { .. })), "{found:?}");
    let other = "near:mainnet:alice.near".parse().expect("legal");
    let found = submit(other, key(0)).await;
    assert!(matches!(found, Err(ChainError::BadAccount { .. })), "{found:?}");
    let by = signer(1);
    let found = world.registry.submit(&world.context, &create, &by).await;
    assert!(matches!(found, Err(ChainError::BadCall { .. })), "{found:?}");
}

#[tokio::test]
async fn an_account_without_funds_cannot_pay() {
    let poor = crate::genesis("poor.near", 7);
    let poor = devnet_near::GenesisAccount { balance: Balance::from_millinear(5), ..poor };
    let chain = ChainConfig { accounts: vec![poor], ..ChainConfig::default() };
    let devnet = crate::start(chain).await;
    let registry = Near::deploy(config(&url(&devnet)), &signer(0), "registry").await;
    let registry = registry.expect("deployed");
    let by = Signer { account: named("poor.near"), key: key(7) };
    let context = registry.locator().context(&by.account, &SALT).expect("of the chain");
    let create = Call::Create { salt: SALT, terms: terms() };
    let found = registry.submit(&context, &create, &by).await;
    assert!(matches!(found, Err(ChainError::NoFunds { .. })), "{found:?}");
}

#[tokio::test]
async fn endpoints_that_lie_do_not_keep_a_call_from_being_sent() {
    let mut world = World::new().await;
    let proxy = Proxy::start(&world.url()).await;
    let urls = [proxy.url.clone(), world.url(), world.url()];
    let lies = [Lie::Html, Lie::NoKeys, Lie::OldHead { blocks: 3 }, Lie::TooLargeWrongValue];
    for (prev, lie) in (2..).zip(lies) {
        proxy.lie(lie);
        let registry = world.through(&urls, 2);
        let call = world.act(members(prev, prev + 1)).await;
        let receipt = registry.submit(&world.context, &call, &signer(0)).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{lie:?}: {error:?}"));
        world.follow(0, &call, &receipt).await;
    }
}

#[tokio::test]
async fn a_stopped_chain_is_unreachable_and_that_passes() {
    let world = World::new().await;
    let registry = world.registry.locator().id().clone();
    let config = NearConfig { timeout: Duration::from_secs(1), ..config(&world.url()) };
    let adapter = Near::new(registry, config).expect("near");
    drop(world.devnet);
    let found = adapter.head(&world.context, Finality::Final).await;
    assert!(matches!(&found, Err(error) if error.is_transient()), "{found:?}");
}

#[tokio::test]
async fn who_holds_no_near_lets_another_pay() {
    let broke = crate::genesis("broke.near", 8);
    let broke = devnet_near::GenesisAccount { balance: Balance::from_millinear(3), ..broke };
    let chain = ChainConfig { accounts: vec![broke], ..ChainConfig::default() };
    let mut world = World::on(chain).await;
    let by = Signer { account: named("broke.near"), key: key(8) };
    let invited = governance::anchor::Account::from_id(&by.account).expect("an account");
    let nominate = Action::NominateAdmin { account: invited.clone(), ttl_s: 3600 };
    world.call(0, world.act(nominate).await).await;

    let call = Call::AcceptAdmin;
    let delegated = world.registry.delegate(&world.context, &call, &by).await.expect("signed");
    let receipt = world.registry.relay(&delegated, &signer(3)).await.expect("relayed");
    let block = receipt.block.expect("in a block");
    let after = world.model.after(&invited, &call, block.time_s, &governance::anchor::NoHost);
    world.model = after.expect("legal").0;
    world.agrees("by a relayer").await;
    // Once only.
    let again = world.registry.relay(&delegated, &signer(3)).await;
    assert!(again.is_err(), "{again:?}");
    // Whoever pays looks at what it pays for.
    let renounce = Delegated { call: Call::Renounce, ..delegated.clone() };
    let found = world.registry.relay(&renounce, &signer(3)).await;
    assert!(matches!(found, Err(ChainError::BadCall { .. })), "{found:?}");
    let mut altered = delegated;
    let last = altered.action.len() - 1;
    altered.action[last] ^= 1;
    let found = world.registry.relay(&altered, &signer(3)).await;
    assert!(matches!(found, Err(ChainError::BadCall { .. })), "{found:?}");
    let stranger = Signer { account: id(2), key: AccountKey::from_bytes([9; 32]) };
    let found = world.registry.delegate(&world.context, &Call::Renounce, &stranger).await;
    assert!(matches!(found, Err(ChainError::BadKey)), "{found:?}");
}

#[tokio::test]
async fn a_registry_needs_a_name_below_its_makers() {
    let devnet = crate::start(ChainConfig::default()).await;
    let deploy = async |by: &Signer, name: &str| {
        Near::deploy(config_for(&[url(&devnet)], 1), by, name).await.map(drop)
    };
    for name in ["", "a.b", "UPPER"] {
        let found = deploy(&signer(0), name).await;
        assert!(matches!(found, Err(ChainError::BadCall { .. })), "{name}: {found:?}");
    }
    let other = Signer { account: "near:mainnet:alice.near".parse().expect("legal"), key: key(0) };
    let found = deploy(&other, "registry").await;
    assert!(matches!(found, Err(ChainError::BadAccount { .. })), "{found:?}");
    deploy(&signer(0), "registry").await.expect("deployed");
    let twice = deploy(&signer(0), "registry").await;
    assert!(matches!(twice, Err(ChainError::Failed { .. })), "{twice:?}");
    assert_eq!(account(0).as_bytes(), b"alice.near");
}

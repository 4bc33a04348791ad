//! Reading a record: finality, pages, reorganisations, and endpoints that lie.

use std::time::Duration;

use anchorhold_ethereum::{Ethereum, EthereumConfig};
use chain::{
    Chain as _, ChainError, Finality, Inconsistent, Misdeed, Page, Position, Shown, Vouched,
};
use governance::anchor::Action;
use serde_json::json;
use types::Hash;

use crate::{
    World, config, config_for, members,
    proxy::{Lie, Proxy},
};

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
async fn a_stopped_chain_is_unreachable_and_that_passes() {
    let mut world = World::new(&[]).await;
    world.anvil.stop();
    let answer = world.registry.head(&world.context, Finality::Final).await.expect_err("stopped");
    assert!(matches!(answer, ChainError::Unreachable { .. }), "{answer:?}");
    assert!(answer.is_transient());
}

/// Two endpoints that both must agree, of which the first goes through `proxy`.
fn two(world: &World, proxy: &Proxy) -> Ethereum {
    let mut config = config_for(&[proxy.url.clone(), world.anvil.url.clone()], 2);
    config.timeout = Duration::from_millis(400);
    config.lag_max = Duration::from_secs(60);
    Ethereum::new(world.registry.locator().id().clone(), config).expect("eip155")
}

async fn read(registry: &Ethereum, world: &World) -> Result<Page, ChainError> {
    registry.revisions(&world.context, &world.start(), Finality::Final).await
}

/// Whether the liar, and nobody else, is named for what it did.
#[track_caller]
fn names(registry: &Ethereum, proxy: &Proxy, story: &str, is_it: impl Fn(&Misdeed) -> bool) {
    let faults = registry.faults();
    let port = format!(":{}", proxy.url.port().expect("a port"));
    assert!(faults.iter().any(|fault| is_it(&fault.misdeed)), "{story}: {faults:?}");
    assert!(faults.iter().all(|fault| fault.endpoint.ends_with(&port)), "{story}: {faults:?}");
}

#[tokio::test]
async fn one_honest_endpoint_is_enough_beside_a_liar() {
    let mut world = World::new(&[]).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.call(0, world.act(members(4, 5)).await).await;
    world.anvil.mine(3).await;
    let proxy = Proxy::start(&world.anvil.url).await;
    let truth = read(&world.registry, &world).await.expect("honest").revisions;
    type Is = fn(&Misdeed) -> bool;
    let wrong: Is = |misdeed| matches!(misdeed, Misdeed::WrongValue { .. });
    let events: Is = |misdeed| matches!(misdeed, Misdeed::WrongEvents { .. });
    for (lie, is_it) in [
        (Lie::ForgedProof, wrong),
        (Lie::OmittedEvent(0), events),
        (Lie::OmittedEvent(2), events),
        (Lie::AlteredEvent(1), events),
        (Lie::MovedEvent(1), events),
    ] {
        let registry = two(&world, &proxy);
        proxy.lie(lie);
        let page = read(&registry, &world).await.unwrap_or_else(|error| panic!("{lie:?}: {error}"));
        assert_eq!(page.revisions, truth, "{lie:?}");
        let trust = page.head.expect("a record").trust;
        let witnessed = Vouched::Endpoints { agreeing: 2, of: 2 };
        assert_eq!((trust.block, trust.answer), (witnessed, Shown::Proved));
        names(&registry, &proxy, &format!("{lie:?}"), is_it);
    }
}

#[tokio::test]
async fn an_endpoint_with_another_chain_or_none_settles_nothing() {
    let mut world = World::new(&[]).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.anvil.mine(3).await;
    let proxy = Proxy::start(&world.anvil.url).await;
    type Is = fn(&Misdeed) -> bool;
    let other: Is = |misdeed| matches!(misdeed, Misdeed::WrongValue { .. });
    let silent: Is = |misdeed| matches!(misdeed, Misdeed::Unreachable { .. });
    let strange: Is = |misdeed| matches!(misdeed, Misdeed::BadAnswer { .. });
    for (lie, is_it) in [
        (Lie::WrongHash, other),
        (Lie::Html, strange),
        (Lie::Silence, silent),
        (Lie::Endless, strange),
    ] {
        let registry = two(&world, &proxy);
        proxy.lie(lie);
        let answer = read(&registry, &world).await;
        assert!(
            matches!(answer, Err(ChainError::Disagreement { agreeing: 1, needed: 2, .. })),
            "{lie:?}: {answer:?}"
        );
        names(&registry, &proxy, &format!("{lie:?}"), is_it);
        // Where one is enough, the other one is.
        let urls = [proxy.url.clone(), world.anvil.url.clone()];
        let mut config = config_for(&urls, 1);
        config.timeout = Duration::from_millis(400);
        let any = Ethereum::new(world.registry.locator().id().clone(), config).expect("eip155");
        assert_eq!(read(&any, &world).await.expect("one answers").revisions.len(), 2, "{lie:?}");
    }
}

#[tokio::test]
async fn an_invented_block_is_outvoted_and_named() {
    let mut world = World::new(&[]).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.anvil.mine(3).await;
    let proxy = Proxy::start(&world.anvil.url).await;
    proxy.lie(Lie::InventedBlock);
    let url = world.anvil.url.clone();
    let config = config_for(&[proxy.url.clone(), url.clone(), url], 2);
    let registry = Ethereum::new(world.registry.locator().id().clone(), config).expect("eip155");
    let page = read(&registry, &world).await.expect("two are honest");
    assert_eq!(page.revisions.len(), 2);
    names(&registry, &proxy, "an invented block", |misdeed| {
        matches!(misdeed, Misdeed::OtherBlock { .. })
    });
}

#[tokio::test]
async fn an_old_head_is_named_and_moves_nothing_where_others_agree() {
    let mut world = World::new(&[]).await;
    world.anvil.mine(2).await;
    world.anvil.ask("evm_increaseTime", json!([3_600])).await;
    world.anvil.mine(1).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.anvil.mine(3).await;
    let proxy = Proxy::start(&world.anvil.url).await;
    proxy.lie(Lie::OldHead { blocks: 4 });
    let registry = two(&world, &proxy);
    let page = read(&registry, &world).await.expect("they agree about an old block");
    assert_eq!(page.revisions.len(), 1);
    let is_old = |misdeed: &Misdeed| matches!(misdeed, Misdeed::OldHead { .. });
    names(&registry, &proxy, "an old head", is_old);
    let url = world.anvil.url.clone();
    let config = config_for(&[proxy.url.clone(), url.clone(), url], 2);
    let registry = Ethereum::new(world.registry.locator().id().clone(), config).expect("eip155");
    assert_eq!(read(&registry, &world).await.expect("two are ahead").revisions.len(), 2);
    names(&registry, &proxy, "an old head beside two", is_old);
}

#[tokio::test]
async fn without_proofs_the_record_is_only_told() {
    let world = World::new(&[]).await;
    world.anvil.mine(3).await;
    let proxies = [Proxy::start(&world.anvil.url).await, Proxy::start(&world.anvil.url).await];
    proxies.iter().for_each(|proxy| proxy.lie(Lie::NoProofs));
    let urls = proxies.each_ref().map(|proxy| proxy.url.clone());
    let id = world.registry.locator().id().clone();
    let registry = Ethereum::new(id, config_for(&urls, 2)).expect("eip155");
    registry.verify_registry().await.expect("its code is told alike");
    let page = read(&registry, &world).await.expect("both tell the same");
    let trust = page.head.expect("a record").trust;
    assert_eq!(trust.answer, Shown::Told { agreeing: 2, of: 2 });
    assert_eq!(page.revisions.len(), 1);
    proxies[0].lie(Lie::NoProofsWrongValue);
    let answer = read(&registry, &world).await;
    assert!(matches!(answer, Err(ChainError::Disagreement { .. })), "{answer:?}");
}

/// The story of a node under which the chain changes: shown, taken back, and what was final stays.
#[tokio::test]
async fn reorganisations_take_back_what_was_not_final_and_nothing_else() {
    let mut world = World::new(&[]).await;
    world.anvil.mine(24).await;
    let first = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(first.next.rev, 1);
    for depth in [1, 2, 3, 5, 8, 13, 20_u64] {
        let story = format!("{depth} blocks deep");
        let model = world.model.clone();
        world.call(0, world.act(Action::SetMeta { meta: Hash::from_bytes([7; 32]) }).await).await;
        world.anvil.mine(depth - 1).await;
        let known = world.revisions(&first.next, Finality::Latest).await;
        assert_eq!(known.revisions.len(), 1, "{story}");
        world.anvil.ask("anvil_reorg", json!([depth, []])).await;
        world.model = model;
        let after = world.revisions(&first.next, Finality::Latest).await;
        assert_eq!((after.revisions.len(), after.is_last()), (0, true), "{story}");
        let lost = world.registry.revisions(&world.context, &known.next, Finality::Latest).await;
        let behind = Inconsistent::Behind { known: 2, head: 1 };
        assert!(
            matches!(&lost, Err(ChainError::Inconsistent { source, .. }) if *source == behind),
            "{story}: {lost:?}"
        );
        assert_eq!(world.registry.faults(), [], "{story}");
        let again = world.revisions(&world.start(), Finality::Final).await;
        assert_eq!(again.revisions, first.revisions, "{story}");
    }
    // The reader goes on where the chain goes on.
    world.call(0, world.act(members(2, 4)).await).await;
    world.anvil.mine(3).await;
    let page = world.revisions(&first.next, Finality::Final).await;
    assert_eq!((page.revisions.len(), page.next.log_head), (1, world.model.log_head));
}

#[tokio::test]
async fn a_websocket_answers_and_tells_of_new_blocks() {
    let world = World::new(&[]).await;
    let mut url = world.anvil.url.clone();
    url.set_scheme("ws").expect("a scheme of the same kind");
    let id = world.registry.locator().id().clone();
    let registry = Ethereum::new(id, config_for(&[url], 1)).expect("eip155");
    registry.verify_registry().await.expect("it is the registry");
    let told = async {
        registry.changed().await;
    };
    let mining = async {
        // The subscription takes a moment; a block that comes before it tells nobody.
        loop {
            world.anvil.mine(1).await;
        }
    };
    let in_time = async {
        tokio::select! {
            () = told => {}
            () = mining => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(10), in_time).await.expect("a block is told of");
    assert_eq!(read(&registry, &world).await.expect("answers").revisions.len(), 1);
}

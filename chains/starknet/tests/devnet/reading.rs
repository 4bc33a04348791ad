//! Reading a record: finality, pages, reorganisations, and endpoints that lie.

use std::time::Duration;

use anchorhold_starknet::{Settled, Starknet, StarknetConfig};
use chain::{
    Chain as _, ChainError, Finality, Inconsistent, Misdeed, Page, Position, Shown, Vouched,
};
use governance::anchor::Action;
use serde_json::json;
use types::Hash;

use crate::{
    World, config, config_for, members,
    proxy::{Lie, Proxy},
    settled_on_l1,
};

const HOUR_S: u64 = 60 * 60;

#[tokio::test]
async fn what_is_read_is_what_the_chain_settled() {
    let Some(mut world) = World::new().await else { return };
    world.renew().await;
    a_revision_is_final_once_l1_has_it_and_safe_before(&mut world).await;
    world.renew().await;
    a_page_is_made_of_short_spans_of_blocks(&mut world).await;
    world.renew().await;
    reorganisations_take_back_what_was_not_final_and_nothing_else(&mut world).await;
    world.renew().await;
    a_liar_beside_two_honest_endpoints_is_outvoted_and_named(&mut world).await;
    world.renew().await;
    without_a_majority_nothing_is_believed(&mut world).await;
    world.renew().await;
    an_old_head_is_named_and_moves_nothing_where_others_agree(&mut world).await;
    world.renew().await;
    a_development_chain_is_final_at_a_depth(&mut world).await;
    world.renew().await;
    a_stopped_chain_is_unreachable_and_that_passes(&mut world).await;
}

async fn a_revision_is_final_once_l1_has_it_and_safe_before(world: &mut World) {
    world.registry = world.through(settled_on_l1(&world.devnet.url));
    let early = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!((early.revisions.len(), early.head), (0, None));
    let early = world.revisions(&world.start(), Finality::Safe).await;
    assert_eq!((early.revisions.len(), early.head), (0, None));
    assert_eq!(world.revisions(&world.start(), Finality::Latest).await.revisions.len(), 1);
    // The block of the first revision is two hours old, that of the second is not.
    world.devnet.ask("devnet_increaseTime", json!({ "time": 2 * HOUR_S })).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.mine(2).await;
    let safe = world.revisions(&world.start(), Finality::Safe).await;
    assert_eq!((safe.next.rev, safe.is_last()), (1, true));
    assert_eq!(world.revisions(&world.start(), Finality::Final).await.head, None);
    world.devnet.accept().await;
    let page = world.revisions(&world.start(), Finality::Final).await;
    let [_, changed] = page.revisions.as_slice() else { panic!("two revisions") };
    assert_eq!(Position::after(changed), page.next);
    // What is final is safe as well.
    assert_eq!(world.revisions(&world.start(), Finality::Safe).await.next.rev, 2);
    let again = world.revisions(&page.next, Finality::Final).await;
    assert_eq!((again.revisions.len(), again.is_last()), (0, true));
}

async fn a_page_is_made_of_short_spans_of_blocks(world: &mut World) {
    let first = world.devnet.height().await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.mine(40).await;
    world.call(0, world.act(members(4, 5)).await).await;
    let config = StarknetConfig { span_blocks: 2, ..config(&world.devnet.url) };
    let slow = world.through(config);
    let mut at = world.registry.locator().start(&world.context, first);
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

async fn a_stopped_chain_is_unreachable_and_that_passes(world: &mut World) {
    world.devnet.stop();
    let answer = world.registry.head(&world.context, Finality::Final).await.expect_err("stopped");
    assert!(matches!(answer, ChainError::Unreachable { .. }), "{answer:?}");
    assert!(answer.is_transient());
}

/// The story of a node under which the chain changes: shown, taken back, and what was final stays.
async fn reorganisations_take_back_what_was_not_final_and_nothing_else(world: &mut World) {
    world.registry = world.through(settled_on_l1(&world.devnet.url));
    world.devnet.accept().await;
    let first = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(first.next.rev, 1);
    for depth in [1, 2, 5, 13] {
        let story = format!("{depth} blocks deep");
        let model = world.model.clone();
        world.call(0, world.act(Action::SetMeta { meta: Hash::from_bytes([7; 32]) }).await).await;
        world.devnet.mine(depth - 1).await;
        let known = world.revisions(&first.next, Finality::Latest).await;
        assert_eq!(known.revisions.len(), 1, "{story}");
        world.devnet.abort(depth).await;
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
    world.devnet.accept().await;
    let page = world.revisions(&first.next, Finality::Final).await;
    assert_eq!((page.revisions.len(), page.next.log_head), (1, world.model.log_head));
}

async fn read(registry: &Starknet, world: &World) -> Result<Page, ChainError> {
    registry.revisions(&world.context, &world.start(), Finality::Final).await
}

/// Three endpoints of which two must agree; the first goes through `proxy`.
fn three(world: &World, proxy: &Proxy) -> Starknet {
    let url = world.devnet.url.clone();
    let mut config = config_for(&[proxy.url.clone(), url.clone(), url], 2);
    config.timeout = Duration::from_secs(2);
    config.lag_max = Duration::from_secs(60);
    world.through(config)
}

/// Whether the liar, and nobody else, is named for what it did.
#[track_caller]
fn names(registry: &Starknet, proxy: &Proxy, story: &str, is_it: impl Fn(&Misdeed) -> bool) {
    let faults = registry.faults();
    let port = format!(":{}", proxy.url.port().expect("a port"));
    assert!(faults.iter().any(|fault| is_it(&fault.misdeed)), "{story}: {faults:?}");
    assert!(faults.iter().all(|fault| fault.endpoint.ends_with(&port)), "{story}: {faults:?}");
}

async fn a_liar_beside_two_honest_endpoints_is_outvoted_and_named(world: &mut World) {
    world.call(0, world.act(members(2, 4)).await).await;
    world.call(0, world.act(members(4, 5)).await).await;
    world.devnet.mine(1).await;
    let proxy = Proxy::start(&world.devnet.url).await;
    let truth = read(&world.registry, world).await.expect("honest").revisions;
    type Is = fn(&Misdeed) -> bool;
    let wrong: Is = |misdeed| matches!(misdeed, Misdeed::WrongValue { .. });
    let events: Is = |misdeed| matches!(misdeed, Misdeed::WrongEvents { .. });
    let other: Is = |misdeed| matches!(misdeed, Misdeed::OtherBlock { .. });
    let silent: Is = |misdeed| matches!(misdeed, Misdeed::Unreachable { .. });
    let strange: Is = |misdeed| matches!(misdeed, Misdeed::BadAnswer { .. });
    for (lie, is_it) in [
        (Lie::WrongValue, wrong),
        (Lie::OmittedEvent(0), events),
        (Lie::OmittedEvent(2), events),
        (Lie::AlteredEvent(1), events),
        (Lie::MovedEvent(1), events),
        (Lie::InventedBlock, other),
        (Lie::Html, strange),
        (Lie::Silence, silent),
        (Lie::Endless, strange),
    ] {
        let registry = three(world, &proxy);
        proxy.lie(lie);
        let page = read(&registry, world).await.unwrap_or_else(|error| panic!("{lie:?}: {error}"));
        assert_eq!(page.revisions, truth, "{lie:?}");
        let trust = page.head.expect("a record").trust;
        assert!(matches!(trust.block, Vouched::Endpoints { of: 3, .. }), "{lie:?}");
        assert!(matches!(trust.answer, Shown::Told { of: 3, .. }), "{lie:?}");
        names(&registry, &proxy, &format!("{lie:?}"), is_it);
    }
}

async fn without_a_majority_nothing_is_believed(world: &mut World) {
    world.call(0, world.act(members(2, 4)).await).await;
    let proxy = Proxy::start(&world.devnet.url).await;
    for lie in [Lie::WrongValue, Lie::InventedBlock, Lie::Html, Lie::Silence] {
        let mut config = config_for(&[proxy.url.clone(), world.devnet.url.clone()], 2);
        config.timeout = Duration::from_secs(1);
        proxy.lie(lie);
        let answer = read(&world.through(config), world).await;
        assert!(matches!(answer, Err(ChainError::Disagreement { .. })), "{lie:?}: {answer:?}");
    }
    // An event is checked against the record by whoever reads it, whatever is told of its block.
    for lie in [Lie::OmittedEvent(0), Lie::AlteredEvent(1)] {
        proxy.lie(lie);
        let alone = world.through(config(&proxy.url));
        let answer = read(&alone, world).await;
        assert!(matches!(answer, Err(ChainError::Inconsistent { .. })), "{lie:?}: {answer:?}");
    }
}

async fn an_old_head_is_named_and_moves_nothing_where_others_agree(world: &mut World) {
    world.devnet.ask("devnet_increaseTime", json!({ "time": HOUR_S })).await;
    world.call(0, world.act(members(2, 4)).await).await;
    let proxy = Proxy::start(&world.devnet.url).await;
    proxy.lie(Lie::OldHead { blocks: 2 });
    let registry = three(world, &proxy);
    assert_eq!(read(&registry, world).await.expect("two are ahead").revisions.len(), 2);
    let is_old = |misdeed: &Misdeed| matches!(misdeed, Misdeed::OldHead { .. });
    names(&registry, &proxy, "an old head", is_old);
}

async fn a_development_chain_is_final_at_a_depth(world: &mut World) {
    let settled = Settled::AfterBlocks(2);
    let registry = world.through(StarknetConfig { settled, ..config(&world.devnet.url) });
    let page = read(&registry, world).await.expect("answers");
    assert_eq!((page.revisions.len(), page.head), (0, None));
    assert!(registry.head(&world.context, Finality::Latest).await.expect("answers").is_some());
    world.devnet.mine(2).await;
    assert_eq!(read(&registry, world).await.expect("answers").revisions.len(), 1);
    let deeper = Settled::AfterBlocks(1000);
    let registry = world.through(StarknetConfig { settled: deeper, ..config(&world.devnet.url) });
    assert_eq!(registry.head(&world.context, Finality::Final).await.expect("answers"), None);
}

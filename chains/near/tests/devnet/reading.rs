//! Reading a record: finality, pages, reorganisations, and endpoints that lie.

use std::time::Duration;

use anchorhold_near::{Near, NearConfig, call_arguments};
use chain::{Chain as _, ChainError, Finality, Inconsistent, Misdeed, Shown, Vouched};
use devnet_near::ChainConfig;
use governance::anchor::{Action, OnChainId};

use crate::{
    World, config, hash, members,
    proxy::{Lie, Proxy},
};

#[tokio::test]
async fn a_head_is_proved_under_its_block() {
    let world = World::new().await;
    let head = world.registry.head(&world.context, Finality::Final).await.expect("answers");
    let head = head.expect("the record is there");
    assert_eq!(head.trust.answer, Shown::Proved);
    assert_eq!(head.trust.block, Vouched::Endpoints { agreeing: 1, of: 1 });
    // The contract keeps other records, so that this one's absence is proved as well.
    let nothing = OnChainId::new(hash(9));
    let none = world.registry.head(&nothing, Finality::Final).await.expect("answers");
    assert_eq!(none, None);
    let page = world.registry.revisions(&nothing, &world.start(), Finality::Final).await;
    assert_eq!(page.expect("answers").head, None);
}

#[tokio::test]
async fn a_page_is_made_of_short_spans_of_blocks() {
    let mut world = World::new().await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.produce(40);
    world.call(0, world.act(members(4, 5)).await).await;
    let config = NearConfig { span_blocks: 3, ..config(&world.url()) };
    let slow = Near::new(world.registry.locator().id().clone(), config).expect("near");
    let (mut at, mut found, mut pages) = (world.start(), Vec::new(), 0);
    loop {
        let page = slow.revisions(&world.context, &at, Finality::Final).await.expect("fits");
        found.extend(page.revisions.iter().map(|revision| revision.rev));
        (at, pages) = (page.next, pages + 1);
        if page.is_last() {
            break;
        }
    }
    assert_eq!(found, [1, 2, 3]);
    assert!(pages > 1, "{pages}");
}

#[tokio::test]
async fn revisions_stand_in_the_blocks_that_took_them_in() {
    let mut world = World::new().await;
    let receipt = world.call(0, world.act(members(2, 4)).await).await;
    let page = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(page.revisions.last().map(|revision| revision.block), receipt.block);
    let payload = members(2, 4).payload();
    assert_eq!(page.revisions.last().map(|revision| &revision.payload), Some(&payload));
}

#[tokio::test]
async fn a_record_and_its_history_agree_after_every_block() {
    let world = World::still().await;
    let urls = [world.url(), world.url(), world.url()];
    let registry = world.through(&urls, 2);
    let expiry_s = world.now_s().await + 3600;
    let (mut known, mut newest) = (world.start(), 1);
    for step in 0..24_u8 {
        world.devnet.with(|chain| {
            if step % 3 == 0 {
                let meta = Action::SetMeta { meta: hash(step) };
                let call = chain::Call::Act { actions: vec![meta], expiry_s };
                let (method, args) = call_arguments(&world.context, &call).expect("legal");
                let contract = "registry.alice.near".parse().expect("legal");
                let deposit = devnet_near::Balance::from_millinear(50);
                let call = devnet_near::Call::new(&contract, method, args.to_string());
                let alice = "alice.near".parse().expect("legal");
                let signed = chain.sign(&alice, &contract, vec![call.with_deposit(deposit).into()]);
                chain.submit(signed).expect("taken");
            }
            chain.produce();
        });
        let page = registry.revisions(&world.context, &world.start(), Finality::Latest).await;
        newest = page.expect("consistent").next.rev.max(newest);
        let page = registry.revisions(&world.context, &known, Finality::Final).await;
        known = page.expect("consistent").next;
    }
    assert!(newest >= 8 && known.rev >= 7, "{newest} {known:?}");
    assert_eq!(registry.faults(), []);
}

#[tokio::test]
async fn what_is_not_final_may_be_undone_and_what_is_may_not() {
    let mut world = World::new().await;
    let before = world.revisions(&world.start(), Finality::Final).await;
    world.call(0, world.act(members(2, 4)).await).await;
    let latest = world.revisions(&before.next, Finality::Latest).await;
    assert_eq!(latest.next.rev, 2);
    let known = world.revisions(&world.start(), Finality::Final).await;
    world.devnet.with(|chain| drop(chain.drop_unfinal()));
    world.devnet.produce(5);
    let after = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(after.revisions[..known.revisions.len()], known.revisions);
}

#[tokio::test]
async fn an_endpoint_that_alters_the_record_is_found_out() {
    let world = World::new().await;
    let proxy = Proxy::start(&world.url()).await;
    for lie in [Lie::ForgedProof, Lie::WrongValue] {
        proxy.lie(lie);
        let alone = world.through(std::slice::from_ref(&proxy.url), 1);
        let found = alone.head(&world.context, Finality::Final).await;
        assert!(matches!(found, Err(ChainError::Lied { .. })), "{lie:?}: {found:?}");
        let both = world.through(&[proxy.url.clone(), world.url()], 1);
        let head = both.head(&world.context, Finality::Final).await.expect("one is honest");
        assert_eq!(head.expect("there").head, world.model.head, "{lie:?}");
        let faults = both.faults();
        assert!(
            faults.iter().any(|fault| matches!(fault.misdeed, Misdeed::WrongValue { .. })),
            "{lie:?}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn without_proofs_enough_endpoints_must_tell_the_same() {
    let mut world = World::new().await;
    world.call(0, world.propose(Action::SetMeta { meta: hash(5) }).await).await;
    let (one, other) = (Proxy::start(&world.url()).await, Proxy::start(&world.url()).await);
    let third = Proxy::start(&world.url()).await;
    let urls = [one.url.clone(), other.url.clone(), third.url.clone()];
    for proxy in [&one, &other, &third] {
        proxy.lie(Lie::TooLarge);
    }
    let all = world.through(&urls, 2);
    let head = all.head(&world.context, Finality::Final).await.expect("they agree").expect("there");
    assert_eq!(head.trust.answer, Shown::Told { agreeing: 3, of: 3 });
    assert_eq!(all.proposals(&world.context).await.expect("they agree").len(), 1);
    one.lie(Lie::TooLargeWrongValue);
    let head = all.head(&world.context, Finality::Final).await.expect("two agree").expect("there");
    assert_eq!(head.trust.answer, Shown::Told { agreeing: 2, of: 3 });
    assert_eq!(head.head, world.model.head);
    other.lie(Lie::Html);
    let split = all.head(&world.context, Finality::Final).await;
    assert!(matches!(split, Err(ChainError::Disagreement { .. })), "{split:?}");
}

#[tokio::test]
async fn an_endpoint_that_alters_the_history_is_found_out() {
    let mut world = World::new().await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.call(0, world.act(members(4, 5)).await).await;
    let proxy = Proxy::start(&world.url()).await;
    let lies = [
        Lie::OmittedRevision(0),
        Lie::OmittedRevision(1),
        Lie::OmittedRevision(2),
        Lie::AlteredRevisions,
    ];
    for lie in lies {
        proxy.lie(lie);
        let alone = world.through(std::slice::from_ref(&proxy.url), 1);
        let found = alone.revisions(&world.context, &world.start(), Finality::Final).await;
        assert!(matches!(found, Err(ChainError::Inconsistent { .. })), "{lie:?}: {found:?}");
        let both = world.through(&[proxy.url.clone(), world.url()], 1);
        let page = both.revisions(&world.context, &world.start(), Finality::Final).await;
        assert_eq!(page.expect("one is honest").next.rev, 3, "{lie:?}");
        let faults = both.faults();
        assert!(
            faults.iter().any(|fault| matches!(fault.misdeed, Misdeed::WrongEvents { .. })),
            "{lie:?}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn a_revision_is_where_enough_endpoints_say() {
    let world = World::new().await;
    let proxy = Proxy::start(&world.url()).await;
    proxy.lie(Lie::MovedRevisions);
    let urls = [proxy.url.clone(), world.url(), world.url()];
    let registry = world.through(&urls, 2);
    let page = registry.revisions(&world.context, &world.start(), Finality::Final).await;
    let honest = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(page.expect("two are honest").revisions, honest.revisions);
    assert!(!registry.faults().is_empty());
}

#[tokio::test]
async fn blocks_that_are_none_are_refused() {
    let world = World::new().await;
    let proxy = Proxy::start(&world.url()).await;
    let alone = world.through(std::slice::from_ref(&proxy.url), 1);
    for lie in [Lie::WrongHash, Lie::WrongRoots] {
        proxy.lie(lie);
        let found = alone.head(&world.context, Finality::Final).await;
        assert!(matches!(found, Err(ChainError::Lied { .. })), "{lie:?}: {found:?}");
    }
    proxy.lie(Lie::OtherChain);
    let found = alone.verify_registry().await;
    assert!(matches!(found, Err(ChainError::OtherChain { .. })), "{found:?}");
    for lie in [Lie::Html, Lie::Huge] {
        proxy.lie(lie);
        let found = alone.head(&world.context, Finality::Final).await;
        assert!(matches!(found, Err(ChainError::BadAnswer { .. })), "{lie:?}: {found:?}");
    }
    let timeout = Duration::from_millis(300);
    let config = NearConfig { timeout, ..config(&proxy.url) };
    let hasty = Near::new(world.registry.locator().id().clone(), config).expect("near");
    for lie in [Lie::Busy, Lie::Silence] {
        proxy.lie(lie);
        let found = hasty.head(&world.context, Finality::Final).await;
        assert!(matches!(&found, Err(error) if error.is_transient()), "{lie:?}: {found:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_shows_an_old_chain_is_named() {
    let mut world = World::new().await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.advance(Duration::from_secs(600));
    world.devnet.produce(5);
    let proxy = Proxy::start(&world.url()).await;
    proxy.lie(Lie::OldHead { blocks: 12 });
    let registry = world.through(&[world.url(), proxy.url.clone(), world.url()], 2);
    let page = registry.revisions(&world.context, &world.start(), Finality::Final).await;
    assert_eq!(page.expect("two are honest").next.rev, 2);
    let faults = registry.faults();
    let is_old = |fault: &chain::Fault| matches!(fault.misdeed, Misdeed::OldHead { .. });
    assert!(faults.iter().any(is_old), "{faults:?}");
    // Who knows more notices.
    let known = world.revisions(&world.start(), Finality::Final).await.next;
    let height = known.height;
    let behind = world.through(std::slice::from_ref(&proxy.url), 1);
    let head = behind.head(&world.context, Finality::Final).await.expect("answers");
    if head.is_none_or(|head| head.block.height < height) {
        let found = behind.revisions(&world.context, &known, Finality::Final).await;
        let is_behind = matches!(
            &found,
            Err(ChainError::Inconsistent { source: Inconsistent::Behind { .. }, .. })
        );
        assert!(is_behind, "{found:?}");
    }
}

#[tokio::test]
async fn states_that_are_gone_are_no_absence() {
    let chain = ChainConfig { states_kept: 8, ..ChainConfig::default() };
    let world = World::on(chain).await;
    let head = world.registry.head(&world.context, Finality::Final).await.expect("answers");
    let block = head.expect("there").block;
    world.devnet.produce(30);
    let page = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(page.next.rev, 1);
    let at = chain::BlockId { height: block.height, hash: block.hash };
    let evidence = crate::signing::evidence(0, &hash(1));
    let signed = world.registry.account_signed(&crate::id(0), &hash(1), &evidence, Some(at)).await;
    assert_eq!(signed.expect("answers").answer, governance::log::Answer::Unknown);
}

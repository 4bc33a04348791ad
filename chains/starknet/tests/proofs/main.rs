//! What is proved under headers: records, classes, events, and which block is final. An endpoint
//! that is made up here tells a chain of three blocks, whole or with a lie in it.

mod chain_of_three;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use anchorhold_starknet::{CoreContract, OnL1, Starknet, StarknetConfig, WordsOnL1, felt::Felt};
use async_trait::async_trait;
use chain::{AnchorHead, Chain as _, ChainError, Finality, Shown, Vouched};
use chain_of_three::{Endpoint, Lie, REGISTRY, World};
use types::{AccountId, Hash};

/// A reader of L1 that says which block is final.
#[derive(Debug)]
struct Final(Hash, u64);

#[async_trait]
impl WordsOnL1 for Final {
    fn name(&self) -> &str {
        "l1"
    }

    async fn words(
        &self,
        contract: &AccountId,
        slots: &[Hash],
    ) -> Result<Option<Vec<Hash>>, ChainError> {
        assert_eq!((contract.chain().as_str(), slots), ("eip155:1", &OnL1::slots()[..]));
        let height = Hash::from_bytes(Felt::from(self.1).to_bytes_be());
        Ok(Some(vec![Hash::ZERO, height, self.0]))
    }
}

fn config(endpoints: &[&Endpoint], needed: usize) -> StarknetConfig {
    StarknetConfig {
        endpoints: endpoints.iter().map(|endpoint| endpoint.url.clone()).collect(),
        needed: NonZeroUsize::new(needed).expect("not zero"),
        timeout: Duration::from_secs(5),
        ..StarknetConfig::new(endpoints[0].url.clone())
    }
}

fn registry(config: StarknetConfig) -> Starknet {
    Starknet::new(REGISTRY.parse().expect("legal"), config).expect("a registry")
}

async fn head(registry: &Starknet, world: &World) -> Result<Option<AnchorHead>, ChainError> {
    registry.head(&world.context, Finality::Final).await
}

#[tokio::test]
async fn a_record_is_proved_under_a_header_whose_hash_was_computed() {
    let world = World::new();
    let endpoint = Endpoint::start(&world, Lie::Nothing).await;
    let registry = registry(config(&[&endpoint], 1));
    registry.verify_registry().await.expect("its class is proved");
    let head = head(&registry, &world).await.expect("proved").expect("a record");
    assert_eq!((head.head, head.log_head), (world.head, world.log_head));
    assert_eq!(head.trust.answer, Shown::Proved);
    assert_eq!(head.block.height, 2);
}

#[tokio::test]
async fn a_record_that_is_not_there_is_proved_not_to_be() {
    let mut world = World::new();
    let endpoint = Endpoint::start(&world, Lie::Nothing).await;
    world.context = world.other_context();
    let registry = registry(config(&[&endpoint], 1));
    assert_eq!(head(&registry, &world).await.expect("proved"), None);
}

#[tokio::test]
async fn what_no_header_carries_is_refused() {
    let world = World::new();
    for lie in [Lie::ForgedNode, Lie::OtherLeaf, Lie::OtherRoots] {
        let endpoint = Endpoint::start(&world, lie).await;
        let registry = registry(config(&[&endpoint], 1));
        let answer = head(&registry, &world).await;
        assert!(matches!(answer, Err(ChainError::Lied { .. })), "{lie:?}: {answer:?}");
        // One that proves it is enough beside it, and the liar is named.
        let honest = Endpoint::start(&world, Lie::Nothing).await;
        let both = self::registry(config(&[&endpoint, &honest], 2));
        let found = head(&both, &world).await.expect("proved by the other").expect("a record");
        assert_eq!(found.trust.answer, Shown::Proved, "{lie:?}");
        assert!(both.faults().iter().all(|fault| fault.misdeed.is_a_lie()), "{lie:?}");
        assert_eq!(both.faults().len(), 1, "{lie:?}");
    }
    let endpoint = Endpoint::start(&world, Lie::OtherState).await;
    let answer = head(&registry(config(&[&endpoint], 1)), &world).await;
    assert!(matches!(answer, Err(ChainError::Lied { .. })), "{answer:?}");
}

/// Endpoints before JSON-RPC 0.10 leave out what a block's hash is made of: their proofs are under
/// roots that anybody may have made up.
#[tokio::test]
async fn under_a_header_that_is_only_told_everything_is() {
    let world = World::new();
    let endpoints = [
        Endpoint::start(&world, Lie::OldVersion).await,
        Endpoint::start(&world, Lie::OldVersion).await,
    ];
    let registry = registry(config(&[&endpoints[0], &endpoints[1]], 2));
    let head = head(&registry, &world).await.expect("told").expect("a record");
    assert_eq!(head.trust.answer, Shown::Told { agreeing: 2, of: 2 });
    assert_eq!(head.head, world.head);
}

#[tokio::test]
async fn the_newest_block_on_l1_is_found_where_it_has_no_name() {
    let world = World::new();
    let endpoint = Endpoint::start(&world, Lie::NoTag { on_l1: 1 }).await;
    let registry = registry(config(&[&endpoint], 1));
    let head = head(&registry, &world).await.expect("proved").expect("a record");
    assert_eq!(head.block.height, 1);
    let nothing = Endpoint::start(&world, Lie::NoneOnL1).await;
    let registry = self::registry(config(&[&nothing], 1));
    assert_eq!(registry.head(&world.context, Finality::Final).await.expect("told"), None);
}

fn consented(world: &World, endpoints: &[&Endpoint], height: u64) -> Starknet {
    let reader = Arc::new(Final(world.hash(height), height));
    let core = CoreContract::of(&"starknet:SN_MAIN".parse().expect("legal"), reader);
    let consensus = Some(Arc::new(core.expect("known")) as Arc<dyn chain::Consensus>);
    registry(StarknetConfig { consensus, ..config(endpoints, 1) })
}

#[tokio::test]
async fn the_core_contract_decides_which_block_is_final() {
    let world = World::new();
    let endpoint = Endpoint::start(&world, Lie::Nothing).await;
    let registry = consented(&world, &[&endpoint], 1);
    let head = head(&registry, &world).await.expect("proved").expect("a record");
    assert_eq!((head.trust.block, head.trust.answer), (Vouched::Consensus, Shown::Proved));
    assert_eq!(head.block.height, 1);
    // The events' commitment in the block proves when it happened, without a second endpoint.
    let start = registry.locator().start(&world.context, 0);
    let page = registry.revisions(&world.context, &start, Finality::Final).await.expect("proved");
    assert_eq!(page.revisions.len(), 1);
    assert_eq!(page.revisions[0].block.height, 1);
}

#[tokio::test]
async fn an_event_is_in_its_block_or_its_teller_is_named() {
    let world = World::new();
    let liar = Endpoint::start(&world, Lie::MovedEvent).await;
    let honest = Endpoint::start(&world, Lie::Nothing).await;
    let both = consented(&world, &[&liar, &honest], 2);
    let start = both.locator().start(&world.context, 0);
    let page = both.revisions(&world.context, &start, Finality::Final).await.expect("proved");
    assert_eq!(page.revisions[0].block.height, 1);
    assert!(both.faults().iter().any(|fault| fault.misdeed.is_a_lie()), "{:?}", both.faults());
}

#[tokio::test]
async fn another_block_than_l1_accepted_is_refused() {
    let world = World::new();
    let endpoint = Endpoint::start(&world, Lie::Nothing).await;
    let reader = Arc::new(Final(Hash::from_bytes([1; 32]), 1));
    let core = CoreContract::of(&"starknet:SN_MAIN".parse().expect("legal"), reader);
    let consensus = Some(Arc::new(core.expect("known")) as Arc<dyn chain::Consensus>);
    let registry = registry(StarknetConfig { consensus, ..config(&[&endpoint], 1) });
    let answer = head(&registry, &world).await;
    assert!(matches!(answer, Err(ChainError::Disagreement { .. })), "{answer:?}");
    assert!(registry.faults().iter().any(|fault| fault.misdeed.is_a_lie()));
}

//! The light client: which block is final on the word of block producers alone.

use std::time::Duration;

use anchorhold_near::{Near, NearConfig};
use chain::{Chain as _, ChainError, Finality, Shown, Vouched};
use devnet_near::ChainConfig;
use types::Hash;

use crate::{
    World, config_for, hash, members,
    proxy::{Lie, Proxy},
};

/// Epochs of twenty blocks, four producers.
fn chain() -> ChainConfig {
    ChainConfig { epoch_blocks: 20, producers: 4, ..ChainConfig::default() }
}

impl World {
    /// The same registry through these endpoints, by a light client that starts at `trusted`.
    fn following(&self, endpoints: &[url::Url], trusted: Hash) -> Near {
        let config = NearConfig { trusted_block: Some(trusted), ..config_for(endpoints, 1) };
        Near::new(self.registry.locator().id().clone(), config).expect("near")
    }

    fn block_at(&self, height: u64) -> Hash {
        self.devnet.with(|chain| {
            let block = chain.blocks().iter().find(|block| block.height() == height);
            Hash::from_bytes(block.expect("such a block").hash().0)
        })
    }
}

#[tokio::test]
async fn a_trusted_block_leads_to_the_newest_over_many_epochs() {
    let mut world = World::on(chain()).await;
    world.devnet.produce(100);
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.produce(10);
    let followed = world.following(&[world.url()], world.block_at(5));
    let head = followed.head(&world.context, Finality::Final).await.expect("followed");
    let head = head.expect("the record is final");
    assert_eq!((head.trust.block, head.trust.answer), (Vouched::Consensus, Shown::Proved));
    assert_eq!(head.head, world.model.head);
    let page = followed.revisions(&world.context, &world.start(), Finality::Final).await;
    let told = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(page.expect("proved").revisions, told.revisions);
    assert_eq!(followed.faults(), []);
    world.devnet.produce(60);
    let newer = async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        loop {
            let later = followed.head(&world.context, Finality::Final).await.expect("followed");
            if later.expect("there").block.height > head.block.height + 40 {
                return;
            }
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), newer).await.expect("it follows on");
}

#[tokio::test]
async fn within_the_epoch_of_the_trusted_block_nothing_newer_is_vouched_for() {
    let mut world = World::new().await;
    world.call(0, world.act(members(2, 4)).await).await;
    let trusted = world.registry.head(&world.context, Finality::Final).await.expect("answers");
    let trusted = trusted.expect("there").block;
    world.devnet.produce(10);
    let followed = world.following(&[world.url()], trusted.hash);
    let head = followed.head(&world.context, Finality::Final).await.expect("answers");
    let head = head.expect("the trusted block has it");
    assert_eq!((head.block, head.trust.block), (trusted, Vouched::Consensus));
}

#[tokio::test]
async fn a_moved_revision_is_found_out_by_the_contracts_own_state() {
    let mut world = World::on(chain()).await;
    world.call(0, world.act(members(2, 4)).await).await;
    world.devnet.produce(60);
    let proxy = Proxy::start(&world.url()).await;
    proxy.lie(Lie::MovedRevisions);
    let urls = [proxy.url.clone(), world.url()];
    let followed = world.following(&urls, world.block_at(5));
    let page = followed.revisions(&world.context, &world.start(), Finality::Final).await;
    let told = world.revisions(&world.start(), Finality::Final).await;
    assert_eq!(page.expect("one is honest").revisions, told.revisions);
    assert!(!followed.faults().is_empty());
}

#[tokio::test]
async fn a_forged_approval_vouches_for_nothing() {
    let world = World::on(chain()).await;
    world.devnet.produce(60);
    let proxy = Proxy::start(&world.url()).await;
    proxy.lie(Lie::ForgedApproval);
    let trusted = world.block_at(5);
    let alone = world.following(std::slice::from_ref(&proxy.url), trusted);
    let found = alone.head(&world.context, Finality::Final).await;
    assert!(matches!(found, Err(ChainError::Lied { .. })), "{found:?}");
    // Whoever else serves it is asked next.
    let both = world.following(&[proxy.url.clone(), world.url()], trusted);
    let head = both.head(&world.context, Finality::Final).await.expect("one is honest");
    assert_eq!(head.expect("there").trust.block, Vouched::Consensus);
}

#[tokio::test]
async fn an_unknown_trusted_block_is_an_error() {
    let world = World::on(chain()).await;
    let followed = world.following(&[world.url()], hash(1));
    let found = followed.head(&world.context, Finality::Final).await;
    assert!(matches!(found, Err(ChainError::BadAnswer { .. })), "{found:?}");
}

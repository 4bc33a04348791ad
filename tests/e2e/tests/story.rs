//! The story, step by step, on each chain. One test a chain: each step stands on the ones before.

use anchorhold_e2e::{STEPS, World};
use anyhow::{Context as _, Result};
use harness::DevnetKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_one_room_one_wallet_one_chain() -> Result<()> {
    play(World::start().await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_near() -> Result<()> {
    play(World::start_devnet(DevnetKind::Near).await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_the_internet_computer() -> Result<()> {
    play(World::start_devnet(DevnetKind::Icp).await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_starknet() -> Result<()> {
    if DevnetKind::Starknet.program()?.is_none() {
        println!("left out: starknet-devnet is not here");
        return Ok(());
    }
    play(World::start_devnet(DevnetKind::Starknet).await?).await
}

async fn play(mut world: World) -> Result<()> {
    for step in STEPS {
        (step.play)(&mut world).await.with_context(|| step.title.to_owned())?;
    }
    Ok(())
}

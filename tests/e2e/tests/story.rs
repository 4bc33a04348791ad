//! The story, step by step. One test: each step stands on the ones before.

use anchorhold_e2e::{STEPS, World};
use anyhow::{Context as _, Result};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_one_room_one_wallet_one_chain() -> Result<()> {
    let mut world = World::start().await?;
    for step in STEPS {
        (step.play)(&mut world).await.with_context(|| step.title.to_owned())?;
    }
    Ok(())
}

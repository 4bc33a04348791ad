//! The chain takes blocks back under a running node.

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use harness::AnvilConfig;
use serde_json::{Value, json};

/// Final is twice this many blocks behind the newest: deeper than any reorganisation here.
const SLOTS: u64 = 16;

#[tokio::test]
async fn what_is_not_final_is_shown_taken_back_and_never_counted() -> Result<()> {
    let config = AnvilConfig { slots_in_an_epoch: SLOTS, ..AnvilConfig::default() };
    let mut world = World::start_on(config).await?;
    world.found(&["--delays", "0,0,0,0"]).await?;
    world.site.anvil().mine(2 * SLOTS).await?;
    world.until_quiet(&world.alice).await?;
    for depth in [1, 2, 3, 5, 8, 13, 20] {
        taken_back(&world, depth).await.with_context(|| format!("{depth} blocks deep"))?;
    }
    kept(&world).await
}

/// A revision under `depth - 1` empty blocks is shown, and gone once `depth` blocks are.
async fn taken_back(world: &World, depth: u64) -> Result<()> {
    let meta = format!("{depth:064x}");
    let receipt = world.alice.cli(&["proposal", "new", &world.board, "--meta", &meta]).await?;
    ensure!(receipt["rev"].as_u64() == Some(2), "{receipt}");
    let included = receipt["height"].as_u64().context("a block")?;
    world.until(async || shown(world, Some(&meta)).await).await?;
    let epoch = world.status(&world.alice).await?["epoch"].clone();
    ensure!(epoch == 1, "counted before it was final");
    let newest = newest(world).await?;
    world.site.anvil().mine((included + depth - 1).saturating_sub(newest)).await?;
    let deep = crate::newest(world).await?.saturating_sub(included) + 1;
    world.site.anvil().rpc("anvil_reorg", json!([deep, []])).await.or_else(no_result)?;
    world.until(async || shown(world, None).await).await?;
    let events = world.alice.cli(&["events", &world.board]).await?.to_string();
    ensure!(events.contains("retracted"), "nobody was told: {events}");
    Ok(())
}

/// What is final stays, whatever happens to newer blocks.
async fn kept(world: &World) -> Result<()> {
    let meta = "ab".repeat(32);
    world.alice.cli(&["proposal", "new", &world.board, "--meta", &meta]).await?;
    world.site.anvil().mine(2 * SLOTS + 1).await?;
    world
        .until(async || {
            let status = world.status(&world.alice).await?;
            ensure!(status["epoch"] == 2, "not final yet: {status}");
            Ok(())
        })
        .await?;
    world.site.anvil().rpc("anvil_reorg", json!([20, []])).await.or_else(no_result)?;
    let receipt = world.alice.cli(&["proposal", "new", &world.board, "--meta", &meta]).await?;
    ensure!(receipt["rev"].as_u64() == Some(3), "the final revision is gone: {receipt}");
    world.site.anvil().mine(2 * SLOTS + 1).await?;
    world.until_quiet(&world.alice).await?;
    ensure!(world.status(&world.alice).await?["epoch"] == 3, "the log goes on");
    Ok(())
}

/// Whether the status shows the one provisional revision that sets `meta`, or none.
async fn shown(world: &World, meta: Option<&str>) -> Result<()> {
    let status = world.status(&world.alice).await?;
    let found = status["anchor"]["provisional"].as_array().context("a list")?;
    let says = |meta: &str| found.iter().any(|one| one["what"].to_string().contains(meta));
    match meta {
        Some(meta) => ensure!(found.len() == 1 && says(meta), "not shown yet: {status}"),
        None => ensure!(found.is_empty(), "still shown: {status}"),
    }
    Ok(())
}

async fn newest(world: &World) -> Result<u64> {
    let number = world.site.anvil().rpc("eth_blockNumber", json!([])).await?;
    let digits = number.as_str().and_then(|text| text.strip_prefix("0x"));
    Ok(u64::from_str_radix(digits.context("a number")?, 16)?)
}

/// The development chain answers a reorganisation with null.
fn no_result(error: anyhow::Error) -> Result<Value> {
    if error.to_string().contains("no result") { Ok(Value::Null) } else { Err(error) }
}

//! The record is ahead of what a node has read: what its admin asks meanwhile is still done, and
//! what the contract refuses is told at once.

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use harness::AnvilConfig;

/// Final is twice this many blocks, and so seconds, behind the newest.
const SLOTS: u64 = 5;

#[tokio::test]
async fn who_has_just_given_a_seat_up_is_removed() -> Result<()> {
    let config = AnvilConfig { slots_in_an_epoch: SLOTS, ..AnvilConfig::default() };
    let mut world = World::start_on(config).await?;
    world.found(&["--delays", "0,0,0,0"]).await?;
    let (alice, bob) = (&world.alice, &world.bob);
    let (board, account) = (world.board.as_str(), world.accounts[1].as_str());
    let invited = alice.cli(&["invite", board, "--account", account]).await?;
    let link = invited["link"].as_str().context("a link")?;
    bob.cli(&["join", link, "--account", account, "--wait", "90"]).await?;
    world.until_role(bob, "member").await?;
    bob.refused(&["context", "accept", board, "--wait", "60"], "E50").await?;
    alice.cli(&["proposal", "new", board, "--nominate", account]).await?;
    bob.cli(&["context", "accept", board, "--account", account]).await?;
    world.until_role(bob, "admin").await?;
    world.until_quiet(alice).await?;

    let renounced = bob.cli(&["context", "renounce", board, "--account", account]).await?;
    let rev = renounced["rev"].as_u64().context("a revision")?;
    let epoch = world.status(alice).await?["epoch"].as_u64();
    ensure!(epoch < Some(rev), "it is final already: {epoch:?}");
    let member = world.member(bob).await?;
    alice.cli(&["context", "remove", board, &member, "--wait", "90"]).await?;
    let members = world.status(alice).await?["members"].clone();
    ensure!(members == 1, "Bob is still there: {members}");
    Ok(())
}

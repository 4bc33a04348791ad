//! Several admins decide on the chain: approvals, delays, a veto, a freeze.

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Carol's and the guardian's account of the development chain.
const CAROL: usize = 3;
const GUARDIAN: usize = 5;

#[tokio::test]
async fn admins_decide_together_and_a_guardian_holds_them_back() -> Result<()> {
    let mut world = World::start().await?;
    let guardian = world.site.import(&world.carol, GUARDIAN).await?;
    found(&mut world, &guardian).await?;
    seat_bob(&world).await?;
    two_approvals_change_a_role(&world).await?;
    a_delay_passes_before_the_proposer_carries_it_out(&world).await?;
    the_guardian_vetoes_and_freezes(&world, &guardian).await
}

async fn found(world: &mut World, guardian: &str) -> Result<()> {
    world.found(&["--delays", "0,0,0,0", "--guardian", guardian]).await?;
    let bob = world.accounts[1].clone();
    join(world, &world.bob, &bob).await?;
    let carol = world.site.import(&world.carol, CAROL).await?;
    join(world, &world.carol, &carol).await
}

async fn join(world: &World, node: &harness::Node, account: &str) -> Result<()> {
    let invited = world.alice.cli(&["invite", &world.board, "--account", account]).await?;
    let link = field(&invited, "link")?;
    node.cli(&["join", &link, "--account", account, "--wait", "90"]).await?;
    world.until_role(node, "member").await
}

/// With one admin and no delay a proposal takes effect at once.
async fn seat_bob(world: &World) -> Result<()> {
    let nominate = ["proposal", "new", &world.board, "--nominate", &world.accounts[1]];
    let receipt = world.alice.cli(&nominate).await?;
    ensure!(receipt["rev"].is_u64(), "{receipt}");
    let accept = ["context", "accept", &world.board, "--wait", "90"];
    world.until(async || world.bob.cli(&accept).await.map(drop)).await?;
    world.until_role(&world.bob, "admin").await?;
    let receipt = world.alice.cli(&["proposal", "new", &world.board, "--threshold", "2"]).await?;
    ensure!(receipt["rev"].is_u64(), "{receipt}");
    Ok(())
}

async fn two_approvals_change_a_role(world: &World) -> Result<()> {
    let carol = world.member(&world.carol).await?;
    world.until_quiet(&world.alice).await?;
    world.alice.cli(&["context", "role", &world.board, &carol, "read-only"]).await?;
    let seq = world
        .until(async || {
            let open = only(world, &world.bob).await?;
            ensure!(open["approvals"].as_array().is_some_and(|all| all.len() == 1), "{open}");
            ensure!(open["needed"] == 2 && open["class"] == "routine", "{open}");
            ensure!(open["members"]["others"] == 1, "Bob does not see the batch: {open}");
            ensure!(open["objection"].is_null(), "{open}");
            Ok(open["seq"].to_string())
        })
        .await?;
    ensure!(world.role(&world.carol).await? == "member", "one approval was enough");
    world
        .until(async || {
            let waiting = world.status(&world.alice).await?["waiting"].to_string();
            ensure!(waiting.contains("1 of 2"), "the status does not say so: {waiting}");
            Ok(())
        })
        .await?;
    let again = world.alice.cli(&["proposal", "approve", &world.board, &seq]).await?;
    ensure!(again["transaction"].is_null(), "an approval that is there sends nothing: {again}");
    world.carol.refused(&["proposal", "approve", &world.board, &seq], "E23").await?;
    world.bob.cli(&["proposal", "approve", &world.board, &seq]).await?;
    world.until_role(&world.carol, "read-only").await?;
    world.bob.refused(&["proposal", "approve", &world.board, &seq], "not open").await?;
    Ok(())
}

async fn a_delay_passes_before_the_proposer_carries_it_out(world: &World) -> Result<()> {
    let approved = async |change: &[&str]| -> Result<String> {
        let new = [&["proposal", "new", &world.board], change].concat();
        let seq = world.alice.cli(&new).await?["seq"].to_string();
        world.bob.cli(&["proposal", "approve", &world.board, &seq]).await?;
        Ok(seq)
    };
    approved(&["--delay", "admin=8s"]).await?;
    let seq = approved(&["--threshold", "1"]).await?;
    let execute = ["proposal", "execute", &world.board, &seq];
    world.bob.refused(&execute, "E42").await?;
    let open = only(world, &world.bob).await?;
    ensure!(open["executable_at"].is_u64(), "{open}");
    // Nobody asks: Alice's node does it once it may.
    world
        .until(async || {
            let open = world.bob.cli(&["proposal", "list", &world.board]).await?;
            ensure!(open.as_array().is_some_and(Vec::is_empty), "{open}");
            Ok(())
        })
        .await?;
    let receipt = world.bob.cli(&["proposal", "new", &world.board, "--meta", &hash('a')]).await?;
    ensure!(receipt["rev"].is_u64(), "the threshold is 1 again: {receipt}");
    Ok(())
}

async fn the_guardian_vetoes_and_freezes(world: &World, guardian: &str) -> Result<()> {
    let carol = world.site.account(CAROL)?;
    let new = ["proposal", "new", &world.board, "--nominate", &carol];
    let seq = world.bob.cli(&new).await?["seq"].to_string();
    let veto = ["proposal", "veto", &world.board, &seq];
    world.alice.refused(&veto, "E31").await?;
    world.carol.cli(&[&veto[..], &["--account", guardian]].concat()).await?;
    world.alice.refused(&["proposal", "execute", &world.board, &seq], "not open").await?;

    let freeze = ["context", "freeze", &world.board, "1h"];
    world.alice.refused(&freeze, "E80").await?;
    world.carol.cli(&[&freeze[..], &["--account", guardian]].concat()).await?;
    let grave = ["proposal", "new", &world.board, "--app", &world.app];
    world.alice.refused(&grave, "E11").await?;
    let routine = ["proposal", "new", &world.board, "--meta", &hash('b')];
    world.alice.refused(&routine, "E44").await.map(drop)
}

/// The only open proposal, as `node` lists it.
async fn only(world: &World, node: &harness::Node) -> Result<Value> {
    let list = node.cli(&["proposal", "list", &world.board]).await?;
    let all = list.as_array().with_context(|| format!("no list: {list}"))?;
    let [open] = all.as_slice() else { anyhow::bail!("not one open proposal: {list}") };
    Ok(open.clone())
}

fn field(answer: &Value, name: &str) -> Result<String> {
    let found = answer.get(name).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no `{name}` in {answer}"))
}

fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}

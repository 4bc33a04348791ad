//! The seven steps.

use std::pin::Pin;

use anyhow::{Context as _, Result, ensure};
use harness::Caller;
use serde_json::json;

use crate::world::{World, text};

/// What a step saw, as sentences.
type Seen = Result<Vec<String>>;
type Playing<'a> = Pin<Box<dyn Future<Output = Seen> + 'a>>;

/// One step of the story.
#[derive(Clone, Copy)]
pub struct Step {
    /// What happens in it.
    pub title: &'static str,
    /// Plays it on a world in which the steps before were played.
    pub play: for<'a> fn(&'a mut World) -> Playing<'a>,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.title)
    }
}

/// All steps, in order.
pub const STEPS: &[Step] = &[
    Step {
        title: "Alice makes an anchored board and one without a chain; neither sees the other",
        play: |world| Box::pin(make_boards(world)),
    },
    Step {
        title: "Bob is invited by his account and Carol by an open link; bad claims change nothing",
        play: |world| Box::pin(join(world)),
    },
    Step {
        title: "Alice and Bob write apart, meet again and agree; Carol may only read",
        play: |world| Box::pin(write_apart(world)),
    },
    Step {
        title: "Bob becomes an admin on chain and steps down; the last admin cannot",
        play: |world| Box::pin(govern(world)),
    },
    Step {
        title: "Alice removes Bob: he cannot call, hears nothing, and the board goes on",
        play: |world| Box::pin(remove_bob(world)),
    },
    Step {
        title: "Alice's node is killed under writes: every acknowledged write is there",
        play: |world| Box::pin(crash(world)),
    },
    Step {
        title: "The chain stops: data goes on, governance waits, and continues when it is back",
        play: |world| Box::pin(lose_chain(world)),
    },
];

async fn make_boards(world: &mut World) -> Seen {
    let installed = world.alice.cli(&["app", "install", &World::module()?]).await?;
    world.app = text(&installed, "app")?;
    let create = [
        "context",
        "create",
        "--app",
        &world.app,
        "--anchor",
        &world.accounts[0],
        "--delays",
        "0,0,0,0",
    ];
    world.board = text(&world.alice.cli(&create).await?, "context")?;
    let create = ["context", "create", "--app", &world.app];
    world.side = text(&world.alice.cli(&create).await?, "context")?;
    world.call(&world.alice, "add", r#"{"title":"anchored task"}"#).await?;
    world.alice.cli(&["call", &world.side, "add", r#"{"title":"side task"}"#]).await?;
    let titles = world.titles(&world.alice).await?;
    ensure!(titles == ["anchored task"], "the boards see each other: {titles:?}");
    let side = world.alice.cli(&["view", &world.side, "list", "{}"]).await?;
    let side = side.to_string();
    ensure!(side.contains("side task") && !side.contains("anchored task"), "mixed up: {side}");
    world
        .until(async || {
            let epoch = world.status(&world.alice).await?["epoch"].as_u64();
            ensure!(epoch == Some(1), "the record is not final yet: {epoch:?}");
            Ok(())
        })
        .await?;
    Ok(vec![
        format!("anchored board {}", &world.board[..16]),
        format!("side board     {}", &world.side[..16]),
        "each shows its own task alone; revision 1 is final".to_owned(),
    ])
}

async fn join(world: &mut World) -> Seen {
    let mut seen = Vec::new();
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let bob_account = world.accounts[1].as_str();
    let invited = alice.cli(&["invite", &world.board, "--account", bob_account]).await?;
    let link = text(&invited, "link")?;
    let members_before = world.status(alice).await?["members"].clone();

    let line = carol.refused(&["join", &link, "--account", &world.accounts[0]], "is for").await?;
    seen.push(format!("another account: {line}"));
    let line = carol.refused(&["join", &link], "holds no key").await?;
    seen.push(format!("no key for the account: {line}"));
    seen.push(wrong_wallet(world, &link).await?);
    let line = bob.refused(&["join", &changed(&link)], "changed").await?;
    seen.push(format!("a changed byte: {line}"));
    let expired = alice.cli(&["invite", &world.board, "--open", "--ttl", "0s"]).await?;
    let line = carol.refused(&["join", &text(&expired, "link")?], "expired").await?;
    seen.push(format!("an expired invitation: {line}"));
    seen.push(other_context(world).await?);
    let members = world.status(alice).await?["members"].clone();
    ensure!(members == members_before, "a refused claim changed the members");

    bob.cli(&["join", &link, "--account", bob_account, "--wait", "90"])
        .await
        .context("Bob joins")?;
    world.until_role(bob, "member").await?;
    seen.push("Bob's wallet signed; he is a member".to_owned());
    let open = ["invite", &world.board, "--open", "--role", "read-only", "--uses", "1"];
    let link = text(&alice.cli(&open).await?, "link")?;
    carol.cli(&["join", &link, "--wait", "90"]).await.context("Carol joins")?;
    world.until_role(carol, "read-only").await?;
    seen.push("Carol came read-only through the open link".to_owned());
    let root = world.until_equal(&[alice, bob, carol], 2).await?;
    world.until_app(bob).await?;
    world.until_app(carol).await?;
    seen.push(format!("all three have root {}", &root[..16]));
    Ok(seen)
}

/// Another wallet than Bob's signs the very message that Bob's should sign.
async fn wrong_wallet(world: &World, link: &str) -> Result<String> {
    let bob_account = world.accounts[1].as_str();
    let plan = world.carol.cli(&["join", link, "--account", bob_account, "--plan"]).await?;
    let message = text(&plan, "message")?;
    let signature = world.site.sign(3, &world.site.ground.account(2)?.address, &message).await?;
    let file = world.site.secret_file("message", &message)?;
    let join = [
        "join",
        link,
        "--account",
        bob_account,
        "--signature",
        &signature,
        "--message-file",
        &file,
    ];
    let line = world.carol.refused(&join, world.site.ground.says_of_a_stranger()).await?;
    Ok(format!("a wrong wallet: {line}"))
}

/// The link with one byte of the inviter's key changed, which the inviter signed.
fn changed(link: &str) -> String {
    let at = 90;
    let digit = if &link[at..=at] == "0" { "1" } else { "0" };
    format!("{}{digit}{}", &link[..at], &link[at + 1..])
}

/// An invitation to the side board lets nobody into the anchored one, and a used one nobody twice.
async fn other_context(world: &World) -> Result<String> {
    let invite = ["invite", &world.side, "--open", "--uses", "1"];
    let link = text(&world.alice.cli(&invite).await?, "link")?;
    world
        .carol
        .cli(&["join", &link, "--wait", "60"])
        .await
        .context("Carol joins the side board")?;
    let boards = world.carol.cli(&["context", "list"]).await?.to_string();
    ensure!(boards.contains(&world.side) && !boards.contains(&world.board), "{boards}");
    let line = world.bob.refused(&["join", &link], "used").await?;
    Ok(format!("another context's invitation opens that one alone; used up: {line}"))
}

async fn write_apart(world: &mut World) -> Seen {
    let line = ["call", &world.board, "add", r#"{"title":"carol was here"}"#];
    let line = world.carol.refused(&line, "not").await?;
    world.carol.stop().await?;
    world.alice.stop().await?;
    world.call(&world.bob, "add", r#"{"title":"by bob, alone"}"#).await?;
    world.call(&world.bob, "add", r#"{"title":"by bob, alone too"}"#).await?;
    world.bob.stop().await?;
    world.alice.restart().await?;
    world.call(&world.alice, "add", r#"{"title":"by alice, alone"}"#).await?;
    world.bob.restart().await?;
    world.carol.restart().await?;
    let root = world.until_equal(&[&world.alice, &world.bob, &world.carol], 5).await?;
    let titles = world.titles(&world.carol).await?;
    let all = ["anchored task", "by alice, alone", "by bob, alone", "by bob, alone too"];
    ensure!(titles == all, "the boards did not merge: {titles:?}");
    Ok(vec![
        format!("Carol's write: {line}"),
        format!("after writing apart, all three have root {}", &root[..16]),
    ])
}

async fn govern(world: &mut World) -> Seen {
    let (alice, bob) = (&world.alice, &world.bob);
    let line = alice.refused(&["context", "renounce", &world.board], "last").await?;
    let member = world.member(bob).await?;
    alice.cli(&["context", "nominate", &world.board, &member, "--wait", "90"]).await?;
    world
        .until(async || {
            let epochs = (
                world.status(alice).await?["epoch"].as_u64(),
                world.status(bob).await?["epoch"].as_u64(),
            );
            ensure!(epochs.0 == epochs.1, "Bob's node has not read the nomination: {epochs:?}");
            Ok(())
        })
        .await?;
    bob.cli(&["context", "accept", &world.board, "--wait", "90"]).await.context("Bob accepts")?;
    world.until_role(bob, "admin").await?;
    bob.cli(&["context", "renounce", &world.board, "--wait", "90"])
        .await
        .context("Bob renounces")?;
    world.until_role(bob, "member").await?;
    Ok(vec![
        format!("the last admin: {line}"),
        "Bob was nominated, accepted from his account, was admin, stepped down".to_owned(),
    ])
}

async fn remove_bob(world: &mut World) -> Seen {
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let member = world.member(bob).await?;
    let key_epoch = world.status(alice).await?["key_epoch"].as_u64();
    alice
        .cli(&["context", "remove", &world.board, &member, "--wait", "90"])
        .await
        .context("Alice removes Bob")?;
    world
        .until(async || {
            for node in [alice, carol] {
                let status = world.status(node).await?;
                ensure!(status["members"] == 2, "{}: {status}", node.name());
                ensure!(status["key_epoch"].as_u64() > key_epoch, "the key did not change");
            }
            Ok(())
        })
        .await?;
    world.call(alice, "add", r#"{"title":"after bob"}"#).await?;
    world.until_equal(&[alice, carol], 6).await?;
    let line = world
        .until(async || {
            let call = ["call", &world.board, "add", r#"{"title":"still here"}"#];
            bob.refused(&call, "not").await
        })
        .await?;
    let status = world.status(bob).await?;
    ensure!(status["peers"] == 0, "Bob still has sessions: {status}");
    ensure!(status["deltas"] == 5, "Bob still receives: {status}");
    ensure!(world.titles(carol).await?.contains(&"after bob".to_owned()), "the board stopped");
    Ok(vec![
        format!("Bob's call: {line}"),
        "Alice and Carol have a new key and go on; Bob has no session and no new delta".to_owned(),
    ])
}

async fn crash(world: &mut World) -> Seen {
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        let title = format!("write {number}");
        let args = json!({ "title": title }).to_string();
        world.call(&world.alice, "add", &args).await?;
        acknowledged.push(title);
    }
    let writer = tokio::spawn(write_until_dead(world.alice.caller()?, world.board.clone()));
    world
        .until(async || {
            let deltas = world.status(&world.alice).await?["deltas"].as_u64();
            ensure!(deltas > Some(30), "writes are under way: {deltas:?}");
            Ok(())
        })
        .await?;
    world.alice.kill()?;
    acknowledged.extend(writer.await?);
    world.alice.restart().await?;
    let titles = world.titles(&world.alice).await?;
    let lost: Vec<&String> = acknowledged.iter().filter(|title| !titles.contains(*title)).collect();
    ensure!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let root = world.until_equal(&[&world.alice, &world.carol], 26).await?;
    Ok(vec![
        format!("all {} acknowledged writes are there", acknowledged.len()),
        format!("Alice and Carol have root {}", &root[..16]),
    ])
}

/// Writes through HTTP until the node is gone; the titles that were acknowledged.
async fn write_until_dead(caller: Caller, board: String) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let path = format!("/v1/contexts/{board}/call");
    for number in 0..900 {
        let title = format!("fast {number}");
        let body = json!({ "method": "add", "args": { "title": title } });
        if caller.post(&path, &body).await.is_err() {
            break;
        }
        acknowledged.push(title);
    }
    acknowledged
}

async fn lose_chain(world: &mut World) -> Seen {
    world.site.ground.stop().await?;
    world.call(&world.alice, "add", r#"{"title":"without a chain"}"#).await?;
    world.until_equal(&[&world.alice, &world.carol], 27).await?;
    let carol = world.member(&world.carol).await?;
    let role = ["context", "role", &world.board, &carol, "member"];
    let asked = world.alice.cli(&role).await?;
    let waiting = world
        .until(async || {
            let status = world.status(&world.alice).await?;
            let waiting = status["waiting"].to_string();
            ensure!(waiting.contains("chain"), "the status does not say so: {waiting}");
            Ok(waiting)
        })
        .await?;
    ensure!(world.role(&world.carol).await? == "read-only", "governed without its chain: {asked}");
    world.site.ground.restart().await?;
    world.until_role(&world.carol, "member").await?;
    world.call(&world.carol, "add", r#"{"title":"carol may write"}"#).await?;
    let root = world.until_equal(&[&world.alice, &world.carol], 28).await?;
    Ok(vec![
        format!("without the chain a write counts, and governance says: {waiting}"),
        format!("with it back Carol became a member and wrote; root {}", &root[..16]),
    ])
}

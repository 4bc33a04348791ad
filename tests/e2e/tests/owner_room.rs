//! A room without a chain: its owner orders the log.

use std::time::Duration;

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use harness::{Node, NodeConfig, eventually};
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

struct Room {
    context: String,
    owner: Node,
    bob: Node,
    carol: Node,
    _dir: TempDir,
}

impl Room {
    /// The owner's board, with Bob and Carol as members by open links.
    async fn open() -> Result<Self> {
        let dir = TempDir::with_prefix("anchorhold-room-")?;
        let start = async |name: &str| -> Result<Node> {
            let config = NodeConfig::named(name)?.init_with(["--no-mdns"]);
            Node::start(&dir.path().join(name), config).await
        };
        let (owner, bob, carol) =
            (start("owner").await?, start("bob").await?, start("carol").await?);
        let app = owner.cli(&["app", "install", &World::module()?]).await?;
        let app = app["app"].as_str().context("an application")?.to_owned();
        let made = owner.cli(&["context", "create", "--app", &app]).await?;
        let context = made["context"].as_str().context("a context")?.to_owned();
        let invite = ["invite", &context, "--open", "--role", "member", "--uses", "2"];
        let invited = owner.cli(&invite).await?;
        let link = invited["link"].as_str().context("a link")?.to_owned();
        for node in [&bob, &carol] {
            node.cli(&["join", &link, "--wait", "60"]).await.context("joining")?;
        }
        let room = Self { context, owner, bob, carol, _dir: dir };
        room.until_equal(&[&room.owner, &room.bob, &room.carol], 1).await?;
        for node in [&room.bob, &room.carol] {
            let list = ["view", &room.context, "list", "{}"];
            eventually(LIMIT, async || node.cli(&list).await).await.context("the application")?;
        }
        Ok(room)
    }

    async fn status(&self, node: &Node) -> Result<Value> {
        node.cli(&["status", &self.context]).await
    }

    async fn add(&self, node: &Node, title: &str) -> Result<Value> {
        let args = serde_json::json!({ "title": title }).to_string();
        node.cli(&["call", &self.context, "add", &args]).await
    }

    async fn until_equal(&self, nodes: &[&Node], deltas_min: u64) -> Result<()> {
        eventually(LIMIT, async || {
            let mut seen = Vec::new();
            for node in nodes {
                let status = self.status(node).await?;
                seen.push((
                    status["root"].clone(),
                    status["epoch"].clone(),
                    status["deltas"].clone(),
                ));
            }
            ensure!(seen[0].2.as_u64() >= Some(deltas_min), "too few: {seen:?}");
            ensure!(seen.iter().all(|other| *other == seen[0]), "not yet: {seen:?}");
            Ok(())
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_reaches_who_was_offline_and_shuts_out_who_was_removed() -> Result<()> {
    let mut room = Room::open().await?;
    room.add(&room.bob, "by bob").await?;
    room.until_equal(&[&room.owner, &room.bob, &room.carol], 2).await?;
    let bob = room.status(&room.bob).await?["member"].as_str().context("a key")?.to_owned();
    room.carol.stop().await?;
    room.owner.cli(&["context", "remove", &room.context, &bob]).await?;
    room.add(&room.owner, "without bob").await?;
    eventually(LIMIT, async || {
        let said = room.bob.say(&["call", &room.context, "add", r#"{"title":"again"}"#]).await?;
        ensure!(!said.succeeded(), "Bob still writes");
        ensure!(said.stderr.contains("is not a member"), "another reason: {}", said.stderr);
        Ok(())
    })
    .await?;
    room.carol.restart().await?;
    room.until_equal(&[&room.owner, &room.carol], 3).await?;
    room.add(&room.carol, "carol goes on").await?;
    room.until_equal(&[&room.owner, &room.carol], 4).await?;
    let status = room.status(&room.bob).await?;
    ensure!(status["deltas"] == 2 && status["peers"] == 0, "Bob hears more: {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_removed_member_writes_under_an_old_entry_counts_nowhere() -> Result<()> {
    let mut room = Room::open().await?;
    let bob = room.status(&room.bob).await?["member"].as_str().context("a key")?.to_owned();
    room.bob.stop().await?;
    room.owner.cli(&["context", "remove", &room.context, &bob]).await?;
    room.add(&room.owner, "without bob").await?;
    room.until_equal(&[&room.owner, &room.carol], 2).await?;
    room.owner.stop().await?;
    room.carol.stop().await?;
    // Bob's node knows of nothing: it writes as the member that it was.
    room.bob.restart().await?;
    room.add(&room.bob, "too late").await.context("Bob writes alone")?;
    ensure!(room.status(&room.bob).await?["deltas"] == 2, "Bob's own delta counts for him yet");
    room.owner.restart().await?;
    room.carol.restart().await?;
    eventually(LIMIT, async || {
        let status = room.status(&room.bob).await?;
        ensure!(status["role"].is_null(), "Bob has not learnt of it: {status}");
        ensure!(status["deltas"] == 1, "Bob's own node still counts it: {status}");
        Ok(())
    })
    .await?;
    room.add(&room.carol, "carol goes on").await?;
    room.until_equal(&[&room.owner, &room.carol], 3).await?;
    for node in [&room.owner, &room.carol] {
        let list = node.cli(&["view", &room.context, "list", "{}"]).await?.to_string();
        ensure!(list.contains("carol goes on") && !list.contains("too late"), "counted: {list}");
    }
    Ok(())
}

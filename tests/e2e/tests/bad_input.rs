//! What goes wrong around a node: one clear line, an exit code, and the data as it was.

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use harness::{Node, NodeConfig};
use tempfile::TempDir;

/// A registry address where nobody listens: port 1 is never a chain's endpoint.
const NOWHERE: &str = "eip155:31337=http://127.0.0.1:1@0x00000000000000000000000000000000000000aa";

fn plain(name: &str) -> Result<NodeConfig> {
    Ok(NodeConfig::named(name)?.init_with(["--no-mdns"]))
}

#[tokio::test]
async fn commands_need_a_running_node() -> Result<()> {
    let dir = TempDir::new()?;
    let node = Node::prepare(&dir.path().join("n"), plain("n")?).await?;
    node.refused(&["status"], "running").await.map(drop)
}

#[tokio::test]
async fn a_wrong_passphrase_opens_nothing() -> Result<()> {
    let dir = TempDir::new()?;
    let node = Node::prepare(&dir.path().join("n"), plain("n")?).await?;
    let wrong = dir.path().join("wrong");
    std::fs::write(&wrong, "not it\n")?;
    set_private(&wrong)?;
    let wrong = wrong.display().to_string();
    node.refused(&["run", "--passphrase-file", &wrong], "passphrase").await.map(drop)
}

#[tokio::test]
async fn a_port_in_use_is_named() -> Result<()> {
    let dir = TempDir::new()?;
    let first = Node::start(&dir.path().join("first"), plain("first")?).await?;
    let second = Node::prepare(&dir.path().join("second"), plain("second")?).await?;
    let taken = first.url().trim_start_matches("http://").to_owned();
    let pass = dir.path().join("second/passphrase").display().to_string();
    let run = ["run", "--api-addr", &taken, "--passphrase-file", &pass];
    second.refused(&run, &taken).await.map(drop)
}

#[tokio::test]
async fn unknown_chains_and_unreachable_endpoints_are_named_and_nothing_stays() -> Result<()> {
    let dir = TempDir::new()?;
    let config = plain("n")?.init_with(["--chain", NOWHERE]);
    let node = Node::start(&dir.path().join("n"), config).await?;
    let app = node.cli(&["app", "install", &World::module()?]).await?;
    let app = app["app"].as_str().context("an id")?.to_owned();
    let key = dir.path().join("account.key");
    std::fs::write(&key, "11".repeat(32))?;
    set_private(&key)?;
    let key = key.display().to_string();
    let import = ["account", "import", "--chain", "eip155:31337", "--key-file", &key];
    let account = node.cli(&import).await?;
    let account = account["account"].as_str().context("an account")?.to_owned();
    let anchored = ["context", "create", "--app", &app, "--anchor", &account];
    node.refused(&anchored, "could not reach").await?;
    let elsewhere = account.replace("31337", "1");
    let anchored = ["context", "create", "--app", &app, "--anchor", &elsewhere];
    node.refused(&anchored, "not in this node's configuration").await?;
    node.refused(&["app", "install", &key], "not an application").await?;
    node.refused(&["status", &"ab".repeat(32)], "no context").await?;
    node.refused(&["join", "anchorhold:00"], "no invitation link").await?;
    let contexts = node.cli(&["context", "list"]).await?;
    ensure!(contexts == serde_json::json!([]), "something stayed: {contexts}");
    Ok(())
}

#[tokio::test]
async fn a_corrupt_store_is_refused_and_left_as_it_was() -> Result<()> {
    let dir = TempDir::new()?;
    let mut node = Node::start(&dir.path().join("n"), plain("n")?).await?;
    node.stop().await?;
    let current = node.data().join("db/CURRENT");
    std::fs::write(&current, "MANIFEST-nonsense\n")?;
    let pass = dir.path().join("n/passphrase").display().to_string();
    node.refused(&["run", "--passphrase-file", &pass], "db").await?;
    ensure!(std::fs::read_to_string(&current)? == "MANIFEST-nonsense\n", "the file was changed");
    Ok(())
}

fn set_private(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?)
}

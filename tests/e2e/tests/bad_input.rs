//! What goes wrong around a node: one clear line, an exit code, and the data as it was.

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use harness::{Node, NodeConfig, Said};
use tempfile::TempDir;

/// A registry address where nobody listens: port 1 is never a chain's endpoint.
const NOWHERE: &str = "eip155:31337=http://127.0.0.1:1@0x00000000000000000000000000000000000000aa";

fn one_line(said: &Said) -> Result<String> {
    ensure!(!said.succeeded(), "it should have failed: {}", said.stdout);
    let errors: Vec<&str> =
        said.stderr.lines().filter_map(|line| line.strip_prefix("anchorhold: ")).collect();
    let [line] = errors.as_slice() else { anyhow::bail!("not one clear line: {}", said.stderr) };
    Ok((*line).to_owned())
}

async fn fails_with(node: &Node, args: &[&str], expected: &str) -> Result<()> {
    let line = one_line(&node.say(args).await?)?;
    ensure!(line.contains(expected), "expected `{expected}` in: {line}");
    Ok(())
}

fn plain(name: &str) -> Result<NodeConfig> {
    Ok(NodeConfig::named(name)?.init_with(["--no-mdns"]))
}

#[tokio::test]
async fn commands_need_a_running_node() -> Result<()> {
    let dir = TempDir::new()?;
    let node = Node::prepare(&dir.path().join("n"), plain("n")?).await?;
    fails_with(&node, &["status"], "running").await
}

#[tokio::test]
async fn a_wrong_passphrase_opens_nothing() -> Result<()> {
    let dir = TempDir::new()?;
    let node = Node::prepare(&dir.path().join("n"), plain("n")?).await?;
    let wrong = dir.path().join("wrong");
    std::fs::write(&wrong, "not it\n")?;
    set_private(&wrong)?;
    let wrong = wrong.display().to_string();
    fails_with(&node, &["run", "--passphrase-file", &wrong], "passphrase").await
}

#[tokio::test]
async fn a_port_in_use_is_named() -> Result<()> {
    let dir = TempDir::new()?;
    let first = Node::start(&dir.path().join("first"), plain("first")?).await?;
    let second = Node::prepare(&dir.path().join("second"), plain("second")?).await?;
    let taken = first.url().trim_start_matches("http://").to_owned();
    let pass = dir.path().join("second/passphrase").display().to_string();
    let run = ["run", "--api-addr", &taken, "--passphrase-file", &pass];
    fails_with(&second, &run, &taken).await
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
    fails_with(&node, &anchored, "could not reach").await?;
    let elsewhere = account.replace("31337", "1");
    let anchored = ["context", "create", "--app", &app, "--anchor", &elsewhere];
    fails_with(&node, &anchored, "not in this node's configuration").await?;
    fails_with(&node, &["app", "install", &key], "not an application").await?;
    fails_with(&node, &["status", &"ab".repeat(32)], "no context").await?;
    fails_with(&node, &["join", "anchorhold:00"], "no invitation link").await?;
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
    let line = one_line(&node.say(&["run", "--passphrase-file", &pass]).await?)?;
    ensure!(line.contains("db"), "the line does not name the folder: {line}");
    ensure!(std::fs::read_to_string(&current)? == "MANIFEST-nonsense\n", "the file was changed");
    Ok(())
}

fn set_private(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?)
}

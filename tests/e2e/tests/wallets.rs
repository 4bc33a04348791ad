//! Users' wallets sign elsewhere, with the libraries that they are made of; every node accepts.

use std::time::Duration;

use anchorhold_e2e::{Site, World, wallet};
use anyhow::{Context as _, Result, ensure};
use harness::{DevnetKind, Node, eventually};
use serde_json::Value;

/// A claim goes to another node and to a chain; accounts are checked once a minute.
const LIMIT: Duration = Duration::from_secs(120);
/// The development chain's account that makes the board.
const FOUNDER: usize = 1;
/// The one that is invited, whose key no node has.
const GUEST: usize = 2;

#[tokio::test]
async fn a_wallet_of_near_joins_and_is_let_go_with_its_key() -> Result<()> {
    let board = Board::open(Site::start_devnet(DevnetKind::Near).await?).await?;
    board.join("near").await?;
    ensure!(!board.has_lapsed().await?, "the key is there");
    let guest = board.site.ground.account(GUEST)?;
    let url = board.site.ground.url();
    wallet::run("drop-key.mjs", &[&url, &guest.address, &guest.secret], "").await?;
    eventually(LIMIT, async || {
        ensure!(board.has_lapsed().await?, "not looked at yet");
        Ok(())
    })
    .await?;
    let shown = board.alice.say(&["members", &board.context]).await?.stdout;
    ensure!(shown.contains("no longer confirms"), "people are not told: {shown}");
    Ok(())
}

#[tokio::test]
async fn a_wallet_of_the_internet_computer_joins() -> Result<()> {
    Board::open(Site::start_devnet(DevnetKind::Icp).await?).await?.join("icp").await
}

#[tokio::test]
async fn a_session_to_which_an_identity_delegated_joins() -> Result<()> {
    Board::open(Site::start_devnet(DevnetKind::Icp).await?).await?.join("icp-delegated").await
}

#[tokio::test]
async fn a_wallet_of_starknet_joins() -> Result<()> {
    if DevnetKind::Starknet.program()?.is_none() {
        println!("left out: starknet-devnet is not here");
        return Ok(());
    }
    Board::open(Site::start_devnet(DevnetKind::Starknet).await?).await?.join("starknet").await
}

/// A board on a chain, and a guest's node that holds no account's key.
struct Board {
    site: Site,
    alice: Node,
    guest: Node,
    context: String,
}

impl Board {
    async fn open(site: Site) -> Result<Self> {
        let (alice, guest) = (site.node("alice").await?, site.node("guest").await?);
        let account = site.import(&alice, FOUNDER).await?;
        let app = alice.cli(&["app", "install", &World::module()?]).await?;
        let app = app["app"].as_str().context("an application")?;
        let create = ["context", "create", "--app", app, "--anchor", &account];
        let made = alice.cli(&[&create[..], &["--delays", "0,0,0,0"]].concat()).await?;
        let context = made["context"].as_str().context("a context")?.to_owned();
        Ok(Self { site, alice, guest, context })
    }

    /// The guest's wallet signs what the node plans.
    async fn join(&self, kind: &str) -> Result<()> {
        let guest = self.site.ground.account(GUEST)?;
        let account = self.site.name(&guest.address);
        let invited = self.alice.cli(&["invite", &self.context, "--account", &account]).await?;
        let link = invited["link"].as_str().context("a link")?;
        let plan = self.guest.cli(&["join", link, "--account", &account, "--plan"]).await?;
        let message = plan["message"].as_str().context("a message")?;
        let answer = wallet::answer(kind, &guest.address, &guest.secret, message).await?;
        let message = self.site.secret_file("message", message)?;
        let answer = format!("@{}", self.site.secret_file("answer", &answer)?);
        let join = ["join", link, "--account", &account, "--signature", &answer];
        let join = [&join[..], &["--message-file", &message, "--wait", "90"]].concat();
        self.guest.cli(&join).await.context("the guest joins")?;
        let members = self.members().await?;
        let is_there = members.iter().any(|member| member["account"] == account.as_str());
        ensure!(is_there, "nobody has the account: {members:?}");
        Ok(())
    }

    async fn members(&self) -> Result<Vec<Value>> {
        let members = self.alice.cli(&["members", &self.context]).await?;
        Ok(members.as_array().context("a list")?.clone())
    }

    /// Whether the guest's account no longer stands behind its member.
    async fn has_lapsed(&self) -> Result<bool> {
        let account = self.site.name(&self.site.ground.account(GUEST)?.address);
        let members = self.members().await?;
        let guest = members.iter().find(|member| member["account"] == account.as_str());
        let lapsed = guest.and_then(|guest| guest["has_lapsed"].as_bool());
        lapsed.context("the guest is no member")
    }
}

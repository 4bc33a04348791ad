//! Endpoints that lie under a running node: nothing that they say counts, and they are named.

use std::time::Duration;

use anchorhold_e2e::{Site, World};
use anyhow::{Context as _, Result, ensure};
use chain::{Call, Chain as _, Finality, Signer, Wallets as _};
use ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use governance::anchor::{Action, OnChainId};
use harness::{AnvilConfig, Lie, Node, Proxy, eventually};
use serde_json::{Value, json};
use types::Hash;

/// How long anything here may take: an endpoint that is silent is waited for 20 s.
const LIMIT: Duration = Duration::from_secs(60);
/// Beyond this an endpoint that lags is named.
const LAG_S: u64 = 3_600;
/// The development chain's account that governs.
const ADMIN: usize = 1;
/// A contract that the development chain brings along, and which is no registry.
const OTHER_CONTRACT: &str = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
const NOBODY: &str = "0x00000000000000000000000000000000000a11ce";

const WRONG_VALUE: &str = "gave a wrong value";
const WRONG_EVENTS: &str = "left events out";
const BAD_ANSWER: &str = "did not answer like a node";
const UNREACHABLE: &str = "could not be reached";
const OLD_HEAD: &str = "is behind the others";
const OTHER_CHAIN: &str = "serves eip155:1";

#[tokio::test]
async fn a_lie_about_an_agreed_block_is_found_out_and_named() -> Result<()> {
    let mut room = Room::open(2).await?;
    for (lie, named) in [(Lie::WrongValue, WRONG_VALUE), (Lie::OmittedEvent, WRONG_EVENTS)] {
        room.lie_from_the_start(lie).await?;
        room.change().await?;
        room.until_final().await.with_context(|| format!("{lie:?}"))?;
        room.until_named(named).await.with_context(|| format!("{lie:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn who_does_not_agree_stops_the_reading_and_is_named() -> Result<()> {
    let mut room = Room::open(2).await?;
    for (lie, named) in
        [(Lie::Html, BAD_ANSWER), (Lie::Endless, BAD_ANSWER), (Lie::Silence, UNREACHABLE)]
    {
        room.proxy().lie(lie);
        room.change().await?;
        room.until_refused("agree about the block, 2 must")
            .await
            .with_context(|| format!("{lie:?}"))?;
        room.until_named(named).await.with_context(|| format!("{lie:?}"))?;
        room.proxy().lie(None);
        room.until_final().await.with_context(|| format!("{lie:?} is over"))?;
    }
    Ok(())
}

#[tokio::test]
async fn an_old_head_makes_nothing_final_and_is_named() -> Result<()> {
    let mut room = Room::open(2).await?;
    room.stop_the_liars_chain().await?;
    room.change().await?;
    room.until_named(OLD_HEAD).await?;
    let status = room.status().await?;
    ensure!(status["epoch"] == room.rev() - 1, "one of two makes nothing final: {status}");
    room.proxy().lie(None);
    room.until_final().await.map(drop)
}

#[tokio::test]
async fn one_honest_endpoint_is_enough_where_one_must_do() -> Result<()> {
    let mut room = Room::open(1).await?;
    for (lie, named) in [
        (Lie::WrongValue, WRONG_VALUE),
        (Lie::OmittedEvent, WRONG_EVENTS),
        (Lie::Html, BAD_ANSWER),
        (Lie::Endless, BAD_ANSWER),
        (Lie::OtherChain, OTHER_CHAIN),
        (Lie::Silence, UNREACHABLE),
    ] {
        room.lie_from_the_start(lie).await?;
        room.change().await?;
        room.until_final().await.with_context(|| format!("{lie:?}"))?;
        room.until_named(named).await.with_context(|| format!("{lie:?}"))?;
    }
    room.lie_from_the_start(None).await?;
    room.stop_the_liars_chain().await?;
    room.change().await?;
    room.until_final().await.context("an old head")?;
    room.until_named(OLD_HEAD).await
}

#[tokio::test]
async fn without_proofs_two_must_tell_the_same() -> Result<()> {
    let site = Site::start_on(AnvilConfig::default()).await?;
    let url = site.anvil().url();
    let proxies = vec![Proxy::start(&url).await?, Proxy::start(&url).await?];
    proxies.iter().for_each(|proxy| proxy.lie(Lie::Unproved));
    let mut room = Room::open_on(site, proxies, &[], 2).await?;
    room.change().await?;
    let status = room.until_final().await?;
    let trust = status["anchor"]["trust"].as_str().context("a word about trust")?;
    ensure!(trust.contains("only told, by 2 of 2"), "what is told is called proved: {trust}");
    room.proxy().lie(Lie::UnprovedWrongValue);
    room.change().await?;
    room.until_refused("agree about the record, 2 must").await?;
    room.proxy().lie(Lie::Unproved);
    room.until_final().await.map(drop)
}

#[tokio::test]
async fn a_wrong_registry_or_network_is_one_clear_line() -> Result<()> {
    let mut site = Site::start_on(AnvilConfig::default()).await?;
    let (url, registry) = (site.anvil().url(), site.registry.clone());
    let proxy = Proxy::start(&url).await?;
    proxy.lie(Lie::OtherChain);
    let cases = [
        ("other-code", OTHER_CONTRACT, vec![url.clone()], "is not the registry that this node"),
        ("no-code", NOBODY, vec![url.clone()], "there is no contract at"),
        ("other-chain", registry.as_str(), vec![proxy.url()], "serves eip155:1, not eip155:31337"),
        ("one-of-two", registry.as_str(), vec![url, proxy.url()], "serves eip155:1, not"),
    ];
    for (name, registry, endpoints, said) in cases {
        registry.clone_into(&mut site.registry);
        let mut node = site.prepare(name, &endpoints).await?;
        node.restart().await?;
        eventually(LIMIT, async || one_warning(&node.log()?, said)).await.context(name)?;
        let (record, chain) = ("0b".repeat(32), site.anvil().chain());
        let verify = ["anchor", "verify", &record, "--chain", &chain];
        node.refused(&verify, said).await.context(name)?;
        let account = site.import(&node, ADMIN).await?;
        let app = node.cli(&["app", "install", &World::module()?]).await?;
        let app = app["app"].as_str().context("an application")?;
        let create = ["context", "create", "--app", app, "--anchor", &account];
        node.refused(&create, said).await.context(name)?;
        let contexts = node.cli(&["context", "list"]).await?;
        ensure!(contexts == json!([]), "{name}: something stayed: {contexts}");
    }
    Ok(())
}

/// The log warns once about the chain, and says what.
fn one_warning(log: &str, said: &str) -> Result<()> {
    let warned = log.lines().filter(|line| line.contains("chain cannot be used now"));
    let warned: Vec<&str> = warned.collect();
    let is_clear = |line: &str| line.contains(said);
    ensure!(warned.len() == 1 && warned.iter().all(|line| is_clear(line)), "{warned:?}");
    Ok(())
}

/// A board whose node reads its chain through endpoints that may lie.
struct Room {
    site: Site,
    /// Those that may; the node asks them first.
    proxies: Vec<Proxy>,
    node: Node,
    board: String,
    /// The applications that the record has named so far: one by each revision.
    apps: Vec<String>,
    record: OnChainId,
    /// By which the record is changed, whatever the node's endpoints do.
    registry: Ethereum,
    admin: Signer,
}

impl Room {
    /// With one endpoint that may lie and one that does not, of which `needed` must agree.
    async fn open(needed: usize) -> Result<Self> {
        let site = Site::start_on(AnvilConfig::default()).await?;
        let url = site.anvil().url();
        let proxy = Proxy::start(&url).await?;
        Self::open_on(site, vec![proxy], &[url], needed).await
    }

    async fn open_on(
        site: Site,
        proxies: Vec<Proxy>,
        others: &[String],
        needed: usize,
    ) -> Result<Self> {
        let urls: Vec<String> = proxies.iter().map(Proxy::url).collect();
        let mut node = site.prepare("alice", &[&urls[..], others].concat()).await?;
        need(&node, needed)?;
        node.restart().await?;
        let account = site.import(&node, ADMIN).await?;
        let app = node.cli(&["app", "install", &World::module()?]).await?;
        let app = app["app"].as_str().context("an application")?.to_owned();
        let rules = ["--anchor", &account, "--delays", "0,0,0,0"];
        let create = [&["context", "create", "--app", &app], &rules[..]].concat();
        let made = node.cli(&create).await?;
        let board = made["context"].as_str().context("a context")?.to_owned();
        let status = node.cli(&["status", &board]).await?;
        let record = status["anchor"]["record"].as_str().context("a record")?;
        let record = OnChainId::new(record.trim_start_matches("0x").parse()?);
        let registry = site.name(&site.registry).parse()?;
        let registry = Ethereum::new(registry, EthereumConfig::new(site.anvil().url().parse()?))?;
        let key = site.anvil().account(ADMIN)?.secret.parse()?;
        let account = EthereumWallets.account(registry.locator().chain(), &key)?;
        let admin = Signer { account, key };
        let room = Self { site, proxies, node, board, apps: vec![app], record, registry, admin };
        room.site.anvil().mine(3).await?;
        room.until_final().await?;
        Ok(room)
    }

    fn rev(&self) -> usize {
        self.apps.len()
    }

    /// The first of those that may lie.
    fn proxy(&self) -> &Proxy {
        &self.proxies[0]
    }

    /// Lets the first endpoint lie so to a node that knows nothing against it.
    async fn lie_from_the_start(&mut self, lie: impl Into<Option<Lie>>) -> Result<()> {
        self.node.stop().await?;
        self.proxy().lie(lie);
        self.node.restart().await
    }

    /// The first endpoint stays where it is, and the chain goes on for long.
    async fn stop_the_liars_chain(&self) -> Result<()> {
        let newest = self.site.anvil().rpc("eth_blockNumber", json!([])).await?;
        let digits = newest.as_str().and_then(|text| text.strip_prefix("0x"));
        let height = u64::from_str_radix(digits.context("a number")?, 16)?;
        self.proxy().lie(Lie::OldHead { height });
        self.site.anvil().rpc("evm_increaseTime", json!([LAG_S])).await.map(drop)
    }

    /// One more revision, final on the chain.
    async fn change(&mut self) -> Result<()> {
        let app = Hash::of(&self.rev().to_be_bytes());
        let action = Action::SetApp { app, migration: Hash::ZERO };
        let newest = self.registry.head(&self.record, Finality::Latest).await?;
        let now_s = newest.context("a record")?.block.time_s;
        let call = Call::Act { actions: vec![action], expiry_s: now_s + 2 * LAG_S };
        let receipt = self.registry.submit(&self.record, &call, &self.admin).await?;
        self.apps.push(app.to_string());
        ensure!(receipt.rev == u64::try_from(self.rev()).ok(), "another revision: {receipt:?}");
        self.site.anvil().mine(3).await
    }

    /// How the board stands.
    ///
    /// # Panics
    /// If what it shows as final is not what the chain says.
    async fn status(&self) -> Result<Value> {
        let status = self.node.cli(&["status", &self.board]).await?;
        let epoch = status["epoch"].as_u64().and_then(|epoch| usize::try_from(epoch).ok());
        let epoch = epoch.context("an epoch")?;
        let app = self.apps.get(epoch.saturating_sub(1)).map(String::as_str);
        assert_eq!(status["app"].as_str(), app, "not what revision {epoch} says: {status}");
        let rev = u64::try_from(self.rev()).ok();
        assert!(status["anchor"]["final_rev"].as_u64() <= rev, "more than there is: {status}");
        Ok(status)
    }

    async fn until_final(&self) -> Result<Value> {
        eventually(LIMIT, async || {
            let status = self.status().await?;
            ensure!(status["epoch"] == self.rev(), "not at {} yet: {status}", self.rev());
            Ok(status)
        })
        .await
    }

    /// Waits until the node says why it reads nothing, and holds to what it had.
    async fn until_refused(&self, why: &str) -> Result<()> {
        eventually(LIMIT, async || {
            let status = self.status().await?;
            let waiting = status["waiting"].to_string();
            ensure!(waiting.contains("the chain cannot be read"), "it reads on: {status}");
            ensure!(waiting.contains(why), "for another reason: {waiting}");
            ensure!(status["epoch"] == self.rev() - 1, "it read what was not agreed: {status}");
            Ok(())
        })
        .await
    }

    /// Waits until the first endpoint is named for this, and nobody else for anything.
    async fn until_named(&self, misdeed: &str) -> Result<()> {
        eventually(LIMIT, async || {
            let status = self.status().await?;
            let faults = status["anchor"]["faults"].as_array().context("a list")?;
            let mut faults = faults.iter().filter_map(Value::as_str);
            let liar = self.proxy().url();
            ensure!(faults.clone().all(|fault| fault.starts_with(&liar)), "{status}");
            ensure!(faults.any(|fault| fault.contains(misdeed)), "not named yet: {status}");
            Ok(())
        })
        .await
    }
}

/// Writes into the configuration of `node` how many endpoints must agree.
fn need(node: &Node, needed: usize) -> Result<()> {
    let path = node.data().join("config.toml");
    let text = std::fs::read_to_string(&path)?;
    ensure!(text.contains("\nneeded = 2\n"), "a majority of two is two: {text}");
    std::fs::write(&path, text.replace("\nneeded = 2\n", &format!("\nneeded = {needed}\n")))?;
    Ok(())
}

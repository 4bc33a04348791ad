//! Alice, Bob and Carol, their chain, and what they say on the command line.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{AnvilConfig, DevnetKind, Node, eventually, places};
use serde_json::Value;

use crate::site::Site;

/// How long anything in the story may take: a final block comes after some seconds, and two cores
/// are shared with whatever else runs.
const LIMIT: Duration = Duration::from_secs(90);

/// Everything that the story plays with.
#[derive(Debug)]
pub struct World {
    /// The chain.
    pub site: Site,
    /// Creates the board.
    pub alice: Node,
    /// Comes with his account.
    pub bob: Node,
    /// Comes with the open link.
    pub carol: Node,
    /// Alice's and Bob's accounts, by their CAIP-10 names.
    pub accounts: [String; 2],
    /// The application.
    pub app: String,
    /// The anchored board.
    pub board: String,
    /// The board beside it that no chain knows.
    pub side: String,
}

impl World {
    /// Starts the chain, deploys the registry, starts three nodes that know it.
    ///
    /// # Errors
    /// If any of it does not start.
    pub async fn start() -> Result<Self> {
        Self::start_on(AnvilConfig::default()).await
    }

    /// As [`World::start`], on a chain that behaves so.
    ///
    /// # Errors
    /// As there.
    pub async fn start_on(config: AnvilConfig) -> Result<Self> {
        Self::play_on(Site::start_on(config).await?).await
    }

    /// As [`World::start`], on a chain of another kind.
    ///
    /// # Errors
    /// As there.
    pub async fn start_devnet(kind: DevnetKind) -> Result<Self> {
        Self::play_on(Site::start_devnet(kind).await?).await
    }

    async fn play_on(site: Site) -> Result<Self> {
        let alice = site.node("alice").await?;
        let bob = site.node("bob").await?;
        let carol = site.node("carol").await?;
        let accounts = [site.import(&alice, 1).await?, site.import(&bob, 2).await?];
        let (app, board, side) = (String::new(), String::new(), String::new());
        Ok(Self { site, alice, bob, carol, accounts, app, board, side })
    }

    /// The path of the task board's module.
    ///
    /// # Errors
    /// If it is not built.
    pub fn module() -> Result<String> {
        Ok(places::guest("anchorhold_task_board.wasm")?.display().to_string())
    }

    /// Makes a board of Alice's with these rules on chain, as arguments of `context create`.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn found(&mut self, rules: &[&str]) -> Result<()> {
        let installed = self.alice.cli(&["app", "install", &Self::module()?]).await?;
        self.app = text(&installed, "app")?;
        let create = ["context", "create", "--app", &self.app, "--anchor", &self.accounts[0]];
        self.board = text(&self.alice.cli(&[&create[..], rules].concat()).await?, "context")?;
        Ok(())
    }

    /// Waits until `node` has read all that the board's record says.
    ///
    /// # Errors
    /// If it has not within the limit.
    pub async fn until_quiet(&self, node: &Node) -> Result<()> {
        self.until(async || {
            let status = self.status(node).await?;
            let anchor = &status["anchor"];
            ensure!(anchor["seen_rev"] == status["epoch"], "{status}");
            Ok(())
        })
        .await
    }

    /// Calls a method of the board.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn call(&self, node: &Node, method: &str, args: &str) -> Result<Value> {
        let answer = node.cli(&["call", &self.board, method, args]).await?;
        answer.get("value").cloned().context("an answer without a value")
    }

    /// The titles on the board as `node` sees them, sorted.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn titles(&self, node: &Node) -> Result<Vec<String>> {
        let answer = node.cli(&["view", &self.board, "list", r#"{"limit":1000}"#]).await?;
        let tasks = answer.get("value").and_then(Value::as_array).context("no list of tasks")?;
        let mut titles: Vec<String> =
            tasks.iter().map(|task| text(task, "title")).collect::<Result<_>>()?;
        titles.sort();
        Ok(titles)
    }

    /// Waits until `node` has the board's application, which comes from other members.
    ///
    /// # Errors
    /// If it has not within the limit.
    pub async fn until_app(&self, node: &Node) -> Result<()> {
        self.until(async || self.titles(node).await.map(drop)).await
    }

    /// How the board stands on `node`.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn status(&self, node: &Node) -> Result<Value> {
        node.cli(&["status", &self.board]).await
    }

    /// The member key of `node` in the board.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn member(&self, node: &Node) -> Result<String> {
        text(&self.status(node).await?, "member")
    }

    /// The role of `node`'s member as the node itself sees it; empty if it is none.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn role(&self, node: &Node) -> Result<String> {
        let status = self.status(node).await?;
        Ok(status.get("role").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Waits until `node`'s member has `role`.
    ///
    /// # Errors
    /// If it does not within the limit.
    pub async fn until_role(&self, node: &Node, role: &str) -> Result<()> {
        eventually(LIMIT, async || {
            let found = self.role(node).await?;
            ensure!(found == role, "{} is `{found}`, not `{role}`", node.name());
            Ok(())
        })
        .await
    }

    /// Waits until all `nodes` have equal roots, and so equal boards; the root.
    ///
    /// # Errors
    /// If they do not within the limit.
    pub async fn until_equal(&self, nodes: &[&Node], deltas_min: u64) -> Result<String> {
        eventually(LIMIT, async || {
            let mut seen = Vec::new();
            for node in nodes {
                let status = self.status(node).await?;
                let deltas = status.get("deltas").and_then(Value::as_u64).unwrap_or_default();
                seen.push((text(&status, "root")?, deltas));
            }
            let Some((root, deltas)) = seen.first().cloned() else { bail!("no nodes") };
            ensure!(deltas >= deltas_min, "{deltas} deltas so far, of {deltas_min}");
            ensure!(seen.iter().all(|other| *other == (root.clone(), deltas)), "not yet: {seen:?}");
            Ok(root)
        })
        .await
    }

    /// Waits until `probe` succeeds.
    ///
    /// # Errors
    /// Its last error.
    pub async fn until<T>(&self, probe: impl AsyncFnMut() -> Result<T>) -> Result<T> {
        eventually(LIMIT, probe).await
    }
}

/// The string `field` of an answer.
pub(crate) fn text(answer: &Value, field: &str) -> Result<String> {
    let found = answer.get(field).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no `{field}` in {answer}"))
}

//! Alice, Bob and Carol, their chain, and what they say on the command line.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Anvil, Node, NodeConfig, eventually, places};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything in the story may take: a final block comes after some seconds, and two cores
/// are shared with whatever else runs.
const LIMIT: Duration = Duration::from_secs(90);

/// Everything that the story plays with.
#[derive(Debug)]
pub struct World {
    /// The chain.
    pub anvil: Anvil,
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
    dir: TempDir,
}

impl World {
    /// Starts the chain, deploys the registry, starts three nodes that know it.
    ///
    /// # Errors
    /// If any of it does not start.
    pub async fn start() -> Result<Self> {
        let dir = TempDir::with_prefix("anchorhold-story-")?;
        let anvil = Anvil::start().await?;
        let (chain, url) = (anvil.chain(), anvil.url());
        let (one, two) = (anvil.account(1)?, anvil.account(2)?);
        let key = secret_file(dir.path(), "deployer", &anvil.account(0)?.secret)?;
        let plain = NodeConfig::named("deployer")?;
        let deployer = Node::prepare(&dir.path().join("deployer"), plain).await?;
        let deploy =
            ["anchor", "deploy", "--chain", &chain, "--key-file", &key, "--endpoint", &url];
        let deployed = deployer.cli(&deploy).await.context("deploying the registry")?;
        let flag = text(&deployed, "flag")?;
        let start = async |name: &str| -> Result<Node> {
            let config = NodeConfig::named(name)?.init_with(["--no-mdns", "--chain", &flag]);
            Node::start(&dir.path().join(name), config).await
        };
        let (alice, bob, carol) =
            (start("alice").await?, start("bob").await?, start("carol").await?);
        let mut accounts = [String::new(), String::new()];
        for (slot, (node, account)) in accounts.iter_mut().zip([(&alice, &one), (&bob, &two)]) {
            let key = secret_file(dir.path(), node.name(), &account.secret)?;
            let import = ["account", "import", "--chain", &chain, "--key-file", &key];
            *slot = text(&node.cli(&import).await?, "account")?;
        }
        let (app, board, side) = (String::new(), String::new(), String::new());
        Ok(Self { anvil, alice, bob, carol, accounts, app, board, side, dir })
    }

    /// The path of the task board's module.
    ///
    /// # Errors
    /// If it is not built.
    pub fn module() -> Result<String> {
        Ok(places::guest("anchorhold_task_board.wasm")?.display().to_string())
    }

    /// A file with `secret` that only we may read.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn secret_file(&self, name: &str, secret: &str) -> Result<String> {
        secret_file(self.dir.path(), name, secret)
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

/// Runs a command that must fail; its one line of error, which must contain `expected`.
///
/// # Errors
/// If it succeeds, or fails otherwise.
pub(crate) async fn refused(node: &Node, args: &[&str], expected: &str) -> Result<String> {
    let said = node.say(args).await?;
    ensure!(!said.succeeded(), "`{}` should have been refused", args.join(" "));
    // Progress goes to the same stream, in lines of its own.
    let errors: Vec<&str> =
        said.stderr.lines().filter_map(|line| line.strip_prefix("anchorhold: ")).collect();
    let [line] = errors.as_slice() else { bail!("not one clear line: {}", said.stderr) };
    let line = (*line).to_owned();
    ensure!(line.contains(expected), "expected `{expected}` in: {line}");
    Ok(line)
}

/// The string `field` of an answer.
pub(crate) fn text(answer: &Value, field: &str) -> Result<String> {
    let found = answer.get(field).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no `{field}` in {answer}"))
}

fn secret_file(dir: &Path, name: &str, secret: &str) -> Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(format!("{name}.key"));
    std::fs::write(&path, secret.trim_start_matches("0x"))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(path.display().to_string())
}

//! A real node: the `anchorhold` binary with a data folder of its own.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::anvil::client;
use crate::process::Process;
use crate::{eventually, places};

/// From start to healthy: opening the store, deriving the key from the passphrase, listening.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// For an orderly end.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// For one command; those that wait for a chain take as long as its finality.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);
/// Where a node says that it is ready; needs no token.
const HEALTH: &str = "/v1/health";
/// The file in the data folder that holds the token for all other routes.
const TOKEN_FILE: &str = "api-token";

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// For logs and errors.
    pub name: String,
    /// Where its HTTP interface listens; kept over restarts.
    pub api_addr: SocketAddr,
    /// What its keys are sealed with.
    pub passphrase: String,
    /// More arguments for `anchorhold init`.
    pub init_args: Vec<String>,
    /// More arguments for `anchorhold run`.
    pub run_args: Vec<String>,
    /// Environment for every command, e.g. the level of logging.
    pub env: Vec<(String, String)>,
}

impl NodeConfig {
    /// A node called `name` on a free port.
    ///
    /// # Errors
    /// If the system gives no port.
    pub fn named(name: &str) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            api_addr: places::free_addr()?,
            passphrase: format!("the passphrase of {name}"),
            init_args: Vec::new(),
            run_args: Vec::new(),
            env: Vec::new(),
        })
    }

    /// The same with more arguments for `anchorhold init`.
    #[must_use]
    pub fn init_with<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.init_args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same with more arguments for `anchorhold run`.
    #[must_use]
    pub fn run_with<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.run_args.extend(args.into_iter().map(Into::into));
        self
    }
}

/// What a command answered.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error: one clear line if it failed.
    pub stderr: String,
}

impl Said {
    fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        Self {
            code: status.code(),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
        }
    }

    /// Whether it ended with 0.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

/// A node with its folder; running unless it was stopped or killed.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    dir: PathBuf,
    program: PathBuf,
    process: Option<Process>,
    http: reqwest::Client,
}

impl Node {
    /// Makes keys and store under `dir` if there are none, starts the node, waits until healthy.
    ///
    /// # Errors
    /// If the binary is missing, `init` fails, or the node is not healthy within a minute.
    pub async fn start(dir: &Path, config: NodeConfig) -> Result<Self> {
        let mut node = Self::prepare(dir, config).await?;
        node.restart().await?;
        Ok(node)
    }

    /// Makes keys and store under `dir` if there are none; starts nothing.
    ///
    /// # Errors
    /// If the binary is missing or `init` fails.
    pub async fn prepare(dir: &Path, config: NodeConfig) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("no folder {}", dir.display()))?;
        let node = Self {
            config,
            dir: dir.to_owned(),
            program: places::anchorhold()?,
            process: None,
            http: client()?,
        };
        let secret = node.passphrase_file();
        if !secret.is_file() {
            write_secret(&secret, &node.config.passphrase)?;
            let mut args = vec!["init".to_owned(), "--passphrase-file".to_owned()];
            args.push(secret.display().to_string());
            args.extend(node.config.init_args.iter().cloned());
            node.expect_said(&args).await?;
        }
        Ok(node)
    }

    /// Starts it again on the same data and addresses; waits until it is healthy.
    ///
    /// # Errors
    /// If it is running, cannot be started, ends, or is not healthy within a minute.
    pub async fn restart(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("{} is running", self.config.name);
        }
        let mut process = Process::start(&self.config.name, self.run_command(), &self.log_file())?;
        eventually(READY_LIMIT, async || {
            if let Err(ended) = process.expect_running() {
                return Ok(Err(ended)); // Asking on would not help.
            }
            let url = format!("{}{HEALTH}", self.url());
            answer(self.http.get(url)).await.map(Ok)
        })
        .await
        .with_context(|| format!("{} is not healthy", self.config.name))??;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// If it is not running, does not end in time, or ends with a code other than 0.
    pub async fn stop(&mut self) -> Result<()> {
        let mut process = self.take()?;
        let status = process.terminate(STOP_LIMIT).await?;
        if !status.success() {
            bail!("{} ended with {status}", self.config.name);
        }
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// If it is not running or the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.take()?.kill()
    }

    /// The process, to freeze it or read its id.
    ///
    /// # Errors
    /// If it is not running.
    pub fn process(&self) -> Result<&Process> {
        let process = self.process.as_ref();
        process.with_context(|| format!("{} is not running", self.config.name))
    }

    /// What it is called in errors.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Its data folder, as `--data` names it: inside the folder that it was started with.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// What it is started with; changes count from the next start on.
    pub fn config_mut(&mut self) -> &mut NodeConfig {
        &mut self.config
    }

    /// Where its HTTP interface answers, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.config.api_addr)
    }

    /// All that the node printed, over all its starts.
    ///
    /// # Errors
    /// If it was never started.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(self.log_file()).context("the node was never started")
    }

    /// The token that its HTTP interface asks for: `Authorization: Bearer <token>`.
    ///
    /// # Errors
    /// If the node has not made one.
    pub fn token(&self) -> Result<String> {
        let file = self.data().join(TOKEN_FILE);
        let text = std::fs::read_to_string(&file);
        let text = text.with_context(|| format!("could not read {}", file.display()))?;
        Ok(text.trim().to_owned())
    }

    /// `GET path`; the body as JSON, or as a JSON string if it is other text.
    ///
    /// # Errors
    /// If it does not answer, or answers with a status other than 2xx: the text of that.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.url());
        answer(self.authorized(self.http.get(url))?).await
    }

    /// `POST path` with a JSON body; the answer as by [`Node::get`].
    ///
    /// # Errors
    /// As [`Node::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.url());
        answer(self.authorized(self.http.post(url).json(body))?).await
    }

    /// Requests to the node that outlive the borrow of it, and it.
    ///
    /// # Errors
    /// If there is no token yet.
    pub fn caller(&self) -> Result<Caller> {
        Ok(Caller { url: self.url(), token: self.token()?, http: self.http.clone() })
    }

    /// Runs `anchorhold <args> --output json` on this node; what it printed, as JSON.
    ///
    /// # Errors
    /// If it ends with a code other than 0 (the text holds what it said), or prints no JSON.
    pub async fn cli<A: AsRef<str>>(&self, args: &[A]) -> Result<Value> {
        let mut words: Vec<String> = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        words.extend(["--output".to_owned(), "json".to_owned()]);
        let said = self.expect_said(&words).await?;
        if said.stdout.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&said.stdout)
            .with_context(|| format!("{words:?} printed no JSON: {}", said.stdout))
    }

    /// Runs `anchorhold <args>` on this node, whatever becomes of it.
    ///
    /// # Errors
    /// If it cannot be started or takes longer than two minutes: then it is killed.
    pub async fn say<A: AsRef<str>>(&self, args: &[A]) -> Result<Said> {
        let mut command = tokio::process::Command::from(self.command());
        command.args(args.iter().map(AsRef::as_ref)).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(COMMAND_LIMIT, command.output()).await;
        let output = output.with_context(|| format!("{} hangs", shown(args)))?;
        let output = output.with_context(|| format!("could not start {}", shown(args)))?;
        Ok(Said::new(output.status, &output.stdout, &output.stderr))
    }

    /// Runs `anchorhold <args>` on this node, which must fail; its one line of error, which must
    /// contain `expected`.
    ///
    /// # Errors
    /// If it succeeds, or fails otherwise.
    pub async fn refused<A: AsRef<str>>(&self, args: &[A], expected: &str) -> Result<String> {
        let said = self.say(args).await?;
        if said.succeeded() {
            bail!("{}: {} should have been refused", self.config.name, shown(args));
        }
        // Progress goes to the same stream, in lines of its own.
        let errors = said.stderr.lines().filter_map(|line| line.strip_prefix("anchorhold: "));
        let errors: Vec<&str> = errors.collect();
        let [line] = errors.as_slice() else { bail!("not one clear line: {}", said.stderr) };
        if !line.contains(expected) {
            bail!("{}: {} expected `{expected}` in: {line}", self.config.name, shown(args));
        }
        Ok((*line).to_owned())
    }

    async fn expect_said(&self, args: &[String]) -> Result<Said> {
        let said = self.say(args).await?;
        if !said.succeeded() {
            let (name, code) = (&self.config.name, said.code);
            bail!("{name}: {} ended with {code:?}: {}", shown(args), said.stderr.trim());
        }
        Ok(said)
    }

    fn take(&mut self) -> Result<Process> {
        let process = self.process.take();
        process.with_context(|| format!("{} is not running", self.config.name))
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder> {
        Ok(request.bearer_auth(self.token()?))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data").arg(self.data());
        for (key, value) in &self.config.env {
            command.env(key, value);
        }
        command
    }

    fn run_command(&self) -> Command {
        let mut command = self.command();
        command
            .arg("run")
            .args(["--api-addr", &self.config.api_addr.to_string()])
            .arg("--passphrase-file")
            .arg(self.passphrase_file())
            .args(&self.config.run_args);
        command
    }

    fn passphrase_file(&self) -> PathBuf {
        self.dir.join("passphrase")
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("node.log")
    }
}

/// Speaks HTTP with one node, running or not.
#[derive(Clone, Debug)]
pub struct Caller {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Caller {
    /// As [`Node::post`].
    ///
    /// # Errors
    /// As there.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        answer(request.bearer_auth(&self.token)).await
    }
}

/// A file that only we can read, as the node demands of its secrets.
fn write_secret(file: &Path, secret: &str) -> Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = opened.and_then(|mut file| writeln!(file, "{secret}"));
    written.with_context(|| format!("could not write {}", file.display()))
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value> {
    let response = request.send().await.context("no answer")?;
    let status = response.status();
    let text = response.text().await.context("the answer broke off")?;
    if !status.is_success() {
        bail!("{status}: {text}");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn shown<A: AsRef<str>>(args: &[A]) -> String {
    let words: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    format!("`anchorhold {}`", words.join(" "))
}

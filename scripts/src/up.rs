//! `cargo x up`: from a fresh clone to a running node with a first context, in one command.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, guests, setup};

pub(crate) const COMMAND: Command = Command {
    name: "up",
    summary: "set up, build, start a node with a first task-board context",
    help: "
Usage: cargo x up [--data DIR] [--api-addr ADDR]

  --data DIR       where the node keeps everything (default: .anchorhold in this repository)
  --api-addr ADDR  where its HTTP interface listens (default: 127.0.0.1:7878)

Installs what is missing (and says so), builds the node and the task-board application, makes a
node with fresh keys under DIR unless there is one, starts it, creates a first context that runs
task-board, and prints how to call it. The node stays in the foreground; Ctrl-C stops it. Run it
again to go on with the same data.

The keys are sealed with a passphrase that is made here and kept in DIR/passphrase (mode 0600): as
safe as the folder. For a node that matters run `anchorhold init` yourself and type a passphrase.
",
    run,
};

const API_ADDR: &str = "127.0.0.1:7878";
/// Opening the store and the listeners takes well below a second; a busy machine gets a minute.
const READY_LIMIT: Duration = Duration::from_secs(60);
const READY_POLL: Duration = Duration::from_millis(200);
/// Bytes of randomness behind the passphrase; printed as hex.
const PASSPHRASE_BYTES: usize = 32;
/// The word that makes `cargo x up` play its second part, beside the node.
const GREET: &str = "--greet";

fn run(args: &[String]) -> Result<()> {
    let repo = Repo::open()?;
    let node = Node::parse(&repo, args)?;
    if args.iter().any(|arg| arg == GREET) {
        return greet(&repo, &node);
    }
    setup::ensure(&repo, setup::Scope::Node)?;
    guests::build(&repo)?;
    shell::step("build: the node");
    repo.build()?;
    shell::step("node: keys, store, first context");
    node.init()?;
    let greeter = spawn_greeter(&repo, &node)?;
    // From here on this process is the node: Ctrl-C, kill and the exit code are its own.
    let failure = node.anchorhold().arg("run").args(node.run_flags()).command().exec();
    drop(greeter);
    Err(failure).context("could not start the node")
}

/// Starts ourselves a second time: creates the context once the node answers.
fn spawn_greeter(repo: &Repo, node: &Node) -> Result<Child> {
    // Not the running file: building the workspace may have put another in its place.
    std::process::Command::new(repo.binary("x"))
        .args(["up", GREET, "--api-addr", &node.api_addr, "--data"])
        .arg(&node.data)
        .stdin(Stdio::null())
        .spawn()
        .context("could not start the second part of `cargo x up`")
}

/// The second part: runs beside the node and ends after the first context stands.
fn greet(repo: &Repo, node: &Node) -> Result<()> {
    node.await_ready()?;
    let context = match node.first_context()? {
        Some(context) => context,
        None => node.create_context(repo)?,
    };
    let program = repo.binary("anchorhold");
    let data = node.data.display();
    let say = format!("{} --data {data}", program.display());
    println!(
        "
The node is up.
  HTTP     http://{}
  data     {data}
  context  {context} (application: task-board, no chain)

In another terminal:
  {say} status
  {say} call {context} add '{{\"title\":\"water the garden\"}}'
  {say} view {context} list
  {say} members {context}

Ctrl-C stops the node; `cargo x up` goes on with the same data.
",
        node.api_addr
    );
    Ok(())
}

/// The node that `cargo x up` runs.
#[derive(Debug)]
struct Node {
    program: PathBuf,
    data: PathBuf,
    api_addr: String,
}

impl Node {
    fn parse(repo: &Repo, args: &[String]) -> Result<Self> {
        let mut node = Self {
            program: repo.binary("anchorhold"),
            data: repo.root().join(".anchorhold"),
            api_addr: API_ADDR.to_owned(),
        };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--data" => node.data = PathBuf::from(value()?),
                "--api-addr" => value()?.clone_into(&mut node.api_addr),
                GREET => {}
                other => bail!("`cargo x up` does not know `{other}`; see `cargo x help up`"),
            }
        }
        Ok(node)
    }

    fn anchorhold(&self) -> Run {
        Run::new(&self.program).arg("--data").arg(&self.data)
    }

    fn passphrase(&self) -> PathBuf {
        self.data.join("passphrase")
    }

    fn run_flags(&self) -> [String; 4] {
        let file = self.passphrase().display().to_string();
        let flag = |text: &str| text.to_owned();
        [flag("--api-addr"), self.api_addr.clone(), flag("--passphrase-file"), file]
    }

    /// Makes keys and store unless the folder holds them.
    fn init(&self) -> Result<()> {
        if self.passphrase().is_file() {
            println!("  going on with {}", self.data.display());
            return Ok(());
        }
        let data = &self.data;
        fs::create_dir_all(data).with_context(|| format!("could not make {}", data.display()))?;
        write_passphrase(&self.passphrase())?;
        let init = self.anchorhold().arg("init");
        let made = init.arg("--passphrase-file").arg(self.passphrase()).run();
        if made.is_err() {
            // So that the next try starts afresh instead of running a node that has no keys.
            fs::remove_file(self.passphrase()).context("could not take the passphrase back")?;
        }
        made
    }

    /// Waits until the node answers.
    ///
    /// # Errors
    /// If it ended (its own message stands above), or does not answer in time.
    fn await_ready(&self) -> Result<()> {
        let node = parent_id();
        let started = Instant::now();
        while started.elapsed() < READY_LIMIT {
            if self.anchorhold().args(["status", "--output", "json"]).succeeds() {
                return Ok(());
            }
            if parent_id() != node {
                bail!("the node ended before it was ready");
            }
            std::thread::sleep(READY_POLL);
        }
        bail!("the node did not answer within {}", shell::spoken(READY_LIMIT))
    }

    fn first_context(&self) -> Result<Option<String>> {
        let contexts = self.ask(&["context", "list"])?;
        let first = contexts.as_array().and_then(|list| list.first());
        Ok(first.and_then(|entry| text(entry, "context")))
    }

    fn create_context(&self, repo: &Repo) -> Result<String> {
        let module = repo.guests().join("anchorhold_task_board.wasm");
        let module = module.display().to_string();
        let app = self.ask(&["app", "install", &module])?;
        let app = text(&app, "app").context("`app install` named no application")?;
        let made = self.ask(&["context", "create", "--app", &app])?;
        text(&made, "context").context("`context create` named no context")
    }

    fn ask(&self, args: &[&str]) -> Result<Value> {
        let answer = self.anchorhold().args(args).args(["--output", "json"]).read()?;
        serde_json::from_str(&answer).with_context(|| format!("no JSON: {answer}"))
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// Writes a fresh passphrase that only the owner of the file can read.
fn write_passphrase(file: &Path) -> Result<()> {
    let mut random = [0_u8; PASSPHRASE_BYTES];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("could not read randomness")?;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{hex}"))
        .with_context(|| format!("could not write {}", file.display()))
}

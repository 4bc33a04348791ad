//! Development chains beside anvil: NEAR, the Internet Computer, Starknet.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::anvil::{DevAccount, client};
use crate::process::Process;
use crate::{eventually, places};

/// From start to the first answer.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How many accounts a chain is started with.
const ACCOUNTS: usize = 10;
/// The seed of Starknet's accounts, so that each start has the same.
const STARKNET_SEED: &str = "7";

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevnetKind {
    /// NEAR's JSON-RPC in front of NEAR's own VM.
    Near,
    /// The Internet Computer's HTTP interface in front of canisters in wasmtime.
    Icp,
    /// starknet-devnet.
    Starknet,
}

/// A running development chain. It keeps its state in memory alone: what ends it, ends the chain.
#[derive(Debug)]
pub struct Devnet {
    kind: DevnetKind,
    url: String,
    chain: String,
    accounts: Vec<DevAccount>,
    process: Process,
    // Last: the folder goes after the process that writes into it.
    _folder: TempDir,
}

impl DevnetKind {
    /// The namespace of its chains.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Icp => "icp",
            Self::Starknet => "starknet",
        }
    }

    /// Its program; `None` where starknet-devnet is nowhere, which not every machine has.
    ///
    /// # Errors
    /// If a program of this workspace is not built.
    pub fn program(self) -> Result<Option<PathBuf>> {
        match self {
            Self::Near => places::built("DEVNET_NEAR", "anchorhold-devnet-near").map(Some),
            Self::Icp => places::built("DEVNET_ICP", "anchorhold-devnet-icp").map(Some),
            Self::Starknet => places::starknet_devnet(),
        }
    }
}

impl Devnet {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// If its program is missing, or it does not answer within a minute.
    pub async fn start(kind: DevnetKind) -> Result<Self> {
        let program = kind.program()?.context("starknet-devnet is not here: cargo x setup")?;
        let folder = tempfile::tempdir().context("no folder for a chain")?;
        let addr = places::free_addr()?;
        let url = format!("http://{addr}");
        let mut command = Command::new(program);
        command.args(arguments(kind, addr.port()));
        let mut process = Process::start(kind.namespace(), command, &folder.path().join("log"))?;
        let (chain, accounts) = eventually(READY_LIMIT, async || {
            if let Err(ended) = process.expect_running() {
                return Ok(Err(ended)); // Asking on would not help.
            }
            let told = match kind {
                DevnetKind::Near | DevnetKind::Icp => told(&process.log()?),
                DevnetKind::Starknet => starknet(&url).await,
            };
            told.map(Ok)
        })
        .await
        .with_context(|| format!("{kind:?} does not answer"))??;
        Ok(Self { kind, url, chain, accounts, process, _folder: folder })
    }

    /// Which chain it is.
    pub const fn kind(&self) -> DevnetKind {
        self.kind
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its CAIP-2 name.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The account number `index`, which has funds where the chain wants them.
    ///
    /// # Errors
    /// If there is no such one.
    pub fn account(&self, index: usize) -> Result<DevAccount> {
        let account = self.accounts.get(index).cloned();
        account.with_context(|| format!("the chain has no account {index}"))
    }

    /// The process, to freeze it: then nothing answers.
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// One JSON-RPC call.
    ///
    /// # Errors
    /// If it does not answer within 20 s, or answers with an error: the text of that.
    pub async fn rpc(&self, method: &str, params: Value) -> Result<Value> {
        rpc(&self.url, method, params).await
    }
}

fn arguments(kind: DevnetKind, port: u16) -> Vec<OsString> {
    let port = port.to_string();
    let accounts = ACCOUNTS.to_string();
    let arguments: &[&str] = match kind {
        DevnetKind::Near | DevnetKind::Icp => &["--port", &port, "--accounts", &accounts],
        DevnetKind::Starknet => {
            let accounts =
                ["--port", &port, "--accounts", &accounts, "--seed", STARKNET_SEED].to_vec();
            // A block a second, as transactions alone would not make time pass; old ones are kept.
            let blocks = ["--block-generation-on", "1", "--state-archive-capacity", "full"];
            let arguments = [accounts, blocks.to_vec()].concat();
            return arguments.into_iter().map(OsString::from).collect();
        }
    };
    arguments.iter().map(OsString::from).collect()
}

/// The line of JSON in which our own chains say that they are ready.
fn told(log: &str) -> Result<(String, Vec<DevAccount>)> {
    let line = log.lines().find(|line| line.starts_with('{')).context("not ready yet")?;
    let ready: Value = serde_json::from_str(line).context("not a whole line yet")?;
    let text = |value: &Value, field: &str| -> Result<String> {
        let found = value.get(field).and_then(Value::as_str);
        Ok(found.with_context(|| format!("no `{field}` in {value}"))?.to_owned())
    };
    let accounts = ready.get("accounts").and_then(Value::as_array).context("no accounts")?;
    let account = |account: &Value| -> Result<DevAccount> {
        Ok(DevAccount { address: text(account, "address")?, secret: text(account, "secret")? })
    };
    Ok((text(&ready, "chain")?, accounts.iter().map(account).collect::<Result<_>>()?))
}

async fn starknet(url: &str) -> Result<(String, Vec<DevAccount>)> {
    let id = rpc(url, "starknet_chainId", json!([])).await?;
    let digits = id.as_str().and_then(|text| text.strip_prefix("0x")).context("a chain id")?;
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    let letter = |pair: &[u8; 2]| {
        let digits = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(digits, 16).ok().map(char::from)
    };
    let name: String = pairs.iter().filter_map(letter).collect();
    let list = rpc(url, "devnet_getPredeployedAccounts", json!({})).await?;
    let list = list.as_array().context("no accounts")?;
    let field = |account: &Value, name: &str| -> Result<String> {
        let text = account.get(name).and_then(Value::as_str).context("an account")?;
        Ok(format!("0x{:0>64}", text.trim_start_matches("0x")))
    };
    let account = |account: &Value| -> Result<DevAccount> {
        Ok(DevAccount {
            address: field(account, "address")?,
            secret: field(account, "private_key")?,
        })
    };
    Ok((format!("starknet:{name}"), list.iter().map(account).collect::<Result<_>>()?))
}

async fn rpc(url: &str, method: &str, params: Value) -> Result<Value> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let sent = client()?.post(url).json(&body).send().await;
    let response = sent.with_context(|| format!("{method} was not answered"))?;
    let mut answer: Value = response.json().await.context("the answer is no JSON")?;
    if let Some(error) = answer.get("error") {
        bail!("{method} was refused: {error}");
    }
    answer.get_mut("result").map(Value::take).with_context(|| format!("{method} gave no result"))
}

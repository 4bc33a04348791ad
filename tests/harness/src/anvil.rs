//! A real Ethereum node on loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::{eventually, places};

/// From start to the first answer; a loaded machine with two cores needs several seconds.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// For writing its state to disk when it is asked to end.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// For one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// How the chain behaves.
#[derive(Clone, Debug)]
pub struct AnvilConfig {
    /// Seconds from block to block; a transaction is mined at once besides.
    pub block_time_s: u64,
    /// `safe` is this many blocks behind the latest, `finalized` twice as many.
    pub slots_in_an_epoch: u64,
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// More arguments for anvil, as on its command line.
    pub extra_args: Vec<String>,
}

impl Default for AnvilConfig {
    /// A block a second, final two blocks later.
    fn default() -> Self {
        Self { block_time_s: 1, slots_in_an_epoch: 1, chain_id: 31_337, extra_args: Vec::new() }
    }
}

/// A funded account of the development chain; its secret is public knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevAccount {
    /// `0x` and 40 hex digits, lower case.
    pub address: String,
    /// The secp256k1 key: `0x` and 64 hex digits.
    pub secret: String,
}

/// A running (or stopped) anvil with a folder for its state.
#[derive(Debug)]
pub struct Anvil {
    config: AnvilConfig,
    addr: SocketAddr,
    program: PathBuf,
    process: Option<Process>,
    http: reqwest::Client,
    // Last: the folder goes after the process that writes into it.
    folder: TempDir,
}

impl Anvil {
    /// Starts one with [`AnvilConfig::default`].
    ///
    /// # Errors
    /// As [`Anvil::start_with`].
    pub async fn start() -> Result<Self> {
        Self::start_with(AnvilConfig::default()).await
    }

    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// If there is no anvil, or it does not answer within a minute.
    pub async fn start_with(config: AnvilConfig) -> Result<Self> {
        let mut anvil = Self {
            config,
            addr: places::free_addr()?,
            program: places::anvil()?,
            process: None,
            http: client()?,
            folder: tempfile::tempdir().context("no folder for anvil")?,
        };
        anvil.restart().await?;
        Ok(anvil)
    }

    /// Where its JSON-RPC answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The CAIP-2 name of the chain, e.g. `eip155:31337`.
    pub fn chain(&self) -> String {
        format!("eip155:{}", self.config.chain_id)
    }

    /// Starts it again, on the same address, with the state that it last wrote.
    ///
    /// # Errors
    /// If it is running, cannot be started, or does not answer within a minute.
    pub async fn restart(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("anvil is running");
        }
        let mut process = Process::start("anvil", self.command(), &self.log())?;
        eventually(READY_LIMIT, async || {
            if let Err(ended) = process.expect_running() {
                return Ok(Err(ended)); // Asking on would not help.
            }
            self.rpc("eth_chainId", json!([])).await.map(Ok)
        })
        .await
        .context("anvil does not answer")??;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to write its state and end; [`Anvil::restart`] goes on from there.
    ///
    /// # Errors
    /// If it is not running or does not end in time.
    pub async fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("anvil is not running")?;
        process.terminate(STOP_LIMIT).await?;
        Ok(())
    }

    /// Ends it at once: whatever happened since it last stopped is lost.
    ///
    /// # Errors
    /// If it is not running or the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("anvil is not running")?;
        process.kill()
    }

    /// The process, to freeze it or read its log.
    ///
    /// # Errors
    /// If it is not running.
    pub fn process(&self) -> Result<&Process> {
        self.process.as_ref().context("anvil is not running")
    }

    /// The funded account number `index`, from 0 to 9.
    ///
    /// # Errors
    /// If anvil did not tell its accounts or has no such one.
    pub fn account(&self, index: usize) -> Result<DevAccount> {
        let text = std::fs::read_to_string(self.accounts()).context("no list of accounts")?;
        let list: Value = serde_json::from_str(&text).context("the list is no JSON")?;
        let field = |name: &str| -> Result<String> {
            let entry = list.get(name).and_then(|list| list.get(index));
            let text = entry.and_then(Value::as_str);
            let text = text.with_context(|| format!("anvil has no account {index}"))?;
            Ok(text.to_owned())
        };
        Ok(DevAccount { address: field("available_accounts")?, secret: field("private_keys")? })
    }

    /// Mines `blocks` at once, so that what came before becomes final.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn mine(&self, blocks: u64) -> Result<()> {
        let count = format!("{blocks:#x}");
        self.rpc("anvil_mine", json!([count])).await.map(drop)
    }

    /// One JSON-RPC call.
    ///
    /// # Errors
    /// If it does not answer within 20 s, or answers with an error: the text of that.
    pub async fn rpc(&self, method: &str, params: Value) -> Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.http.post(self.url()).json(&body).send().await;
        let response = sent.with_context(|| format!("{method} was not answered"))?;
        let mut answer: Value = response.json().await.context("the answer is no JSON")?;
        if let Some(error) = answer.get("error") {
            bail!("{method} was refused: {error}");
        }
        let result = answer.get_mut("result").map(Value::take);
        result.with_context(|| format!("{method} gave no result"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--silent", "--mixed-mining", "--preserve-historical-states"])
            .args(["--host", &self.addr.ip().to_string()])
            .args(["--port", &self.addr.port().to_string()])
            .args(["--block-time", &self.config.block_time_s.to_string()])
            .args(["--slots-in-an-epoch", &self.config.slots_in_an_epoch.to_string()])
            .args(["--chain-id", &self.config.chain_id.to_string()])
            .arg("--state")
            .arg(self.folder().join("state.json"))
            .arg("--config-out")
            .arg(self.accounts())
            .args(&self.config.extra_args);
        command
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn accounts(&self) -> PathBuf {
        self.folder().join("accounts.json")
    }

    fn log(&self) -> PathBuf {
        self.folder().join("anvil.log")
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Before the folder, whose removal would otherwise race with the process.
        self.process = None;
    }
}

/// A client whose requests end.
pub(crate) fn client() -> Result<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(REQUEST_LIMIT).no_proxy();
    client.build().context("no HTTP client")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Anvil;

    async fn balance(anvil: &Anvil, address: &str) -> Value {
        let answer = anvil.rpc("eth_getBalance", json!([address, "latest"])).await;
        answer.expect("anvil answers")
    }

    async fn block(anvil: &Anvil, tag: &str) -> u64 {
        let answer = anvil.rpc("eth_getBlockByNumber", json!([tag, false])).await;
        let answer = answer.expect("anvil answers");
        let number = answer.get("number").and_then(Value::as_str);
        let digits = number.and_then(|text| text.strip_prefix("0x"));
        u64::from_str_radix(digits.expect("a number"), 16).expect("hex")
    }

    #[tokio::test]
    async fn state_outlives_a_stop_and_blocks_become_final() {
        let mut anvil = Anvil::start().await.expect("anvil starts");
        let rich = anvil.account(0).expect("it has accounts");
        let nobody = "0x00000000000000000000000000000000000000aa";
        let sent = json!([{ "from": rich.address, "to": nobody, "value": "0x7b" }]);
        let hash = anvil.rpc("eth_sendTransaction", sent).await.expect("it is sent");
        anvil.mine(3).await.expect("it mines");
        let latest = block(&anvil, "latest").await;
        // At least: another block may have come between the two questions.
        assert!(block(&anvil, "finalized").await + 2 >= latest);
        assert_eq!(balance(&anvil, nobody).await, "0x7b");

        anvil.stop().await.expect("it stops");
        assert!(anvil.rpc("eth_chainId", json!([])).await.is_err());
        anvil.restart().await.expect("it comes back");
        assert_eq!(balance(&anvil, nobody).await, "0x7b");
        assert!(block(&anvil, "latest").await >= latest);
        let receipt = anvil.rpc("eth_getTransactionReceipt", json!([hash])).await;
        assert!(receipt.expect("it answers").is_object(), "history is kept too");
    }
}

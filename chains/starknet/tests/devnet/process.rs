//! Starts a development chain for one test, and ends it with the test.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use chain::{AccountKey, Signer};
use serde_json::{Value, json};
use types::AccountId;
use url::Url;

/// A running starknet-devnet that makes a block for each transaction.
pub(crate) struct Devnet {
    child: Child,
    pub(crate) url: Url,
    accounts: Vec<Signer>,
}

impl Devnet {
    /// `None`, and a line that says so, where the program is nowhere.
    pub(crate) async fn start(extra: &[&str]) -> Option<Self> {
        let Some(path) = path() else {
            eprintln!("skipped: starknet-devnet is neither STARKNET_DEVNET nor on the path");
            return None;
        };
        let mut command = Command::new(path);
        command.args(["--port", "0", "--seed", "7", "--accounts", "4"]);
        // Old blocks are asked for, and taken back.
        command.args(["--state-archive-capacity", "full"]).args(extra);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("starknet-devnet starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let address = stdout.by_ref().lines().find_map(|line| {
            let line = line.expect("it prints text");
            line.split_once("listening on ").map(|(_, address)| address.trim().to_owned())
        });
        let address = address.expect("it says where it listens");
        // It goes on printing, and would stop at a full or closed pipe. Ends with the process.
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let url: Url = format!("http://{address}/rpc").parse().expect("an address");
        let mut devnet = Self { child, url, accounts: Vec::new() };
        let told = devnet.ask("devnet_getPredeployedAccounts", json!({})).await;
        devnet.accounts = told.as_array().expect("a list").iter().map(signer).collect();
        Some(devnet)
    }

    /// Of the accounts that it begins with.
    pub(crate) fn signer(&self, index: usize) -> Signer {
        self.accounts[index].clone()
    }

    pub(crate) fn id(&self, index: usize) -> AccountId {
        self.accounts[index].account.clone()
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            self.ask("devnet_createBlock", json!({})).await;
        }
    }

    pub(crate) async fn height(&self) -> u64 {
        self.ask("starknet_blockNumber", json!([])).await.as_u64().expect("a number")
    }

    /// Takes the newest blocks back.
    pub(crate) async fn abort(&self, blocks: u64) {
        let first = self.height().await + 1 - blocks;
        let params = json!({ "starting_block_id": { "block_number": first } });
        self.ask("devnet_abortBlocks", params).await;
    }

    /// Accepts all blocks on L1.
    pub(crate) async fn accept(&self) {
        self.ask("devnet_acceptOnL1", json!({ "starting_block_id": "latest" })).await;
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = reqwest::Client::new().post(self.url.clone()).json(&request).send().await;
        let answer: Value = sent.expect("it answers").json().await.expect("JSON");
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

fn signer(told: &Value) -> Signer {
    let padded = |name: &str| {
        let digits = told[name].as_str().expect("text").trim_start_matches("0x");
        format!("{digits:0>64}")
    };
    let account = format!("starknet:SN_SEPOLIA:0x{}", padded("address"));
    let key: AccountKey = padded("private_key").parse().expect("a key");
    Signer { account: account.parse().expect("legal"), key }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        // It may have been stopped before; nothing is left to do then.
        if self.child.kill().is_ok() {
            self.child.wait().expect("it ends");
        }
    }
}

/// `STARKNET_DEVNET`, or what is on the path.
fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("STARKNET_DEVNET") {
        return Some(path.into());
    }
    let folders = std::env::var_os("PATH")?;
    let programs = std::env::split_paths(&folders).map(|folder| folder.join("starknet-devnet"));
    programs.into_iter().find(|program: &PathBuf| Path::is_file(program))
}

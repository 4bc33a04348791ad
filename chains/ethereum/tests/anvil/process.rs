//! Starts a development chain for one test, and ends it with the test.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use chain::{AccountKey, Signer};
use serde_json::{Value, json};
use url::Url;

/// A running anvil with a block a second, `finalized` two blocks behind the newest.
pub(crate) struct Anvil {
    child: Child,
    pub(crate) url: Url,
}

impl Anvil {
    pub(crate) fn start(extra: &[&str]) -> Self {
        let path = path();
        let mut command = Command::new(&path);
        command.args(["--host", "127.0.0.1", "--port", "0", "--slots-in-an-epoch", "1"]);
        command.args(extra).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {}: {error}; run `npm ci` in contracts/ethereum", path.display())
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let address = stdout.by_ref().lines().find_map(|line| {
            let line = line.expect("anvil prints text");
            line.strip_prefix("Listening on ").map(str::to_owned)
        });
        let address = address.expect("anvil says where it listens");
        // It goes on printing, and would stop at a full or closed pipe. Ends with the process.
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let url = format!("http://{address}").parse().expect("an address");
        Self { child, url }
    }

    /// Of the accounts that anvil fills at the start: its standard test mnemonic's first three.
    pub(crate) fn key(index: usize) -> AccountKey {
        let hex = [
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
            "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
            "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        ][index];
        let hash: types::Hash = hex.parse().expect("64 digits");
        AccountKey::from_bytes(*hash.as_bytes())
    }

    pub(crate) fn signer(index: usize) -> Signer {
        Signer { account: crate::id(index), key: Self::key(index) }
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([format!("{blocks:#x}")])).await;
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = reqwest::Client::new().post(self.url.clone()).json(&request).send().await;
        let answer: Value = sent.expect("anvil answers").json().await.expect("JSON");
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have been stopped before; nothing is left to do then.
        if self.child.kill().is_ok() {
            self.child.wait().expect("it ends");
        }
    }
}

/// `ANVIL`, or what npm installed beside the contract, or whatever is on the path.
fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("ANVIL") {
        return path.into();
    }
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let packages = "../../contracts/ethereum/node_modules/@foundry-rs";
    let package = format!("{packages}/anvil-{system}-{machine}/bin/anvil");
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(package);
    if installed.exists() { installed } else { "anvil".into() }
}

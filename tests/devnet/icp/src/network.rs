//! A network for clients that know nothing but its address: this replica, or PocketIC where its
//! server is at hand.

use std::{ffi::OsString, path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use candid::Principal;
use data_encoding::BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{cbor, http::Devnet};

/// Names the program of PocketIC's server.
const POCKET_IC_BIN: &str = "POCKET_IC_BIN";
/// From start to the first answer.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How often we look whether it is ready.
const LOOK: Duration = Duration::from_millis(50);
/// Seconds after which a server that nobody asks anything ends.
const IDLE_S: &str = "300";

/// A running network.
#[derive(Debug)]
pub struct Network {
    url: String,
    address: Principal,
    ours: Option<Devnet>,
    // The folder goes after the process that writes into it.
    _pocket_ic: Option<(Child, TempDir)>,
}

impl Network {
    /// Starts PocketIC if `POCKET_IC_BIN` names its server, and this replica otherwise.
    ///
    /// # Errors
    /// If it cannot be started, or does not answer within a minute.
    pub async fn start() -> Result<Self> {
        match std::env::var_os(POCKET_IC_BIN) {
            Some(program) => Self::pocket_ic(program).await,
            None => {
                let devnet = Devnet::start().await?;
                let address = Principal::management_canister();
                Ok(Self { url: devnet.url(), address, ours: Some(devnet), _pocket_ic: None })
            }
        }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The effective canister id that calls which make canisters are sent to.
    pub fn address(&self) -> Principal {
        self.address
    }

    /// This replica, if it is the one that runs.
    pub fn ours(&self) -> Option<&Devnet> {
        self.ours.as_ref()
    }

    /// The root key that the network tells of itself, in DER.
    ///
    /// # Errors
    /// If it does not answer, or not with a key.
    pub async fn root_key(&self) -> Result<Vec<u8>> {
        let url = format!("{}/api/v2/status", self.url);
        let answer = client()?.get(url).send().await.context("the network does not answer")?;
        let body = answer.bytes().await.context("the network does not answer")?;
        let status = cbor::Value::decode(&body)?;
        let key = status.field("root_key").and_then(cbor::Value::as_bytes);
        key.map(<[u8]>::to_vec).context("the network tells no root key")
    }

    async fn pocket_ic(program: OsString) -> Result<Self> {
        let folder = tempfile::tempdir().context("no folder for PocketIC")?;
        let file = folder.path().join("port");
        let mut command = Command::new(program);
        command.arg("--port-file").arg(&file).args(["--ttl", IDLE_S]);
        let child = command.stdout(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.context("PocketIC cannot be started")?;
        let port = tokio::time::timeout(READY_LIMIT, port(&file)).await;
        let server = format!("http://127.0.0.1:{}", port.context("PocketIC is not ready")?);

        let subnet = json!({ "state_config": "New", "instruction_config": "Production" });
        let subnets = json!({
            "nns": subnet, "sns": null, "ii": null, "fiduciary": null, "bitcoin": null,
            "system": [], "application": [subnet], "verified_application": [],
        });
        let config = json!({ "subnet_config_set": subnets });
        let made = post(&format!("{server}/instances"), &config).await?;
        let instance = made.pointer("/Created/instance_id").and_then(Value::as_u64);
        let instance = instance.with_context(|| format!("PocketIC makes no network: {made}"))?;
        let address = made.pointer("/Created/topology/default_effective_canister_id/canister_id");
        let address = address.and_then(Value::as_str).context("PocketIC tells no canister id")?;
        let address = BASE64.decode(address.as_bytes()).context("the id is no base64")?;
        let address = Principal::try_from_slice(&address).context("the id is no principal")?;

        let progress = format!("{server}/instances/{instance}/auto_progress");
        post(&progress, &json!({ "artificial_delay_ms": null })).await?;
        let gateway = json!({
            "ip_addr": null, "port": null, "domains": null, "https_config": null,
            "forward_to": { "PocketIcInstance": instance },
        });
        let gateway = post(&format!("{server}/http_gateway"), &gateway).await?;
        let port = gateway.pointer("/Created/port").and_then(Value::as_u64);
        let port = port.with_context(|| format!("PocketIC opens no gateway: {gateway}"))?;
        let url = format!("http://127.0.0.1:{port}");
        Ok(Self { url, address, ours: None, _pocket_ic: Some((child, folder)) })
    }
}

/// The port that the server writes into a file, with a line's end once it is whole.
async fn port(file: &Path) -> u16 {
    let mut interval = tokio::time::interval(LOOK);
    loop {
        interval.tick().await;
        // Not there yet is what we wait for.
        let Ok(text) = tokio::fs::read_to_string(file).await else { continue };
        if let Some(Ok(port)) = text.strip_suffix('\n').map(|port| port.trim().parse()) {
            return port;
        }
    }
}

async fn post(url: &str, body: &Value) -> Result<Value> {
    let answer = client()?.post(url).json(body).send().await;
    let answer = answer.with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    let body = answer.bytes().await.with_context(|| format!("{url} does not answer"))?;
    if !status.is_success() {
        bail!("{url} answered {status}: {}", String::from_utf8_lossy(&body));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).with_context(|| format!("{url} did not answer with JSON"))
}

fn client() -> Result<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(READY_LIMIT).no_proxy();
    client.build().context("no HTTP client")
}

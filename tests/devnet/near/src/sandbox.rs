//! NEAR's own sandbox in the chain's place, where there is one.
//!
//! `NEAR_SANDBOX_BIN_PATH` names the program, as NEAR's own test tools have it. Not every machine
//! can get it, so nothing depends on it.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use near_primitives::{
    account::{AccessKey, AccountContract},
    state_record::StateRecord,
};
use serde_json::{Value, json};

use crate::{
    ChainConfig, GenesisAccount,
    runtime::{key_storage, new_account},
};

/// The variable that names the program.
pub(crate) const VARIABLE: &str = "NEAR_SANDBOX_BIN_PATH";
/// From start to the first answer.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// For one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// Between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(200);

/// A sandbox that runs; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Sandbox {
    child: Child,
    addr: SocketAddr,
    home: PathBuf,
    pub(crate) chain_id: String,
}

impl Sandbox {
    /// Sets one up in a folder of its own and waits until it answers.
    pub(crate) fn start(program: &OsStr, config: &ChainConfig) -> io::Result<Self> {
        let (addr, network) = (free_addr()?, free_addr()?);
        let home = std::env::temp_dir().join(format!("near-sandbox-{}", addr.port()));
        let chain_id = config.chain_id.clone();
        let command = |arguments: &[&OsStr]| {
            let mut command = Command::new(program);
            command.arg("--home").arg(&home).args(arguments);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let init = ["init", "--chain-id", &chain_id].map(OsStr::new);
        if !command(&init).status()?.success() {
            return Err(io::Error::other("the sandbox cannot be set up"));
        }
        let (rpc, network) = (addr.to_string(), network.to_string());
        let run = ["run", "--rpc-addr", &rpc, "--network-addr", &network].map(OsStr::new);
        let child = command(&run).spawn()?;
        let sandbox = Self { child, addr, home, chain_id };
        sandbox.wait()?;
        sandbox.add_accounts(&config.accounts)?;
        Ok(sandbox)
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn wait(&self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            match self.call("status", &json!([])) {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > READY_LIMIT => return Err(error),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    fn add_accounts(&self, accounts: &[GenesisAccount]) -> io::Result<()> {
        for GenesisAccount { id, balance, key } in accounts {
            let (public, access) = (key.public_key(), AccessKey::full_access());
            let mut account = new_account(*balance, AccountContract::None);
            account.set_storage_usage(account.storage_usage() + key_storage(&public, &access));
            let records = [
                StateRecord::Account { account_id: id.clone(), account },
                StateRecord::access_key(id.clone(), public, access),
            ];
            self.call("sandbox_patch_state", &json!({ "records": records }))?;
        }
        Ok(())
    }

    /// Makes blocks, a second of time each.
    pub(crate) fn fast_forward(&self, blocks: u64) -> io::Result<()> {
        self.call("sandbox_fast_forward", &json!({ "delta_height": blocks })).map(drop)
    }

    fn call(&self, method: &str, params: &Value) -> io::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut answer = post(self.addr, &body)?;
        match answer.get_mut("result").map(Value::take) {
            Some(result) => Ok(result),
            None => Err(io::Error::other(format!("{method} was refused: {answer}"))),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Either it has ended already, or it ends now; the folder is one for temporary files.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.home));
    }
}

/// A free port on loopback; another may take it before it is used.
fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// One request over HTTP, without a client's library.
fn post(addr: SocketAddr, body: &Value) -> io::Result<Value> {
    let body = body.to_string();
    let mut stream = TcpStream::connect_timeout(&addr, REQUEST_LIMIT)?;
    stream.set_read_timeout(Some(REQUEST_LIMIT))?;
    let head = format!(
        "POST / HTTP/1.0\r\nHost: {addr}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len(),
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let at = at.ok_or_else(|| io::Error::other("the answer is no HTTP"))?;
    serde_json::from_slice(&answer[at + 4..]).map_err(io::Error::other)
}

//! An endpoint in front of a chain that passes questions on, and lies at command.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::anvil::client;

/// Longest question that is read: the largest transaction has a contract's code in it.
const QUESTION_BYTES_MAX: usize = 1 << 20;
/// What is sent at a time of an answer without an end.
const CHUNK_BYTES: usize = 64 << 10;
/// JSON-RPC's code for a method that there is not.
const NO_SUCH_METHOD: i64 = -32_601;

/// How an endpoint lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// A word of storage is another, and so its proof does not hold.
    WrongValue,
    /// The last of several events is left out, or the only one.
    OmittedEvent,
    /// Its chain ends at this height, which it gives for every tag.
    OldHead {
        /// The height.
        height: u64,
    },
    /// It says that it serves chain 1.
    OtherChain,
    /// It has no proofs, as small endpoints have none.
    Unproved,
    /// It has no proofs, and contracts answer something else.
    UnprovedWrongValue,
    /// A web page, as of a proxy that wants a login.
    Html,
    /// It takes questions and says nothing.
    Silence,
    /// An answer without an end.
    Endless,
}

/// A running endpoint; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    lie: Arc<Mutex<Option<Lie>>>,
    _serving: JoinSet<()>,
}

/// What a connection needs.
#[derive(Clone)]
struct Server {
    http: reqwest::Client,
    behind: String,
    // A leaf lock: held to read the word, never over an await.
    lie: Arc<Mutex<Option<Lie>>>,
}

impl Proxy {
    /// An honest endpoint in front of the one at the URL `behind`.
    ///
    /// # Errors
    /// If the system gives no port.
    pub async fn start(behind: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let addr = listener.local_addr().context("a port without a number")?;
        let lie = Arc::new(Mutex::new(None));
        let server = Server { http: client()?, behind: behind.to_owned(), lie: Arc::clone(&lie) };
        let mut serving = JoinSet::new();
        serving.spawn(server.run(listener));
        Ok(Self { url: format!("http://{addr}"), lie, _serving: serving })
    }

    /// Where it answers, as nodes name it.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Lies so from the next question on, or answers honestly.
    pub fn lie(&self, lie: impl Into<Option<Lie>>) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie.into();
    }
}

impl Server {
    async fn run(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            connections.spawn(self.clone().serve(stream));
        }
    }

    /// Until the other side hangs up, or the chain does not answer.
    async fn serve(self, mut stream: TcpStream) {
        while let Some(question) = read(&mut stream).await {
            let body = match self.lie_now() {
                Some(Lie::Silence) => return std::future::pending().await,
                Some(Lie::Endless) => return endless(&mut stream).await,
                Some(Lie::Html) => "<html><body>Please log in.</body></html>".to_owned(),
                lie => match self.answer(question, lie).await {
                    Ok(answer) => answer.to_string(),
                    Err(_) => return,
                },
            };
            let length = body.len();
            let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn lie_now(&self) -> Option<Lie> {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, mut question: Value, lie: Option<Lie>) -> Result<Value> {
        let method = question["method"].as_str().unwrap_or_default().to_owned();
        let is_proof = matches!(method.as_str(), "eth_getProof" | "eth_getBlockReceipts");
        if is_proof && matches!(lie, Some(Lie::Unproved | Lie::UnprovedWrongValue)) {
            let error = json!({ "code": NO_SUCH_METHOD, "message": "no such method" });
            return Ok(json!({ "jsonrpc": "2.0", "id": question["id"], "error": error }));
        }
        if let Some(Lie::OldHead { height }) = lie
            && method == "eth_getBlockByNumber"
            && let Some("latest" | "safe" | "finalized") = question["params"][0].as_str()
        {
            question["params"][0] = json!(format!("{height:#x}"));
        }
        let sent = self.http.post(&self.behind).json(&question).send().await;
        let mut answer: Value = sent.context("the chain is not there")?.json().await?;
        if let Some(lie) = lie {
            twist(&mut answer["result"], &method, lie);
        }
        Ok(answer)
    }
}

fn twist(result: &mut Value, method: &str, lie: Lie) {
    match (lie, method) {
        (Lie::WrongValue, "eth_getProof") => {
            for slot in result["storageProof"].as_array_mut().into_iter().flatten() {
                flip(&mut slot["value"]);
                if let Some(leaf) = slot["proof"].as_array_mut().and_then(|path| path.last_mut()) {
                    flip(leaf);
                }
            }
        }
        (Lie::WrongValue | Lie::UnprovedWrongValue, "eth_call" | "eth_getStorageAt") => {
            flip(result);
        }
        (Lie::OmittedEvent, "eth_getLogs") => {
            if let Some(events) = result.as_array_mut() {
                events.pop();
            }
        }
        (Lie::OtherChain, "eth_chainId") => *result = json!("0x1"),
        _ => {}
    }
}

/// Changes the last hexadecimal digit.
fn flip(value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let (start, last) = text.split_at(text.len().saturating_sub(1));
    let other = if last == "0" { '1' } else { '0' };
    *value = json!(format!("{start}{other}"));
}

async fn endless(stream: &mut TcpStream) {
    if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
        return;
    }
    // Ends once the other side has had enough.
    while stream.write_all(&[b' '; CHUNK_BYTES]).await.is_ok() {}
}

/// The next question; `None` once the other side hung up, or sends what is none.
async fn read(stream: &mut TcpStream) -> Option<Value> {
    const HEAD_END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    while bytes.len() < QUESTION_BYTES_MAX {
        let head_end = bytes.windows(HEAD_END.len()).position(|window| window == HEAD_END);
        if let Some(head_end) = head_end {
            let head = String::from_utf8_lossy(bytes.get(..head_end)?).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
            let length: usize = length.trim().parse().ok()?;
            let body = bytes.get(head_end + HEAD_END.len()..)?;
            if let Some(body) = body.get(..length) {
                return serde_json::from_slice(body).ok();
            }
        }
        match stream.read(&mut some).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(some.get(..count)?),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Lie, flip, twist};

    #[test]
    fn a_lie_changes_what_it_is_about_and_nothing_else() {
        let proof = json!({ "storageProof": [{ "value": "0x10", "proof": ["0xaa", "0xbb"] }] });
        for (lie, method, told, expected) in [
            (Lie::OtherChain, "eth_chainId", json!("0x7a69"), json!("0x1")),
            (Lie::OtherChain, "eth_call", json!("0x7a69"), json!("0x7a69")),
            (Lie::OmittedEvent, "eth_getLogs", json!([1, 2]), json!([1])),
            (Lie::OmittedEvent, "eth_getLogs", json!([]), json!([])),
            (Lie::UnprovedWrongValue, "eth_call", json!("0x10"), json!("0x11")),
            (
                Lie::WrongValue,
                "eth_getProof",
                proof.clone(),
                json!({ "storageProof": [{ "value": "0x11", "proof": ["0xaa", "0xb0"] }] }),
            ),
            (Lie::Unproved, "eth_getProof", proof.clone(), proof),
        ] {
            let mut answer = told;
            twist(&mut answer, method, lie);
            assert_eq!(answer, expected, "{lie:?} about {method}");
        }
    }

    #[test]
    fn a_flipped_word_is_another_one() {
        for (word, other) in [("0x0", "0x1"), ("0xf", "0x0"), ("", "0")] {
            let mut value = json!(word);
            flip(&mut value);
            assert_eq!(value, json!(other), "{word}");
        }
    }
}

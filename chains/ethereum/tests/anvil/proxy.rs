//! An endpoint that passes questions on, and lies at command about the answers.

use std::sync::{Arc, Mutex};

use anchorhold_ethereum::proof::Header;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

/// How it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    /// A byte of every proof's last node is another.
    ForgedProof,
    /// The event at this place is left out.
    OmittedEvent(usize),
    /// A byte of this event's data is another.
    AlteredEvent(usize),
    /// This event is said to be of the block after its own.
    MovedEvent(usize),
    /// Headers have another time, and the hash of the true one.
    WrongHash,
    /// Headers have another state, and the hash that belongs to it.
    InventedBlock,
    /// The chain is so many blocks shorter.
    OldHead {
        blocks: u64,
    },
    /// No proofs, as small endpoints have none.
    NoProofs,
    /// No proofs, and another record.
    NoProofsWrongValue,
    /// Every transaction is said to fail.
    Reverts,
    /// The usual fee is said to be enormous.
    Dear,
    Html,
    Silence,
    Endless,
}

/// A running endpoint; ends when dropped.
pub(crate) struct Proxy {
    pub(crate) url: Url,
    lie: Arc<Mutex<Lie>>,
    _serving: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(to: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let lie = Arc::new(Mutex::new(Lie::Nothing));
        let mut serving = JoinSet::new();
        let (known, to) = (Arc::clone(&lie), to.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                connections.spawn(serve(stream, to.clone(), Arc::clone(&known)));
            }
        });
        let url = format!("http://{address}").parse().expect("an address");
        Self { url, lie, _serving: serving }
    }

    pub(crate) fn lie(&self, lie: Lie) {
        *self.lie.lock().expect("not poisoned") = lie;
    }
}

async fn serve(mut stream: TcpStream, to: Url, lie: Arc<Mutex<Lie>>) {
    let client = reqwest::Client::new();
    while let Some(request) = read(&mut stream).await {
        let lie = *lie.lock().expect("not poisoned");
        let body = match lie {
            Lie::Silence => return std::future::pending().await,
            Lie::Html => "<html>sign in</html>".to_owned(),
            Lie::Endless => {
                if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok() {
                    while stream.write_all(&[b' '; 65536]).await.is_ok() {}
                }
                return;
            }
            lie => answer(&client, &to, request, lie).await.to_string(),
        };
        let length = body.len();
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request's body; `None` once the other side hung up.
async fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(head_end) = head_end {
            let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length?.trim().parse().ok()?;
            if bytes.len() >= head_end + 4 + length {
                return serde_json::from_slice(&bytes[head_end + 4..head_end + 4 + length]).ok();
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&some[..count]),
            _ => return None,
        }
    }
}

async fn answer(client: &reqwest::Client, to: &Url, mut request: Value, lie: Lie) -> Value {
    let method = request["method"].as_str().expect("a method").to_owned();
    if matches!(lie, Lie::NoProofs | Lie::NoProofsWrongValue)
        && matches!(method.as_str(), "eth_getProof" | "eth_getBlockReceipts")
    {
        return json!({ "id": request["id"], "error": { "code": -32601, "message": "no" } });
    }
    if let Lie::OldHead { blocks } = lie
        && method == "eth_getBlockByNumber"
    {
        let back = match request["params"][0].as_str() {
            Some("latest") => Some(blocks),
            Some("safe") => Some(blocks + 1),
            Some("finalized") => Some(blocks + 2),
            _ => None,
        };
        if let Some(back) = back {
            let newest =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": [] });
            let newest = ask(client, to, &newest).await;
            let number =
                u64::from_str_radix(&newest["result"].as_str().expect("a number")[2..], 16);
            let number = number.expect("hexadecimal").saturating_sub(back);
            request["params"][0] = json!(format!("{number:#x}"));
        }
    }
    let mut answer = ask(client, to, &request).await;
    twist(&mut answer, &method, lie);
    answer
}

async fn ask(client: &reqwest::Client, to: &Url, request: &Value) -> Value {
    let sent = client.post(to.clone()).json(request).send().await;
    sent.expect("anvil answers").json().await.expect("JSON")
}

fn twist(answer: &mut Value, method: &str, lie: Lie) {
    let result = &mut answer["result"];
    match (lie, method) {
        (Lie::ForgedProof, "eth_getProof") => {
            for path in result["storageProof"].as_array_mut().into_iter().flatten() {
                if let Some(node) = path["proof"].as_array_mut().and_then(|nodes| nodes.last_mut())
                {
                    flip(node);
                }
            }
        }
        (Lie::OmittedEvent(at), "eth_getLogs") => {
            let events = result.as_array_mut().expect("a list");
            if at < events.len() {
                events.remove(at);
            }
        }
        (Lie::AlteredEvent(at), "eth_getLogs") => {
            if let Some(event) = result.as_array_mut().expect("a list").get_mut(at) {
                alter(&mut event["data"]);
            }
        }
        (Lie::MovedEvent(at), "eth_getLogs") => {
            let events = result.as_array_mut().expect("a list");
            if let Some(next) = events.get(at + 1).cloned() {
                for field in ["blockHash", "blockNumber", "blockTimestamp"] {
                    events[at][field] = next[field].clone();
                }
            }
        }
        (Lie::WrongHash, "eth_getBlockByNumber") if !result.is_null() => {
            result["timestamp"] = json!("0x1");
        }
        (Lie::InventedBlock, "eth_getBlockByNumber") if !result.is_null() => {
            flip(&mut result["stateRoot"]);
            let header = Header::from_json(result).expect("a header");
            result["hash"] = json!(header.hash);
        }
        (Lie::NoProofsWrongValue, "eth_call") => flip(result),
        (Lie::Reverts, "eth_estimateGas") => {
            *answer = json!({
                "id": answer["id"],
                "error": { "code": 3, "message": "execution reverted", "data": "0x12345678" },
            });
        }
        (Lie::Dear, "eth_maxPriorityFeePerGas") => *result = json!("0xffffffffffffffff"),
        _ => {}
    }
}

/// Changes the last hexadecimal digit.
fn flip(value: &mut Value) {
    let mut text = value.as_str().expect("text").to_owned();
    let last = text.pop().expect("a digit");
    text.push(if last == '0' { '1' } else { '0' });
    *value = json!(text);
}

/// Changes a digit of the payload, which stands in the middle.
fn alter(value: &mut Value) {
    let text = value.as_str().expect("text");
    let mut digits: Vec<char> = text.chars().collect();
    // A revision's payload begins after kind, offset, log head and length; a batch after offset,
    // expiry and length.
    let at = 2 + 64 * 4 + 5;
    if let Some(digit) = digits.get_mut(at) {
        *digit = if *digit == '0' { '1' } else { '0' };
    }
    *value = json!(digits.into_iter().collect::<String>());
}

//! An endpoint that passes questions on, and lies at command about the answers.

use std::sync::{Arc, Mutex};

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
    /// Another value, as if there were no such proof.
    WrongValue,
    /// The event at this place is left out.
    OmittedEvent(usize),
    /// A felt of this event's data is another.
    AlteredEvent(usize),
    /// This event is said to be of the block of the one after it.
    MovedEvent(usize),
    /// Blocks have another hash.
    InventedBlock,
    /// The chain is so many blocks shorter.
    OldHead {
        blocks: u64,
    },
    /// Every transaction is said to fail.
    Reverts,
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
    if let Lie::OldHead { blocks } = lie
        && method == "starknet_getBlockWithTxHashes"
        && request["params"]["block_id"] == "latest"
    {
        let newest = json!({ "jsonrpc": "2.0", "id": 1, "method": "starknet_blockNumber" });
        let newest = ask(client, to, &newest).await["result"].as_u64().expect("a number");
        request["params"]["block_id"] = json!({ "block_number": newest.saturating_sub(blocks) });
    }
    let mut answer = ask(client, to, &request).await;
    twist(&mut answer, &method, lie);
    answer
}

async fn ask(client: &reqwest::Client, to: &Url, request: &Value) -> Value {
    let sent = client.post(to.clone()).json(request).send().await;
    sent.expect("it answers").json().await.expect("JSON")
}

fn twist(answer: &mut Value, method: &str, lie: Lie) {
    if lie == Lie::Reverts && method == "starknet_estimateFee" {
        let error = json!({ "code": 41, "message": "no", "data": { "execution_error": "no" } });
        *answer = json!({ "id": answer["id"], "error": error });
        return;
    }
    if answer.get("result").is_none() {
        return;
    }
    let result = &mut answer["result"];
    match (lie, method) {
        (Lie::WrongValue, "starknet_call") => {
            // The low half of the log head, or of whatever else comes last.
            if let Some(felt) = result.as_array_mut().and_then(|felts| felts.last_mut()) {
                flip(felt);
            }
        }
        (Lie::OmittedEvent(at), "starknet_getEvents") => {
            let events = result["events"].as_array_mut().expect("a list");
            if at < events.len() {
                events.remove(at);
            }
        }
        (Lie::AlteredEvent(at), "starknet_getEvents") => {
            // The last felt of the payload, or of a batch, stands before its length.
            if let Some(event) = result["events"].as_array_mut().expect("a list").get_mut(at) {
                let data = event["data"].as_array_mut().expect("felts");
                let count = data.len();
                flip(&mut data[count.saturating_sub(4)]);
            }
        }
        (Lie::MovedEvent(at), "starknet_getEvents") => {
            let events = result["events"].as_array_mut().expect("a list");
            if let Some(next) = events.get(at + 1).cloned() {
                for field in ["block_hash", "block_number"] {
                    events[at][field] = next[field].clone();
                }
            }
        }
        (Lie::InventedBlock, "starknet_getBlockWithTxHashes") => flip(&mut result["block_hash"]),
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

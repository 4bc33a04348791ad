//! An endpoint that passes questions on, and lies at command about the answers.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

/// How it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    /// A byte of every proof's last node is another.
    ForgedProof,
    /// Values of the state have another first byte.
    WrongValue,
    /// No proofs, as where a contract has too much state.
    TooLarge,
    /// No proofs, and another record.
    TooLargeWrongValue,
    /// The revision at this place is left out.
    OmittedRevision(usize),
    /// A byte of every revision's payload is another.
    AlteredRevisions,
    /// Revisions are said to be of the block before their own.
    MovedRevisions,
    /// Headers have another time, and the hash of the true one.
    WrongHash,
    /// Blocks have other states.
    WrongRoots,
    /// The chain is so many blocks shorter.
    OldHead {
        blocks: u64,
    },
    /// The chain has another name.
    OtherChain,
    /// The final block that is told is the chain's fourth: what is sent on top of it has expired.
    AncientFinal,
    /// An approval of the newest final block is nobody's.
    ForgedApproval,
    /// Every question about a key is answered with no.
    NoKeys,
    Html,
    Busy,
    /// More than anybody should read.
    Huge,
    Silence,
}

/// A running endpoint; ends when dropped.
pub(crate) struct Proxy {
    pub(crate) url: Url,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    to: Url,
    client: reqwest::Client,
    // A leaf lock, never held over an await.
    lie: Mutex<(Lie, usize)>,
}

impl Proxy {
    pub(crate) async fn start(to: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            to: to.clone(),
            client: reqwest::Client::new(),
            lie: Mutex::new((Lie::Nothing, usize::MAX)),
        });
        let router = Router::new().route("/", post(serve)).with_state(Arc::clone(&shared));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        let url = format!("http://{address}").parse().expect("an address");
        Self { url, shared, _serving: serving }
    }

    pub(crate) fn lie(&self, lie: Lie) {
        *self.shared.lie.lock().expect("not poisoned") = (lie, usize::MAX);
    }

    /// Lies the next so many times that it can.
    pub(crate) fn lie_times(&self, lie: Lie, times: usize) {
        *self.shared.lie.lock().expect("not poisoned") = (lie, times);
    }
}

impl Shared {
    async fn ask(&self, request: &Value) -> Value {
        let sent = self.client.post(self.to.clone()).json(request).send().await;
        sent.expect("the chain answers").json().await.expect("JSON")
    }

    fn lied(&self) {
        let mut lie = self.lie.lock().expect("not poisoned");
        lie.1 = lie.1.saturating_sub(1);
        if lie.1 == 0 {
            lie.0 = Lie::Nothing;
        }
    }
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<Value>,
) -> axum::response::Response {
    let (lie, _) = *shared.lie.lock().expect("not poisoned");
    match lie {
        Lie::Html => "<html>sign in</html>".into_response(),
        Lie::Busy => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Lie::Huge => " ".repeat(9 << 20).into_response(),
        Lie::Silence => std::future::pending().await,
        lie => Json(answer(&shared, request, lie).await).into_response(),
    }
}

async fn answer(shared: &Shared, mut request: Value, lie: Lie) -> Value {
    let method = request["method"].as_str().expect("a method").to_owned();
    let kind = request["params"]["request_type"].as_str().unwrap_or_default().to_owned();
    let with_proof = request["params"]["include_proof"] == json!(true);
    let is_state = kind == "view_state";
    let refusal = |name: &str| {
        let cause = json!({ "name": name, "info": {} });
        let error = json!({
            "name": "HANDLER_ERROR", "cause": cause, "code": -32000, "message": "no", "data": "no",
        });
        json!({ "jsonrpc": "2.0", "id": request["id"], "error": error })
    };
    match lie {
        Lie::TooLarge | Lie::TooLargeWrongValue if is_state && with_proof => {
            return refusal("TOO_LARGE_CONTRACT_STATE");
        }
        Lie::NoKeys if kind == "view_access_key" => return refusal("UNKNOWN_ACCESS_KEY"),
        _ => {}
    }
    if let Lie::OldHead { blocks } = lie
        && let Some(params) = older(shared, &request["params"], blocks).await
    {
        request["params"] = params;
    }
    let is_final = request["params"]["finality"] == json!("final");
    if lie == Lie::AncientFinal && method == "block" && is_final {
        request["params"] = json!({ "block_id": 3 });
        shared.lied();
    }
    let mut answer = shared.ask(&request).await;
    alter(shared, &mut answer["result"], lie, &method, is_state).await;
    answer
}

/// Makes of an honest answer what the lie says.
async fn alter(shared: &Shared, result: &mut Value, lie: Lie, method: &str, is_state: bool) {
    match (lie, method) {
        (Lie::OtherChain, "status") => result["chain_id"] = json!("testnet"),
        (Lie::ForgedApproval, "next_light_client_block") => {
            let forged = format!("ed25519:{}", bs58::encode([1; 64]).into_string());
            result["approvals_after_next"][0] = json!(forged);
        }
        (Lie::WrongHash, "block") => {
            let time = result["header"]["timestamp_nanosec"].as_str().expect("a time");
            let time: u64 = time.parse().expect("a number");
            result["header"]["timestamp_nanosec"] = json!((time + 1).to_string());
        }
        (Lie::WrongRoots, "block") => {
            result["chunks"][0]["prev_state_root"] = json!("11111111111111111111111111111111");
        }
        (Lie::ForgedProof, "query") if is_state => forge(&mut result["proof"], usize::MAX),
        (Lie::WrongValue | Lie::TooLargeWrongValue, "query") if is_state => {
            for item in result["values"].as_array_mut().into_iter().flatten() {
                // The last byte of the number of revisions.
                change(&mut item["value"], 7);
            }
        }
        (Lie::OmittedRevision(at), "query") => revisions(result, |list| {
            if at < list.len() {
                list.remove(at);
            }
        }),
        (Lie::AlteredRevisions, "query") => revisions(result, |list| {
            for revision in list {
                let payload = revision["payload"].as_str().expect("text");
                let flipped = if payload.ends_with('0') { "1" } else { "0" };
                let (most, _) = payload.split_at(payload.len() - 1);
                revision["payload"] = json!([most, flipped].concat());
            }
        }),
        (Lie::MovedRevisions, "query") => {
            let mut moved = Vec::new();
            revisions(result, |list| moved = list.clone());
            for revision in &mut moved {
                let height: u64 = revision["height"].as_str().expect("text").parse().expect("one");
                let before = json!({
                    "jsonrpc": "2.0", "id": "x", "method": "block",
                    "params": { "block_id": height - 1 },
                });
                let block = shared.ask(&before).await;
                revision["height"] = json!((height - 1).to_string());
                revision["time_ns"] = block["result"]["header"]["timestamp_nanosec"].clone();
            }
            revisions(result, |list| list.clone_from(&moved));
        }
        _ => {}
    }
}

/// Parameters that name the block `blocks` before the one that is asked for by how settled it is.
async fn older(shared: &Shared, params: &Value, blocks: u64) -> Option<Value> {
    let finality = params["finality"].as_str()?;
    let newest = json!({
        "jsonrpc": "2.0", "id": "x", "method": "block", "params": { "finality": finality },
    });
    let newest = shared.ask(&newest).await;
    let height = newest["result"]["header"]["height"].as_u64()?;
    let mut params = params.clone();
    params.as_object_mut()?.remove("finality");
    params["block_id"] = json!(height.saturating_sub(blocks));
    Some(params)
}

/// Changes the list that the view `revisions` returned; leaves other answers alone.
fn revisions(result: &mut Value, alter: impl FnOnce(&mut Vec<Value>)) {
    let Some(bytes) = result["result"].as_array() else { return };
    let bytes: Option<Vec<u8>> =
        bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
    let Some(Value::Array(mut list)) = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())
    else {
        return;
    };
    if list.iter().all(|row: &Value| row.get("rev").is_some()) {
        alter(&mut list);
        result["result"] = json!(Value::Array(list).to_string().into_bytes());
    }
}

/// Changes a byte of the node at `at`, or of the last one.
fn forge(proof: &mut Value, at: usize) {
    let Some(nodes) = proof.as_array_mut() else { return };
    let last = nodes.len().saturating_sub(1);
    if let Some(node) = nodes.get_mut(at.min(last)) {
        change(node, 5);
    }
}

fn change(text: &mut Value, at: usize) {
    let mut bytes = BASE64.decode(text.as_str().expect("text").as_bytes()).expect("base64");
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    *text = json!(BASE64.encode(&bytes));
}

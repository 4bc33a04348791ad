//! The routes over a real socket, around a real engine that keeps everything in memory.

use std::{collections::BTreeMap, sync::Arc};

use anchorhold_api::{Server, Token};
use chain::{WalletSet, Wallets, fake::FakeWallets};
use engine::{
    Engine, EngineParts,
    port::{NetInput, NetOutput, PORT_CAPACITY},
};
use rand_core::OsRng;
use reqwest::{Method, StatusCode};
use runtime::{Runtime, RuntimeConfig};
use serde_json::{Value, json};
use store::{Keystore, Store};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A served node, with the ends of its network that nobody holds.
struct Node {
    url: String,
    token: Token,
    http: reqwest::Client,
    _cache: TempDir,
    _net: (mpsc::Receiver<NetOutput>, mpsc::Sender<NetInput>),
}

impl Node {
    async fn start() -> Self {
        let cache = tempfile::tempdir().expect("a folder");
        let config = RuntimeConfig { cache_dir: cache.path().to_owned(), cache_key: [7; 32] };
        let parts = EngineParts {
            store: Store::in_memory(),
            keystore: Arc::new(Keystore::in_memory(&mut OsRng)),
            runtime: Runtime::open(&config).expect("this machine runs guests"),
            chains: BTreeMap::new(),
            wallets: WalletSet::new([("fake", Arc::new(FakeWallets) as Arc<dyn Wallets>)]),
            peer: (vec![1], "1".to_owned()),
        };
        let (to_net, from_engine) = mpsc::channel(PORT_CAPACITY);
        let (to_engine, inbox) = mpsc::channel(PORT_CAPACITY);
        let (engine, _router) = Engine::start(parts, to_net, inbox).expect("starts");
        let token = Token::from_bytes(&[3; 32]);
        let here = "127.0.0.1:0".parse().expect("an address");
        let server = Server::bind(here).await.expect("a free port");
        let url = format!("http://{}", server.address().expect("bound"));
        tokio::spawn(server.serve(engine, token.clone(), std::future::pending()));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url, token, http, _cache: cache, _net: (from_engine, to_engine) }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path).bearer_auth(self.token.as_str())).await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.request(Method::POST, path).bearer_auth(self.token.as_str());
        answer(request.json(&body)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("answered");
    let status = response.status();
    let text = response.text().await.expect("whole");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["error"].as_str().unwrap_or_default())
}

fn some_id() -> String {
    "1f".repeat(32)
}

#[tokio::test]
async fn only_health_is_open() {
    let node = Node::start().await;
    let health = answer(node.request(Method::GET, "/v1/health")).await;
    assert_eq!(health.0, StatusCode::OK);
    let id = some_id();
    for (method, path) in [
        (Method::GET, "/v1/node".to_owned()),
        (Method::GET, "/v1/apps".to_owned()),
        (Method::POST, "/v1/apps".to_owned()),
        (Method::POST, "/v1/accounts".to_owned()),
        (Method::GET, "/v1/contexts".to_owned()),
        (Method::POST, format!("/v1/contexts/{id}/call")),
        (Method::GET, format!("/v1/contexts/{id}/stream")),
        (Method::POST, "/v1/join".to_owned()),
    ] {
        let without = answer(node.request(method.clone(), &path)).await;
        assert_eq!(code(&without), (401, "unauthorized"), "{method} {path}");
        let wrong = node.request(method.clone(), &path).bearer_auth("00".repeat(32));
        assert_eq!(code(&answer(wrong).await), (401, "unauthorized"), "{method} {path}");
    }
    let unknown = answer(node.request(Method::GET, "/v1/nothing")).await;
    assert!(unknown.0.is_client_error());
}

#[tokio::test]
async fn token_opens_as_header_or_as_subprotocol() {
    let node = Node::start().await;
    let (status, body) = node.get("/v1/node").await;
    assert_eq!((status, &body["peers"]), (StatusCode::OK, &json!(0)));
    let protocol = format!("anchorhold, token.{}", node.token.as_str());
    let request = node.request(Method::GET, "/v1/node");
    let opened = answer(request.header("sec-websocket-protocol", protocol)).await;
    assert_eq!(opened.0, StatusCode::OK);
}

#[tokio::test]
async fn unknown_and_malformed_names_are_told_apart() {
    let node = Node::start().await;
    let id = some_id();
    let status = node.get(&format!("/v1/contexts/{id}")).await;
    assert_eq!(code(&status), (404, "unknown-context"));
    let events = node.get(&format!("/v1/contexts/{id}/events?after=3")).await;
    assert_eq!(code(&events), (404, "unknown-context"));
    let call = node.post(&format!("/v1/contexts/{id}/call"), json!({ "method": "x" })).await;
    assert_eq!(code(&call), (404, "unknown-context"));
    let malformed = node.get("/v1/contexts/room").await;
    assert_eq!(code(&malformed), (400, "bad-request"));
    let create = node.post("/v1/contexts", json!({ "app": id })).await;
    assert_eq!(code(&create), (404, "unknown-application"));
    assert_eq!(node.get("/v1/contexts").await, (StatusCode::OK, json!([])));
}

#[tokio::test]
async fn bad_bodies_are_one_sentence() {
    let node = Node::start().await;
    let id = some_id();
    let invitations = format!("/v1/contexts/{id}/invitations");
    for (path, body) in [
        ("/v1/contexts", json!({})),
        ("/v1/contexts", json!({ "app": "x" })),
        ("/v1/contexts", json!({ "app": id, "colour": 1 })),
        ("/v1/contexts", json!({ "app": id, "anchor": { "account": "x" } })),
        ("/v1/accounts", json!({ "chain": "fake:1", "secret": "00" })),
        (invitations.as_str(), json!({ "role": "owner" })),
        (invitations.as_str(), json!({ "role": "member", "caps": 255 })),
        (invitations.as_str(), json!({ "role": "member", "member": id, "account": "a:b:c" })),
        ("/v1/join", json!({ "link": "anchorhold:zz" })),
        ("/v1/join/plan", json!({ "link": "" })),
    ] {
        let (status, failure) = node.post(path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {failure}");
        assert!(failure["message"].as_str().is_some_and(|text| !text.is_empty()), "{failure}");
        assert_eq!(failure["retry"], json!(false));
    }
    let no_json = node.request(Method::POST, "/v1/join").bearer_auth(node.token.as_str());
    assert_eq!(answer(no_json.body("{")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_no_application_is_refused() {
    let node = Node::start().await;
    let install = |bytes: Vec<u8>| {
        let request = node.request(Method::POST, "/v1/apps").bearer_auth(node.token.as_str());
        answer(request.body(bytes))
    };
    assert_eq!(code(&install(b"no module".to_vec()).await), (400, "not-an-application"));
    assert_eq!(code(&install(Vec::new()).await), (400, "not-an-application"));
    assert_eq!(install(vec![0; (16 << 20) + 1]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(node.get("/v1/apps").await, (StatusCode::OK, json!([])));
}

#[tokio::test]
async fn accounts_are_kept_without_telling_their_keys() {
    let node = Node::start().await;
    let secret = "0b".repeat(32);
    let import = json!({ "chain": "fake:1", "secret": secret });
    let (status, account) = node.post("/v1/accounts", import).await;
    assert_eq!(status, StatusCode::OK, "{account}");
    let (status, list) = node.get("/v1/accounts").await;
    assert_eq!((status, &list), (StatusCode::OK, &json!([account])));
    assert!(!list.to_string().contains(&secret));
}

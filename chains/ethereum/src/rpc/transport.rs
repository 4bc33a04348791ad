//! One JSON-RPC question, one bounded answer, over HTTP or a WebSocket. No retries.

use core::time::Duration;

use chain::{BoxError, ChainError};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::Mutex, time::timeout};
use url::Url;

use super::socket::Socket;

/// Longest answer that is read: a full page of the largest revisions is about 2 MiB.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How much of a strange answer an error shows.
const SHOWN_CHARS_MAX: usize = 80;

/// An endpoint's ways to say "later". Source: EIP-1474, error codes; "limit exceeded" of providers.
const LIMIT_EXCEEDED: [i64; 2] = [-32005, 429];

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    url: Url,
    /// Scheme, host and port alone: the rest of a URL often holds a secret.
    name: String,
    timeout: Duration,
    /// The connection, where questions go over one; whoever asks holds it until the answer came.
    socket: Option<Mutex<Option<Socket>>>,
}

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'static str,
    params: &'a Value,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

/// An error as the endpoint told it.
#[derive(Debug, Deserialize, thiserror::Error)]
#[error("error {code}: {message}")]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) message: String,
    data: Option<Value>,
}

impl Transport {
    /// An endpoint whose answers are waited for `timeout` long.
    pub(crate) fn new(url: Url, timeout: Duration) -> Result<Self, ChainError> {
        let host = url.host_str().unwrap_or("?");
        let name = match url.port() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        };
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unreachable(&name, "connect", error.into()))?;
        let socket = is_socket(&url).then(Mutex::default);
        Ok(Self { http, url, name, timeout, socket })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The answer, or the endpoint's refusal.
    pub(crate) async fn exchange(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<Result<Value, Refusal>, ChainError> {
        let (status, body) = match &self.socket {
            Some(socket) => (None, self.over_socket(socket, method, params).await?),
            None => self.over_http(method, params).await.map(|(status, b)| (Some(status), b))?,
        };
        let parsed: Answer = serde_json::from_slice(&body)
            .map_err(|_| self.bad(method, not_json(status, &body).into()))?;
        Ok(parsed.error.map_or(Ok(parsed.result), Err))
    }

    async fn over_http(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<(StatusCode, Vec<u8>), ChainError> {
        let request = Request { jsonrpc: "2.0", id: 1, method, params };
        let sent = self.http.post(self.url.clone()).json(&request).send().await;
        let answer = sent.map_err(|error| self.cut(method, error))?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let what = format!("HTTP status {status}");
            return Err(unreachable(&self.name, method, what.into()));
        }
        Ok((status, self.body(method, answer).await?))
    }

    async fn body(
        &self,
        method: &'static str,
        mut answer: reqwest::Response,
    ) -> Result<Vec<u8>, ChainError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.cut(method, error))? {
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                let what = format!("an answer of more than {ANSWER_BYTES_MAX} bytes");
                return Err(self.bad(method, what.into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn over_socket(
        &self,
        socket: &Mutex<Option<Socket>>,
        method: &'static str,
        params: &Value,
    ) -> Result<Vec<u8>, ChainError> {
        let asked = async {
            let mut socket = socket.lock().await;
            let mut open = match socket.take() {
                Some(open) => open,
                None => Socket::connect(&self.url).await?,
            };
            let id = open.next_id();
            let request = Request { jsonrpc: "2.0", id, method, params };
            let text = serde_json::to_string(&request)?;
            let answer = open.ask(id, text).await?;
            // A connection that failed is not put back: the next question opens another.
            *socket = Some(open);
            Ok::<_, BoxError>(answer)
        };
        match timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(|error| unreachable(&self.name, method, error)),
            Err(_) => Err(unreachable(&self.name, method, "no answer in time".into())),
        }
    }

    fn cut(&self, method: &'static str, error: reqwest::Error) -> ChainError {
        // Errors of the client name the URL, which may hold a secret.
        unreachable(&self.name, method, error.without_url().into())
    }

    pub(crate) fn bad(&self, method: &'static str, source: BoxError) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source }
    }

    pub(crate) fn refused(&self, method: &'static str, refusal: Refusal) -> ChainError {
        let overloaded = refusal.is_for_later();
        let source = refusal.shortened().into();
        if overloaded {
            return unreachable(&self.name, method, source);
        }
        ChainError::EndpointRefused { endpoint: self.name.clone(), method, source }
    }
}

/// Whether questions to `url` go over a WebSocket.
pub(crate) fn is_socket(url: &Url) -> bool {
    matches!(url.scheme(), "ws" | "wss")
}

impl Refusal {
    /// What a contract gave as its reason. Clients put it into `data`, some one level deeper.
    pub(crate) fn revert_data(&self) -> Option<alloy::primitives::Bytes> {
        let data = self.data.as_ref()?;
        let text = data.as_str().or_else(|| data.get("data")?.as_str())?;
        text.parse().ok()
    }

    /// Whether the endpoint is overloaded.
    pub(crate) fn is_for_later(&self) -> bool {
        LIMIT_EXCEEDED.contains(&self.code)
    }

    fn shortened(self) -> Self {
        Self { message: shown(&self.message), data: None, ..self }
    }
}

pub(crate) fn unreachable(endpoint: &str, method: &'static str, source: BoxError) -> ChainError {
    ChainError::Unreachable { endpoint: endpoint.to_owned(), method, source }
}

fn not_json(status: Option<StatusCode>, body: &[u8]) -> String {
    let start = body.get(..4 * SHOWN_CHARS_MAX).unwrap_or(body);
    let status = status.map(|status| format!("HTTP status {status}, ")).unwrap_or_default();
    format!("{status}not JSON: {}", shown(&String::from_utf8_lossy(start)))
}

/// One line of a stranger's text, fit for an error message.
fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SHOWN_CHARS_MAX).collect()
}

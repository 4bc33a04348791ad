//! One JSON-RPC question, one bounded answer, over HTTP. No retries.

use core::time::Duration;

use chain::{BoxError, ChainError};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// Longest answer that is read: a page of the largest revisions has about 3 MiB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How much of a strange answer an error shows.
const SHOWN_CHARS_MAX: usize = 80;

/// An endpoint's ways to say "later": "limit exceeded" of providers.
const LIMIT_EXCEEDED: [i64; 2] = [-32005, 429];

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    url: Url,
    /// Scheme, host and port alone: the rest of a URL often holds a secret.
    name: String,
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
    /// What a contract, or the endpoint, said more.
    pub(crate) data: Option<Value>,
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
        Ok(Self { http, url, name })
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
        let request = Request { jsonrpc: "2.0", id: 1, method, params };
        let sent = self.http.post(self.url.clone()).json(&request).send().await;
        let answer = sent.map_err(|error| self.cut(method, error))?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let what = format!("HTTP status {status}");
            return Err(unreachable(&self.name, method, what.into()));
        }
        let body = self.body(method, answer).await?;
        let parsed: Answer = serde_json::from_slice(&body)
            .map_err(|_| self.bad(method, not_json(status, &body).into()))?;
        Ok(parsed.error.map_or(Ok(parsed.result), Err))
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

    fn cut(&self, method: &'static str, error: reqwest::Error) -> ChainError {
        // Errors of the client name the URL, which may hold a secret.
        unreachable(&self.name, method, error.without_url().into())
    }

    pub(crate) fn bad(&self, method: &'static str, source: BoxError) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source }
    }

    pub(crate) fn refused(&self, method: &'static str, refusal: Refusal) -> ChainError {
        let is_for_later = refusal.is_for_later();
        let source = refusal.shortened().into();
        if is_for_later {
            return unreachable(&self.name, method, source);
        }
        ChainError::EndpointRefused { endpoint: self.name.clone(), method, source }
    }
}

impl Refusal {
    /// Whether the endpoint is overloaded.
    pub(crate) fn is_for_later(&self) -> bool {
        LIMIT_EXCEEDED.contains(&self.code)
    }

    fn shortened(self) -> Self {
        Self { message: shown(&self.message), data: None, ..self }
    }
}

fn unreachable(endpoint: &str, method: &'static str, source: BoxError) -> ChainError {
    ChainError::Unreachable { endpoint: endpoint.to_owned(), method, source }
}

fn not_json(status: StatusCode, body: &[u8]) -> String {
    let start = body.get(..4 * SHOWN_CHARS_MAX).unwrap_or(body);
    format!("HTTP status {status}, not JSON: {}", shown(&String::from_utf8_lossy(start)))
}

/// One line of a stranger's text, fit for an error message.
pub(crate) fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SHOWN_CHARS_MAX).collect()
}

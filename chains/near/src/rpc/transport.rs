//! One JSON-RPC question over HTTP, one bounded answer. No retries.
//!
//! Questions are those of `near-jsonrpc-client`, which also reads their answers; its own transport
//! reads answers of any length, and so is not used.

use core::time::Duration;

use chain::{BoxError, ChainError};
use near_jsonrpc_client::methods::{self, RpcMethod};
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

/// Longest answer that is read: a page of the largest revisions is about 1 MiB, and a view's value
/// is written as a list of numbers.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// How much of a strange answer an error shows.
const SHOWN_CHARS_MAX: usize = 160;

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    url: Url,
    /// Scheme, host and port alone: the rest of a URL often holds a secret.
    name: String,
}

/// What an endpoint says in place of a result.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{name}: {text}")]
pub(crate) struct Refusal {
    /// Such as `UNKNOWN_BLOCK`; empty where it names nothing.
    pub(crate) name: String,
    /// More of it, as the endpoint tells it.
    pub(crate) info: Value,
    /// The same as older endpoints write it.
    pub(crate) data: Value,
    /// For people, shortened.
    pub(crate) text: String,
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

    /// The result, or the endpoint's refusal.
    pub(crate) async fn exchange<M: RpcMethod>(
        &self,
        method: &'static str,
        question: &M,
    ) -> Result<Result<Value, Refusal>, ChainError> {
        let request = methods::to_json(question).map_err(|error| self.bad(method, error.into()))?;
        let sent = self.http.post(self.url.clone()).json(&request).send().await;
        let answer = sent.map_err(|error| self.cut(method, error))?;
        let status = answer.status();
        let body = self.body(method, answer).await?;
        let Ok(mut parsed) = serde_json::from_slice::<Value>(&body) else {
            return Err(self.strange(method, status, &body));
        };
        if let Some(error) = parsed.get("error").filter(|error| !error.is_null()) {
            return self.refusal(method, error).map(Err);
        }
        match parsed.get_mut("result") {
            Some(result) => Ok(Ok(result.take())),
            None => Err(self.strange(method, status, &body)),
        }
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

    /// What an error object says; an error where the endpoint says that it is overloaded.
    fn refusal(&self, method: &'static str, error: &Value) -> Result<Refusal, ChainError> {
        let cause = error.get("cause");
        let field = |name: &str| cause.and_then(|cause| cause.get(name)).cloned();
        let name = field("name").and_then(|name| name.as_str().map(shown)).unwrap_or_default();
        let text = match error.get("data") {
            Some(Value::String(text)) => shown(text),
            Some(data) if !data.is_null() => shown(&data.to_string()),
            _ => shown(error.get("message").and_then(Value::as_str).unwrap_or("no reason")),
        };
        let info = field("info").unwrap_or_default();
        let data = error.get("data").cloned().unwrap_or_default();
        let refusal = Refusal { name, info, data, text };
        let is_internal = error.get("name").and_then(Value::as_str) == Some("INTERNAL_ERROR");
        if is_internal
            || ["INTERNAL_ERROR", "NO_SYNCED_BLOCKS", "NOT_SYNCED_YET"].contains(&&*refusal.name)
        {
            return Err(unreachable(&self.name, method, refusal.into()));
        }
        Ok(refusal)
    }

    fn strange(&self, method: &'static str, status: StatusCode, body: &[u8]) -> ChainError {
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return unreachable(&self.name, method, format!("HTTP status {status}").into());
        }
        let start = body.get(..4 * SHOWN_CHARS_MAX).unwrap_or(body);
        let start = shown(&String::from_utf8_lossy(start));
        self.bad(method, format!("HTTP status {status}, no answer of JSON-RPC: {start}").into())
    }

    fn cut(&self, method: &'static str, error: reqwest::Error) -> ChainError {
        // Errors of the client name the URL, which may hold a secret.
        unreachable(&self.name, method, error.without_url().into())
    }

    pub(crate) fn bad(&self, method: &'static str, source: BoxError) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source }
    }

    pub(crate) fn lied(&self, method: &'static str, why: impl Into<String>) -> ChainError {
        ChainError::Lied { endpoint: self.name.clone(), method, why: why.into() }
    }

    pub(crate) fn refused(&self, method: &'static str, refusal: Refusal) -> ChainError {
        ChainError::EndpointRefused { endpoint: self.name.clone(), method, source: refusal.into() }
    }
}

fn unreachable(endpoint: &str, method: &'static str, source: BoxError) -> ChainError {
    ChainError::Unreachable { endpoint: endpoint.to_owned(), method, source }
}

/// One line of a stranger's text, fit for an error message.
pub(crate) fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SHOWN_CHARS_MAX).collect()
}

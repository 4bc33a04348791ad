//! JSON-RPC over HTTP: one request, one bounded answer, every failure named. No retries.

use core::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U64, U256};
use chain::{BoxError, ChainError};
use governance::log::BlockRef;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use crate::wire::{self, Log};

/// Longest answer that is read: a full page of the largest revisions is about 2 MiB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How much of a strange answer an error shows.
const SHOWN_CHARS_MAX: usize = 80;

/// An endpoint's way to say "later". Source: EIP-1474, error codes.
const LIMIT_EXCEEDED: i64 = -32005;

/// One endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    http: reqwest::Client,
    url: Url,
    /// Scheme, host and port alone: the rest of a URL often holds a secret.
    name: String,
}

/// A block's header, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    number: U64,
    hash: B256,
    timestamp: U64,
    pub(crate) base_fee_per_gas: Option<U256>,
}

/// A transaction that a block has.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inclusion {
    status: U64,
    pub(crate) block_hash: B256,
    pub(crate) contract_address: Option<Address>,
    pub(crate) logs: Vec<Log>,
}

/// A simulated call's outcome.
pub(crate) enum Simulated<T> {
    Ran(T),
    /// With what the contract returned as its reason.
    Reverted(Bytes),
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
struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Rpc {
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

    pub(crate) async fn chain_id(&self) -> Result<u64, ChainError> {
        let id: U64 = self.ask("eth_chainId", json!([])).await?;
        Ok(id.to())
    }

    pub(crate) async fn code(&self, address: Address) -> Result<Bytes, ChainError> {
        self.ask("eth_getCode", json!([address, "latest"])).await
    }

    pub(crate) async fn balance(&self, address: Address) -> Result<U256, ChainError> {
        self.ask("eth_getBalance", json!([address, "latest"])).await
    }

    /// The next nonce of `address`, waiting transactions included.
    pub(crate) async fn nonce(&self, address: Address) -> Result<u64, ChainError> {
        let nonce: U64 = self.ask("eth_getTransactionCount", json!([address, "pending"])).await?;
        Ok(nonce.to())
    }

    pub(crate) async fn priority_fee(&self) -> Result<U256, ChainError> {
        self.ask("eth_maxPriorityFeePerGas", json!([])).await
    }

    /// The newest block of a tag; `None` where the chain has none yet.
    pub(crate) async fn block(&self, tag: &'static str) -> Result<Option<Header>, ChainError> {
        self.ask("eth_getBlockByNumber", json!([tag, false])).await
    }

    pub(crate) async fn block_by_hash(&self, hash: B256) -> Result<Option<Header>, ChainError> {
        self.ask("eth_getBlockByHash", json!([hash, false])).await
    }

    /// What `to` answers to `data` in the block `at`.
    pub(crate) async fn view(
        &self,
        to: Address,
        data: &Bytes,
        at: B256,
    ) -> Result<Bytes, ChainError> {
        let call = json!({ "to": to, "data": data });
        self.ask("eth_call", json!([call, { "blockHash": at }])).await
    }

    pub(crate) async fn estimate_gas(
        &self,
        from: Address,
        to: Option<Address>,
        data: &Bytes,
    ) -> Result<Simulated<u64>, ChainError> {
        let mut call = json!({ "from": from, "data": data });
        if let Some(to) = to {
            call["to"] = json!(to);
        }
        const METHOD: &str = "eth_estimateGas";
        match self.exchange(METHOD, json!([call])).await? {
            Ok(value) => {
                let gas: U64 = self.read(METHOD, value)?;
                Ok(Simulated::Ran(gas.to()))
            }
            Err(refusal) => match refusal.revert_data() {
                Some(data) => Ok(Simulated::Reverted(data)),
                None => Err(self.refused(METHOD, refusal)),
            },
        }
    }

    /// Hands a signed transaction in; its hash.
    pub(crate) async fn send(&self, transaction: &[u8]) -> Result<B256, ChainError> {
        let bytes = Bytes::copy_from_slice(transaction);
        self.ask("eth_sendRawTransaction", json!([bytes])).await
    }

    pub(crate) async fn inclusion(&self, hash: B256) -> Result<Option<Inclusion>, ChainError> {
        self.ask("eth_getTransactionReceipt", json!([hash])).await
    }

    /// Events of `address` with these first topics, in blocks `from` to `to`.
    pub(crate) async fn logs(
        &self,
        address: Address,
        topics: &[B256],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        let filter = json!({
            "address": address,
            "topics": topics,
            "fromBlock": U64::from(from),
            "toBlock": U64::from(to),
        });
        self.ask("eth_getLogs", json!([filter])).await
    }

    /// For answers that are well-formed JSON but say something impossible.
    pub(crate) fn nonsense(&self, method: &'static str, what: &'static str) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source: what.into() }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, ChainError> {
        match self.exchange(method, params).await? {
            Ok(value) => self.read(method, value),
            Err(refusal) => Err(self.refused(method, refusal)),
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        method: &'static str,
        value: Value,
    ) -> Result<T, ChainError> {
        serde_json::from_value(value).map_err(|error| self.bad(method, error.into()))
    }

    async fn exchange(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Result<Value, Refusal>, ChainError> {
        #[derive(Serialize)]
        struct Request {
            jsonrpc: &'static str,
            id: u8,
            method: &'static str,
            params: Value,
        }
        let request = Request { jsonrpc: "2.0", id: 1, method, params };
        // Errors of the client name the URL, which may hold a secret.
        let cut =
            |error: reqwest::Error| unreachable(&self.name, method, error.without_url().into());
        let answer = self.http.post(self.url.clone()).json(&request).send().await.map_err(cut)?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(unreachable(&self.name, method, format!("HTTP status {status}").into()));
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
        let cut =
            |error: reqwest::Error| unreachable(&self.name, method, error.without_url().into());
        while let Some(chunk) = answer.chunk().await.map_err(cut)? {
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                let what = format!("an answer of more than {ANSWER_BYTES_MAX} bytes");
                return Err(self.bad(method, what.into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn bad(&self, method: &'static str, source: BoxError) -> ChainError {
        ChainError::BadAnswer { endpoint: self.name.clone(), method, source }
    }

    fn refused(&self, method: &'static str, refusal: Refusal) -> ChainError {
        let overloaded = refusal.code == LIMIT_EXCEEDED;
        let source = refusal.shortened().into();
        if overloaded {
            return unreachable(&self.name, method, source);
        }
        ChainError::EndpointRefused { endpoint: self.name.clone(), method, source }
    }
}

impl Header {
    pub(crate) fn reference(&self) -> BlockRef {
        BlockRef {
            height: self.number.to(),
            hash: wire::hash(self.hash),
            time_s: self.timestamp.to(),
        }
    }
}

impl Inclusion {
    pub(crate) fn succeeded(&self) -> bool {
        self.status == U64::from(1)
    }
}

impl Refusal {
    /// What a contract gave as its reason. Clients put it into `data`, some one level deeper.
    fn revert_data(&self) -> Option<Bytes> {
        let data = self.data.as_ref()?;
        let text = data.as_str().or_else(|| data.get("data")?.as_str())?;
        text.parse().ok()
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
fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SHOWN_CHARS_MAX).collect()
}

//! Talks to the running node's API.

use std::{io, time::Duration};

use anyhow::{Context as _, bail};
use api::wire::Failure;
use reqwest::{RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{args::Global, folder::DataFolder, secret};

/// How long one answer may take: a context on a chain waits for blocks.
const ANSWER_LIMIT: Duration = Duration::from_secs(180);

/// The running node.
pub(crate) struct Client {
    http: reqwest::Client,
    /// Host and port.
    address: String,
    token: Zeroizing<String>,
}

impl Client {
    /// The node that the command line names.
    ///
    /// # Errors
    /// If there is none, or its token cannot be read.
    pub(crate) fn open(global: &Global) -> anyhow::Result<Self> {
        let folder = DataFolder::of(global)?;
        let shown = folder.path().display();
        if !folder.config().exists() && !folder.token().exists() {
            bail!("there is no node in {shown}; make one with `anchorhold init`");
        }
        let address = match &global.api {
            Some(address) => address.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            None => match std::fs::read_to_string(folder.api_addr()) {
                Ok(address) => address.trim().to_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    bail!("no node runs on {shown}; is the node running?")
                }
                Err(error) => {
                    let path = folder.api_addr();
                    return Err(error).with_context(|| format!("cannot read {}", path.display()));
                }
            },
        };
        let token = secret::text(&folder.token())?;
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_LIMIT).build()?;
        Ok(Self { http, address, token })
    }

    /// Host and port of the API.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What opens the API.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// `GET path`.
    ///
    /// # Errors
    /// What the node says, or that it does not answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.answer(self.http.get(self.url(path))).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.answer(self.http.post(self.url(path)).json(body)).await
    }

    /// `POST path` with bytes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<T> {
        self.answer(self.http.post(self.url(path)).body(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let sent = request.bearer_auth(self.token.as_str()).send().await;
        let response = sent.map_err(|error| self.unanswered(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refusal(response).await);
        }
        let bytes = response.bytes().await.context("the node's answer broke off")?;
        serde_json::from_slice(&bytes).context("the node's answer is of another version")
    }

    /// Why there was no answer.
    pub(crate) fn unanswered(&self, error: &reqwest::Error) -> anyhow::Error {
        let address = &self.address;
        if error.is_connect() {
            return anyhow::anyhow!("nobody answers at {address}; is the node running?");
        }
        if error.is_timeout() {
            return anyhow::anyhow!("the node at {address} did not answer in {ANSWER_LIMIT:?}");
        }
        anyhow::anyhow!("the node at {address} broke off: {}", crate::failure::line(error))
    }
}

async fn refusal(response: Response) -> anyhow::Error {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    match serde_json::from_slice::<Failure>(&body) {
        Ok(failure) => anyhow::anyhow!(failure.message),
        Err(_) => {
            let text = String::from_utf8_lossy(&body);
            anyhow::anyhow!("the node answered {status}: {}", text.trim())
        }
    }
}

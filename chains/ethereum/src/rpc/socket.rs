//! A WebSocket to an endpoint: answers by their ids, and news that it sends by itself.

use chain::BoxError;
use futures::{SinkExt as _, StreamExt as _};
use reqwest::{StatusCode, Upgraded, header};
use serde::Deserialize;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};
use url::Url;

use super::transport::ANSWER_BYTES_MAX;

/// Messages that are passed over at most while an answer is waited for.
const OTHERS_MAX: usize = 1_000;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<Upgraded>,
    id: u64,
}

#[derive(Deserialize)]
struct Id {
    id: Option<u64>,
}

impl Socket {
    /// Opens a connection. TLS and proxies are the HTTP client's. Source: RFC 6455, section 4.1.
    pub(crate) async fn connect(url: &Url) -> Result<Self, BoxError> {
        let mut url = url.clone();
        let scheme = if url.scheme() == "wss" { "https" } else { "http" };
        url.set_scheme(scheme).map_err(|()| "the address is no WebSocket's")?;
        let client = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let key = generate_key();
        let request = client
            .get(url)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(format!("HTTP status {status} instead of a WebSocket").into());
        }
        let accept = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accept
            .is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
        {
            return Err("it accepted another WebSocket than was asked for".into());
        }
        let upgraded = answer.upgrade().await.map_err(reqwest::Error::without_url)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(ANSWER_BYTES_MAX))
            .max_frame_size(Some(ANSWER_BYTES_MAX));
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Self { stream, id: 0 })
    }

    pub(crate) const fn next_id(&mut self) -> u64 {
        self.id = self.id.wrapping_add(1);
        self.id
    }

    /// Sends `request`, and gives the answer that has its `id`.
    pub(crate) async fn ask(&mut self, id: u64, request: String) -> Result<Vec<u8>, BoxError> {
        self.stream.send(Message::text(request)).await?;
        for _ in 0..OTHERS_MAX {
            let text = self.next().await?;
            let found: Result<Id, _> = serde_json::from_slice(&text);
            // What is no JSON is the caller's to judge; what has another id is old, or news.
            if found.is_err() || found.is_ok_and(|found| found.id == Some(id)) {
                return Ok(text);
            }
        }
        Err("it sends everything but the answer".into())
    }

    /// The next text that comes.
    pub(crate) async fn next(&mut self) -> Result<Vec<u8>, BoxError> {
        loop {
            match self.stream.next().await.ok_or("it hung up")?? {
                Message::Text(text) => return Ok(text.as_bytes().to_vec()),
                Message::Binary(bytes) => return Ok(bytes.to_vec()),
                Message::Close(_) => return Err("it hung up".into()),
                // The stream answers pings by itself.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

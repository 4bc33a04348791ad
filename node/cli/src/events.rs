//! `anchorhold events`: what happened in a context, as a list or as it goes on.

use std::time::Duration;

use anyhow::{Context as _, bail};
use api::wire::{Event, Events};
use futures::StreamExt as _;
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error as WsError, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};
use types::ContextId;

use crate::{
    args::Global,
    client::Client,
    output::{self, Output},
};

/// Longest event that is read, in bytes: the node keeps 32 KiB, and JSON escapes them.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// How long a node that went away is waited for.
const AWAY_LIMIT: Duration = Duration::from_secs(60);
/// Pause between two tries.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(crate) struct EventsArgs {
    /// The context.
    context: ContextId,
    /// Begin after this event.
    #[arg(long, default_value_t = 0, value_name = "N")]
    after: u64,
    /// Go on as events happen, until Ctrl-C.
    #[arg(long)]
    follow: bool,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn events(global: &Global, args: EventsArgs) -> anyhow::Result<()> {
    let client = Client::open(global)?;
    let EventsArgs { context, after, follow: is_followed } = args;
    if is_followed {
        return follow(global.output, &client, context, after).await;
    }
    let events = all(&client, context, after).await?;
    if events.lost > 0 {
        global.output.progress(&format!("{} older events are no longer kept", events.lost));
    }
    global
        .output
        .show(&events, |events| events.events.iter().map(text).collect::<Vec<_>>().join("\n"))
}

/// All pages as one.
async fn all(client: &Client, context: ContextId, mut after: u64) -> anyhow::Result<Events> {
    let mut events = Events { lost: 0, events: Vec::new() };
    // Ends with the events: the node keeps a bounded number of them.
    loop {
        let page: Events =
            client.get(&format!("/v1/contexts/{context}/events?after={after}")).await?;
        events.lost += page.lost;
        let Some(last) = page.events.last() else { return Ok(events) };
        after = last.seq;
        events.events.extend(page.events);
    }
}

/// Prints one event per line, and takes up where it was when the connection breaks.
async fn follow(
    output: Output,
    client: &Client,
    context: ContextId,
    mut after: u64,
) -> anyhow::Result<()> {
    let mut socket = connect(client, context, after).await?;
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let event: Event = serde_json::from_str(text.as_str())
                    .context("the node's event is of another version")?;
                after = event.seq;
                print(output, &event)?;
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                socket = reconnect(client, context, after).await?;
            }
            Some(Ok(_)) => {}
        }
    }
}

async fn reconnect(client: &Client, context: ContextId, after: u64) -> anyhow::Result<Socket> {
    let end = Instant::now() + AWAY_LIMIT;
    loop {
        match connect(client, context, after).await {
            Ok(socket) => return Ok(socket),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => tokio::time::sleep(RETRY_INTERVAL).await,
        }
    }
}

async fn connect(client: &Client, context: ContextId, after: u64) -> anyhow::Result<Socket> {
    let address = client.address();
    let url = format!("ws://{address}/v1/contexts/{context}/stream?after={after}");
    let mut request = url.into_client_request().context("the address of the API is none")?;
    let bearer = HeaderValue::from_str(&format!("Bearer {}", client.token()));
    let bearer = bearer.context("the token has characters that no header takes")?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let bounds = WebSocketConfig::default().max_message_size(Some(EVENT_BYTES_MAX));
    match connect_async_with_config(request, Some(bounds), false).await {
        Ok((socket, _)) => Ok(socket),
        Err(WsError::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            match serde_json::from_slice::<api::wire::Failure>(body) {
                Ok(failure) => bail!(failure.message),
                Err(_) => bail!("the node answered {}", answer.status()),
            }
        }
        Err(WsError::Io(_)) => bail!("nobody answers at {address}; is the node running?"),
        Err(error) => Err(error).with_context(|| format!("no stream from {address}")),
    }
}

fn print(output: Output, event: &Event) -> anyhow::Result<()> {
    match output {
        Output::Text => output::line(&text(event)),
        Output::Json => output.show(event, text),
    }
}

fn text(event: &Event) -> String {
    format!("{}  {}  {}", event.seq, event.kind, event.data.get())
}

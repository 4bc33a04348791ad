//! Events of a context: by page, or as a stream that can be resumed without loss.

use axum::{
    Json,
    extract::{
        Path, Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use engine::Engine;
use serde::Deserialize;
use types::ContextId;

use crate::{error::ApiError, routes::context_id, server::Shared, wire};

/// Where to begin.
#[derive(Debug, Deserialize)]
pub(crate) struct After {
    /// The last event that the client has; 0 for all that are kept.
    #[serde(default)]
    after: u64,
}

pub(crate) async fn page(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    Query(After { after }): Query<After>,
) -> Result<Json<wire::Events>, ApiError> {
    Ok(Json(shared.engine().events(context_id(&context)?, after)?.into()))
}

pub(crate) async fn stream(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    Query(After { after }): Query<After>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let context = context_id(&context)?;
    let engine = shared.engine().clone();
    engine.watch_events(context)?;
    Ok(upgrade.protocols(["anchorhold"]).on_upgrade(move |socket| async move {
        if let Err(error) = send(socket, &engine, context, after).await {
            tracing::debug!(%context, %error, "an event stream ended");
        }
    }))
}

/// Sends every event after `after`, reading them from the store, so that a slow client loses
/// nothing and nothing is queued for it.
async fn send(
    mut socket: WebSocket,
    engine: &Engine,
    context: ContextId,
    mut after: u64,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut newest = engine.watch_events(context)?;
    loop {
        newest.borrow_and_update();
        loop {
            let page: wire::Events = engine.events(context, after)?.into();
            let Some(last) = page.events.last() else { break };
            after = last.seq;
            for event in &page.events {
                socket.send(Message::text(serde_json::to_string(event)?)).await?;
            }
        }
        tokio::select! {
            changed = newest.changed() => changed?,
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(said) => drop(said?),
            },
        }
    }
}

//! JSON-RPC over HTTP, open to web pages as NEAR's nodes are.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use near_jsonrpc_primitives::{
    errors::RpcError,
    message::{Message, Request},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{devnet::Node, rpc};

/// Longest request: a transaction of 1.5 MiB in base64, and what is around it.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, node: Arc<Node>) {
    let router = Router::new()
        .route("/", post(call).options(async || StatusCode::NO_CONTENT))
        .route("/status", get(|State(node): State<Arc<Node>>| async move { status(&node) }))
        .route("/health", get(async || StatusCode::OK))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(|response: Response| async move { open_to_pages(response) }))
        .with_state(node);
    if let Err(error) = axum::serve(listener, router).await {
        // Nobody to tell: whoever started the chain sees that it does not answer.
        drop(error);
    }
}

fn open_to_pages(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn call(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    let request = serde_json::from_slice::<Value>(&body).and_then(serde_json::from_value);
    let request: Request = match request {
        Ok(request) => request,
        Err(error) => {
            let error = RpcError::parse_error(error.to_string());
            let answer = json!({ "jsonrpc": "2.0", "error": error, "id": null });
            return Json(answer).into_response();
        }
    };
    let message: Message = match rpc::answer(&node, &request).await {
        Ok(value) => request.reply(value),
        Err(error) => request.error(error),
    };
    Json(message).into_response()
}

fn status(node: &Node) -> Response {
    match rpc::status(node) {
        Ok(status) => Json(status).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response(),
    }
}

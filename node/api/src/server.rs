//! Listens and serves.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use engine::Engine;
use tokio::net::TcpListener;

use crate::{
    auth::{self, Token},
    events, routes,
};

/// Longest request body in bytes, but for modules: arguments of a call with room for its frame.
const BODY_MAX_BYTES: usize = 5 << 20;
/// Longest module, in bytes.
const MODULE_MAX_BYTES: usize = 16 << 20;

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address} for the API")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The listener failed later.
    #[error("the API stopped")]
    Serve(#[source] io::Error),
}

/// What all routes share.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<(Engine, Token)>);

impl Shared {
    pub(crate) fn engine(&self) -> &Engine {
        &self.0.0
    }

    pub(crate) fn token(&self) -> &Token {
        &self.0.1
    }
}

/// A bound API, not served yet: requests wait.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Binds `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| ServerError::Listen { address, source })?;
        Ok(Self { listener })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`ServerError::Serve`] if the system does not tell.
    pub fn address(&self) -> Result<SocketAddr, ServerError> {
        self.listener.local_addr().map_err(ServerError::Serve)
    }

    /// Serves `engine` to whoever holds `token`, until `stop` ends; then finishes what is under
    /// way. Event streams end with their connections.
    ///
    /// # Errors
    /// [`ServerError::Serve`].
    pub async fn serve(
        self,
        engine: Engine,
        token: Token,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        axum::serve(self.listener, router(Shared(Arc::new((engine, token)))))
            .with_graceful_shutdown(stop)
            .await
            .map_err(ServerError::Serve)
    }
}

fn router(shared: Shared) -> Router {
    let modules = post(routes::install).layer(DefaultBodyLimit::max(MODULE_MAX_BYTES));
    let guarded = Router::new()
        .route("/v1/node", get(routes::node))
        .route("/v1/apps", get(routes::apps).merge(modules))
        .route("/v1/accounts", get(routes::accounts).post(routes::import_account))
        .route("/v1/contexts", get(routes::contexts).post(routes::create))
        .route("/v1/contexts/{context}", get(routes::status))
        .route("/v1/contexts/{context}/members", get(routes::members))
        .route("/v1/contexts/{context}/call", post(routes::call))
        .route("/v1/contexts/{context}/view", post(routes::view))
        .route("/v1/contexts/{context}/invitations", post(routes::invite))
        .route("/v1/contexts/{context}/invitations/{invitation}/revoke", post(routes::revoke))
        .route("/v1/contexts/{context}/remove", post(routes::remove))
        .route("/v1/contexts/{context}/role", post(routes::set_role))
        .route("/v1/contexts/{context}/nominate", post(routes::nominate))
        .route("/v1/contexts/{context}/accept", post(routes::accept))
        .route("/v1/contexts/{context}/renounce", post(routes::renounce))
        .route("/v1/contexts/{context}/proposals", get(routes::proposals).post(routes::propose))
        .route("/v1/contexts/{context}/proposals/{seq}", post(routes::act_on_proposal))
        .route("/v1/contexts/{context}/seat", post(routes::seat))
        .route("/v1/contexts/{context}/freeze", post(routes::freeze))
        .route("/v1/contexts/{context}/bind", post(routes::bind))
        .route("/v1/contexts/{context}/events", get(events::page))
        .route("/v1/contexts/{context}/stream", get(events::stream))
        .route("/v1/join/plan", post(routes::plan_join))
        .route("/v1/join", post(routes::join))
        .route("/v1/join/{context}", get(routes::join_state))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(shared.clone(), auth::require_token));
    Router::new().route("/v1/health", get(routes::health)).merge(guarded).with_state(shared)
}

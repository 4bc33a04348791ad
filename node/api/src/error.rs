//! What clients are told when something does not work.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::EngineError;

use crate::wire;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("the API token is missing or wrong")]
    Unauthorized,
    #[error("{0}")]
    BadRequest(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Engine(error) => match error {
                EngineError::UnknownContext(_) | EngineError::UnknownApp(_) => {
                    StatusCode::NOT_FOUND
                }
                EngineError::Denied(_) => StatusCode::FORBIDDEN,
                EngineError::Invalid(_) | EngineError::Module(_) | EngineError::Wallet(_) => {
                    StatusCode::BAD_REQUEST
                }
                EngineError::Call(_) => StatusCode::UNPROCESSABLE_ENTITY,
                EngineError::Chain(_) | EngineError::Network(_) => StatusCode::BAD_GATEWAY,
                EngineError::NotReady(_) | EngineError::Closed => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// A word for programs.
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::BadRequest(_) => "bad-request",
            Self::Engine(error) => match error {
                EngineError::UnknownContext(_) => "unknown-context",
                EngineError::UnknownApp(_) => "unknown-application",
                EngineError::Denied(_) => "denied",
                EngineError::Invalid(_) => "invalid",
                EngineError::Module(_) => "not-an-application",
                EngineError::Call(_) => "call-failed",
                EngineError::Chain(_) => "chain",
                EngineError::Wallet(_) => "wallet",
                EngineError::Network(_) => "network",
                EngineError::NotReady(_) => "not-ready",
                EngineError::Closed => "closed",
                _ => "internal",
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry = match &self {
            Self::Engine(error) => error.is_transient(),
            Self::Unauthorized | Self::BadRequest(_) => false,
        };
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %spoken(&self), "a request failed inside the node");
        }
        let body = wire::Failure { error: self.code().to_owned(), message: spoken(&self), retry };
        (status, Json(body)).into_response()
    }
}

/// The error with its causes, each said once.
fn spoken(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    // A chain of causes is as long as the crates are deep.
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

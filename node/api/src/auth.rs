//! Who may use the API: whoever holds the token that the node made at its first start.

use std::fmt;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap,
        header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use types::Hash;

use crate::{error::ApiError, server::Shared};

/// The node's bearer token: 32 random bytes, as 64 hex digits. Never printed.
#[derive(Clone)]
pub struct Token {
    text: String,
    /// BLAKE3 of the text: hashes are compared, so that time tells nothing of the text.
    digest: Hash,
}

impl Token {
    /// The token with these random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let text = Hash::from_bytes(*bytes).to_string();
        Self { digest: Hash::of(text.as_bytes()), text }
    }

    /// The text that clients send.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn matches(&self, given: &str) -> bool {
        // Both sides are digests: an early exit reveals a prefix of a digest, not of the token.
        Hash::of(given.as_bytes()) == self.digest
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Lets a request through if it carries the token, as a header or, for WebSockets of browsers,
/// which cannot set one, as a subprotocol `token.<hex>`.
pub(crate) async fn require_token(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let is_allowed = given(request.headers()).is_some_and(|given| shared.token().matches(given));
    if is_allowed { next.run(request).await } else { ApiError::Unauthorized.into_response() }
}

/// The token that a request carries.
fn given(headers: &HeaderMap) -> Option<&str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let protocols = header(SEC_WEBSOCKET_PROTOCOL.as_str()).unwrap_or_default().split(',');
    let mut protocol = protocols.filter_map(|one| one.trim().strip_prefix("token."));
    bearer.or_else(|| protocol.next())
}

//! Why the engine did not do what it was asked.

use chain::{ChainError, WalletError};
use governance::log::Denied;
use runtime::{CallError, ModuleError};
use store::StoreError;
use types::{AppId, ContextId};

/// Why a request failed. Nothing was changed unless the variant says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No such context on this node, or the caller may not know of it.
    #[error("no context {0} on this node")]
    UnknownContext(ContextId),
    /// The application is not installed here.
    #[error("application {0} is not installed on this node")]
    UnknownApp(AppId),
    /// The rules of the context forbid it.
    #[error("not allowed: {0}")]
    Denied(#[from] Denied),
    /// The rules cannot answer yet; asking later may help.
    #[error("not ready: {0}")]
    NotReady(String),
    /// The request makes no sense.
    #[error("bad request: {0}")]
    Invalid(String),
    /// The bytes are no application.
    #[error("not an application: {0}")]
    Module(#[from] ModuleError),
    /// The guest refused, trapped or exceeded its budget; nothing was committed.
    #[error("call failed: {0}")]
    Call(#[from] CallError),
    /// The disk failed.
    #[error("storage: {0}")]
    Store(#[from] StoreError),
    /// A row of this node's store does not parse; nothing was changed.
    #[error("storage: {0} is corrupt")]
    Corrupt(&'static str),
    /// The state tree or a collection cannot be read or does not parse.
    #[error("state: {0}")]
    State(String),
    /// The chain refused or could not be reached.
    #[error("chain: {0}")]
    Chain(#[from] ChainError),
    /// A wallet's proof does not hold, or none can be made.
    #[error("wallet: {0}")]
    Wallet(#[from] WalletError),
    /// No peer answered.
    #[error("network: {0}")]
    Network(String),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
}

impl EngineError {
    /// Whether the same request may succeed later without anything else being changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotReady(_) | Self::Network(_) | Self::Closed => true,
            Self::Chain(error) => error.is_transient(),
            _ => false,
        }
    }
}

//! Rows of the store as the engine's values.

use borsh::BorshDeserialize;
use types::{Hash, MemberKey, decode};

use crate::error::EngineError;

/// Longest row, in bytes: an entry with the envelopes of a full context.
const ROW_MAX_BYTES: usize = 16 << 20;

/// Parses a stored row; `what` names it in the error.
///
/// # Errors
/// [`EngineError::Corrupt`].
pub(crate) fn parse<T: BorshDeserialize>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, EngineError> {
    decode(bytes, ROW_MAX_BYTES).map_err(|_| EngineError::Corrupt(what))
}

/// Name of the local row that keeps where the inviter's nodes listen.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// Name of the local row that keeps our own batch until the chain has sequenced it.
pub(crate) fn proposal(delta_hash: &Hash) -> String {
    format!("proposal/{delta_hash}")
}

/// Name of the local row that keeps what a chain said about a wallet's proof.
pub(crate) fn wallet(proof: &Hash) -> String {
    format!("wallet/{proof}")
}

/// Name of the local row that keeps the proof that `author` forked its chain.
pub(crate) fn fork(author: &MemberKey) -> String {
    format!("fork/{author}")
}

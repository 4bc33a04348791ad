//! What an account should have signed, and the bytes in which a proof carries it.

use chain::{BlockId, WalletError};
use serde_json::Value;
use types::Hash;

use super::{ecdsa, typed_data};
use crate::felt::{self, Felt};

/// Longest message that is read: ours has about 1600 bytes.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Longest answer of a wallet that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Most felts in a signature; accounts with several signers need some dozens.
const SIGNATURE_FELTS_MAX: usize = 128;

/// Bytes before the felts of a signature that names its block: the height and the hash.
const BLOCK_BYTES: usize = 8 + 32;

/// What an account should have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The account's address.
    pub account: Felt,
    /// The hash of the message that it should have signed.
    pub message_hash: Felt,
    /// What only the account can read.
    pub signature: Vec<Felt>,
    /// In which block it is asked; `None` until somebody named one.
    pub block: Option<BlockId>,
}

impl Statement {
    /// Whether the holder of `public_key` made the signature, as two numbers of the Stark curve.
    ///
    /// Stands for the account's word only if the account's class is known to accept exactly that,
    /// and class and key are proved from the state of the block in question.
    pub fn is_signed_by(&self, public_key: &Felt) -> bool {
        match self.signature.as_slice() {
            [r, s] => ecdsa::verify(public_key, &self.message_hash, r, s).is_ok(),
            _ => false,
        }
    }
}

/// The document in a proof's message.
pub(super) fn read(message: &[u8]) -> Result<Value, WalletError> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(WalletError::Malformed { what: "length" });
    }
    serde_json::from_slice(message).map_err(|_| WalletError::Malformed { what: "JSON" })
}

pub(super) fn hash(document: &Value, account: &Felt) -> Result<Felt, WalletError> {
    let message = typed_data::message(document, account);
    message.map(|message| message.hash).map_err(|_| WalletError::Malformed { what: "typed data" })
}

/// The felts of a signature: 32 bytes each, at least one.
pub(crate) fn felts_of(bytes: &[u8]) -> Result<Vec<Felt>, WalletError> {
    let (felts, rest) = bytes.as_chunks::<32>();
    if felts.is_empty() || felts.len() > SIGNATURE_FELTS_MAX || !rest.is_empty() {
        return Err(WalletError::BadSignature);
    }
    let felts = felts.iter().map(felt::canonical).collect::<Option<_>>();
    felts.ok_or(WalletError::BadSignature)
}

/// The felts as a proof carries them.
pub(super) fn bytes_of(felts: &[Felt]) -> Vec<u8> {
    felts.iter().flat_map(Felt::to_bytes_be).collect()
}

/// The block that a proof's signature names, and the felts after it. Without a block they are a
/// whole number of times 32 bytes, so that the two forms cannot be taken for each other.
pub(super) fn parts(bytes: &[u8]) -> Result<(Option<BlockId>, &[u8]), WalletError> {
    if bytes.len().is_multiple_of(32) {
        return Ok((None, bytes));
    }
    let named = bytes.split_first_chunk().and_then(|(height, rest)| {
        let (hash, felts) = rest.split_first_chunk()?;
        let (height, hash) = (u64::from_be_bytes(*height), Hash::from_bytes(*hash));
        Some((Some(BlockId { height, hash }), felts))
    });
    named.ok_or(WalletError::BadSignature)
}

/// The signature, which names no block, as of `block`; `None` if it names one.
pub(super) fn in_block(signature: &[u8], block: BlockId) -> Option<Vec<u8>> {
    let (None, felts) = parts(signature).ok()? else { return None };
    let mut bytes = Vec::with_capacity(BLOCK_BYTES.saturating_add(felts.len()));
    bytes.extend_from_slice(&block.height.to_be_bytes());
    bytes.extend_from_slice(block.hash.as_bytes());
    bytes.extend_from_slice(felts);
    Some(bytes)
}

/// The felts in a wallet's answer: a JSON list of hexadecimal or decimal text, or of small numbers.
pub(super) fn answered(answer: &str) -> Result<Vec<Felt>, WalletError> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(WalletError::BadSignature);
    }
    let list: Vec<Value> = serde_json::from_str(answer).map_err(|_| WalletError::BadSignature)?;
    if list.is_empty() || list.len() > SIGNATURE_FELTS_MAX {
        return Err(WalletError::BadSignature);
    }
    let felt = |value: &Value| match value {
        Value::String(text) => felt::parse_hex(text).or_else(|| felt::parse_decimal(text)),
        Value::Number(number) => number.as_u64().map(Felt::from),
        _ => None,
    };
    list.iter().map(felt).collect::<Option<_>>().ok_or(WalletError::BadSignature)
}

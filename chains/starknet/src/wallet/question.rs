//! The question that only an account can answer: is this signature yours?

use chain::WalletError;
use governance::log::Answer;
use serde_json::Value;

use super::{
    account::{self, Said},
    ecdsa, typed_data,
};
use crate::felt::{self, Felt};

/// Longest message that is read: ours has about 1600 bytes.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Most felts in a signature; accounts with several signers need some dozens.
const SIGNATURE_FELTS_MAX: usize = 128;

/// What to ask which account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The account's address.
    pub account: Felt,
    /// The hash of the message that it should have signed.
    pub message_hash: Felt,
    /// What only the account can read.
    pub signature: Vec<Felt>,
}

impl Question {
    /// The function to call.
    pub fn selector(&self) -> Felt {
        account::is_valid_signature_selector()
    }

    /// What to call it with.
    pub fn calldata(&self) -> Vec<Felt> {
        account::is_valid_signature_calldata(&self.message_hash, &self.signature)
    }

    /// What the result of the call at a final block means.
    ///
    /// A call that the account reverts is [`Answer::Invalid`] too. Where the endpoint failed, or no
    /// contract stands yet, nobody has answered: that is [`Answer::Unknown`], and the caller's to
    /// say. Starknet has no standard by which an account signs before it is deployed.
    pub fn answer(&self, result: &[Felt]) -> Answer {
        match account::said(result) {
            Said::Valid => Answer::Valid,
            Said::One | Said::No => Answer::Invalid,
        }
    }

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

/// The felts of a proof's signature: 32 bytes each.
pub(super) fn signature(bytes: &[u8]) -> Result<Vec<Felt>, WalletError> {
    let (felts, rest) = bytes.as_chunks::<32>();
    if felts.is_empty() || felts.len() > SIGNATURE_FELTS_MAX || !rest.is_empty() {
        return Err(WalletError::BadSignature);
    }
    let felts = felts.iter().map(felt::canonical).collect::<Option<_>>();
    felts.ok_or(WalletError::BadSignature)
}

//! A value together with its author's signature.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Hash, MemberKey, MemberSecret, Signature, SignatureError, Tagged};

/// `body` with an Ed25519 signature over its tagged encoding. Holding one proves nothing until
/// [`Signed::verify`] has said so.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signed<T> {
    /// What was signed.
    pub body: T,
    /// By whom is known from the body or the place it stands in.
    pub signature: Signature,
}

impl<T: Tagged> Signed<T> {
    /// Signs `body`.
    pub fn new(body: T, secret: &MemberSecret) -> Self {
        let signature = secret.sign(&body);
        Self { body, signature }
    }

    /// Whether `key` signed the body.
    ///
    /// # Errors
    /// [`SignatureError`] if not.
    pub fn verify(&self, key: &MemberKey) -> Result<(), SignatureError> {
        key.verify(&self.body, &self.signature)
    }

    /// Digest of the body, signature excluded, so that a second signature makes no second id.
    pub fn digest(&self) -> Hash {
        self.body.digest()
    }
}

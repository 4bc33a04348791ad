//! Public keys of users, and what they signed.
//! Source: IC interface specification, "Signatures".

use k256::ecdsa::signature::Verifier as _;

use super::{
    canister_signature::{self, CanisterKey},
    der,
    webauthn::{self, CoseKey, RelyingParty},
};
use crate::{
    Principal,
    proof::{BadBls, BadCbor, BadCertificate, BadTree, BlsKey, RootKey},
};

/// Most bytes of a key in DER: one with an RSA modulus has 297.
const DER_BYTES_MAX: usize = 1024;

/// A public key in its canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
    key: Key,
}

/// What kind of key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// RFC 8032. Whether it is a point is seen when it has signed something.
    Ed25519([u8; 32]),
    /// Point of the curve.
    Secp256k1(k256::ecdsa::VerifyingKey),
    /// Point of the curve.
    P256(p256::ecdsa::VerifyingKey),
    /// Of a passkey or another authenticator.
    WebAuthn(CoseKey),
    /// Not a key, but a canister that says what it signed.
    Canister(CanisterKey),
    /// Of a subnet, which signs certificates, and never as a user.
    Bls(BlsKey),
}

/// What signatures may rest on beside their key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// For canister signatures.
    pub root_key: RootKey,
    /// For authenticators: who may have asked; anybody if none.
    pub relying_party: Option<RelyingParty>,
}

impl Default for Trust {
    /// The mainnet's root key; authenticators may have been asked by anybody.
    fn default() -> Self {
        Self { root_key: RootKey::mainnet(), relying_party: None }
    }
}

/// The bytes are no public key, or not in its canonical encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Of no known kind, or in another encoding than its kind's.
    #[error("the key is of no known kind, or not in its canonical encoding")]
    Encoding,
    /// No point of its curve.
    #[error("the key is no point of its curve")]
    Curve,
    /// Names no canister.
    #[error("the key names no canister")]
    Canister,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignature {
    /// Another length or encoding than its kind's.
    #[error("the signature is malformed")]
    Form,
    /// Not by this key, or not of this message.
    #[error("the signature is not by this key, or not of this message")]
    Mismatch,
    /// Keys of this kind sign no messages.
    #[error("keys of subnets do not sign for users")]
    Subnet,
    /// Not the CBOR that it should be.
    #[error(transparent)]
    Encoding(#[from] BadCbor),
    /// What the authenticator says is not what it must say.
    #[error("the authenticator's answer is wrong: {0}")]
    Authenticator(&'static str),
    /// The canister's certificate does not hold.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The canister's tree is none.
    #[error(transparent)]
    Tree(#[from] BadTree),
    /// The canister certifies another tree.
    #[error("the canister certifies another tree")]
    OtherTree,
    /// The canister did not sign this.
    #[error("the canister did not sign this with this seed")]
    NotSigned,
}

impl From<BadBls> for BadKey {
    fn from(_: BadBls) -> Self {
        Self::Curve
    }
}

impl PublicKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn from_der(der: &[u8]) -> Result<Self, BadKey> {
        if der.len() > DER_BYTES_MAX {
            return Err(BadKey::Encoding);
        }
        Ok(Self { key: parse(der)?, der: der.to_vec() })
    }

    /// In its canonical encoding.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// What kind of key it is.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Whether it is a canister that says what it signed.
    pub(super) const fn is_canister(&self) -> bool {
        matches!(self.key, Key::Canister(_))
    }

    /// Who signs with it.
    pub fn principal(&self) -> Principal {
        Principal::self_authenticating(&self.der)
    }

    /// Whether `signature` is of `message`, by this key.
    ///
    /// A signature may have a second encoding that holds as well: nothing may be recognised by it.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        trust: &Trust,
    ) -> Result<(), BadSignature> {
        match &self.key {
            Key::Ed25519(key) => ed25519(key, message, signature),
            Key::Secp256k1(key) => {
                let signature = k256::ecdsa::Signature::from_slice(signature);
                let signature = signature.map_err(|_| BadSignature::Form)?;
                // k256 takes the lower of the two values of s alone; the network takes both.
                let signature = signature.normalize_s().unwrap_or(signature);
                key.verify(message, &signature).map_err(|_| BadSignature::Mismatch)
            }
            Key::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(signature);
                let signature = signature.map_err(|_| BadSignature::Form)?;
                key.verify(message, &signature).map_err(|_| BadSignature::Mismatch)
            }
            Key::WebAuthn(key) => {
                webauthn::verify(key, message, signature, trust.relying_party.as_ref())
            }
            Key::Canister(key) => {
                let root = &trust.root_key;
                canister_signature::canister_signature(key, message, signature, root).map(drop)
            }
            Key::Bls(_) => Err(BadSignature::Subnet),
        }
    }
}

impl Key {
    /// The name in statements.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519",
            Self::Secp256k1(_) => "secp256k1",
            Self::P256(_) => "p256",
            Self::WebAuthn(_) => "webauthn",
            Self::Canister(_) => "canister-signature",
            Self::Bls(_) => "bls12-381",
        }
    }
}

fn parse(der: &[u8]) -> Result<Key, BadKey> {
    if let Some(key) = der.strip_prefix(&der::ED25519) {
        let key = key.try_into().map_err(|_| BadKey::Encoding)?;
        return Ok(Key::Ed25519(key));
    }
    if let Some(point) = der.strip_prefix(&der::SECP256K1) {
        let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(uncompressed(point)?);
        return key.map(Key::Secp256k1).map_err(|_| BadKey::Curve);
    }
    if let Some(point) = der.strip_prefix(&der::P256) {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(uncompressed(point)?);
        return key.map(Key::P256).map_err(|_| BadKey::Curve);
    }
    if let Some(key) = der.strip_prefix(crate::proof::DER_PREFIX) {
        return Ok(Key::Bls(BlsKey::from_bytes(key)?));
    }
    if let Some(cose) = der::key_of(der, &der::COSE) {
        return CoseKey::parse(cose).map(Key::WebAuthn);
    }
    let key = der::key_of(der, &der::CANISTER).ok_or(BadKey::Encoding)?;
    CanisterKey::parse(key).map(Key::Canister)
}

/// 65 bytes that begin with 4.
fn uncompressed(point: &[u8]) -> Result<&[u8], BadKey> {
    if point.len() == 65 && point.first() == Some(&4) { Ok(point) } else { Err(BadKey::Encoding) }
}

/// Strictly: no key of small order, no second value of S.
fn ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    let signature = ed25519_dalek::Signature::from_slice(signature);
    let signature = signature.map_err(|_| BadSignature::Form)?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| BadSignature::Mismatch)?;
    key.verify_strict(message, &signature).map_err(|_| BadSignature::Mismatch)
}

#[cfg(test)]
mod tests;

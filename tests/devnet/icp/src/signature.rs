//! Keys of users, and their signatures. Source: IC interface specification, "Signatures".

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use crate::{authority::ED25519_DER_PREFIX, cbor::Value};

/// What stands before a secp256k1 key's point in its DER encoding.
const SECP256K1_DER_PREFIX: &[u8] =
    b"\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x42\x00";
/// The same for P-256.
const P256_DER_PREFIX: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\
    \x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// The same for a P-256 key of a WebAuthn authenticator, up to its COSE map.
const COSE_DER_PREFIX: &[u8] =
    b"\x30\x5e\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x01\x03\x4e\x00";
/// The COSE map of such a key up to its first coordinate, and between the two.
const COSE_HEAD: &[u8] = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20";
const COSE_MIDDLE: &[u8] = b"\x22\x58\x20";

/// A key that can sign requests.
#[derive(Debug)]
pub(crate) enum Key {
    Ed25519(VerifyingKey),
    Secp256k1(k256::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    WebAuthn(p256::ecdsa::VerifyingKey),
}

impl Key {
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        if let Some(bytes) = der.strip_prefix(ED25519_DER_PREFIX) {
            let key = VerifyingKey::from_bytes(bytes.try_into().ok()?);
            return key.ok().map(Self::Ed25519);
        }
        if let Some(point) = der.strip_prefix(SECP256K1_DER_PREFIX) {
            return k256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::Secp256k1);
        }
        if let Some(point) = der.strip_prefix(P256_DER_PREFIX) {
            return p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P256);
        }
        let cose = der.strip_prefix(COSE_DER_PREFIX)?.strip_prefix(COSE_HEAD)?;
        let (x, rest) = cose.split_at_checked(32)?;
        let y = rest.strip_prefix(COSE_MIDDLE).filter(|y| y.len() == 32)?;
        let point = [&[4], x, y].concat();
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok().map(Self::WebAuthn)
    }

    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.check(message, signature).is_some()
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        match self {
            Self::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
                key.verify_strict(message, &signature).ok()
            }
            Self::Secp256k1(key) => {
                use k256::ecdsa::signature::Verifier as _;
                let signature = k256::ecdsa::Signature::from_slice(signature).ok()?;
                // Both halves of the curve are taken, as the Internet Computer does.
                let signature = signature.normalize_s().unwrap_or(signature);
                key.verify(message, &signature).ok()
            }
            Self::P256(key) => {
                p256_signed(key, message, &p256::ecdsa::Signature::from_slice(signature).ok()?)
            }
            Self::WebAuthn(key) => webauthn(key, message, signature),
        }
    }
}

fn p256_signed(
    key: &p256::ecdsa::VerifyingKey,
    message: &[u8],
    signature: &p256::ecdsa::Signature,
) -> Option<()> {
    use p256::ecdsa::signature::Verifier as _;
    key.verify(message, signature).ok()
}

/// An authenticator's signature: over its own data and the hash of the browser's, which holds the
/// message.
fn webauthn(key: &p256::ecdsa::VerifyingKey, message: &[u8], signature: &[u8]) -> Option<()> {
    let parts = Value::decode(signature).ok()?;
    let authenticator = parts.field("authenticator_data")?.as_bytes()?;
    let client = parts.field("client_data_json")?.as_text()?;
    let signature = parts.field("signature")?.as_bytes()?;
    let client_data: serde_json::Value = serde_json::from_str(client).ok()?;
    if client_data.get("challenge")?.as_str()? != BASE64URL_NOPAD.encode(message) {
        return None;
    }
    let signed = [authenticator, &Sha256::digest(client)].concat();
    p256_signed(key, &signed, &p256::ecdsa::Signature::from_der(signature).ok()?)
}

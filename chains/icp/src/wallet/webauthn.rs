//! Signatures of authenticators, passkeys among them. Sources: IC interface specification, "Web
//! Authentication"; W3C, Web Authentication Level 2, §6.1, §7.2; RFC 8152 (COSE).

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Verifier as _;
use serde_json::Value;

use super::{
    key::{BadKey, BadSignature},
    rsa::{self, RsaKey},
};
use crate::{
    hash::sha256,
    proof::cbor::{self, BadCbor, Reader},
};

/// Most bytes of a signature with what it is of: some hundreds are usual.
const SIGNATURE_BYTES_MAX: usize = 64 << 10;
/// Hash of the relying party's id, flags, counter; what is behind those is the authenticator's.
const DATA_BYTES_MIN: usize = 37;
/// Somebody touched the authenticator.
const USER_PRESENT: u8 = 1;

/// The CTAP2 canonical form of a P-256 key: its type, algorithm, curve and coordinates.
const P256_X: &[u8] = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20";
const P256_Y: &[u8] = b"\x22\x58\x20";
/// The same of an RSA key, with 2048 bits and 65537.
const RSA_N: &[u8] = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00";
const RSA_E: &[u8] = b"\x21\x43\x01\x00\x01";

/// An authenticator's key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoseKey {
    /// ECDSA with SHA-256 (−7).
    P256(p256::ecdsa::VerifyingKey),
    /// RSA PKCS #1 v1.5 with SHA-256 (−257), 2048 bits.
    Rsa(Box<RsaKey>),
}

/// Who may ask an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// A domain, e.g. `identity.ic0.app`; any if none.
    pub id: Option<String>,
    /// Origins of web pages, e.g. `https://identity.ic0.app`; any if none.
    pub origins: Option<Vec<String>>,
}

impl CoseKey {
    /// Reads a key in the one encoding that authenticators use.
    pub(super) fn parse(cose: &[u8]) -> Result<Self, BadKey> {
        if let Some(key) = cose.strip_prefix(RSA_N) {
            let modulus = key.strip_suffix(RSA_E).ok_or(BadKey::Encoding)?;
            let key = RsaKey::parse(modulus).ok_or(BadKey::Encoding)?;
            return Ok(Self::Rsa(Box::new(key)));
        }
        let key = cose.strip_prefix(P256_X).and_then(|key| key.split_at_checked(32));
        let (x, y) = key.ok_or(BadKey::Encoding)?;
        let y = y.strip_prefix(P256_Y).filter(|y| y.len() == 32).ok_or(BadKey::Encoding)?;
        let point = [&[4], x, y].concat();
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
        key.map(Self::P256).map_err(|_| BadKey::Curve)
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::P256(key) => {
                let signature = p256::ecdsa::Signature::from_der(signature);
                let signature = signature.map_err(|_| BadSignature::Form)?;
                key.verify(message, &signature).map_err(|_| BadSignature::Mismatch)
            }
            Self::Rsa(key) => rsa::verify(key, message, signature),
        }
    }
}

/// Whether an authenticator signed `message` as its challenge, asked by `relying_party`.
pub(super) fn verify(
    key: &CoseKey,
    message: &[u8],
    signature: &[u8],
    relying_party: Option<&RelyingParty>,
) -> Result<(), BadSignature> {
    let wrong = BadSignature::Authenticator;
    if signature.len() > SIGNATURE_BYTES_MAX {
        return Err(wrong("it is too long"));
    }
    let mut reader = Reader::tagged(signature)?;
    let names = ["authenticator_data", "client_data_json", "signature"];
    let [data, client_data, signature] = reader.fields(names)?;
    reader.end()?;
    let data = cbor::bytes(data, "authenticator_data")?;
    let client_data = text_or_bytes(client_data, "client_data_json")?;
    let signature = cbor::bytes(signature, "signature")?;
    check_client_data(client_data, message, relying_party)?;
    check_data(data, relying_party)?;
    key.verify(&[data, &sha256(&[client_data])].concat(), signature)
}

/// The specification says text; the network takes bytes as well.
fn text_or_bytes<'a>(item: Option<&'a [u8]>, name: &'static str) -> Result<&'a [u8], BadCbor> {
    let mut reader = Reader::new(item.ok_or(BadCbor::NoKey(name))?);
    match reader.text() {
        Ok(text) => reader.end().map(|()| text.as_bytes()),
        Err(_) => cbor::bytes(item, name),
    }
}

fn check_client_data(
    client_data: &[u8],
    message: &[u8],
    relying_party: Option<&RelyingParty>,
) -> Result<(), BadSignature> {
    let wrong = BadSignature::Authenticator;
    let fields: Value =
        serde_json::from_slice(client_data).map_err(|_| wrong("its client data is no JSON"))?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if text("type") != Some("webauthn.get") {
        return Err(wrong("it is not of type webauthn.get"));
    }
    if text("challenge") != Some(&BASE64URL_NOPAD.encode(message)) {
        return Err(wrong("its challenge is another message"));
    }
    let origins = relying_party.and_then(|party| party.origins.as_ref());
    let is_origin = |origin: &String| text("origin") == Some(origin);
    if origins.is_some_and(|origins| !origins.iter().any(is_origin)) {
        return Err(wrong("another origin asked for it"));
    }
    Ok(())
}

fn check_data(data: &[u8], relying_party: Option<&RelyingParty>) -> Result<(), BadSignature> {
    let wrong = BadSignature::Authenticator;
    let (asked_by, rest) = data.split_at_checked(32).ok_or(wrong("its data is too short"))?;
    if data.len() < DATA_BYTES_MIN {
        return Err(wrong("its data is too short"));
    }
    if rest.first().is_none_or(|flags| flags & USER_PRESENT == 0) {
        return Err(wrong("nobody was present"));
    }
    let id = relying_party.and_then(|party| party.id.as_ref());
    if id.is_some_and(|id| sha256(&[id.as_bytes()]) != asked_by) {
        return Err(wrong("another relying party asked for it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Keys and signatures as NEAR writes them. Sources: near-crypto; NEP-518 for accounts of keys.

use core::{fmt, str::FromStr};

use ed25519_dalek::{SigningKey, VerifyingKey};
use k256::ecdsa::{self, RecoveryId};
use types::{Hash, keccak256};
use zeroize::Zeroizing;

use super::id::NearId;
use crate::wire::{CryptoHash, Malformed, Reader, base58, to_base58};

/// A public key. Text form: the curve, a colon, base58; without a curve it is ed25519.
///
/// Holds any bytes of the right length, as the chain does. Whether they are a point shows when a
/// signature is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicKey {
    /// 32 bytes.
    Ed25519([u8; 32]),
    /// Both coordinates of a point.
    Secp256k1([u8; 64]),
}

/// A signature. Text form: as for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// `R ‖ S`.
    Ed25519([u8; 64]),
    /// `r ‖ s ‖ v`, v in 0 to 3.
    Secp256k1([u8; 65]),
}

/// The key did not make the signature, or neither is what it seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key did not make this signature")]
pub struct BadSignature;

impl PublicKey {
    /// The curve's name.
    pub const fn curve(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519",
            Self::Secp256k1(_) => "secp256k1",
        }
    }

    /// The bytes, without the curve.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(bytes) => bytes,
            Self::Secp256k1(bytes) => bytes,
        }
    }

    /// The account that paying this key makes: NEAR-implicit, or ETH-implicit for secp256k1.
    pub fn implicit_id(&self) -> NearId {
        match self {
            Self::Ed25519(bytes) => NearId::implicit(hex::encode(bytes)),
            Self::Secp256k1(bytes) => {
                let digest = keccak256(bytes);
                let (_, address) = digest.as_bytes().split_at(12);
                NearId::implicit(format!("0x{}", hex::encode(address)))
            }
        }
    }

    /// Whether this key made `signature` over `digest`.
    ///
    /// Strict, so that a signature has one form and means one key: ed25519 with S below the order
    /// and no point of small order, secp256k1 with low s and the v that recovers the key.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, digest: &CryptoHash, signature: &Signature) -> Result<(), BadSignature> {
        match (self, signature) {
            (Self::Ed25519(key), Signature::Ed25519(signature)) => {
                let key = ed25519_key(key).ok_or(BadSignature)?;
                let signature = ed25519_dalek::Signature::from_bytes(signature);
                key.verify_strict(digest.as_bytes(), &signature).map_err(|_| BadSignature)
            }
            (Self::Secp256k1(key), Signature::Secp256k1(signature)) => {
                let found = recover(digest.as_bytes(), signature).ok_or(BadSignature)?;
                if found == *key { Ok(()) } else { Err(BadSignature) }
            }
            _ => Err(BadSignature),
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => reader.array().map(Self::Ed25519),
            1 => reader.array().map(Self::Secp256k1),
            _ => Err(Malformed("curve")),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Ed25519(_) => 0,
            Self::Secp256k1(_) => 1,
        });
        out.extend_from_slice(self.as_bytes());
    }
}

impl Signature {
    /// The bytes, without the curve.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(bytes) => bytes,
            Self::Secp256k1(bytes) => bytes,
        }
    }

    /// The signature whose bytes have this length; ed25519 has 64, secp256k1 65.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let ed25519 = bytes.try_into().map(Self::Ed25519);
        ed25519.or_else(|_| bytes.try_into().map(Self::Secp256k1)).ok()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => reader.array().map(Self::Ed25519),
            1 => reader.array().map(Self::Secp256k1),
            _ => Err(Malformed("curve")),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Ed25519(_) => 0,
            Self::Secp256k1(_) => 1,
        });
        out.extend_from_slice(self.as_bytes());
    }
}

/// The key of `bytes`, if they are the one form of a point.
pub(crate) fn ed25519_key(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    // The field's prime is 2^255 - 19: the 19 larger coordinates would name other keys again.
    let [low, middle @ .., high] = bytes;
    let is_larger = *low >= 0xed && middle.iter().all(|byte| *byte == 0xff) && high | 0x80 == 0xff;
    if is_larger { None } else { VerifyingKey::from_bytes(bytes).ok() }
}

/// Both coordinates of the secp256k1 key that made `r ‖ s ‖ v` over `digest`; s must be low.
pub(super) fn recover(digest: &[u8; 32], signature: &[u8; 65]) -> Option<[u8; 64]> {
    let [rs @ .., v] = signature;
    let id = RecoveryId::from_byte(*v)?;
    let rs = ecdsa::Signature::from_slice(rs).ok()?;
    if rs.normalize_s().is_some() {
        return None;
    }
    let key = ecdsa::VerifyingKey::recover_from_prehash(digest, &rs, id).ok()?;
    Some(coordinates(&key))
}

/// The Ethereum address whose key made `r ‖ s ‖ v` over `digest`; s must be low, v 27 or 28.
pub(crate) fn recover_address(digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
    let mut signature: [u8; 65] = signature.try_into().ok()?;
    let [.., v] = &mut signature;
    *v = v.checked_sub(27).filter(|parity| *parity < 2)?;
    let hashed = keccak256(&recover(digest.as_bytes(), &signature)?);
    hashed.as_bytes().last_chunk().copied()
}

/// The secret in `text` as NEAR's tools export it: `ed25519:` and base58 of the 32 secret bytes, or
/// of these with the 32 of the public key after them, which must fit.
pub fn secret_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let (true, _, data) = split(text) else { return None };
    if let Some(both) = base58::<64>(data).map(Zeroizing::new) {
        let secret = Zeroizing::new(*both.first_chunk()?);
        let public = SigningKey::from_bytes(&secret).verifying_key();
        return (both.last_chunk() == Some(public.as_bytes())).then_some(secret);
    }
    base58(data).map(Zeroizing::new)
}

pub(super) fn coordinates(key: &ecdsa::VerifyingKey) -> [u8; 64] {
    let point = key.to_encoded_point(false);
    let (_, coordinates) = point.as_bytes().split_at(1);
    coordinates.try_into().expect("an uncompressed point has two coordinates")
}

/// Splits `curve:data`. Curves are read in any case, as all of NEAR's libraries do.
fn split(text: &str) -> (bool, bool, &str) {
    match text.split_once(':') {
        None => (true, false, text),
        Some((curve, data)) => {
            (curve.eq_ignore_ascii_case("ed25519"), curve.eq_ignore_ascii_case("secp256k1"), data)
        }
    }
}

impl FromStr for PublicKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let key = match split(text) {
            (true, _, data) => base58(data).map(Self::Ed25519),
            (_, true, data) => base58(data).map(Self::Secp256k1),
            _ => None,
        };
        key.ok_or(Malformed("public key"))
    }
}

impl FromStr for Signature {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let signature = match split(text) {
            (true, _, data) => base58(data).map(Self::Ed25519),
            (_, true, data) => base58(data).map(Self::Secp256k1),
            _ => None,
        };
        signature.ok_or(Malformed("signature"))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.curve(), to_base58(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests;

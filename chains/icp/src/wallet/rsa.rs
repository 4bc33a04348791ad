//! RSA signatures with PKCS #1 v1.5 padding and SHA-256, which some authenticators make.
//! Source: RFC 8017, §8.2.2, §9.2.

use k256::elliptic_curve::bigint::{
    Encoding as _, U64, U2048,
    modular::runtime_mod::{DynResidue, DynResidueParams},
};

use super::key::BadSignature;
use crate::hash::sha256;

const BYTES: usize = 256;
/// The only exponent in use, of 17 bits.
const EXPONENT: U64 = U64::from_u64(65537);
const EXPONENT_BITS: usize = 17;
/// `DigestInfo` of SHA-256, before the digest.
const DIGEST_INFO: &[u8; 19] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
/// What is left for padding: all but two leading bytes, a zero and the digest.
const PADDING: [u8; BYTES - 54] = [0xff; BYTES - 54];

/// A modulus of exactly 2048 bits, which is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RsaKey(U2048);

impl RsaKey {
    /// Reads the modulus; `None` if it has fewer bits or more, or is even.
    pub(super) fn parse(modulus: &[u8]) -> Option<Self> {
        let bytes: [u8; BYTES] = modulus.try_into().ok()?;
        let is_legal = bytes[0] >= 0x80 && bytes[BYTES - 1] % 2 == 1;
        is_legal.then(|| Self(U2048::from_be_bytes(bytes)))
    }
}

/// Whether `key` signed `message`. The padding is made anew and compared, never parsed.
pub(super) fn verify(key: &RsaKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    let bytes: [u8; BYTES] = signature.try_into().map_err(|_| BadSignature::Form)?;
    let signature = U2048::from_be_bytes(bytes);
    // A larger number would be a second encoding of the same signature.
    if signature >= key.0 {
        return Err(BadSignature::Form);
    }
    let params = DynResidueParams::new(&key.0);
    let opened = DynResidue::new(&signature, params).pow_bounded_exp(&EXPONENT, EXPONENT_BITS);
    let digest = sha256(&[message]);
    let expected = [&[0, 1], &PADDING[..], &[0], &DIGEST_INFO[..], &digest].concat();
    let is_same = opened.retrieve().to_be_bytes()[..] == expected[..];
    if is_same { Ok(()) } else { Err(BadSignature::Mismatch) }
}

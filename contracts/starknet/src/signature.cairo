//! Who signed what.

#[feature("byte-span")]
use core::byte_array::ByteSpanTrait;
use starknet::secp256_trait::{
    Secp256PointTrait, Secp256Trait, is_valid_signature, recover_public_key, signature_from_vrs,
};
use starknet::secp256k1::Secp256k1Point;
use starknet::secp256r1::Secp256r1Point;
use starknet::{EthAddress, SyscallResultTrait};
use crate::bytes::{keccak, keccak_pair, number_at, span_of, word_at};
use crate::bytes32::Bytes32;

pub const ED25519: u8 = 1;
pub const SECP256K1: u8 = 2;
pub const P256: u8 = 3;

/// `x ‖ y`.
const POINT_BYTES: usize = 64;

/// Whether the key of `signer` made `r ‖ s ‖ v` (v 27 or 28, low s) over `digest`.
pub fn is_by(signer: EthAddress, digest: Bytes32, signature: @ByteArray) -> bool {
    recover(digest, signature) == Some(signer)
}

/// The Ethereum address whose key made `r ‖ s ‖ v` (v 27 or 28, low s) over `digest`.
fn recover(digest: Bytes32, signature: @ByteArray) -> Option<EthAddress> {
    let bytes = span_of(signature);
    if bytes.len() != 65 {
        return None;
    }
    let (r, s) = (word_at(@bytes, 0)?, word_at(@bytes, 32)?);
    let v: u32 = number_at(@bytes, 64, 1)?.try_into()?;
    if v != 27 && v != 28 {
        return None;
    }
    let signature = signature_from_vrs(v, r.into(), s.into());
    // Bounds r, and s to its lower half.
    let point = recover_public_key::<Secp256k1Point>(digest.into(), signature)?;
    let (x, y) = point.get_coordinates().unwrap_syscall();
    if x == 0 && y == 0 {
        // Infinity, which anybody can have recovered: nobody's key.
        return None;
    }
    Some(address_of(keccak_pair(x, y)))
}

/// Whether `key` made `signature` over `digest`; true for Ed25519, which nodes check.
pub fn is_by_key(scheme: u8, key: @ByteArray, digest: Bytes32, signature: @ByteArray) -> bool {
    if scheme == ED25519 {
        return true;
    }
    if key.len() != POINT_BYTES {
        return false;
    }
    if scheme == SECP256K1 {
        return is_by(address_of(keccak(key)), digest, signature);
    }
    scheme == P256 && is_by_p256(key, digest, signature).unwrap_or(false)
}

/// Wallets and browsers do not keep `s` low on this curve, so both twins hold here; nothing
/// depends on a binding's signature being the only one.
fn is_by_p256(key: @ByteArray, digest: Bytes32, signature: @ByteArray) -> Option<bool> {
    let bytes = span_of(signature);
    if bytes.len() != 64 {
        return None;
    }
    let r: u256 = word_at(@bytes, 0)?.into();
    let mut s: u256 = word_at(@bytes, 32)?.into();
    let order = Secp256Trait::<Secp256r1Point>::get_curve_size();
    if s > order / 2 && s < order {
        s = order - s;
    }
    let bytes = span_of(key);
    let x: u256 = word_at(@bytes, 0)?.into();
    let y: u256 = word_at(@bytes, 32)?.into();
    if x == 0 && y == 0 {
        // The chain takes this for infinity, with which every r that one knows holds.
        return None;
    }
    // An error is a coordinate beyond the field, none a point beside the curve.
    let point = Secp256Trait::<Secp256r1Point>::secp256_ec_new_syscall(x, y).ok()??;
    Some(is_valid_signature::<Secp256r1Point>(digest.into(), r, s, point))
}

/// The last 20 bytes of a key's hash.
fn address_of(hash: Bytes32) -> EthAddress {
    let hash: u256 = hash.into();
    hash.into()
}

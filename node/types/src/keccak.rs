//! Keccak-256, the hash all four chains share.

use sha3::{Digest as _, Keccak256};

use crate::Hash;

/// Keccak-256 of `bytes` (the pre-standard padding that Ethereum uses, not SHA3-256).
pub fn keccak256(bytes: &[u8]) -> Hash {
    keccak256_concat(&[bytes])
}

/// Keccak-256 of the concatenation of `parts`, without building it.
pub fn keccak256_concat(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Hash::from_bytes(hasher.finalize().into())
}

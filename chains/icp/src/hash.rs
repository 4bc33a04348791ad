//! SHA-2, which all of the Internet Computer's names and trees are made with.

use sha2::{Digest as _, Sha224, Sha256};

/// Of the parts one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

pub(crate) fn sha224(bytes: &[u8]) -> [u8; 28] {
    Sha224::digest(bytes).into()
}

//! Signatures of plain accounts. Sources: EIP-191 (0x45), EIP-2 (low s), EIP-55 (checksums).

use alloy::primitives::Address;
use chain::WalletError;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use types::{Hash, keccak256, keccak256_concat};

/// What `personal_sign` signs. Source: EIP-191, version 0x45.
pub(crate) fn personal_digest(message: &[u8]) -> Hash {
    let len = message.len().to_string();
    keccak256_concat(&[b"\x19Ethereum Signed Message:\n", len.as_bytes(), message])
}

/// `r ‖ s ‖ v`, low s, v in {27, 28}.
pub(super) fn sign(message: &[u8], key: &SigningKey) -> Result<Vec<u8>, WalletError> {
    let digest = personal_digest(message);
    let signed = key.sign_prehash_recoverable(digest.as_bytes());
    let (signature, id) = signed.map_err(|_| WalletError::BadKey)?;
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + id.to_byte());
    Ok(bytes)
}

/// Who signed `message` with `personal_sign`; as [`recover_digest`].
pub(super) fn recover(message: &[u8], signature: &[u8]) -> Result<Address, WalletError> {
    recover_digest(&personal_digest(message), signature)
}

/// Who signed `digest`. Takes v in {27, 28} and, as some wallets write it, {0, 1}; not the 64 bytes
/// of EIP-2098, which would be a second form of the same signature.
///
/// # Errors
/// [`WalletError::BadSignature`] for another length or v, a scalar out of range, a high s (the same
/// signature has a second form otherwise), or if nobody can have signed.
pub(crate) fn recover_digest(digest: &Hash, signature: &[u8]) -> Result<Address, WalletError> {
    let bad = WalletError::BadSignature;
    let (rs, v) = match signature {
        [rs @ .., v] if rs.len() == 64 => (rs, *v),
        _ => return Err(bad),
    };
    match v {
        0 | 1 => recover_parity(digest, rs, v),
        27 | 28 => recover_parity(digest, rs, v - 27),
        _ => Err(bad),
    }
}

/// As [`recover_digest`], with `r ‖ s` and the parity of the point's y.
pub(crate) fn recover_parity(digest: &Hash, rs: &[u8], parity: u8) -> Result<Address, WalletError> {
    let rs = Signature::from_slice(rs).map_err(|_| WalletError::BadSignature)?;
    if rs.normalize_s().is_some() {
        return Err(WalletError::BadSignature);
    }
    recover_any_s(digest, &rs, parity)
}

/// What the precompile at address 1 answers: s may be high; `None` if it gives nothing back.
/// Source: Yellow Paper, appendix E.1.
pub(crate) fn precompile(digest: &Hash, v: u8, rs: &[u8]) -> Option<Address> {
    let parity = v.checked_sub(27).filter(|parity| *parity < 2)?;
    recover_any_s(digest, &Signature::from_slice(rs).ok()?, parity).ok()
}

fn recover_any_s(digest: &Hash, rs: &Signature, parity: u8) -> Result<Address, WalletError> {
    let bad = || WalletError::BadSignature;
    // k256 refuses to recover from a high s; the same point comes from the low twin.
    let (rs, parity) = match rs.normalize_s() {
        Some(low) => (low, parity ^ 1),
        None => (*rs, parity),
    };
    let id = RecoveryId::from_byte(parity).filter(|id| !id.is_x_reduced()).ok_or_else(bad)?;
    let key = VerifyingKey::recover_from_prehash(digest.as_bytes(), &rs, id);
    Ok(address_of(&key.map_err(|_| bad())?))
}

/// The account of a key: the last 20 bytes of the hash of its point.
pub(crate) fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    let digest = keccak256(point.as_bytes().get(1..).unwrap_or_default());
    Address::from_slice(&digest.as_bytes()[12..])
}

/// The address in `text`, which must be in checksummed form.
pub(super) fn parse_checksummed(text: &str) -> Option<Address> {
    let address: Address = text.parse().ok()?;
    (address.to_checksum(None) == text).then_some(address)
}

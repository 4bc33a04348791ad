//! Signatures of plain accounts. Sources: EIP-191 (0x45), EIP-2 (low s), EIP-55 (checksums).

use alloy::primitives::Address;
use chain::WalletError;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use types::{Hash, keccak256, keccak256_concat};

/// What `personal_sign` signs.
fn personal_digest(message: &[u8]) -> Hash {
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

/// Who signed `message`. Takes v in {27, 28} and, as some wallets write it, {0, 1}.
///
/// # Errors
/// [`WalletError::BadSignature`] for another length or v, a scalar out of range, a high s (the same
/// signature has a second form otherwise), or if nobody can have signed.
pub(super) fn recover(message: &[u8], signature: &[u8]) -> Result<Address, WalletError> {
    let bad = WalletError::BadSignature;
    let (rs, v) = match signature {
        [rs @ .., v] if rs.len() == 64 => (rs, *v),
        _ => return Err(bad),
    };
    let id = match v {
        0 | 1 => v,
        27 | 28 => v - 27,
        _ => return Err(bad),
    };
    let rs = Signature::from_slice(rs).map_err(|_| WalletError::BadSignature)?;
    if rs.normalize_s().is_some() {
        return Err(bad);
    }
    let id = RecoveryId::from_byte(id).ok_or(WalletError::BadSignature)?;
    let digest = personal_digest(message);
    let key = VerifyingKey::recover_from_prehash(digest.as_bytes(), &rs, id)
        .map_err(|_| WalletError::BadSignature)?;
    Ok(address_of(&key))
}

/// The account of a key: the last 20 bytes of the hash of its point.
pub(super) fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    let digest = keccak256(point.as_bytes().get(1..).unwrap_or_default());
    Address::from_slice(&digest.as_bytes()[12..])
}

/// The address in `text`, which must be in checksummed form.
pub(super) fn parse_checksummed(text: &str) -> Option<Address> {
    let address: Address = text.parse().ok()?;
    (address.to_checksum(None) == text).then_some(address)
}

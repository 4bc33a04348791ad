//! Signatures of the Ethereum keys behind ETH-implicit accounts. Sources: NEP-518; EIP-191 (0x45);
//! EIP-2 (low s).

use chain::WalletError;
use k256::ecdsa::SigningKey;
use types::{Hash, keccak256_concat};

use super::{
    id::NearId,
    key::{self, PublicKey},
};

/// What `personal_sign` signs.
pub(super) fn digest(message: &[u8]) -> Hash {
    let len = message.len().to_string();
    keccak256_concat(&[b"\x19Ethereum Signed Message:\n", len.as_bytes(), message])
}

/// The account whose key signed `message` by `personal_sign`: `r ‖ s ‖ v`, low s, v in {27, 28} or,
/// as some wallets write it, {0, 1}.
#[cfg(test)]
pub(super) fn recover(message: &[u8], signature: &[u8]) -> Result<NearId, WalletError> {
    recover_over(&digest(message), signature)
}

/// The account whose key signed `digest`: `r ‖ s ‖ v`, low `s`, `v` of 27 or 28 or, as some wallets
/// write it, 0 or 1.
pub(crate) fn recover_over(digest: &Hash, signature: &[u8]) -> Result<NearId, WalletError> {
    let mut signature: [u8; 65] = signature.try_into().map_err(|_| WalletError::BadSignature)?;
    let [.., v] = &mut signature;
    *v = match *v {
        parity @ (0 | 1) => parity,
        27 => 0,
        28 => 1,
        _ => return Err(WalletError::BadSignature),
    };
    let found = key::recover(digest.as_bytes(), &signature);
    found.map(|key| PublicKey::Secp256k1(key).implicit_id()).ok_or(WalletError::BadSignature)
}

/// As `personal_sign` does, with v in {27, 28}.
pub(super) fn sign(message: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, WalletError> {
    let key = SigningKey::from_slice(secret).map_err(|_| WalletError::BadKey)?;
    let signed = key.sign_prehash_recoverable(digest(message).as_bytes());
    let (signature, id) = signed.map_err(|_| WalletError::BadKey)?;
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + id.to_byte());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use k256::ecdsa::VerifyingKey;

    use super::*;

    #[test]
    fn a_key_signs_for_the_account_in_its_name() {
        let key = VerifyingKey::from(&SigningKey::from_slice(&[7; 32]).expect("a key"));
        let id = PublicKey::Secp256k1(key::coordinates(&key)).implicit_id();
        let signature = sign(b"hi", &[7; 32]).expect("signed");
        assert_eq!(recover(b"hi", &signature), Ok(id.clone()));
        assert_ne!(recover(b"ho", &signature), Ok(id));
        assert_eq!(recover(b"hi", &signature[..64]), Err(WalletError::BadSignature));
        let mut other = signature;
        other[64] += 2;
        assert_eq!(recover(b"hi", &other), Err(WalletError::BadSignature));
    }

    /// The address of the key 1, as every Ethereum tool gives it.
    #[test]
    fn a_known_key_has_its_known_account() {
        let mut secret = [0; 32];
        secret[31] = 1;
        let signature = sign(b"", &secret).expect("signed");
        let id = recover(b"", &signature).expect("signed");
        assert_eq!(id.as_str(), "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    }
}

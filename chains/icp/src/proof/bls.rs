//! Signatures of subnets: BLS12-381 with the signature in G1.
//! Source: IC interface specification, "Certificate"; draft-irtf-cfrg-bls-signature-04.

use core::fmt;
use std::sync::LazyLock;

use blst::{
    BLST_ERROR,
    min_sig::{PublicKey, Signature},
};
use types::ChainId;

use crate::{Principal, hash::sha256};

const SCHEME: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
/// What stands before a key's 96 bytes in its DER encoding.
pub(crate) const DER_PREFIX: &[u8; 37] =
    b"\x30\x81\x82\x30\x1d\x06\x0d\x2b\x06\x01\x04\x01\x82\xdc\
    \x7c\x05\x03\x01\x02\x01\x06\x0c\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x02\x01\x03\x61\x00";
/// Bytes of a key, as a compressed point.
const KEY_BYTES: usize = 96;

/// The root key of the mainnet, which changes only if the network is founded anew.
const MAINNET: [u8; KEY_BYTES] = *b"\
    \x81\x4c\x0e\x6e\xc7\x1f\xab\x58\x3b\x08\xbd\x81\x37\x3c\x25\x5c\x3c\x37\x1b\x2e\x84\x86\x3c\
    \x98\xa4\xf1\xe0\x8b\x74\x23\x5d\x14\xfb\x5d\x9c\x0c\xd5\x46\xd9\x68\x5f\x91\x3a\x0c\x0b\x2c\
    \xc5\x34\x15\x83\xbf\x4b\x43\x92\xe4\x67\xdb\x96\xd6\x5b\x9b\xb4\xcb\x71\x71\x12\xf8\x47\x2e\
    \x0d\x5a\x4d\x14\x50\x5f\xfd\x74\x84\xb0\x12\x91\x09\x1c\x5f\x87\xb9\x88\x83\x46\x3f\x98\x09\
    \x1a\x0b\xaa\xae";

/// The key of a subnet: a point of the group, and not the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BlsKey(PublicKey);

/// The key that all trust in a network comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootKey(BlsKey);

/// Why a key or a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBls {
    /// Not 96 bytes, no point of the group, or the identity.
    #[error("the BLS key is none")]
    Key,
    /// No point of the group, the identity, or not by this key.
    #[error("the BLS signature does not hold")]
    Signature,
}

impl BlsKey {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`BadBls::Key`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadBls> {
        if bytes.len() != KEY_BYTES {
            return Err(BadBls::Key);
        }
        PublicKey::key_validate(bytes).map(Self).map_err(|_| BadBls::Key)
    }

    /// Reads a key as state trees hold it.
    ///
    /// # Errors
    /// [`BadBls::Key`].
    pub fn from_der(der: &[u8]) -> Result<Self, BadBls> {
        Self::from_bytes(der.strip_prefix(DER_PREFIX).ok_or(BadBls::Key)?)
    }

    /// As a compressed point.
    pub fn to_bytes(&self) -> [u8; KEY_BYTES] {
        self.0.compress()
    }

    /// As state trees hold it.
    pub fn to_der(&self) -> Vec<u8> {
        [&DER_PREFIX[..], &self.to_bytes()].concat()
    }

    /// Whether it signed `message`.
    ///
    /// # Errors
    /// [`BadBls::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadBls> {
        let signature = Signature::from_bytes(signature).map_err(|_| BadBls::Signature)?;
        // The signature's group is checked here, on one thread while the other one pairs; the key's
        // was when it was read. The identity signs nothing, as no message hashes to it.
        match signature.verify(true, message, SCHEME, &[], &self.0, false) {
            BLST_ERROR::BLST_SUCCESS => Ok(()),
            _ => Err(BadBls::Signature),
        }
    }
}

impl fmt::Debug for BlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlsKey({})", Principal::self_authenticating(&self.to_der()))
    }
}

impl RootKey {
    /// The mainnet's.
    pub fn mainnet() -> Self {
        static KEY: LazyLock<RootKey> =
            LazyLock::new(|| RootKey::from_bytes(&MAINNET).expect("it is a point of the group"));
        *KEY
    }

    /// Reads 96 bytes, or those in their DER encoding.
    ///
    /// # Errors
    /// [`BadBls::Key`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadBls> {
        BlsKey::from_bytes(bytes.strip_prefix(DER_PREFIX).unwrap_or(bytes)).map(Self)
    }

    /// The key itself.
    pub const fn key(&self) -> &BlsKey {
        &self.0
    }

    /// The network's name: `icp:` and the first half of the hash of its root key.
    pub fn network(&self) -> ChainId {
        let digest = sha256(&[&self.0.to_der()]);
        let (half, _) = digest.split_at(16);
        let name = format!("icp:{}", data_encoding::HEXLOWER.encode(half));
        name.parse().expect("32 hexadecimal digits are a legal reference")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge;

    #[test]
    fn the_mainnet_has_its_name() {
        let root = RootKey::mainnet();
        assert_eq!(root.network().as_str(), "icp:737ba355e855bd4b61279056603e0550");
        assert_eq!(RootKey::from_bytes(&root.key().to_der()), Ok(root));
        assert_eq!(root.key().to_bytes(), MAINNET);
    }

    #[test]
    fn keys_outside_the_group_are_refused() {
        let mut identity = [0; KEY_BYTES];
        identity[0] = 0xc0;
        let mut uncompressed = MAINNET;
        uncompressed[0] &= 0x7f;
        for (story, bytes) in [
            ("the identity", &identity[..]),
            ("zeros", &[0; KEY_BYTES]),
            ("no flag of compression", &uncompressed),
            ("not on the curve", &[0x81; KEY_BYTES]),
            ("short", &MAINNET[1..]),
            ("nothing", &[]),
        ] {
            assert_eq!(BlsKey::from_bytes(bytes), Err(BadBls::Key), "{story}");
        }
    }

    /// On the curve of x³ + 4 or its twin, but not in the subgroup of prime order.
    #[test]
    fn points_of_small_order_are_refused() {
        // x = 4 is on the curve over Fp, outside of G1: the cofactor is not cleared.
        let mut signature = [0; 48];
        signature[0] = 0x80;
        signature[47] = 4;
        assert_eq!(Signature::uncompress(&signature).map(drop), Ok(()), "it is on the curve");
        assert_eq!(RootKey::mainnet().key().verify(b"", &signature), Err(BadBls::Signature));
        let in_group = |x: u8| {
            let mut key = [0; KEY_BYTES];
            (key[0], key[KEY_BYTES - 1]) = (0x80, x);
            PublicKey::uncompress(&key).is_ok().then(|| BlsKey::from_bytes(&key))
        };
        let on_curve: Vec<_> = (1..=20).filter_map(in_group).collect();
        assert!(!on_curve.is_empty());
        assert!(on_curve.iter().all(|key| *key == Err(BadBls::Key)));
    }

    #[test]
    fn a_signature_is_of_one_key_and_message() {
        let (secret, key) = forge::bls_key(1);
        let signature = forge::bls_sign(&secret, b"message");
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert_eq!(key.verify(b"massage", &signature), Err(BadBls::Signature));
        assert_eq!(forge::bls_key(2).1.verify(b"message", &signature), Err(BadBls::Signature));
        let mut identity = [0; 48];
        identity[0] = 0xc0;
        for bad in [&signature[1..], &[0; 48], &identity, &[]] {
            assert_eq!(key.verify(b"message", bad), Err(BadBls::Signature));
        }
    }
}

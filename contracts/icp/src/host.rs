//! The signatures that the machine asks about. All three schemes are checked here.

use ed25519_dalek as ed25519;
use governance::anchor::{Account, Approval, Host, SCHEME_ED25519};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use types::{Hash, keccak256};

// Signatures are checked here, never made: what would ask for randomness is refused.
getrandom::register_custom_getrandom!(no_randomness);

const fn no_randomness(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}

const SECP256K1: u8 = 2;
const P256: u8 = 3;

/// The Internet Computer: accounts act by their own calls, keys sign.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Canister;

impl Host for Canister {
    /// Principals approve by their own calls: there is no approval by signature here.
    fn approved(&self, _: &Account, _: &Approval, _: &[u8]) -> bool {
        false
    }

    fn recover(&self, digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
        recover(digest, signature).map(|key| address(&key))
    }

    fn key_signed(&self, scheme: u8, key: &[u8], digest: &Hash, signature: &[u8]) -> Option<bool> {
        Some(match scheme {
            SCHEME_ED25519 => is_by_ed25519(key, digest, signature).is_some(),
            SECP256K1 => recover(digest, signature).is_some_and(|by| by == *key),
            P256 => is_by_p256(key, digest, signature).is_some(),
            _ => false,
        })
    }
}

/// `x ‖ y` of the key that made `r ‖ s ‖ v`, v 27 or 28, s low.
fn recover(digest: &Hash, signature: &[u8]) -> Option<[u8; 64]> {
    let (rs, v) = signature.split_at_checked(64)?;
    let &[v @ (27 | 28)] = v else { return None };
    let rs = Signature::from_slice(rs).ok()?;
    if rs.normalize_s().is_some() {
        return None;
    }
    let id = RecoveryId::from_byte(v.checked_sub(27)?)?;
    let key = VerifyingKey::recover_from_prehash(digest.as_bytes(), &rs, id).ok()?;
    let point = key.to_encoded_point(false);
    let (_, xy) = point.as_bytes().split_first()?;
    xy.try_into().ok()
}

fn address(key: &[u8; 64]) -> [u8; 20] {
    let hash = keccak256(key);
    let (_, end) = hash.as_bytes().split_last_chunk().expect("32 bytes have a last 20");
    *end
}

/// Strict: a key or a signature of small order signs nothing.
fn is_by_ed25519(key: &[u8], digest: &Hash, signature: &[u8]) -> Option<()> {
    let key = ed25519::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let signature = ed25519::Signature::from_slice(signature).ok()?;
    key.verify_strict(digest.as_bytes(), &signature).ok()
}

/// Browsers do not keep s low on this curve: both twins hold.
fn is_by_p256(key: &[u8], digest: &Hash, signature: &[u8]) -> Option<()> {
    if key.len() != 64 {
        return None;
    }
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[4], key].concat()).ok()?;
    let signature = p256::ecdsa::Signature::from_slice(signature).ok()?;
    key.verify_prehash(digest.as_bytes(), &signature).ok()
}

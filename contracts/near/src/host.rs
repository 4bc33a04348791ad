//! Signatures, checked by the chain's own functions.

use governance::anchor::{Account, Approval, Host};
use near_sdk::env;
use p256::{
    AffinePoint, EncodedPoint,
    elliptic_curve::sec1::{FromEncodedPoint as _, ToEncodedPoint as _},
};
use types::{Hash, keccak256};

const ED25519: u8 = 1;
const SECP256K1: u8 = 2;
const P256: u8 = 3;

/// NEAR's virtual machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Near;

impl Host for Near {
    /// There are no approvals by signature here: whoever has no NEAR signs a delegate action.
    fn approved(&self, _: &Account, _: &Approval, _: &[u8]) -> bool {
        false
    }

    fn recover(&self, digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
        let key = recover(digest, signature)?;
        keccak256(&key).as_bytes().last_chunk().copied()
    }

    fn key_signed(&self, scheme: u8, key: &[u8], digest: &Hash, signature: &[u8]) -> Option<bool> {
        Some(match scheme {
            ED25519 => by_ed25519(key, digest, signature),
            SECP256K1 => recover(digest, signature).is_some_and(|by| by == *key),
            P256 => by_p256(key, digest, signature).unwrap_or(false),
            _ => false,
        })
    }
}

fn by_ed25519(key: &[u8], digest: &Hash, signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else { return false };
    env::ed25519_verify(signature, digest.as_bytes(), key)
}

/// `x ‖ y` of the key that made `r ‖ s ‖ v`, v 27 or 28 and s low.
fn recover(digest: &Hash, signature: &[u8]) -> Option<[u8; 64]> {
    let (rs, v) = signature.split_at_checked(64)?;
    let &[v @ (27 | 28)] = v else { return None };
    env::ecrecover(digest.as_bytes(), rs, v - 27, true)
}

fn by_p256(key: &[u8], digest: &Hash, signature: &[u8]) -> Option<bool> {
    let signature = signature.try_into().ok()?;
    let (x, y) = key.split_at_checked(32)?;
    let (x, y): (&[u8; 32], &[u8; 32]) = (x.try_into().ok()?, y.try_into().ok()?);
    // The chain takes compressed points: that the whole one is on the curve is to be seen here.
    let point = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
    let point = Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&point))?;
    let compressed = point.to_encoded_point(true);
    let compressed = compressed.as_bytes().try_into().ok()?;
    Some(env::p256_verify(signature, digest.as_bytes(), compressed))
}

//! Signatures that a careless check would take, though nobody's key made them.

use anyhow::{Context as _, Result};
use k256::elliptic_curve::{PrimeField as _, ops::Reduce, point::AffineCoordinates as _};
use types::{Hash, keccak256};

/// `r ‖ s ‖ v` over `digest` from which infinity is recovered: `s R = digest G`.
pub(crate) fn infinity_k256(digest: &Hash) -> Result<Vec<u8>> {
    let e = <k256::Scalar as Reduce<k256::U256>>::reduce_bytes(&(*digest.as_bytes()).into());
    // Some small nonce leaves `s` in its lower half.
    for nonce in 2_u64..64 {
        let k = k256::Scalar::from(nonce);
        let point = (k256::ProjectivePoint::GENERATOR * k).to_affine();
        let s = e * Option::<k256::Scalar>::from(k.invert()).context("not zero")?;
        let signature = k256::ecdsa::Signature::from_scalars(point.x(), s.to_bytes());
        let signature = signature.context("in range")?;
        if signature.normalize_s().is_none() {
            let v = 27 + point.y_is_odd().unwrap_u8();
            return Ok([&signature.to_bytes()[..], &[v]].concat());
        }
    }
    anyhow::bail!("every second nonce would do")
}

/// `r ‖ s` over `digest` that holds for P-256's infinity as a key: `r` is the `x` of `digest G`.
pub(crate) fn infinity_p256(digest: &Hash) -> Result<Vec<u8>> {
    let e = <p256::Scalar as p256::elliptic_curve::ops::Reduce<p256::U256>>::reduce_bytes(
        &(*digest.as_bytes()).into(),
    );
    let point = (p256::ProjectivePoint::GENERATOR * e).to_affine();
    let one = p256::Scalar::ONE.to_repr();
    Ok([&point.x()[..], &one[..]].concat())
}

/// A member key of `scheme`, as `bind` takes it.
pub(crate) fn key(scheme: u8) -> Result<Vec<u8>> {
    Ok(match scheme {
        1 => vec![7; 32],
        2 => k256_secret()?.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec(),
        _ => p256_secret()?.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec(),
    })
}

/// What the key of [`key`] signs `digest` with. Nodes check Ed25519, so those are any bytes.
pub(crate) fn sign(scheme: u8, digest: &Hash) -> Result<Vec<u8>> {
    Ok(match scheme {
        1 => vec![9; 64],
        2 => {
            let (signature, id) = k256_secret()?.sign_prehash_recoverable(digest.as_bytes())?;
            [&signature.to_bytes()[..], &[27 + id.to_byte()]].concat()
        }
        _ => {
            let (signature, _) = p256_secret()?.sign_prehash_recoverable(digest.as_bytes())?;
            signature.to_bytes().to_vec()
        }
    })
}

/// The Ethereum address of the secp256k1 key.
pub(crate) fn address() -> Result<[u8; 20]> {
    let hash = keccak256(&key(2)?);
    hash.as_bytes()[12..].try_into().context("20 of 32")
}

fn k256_secret() -> Result<k256::ecdsa::SigningKey> {
    Ok(k256::ecdsa::SigningKey::from_slice(&[5; 32])?)
}

fn p256_secret() -> Result<p256::ecdsa::SigningKey> {
    Ok(p256::ecdsa::SigningKey::from_slice(&[6; 32])?)
}

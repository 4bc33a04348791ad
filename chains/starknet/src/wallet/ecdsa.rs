//! ECDSA on the Stark curve, y² = x³ + x + β over the felts.
//!
//! A public key is the x of a point alone, so both points of that x are tried, and (r, n − s) holds
//! wherever (r, s) does: never tell signatures apart by their bytes. Range rules as in StarkWare's
//! crypto-cpp, `ecdsa.cc`.

use starknet_crypto::rfc6979_generate_k;
use starknet_types_core::{
    curve::{AffinePoint, ProjectivePoint},
    felt::NonZeroFelt,
};

use crate::felt::Felt;

/// The number of points, a prime below P.
const ORDER: Felt =
    Felt::from_hex_unchecked("0x0800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f");
const ORDER_NON_ZERO: NonZeroFelt = NonZeroFelt::from_felt_unchecked(ORDER);

/// Bound of everything but s: 2^251.
const BOUND: Felt = Felt::ELEMENT_UPPER_BOUND;

/// Most nonces tried for one signature; the first fits but with a chance of 2^-55.
const NONCES_MAX: u8 = 8;

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignature {
    /// A number is zero or too large.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// The key is no x of the curve.
    #[error("the public key is no point of the curve")]
    Key,
    /// It is another key's, or of another message.
    #[error("the key did not sign this")]
    Other,
}

/// Whether the holder of `public_key` signed `message_hash` with (r, s).
///
/// # Errors
/// [`BadSignature`] if not.
pub fn verify(
    public_key: &Felt,
    message_hash: &Felt,
    r: &Felt,
    s: &Felt,
) -> Result<(), BadSignature> {
    if *message_hash >= BOUND {
        return Err(BadSignature::Range("the message hash"));
    }
    if *r == Felt::ZERO || *r >= BOUND {
        return Err(BadSignature::Range("r"));
    }
    if *s == Felt::ZERO || *s >= ORDER {
        return Err(BadSignature::Range("s"));
    }
    if *public_key == Felt::ZERO {
        return Err(BadSignature::Range("the public key"));
    }
    let w = s.mod_inverse(&ORDER_NON_ZERO).filter(|w| *w < BOUND);
    let w = w.ok_or(BadSignature::Range("the inverse of s"))?;
    let key = AffinePoint::new_from_x(public_key, false).ok_or(BadSignature::Key)?;
    let by_message = times(&AffinePoint::generator(), &message_hash.mul_mod(&w, &ORDER_NON_ZERO))?;
    let by_key = times(&key, &r.mul_mod(&w, &ORDER_NON_ZERO))?;
    // The point at infinity has no x: z is zero there, and nobody signed.
    let is_r = |point: &ProjectivePoint| {
        let z = point.z();
        z != Felt::ZERO && point.x() == *r * z
    };
    if is_r(&(&by_message + &by_key)) || is_r(&(&by_message - &by_key)) {
        return Ok(());
    }
    Err(BadSignature::Other)
}

fn times(point: &AffinePoint, factor: &Felt) -> Result<ProjectivePoint, BadSignature> {
    let point = ProjectivePoint::from_affine(point.x(), point.y());
    point.map(|point| &point * *factor).map_err(|_| BadSignature::Key)
}

/// The public half of `private_key`; `None` if it is zero, or the curve's order or more.
pub fn public_key(private_key: &Felt) -> Option<Felt> {
    let fits = *private_key != Felt::ZERO && *private_key < ORDER;
    fits.then(|| starknet_crypto::get_public_key(private_key))
}

/// (r, s) of `private_key` under `message_hash`, with the nonce of RFC 6979. Not in constant time.
///
/// # Errors
/// [`BadSignature::Range`] if either is out of range.
pub fn sign(private_key: &Felt, message_hash: &Felt) -> Result<[Felt; 2], BadSignature> {
    if *private_key == Felt::ZERO || *private_key >= ORDER {
        return Err(BadSignature::Range("the private key"));
    }
    for seed in 0..NONCES_MAX {
        let seed = (seed > 0).then(|| Felt::from(seed));
        let nonce = rfc6979_generate_k(message_hash, private_key, seed.as_ref());
        if let Ok(signature) = starknet_crypto::sign(private_key, message_hash, &nonce) {
            return Ok([signature.r, signature.s]);
        }
    }
    Err(BadSignature::Range("the message hash"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn felt(number: u64) -> Felt {
        Felt::from(number)
    }

    fn less(a: &Felt, b: &Felt) -> Felt {
        *a - *b
    }

    #[test]
    fn a_key_signs_its_message_alone() {
        let (key, hash) = (felt(77), felt(123_456));
        let [r, s] = sign(&key, &hash).expect("in range");
        let public = public_key(&key).expect("a key");
        assert_eq!(verify(&public, &hash, &r, &s), Ok(()));
        assert_eq!(verify(&public, &felt(123_457), &r, &s), Err(BadSignature::Other));
        let other = public_key(&felt(78)).expect("a key");
        assert_eq!(verify(&other, &hash, &r, &s), Err(BadSignature::Other));
        assert_eq!(verify(&public, &hash, &s, &r), Err(BadSignature::Other));
    }

    #[test]
    fn every_signature_has_a_twin() {
        let (key, hash) = (felt(77), felt(1));
        let [r, s] = sign(&key, &hash).expect("in range");
        let public = public_key(&key).expect("a key");
        assert_eq!(verify(&public, &hash, &r, &less(&ORDER, &s)), Ok(()));
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        let (key, hash) = (felt(77), felt(1));
        let [r, s] = sign(&key, &hash).expect("in range");
        let public = public_key(&key).expect("a key");
        let range = |name| Err(BadSignature::Range(name));
        let zero = Felt::ZERO;
        assert_eq!(verify(&public, &BOUND, &r, &s), range("the message hash"));
        assert_eq!(verify(&public, &hash, &zero, &s), range("r"));
        assert_eq!(verify(&public, &hash, &BOUND, &s), range("r"));
        assert_eq!(verify(&public, &hash, &r, &zero), range("s"));
        assert_eq!(verify(&public, &hash, &r, &ORDER), range("s"));
        assert_eq!(verify(&zero, &hash, &r, &s), range("the public key"));
        // An s whose inverse is n − 1, so is n − 1 itself.
        let last = less(&ORDER, &Felt::ONE);
        assert_eq!(verify(&public, &hash, &r, &last), range("the inverse of s"));
        assert_eq!(verify(&felt(5), &hash, &r, &s), Err(BadSignature::Key));
        assert_eq!(sign(&zero, &hash).map(drop), range("the private key"));
        assert_eq!(sign(&ORDER, &hash).map(drop), range("the private key"));
        assert_eq!(sign(&key, &BOUND).map(drop), range("the message hash"));
        assert_eq!((public_key(&zero), public_key(&ORDER)), (None, None));
    }

    #[test]
    fn the_point_at_infinity_signs_nothing() {
        // With key d, a message of ∓r·d makes one of the two sums the point at infinity.
        let key = felt(3);
        let public = public_key(&key).expect("a key");
        let r = felt(7);
        for message in [felt(21), less(&ORDER, &felt(21))] {
            let found = verify(&public, &message, &r, &Felt::TWO);
            assert!(found.is_err(), "{message:#x}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_signed_is_verified_as_upstream_does(key: [u8; 31], hash: [u8; 31]) {
            let key = Felt::from_bytes_be_slice(&key) + Felt::ONE;
            let hash = Felt::from_bytes_be_slice(&hash);
            let [r, s] = sign(&key, &hash).expect("in range");
            let public = public_key(&key).expect("a key");
            prop_assert_eq!(verify(&public, &hash, &r, &s), Ok(()));
            prop_assert!(starknet_crypto::verify(&public, &hash, &r, &s).expect("in range"));
            prop_assert!(verify(&public, &hash, &(r + Felt::ONE), &s).is_err());
        }

        #[test]
        fn any_felts_are_judged(bytes: [[u8; 32]; 4]) {
            let [key, hash, r, s] = bytes.map(|bytes| Felt::from_bytes_be(&bytes));
            prop_assert!(verify(&key, &hash, &r, &s).is_err());
        }
    }
}

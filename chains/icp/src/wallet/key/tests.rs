use k256::ecdsa::signature::Signer as _;
use proptest::prelude::*;

use super::*;
use crate::wallet::der;

const MESSAGE: &[u8] = b"message";

fn ed25519_key(seed: u8) -> (ed25519_dalek::SigningKey, Vec<u8>) {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let der = [&der::ED25519[..], secret.verifying_key().as_bytes()].concat();
    (secret, der)
}

fn secp256k1_key(seed: u8) -> (k256::ecdsa::SigningKey, Vec<u8>) {
    let secret = k256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a key");
    let point = secret.verifying_key().to_encoded_point(false);
    (secret, [&der::SECP256K1[..], point.as_bytes()].concat())
}

fn p256_key(seed: u8) -> (p256::ecdsa::SigningKey, Vec<u8>) {
    let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a key");
    let point = secret.verifying_key().to_encoded_point(false);
    (secret, [&der::P256[..], point.as_bytes()].concat())
}

fn verify(der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    PublicKey::from_der(der).expect("a key").verify(message, signature, &Trust::default())
}

#[track_caller]
fn check(der: &[u8], other: &[u8], signature: &[u8]) {
    assert_eq!(verify(der, MESSAGE, signature), Ok(()));
    assert!(verify(der, b"massage", signature).is_err(), "another message");
    assert!(verify(other, MESSAGE, signature).is_err(), "another key");
    assert!(verify(der, MESSAGE, &signature[1..]).is_err(), "shorter");
    assert!(verify(der, MESSAGE, &[signature, &[0]].concat()).is_err(), "longer");
    assert!(verify(der, MESSAGE, &[0; 64]).is_err(), "zeros");
    assert!(verify(der, MESSAGE, &[]).is_err(), "nothing");
    for place in [0, 31, 32, 63] {
        let mut bad = signature.to_vec();
        bad[place] ^= 1;
        assert!(verify(der, MESSAGE, &bad).is_err(), "byte {place}");
    }
}

#[test]
fn a_signature_is_of_one_key_and_message() {
    let ((secret, der), other) = (ed25519_key(1), ed25519_key(2).1);
    check(&der, &other, &secret.sign(MESSAGE).to_bytes());
    let ((secret, der), other) = (secp256k1_key(1), secp256k1_key(2).1);
    let signature: k256::ecdsa::Signature = secret.sign(MESSAGE);
    check(&der, &other, &signature.to_bytes());
    let ((secret, der), other) = (p256_key(1), p256_key(2).1);
    let signature: p256::ecdsa::Signature = secret.sign(MESSAGE);
    check(&der, &other, &signature.to_bytes());
}

#[test]
fn both_values_of_s_count_as_on_the_network() {
    let (secret, der) = secp256k1_key(1);
    let signature: k256::ecdsa::Signature = secret.sign(MESSAGE);
    let (r, s) = signature.split_scalars();
    let high = k256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes());
    assert_eq!(verify(&der, MESSAGE, &high.expect("in range").to_bytes()), Ok(()));
    let (secret, der) = p256_key(1);
    let signature: p256::ecdsa::Signature = secret.sign(MESSAGE);
    let (r, s) = signature.split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes());
    assert_eq!(verify(&der, MESSAGE, &twin.expect("in range").to_bytes()), Ok(()));
}

#[test]
fn ed25519_is_strict() {
    let (secret, der) = ed25519_key(1);
    let signature = secret.sign(MESSAGE).to_bytes();
    // S + L, little-endian: the same residue.
    let order: [u8; 32] = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let mut twin = signature;
    let mut carry = 0;
    for (byte, add) in twin[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert!(verify(&der, MESSAGE, &twin).is_err(), "S of the second form");
    // The identity as key and as R, S = 0: holds for any message where this is not looked at.
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = [&der::ED25519[..], &identity].concat();
    let forged = [identity, [0; 32]].concat();
    assert_eq!(verify(&weak, MESSAGE, &forged), Err(BadSignature::Mismatch), "small order");
}

#[test]
fn a_key_has_one_encoding() {
    let good = [ed25519_key(1).1, secp256k1_key(1).1, p256_key(1).1];
    for der in &good {
        let key = PublicKey::from_der(der).expect("a key");
        assert_eq!(
            (key.as_der(), key.principal()),
            (&der[..], Principal::self_authenticating(der))
        );
        for (story, bad) in [
            ("longer", [&der[..], &[0]].concat()),
            ("shorter", der[..der.len() - 1].to_vec()),
            ("length in the long form", [&[0x30, 0x81], &der[1..]].concat()),
            ("without DER", der[12..].to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert!(PublicKey::from_der(&bad).is_err(), "{story}");
        }
    }
    let secret = secp256k1_key(1).0;
    let point = secret.verifying_key().to_encoded_point(true);
    let compressed = [
        &b"\x30\x36\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\
        \x03\x22\x00"[..],
        point.as_bytes(),
    ]
    .concat();
    assert_eq!(PublicKey::from_der(&compressed), Err(BadKey::Encoding), "compressed");
    let mut hybrid = secp256k1_key(1).1;
    hybrid[23] = 6;
    assert_eq!(PublicKey::from_der(&hybrid), Err(BadKey::Encoding), "hybrid");
    let mut off_curve = p256_key(1).1;
    *off_curve.last_mut().expect("long") ^= 1;
    assert_eq!(PublicKey::from_der(&off_curve), Err(BadKey::Curve), "off the curve");
}

#[test]
fn subnets_do_not_sign_for_users() {
    let (secret, key) = crate::forge::bls_key(1);
    let signature = crate::forge::bls_sign(&secret, MESSAGE);
    assert_eq!(verify(&key.to_der(), MESSAGE, &signature), Err(BadSignature::Subnet));
    assert_eq!(PublicKey::from_der(&key.to_der()).map(|key| key.key().name()), Ok("bls12-381"));
}

#[test]
fn canisters_keys_name_a_canister() {
    let spki = |key: &[u8]| {
        let len = |len: usize| u8::try_from(len).expect("short");
        let bits = [&[3, len(key.len() + 1), 0], key].concat();
        [&[0x30, len(14 + bits.len())], &der::CANISTER[..], &bits].concat()
    };
    let check = |key: &[u8], expected: Result<(usize, usize), BadKey>| {
        let found = PublicKey::from_der(&spki(key)).map(|key| match key.key() {
            Key::Canister(key) => (key.canister.as_bytes().len(), key.seed.len()),
            other => panic!("{other:?}"),
        });
        assert_eq!(found, expected, "{key:x?}");
    };
    check(&[10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 9, 9], Ok((10, 2)));
    check(&[1, 1], Ok((1, 0)));
    check(&[0, 1, 2], Err(BadKey::Canister));
    check(&[3, 1, 2], Err(BadKey::Canister));
    check(&[30; 40], Err(BadKey::Canister));
    check(&[], Err(BadKey::Canister));
    let mut spare_bits = spki(&[1, 1]);
    spare_bits[18] = 1;
    assert_eq!(PublicKey::from_der(&spare_bits), Err(BadKey::Encoding));
}

proptest! {
    #[test]
    fn any_bytes_are_judged(
        kind in 0..6_usize,
        tail in prop::collection::vec(any::<u8>(), 0..120),
        signature in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let heads = [
            &der::ED25519[..], &der::SECP256K1, &der::P256, &der::CANISTER, &der::COSE, &[],
        ];
        let der = [heads[kind], &tail].concat();
        if let Ok(key) = PublicKey::from_der(&der) {
            prop_assert_eq!(key.as_der(), &der[..]);
            prop_assert!(key.verify(MESSAGE, &signature, &Trust::default()).is_err());
        }
    }

    #[test]
    fn any_64_bytes_are_judged(signature in prop::collection::vec(any::<u8>(), 64)) {
        for der in [ed25519_key(1).1, secp256k1_key(1).1, p256_key(1).1] {
            prop_assert!(verify(&der, MESSAGE, &signature).is_err());
        }
    }
}

//! Forms of keys, and signatures that must not pass.

use ed25519_dalek::{Signer as _, SigningKey};

use super::*;

const DIGEST: CryptoHash = CryptoHash::from_bytes([3; 32]);

fn ed25519() -> (PublicKey, [u8; 64]) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let signature = key.sign(DIGEST.as_bytes()).to_bytes();
    (PublicKey::Ed25519(key.verifying_key().to_bytes()), signature)
}

fn secp256k1() -> (PublicKey, [u8; 65]) {
    let key = ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let (rs, id) = key.sign_prehash_recoverable(DIGEST.as_bytes()).expect("signed");
    let mut signature = [id.to_byte(); 65];
    signature[..64].copy_from_slice(&rs.to_bytes());
    (PublicKey::Secp256k1(coordinates(key.verifying_key())), signature)
}

#[test]
fn a_key_is_written_with_its_curve() {
    for key in [ed25519().0, secp256k1().0] {
        let text = key.to_string();
        assert!(text.starts_with(key.curve()));
        assert_eq!(text.parse(), Ok(key));
        let upper = text.replacen(key.curve(), &key.curve().to_uppercase(), 1);
        assert_eq!(upper.parse(), Ok(key), "curves are read in any case");
    }
    let (key, _) = ed25519();
    assert_eq!(to_base58(key.as_bytes()).parse(), Ok(key), "ed25519 needs no curve");
}

#[test]
fn other_texts_are_no_keys() {
    let data = to_base58(ed25519().0.as_bytes());
    let long = to_base58(secp256k1().0.as_bytes());
    for bad in [
        String::new(),
        "ed25519:".to_owned(),
        format!("ed25519: {data}"),
        format!("ed25519:{data}:"),
        format!("ed25519:{data}1"),
        format!("ed25519:1{data}"),
        format!("secp256k1:{data}"),
        format!(":{data}"),
        format!("ml-dsa-65:{data}"),
        format!("ed25519:{}", data.replace(|c: char| c.is_ascii_digit(), "0")),
        "1".repeat(1 << 20),
    ] {
        assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
        assert!(bad.parse::<Signature>().is_err(), "{bad}");
    }
    // A signature of ed25519 is as long as a key of secp256k1.
    assert!(format!("ed25519:{long}").parse::<PublicKey>().is_err());
    assert!(format!("secp256k1:{long}").parse::<Signature>().is_err());
}

#[test]
fn each_curves_own_signature_holds_alone() {
    let ((ed, ed_signature), (secp, secp_signature)) = (ed25519(), secp256k1());
    let (ed_signature, secp_signature) =
        (Signature::Ed25519(ed_signature), Signature::Secp256k1(secp_signature));
    assert_eq!(ed.verify(&DIGEST, &ed_signature), Ok(()));
    assert_eq!(secp.verify(&DIGEST, &secp_signature), Ok(()));
    for (key, signature) in [(ed, secp_signature), (secp, ed_signature)] {
        assert_eq!(key.verify(&DIGEST, &signature), Err(BadSignature));
    }
    for (key, signature) in [(ed, ed_signature), (secp, secp_signature)] {
        assert_eq!(key.verify(&CryptoHash::ZERO, &signature), Err(BadSignature));
    }
}

#[test]
fn a_second_form_of_a_signature_is_refused() {
    let (key, good) = ed25519();
    // S + L, for the order L.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (mut bad, mut carry) = (good, 0);
    for (byte, add) in bad[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(key.verify(&DIGEST, &Signature::Ed25519(bad)), Err(BadSignature));

    let (key, good) = secp256k1();
    let check = |change: &dyn Fn(&mut [u8; 65])| {
        let mut signature = good;
        change(&mut signature);
        assert_eq!(key.verify(&DIGEST, &Signature::Secp256k1(signature)), Err(BadSignature));
    };
    check(&|signature| {
        let rs = ecdsa::Signature::from_slice(&signature[..64]).expect("a signature");
        let (r, s) = rs.split_scalars();
        let high = ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes());
        signature[..64].copy_from_slice(&high.expect("in range").to_bytes());
        signature[64] ^= 1;
    });
    check(&|signature| signature[64] ^= 1);
    check(&|signature| signature[64] += 27);
    check(&|signature| signature[..32].fill(0));
    check(&|signature| signature[32..64].fill(0));
    check(&|signature| signature[..32].fill(0xff));
}

#[test]
fn keys_of_small_order_sign_nothing() {
    // All eight points, in their one form; R is the first of them, S is zero.
    let points = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];
    for point in points {
        let bytes: [u8; 32] = hex::decode(point).expect("hex").try_into().expect("32 bytes");
        for r in [bytes, {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            let verdict = PublicKey::Ed25519(bytes).verify(&DIGEST, &Signature::Ed25519(signature));
            assert_eq!(verdict, Err(BadSignature), "{point}");
        }
    }
}

#[test]
fn a_second_form_of_a_point_is_no_key() {
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            assert!(ed25519_key(&bytes).is_none(), "{low:x} {high:x}");
        }
    }
    let PublicKey::Ed25519(bytes) = ed25519().0 else { panic!("ed25519") };
    assert!(ed25519_key(&bytes).is_some());
}

use data_encoding::HEXLOWER;
use p256::ecdsa::signature::Signer as _;
use proptest::prelude::*;

use super::*;
use crate::wallet::{BadSignature, Key, PublicKey, Trust, der};

const MESSAGE: &[u8] = b"message";
const ID: &str = "anchorhold.example";
const CLIENT_DATA: &str = "{\"type\":\"webauthn.get\",\"challenge\":\"bWVzc2FnZQ\",\
    \"origin\":\"https://anchorhold.example\",\"crossOrigin\":false}";

/// Made with OpenSSL: a modulus, and its signature of [`data`] with flags 5, counter 7, and
/// [`CLIENT_DATA`].
const MODULUS: &str = "\
    cc307263c07df5ae2e330c989568f860f1f569eaed900e7f473173db47088fff1d30f0b4b812f855f06bb2baccc889\
    b97b60bf05aecf2e5dd2bdb20018c928eaf7a536437aa2ed44e09395cef8b9a5a695db4573927ad1049429dba13d71\
    0248d3f8fcf8a6eebc4e1656f64a6a9fb3b80dfb431636ffdac878073719790b59ec452a7e77ec3b8ee1bad1633e3f\
    7e48a79872ee168d8c50305d3fb0260da1ffd93603606f80d8ead842503d6f3d3f52bc5a4b2946418025d97792c6d6\
    01f2a86b4e9d55940a14b242167815ae9c2b0540078b9282c0a43387d8463e18fce839e3bb3aba5bcd1ba32d8e7d4a\
    2ce4886de34e2c331795bcf318796a127722beb639";
const RSA_SIGNATURE: &str = "\
    395a0982766362dcaf40784d8f5cbf883f6703a2d2620987da0dc5b8c486312bd74da371b610428d3b92d51e0fc2c2\
    7ff189b6b279fcaf8adc35ba22fd205d26b2f05b13ea6d22210a411e6ea03a6cd796e1b0904f1455b9a2ad86fe4501\
    4e24628fbc71a1f78f8f26bed5a2ee0037a48525e80fd8562c2df718d6614dd9d248d382858ea751740ca884c1c842\
    d03d8627995cd947a1a8e4e6872a4c4961ef192a39756d3ef95425a62e1d4047019ac10ffbb0009c1a72214c64bf1e\
    93629295e3719f5f14d5edc1b39822261fd71c4ab1b17505d626497ab24e5ea5d11edf94d14932a7c2b063d2c6b61e\
    989b306447c65ce3f5408888bba9c61f677de7cc7b";

fn secret() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key")
}

fn cose(secret: &p256::ecdsa::SigningKey) -> Vec<u8> {
    let point = secret.verifying_key().to_encoded_point(false);
    let (x, y) = (point.x().expect("not zero"), point.y().expect("not compressed"));
    [P256_X, x, P256_Y, y].concat()
}

fn spki(cose: &[u8]) -> Vec<u8> {
    let len = |len: usize| match u16::try_from(len).expect("short").to_be_bytes() {
        [0, len] if len < 0x80 => vec![len],
        [high, low] => vec![0x82, high, low],
    };
    let bits = [&[3][..], &len(cose.len() + 1), &[0], cose].concat();
    [&[0x30][..], &len(bits.len() + der::COSE.len()), &der::COSE, &bits].concat()
}

/// What an authenticator says beside its signature.
fn data(flags: u8) -> Vec<u8> {
    [&sha256(&[ID.as_bytes()])[..], &[flags, 0, 0, 0, 7]].concat()
}

fn encode(data: &[u8], client_data: &str, signature: &[u8]) -> Vec<u8> {
    let mut bytes = cbor::SELF_DESCRIBED.to_vec();
    cbor::put_map(&mut bytes, 3);
    cbor::put_text(&mut bytes, "authenticator_data");
    cbor::put_bytes(&mut bytes, data);
    cbor::put_text(&mut bytes, "client_data_json");
    cbor::put_text(&mut bytes, client_data);
    cbor::put_text(&mut bytes, "signature");
    cbor::put_bytes(&mut bytes, signature);
    bytes
}

fn sign(data: &[u8], client_data: &str) -> Vec<u8> {
    let signed = [data, &sha256(&[client_data.as_bytes()])].concat();
    let signature: p256::ecdsa::Signature = secret().sign(&signed);
    encode(data, client_data, signature.to_der().as_bytes())
}

fn verify_for(party: Option<RelyingParty>, signature: &[u8]) -> Result<(), BadSignature> {
    let key = PublicKey::from_der(&spki(&cose(&secret()))).expect("a key");
    key.verify(MESSAGE, signature, &Trust { relying_party: party, ..Trust::default() })
}

#[track_caller]
fn check(story: &str, signature: &[u8], expected: Result<(), BadSignature>) {
    assert_eq!(verify_for(None, signature), expected, "{story}");
}

const fn wrong(what: &'static str) -> Result<(), BadSignature> {
    Err(BadSignature::Authenticator(what))
}

#[test]
fn an_authenticator_signs_a_challenge() {
    check("a passkey", &sign(&data(5), CLIENT_DATA), Ok(()));
    check("present alone", &sign(&data(1), CLIENT_DATA), Ok(()));
    let with = |from: &str, to: &str| sign(&data(5), &CLIENT_DATA.replace(from, to));
    check("with spaces", &with(",", ", "), Ok(()));
    check("another message", &with("bWVz", "bWFz"), wrong("its challenge is another message"));
    check("padded", &with("ZQ", "ZQ=="), wrong("its challenge is another message"));
    check("a registration", &with("get", "create"), wrong("it is not of type webauthn.get"));
    check("no type", &with("type", "kind"), wrong("it is not of type webauthn.get"));
    check("no JSON", &with("{", "["), wrong("its client data is no JSON"));
    let deep = sign(&data(5), &"[".repeat(60_000));
    check("deep JSON", &deep, wrong("its client data is no JSON"));
    check("nobody there", &sign(&data(4), CLIENT_DATA), wrong("nobody was present"));
    check("short", &sign(&data(5)[..36], CLIENT_DATA), wrong("its data is too short"));
    check("shorter", &sign(&data(5)[..31], CLIENT_DATA), wrong("its data is too short"));
}

#[test]
fn what_was_signed_is_what_is_shown() {
    let good = sign(&data(5), CLIENT_DATA);
    let signed = [&data(5)[..], &sha256(&[CLIENT_DATA.as_bytes()])].concat();
    let signature: p256::ecdsa::Signature = secret().sign(&signed);
    let der = signature.to_der();
    check("as made", &encode(&data(5), CLIENT_DATA, der.as_bytes()), Ok(()));
    let mismatch = Err(BadSignature::Mismatch);
    check("another counter", &encode(&data(1), CLIENT_DATA, der.as_bytes()), mismatch);
    let spaced = CLIENT_DATA.replace(':', ": ");
    check("other spaces", &encode(&data(5), &spaced, der.as_bytes()), mismatch);
    let raw = encode(&data(5), CLIENT_DATA, &signature.to_bytes());
    check("not in DER", &raw, Err(BadSignature::Form));
    let trailing = [der.as_bytes(), &[0]].concat();
    check("longer", &encode(&data(5), CLIENT_DATA, &trailing), Err(BadSignature::Form));
    check("untagged", &good[3..], Err(BadSignature::Encoding(BadCbor::NoTag)));
    let missing = Err(BadSignature::Encoding(BadCbor::NoKey("authenticator_data")));
    check("empty", b"\xd9\xd9\xf7\xa0", missing);
    let long = vec![0; SIGNATURE_BYTES_MAX + 1];
    check("too long", &long, wrong("it is too long"));
}

#[test]
fn client_data_may_be_bytes() {
    let mut bytes = sign(&data(5), CLIENT_DATA);
    // The head of the client data, after its key: text of one length byte becomes bytes.
    let key = b"client_data_json";
    let place = bytes.windows(key.len()).position(|window| window == key).expect("it is there");
    bytes[place + key.len()] ^= 0x60 ^ 0x40;
    check("as bytes", &bytes, Ok(()));
}

#[test]
fn a_relying_party_may_be_asked_for() {
    let good = sign(&data(5), CLIENT_DATA);
    let check = |id: Option<&str>, origins: Option<&[&str]>, expected: Result<(), BadSignature>| {
        let origins = origins.map(|list| list.iter().map(|origin| (*origin).to_owned()).collect());
        let party = RelyingParty { id: id.map(str::to_owned), origins };
        assert_eq!(verify_for(Some(party), &good), expected, "{id:?}");
    };
    check(None, None, Ok(()));
    check(Some(ID), Some(&["https://other.example", "https://anchorhold.example"]), Ok(()));
    check(Some("example"), None, wrong("another relying party asked for it"));
    check(None, Some(&["https://anchorhold.example/"]), wrong("another origin asked for it"));
    check(None, Some(&[]), wrong("another origin asked for it"));
}

#[test]
fn rsa_keys_sign_as_well() {
    let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).expect("hex");
    let cose = [RSA_N, &hex(MODULUS), RSA_E].concat();
    let key = PublicKey::from_der(&spki(&cose)).expect("a key");
    assert!(matches!(key.key(), Key::WebAuthn(CoseKey::Rsa(_))));
    let verify = |signature: &[u8]| {
        key.verify(MESSAGE, &encode(&data(5), CLIENT_DATA, signature), &Trust::default())
    };
    let good = hex(RSA_SIGNATURE);
    assert_eq!(verify(&good), Ok(()));
    for place in [1, 100, 255] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        assert_eq!(verify(&bad), Err(BadSignature::Mismatch), "byte {place}");
    }
    assert_eq!(verify(&[]), Err(BadSignature::Form));
    assert_eq!(verify(&good[1..]), Err(BadSignature::Form));
    assert_eq!(verify(&[0; 256]), Err(BadSignature::Mismatch));
    assert_eq!(verify(&[0xff; 256]), Err(BadSignature::Form), "not below the modulus");
    assert_eq!(verify(&hex(MODULUS)), Err(BadSignature::Form), "zero once more");
    let other = key.verify(b"massage", &encode(&data(5), CLIENT_DATA, &good), &Trust::default());
    assert_eq!(other, wrong("its challenge is another message"));
}

#[test]
fn keys_have_one_encoding() {
    let good = cose(&secret());
    let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).expect("hex");
    let refuses = |story: &str, cose: &[u8]| {
        assert!(PublicKey::from_der(&spki(cose)).is_err(), "{story}");
    };
    refuses("longer", &[&good[..], &[0]].concat());
    refuses("shorter", &good[..good.len() - 1]);
    let mut off_curve = good.clone();
    *off_curve.last_mut().expect("long") ^= 1;
    refuses("off the curve", &off_curve);
    let turned = [b"\xa5\x03\x26\x01\x02\x20\x01\x21\x58\x20", &good[10..]].concat();
    refuses("keys in another order", &turned);
    let ed25519 = [&b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"[..], &[7; 32]].concat();
    refuses("another algorithm", &ed25519);
    let modulus = hex(MODULUS);
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    refuses("an even modulus", &[RSA_N, &even, RSA_E].concat());
    let mut small = modulus.clone();
    small[0] &= 0x7f;
    refuses("a modulus of 2047 bits", &[RSA_N, &small, RSA_E].concat());
    refuses("exponent 3", &[RSA_N, &modulus, b"\x21\x43\x00\x00\x03"].concat());
    refuses("nothing", &[]);
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let tagged = [&cbor::SELF_DESCRIBED[..], &bytes].concat();
        prop_assert!(verify_for(None, &bytes).is_err() && verify_for(None, &tagged).is_err());
    }

    #[test]
    fn one_changed_byte_spoils_a_signature(place: prop::sample::Index, flip in 1_u8..) {
        let mut bytes = sign(&data(5), CLIENT_DATA);
        let place = place.index(bytes.len());
        // The one other spelling: client data as bytes, not as text.
        prop_assume!(flip != 0x20);
        bytes[place] ^= flip;
        prop_assert!(verify_for(None, &bytes).is_err());
    }

    #[test]
    fn any_rsa_signature_is_judged(signature in prop::collection::vec(any::<u8>(), 256)) {
        let modulus = HEXLOWER.decode(MODULUS.as_bytes()).expect("hex");
        let key = RsaKey::parse(&modulus).expect("a key");
        prop_assert!(rsa::verify(&key, MESSAGE, &signature).is_err());
    }
}

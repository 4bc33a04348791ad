use super::*;
use crate::{
    forge::{Net, Tree, signature},
    proof::BadCertificate,
    wallet::PublicKey,
};

const SEED: &[u8] = b"user 7";
const MESSAGE: &[u8] = b"message";

fn key(net: &Net) -> CanisterKey {
    CanisterKey { canister: net.canister, seed: SEED.to_vec() }
}

#[track_caller]
fn check(net: &Net, bytes: &[u8], expected: Option<BadSignature>) {
    assert_eq!(canister_signature(&key(net), MESSAGE, bytes, &net.root).err(), expected);
}

/// The signature of a canister that certifies `tree`.
fn certified(net: &Net, tree: &Tree) -> Vec<u8> {
    signature(&net.certified_data(&tree.digest()), tree)
}

/// `sig/<seed>/<message>` with `value`.
fn signed(seed: &[u8], message: &[u8], value: &[u8]) -> Tree {
    let inner = Tree::folder([(sha256(&[message]), Tree::leaf(value))]);
    Tree::folder([("sig", Tree::folder([(sha256(&[seed]), inner)]))])
}

#[test]
fn a_canister_signs_for_a_seed() {
    let net = Net::new();
    let bytes = net.canister_signature(SEED, MESSAGE);
    let found = canister_signature(&key(&net), MESSAGE, &bytes, &net.root);
    assert_eq!(found, Ok(CanisterSigned { certified_at: Some(UnixNanos(1)) }));
    let der = net.canister_key(SEED);
    let public = PublicKey::from_der(&der).expect("a key");
    let trust = crate::wallet::Trust { root_key: net.root, relying_party: None };
    assert_eq!(public.verify(MESSAGE, &bytes, &trust), Ok(()));
    assert_eq!(public.verify(b"massage", &bytes, &trust), Err(BadSignature::NotSigned));
}

#[test]
fn what_it_did_not_sign_is_named() {
    let net = Net::new();
    check(&net, &net.canister_signature(b"user 8", MESSAGE), Some(BadSignature::NotSigned));
    check(&net, &net.canister_signature(SEED, b"massage"), Some(BadSignature::NotSigned));
    let with_value = certified(&net, &signed(SEED, MESSAGE, b"yes"));
    check(&net, &with_value, Some(BadSignature::NotSigned));
    let whole = signed(SEED, MESSAGE, b"");
    check(&net, &certified(&net, &whole), None);
    check(&net, &certified(&net, &whole.pruned()), Some(BadSignature::NotSigned));
    let other = signature(&net.certified_data(&[7; 32]), &whole);
    check(&net, &other, Some(BadSignature::OtherTree));
}

#[test]
fn other_canisters_do_not_sign_for_it() {
    let net = Net::new();
    let bytes = net.canister_signature(SEED, MESSAGE);
    let other =
        |number| CanisterKey { canister: crate::forge::canister(number), seed: SEED.to_vec() };
    let found = canister_signature(&other(6), MESSAGE, &bytes, &net.root);
    let absent = BadCertificate::NoValue { what: "certified data", why: "absent" };
    assert_eq!(found, Err(BadSignature::Certificate(absent)), "on the same subnet");
    let found = canister_signature(&other(7), MESSAGE, &bytes, &net.root);
    let is_elsewhere =
        matches!(found, Err(BadSignature::Certificate(BadCertificate::OtherSubnet { .. })));
    assert!(is_elsewhere, "on another subnet");
    let found = canister_signature(&key(&net), MESSAGE, &bytes, &RootKey::mainnet());
    let is_forged =
        matches!(found, Err(BadSignature::Certificate(BadCertificate::Signature { .. })));
    assert!(is_forged, "on another network");
}

#[test]
fn other_structures_are_refused() {
    let net = Net::new();
    let good = net.canister_signature(SEED, MESSAGE);
    check(&net, &good[3..], Some(BadSignature::Encoding(BadCbor::NoTag)));
    let trailing = [&good[..], &[0]].concat();
    check(&net, &trailing, Some(BadSignature::Encoding(BadCbor::Trailing)));
    check(&net, b"\xd9\xd9\xf7\xa0", Some(BadSignature::Encoding(BadCbor::NoKey("certificate"))));
    check(&net, b"", Some(BadSignature::Encoding(BadCbor::NoTag)));
}

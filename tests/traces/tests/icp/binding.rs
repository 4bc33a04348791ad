//! Bindings of Ed25519 keys: Ethereum leaves them to nodes, so the traces forge none.

use ed25519_dalek::{Signer as _, SigningKey};
use governance::anchor::{Account, Call, Code, OnChainId, SCHEME_ED25519, binding_digest};

use crate::world::{World, account, names};

/// A binding of `by` in a record, which the key signed.
pub(crate) fn binding(world: &World, context: &OnChainId, by: &Account) -> Call {
    let secret = SigningKey::from_bytes(&[5; 32]);
    let (key, expiry_s) = (secret.verifying_key().to_bytes(), world.now_s() + 60);
    let domain = world.name.log_start(context);
    let digest = binding_digest(&domain, by, SCHEME_ED25519, &key, expiry_s);
    let signature = secret.sign(digest.as_bytes()).to_bytes().to_vec();
    Call::Bind { scheme: SCHEME_ED25519, key: key.to_vec(), signature, expiry_s }
}

#[test]
fn an_ed25519_key_is_bound_by_its_own_signature_alone() {
    let mut world = World::new(&["alice"]);
    let (alice, bob) = (account("alice"), account("bob"));
    let context = world.create(&alice, 1);
    let legal = binding(&world, &context, &bob);
    assert_eq!(names(&world.done(&bob, &context, &legal)), "Bound");
    let Call::Bind { scheme, key, signature, expiry_s } = legal.clone() else {
        panic!("a binding")
    };
    let with = |key: Vec<u8>, signature: Vec<u8>, expiry_s| Call::Bind {
        scheme,
        key,
        signature,
        expiry_s,
    };
    let mut other = signature.clone();
    other[0] ^= 1;
    let mut high = signature.clone();
    high[63] |= 0x80;
    // The neutral element "signs" everything with S = 0, unless keys of small order are refused.
    let neutral = [&[1][..], &[0; 31]].concat();
    for (story, by, call) in [
        ("by another caller", &alice, legal.clone()),
        ("with another expiry", &bob, with(key.clone(), signature.clone(), expiry_s + 1)),
        ("with another signature", &bob, with(key.clone(), other, expiry_s)),
        ("with a high S", &bob, with(key.clone(), high, expiry_s)),
        ("with a short signature", &bob, with(key.clone(), signature[..63].to_vec(), expiry_s)),
        ("with a short key", &bob, with(key[..31].to_vec(), signature, expiry_s)),
        ("by nobody's key", &bob, with(neutral.clone(), [neutral, vec![0; 32]].concat(), expiry_s)),
    ] {
        let refusal = world.measured(by, (&context, &call), None).0.expect_err(story);
        assert_eq!(refusal.code, Code::E60.number(), "{story}");
    }
}

use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::{
    forge::{Net, canister},
    wallet::{der, key::BadSignature},
};

const NOW: UnixNanos = UnixNanos(1_790_000_000_000_000_000);
const LATER: UnixNanos = UnixNanos(NOW.0 + 1);

fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn der(number: u8) -> Vec<u8> {
    [&der::ED25519[..], secret(number).verifying_key().as_bytes()].concat()
}

/// Key `from` lets key `to` sign.
fn hop(from: u8, to: u8, expiration: UnixNanos, targets: Option<&[u8]>) -> SignedDelegation {
    let targets = targets.map(|numbers| numbers.iter().map(|number| canister(*number)).collect());
    let delegation = Delegation { key: der(to), expiration, targets };
    let signature = secret(from).sign(&delegation.signed_bytes()).to_bytes().to_vec();
    SignedDelegation { delegation, signature }
}

/// From key 1 through all of `keys`.
fn chain(keys: &[u8]) -> DelegationChain {
    let from = [&[1], keys].concat();
    let hops = from.iter().zip(keys).map(|(from, to)| hop(*from, *to, LATER, None)).collect();
    DelegationChain { key: der(1), hops }
}

fn verify(chain: &DelegationChain) -> Result<Session, BadDelegation> {
    chain.verify(NOW, &Trust::default())
}

#[track_caller]
fn refuses(story: &str, chain: &DelegationChain, error: BadDelegation) {
    assert_eq!(verify(chain).err(), Some(error), "{story}");
}

const fn mismatch(hop: usize) -> BadDelegation {
    BadDelegation::Signature { hop, source: BadSignature::Mismatch }
}

#[test]
fn the_last_key_signs_for_the_first() {
    let check = |keys: &[u8], last: u8| {
        let session = verify(&chain(keys)).expect("it holds");
        assert_eq!(session.principal, Principal::self_authenticating(&der(1)));
        assert_eq!(session.key.as_der(), der(last));
        assert_eq!(session.expiration, (!keys.is_empty()).then_some(LATER));
        assert!(session.is_for(None) && session.is_for(Some(canister(1))));
    };
    check(&[], 1);
    check(&[2], 2);
    check(&[2, 3, 4], 4);
    let twenty: Vec<u8> = (2..22).collect();
    check(&twenty, 21);
}

#[test]
fn a_chain_is_short_and_goes_on() {
    let twenty_one: Vec<u8> = (2..23).collect();
    refuses("21 hops", &chain(&twenty_one), BadDelegation::TooLong);
    refuses("back to the first", &chain(&[2, 1]), BadDelegation::Cycle { hop: 2 });
    refuses("to itself", &chain(&[1]), BadDelegation::Cycle { hop: 1 });
    refuses("a loop later on", &chain(&[2, 3, 4, 3]), BadDelegation::Cycle { hop: 4 });
}

#[test]
fn a_delegation_is_over_at_its_expiration() {
    let mut chain = chain(&[2, 3]);
    chain.hops[1] = hop(2, 3, NOW, None);
    refuses("now", &chain, BadDelegation::Expired { hop: 2, expiration: NOW.0 });
    let in_millis = UnixNanos(LATER.0 / 1_000_000);
    chain.hops[1] = hop(2, 3, in_millis, None);
    let expired = BadDelegation::Expired { hop: 2, expiration: in_millis.0 };
    refuses("in another unit", &chain, expired);
    chain.hops[1] = hop(2, 3, UnixNanos(u64::MAX), None);
    assert_eq!(verify(&chain).expect("it holds").expiration, Some(LATER), "the first of all");
}

#[test]
fn every_hop_is_signed_as_it_stands() {
    let good = chain(&[2, 3]);
    let with = |change: &dyn Fn(&mut DelegationChain)| {
        let mut chain = good.clone();
        change(&mut chain);
        chain
    };
    let longer = with(&|chain| chain.hops[0].delegation.expiration.0 += 1);
    refuses("a later end", &longer, mismatch(1));
    let narrower = with(&|chain| chain.hops[1].delegation.targets = Some(Vec::new()));
    refuses("targets added", &narrower, mismatch(2));
    refuses("another key", &with(&|chain| chain.hops[1].delegation.key = der(4)), mismatch(2));
    refuses("turned around", &with(&|chain| chain.hops.reverse()), mismatch(1));
    refuses("the first one gone", &with(&|chain| drop(chain.hops.remove(0))), mismatch(1));
    refuses("another first key", &with(&|chain| chain.key = der(9)), mismatch(1));
    let mut targeted = good.clone();
    targeted.hops[1] = hop(2, 3, LATER, Some(&[1]));
    targeted.hops[1].delegation.targets = None;
    refuses("targets taken away", &targeted, mismatch(2));
    let bad_key = BadDelegation::Key { hop: 2, source: BadKey::Encoding };
    refuses("no key", &with(&|chain| chain.hops[1].delegation.key.push(0)), bad_key);
    let bad_key = BadDelegation::Key { hop: 0, source: BadKey::Encoding };
    refuses("no first key", &with(&|chain| chain.key.clear()), bad_key);
}

#[test]
fn targets_narrow_down() {
    let check = |first: Option<&[u8]>, second: Option<&[u8]>, allowed: &[u8], everywhere: bool| {
        let mut chain = chain(&[2, 3]);
        chain.hops = vec![hop(1, 2, LATER, first), hop(2, 3, LATER, second)];
        let session = verify(&chain).expect("it holds");
        for number in 1..=4 {
            let found = session.is_for(Some(canister(number)));
            assert_eq!(found, allowed.contains(&number), "{first:?} {second:?} {number}");
        }
        assert_eq!(session.is_for(None), everywhere);
    };
    check(None, None, &[1, 2, 3, 4], true);
    check(Some(&[1, 2]), None, &[1, 2], false);
    check(None, Some(&[2, 3, 2]), &[2, 3], false);
    check(Some(&[1, 2]), Some(&[2, 3]), &[2], false);
    check(Some(&[1]), Some(&[2]), &[], false);
    check(Some(&[]), None, &[], false);
}

#[test]
fn a_delegation_has_at_most_a_thousand_targets() {
    let of = |count: usize| {
        let mut chain = chain(&[2]);
        let ids = (0..count).map(|number| {
            let number = u16::try_from(number).expect("few").to_be_bytes();
            Principal::from_bytes(&number).expect("short")
        });
        let mut delegation = chain.hops[0].delegation.clone();
        delegation.targets = Some(ids.collect());
        let signature = secret(1).sign(&delegation.signed_bytes()).to_bytes().to_vec();
        chain.hops = vec![SignedDelegation { delegation, signature }];
        chain
    };
    assert!(verify(&of(TARGETS_MAX)).is_ok());
    let too_many = BadDelegation::TooManyTargets { hop: 1 };
    refuses("one more", &of(TARGETS_MAX + 1), too_many);
}

/// As Internet Identity does it: the canister vouches for the session's key.
#[test]
fn canisters_delegate_too() {
    let net = Net::new();
    let delegation = Delegation { key: der(2), expiration: LATER, targets: None };
    let signature = net.canister_signature(b"user", &delegation.signed_bytes());
    let key = net.canister_key(b"user");
    let principal = Principal::self_authenticating(&key);
    let chain = DelegationChain { key, hops: vec![SignedDelegation { delegation, signature }] };
    let trust = Trust { root_key: net.root, relying_party: None };
    let session = chain.verify(NOW, &trust).expect("it holds");
    assert_eq!((session.principal, session.key.as_der()), (principal, &der(2)[..]));
    let found = verify(&chain).err();
    let is_forged = matches!(
        found,
        Some(BadDelegation::Signature { hop: 1, source: BadSignature::Certificate(_) })
    );
    assert!(is_forged, "under the mainnet's root key");
}

proptest! {
    #[test]
    fn any_chain_is_judged(
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..25),
        signature in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let hops = keys.into_iter().map(|key| SignedDelegation {
            delegation: Delegation { key, expiration: LATER, targets: None },
            signature: signature.clone(),
        });
        let chain = DelegationChain { key: der(1), hops: hops.collect() };
        prop_assert_eq!(verify(&chain).is_ok(), chain.hops.is_empty());
    }
}

use proptest::prelude::*;

use super::*;
use crate::forge::{Net, Tree, canister, ranges, sign};

fn time(bytes: &[u8]) -> Tree {
    Tree::folder([("time", Tree::leaf(bytes))])
}

/// The root subnet's word on `net.subnet`, with these entries beside its key.
fn root_state(net: &Net, subnet: Vec<(&str, Tree)>, ranges: Option<Tree>) -> Tree {
    let fields = Tree::folder(subnet);
    let folder = Tree::folder([(net.subnet.as_bytes(), fields)]);
    let ranges =
        ranges.map(|shards| ("canister_ranges", Tree::folder([(net.subnet.as_bytes(), shards)])));
    Tree::folder(ranges.into_iter().chain([("subnet", folder)]))
}

/// A certificate whose delegation is of `root_state`.
fn delegated(net: &Net, root_state: &Tree) -> Vec<u8> {
    let delegation = sign(&net.root_secret, root_state, None);
    sign(&net.subnet_secret, &time(&[1]), Some((net.subnet, &delegation)))
}

fn error_of(bytes: &[u8], net: &Net, scope: Scope) -> Option<BadCertificate> {
    certificate(bytes, &net.root, scope).err()
}

#[test]
fn subnets_speak_for_their_canisters_alone() {
    let net = Net::new();
    let bytes = net.certify(&time(&[1]));
    for number in 0..10 {
        let canister = canister(number);
        let expected = (!(4..=6).contains(&number))
            .then_some(BadCertificate::OtherSubnet { canister, subnet: net.subnet });
        assert_eq!(error_of(&bytes, &net, Scope::Canister(canister)), expected, "{number}");
    }
    let certified = certificate(&bytes, &net.root, Scope::Subnet).expect("it holds");
    assert_eq!(certified.subnet(), Some(net.subnet));
    assert_eq!(certified.root_hash(), &time(&[1]).digest());
    // Between the ends as bytes go, but no canister's id.
    let long = Principal::from_bytes(&[0, 0, 0, 0, 0, 0, 0, 5, 1, 1, 1]).expect("short enough");
    let found = error_of(&bytes, &net, Scope::Canister(long));
    assert_eq!(found, Some(BadCertificate::OtherSubnet { canister: long, subnet: net.subnet }));
}

#[test]
fn ranges_come_in_pieces_or_all_at_once() {
    let net = Net::new();
    let key = || ("public_key", Tree::leaf(net.subnet_key.to_der()));
    let range = |low, high| Tree::leaf(ranges(&[(canister(low), canister(high))]));
    let shard = |number, tree| (canister(number).as_bytes().to_vec(), tree);
    let check = |story: &str, state: &Tree, expected: Option<BadCertificate>| {
        let bytes = delegated(&net, state);
        assert_eq!(error_of(&bytes, &net, Scope::Canister(net.canister)), expected, "{story}");
    };
    let other = BadCertificate::OtherSubnet { canister: net.canister, subnet: net.subnet };
    let none = BadCertificate::NoRanges { subnet: net.subnet };
    let of_old = |tree| root_state(&net, vec![("canister_ranges", tree), key()], None);
    check("all at once", &of_old(range(5, 5)), None);
    check("all at once, others", &of_old(range(6, 9)), Some(other));
    let in_pieces = |tree| root_state(&net, vec![key()], Some(tree));
    let pieces = Tree::folder([shard(1, range(1, 2)), shard(5, range(5, 7))]);
    check("in pieces", &in_pieces(pieces), None);
    let hidden = Tree::fork(range(1, 2).pruned(), Tree::folder([shard(5, range(5, 7))]));
    check("the piece alone", &in_pieces(hidden), None);
    let hidden = Tree::fork(
        Tree::folder([shard(1, range(1, 2))]),
        Tree::folder([shard(5, range(5, 7))]).pruned(),
    );
    check("another piece alone", &in_pieces(hidden), Some(other));
    check("no pieces", &in_pieces(Tree::Empty), Some(none));
    check("nothing", &root_state(&net, vec![key()], None), Some(none));
    check("an empty list", &of_old(Tree::leaf([0x80])), Some(other));
    let malformed = BadCertificate::Malformed { what: "canister range" };
    check("no pair", &of_old(Tree::leaf([0x81, 0x81, 0x40])), Some(malformed));
    let trailing = BadCertificate::Encoding(BadCbor::Trailing);
    check("more than a list", &of_old(Tree::leaf([0x80, 0x80])), Some(trailing));
}

#[test]
fn forgeries_are_named() {
    let net = Net::new();
    let (stranger, stranger_key) = crate::forge::bls_key(9);
    let signature = |of| BadCertificate::Signature { of, source: BadBls::Signature };
    let check = |story: &str, bytes: &[u8], expected: BadCertificate| {
        let found = error_of(bytes, &net, Scope::Canister(net.canister));
        assert_eq!(found, Some(expected), "{story}");
    };
    let by_root = "the certificate, under the root key";
    let by_subnet = "the certificate, under the key of the subnet";
    let delegation = "the delegation, under the root key";
    check("by a stranger", &sign(&stranger, &time(&[1]), None), signature(by_root));
    let bare = sign(&net.subnet_secret, &time(&[1]), None);
    check("without the delegation", &bare, signature(by_root));
    let good = sign(&net.root_secret, &net.root_state(), None);
    let with = |secret, proof: &[u8]| sign(secret, &time(&[1]), Some((net.subnet, proof)));
    check("by a stranger under a delegation", &with(&stranger, &good), signature(by_subnet));
    let forged = sign(&stranger, &net.root_state(), None);
    check("a forged delegation", &with(&net.subnet_secret, &forged), signature(delegation));
    let nested = sign(&net.subnet_secret, &net.root_state(), Some((net.subnet, &good)));
    check(
        "a delegation's delegation",
        &with(&net.subnet_secret, &nested),
        BadCertificate::NestedDelegation,
    );
    let elsewhere = sign(&net.subnet_secret, &time(&[1]), Some((canister(1), &good)));
    let no_key = |why| BadCertificate::NoValue { what: "key of the subnet", why };
    check("a subnet that is not there", &elsewhere, no_key("absent"));
    let hidden = root_state(&net, vec![("public_key", Tree::leaf("").pruned())], None);
    check("a hidden key", &delegated(&net, &hidden), no_key("unknown"));
    let raw = root_state(&net, vec![("public_key", Tree::leaf(stranger_key.to_bytes()))], None);
    let no_der = BadCertificate::Signature { of: "the key of the subnet", source: BadBls::Key };
    check("a key without its DER", &delegated(&net, &raw), no_der);
}

#[test]
fn one_root_key_is_not_another() {
    let net = Net::new();
    let bytes = net.certify(&time(&[1]));
    let found = certificate(&bytes, &RootKey::mainnet(), Scope::Subnet).err();
    assert!(matches!(found, Some(BadCertificate::Signature { .. })));
}

#[test]
fn a_certificate_is_new_or_not() {
    let net = Net::new();
    let minute = 60_000_000_000;
    // 100 minutes after the epoch.
    let bytes = net.certify(&time(&[0x80, 0xc0, 0xf9, 0xde, 0xcf, 0xae, 1]));
    let certified = certificate(&bytes, &net.root, Scope::Subnet).expect("it holds");
    let at = UnixNanos(100 * minute);
    assert_eq!(certified.time(), Ok(at));
    let check = |now: u64, age_max_ns: u64, expected: Result<UnixNanos, BadCertificate>| {
        assert_eq!(certified.check_age(UnixNanos(now), age_max_ns), expected, "{now}");
    };
    let stale = |age_max_ns| Err(BadCertificate::Stale { time: at.0, age_max_ns });
    let future = Err(BadCertificate::Future { time: at.0 });
    check(at.0, AGE_MAX_NS, Ok(at));
    check(105 * minute, AGE_MAX_NS, Ok(at));
    check(105 * minute + 1, AGE_MAX_NS, stale(AGE_MAX_NS));
    check(u64::MAX, AGE_MAX_NS, stale(AGE_MAX_NS));
    check(95 * minute, AGE_MAX_NS, Ok(at));
    check(95 * minute - 1, AGE_MAX_NS, future);
    check(95 * minute - 1, u64::MAX, future);
    check(98 * minute, minute, future);
    check(100, u64::MAX, future);
    check(160 * minute, 60 * minute, Ok(at));
    check(0, 0, future);
}

#[test]
fn times_have_one_form() {
    let net = Net::new();
    let check = |bytes: &[u8], expected: Option<u64>| {
        let bytes = net.certify(&time(bytes));
        let certified = certificate(&bytes, &net.root, Scope::Subnet).expect("it holds");
        assert_eq!(certified.time().ok(), expected.map(UnixNanos), "{bytes:x?}");
    };
    check(&[0], Some(0));
    check(&[0x7f], Some(127));
    check(&[0x80, 1], Some(128));
    check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Some(u64::MAX));
    check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], None);
    check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], None);
    check(&[], None);
    check(&[0x80], None);
    check(&[0x80, 0], None);
    check(&[1, 1], None);
}

#[test]
fn other_structures_are_refused() {
    let net = Net::new();
    let good = net.certify(&time(&[1]));
    let untagged = &good[3..];
    assert_eq!(error_of(untagged, &net, Scope::Subnet), None, "the tag may be missing");
    let trailing = [&good[..], &[0]].concat();
    let found = error_of(&trailing, &net, Scope::Subnet);
    assert_eq!(found, Some(BadCertificate::Encoding(BadCbor::Trailing)));
    for bytes in [&b""[..], b"\xd9\xd9\xf7", b"\xa0", b"\xa1dtree\x81\x00", b"\x81\x00", &good[4..]]
    {
        assert!(error_of(bytes, &net, Scope::Subnet).is_some());
    }
    let large = vec![0; CERTIFICATE_BYTES_MAX + 1];
    assert_eq!(error_of(&large, &net, Scope::Subnet), Some(BadCertificate::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_byte_spoils_a_certificate(place: prop::sample::Index, flip in 1_u8..) {
        let net = Net::new();
        let good = net.certified_data(&[7; 32]);
        let mut bytes = good.clone();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        // A head may have another spelling, but then it says the same.
        if let Ok(certified) = certificate(&bytes, &net.root, Scope::Canister(net.canister)) {
            prop_assert_eq!(certified.certified_data(), Ok(&[7; 32]));
            prop_assert_eq!(certified.time(), Ok(UnixNanos(1)));
        }
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let result = certificate(&bytes, &RootKey::mainnet(), Scope::Subnet);
        prop_assert!(result.is_err());
    }
}

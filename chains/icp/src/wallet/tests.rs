//! What a proof binds, and everything that must not pass for it.

use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use types::{ContextId, InvitationId, MemberSecret};

use super::*;
use crate::forge::{Net, canister};

const NOW_S: u64 = 1_790_000_000;
const NOW: UnixMillis = UnixMillis(NOW_S * 1_000);
const LATER: UnixNanos = UnixNanos((NOW_S + 1) * 1_000_000_000);

fn key(byte: u8) -> AccountKey {
    AccountKey::from_bytes([byte; 32])
}

fn der(byte: u8) -> Vec<u8> {
    public_der(&signing_key(&key(byte)))
}

fn wallets() -> IcpWallets {
    IcpWallets::default().with_network(Net::new().root)
}

fn network() -> ChainId {
    Net::new().root.network()
}

fn account(byte: u8) -> AccountId {
    wallets().account(&network(), &key(byte)).expect("a key")
}

fn binding() -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: account(4),
        time_s: NOW_S,
    }
}

fn proof(binding: &Binding, by: u8) -> WalletProof {
    let message = wallets().message(binding, NOW).expect("a message");
    wallets().sign(&message, &key(by)).expect("a signature")
}

#[track_caller]
fn refuses(story: &str, binding: &Binding, proof: &WalletProof, error: &WalletError) {
    assert_eq!(wallets().check(binding, proof).as_ref(), Err(error), "{story}");
}

#[test]
fn the_message_says_what_is_bound() {
    let wallets = IcpWallets::default();
    let account = wallets.account(&RootKey::mainnet().network(), &key(4)).expect("a key");
    let binding = Binding { account, ..binding() };
    let text = wallets.message(&binding, NOW).expect("a message");
    let expected = "\
anchorhold asks you to bind this principal to a member key. It calls no canister.

Principal: ghaya-cncjm-ntxgt-af5pp-6hzsz-tvwlv-hrlfc-ocq3t-ai7vk-vyixr-cqe
Network: icp:737ba355e855bd4b61279056603e0550
Context: 0101010101010101010101010101010101010101010101010101010101010101
Invitation: 0202020202020202020202020202020202020202020202020202020202020202
Member: ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1";
    assert_eq!(text, expected);
}

#[test]
fn the_accounts_own_signature_is_valid() {
    let binding = binding();
    assert_eq!(wallets().check(&binding, &proof(&binding, 4)), Ok(()));
    let creator = Binding { invitation: None, ..binding };
    assert_eq!(wallets().verify(&creator, &proof(&creator, 4)), Answer::Valid);
}

#[test]
fn another_identitys_signature_names_its_signer() {
    let binding = binding();
    let error = WalletError::OtherSigner { expected: account(4), found: account(5) };
    refuses("signed by another key", &binding, &proof(&binding, 5), &error);
}

#[test]
fn a_proof_serves_its_own_binding_only() {
    let good = binding();
    let check = |signed: &Binding, field| {
        let other = WalletError::OtherField { field };
        refuses(field, &good, &proof(signed, 4), &other);
    };
    let context = ContextId::from_bytes([9; 32]);
    check(&Binding { context, ..good.clone() }, "context");
    let invitation = Some(InvitationId::from_bytes([9; 32]));
    check(&Binding { invitation, ..good.clone() }, "invitation");
    check(&Binding { invitation: None, ..good.clone() }, "invitation");
    let member = MemberSecret::from_seed(&[9; 32]).public();
    check(&Binding { member, ..good.clone() }, "member");
    check(&Binding { account: account(5), ..good.clone() }, "account");
    let text = wallets().message(&good, NOW).expect("a message");
    let changed = |from: &str, to: &str| {
        wallets().sign(&text.replacen(from, to, 1), &key(4)).expect("signed")
    };
    let other = |field| WalletError::OtherField { field };
    refuses("network", &good, &changed("icp:", "icp:0"), &other("chain"));
    refuses("purpose", &good, &changed("no canister", "a canister"), &other("purpose"));
    let malformed = WalletError::Malformed { what: "lines" };
    refuses("more", &good, &changed("Member", "Role: owner\nMember"), &malformed);
    refuses(
        "a line feed",
        &good,
        &wallets().sign(&(text.clone() + "\n"), &key(4)).expect("signed"),
        &malformed,
    );
}

#[test]
fn only_the_text_itself_is_signed() {
    let binding = binding();
    let good = proof(&binding, 4);
    let secret = signing_key(&key(4));
    for (story, signed) in [
        ("with a length before it", [&b"\x12anchorhold-binding"[..], &good.message].concat()),
        ("as a call", [b"\x0aic-request", &good.message[..]].concat()),
        ("as a delegation", [b"\x1aic-request-auth-delegation", &good.message[..]].concat()),
    ] {
        let signature = delegated(&der(4), &[], &secret.sign(&signed).to_bytes());
        let proof = WalletProof { signature, ..good.clone() };
        refuses(story, &binding, &proof, &WalletError::BadSignature);
    }
}

/// An envelope with delegations.
fn delegated(key: &[u8], hops: &[SignedDelegation], signature: &[u8]) -> Vec<u8> {
    let chain = DelegationChain { key: key.to_vec(), hops: hops.to_vec() };
    Envelope { chain, signature: signature.to_vec() }.encode()
}

/// Key 4 lets key 6 sign, which does.
fn by_delegation(binding: &Binding, targets: Option<Vec<Principal>>) -> WalletProof {
    let delegation = Delegation { key: der(6), expiration: LATER, targets };
    let signature = signing_key(&key(4)).sign(&delegation.signed_bytes()).to_bytes().to_vec();
    session_proof(binding, &der(4), SignedDelegation { delegation, signature })
}

/// Key 6 signs for `key`, which lets it by `hop`.
fn session_proof(binding: &Binding, first: &[u8], hop: SignedDelegation) -> WalletProof {
    let message = wallets().message(binding, NOW).expect("a message").into_bytes();
    let signature = signing_key(&key(6)).sign(&message).to_bytes();
    WalletProof { scheme: SCHEME_IC, message, signature: delegated(first, &[hop], &signature) }
}

#[test]
fn a_session_signs_until_it_expires() {
    let binding = binding();
    let proof = by_delegation(&binding, None);
    let at = |time_s| wallets().check(&Binding { time_s, ..binding.clone() }, &proof);
    assert_eq!(at(NOW_S), Ok(()));
    assert_eq!(at(NOW_S + 1), Err(WalletError::Expired));
    assert_eq!(at(u64::MAX), Err(WalletError::Expired), "no time is too late to be told");
    assert_eq!(at(0), Ok(()), "where nobody says a time");
}

#[test]
fn a_session_for_certain_canisters_is_for_no_node() {
    let binding = binding();
    let proof = by_delegation(&binding, Some(vec![canister(1), canister(2)]));
    refuses("targets", &binding, &proof, &WalletError::OtherField { field: "canister" });
}

/// As with Internet Identity: the account is a canister's word, its session an Ed25519 key.
#[test]
fn an_account_may_be_a_canisters_word() {
    let net = Net::new();
    let first = net.canister_key(b"user");
    let account = account_id(&network(), &Principal::self_authenticating(&first)).expect("legal");
    let binding = Binding { account, ..binding() };
    let delegation = Delegation { key: der(6), expiration: LATER, targets: None };
    let signature = net.canister_signature(b"user", &delegation.signed_bytes());
    let hop = SignedDelegation { delegation, signature };
    let proof = session_proof(&binding, &first, hop.clone());
    assert_eq!(wallets().check(&binding, &proof), Ok(()));
    let stranger = IcpWallets::default();
    assert_eq!(stranger.verify(&binding, &proof), Answer::Unknown, "without the root key");
    // A canister may sign without a session, and then nothing can expire.
    let own = delegated(&first, &[], &net.canister_signature(b"user", &proof.message));
    assert_eq!(wallets().verify(&binding, &WalletProof { signature: own, ..proof }), Answer::Valid);
    let other = net.canister_signature(b"user 2", &hop.delegation.signed_bytes());
    let proof = session_proof(&binding, &first, SignedDelegation { signature: other, ..hop });
    refuses("another user", &binding, &proof, &WalletError::BadSignature);
}

#[test]
fn accounts_that_cannot_sign_are_refused() {
    let proof = proof(&binding(), 4);
    let with = |address: &str| {
        let account = AccountId::new(&network(), address).expect("legal");
        wallets().check(&Binding { account, ..binding() }, &proof)
    };
    for address in
        ["2vxsx-fae", "aaaaa-aa", "rrkah-fqaaa-aaaaa-aaaaq-cai", "RRKAH-FQAAA", "0x00", "2vxsx"]
    {
        assert!(matches!(with(address), Err(WalletError::BadAccount { .. })), "{address}");
    }
    let elsewhere: AccountId = "eip155:1:0x01".parse().expect("legal");
    let found = wallets().check(&Binding { account: elsewhere, ..binding() }, &proof);
    assert_eq!(WalletError::answer(&found), Answer::Unknown);
    let unknown_scheme = WalletProof { scheme: 9, ..proof };
    assert_eq!(wallets().verify(&binding(), &unknown_scheme), Answer::Unknown);
    for chain in ["icp:0", "icp:737BA355E855BD4B61279056603E0550", "near:mainnet"] {
        let found = wallets().account(&chain.parse().expect("legal"), &key(4));
        assert_eq!(found, Err(WalletError::BadKey), "{chain}");
    }
}

/// Whoever does not know a network's root key can still tell what its keys signed.
#[test]
fn keys_of_unknown_networks_sign_for_themselves() {
    let binding = binding();
    for proof in [proof(&binding, 4), by_delegation(&binding, None)] {
        assert_eq!(IcpWallets::default().check(&binding, &proof), Ok(()));
    }
    let network: ChainId = "icp:00000000000000000000000000000000".parse().expect("legal");
    let account = wallets().account(&network, &key(4)).expect("a key");
    let found =
        IcpWallets::default().check(&Binding { account, ..binding.clone() }, &proof(&binding, 4));
    assert_eq!(found, Err(WalletError::OtherField { field: "chain" }));
}

#[test]
fn other_envelopes_are_refused() {
    let binding = binding();
    let good = proof(&binding, 4);
    let check = |story: &str, signature: Vec<u8>| {
        let proof = WalletProof { signature, ..good.clone() };
        refuses(story, &binding, &proof, &WalletError::BadSignature);
    };
    check("nothing", Vec::new());
    check("longer", [&good.signature[..], &[0]].concat());
    check("shorter", good.signature[..good.signature.len() - 1].to_vec());
    check("too long", vec![0xa0; (16 << 10) + 1]);
    let no_list = b"\xa3msender_pubkey\x40qsender_delegation\xa0jsender_sig\x40";
    check("delegations that are no list", no_list.to_vec());
    let claims_much = b"\xa1qsender_delegation\x9b\xff\xff\xff\xff\xff\xff\xff\xff";
    check("a list that claims much", claims_much.to_vec());
    let empty = delegated(&der(4), &[], &good.signature[good.signature.len() - 64..]);
    let proof = WalletProof { signature: empty, ..good.clone() };
    assert_eq!(wallets().check(&binding, &proof), Ok(()), "an empty list is none");
}

proptest! {
    #[test]
    fn one_changed_byte_spoils_a_proof(place: prop::sample::Index, flip in 1_u8..) {
        let binding = binding();
        let mut proof = proof(&binding, 4);
        let place = place.index(proof.message.len());
        proof.message[place] ^= flip;
        prop_assert_ne!(wallets().verify(&binding, &proof), Answer::Valid);
    }

    #[test]
    fn one_changed_byte_spoils_a_delegation(place: prop::sample::Index, flip in 1_u8..) {
        let binding = binding();
        let mut proof = by_delegation(&binding, None);
        let place = place.index(proof.signature.len());
        proof.signature[place] ^= flip;
        prop_assert!(wallets().check(&binding, &proof).is_err());
    }

    #[test]
    fn any_bytes_are_judged(
        message in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..200),
        scheme: u8,
    ) {
        let good = proof(&binding(), 4).message;
        for message in [message, good] {
            let proof = WalletProof { scheme, message, signature: signature.clone() };
            prop_assert_ne!(wallets().verify(&binding(), &proof), Answer::Valid);
        }
    }
}

//! What a proof binds, and everything that must not pass for it.

use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use types::{ContextId, InvitationId, MemberSecret};

use super::*;
use crate::{
    forge::{Net, canister},
    proof::cbor,
};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
const LATER: UnixNanos = UnixNanos((NOW.0 + 1) * 1_000_000);

fn key(byte: u8) -> AccountKey {
    AccountKey::from_bytes([byte; 32])
}

fn der(byte: u8) -> Vec<u8> {
    public_der(&signing_key(&key(byte)))
}

fn wallets() -> IcpWallets {
    let trust = Trust { root_key: Net::new().root, relying_party: None };
    IcpWallets::new(trust, None)
}

fn account(byte: u8) -> AccountId {
    let wallets = wallets();
    wallets.account(&wallets.network, &key(byte)).expect("a key")
}

fn binding() -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: account(4),
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
    let wallets = IcpWallets::mainnet();
    let account = wallets.account(&wallets.network, &key(4)).expect("a key");
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
fn only_the_text_behind_its_domain_is_signed() {
    let binding = binding();
    let good = proof(&binding, 4);
    let secret = signing_key(&key(4));
    for (story, signed) in [
        ("the text alone", good.message.clone()),
        ("as a call", [b"\x0aic-request", &good.message[..]].concat()),
        ("as a delegation", [b"\x1aic-request-auth-delegation", &good.message[..]].concat()),
    ] {
        let signature = envelope::of_key(&der(4), &secret.sign(&signed).to_bytes());
        let proof = WalletProof { signature, ..good.clone() };
        refuses(story, &binding, &proof, &WalletError::BadSignature);
    }
}

/// An envelope with delegations.
fn delegated(key: &[u8], hops: &[SignedDelegation], signature: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_map(&mut out, 3);
    cbor::put_text(&mut out, "sender_sig");
    cbor::put_bytes(&mut out, signature);
    cbor::put_text(&mut out, "sender_delegation");
    cbor::put_array(&mut out, hops.len());
    for SignedDelegation { delegation, signature } in hops {
        cbor::put_map(&mut out, 2);
        cbor::put_text(&mut out, "delegation");
        cbor::put_map(&mut out, 2 + usize::from(delegation.targets.is_some()));
        cbor::put_text(&mut out, "pubkey");
        cbor::put_bytes(&mut out, &delegation.key);
        cbor::put_text(&mut out, "expiration");
        cbor::put_unsigned(&mut out, delegation.expiration.0);
        if let Some(targets) = &delegation.targets {
            cbor::put_text(&mut out, "targets");
            cbor::put_array(&mut out, targets.len());
            targets.iter().for_each(|target| cbor::put_bytes(&mut out, target.as_bytes()));
        }
        cbor::put_text(&mut out, "signature");
        cbor::put_bytes(&mut out, signature);
    }
    cbor::put_text(&mut out, "sender_pubkey");
    cbor::put_bytes(&mut out, key);
    out
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
    let signature = signing_key(&key(6)).sign(&[DOMAIN, &message].concat()).to_bytes();
    WalletProof { scheme: SCHEME_IC, message, signature: delegated(first, &[hop], &signature) }
}

#[test]
fn a_session_signs_until_it_expires() {
    let binding = binding();
    let proof = by_delegation(&binding, None);
    assert_eq!(wallets().check_at(&binding, &proof, NOW), Ok(()));
    let over = UnixMillis(NOW.0 + 1);
    let expired = WalletError::OtherField { field: "time" };
    assert_eq!(wallets().check_at(&binding, &proof, over), Err(expired));
    let nanos_as_millis = UnixMillis(LATER.0 - 1);
    assert!(wallets().check_at(&binding, &proof, nanos_as_millis).is_err());
    assert_eq!(wallets().verify(&binding, &proof), Answer::Unknown, "without a time");
}

#[test]
fn a_session_for_canisters_is_for_the_registry_or_for_none() {
    let binding = binding();
    let proof = by_delegation(&binding, Some(vec![canister(1), canister(2)]));
    let with = |registry| {
        let trust = Trust { root_key: Net::new().root, relying_party: None };
        IcpWallets::new(trust, registry).check_at(&binding, &proof, NOW)
    };
    let other = Err(WalletError::OtherField { field: "canister" });
    assert_eq!(with(Some(canister(2))), Ok(()));
    assert_eq!(with(Some(canister(3))), other);
    assert_eq!(with(None), other);
}

/// As with Internet Identity: the account is a canister's word, its session an Ed25519 key.
#[test]
fn an_account_may_be_a_canisters_word() {
    let net = Net::new();
    let first = net.canister_key(b"user");
    let account = wallets().account_id(&Principal::self_authenticating(&first)).expect("legal");
    let binding = Binding { account, ..binding() };
    let delegation = Delegation { key: der(6), expiration: LATER, targets: None };
    let signature = net.canister_signature(b"user", &delegation.signed_bytes());
    let hop = SignedDelegation { delegation, signature };
    let proof = session_proof(&binding, &first, hop.clone());
    assert!(proof.signature.len() < ENVELOPE_USUAL_MAX);
    assert_eq!(wallets().check_at(&binding, &proof, NOW), Ok(()));
    // A canister may sign without a session, and then nothing can expire.
    let message = [DOMAIN, &proof.message].concat();
    let own = envelope::of_key(&first, &net.canister_signature(b"user", &message));
    assert_eq!(wallets().verify(&binding, &WalletProof { signature: own, ..proof }), Answer::Valid);
    let other = net.canister_signature(b"user 2", &hop.delegation.signed_bytes());
    let proof = session_proof(&binding, &first, SignedDelegation { signature: other, ..hop });
    assert_eq!(wallets().check_at(&binding, &proof, NOW), Err(WalletError::BadSignature));
}

/// What the log takes.
const ENVELOPE_USUAL_MAX: usize = 4096;

#[test]
fn accounts_that_cannot_sign_are_refused() {
    let proof = proof(&binding(), 4);
    let with = |address: &str| {
        let account = AccountId::new(&wallets().network, address).expect("legal");
        wallets().check(&Binding { account, ..binding() }, &proof)
    };
    for address in
        ["2vxsx-fae", "aaaaa-aa", "rrkah-fqaaa-aaaaa-aaaaq-cai", "RRKAH-FQAAA", "0x00", "2vxsx"]
    {
        assert!(matches!(with(address), Err(WalletError::BadAccount { .. })), "{address}");
    }
    let elsewhere: AccountId = "icp:0:2vxsx-fae".parse().expect("legal");
    let found = wallets().check(&Binding { account: elsewhere, ..binding() }, &proof);
    assert_eq!(WalletError::answer(&found), Answer::Unknown);
    let unknown_scheme = WalletProof { scheme: 9, ..proof };
    assert_eq!(wallets().verify(&binding(), &unknown_scheme), Answer::Unknown);
    let mainnet = IcpWallets::mainnet();
    let found = mainnet.account(&wallets().network, &key(4));
    assert_eq!(found, Err(WalletError::BadKey), "of another network");
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
        let mut proof = by_delegation(&binding, Some(vec![canister(2)]));
        let place = place.index(proof.signature.len());
        proof.signature[place] ^= flip;
        let trust = Trust { root_key: Net::new().root, relying_party: None };
        let wallets = IcpWallets::new(trust, Some(canister(2)));
        prop_assert!(wallets.check_at(&binding, &proof, NOW).is_err());
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

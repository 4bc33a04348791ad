//! What a proof binds, and everything that must not pass for it.

use chain::{AccountKey, WalletError, Wallets as _};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier as _};
use proptest::prelude::*;
use types::{AccountId, ContextId, InvitationId, MemberKey, MemberSecret, UnixMillis};

use super::*;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn key(byte: u8) -> AccountKey {
    AccountKey::from_bytes([byte; 32])
}

fn account(byte: u8) -> AccountId {
    let chain = "eip155:31337".parse().expect("legal");
    EthereumWallets.account(&chain, &key(byte)).expect("a key")
}

fn binding() -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: account(4),
        time_s: 0,
    }
}

fn proof(binding: &Binding, by: u8) -> WalletProof {
    let message = EthereumWallets.message(binding, NOW).expect("a message");
    EthereumWallets.sign(&message, &key(by)).expect("a signature")
}

#[track_caller]
fn refuses(story: &str, binding: &Binding, proof: &WalletProof, error: &WalletError) {
    assert_eq!(EthereumWallets.check(binding, proof).as_ref(), Err(error), "{story}");
}

#[test]
fn the_message_says_what_is_bound() {
    let text = EthereumWallets.message(&binding(), NOW).expect("a message");
    let expected = "\
anchorhold wants you to sign in with your Ethereum account:
0xc48B812bB43401392c037381AcA934F4069C0517

Binds this account to member \
ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1 of an Anchorhold context. \
It costs nothing and sends no transaction.

URI: anchorhold:context:0101010101010101010101010101010101010101010101010101010101010101
Version: 1
Chain ID: 31337
Nonce: 0202020202020202020202020202020202020202020202020202020202020202
Issued At: 2026-09-21T14:13:20Z
Resources:
- did:key:z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2
- anchorhold:invitation:0202020202020202020202020202020202020202020202020202020202020202";
    assert_eq!(text, expected);
}

#[test]
fn the_accounts_own_signature_is_valid() {
    let binding = binding();
    assert_eq!(EthereumWallets.check(&binding, &proof(&binding, 4)), Ok(()));
    let creator = Binding { invitation: None, ..binding };
    assert_eq!(EthereumWallets.verify(&creator, &proof(&creator, 4)), Answer::Valid);
}

#[test]
fn another_wallets_signature_names_its_signer() {
    let binding = binding();
    let error = WalletError::OtherSigner { expected: account(4), found: account(5) };
    refuses("signed by another key", &binding, &proof(&binding, 5), &error);
}

#[test]
fn a_proof_serves_its_own_binding_only() {
    let good = binding();
    let other = |field| WalletError::OtherField { field };
    let check = |story: &str, signed: &Binding, error: &WalletError| {
        refuses(story, &good, &proof(signed, 4), error);
    };
    let context = ContextId::from_bytes([9; 32]);
    check("another context", &Binding { context, ..good.clone() }, &other("context"));
    let invitation = Some(InvitationId::from_bytes([9; 32]));
    check("another invitation", &Binding { invitation, ..good.clone() }, &other("invitation"));
    check("no invitation", &Binding { invitation: None, ..good.clone() }, &other("invitation"));
    let member = MemberSecret::from_seed(&[9; 32]).public();
    check("another member", &Binding { member, ..good.clone() }, &other("member or invitation"));
    let mainnet: ChainId = "eip155:1".parse().expect("legal");
    let same_address = AccountId::new(&mainnet, good.account.address()).expect("legal");
    check("another chain", &Binding { account: same_address, ..good.clone() }, &other("chain"));
    check("another account", &Binding { account: account(5), ..good.clone() }, &other("account"));
}

#[test]
fn messages_of_other_sites_and_purposes_are_refused() {
    let binding = binding();
    let text = EthereumWallets.message(&binding, NOW).expect("a message");
    let check = |from: &str, to: &str, field| {
        let proof = EthereumWallets.sign(&text.replacen(from, to, 1), &key(4)).expect("signed");
        refuses(to, &binding, &proof, &WalletError::OtherField { field });
    };
    check("anchorhold wants", "evil.example wants", "domain");
    check("anchorhold wants", "https://anchorhold wants", "domain");
    check("Chain ID: 31337", "Chain ID: 1", "chain");
    check("Chain ID: 31337", "Chain ID: 031337", "chain");
    check("costs nothing", "costs everything", "purpose");
    check("\nResources", "\nExpiration Time: 2026-01-01T00:00:00Z\nResources", "purpose");
    check("\nResources", "\nNot Before: 2026-01-01T00:00:00Z\nResources", "purpose");
    check("\nResources", "\nRequest ID: 1\nResources", "purpose");
}

#[test]
fn both_spellings_of_v_count_and_no_other_form() {
    let binding = binding();
    let good = proof(&binding, 4);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut signature = good.signature.clone();
        change(&mut signature);
        EthereumWallets.check(&binding, &WalletProof { signature, ..good.clone() })
    };
    assert_eq!(with(&|signature| signature[64] -= 27), Ok(()));
    let bad = Err(WalletError::BadSignature);
    assert_eq!(with(&|signature| signature[64] += 2), bad, "v 29 or 30");
    assert_eq!(with(&|signature| signature[64] += 8), bad, "v of a transaction");
    assert_eq!(with(&|signature| signature.truncate(64)), bad, "the 64-byte form");
    assert_eq!(with(&|signature| signature.push(0)), bad, "a trailing byte");
    assert_eq!(with(&|signature| signature[..32].fill(0)), bad, "r is zero");
    assert_eq!(with(&|signature| signature[32..64].fill(0)), bad, "s is zero");
    assert_eq!(with(&|signature| signature[..32].fill(0xff)), bad, "r above the order");
    let flipped = with(&|signature| signature[64] = 55 - signature[64]);
    assert!(matches!(flipped, Err(WalletError::OtherSigner { .. } | WalletError::BadSignature)));
    assert_eq!(
        with(&|signature| make_high(signature)),
        bad,
        "the second form of the same signature"
    );
}

/// s becomes n − s, and v flips: recovers the same key.
fn make_high(signature: &mut [u8]) {
    let rs = k256::ecdsa::Signature::from_slice(&signature[..64]).expect("a signature");
    let (r, s) = rs.split_scalars();
    let high = k256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes());
    signature[..64].copy_from_slice(&high.expect("in range").to_bytes());
    signature[64] = 55 - signature[64];
}

#[test]
fn accounts_that_cannot_sign_are_refused() {
    let proof = proof(&binding(), 4);
    let with = |account: &str| {
        let account: AccountId = account.parse().expect("legal");
        EthereumWallets.check(&Binding { account, ..binding() }, &proof)
    };
    let zero = with("eip155:31337:0x0000000000000000000000000000000000000000");
    assert!(matches!(zero, Err(WalletError::BadAccount { .. })));
    assert!(matches!(with("eip155:31337:0x00"), Err(WalletError::BadAccount { .. })));
    let near = with("near:mainnet:alice.near");
    assert_eq!(WalletError::answer(&near), Answer::Unknown);
    let unknown_scheme = WalletProof { scheme: 9, ..proof.clone() };
    assert_eq!(EthereumWallets.verify(&binding(), &unknown_scheme), Answer::Unknown);
}

#[test]
fn a_key_that_is_none_signs_nothing() {
    let zero = AccountKey::from_bytes([0; 32]);
    assert_eq!(EthereumWallets.sign("", &zero), Err(WalletError::BadKey));
    let chain = "eip155:1".parse().expect("legal");
    let over = AccountKey::from_bytes([0xff; 32]);
    assert_eq!(EthereumWallets.account(&chain, &over), Err(WalletError::BadKey));
}

/// The example of EIP-191's own tools: key, message, address.
#[test]
fn a_known_key_has_its_known_address() {
    let mut bytes = [0; 32];
    bytes[31] = 1;
    let chain = "eip155:1".parse().expect("legal");
    let account = EthereumWallets.account(&chain, &AccountKey::from_bytes(bytes));
    let expected = "eip155:1:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf".parse();
    assert_eq!(account.ok(), expected.ok());
}

#[test]
fn a_member_key_has_its_did() {
    // Of the did:key method's test vectors.
    let key = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
    let key: MemberKey = key.parse().expect("legal");
    assert_eq!(did_key(&key), "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp");
}

proptest! {
    #[test]
    fn one_changed_byte_spoils_a_proof(place: prop::sample::Index, flip in 1_u8..) {
        let binding = binding();
        let mut proof = proof(&binding, 4);
        let place = place.index(proof.message.len());
        proof.message[place] ^= flip;
        prop_assert_ne!(EthereumWallets.verify(&binding, &proof), Answer::Valid);
    }

    #[test]
    fn any_bytes_are_judged(
        message in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..80),
        scheme: u8,
    ) {
        let proof = WalletProof { scheme, message, signature };
        prop_assert_ne!(EthereumWallets.verify(&binding(), &proof), Answer::Valid);
    }
}

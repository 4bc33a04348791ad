//! What a proof binds, and everything that must not pass for it.

use chain::{AccountKey, WalletError, Wallets as _};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier as _};
use proptest::prelude::*;
use serde_json::{Value, json};
use types::{AccountId, ContextId, InvitationId, MemberSecret, UnixMillis};

use super::*;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn key(byte: u8) -> AccountKey {
    AccountKey::from_bytes([byte; 32])
}

fn public(byte: u8) -> PublicKey {
    PublicKey::Ed25519(SigningKey::from_bytes(&[byte; 32]).verifying_key().to_bytes())
}

fn full_access(byte: u8) -> Condition {
    Condition::FullAccess(public(byte))
}

fn binding() -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: account("alice%5F1.testnet"),
        time_s: 0,
    }
}

fn account(address: &str) -> AccountId {
    format!("near:testnet:{address}").parse().expect("legal")
}

fn proof(binding: &Binding, by: u8) -> WalletProof {
    let message = NearWallets.message(binding, NOW).expect("a message");
    NearWallets.sign(&message, &key(by)).expect("a signature")
}

#[track_caller]
fn refuses(story: &str, binding: &Binding, proof: &WalletProof, error: &WalletError) {
    assert_eq!(NearWallets.condition(binding, proof).as_ref(), Err(error), "{story}");
    assert_eq!(NearWallets.check(binding, proof).as_ref(), Err(error), "{story}");
}

/// What NEAR's own library answers for [`binding`], as browsers' wallets give it, and the callback.
fn answers() -> Vec<(Value, Option<String>)> {
    let text = include_str!("../../tests/vectors/own/binding.json");
    let claims: Vec<Value> = serde_json::from_str(text).expect("JSON");
    let answer = |claim: &Value| {
        let input = &claim["input"];
        let signature = hex::decode(input["signature"].as_str().expect("text")).expect("hex");
        let answer = json!({
            "accountId": input["account_id"],
            "publicKey": input["public_key"],
            "signature": BASE64.encode(&signature),
        });
        (answer, input["payload"]["callbackUrl"].as_str().map(str::to_owned))
    };
    claims.iter().map(answer).collect()
}

#[test]
fn the_message_says_what_is_bound() {
    let request = NearWallets.request(&binding(), NOW).expect("a request");
    let expected = "\
Binds a NEAR account to a member of an Anchorhold context. \
It costs nothing and sends no transaction.

Network: near:testnet
Account: alice_1.testnet
Context: 0101010101010101010101010101010101010101010101010101010101010101
Invitation: 0202020202020202020202020202020202020202020202020202020202020202
Member: ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1
Issued At: 2026-09-21T14:13:20Z";
    assert_eq!(request.message, expected);
    let recipient = format!("anchorhold:context:{}", "01".repeat(32));
    assert_eq!(request.recipient, recipient);
    let creator = Binding { invitation: None, ..binding() };
    let created = NearWallets.request(&creator, NOW).expect("a request");
    assert!(created.message.contains("\nInvitation: none\n"));
    assert_ne!(created.nonce, request.nonce);
}

#[test]
fn what_nears_own_library_signs_is_taken() {
    let request = NearWallets.request(&binding(), NOW).expect("a request");
    let mut callbacks = 0;
    for (answer, callback_url) in answers() {
        let proof = request.proof(&answer, callback_url.as_deref()).expect("a proof");
        let key = answer["publicKey"].as_str().expect("text").parse().expect("a key");
        let found = NearWallets.condition(&binding(), &proof);
        assert_eq!(found, Ok(Condition::FullAccess(key)), "{answer}");
        callbacks += usize::from(callback_url.is_some());
    }
    assert_eq!((callbacks, answers().len()), (2, 4));
}

#[test]
fn a_key_has_an_account_where_the_chain_is_nears() {
    let chain = "near:testnet".parse().expect("legal");
    let id = public(4).implicit_id().to_account(&chain);
    assert_eq!(NearWallets.account(&chain, &key(4)).ok(), id);
    let other = "eip155:1".parse().expect("legal");
    assert_eq!(NearWallets.account(&other, &key(4)), Err(WalletError::BadKey));
}

#[test]
fn a_good_signature_is_unknown_until_the_chain_knows_its_key() {
    let binding = binding();
    let proof = proof(&binding, 4);
    assert_eq!(NearWallets.condition(&binding, &proof), Ok(full_access(4)));
    assert_eq!(NearWallets.verify(&binding, &proof), Answer::Unknown);
    // Even of the account that the key made: it may have been deleted.
    let id = public(4).implicit_id();
    let implicit = Binding { account: account(id.as_str()), ..binding };
    let proof = self::proof(&implicit, 4);
    assert_eq!(NearWallets.condition(&implicit, &proof), Ok(full_access(4)));
    assert_eq!(NearWallets.verify(&implicit, &proof), Answer::Unknown);
}

#[test]
fn a_proof_serves_its_own_binding_only() {
    let good = binding();
    let check = |field, signed: &Binding| {
        let other = WalletError::OtherField { field };
        refuses(field, &good, &proof(signed, 4), &other);
    };
    let context = ContextId::from_bytes([9; 32]);
    check("context", &Binding { context, ..good.clone() });
    let invitation = Some(InvitationId::from_bytes([9; 32]));
    check("invitation", &Binding { invitation, ..good.clone() });
    check("invitation", &Binding { invitation: None, ..good.clone() });
    let member = MemberSecret::from_seed(&[9; 32]).public();
    check("member", &Binding { member, ..good.clone() });
    let mainnet: AccountId = "near:mainnet:alice%5F1.testnet".parse().expect("legal");
    check("chain", &Binding { account: mainnet, ..good.clone() });
    check("account", &Binding { account: account("bob.testnet"), ..good.clone() });
}

#[test]
fn what_a_wallet_signed_besides_the_message_counts() {
    let binding = binding();
    let request = NearWallets.request(&binding, NOW).expect("a request");
    let sign = |nonce: &[u8; 32], recipient: &str, signed: Option<&str>, told: Option<&str>| {
        let payload = Payload::new(&request.message, nonce, recipient, signed).expect("short");
        let signature = SigningKey::from_bytes(&[4; 32]).sign(payload.hash().as_bytes());
        let signature = BASE64.encode(&signature.to_bytes());
        let answer = json!({
            "accountId": "alice_1.testnet",
            "publicKey": public(4).to_string(),
            "signature": signature,
        });
        request.proof(&answer, told).expect("a proof")
    };
    let (nonce, recipient) = (&request.nonce, request.recipient.as_str());
    let good = sign(nonce, recipient, Some("https://a.example"), Some("https://a.example"));
    assert_eq!(NearWallets.condition(&binding, &good), Ok(full_access(4)));
    let bad = WalletError::BadSignature;
    refuses("another nonce", &binding, &sign(&[0; 32], recipient, None, None), &bad);
    refuses("another recipient", &binding, &sign(nonce, "evil.example", None, None), &bad);
    refuses("a callback dropped", &binding, &sign(nonce, recipient, Some("u"), None), &bad);
    refuses("a callback added", &binding, &sign(nonce, recipient, None, Some("u")), &bad);
    refuses("an empty callback", &binding, &sign(nonce, recipient, None, Some("")), &bad);
}

#[test]
fn messages_of_other_forms_are_refused() {
    let binding = binding();
    let text = NearWallets.request(&binding, NOW).expect("a request").message;
    let check = |from: &str, to: &str, what| {
        let message = text.replacen(from, to, 1).into_bytes();
        let proof = WalletProof { message, ..proof(&binding, 4) };
        refuses(to, &binding, &proof, &WalletError::Malformed { what });
    };
    check("costs nothing", "costs everything", "purpose");
    check("\n\n", "\n", "purpose");
    check("Network: near", "Network: NEAR", "network");
    check("Account: ", "Account:", "account");
    check("Context: 01", "Context: 1", "context");
    check("Invitation: 0", "Invitation: ", "invitation");
    check("Member: e", "Member: E", "member");
    check("Issued At: 2026-", "Issued At: ", "issued at");
    check("20Z", "20Z\n", "end");
    check("Binds", &"x".repeat(2048), "length");
}

#[test]
fn accounts_that_cannot_sign_are_refused() {
    let proof = proof(&binding(), 4);
    let with = |id: &str| {
        let account: AccountId = id.parse().expect("legal");
        NearWallets.check(&Binding { account, ..binding() }, &proof)
    };
    assert!(matches!(with("near:testnet:A1"), Err(WalletError::BadAccount { .. })));
    assert_eq!(WalletError::answer(&with("eip155:1:0xab")), Answer::Unknown);
    let unknown_scheme = WalletProof { scheme: 9, ..proof.clone() };
    assert_eq!(NearWallets.verify(&binding(), &unknown_scheme), Answer::Unknown);
}

#[test]
fn the_ethereum_key_in_an_accounts_name_signs_for_its_contract() {
    let message = NearWallets.request(&binding(), NOW).expect("a request").message;
    let signature = eth_key::sign(message.as_bytes(), &[4; 32]).expect("signed");
    let id = eth_key::recover(message.as_bytes(), &signature).expect("signed");
    let binding = Binding { account: account(id.as_str()), ..binding() };
    let good = proof(&binding, 4);
    assert_eq!(good.scheme, SCHEME_ETH_IMPLICIT);
    assert_eq!(NearWallets.condition(&binding, &good), Ok(Condition::WalletContract));
    assert_eq!(NearWallets.verify(&binding, &good), Answer::Unknown);
    let by_other = NearWallets.check(&binding, &proof(&binding, 5));
    assert!(matches!(by_other, Err(WalletError::OtherSigner { .. })));
    let context = ContextId::from_bytes([9; 32]);
    let other = proof(&Binding { context, ..binding.clone() }, 4);
    let error = WalletError::OtherField { field: "context" };
    assert_eq!(NearWallets.check(&binding, &other), Err(error));
    // Neither scheme stands for the other.
    let named = Binding { account: account("alice.testnet"), ..binding.clone() };
    let message = NearWallets.request(&named, NOW).expect("a request").message.into_bytes();
    let signature = eth_key::sign(&message, &[4; 32]).expect("signed");
    let wrong = WalletProof { scheme: SCHEME_ETH_IMPLICIT, message, signature };
    assert_eq!(NearWallets.verify(&named, &wrong), Answer::Invalid);
    let wrong = WalletProof { scheme: SCHEME_NEP413, ..good };
    assert_eq!(NearWallets.verify(&binding, &wrong), Answer::Invalid);
}

#[test]
fn answers_of_wallets_are_read_strictly() {
    let request = NearWallets.request(&binding(), NOW).expect("a request");
    let (good, _) = answers().remove(0);
    assert!(request.proof(&good, None).is_ok());
    for (field, value) in [
        ("accountId", json!("bob.testnet")),
        ("accountId", json!(null)),
        ("publicKey", json!("ed25519:1")),
        ("signature", json!("AAAA")),
        ("signature", json!("not base64")),
        ("signature", json!("A".repeat(1 << 20))),
        ("signature", json!([1, 2])),
    ] {
        let mut answer = good.clone();
        answer[field] = value;
        assert!(request.proof(&answer, None).is_err(), "{answer}");
    }
}

#[test]
fn what_a_wallet_is_given_is_the_request_as_json() {
    let request = NearWallets.request(&binding(), NOW).expect("a request");
    let text = NearWallets.message(&binding(), NOW).expect("a message");
    let given: Value = serde_json::from_str(&text).expect("JSON");
    let nonce = BASE64.encode(&request.nonce);
    let expected =
        json!({"message": request.message, "recipient": request.recipient, "nonce": nonce});
    assert_eq!(given, expected);
    for (field, value, error) in [
        ("recipient", json!("evil"), WalletError::OtherField { field: "recipient" }),
        ("nonce", json!("AAAA"), WalletError::OtherField { field: "nonce" }),
        ("message", json!("sign"), WalletError::Malformed { what: "purpose" }),
        ("state", json!("x"), WalletError::Malformed { what: "JSON" }),
    ] {
        let mut other = given.clone();
        other[field] = value;
        let found = NearWallets.sign(&other.to_string(), &key(4));
        assert_eq!(found, Err(error), "{field}");
    }
}

#[test]
fn answers_become_proofs() {
    let message = NearWallets.message(&binding(), NOW).expect("a message");
    for (answer, callback_url) in answers() {
        let mut answer = answer;
        if let Some(url) = callback_url {
            answer["callbackUrl"] = json!(url);
        }
        let proof = NearWallets.answered(&message, &answer.to_string()).expect("a proof");
        assert!(NearWallets.condition(&binding(), &proof).is_ok(), "{answer}");
    }
    for bad in ["", "0x00", "[]", "{}", "{\"accountId\":\"alice_1.testnet\"}"] {
        assert!(NearWallets.answered(&message, bad).is_err(), "{bad}");
    }
    let eth = Binding { account: account(ETH_ID), ..binding() };
    let message = NearWallets.message(&eth, NOW).expect("a message");
    let signed = NearWallets.sign(&message, &one()).expect("signed");
    let hexed = format!("0x{}", hex::encode(&signed.signature));
    assert_eq!(NearWallets.answered(&message, &hexed), Ok(signed));
}

/// The account of the Ethereum key 1.
const ETH_ID: &str = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf";

fn one() -> AccountKey {
    let mut secret = [0; 32];
    secret[31] = 1;
    AccountKey::from_bytes(secret)
}

#[test]
fn a_proof_in_a_block_asks_the_chain_there() {
    let block = BlockId { height: 7, hash: Hash::from_bytes([8; 32]) };
    let check = |binding: &Binding, proof: WalletProof, digest: Hash, evidence: Evidence| {
        assert!(NearWallets.needs_block(&proof));
        let bare = NearWallets.question(binding, &proof);
        assert_eq!(bare, Err(WalletError::Malformed { what: "block" }));
        let named = NearWallets.in_block(proof, block).expect("a proof of NEAR");
        assert_eq!(NearWallets.verify(binding, &named), Answer::Unknown);
        let question = NearWallets.question(binding, &named).expect("a question");
        let (account, signature) = (binding.account.clone(), evidence.encode());
        assert_eq!(question, Question { account, digest, signature, block });
        // Another block is another proof, which the chain has to answer for itself.
        let mut other = named;
        other.signature[7] = 9;
        let question = NearWallets.question(binding, &other).expect("a question");
        assert_eq!(question.block.height, 9);
    };
    let own = binding();
    let request = NearWallets.request(&own, NOW).expect("a request");
    let signed = proof(&own, 4);
    let Signed { public_key, signature, .. } = Signed::decode(&signed.signature).expect("ours");
    let hash = request.payload(None).expect("short").hash();
    let digest = Hash::from_bytes(*hash.as_bytes());
    check(&own, signed, digest, Evidence::Key(public_key, signature));

    let eth = Binding { account: account(ETH_ID), ..binding() };
    let message = NearWallets.message(&eth, NOW).expect("a message");
    let signed = NearWallets.sign(&message, &one()).expect("signed");
    let digest = eth_key::digest(&signed.message);
    let signature = signed.signature.clone().try_into().expect("65 bytes");
    check(&eth, signed, digest, Evidence::EthereumKey(signature));

    let message = NearWallets.message(&own, NOW).expect("a message");
    let signed = NearWallets.answered(&message, "{\"authorization\":\"blob\"}").expect("a proof");
    let digest = Hash::from_bytes(*CryptoHash::of(request.message.as_bytes()).as_bytes());
    check(&own, signed, digest, Evidence::Authorization("blob".to_owned()));
    assert_eq!(NearWallets.in_block(WalletProof { scheme: 1, ..proof(&own, 4) }, block), None);
}

#[test]
fn any_key_may_be_any_accounts() {
    assert_eq!(NearWallets.fits(&account("alice.testnet"), &key(4)), Ok(()));
    let other = "eip155:1:0xab".parse().expect("legal");
    assert!(matches!(NearWallets.fits(&other, &key(4)), Err(WalletError::BadAccount { .. })));
}

#[test]
fn secrets_are_read_as_tools_export_them() {
    let seed = [7; 32];
    let both = SigningKey::from_bytes(&seed).to_keypair_bytes();
    let read = |text: &str| secret_key(text).map(|secret| *secret);
    let text = |bytes: &[u8]| format!("ed25519:{}", crate::wire::to_base58(bytes));
    assert_eq!(read(&text(&seed)), Some(seed));
    assert_eq!(read(&text(&both)), Some(seed));
    let mut other = both;
    other[63] ^= 1;
    for bad in [text(&other), text(&both[..63]), "ed25519:".to_owned(), "secp256k1:1".to_owned()] {
        assert_eq!(read(&bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn one_changed_byte_spoils_a_proof(place: prop::sample::Index, flip in 1_u8..) {
        let binding = binding();
        let mut proof = proof(&binding, 4);
        let place = place.index(proof.message.len() + proof.signature.len());
        match place.checked_sub(proof.message.len()) {
            None => proof.message[place] ^= flip,
            Some(place) => proof.signature[place] ^= flip,
        }
        prop_assert_ne!(NearWallets.condition(&binding, &proof), Ok(full_access(4)));
    }

    #[test]
    fn any_bytes_are_judged(
        message in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..200),
        scheme in 0_u8..8,
    ) {
        let proof = WalletProof { scheme, message, signature };
        prop_assert_ne!(NearWallets.verify(&binding(), &proof), Answer::Valid);
    }

    #[test]
    fn what_is_signed_is_read_back(
        secp: bool, key: [u8; 32], byte: u8, callback_url in prop::option::of(".{0,40}"),
    ) {
        let (public_key, signature) = if secp {
            (PublicKey::Secp256k1([byte; 64]), Signature::Secp256k1([byte; 65]))
        } else {
            (PublicKey::Ed25519(key), Signature::Ed25519([byte; 64]))
        };
        let signed = Signed { public_key, signature, callback_url };
        prop_assert_eq!(Signed::decode(&signed.encode()), Ok(signed));
    }
}

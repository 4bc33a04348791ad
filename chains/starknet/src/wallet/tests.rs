//! What a message binds, and everything that must not pass for it.

use chain::Wallets as _;
use governance::log::WalletVerifier as _;
use proptest::prelude::*;
use types::{ContextId, Hash, InvitationId, MemberSecret};

use super::*;

const NOW: UnixMillis = UnixMillis(1_790_000_000_123);
const ACCOUNT: &str =
    "starknet:SN_SEPOLIA:0x00000000000000000000000000000000000000000000000000000000000a11ce";
const WALLETS: StarknetWallets = StarknetWallets { class_hash: None };

fn key(number: u8) -> AccountKey {
    let mut bytes = [0; 32];
    bytes[31] = number;
    AccountKey::from_bytes(bytes)
}

fn public(number: u8) -> Felt {
    ecdsa::public_key(&Felt::from(number)).expect("a key")
}

fn binding() -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: ACCOUNT.parse().expect("legal"),
        time_s: 0,
    }
}

const BLOCK: BlockId = BlockId { height: 7, hash: Hash::from_bytes([5; 32]) };

/// What a wallet gives.
fn bare(binding: &Binding, by: u8) -> WalletProof {
    let message = WALLETS.message(binding, NOW).expect("a message");
    WALLETS.sign(&message, &key(by)).expect("a signature")
}

/// What stands in a log.
fn proof(binding: &Binding, by: u8) -> WalletProof {
    WALLETS.in_block(bare(binding, by), BLOCK).expect("it names no block yet")
}

/// The hash that starknet.js 10.8 gives for the same document, and its signature.
#[test]
fn wallets_sign_the_same_binding() {
    let statement = WALLETS.statement(&binding(), &proof(&binding(), 77)).expect("well-formed");
    let hash = "0x9ce18e894dea2a79351aea4e9d3cc04399f9aeac9cf053c71f3c2ab51f8306";
    assert_eq!(format!("{:#x}", statement.message_hash), hash);
    let signature = statement.signature.iter().map(|felt| format!("{felt:#x}"));
    assert_eq!(
        signature.collect::<Vec<_>>(),
        [
            "0x441429e51b8fd59bda83fd79281579ff692db8ccac27582d524fe71bb7d3a3e",
            "0x70702dcabbddc21c1956c2f3fd824339a3c9ecd88fb091b658450109414445",
        ]
    );
    let key = "0x3df94c805edd64cd42c6404d5ecca70b2db9b4b89432a2f01c0c4f54eeecaaa";
    assert_eq!(format!("{:#x}", public(77)), key);
}

#[test]
fn the_account_alone_decides_and_in_a_block() {
    let binding = binding();
    let bare = bare(&binding, 77);
    assert!(WALLETS.needs_block(&bare));
    assert_eq!(WALLETS.question(&binding, &bare), Err(WalletError::BadSignature));
    assert_eq!(WALLETS.verify(&binding, &bare), Answer::Invalid, "nobody could answer");
    let named = WALLETS.in_block(bare.clone(), BLOCK).expect("it names no block yet");
    assert_eq!(WALLETS.verify(&binding, &named), Answer::Unknown);
    let question = WALLETS.question(&binding, &named).expect("well-formed");
    assert_eq!((question.block, question.account), (BLOCK, binding.account.clone()));
    assert_eq!(question.signature, bare.signature);
    let statement = WALLETS.statement(&binding, &named).expect("well-formed");
    assert_eq!(question.digest, to_hash(&statement.message_hash));
    assert_eq!(statement.account, felt::parse_hex("0xa11ce").expect("a felt"));
    assert_eq!(WALLETS.in_block(named, BLOCK), None, "it names one");
    assert_eq!(WALLETS.in_block(WalletProof { scheme: 1, ..bare }, BLOCK), None);
}

#[test]
fn a_proved_signer_can_be_checked_offline() {
    let binding = binding();
    let statement = WALLETS.statement(&binding, &proof(&binding, 77)).expect("well-formed");
    assert!(statement.is_signed_by(&public(77)));
    assert!(!statement.is_signed_by(&public(78)));
    let guarded = Statement { signature: statement.signature.repeat(2), ..statement };
    assert!(!guarded.is_signed_by(&public(77)), "an account with a guardian");
}

#[test]
fn a_wallet_answers_with_a_list_of_felts() {
    let binding = binding();
    let message = WALLETS.message(&binding, NOW).expect("a message");
    let signed = bare(&binding, 77);
    let felts = felts_of(&signed.signature).expect("two felts");
    let hex: Vec<String> = felts.iter().map(felt::to_hex).collect();
    let decimal: Vec<String> = felts.iter().map(Felt::to_string).collect();
    for answer in [json!(hex), json!(decimal)] {
        assert_eq!(WALLETS.answered(&message, &answer.to_string()), Ok(signed.clone()));
    }
    assert!(WALLETS.answered(&message, "[1, \"0x2\", \"3\", \"4\", \"5\"]").is_ok());
    let prime = "0x800000000000011000000000000000000000000000000000000000000000001";
    for answer in ["", "[]", "{}", "[null]", "[-1]", "[1.5]", "[\"x\"]", "\"0x1\""] {
        assert_eq!(WALLETS.answered(&message, answer), Err(WalletError::BadSignature), "{answer}");
    }
    let over = json!([prime]).to_string();
    assert_eq!(WALLETS.answered(&message, &over), Err(WalletError::BadSignature));
    let long = json!(vec!["0x1"; 129]).to_string();
    assert_eq!(WALLETS.answered(&message, &long), Err(WalletError::BadSignature));
}

#[test]
fn a_proof_serves_its_own_binding_only() {
    let good = binding();
    let check = |story: &str, signed: Binding, field| {
        let found = WALLETS.check(&good, &proof(&signed, 77));
        assert_eq!(found, Err(WalletError::OtherField { field }), "{story}");
        assert_eq!(WalletError::answer(&found), Answer::Invalid, "{story}");
    };
    let mut bytes = [1; 32];
    bytes[31] = 9;
    let context = ContextId::from_bytes(bytes);
    check("another context", Binding { context, ..good.clone() }, "context");
    let invitation = Some(InvitationId::from_bytes([9; 32]));
    check("another invitation", Binding { invitation, ..good.clone() }, "invitation");
    check("no invitation", Binding { invitation: None, ..good.clone() }, "invitation");
    let zero = Some(InvitationId::from_bytes([0; 32]));
    let creator = Binding { invitation: None, ..good.clone() };
    let found = WALLETS.check(&Binding { invitation: zero, ..good.clone() }, &proof(&creator, 77));
    assert_eq!(
        found,
        Err(WalletError::OtherField { field: "invitation" }),
        "an invitation of zero"
    );
    let member = MemberSecret::from_seed(&[9; 32]).public();
    check("another member", Binding { member, ..good.clone() }, "member");
    let account = ACCOUNT.replace("SEPOLIA", "MAIN").parse().expect("legal");
    check("another chain", Binding { account, ..good.clone() }, "chain");
    let account = ACCOUNT.replace("a11ce", "b0b").replace("0x", "0x00").parse().expect("legal");
    check("another account", Binding { account, ..good.clone() }, "account");
}

#[test]
fn messages_of_other_sites_and_purposes_are_refused() {
    let binding = binding();
    let text = WALLETS.message(&binding, NOW).expect("a message");
    let check = |from: &str, to: &str, error: WalletError| {
        assert!(text.contains(from), "{from}");
        let message = text.replacen(from, to, 1).into_bytes();
        let proof = WalletProof { message, ..proof(&binding, 77) };
        assert_eq!(WALLETS.check(&binding, &proof), Err(error), "{to}");
    };
    let other = |field| WalletError::OtherField { field };
    check("\"Anchorhold\"", "\"Evil\"", other("domain"));
    check(PURPOSE, "Give away all", other("purpose"));
    check("\"Binding\"", "\"StarknetDomain\"", other("purpose"));
    check("\"Purpose\":", "\"More\":1,\"Purpose\":", other("purpose"));
    check("\"revision\":\"1\"", "\"revision\":\"0\"", other("purpose"));
    check("1790000000", "\"1790000000\"", WalletError::Malformed { what: "time" });
    check("{", "{{", WalletError::Malformed { what: "JSON" });
}

#[test]
fn only_the_time_is_the_signers_own() {
    let binding = binding();
    let later = WALLETS.message(&binding, UnixMillis(NOW.0 + 5000)).expect("a message");
    let proof = WALLETS.sign(&later, &key(77)).expect("a signature");
    let statement = WALLETS.statement(&binding, &proof).expect("well-formed");
    assert!(statement.is_signed_by(&public(77)));
}

#[test]
fn signatures_are_felts_and_no_other_bytes() {
    let binding = binding();
    let good = bare(&binding, 77);
    let with = |signature: Vec<u8>| {
        WALLETS.statement(&binding, &WalletProof { signature, ..good.clone() }).map(drop)
    };
    assert_eq!(with([good.signature.clone(), vec![0; 64]].concat()), Ok(()));
    let block = |felts: &[u8]| [&[0; 40][..], felts].concat();
    assert_eq!(with(block(&good.signature)), Ok(()));
    for signature in [
        vec![],
        vec![0; 31],
        vec![0; 65],
        vec![0xff; 32],
        vec![0; 32 * 129],
        block(&[]),
        block(&[0; 31]),
        block(&[0xff; 32]),
    ] {
        assert_eq!(with(signature), Err(WalletError::BadSignature));
    }
}

#[test]
fn accounts_that_cannot_sign_are_refused() {
    let proof = proof(&binding(), 77);
    let with = |account: &str| {
        WALLETS.check(&Binding { account: account.parse().expect("legal"), ..binding() }, &proof)
    };
    for address in [
        "0x0000000000000000000000000000000000000000000000000000000000000000",
        "0x07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00",
        "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "alice",
    ] {
        let found = with(&format!("starknet:SN_SEPOLIA:{address}"));
        assert!(matches!(found, Err(WalletError::BadAccount { .. })), "{address}");
    }
    for account in ["eip155:1:0xa11ce", "starknet:1:0xa11ce", "near:mainnet:alice.near"] {
        assert_eq!(WalletError::answer(&with(account)), Answer::Unknown, "{account}");
    }
    let other_scheme = WalletProof { scheme: 9, ..proof };
    assert_eq!(WALLETS.verify(&binding(), &other_scheme), Answer::Unknown);
}

/// The address that starknet.js 10.8 gives for the same parts.
#[test]
fn a_key_has_an_account_where_its_class_is_known() {
    let chain: ChainId = "starknet:SN_MAIN".parse().expect("legal");
    let unnamed = WalletError::Unnamed { chain: chain.clone() };
    assert_eq!(WALLETS.account(&chain, &key(1)), Err(unnamed));
    let wallets = StarknetWallets::for_class(Felt::from(0x22_u8));
    let account = wallets.account(&chain, &key(1)).expect("an account");
    let [public, class] = [public(1), Felt::from(0x22_u8)];
    let address = account::contract_address(&Felt::ZERO, &public, &class, &[public]);
    assert_eq!(account.address(), format!("{address:#066x}"));
    assert_eq!(wallets.account(&chain, &key(0)), Err(WalletError::BadKey));
    let over = AccountKey::from_bytes([0xff; 32]);
    assert_eq!(wallets.account(&chain, &over), Err(WalletError::BadKey));
    let ethereum: ChainId = "eip155:1".parse().expect("legal");
    assert_eq!(wallets.account(&ethereum, &key(1)), Err(WalletError::BadKey));
}

#[test]
fn any_key_may_be_any_accounts() {
    let account: AccountId = ACCOUNT.parse().expect("legal");
    assert_eq!(WALLETS.fits(&account, &key(1)), Ok(()));
    assert_eq!(WALLETS.fits(&account, &key(0)), Err(WalletError::BadKey));
    let other = "starknet:SN_MAIN:0x0".parse().expect("legal");
    assert!(matches!(WALLETS.fits(&other, &key(1)), Err(WalletError::BadAccount { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_byte_spoils_a_proof(place: prop::sample::Index, flip in 1_u8..) {
        let binding = binding();
        let good = proof(&binding, 77);
        let mut changed = good.clone();
        let place = place.index(changed.message.len());
        changed.message[place] ^= flip;
        // Another time is another message: what was signed does not fit it.
        let fits = WALLETS.statement(&binding, &changed);
        prop_assert!(!fits.is_ok_and(|statement| statement.is_signed_by(&public(77))));
    }

    #[test]
    fn any_bytes_are_judged(
        message in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..80),
        scheme: u8,
    ) {
        let proof = WalletProof { scheme, message, signature };
        prop_assert_ne!(WALLETS.verify(&binding(), &proof), Answer::Valid);
    }
}

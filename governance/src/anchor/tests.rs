//! Golden bytes and round trips. The golden hashes were computed apart from this code.

use alloc::{
    borrow::ToOwned as _,
    format,
    string::{String, ToString as _},
    vec,
    vec::Vec,
};

use proptest::prelude::*;
use types::{ContextId, Hash};

use crate::anchor::{
    ACTIONS_MAX, Account, Action, Class, Code, Created, Happened, Head, Registry, Status, Terms,
    class_of, decode_actions, encode_actions, log_head,
};

const RD: &str = "057a5d0bca2340c371a3bb3062bccfbe11ea7b27ea7a70dd68f1c15e5abfeb59";
const CTX: &str = "818302239eb26dade652ed59d5b109f3ff40d2ad0c7202ad7cf14de0fdfef7da";
const START: &str = "e61f2623876c982a67ac03993a976be1b47b6575c1cdcf5257f2a11139e0bb68";
const NEXT: &str = "da20b5b571995219cb6c5022e5e7587a08274360408327c342f13510361e60a8";

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn alice() -> Account {
    let mut bytes = [0; 20];
    bytes[17..].copy_from_slice(&[0x0a, 0x11, 0xce]);
    Account::new(&bytes).expect("an account")
}

fn registry() -> Registry {
    let id = "eip155:31337:0x5fbdb2315678afecb367f032d93f642f64180aa3".parse().expect("legal");
    let account = Account::from_id(&id).expect("an account");
    Registry { chain: id.chain(), account }
}

#[test]
fn names_and_the_log_start_from_the_registry() {
    let context = registry().context(&alice(), &[7; 32]);
    let start = registry().log_start(&context);
    assert_eq!(registry().domain().to_string(), RD);
    assert_eq!(context.to_string(), format!("0x{CTX}"));
    assert_eq!(start.to_string(), START);
    let accepted = Happened::AdminAccepted(alice());
    let next = log_head(&start, 1, accepted.kind(), &accepted.payload());
    assert_eq!(next.to_string(), NEXT);
}

#[test]
fn a_batch_is_kind_length_payload() {
    let actions = [
        Action::NominateAdmin { account: alice(), ttl_s: 3600 },
        Action::SetThreshold { threshold: 2 },
        Action::Dissolve,
    ];
    let nominate = "010019".to_owned() + "14" + &"00".repeat(17) + "0a11ce" + "00000e10";
    let bytes = encode_actions(&actions).expect("fits");
    assert_eq!(hex(&bytes), nominate + "03000102" + "0f0000");
    assert_eq!(decode_actions(&bytes), Ok(actions.to_vec()));
}

#[test]
fn the_gravest_action_decides_the_class() {
    let nominate = Action::NominateAdmin { account: alice(), ttl_s: 1 };
    let meta = Action::SetMeta { meta: hash(1) };
    check("one admin nominates", &[&nominate], 1, Class::Routine);
    check("two admins nominate", &[&nominate], 2, Class::Admin);
    check("meta and dissolve", &[&meta, &Action::Dissolve], 1, Class::Root);
    let app = Action::SetApp { app: hash(1), migration: Hash::ZERO };
    check("meta and app", &[&app, &meta], 3, Class::App);
}

#[track_caller]
fn check(story: &str, actions: &[&Action], admins: u8, class: Class) {
    let actions: Vec<Action> = actions.iter().copied().cloned().collect();
    assert_eq!(class_of(&actions, admins), class, "{story}");
}

#[test]
fn malformed_batches_are_refused() {
    let meta = encode_actions(&[Action::SetMeta { meta: hash(1) }]).expect("fits");
    refuses("nothing", &[], Code::E16);
    refuses("a cut header", &meta[..2], Code::E16);
    refuses("a cut payload", &meta[..20], Code::E16);
    refuses("a trailing byte", &[&meta[..], &[0]].concat(), Code::E16);
    refuses("a longer payload", &[0x0f, 0, 1, 0], Code::E16);
    refuses("kind 0", &[0, 0, 0], Code::E16);
    refuses("an unnumbered kind", &[0x12, 0, 0], Code::E16);
    refuses("a reserved kind", &[0x06, 0, 0], Code::E17);
    refuses("an unknown class", &[0x04, 0, 5, 4, 0, 0, 0, 0], Code::E16);
    refuses("the zero account", &[&[0x02, 0, 21, 20][..], &[0; 20]].concat(), Code::E16);
    refuses("no account", &[0x02, 0, 1, 0], Code::E16);
    refuses("17 actions", &meta.repeat(ACTIONS_MAX + 1), Code::E16);
    let many = vec![Action::Dissolve; ACTIONS_MAX + 1];
    assert_eq!(encode_actions(&many), Err(Code::E16));
}

#[track_caller]
fn refuses(story: &str, bytes: &[u8], code: Code) {
    assert_eq!(decode_actions(bytes), Err(code), "{story}");
}

#[test]
fn the_head_is_one_word_most_significant_field_first() {
    let head = Head {
        rev: 1,
        seats_epoch: 2,
        seq: 3,
        threshold: 4,
        admins: 5,
        status: Status::Active,
        flags: 0,
        active: 0xff,
    };
    let word = "0000000000000001".to_owned()
        + "00000002"
        + "0000000000000003"
        + "04050100"
        + "00000000000000ff";
    assert_eq!(hex(&head.pack()), word);
    assert_eq!(Head::unpack(&head.pack()), Some(head));
    assert_eq!(Head::unpack(&[0; 32]), None);
}

#[test]
fn every_code_has_its_own_number_and_says_so() {
    for code in Code::ALL {
        assert_eq!(Code::from_number(code.number()), Some(*code));
        assert!(code.to_string().starts_with(&format!("E{:02X}: ", code.number())));
    }
    assert_eq!(Code::from_number(0), None);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hashes() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::from_bytes)
}

fn accounts() -> impl Strategy<Value = Account> {
    prop::collection::vec(1_u8.., 1..=64).prop_map(|bytes| Account::new(&bytes).expect("legal"))
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        (accounts(), any::<u32>())
            .prop_map(|(account, ttl_s)| Action::NominateAdmin { account, ttl_s }),
        accounts().prop_map(|account| Action::RemoveAdmin { account }),
        any::<u8>().prop_map(|threshold| Action::SetThreshold { threshold }),
        (0_u8..4, any::<u32>()).prop_map(|(class, delay_s)| {
            let class = Class::from_number(class).expect("one of four");
            Action::SetDelay { class, delay_s }
        }),
        (hashes(), hashes(), any::<u32>(), hashes()).prop_map(|(prev, new, count, delta_hash)| {
            Action::SetMembersRoot { prev, new, count, delta_hash }
        }),
        (hashes(), hashes()).prop_map(|(app, migration)| Action::SetApp { app, migration }),
        (hashes(), hashes()).prop_map(|(prev, new)| Action::SetInviteRoot { prev, new }),
        (hashes(), any::<u32>()).prop_map(|(key_hash, caps)| Action::SetCaps { key_hash, caps }),
        prop::option::of(accounts()).prop_map(|guardian| Action::SetGuardian { guardian }),
        Just(Action::Dissolve),
        hashes().prop_map(|meta| Action::SetMeta { meta }),
    ]
}

fn revisions() -> impl Strategy<Value = Happened> {
    let created = (
        (accounts(), any::<[u8; 32]>(), hashes(), hashes(), any::<u32>(), any::<u8>()),
        (any::<[u32; 4]>(), prop::option::of(accounts()), any::<[u8; 32]>()),
    );
    prop_oneof![
        created.prop_map(|((creator, salt, app, members_root, members_count, flags), rest)| {
            let (delays_s, guardian, context) = rest;
            let context = ContextId::from_bytes(context);
            let terms =
                Terms { app, members_root, members_count, flags, delays_s, guardian, context };
            Happened::Created(Created { creator, salt, terms })
        }),
        accounts().prop_map(Happened::AdminAccepted),
        accounts().prop_map(Happened::AdminRenounced),
        actions().prop_map(Happened::Done),
    ]
}

proptest! {
    #[test]
    fn batches_survive_the_round_trip(batch in prop::collection::vec(actions(), 1..=16)) {
        let bytes = encode_actions(&batch).expect("16 actions fit");
        prop_assert_eq!(decode_actions(&bytes), Ok(batch));
    }

    #[test]
    fn revisions_survive_the_round_trip(happened in revisions()) {
        let payload = happened.payload();
        prop_assert_eq!(Happened::decode(happened.kind(), &payload), Ok(happened));
    }

    #[test]
    fn any_bytes_are_a_batch_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(batch) = decode_actions(&bytes) {
            prop_assert_eq!(encode_actions(&batch), Ok(bytes));
        }
    }

    #[test]
    fn any_payload_is_a_revision_or_an_error(
        kind: u8,
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(happened) = Happened::decode(kind, &payload) {
            prop_assert_eq!(happened.payload(), payload);
        }
    }

    #[test]
    fn any_word_is_a_head_or_none(word: [u8; 32]) {
        if let Some(head) = Head::unpack(&word) {
            prop_assert_eq!(head.pack(), word);
        }
    }
}

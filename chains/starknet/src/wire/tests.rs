//! Calls as the contract reads them, answers and events as it writes them, and what is neither.

use chain::Call;
use governance::anchor::{Action, Invite, Status, Terms};
use proptest::prelude::*;
use serde_json::json;

use super::{
    serde::{byte_array, halves},
    *,
};
use crate::felt::selector;

const REGISTRY: Felt = Felt::THREE;

fn context() -> OnChainId {
    OnChainId::new(hash(9))
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn felt(number: u64) -> Felt {
    Felt::from(number)
}

fn named(name: &str, keys: &[Felt], data: Vec<Felt>) -> Event {
    let [high, low] = context_arguments(&context());
    let keys = [&[starknet_keccak(name.as_bytes()), high, low], keys].concat();
    Event { from: REGISTRY, keys, data, place: None }
}

fn packed_head() -> Head {
    Head {
        rev: 7,
        seats_epoch: 1,
        seq: 2,
        threshold: 1,
        admins: 1,
        status: Status::Active,
        flags: 0,
        active: 1,
    }
}

#[test]
fn calls_name_the_record_and_then_their_arguments() {
    let [high, low] = context_arguments(&context());
    let check = |call: Call, name: &str, arguments: &[Felt]| {
        let made = invocation(REGISTRY, &context(), &call).expect("legal");
        assert_eq!((made.to, made.selector), (REGISTRY, selector(name)), "{name}");
        assert_eq!(made.calldata, [&[high, low], arguments].concat(), "{name}");
    };
    check(Call::AcceptAdmin, "accept_admin", &[]);
    check(Call::Freeze { secs: 60 }, "freeze", &[felt(60)]);
    let [one, two] = halves(&[5; 32]);
    let approve = Call::Approve { seq: 4, actions_hash: hash(5) };
    check(approve, "approve", &[felt(4), one, two]);
    // Kind, length and payload of one action: 36 bytes, of which 31 are a word.
    let act = Call::Act { actions: vec![Action::SetMeta { meta: hash(1) }], expiry_s: 8 };
    let batch = [&[0x10, 0, 32][..], &[1; 32]].concat();
    check(act, "act", &[byte_array(&batch), vec![felt(8)]].concat());
    let bind = Call::Bind { scheme: 1, key: vec![2], signature: vec![3], expiry_s: 4 };
    let words = [1, 0, 2, 1, 0, 3, 1, 4].map(felt);
    check(bind, "bind", &words);
    let claim = Call::ClaimInvite {
        key: vec![2],
        invite: Invite { key: [0; 20], expiry_s: 3, role: 1, uses: 9 },
        use_number: 5,
        proof: vec![Hash::ZERO],
        signature: vec![],
    };
    let words = [0, 2, 1, 0, 3, 1, 9, 5, 1, 0, 0, 0, 0, 0].map(felt);
    check(claim, "claim_invite", &words);
}

#[test]
fn a_record_is_made_with_salt_and_terms() {
    let terms = Terms {
        app: hash(1),
        members_root: hash(2),
        members_count: 3,
        flags: 1,
        delays_s: [4, 5, 6, 7],
        guardian: None,
        context: ContextId::from_bytes([8; 32]),
    };
    let create = |terms| invocation(REGISTRY, &context(), &Call::Create { salt: [9; 32], terms });
    let made = create(terms.clone()).expect("legal");
    assert_eq!((made.selector, made.calldata.len()), (selector("create"), 15));
    assert_eq!(made.calldata[6..13], [3, 1, 4, 5, 6, 7, 0].map(felt));
    let stranger = Account::new(&[1; 20]);
    assert!(create(Terms { guardian: stranger, ..terms }).is_err());
    let signed =
        Call::ApproveBySigs { seq: 1, actions_hash: hash(1), deadline_s: 1, approvals: Vec::new() };
    assert!(invocation(REGISTRY, &context(), &signed).is_err(), "only on Ethereum");
}

#[test]
fn answers_are_read_whole_or_not_at_all() {
    let [packed, log_head] = [packed_head().pack(), [5; 32]].map(|bytes| halves(&bytes));
    let words = [packed, log_head].concat();
    assert_eq!(head(&words), Some(Some((packed_head(), hash(5)))));
    assert_eq!(head(&[Felt::ZERO; 4]), Some(None));
    assert_eq!(head(&words[..3]), None);
    assert_eq!(head(&[Felt::MAX; 4]), None);
    let numbers = |numbers: &[u64]| numbers.iter().copied().map(felt).collect::<Vec<_>>();
    let record = numbers(&[0, 3, 0, 1, 0, 2, 0, 0, 0, 0, 5, 1, 2, 3, 4, 6, 0, 0, 0]);
    let read = beside(&record).expect("a record");
    assert_eq!(read.open_proposals, 6);
    assert_eq!(read.members_root.as_bytes()[31], 2);
    assert_eq!(beside(&record[..18]), None);
    let proposal = numbers(&[0, 1, 0b11, 0, 4, 0, 9, 2, 3, 1, 0, 7]);
    let read = ballot(&proposal).expect("a proposal").expect("open");
    assert_eq!((read.class, read.threshold, read.eta_s), (Class::Root, 2, None));
    assert_eq!(ballot(&[Felt::ZERO; 12]), Some(None));
    let strange = numbers(&[0, 1, 0b11, 0, 4, 0, 9, 2, 4, 1, 0, 7]);
    assert_eq!(ballot(&strange), None, "a class that there is not");
    assert_eq!(seat(&numbers(&[1, 2, 3, 0, 0])), Some(Some((2, 3))));
    assert_eq!(seat(&numbers(&[0, 0, 0, 4, 0])), Some(None));
    assert_eq!(seat(&numbers(&[2, 0, 0, 4, 0])), None);
}

#[test]
fn only_the_registrys_own_events_count() {
    let data = |payload: &[u8]| {
        [vec![felt(0x10)], byte_array(payload), halves(&[7; 32]).to_vec()].concat()
    };
    let event = named("Rev", &[felt(5)], data(b"some"));
    let block = BlockRef { height: 1, hash: Hash::ZERO, time_s: 2 };
    let read = |event: &Event| {
        let found = revision(event, REGISTRY, &context());
        found.map(|(_, with_block)| with_block(block))
    };
    let found = read(&event).expect("a revision");
    assert_eq!((found.rev, found.kind, found.payload.as_slice()), (5, 0x10, &b"some"[..]));
    assert_eq!(found.log_head, hash(7));
    assert_eq!(read(&Event { from: Felt::TWO, ..event.clone() }), None);
    assert_eq!(read(&named("Approved", &[felt(5)], data(b""))), None);
    assert_eq!(read(&named("Rev", &[], data(b""))), None);
    let longer = Event { data: [data(b""), vec![Felt::ZERO]].concat(), ..event.clone() };
    assert_eq!(read(&longer), None);
    assert!(revision(&event, REGISTRY, &OnChainId::new(hash(8))).is_none());
    let proposed =
        named("Proposed", &[felt(3), felt(4)], [byte_array(b"batch"), vec![felt(9)]].concat());
    let told = proposal_event(&proposed, REGISTRY, &context());
    assert_eq!(told, Some((3, felt(4), Some(b"batch".to_vec()))));
    let approved = named("Approved", &[felt(3), felt(4)], Vec::new());
    assert_eq!(proposal_event(&approved, REGISTRY, &context()), Some((3, felt(4), None)));
    let all = [proposed, approved, event];
    assert_eq!(done(&all, REGISTRY, &context()), Done { seq: Some(3), rev: Some(5) });
}

#[test]
fn a_refusal_is_the_innermost_code() {
    let text = "Execution failed. Failure reason: \
                (0x617267656e742f6d756c746963616c6c2d6661696c6564 ('argent/multicall-failed'), \
                0x453537 ('E57'), 0x454e545259504f494e545f4641494c4544 ('ENTRYPOINT_FAILED')).";
    assert_eq!(code_of(&json!(text)), Some(Code::E57));
    let nested = json!({
        "revert_error": { "class_hash": "0x1", "error": { "error": "[\"0x453132\"]" } },
    });
    assert_eq!(code_of(&nested), Some(Code::E12));
    for other in [
        json!(null),
        json!("E12"),
        json!("0x"),
        json!("0x453"),
        json!("0x4531320"),
        json!("0x455858 0xé"),
        json!(["0x123", { "a": 7 }]),
    ] {
        assert_eq!(code_of(&other), None, "{other}");
    }
    for code in Code::ALL {
        let name = format!("{code:?}");
        let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(code_in(&format!("(0x{digits})")), Some(*code), "{name}");
    }
}

/// The addresses as `contracts/README.md` gives them.
#[test]
fn the_head_lies_in_four_neighbouring_words() {
    let words = anchor(&context());
    for (at, word) in words.iter().enumerate() {
        assert_eq!(*word, words[0] + Felt::from(at));
    }
    let other = anchor(&OnChainId::new(hash(8)));
    assert_ne!(other[0], words[0]);
    assert_ne!(seat_since(&context(), 0), seat_since(&context(), 1));
}

proptest! {
    #[test]
    fn any_felts_are_answers_or_not(felts in prop::collection::vec(any::<[u8; 32]>(), 0..20)) {
        let felts: Vec<Felt> = felts.iter().map(Felt::from_bytes_be).collect();
        let _read = (head(&felts), beside(&felts), ballot(&felts), seat(&felts));
        let event = Event { from: REGISTRY, keys: felts.clone(), data: felts, place: None };
        let _told = (
            revision(&event, REGISTRY, &context()).is_some(),
            proposal_event(&event, REGISTRY, &context()),
        );
    }

    #[test]
    fn any_text_has_a_code_or_none(text in ".{0,100}") {
        let _code = code_in(&text);
    }
}

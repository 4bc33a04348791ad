use candid::{Encode, Principal};
use chain::{Call, ChainError};
use proptest::prelude::*;

use super::*;

const CONTEXT: OnChainId = OnChainId::new(Hash::from_bytes([7; 32]));

fn blob(byte: u8) -> Blob {
    Blob(vec![byte; 32])
}

fn certified() -> Certified {
    Certified { certificate: Some(Blob(vec![1])), witness: Blob(vec![2]) }
}

#[test]
fn bytes_are_a_vector_of_candid() {
    let bytes = vec![0_u8, 1, 255];
    let ours = Encode!(&Blob(bytes.clone())).expect("a form");
    assert_eq!(ours, Encode!(&bytes).expect("a form"));
    assert_eq!(decode::<Blob>(&ours).expect("bytes"), Blob(bytes));
}

#[test]
fn a_revision_happened_at_a_moment_that_everybody_names_alike() {
    let view = RevisionView {
        rev: 3,
        kind: 16,
        time_ns: 1_790_000_000_999_999_999,
        payload: Blob(vec![4]),
        log_head: blob(5),
    };
    let answer = CertifiedRevisions { revisions: vec![view] };
    let told = revisions_answer(&Encode!(&answer).expect("a form")).expect("well-formed");
    let log_head = Hash::from_bytes([5; 32]);
    let block = BlockRef { height: 1_790_000_000, hash: log_head, time_s: 1_790_000_000 };
    let revision = Revision { rev: 3, kind: 16, payload: vec![4], log_head, block };
    assert_eq!(told, [(revision, UnixNanos(1_790_000_000_999_999_999))]);
}

fn proposal(actions: Vec<u8>) -> ProposalView {
    let actions_hash = Blob(keccak256(&actions).as_bytes().to_vec());
    ProposalView {
        seq: 2,
        actions: Blob(actions),
        actions_hash,
        approved_by: vec![Principal::from_slice(&[1, 2, 1])],
        eta_s: None,
        expiry_s: 9,
        threshold: 2,
        class: 2,
        proposer: Principal::from_slice(&[1, 2, 1]),
    }
}

#[track_caller]
fn check_proposal(story: &str, change: impl FnOnce(&mut ProposalView), is_told: bool) {
    let mut view = proposal(vec![3, 0, 1, 2]);
    change(&mut view);
    let answer = CertifiedProposals { certified: certified(), proposals: vec![view] };
    let told = proposals_answer(&Encode!(&answer).expect("a form"));
    assert_eq!(told.is_ok(), is_told, "{story}: {told:?}");
}

#[test]
fn a_proposal_has_the_batch_of_its_hash() {
    check_proposal("as it is", |_| {}, true);
    check_proposal("another hash", |view| view.actions_hash = blob(1), false);
    check_proposal("a short hash", |view| view.actions_hash = Blob(vec![1]), false);
    check_proposal("an unknown class", |view| view.class = 9, false);
    check_proposal("no batch", |view| *view = proposal(vec![3]), false);
    check_proposal("nobody", |view| view.proposer = Principal::management_canister(), false);
}

#[test]
fn a_record_is_told_or_not() {
    let view = RecordView { context: blob(1), members_root: blob(2) };
    for record in [Some(view), None] {
        let expected = record.as_ref().map(|_| Hash::from_bytes([2; 32]));
        let answer = CertifiedRecord { certified: certified(), record };
        let (_, beside) = record_answer(&Encode!(&answer).expect("a form")).expect("well-formed");
        assert_eq!(beside.map(|beside| beside.members_root), expected);
    }
}

/// As the registry answers, in its own types.
#[test]
fn a_call_is_done_or_refused() {
    #[derive(CandidType)]
    struct Outcome {
        context: Blob,
        events: Vec<Event>,
    }
    #[derive(CandidType)]
    enum Event {
        Rev { rev: u64, kind: u8, payload: Blob, log_head: Blob },
        Proposed { seq: u64 },
        Approved { seq: u64, by: Principal },
    }
    #[derive(CandidType)]
    struct Refusal {
        code: u16,
        text: String,
    }
    let rev = |rev| Event::Rev { rev, kind: 1, payload: Blob(vec![]), log_head: blob(1) };
    let by = Principal::anonymous();
    let events = vec![Event::Proposed { seq: 7 }, Event::Approved { seq: 7, by }, rev(8), rev(9)];
    let answer: Result<Outcome, Refusal> = Ok(Outcome { context: blob(1), events });
    let told = call_answer(&Encode!(&answer).expect("a form")).expect("well-formed");
    assert_eq!(told, Ok(Done { rev: Some(9), seq: Some(7) }));
    let refuse = |code| {
        let answer: Result<Outcome, Refusal> = Err(Refusal { code, text: "no".to_owned() });
        call_answer(&Encode!(&answer).expect("a form"))
    };
    assert_eq!(refuse(0x57).expect("well-formed"), Err(Code::E57));
    assert!(refuse(0x99).is_err(), "a code that no registry has");
}

#[test]
fn an_answer_that_claims_much_is_not_read() {
    // A vector of 2^28 empty records: it takes no bytes, and no end of work.
    let many = b"DIDL\x02\x6d\x01\x6c\x00\x01\x00\x80\x80\x80\x80\x01";
    assert!(revisions_answer(many).is_err());
    assert!(decode::<Blob>(b"DIDL\x01\x6d\x7b\x01\x00\xff\xff\xff\xff\x0f").is_err());
    assert!(head_answer(&Encode!(&()).expect("a form")).is_err());
}

#[test]
fn a_calls_arguments_are_the_registrys() {
    let approve = Call::Approve { seq: 3, actions_hash: Hash::from_bytes([4; 32]) };
    let (method, arg) = call(&CONTEXT, &approve).expect("a call");
    let context: Vec<u8> = vec![7; 32];
    let hash: Vec<u8> = vec![4; 32];
    assert_eq!(method, "approve");
    assert_eq!(arg, Encode!(&context, &3_u64, &hash).expect("a form"));
    let by_sigs = Call::ApproveBySigs {
        seq: 1,
        actions_hash: Hash::ZERO,
        deadline_s: 1,
        approvals: Vec::new(),
    };
    for refused in [by_sigs, Call::Act { actions: Vec::new(), expiry_s: 1 }] {
        let answer = call(&CONTEXT, &refused);
        assert!(matches!(answer, Err(ChainError::BadCall { .. })), "{answer:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        for bytes in [tail.clone(), [&b"DIDL"[..], &tail].concat()] {
            drop(head_answer(&bytes));
            drop(record_answer(&bytes));
            drop(revisions_answer(&bytes));
            drop(proposals_answer(&bytes));
            drop(call_answer(&bytes));
        }
    }
}

//! What must hold whatever four accounts ask for, in whatever order.

use proptest::prelude::*;
use types::ContextId;

use super::*;

const SALT: [u8; 32] = [7; 32];
const START_S: u64 = 1_000_000;

fn account(who: u8) -> Account {
    Account::new(&[who + 1; 20]).expect("an account")
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn registry() -> Registry {
    let chain = "eip155:1".parse().expect("legal");
    Registry { chain, account: account(200) }
}

fn record(delays_s: [u32; 4]) -> Record {
    let context = ContextId::from_bytes([3; 32]);
    let terms = Terms {
        app: hash(1),
        members_root: hash(0),
        members_count: 1,
        threshold: 1,
        delays_s,
        guardian: None,
        context,
    };
    Record::create(&registry(), &account(0), SALT, terms).expect("legal terms").1
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0_u8..4, 0_u32..200).prop_map(|(who, ttl_s)| {
            Action::NominateAdmin { account: account(who), ttl_s }
        }),
        1 => (0_u8..4).prop_map(|who| Action::RemoveAdmin { account: account(who) }),
        1 => (0_u8..4).prop_map(|threshold| Action::SetThreshold { threshold }),
        1 => (0_u8..3, 0_u8..3).prop_map(|(prev, new)| {
            let (prev, new) = (hash(prev), hash(new));
            Action::SetMembersRoot { prev, new, count: 2, delta_hash: hash(9) }
        }),
        1 => any::<u8>().prop_map(|byte| Action::SetMeta { meta: hash(byte) }),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let batch = || prop::collection::vec(actions(), 1..3);
    let expiry_s = || START_S..START_S + 2_000;
    prop_oneof![
        4 => (batch(), expiry_s()).prop_map(|(actions, expiry_s)| Call::Act { actions, expiry_s }),
        2 => (batch(), expiry_s())
            .prop_map(|(actions, expiry_s)| Call::Propose { actions, expiry_s }),
        3 => Just(Call::AcceptAdmin),
        1 => Just(Call::Renounce),
        // Batches of open proposals are filled in where they are made.
        4 => (0_u64..12).prop_map(|seq| Call::ApproveAndExecute { seq, actions: Vec::new() }),
        2 => (0_u64..12).prop_map(|seq| Call::Execute { seq, actions: Vec::new() }),
        1 => (0_u64..12).prop_map(|seq| Call::Unapprove { seq }),
        1 => (0_u64..12).prop_map(|seq| Call::Cancel { seq }),
        1 => (0_u64..12).prop_map(|seq| Call::Expire { seq }),
    ]
}

fn holds(record: &Record) {
    let Head { threshold, admins, active, .. } = record.head;
    assert!((1..=admins).contains(&threshold), "{threshold} of {admins}");
    assert!(admins <= SEATS_MAX);
    assert_eq!(active.count_ones(), u32::from(admins));
    assert_eq!(record.seats.len(), usize::from(admins));
    let bits = record.seats.values().fold(0, |bits, seat| bits | bit(seat.index));
    assert_eq!(bits, active);
    assert!(record.proposals.len() <= OPEN_MAX);
}

proptest! {
    #[test]
    fn somebody_can_always_govern_and_the_log_can_be_recomputed(
        steps in prop::collection::vec((0_u8..4, calls(), 0_u64..60), 0..60),
        delays_s in prop::array::uniform4(0_u32..30),
    ) {
        let mut record = record(delays_s);
        let mut batches = BTreeMap::new();
        let mut now_s = START_S;
        for (who, mut call, wait_s) in steps {
            now_s += wait_s;
            if let Call::ApproveAndExecute { seq, actions } | Call::Execute { seq, actions } =
                &mut call
            {
                *actions = batches.get(seq).cloned().unwrap_or_default();
            }
            let Ok((next, events)) = record.after(&account(who), &call, now_s) else { continue };
            holds(&next);
            let mut chained = record.log_head;
            let mut last = record.head.rev;
            for event in events {
                match event {
                    Event::Rev { rev, happened, log_head: told } => {
                        prop_assert_eq!(rev, last + 1);
                        last = rev;
                        let payload = happened.payload();
                        chained = log_head(&chained, rev, happened.kind(), &payload);
                        prop_assert_eq!(chained, told);
                    }
                    Event::Proposed { seq } => {
                        prop_assert_eq!(seq, record.head.seq + 1);
                        if let Call::Act { actions, .. } | Call::Propose { actions, .. } = &call {
                            batches.insert(seq, actions.clone());
                        }
                    }
                    Event::Queued { .. } | Event::Executed { .. } => {}
                }
            }
            prop_assert_eq!((last, chained), (next.head.rev, next.log_head));
            record = next;
        }
    }
}

#[test]
fn a_seat_taken_over_does_not_inherit_its_approval() {
    let mut record = record([0; 4]);
    let run = |record: &mut Record, who: u8, call: Call| {
        let (next, _) = record.after(&account(who), &call, START_S)?;
        *record = next;
        Ok::<u64, Code>(record.head.seq)
    };
    let act = |action| Call::Act { actions: vec![action], expiry_s: START_S + 60 };
    let nominate = |who| Action::NominateAdmin { account: account(who), ttl_s: 60 };
    run(&mut record, 0, act(nominate(1))).expect("nominated");
    run(&mut record, 1, Call::AcceptAdmin).expect("accepted");
    run(&mut record, 0, act(nominate(2))).expect("nominated");
    let change = vec![Action::SetMeta { meta: hash(5) }];
    let propose = Call::Propose { actions: change.clone(), expiry_s: START_S + 60 };
    let seq = run(&mut record, 1, propose).expect("proposed");
    run(&mut record, 1, Call::Renounce).expect("not the last");
    run(&mut record, 2, Call::AcceptAdmin).expect("accepted");
    let seat = record.seats.get(&account(2)).expect("seated");
    assert_eq!((seat.index, seat.since), (1, 6));
    let execute = Call::Execute { seq, actions: change.clone() };
    assert_eq!(run(&mut record, 2, execute), Err(Code::E46));
    let approve = Call::ApproveAndExecute { seq, actions: change };
    assert_eq!(run(&mut record, 2, approve.clone()), Err(Code::E24));
    run(&mut record, 0, approve).expect("who was seated all along may approve");
    assert_eq!(record.meta, hash(5));
}

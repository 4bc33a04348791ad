//! What strangers and mistaken callers send, and calls that break off in the middle.

use candid::{Encode, Principal};
use devnet_icp::{Call as IcCall, RejectCode, ReplicaConfig};
use governance::anchor::{Account, Action, Call, Code, OnChainId, encode_actions};

use crate::{
    wire::{argument, principal},
    world::{World, account, approve, bytes, members, names, settings, terms},
};

/// All updates with an argument that decodes.
fn calls(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let salt = [1; 32];
    let context = world.name.context(&account("alice"), &salt);
    let (seq, expiry_s, actions) = (1, world.week_s(), vec![members(16)]);
    let hash = governance::anchor::actions_hash(&actions).expect("a batch");
    let calls = [
        Call::Create { salt, terms: terms() },
        Call::Propose { actions: actions.clone(), expiry_s },
        Call::Act { actions: actions.clone(), expiry_s },
        Call::Approve { seq, actions_hash: hash },
        Call::ApproveAndExecute { seq, actions: actions.clone() },
        Call::Unapprove { seq },
        Call::Cancel { seq },
        Call::Veto { seq },
        Call::Execute { seq, actions },
        Call::Expire { seq },
        Call::AcceptAdmin,
        Call::Renounce,
        Call::Unbind { key: vec![1; 32] },
        Call::Freeze { secs: 1 },
    ];
    let mut calls: Vec<_> = calls.iter().map(|call| argument(&context, call, None)).collect();
    let alice = Encode!(&principal(&account("alice"))).expect("Candid");
    calls.extend([("buy_record", alice), ("buy_room", Encode!(&bytes(&context)).expect("Candid"))]);
    calls
}

#[test]
fn nobody_is_refused_before_and_in_every_method() {
    let mut world = World::new(&["alice"]);
    let nobody = Principal::anonymous();
    for (method, arg) in calls(&world) {
        let inspected = world.send(nobody, method, arg.clone()).expect_err("inspected");
        assert!(inspected.message.contains("anonymous"), "{method}: {inspected}");
        let refused = world.pay(nobody, (method, arg), 0).expect_err("in the method");
        assert_eq!(refused.code, RejectCode::CanisterReject, "{method}");
        assert!(refused.message.contains("anonymous"), "{method}: {refused}");
    }
}

#[test]
fn overlong_arguments_are_refused_before_they_are_read() {
    let mut world = World::new(&["alice"]);
    let alice = principal(&account("alice"));
    for (method, arg) in calls(&world) {
        let long = [&arg[..], &vec![0; 8193 - arg.len()]].concat();
        let inspected = world.send(alice, method, long.clone()).expect_err("inspected");
        assert!(inspected.message.contains("8193 bytes"), "{method}: {inspected}");
        let refused = world.pay(alice, (method, long.clone()), 0).expect_err("in the method");
        assert_eq!(refused.code, RejectCode::CanisterReject, "{method}: {refused}");
        let canister = world.registry;
        for method in [format!("validate_{method}"), "head".to_owned()] {
            let call = IcCall { canister, sender: alice, method, arg: long.clone() };
            let refused = world.replica.query(&call).expect_err("too long");
            assert_eq!(refused.code, RejectCode::CanisterReject, "{refused}");
        }
    }
}

#[test]
fn an_unknown_method_is_not_accepted() {
    let mut world = World::new(&["alice"]);
    let alice = principal(&account("alice"));
    for method in ["", "no_such_method", "approve_by_sigs", "canister_init", "Create"] {
        let refused = world.send(alice, method, Vec::new()).expect_err("inspected");
        assert!(refused.message.contains("there is no method"), "{method}: {refused}");
    }
    // A view may be asked in a replicated call.
    world.send(alice, "about", b"DIDL\x00\x00".to_vec()).expect("it is accepted");
}

#[test]
fn arguments_of_another_shape_change_nothing() {
    let mut world = World::new(&["alice"]);
    let alice = account("alice");
    let context = world.create(&alice, 1);
    let before = world.snapshot(&context);
    let short = Encode!(&vec![1_u8; 31], &1_u64).expect("Candid");
    let long = Encode!(&vec![1_u8; 33], &1_u64).expect("Candid");
    // A vector of two billion nothings, and a type that contains itself.
    let nothings = b"DIDL\x01\x6d\x7f\x01\x00\xff\xff\xff\xff\x07".to_vec();
    let itself = b"DIDL\x01\x6e\x00\x01\x00\x01".to_vec();
    for arg in [short, long, nothings, itself, vec![0xff; 100], b"DIDL".to_vec(), vec![]] {
        for method in ["cancel", "create", "claim_invite", "propose", "renounce"] {
            let sent = world.send(principal(&alice), method, arg.clone());
            assert_eq!(sent.expect_err("no argument").code, RejectCode::CanisterError, "{method}");
        }
    }
    assert_eq!(world.snapshot(&context), before);
}

#[test]
fn batches_are_bounded_by_bytes() {
    let mut world = World::new(&["alice"]);
    let alice = account("alice");
    let context = world.create(&alice, 1);
    let expiry_s = world.week_s();
    let reserved = |payload: usize| {
        let len = u16::try_from(payload).expect("short").to_be_bytes();
        [&[6][..], &len, &vec![0; payload]].concat()
    };
    for (bytes, code) in [(reserved(4093), Code::E17), (reserved(4094), Code::E16)] {
        for call in [
            Call::Propose { actions: Vec::new(), expiry_s },
            Call::Act { actions: Vec::new(), expiry_s },
        ] {
            let (answer, _) = world.measured(&alice, (&context, &call), Some(&bytes));
            assert_eq!(answer.expect_err("refused").code, code.number());
        }
    }
}

/// Sixteen actions of the longest kind.
fn heaviest(first: u8) -> Vec<Action> {
    (first..first + 16).map(members).collect()
}

#[test]
fn a_full_record_stays_cheap_enough() {
    let admins: Vec<Account> = (0..32).map(|number| account(&format!("admin {number}"))).collect();
    let mut world = World::new(&["admin 0"]);
    let context = world.council(&admins, 32);
    let expiry_s = world.week_s();
    let batch = heaviest(16);
    let size = encode_actions(&batch).expect("a batch").len();
    let (mut dearest, mut seq) = (0, 0);
    for admin in admins.iter().take(8) {
        for _ in 0..8 {
            let call = Call::Propose { actions: batch.clone(), expiry_s };
            let (answer, cost) = world.measured(admin, (&context, &call), None);
            answer.expect("it is proposed");
            (dearest, seq) = (dearest.max(cost), world.head(&context).head[19]);
        }
    }
    let seq = u64::from(seq);
    let full = Call::Propose { actions: batch.clone(), expiry_s };
    let refused = world.measured(&admins[9], (&context, &full), None).0.expect_err("64 are open");
    assert_eq!(refused.code, Code::E14.number());
    assert_eq!(world.proposals(&context).len(), 64);
    for admin in admins.iter().take(31).filter(|admin| **admin != admins[7]) {
        let (answer, cost) = world.measured(admin, (&context, &approve(seq, &batch)), None);
        answer.expect("it is approved");
        dearest = dearest.max(cost);
    }
    let last = Call::ApproveAndExecute { seq, actions: batch };
    let (answer, cost) = world.measured(&admins[31], (&context, &last), None);
    assert!(names(&answer.expect("32 of 32")).ends_with("Rev Executed"));
    dearest = dearest.max(cost);
    println!("32 seats, 64 proposals of {size} bytes: {dearest} instructions at most");
    // An update may take 40 billion.
    assert!(dearest < 200_000_000, "{dearest}");
    world.check(&context);
}

#[test]
fn a_call_that_breaks_off_leaves_nothing() {
    let batch = heaviest(16);
    let prepared = |limit: u64| {
        let config = ReplicaConfig { update_instructions_max: limit, ..ReplicaConfig::default() };
        let mut world = World::with(config, Some(settings(&["alice"])));
        let context = world.create(&account("alice"), 1);
        let expiry_s = world.week_s();
        let call = Call::Propose { actions: batch.clone(), expiry_s };
        let (answer, cost) = world.measured(&account("alice"), (&context, &call), None);
        answer.expect("it is proposed");
        (world, context, cost)
    };
    let execute = Call::Execute { seq: 1, actions: batch.clone() };
    let (mut world, context, least) = prepared(u64::MAX >> 1);
    let (answer, whole) = world.measured(&account("alice"), (&context, &execute), None);
    answer.expect("with enough instructions it is done");
    let most = least.max(whole / 3) + 500_000;
    assert!(whole > most + 1_000_000, "executing takes {whole}, preparing up to {most}");
    for part in 0..12 {
        breaks_off(prepared(most + (whole - most) * part / 12), &execute);
    }
}

fn breaks_off((mut world, context, _): (World, OnChainId, u64), execute: &Call) {
    let before = world.snapshot(&context);
    let (method, arg) = argument(&context, execute, None);
    let alice = principal(&account("alice"));
    let reject = world.send(alice, method, arg).expect_err("it runs out of instructions");
    assert_eq!(reject.code, RejectCode::CanisterError, "{reject}");
    assert_eq!(world.snapshot(&context), before, "something was left");
    world.check(&context);
    world.done(&account("alice"), &context, &Call::Cancel { seq: 1 });
}

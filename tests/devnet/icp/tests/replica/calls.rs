use std::time::Duration;

use anchorhold_devnet_icp::{InstallMode, Principal, RejectCode};

use crate::world::{COUNTER, RELAY, World, number, relayed};

/// A relay and a counter.
fn pair() -> (World, Principal, Principal) {
    let mut world = World::new();
    let relay = world.canister(RELAY, b"");
    let counter = world.canister(COUNTER, b"");
    (world, relay, counter)
}

/// How often the relay called, and how often it cleaned up (five for each).
fn counts(world: &mut World, relay: Principal) -> (u32, u32) {
    let told = number(&world.query(relay, "counts"));
    (told as u32, (told >> 32) as u32)
}

#[test]
fn an_answer_comes_back_through_the_callback() {
    let (mut world, relay, counter) = pair();
    let check = |world: &mut World, callee, method: &str, told: &[u8]| {
        let answer = world.update(relay, "call", &relayed(callee, method, b"")).expect(method);
        assert!(answer.reply.starts_with(told), "{method}: {:?}", answer.reply);
    };
    check(&mut world, counter, "add", &1_u64.to_le_bytes());
    check(&mut world, counter, "count", &1_u64.to_le_bytes());
    check(&mut world, counter, "caller", relay.as_slice());
    check(&mut world, counter, "a", &2_u64.to_le_bytes());
    check(&mut world, counter, "reject", b"\x04no, thank you");
    check(&mut world, counter, "trap", b"\x05Error from Canister");
    check(&mut world, counter, "none", b"\x03Error from Canister");
    check(&mut world, Principal::anonymous(), "add", b"\x03Canister 2vxsx-fae not found");
    assert_eq!(world.count(counter), 3, "the trap's is undone");
    // A canister calls itself: its state in between is committed.
    check(&mut world, relay, "counts", &9_u32.to_le_bytes());
}

#[test]
fn a_call_is_made_only_if_its_message_ends_well() {
    let (mut world, relay, counter) = pair();
    world.update(relay, "undone", &relayed(counter, "add", b"")).expect_err("it traps");
    assert_eq!(world.count(counter), 0);
    assert_eq!(counts(&mut world, relay), (0, 0));
}

#[test]
fn a_callback_that_traps_is_cleaned_up_after() {
    let (mut world, relay, counter) = pair();
    let reject = world.update(relay, "careless", &relayed(counter, "add", b""));
    let reject = reject.expect_err("the callback traps");
    assert_eq!((reject.code, reject.error_code), (RejectCode::CanisterError, "IC0502"));
    assert_eq!(world.count(counter), 1, "the other canister's change stays");
    assert_eq!(counts(&mut world, relay), (1, 5), "what came before the call stays, too");
}

#[test]
fn cycles_that_are_not_taken_come_back() {
    let mut world = World::new();
    let payer = world.canister(RELAY, b"");
    let taker = world.canister(RELAY, b"");
    let before = world.replica.balance(taker).expect("it has cycles");
    let answer = world.update(payer, "pay", &relayed(taker, "take", b"")).expect("it pays");
    assert_eq!(number(&answer.reply), 700);
    let after = world.replica.balance(taker).expect("it has cycles");
    assert!(before > after && before - after < 5_100_000, "300 more, the execution less");
    let call = world.call(taker, "take", b"");
    assert_eq!(number(&world.replica.deliver(&call, 200).expect("it answers").reply), 200);
}

#[test]
fn a_bounded_wait_ends() {
    let (mut world, relay, counter) = pair();
    let answer = world.update(relay, "bounded", &relayed(relay, "deadline", b""));
    let deadline = number(&answer.expect("in time").reply);
    assert_eq!(deadline, world.replica.time_ns() + 2_000_000_000);

    world.replica.pause(counter);
    let call = world.call(relay, "bounded", &relayed(counter, "add", b""));
    let waits = world.replica.update(&call).expect_err("nobody answers");
    assert_eq!(waits.code, RejectCode::SysTransient);
    let open = world.update(relay, "call", &relayed(counter, "add", b"")).expect_err("nor here");
    assert_eq!(open.code, RejectCode::SysTransient);
    world.replica.advance(Duration::from_millis(2_001));
    assert_eq!(world.count(counter), 0);
    world.replica.resume(counter);
    assert_eq!(world.count(counter), 1, "the call whose caller waits is made, the other is not");
}

#[test]
fn a_canister_stops_once_it_has_answered() {
    let (mut world, relay, counter) = pair();
    world.replica.pause(counter);
    world.update(relay, "call", &relayed(counter, "add", b"")).expect_err("no answer yet");
    let management = Principal::management_canister();
    let arg = candid::encode_one(Named { canister_id: relay }).expect("it encodes");
    let stop = world.update(management, "stop_canister", &arg).expect_err("not yet");
    assert_eq!(stop.code, RejectCode::SysTransient);
    let refused = world.update(relay, "call", b"").expect_err("it is stopping");
    assert_eq!(refused.error_code, "IC0508");
    world.replica.resume(counter);
    assert_eq!(world.count(counter), 1);
    world.update(management, "stop_canister", &arg).expect("it has stopped");
    world.update(management, "start_canister", &arg).expect("it starts");
    world.update(relay, "call", &relayed(counter, "add", b"")).expect("it works again");
    world.install(relay, InstallMode::Upgrade, RELAY, b"").expect("it is upgraded");
}

#[derive(candid::CandidType, serde::Deserialize)]
struct Named {
    canister_id: Principal,
}

#[test]
fn a_canister_can_draw_random_numbers_and_make_canisters() {
    let (mut world, relay, _) = pair();
    let management = Principal::management_canister();
    let none = candid::encode_args(()).expect("it encodes");
    let mut drawn = Vec::new();
    for _ in 0..2 {
        let arg = relayed(management, "raw_rand", &none);
        let answer = world.update(relay, "call", &arg).expect("it draws");
        drawn.push(candid::decode_one::<Vec<u8>>(&answer.reply).expect("bytes"));
    }
    assert_eq!(drawn[0].len(), 32);
    assert_ne!(drawn[0], drawn[1]);
    let direct = world.update(management, "raw_rand", &none).expect_err("users may not");
    assert_eq!(direct.code, RejectCode::CanisterError);

    #[derive(candid::CandidType)]
    struct Create {
        settings: Option<Settings>,
    }
    #[derive(candid::CandidType)]
    struct Settings {
        controllers: Option<Vec<Principal>>,
    }
    let create = Create { settings: Some(Settings { controllers: Some(vec![world.admin]) }) };
    let arg = candid::encode_one(create).expect("it encodes");
    let answer = world.update(relay, "call", &relayed(management, "create_canister", &arg));
    let made: Named = candid::decode_one(&answer.expect("it creates").reply).expect("an id");
    world.install(made.canister_id, InstallMode::Install, COUNTER, b"").expect("it controls it");
}

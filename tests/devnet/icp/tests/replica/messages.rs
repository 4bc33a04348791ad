use std::time::Duration;

use anchorhold_devnet_icp::{InstallMode, RejectCode};

use crate::world::{COUNTER, World, number};

#[test]
fn updates_last_and_queries_do_not() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, &41_u64.to_le_bytes());
    assert_eq!(world.count(counter), 41);
    assert_eq!(number(&world.query(counter, "add_query")), 42);
    assert_eq!(world.count(counter), 41, "the query's change is gone");
    let answer = world.update(counter, "add", b"").expect("it adds");
    assert_eq!(number(&answer.reply), 42);
    assert!((1_000..100_000).contains(&answer.instructions), "{}", answer.instructions);
    assert_eq!(world.count(counter), 42);
    let replicated = world.update(counter, "add_query", b"").expect("it answers");
    assert_eq!(number(&replicated.reply), 43);
    assert_eq!(world.count(counter), 42, "nor does a replicated query's last");
    assert_eq!(world.replica.certified_data(counter), Some(&42_u64.to_le_bytes()[..]));
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, b"");
    let check = |world: &mut World, method: &str, code, error_code: &str, text: &str| {
        let before = world.query(counter, "both");
        let size = world.replica.memory_bytes(counter);
        let reject = world.update(counter, method, b"").expect_err(method);
        assert_eq!((reject.code, reject.error_code), (code, error_code), "{reject}");
        assert!(reject.message.contains(text), "{reject}");
        assert_eq!(world.query(counter, "both"), before, "{method}");
        assert_eq!(world.replica.memory_bytes(counter), size, "{method}");
    };
    let canister = RejectCode::CanisterError;
    check(&mut world, "trap", canister, "IC0503", "'as you wish'");
    check(&mut world, "unreachable", canister, "IC0502", "unreachable");
    check(&mut world, "endless", canister, "IC0522", "instructions");
    check(&mut world, "none", RejectCode::DestinationInvalid, "IC0536", "update method 'none'");
    check(&mut world, "a", RejectCode::CanisterReject, "IC0516", "rejected the message");
    assert_eq!(world.replica.prints(counter), ["as you wish"]);
}

#[test]
fn a_rejection_or_no_answer_keeps_what_was_done() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, b"");
    let reject = world.update(counter, "reject", b"").expect_err("it rejects");
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert_eq!(reject.message, "no, thank you");
    assert_eq!(world.count(counter), 1);
    let reject = world.update(counter, "silent", b"").expect_err("it says nothing");
    assert_eq!((reject.code, reject.error_code), (RejectCode::CanisterError, "IC0506"));
    assert_eq!(world.count(counter), 2);
    let call = world.call(counter, "a", b"");
    assert!(world.replica.deliver(&call, 0).is_ok(), "canisters are not inspected");
}

#[test]
fn code_learns_where_it_runs() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, b"");
    assert_eq!(world.query(counter, "caller"), world.admin.as_slice());
    assert_eq!(world.query(counter, "replicated"), [0, 0, 0, 0]);
    let replicated = world.update(counter, "replicated", b"").expect("it answers");
    assert_eq!(replicated.reply, [1, 0, 0, 0]);
    assert!(number(&world.query(counter, "instructions")) >= 500);
    assert!(!world.query(counter, "certificate").is_empty());
    let reject = world.update(counter, "certificate", b"").expect_err("it has none");
    assert_eq!(reject.error_code, "IC0502");
}

#[test]
fn a_timer_goes_off_once() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, b"");
    world.update(counter, "wake", b"").expect("it sets a timer");
    world.replica.advance(Duration::from_millis(999));
    assert_eq!(world.count(counter), 0);
    world.replica.advance(Duration::from_millis(1));
    assert_eq!(world.count(counter), 1);
    world.replica.advance(Duration::from_secs(100));
    assert_eq!(world.count(counter), 1);
    world.update(counter, "wake", b"").expect("it sets a timer");
    world.install(counter, InstallMode::Upgrade, COUNTER, b"").expect("it is upgraded");
    world.replica.advance(Duration::from_secs(100));
    assert_eq!(world.count(counter), 1, "an upgrade stops the timer");
}

#[test]
fn a_canister_pays_for_what_it_does() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, b"");
    let before = world.replica.balance(counter).expect("it has cycles");
    let answer = world.update(counter, "add", b"").expect("it adds");
    let after = world.replica.balance(counter).expect("it has cycles");
    assert_eq!(before - after, 5_000_000 + u128::from(answer.instructions));
    world.update(counter, "trap", b"").expect_err("it traps");
    assert!(world.replica.balance(counter).expect("it has cycles") < after, "traps cost, too");
}

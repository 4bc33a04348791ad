//! Who may make records, and how much a record may keep.

use candid::{Decode, Encode, Principal};
use devnet_icp::ReplicaConfig;
use governance::anchor::{Account, Action, Call, Code, OnChainId};

use crate::{
    wire::{Allowance, Answer, Refusal, Settings, answer, argument, principal},
    world::{PRICE, World, account, bytes, names, settings, terms},
};

/// What creating comes to, with so many cycles; none as a user.
fn create(world: &mut World, by: &Account, salt: u8, cycles: Option<u64>) -> Answer {
    let salt = [salt; 32];
    let context = world.name.context(by, &salt);
    let call = argument(&context, &Call::Create { salt, terms: terms() }, None);
    let reply = match cycles {
        None => world.send(principal(by), call.0, call.1),
        Some(cycles) => world.pay(principal(by), call, cycles),
    };
    answer(&reply.expect("it is answered").reply)
}

#[track_caller]
fn unpaid(answer: Answer, text: &str) {
    let refusal = answer.expect_err("it is refused");
    assert_eq!(refusal.code, Code::E02.number());
    assert!(refusal.text.contains(text), "{}", refusal.text);
}

fn allowance(world: &mut World, by: &Account) -> (u32, u32) {
    let Allowance { free, bought } = world.ask("allowance", (principal(by),));
    (free, bought)
}

#[test]
fn without_settings_nobody_creates_without_paying() {
    let mut world = World::with(ReplicaConfig::default(), None);
    let alice = account("alice");
    unpaid(create(&mut world, &alice, 1, None), "the price is 500000000000 cycles");
    let before = world.replica.balance(world.registry).expect("it is there");
    unpaid(create(&mut world, &alice, 1, Some(PRICE - 1)), "499999999999 came with the call");
    // What is refused keeps no cycles: only its execution was paid, by the canister.
    assert!(world.replica.balance(world.registry).expect("it is there") < before);
    create(&mut world, &alice, 1, Some(PRICE)).expect("it is paid");
    let after = world.replica.balance(world.registry).expect("it is there");
    assert!(after > before + u128::from(PRICE) - 100_000_000, "{before} to {after}");
    // Paying does not make a context that is there once more, nor out of bounds.
    let twice = create(&mut world, &alice, 1, Some(PRICE)).expect_err("it is there");
    assert_eq!(twice.code, Code::E01.number());
}

#[test]
fn a_creator_makes_no_more_than_its_records() {
    let quota = Settings { records_per_creator: 2, ..settings(&["alice"]) };
    let mut world = World::with(ReplicaConfig::default(), Some(quota));
    let (alice, bob) = (account("alice"), account("bob"));
    assert_eq!((allowance(&mut world, &alice), allowance(&mut world, &bob)), ((2, 0), (0, 0)));
    unpaid(create(&mut world, &bob, 1, None), "no record is left");
    for salt in [1, 2] {
        create(&mut world, &alice, salt, None).expect("it is free");
    }
    unpaid(create(&mut world, &alice, 3, None), "no record is left");
    assert_eq!(allowance(&mut world, &alice), (0, 0));
    // A refusal by the machine uses nothing up.
    assert_eq!(create(&mut world, &alice, 1, None).expect_err("there").code, Code::E01.number());
    create(&mut world, &alice, 3, Some(PRICE)).expect("it is paid");
}

#[test]
fn a_canister_pays_for_a_user() {
    let mut world = World::new(&[]);
    let (alice, wallet) = (account("alice"), account("wallet"));
    let buy = |world: &mut World, cycles| -> Result<Allowance, Refusal> {
        let arg = Encode!(&principal(&alice)).expect("Candid");
        let reply = world.pay(principal(&wallet), ("buy_record", arg), cycles);
        let reply = reply.expect("it is answered").reply;
        Decode!(&reply, Result<Allowance, Refusal>).expect("an allowance")
    };
    assert_eq!(buy(&mut world, PRICE / 2).expect_err("too little").code, Code::E02.number());
    assert_eq!(allowance(&mut world, &alice), (0, 0));
    assert_eq!(buy(&mut world, 3 * PRICE).expect("paid").bought, 1, "one for each call");
    create(&mut world, &alice, 1, None).expect("it was bought");
    unpaid(create(&mut world, &alice, 2, None), "no record is left");
    unpaid(create(&mut world, &wallet, 2, None), "no record is left");
}

#[test]
fn where_nothing_is_for_sale_cycles_buy_nothing() {
    let closed = Settings { price_cycles: None, ..settings(&["alice"]) };
    let mut world = World::with(ReplicaConfig::default(), Some(closed));
    unpaid(create(&mut world, &account("bob"), 1, Some(PRICE)), "nothing is for sale");
    create(&mut world, &account("alice"), 1, None).expect("it is free");
}

#[test]
fn a_full_record_waits_for_room_and_can_be_tidied() {
    let small = Settings { room_bytes: 64 * 1024, ..settings(&["alice"]) };
    let mut world = World::with(ReplicaConfig::default(), Some(small));
    let alice = account("alice");
    let context = world.create(&alice, 1);
    let expiry_s = world.week_s();
    let nominate =
        |number: u32| Action::NominateAdmin { account: account(&number.to_string()), ttl_s: 3600 };
    let batch = |round: u32| (0..16).map(|n| nominate(16 * round + n)).collect::<Vec<_>>();
    let full = (0..100).find_map(|round| {
        let call = Call::Act { actions: batch(round), expiry_s };
        world.measured(&alice, (&context, &call), None).0.err()
    });
    unpaid(Err(full.expect("64 KiB are full some time")), "the record's 65536 bytes are full");
    world.check(&context);
    // What adds nothing for good still works, and so does closing it.
    let propose = Call::Propose { actions: batch(99), expiry_s };
    assert_eq!(names(&world.done(&alice, &context, &propose)), "Proposed Queued");
    let seq = 1 + u64::from(world.head(&context).head[19] - 1);
    unpaid(execute(&mut world, &alice, &context, seq, batch(99)), "bytes are full");
    assert_eq!(world.proposals(&context).len(), 1, "it is still there");

    let arg = Encode!(&bytes(&context)).expect("Candid");
    let reply = world.pay(principal(&account("wallet")), ("buy_room", arg), PRICE);
    let room = Decode!(&reply.expect("answered").reply, Result<u64, Refusal>).expect("a size");
    assert_eq!(room, Ok(128 * 1024));
    execute(&mut world, &alice, &context, seq, batch(99)).expect("there is room");
    assert_eq!(world.record(&context).expect("it is there").room, 128 * 1024);
    world.check(&context);
}

fn execute(
    world: &mut World,
    by: &Account,
    context: &OnChainId,
    seq: u64,
    actions: Vec<Action>,
) -> Answer {
    world.measured(by, (context, &Call::Execute { seq, actions }), None).0
}

#[test]
fn room_is_bought_for_records_that_are_there() {
    let mut world = World::new(&[]);
    let arg = Encode!(&vec![7_u8; 32]).expect("Candid");
    let reply = world.pay(Principal::from_slice(&[1]), ("buy_room", arg), PRICE);
    let room = Decode!(&reply.expect("answered").reply, Result<u64, Refusal>).expect("a size");
    assert_eq!(room.expect_err("no record").code, Code::E10.number());
}

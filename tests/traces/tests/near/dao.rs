//! A contract holds a seat: it decides by its own vote, and acts by a call to the registry.

use std::{env, fs};

use devnet_near::{AccountId, Action as NearAction, Balance, Call as NearCall, Report};
use governance::anchor::{Action, Call, Code, OnChainId, actions_hash};
use serde_json::{Value, json};

use crate::world::{World, account, arguments, id, members, tgas};

/// Where a `sputnikdao2.wasm` may be found.
const SPUTNIK: &str = "SPUTNIK_DAO_WASM";

/// A world where `council.near` is [`vote.wat`], and carol and dave are its members.
fn council() -> World {
    let mut world = World::new(["alice.near", "carol.near", "dave.near", "council.near"]);
    let code = wat::parse_str(include_str!("vote.wat")).expect("it is WebAssembly");
    let dao = id("council.near");
    assert_eq!(world.chain.deploy(&dao, &code).expect("included").failure(), None);
    for member in ["carol.near", "dave.near"] {
        let call = NearCall::new(&dao, "join", member);
        assert_eq!(world.chain.call(&dao, call).expect("included").failure(), None);
    }
    world
}

/// A call of the registry, as [`vote.wat`] takes it.
pub(crate) fn packed(world: &World, context: &OnChainId, call: &Call) -> Vec<u8> {
    let (method, args) = arguments(context, call, None);
    let (registry, args) = (world.registry.as_str().as_bytes(), args.to_string());
    let len = |bytes: &[u8]| u8::try_from(bytes.len()).expect("short");
    [&[len(registry)], registry, &[len(method.as_bytes())], method.as_bytes(), args.as_bytes()]
        .concat()
}

/// Carol proposes that the council makes `call`, and dave's vote makes it.
fn decide(world: &mut World, context: &OnChainId, call: &Call, vote: &str) -> Report {
    let dao = id("council.near");
    let proposed = NearCall::new(&dao, "propose", packed(world, context, call));
    let proposed = world.chain.call(&id("carol.near"), proposed).expect("included");
    assert_eq!(proposed.failure(), None);
    let vote = NearCall::new(&dao, vote, "");
    world.chain.call(&id("dave.near"), vote).expect("included")
}

/// Alice nominates the council, which takes its seat; then both are needed.
fn seated() -> (World, OnChainId) {
    let mut world = council();
    let alice = id("alice.near");
    let context = world.create(&alice);
    let nominate = Action::NominateAdmin { account: account(&id("council.near")), ttl_s: 86_400 };
    world.act(&alice, &context, vec![nominate]).expect("nominated");
    let report = decide(&mut world, &context, &Call::AcceptAdmin, "vote");
    assert_eq!(report.failures(), Vec::<String>::new());
    world.act(&alice, &context, vec![Action::SetThreshold { threshold: 2 }]).expect("set");
    (world, context)
}

#[test]
fn a_contract_takes_a_seat_and_approves_by_its_own_vote() {
    let (mut world, context) = seated();
    assert_eq!((world.head(&context).admins, world.head(&context).threshold), (2, 2));
    let batch = vec![members(0x10, 0x11)];
    world.propose(&id("alice.near"), &context, batch.clone()).expect("proposed");
    let (seq, before) = (world.head(&context).seq, world.balance(&id("council.near")));
    let call = Call::ApproveAndExecute { seq, actions: batch };
    // One vote is not enough, and a stranger has none.
    let dao = id("council.near");
    let proposed = NearCall::new(&dao, "propose", packed(&world, &context, &call));
    world.chain.call(&id("carol.near"), proposed).expect("included");
    for nobody in ["carol.near", "alice.near"] {
        let vote = NearCall::new(&dao, "vote", "");
        let report = world.chain.call(&id(nobody), vote).expect("included");
        assert!(report.failure().is_some(), "{nobody} has no second vote");
    }
    assert_eq!(world.head(&context).rev, 4);
    let vote = NearCall::new(&dao, "vote", "");
    let report = world.chain.call(&id("dave.near"), vote).expect("included");
    assert_eq!(report.failures(), Vec::<String>::new());
    assert_eq!(world.head(&context).rev, 5);
    // What the council sent too much came back.
    let paid = before - world.balance(&dao);
    assert!(paid < Balance::from_millinear(5).as_yoctonear(), "{paid} yoctoNEAR");
}

#[test]
fn what_the_registry_refuses_a_contract_changes_nothing() {
    let (mut world, context) = seated();
    let (state, surplus) = (world.state(), world.surplus());
    let dao = id("council.near");
    let before = world.balance(&dao);
    let call = Call::Cancel { seq: 9 };
    let report = decide(&mut world, &context, &call, "vote");
    let failure = report.failure().expect("it is refused");
    assert_eq!(crate::world::code_in(&failure), Some(Code::E20), "{failure}");
    assert!(world.state() == state && world.surplus() == surplus);
    // The deposit came back; the council's own vote costs it nothing but its state.
    assert_eq!(world.balance(&dao), before);
}

#[test]
fn a_callback_that_fails_takes_nothing_back_and_adds_nothing() {
    let (mut world, context) = seated();
    let batch = vec![members(0x10, 0x11)];
    world.propose(&id("alice.near"), &context, batch.clone()).expect("proposed");
    let seq = world.head(&context).seq;
    let call = Call::ApproveAndExecute { seq, actions: batch };
    let report = decide(&mut world, &context, &call, "vote_and_fail");
    assert_eq!(report.failures().len(), 1, "{:?}", report.failures());
    assert_eq!(world.head(&context).rev, 5, "the registry's receipt was over before");
    let again = world.ask(&id("alice.near"), &context, &call).map(drop);
    assert_eq!(again, Err(Code::E20), "it was done once");

    // Where the registry refuses, the failing callback changes nothing either.
    let state = world.state();
    let report = decide(&mut world, &context, &Call::Cancel { seq: 9 }, "vote_and_fail");
    assert_eq!(report.failures().len(), 2, "{:?}", report.failures());
    assert!(world.state() == state);
}

#[test]
fn a_real_sputnik_dao_holds_a_seat() {
    let Some(path) = env::var_os(SPUTNIK) else {
        println!("no {SPUTNIK}: the flow ran with a contract of our own alone");
        return;
    };
    let code = fs::read(path).expect("a contract");
    let mut world = World::new(["alice.near", "carol.near", "dave.near", "council.near"]);
    let dao = id("council.near");
    assert_eq!(world.chain.deploy(&dao, &code).expect("included").failure(), None);
    let new = json!({
        "config": {"name": "council", "purpose": "a seat", "metadata": ""},
        "policy": {
            "roles": [{
                "name": "council", "kind": {"Group": ["carol.near", "dave.near"]},
                "permissions": ["*:*"], "vote_policy": {},
            }],
            "default_vote_policy": {"weight_kind": "RoleWeight", "quorum": "0", "threshold": "2"},
            "proposal_bond": "100000000000000000000000", "proposal_period": "604800000000000",
            "bounty_bond": "1", "bounty_forgiveness_period": "1",
        },
    });
    said(&mut world, &dao, NearCall::new(&dao, "new", new.to_string()));
    let alice = id("alice.near");
    let context = world.create(&alice);
    let nominate = Action::NominateAdmin { account: account(&dao), ttl_s: 86_400 };
    world.act(&alice, &context, vec![nominate]).expect("nominated");
    sputnik_decides(&mut world, 0, &context, &Call::AcceptAdmin);
    world.act(&alice, &context, vec![Action::SetThreshold { threshold: 2 }]).expect("set");
    let batch = vec![members(0x10, 0x11)];
    world.propose(&alice, &context, batch.clone()).expect("proposed");
    let seq = world.head(&context).seq;
    let call = Call::Approve { seq, actions_hash: actions_hash(&batch).expect("a batch") };
    sputnik_decides(&mut world, 1, &context, &call);
    world.ask(&alice, &context, &Call::Execute { seq, actions: batch }).expect("executed");
    assert_eq!(world.head(&context).rev, 5);
}

/// Carol proposes a call of the registry, and both vote for it.
fn sputnik_decides(world: &mut World, number: u64, context: &OnChainId, call: &Call) {
    let dao = id("council.near");
    let (method, args) = arguments(context, call, None);
    let action = json!({
        "method_name": method, "args": base64(args.to_string().as_bytes()),
        "deposit": "20000000000000000000000", "gas": "30000000000000",
    });
    let kind = json!({"FunctionCall": {"receiver_id": world.registry, "actions": [action]}});
    let proposal = json!({"proposal": {"description": "our seat", "kind": kind}});
    let bond = Balance::from_millinear(100);
    let call = NearCall::new(&dao, "add_proposal", proposal.to_string()).with_deposit(bond);
    said(world, &id("carol.near"), call);
    for voter in ["carol.near", "dave.near"] {
        let vote = json!({"id": number, "action": "VoteApprove", "proposal": kind});
        let call = NearCall::new(&dao, "act_proposal", vote.to_string()).with_gas(tgas(200));
        said(world, &id(voter), call);
    }
}

fn said(world: &mut World, by: &AccountId, call: NearCall) -> Value {
    let method = call.method.clone();
    let report = world.chain.call(by, call).expect("included");
    assert_eq!(report.failures(), Vec::<String>::new(), "{method}");
    let value = report.value().expect("it is done");
    serde_json::from_slice(&value).unwrap_or(Value::Null)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain([&0, &0]).take(3);
        let group = group.fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        for digit in 0..4 {
            let index = group >> (18 - 6 * digit) & 63;
            let is_there = digit <= chunk.len();
            let digit = DIGITS[usize::try_from(index).expect("6 bits")];
            text.push(if is_there { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Another contract in the way: who signed does not count.
#[test]
fn only_the_caller_counts_and_not_who_signed() {
    let (mut world, context) = seated();
    let state = world.state();
    let call = Call::Renounce;
    let relay = id("council.near");
    // Alice, who is an admin, signs; the council is asked to renounce in her name.
    let actions: Vec<NearAction> =
        vec![NearCall::new(&relay, "relay", packed(&world, &context, &call)).into()];
    let report = world.chain.act(&id("alice.near"), &relay, actions).expect("included");
    // The council is an admin itself: it is the one that left.
    assert_eq!(report.failures(), Vec::<String>::new());
    assert!(world.state() != state);
    let admin = |world: &World, name: &str| {
        let args =
            json!({"context": crate::world::hex(context.as_hash().as_bytes()), "account": name});
        world.view("admin", &args)["seated"].as_bool()
    };
    assert_eq!(admin(&world, "alice.near"), Some(true));
    assert_eq!(admin(&world, "council.near"), Some(false));
    // Once more: the relay is nobody now, whatever alice signs.
    let state = world.state();
    let actions: Vec<NearAction> =
        vec![NearCall::new(&relay, "relay", packed(&world, &context, &call)).into()];
    let report = world.chain.act(&id("alice.near"), &relay, actions).expect("included");
    let failure = report.failure().expect("it is refused");
    assert_eq!(crate::world::code_in(&failure), Some(Code::E12), "{failure}");
    assert!(world.state() == state);
}

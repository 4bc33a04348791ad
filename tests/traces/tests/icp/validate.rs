//! What the `validate_` twins tell SNS and Orbit.

use candid::{Decode, Encode, Principal};
use devnet_icp::Call as IcCall;
use governance::anchor::{Action, Call, OnChainId};
use types::Hash;

use crate::{
    wire::{argument, principal},
    world::{World, account, members, terms},
};

/// What the twin of a call says to `sender`.
fn twin(
    world: &mut World,
    sender: Principal,
    (method, arg): (&str, Vec<u8>),
) -> Result<String, String> {
    let (canister, method) = (world.registry, format!("validate_{method}"));
    let call = IcCall { canister, sender, method, arg };
    let reply = world.replica.query(&call).expect("it answers").reply;
    // SNS asks in a replicated call, and must hear the same.
    let again = world.replica.deliver(&call, 0).expect("it answers").reply;
    assert_eq!(reply, again);
    Decode!(&reply, Result<String, String>).expect("texts")
}

#[track_caller]
fn says(answer: Result<String, String>, parts: &[&str]) {
    let text = answer.expect("it can be done as it is written");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}

#[track_caller]
fn refuses(answer: Result<String, String>, part: &str) {
    let text = answer.expect_err("it cannot be done as it is written");
    assert!(text.contains(part), "no {part:?} in {text:?}");
}

#[test]
fn a_twin_says_what_would_be_done() {
    let mut world = World::new(&["alice"]);
    let (alice, bob) = (account("alice"), account("bob"));
    let context = world.create(&alice, 1);
    let id = context.to_string();
    let before = world.snapshot(&context);
    let expiry_s = world.week_s();
    let bob_text = principal(&bob).to_text();
    let actions = vec![
        Action::NominateAdmin { account: bob.clone(), ttl_s: 60 },
        Action::SetThreshold { threshold: 1 },
    ];
    let act = argument(&context, &Call::Act { actions, expiry_s }, None);
    let nominate = format!("nominate {bob_text} for 60 s, then ask for 1 approvals");
    let done = "at present this would be done: Proposed, Queued, Rev, Rev, Executed";
    says(twin(&mut world, principal(&alice), act.clone()), &[&id, &nominate, done]);
    let refused = "at present it would be refused: E12: the account is not an admin";
    says(twin(&mut world, principal(&bob), act), &[&id, &nominate, refused]);
    // What is not due yet may be due when it is called.
    let actions = vec![members(16)];
    let execute = argument(&context, &Call::Execute { seq: 7, actions }, None);
    says(twin(&mut world, principal(&bob), execute), &["carry proposal 7 out", "E41"]);
    let freeze = argument(&context, &Call::Freeze { secs: 5 }, None);
    says(twin(&mut world, principal(&account("grace")), freeze), &["freeze for 5 s", "Rev"]);
    assert_eq!(world.snapshot(&context), before, "a twin changed something");
}

#[test]
fn a_twin_refuses_what_cannot_be_done() {
    let mut world = World::new(&["alice"]);
    let alice = account("alice");
    let context = world.create(&alice, 1);
    let expiry_s = world.week_s();
    let propose = Call::Propose { actions: vec![Action::Dissolve], expiry_s };
    let malformed = argument(&context, &propose, Some(&[0x12, 0, 0]));
    refuses(twin(&mut world, principal(&alice), malformed), "E16");
    let reserved = argument(&context, &propose, Some(&[0x06, 0, 0]));
    refuses(twin(&mut world, principal(&alice), reserved), "E17");
    let nobody = argument(&context, &propose, None);
    refuses(twin(&mut world, Principal::anonymous(), nobody), "anonymous");
    let elsewhere = OnChainId::new(Hash::from_bytes([5; 32]));
    let elsewhere = argument(&elsewhere, &Call::Renounce, None);
    refuses(twin(&mut world, principal(&alice), elsewhere), "there is no record");
    world.done(&alice, &context, &Call::Act { actions: vec![Action::Dissolve], expiry_s });
    let over = argument(&context, &propose, None);
    refuses(twin(&mut world, principal(&alice), over), "dissolved");
    let tidy = argument(&context, &Call::Cancel { seq: 1 }, None);
    says(twin(&mut world, principal(&alice), tidy), &["withdraw proposal 1", "E20"]);
}

#[test]
fn a_twin_tells_of_creation_and_of_purchases() {
    let mut world = World::new(&[]);
    let alice = account("alice");
    let salt = [1; 32];
    let context = world.name.context(&alice, &salt);
    let create = argument(&context, &Call::Create { salt, terms: terms() }, None);
    let guardian = principal(&account("grace")).to_text();
    let id = context.to_string();
    says(twin(&mut world, principal(&alice), create), &["delays 0/0/0/0 s", &guardian, &id]);
    let flags = governance::anchor::Terms { flags: 2, ..terms() };
    let bad = argument(&context, &Call::Create { salt, terms: flags }, None);
    refuses(twin(&mut world, principal(&alice), bad), "E03");
    let buy = ("buy_record", Encode!(&principal(&alice)).expect("Candid"));
    let text = principal(&alice).to_text();
    says(twin(&mut world, principal(&alice), buy), &["500000000000 cycles", &text]);
    let nobody = ("buy_record", Encode!(&Principal::anonymous()).expect("Candid"));
    refuses(twin(&mut world, principal(&alice), nobody), "nobody");
    let room = ("buy_room", Encode!(&vec![1_u8; 32]).expect("Candid"));
    refuses(twin(&mut world, principal(&alice), room), "there is no record");
}

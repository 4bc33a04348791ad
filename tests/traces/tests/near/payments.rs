//! Who pays for what is kept, and who gets back what is freed.

use devnet_near::{AccountId, Action as NearAction, Balance, Call as NearCall};
use governance::anchor::{Action, Call, Code, OnChainId};
use near_primitives::action::DeleteAccountAction;

use crate::world::{BYTE_YOCTO, DAY_S, World, id, members};

/// Most that a proposal of the usual change may lock.
const LOCKED_MAX: Balance = Balance::from_millinear(5);

fn world() -> (World, OnChainId, [AccountId; 2]) {
    let admins = ["alice.near", "bob.near"].map(id);
    let mut world = World::new(["alice.near", "bob.near", "grace.near", "mallory.near"]);
    let context = world.council(&admins);
    (world, context, admins)
}

/// What `call` by `by` adds to the state, in yoctoNEAR.
fn price(world: &World, by: &AccountId, context: &OnChainId, call: &Call) -> u128 {
    let mut world = world.clone();
    let usage = |world: &World| world.chain.account(&world.registry).expect("it").storage_usage();
    let before = usage(&world);
    world.ask(by, context, call).expect("it is done");
    u128::from(usage(&world) - before) * BYTE_YOCTO
}

fn pays(call: NearCall, yocto: u128) -> NearCall {
    call.with_deposit(Balance::from_yoctonear(yocto))
}

#[test]
fn a_deposit_covers_what_is_added_to_the_yocto() {
    let (world, context, [alice, _]) = world();
    let expiry_s = world.now_s() + DAY_S;
    let actions = vec![members(0x10, 0x11)];
    for call in
        [Call::Propose { actions: actions.clone(), expiry_s }, Call::Act { actions, expiry_s }]
    {
        let price = price(&world, &alice, &context, &call);
        assert!(price > 0);
        for (deposit, enough) in [(0, false), (1, false), (price - 1, false), (price, true)] {
            let mut world = world.clone();
            let (state, surplus) = (world.state(), world.surplus());
            let sent = pays(world.call(&context, &call, None), deposit);
            let told = world.send(&alice, sent).map(drop);
            assert_eq!(told, if enough { Ok(()) } else { Err(Code::E02) }, "{deposit}");
            assert!(enough || world.state() == state, "{deposit}");
            assert_eq!(world.surplus(), surplus, "{deposit}");
        }
    }
}

#[test]
fn what_is_too_much_goes_back() {
    let (mut world, context, [alice, _]) = world();
    let expiry_s = world.now_s() + DAY_S;
    let call = Call::Propose { actions: vec![members(0x10, 0x11)], expiry_s };
    let price = price(&world, &alice, &context, &call);
    let sent = pays(world.call(&context, &call, None), Balance::from_near(5).as_yoctonear());
    let (before, surplus) = (world.balance(&alice), world.surplus());
    let report = world.send(&alice, sent).expect("it is done");
    let gas = report.tokens_burnt().as_yoctonear();
    assert_eq!(before - world.balance(&alice), price + gas);
    assert_eq!(world.surplus(), surplus);
}

#[test]
fn whoever_decides_sends_a_yocto() {
    let (mut world, context, [alice, bob]) = world();
    let batch = vec![members(0x10, 0x11)];
    world.act(&alice, &context, vec![Action::SetThreshold { threshold: 2 }]).expect("set");
    world.propose(&alice, &context, batch.clone()).expect("proposed");
    let seq = world.head(&context).seq;
    let hash = governance::anchor::actions_hash(&batch).expect("a batch");
    let unbind = Call::Unbind { key: vec![4; 32] };
    for (by, call) in [
        (&bob, Call::Approve { seq, actions_hash: hash }),
        (&alice, Call::Unapprove { seq }),
        (&alice, Call::Cancel { seq }),
        (&id("grace.near"), Call::Veto { seq }),
        (&id("mallory.near"), unbind),
    ] {
        let mut world = world.clone();
        let state = world.state();
        let free = pays(world.call(&context, &call, None), 0);
        assert_eq!(world.send(by, free).map(drop), Err(Code::E02), "{}", call.method());
        assert!(world.state() == state, "{}", call.method());
        let sent = pays(world.call(&context, &call, None), 1);
        assert_eq!(world.send(by, sent).map(drop), Ok(()), "{}", call.method());
    }
    // Who clears up what ran out decides nothing.
    world.wait(8 * DAY_S);
    let free = pays(world.call(&context, &Call::Expire { seq }, None), 0);
    world.send(&id("mallory.near"), free).expect("it ran out");
}

#[test]
fn all_that_a_proposal_locked_goes_back_to_its_proposer() {
    let (mut world, context, [alice, bob]) = world();
    world.act(&alice, &context, vec![Action::SetThreshold { threshold: 2 }]).expect("set");
    // Another one is open beside it, so that nothing hangs on being the first or the last.
    world.propose(&bob, &context, vec![members(0x10, 0x12)]).expect("proposed");
    let batch = vec![members(0x10, 0x11)];
    let expiry_s = world.now_s() + DAY_S;
    let propose = Call::Propose { actions: batch.clone(), expiry_s };
    let locked = price(&world, &alice, &context, &propose);
    assert!(locked <= LOCKED_MAX.as_yoctonear(), "{locked} yoctoNEAR are locked");
    world.ask(&alice, &context, &propose).expect("proposed");
    let seq = world.head(&context).seq;
    let late = world.now_s() + 2 * DAY_S;
    for (by, call, at_s) in [
        (&bob, Call::ApproveAndExecute { seq, actions: batch }, world.now_s()),
        (&alice, Call::Cancel { seq }, world.now_s()),
        (&id("grace.near"), Call::Veto { seq }, world.now_s()),
        (&id("mallory.near"), Call::Expire { seq }, late),
    ] {
        let mut world = world.clone();
        world.at(at_s);
        let (before, surplus) = (world.balance(&alice), world.surplus());
        let report = world.ask(by, &context, &call).expect("it is closed");
        let mut back = world.balance(&alice) - before;
        if *by == alice {
            back = world.balance(&alice) + report.tokens_burnt().as_yoctonear() - before;
        }
        // A yocto of the caller's own stays at most.
        assert!(locked - back <= 1, "{}: {back} of {locked}", call.method());
        assert!(world.surplus() - surplus <= 1, "{}", call.method());
    }
}

#[test]
fn what_goes_back_to_an_account_that_is_gone_stays_and_harms_nobody() {
    let (mut world, context, [alice, bob]) = world();
    world.act(&alice, &context, vec![Action::SetThreshold { threshold: 2 }]).expect("set");
    let batch = vec![members(0x10, 0x11)];
    world.propose(&alice, &context, batch.clone()).expect("proposed");
    let seq = world.head(&context).seq;
    let delete = DeleteAccountAction { beneficiary_id: bob.clone() };
    let delete = NearAction::DeleteAccount(delete);
    let report = world.chain.act(&alice, &alice, vec![delete]).expect("included");
    assert_eq!(report.failure(), None);
    let surplus = world.surplus();
    let call = Call::ApproveAndExecute { seq, actions: batch };
    world.ask(&bob, &context, &call).expect("its approval stands while the seat is held");
    assert!(world.surplus() > surplus, "what nobody can take stays in the registry");
}

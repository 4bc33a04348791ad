//! The code is replaced; what was decided stays.

use candid::{Encode, Nat, Principal};
use devnet_icp::InstallMode;
use governance::anchor::{Action, Call};

use crate::{
    wire::{About, Settings},
    world::{World, account, approve, code, members, operator, settings},
};

fn upgrade(world: &mut World, settings: Option<Settings>, sender: Principal) -> Result<(), String> {
    let arg = Encode!(&settings).expect("Candid");
    let registry = world.registry;
    let upgraded = world.replica.install(registry, InstallMode::Upgrade, &code(), &arg, sender);
    upgraded.map(drop).map_err(|reject| reject.to_string())
}

#[test]
fn state_outlives_an_upgrade_and_is_certified_again() {
    let admins = ["alice", "bob", "carol"].map(account);
    let mut world = World::new(&["alice"]);
    let council = world.council(&admins, 2);
    let lone = world.create(&admins[0], 2);
    let expiry_s = world.week_s();
    let actions = vec![members(16)];
    let propose = Call::Propose { actions: actions.clone(), expiry_s };
    world.done(&admins[0], &council, &propose);
    world.done(&admins[1], &council, &propose);
    let nominate = Action::NominateAdmin { account: account("dave"), ttl_s: 3600 };
    world.done(&admins[0], &lone, &Call::Act { actions: vec![nominate], expiry_s });
    let before = [council, lone].map(|context| world.snapshot(&context));

    upgrade(&mut world, None, operator()).expect("it is upgraded");

    for (context, before) in [council, lone].iter().zip(before) {
        assert_eq!(world.snapshot(context), before);
        world.check(context);
    }
    assert_eq!(world.ask::<About>("about", ()).settings, settings(&["alice"]));
    // What was under way goes on: an approval from before counts, and so does a nomination.
    let seq = world.proposals(&council)[0].seq;
    world.done(&admins[2], &council, &approve(seq, &actions));
    world.done(&admins[2], &council, &Call::Execute { seq, actions });
    world.done(&account("dave"), &lone, &Call::AcceptAdmin);
    [council, lone].iter().for_each(|context| world.check(context));
}

#[test]
fn only_a_controller_changes_settings() {
    let mut world = World::new(&["alice"]);
    let context = world.create(&account("alice"), 1);
    let other = Settings { room_bytes: 1 << 17, ..settings(&["bob"]) };
    let refused = upgrade(&mut world, Some(other.clone()), Principal::anonymous());
    refused.expect_err("nobody upgrades it");
    assert_eq!(world.ask::<About>("about", ()).settings, settings(&["alice"]));
    upgrade(&mut world, Some(other.clone()), operator()).expect("it is upgraded");
    assert_eq!(world.ask::<About>("about", ()).settings, other);
    world.check(&context);
    world.create(&account("bob"), 1);
}

#[test]
fn settings_out_of_bounds_change_nothing() {
    let mut world = World::new(&["alice"]);
    let context = world.create(&account("alice"), 1);
    let before = world.snapshot(&context);
    let good = settings(&["alice"]);
    let many: Vec<String> = (0..257).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (bad, why) in [
        (Settings { price_cycles: Some(Nat::from(0_u8)), ..good.clone() }, "more than 0"),
        (Settings { room_bytes: 0, ..good.clone() }, "64 KiB up to 64 MiB"),
        (Settings { room_bytes: (64 << 20) + 1, ..good.clone() }, "64 KiB up to 64 MiB"),
        (Settings { creators: vec![Principal::anonymous()], ..good.clone() }, "anonymous"),
        (settings(&many), "256 creators"),
    ] {
        let text = upgrade(&mut world, Some(bad), operator()).expect_err("it is refused");
        assert!(text.contains(why), "{text}");
        assert_eq!(world.ask::<About>("about", ()).settings, good, "{why}");
        assert_eq!(world.snapshot(&context), before, "{why}");
    }
}

#[test]
fn an_upgrade_costs_little_for_each_record() {
    let mut world = World::new(&["alice"]);
    let cost = |world: &mut World| {
        let arg = Encode!(&None::<Settings>).expect("Candid");
        let registry = world.registry;
        let mode = InstallMode::Upgrade;
        world.replica.install(registry, mode, &code(), &arg, operator()).expect("upgraded")
    };
    world.create(&account("alice"), 0);
    let one = cost(&mut world);
    for salt in 1..=200 {
        world.create(&account("alice"), salt);
    }
    let each = (cost(&mut world) - one) / 200;
    println!("an upgrade: {one} instructions, and {each} more for each record");
    // 300 billion are allowed, for a hundred thousand records in a tree twice as deep.
    assert!(each < 1_200_000, "{each} for each record");
}

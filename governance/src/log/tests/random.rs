//! Random histories keep the log's invariants, on an owner's log and on a contract's.

use alloc::{format, vec, vec::Vec};

use proptest::prelude::*;
use types::MemberKey;

use super::world::{Notary, Terms, World, app, key, on_chain, person};
use crate::{
    anchor::{self, Happened},
    log::{Action, Caps, Change, Role, Verdict},
};

const NAMES: [&str; 9] = ["olga", "anna", "axel", "bob", "carl", "ivy", "rita", "dave", "erin"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Remove,
    Role(Role),
    Caps(u8),
    Nominate,
    Accept,
    Renounce,
    Offer,
    TakeOver,
    Join,
    Seat,
    Unseat,
    App(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Remove),
        prop_oneof![Just(Role::ReadOnly), Just(Role::Member), Just(Role::Admin)]
            .prop_map(Step::Role),
        (0u8..8).prop_map(Step::Caps),
        Just(Step::Nominate),
        Just(Step::Accept),
        Just(Step::Renounce),
        Just(Step::Offer),
        Just(Step::TakeOver),
        Just(Step::Join),
        Just(Step::Join),
        Just(Step::Seat),
        Just(Step::Unseat),
        any::<u8>().prop_map(Step::App),
    ]
}

fn change(world: &World, author: &str, step: Step, target: &str) -> Option<Change> {
    let (member, acl) = (key(target), &world.acl);
    Some(match step {
        Step::Remove => Change::Remove { member },
        Step::Role(role) => Change::SetRole { member, role },
        Step::Caps(bits) => Change::SetCaps { member, caps: Caps::from_bits(bits)? },
        Step::Nominate => Change::Nominate { member, expires_epoch: acl.epoch() + 4 },
        Step::Accept => Change::accept(acl, &person(author).secret)?,
        Step::Renounce => Change::renounce(acl, &person(author).secret),
        Step::Offer => Change::OfferOwnership { to: member },
        Step::TakeOver => Change::accept_ownership(acl, &person(author).secret)?,
        Step::Join => {
            let invitation = world.invite(author, &Terms { max_uses: 3, ..Terms::anybody() });
            world.join(&invitation, target)
        }
        Step::App(n) => Change::SetApplication { app: app(&format!("{n}")) },
        Step::Seat | Step::Unseat => return None,
    })
}

/// Tries the step; the fold decides whether it happens.
fn play(world: &mut World, author: &str, step: Step, target: &str) -> bool {
    let account = on_chain(target);
    match step {
        Step::Seat if world.is_chain() => {
            return world.happen(Happened::AdminAccepted(account)).is_ok();
        }
        Step::Unseat if world.is_chain() => {
            let removed = anchor::Action::RemoveAdmin { account };
            return world.happen(Happened::Done(removed)).is_ok();
        }
        _ => {}
    }
    let Some(change) = change(world, author, step, target) else { return false };
    let proposal = world.propose(author, [change]);
    if world.is_chain() {
        return world.order(proposal).is_ok();
    }
    let owner = world.acl.owner().expect("always one").record.key;
    let owner = NAMES.into_iter().find(|name| key(name) == owner).expect("of the cast");
    let entry = crate::log::Entry::ordered_by_owner(
        &world.acl,
        proposal,
        world.now_s,
        &person(owner).secret,
    );
    world.acl.apply(&entry, &Notary).is_ok()
}

fn members(world: &World) -> Vec<MemberKey> {
    world.acl.members().map(|member| member.record.key).collect()
}

fn check_invariants(world: &World, gone: &[MemberKey]) {
    let owners = world.acl.members().filter(|member| member.role == Role::Owner).count();
    assert_eq!(owners, usize::from(!world.is_chain()), "one owner, or none with a chain");
    assert!(world.is_chain() || world.acl.admins().next().is_some(), "somebody can govern");
    assert!(!world.is_chain() || world.acl.seats().next().is_some(), "somebody has a seat");
    let present = members(world);
    assert!(gone.iter().all(|key| !present.contains(key)), "nobody returns");
    for name in NAMES {
        let (member, epoch, head) = (key(name), world.acl.epoch(), world.acl.head());
        let reads = world.acl.judge(&member, epoch, &head, Action::Read) == Verdict::Allow;
        assert_eq!(reads, present.contains(&member), "members read, others do not");
        for action in [Action::Read, Action::Write, Action::Manage] {
            let now = world.acl.may_now(&member, action);
            assert_eq!(now, world.acl.judge(&member, epoch, &head, action), "unrestricted");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_tried_the_log_stays_sound(
        is_chain: bool,
        script in proptest::collection::vec(
            (proptest::sample::select(&NAMES), step(), proptest::sample::select(&NAMES)), 1..25,
        ),
    ) {
        let mut world = if is_chain { World::anchored() } else { World::cast() };
        let mut gone: Vec<MemberKey> = Vec::new();
        let mut facts = Vec::new();
        for (author, step, target) in script {
            let (before, epoch, key_epoch) =
                (members(&world), world.acl.epoch(), world.acl.key_epoch());
            let fold = format!("{:?}", world.acl);
            let happened = play(&mut world, author, step, target);
            prop_assert_eq!(world.acl.epoch(), epoch + u64::from(happened));
            let is_same = format!("{:?}", world.acl) == fold;
            prop_assert!(happened || is_same, "a denied entry changes nothing");
            let present = members(&world);
            let left: Vec<_> = before.iter().filter(|key| !present.contains(key)).collect();
            let turned = world.acl.key_epoch() != key_epoch;
            prop_assert_eq!(turned, !left.is_empty(), "the key turns exactly when one leaves");
            gone.extend(left);
            check_invariants(&world, &gone);
            // What was once so of an epoch stays so.
            let at = (key(target), world.acl.epoch(), world.acl.head());
            facts.push((at, world.acl.judge(&at.0, at.1, &at.2, Action::Write)));
        }
        for ((member, epoch, head), verdict) in facts {
            prop_assert_eq!(world.acl.judge(&member, epoch, &head, Action::Write), verdict);
        }
    }
}

//! Restrictions act at once and here; grants wait for the log.

use super::world::{Notary, Terms, World, app, key, on_chain};
use crate::{
    anchor::Happened,
    log::{Action, Caps, Change, Denied, Role, Verdict},
};

fn restricted(name: &str) -> Verdict {
    Verdict::Deny(Denied::Restricted { member: key(name) })
}

#[test]
fn a_removal_acts_before_it_is_ordered() {
    let mut world = World::cast();
    let proposal = world.propose("anna", [Change::Remove { member: key("bob") }]);
    let concerned = world.acl.restrict(&proposal.batch, &Notary).expect("an admin's");
    assert!(concerned.contains(&key("bob")));
    for action in [Action::Read, Action::Write] {
        assert_eq!(world.acl.may_now(&key("bob"), action), restricted("bob"));
        let (epoch, head) = (world.acl.epoch(), world.acl.head());
        let fact = world.acl.judge(&key("bob"), epoch, &head, action);
        assert_eq!(fact, Verdict::Allow, "what counts is the log's to say");
    }
    world.order(proposal).expect("ordered");
    let gone = Verdict::Deny(Denied::NotMember { member: key("bob") });
    assert_eq!(world.acl.may_now(&key("bob"), Action::Read), gone);
}

#[test]
fn a_demotion_takes_writing_and_leaves_reading() {
    let mut world = World::cast();
    let demote = Change::SetRole { member: key("bob"), role: Role::ReadOnly };
    let proposal = world.propose("anna", [demote]);
    world.acl.restrict(&proposal.batch, &Notary).expect("an admin's");
    assert_eq!(world.acl.may_now(&key("bob"), Action::Write), restricted("bob"));
    assert_eq!(world.acl.may_now(&key("bob"), Action::Read), Verdict::Allow);
}

#[test]
fn a_grant_waits_for_the_log() {
    let mut world = World::cast();
    let invitation = world.invite("olga", &Terms::anybody());
    let join = world.join(&invitation, "dave");
    let promote = Change::SetRole { member: key("rita"), role: Role::Member };
    let invite = Change::SetCaps { member: key("bob"), caps: Caps::INVITE };
    let proposal = world.propose("anna", [join, promote, invite]);
    world.acl.restrict(&proposal.batch, &Notary).expect("an admin's");
    for (name, action) in [("dave", Action::Read), ("rita", Action::Write), ("bob", Action::Invite)]
    {
        assert_ne!(world.acl.may_now(&key(name), action), Verdict::Allow, "{name}");
    }
}

#[test]
fn a_restriction_ends_when_another_entry_wins() {
    let mut world = World::cast();
    let proposal = world.propose("anna", [Change::Remove { member: key("bob") }]);
    world.acl.restrict(&proposal.batch, &Notary).expect("an admin's");
    world.change("olga", [Change::SetApplication { app: app("one") }]);
    assert_eq!(world.acl.may_now(&key("bob"), Action::Write), Verdict::Allow);
    assert_eq!(world.acl.restrict(&proposal.batch, &Notary), Err(Denied::Stale));
}

#[test]
fn only_what_the_log_would_take_restricts() {
    let mut world = World::cast();
    let remove = |name: &str| Change::Remove { member: key(name) };
    let by_member = world.propose("bob", [remove("carl")]);
    let against_owner = world.propose("anna", [remove("olga")]);
    let not_allowed = Denied::NotAllowed { member: key("bob"), action: Action::Manage };
    assert_eq!(world.acl.restrict(&by_member.batch, &Notary), Err(not_allowed));
    let untouchable = Err(Denied::OwnerUntouchable);
    assert_eq!(world.acl.restrict(&against_owner.batch, &Notary), untouchable);
    assert_eq!(world.acl.may_now(&key("carl"), Action::Write), Verdict::Allow);
}

#[test]
fn the_restrictions_of_one_author_add_up() {
    let mut world = World::cast();
    let remove = world.propose("anna", [Change::Remove { member: key("bob") }]);
    let demote = Change::SetRole { member: key("carl"), role: Role::ReadOnly };
    let demote = world.propose("anna", [demote]);
    let harmless = world.propose("anna", [Change::SetApplication { app: app("one") }]);
    for proposal in [remove, demote, harmless] {
        world.acl.restrict(&proposal.batch, &Notary).expect("an admin's");
    }
    assert_eq!(world.acl.may_now(&key("bob"), Action::Read), restricted("bob"));
    assert_eq!(world.acl.may_now(&key("carl"), Action::Write), restricted("carl"));
    assert_eq!(world.acl.may_now(&key("carl"), Action::Read), Verdict::Allow);
}

#[test]
fn a_restriction_on_chain_outlives_revisions_that_change_no_member() {
    let mut world = World::anchored();
    let proposal = world.propose("anna", [Change::Remove { member: key("bob") }]);
    world.acl.restrict(&proposal.batch, &Notary).expect("an admin's");
    world.happen(Happened::AdminRenounced(on_chain("axel"))).expect("in between");
    assert_eq!(world.acl.may_now(&key("bob"), Action::Read), restricted("bob"));
    world.change("olga", [Change::Remove { member: key("carl") }]);
    assert_eq!(world.acl.may_now(&key("bob"), Action::Read), Verdict::Allow);
}

//! Stories that must end the same whichever way messages travel.

use alloc::vec::Vec;

use types::EntryId;

use super::world::{Notary, START_S, Terms, World, app, cut, key, person};
use crate::log::{Action, Change, Cut, Denied, Entry, Intent, Missing, Proposal, Role, Verdict};

fn remove(name: &str) -> Change {
    Change::Remove { member: key(name) }
}

fn judge(world: &World, name: &str, at: (u64, EntryId), action: Action) -> Verdict {
    world.acl.judge(&key(name), at.0, &at.1, action)
}

fn now(world: &World) -> (u64, EntryId) {
    (world.acl.epoch(), world.acl.head())
}

fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let [first, rest @ ..] = items else { return Vec::from([Vec::new()]) };
    let insert = |order: Vec<T>| {
        (0..=order.len()).map(move |at| {
            let mut order = order.clone();
            order.insert(at, first.clone());
            order
        })
    };
    orders(rest).into_iter().flat_map(insert).collect()
}

/// Offers the proposals to the owner in every order; each time exactly the first may win.
fn first_wins(proposals: &[Proposal], fresh: &World, survivors: impl Fn(&World)) {
    for order in orders(proposals) {
        let mut world = fresh.clone();
        let outcomes: Vec<bool> =
            order.into_iter().map(|proposal| world.order(proposal).is_ok()).collect();
        let wins = outcomes.iter().filter(|won| **won).count();
        assert!(outcomes.first() == Some(&true) && wins == 1, "{outcomes:?}");
        survivors(&world);
    }
}

#[test]
fn of_two_admins_who_remove_each_other_one_stays() {
    let mut world = World::cast();
    let duel = [world.propose("anna", [remove("axel")]), world.propose("axel", [remove("anna")])];
    first_wins(&duel, &world, |world| {
        let stays = ["anna", "axel"].map(|name| world.acl.member(&key(name)).is_some());
        assert_eq!(stays.iter().filter(|stays| **stays).count(), 1);
    });
}

#[test]
fn a_cycle_of_three_removals_removes_one() {
    let mut world = World::cast();
    let expires_epoch = world.acl.epoch() + 9;
    world.change("olga", [Change::Nominate { member: key("bob"), expires_epoch }]);
    let accept = world.accept("bob");
    world.change("bob", [accept]);
    let cycle = [("anna", "axel"), ("axel", "bob"), ("bob", "anna")]
        .map(|(author, target)| world.propose(author, [remove(target)]));
    let count = world.acl.members().len();
    first_wins(&cycle, &world, |world| assert_eq!(world.acl.members().len(), count - 1));
}

#[test]
fn who_is_removed_adds_nobody() {
    let mut world = World::cast();
    let invitation = world.invite("anna", &Terms::anybody());
    let join = world.join(&invitation, "dave");
    let before = world.propose("anna", [join.clone()]);
    world.change("olga", [remove("anna")]);
    assert!(world.order(before).is_err(), "made before the removal, ordered after");
    let after = world.attempt("olga", [join]);
    assert_eq!(after.err(), Some(Denied::NotMember { member: key("anna") }));
}

#[test]
fn a_backdated_delta_counts_up_to_the_cut() {
    let mut world = World::cast();
    let written = now(&world);
    world.change("anna", [remove("bob")]);
    assert_eq!(judge(&world, "bob", written, Action::Write), Verdict::Allow, "it had the right");
    assert_eq!(world.acl.cut_after(&key("bob"), written.0), Some(cut("bob", 5)));
    let gone = Verdict::Deny(Denied::NotMember { member: key("bob") });
    assert_eq!(judge(&world, "bob", now(&world), Action::Write), gone);
}

#[test]
fn the_lowest_later_cut_holds() {
    let mut world = World::cast();
    let first = now(&world);
    let demote = Change::SetRole { member: key("bob"), role: Role::ReadOnly };
    world.change("anna", [demote]);
    world.change("anna", [Change::SetRole { member: key("bob"), role: Role::Member }]);
    let again = now(&world);
    let Cut { member, seq, id } = cut("bob", 9);
    world.frontier = Vec::from([(member, seq, id)]);
    world.change("anna", [remove("bob")]);
    assert_eq!(world.acl.cut_after(&key("bob"), first.0), Some(cut("bob", 5)));
    assert_eq!(world.acl.cut_after(&key("bob"), again.0), Some(cut("bob", 9)));
    assert_eq!(world.acl.cut_after(&key("bob"), world.acl.epoch()), None);
    assert_eq!(world.acl.cut_after(&key("carl"), 0), None);
}

#[test]
fn a_delta_that_cites_a_grant_ahead_of_the_log_waits() {
    let mut world = World::cast();
    let mut ahead = world.clone();
    let promote = Change::SetRole { member: key("rita"), role: Role::Member };
    let entry = {
        let proposal = ahead.propose("anna", [promote]);
        ahead.entry(proposal)
    };
    ahead.acl.apply(&entry, &Notary).expect("ordered");
    let cited = now(&ahead);
    let waits = Verdict::Unknown(Missing::Epoch(cited.0));
    assert_eq!(judge(&world, "rita", cited, Action::Write), waits);
    world.acl.apply(&entry, &Notary).expect("arrives");
    assert_eq!(judge(&world, "rita", cited, Action::Write), Verdict::Allow);
    let elsewhere = EntryId::from_bytes([3; 32]);
    let wrong = Verdict::Deny(Denied::WrongPrev { found: elsewhere });
    assert_eq!(judge(&world, "rita", (cited.0, elsewhere), Action::Write), wrong);
}

#[test]
fn two_joins_on_a_single_use_admit_one() {
    let mut world = World::cast();
    let invitation = world.invite("olga", &Terms::anybody());
    let race = [("anna", "dave"), ("axel", "erin")].map(|(author, joiner)| {
        let join = world.join(&invitation, joiner);
        world.propose(author, [join])
    });
    first_wins(&race, &world, |world| {
        assert_eq!(world.acl.uses(&invitation.body.id()), 1);
        let loser =
            ["dave", "erin"].into_iter().find(|name| world.acl.member(&key(name)).is_none());
        let mut world = world.clone();
        let join = world.join(&invitation, loser.expect("one is out"));
        let again = world.attempt("olga", [join]);
        assert_eq!(again.err(), Some(Denied::InvitationUsedUp), "proposed anew on the new state");
    });
}

#[test]
fn the_owner_hands_over_and_then_leaves() {
    let mut world = World::cast();
    world.change("olga", [Change::OfferOwnership { to: key("anna") }]);
    let accept = Change::accept_ownership(&world.acl, &person("anna").secret).expect("offered");
    world.change("anna", [accept]);
    assert_eq!(world.acl.owner().map(|owner| owner.record.key), Some(key("anna")));
    assert_eq!(world.acl.role(&key("olga")), Some(Role::Admin));
    let proposal = world.propose("anna", [remove("olga")]);
    let entry = Entry::ordered_by_owner(&world.acl, proposal, START_S, &person("anna").secret);
    world.acl.apply(&entry, &Notary).expect("anna orders now");
    assert_eq!(world.acl.member(&key("olga")), None);
}

#[test]
fn an_offer_and_a_removal_of_its_taker_race() {
    let mut world = World::cast();
    world.change("olga", [Change::OfferOwnership { to: key("anna") }]);
    let accept = Change::accept_ownership(&world.acl, &person("anna").secret).expect("offered");
    let race = [world.propose("anna", [accept]), world.propose("axel", [remove("anna")])];
    first_wins(&race, &world, |world| {
        let owners = world.acl.members().filter(|member| member.role == Role::Owner).count();
        assert_eq!(owners, 1);
        assert_eq!(world.acl.ownership_offer(), None);
    });
}

#[test]
fn a_joiner_may_be_away_until_the_invitation_dies() {
    let mut world = World::cast();
    let terms = Terms { expires_epoch: Some(world.acl.epoch() + 2), ..Terms::anybody() };
    let invitation = world.invite("olga", &terms);
    let join = world.join(&invitation, "dave");
    world.change("olga", [Change::SetApplication { app: app("one") }]);
    world.change("olga", [join]);
    let late =
        world.invite("olga", &Terms { expires_epoch: terms.expires_epoch, ..Terms::open("erin") });
    let join = world.join(&late, "erin");
    assert_eq!(world.attempt("olga", [join]).err(), Some(Denied::InvitationExpired));
}

#[test]
fn who_rejoins_with_a_fresh_key_has_nothing_of_before() {
    let mut world = World::cast();
    let expires_epoch = world.acl.epoch() + 30;
    world.change("olga", [Change::Nominate { member: key("ivy"), expires_epoch }]);
    world.change("olga", [remove("ivy")]);
    let key_epoch = world.acl.key_epoch();
    let invitation = world.invite("olga", &Terms::anybody());
    let join = world.join(&invitation, "ivy's new phone");
    world.change("olga", [join]);
    let fresh = world.acl.member(&key("ivy's new phone")).expect("in");
    assert_eq!((fresh.role, fresh.caps), (Role::Member, crate::log::Caps::NONE));
    assert_eq!(world.acl.nomination(&key("ivy")), None);
    assert_eq!(world.acl.nomination(&key("ivy's new phone")), None);
    assert_eq!(world.acl.key_epoch(), key_epoch, "joining changes no key");
    assert_eq!(
        world.acl.may_now(&key("ivy"), Action::Read),
        Verdict::Deny(Denied::NotMember { member: key("ivy") })
    );
}

#[test]
fn every_remaining_member_can_open_the_next_key_and_the_removed_cannot() {
    let mut world = World::cast();
    let context = world.acl.context();
    let proposal = world.propose("anna", [remove("bob")]);
    let envelopes = proposal.envelopes.clone();
    let applied = world.order(proposal).expect("ordered");
    assert!(applied.is_rotation && world.acl.key_epoch() == 1);
    for name in ["olga", "anna", "axel", "carl", "ivy", "rita"] {
        let envelope = envelopes.for_member(&key(name)).expect("has one");
        let secret = envelope.unwrap(&context, 1, &person(name).exchange).expect("opens");
        assert_eq!(secret.as_bytes(), &[2; 32], "{name}");
    }
    assert_eq!(envelopes.for_member(&key("bob")), None);
    let bob = person("bob").exchange;
    assert!(envelopes.list.iter().all(|(_, envelope)| envelope.unwrap(&context, 1, &bob).is_err()));
}

#[test]
fn the_same_entries_fold_to_the_same_on_every_node() {
    let mut world = World::owned();
    let mut entries = Vec::new();
    let invitation = world.invite("olga", &Terms { max_uses: 5, ..Terms::anybody() });
    for name in ["bob", "carl", "dave"] {
        let join = world.join(&invitation, name);
        let proposal = world.propose("olga", [join]);
        let entry = world.entry(proposal);
        world.acl.apply(&entry, &Notary).expect("applies");
        entries.push(entry);
    }
    let mut intent = Intent::new([remove("carl")], []);
    intent.data_final = Vec::from([cut("bob", 2), cut("dave", 1)]);
    let proposal = world.draft("olga", intent);
    let entry = world.entry(proposal);
    world.acl.apply(&entry, &Notary).expect("applies");
    entries.push(entry);
    let mut replica = World::owned();
    for entry in &entries {
        let bytes = types::encode(entry);
        let entry: Entry = types::decode(&bytes, bytes.len()).expect("decodes");
        replica.acl.apply(&entry, &Notary).expect("applies");
    }
    assert_eq!(alloc::format!("{:?}", world.acl), alloc::format!("{:?}", replica.acl));
    assert_eq!(replica.acl.entry_id_at(4), Some(replica.acl.head()));
    assert_eq!(replica.acl.entry_id_at(5), None);
}

//! Who may propose what, and who must remain.

use super::*;

#[test]
fn a_batch_is_signed_by_a_member_with_the_right() {
    let unsigned = |author: &'static str, signer: &'static str| {
        move |world: &mut World| {
            let proposal = harmless(world, "olga");
            let proposal = forge(proposal, signer, |batch| batch.author = key(author));
            world.order(proposal)
        }
    };
    check(
        "bob signs in anna's name",
        World::cast(),
        unsigned("anna", "bob"),
        &Denied::BadProof(Proof::Batch),
    );
    check(
        "a stranger signs",
        World::cast(),
        unsigned("mallory", "mallory"),
        &Denied::NotMember { member: key("mallory") },
    );
}

#[test]
fn members_manage_nothing() {
    let bob = |change: Change| move |world: &mut World| world.attempt("bob", [change]);
    check(
        "a member removes",
        World::cast(),
        bob(remove("carl")),
        &not_allowed("bob", Action::Manage),
    );
    check(
        "a member demotes",
        World::cast(),
        bob(set_role("carl", Role::ReadOnly)),
        &not_allowed("bob", Action::Manage),
    );
    check(
        "a member gives itself capabilities",
        World::cast(),
        bob(Change::SetCaps { member: key("bob"), caps: Caps::INVITE }),
        &not_allowed("bob", Action::Manage),
    );
    check(
        "a member nominates itself",
        World::cast(),
        bob(Change::Nominate { member: key("bob"), expires_epoch: 40 }),
        &not_allowed("bob", Action::Manage),
    );
    check(
        "a member changes the application",
        World::cast(),
        bob(Change::SetApplication { app: app("evil") }),
        &not_allowed("bob", Action::Upgrade),
    );
    check(
        "a member revokes an invitation",
        World::cast(),
        bob(Change::RevokeInvitation { invitation: InvitationId::from_bytes([1; 32]) }),
        &not_allowed("bob", Action::Invite),
    );
    check(
        "a member offers the ownership",
        World::cast(),
        bob(Change::OfferOwnership { to: key("bob") }),
        &Denied::NotOwner { member: key("bob") },
    );
    check(
        "an admin offers the ownership",
        World::cast(),
        |world| world.attempt("anna", [Change::OfferOwnership { to: key("anna") }]),
        &Denied::NotOwner { member: key("anna") },
    );
    check(
        "who was removed proposes",
        World::cast(),
        |world| {
            world.change("olga", [remove("anna")]);
            world.attempt("anna", [set_role("bob", Role::ReadOnly)])
        },
        &Denied::NotMember { member: key("anna") },
    );
}

#[test]
fn a_batch_has_1_to_256_changes_on_distinct_subjects() {
    check(
        "no change",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            world.order(forge(proposal, "anna", |batch| batch.changes.clear()))
        },
        &Denied::ChangeCount { found: 0 },
    );
    check(
        "too many changes",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            world.order(forge(proposal, "anna", |batch| {
                let revoke = |n: u16| {
                    let mut id = [0; 32];
                    id[..2].copy_from_slice(&n.to_be_bytes());
                    Change::RevokeInvitation { invitation: InvitationId::from_bytes(id) }
                };
                batch.changes = (0..257).map(revoke).collect();
            }))
        },
        &Denied::ChangeCount { found: 257 },
    );
    let twice = |first: Change, second: Change| {
        move |world: &mut World| world.attempt("olga", [first, second])
    };
    check("removed twice", World::cast(), twice(remove("bob"), remove("bob")), &Denied::Duplicate);
    check(
        "demoted and removed",
        World::cast(),
        twice(set_role("bob", Role::ReadOnly), remove("bob")),
        &Denied::Duplicate,
    );
    check(
        "two applications",
        World::cast(),
        twice(
            Change::SetApplication { app: app("one") },
            Change::SetApplication { app: app("two") },
        ),
        &Denied::Duplicate,
    );
    let revoke = Change::RevokeInvitation { invitation: InvitationId::from_bytes([1; 32]) };
    check("revoked twice", World::cast(), twice(revoke.clone(), revoke), &Denied::NoChange);
    check(
        "joined twice",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms { max_uses: 2, ..Terms::anybody() });
            let join = world.join(&invitation, "dave");
            world.attempt("olga", [join.clone(), join])
        },
        &Denied::Duplicate,
    );
}

#[test]
fn a_change_changes_something() {
    check(
        "the same role",
        World::cast(),
        |world| world.attempt("olga", [set_role("bob", Role::Member)]),
        &Denied::NoChange,
    );
    check(
        "the same capabilities",
        World::cast(),
        |world| world.attempt("olga", [Change::SetCaps { member: key("bob"), caps: Caps::NONE }]),
        &Denied::NoChange,
    );
    check(
        "the same application",
        World::cast(),
        |world| world.attempt("olga", [Change::SetApplication { app: app("board") }]),
        &Denied::NoChange,
    );
}

#[test]
fn somebody_must_remain_who_can_govern() {
    check(
        "an admin removes the owner",
        World::cast(),
        |world| world.attempt("anna", [remove("olga")]),
        &Denied::OwnerUntouchable,
    );
    check(
        "an admin demotes the owner",
        World::cast(),
        |world| world.attempt("anna", [set_role("olga", Role::Member)]),
        &Denied::OwnerUntouchable,
    );
    check(
        "an admin strips the owner",
        World::cast(),
        |world| {
            world.attempt("anna", [Change::SetCaps { member: key("olga"), caps: Caps::INVITE }])
        },
        &Denied::OwnerUntouchable,
    );
    check(
        "the owner leaves",
        World::cast(),
        |world| world.attempt("olga", [remove("olga")]),
        &Denied::LastAdmin,
    );
    check(
        "the owner steps down",
        World::cast(),
        |world| {
            let renounce = Change::renounce(&world.acl, &person("olga").secret);
            world.attempt("olga", [renounce])
        },
        &Denied::LastAdmin,
    );
    check(
        "an admin removes itself, and so would know the next key",
        World::cast(),
        |world| world.attempt("anna", [remove("anna")]),
        &Denied::RemovesItself,
    );
    check(
        "a member made admin without accepting",
        World::cast(),
        |world| world.attempt("olga", [set_role("bob", Role::Admin)]),
        &Denied::RoleNotGrantable { role: Role::Admin },
    );
    check(
        "a member made owner",
        World::cast(),
        |world| world.attempt("olga", [set_role("bob", Role::Owner)]),
        &Denied::RoleNotGrantable { role: Role::Owner },
    );
    check(
        "a stranger removed",
        World::cast(),
        |world| world.attempt("olga", [remove("mallory")]),
        &Denied::NotMember { member: key("mallory") },
    );
    check(
        "a stranger given capabilities",
        World::cast(),
        |world| {
            let caps = Change::SetCaps { member: key("mallory"), caps: Caps::INVITE };
            world.attempt("olga", [caps])
        },
        &Denied::NotMember { member: key("mallory") },
    );
}

#[test]
fn a_batch_ahead_of_the_log_is_early() {
    let world = World::cast();
    let mut ahead = world.clone();
    ahead.change("olga", [set_role("carl", Role::ReadOnly)]);
    let proposal = ahead.propose("anna", [remove("bob")]);
    let epoch = ahead.acl.epoch() + 1;
    let early = Denied::Early { epoch, next: epoch - 1 };
    assert!(early.is_transient());
    assert_eq!(world.acl.check(&proposal.batch, &Notary), Err(early));
}

#[test]
fn a_batch_that_would_not_apply_fails_the_check_too() {
    let mut world = World::cast();
    let good = world.propose("anna", [remove("bob")]);
    assert_eq!(world.acl.check(&good.batch, &Notary), Ok(()));
    let bad = forge(good, "anna", |batch: &mut Batch| batch.cuts.clear());
    let missing = Denied::CutMissing { member: key("bob") };
    assert_eq!(world.acl.check(&bad.batch, &Notary), Err(missing));
    let proposal = harmless(&mut world, "anna");
    let hash = types::Hash::of(b"some envelope");
    let bad = forge(proposal, "anna", |batch| batch.envelopes_hash = hash);
    let why = "nobody needs the key, and so there is one hash that fits";
    assert_eq!(world.acl.check(&bad.batch, &Notary), Err(Denied::OtherEnvelopes), "{why}");
}

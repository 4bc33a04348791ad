//! Nominations, renunciations and the ownership.

use super::*;

#[test]
fn nominations_are_accepted_by_the_nominee_in_time() {
    check(
        "never nominated",
        World::cast(),
        |world| {
            let proof = Signature::from_bytes([0; 64]);
            world.attempt("bob", [Change::Accept { member: key("bob"), proof }])
        },
        &Denied::NotNominated { member: key("bob") },
    );
    check(
        "somebody else signs",
        nominated(9),
        |world| {
            let Change::Accept { member, .. } = world.accept("bob") else { panic!("accepts") };
            let body = crate::log::Acceptance {
                context: world.acl.context(),
                member,
                nominated_epoch: world.acl.epoch(),
            };
            let proof = person("anna").secret.sign(&body);
            world.attempt("anna", [Change::Accept { member, proof }])
        },
        &Denied::BadProof(Proof::Acceptance),
    );
    check(
        "a bystander hands the acceptance in",
        nominated(9),
        |world| {
            let accept = world.accept("bob");
            world.attempt("carl", [accept])
        },
        &not_allowed("carl", Action::Manage),
    );
    check(
        "after its term",
        nominated(2),
        |world| {
            let accept = world.accept("bob");
            world.change("olga", [Change::SetApplication { app: app("one") }]);
            world.attempt("bob", [accept])
        },
        &Denied::NotNominated { member: key("bob") },
    );
    check(
        "the nominator fell",
        nominated(9),
        |world| {
            world.change("olga", [set_role("anna", Role::Member)]);
            let accept = world.accept("bob");
            world.attempt("bob", [accept])
        },
        &not_allowed("anna", Action::Manage),
    );
    check(
        "the acceptance of an earlier nomination",
        nominated(9),
        |world| {
            let accept = world.accept("bob");
            world.change("olga", [set_role("bob", Role::ReadOnly)]);
            let expires_epoch = world.acl.epoch() + 9;
            world.change("olga", [Change::Nominate { member: key("bob"), expires_epoch }]);
            world.attempt("bob", [accept])
        },
        &Denied::BadProof(Proof::Acceptance),
    );
}

fn nominated(expires_in: u64) -> World {
    let mut world = World::cast();
    let expires_epoch = world.acl.epoch() + expires_in;
    world.change("anna", [Change::Nominate { member: key("bob"), expires_epoch }]);
    world
}

#[test]
fn nominations_have_a_term_and_renunciations_serve_once() {
    check(
        "nominated twice",
        nominated(9),
        |world| {
            let expires_epoch = world.acl.epoch() + 9;
            world.attempt("axel", [Change::Nominate { member: key("bob"), expires_epoch }])
        },
        &Denied::AlreadyNominated { member: key("bob") },
    );
    check(
        "for longer than the policy allows",
        World::cast(),
        |world| {
            world.attempt("axel", [Change::Nominate { member: key("bob"), expires_epoch: 1_000 }])
        },
        &Denied::BadTerm { expires_epoch: 1_000 },
    );
    check(
        "an admin nominated",
        World::cast(),
        |world| {
            world.attempt("axel", [Change::Nominate { member: key("anna"), expires_epoch: 40 }])
        },
        &Denied::NoChange,
    );
    check(
        "a member steps down",
        World::cast(),
        |world| {
            let renounce = Change::renounce(&world.acl, &person("bob").secret);
            world.attempt("bob", [renounce])
        },
        &Denied::NotAdmin { member: key("bob") },
    );
    check(
        "a bystander hands a renunciation in",
        World::cast(),
        |world| {
            let renounce = Change::renounce(&world.acl, &person("anna").secret);
            world.attempt("carl", [renounce])
        },
        &not_allowed("carl", Action::Manage),
    );
    check(
        "an old renunciation used again",
        World::cast(),
        |world| {
            let renounce = Change::renounce(&world.acl, &person("anna").secret);
            world.change("olga", [Change::SetApplication { app: app("one") }]);
            world.attempt("olga", [renounce])
        },
        &Denied::BadProof(Proof::Renunciation),
    );
}

#[test]
fn ownership_moves_in_two_steps() {
    let offered = || {
        let mut world = World::cast();
        world.change("olga", [Change::OfferOwnership { to: key("anna") }]);
        world
    };
    check(
        "not offered",
        World::cast(),
        |world| {
            let proof = Signature::from_bytes([0; 64]);
            world.attempt("anna", [Change::AcceptOwnership { proof }])
        },
        &Denied::NotOffered { member: key("anna") },
    );
    check(
        "offered to another",
        offered(),
        |world| {
            let accept =
                Change::accept_ownership(&world.acl, &person("anna").secret).expect("offered");
            world.attempt("axel", [accept])
        },
        &Denied::NotOffered { member: key("axel") },
    );
    check(
        "with the proof of an earlier offer",
        offered(),
        |world| {
            let accept =
                Change::accept_ownership(&world.acl, &person("anna").secret).expect("offered");
            world.change("olga", [Change::OfferOwnership { to: key("anna") }]);
            world.attempt("anna", [accept])
        },
        &Denied::BadProof(Proof::Ownership),
    );
    check(
        "to a reader",
        World::cast(),
        |world| world.attempt("olga", [Change::OfferOwnership { to: key("rita") }]),
        &not_allowed("rita", Action::Write),
    );
    check(
        "to the owner itself",
        World::cast(),
        |world| world.attempt("olga", [Change::OfferOwnership { to: key("olga") }]),
        &Denied::NoChange,
    );
    check(
        "to a stranger",
        World::cast(),
        |world| world.attempt("olga", [Change::OfferOwnership { to: key("mallory") }]),
        &Denied::NotMember { member: key("mallory") },
    );
    check(
        "the one before orders on",
        offered(),
        |world| {
            let accept =
                Change::accept_ownership(&world.acl, &person("anna").secret).expect("offered");
            world.change("anna", [accept]);
            world.attempt("olga", [Change::SetApplication { app: app("one") }])
        },
        &Denied::BadProof(Proof::Order),
    );
}

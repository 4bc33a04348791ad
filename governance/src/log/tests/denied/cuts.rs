//! What an entry may cut off.

use super::*;

#[test]
fn whoever_loses_writing_has_a_cut_and_nobody_else() {
    let with_cuts = |change: Change, cuts: Vec<Cut>| {
        move |world: &mut World| {
            let proposal = world.propose("anna", [change]);
            world.order(forge(proposal, "anna", |batch| batch.cuts = cuts))
        }
    };
    let demote = || set_role("bob", Role::ReadOnly);
    check(
        "removed without a cut",
        World::cast(),
        with_cuts(remove("bob"), vec![]),
        &Denied::CutMissing { member: key("bob") },
    );
    check(
        "demoted without a cut",
        World::cast(),
        with_cuts(demote(), vec![]),
        &Denied::CutMissing { member: key("bob") },
    );
    check(
        "an admin demoted to reader without a cut",
        World::cast(),
        with_cuts(set_role("axel", Role::ReadOnly), vec![]),
        &Denied::CutMissing { member: key("axel") },
    );
    check(
        "a cut for a bystander",
        World::cast(),
        {
            let mut both = vec![cut("bob", 5), cut("carl", 2)];
            both.sort_unstable();
            with_cuts(demote(), both)
        },
        &Denied::CutUnexpected { member: key("carl") },
    );
    check(
        "a cut for a reader",
        World::cast(),
        with_cuts(remove("rita"), vec![cut("rita", 0)]),
        &Denied::CutUnexpected { member: key("rita") },
    );
    check(
        "a cut for one who keeps writing",
        World::cast(),
        with_cuts(set_role("axel", Role::Member), vec![cut("axel", 0)]),
        &Denied::CutUnexpected { member: key("axel") },
    );
    check(
        "two cuts for one",
        World::cast(),
        with_cuts(demote(), vec![cut("bob", 5); 2]),
        &Denied::MalformedCuts,
    );
    check(
        "a position without an id",
        World::cast(),
        with_cuts(demote(), vec![Cut { seq: 3, ..cut("bob", 0) }]),
        &Denied::MalformedCuts,
    );
    check(
        "an id without a position",
        World::cast(),
        with_cuts(demote(), vec![Cut { seq: 0, ..cut("bob", 3) }]),
        &Denied::MalformedCuts,
    );
}

/// A world in which bob's history is final up to `seq`.
fn finalized(seq: u64) -> World {
    let mut world = World::cast();
    let mut intent = Intent::new([Change::SetApplication { app: app("one") }], []);
    intent.data_final = vec![cut("bob", seq)];
    let proposal = world.draft("anna", intent);
    world.order(proposal).expect("finalizes");
    world
}

#[test]
fn final_history_is_never_cut() {
    let demote_at = |cut: Cut| {
        move |world: &mut World| {
            let proposal = world.propose("anna", [set_role("bob", Role::ReadOnly)]);
            world.order(forge(proposal, "anna", |batch| batch.cuts = vec![cut]))
        }
    };
    let below = Denied::CutBelowFinal { member: key("bob") };
    check("a hostile admin cuts below final", finalized(4), demote_at(cut("bob", 3)), &below);
    check("all of it", finalized(4), demote_at(cut("bob", 0)), &below);
    check(
        "at final, another branch",
        finalized(4),
        demote_at(Cut { id: types::DeltaId::from_bytes([8; 32]), ..cut("bob", 4) }),
        &below,
    );
    check(
        "in the batch that makes it final",
        World::cast(),
        |world| {
            let proposal = world.propose("anna", [set_role("bob", Role::ReadOnly)]);
            world.order(forge(proposal, "anna", |batch| {
                batch.cuts = vec![cut("bob", 2)];
                batch.data_final = vec![cut("bob", 3)];
            }))
        },
        &below,
    );
}

#[test]
fn final_history_only_grows() {
    let finalize = |author: &'static str, position: Cut| {
        move |world: &mut World| {
            let change = Change::SetApplication { app: app("two") };
            let proposal = world.propose(author, [change]);
            world.order(forge(proposal, author, |batch| batch.data_final = vec![position]))
        }
    };
    let still = Denied::FinalNotGrowing { member: key("bob") };
    check("final moves back", finalized(4), finalize("anna", cut("bob", 3)), &still);
    check(
        "final is replaced",
        finalized(4),
        finalize("anna", Cut { id: types::DeltaId::from_bytes([8; 32]), ..cut("bob", 4) }),
        &still,
    );
    check(
        "a final position without an id",
        World::cast(),
        finalize("anna", Cut { seq: 3, ..cut("bob", 0) }),
        &Denied::MalformedCuts,
    );
    check("nothing is final", World::cast(), finalize("anna", cut("bob", 0)), &still);
    check(
        "a stranger's is final",
        World::cast(),
        finalize("anna", cut("mallory", 1)),
        &Denied::NotMember { member: key("mallory") },
    );
    check(
        "a member makes final",
        World::cast(),
        finalize("bob", cut("bob", 1)),
        &not_allowed("bob", Action::Manage),
    );
}

#[test]
fn a_draft_cuts_at_final_where_less_is_held() {
    let mut world = World::cast();
    let mut intent = Intent::new([Change::SetApplication { app: app("one") }], []);
    intent.data_final = vec![cut("bob", 7)];
    let proposal = world.draft("anna", intent);
    world.order(proposal).expect("finalizes");
    let applied = world.change("anna", [set_role("bob", Role::ReadOnly)]);
    assert_eq!(applied.cuts, [cut("bob", 7)]);
}

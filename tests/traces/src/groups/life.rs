//! Whole lives of records: many transitions after one another.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{
        MEMBERS, act, app, approve, approve_and_execute as both, delay, execute, guardian, members,
        meta, nominate, remove, terms, threshold,
    },
    scene::{DAY_S, GUARDIAN, HOUR_S, STRANGER, Scene, Written, write},
    script::{Ask, Deed, Terms},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    Ok(vec![
        write("a life of one admin", "everything in one call each", alone)?,
        write(
            "a life of three in five",
            "with delays, stale approvals and a dissolution",
            council,
        )?,
        write("a council passes on", "nobody who began is there at its end", passed_on)?,
        write("a stolen key is held off", "frozen, vetoed, removed", held_off)?,
        write("rules tighten step by step", "each counts from its own second", tightened)?,
    ])
}

fn alone(s: &mut Scene) -> Result<()> {
    s.create_with(Terms { guardian: None, flags: 0, ..terms() })?;
    s.act("alice", vec![members(MEMBERS, 0x20), meta(1)])?;
    s.act("alice", vec![app(1)])?;
    s.at(s.now_s() + 40 * DAY_S);
    s.act("alice", vec![members(0x20, 0x30)])?;
    s.no("alice", act(vec![members(0x20, 0x40)], s.week_s()), Code::E57)?;
    s.act("alice", vec![guardian(Some("dave"))])?;
    s.head([6, 1, 4, 1, 1, 1, 0b1]);
    s.act("alice", vec![Deed::Dissolve])?;
    s.head([7, 1, 5, 1, 1, 2, 0b1]);
    s.no("alice", act(vec![meta(1)], s.week_s()), Code::E10)
}

fn council(s: &mut Scene) -> Result<()> {
    s.council(5)?;
    s.rules(3, &[(1, 3600), (2, 86_400), (3, 172_800)])?;
    s.head([13, 6, 2, 3, 5, 1, 0b1_1111]);
    // A batch of members in three calls.
    let batch = || vec![members(MEMBERS, 0x20)];
    let seq = s.waiting("alice", batch())?;
    s.ok("bob", approve(seq, batch()), "Approved")?;
    s.ok("carol", both(seq, batch()), "Approved Queued Rev Executed")?;
    // An application after its hour.
    let seq = s.waiting("dave", vec![app(1)])?;
    s.ok("erin", approve(seq, vec![app(1)]), "Approved")?;
    s.ok("alice", both(seq, vec![app(1)]), "Approved Queued")?;
    let queued_s = s.now_s();
    s.no(STRANGER, execute(seq, vec![app(1)]), Code::E42)?;
    s.at(queued_s + HOUR_S);
    s.ok(STRANGER, execute(seq, vec![app(1)]), "Rev Executed")?;
    s.head([15, 6, 4, 3, 5, 1, 0b1_1111]);
    replaced(s)?;
    ended(s)
}

/// Erin's seat goes to frank, while what erin approved waits.
fn replaced(s: &mut Scene) -> Result<()> {
    let waiting = s.waiting("erin", vec![meta(1)])?;
    s.ok("dave", approve(waiting, vec![meta(1)]), "Approved")?;
    let change = || vec![remove("erin"), nominate("frank", 172_800)];
    let seq = s.waiting("alice", change())?;
    s.ok("bob", approve(seq, change()), "Approved")?;
    s.ok("carol", approve(seq, change()), "Approved Queued")?;
    s.at(s.now_s() + DAY_S);
    s.ok("alice", execute(seq, change()), "Rev Rev Executed")?;
    s.ok("frank", Ask::AcceptAdmin, "Rev")?;
    s.head([18, 8, 6, 3, 5, 1, 0b1_1111]);
    s.no("frank", approve(waiting, vec![meta(1)]), Code::E24)?;
    s.ok("alice", approve(waiting, vec![meta(1)]), "Approved")?;
    s.no("alice", execute(waiting, vec![meta(1)]), Code::E41)?;
    s.ok("bob", both(waiting, vec![meta(1)]), "Approved Queued Rev Executed")
}

fn ended(s: &mut Scene) -> Result<()> {
    let end = || vec![Deed::Dissolve];
    let seq = s.waiting("frank", end())?;
    s.ok("carol", approve(seq, end()), "Approved")?;
    s.ok("dave", approve(seq, end()), "Approved Queued")?;
    let queued_s = s.now_s();
    s.ok("carol", Ask::Renounce, "Rev")?;
    s.at(queued_s + 2 * DAY_S);
    s.no(STRANGER, execute(seq, end()), Code::E46)?;
    s.ok("alice", both(seq, end()), "Approved Rev Executed")?;
    s.head([21, 9, 7, 3, 4, 2, 0b1_1011]);
    s.no("alice", act(vec![meta(1)], s.week_s()), Code::E10)
}

fn passed_on(s: &mut Scene) -> Result<()> {
    s.council(3)?;
    s.rules(2, &[])?;
    for (leaver, comer, helper) in
        [("alice", "dave", "bob"), ("bob", "erin", "carol"), ("carol", "frank", "dave")]
    {
        let change = || vec![nominate(comer, 3600)];
        let seq = s.waiting(leaver, change())?;
        s.ok(helper, both(seq, change()), "Approved Queued Rev Executed")?;
        s.ok(leaver, Ask::Renounce, "Rev")?;
        s.ok(comer, Ask::AcceptAdmin, "Rev")?;
    }
    s.head([15, 10, 5, 2, 3, 1, 0b111]);
    s.no("alice", act(vec![meta(1)], s.week_s()), Code::E12)?;
    let seq = s.waiting("frank", vec![meta(1)])?;
    s.ok("erin", both(seq, vec![meta(1)]), "Approved Queued Rev Executed")
}

fn held_off(s: &mut Scene) -> Result<()> {
    s.council(3)?;
    s.rules(1, &[(1, 3600), (2, 3600), (3, 3600)])?;
    // Bob's key is stolen: with a threshold of 1 it could take all.
    let theft = || vec![remove("alice"), remove("carol")];
    let seq = s.queued("bob", theft())?;
    s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")?;
    let again = s.queued("bob", theft())?;
    s.ok(GUARDIAN, Ask::Freeze { secs: 7200 }, "Rev")?;
    let frozen_s = s.now_s();
    s.no("bob", crate::asks::propose(theft(), s.week_s()), Code::E11)?;
    s.no("bob", act(vec![members(MEMBERS, 0x66)], s.week_s()), Code::E44)?;
    s.ok(GUARDIAN, Ask::Veto { seq: again }, "Vetoed")?;
    s.no("alice", crate::asks::propose(vec![remove("bob")], s.week_s()), Code::E11)?;
    s.at(frozen_s + 7200);
    let removal = s.queued("alice", vec![remove("bob")])?;
    let other = s.queued("bob", theft())?;
    s.ok(GUARDIAN, Ask::Veto { seq: other }, "Vetoed")?;
    s.at(s.now_s() + HOUR_S);
    s.ok("carol", execute(removal, vec![remove("bob")]), "Rev Executed")?;
    s.no("bob", act(vec![meta(1)], s.week_s()), Code::E12)?;
    s.head([11, 5, 6, 1, 2, 1, 0b101]);
    Ok(())
}

fn tightened(s: &mut Scene) -> Result<()> {
    s.create()?;
    s.act("alice", vec![nominate("bob", 3600), nominate("carol", 3600)])?;
    s.ok("bob", Ask::AcceptAdmin, "Rev")?;
    let early = s.queued("bob", vec![app(1)])?;
    s.act("alice", vec![delay(1, 600)])?;
    let late = s.queued("bob", vec![app(2)])?;
    let late_s = s.now_s();
    s.act("alice", vec![threshold(2)])?;
    s.no("bob", execute(early, vec![app(1)]), Code::E46)?;
    s.ok("alice", approve(early, vec![app(1)]), "Approved")?;
    s.ok("bob", execute(early, vec![app(1)]), "Rev Executed")?;
    s.ok("alice", approve(late, vec![app(2)]), "Approved")?;
    s.ok("carol", Ask::AcceptAdmin, "Rev")?;
    s.at(late_s + 599);
    s.no("bob", execute(late, vec![app(2)]), Code::E42)?;
    s.ok("bob", execute(late, vec![app(2)]), "Rev Executed")?;
    let raise = || vec![threshold(3), delay(0, 60)];
    let seq = s.waiting("carol", raise())?;
    s.ok("alice", both(seq, raise()), "Approved Queued Rev Rev Executed")?;
    let seq = s.waiting("carol", vec![meta(1)])?;
    s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
    s.ok("alice", both(seq, vec![meta(1)]), "Approved Queued")?;
    let queued_s = s.now_s();
    s.at(queued_s + 60);
    s.ok(STRANGER, execute(seq, vec![meta(1)]), "Rev Executed")?;
    s.head([12, 5, 7, 3, 3, 1, 0b111]);
    Ok(())
}

//! T8, T9 and T13: who sits, who leaves, who may hold them back.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{app, approve, execute, meta, nominate, propose, remove, terms, threshold},
    scene::{DAY_S, GUARDIAN, STRANGER, Written, admin, write},
    script::{Ask, Deed, Terms},
};

/// T8.
pub(super) fn accept() -> Result<Vec<Written>> {
    Ok([seated()?, not_seated()?].into_iter().flatten().collect())
}

fn seated() -> Result<Vec<Written>> {
    Ok(vec![
        write("a nominee takes a seat", "the lowest free; the seats epoch advances", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 60)])?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.head([3, 2, 1, 1, 2, 1, 0b11]);
            Ok(())
        })?,
        write("a nomination is taken in its last second", "a second later: E50", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 60), nominate("carol", 60)])?;
            s.at(s.now_s() + 60);
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", Ask::AcceptAdmin, Code::E50)
        })?,
        write("nominees come in any order", "seats go by who comes first", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 60), nominate("carol", 60)])?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.act("carol", vec![remove("alice")])?;
            s.head([5, 3, 2, 1, 1, 1, 0b10]);
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.head([6, 4, 2, 1, 2, 1, 0b11]);
            Ok(())
        })?,
        write("a nomination outlives its nominator", "the record nominated", |s| {
            s.council(2)?;
            s.act("bob", vec![nominate("carol", 3600)])?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")
        })?,
        write("a seat is taken while frozen", "a freeze does not stop it", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 3600)])?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")
        })?,
        write("who comes does not change the threshold", "two sit, one is enough", |s| {
            s.council(2)?;
            s.ok("bob", propose(vec![meta(1)], s.week_s()), "Proposed Queued")
        })?,
    ])
}

fn not_seated() -> Result<Vec<Written>> {
    Ok(vec![
        write("nobody sits where no record is", "E10", |s| {
            s.no("bob", Ask::AcceptAdmin, Code::E10)
        })?,
        write("nobody sits in a dissolved record", "E10", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 60), Deed::Dissolve])?;
            s.no("bob", Ask::AcceptAdmin, Code::E10)
        })?,
        write("nobody sits who was not nominated", "E50; the guardian neither", |s| {
            s.create()?;
            s.no(STRANGER, Ask::AcceptAdmin, Code::E50)?;
            s.no(GUARDIAN, Ask::AcceptAdmin, Code::E50)
        })?,
        write("an admin does not sit twice", "51 before 50", |s| {
            s.council(2)?;
            s.no("alice", Ask::AcceptAdmin, Code::E51)?;
            s.no("bob", Ask::AcceptAdmin, Code::E51)
        })?,
        write("a nomination is used up", "who left needs another: E50", |s| {
            s.council(2)?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.no("bob", Ask::AcceptAdmin, Code::E50)?;
            s.act("alice", vec![nominate("bob", 60)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.act("alice", vec![remove("bob")])?;
            s.no("bob", Ask::AcceptAdmin, Code::E50)
        })?,
        write(
            "there are 32 seats",
            "the 33rd nominee waits: E52; then takes the free seat",
            |s| {
                s.council(32)?;
                s.head([63, 32, 2, 1, 32, 1, 0xffff_ffff]);
                let last = admin(32);
                s.act("alice", vec![nominate(&last, 3600)])?;
                s.no(&last, Ask::AcceptAdmin, Code::E52)?;
                s.no(STRANGER, Ask::AcceptAdmin, Code::E50)?;
                s.ok(&admin(7), Ask::Renounce, "Rev")?;
                s.head([65, 33, 3, 1, 31, 1, 0xffff_ff7f]);
                s.ok(&last, Ask::AcceptAdmin, "Rev")?;
                s.head([66, 34, 3, 1, 32, 1, 0xffff_ffff]);
                Ok(())
            },
        )?,
    ])
}

/// T9.
pub(super) fn renounce() -> Result<Vec<Written>> {
    Ok(vec![
        write("an admin leaves", "its seat is free; the seats epoch advances", |s| {
            s.council(3)?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.head([6, 4, 1, 1, 2, 1, 0b101]);
            Ok(())
        })?,
        write("the creator may leave", "it is an admin as any other", |s| {
            s.council(2)?;
            s.ok("alice", Ask::Renounce, "Rev")?;
            s.head([4, 3, 1, 1, 1, 1, 0b10]);
            s.act("bob", vec![meta(1)])
        })?,
        write("the threshold sinks with the admins", "never above their number", |s| {
            s.council(3)?;
            s.rules(3, &[])?;
            s.ok("carol", Ask::Renounce, "Rev")?;
            s.head([7, 5, 2, 2, 2, 1, 0b11]);
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.head([8, 6, 2, 1, 1, 1, 0b1]);
            s.act("alice", vec![meta(1)])
        })?,
        write("a threshold that fits stays", "two of three, then two of two", |s| {
            s.council(3)?;
            s.rules(2, &[])?;
            s.ok("carol", Ask::Renounce, "Rev")?;
            s.head([7, 5, 2, 2, 2, 1, 0b11]);
            Ok(())
        })?,
        write("an admin leaves while frozen", "a freeze does not stop it", |s| {
            s.council(2)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.ok("bob", Ask::Renounce, "Rev")
        })?,
        write("nobody leaves where no record is", "E10", |s| {
            s.no("alice", Ask::Renounce, Code::E10)
        })?,
        write("nobody leaves a dissolved record", "E10", |s| {
            s.council(2)?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("bob", Ask::Renounce, Code::E10)
        })?,
        write("who holds no seat does not leave", "E12", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 60)])?;
            s.no("bob", Ask::Renounce, Code::E12)?;
            s.no(STRANGER, Ask::Renounce, Code::E12)
        })?,
        write("the last admin does not leave", "E53; somebody must govern", |s| {
            s.council(2)?;
            s.ok("alice", Ask::Renounce, "Rev")?;
            s.no("alice", Ask::Renounce, Code::E12)?;
            s.no("bob", Ask::Renounce, Code::E53)
        })?,
    ])
}

/// T13.
pub(super) fn freeze() -> Result<Vec<Written>> {
    Ok([frozen()?, not_frozen()?].into_iter().flatten().collect())
}

fn frozen() -> Result<Vec<Written>> {
    let week_s: u32 = 7 * 86_400;
    Ok(vec![
        write("the guardian freezes", "a revision; nothing is carried out until it ends", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            let frozen_s = s.now_s();
            s.no("alice", execute(seq, vec![meta(1)]), Code::E44)?;
            s.at(frozen_s + 600);
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("a freeze of one second ends with the next block", "the least", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 1 }, "Rev")?;
            s.act("alice", vec![app(1)])
        })?,
        write("a freeze lasts 7 days at most", "a second more: E80", |s| {
            s.create()?;
            s.no(GUARDIAN, Ask::Freeze { secs: week_s + 1 }, Code::E80)?;
            s.no(GUARDIAN, Ask::Freeze { secs: u32::MAX }, Code::E80)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: week_s }, "Rev")?;
            let frozen_s = s.now_s();
            s.at(frozen_s + 7 * DAY_S - 1);
            s.no("alice", propose(vec![app(1)], s.week_s()), Code::E11)?;
            s.act("alice", vec![app(1)])
        })?,
        write("a freeze rests 30 days", "a second less: E80", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 1 }, "Rev")?;
            let frozen_s = s.now_s();
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E80)?;
            s.at(frozen_s + 30 * DAY_S - 1);
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E80)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 1 }, "Rev")?;
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E80)
        })?,
        write("a new guardian inherits the rest", "one freeze in 30 days: E80", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 1 }, "Rev")?;
            let frozen_s = s.now_s();
            s.act("alice", vec![crate::asks::guardian(Some("dave"))])?;
            s.no("dave", Ask::Freeze { secs: 1 }, Code::E80)?;
            s.at(frozen_s + 30 * DAY_S);
            s.ok("dave", Ask::Freeze { secs: 1 }, "Rev")
        })?,
        write(
            "a freeze does not stop approvals",
            "what it queues is carried out afterwards",
            |s| {
                s.council(2)?;
                s.rules(2, &[])?;
                let batch = || vec![threshold(1)];
                let seq = s.waiting("alice", batch())?;
                s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
                let frozen_s = s.now_s();
                s.ok("bob", approve(seq, batch()), "Approved Queued")?;
                s.no("bob", execute(seq, batch()), Code::E44)?;
                s.at(frozen_s + 60);
                s.ok("bob", execute(seq, batch()), "Rev Executed")
            },
        )?,
    ])
}

fn not_frozen() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is frozen where no record is", "E10", |s| {
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E10)
        })?,
        write("no dissolved record is frozen", "E10", |s| {
            s.create()?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E10)
        })?,
        write("nobody but the guardian freezes", "E80", |s| {
            s.create()?;
            s.no("alice", Ask::Freeze { secs: 1 }, Code::E80)?;
            s.no(STRANGER, Ask::Freeze { secs: 1 }, Code::E80)
        })?,
        write("where no guardian is nobody freezes", "E80", |s| {
            s.create_with(Terms { guardian: None, ..terms() })?;
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E80)?;
            s.no("alice", Ask::Freeze { secs: 1 }, Code::E80)
        })?,
        write("a freeze of no seconds is none", "E80, and it does not begin the rest", |s| {
            s.create()?;
            s.no(GUARDIAN, Ask::Freeze { secs: 0 }, Code::E80)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 1 }, "Rev")
        })?,
    ])
}

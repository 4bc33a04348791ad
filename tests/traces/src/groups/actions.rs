//! What each action does, and what it refuses.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{
        MEMBERS, act, app, caps, delay, execute, guardian, h, invites, members, meta, nominate,
        propose, remove, threshold, zero,
    },
    scene::{DAY_S, GUARDIAN, STRANGER, Scene, Written, admin, write},
    script::{Ask, Deed},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    let parts = [
        nominations()?,
        removals()?,
        thresholds()?,
        delays()?,
        lowered()?,
        lowering_ends()?,
        roots()?,
        rest()?,
    ];
    Ok(parts.into_iter().flatten().collect())
}

/// Refused in the batch that carries it out at once.
fn refused(s: &mut Scene, deeds: Vec<Deed>, code: Code) -> Result<()> {
    s.no("alice", act(deeds, s.week_s()), code)
}

fn nominations() -> Result<Vec<Written>> {
    let days_90: u32 = 90 * 86_400;
    Ok(vec![
        write("a nomination stands for a second at least", "zero seconds: E59", |s| {
            s.create()?;
            refused(s, vec![nominate("bob", 0)], Code::E59)?;
            s.act("alice", vec![nominate("bob", 1)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")
        })?,
        write("a nomination stands for 90 days at most", "a second more: E59", |s| {
            s.create()?;
            refused(s, vec![nominate("bob", days_90 + 1)], Code::E59)?;
            refused(s, vec![nominate("bob", u32::MAX)], Code::E59)?;
            s.act("alice", vec![nominate("bob", days_90)])?;
            s.at(s.now_s() + 90 * DAY_S);
            s.ok("bob", Ask::AcceptAdmin, "Rev")
        })?,
        write("an admin is not nominated", "neither another nor oneself: E58", |s| {
            s.council(2)?;
            refused(s, vec![nominate("bob", 60)], Code::E58)?;
            refused(s, vec![nominate("alice", 60)], Code::E58)
        })?,
        write("how long it stands is looked at before whom it names", "59 before 58", |s| {
            s.create()?;
            refused(s, vec![nominate("alice", 0)], Code::E59)
        })?,
        write("who became an admin meanwhile is not nominated", "at execution: E58", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![nominate("bob", 60)])?;
            s.act("alice", vec![nominate("bob", 60)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("alice", execute(seq, vec![nominate("bob", 60)]), Code::E58)
        })?,
        write("a nomination begins with its execution", "not with its proposal", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![nominate("bob", 60)])?;
            s.at(s.now_s() + DAY_S);
            s.ok("alice", execute(seq, vec![nominate("bob", 60)]), "Rev Executed")?;
            s.at(s.now_s() + 60);
            s.ok("bob", Ask::AcceptAdmin, "Rev")
        })?,
        write("a nomination replaces the one before", "it may also shorten it", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 3600)])?;
            s.act("alice", vec![nominate("bob", 10)])?;
            s.at(s.now_s() + 11);
            s.no("bob", Ask::AcceptAdmin, Code::E50)?;
            s.act("alice", vec![nominate("bob", 3600)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")
        })?,
    ])
}

fn removals() -> Result<Vec<Written>> {
    Ok(vec![
        write("an admin is removed", "its seat is free", |s| {
            s.council(3)?;
            s.act("alice", vec![remove("bob")])?;
            s.head([6, 4, 2, 1, 2, 1, 0b101]);
            s.no("bob", Ask::Renounce, Code::E12)
        })?,
        write("who is no admin is not removed", "E54", |s| {
            s.council(2)?;
            refused(s, vec![remove(STRANGER)], Code::E54)?;
            refused(s, vec![remove("bob"), remove("bob")], Code::E54)
        })?,
        write("the last admin is not removed", "E54, with a new threshold as well", |s| {
            s.create()?;
            refused(s, vec![remove("alice")], Code::E54)?;
            refused(s, vec![threshold(1), remove("alice")], Code::E54)?;
            s.seat(2)?;
            refused(s, vec![remove("bob"), remove("alice")], Code::E54)
        })?,
        write("a removal that leaves fewer than the threshold is refused", "E54", |s| {
            s.council(2)?;
            let batch = || vec![remove("bob")];
            let seq = s.queued("alice", batch())?;
            s.act("alice", vec![threshold(2)])?;
            s.ok("bob", crate::asks::approve(seq, batch()), "Approved")?;
            s.no("alice", execute(seq, batch()), Code::E54)
        })?,
        write("a removal may lower the threshold with it", "before it or after it", |s| {
            s.council(3)?;
            s.act("alice", vec![threshold(3), remove("bob"), threshold(2)])?;
            s.head([8, 6, 2, 2, 2, 1, 0b101]);
            Ok(())
        })?,
        write("a threshold may be lowered before the removal", "the order does not matter", |s| {
            s.council(3)?;
            s.act("alice", vec![threshold(2), remove("bob")])?;
            s.head([7, 5, 2, 2, 2, 1, 0b101]);
            Ok(())
        })?,
        write("a removal with too high a threshold is E55", "the batch sets the threshold", |s| {
            s.council(3)?;
            refused(s, vec![threshold(3), remove("bob")], Code::E55)?;
            refused(s, vec![remove("bob"), threshold(3)], Code::E55)
        })?,
        write("an admin may remove itself", "as any other", |s| {
            s.council(2)?;
            s.act("alice", vec![remove("alice")])?;
            s.head([4, 3, 2, 1, 1, 1, 0b10]);
            s.no("alice", propose(vec![meta(1)], s.week_s()), Code::E12)
        })?,
        write("a whole council is replaced but for one", "31 leave in two batches", |s| {
            s.council(32)?;
            let names: Vec<String> = (1..32).map(admin).collect();
            for part in names.chunks(16) {
                s.act("alice", part.iter().map(|name| remove(name)).collect())?;
            }
            s.head([94, 63, 4, 1, 1, 1, 0b1]);
            s.act("alice", vec![nominate("bob", 60)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.head([96, 64, 5, 1, 2, 1, 0b11]);
            Ok(())
        })?,
    ])
}

fn thresholds() -> Result<Vec<Written>> {
    Ok(vec![
        write("a threshold is at least 1", "zero approves nothing: E55", |s| {
            s.council(2)?;
            refused(s, vec![threshold(0)], Code::E55)?;
            refused(s, vec![threshold(0), threshold(1)], Code::E55)
        })?,
        write("a threshold is at most the number of admins", "one more: E55", |s| {
            s.council(2)?;
            refused(s, vec![threshold(3)], Code::E55)?;
            refused(s, vec![threshold(255)], Code::E55)?;
            s.act("alice", vec![threshold(2)])?;
            s.head([4, 3, 2, 2, 2, 1, 0b11]);
            Ok(())
        })?,
        write("a nomination does not make room for a threshold", "a seat does: E55", |s| {
            s.create()?;
            refused(s, vec![nominate("bob", 60), threshold(2)], Code::E55)
        })?,
        write("a threshold may be too high in between", "its end counts", |s| {
            s.council(2)?;
            s.act("alice", vec![threshold(9), threshold(2)])?;
            s.head([5, 4, 2, 2, 2, 1, 0b11]);
            Ok(())
        })?,
        write("a threshold that stays is set as well", "the seats epoch advances", |s| {
            s.create()?;
            s.act("alice", vec![threshold(1)])?;
            s.head([2, 2, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("a dissolving batch too leaves a possible threshold", "E55", |s| {
            s.create()?;
            refused(s, vec![threshold(2), Deed::Dissolve], Code::E55)
        })?,
    ])
}

fn delays() -> Result<Vec<Written>> {
    let month_s: u32 = 30 * 86_400;
    Ok(vec![
        write("a delay is at most 30 days", "a second more: E56", |s| {
            s.create()?;
            for class in 0..4 {
                refused(s, vec![delay(class, month_s + 1)], Code::E56)?;
            }
            refused(s, vec![delay(0, u32::MAX)], Code::E56)?;
            s.act("alice", (0..4).map(|class| delay(class, month_s)).collect())?;
            s.no("alice", propose(vec![meta(1)], s.next_s() + 30 * DAY_S - 1), Code::E15)?;
            s.ok("alice", propose(vec![meta(1)], s.next_s() + 30 * DAY_S), "Proposed Queued")
        })?,
        write("a raised delay counts at once", "for what is proposed in the next block", |s| {
            s.create()?;
            s.act("alice", vec![delay(0, 100)])?;
            s.no("alice", propose(vec![meta(1)], s.next_s() + 99), Code::E15)?;
            s.ok("alice", propose(vec![meta(1)], s.next_s() + 100), "Proposed Queued")
        })?,
        write("a raised delay does not hold up what is queued", "its eta stays", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.act("alice", vec![delay(0, 1000)])?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("the delay when it is queued counts", "raised between proposal and approval", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            let raise = || vec![delay(1, 100)];
            let raising = s.waiting("alice", raise())?;
            s.ok("bob", crate::asks::approve(raising, raise()), "Approved Queued")?;
            s.ok("bob", execute(raising, raise()), "Rev Executed")?;
            s.ok("bob", crate::asks::approve(seq, vec![app(1)]), "Approved Queued")?;
            let queued_s = s.now_s();
            s.at(queued_s + 99);
            s.no("bob", execute(seq, vec![app(1)]), Code::E42)?;
            s.ok("bob", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
    ])
}

/// From `at_s` on routine proposals wait `delay_s` seconds, no less.
fn waits(s: &mut Scene, at_s: u64, delay_s: u64) -> Result<()> {
    s.at(at_s);
    s.no("alice", propose(vec![meta(1)], s.next_s() + delay_s - 1), Code::E15)?;
    s.ok("alice", propose(vec![meta(1)], s.next_s() + delay_s), "Proposed Queued")
}

fn lowered() -> Result<Vec<Written>> {
    let set = |s: &mut Scene, delay_s: u32| s.act("alice", vec![delay(0, delay_s)]);
    Ok(vec![
        write("a lowered delay counts once the present one has passed", "not before", |s| {
            s.create()?;
            set(s, 100)?;
            set(s, 10)?;
            let lowered_s = s.now_s();
            s.at(lowered_s + 99);
            s.no("alice", propose(vec![meta(1)], lowered_s + 99 + 99), Code::E15)?;
            s.ok("alice", propose(vec![meta(1)], lowered_s + 100 + 10), "Proposed Queued")
        })?,
        write("in the last second of the old delay it still counts", "99 are not enough", |s| {
            s.create()?;
            set(s, 100)?;
            set(s, 10)?;
            let lowered_s = s.now_s();
            s.at(lowered_s + 99);
            s.ok("alice", propose(vec![meta(1)], lowered_s + 99 + 100), "Proposed Queued")?;
            s.no("alice", propose(vec![meta(1)], lowered_s + 100 + 9), Code::E15)
        })?,
        write("a second lowering starts again", "from the delay that still counts", |s| {
            s.create()?;
            set(s, 100)?;
            set(s, 10)?;
            s.at(s.now_s() + 50);
            set(s, 20)?;
            let again_s = s.now_s();
            waits(s, again_s + 60, 100)?;
            waits(s, again_s + 98, 100)?;
            waits(s, again_s + 100, 20)
        })?,
    ])
}

fn lowering_ends() -> Result<Vec<Written>> {
    let set = |s: &mut Scene, delay_s: u32| s.act("alice", vec![delay(0, delay_s)]);
    Ok(vec![
        write("raising ends a lowering that was under way", "it never counts", |s| {
            s.create()?;
            set(s, 100)?;
            set(s, 10)?;
            set(s, 200)?;
            let raised_s = s.now_s();
            waits(s, raised_s + 500, 200)
        })?,
        write("leaving a delay ends a lowering that was under way", "it never counts", |s| {
            s.create()?;
            set(s, 100)?;
            set(s, 10)?;
            set(s, 100)?;
            let left_s = s.now_s();
            waits(s, left_s + 500, 100)
        })?,
        write(
            "a lowering that counts is the present delay",
            "to raise from, to lower from",
            |s| {
                s.create()?;
                set(s, 100)?;
                set(s, 10)?;
                s.at(s.now_s() + 100);
                set(s, 50)?;
                let raised_s = s.now_s();
                waits(s, raised_s + 2, 50)?;
                set(s, 0)?;
                let lowered_s = s.now_s();
                waits(s, lowered_s + 10, 50)?;
                s.at(lowered_s + 50);
                s.act("alice", vec![meta(1)])
            },
        )?,
        write("a delay of zero cannot be lowered", "it stays", |s| {
            s.create()?;
            set(s, 0)?;
            s.act("alice", vec![meta(1)])
        })?,
        write("classes wait apart", "lowering one does not touch another", |s| {
            s.create()?;
            s.act("alice", vec![delay(0, 100), delay(1, 300), delay(0, 0), delay(1, 0)])?;
            let lowered_s = s.now_s();
            s.at(lowered_s + 100);
            s.act("alice", vec![meta(1)])?;
            s.at(lowered_s + 299);
            s.ok("alice", act(vec![app(1)], s.week_s()), "Proposed Queued")?;
            s.act("alice", vec![app(1)])
        })?,
    ])
}

fn roots() -> Result<Vec<Written>> {
    Ok(vec![
        write("a members root follows the one before", "several in one batch", |s| {
            s.create()?;
            s.act("alice", vec![members(MEMBERS, 0x20), members(0x20, 0x30)])?;
            s.act("alice", vec![members(0x30, MEMBERS)])
        })?,
        write("a members root that follows another is stale", "E57", |s| {
            s.create()?;
            refused(s, vec![members(0x20, 0x30)], Code::E57)?;
            refused(s, vec![members(0, 0x30)], Code::E57)?;
            s.act("alice", vec![members(MEMBERS, 0x20)])?;
            refused(s, vec![members(MEMBERS, 0x20)], Code::E57)
        })?,
        write("a members root may stay", "the revision is recorded", |s| {
            s.create()?;
            s.act("alice", vec![members(MEMBERS, MEMBERS)])
        })?,
        write("an invite root follows the one before", "it begins as zero", |s| {
            s.create()?;
            s.act("alice", vec![invites(zero(), h(1)), invites(h(1), h(2))])?;
            s.act("alice", vec![invites(h(2), zero())])?;
            s.act("alice", vec![invites(zero(), h(1))])
        })?,
        write("an invite root that follows another is stale", "E57", |s| {
            s.create()?;
            refused(s, vec![invites(h(1), h(2))], Code::E57)?;
            s.act("alice", vec![invites(zero(), h(1))])?;
            refused(s, vec![invites(zero(), h(2))], Code::E57)
        })?,
    ])
}

fn rest() -> Result<Vec<Written>> {
    Ok(vec![
        write("an application is set", "whatever it was", |s| {
            s.create()?;
            s.act("alice", vec![app(1)])?;
            let migrated = Deed::SetApp { app: h(2), migration: h(3) };
            s.act("alice", vec![migrated, app(1), app(1)])
        })?,
        write("capabilities are recorded", "of one member, and the default", |s| {
            s.create()?;
            s.act("alice", vec![caps(0x0e, 5), caps(0, u32::MAX), caps(0x0e, 0)])?;
            s.head([4, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("a guardian is set, replaced and let go", "it counts at once", |s| {
            s.create()?;
            s.act("alice", vec![guardian(Some("dave"))])?;
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E80)?;
            s.ok("dave", Ask::Freeze { secs: 1 }, "Rev")?;
            s.at(s.now_s() + 1);
            s.act("alice", vec![guardian(None)])?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.no("dave", Ask::Veto { seq }, Code::E31)
        })?,
        write("an admin may be guardian", "it may then veto what others want", |s| {
            s.council(2)?;
            s.act("alice", vec![guardian(Some("bob"))])?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.ok("bob", Ask::Veto { seq }, "Vetoed")
        })?,
        write("a description is set", "its hash alone", |s| {
            s.create()?;
            s.act("alice", vec![meta(1), meta(1), Deed::SetMeta { meta: zero() }])?;
            s.head([4, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("a record is dissolved", "nothing is governed any more", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600)])?;
            s.act("alice", vec![meta(1), Deed::Dissolve])?;
            s.head([6, 2, 3, 1, 2, 2, 0b11]);
            s.no("carol", Ask::AcceptAdmin, Code::E10)?;
            s.no("bob", Ask::Renounce, Code::E10)?;
            s.no(GUARDIAN, Ask::Freeze { secs: 1 }, Code::E10)?;
            refused(s, vec![meta(1)], Code::E10)
        })?,
        write("every kind of action fits one batch", "each is a revision", |s| {
            s.council(3)?;
            let deeds = vec![
                nominate("dave", 3600),
                remove("carol"),
                threshold(2),
                delay(2, 60),
                members(MEMBERS, 0x20),
                app(1),
                invites(zero(), h(1)),
                caps(0x0e, 1),
                guardian(Some("erin")),
                meta(1),
                Deed::Dissolve,
            ];
            s.act("alice", deeds)?;
            s.head([16, 5, 2, 2, 2, 2, 0b11]);
            Ok(())
        })?,
    ])
}

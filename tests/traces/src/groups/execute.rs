//! T6: what is carried out, when, and that a batch is done whole or not at all.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{MEMBERS, app, approve, execute, guardian, members, meta, nominate, remove, threshold},
    scene::{DAY_S, GUARDIAN, HOUR_S, STRANGER, Scene, Written, write},
    script::{Ask, Deed},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    let parts = [done()?, closed()?, when()?, stale()?, order()?, whole()?];
    Ok(parts.into_iter().flatten().collect())
}

fn one(s: &mut Scene, admins: usize) -> Result<u64> {
    s.council(admins)?;
    s.queued("alice", vec![meta(1)])
}

fn done() -> Result<Vec<Written>> {
    Ok(vec![
        write("anybody carries out what is queued", "the caller does not matter", |s| {
            let seq = one(s, 1)?;
            s.ok(STRANGER, execute(seq, vec![meta(1)]), "Rev Executed")?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("proposals are carried out in any order", "each by its number", |s| {
            s.create()?;
            (1..=3).try_for_each(|n| s.queued("alice", vec![meta(n)]).map(drop))?;
            for n in [3_u8, 1, 2] {
                s.ok("alice", execute(n.into(), vec![meta(n)]), "Rev Executed")?;
            }
            Ok(())
        })?,
        write("a proposal outlives its proposer's seat", "another's approval counts", |s| {
            s.council(3)?;
            let seq = s.queued("carol", vec![meta(1)])?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
            s.ok("carol", Ask::Renounce, "Rev")?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
    ])
}

fn closed() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is carried out where no record is", "E10", |s| {
            s.no("alice", execute(1, vec![meta(1)]), Code::E10)
        })?,
        write("nothing is carried out for a dissolved record", "E10, though it was queued", |s| {
            let seq = one(s, 1)?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E10)
        })?,
        write("what was never proposed is not carried out", "E41", |s| {
            let seq = one(s, 1)?;
            s.no("alice", execute(seq + 1, vec![meta(1)]), Code::E41)?;
            s.no("alice", execute(0, vec![meta(1)]), Code::E41)
        })?,
        write("what waits for approvals is not carried out", "E41", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E41)
        })?,
        write("nothing is carried out twice", "E41", |s| {
            let seq = one(s, 1)?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E41)?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("other actions are not carried out", "E40", |s| {
            s.create()?;
            s.queued("alice", vec![meta(1), meta(2)])?;
            s.no("alice", execute(1, vec![meta(2), meta(1)]), Code::E40)?;
            s.no("alice", execute(1, vec![meta(1)]), Code::E40)?;
            s.no("alice", execute(1, vec![meta(1), meta(2), meta(3)]), Code::E40)?;
            s.ok("alice", execute(1, vec![meta(1), meta(2)]), "Rev Rev Executed")
        })?,
    ])
}

fn when() -> Result<Vec<Written>> {
    let delayed = |s: &mut Scene| -> Result<(u64, u64)> {
        s.create()?;
        s.rules(1, &[(1, 3600)])?;
        Ok((s.queued("alice", vec![app(1)])?, s.now_s() + HOUR_S))
    };
    Ok(vec![
        write("a second before its eta is too early", "E42", |s| {
            let (seq, eta_s) = delayed(s)?;
            s.no("alice", execute(seq, vec![app(1)]), Code::E42)?;
            s.at(eta_s - 1);
            s.no("alice", execute(seq, vec![app(1)]), Code::E42)
        })?,
        write("its eta is not too early", "the delay is over", |s| {
            let (seq, eta_s) = delayed(s)?;
            s.at(eta_s);
            s.ok("alice", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
        write("its expiry is not too late", "the last second", |s| {
            let (seq, _) = delayed(s)?;
            s.at(s.week_s() - 1);
            s.ok("alice", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
        write("a second after its expiry is too late", "E43, also without a delay", |s| {
            let (seq, _) = delayed(s)?;
            let routine = s.queued("alice", vec![meta(1)])?;
            s.at(s.week_s());
            s.no("alice", execute(seq, vec![app(1)]), Code::E43)?;
            s.no("alice", execute(routine, vec![meta(1)]), Code::E43)
        })?,
        write("while frozen nothing is carried out", "E44 to the last frozen second", |s| {
            let seq = one(s, 1)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            let frozen_s = s.now_s();
            s.no("alice", execute(seq, vec![meta(1)]), Code::E44)?;
            s.at(frozen_s + 599);
            s.no("alice", execute(seq, vec![meta(1)]), Code::E44)?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("a freeze does not stop the clock", "what ran out meanwhile is lost: E43", |s| {
            s.create()?;
            s.ok(
                "alice",
                crate::asks::propose(vec![meta(1)], s.next_s() + 600),
                "Proposed Queued",
            )?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.at(s.now_s() + 600);
            s.no("alice", execute(1, vec![meta(1)]), Code::E43)
        })?,
    ])
}

fn stale() -> Result<Vec<Written>> {
    Ok(vec![
        write("a raised threshold counts for what was queued", "one of two: E46", |s| {
            s.council(2)?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.act("alice", vec![threshold(2)])?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E46)?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("a removed admin's approval does not count", "E46", |s| {
            s.council(2)?;
            let seq = s.queued("bob", vec![meta(1)])?;
            s.act("alice", vec![remove("bob")])?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E46)?;
            s.ok("alice", approve(seq, vec![meta(1)]), "Approved")?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("a former admin's approval does not count", "E46 after it renounced", |s| {
            s.council(3)?;
            s.rules(2, &[])?;
            let seq = s.waiting("carol", vec![meta(1)])?;
            s.ok("alice", approve(seq, vec![meta(1)]), "Approved Queued")?;
            s.ok("carol", Ask::Renounce, "Rev")?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E46)?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("an approval does not count again once its admin is back", "E46", |s| {
            s.council(2)?;
            let seq = s.queued("bob", vec![meta(1)])?;
            s.act("alice", vec![remove("bob"), nominate("bob", 3600)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("bob", execute(seq, vec![meta(1)]), Code::E46)
        })?,
        write("a lowered threshold is not enough for what asked for more", "E46", |s| {
            s.council(3)?;
            s.rules(3, &[])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
            s.ok("carol", approve(seq, vec![meta(1)]), "Approved Queued")?;
            // Renouncing lowers the threshold to 2.
            s.ok("carol", Ask::Renounce, "Rev")?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E46)
        })?,
    ])
}

fn order() -> Result<Vec<Written>> {
    let wrong = |seq| execute(seq, vec![meta(9)]);
    Ok(vec![
        write("that it is queued is looked at before what it does", "41 before 40", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            s.no("alice", wrong(seq), Code::E41)
        })?,
        write("what it does is looked at before a freeze", "40 before 44", |s| {
            let seq = one(s, 1)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.no("alice", wrong(seq), Code::E40)?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E44)
        })?,
        write("a freeze is looked at before the time", "44 before 42 and 43", |s| {
            s.create()?;
            s.rules(1, &[(1, 7200)])?;
            let early = s.queued("alice", vec![app(1)])?;
            s.ok("alice", crate::asks::propose(vec![meta(1)], s.next_s() + 1), "Proposed Queued")?;
            let late = s.seq();
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.no("alice", execute(early, vec![app(1)]), Code::E44)?;
            s.no("alice", execute(late, vec![meta(1)]), Code::E44)
        })?,
        write("the time is looked at before the approvals", "42 and 43 before 46", |s| {
            s.council(2)?;
            s.rules(1, &[(1, 3600)])?;
            let seq = s.queued("bob", vec![app(1)])?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.no("alice", execute(seq, vec![app(1)]), Code::E42)?;
            s.at(s.now_s() + HOUR_S);
            s.no("alice", execute(seq, vec![app(1)]), Code::E46)?;
            s.at(s.now_s() + 8 * DAY_S);
            s.no("alice", execute(seq, vec![app(1)]), Code::E43)
        })?,
        write("the approvals are looked at before the actions", "46 before 57", |s| {
            s.council(2)?;
            let stale = || vec![members(0x99, 0x20)];
            let seq = s.queued("bob", stale())?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.no("alice", execute(seq, stale()), Code::E46)?;
            s.ok("alice", approve(seq, stale()), "Approved")?;
            s.no("alice", execute(seq, stale()), Code::E57)
        })?,
    ])
}

fn whole() -> Result<Vec<Written>> {
    Ok(vec![
        write("a batch that fails in the middle changes nothing", "E57: not a revision", |s| {
            s.create()?;
            let batch = || vec![members(MEMBERS, 0x20), meta(1), members(MEMBERS, 0x30), app(1)];
            let seq = s.queued("alice", batch())?;
            s.no("alice", execute(seq, batch()), Code::E57)?;
            s.head([1, 1, 1, 1, 1, 1, 0b1]);
            // The root is what it was, and the proposal still waits.
            s.act("alice", vec![members(MEMBERS, 0x40)])?;
            s.no("alice", execute(seq, batch()), Code::E57)?;
            s.ok("alice", Ask::Cancel { seq }, "Canceled")
        })?,
        write("a batch that fails at its end changes nothing", "E55 after three actions", |s| {
            s.council(2)?;
            let batch = || vec![guardian(None), nominate("carol", 3600), threshold(3)];
            let seq = s.queued("alice", batch())?;
            s.no("alice", execute(seq, batch()), Code::E55)?;
            s.no("carol", Ask::AcceptAdmin, Code::E50)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 1 }, "Rev")?;
            s.head([4, 2, 2, 1, 2, 1, 0b11]);
            Ok(())
        })?,
        write("what failed may be carried out once it fits", "it is still queued", |s| {
            s.create()?;
            let later = || vec![members(0x20, 0x30)];
            let seq = s.queued("alice", later())?;
            s.no("alice", execute(seq, later()), Code::E57)?;
            s.act("alice", vec![members(MEMBERS, 0x20)])?;
            s.ok("alice", execute(seq, later()), "Rev Executed")
        })?,
        write(
            "nothing comes after a dissolution in its batch",
            "E10: nothing is dissolved",
            |s| {
                s.create()?;
                let batch = || vec![Deed::Dissolve, meta(1)];
                let seq = s.queued("alice", batch())?;
                s.no("alice", execute(seq, batch()), Code::E10)?;
                s.head([1, 1, 1, 1, 1, 1, 0b1]);
                Ok(())
            },
        )?,
        write(
            "of two for one root the second loses",
            "it is made anew on the present root",
            |s| {
                s.council(2)?;
                let first = s.queued("alice", vec![members(MEMBERS, 0x20)])?;
                let second = s.queued("bob", vec![members(MEMBERS, 0x30)])?;
                s.ok("bob", execute(second, vec![members(MEMBERS, 0x30)]), "Rev Executed")?;
                s.no("alice", execute(first, vec![members(MEMBERS, 0x20)]), Code::E57)?;
                s.act("alice", vec![members(0x30, 0x20)])
            },
        )?,
    ])
}

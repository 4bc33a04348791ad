//! T1: who proposes, when, how many.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{app, approve, delay, execute, meta, nominate, propose, propose_raw, remove, threshold},
    scene::{DAY_S, GUARDIAN, HOUR_S, STRANGER, Scene, Written, admin, write},
    script::{Ask, Deed},
};

/// No legal batch.
const MALFORMED: [u8; 3] = [0x12, 0, 0];

pub(super) fn traces() -> Result<Vec<Written>> {
    let parts = [made()?, who()?, expiry()?, open_by_one()?, open_in_all()?, order()?, frozen()?];
    Ok(parts.into_iter().flatten().collect())
}

fn made() -> Result<Vec<Written>> {
    Ok(vec![
        write("an only admin's proposal is queued at once", "its own approval is enough", |s| {
            s.create()?;
            s.ok("alice", propose(vec![meta(1)], s.week_s()), "Proposed Queued")?;
            s.head([1, 1, 1, 1, 1, 1, 0b1]);
            s.ok(STRANGER, execute(1, vec![meta(1)]), "Rev Executed")?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("a proposal waits for the threshold", "one of two approved", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            s.ok("alice", propose(vec![meta(1)], s.week_s()), "Proposed")?;
            s.head([4, 3, 3, 2, 2, 1, 0b11]);
            s.ok("bob", approve(3, vec![meta(1)]), "Approved Queued")?;
            s.ok("bob", execute(3, vec![meta(1)]), "Rev Executed")
        })?,
        write("any admin proposes", "not the creator alone", |s| {
            s.council(3)?;
            s.queued("carol", vec![meta(1)])?;
            s.ok("carol", execute(2, vec![meta(1)]), "Rev Executed")
        })?,
        write("numbers of proposals are never given again", "closed ones keep theirs", |s| {
            s.create()?;
            s.queued("alice", vec![meta(1)])?;
            s.ok("alice", Ask::Cancel { seq: 1 }, "Canceled")?;
            s.queued("alice", vec![meta(1)])?;
            s.ok("alice", execute(2, vec![meta(1)]), "Rev Executed")?;
            s.queued("alice", vec![meta(1)])?;
            s.head([2, 1, 3, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("the same batch may be proposed twice", "proposals are told apart by number", |s| {
            s.create()?;
            s.queued("alice", vec![meta(1)])?;
            s.queued("alice", vec![meta(1)])?;
            s.ok("alice", execute(2, vec![meta(1)]), "Rev Executed")?;
            s.ok("alice", execute(1, vec![meta(1)]), "Rev Executed")
        })?,
    ])
}

fn who() -> Result<Vec<Written>> {
    let refused =
        |s: &mut Scene, by: &str, code| s.no(by, propose(vec![meta(1)], s.week_s()), code);
    Ok(vec![
        write("nothing is proposed where no record is", "it is not active: E10", |s| {
            refused(s, "alice", Code::E10)
        })?,
        write("nothing is proposed to a dissolved record", "it is not active: E10", |s| {
            s.create()?;
            s.act("alice", vec![Deed::Dissolve])?;
            refused(s, "alice", Code::E10)
        })?,
        write("a stranger proposes nothing", "no seat: E12", |s| {
            s.create()?;
            refused(s, STRANGER, Code::E12)
        })?,
        write("the guardian proposes nothing", "no seat: E12", |s| {
            s.create()?;
            refused(s, GUARDIAN, Code::E12)
        })?,
        write("a nominee proposes once it has accepted", "a nomination is no seat: E12", |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 3600)])?;
            refused(s, "bob", Code::E12)?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.queued("bob", vec![meta(1)]).map(drop)
        })?,
        write("a removed admin proposes nothing", "its seat is gone: E12", |s| {
            s.council(2)?;
            s.act("alice", vec![remove("bob")])?;
            refused(s, "bob", Code::E12)
        })?,
        write("an admin that renounced proposes nothing", "its seat is gone: E12", |s| {
            s.council(2)?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            refused(s, "bob", Code::E12)
        })?,
    ])
}

fn expiry() -> Result<Vec<Written>> {
    let at = |name: &str, summary: &str, after_s: i64, code: Option<Code>| {
        write(name, summary, |s| {
            s.create()?;
            let ask = propose(vec![meta(1)], s.next_s().saturating_add_signed(after_s));
            match code {
                None => s.ok("alice", ask, "Proposed Queued"),
                Some(code) => s.no("alice", ask, code),
            }
        })
    };
    let days_90: i64 = 90 * 86_400;
    let e15 = Some(Code::E15);
    Ok(vec![
        at("an expiry one second ahead is legal", "the least", 1, None)?,
        at("an expiry in the present second is refused", "it must be later: E15", 0, e15)?,
        at("an expiry in the past is refused", "it must be later: E15", -1, e15)?,
        at("an expiry in 90 days is legal", "the most", days_90, None)?,
        at("an expiry in 90 days and a second is refused", "E15", days_90 + 1, e15)?,
        at("an expiry at the end of time is refused", "E15, without an overflow", i64::MAX, e15)?,
        write("an expiry of zero is refused", "it is in the past: E15", |s| {
            s.create()?;
            s.no("alice", propose(vec![meta(1)], 0), Code::E15)
        })?,
        write("the delay must fit before the expiry", "E15 if it ends a second later", |s| {
            s.create()?;
            s.rules(1, &[(1, 3600)])?;
            s.no("alice", propose(vec![app(1)], s.next_s() + HOUR_S - 1), Code::E15)?;
            s.ok("alice", propose(vec![app(1)], s.next_s() + HOUR_S), "Proposed Queued")?;
            // Executable in its last second alone.
            s.at(s.now_s() + HOUR_S - 1);
            s.no("alice", execute(2, vec![app(1)]), Code::E42)?;
            s.ok("alice", execute(2, vec![app(1)]), "Rev Executed")
        })?,
        write("the delay counts even while approvals are missing", "E15 at the proposal", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            s.no("alice", propose(vec![app(1)], s.next_s() + HOUR_S - 1), Code::E15)?;
            s.ok("alice", propose(vec![app(1)], s.next_s() + HOUR_S), "Proposed")
        })?,
    ])
}

fn open_by_one() -> Result<Vec<Written>> {
    let eight = |s: &mut Scene| (0..8).try_for_each(|n| s.queued("alice", vec![meta(n)]).map(drop));
    let refused = |s: &mut Scene| s.no("alice", propose(vec![meta(9)], s.week_s()), Code::E13);
    Ok(vec![
        write("an admin has at most 8 open proposals", "the ninth is refused: E13", |s| {
            s.create()?;
            eight(s)?;
            refused(s)?;
            s.head([1, 1, 8, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("another admin may still propose", "E13 is about one admin", |s| {
            s.council(2)?;
            eight(s)?;
            refused(s)?;
            s.queued("bob", vec![meta(9)]).map(drop)
        })?,
        write("whatever closes a proposal makes room for one", "E13 until then", |s| {
            s.create()?;
            eight(s)?;
            refused(s)?;
            s.ok("alice", Ask::Cancel { seq: 1 }, "Canceled")?;
            s.queued("alice", vec![meta(9)])?;
            refused(s)?;
            s.ok(GUARDIAN, Ask::Veto { seq: 2 }, "Vetoed")?;
            s.queued("alice", vec![meta(9)])?;
            refused(s)?;
            s.ok("alice", execute(3, vec![meta(2)]), "Rev Executed")?;
            s.queued("alice", vec![meta(9)])?;
            refused(s)?;
            s.at(s.now_s() + 8 * DAY_S);
            s.ok(STRANGER, Ask::Expire { seq: 4 }, "Expired")?;
            s.queued("alice", vec![meta(9)])?;
            refused(s)
        })?,
        write("open proposals of a removed admin still count", "E13 once it is back", |s| {
            s.council(2)?;
            (0..8).try_for_each(|n| s.queued("bob", vec![meta(n)]).map(drop))?;
            s.act("alice", vec![remove("bob"), nominate("bob", 3600)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("bob", propose(vec![meta(9)], s.week_s()), Code::E13)?;
            s.ok("bob", Ask::Cancel { seq: 2 }, "Canceled")?;
            s.queued("bob", vec![meta(9)]).map(drop)
        })?,
    ])
}

fn open_in_all() -> Result<Vec<Written>> {
    Ok(vec![write(
        "a record has at most 64 open proposals",
        "the 65th is refused, whoever makes it: E14; E13 stands before it",
        |s| {
            s.council(9)?;
            for index in 0..8 {
                (0..8).try_for_each(|n| s.queued(&admin(index), vec![meta(n)]).map(drop))?;
            }
            s.no(&admin(8), propose(vec![meta(1)], s.week_s()), Code::E14)?;
            s.no("alice", propose(vec![meta(1)], s.week_s()), Code::E13)?;
            s.no(&admin(8), propose_raw(MALFORMED, 0), Code::E14)?;
            s.ok("alice", Ask::Cancel { seq: 2 }, "Canceled")?;
            s.queued(&admin(8), vec![meta(1)])?;
            s.no("alice", propose(vec![meta(1)], s.week_s()), Code::E14)?;
            s.head([17, 9, 66, 1, 9, 1, 0b1_1111_1111]);
            Ok(())
        },
    )?])
}

fn order() -> Result<Vec<Written>> {
    Ok(vec![
        write("that a record is active is looked at first", "10 before 12, 15 and 16", |s| {
            s.no(STRANGER, propose_raw(MALFORMED, 0), Code::E10)
        })?,
        write("who proposes is looked at before what and when", "12 before 15 and 16", |s| {
            s.create()?;
            s.no(STRANGER, propose_raw(MALFORMED, 0), Code::E12)
        })?,
        write("how many are open is looked at before what and when", "13 before 15, 16", |s| {
            s.create()?;
            (0..8).try_for_each(|n| s.queued("alice", vec![meta(n)]).map(drop))?;
            s.no("alice", propose_raw(MALFORMED, 0), Code::E13)
        })?,
        write("the expiry is looked at before the batch", "15 before 16 and 17", |s| {
            s.create()?;
            s.no("alice", propose_raw(MALFORMED, s.next_s()), Code::E15)?;
            s.no("alice", propose_raw([0x06, 0, 0], s.next_s()), Code::E15)?;
            s.no("alice", propose_raw(MALFORMED, s.next_s() + 1), Code::E16)
        })?,
        write("the batch is looked at before its delay", "16 before the second 15", |s| {
            s.create()?;
            s.rules(1, &[(0, 3600), (1, 3600), (2, 3600), (3, 3600)])?;
            s.no("alice", propose_raw(MALFORMED, s.next_s() + 1), Code::E16)?;
            s.no("alice", propose(vec![meta(1)], s.next_s() + 1), Code::E15)
        })?,
        write("a freeze is looked at before the delay", "11 before the second 15", |s| {
            s.create()?;
            s.rules(1, &[(1, 3600)])?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 3600 }, "Rev")?;
            s.no("alice", propose(vec![app(1)], s.next_s() + 1), Code::E11)?;
            s.no("alice", propose_raw(MALFORMED, s.next_s() + 1), Code::E16)
        })?,
    ])
}

fn frozen() -> Result<Vec<Written>> {
    let mut written = vec![write(
        "routine may be proposed while frozen",
        "a freeze stops grave proposals alone; the proposal waits for the thaw",
        |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
            let frozen_s = s.now_s();
            s.queued("alice", vec![meta(1)])?;
            s.no("alice", execute(1, vec![meta(1)]), Code::E44)?;
            s.at(frozen_s + 60);
            s.ok("alice", execute(1, vec![meta(1)]), "Rev Executed")
        },
    )?];
    let grave = [
        ("an app", app(1)),
        ("a threshold", threshold(1)),
        ("a delay", delay(0, 1)),
        ("a dissolution", Deed::Dissolve),
    ];
    for (what, deed) in grave {
        let name = format!("{what} is not proposed while frozen");
        written.push(write(&name, "class app or above: E11 to the last frozen second", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
            let frozen_s = s.now_s();
            s.no("alice", propose(vec![meta(1), deed.clone()], s.week_s()), Code::E11)?;
            s.at(frozen_s + 59);
            s.no("alice", propose(vec![deed.clone()], s.week_s()), Code::E11)?;
            s.ok("alice", propose(vec![deed.clone()], s.week_s()), "Proposed Queued")
        })?);
    }
    written.push(write(
        "an only admin nominates while frozen",
        "nominating is routine while there is one admin, grave afterwards",
        |s| {
            s.create()?;
            s.act("alice", vec![nominate("bob", 3600)])?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 3600 }, "Rev")?;
            s.queued("alice", vec![nominate("carol", 60)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("alice", propose(vec![nominate("dave", 60)], s.week_s()), Code::E11)
        },
    )?);
    Ok(written)
}

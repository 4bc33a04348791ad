//! T1x: to propose and, where nothing else is needed, to execute.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{MEMBERS, act, app, approve, execute, members, meta, propose, threshold},
    scene::{DAY_S, GUARDIAN, HOUR_S, STRANGER, Written, write},
    script::{Ask, Deed},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    Ok([at_once()?, later()?, refused()?, frozen()?].into_iter().flatten().collect())
}

fn at_once() -> Result<Vec<Written>> {
    Ok(vec![
        write("an only admin acts in one call", "proposed, queued, done", |s| {
            s.create()?;
            let ask = act(vec![members(MEMBERS, 0x20)], s.week_s());
            s.ok("alice", ask, "Proposed Queued Rev Executed")?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            s.no("alice", execute(1, vec![members(MEMBERS, 0x20)]), Code::E41)
        })?,
        write("any admin acts while the threshold is 1", "one approval is enough", |s| {
            s.council(3)?;
            s.ok("carol", act(vec![meta(1)], s.week_s()), "Proposed Queued Rev Executed")
        })?,
        write("what is done at once is not open", "a ninth act is as good as the first", |s| {
            s.create()?;
            (0..10).try_for_each(|n| s.act("alice", vec![meta(n)]))?;
            s.head([11, 1, 10, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("an act may expire in the next second", "it is done before", |s| {
            s.create()?;
            s.ok("alice", act(vec![meta(1)], s.next_s() + 1), "Proposed Queued Rev Executed")
        })?,
    ])
}

fn later() -> Result<Vec<Written>> {
    Ok(vec![
        write("an act only proposes where others must approve", "threshold 2", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            s.ok("alice", act(vec![meta(1)], s.week_s()), "Proposed")?;
            s.head([4, 3, 3, 2, 2, 1, 0b11]);
            s.ok("bob", approve(3, vec![meta(1)]), "Approved Queued")?;
            s.ok(STRANGER, execute(3, vec![meta(1)]), "Rev Executed")
        })?,
        write("an act only queues where there is a delay", "the delay of its class", |s| {
            s.create()?;
            s.rules(1, &[(1, 60)])?;
            s.ok("alice", act(vec![app(1)], s.week_s()), "Proposed Queued")?;
            let queued_s = s.now_s();
            s.at(queued_s + 59);
            s.no("alice", execute(2, vec![app(1)]), Code::E42)?;
            s.ok("alice", execute(2, vec![app(1)]), "Rev Executed")
        })?,
        write("a delay of one class does not hold another up", "routine has none", |s| {
            s.create()?;
            s.rules(1, &[(1, 60), (2, 60), (3, 60)])?;
            s.act("alice", vec![meta(1)])
        })?,
    ])
}

fn refused() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is done where no record is", "E10", |s| {
            s.no("alice", act(vec![meta(1)], s.week_s()), Code::E10)
        })?,
        write("nothing is done to a dissolved record", "E10", |s| {
            s.create()?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("alice", act(vec![meta(1)], s.week_s()), Code::E10)
        })?,
        write("a stranger does nothing", "E12", |s| {
            s.create()?;
            s.no(STRANGER, act(vec![meta(1)], s.week_s()), Code::E12)
        })?,
        write("who has 8 open proposals does not act either", "as propose: E13", |s| {
            s.create()?;
            (0..8).try_for_each(|n| s.queued("alice", vec![meta(n)]).map(drop))?;
            s.no("alice", act(vec![meta(9)], s.week_s()), Code::E13)
        })?,
        write("an act has an expiry", "as propose: E15", |s| {
            s.create()?;
            s.no("alice", act(vec![meta(1)], s.next_s()), Code::E15)?;
            s.no("alice", act(vec![meta(1)], s.next_s() + 90 * DAY_S + 1), Code::E15)?;
            s.ok(
                "alice",
                act(vec![meta(1)], s.next_s() + 90 * DAY_S),
                "Proposed Queued Rev Executed",
            )
        })?,
        write("an act must end its delay before its expiry", "as propose: E15", |s| {
            s.create()?;
            s.rules(1, &[(1, 3600)])?;
            s.no("alice", act(vec![app(1)], s.next_s() + HOUR_S - 1), Code::E15)
        })?,
        write("an act that fails gives no number away", "nothing has changed", |s| {
            s.create()?;
            s.no("alice", act(vec![meta(1), members(0x99, 0x20)], s.week_s()), Code::E57)?;
            s.no("alice", act(vec![meta(1), threshold(2)], s.week_s()), Code::E55)?;
            s.head([1, 1, 0, 1, 1, 1, 0b1]);
            s.act("alice", vec![meta(1)])?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
    ])
}

fn frozen() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is done while frozen", "E44 for routine, to the last frozen second", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
            let frozen_s = s.now_s();
            s.no("alice", act(vec![meta(1)], s.week_s()), Code::E44)?;
            s.at(frozen_s + 59);
            s.no("alice", act(vec![meta(1)], s.week_s()), Code::E44)?;
            s.act("alice", vec![meta(1)])
        })?,
        write("that an act is grave is told before that it is frozen", "11 before 44", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
            s.no("alice", act(vec![app(1)], s.week_s()), Code::E11)
        })?,
        write(
            "an act that only proposes is not stopped by a freeze",
            "routine, threshold 2",
            |s| {
                s.council(2)?;
                s.rules(2, &[])?;
                s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
                s.ok("alice", act(vec![meta(1)], s.week_s()), "Proposed")?;
                s.no("alice", propose(vec![app(1)], s.week_s()), Code::E11)
            },
        )?,
        write("that it is frozen is told before what an action does", "44 before 57", |s| {
            s.create()?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
            s.no("alice", act(vec![members(0x99, 0x20)], s.week_s()), Code::E44)
        })?,
    ])
}

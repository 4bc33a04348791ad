//! T2x: to approve and, where nothing else is needed, to execute.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{
        MEMBERS, app, approve, approve_and_execute as both, execute, members, meta, nominate,
        threshold,
    },
    scene::{GUARDIAN, HOUR_S, STRANGER, Scene, Written, write},
    script::{Ask, Deed},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    Ok([done()?, later()?, refused()?, failing()?].into_iter().flatten().collect())
}

fn proposed(s: &mut Scene, admins: usize, needed: u8) -> Result<u64> {
    s.council(admins)?;
    s.rules(needed, &[])?;
    s.waiting("alice", vec![meta(1)])
}

fn done() -> Result<Vec<Written>> {
    Ok(vec![
        write("the last approval carries out", "two of two, no delay", |s| {
            let seq = proposed(s, 2, 2)?;
            s.ok("bob", both(seq, vec![meta(1)]), "Approved Queued Rev Executed")?;
            s.head([5, 3, 3, 2, 2, 1, 0b11]);
            s.no("bob", execute(seq, vec![meta(1)]), Code::E41)
        })?,
        write("three of five change the members in three calls", "propose, approve, both", |s| {
            s.council(5)?;
            s.rules(3, &[])?;
            let batch = || vec![members(MEMBERS, 0x20)];
            let seq = s.waiting("erin", batch())?;
            s.ok("bob", approve(seq, batch()), "Approved")?;
            s.ok("dave", both(seq, batch()), "Approved Queued Rev Executed")
        })?,
        write("an approval to spare carries out what is due", "queued, the delay over", |s| {
            s.council(3)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            s.ok("bob", approve(seq, vec![app(1)]), "Approved Queued")?;
            s.at(s.now_s() + HOUR_S);
            s.ok("carol", both(seq, vec![app(1)]), "Approved Rev Executed")
        })?,
    ])
}

fn later() -> Result<Vec<Written>> {
    Ok(vec![
        write("an approval that leaves some missing carries nothing out", "two of three", |s| {
            let seq = proposed(s, 3, 3)?;
            s.ok("bob", both(seq, vec![meta(1)]), "Approved")?;
            s.ok("carol", both(seq, vec![meta(1)]), "Approved Queued Rev Executed")
        })?,
        write("the last approval only queues where there is a delay", "one hour", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            s.ok("bob", both(seq, vec![app(1)]), "Approved Queued")?;
            let queued_s = s.now_s();
            s.at(queued_s + HOUR_S - 1);
            s.no("bob", execute(seq, vec![app(1)]), Code::E42)?;
            s.ok("bob", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
        write(
            "while a raised threshold asks for more it only approves",
            "one was enough when it was queued, three are asked now",
            |s| {
                s.council(3)?;
                let seq = s.queued("alice", vec![meta(1)])?;
                s.act("alice", vec![threshold(3)])?;
                s.ok("bob", both(seq, vec![meta(1)]), "Approved")?;
                s.no("bob", execute(seq, vec![meta(1)]), Code::E46)?;
                s.ok("carol", both(seq, vec![meta(1)]), "Approved Rev Executed")
            },
        )?,
    ])
}

fn refused() -> Result<Vec<Written>> {
    let yes = |seq| both(seq, vec![meta(1)]);
    Ok(vec![
        write("nothing is approved and done where no record is", "E10", |s| {
            s.no("alice", yes(1), Code::E10)
        })?,
        write("nothing closed is approved and done", "E20", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no("bob", yes(seq + 1), Code::E20)?;
            s.ok("alice", Ask::Cancel { seq }, "Canceled")?;
            s.no("bob", yes(seq), Code::E20)
        })?,
        write("nothing expired is approved and done", "E21", |s| {
            let seq = proposed(s, 3, 2)?;
            s.at(s.week_s());
            s.no("bob", yes(seq), Code::E21)
        })?,
        write("other actions are not approved and done", "E22, not E40", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no("bob", both(seq, vec![meta(2)]), Code::E22)
        })?,
        write("a stranger does not approve and do", "E23", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no(STRANGER, yes(seq), Code::E23)
        })?,
        write("a newcomer does not approve and do", "E24", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600), threshold(2)])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", yes(seq), Code::E24)
        })?,
        write("who approved does not approve and do", "E25, though it is due", |s| {
            s.council(2)?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.no("alice", yes(seq), Code::E25)
        })?,
    ])
}

fn failing() -> Result<Vec<Written>> {
    Ok(vec![
        write("an approval falls with the batch that it carries out", "E57: not approved", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let stale = || vec![meta(1), members(0x99, 0x20)];
            let seq = s.waiting("alice", stale())?;
            s.no("bob", both(seq, stale()), Code::E57)?;
            s.no("bob", execute(seq, stale()), Code::E41)?;
            s.ok("bob", approve(seq, stale()), "Approved Queued")
        })?,
        write("an approval falls with a freeze", "E44: not approved", |s| {
            let seq = proposed(s, 2, 2)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
            let frozen_s = s.now_s();
            s.no("bob", both(seq, vec![meta(1)]), Code::E44)?;
            s.at(frozen_s + 60);
            s.ok("bob", both(seq, vec![meta(1)]), "Approved Queued Rev Executed")
        })?,
        write(
            "a freeze does not stop an approval that leaves some missing",
            "two of three",
            |s| {
                let seq = proposed(s, 3, 3)?;
                s.ok(GUARDIAN, Ask::Freeze { secs: 60 }, "Rev")?;
                s.ok("bob", both(seq, vec![meta(1)]), "Approved")
            },
        )?,
        write("the last approval may dissolve", "and nothing comes after", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", vec![Deed::Dissolve])?;
            s.ok("bob", both(seq, vec![Deed::Dissolve]), "Approved Queued Rev Executed")?;
            s.head([5, 3, 3, 2, 2, 2, 0b11]);
            s.no("bob", both(seq, vec![Deed::Dissolve]), Code::E10)
        })?,
    ])
}

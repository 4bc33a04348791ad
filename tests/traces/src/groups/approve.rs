//! T2: who approves, until when, and when that is enough.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{app, approve, execute, h, meta, nominate, propose, remove, threshold},
    scene::{GUARDIAN, HOUR_S, STRANGER, Scene, Written, write},
    script::{Ask, Deed, What},
};

const BATCH: u8 = 1;

pub(super) fn traces() -> Result<Vec<Written>> {
    Ok([enough()?, open()?, who()?, when()?, order()?].into_iter().flatten().collect())
}

/// `admins` seated, `needed` must approve, and alice proposed; the proposal's number.
fn proposed(s: &mut Scene, admins: usize, needed: u8) -> Result<u64> {
    s.council(admins)?;
    s.rules(needed, &[])?;
    s.waiting("alice", vec![meta(BATCH)])
}

fn yes(seq: u64) -> Ask {
    approve(seq, vec![meta(BATCH)])
}

fn enough() -> Result<Vec<Written>> {
    Ok(vec![
        write("the last approval that is needed queues", "two of three", |s| {
            let seq = proposed(s, 3, 2)?;
            s.ok("bob", yes(seq), "Approved Queued")?;
            s.ok(STRANGER, execute(seq, vec![meta(BATCH)]), "Rev Executed")
        })?,
        write(
            "an approval that leaves some missing does not queue",
            "two of three needed 3",
            |s| {
                let seq = proposed(s, 3, 3)?;
                s.ok("carol", yes(seq), "Approved")?;
                s.no("carol", execute(seq, vec![meta(BATCH)]), Code::E41)?;
                s.ok("bob", yes(seq), "Approved Queued")
            },
        )?,
        write("a queued proposal takes more approvals", "it is not queued again", |s| {
            let seq = proposed(s, 3, 2)?;
            s.ok("bob", yes(seq), "Approved Queued")?;
            s.ok("carol", yes(seq), "Approved")
        })?,
        write("one approval more than is needed is not needed", "threshold 1", |s| {
            s.council(2)?;
            let seq = s.queued("alice", vec![meta(BATCH)])?;
            s.ok("bob", yes(seq), "Approved")
        })?,
        write("the delay begins with the last approval", "not with the proposal", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            s.at(s.now_s() + 2 * HOUR_S);
            s.ok("bob", approve(seq, vec![app(1)]), "Approved Queued")?;
            let queued_s = s.now_s();
            s.at(queued_s + HOUR_S - 1);
            s.no("bob", execute(seq, vec![app(1)]), Code::E42)?;
            s.ok("bob", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
        write("as many are needed as were asked when it was made", "a lowered threshold", |s| {
            let seq = proposed(s, 3, 3)?;
            let lower = s.waiting("alice", vec![threshold(1)])?;
            s.ok("bob", approve(lower, vec![threshold(1)]), "Approved")?;
            s.ok("carol", approve(lower, vec![threshold(1)]), "Approved Queued")?;
            s.ok("carol", execute(lower, vec![threshold(1)]), "Rev Executed")?;
            s.ok("bob", yes(seq), "Approved")?;
            s.ok("carol", yes(seq), "Approved Queued")
        })?,
        write("as many are needed as are asked now", "a raised threshold", |s| {
            let seq = proposed(s, 3, 2)?;
            let raise = s.waiting("alice", vec![threshold(3)])?;
            s.ok("bob", approve(raise, vec![threshold(3)]), "Approved Queued")?;
            s.ok("bob", execute(raise, vec![threshold(3)]), "Rev Executed")?;
            s.ok("bob", yes(seq), "Approved")?;
            s.ok("carol", yes(seq), "Approved Queued")
        })?,
    ])
}

fn open() -> Result<Vec<Written>> {
    let closed = |name: &str, summary: &str, close: fn(&mut Scene, u64) -> Result<()>| {
        write(name, summary, |s| {
            let seq = proposed(s, 3, 2)?;
            close(s, seq)?;
            s.no("carol", yes(seq), Code::E20)
        })
    };
    Ok(vec![
        write("nothing is approved where no record is", "E10", |s| {
            s.no("alice", yes(1), Code::E10)
        })?,
        write("nothing is approved once the record is dissolved", "E10, though it is open", |s| {
            s.council(2)?;
            let seq = s.queued("alice", vec![meta(BATCH)])?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("bob", yes(seq), Code::E10)
        })?,
        write("what was never proposed is not approved", "E20 for 0 and for the next", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no("bob", yes(0), Code::E20)?;
            s.no("bob", yes(seq + 1), Code::E20)?;
            s.no("bob", yes(u64::MAX), Code::E20)
        })?,
        closed("what was executed is not approved", "it is closed: E20", |s, seq| {
            s.ok("bob", yes(seq), "Approved Queued")?;
            s.ok("bob", execute(seq, vec![meta(BATCH)]), "Rev Executed")
        })?,
        closed("what was withdrawn is not approved", "it is closed: E20", |s, seq| {
            s.ok("alice", Ask::Cancel { seq }, "Canceled")
        })?,
        closed("what was vetoed is not approved", "it is closed: E20", |s, seq| {
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
        closed("what expired and was freed is not approved", "it is closed: E20", |s, seq| {
            s.at(s.week_s() + 1);
            s.ok(STRANGER, Ask::Expire { seq }, "Expired")
        })?,
        write("an act that was done at once is not approved", "it never was open: E20", |s| {
            s.council(2)?;
            s.act("alice", vec![meta(BATCH)])?;
            s.no("bob", yes(2), Code::E20)
        })?,
    ])
}

fn who() -> Result<Vec<Written>> {
    Ok(vec![
        write("a stranger approves nothing", "E23", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no(STRANGER, yes(seq), Code::E23)
        })?,
        write("the guardian approves nothing", "E23", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no(GUARDIAN, yes(seq), Code::E23)
        })?,
        write("who lost its seat approves nothing", "E23", |s| {
            let seq = proposed(s, 3, 2)?;
            s.ok("carol", Ask::Renounce, "Rev")?;
            s.no("carol", yes(seq), Code::E23)
        })?,
        write("who came after the proposal does not approve it", "E24; a later one, yes", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600), threshold(2)])?;
            let seq = s.waiting("alice", vec![meta(BATCH)])?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", yes(seq), Code::E24)?;
            let later = s.waiting("alice", vec![meta(BATCH)])?;
            s.ok("carol", yes(later), "Approved Queued")
        })?,
        write("who came back after the proposal does not approve it", "E24", |s| {
            s.council(3)?;
            s.act("alice", vec![threshold(3)])?;
            let seq = s.waiting("alice", vec![meta(BATCH)])?;
            let swap = || vec![remove("carol"), nominate("carol", 3600), threshold(2)];
            let swapping = s.waiting("alice", swap())?;
            s.ok("bob", approve(swapping, swap()), "Approved")?;
            s.ok("carol", approve(swapping, swap()), "Approved Queued")?;
            s.ok("alice", execute(swapping, swap()), "Rev Rev Rev Executed")?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", yes(seq), Code::E24)?;
            s.ok("bob", yes(seq), "Approved")?;
            s.no("bob", execute(seq, vec![meta(BATCH)]), Code::E41)
        })?,
        write("an approval is given once", "E25", |s| {
            let seq = proposed(s, 3, 3)?;
            s.ok("bob", yes(seq), "Approved")?;
            s.no("bob", yes(seq), Code::E25)
        })?,
        write("a proposer has approved already", "E25", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no("alice", yes(seq), Code::E25)
        })?,
    ])
}

fn when() -> Result<Vec<Written>> {
    Ok(vec![
        write(
            "it is too late to approve a second after the expiry",
            "E21; not in its second",
            |s| {
                let seq = proposed(s, 3, 3)?;
                let expiry_s = s.week_s() - 1;
                s.at(expiry_s - 1);
                s.ok("bob", yes(seq), "Approved")?;
                s.no("dave", yes(seq), Code::E23)?;
                s.no("carol", yes(seq), Code::E21)
            },
        )?,
        write("the last approval in the expiry's second queues", "without a delay", |s| {
            let seq = proposed(s, 2, 2)?;
            s.at(s.week_s() - 1);
            s.ok("bob", yes(seq), "Approved Queued")?;
            s.no("bob", execute(seq, vec![meta(BATCH)]), Code::E43)
        })?,
        write("an approval must leave time for the delay", "E21 one second too late", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            let expiry_s = s.week_s() - 1;
            s.at(expiry_s - HOUR_S + 1);
            s.no("bob", approve(seq, vec![app(1)]), Code::E21)
        })?,
        write("an approval may leave just the time for the delay", "eta is the expiry", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            let expiry_s = s.week_s() - 1;
            s.at(expiry_s - HOUR_S);
            s.ok("bob", approve(seq, vec![app(1)]), "Approved Queued")?;
            s.at(expiry_s);
            s.ok("bob", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
        write(
            "an approval that is not the last may come late",
            "the delay is not looked at",
            |s| {
                s.council(3)?;
                s.rules(3, &[(1, 3600)])?;
                let seq = s.waiting("alice", vec![app(1)])?;
                s.at(s.week_s() - 2);
                s.ok("bob", approve(seq, vec![app(1)]), "Approved")?;
                s.no("carol", approve(seq, vec![app(1)]), Code::E21)
            },
        )?,
    ])
}

fn order() -> Result<Vec<Written>> {
    let wrong = |seq| Ask::Approve { seq, what: What::Hash { actions_hash: h(0xee) } };
    Ok(vec![
        write("other actions are not approved", "E22", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no("bob", approve(seq, vec![meta(2)]), Code::E22)?;
            s.no("bob", wrong(seq), Code::E22)?;
            s.no("bob", Ask::Approve { seq, what: What::Hash { actions_hash: h(0) } }, Code::E22)
        })?,
        write("that it is open is looked at before all but the record", "20 before 23", |s| {
            s.council(2)?;
            s.no(STRANGER, wrong(9), Code::E20)
        })?,
        write("that it expired is looked at before what it does", "21 before 22, 23", |s| {
            let seq = proposed(s, 3, 2)?;
            s.at(s.week_s());
            s.no(STRANGER, wrong(seq), Code::E21)
        })?,
        write("what it does is looked at before who approves", "22 before 23, 24, 25", |s| {
            let seq = proposed(s, 3, 2)?;
            s.no(STRANGER, wrong(seq), Code::E22)?;
            s.no("alice", wrong(seq), Code::E22)
        })?,
        write("since when one sits is looked at before its bit", "24 before 25", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600)])?;
            // Bob's bit is set; carol takes his seat.
            s.ok("bob", propose(vec![meta(BATCH)], s.week_s()), "Proposed Queued")?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", yes(3), Code::E24)?;
            s.no("carol", execute(3, vec![meta(BATCH)]), Code::E46)?;
            s.ok("alice", yes(3), "Approved")?;
            s.ok("carol", execute(3, vec![meta(BATCH)]), "Rev Executed")
        })?,
    ])
}

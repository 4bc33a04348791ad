//! T3: to take an approval back.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{app, approve, execute, meta, nominate, threshold},
    scene::{DAY_S, GUARDIAN, HOUR_S, STRANGER, Scene, Written, write},
    script::{Ask, Deed},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    Ok([back()?, refused()?].into_iter().flatten().collect())
}

fn proposed(s: &mut Scene, admins: usize, needed: u8) -> Result<u64> {
    s.council(admins)?;
    s.rules(needed, &[])?;
    s.waiting("alice", vec![meta(1)])
}

fn back() -> Result<Vec<Written>> {
    let yes = |seq| approve(seq, vec![meta(1)]);
    Ok(vec![
        write("an approval taken back does not count", "and may be given again", |s| {
            let seq = proposed(s, 3, 3)?;
            s.ok("bob", yes(seq), "Approved")?;
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            s.ok("carol", yes(seq), "Approved")?;
            s.no("carol", execute(seq, vec![meta(1)]), Code::E41)?;
            s.ok("bob", yes(seq), "Approved Queued")
        })?,
        write("too few approvals unqueue", "it waits again: E41", |s| {
            let seq = proposed(s, 2, 2)?;
            s.ok("bob", yes(seq), "Approved Queued")?;
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            s.no("bob", execute(seq, vec![meta(1)]), Code::E41)
        })?,
        write("enough approvals stay queued", "three approved, two are needed", |s| {
            let seq = proposed(s, 3, 2)?;
            s.ok("bob", yes(seq), "Approved Queued")?;
            s.ok("carol", yes(seq), "Approved")?;
            s.ok("alice", Ask::Unapprove { seq }, "Unapproved")?;
            s.ok(STRANGER, execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("what is queued again waits its whole delay again", "from the last approval", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            s.ok("bob", approve(seq, vec![app(1)]), "Approved Queued")?;
            s.at(s.now_s() + HOUR_S - 2);
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            s.ok("bob", approve(seq, vec![app(1)]), "Approved Queued")?;
            let queued_s = s.now_s();
            s.at(queued_s + HOUR_S - 1);
            s.no("bob", execute(seq, vec![app(1)]), Code::E42)?;
            s.ok("bob", execute(seq, vec![app(1)]), "Rev Executed")
        })?,
        write("a proposer may take its approval back", "the proposal stays open", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.ok("alice", Ask::Unapprove { seq }, "Unapproved")?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E41)?;
            s.ok("alice", yes(seq), "Approved Queued")?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")
        })?,
        write("an approval is taken back after the expiry too", "nothing keeps it", |s| {
            let seq = proposed(s, 2, 2)?;
            s.at(s.now_s() + 8 * DAY_S);
            s.ok("alice", Ask::Unapprove { seq }, "Unapproved")
        })?,
        write("an approval is taken back while frozen", "a freeze does not stop it", |s| {
            let seq = proposed(s, 2, 2)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 3600 }, "Rev")?;
            s.ok("alice", Ask::Unapprove { seq }, "Unapproved")
        })?,
        write("taking one back unqueues what a raised threshold made too few", "E41", |s| {
            s.council(3)?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.ok("bob", yes(seq), "Approved")?;
            s.act("alice", vec![threshold(2)])?;
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            s.no("bob", execute(seq, vec![meta(1)]), Code::E41)?;
            s.ok("carol", yes(seq), "Approved Queued")
        })?,
    ])
}

fn refused() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is taken back where no record is", "E10", |s| {
            s.no("alice", Ask::Unapprove { seq: 1 }, Code::E10)
        })?,
        write("nothing is taken back from a dissolved record", "E10", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("alice", Ask::Unapprove { seq }, Code::E10)
        })?,
        write("nothing is taken back from a closed proposal", "E20", |s| {
            let seq = proposed(s, 2, 2)?;
            s.no("alice", Ask::Unapprove { seq: seq + 1 }, Code::E20)?;
            s.ok("alice", Ask::Cancel { seq }, "Canceled")?;
            s.no("alice", Ask::Unapprove { seq }, Code::E20)
        })?,
        write("who did not approve takes nothing back", "E27, a second time as well", |s| {
            let seq = proposed(s, 3, 3)?;
            s.no("bob", Ask::Unapprove { seq }, Code::E27)?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            s.no("bob", Ask::Unapprove { seq }, Code::E27)
        })?,
        write("a stranger takes nothing back", "E27", |s| {
            let seq = proposed(s, 2, 2)?;
            s.no(STRANGER, Ask::Unapprove { seq }, Code::E27)
        })?,
        write("who lost its seat takes nothing back", "E27: it does not count any more", |s| {
            let seq = proposed(s, 3, 2)?;
            s.ok("alice", Ask::Renounce, "Rev")?;
            s.no("alice", Ask::Unapprove { seq }, Code::E27)
        })?,
        write("who took a seat over takes nothing back", "the bit is not its own: E27", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600)])?;
            let seq = s.queued("bob", vec![meta(1)])?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", Ask::Unapprove { seq }, Code::E27)
        })?,
        write("who came back takes nothing back", "a break ends an approval: E27", |s| {
            s.council(2)?;
            let seq = s.queued("bob", vec![meta(1)])?;
            s.ok("bob", Ask::Renounce, "Rev")?;
            s.act("alice", vec![nominate("bob", 3600)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("bob", Ask::Unapprove { seq }, Code::E27)?;
            s.no("bob", approve(seq, vec![meta(1)]), Code::E24)
        })?,
    ])
}

//! T4, T5 and T7: how proposals end without being done.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{app, approve, execute, guardian, meta, nominate, remove, terms},
    scene::{DAY_S, GUARDIAN, STRANGER, Scene, Written, write},
    script::{Ask, Deed, Terms},
};

fn one(s: &mut Scene, admins: usize) -> Result<u64> {
    s.council(admins)?;
    s.queued("alice", vec![meta(1)])
}

/// T4.
pub(super) fn cancel() -> Result<Vec<Written>> {
    Ok([withdrawn()?, still_withdrawn()?].into_iter().flatten().collect())
}

fn withdrawn() -> Result<Vec<Written>> {
    Ok(vec![
        write("a proposer withdraws its proposal", "it is closed", |s| {
            let seq = one(s, 1)?;
            s.ok("alice", Ask::Cancel { seq }, "Canceled")?;
            s.no("alice", Ask::Cancel { seq }, Code::E20)?;
            s.no("alice", execute(seq, vec![meta(1)]), Code::E41)?;
            s.head([1, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("nothing is withdrawn where no record is", "nothing is open: E20", |s| {
            s.no("alice", Ask::Cancel { seq: 1 }, Code::E20)
        })?,
        write("what was never proposed is not withdrawn", "E20", |s| {
            let seq = one(s, 1)?;
            s.no("alice", Ask::Cancel { seq: seq + 1 }, Code::E20)
        })?,
        write("another admin does not withdraw it", "its proposer is there: E30", |s| {
            let seq = one(s, 2)?;
            s.no("bob", Ask::Cancel { seq }, Code::E30)
        })?,
        write("neither guardian nor stranger withdraws it", "E30", |s| {
            let seq = one(s, 2)?;
            s.no(GUARDIAN, Ask::Cancel { seq }, Code::E30)?;
            s.no(STRANGER, Ask::Cancel { seq }, Code::E30)
        })?,
        write(
            "any admin withdraws what a former admin proposed",
            "a stranger does not: E30",
            |s| {
                s.council(3)?;
                let seq = s.queued("carol", vec![meta(1)])?;
                s.ok("carol", Ask::Renounce, "Rev")?;
                s.no(STRANGER, Ask::Cancel { seq }, Code::E30)?;
                s.ok("bob", Ask::Cancel { seq }, "Canceled")
            },
        )?,
        write("a former admin withdraws its own proposal", "it made it", |s| {
            s.council(2)?;
            let seq = s.queued("bob", vec![meta(1)])?;
            s.act("alice", vec![remove("bob")])?;
            s.ok("bob", Ask::Cancel { seq }, "Canceled")
        })?,
        write("who came back has its proposals for itself again", "E30 for others", |s| {
            s.council(2)?;
            let seq = s.queued("bob", vec![meta(1)])?;
            s.act("alice", vec![remove("bob"), nominate("bob", 3600)])?;
            s.ok("bob", Ask::AcceptAdmin, "Rev")?;
            s.no("alice", Ask::Cancel { seq }, Code::E30)?;
            s.ok("bob", Ask::Cancel { seq }, "Canceled")
        })?,
    ])
}

/// Whatever else is the matter.
fn still_withdrawn() -> Result<Vec<Written>> {
    Ok(vec![
        write("a proposal is withdrawn while frozen", "a freeze does not stop it", |s| {
            let seq = one(s, 1)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 3600 }, "Rev")?;
            s.ok("alice", Ask::Cancel { seq }, "Canceled")
        })?,
        write(
            "a proposal of a dissolved record is withdrawn",
            "what it left is cleared up",
            |s| {
                let seq = one(s, 1)?;
                s.act("alice", vec![Deed::Dissolve])?;
                s.ok("alice", Ask::Cancel { seq }, "Canceled")
            },
        )?,
        write("a proposal is withdrawn after its expiry", "or freed by anybody", |s| {
            let seq = one(s, 1)?;
            s.at(s.now_s() + 8 * DAY_S);
            s.ok("alice", Ask::Cancel { seq }, "Canceled")
        })?,
    ])
}

/// T5.
pub(super) fn veto() -> Result<Vec<Written>> {
    Ok([vetoed()?, exempt()?].into_iter().flatten().collect())
}

fn vetoed() -> Result<Vec<Written>> {
    Ok(vec![
        write("the guardian vetoes", "what is queued as well as what waits", |s| {
            s.council(2)?;
            let queued = s.queued("alice", vec![app(1)])?;
            s.ok(GUARDIAN, Ask::Veto { seq: queued }, "Vetoed")?;
            s.no("alice", execute(queued, vec![app(1)]), Code::E41)?;
            s.rules(2, &[])?;
            let waiting = s.waiting("alice", vec![app(1)])?;
            s.ok(GUARDIAN, Ask::Veto { seq: waiting }, "Vetoed")?;
            s.no("bob", approve(waiting, vec![app(1)]), Code::E20)
        })?,
        write("nothing is vetoed where no record is", "nothing is open: E20", |s| {
            s.no(GUARDIAN, Ask::Veto { seq: 1 }, Code::E20)
        })?,
        write("nothing closed is vetoed", "E20, before who asks", |s| {
            let seq = one(s, 1)?;
            s.ok("alice", execute(seq, vec![meta(1)]), "Rev Executed")?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E20)?;
            s.no(STRANGER, Ask::Veto { seq }, Code::E20)
        })?,
        write("nobody else vetoes", "neither admin nor stranger: E31", |s| {
            let seq = one(s, 2)?;
            s.no("alice", Ask::Veto { seq }, Code::E31)?;
            s.no("bob", Ask::Veto { seq }, Code::E31)?;
            s.no(STRANGER, Ask::Veto { seq }, Code::E31)
        })?,
        write("where no guardian is nobody vetoes", "E31", |s| {
            s.create_with(Terms { guardian: None, ..terms() })?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)
        })?,
        write("a former guardian does not veto, its successor does", "at once: E31", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.act("alice", vec![guardian(Some("dave"))])?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)?;
            s.ok("dave", Ask::Veto { seq }, "Vetoed")
        })?,
        write("the guardian vetoes while frozen", "a freeze does not stop it", |s| {
            let seq = one(s, 1)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 3600 }, "Rev")?;
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
        write("a proposal of a dissolved record is vetoed", "what it left is cleared up", |s| {
            let seq = one(s, 1)?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
    ])
}

fn exempt() -> Result<Vec<Written>> {
    let other = || vec![guardian(Some("dave"))];
    Ok(vec![
        write("a guardian does not veto its successor if all admins want it", "E31", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", other())?;
            s.ok("bob", approve(seq, other()), "Approved Queued")?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)?;
            s.ok("bob", execute(seq, other()), "Rev Executed")
        })?,
        write("a guardian vetoes a successor that not all admins want", "two of three", |s| {
            s.council(3)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", other())?;
            s.ok("bob", approve(seq, other()), "Approved Queued")?;
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
        write("an only admin is all admins", "its own proposal is enough: E31", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![guardian(None)])?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)
        })?,
        write("whatever else a batch does, if it sets the guardian", "all want it: E31", |s| {
            s.create()?;
            let seq = s.queued("alice", vec![app(1), guardian(Some("dave")), meta(1)])?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)
        })?,
        write("all admins may not keep a guardian from other vetoes", "no guardian is set", |s| {
            s.council(2)?;
            let seq = s.queued("alice", vec![app(1)])?;
            s.ok("bob", approve(seq, vec![app(1)]), "Approved")?;
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
        write("an approval taken back lets the guardian veto", "not all want it any more", |s| {
            s.council(2)?;
            let seq = s.queued("alice", other())?;
            s.ok("bob", approve(seq, other()), "Approved")?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)?;
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
        write("a newcomer lets the guardian veto", "it did not approve, and cannot", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600)])?;
            let seq = s.queued("alice", other())?;
            s.ok("bob", approve(seq, other()), "Approved")?;
            s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            s.no("carol", approve(seq, other()), Code::E24)?;
            s.ok(GUARDIAN, Ask::Veto { seq }, "Vetoed")
        })?,
        write(
            "who left does not count among all admins",
            "the one who stays wants it: E31",
            |s| {
                s.council(2)?;
                let seq = s.queued("alice", other())?;
                s.ok("bob", Ask::Renounce, "Rev")?;
                s.no(GUARDIAN, Ask::Veto { seq }, Code::E31)
            },
        )?,
    ])
}

/// T7.
pub(super) fn expire() -> Result<Vec<Written>> {
    Ok(vec![
        write("anybody frees what ran out", "one second after its expiry; E48 until then", |s| {
            let seq = one(s, 1)?;
            let expiry_s = s.week_s() - 1;
            s.no(STRANGER, Ask::Expire { seq }, Code::E48)?;
            s.at(expiry_s - 1);
            s.no(STRANGER, Ask::Expire { seq }, Code::E48)?;
            s.no(STRANGER, Ask::Expire { seq }, Code::E48)?;
            s.ok(STRANGER, Ask::Expire { seq }, "Expired")?;
            s.no(STRANGER, Ask::Expire { seq }, Code::E20)?;
            s.head([1, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("nothing runs out where no record is", "nothing is open: E20", |s| {
            s.no(STRANGER, Ask::Expire { seq: 1 }, Code::E20)
        })?,
        write("what waits runs out as well", "queued or not", |s| {
            s.council(2)?;
            s.rules(2, &[])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            s.at(s.week_s());
            s.ok(STRANGER, Ask::Expire { seq }, "Expired")
        })?,
        write("what a dissolved record left runs out", "what it left is cleared up", |s| {
            let seq = one(s, 1)?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no(STRANGER, Ask::Expire { seq }, Code::E48)?;
            s.at(s.now_s() + 8 * DAY_S);
            s.ok(STRANGER, Ask::Expire { seq }, "Expired")
        })?,
        write("what ran out is freed while frozen", "a freeze does not stop it", |s| {
            let seq = one(s, 1)?;
            s.at(s.now_s() + 8 * DAY_S);
            s.ok(GUARDIAN, Ask::Freeze { secs: 3600 }, "Rev")?;
            s.ok(STRANGER, Ask::Expire { seq }, "Expired")
        })?,
    ])
}

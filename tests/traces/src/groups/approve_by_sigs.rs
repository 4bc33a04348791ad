//! T2b: approvals by signature, which Ethereum alone has.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{app, approve, by, execute, h, meta, nominate, threshold},
    scene::{DAY_S, HOUR_S, STRANGER, Scene, Written, admin, write},
    script::{Ask, Deed, Elsewhere, Flaw, Hex, Over, Signature, Signed, What},
};

pub(super) fn traces() -> Result<Vec<Written>> {
    let parts = [enough()?, refused()?, lists()?, signers()?, forged()?, withdrawn()?];
    Ok(parts.into_iter().flatten().collect())
}

fn proposed(s: &mut Scene, admins: usize, needed: u8) -> Result<u64> {
    s.council(admins)?;
    s.rules(needed, &[])?;
    s.waiting("alice", vec![meta(1)])
}

fn what() -> What {
    What::Actions { actions: vec![meta(1)] }
}

/// Approvals in this order, with a deadline in a day.
fn signed(s: &Scene, seq: u64, approvals: Vec<Signed>) -> Ask {
    Ask::ApproveBySigs { seq, what: what(), deadline_s: s.next_s() + DAY_S, approvals }
}

fn own(name: &str) -> Signed {
    Signed { signer: name.to_owned(), signature: by(name) }
}

/// Their own signatures, in the order of their addresses.
fn sigs(s: &mut Scene, seq: u64, names: &[&str]) -> Result<Ask> {
    let approvals = s.ascending(names)?.into_iter().map(own).collect();
    Ok(signed(s, seq, approvals))
}

fn enough() -> Result<Vec<Written>> {
    Ok(vec![
        write(
            "anybody brings two signatures",
            "two approve; with the proposer that is three",
            |s| {
                let seq = proposed(s, 3, 3)?;
                let ask = sigs(s, seq, &["bob", "carol"])?;
                s.ok(STRANGER, ask, "Approved Approved Queued")?;
                s.ok(STRANGER, execute(seq, vec![meta(1)]), "Rev Executed")
            },
        )?,
        write("one signature is a list", "it queues", |s| {
            let seq = proposed(s, 2, 2)?;
            let ask = sigs(s, seq, &["bob"])?;
            s.ok(STRANGER, ask, "Approved Queued")
        })?,
        write("signatures beyond the last that is needed are taken", "queued in between", |s| {
            let seq = proposed(s, 4, 2)?;
            let ask = sigs(s, seq, &["bob", "carol", "dave"])?;
            s.ok(STRANGER, ask, "Approved Queued Approved Approved")
        })?,
        write("too few signatures do not queue", "two of four", |s| {
            let seq = proposed(s, 4, 4)?;
            let ask = sigs(s, seq, &["bob"])?;
            s.ok(STRANGER, ask, "Approved")?;
            s.ok("carol", approve(seq, vec![meta(1)]), "Approved")?;
            let ask = sigs(s, seq, &["dave"])?;
            s.ok(STRANGER, ask, "Approved Queued")
        })?,
        write("a signature holds in its deadline's second", "not one later: E26", |s| {
            let seq = proposed(s, 3, 3)?;
            let with = |name: &str, deadline_s| {
                let approvals = vec![own(name)];
                Ask::ApproveBySigs { seq, what: what(), deadline_s, approvals }
            };
            s.ok(STRANGER, with("bob", s.next_s()), "Approved")?;
            s.no(STRANGER, with("carol", s.next_s() - 1), Code::E26)?;
            s.ok(STRANGER, with("carol", u64::MAX), "Approved Queued")
        })?,
        write("all 31 others sign at once", "with the proposer 32, the most there are", |s| {
            s.council(32)?;
            s.rules(32, &[])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            let names: Vec<String> = (1..32).map(admin).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let ask = sigs(s, seq, &names)?;
            s.ok(STRANGER, ask, &("Approved ".repeat(31) + "Queued"))
        })?,
    ])
}

fn refused() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is signed where no record is", "E10", |s| {
            let ask = sigs(s, 1, &["bob"])?;
            s.no(STRANGER, ask, Code::E10)
        })?,
        write("nothing is signed for a dissolved record", "E10", |s| {
            s.council(2)?;
            let seq = s.queued("alice", vec![meta(1)])?;
            s.act("alice", vec![Deed::Dissolve])?;
            let ask = sigs(s, seq, &["bob"])?;
            s.no(STRANGER, ask, Code::E10)
        })?,
        write("nothing closed is signed", "20 before 26", |s| {
            let seq = proposed(s, 2, 2)?;
            let empty = signed(s, seq + 1, Vec::new());
            s.no(STRANGER, empty, Code::E20)
        })?,
        write("nothing expired is signed", "21 before 26", |s| {
            let seq = proposed(s, 2, 2)?;
            s.at(s.week_s());
            let empty = signed(s, seq, Vec::new());
            s.no(STRANGER, empty, Code::E21)
        })?,
        write("other actions are not signed", "22 before 26", |s| {
            let seq = proposed(s, 2, 2)?;
            let what = What::Actions { actions: vec![meta(2)] };
            let ask = Ask::ApproveBySigs { seq, what, deadline_s: 0, approvals: Vec::new() };
            s.no(STRANGER, ask, Code::E22)
        })?,
        write("signatures must leave time for the delay", "E21: nobody has approved", |s| {
            s.council(2)?;
            s.rules(2, &[(1, 3600)])?;
            let seq = s.waiting("alice", vec![app(1)])?;
            let expiry_s = s.week_s() - 1;
            s.at(expiry_s - HOUR_S + 1);
            let what = What::Actions { actions: vec![app(1)] };
            let (deadline_s, approvals) = (expiry_s, vec![own("bob")]);
            s.no(STRANGER, Ask::ApproveBySigs { seq, what, deadline_s, approvals }, Code::E21)
        })?,
    ])
}

fn lists() -> Result<Vec<Written>> {
    Ok(vec![
        write("no signatures are no approval", "at least one: E26", |s| {
            let seq = proposed(s, 2, 2)?;
            let ask = signed(s, seq, Vec::new());
            s.no(STRANGER, ask, Code::E26)
        })?,
        write("33 signatures are too many", "looked at before any of them: E26, not E23", |s| {
            let seq = proposed(s, 2, 2)?;
            let names: Vec<String> = (0..33).map(|n| format!("stranger-{n:02}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let ask = sigs(s, seq, &names)?;
            s.no(STRANGER, ask, Code::E26)?;
            let ask = sigs(s, seq, &names[..32])?;
            s.no(STRANGER, ask, Code::E23)
        })?,
        write("signers stand in ascending order", "E26", |s| {
            let seq = proposed(s, 3, 3)?;
            let mut names = s.ascending(&["bob", "carol"])?;
            names.reverse();
            let ask = signed(s, seq, names.into_iter().map(own).collect());
            s.no(STRANGER, ask, Code::E26)?;
            let ask = sigs(s, seq, &["bob", "carol"])?;
            s.ok(STRANGER, ask, "Approved Approved Queued")
        })?,
        write("nobody signs twice", "strictly ascending: E26, not E25", |s| {
            let seq = proposed(s, 3, 3)?;
            let ask = signed(s, seq, vec![own("bob"), own("bob")]);
            s.no(STRANGER, ask, Code::E26)
        })?,
        write("one bad signature undoes the good ones", "all or none", |s| {
            let seq = proposed(s, 3, 3)?;
            let names = s.ascending(&["bob", "carol"])?;
            let bad = Signed { signer: names[1].to_owned(), signature: by(STRANGER) };
            let ask = signed(s, seq, vec![own(names[0]), bad]);
            s.no(STRANGER, ask, Code::E26)?;
            s.ok(names[0], approve(seq, vec![meta(1)]), "Approved")
        })?,
        write("a list of a stranger and an admin approves nothing", "E23: all or none", |s| {
            let seq = proposed(s, 3, 3)?;
            let ask = sigs(s, seq, &["bob", STRANGER])?;
            s.no(STRANGER, ask, Code::E23)?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved")
        })?,
    ])
}

fn signers() -> Result<Vec<Written>> {
    Ok(vec![
        write("a stranger's signature does not approve", "E23", |s| {
            let seq = proposed(s, 2, 2)?;
            let ask = sigs(s, seq, &[STRANGER])?;
            s.no("bob", ask, Code::E23)
        })?,
        write("a newcomer's signature does not approve", "E24", |s| {
            s.council(2)?;
            s.act("alice", vec![nominate("carol", 3600), threshold(2)])?;
            let seq = s.waiting("alice", vec![meta(1)])?;
            s.ok("carol", Ask::AcceptAdmin, "Rev")?;
            let ask = sigs(s, seq, &["carol"])?;
            s.no(STRANGER, ask, Code::E24)
        })?,
        write("a proposer's signature does not approve again", "E25", |s| {
            let seq = proposed(s, 2, 2)?;
            let ask = sigs(s, seq, &["alice"])?;
            s.no(STRANGER, ask, Code::E25)
        })?,
        write("a signature is not used twice", "E25", |s| {
            let seq = proposed(s, 3, 3)?;
            let ask = sigs(s, seq, &["bob"])?;
            s.ok(STRANGER, ask.clone(), "Approved")?;
            s.no(STRANGER, ask, Code::E25)
        })?,
        write(
            "who signed may take it back, who called may not sign",
            "E25, then unapproved",
            |s| {
                let seq = proposed(s, 3, 3)?;
                s.ok("bob", approve(seq, vec![meta(1)]), "Approved")?;
                let ask = sigs(s, seq, &["bob"])?;
                s.no(STRANGER, ask, Code::E25)?;
                let ask = sigs(s, seq, &["carol"])?;
                s.ok(STRANGER, ask, "Approved Queued")?;
                s.ok("carol", Ask::Unapprove { seq }, "Unapproved")
            },
        )?,
        write("who signs is looked at before the signature", "23, 24 and 25 before 26", |s| {
            let seq = proposed(s, 2, 2)?;
            let nothing = |name: &str| {
                let signature = Signature::Bytes(Hex::of([]));
                vec![Signed { signer: name.to_owned(), signature }]
            };
            s.no("bob", signed(s, seq, nothing(STRANGER)), Code::E23)?;
            s.no("bob", signed(s, seq, nothing("alice")), Code::E25)?;
            s.no("bob", signed(s, seq, nothing("bob")), Code::E26)
        })?,
    ])
}

fn forged() -> Result<Vec<Written>> {
    let bad = |name: &str, signature: fn(u64) -> Signature| {
        write(name, "it does not hold: E26; a good one does", |s| {
            let seq = proposed(s, 2, 2)?;
            let one = Signed { signer: "bob".to_owned(), signature: signature(seq) };
            let ask = signed(s, seq, vec![one]);
            s.no(STRANGER, ask, Code::E26)?;
            let ask = sigs(s, seq, &["bob"])?;
            s.ok(STRANGER, ask, "Approved Queued")
        })
    };
    Ok(vec![
        bad("another's signature is not one's own", |_| by("alice"))?,
        bad("an empty signature does not hold", |_| Signature::Bytes(Hex::of([])))?,
        bad("a signature of zeros does not hold", |_| Signature::Bytes(Hex::of([0; 65])))?,
        bad("a high s does not hold", |_| flawed(Flaw::HighS))?,
        bad("a bare parity does not hold", |_| flawed(Flaw::BareParity))?,
        bad("a signature of 64 bytes does not hold", |_| flawed(Flaw::Short))?,
        bad("a signature for another proposal does not hold", |seq| {
            over(Over { seq: Some(seq - 1), ..Over::default() })
        })?,
        bad("a signature for other actions does not hold", |_| {
            over(Over { actions_hash: Some(h(0xee)), ..Over::default() })
        })?,
        bad("a signature with another deadline does not hold", |_| {
            over(Over { deadline_s: Some(u64::MAX), ..Over::default() })
        })?,
        bad("a signature for another chain does not hold", |_| elsewhere(Elsewhere::OtherChain))?,
        bad("a signature for another registry does not hold", |_| {
            elsewhere(Elsewhere::OtherRegistry)
        })?,
        bad("a signature for another record does not hold", |_| {
            elsewhere(Elsewhere::OtherContext)
        })?,
    ])
}

fn flawed(flaw: Flaw) -> Signature {
    Signature::By { by: "bob".to_owned(), over: None, flaw: Some(flaw) }
}

fn over(over: Over) -> Signature {
    Signature::By { by: "bob".to_owned(), over: Some(Box::new(over)), flaw: None }
}

fn elsewhere(place: Elsewhere) -> Signature {
    over(Over { place: Some(place), ..Over::default() })
}

fn withdrawn() -> Result<Vec<Written>> {
    Ok(vec![
        write(
            "a signature does not bring back what was taken back",
            "E26; its own call does",
            |s| {
                let seq = proposed(s, 2, 2)?;
                let ask = sigs(s, seq, &["bob"])?;
                s.ok(STRANGER, ask.clone(), "Approved Queued")?;
                s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
                s.no(STRANGER, ask, Code::E26)?;
                s.no(STRANGER, execute(seq, vec![meta(1)]), Code::E41)?;
                s.ok("bob", approve(seq, vec![meta(1)]), "Approved Queued")
            },
        )?,
        write("a new signature does not bring it back either", "E26 with another deadline", |s| {
            let seq = proposed(s, 2, 2)?;
            s.ok("bob", approve(seq, vec![meta(1)]), "Approved Queued")?;
            s.ok("bob", Ask::Unapprove { seq }, "Unapproved")?;
            let ask = sigs(s, seq, &["bob"])?;
            s.no("bob", ask, Code::E26)
        })?,
        write(
            "what a proposer took back is not brought back",
            "E26 for alice, not for bob",
            |s| {
                let seq = proposed(s, 3, 2)?;
                s.ok("alice", Ask::Unapprove { seq }, "Unapproved")?;
                let ask = sigs(s, seq, &["alice"])?;
                s.no(STRANGER, ask, Code::E26)?;
                let ask = sigs(s, seq, &["bob", "carol"])?;
                s.ok(STRANGER, ask, "Approved Approved Queued")
            },
        )?,
    ])
}

//! How grave each action is, and so how long it waits.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{
        MEMBERS, app, caps, delay, execute, guardian, h, invites, members, meta, nominate, remove,
        threshold, zero,
    },
    scene::{Scene, Written, write},
    script::{Ask, Deed},
};

/// Seconds of delay per class: routine, app, admin, root.
const DELAYS_S: [u32; 4] = [100, 200, 300, 400];
const ALL: [(u8, u32); 4] =
    [(0, DELAYS_S[0]), (1, DELAYS_S[1]), (2, DELAYS_S[2]), (3, DELAYS_S[3])];

pub(super) fn traces() -> Result<Vec<Written>> {
    let mut written = Vec::new();
    let to_invites = || invites(zero(), h(0x1b));
    for (what, deed, class) in [
        ("nominating beside others", nominate("dave", 3600), 2),
        ("removing an admin", remove("carol"), 2),
        ("setting the threshold", threshold(2), 2),
        ("setting a delay", delay(0, 500), 3),
        ("setting the members root", members(MEMBERS, 0x20), 0),
        ("setting the application", app(1), 1),
        ("setting the invite root", to_invites(), 0),
        ("setting capabilities", caps(0x0e, 7), 1),
        ("setting the guardian", guardian(Some("dave")), 3),
        ("dissolving", Deed::Dissolve, 3),
        ("setting the description", meta(1), 0),
    ] {
        let name = format!("{what} waits the delay of class {class}");
        written.push(write(&name, "executed in the second of its eta, not before", |s| {
            s.council(3)?;
            s.rules(1, &ALL)?;
            waits(s, vec![deed.clone()], class)
        })?);
    }
    written.push(write("nominating is routine for an only admin", "class 0", |s| {
        s.create()?;
        s.rules(1, &ALL)?;
        waits(s, vec![nominate("bob", 3600)], 0)
    })?);
    written.push(write("a class stays what it was when proposed", "others came since", |s| {
        s.create()?;
        s.act("alice", vec![nominate("bob", 3600)])?;
        s.rules(1, &ALL)?;
        let seq = s.queued("alice", vec![nominate("carol", 3600)])?;
        let proposed_s = s.now_s();
        s.ok("bob", Ask::AcceptAdmin, "Rev")?;
        s.at(proposed_s + u64::from(DELAYS_S[0]));
        s.ok("bob", execute(seq, vec![nominate("carol", 3600)]), "Rev Executed")
    })?);
    for (name, deeds, class) in [
        ("a batch of routine and app waits as app", vec![meta(1), app(1)], 1),
        ("a batch of admin and routine waits as admin", vec![threshold(1), meta(1)], 2),
        ("a batch of all classes waits as root", vec![app(1), delay(0, 500), threshold(1)], 3),
    ] {
        written.push(write(name, "the gravest action decides", |s| {
            s.council(3)?;
            s.rules(1, &ALL)?;
            waits(s, deeds.clone(), class)
        })?);
    }
    Ok(written)
}

fn waits(s: &mut Scene, deeds: Vec<Deed>, class: usize) -> Result<()> {
    let seq = s.queued("alice", deeds.clone())?;
    let eta_s = s.now_s() + u64::from(DELAYS_S[class]);
    s.at(eta_s - 1);
    s.no("alice", execute(seq, deeds.clone()), Code::E42)?;
    let events = "Rev ".repeat(deeds.len()) + "Executed";
    s.ok("alice", execute(seq, deeds), &events)
}

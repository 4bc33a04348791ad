//! T12: invitations that are used up on chain.

use anyhow::Result;
use governance::anchor::Code;
use types::{Hash, keccak256_concat};

use crate::{
    asks::{by, h, invites, terms, zero},
    scene::{DAY_S, GUARDIAN, STRANGER, Scene, Written, write},
    script::{Ask, Deed, Elsewhere, Flaw, Hex, Invite, Over, Signature, Terms},
    stage,
};

/// The key in the link.
const LINK: &str = "link";

pub(super) fn traces() -> Result<Vec<Written>> {
    let parts = [used()?, proofs()?, refused()?, forged()?, order()?];
    Ok(parts.into_iter().flatten().collect())
}

/// For two, until an hour after the record was made.
fn invite(s: &mut Scene) -> Result<Invite> {
    let expiry_s = crate::cast::START_S + 3600;
    Ok(Invite { key: s.link(LINK)?, expiry_s, role: 1, uses: 2 })
}

fn leaf(invite: &Invite) -> Result<Hash> {
    Ok(stage::invite_of(invite)?.leaf())
}

/// A record whose invite root is over this invitation and so many others on its path.
fn invited(s: &mut Scene, depth: u8) -> Result<(Invite, Vec<Hex>)> {
    s.create()?;
    let invite = invite(s)?;
    let (root, proof) = path(&leaf(&invite)?, depth);
    s.act("alice", vec![invites(zero(), root)])?;
    Ok((invite, proof))
}

/// The root over `leaf` and `depth` siblings: sorted pairs.
fn path(leaf: &Hash, depth: u8) -> (Hex, Vec<Hex>) {
    let siblings: Vec<Hash> = (0..depth).map(|n| Hash::from_bytes([n * 7 + 3; 32])).collect();
    let root = siblings.iter().fold(*leaf, |node, sibling| {
        let (low, high) = if node <= *sibling { (node, *sibling) } else { (*sibling, node) };
        keccak256_concat(&[low.as_bytes(), high.as_bytes()])
    });
    let proof = siblings.iter().map(|sibling| Hex::of(sibling.as_bytes())).collect();
    (Hex::of(root.as_bytes()), proof)
}

/// Claims use `use_number` for a member key of 32 bytes.
fn claim(invite: &Invite, use_number: u32, proof: &[Hex], signature: Signature) -> Ask {
    let (invite, proof) = (invite.clone(), proof.to_vec());
    Ask::ClaimInvite { key: h(4), invite, use_number, proof, signature }
}

fn used() -> Result<Vec<Written>> {
    Ok(vec![
        write("an invitation is used up", "by whom its key let; no revision", |s| {
            let (invite, proof) = invited(s, 0)?;
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")?;
            s.head([2, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("each use serves once", "whoever comes: E74", |s| {
            let (invite, proof) = invited(s, 2)?;
            s.ok("bob", claim(&invite, 1, &proof, by(LINK)), "Claimed")?;
            s.no("bob", claim(&invite, 1, &proof, by(LINK)), Code::E74)?;
            s.no("carol", claim(&invite, 1, &proof, by(LINK)), Code::E74)?;
            s.ok("carol", claim(&invite, 0, &proof, by(LINK)), "Claimed")?;
            s.no("dave", claim(&invite, 0, &proof, by(LINK)), Code::E74)
        })?,
        write("a use that is used up stays so under another root", "it is the leaf's: E74", |s| {
            let (invite, proof) = invited(s, 0)?;
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")?;
            let leaf = leaf(&invite)?;
            let (root, proof) = path(&leaf, 3);
            s.act("alice", vec![invites(Hex::of(leaf.as_bytes()), root)])?;
            s.no("bob", claim(&invite, 0, &proof, by(LINK)), Code::E74)?;
            s.ok("bob", claim(&invite, 1, &proof, by(LINK)), "Claimed")
        })?,
        write("an invitation holds in its expiry's second", "not one later: E72", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.at(invite.expiry_s);
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")?;
            s.no("carol", claim(&invite, 1, &proof, by(LINK)), Code::E72)
        })?,
        write("invitations are used while frozen", "a freeze does not stop them", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.ok(GUARDIAN, Ask::Freeze { secs: 600 }, "Rev")?;
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")
        })?,
        write("a member key may have 1 to 96 bytes", "none or 97: E73", |s| {
            let (invite, proof) = invited(s, 1)?;
            let ask = |len: usize, use_number| Ask::ClaimInvite {
                key: Hex::of(vec![4; len]),
                invite: invite.clone(),
                use_number,
                proof: proof.clone(),
                signature: by(LINK),
            };
            s.no("bob", ask(0, 0), Code::E73)?;
            s.no("bob", ask(97, 0), Code::E73)?;
            s.ok("bob", ask(1, 0), "Claimed")?;
            s.ok("bob", ask(96, 1), "Claimed")
        })?,
    ])
}

fn proofs() -> Result<Vec<Written>> {
    let mut written = Vec::new();
    for (depth, holds) in [(0, true), (1, true), (32, true), (33, false)] {
        let word = if holds { "holds" } else { "does not hold" };
        let name = format!("an invite proof of {depth} steps {word}");
        written.push(write(&name, "at most 32: E71", |s| {
            let (invite, proof) = invited(s, depth)?;
            let ask = claim(&invite, 0, &proof, by(LINK));
            if holds { s.ok("bob", ask, "Claimed") } else { s.no("bob", ask, Code::E71) }
        })?);
    }
    written.push(write("another proof does not lead to the root", "E71", |s| {
        let (invite, proof) = invited(s, 3)?;
        for wrong in [&proof[1..], &proof[..2], &[], &[h(1), h(2), h(3)]] {
            s.no("bob", claim(&invite, 0, wrong, by(LINK)), Code::E71)?;
        }
        s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")
    })?);
    written.push(write("pairs are sorted", "siblings on either side", |s| {
        s.create()?;
        let invite = invite(s)?;
        let leaf = leaf(&invite)?;
        let (low, high) = (h(0), h(0xff));
        let pair = |a: &Hash, b: &Hash| keccak256_concat(&[a.as_bytes(), b.as_bytes()]);
        let left = pair(&Hash::ZERO, &leaf);
        let root = pair(&left, &Hash::from_bytes([0xff; 32]));
        s.act("alice", vec![invites(zero(), Hex::of(root.as_bytes()))])?;
        s.ok("bob", claim(&invite, 0, &[low, high], by(LINK)), "Claimed")
    })?);
    written.push(write("every field of an invitation is under the root", "E71", |s| {
        let (invite, proof) = invited(s, 2)?;
        let other = s.link("other link")?;
        for changed in [
            Invite { key: other, ..invite.clone() },
            Invite { expiry_s: invite.expiry_s + 1, ..invite.clone() },
            Invite { role: 2, ..invite.clone() },
            Invite { uses: 3, ..invite.clone() },
        ] {
            s.no("bob", claim(&changed, 0, &proof, by(LINK)), Code::E71)?;
        }
        s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")
    })?);
    Ok(written)
}

fn refused() -> Result<Vec<Written>> {
    Ok(vec![
        write("nothing is claimed where no record is", "E10", |s| {
            let invite = invite(s)?;
            s.no("bob", claim(&invite, 0, &[], by(LINK)), Code::E10)
        })?,
        write("nothing is claimed from a dissolved record", "E10", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("bob", claim(&invite, 0, &proof, by(LINK)), Code::E10)
        })?,
        write("a record without claims takes none", "E70", |s| {
            s.create_with(Terms { flags: 0, ..terms() })?;
            let invite = invite(s)?;
            let root = Hex::of(leaf(&invite)?.as_bytes());
            s.act("alice", vec![invites(zero(), root)])?;
            s.no("bob", claim(&invite, 0, &[], by(LINK)), Code::E70)
        })?,
        write("nothing is under no root", "E71", |s| {
            s.create()?;
            let invite = invite(s)?;
            s.no("bob", claim(&invite, 0, &[], by(LINK)), Code::E71)
        })?,
        write("an invitation that was taken back is none", "another root: E71", |s| {
            let (invite, proof) = invited(s, 1)?;
            let (root, _) = path(&leaf(&invite)?, 1);
            s.act("alice", vec![invites(root, zero())])?;
            s.no("bob", claim(&invite, 0, &proof, by(LINK)), Code::E71)
        })?,
        write("an invitation has so many uses", "they count from 0: E71", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.no("bob", claim(&invite, 2, &proof, by(LINK)), Code::E71)?;
            s.no("bob", claim(&invite, u32::MAX, &proof, by(LINK)), Code::E71)?;
            s.ok("bob", claim(&invite, 1, &proof, by(LINK)), "Claimed")
        })?,
        write("an invitation of no uses has none", "E71", |s| {
            s.create()?;
            let invite = Invite { uses: 0, ..invite(s)? };
            let root = Hex::of(leaf(&invite)?.as_bytes());
            s.act("alice", vec![invites(zero(), root)])?;
            s.no("bob", claim(&invite, 0, &[], by(LINK)), Code::E71)
        })?,
    ])
}

fn forged() -> Result<Vec<Written>> {
    let bad = |name: &str, signature: Signature| {
        write(name, "the invite key did not sign this: E73; then it does", |s| {
            let (invite, proof) = invited(s, 2)?;
            s.link("other link")?;
            s.no("bob", claim(&invite, 0, &proof, signature.clone()), Code::E73)?;
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")
        })
    };
    let over =
        |over: Over| Signature::By { by: LINK.to_owned(), over: Some(Box::new(over)), flaw: None };
    let elsewhere = |place| over(Over { place: Some(place), ..Over::default() });
    let flaw = |flaw| Signature::By { by: LINK.to_owned(), over: None, flaw: Some(flaw) };
    Ok(vec![
        bad(
            "a claim is its caller's alone",
            over(Over { account: Some(STRANGER.to_owned()), ..Over::default() }),
        )?,
        bad("a claim is for its key alone", over(Over { key: Some(h(5)), ..Over::default() }))?,
        bad("another link's key does not claim", by("other link"))?,
        bad("the caller's own key does not claim", by("bob"))?,
        bad("a claim of another chain does not hold", elsewhere(Elsewhere::OtherChain))?,
        bad("a claim of another registry does not hold", elsewhere(Elsewhere::OtherRegistry))?,
        bad("a claim of another record does not hold", elsewhere(Elsewhere::OtherContext))?,
        bad("a claim with a high s does not hold", flaw(Flaw::HighS))?,
        bad("a claim with a bare parity does not hold", flaw(Flaw::BareParity))?,
        bad("a claim of 64 bytes does not hold", flaw(Flaw::Short))?,
        bad("an empty claim does not hold", Signature::Bytes(Hex::of([])))?,
    ])
}

fn order() -> Result<Vec<Written>> {
    let nothing = || Signature::Bytes(Hex::of([]));
    Ok(vec![
        write("whether there are claims is looked at before the root", "70 before 71", |s| {
            s.create_with(Terms { flags: 0, ..terms() })?;
            let invite = invite(s)?;
            s.no("bob", claim(&invite, 9, &[h(1)], nothing()), Code::E70)
        })?,
        write("the root is looked at before the expiry", "71 before 72", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.at(invite.expiry_s + DAY_S);
            s.no("bob", claim(&invite, 9, &proof, nothing()), Code::E71)?;
            s.no("bob", claim(&invite, 0, &proof, nothing()), Code::E72)
        })?,
        write("the expiry is looked at before the use", "72 before 74", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")?;
            s.at(invite.expiry_s + 1);
            s.no("bob", claim(&invite, 0, &proof, by(LINK)), Code::E72)
        })?,
        write("the use is looked at before the signature", "74 before 73", |s| {
            let (invite, proof) = invited(s, 1)?;
            s.ok("bob", claim(&invite, 0, &proof, by(LINK)), "Claimed")?;
            s.no("bob", claim(&invite, 0, &proof, nothing()), Code::E74)?;
            s.no("bob", claim(&invite, 1, &proof, nothing()), Code::E73)
        })?,
    ])
}

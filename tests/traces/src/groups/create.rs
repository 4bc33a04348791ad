//! T0: who makes a record, on which terms.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{create, h, terms, zero},
    scene::{GUARDIAN, Written, write},
    script::{Deed, Terms},
};

const MONTH_S: u32 = 30 * 24 * 60 * 60;

pub(super) fn traces() -> Result<Vec<Written>> {
    Ok([made()?, once()?, bounds()?].into_iter().flatten().collect())
}

fn made() -> Result<Vec<Written>> {
    let with = |name: &str, summary: &str, terms: Terms| {
        write(name, summary, |s| {
            s.create_with(terms)?;
            s.head([1, 1, 0, 1, 1, 1, 0b1]);
            Ok(())
        })
    };
    let base = terms();
    Ok(vec![
        with(
            "a record begins with its creator as the only admin",
            "create makes revision 1; the caller takes seat 0 and the threshold is 1",
            base.clone(),
        )?,
        with(
            "a record may have no claims",
            "flags 0 is legal, and stands in the head",
            Terms { flags: 0, ..base.clone() },
        )?,
        with(
            "a record may have no guardian",
            "a guardian of length 0 is none",
            Terms { guardian: None, ..base.clone() },
        )?,
        with(
            "the creator may be the guardian",
            "nothing keeps the two apart",
            Terms { guardian: Some("alice".to_owned()), ..base.clone() },
        )?,
        with(
            "a record may begin without members",
            "a zero root and a zero count are legal",
            Terms { members_root: zero(), members_count: 0, ..base.clone() },
        )?,
        with(
            "a count of members has 32 bits",
            "the largest count is legal",
            Terms { members_count: u32::MAX, ..base.clone() },
        )?,
        with(
            "terms of zeros are legal",
            "application, root and context are not looked at",
            Terms { app: zero(), members_root: zero(), context: zero(), ..base },
        )?,
    ])
}

fn once() -> Result<Vec<Written>> {
    Ok(vec![
        write("a record is made once", "the same creator and salt: E01", |s| {
            s.create()?;
            s.no("alice", create(terms()), Code::E01)?;
            s.head([1, 1, 0, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("that a record exists is looked at before its terms", "01 stands before 03", |s| {
            s.create()?;
            let illegal = Terms { flags: 2, delays_s: [u32::MAX; 4], ..terms() };
            s.no("alice", create(illegal), Code::E01)
        })?,
        write("a dissolved record still exists", "its id is never free again: E01", |s| {
            s.create()?;
            s.act("alice", vec![Deed::Dissolve])?;
            s.no("alice", create(terms()), Code::E01)?;
            s.head([2, 1, 1, 1, 1, 2, 0b1]);
            Ok(())
        })?,
    ])
}

fn bounds() -> Result<Vec<Written>> {
    let mut written = vec![
        write("every delay may be 30 days", "that is the longest", |s| {
            s.create_with(Terms { delays_s: [MONTH_S; 4], ..terms() })
        })?,
        write("a delay has an upper bound", "the largest number is refused: E03", |s| {
            s.no("alice", create(Terms { delays_s: [0, 0, 0, u32::MAX], ..terms() }), Code::E03)?;
            s.create()
        })?,
        write("a refused record is not made", "nothing is there, so it can be made", |s| {
            s.no("alice", create(Terms { flags: 0xff, ..terms() }), Code::E03)?;
            s.create_with(Terms { app: h(1), guardian: Some(GUARDIAN.to_owned()), ..terms() })?;
            s.head([1, 1, 0, 1, 1, 1, 0b1]);
            Ok(())
        })?,
    ];
    for (class, word) in ["routine", "app", "admin", "root"].into_iter().enumerate() {
        let name = format!("a {word} delay of 30 days and a second is refused");
        written.push(write(&name, "a delay is at most 30 days: E03", |s| {
            let mut delays_s = [0; 4];
            delays_s[class] = MONTH_S + 1;
            s.no("alice", create(Terms { delays_s, ..terms() }), Code::E03)
        })?);
    }
    for flags in [2, 3, 0x80] {
        let name = format!("flags {flags:#04x} are refused");
        written.push(write(&name, "only bit 0 has a meaning: E03", |s| {
            s.no("alice", create(Terms { flags, ..terms() }), Code::E03)
        })?);
    }
    Ok(written)
}

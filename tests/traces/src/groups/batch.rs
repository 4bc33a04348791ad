//! The encoding of batches: what is malformed, what is reserved, what is just small enough.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks::{Part, act_raw, execute, execute_raw, meta, propose, propose_raw},
    scene::{Written, write},
    script::Deed,
};

/// SetMeta of 32 times the byte 1.
fn meta_bytes() -> Vec<u8> {
    [&[0x10, 0, 32][..], &[1; 32]].concat()
}

/// An action of this kind with this payload.
fn tlv(kind: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    [&[kind][..], &len.to_be_bytes(), payload].concat()
}

pub(super) fn traces() -> Result<Vec<Written>> {
    let mut written = malformed()?;
    written.extend(payloads()?);
    written.extend(reserved()?);
    written.extend(bounds()?);
    Ok(written)
}

/// Proposing and acting on these bytes is refused, and the next proposal has number 1.
fn refused(name: &str, summary: &str, bytes: &[u8], code: Code) -> Result<Written> {
    write(name, summary, |s| {
        s.create()?;
        s.no("alice", propose_raw(bytes, s.week_s()), code)?;
        s.no("alice", act_raw(bytes, s.week_s()), code)?;
        s.queued("alice", vec![meta(1)])?;
        s.head([1, 1, 1, 1, 1, 1, 0b1]);
        Ok(())
    })
}

fn malformed() -> Result<Vec<Written>> {
    let meta = meta_bytes();
    let e16 = |name: &str, bytes: &[u8]| refused(name, "malformed: E16", bytes, Code::E16);
    Ok(vec![
        e16("no bytes are no batch", &[])?,
        e16("a batch is not cut in a header", &meta[..2])?,
        e16("a batch is not cut in a payload", &meta[..34])?,
        e16("a batch has no byte after its last action", &[&meta[..], &[0]].concat())?,
        e16("a second header is not cut", &[&meta[..], &[0x0f, 0]].concat())?,
        e16("there is no kind 0", &tlv(0, &[]))?,
        e16("there is no kind 12", &tlv(0x12, &[]))?,
        e16("there is no kind ff", &tlv(0xff, &[]))?,
        e16("a revision that is no action is no action", &tlv(0x88, &[20; 21]))?,
        e16("a batch has at most 16 actions", &tlv(0x0f, &[]).repeat(17))?,
        e16("the 17th action is not read", &[meta.repeat(16), tlv(0x06, &[])].concat())?,
    ])
}

fn payloads() -> Result<Vec<Written>> {
    let e16 = |name: &str, bytes: &[u8]| {
        refused(name, "the payload is not exactly what its kind asks for: E16", bytes, Code::E16)
    };
    let account = |ttl: &[u8]| [&[20][..], &[9; 20], ttl].concat();
    let nobody = |ttl: &[u8]| [&[20][..], &[0; 20], ttl].concat();
    Ok(vec![
        e16("a nomination has a time", &tlv(0x01, &account(&[])))?,
        e16("a nomination has four bytes of time", &tlv(0x01, &account(&[0; 5])))?,
        e16("the zero account is not nominated", &tlv(0x01, &nobody(&[0, 0, 0, 9])))?,
        e16("nobody is not nominated", &tlv(0x01, &[0, 0, 0, 0, 9]))?,
        e16("the zero account is not removed", &tlv(0x02, &nobody(&[])))?,
        e16("nobody is not removed", &tlv(0x02, &[0]))?,
        e16("an account has at most 64 bytes", &tlv(0x02, &[&[65][..], &[9; 65]].concat()))?,
        e16("an account is not cut", &tlv(0x02, &account(&[])[..20]))?,
        e16("a threshold is one byte", &tlv(0x03, &[0, 1]))?,
        e16("a threshold is not left out", &tlv(0x03, &[]))?,
        e16("there is no class 4", &tlv(0x04, &[4, 0, 0, 0, 0]))?,
        e16("a delay has four bytes", &tlv(0x04, &[0, 0, 0, 0]))?,
        e16("a members root has four parts", &tlv(0x05, &[0; 68]))?,
        e16("an application has its migration", &tlv(0x08, &[0; 32]))?,
        e16("an invite root has its predecessor", &tlv(0x09, &[0; 32]))?,
        e16("capabilities have four bytes", &tlv(0x0a, &[0; 40]))?,
        e16("the zero account is no guardian", &tlv(0x0b, &nobody(&[])))?,
        e16("a guardian of no bytes at all is malformed", &tlv(0x0b, &[]))?,
        e16("no guardian is one byte", &tlv(0x0b, &[0, 0]))?,
        e16("to dissolve needs no payload", &tlv(0x0f, &[0]))?,
        e16("a description's hash has 32 bytes", &tlv(0x10, &[0; 31]))?,
    ])
}

fn reserved() -> Result<Vec<Written>> {
    let mut written = Vec::new();
    for (kind, what) in [
        (0x06, "adding one member"),
        (0x07, "removing one member"),
        (0x0c, "calling another contract"),
        (0x0d, "setting attesters"),
        (0x0e, "moving to another home"),
        (0x11, "cancelling a recovery"),
    ] {
        let name = format!("{what} is reserved");
        let summary = format!("kind {kind:02x} has a number and no meaning yet: E17");
        written.push(refused(&name, &summary, &tlv(kind, &[1, 2, 3]), Code::E17)?);
    }
    let both = |first: &[u8], second: &[u8]| [first, second].concat();
    written.push(refused(
        "a reserved action before a malformed one is E17",
        "a batch is read from its beginning",
        &both(&tlv(0x06, &[]), &tlv(0x12, &[])),
        Code::E17,
    )?);
    written.push(refused(
        "a malformed action before a reserved one is E16",
        "a batch is read from its beginning",
        &both(&tlv(0x12, &[]), &tlv(0x06, &[])),
        Code::E16,
    )?);
    written.push(refused(
        "a reserved action that is cut is E16",
        "its bytes are taken before its kind is looked at",
        &tlv(0x06, &[0; 9])[..8],
        Code::E16,
    )?);
    written.push(refused(
        "a legal action does not save a reserved one",
        "one reserved action is enough: E17",
        &both(&meta_bytes(), &tlv(0x11, &[])),
        Code::E17,
    )?);
    Ok(written)
}

fn bounds() -> Result<Vec<Written>> {
    Ok(vec![
        refused(
            "4096 bytes are not too many",
            "they are read, and hold a reserved action: E17",
            &tlv(0x06, &[0; 4093]),
            Code::E17,
        )?,
        refused(
            "4097 bytes are too many",
            "they are not read: E16",
            &tlv(0x06, &[0; 4094]),
            Code::E16,
        )?,
        write("a batch may have 16 actions", "each is a revision, in their order", |s| {
            s.create()?;
            let deeds: Vec<Deed> = (1..=16).map(meta).collect();
            s.ok("alice", propose(deeds.clone(), s.week_s()), "Proposed Queued")?;
            let events = ["Rev"; 16].join(" ") + " Executed";
            s.ok("alice", execute(1, deeds), &events)?;
            s.head([17, 1, 1, 1, 1, 1, 0b1]);
            Ok(())
        })?,
        write("bytes that are a batch are one", "they are what the actions encode to", |s| {
            s.create()?;
            s.ok("alice", propose_raw(meta_bytes(), s.week_s()), "Proposed Queued")?;
            s.ok("alice", execute(1, vec![meta(1)]), "Rev Executed")?;
            s.ok("alice", act_raw(meta_bytes(), s.week_s()), "Proposed Queued Rev Executed")
        })?,
        write("bytes that are no batch are other actions", "at execution: E40, E22", |s| {
            s.council(2)?;
            s.queued("alice", vec![meta(1)])?;
            for bytes in [&[][..], &meta_bytes()[..34], &tlv(0x06, &[])] {
                s.no("alice", execute_raw(Part::Execute, 2, bytes), Code::E40)?;
                s.no("bob", execute_raw(Part::Approve, 2, bytes), Code::E22)?;
            }
            s.ok("alice", execute_raw(Part::Execute, 2, &meta_bytes()), "Rev Executed")
        })?,
    ])
}

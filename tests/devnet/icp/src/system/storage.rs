//! Stable memory, certified data, and the certificate of it.

use wasmtime::{AsContextMut as _, Caller, Linker, Result};

use super::{CALLING, Stages, blob, charge, enter, memory, misuse, take};
use crate::host::{Host, Stage};

/// Most bytes of certified data.
const CERTIFIED_BYTES_MAX: u32 = 32;
const ANYWHERE: Stages = u16::MAX;
const CERTIFYING: Stages = CALLING | Stage::Init as u16 | Stage::PreUpgrade as u16;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap("ic0", "stable64_size", |mut caller: Caller<'_, Host>| -> Result<u64> {
        enter(&mut caller, "stable64_size", ANYWHERE)?;
        Ok(caller.data().stable.pages())
    })?;
    linker.func_wrap("ic0", "stable64_grow", |mut caller: Caller<'_, Host>, pages: u64| {
        enter(&mut caller, "stable64_grow", ANYWHERE)?;
        // As the specification says it: -1 if there is no room.
        Ok(caller.data_mut().stable.grow(pages).unwrap_or(u64::MAX))
    })?;
    linker.func_wrap("ic0", "stable64_write", write)?;
    linker.func_wrap("ic0", "stable64_read", read)?;
    narrow(linker)?;
    linker.func_wrap("ic0", "certified_data_set", certify)?;
    linker.func_wrap("ic0", "data_certificate_present", |mut caller: Caller<'_, Host>| {
        enter(&mut caller, "data_certificate_present", super::RUNNING)?;
        Ok(u32::from(caller.data().given.certificate.is_some()))
    })?;
    blob(linker, "data_certificate", Stage::Query as u16, |host| match &host.given.certificate {
        Some(certificate) => Ok(certificate.bytes()),
        None => misuse("there is no certificate"),
    })
}

/// The older functions, whose numbers have 32 bits.
fn narrow(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap("ic0", "stable_size", |mut caller: Caller<'_, Host>| -> Result<u32> {
        enter(&mut caller, "stable_size", ANYWHERE)?;
        let pages = caller.data().stable.pages();
        u32::try_from(pages).or_else(|_| misuse("the stable memory has too many pages"))
    })?;
    linker.func_wrap("ic0", "stable_grow", |mut caller: Caller<'_, Host>, pages: u32| {
        enter(&mut caller, "stable_grow", ANYWHERE)?;
        let stable = &mut caller.data_mut().stable;
        // As far as 32 bits reach.
        let room = stable.pages() + u64::from(pages) <= 65_536;
        let before = room.then(|| stable.grow(u64::from(pages))).flatten();
        Ok(before.and_then(|pages| u32::try_from(pages).ok()).unwrap_or(u32::MAX))
    })?;
    linker.func_wrap(
        "ic0",
        "stable_write",
        |caller: Caller<'_, Host>, offset: u32, src: u32, size: u32| {
            write(caller, u64::from(offset), u64::from(src), u64::from(size))
        },
    )?;
    linker.func_wrap(
        "ic0",
        "stable_read",
        |caller: Caller<'_, Host>, dst: u32, offset: u32, size: u32| {
            read(caller, u64::from(dst), u64::from(offset), u64::from(size))
        },
    )?;
    Ok(())
}

fn write(mut caller: Caller<'_, Host>, offset: u64, src: u64, size: u64) -> Result<()> {
    enter(&mut caller, "stable64_write", ANYWHERE)?;
    charge(&mut caller, size)?;
    let memory = memory(&caller)?;
    let (data, host) = memory.data_and_store_mut(caller.as_context_mut());
    let from = usize::try_from(src).ok().zip(usize::try_from(size).ok());
    let from = from.and_then(|(src, size)| data.get(src..)?.get(..size));
    match from.and_then(|from| host.stable.write(offset, from)) {
        Some(()) => Ok(()),
        None => misuse("the bytes lie outside of the memory or of the stable memory"),
    }
}

fn read(mut caller: Caller<'_, Host>, dst: u64, offset: u64, size: u64) -> Result<()> {
    enter(&mut caller, "stable64_read", ANYWHERE)?;
    charge(&mut caller, size)?;
    let memory = memory(&caller)?;
    let (data, host) = memory.data_and_store_mut(caller.as_context_mut());
    let to = usize::try_from(dst).ok().zip(usize::try_from(size).ok());
    let to = to.and_then(|(dst, size)| data.get_mut(dst..)?.get_mut(..size));
    match to.and_then(|to| host.stable.read(offset, to)) {
        Some(()) => Ok(()),
        None => misuse("the bytes lie outside of the memory or of the stable memory"),
    }
}

fn certify(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<()> {
    enter(&mut caller, "certified_data_set", CERTIFYING)?;
    if size > CERTIFIED_BYTES_MAX {
        return misuse(format!("certified data has at most {CERTIFIED_BYTES_MAX} bytes"));
    }
    let data = take(&mut caller, src, size)?;
    caller.data_mut().effects.certified_data = Some(data);
    Ok(())
}

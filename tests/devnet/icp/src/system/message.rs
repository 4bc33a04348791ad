//! The message, who sent it, and the answer to it.

use wasmtime::{Caller, Linker, Result};

use super::{ANSWERING, RUNNING, Stages, blob, enter, misuse, take, take_text};
use crate::host::{Host, Stage};

/// Most bytes of a reply.
const REPLY_BYTES_MAX: usize = 2 << 20;
const ARGUED: Stages =
    ANSWERING ^ Stage::Reject as u16 | Stage::Init as u16 | Stage::Inspect as u16;
const CALLED_BACK: Stages = Stage::Reply as u16 | Stage::Reject as u16 | Stage::Cleanup as u16;
const INFORMED: Stages = ANSWERING | Stage::Cleanup as u16 | Stage::Inspect as u16;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    blob(linker, "msg_arg_data", ARGUED, |host| Ok(&host.given.arg))?;
    blob(linker, "msg_caller", RUNNING, |host| Ok(&host.given.caller))?;
    // Nobody here comes with a canister's word about them.
    blob(linker, "msg_caller_info_data", INFORMED, |_| Ok(&[]))?;
    blob(linker, "msg_caller_info_signer", INFORMED, |_| Ok(&[]))?;
    blob(linker, "msg_method_name", Stage::Inspect as u16, |host| {
        Ok(host.given.method.as_bytes())
    })?;
    blob(linker, "msg_reject_msg", Stage::Reject as u16, |host| match &host.given.reject {
        Some((_, text)) => Ok(text.as_bytes()),
        None => misuse("the call was not rejected"),
    })?;
    linker.func_wrap("ic0", "msg_reject_code", |mut caller: Caller<'_, Host>| -> Result<u32> {
        enter(&mut caller, "msg_reject_code", CALLED_BACK)?;
        Ok(caller.data().given.reject.as_ref().map_or(0, |(code, _)| *code))
    })?;
    linker.func_wrap("ic0", "msg_deadline", |mut caller: Caller<'_, Host>| -> Result<u64> {
        enter(&mut caller, "msg_deadline", ANSWERING)?;
        Ok(caller.data().given.deadline_ns)
    })?;
    linker.func_wrap("ic0", "msg_reply_data_append", append)?;
    linker.func_wrap("ic0", "msg_reply", reply)?;
    linker.func_wrap("ic0", "msg_reject", reject)?;
    linker.func_wrap("ic0", "accept_message", accept)?;
    Ok(())
}

fn append(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<()> {
    enter(&mut caller, "msg_reply_data_append", ANSWERING)?;
    waited_for(&caller)?;
    let mut bytes = take(&mut caller, src, size)?;
    let reply = &mut caller.data_mut().effects.reply;
    if reply.len() + bytes.len() > REPLY_BYTES_MAX {
        return misuse(format!("a reply has at most {REPLY_BYTES_MAX} bytes"));
    }
    reply.append(&mut bytes);
    Ok(())
}

fn reply(mut caller: Caller<'_, Host>) -> Result<()> {
    enter(&mut caller, "msg_reply", ANSWERING)?;
    waited_for(&caller)?;
    let reply = std::mem::take(&mut caller.data_mut().effects.reply);
    respond(&mut caller, Ok(reply));
    Ok(())
}

fn reject(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<()> {
    enter(&mut caller, "msg_reject", ANSWERING)?;
    waited_for(&caller)?;
    let text = take_text(&mut caller, src, size)?;
    respond(&mut caller, Err(text));
    Ok(())
}

fn respond(caller: &mut Caller<'_, Host>, response: Result<Vec<u8>, String>) {
    let effects = &mut caller.data_mut().effects;
    effects.response = Some(response);
}

/// Whether an answer is still due.
fn waited_for(caller: &Caller<'_, Host>) -> Result<()> {
    let host = caller.data();
    if host.given.unanswered && host.effects.response.is_none() {
        return Ok(());
    }
    misuse("the call has been answered, or wants no answer")
}

fn accept(mut caller: Caller<'_, Host>) -> Result<()> {
    enter(&mut caller, "accept_message", Stage::Inspect as u16)?;
    if std::mem::replace(&mut caller.data_mut().effects.accepted, true) {
        return misuse("the message was accepted twice");
    }
    Ok(())
}

//! Calls of other canisters, put together piece by piece.

use candid::Principal;
use wasmtime::{Caller, Linker, Result};

use super::{CALLING, enter, misuse, take, take_text};
use crate::host::{Closure, Host, Outgoing};

/// Most bytes of an argument.
const ARG_BYTES_MAX: usize = 2 << 20;
/// Most calls of one execution.
const CALLS_MAX: usize = 500;
/// The longest bounded wait, in seconds; longer ones are cut to it.
const PATIENCE_S_MAX: u32 = 300;
/// What `call_perform` tells if there is no room for the call.
const NO_ROOM: u32 = 2;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap("ic0", "call_new", new)?;
    linker.func_wrap("ic0", "call_on_cleanup", on_cleanup)?;
    linker.func_wrap("ic0", "call_data_append", append)?;
    linker.func_wrap("ic0", "call_with_best_effort_response", bounded_wait)?;
    linker.func_wrap("ic0", "call_cycles_add", |caller: Caller<'_, Host>, amount: u64| {
        add_cycles(caller, 0, amount)
    })?;
    linker.func_wrap("ic0", "call_cycles_add128", add_cycles)?;
    linker.func_wrap("ic0", "call_perform", perform)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the specification gives the function these")]
fn new(
    mut caller: Caller<'_, Host>,
    callee_src: u32,
    callee_size: u32,
    name_src: u32,
    name_size: u32,
    reply_function: u32,
    reply_environment: u32,
    reject_function: u32,
    reject_environment: u32,
) -> Result<()> {
    enter(&mut caller, "call_new", CALLING)?;
    let callee = take(&mut caller, callee_src, callee_size)?;
    let Ok(callee) = Principal::try_from_slice(&callee) else {
        return misuse("the callee is no principal");
    };
    let method = take_text(&mut caller, name_src, name_size)?;
    abandon(&mut caller);
    caller.data_mut().effects.building = Some(Outgoing {
        callee,
        method,
        arg: Vec::new(),
        cycles: 0,
        patience_s: None,
        reply: Closure { function: reply_function, environment: reply_environment },
        reject: Closure { function: reject_function, environment: reject_environment },
        cleanup: None,
    });
    Ok(())
}

fn on_cleanup(mut caller: Caller<'_, Host>, function: u32, environment: u32) -> Result<()> {
    enter(&mut caller, "call_on_cleanup", CALLING)?;
    let call = building(&mut caller)?;
    if call.cleanup.replace(Closure { function, environment }).is_some() {
        return misuse("the call has two cleanups");
    }
    Ok(())
}

fn append(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<()> {
    enter(&mut caller, "call_data_append", CALLING)?;
    let mut bytes = take(&mut caller, src, size)?;
    let call = building(&mut caller)?;
    if call.arg.len() + bytes.len() > ARG_BYTES_MAX {
        return misuse(format!("an argument has at most {ARG_BYTES_MAX} bytes"));
    }
    call.arg.append(&mut bytes);
    Ok(())
}

fn bounded_wait(mut caller: Caller<'_, Host>, seconds: u32) -> Result<()> {
    enter(&mut caller, "call_with_best_effort_response", CALLING)?;
    let call = building(&mut caller)?;
    if call.patience_s.replace(seconds.min(PATIENCE_S_MAX)).is_some() {
        return misuse("the call has two timeouts");
    }
    Ok(())
}

fn add_cycles(mut caller: Caller<'_, Host>, high: u64, low: u64) -> Result<()> {
    enter(&mut caller, "call_cycles_add128", CALLING)?;
    let amount = u128::from(high) << 64 | u128::from(low);
    let Some(left) = caller.data().effects.balance.checked_sub(amount) else {
        return misuse("the canister has fewer cycles than it adds to the call");
    };
    let call = building(&mut caller)?;
    // Bounded by what the canister had.
    call.cycles = call.cycles.saturating_add(amount);
    caller.data_mut().effects.balance = left;
    Ok(())
}

fn perform(mut caller: Caller<'_, Host>) -> Result<u32> {
    enter(&mut caller, "call_perform", CALLING)?;
    building(&mut caller)?;
    if caller.data().effects.calls.len() >= CALLS_MAX {
        abandon(&mut caller);
        return Ok(NO_ROOM);
    }
    let effects = &mut caller.data_mut().effects;
    effects.calls.extend(effects.building.take());
    Ok(0)
}

fn building<'a>(caller: &'a mut Caller<'_, Host>) -> Result<&'a mut Outgoing> {
    let building = caller.data_mut().effects.building.as_mut();
    building.map_or_else(|| misuse("no call is being put together"), Ok)
}

/// Gives the cycles of a call that will not be made back.
fn abandon(caller: &mut Caller<'_, Host>) {
    let effects = &mut caller.data_mut().effects;
    if let Some(call) = effects.building.take() {
        effects.balance = effects.balance.saturating_add(call.cycles);
    }
}

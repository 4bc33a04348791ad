//! The canister itself, its subnet, the time, and what is said to whoever watches.

use candid::Principal;
use wasmtime::{Caller, Linker, Result};

use super::{CHANGING, CalledTrap, RUNNING, Stages, blob, enter, misuse, take};
use crate::host::{Host, Stage};

const ANYWHERE: Stages = u16::MAX;
const ROOTED: Stages = CHANGING | Stage::ReplicatedQuery as u16 | Stage::Cleanup as u16;
const TIMING: Stages = CHANGING | Stage::Cleanup as u16;
/// Bytes of what is printed that are kept of one call.
const PRINT_BYTES_MAX: u32 = 4096;
/// Prints that are kept of one execution.
const PRINTS_MAX: usize = 256;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    blob(linker, "canister_self", RUNNING, |host| Ok(&host.given.canister))?;
    blob(linker, "subnet_self", RUNNING, |host| Ok(&host.given.subnet))?;
    blob(linker, "root_key", ROOTED, |host| Ok(&host.given.root_key))?;
    number(linker, "subnet_self_node_count", RUNNING, |_| 1)?;
    number(linker, "canister_status", RUNNING, |host| host.given.status)?;
    number(linker, "env_var_count", RUNNING, |_| 0)?;
    number(linker, "in_replicated_execution", ANYWHERE, |host| {
        u32::from(!matches!(host.stage, Stage::Query | Stage::Inspect))
    })?;
    linker.func_wrap("ic0", "canister_version", |mut caller: Caller<'_, Host>| -> Result<u64> {
        enter(&mut caller, "canister_version", RUNNING)?;
        Ok(caller.data().given.version)
    })?;
    linker.func_wrap("ic0", "time", |mut caller: Caller<'_, Host>| -> Result<u64> {
        enter(&mut caller, "time", RUNNING)?;
        Ok(caller.data().given.time_ns)
    })?;
    linker.func_wrap("ic0", "global_timer_set", |mut caller: Caller<'_, Host>, time_ns: u64| {
        enter(&mut caller, "global_timer_set", TIMING)?;
        Ok(std::mem::replace(&mut caller.data_mut().effects.timer_ns, time_ns))
    })?;
    linker.func_wrap("ic0", "performance_counter", counter)?;
    linker.func_wrap("ic0", "is_controller", is_controller)?;
    linker.func_wrap("ic0", "env_var_name_exists", no_variable)?;
    linker.func_wrap("ic0", "debug_print", print)?;
    linker.func_wrap("ic0", "trap", trap)?;
    Ok(())
}

fn number(
    linker: &mut Linker<Host>,
    name: &'static str,
    stages: Stages,
    of: fn(&Host) -> u32,
) -> Result<()> {
    let tell = move |mut caller: Caller<'_, Host>| -> Result<u32> {
        enter(&mut caller, name, stages)?;
        Ok(of(caller.data()))
    };
    linker.func_wrap("ic0", name, tell)?;
    Ok(())
}

/// Instructions of this message, or of the whole call so far.
fn counter(mut caller: Caller<'_, Host>, kind: u32) -> Result<u64> {
    enter(&mut caller, "performance_counter", ANYWHERE)?;
    let given = &caller.data().given;
    let here = given.fuel.saturating_sub(caller.get_fuel()?);
    match kind {
        0 => Ok(here),
        1 => Ok(given.instructions.saturating_add(here)),
        _ => misuse("there is no such counter"),
    }
}

fn is_controller(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<u32> {
    enter(&mut caller, "is_controller", ANYWHERE)?;
    let id = take(&mut caller, src, size)?;
    let Ok(id) = Principal::try_from_slice(&id) else {
        return misuse("the bytes are no principal");
    };
    Ok(u32::from(caller.data().given.controllers.contains(&id)))
}

fn no_variable(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<u32> {
    enter(&mut caller, "env_var_name_exists", RUNNING)?;
    take(&mut caller, src, size)?;
    Ok(0)
}

fn print(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<()> {
    enter(&mut caller, "debug_print", ANYWHERE)?;
    let bytes = take(&mut caller, src, size.min(PRINT_BYTES_MAX))?;
    let prints = &mut caller.data_mut().effects.prints;
    if prints.len() < PRINTS_MAX {
        prints.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(())
}

fn trap(mut caller: Caller<'_, Host>, src: u32, size: u32) -> Result<()> {
    enter(&mut caller, "trap", ANYWHERE)?;
    let bytes = take(&mut caller, src, size)?;
    Err(wasmtime::Error::new(CalledTrap(String::from_utf8_lossy(&bytes).into_owned())))
}

//! The functions that a canister's code can call. Source: IC interface specification,
//! "Canister interface (System API)".
//!
//! Every byte that crosses costs one instruction, every call a few.

mod calls;
mod cycles;
mod message;
mod storage;
mod surroundings;

use wasmtime::{AsContext as _, AsContextMut as _, Caller, Engine, Linker, Memory, Result, Trap};

use crate::host::{Host, Stage};

/// What a call of the system costs besides its bytes.
const CALL_INSTRUCTIONS: u64 = 500;

/// The canister called `ic0.trap`, with this text.
#[derive(Debug)]
pub(crate) struct CalledTrap(pub(crate) String);

/// The canister called the system in a way that it may not.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl std::fmt::Display for CalledTrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CalledTrap {}
impl std::error::Error for Misuse {}

/// All functions of the module `ic0`.
pub(crate) fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    let parts =
        [message::define, calls::define, cycles::define, storage::define, surroundings::define];
    for define in parts {
        define(&mut linker).expect("every name is defined once");
    }
    linker
}

/// Stages as a set.
type Stages = u16;
/// From a method that answers by updates, its callbacks included.
const ANSWERING: Stages = Stage::Update as u16
    | Stage::ReplicatedQuery as u16
    | Stage::Query as u16
    | Stage::Reply as u16
    | Stage::Reject as u16;
/// From whatever may call other canisters.
const CALLING: Stages =
    Stage::Update as u16 | Stage::Reply as u16 | Stage::Reject as u16 | Stage::Task as u16;
/// From where state may change.
const CHANGING: Stages = CALLING | Stage::Init as u16 | Stage::PreUpgrade as u16;
/// From everywhere but the start function.
const RUNNING: Stages = u16::MAX ^ Stage::Start as u16;

/// A call of the system begins: whether it may, and what it costs.
fn enter(caller: &mut Caller<'_, Host>, name: &str, stages: Stages) -> Result<()> {
    if caller.data().stage as u16 & stages == 0 {
        let stage = caller.data().stage;
        return misuse(format!("ic0.{name} may not be called in the stage {stage:?}"));
    }
    charge(caller, CALL_INSTRUCTIONS)
}

fn misuse<T>(text: impl Into<String>) -> Result<T> {
    Err(wasmtime::Error::new(Misuse(text.into())))
}

fn charge(caller: &mut Caller<'_, Host>, instructions: u64) -> Result<()> {
    let fuel = caller.get_fuel()?;
    let left = fuel.checked_sub(instructions).ok_or(Trap::OutOfFuel)?;
    caller.set_fuel(left)
}

fn memory(caller: &Caller<'_, Host>) -> Result<Memory> {
    caller.data().memory.ok_or_else(|| wasmtime::Error::new(Misuse("it has no memory".to_owned())))
}

/// The bytes at `src`, out of the canister.
fn take(caller: &mut Caller<'_, Host>, src: u32, size: u32) -> Result<Vec<u8>> {
    if size == 0 {
        return Ok(Vec::new());
    }
    charge(caller, u64::from(size))?;
    let memory = memory(caller)?;
    let data = memory.data(caller.as_context());
    match data.get(src as usize..).and_then(|data| data.get(..size as usize)) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => misuse("the bytes lie outside of the memory"),
    }
}

fn take_text(caller: &mut Caller<'_, Host>, src: u32, size: u32) -> Result<String> {
    let bytes = take(caller, src, size)?;
    String::from_utf8(bytes).or_else(|_| misuse("the text is not UTF-8"))
}

/// Puts a part of `blob` at `dst`, into the canister.
fn give(
    caller: &mut Caller<'_, Host>,
    blob: impl Fn(&Host) -> &[u8],
    [dst, offset, size]: [u32; 3],
) -> Result<()> {
    charge(caller, u64::from(size))?;
    if size == 0 && blob(caller.data()).len() >= offset as usize {
        return Ok(());
    }
    let memory = memory(caller)?;
    let (data, host) = memory.data_and_store_mut(caller.as_context_mut());
    let from = blob(host).get(offset as usize..).and_then(|from| from.get(..size as usize));
    let to = data.get_mut(dst as usize..).and_then(|to| to.get_mut(..size as usize));
    match (from, to) {
        (Some(from), Some(to)) => to.copy_from_slice(from),
        _ => return misuse("the bytes lie outside of the memory or of what is copied"),
    }
    Ok(())
}

/// Puts a number of cycles at `dst`.
fn give_cycles(caller: &mut Caller<'_, Host>, cycles: u128, dst: u32) -> Result<()> {
    let memory = memory(caller)?;
    match memory.write(caller.as_context_mut(), dst as usize, &cycles.to_le_bytes()) {
        Ok(()) => Ok(()),
        Err(_) => misuse("the bytes lie outside of the memory"),
    }
}

/// Defines the two functions by which code learns a blob: its size and its bytes.
fn blob(
    linker: &mut Linker<Host>,
    name: &'static str,
    stages: Stages,
    of: fn(&Host) -> Result<&[u8]>,
) -> Result<()> {
    let size = move |mut caller: Caller<'_, Host>| -> Result<u32> {
        enter(&mut caller, name, stages)?;
        Ok(of(caller.data())?.len() as u32)
    };
    let copy =
        move |mut caller: Caller<'_, Host>, dst: u32, offset: u32, size: u32| -> Result<()> {
            enter(&mut caller, name, stages)?;
            of(caller.data())?;
            give(&mut caller, |host| of(host).unwrap_or(&[]), [dst, offset, size])
        };
    linker.func_wrap("ic0", &format!("{name}_size"), size)?;
    linker.func_wrap("ic0", &format!("{name}_copy"), copy)?;
    Ok(())
}

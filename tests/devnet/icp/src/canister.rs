//! A canister: its module, its state, and one execution of its code.

use std::{collections::BTreeSet, sync::Arc};

use candid::Principal;
use wasmtime::{
    AsContextMut as _, Global, Instance, Ref, Result, Store, StoreLimitsBuilder, Trap, V128, Val,
};

use crate::{
    host::{Closure, Effects, Given, Host, Stage},
    module::{self, Module},
    reject::{Reject, RejectCode},
    stable::{Draft, Stable},
    system::{CalledTrap, Misuse},
};

/// Most bytes of a canister's heap.
const HEAP_BYTES_MAX: usize = 1 << 30;
/// Most entries of its table.
const TABLE_MAX: usize = 1 << 20;

/// Whether a canister takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// It does.
    Running = 1,
    /// It answers those that it has.
    Stopping = 2,
    /// It does nothing.
    Stopped = 3,
}

/// A canister, with or without code.
#[derive(Debug)]
pub(crate) struct Canister {
    pub(crate) id: Principal,
    pub(crate) controllers: BTreeSet<Principal>,
    pub(crate) status: Status,
    pub(crate) version: u64,
    pub(crate) balance: u128,
    pub(crate) code: Option<Code>,
    pub(crate) stable: Stable,
    pub(crate) certified_data: Vec<u8>,
    pub(crate) timer_ns: u64,
    pub(crate) prints: Vec<String>,
}

/// A module with the state of its instance.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) module: Arc<Module>,
    pub(crate) heap: Heap,
}

/// What an instance remembers from message to message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heap {
    memory: Vec<u8>,
    globals: Vec<Number>,
}

/// A global's value; floats as their bits.
#[derive(Clone, Copy, Debug)]
enum Number {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
}

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry<'a> {
    /// An exported function; nothing if there is none.
    Export(&'a str),
    /// The same, in an instance that has just begun: its start function runs first.
    First(&'a str),
    Callback(Closure),
}

/// How an execution ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) instructions: u64,
    /// What was printed, even by code that trapped.
    pub(crate) prints: Vec<String>,
    pub(crate) end: Result<Ended, Reject>,
}

/// What code did that ended well. Nothing of it counts before it is committed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) effects: Effects,
    store: Store<Host>,
    instance: Option<Instance>,
}

impl Canister {
    pub(crate) fn new(id: Principal, controllers: BTreeSet<Principal>, balance: u128) -> Self {
        Self {
            id,
            controllers,
            status: Status::Running,
            version: 0,
            balance,
            code: None,
            stable: Stable::default(),
            certified_data: Vec::new(),
            timer_ns: 0,
            prints: Vec::new(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.code.as_ref().map_or(0, |code| code.heap.memory.len())
    }
}

impl Ended {
    /// What it wrote into stable memory.
    pub(crate) fn take_stable(&mut self) -> Draft {
        std::mem::replace(&mut self.store.data_mut().stable, Stable::default().draft())
    }
}

impl Code {
    /// An instance that has not run yet.
    pub(crate) fn new(module: Arc<Module>) -> Self {
        Self { module, heap: Heap::default() }
    }

    /// Runs code on a copy of the state. `effects` holds what it starts with.
    pub(crate) fn run(
        &self,
        id: Principal,
        (stage, entry): (Stage, Entry<'_>),
        (given, effects): (Given, Effects),
        stable: Draft,
    ) -> Run {
        let fuel = given.fuel;
        let limits =
            StoreLimitsBuilder::new().memory_size(HEAP_BYTES_MAX).table_elements(TABLE_MAX).build();
        let host = Host { stage, given, effects, stable, memory: None, limits };
        let mut store = Store::new(module::engine(), host);
        store.limiter(|host| &mut host.limits);
        let ran = store.set_fuel(fuel).and_then(|()| self.enter(&mut store, entry, stage));
        let instructions = fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        match ran {
            Ok(instance) => {
                let host = store.data_mut();
                let mut effects = std::mem::take(&mut host.effects);
                if let Some(call) = effects.building.take() {
                    effects.balance = effects.balance.saturating_add(call.cycles);
                }
                let prints = std::mem::take(&mut effects.prints);
                let ended = Ended { effects, store, instance };
                Run { instructions, prints, end: Ok(ended) }
            }
            Err(error) => {
                let prints = std::mem::take(&mut store.data_mut().effects.prints);
                Run { instructions, prints, end: Err(explain(id, &error)) }
            }
        }
    }

    fn enter(
        &self,
        store: &mut Store<Host>,
        entry: Entry<'_>,
        stage: Stage,
    ) -> Result<Option<Instance>> {
        let first = matches!(entry, Entry::First(_));
        if let Entry::Export(name) = entry
            && !self.module.exports(name)
        {
            return Ok(None);
        }
        let instance = self.module.instance.instantiate(&mut *store)?;
        store.data_mut().memory = instance.get_memory(&mut *store, module::MEMORY);
        if first {
            store.data_mut().stage = Stage::Start;
            call(store, &instance, module::START)?;
            store.data_mut().stage = stage;
        } else {
            self.heap.restore(store, &instance, &self.module)?;
        }
        match entry {
            Entry::Export(name) | Entry::First(name) => call(store, &instance, name)?,
            Entry::Callback(closure) => call_back(store, &instance, closure)?,
        }
        Ok(Some(instance))
    }

    /// Takes over the state that an execution of this code left.
    pub(crate) fn keep(&mut self, mut ended: Ended) -> Result<(), Reject> {
        let Some(instance) = ended.instance else { return Ok(()) };
        let kept = self.heap.capture(&mut ended.store, &instance, &self.module);
        kept.map_err(|error| Reject::new(RejectCode::SysFatal, "IC0500", format!("{error:#}")))
    }
}

fn call(store: &mut Store<Host>, instance: &Instance, name: &str) -> Result<()> {
    match instance.get_func(&mut *store, name) {
        Some(function) => function.typed::<(), ()>(&*store)?.call(store, ()),
        None => Ok(()),
    }
}

fn call_back(store: &mut Store<Host>, instance: &Instance, closure: Closure) -> Result<()> {
    let none = || wasmtime::Error::new(Misuse("the callback is no function".to_owned()));
    let table = instance.get_table(&mut *store, module::TABLE).ok_or_else(none)?;
    let entry = table.get(&mut *store, u64::from(closure.function));
    let Some(Ref::Func(Some(function))) = entry else { return Err(none()) };
    let function = function.typed::<u32, ()>(&*store).map_err(|_| none())?;
    function.call(store, closure.environment)
}

impl Heap {
    fn restore(&self, store: &mut Store<Host>, instance: &Instance, module: &Module) -> Result<()> {
        if let Some(memory) = store.data().memory {
            let missing = self.memory.len().saturating_sub(memory.data_size(&*store));
            memory.grow(&mut *store, (missing as u64).div_ceil(65_536))?;
            let data = memory.data_mut(store.as_context_mut());
            // The rest, if there is any, is new.
            let (kept, _) = data.split_at_mut(self.memory.len());
            kept.copy_from_slice(&self.memory);
        }
        for (name, number) in module.globals.iter().zip(&self.globals) {
            if let Some(global) = instance.get_global(&mut *store, name) {
                global.set(&mut *store, number.value())?;
            }
        }
        Ok(())
    }

    fn capture(
        &mut self,
        store: &mut Store<Host>,
        instance: &Instance,
        module: &Module,
    ) -> Result<()> {
        if let Some(memory) = store.data().memory {
            self.memory.clear();
            self.memory.extend_from_slice(memory.data(&*store));
        }
        self.globals.clear();
        for name in &module.globals {
            let missing = || wasmtime::Error::msg("a global is missing");
            let global = instance.get_global(&mut *store, name).ok_or_else(missing)?;
            self.globals.push(Number::of(global, store)?);
        }
        Ok(())
    }
}

impl Number {
    fn of(global: Global, store: &mut Store<Host>) -> Result<Self> {
        Ok(match global.get(&mut *store) {
            Val::I32(number) => Self::I32(number),
            Val::I64(number) => Self::I64(number),
            Val::F32(bits) => Self::F32(bits),
            Val::F64(bits) => Self::F64(bits),
            Val::V128(bits) => Self::V128(bits.as_u128()),
            _ => return Err(wasmtime::Error::msg("a global is no number")),
        })
    }

    fn value(self) -> Val {
        match self {
            Self::I32(number) => Val::I32(number),
            Self::I64(number) => Val::I64(number),
            Self::F32(bits) => Val::F32(bits),
            Self::F64(bits) => Val::F64(bits),
            Self::V128(bits) => Val::V128(V128::from(bits)),
        }
    }
}

/// A trap in the words of the Internet Computer.
fn explain(id: Principal, error: &wasmtime::Error) -> Reject {
    let (code, text) = if let Some(CalledTrap(text)) = error.downcast_ref() {
        ("IC0503", format!("Canister called `ic0.trap` with message: '{text}'"))
    } else if let Some(Misuse(text)) = error.downcast_ref() {
        ("IC0504", format!("Canister violated contract: {text}"))
    } else {
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => {
                ("IC0522", "Canister exceeded the limit of instructions".to_owned())
            }
            Some(trap) => ("IC0502", format!("Canister trapped: {trap}")),
            None => ("IC0502", format!("Canister trapped: {error:#}")),
        }
    };
    let message = format!("Error from Canister {id}: {text}");
    Reject::new(RejectCode::CanisterError, code, message)
}

//! A loaded application: what it offers, and calls to it.

use std::{collections::BTreeSet, fmt, mem, sync::Arc};

use crdt::Transaction;
use types::AppId;
use wasmtime::{Store, Trap};

use crate::{
    call::{ARGUMENTS_MAX_BYTES, Call, CallError, Mode, Outcome, VALUE_MAX_BYTES},
    engine::{self, FUEL_MAX, TIME_MAX},
    host::{Context, Guest, Running, exported},
    module::ModuleError,
    runtime::Machine,
    spare::{Instance, Shelf},
};

/// Methods of one application: more than a person can know.
const METHODS_MAX: usize = 256;
/// Arguments of one method.
const ARGUMENTS_MAX: usize = 32;
/// Bytes of a method's or argument's name, or an argument's type.
const WORD_MAX_BYTES: usize = 256;

/// An application, ready to be called from any thread. Clones share it.
#[derive(Clone, Debug)]
pub struct Application(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: AppId,
    manifest: Manifest,
    shelf: Arc<Shelf>,
    machine: Arc<Machine>,
}

/// What an application offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Arguments of [`Mode::Init`].
    pub init: Vec<Argument>,
    /// Methods, in the order of the application.
    pub methods: Vec<Method>,
}

/// A method that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name, unique in the application.
    pub name: String,
    /// What it may do.
    pub kind: MethodKind,
    /// What it takes.
    pub arguments: Vec<Argument>,
}

/// What a method may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// May write.
    Mutate,
    /// Reads only.
    View,
}

/// A named argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its key in the JSON object of arguments.
    pub name: String,
    /// Its type in the author's words.
    pub shape: String,
}

impl Application {
    /// Starts an instance on `shelf` to ask it what it offers.
    pub(crate) fn start(
        id: AppId,
        shelf: Arc<Shelf>,
        machine: Arc<Machine>,
    ) -> Result<Self, ModuleError> {
        let no_start =
            |error: wasmtime::Error| ModuleError::NoStart { reason: format!("{error:#}") };
        let Some(place) = machine.workshop.enter(TIME_MAX) else {
            return Err(ModuleError::NoStart { reason: "too many calls run".into() });
        };
        let mut instance = shelf.take(&place).map_err(no_start)?;
        let application = instance.guest.anchorhold_context_application();
        let told = application.call_describe(&mut instance.store).map_err(no_start)?;
        let manifest = Manifest::checked(told)?;
        machine.workshop.replace(&shelf, instance);
        drop(place);
        Ok(Self(Arc::new(Inner { id, manifest, shelf, machine })))
    }

    /// Its id.
    pub fn id(&self) -> AppId {
        self.0.id
    }

    /// What it offers.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// Runs `call` over the two states, in a fresh instance. Blocks for at most about
    /// [`TIME_MAX`], and as long again if too many calls run.
    ///
    /// Nothing is written anywhere: the outcome says what the call would write.
    ///
    /// # Errors
    /// [`CallError`]; then there is nothing to commit.
    pub fn call(
        &self,
        call: Call,
        shared: Transaction,
        private: Transaction,
    ) -> Result<Outcome, CallError> {
        self.0.check(&call)?;
        let workshop = &self.0.machine.workshop;
        let place = workshop.enter(TIME_MAX).ok_or(CallError::Busy)?;
        let mut instance = self.0.shelf.take(&place).map_err(no_instance)?;
        let outcome = run(&mut instance, call, shared, private);
        workshop.replace(&self.0.shelf, instance);
        outcome
    }
}

impl Inner {
    /// What can be refused without starting the guest.
    fn check(&self, call: &Call) -> Result<(), CallError> {
        if call.args.len() > ARGUMENTS_MAX_BYTES {
            return Err(CallError::OverLimit {
                what: "bytes of arguments",
                max: ARGUMENTS_MAX_BYTES,
            });
        }
        let asked = match call.mode {
            Mode::Init => return Ok(()),
            Mode::Mutate => MethodKind::Mutate,
            Mode::View => MethodKind::View,
        };
        match self.manifest.method(&call.method) {
            None => Err(CallError::UnknownMethod { method: call.method.clone() }),
            Some(method) if method.kind != asked => {
                Err(CallError::WrongKind { method: call.method.clone(), found: method.kind, asked })
            }
            Some(_) => Ok(()),
        }
    }
}

fn run(
    instance: &mut Instance,
    call: Call,
    shared: Transaction,
    private: Transaction,
) -> Result<Outcome, CallError> {
    let Instance { store, guest } = instance;
    engine::budget(store, FUEL_MAX, TIME_MAX).map_err(no_instance)?;
    answer(store, guest, call, shared, private)
}

/// Runs `call` under whatever budget `store` has.
pub(crate) fn answer(
    store: &mut Store<Guest>,
    guest: &Context,
    mut call: Call,
    shared: Transaction,
    private: Transaction,
) -> Result<Outcome, CallError> {
    let (mode, method) = (call.mode, mem::take(&mut call.method));
    let args = mem::take(&mut call.args);
    let fuel = store.get_fuel().unwrap_or_default();
    store.data_mut().begin(call, shared, private);
    let application = guest.anchorhold_context_application();
    let answer = match mode {
        Mode::Init => application
            .call_init(&mut *store, &args)
            .map(|answer| answer.map(|()| b"null".to_vec())),
        Mode::Mutate | Mode::View => application.call_call(&mut *store, &method, &args),
    };
    let fuel_used = fuel.saturating_sub(store.get_fuel().unwrap_or_default());
    let running = store.data_mut().end();
    let value = match answer {
        Ok(Ok(value)) => value,
        Ok(Err(failure)) => return Err(refused(failure, method)),
        Err(error) => return Err(explain(error, store.data(), running.as_ref())),
    };
    if value.len() > VALUE_MAX_BYTES {
        return Err(CallError::OverLimit { what: "bytes of a value", max: VALUE_MAX_BYTES });
    }
    let running = running.ok_or_else(|| CallError::NoInstance { reason: "it was lost".into() })?;
    Ok(running.into_outcome(value, fuel_used))
}

pub(crate) fn no_instance(error: wasmtime::Error) -> CallError {
    CallError::NoInstance { reason: format!("{error:#}") }
}

/// What the application itself says against a call.
fn refused(failure: exported::Failure, method: String) -> CallError {
    match failure {
        exported::Failure::UnknownMethod => CallError::UnknownMethod { method },
        exported::Failure::BadArguments(reason) => CallError::BadArguments { reason },
        exported::Failure::Refused(reason) => CallError::Refused { reason },
    }
}

/// Why the guest was stopped, or stopped itself.
fn explain(error: wasmtime::Error, guest: &Guest, running: Option<&Running>) -> CallError {
    let error = match error.downcast::<CallError>() {
        Ok(stopped) => return stopped,
        Err(error) => error,
    };
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => CallError::OutOfFuel,
        Some(Trap::Interrupt) => CallError::OutOfTime,
        _ if guest.memory.refused => CallError::OutOfMemory,
        _ => broke_off(&error, running.and_then(|running| running.logs.last())),
    }
}

fn broke_off(error: &wasmtime::Error, last_log: Option<&String>) -> CallError {
    let reason = match last_log {
        Some(line) => format!("{:#}; its last words: {line}", error.root_cause()),
        None => error.root_cause().to_string(),
    };
    CallError::Trapped { reason }
}

impl Manifest {
    /// The method of that name.
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    fn checked(told: exported::Manifest) -> Result<Self, ModuleError> {
        let bad = |reason: String| Err(ModuleError::BadManifest { reason });
        if told.methods.len() > METHODS_MAX {
            return bad(format!("{} methods, at most {METHODS_MAX} allowed", told.methods.len()));
        }
        let mut names = BTreeSet::new();
        for method in &told.methods {
            if !is_name(&method.name) {
                return bad(format!("{:?} is no name of a method", method.name));
            }
            if !names.insert(&method.name) {
                return bad(format!("two methods are called {}", method.name));
            }
        }
        let methods = told.methods.into_iter().map(|method| {
            Ok(Method {
                name: method.name,
                kind: match method.kind {
                    exported::Kind::Mutate => MethodKind::Mutate,
                    exported::Kind::View => MethodKind::View,
                },
                arguments: arguments(method.arguments)?,
            })
        });
        Ok(Self { init: arguments(told.init)?, methods: methods.collect::<Result<_, _>>()? })
    }
}

fn arguments(told: Vec<exported::Argument>) -> Result<Vec<Argument>, ModuleError> {
    let bounded = told.len() <= ARGUMENTS_MAX
        && told.iter().all(|it| is_name(&it.name) && it.shape.len() <= WORD_MAX_BYTES);
    if !bounded {
        return Err(ModuleError::BadManifest {
            reason: format!("arguments are at most {ARGUMENTS_MAX}, with short names"),
        });
    }
    let read = |it: exported::Argument| Argument { name: it.name, shape: it.shape };
    Ok(told.into_iter().map(read).collect())
}

/// Names end up in URLs and on command lines.
fn is_name(text: &str) -> bool {
    (1..=WORD_MAX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mutate => "mutate method",
            Self::View => "view",
        })
    }
}

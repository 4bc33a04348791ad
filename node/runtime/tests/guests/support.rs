//! A node in memory: calls an application, commits what comes out, takes other nodes' deltas.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use anchorhold_runtime::{
    Application, Call, CallError, Caller, Mode, Outcome, Role, Runtime, RuntimeConfig,
};
use crdt::{Memory, Origin, Payload, Transaction, TransactionError};
use serde_json::{Value, json};
use tempfile::TempDir;
use types::{AppId, ContextId, Hash, Hlc, MemberKey, Root, UnixMillis};

/// One runtime for all tests: its threads and its cache are made to be shared.
static SHARED: LazyLock<(Runtime, TempDir)> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    (open(folder.path(), 7), folder)
});

/// The task board, loaded once.
pub(crate) static BOARD: LazyLock<Application> = LazyLock::new(|| load(&board_module()));

/// The runtime of all tests that do not look at its cache.
pub(crate) fn shared() -> &'static Runtime {
    &SHARED.0
}

/// A runtime over `folder`, with one of two keys or more.
pub(crate) fn open(folder: &Path, key: u8) -> Runtime {
    let config = RuntimeConfig { cache_dir: folder.to_owned(), cache_key: [key; 32] };
    Runtime::open(&config).expect("a runtime opens")
}

/// The task board's module, as cargo built it.
pub(crate) fn board_module() -> Vec<u8> {
    let path = guests().join("anchorhold_task_board.wasm");
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; build the guests first: cargo x guests", path.display())
    })
}

fn guests() -> PathBuf {
    if let Some(folder) = env::var_os("ANCHORHOLD_GUESTS") {
        return folder.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(env::var_os("HOME").expect("a home")).join(".cache/anchorhold/target")
    });
    target.join("guests/wasm32-unknown-unknown/guest")
}

/// Installs and loads a module.
pub(crate) fn load(module: &[u8]) -> Application {
    let component = shared().component(module).expect("a component");
    shared().load(id_of(&component), &component).expect("an application")
}

pub(crate) fn id_of(component: &[u8]) -> AppId {
    Hash::of(component).into()
}

/// Engines call from many threads.
const _: fn() = || {
    fn shared<T: Clone + Send + Sync>() {}
    shared::<Application>();
    shared::<Runtime>();
};

/// A member's node in one context.
pub(crate) struct Node {
    application: Application,
    member: MemberKey,
    pub(crate) role: Role,
    shared: Memory,
    private: Memory,
    sent: u64,
    now: u64,
    deltas: Vec<(Origin, Payload)>,
    pub(crate) last: Option<Outcome>,
}

impl Node {
    pub(crate) fn new(application: &Application, member: u8) -> Self {
        Self {
            application: application.clone(),
            member: MemberKey::from_bytes([member; 32]),
            role: Role::Member,
            shared: Memory::new(),
            private: Memory::new(),
            sent: 0,
            now: 1_000 * u64::from(member),
            deltas: Vec::new(),
            last: None,
        }
    }

    pub(crate) fn init(&mut self, args: Value) -> Result<Value, CallError> {
        self.write(Mode::Init, "", args)
    }

    pub(crate) fn mutate(&mut self, method: &str, args: Value) -> Result<Value, CallError> {
        self.write(Mode::Mutate, method, args)
    }

    pub(crate) fn view(&self, method: &str, args: Value) -> Result<Value, CallError> {
        let outcome = self.call(Mode::View, method, args)?;
        assert_eq!(outcome.shared.ops().len() + outcome.private.ops().len(), 0);
        Ok(serde_json::from_slice(&outcome.value).expect("a value is JSON"))
    }

    /// Takes what `other` wrote and this one does not have.
    pub(crate) fn receive(&mut self, other: &Self) {
        for (origin, payload) in &other.deltas {
            let known = crdt::last_seq(&self.shared, &origin.author).expect("memory reads");
            if origin.seq > known {
                self.commit(origin, payload.clone());
            }
        }
    }

    /// Takes what a node of somebody's own making wrote.
    pub(crate) fn take(
        &mut self,
        author: u8,
        write: impl FnOnce(&mut Transaction) -> Result<(), TransactionError>,
    ) {
        let mut state = Transaction::new(Arc::new(self.shared.clone()));
        write(&mut state).expect("legal operations");
        let hlc = Hlc { millis: self.now + 1, count: 0 };
        let origin = Origin { author: MemberKey::from_bytes([author; 32]), seq: 1, hlc };
        self.commit(&origin, state.finish());
    }

    pub(crate) fn root(&self) -> Root {
        crdt::root(&self.shared).expect("memory reads")
    }

    pub(crate) fn member_text(&self) -> String {
        self.member.to_string()
    }

    pub(crate) fn deltas_written(&self) -> u64 {
        self.sent
    }

    /// Calls, and commits nothing.
    pub(crate) fn call(&self, mode: Mode, method: &str, args: Value) -> Result<Outcome, CallError> {
        let call = Call {
            context: ContextId::from_bytes([9; 32]),
            method: method.to_owned(),
            args: serde_json::to_vec(&args).expect("arguments are JSON"),
            caller: Caller {
                member: self.member,
                account: "eip155:1:0xab".parse().ok(),
                role: self.role,
            },
            mode,
            now: UnixMillis(self.now),
            seed: *Hash::of(&[self.member.as_bytes()[0], self.now.to_le_bytes()[0]]).as_bytes(),
        };
        let (shared, private) = (Arc::new(self.shared.clone()), Arc::new(self.private.clone()));
        match mode {
            Mode::View => self.application.call(
                call,
                Transaction::read_only(shared),
                Transaction::read_only(private),
            ),
            _ => self.application.call(call, Transaction::new(shared), Transaction::new(private)),
        }
    }

    fn write(&mut self, mode: Mode, method: &str, args: Value) -> Result<Value, CallError> {
        self.now += 1;
        let outcome = self.call(mode, method, args)?;
        let hlc = Hlc { millis: self.now, count: 0 };
        let origin = Origin { author: self.member, seq: self.sent + 1, hlc };
        if !outcome.shared.ops().is_empty() {
            self.sent += 1;
            self.commit(&origin, outcome.shared.clone());
        }
        if !outcome.private.ops().is_empty() {
            let local = Origin { seq: self.now, ..origin };
            let merged = crdt::merge(&self.private, &outcome.private, &local).expect("it merges");
            self.private.write(merged.writes);
        }
        let value = serde_json::from_slice(&outcome.value).expect("a value is JSON");
        self.last = Some(outcome);
        Ok(value)
    }

    fn commit(&mut self, origin: &Origin, payload: Payload) {
        let merged = crdt::merge(&self.shared, &payload, origin).expect("it merges");
        self.shared.write(merged.writes);
        self.deltas.push((*origin, payload));
        self.now = self.now.max(origin.hlc.millis);
    }
}

/// No arguments.
pub(crate) fn none() -> Value {
    json!({})
}

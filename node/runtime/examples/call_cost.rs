//! Prints what a call costs beside wasmtime's default instantiation of the same component.
//!
//! `call_cost <module.wasm>`; the module is the task board's. Each call renames a task: one read,
//! one write, one event.

use std::{
    env, fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anchorhold_runtime::{
    Call, CallError, Caller, Mode, Outcome, Role, Runtime, RuntimeConfig, rival::Rival,
};
use crdt::{Memory, Origin, Transaction};
use types::{ContextId, Hash, Hlc, MemberKey, UnixMillis};

const CALLS: u32 = 2_000;
/// Between calls: none, as in a burst; or enough for a spare instance to be made.
const PAUSES: [Duration; 2] = [Duration::ZERO, Duration::from_micros(500)];

fn main() {
    let path = env::args().nth(1).expect("the path of a module");
    let module = fs::read(path).expect("a module");
    let folder = env::temp_dir().join(format!("anchorhold-call-cost-{}", std::process::id()));
    let config = RuntimeConfig { cache_dir: folder.clone(), cache_key: [1; 32] };
    let runtime = Runtime::open(&config).expect("a runtime");
    let component = runtime.component(&module).expect("a component");
    let id = Hash::of(&component).into();
    let (cold, application) = timed(|| runtime.load(id, &component).expect("an application"));
    let again = Runtime::open(&config).expect("a runtime");
    let (warm, _) = timed(|| again.load(id, &component).expect("an application"));
    eprintln!("load: compiled {cold:?}, from the cache {warm:?}, {:.4}", ratio(warm, cold));

    let rival = Rival::compile(&component).expect("a rival");
    let (state, args) = board(&|call, shared, private| rival.call(call, shared, private));
    for pause in PAUSES {
        let ours = measure(pause, &state, &args, &|call, shared, private| {
            application.call(call, shared, private)
        });
        let theirs = measure(pause, &state, &args, &|call, shared, private| {
            rival.call(call, shared, private)
        });
        eprintln!(
            "call, {pause:?} apart: p50 {:?} against {:?}, {:.2}; mean {:?} against {:?}, {:.2}",
            ours.p50,
            theirs.p50,
            ratio(ours.p50, theirs.p50),
            ours.mean,
            theirs.mean,
            ratio(ours.mean, theirs.mean),
        );
    }
    fs::remove_dir_all(folder).expect("the folder was ours");
}

type Run<'a> = &'a dyn Fn(Call, Transaction, Transaction) -> Result<Outcome, CallError>;

struct Cost {
    p50: Duration,
    mean: Duration,
}

/// A board with one task, and the arguments that rename it.
fn board(run: Run<'_>) -> (Arc<Memory>, Vec<u8>) {
    let mut memory = Memory::new();
    let empty = Arc::new(memory.clone());
    let add = call("add", br#"{"title":"water the roses"}"#.to_vec());
    let added = run(add, Transaction::new(empty.clone()), Transaction::new(empty));
    let added = added.expect("an outcome");
    let hlc = Hlc { millis: 1, count: 0 };
    let origin = Origin { author: MemberKey::from_bytes([2; 32]), seq: 1, hlc };
    memory.write(crdt::merge(&memory, &added.shared, &origin).expect("it merges").writes);
    let id = String::from_utf8(added.value).expect("text");
    (Arc::new(memory), format!(r#"{{"id":{id},"title":"water the lilies"}}"#).into_bytes())
}

fn measure(pause: Duration, state: &Arc<Memory>, args: &[u8], run: Run<'_>) -> Cost {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let call = call("rename", args.to_vec());
        let (shared, private) = (state.clone(), state.clone());
        let (time, outcome) =
            timed(|| run(call, Transaction::new(shared), Transaction::new(private)));
        assert_eq!(outcome.expect("an outcome").events.len(), 1);
        times.push(time);
        thread::park_timeout(pause);
    }
    times.sort_unstable();
    Cost { p50: times[times.len() / 2], mean: times.iter().sum::<Duration>() / CALLS }
}

fn call(method: &str, args: Vec<u8>) -> Call {
    Call {
        context: ContextId::from_bytes([1; 32]),
        method: method.to_owned(),
        args,
        caller: Caller {
            member: MemberKey::from_bytes([2; 32]),
            account: None,
            role: Role::Member,
        },
        mode: Mode::Mutate,
        now: UnixMillis(1),
        seed: [3; 32],
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let value = work();
    (began.elapsed(), value)
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}

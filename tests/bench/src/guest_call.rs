//! A guest call in a fresh instance with its commit, against wasmtime's instantiation on demand.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use runtime::{Application, Call, Runtime, RuntimeConfig, rival::Rival};
use store::{Store, StoreConfig};
use tempfile::TempDir;
use types::{AppId, Hash};
use wasmtime::{
    Engine,
    component::{Component, InstancePre, Linker},
};

use crate::{
    Scale,
    board::{self, Board},
    report::{Beside, Row, Unit},
    sample::Sample,
};

/// Between calls that come one by one: long enough for a spare instance to be made.
const PAUSE: Duration = Duration::from_millis(2);
/// Calls in a row where they come back to back: far more than there are spare instances.
const BURST: usize = 200;

/// What is measured on.
struct Scene {
    application: Application,
    rival: Rival,
    bare: Bare,
    board: Board,
    /// The id of a task, as JSON.
    task: String,
}

/// Times of the three sides.
#[derive(Default)]
struct Times {
    ours: Sample,
    /// The part of `ours` that merges and writes.
    commit: Sample,
    rival: Sample,
    bare: Sample,
}

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let config = RuntimeConfig { cache_dir: dir.path().join("cache"), cache_key: [1; 32] };
    let runtime = Runtime::open(&config)?;
    let component = runtime.component(&board::module()?)?;
    let application = runtime.load(AppId::from(Hash::of(&component)), &component)?;
    let store = Store::open(&dir.path().join("node"), StoreConfig::default())?;
    let mut board = Board::new(store);
    let task = one_task(&application, &mut board)?;
    let (rival, bare) = (Rival::compile(&component)?, Bare::compile(&component)?);
    let mut scene = Scene { application, rival, bare, board, task };
    let spaced = scene.turns(1, scale.pick(500, 100), PAUSE)?;
    let burst = scene.turns(BURST, scale.pick(15, 3), Duration::ZERO)?;
    let (one, many) = ("one by one", "back to back");
    let call = "wasmtime on demand: instantiate, same call";
    let alone = "wasmtime on demand: instantiate only, imports stubbed, and drop";
    let mut rows = Vec::new();
    for (pace, times) in [(one, spaced), (many, burst)] {
        let Times { ours, commit, rival, bare } = times;
        let commit = commit.estimate()?.median;
        let against_call = Beside::Rival(call, rival);
        rows.push(row(pace, "instance + call", &ours, commit, against_call));
        rows.push(row(pace, "instance alone", &ours, commit, Beside::Rival(alone, bare)));
    }
    Ok(rows)
}

fn row(pace: &str, against: &str, ours: &Sample, commit: f64, beside: Beside) -> Row {
    Row {
        what: format!("guest call + commit, {pace}, against {against}"),
        how: format!(
            "task-board `rename`: fresh instance, one get, one put, one event, merge, relaxed \
             write (the commit is {commit:.1} µs of it); one by one: {} ms apart, so that another \
             thread can make spare instances; back to back: {BURST} in a row; rivals have no \
             limits and do not commit",
            PAUSE.as_millis()
        ),
        unit: Unit::Micros,
        subject: ours.clone(),
        beside,
        ratio_max: Some(0.5),
    }
}

impl Scene {
    fn turns(&mut self, burst: usize, count: usize, pause: Duration) -> Result<Times> {
        let mut times = Times::default();
        for turn in 0..count {
            for at in 0..burst {
                let call = self.rename(turn * burst + at);
                let Times { ours, commit, .. } = &mut times;
                ours.time(|| {
                    let (shared, private) = self.board.transactions();
                    let outcome = self.application.call(call, shared, private)?;
                    commit.time(|| self.board.commit(&outcome))
                })?;
            }
            thread::sleep(pause);
            for at in 0..burst {
                let call = self.rename(turn * burst + at);
                let (shared, private) = self.board.transactions();
                times.rival.time(|| Ok(self.rival.call(call, shared, private)?))?;
            }
            thread::sleep(pause);
            for _ in 0..burst {
                times.bare.time(|| self.bare.instantiate())?;
            }
            thread::sleep(pause);
        }
        Ok(times)
    }

    fn rename(&self, number: usize) -> Call {
        let args = format!(r#"{{"id":{},"title":"water lily {number}"}}"#, self.task);
        board::call("rename", args.into_bytes())
    }
}

/// Adds a task; its id as JSON.
fn one_task(application: &Application, board: &mut Board) -> Result<String> {
    let (shared, private) = board.transactions();
    let added = application.call(board::add(), shared, private)?;
    board.commit(&added)?;
    String::from_utf8(added.value).context("the id of a task")
}

/// The component in wasmtime's default configuration, with imports that nobody calls.
struct Bare {
    engine: Engine,
    plan: InstancePre<()>,
}

impl Bare {
    fn compile(component: &[u8]) -> Result<Self> {
        let engine = Engine::default();
        let compiled = Component::from_binary(&engine, component).map_err(told)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&compiled).map_err(told)?;
        let plan = linker.instantiate_pre(&compiled).map_err(told)?;
        Ok(Self { engine, plan })
    }

    fn instantiate(&self) -> Result<()> {
        let mut store = wasmtime::Store::new(&self.engine, ());
        self.plan.instantiate(&mut store).map_err(told)?;
        Ok(())
    }
}

fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

//! The first call after a restart, from the cache of compiled modules, against compiling.

use anyhow::Result;
use runtime::{Runtime, RuntimeConfig};
use tempfile::TempDir;
use types::{AppId, Hash};

use crate::{
    Scale, board,
    report::{Beside, Row, Unit},
    sample::Sample,
};

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let config =
        |name: &str| RuntimeConfig { cache_dir: dir.path().join(name), cache_key: [1; 32] };
    let kept = config("kept");
    let (component, id) = {
        let runtime = Runtime::open(&kept)?;
        let component = runtime.component(&board::module()?)?;
        let id = AppId::from(Hash::of(&component));
        runtime.load(id, &component)?;
        (component, id)
    };
    let (mut warm, mut cold) = (Sample::default(), Sample::default());
    for turn in 0..scale.pick(12, 4) {
        // Ending the runtime is not part of the time: each hands it out.
        let ended = warm.time(|| {
            let runtime = Runtime::open(&kept)?;
            let application = runtime.load(id, &component)?;
            application.call(board::add(), board::nothing(), board::nothing())?;
            Ok((runtime, application))
        })?;
        drop(ended);
        let empty = config(&format!("empty-{turn}"));
        let ended = cold.time(|| {
            let runtime = Runtime::open(&empty)?;
            let application = runtime.load(id, &component)?;
            Ok((runtime, application))
        })?;
        drop(ended);
    }
    Ok(vec![Row {
        what: "first call after restart".to_owned(),
        how: "a new runtime each time: open, load the task board from the cache, one `add`; the \
              files are in the page cache, the process is the same"
            .to_owned(),
        unit: Unit::Micros,
        subject: warm,
        beside: Beside::Rival("open, compile into an empty cache; no call", cold),
        ratio_max: Some(0.01),
    }])
}

//! A durable write through a real node's HTTP interface: against a route that does nothing, and
//! against itself with a hundredth of the keys.

use std::time::{Duration, Instant};

use anyhow::Result;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    Scale, disk,
    report::{Beside, Row, Unit},
    sample::Sample,
    world,
};

const KEYS_FEW: usize = 1_000;
/// For filling the larger context.
const FILL_LIMIT: Duration = Duration::from_secs(180);
/// Turns before the other side's.
const BATCH: usize = 10;

struct Times {
    health: Sample,
    few: Sample,
    many: Sample,
    keys_many: usize,
    fill_seconds: f64,
    disk: f64,
}

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let times = Runtime::new()?.block_on(measure(*scale))?;
    let Times { health, few, many, keys_many, fill_seconds, disk } = times;
    let per_second = keys_many as f64 / fill_seconds;
    let row = |what: String, how: String, subject, beside, ratio_max| Row {
        what,
        how,
        unit: Unit::Micros,
        subject,
        beside,
        ratio_max,
    };
    let files = Row {
        what: format!("disk of that node, {keys_many} + {KEYS_FEW} tasks"),
        how: "its data folder after an orderly stop; a task is three entries, one delta, two \
              events; compacted as far as RocksDB has"
            .to_owned(),
        unit: Unit::Megabytes,
        subject: Sample::one(disk),
        beside: Beside::Nothing,
        ratio_max: None,
    };
    Ok(vec![
        row(
            format!("durable write over HTTP, {KEYS_FEW} tasks there"),
            "task-board `add` with a title of 32 bytes, one client, acknowledged after the sync"
                .to_owned(),
            few.clone(),
            Beside::Rival("GET /v1/health", health),
            None,
        ),
        row(
            format!("durable write over HTTP, {keys_many} tasks there"),
            format!(
                "two contexts on one node in turns; filled over HTTP by 32 writers in \
                 {fill_seconds:.0} s ({per_second:.0} writes/s); at most {} s are given",
                FILL_LIMIT.as_secs()
            ),
            many,
            Beside::Rival("the same with 1,000 tasks there", few),
            Some(1.3),
        ),
        files,
    ])
}

async fn measure(scale: Scale) -> Result<Times> {
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let mut node = world::node(dir.path(), "writer").await?;
    let app = world::install(&node).await?;
    let (small, large) = (world::create(&node, &app).await?, world::create(&node, &app).await?);
    world::fill(&node, &small, KEYS_FEW, FILL_LIMIT).await?;
    let began = Instant::now();
    let wanted = scale.pick(100_000, 10_000);
    let keys_many = world::fill(&node, &large, wanted, FILL_LIMIT).await?;
    let fill_seconds = began.elapsed().as_secs_f64();
    let (mut health, mut few, mut many) = <(Sample, Sample, Sample)>::default();
    for turn in 0..scale.pick(40, 15) {
        for _ in 0..BATCH {
            world::no_op(&node, &mut health).await?;
        }
        for (context, times) in [(&small, &mut few), (&large, &mut many)] {
            for at in 0..BATCH {
                let began = Instant::now();
                world::add(&node, context, turn * BATCH + at).await?;
                times.since(began);
            }
        }
    }
    node.stop().await?;
    let disk = disk::megabytes(&node.data())?;
    Ok(Times { health, few, many, keys_many, fill_seconds, disk })
}

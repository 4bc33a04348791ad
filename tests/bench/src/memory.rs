//! Resident memory of a real node for each context that nobody uses.

use std::fs;

use anyhow::{Context as _, Result};
use harness::Node;
use serde_json::json;
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
    world,
};

/// In KiB per context.
const LIMIT: f64 = 100.0;
/// Contexts made at once.
const MAKERS: usize = 8;

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    Runtime::new()?.block_on(measure(*scale))
}

async fn measure(scale: Scale) -> Result<Vec<Row>> {
    let contexts = scale.pick(1_000, 100);
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let mut node = world::node(dir.path(), "idle").await?;
    let app = world::install(&node).await?;
    world::create(&node, &app).await?;
    let one = restarted(&mut node).await?;
    make(&node, &app, contexts - 1).await?;
    let many_made = resident(&node)?;
    let many = restarted(&mut node).await?;
    let others = (contexts - 1) as f64;
    let row = |when: &str, many: f64| Row {
        what: format!("memory per idle context, {contexts} of them, {when}"),
        how: format!(
            "VmRSS of the node with {contexts} contexts ({many:.0} KiB) less that with 1 \
             ({one:.0} KiB), for each of the others"
        ),
        unit: Unit::Kibibytes,
        subject: Sample::one((many - one) / others),
        beside: Beside::Limit(LIMIT),
        ratio_max: Some(1.0),
    };
    Ok(vec![row("after a restart", many), row("in the process that made them", many_made)])
}

async fn make(node: &Node, app: &str, count: usize) -> Result<()> {
    let mut makers = JoinSet::new();
    for maker in 0..MAKERS {
        let (caller, body) = (node.caller()?, json!({ "app": app }));
        let share = count / MAKERS + usize::from(maker < count % MAKERS);
        makers.spawn(async move {
            for _ in 0..share {
                caller.post("/v1/contexts", &body).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = makers.join_next().await {
        ended.context("a maker broke off")??;
    }
    Ok(())
}

/// Starts the node again and asks it for all its contexts, so that they are there.
async fn restarted(node: &mut Node) -> Result<f64> {
    node.stop().await?;
    node.restart().await?;
    node.get("/v1/contexts").await?;
    resident(node)
}

/// `VmRSS` in KiB. Source: proc(5).
fn resident(node: &Node) -> Result<f64> {
    let file = format!("/proc/{}/status", node.process()?.id());
    let text = fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let words = line.with_context(|| format!("no VmRSS in {file}"))?;
    words.trim().trim_end_matches("kB").trim().parse().with_context(|| format!("bad {words}"))
}

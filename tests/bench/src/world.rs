//! Real nodes with the task board on them, spoken to over HTTP.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use harness::{Node, NodeConfig, places};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{board::MODULE, sample::Sample};

/// Requests under way at once while a context is filled.
const WRITERS: usize = 32;

/// A running node that looks for nobody by itself.
pub(crate) async fn node(dir: &Path, name: &str) -> Result<Node> {
    let config = NodeConfig::named(name)?.init_with(["--no-mdns"]);
    Node::start(&dir.join(name), config).await
}

/// Installs the task board; its id.
pub(crate) async fn install(node: &Node) -> Result<String> {
    let module = places::guest(MODULE)?.display().to_string();
    text(&node.cli(&["app", "install", &module]).await?, "app")
}

/// Makes a context without a chain; its id.
pub(crate) async fn create(node: &Node, app: &str) -> Result<String> {
    text(&node.post("/v1/contexts", &json!({ "app": app })).await?, "context")
}

/// Asks the route that does nothing.
pub(crate) async fn no_op(node: &Node, times: &mut Sample) -> Result<()> {
    let began = Instant::now();
    node.get("/v1/health").await?;
    times.since(began);
    Ok(())
}

/// Adds a task with a title of 32 bytes; the id of the task.
pub(crate) async fn add(node: &Node, context: &str, number: usize) -> Result<Value> {
    let answer = node.post(&call_path(context), &add_body(number)).await?;
    answer.get("value").cloned().context("an answer without a value")
}

/// Adds tasks with many writers at once until there are `count` or the time is over; how many
/// there are then.
pub(crate) async fn fill(
    node: &Node,
    context: &str,
    count: usize,
    limit: Duration,
) -> Result<usize> {
    let (began, next, done) = (Instant::now(), Arc::default(), Arc::default());
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (caller, path) = (node.caller()?, call_path(context));
        let next: Arc<AtomicUsize> = Arc::clone(&next);
        let done: Arc<AtomicUsize> = Arc::clone(&done);
        writers.spawn(async move {
            while began.elapsed() < limit {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                caller.post(&path, &add_body(number)).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.context("a writer broke off")??;
    }
    Ok(done.load(Ordering::Relaxed))
}

/// The string `field` of an answer.
pub(crate) fn text(answer: &Value, field: &str) -> Result<String> {
    let found = answer.get(field).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no `{field}` in {answer}"))
}

fn call_path(context: &str) -> String {
    format!("/v1/contexts/{context}/call")
}

fn add_body(number: usize) -> Value {
    json!({ "method": "add", "args": { "title": format!("{number:032}") } })
}

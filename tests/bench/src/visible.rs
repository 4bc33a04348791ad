//! From a write's acknowledgement on one node to its sight on another, against the least that any
//! network could need: one HTTP no-op and one libp2p round trip.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{Node, eventually};
use net::{Address, Discovery, Net, NetConfig, NetEvent, NetHandle, Peer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc::Receiver, task::JoinHandle};

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
    world,
};

/// For joining, and for one write to be seen.
const LIMIT: Duration = Duration::from_secs(60);
/// Turns before the other side's.
const BATCH: usize = 10;
/// Bytes of a request of the rival: about a sealed delta of one task.
const REQUEST_BYTES: usize = 700;

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let (seen, limit, view) = Runtime::new()?.block_on(measure(*scale))?;
    let view = view.estimate()?.median;
    Ok(vec![Row {
        what: "acknowledged on one node → visible on a second".to_owned(),
        how: format!(
            "two real nodes; the second is asked for the task by `view` until it answers, from \
             the moment of the acknowledgement; one view alone takes {view:.0} µs of it"
        ),
        unit: Unit::Micros,
        subject: seen,
        beside: Beside::Rival("GET /v1/health + one libp2p request over TCP", limit),
        ratio_max: None,
    }])
}

async fn measure(scale: Scale) -> Result<(Sample, Sample, Sample)> {
    let dir = TempDir::with_prefix("anchorhold-bench-")?;
    let one = world::node(dir.path(), "one").await?;
    let two = world::node(dir.path(), "two").await?;
    let context = joined(&one, &two).await?;
    let wire = Wire::open().await?;
    let (mut seen, mut limit, mut view) = <(Sample, Sample, Sample)>::default();
    for turn in 0..scale.pick(20, 6) {
        for at in 0..BATCH {
            let task = world::add(&one, &context, turn * BATCH + at).await?;
            let acknowledged = Instant::now();
            until_seen(&two, &context, &task).await?;
            seen.since(acknowledged);
            let began = Instant::now();
            until_seen(&two, &context, &task).await?;
            view.since(began);
        }
        for _ in 0..BATCH {
            let began = Instant::now();
            one.get("/v1/health").await?;
            wire.round_trip().await?;
            limit.since(began);
        }
    }
    Ok((seen, limit, view))
}

/// A board that both nodes are members of; returns once a write went from one to the other.
async fn joined(one: &Node, two: &Node) -> Result<String> {
    let app = world::install(one).await?;
    let context = world::create(one, &app).await?;
    let invite = json!({ "role": "member", "uses": 1 });
    let invited = one.post(&format!("/v1/contexts/{context}/invitations"), &invite).await?;
    let link = world::text(&invited, "link")?;
    two.post("/v1/join", &json!({ "link": link })).await.context("joining")?;
    let task = world::add(one, &context, 0).await?;
    eventually(LIMIT, async || view_task(two, &context, &task).await).await?;
    Ok(context)
}

/// Asks again at once, unlike [`eventually`]: the answer's time is what is measured.
async fn until_seen(node: &Node, context: &str, task: &Value) -> Result<()> {
    let began = Instant::now();
    loop {
        let error = match view_task(node, context, task).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        ensure!(began.elapsed() < LIMIT, "not seen in {} s: {error:#}", LIMIT.as_secs());
    }
}

async fn view_task(node: &Node, context: &str, task: &Value) -> Result<()> {
    let body = json!({ "method": "get", "args": { "id": task } });
    node.post(&format!("/v1/contexts/{context}/view"), &body).await?;
    Ok(())
}

/// Two ends of a libp2p connection in this process, the second of which echoes.
struct Wire {
    near: NetHandle,
    far: Peer,
    /// Ends with the process; held so that it is clear who owns it.
    _echo: [JoinHandle<()>; 2],
}

impl Wire {
    async fn open() -> Result<Self> {
        let (near, near_events) = Net::start(config(1)?).await?;
        let (far, mut far_events) = Net::start(config(2)?).await?;
        let address = listening(&mut far_events).await?;
        near.dial(address.with_peer(far.local_peer())).await?;
        let peer = far.local_peer();
        // The far end lives as long as its handle: the task keeps it.
        let echo =
            [tokio::spawn(echo(near_events, None)), tokio::spawn(echo(far_events, Some(far)))];
        let wire = Self { near, far: peer, _echo: echo };
        eventually(LIMIT, async || wire.round_trip().await).await?;
        Ok(wire)
    }

    async fn round_trip(&self) -> Result<()> {
        self.near.request(self.far, vec![0; REQUEST_BYTES]).await?;
        Ok(())
    }
}

fn config(seed: u8) -> Result<NetConfig> {
    Ok(NetConfig {
        seed: [seed; 32].into(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse::<Address>().context("an address")?],
        bootstrap: Vec::new(),
        discovery: Discovery::Off,
    })
}

async fn listening(events: &mut Receiver<NetEvent>) -> Result<Address> {
    loop {
        if let NetEvent::Listening(address) = events.recv().await.context("the network ended")? {
            return Ok(address);
        }
    }
}

async fn echo(mut events: Receiver<NetEvent>, _end: Option<NetHandle>) {
    while let Some(event) = events.recv().await {
        if let NetEvent::Request { bytes, reply, .. } = event {
            reply.answer(bytes);
        }
    }
}

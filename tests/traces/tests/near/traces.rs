//! All golden traces, on the contract.

use std::collections::BTreeSet;

use anchorhold_traces::{Played, Replay, Script, Venue, committed};
use devnet_near::Report;
use governance::anchor::{Event, OnChainId};
use serde_json::Value;
use types::Hash;

use crate::world::{World, account, hex, id};

#[test]
fn the_contract_replays_the_traces() {
    let scripts = committed().expect("contracts/vectors holds scripts");
    let names: BTreeSet<String> =
        scripts.iter().flat_map(|script| script.accounts.keys()).map(|name| named(name)).collect();
    let world = World::new(names.iter().map(String::as_str));
    let (mut played, mut refused, mut left_out) = (0, 0, 0);
    for script in &scripts {
        for replay in replays(script, &world) {
            let mut world = world.clone();
            for step in &replay.steps {
                step_holds(&mut world, &replay, step);
            }
            revisions_hold(&world, &replay);
            played += replay.steps.len();
            refused += replay.steps.iter().filter(|step| step.outcome.is_err()).count();
            left_out += replay.left_out;
        }
    }
    println!("{played} steps on the contract, {refused} of them refused; {left_out} left out");
    assert_eq!(left_out, 68, "the steps that need approvals by signature");
}

fn named(name: &str) -> String {
    format!("{name}.near")
}

fn replays(script: &Script, world: &World) -> Vec<Replay> {
    let account = |name: &str| Some(account(&id(&named(name))));
    let venue = Venue::elsewhere(script, world.place(), account).expect("who they are");
    let play = |trace| venue.play(trace).unwrap_or_else(|error| panic!("{error}"));
    script.traces.iter().map(play).collect()
}

fn step_holds(world: &mut World, replay: &Replay, step: &Played) {
    let at = format!("{}, step {}", replay.name, step.number);
    let (before, surplus) = (world.state(), world.surplus());
    world.at(step.at_s);
    let call = world.call(&replay.context, &step.call, step.batch.as_deref());
    let told = world.send(&id(&named(&step.by)), call);
    match (&told, &step.outcome) {
        (Ok(report), Ok(events)) => {
            let names: Vec<&str> = events.iter().map(Event::name).collect();
            assert_eq!(told_names(report), names, "{at}");
            assert_eq!(revs(report), heads(events), "{at}");
        }
        (Err(code), Err(expected)) => {
            assert_eq!(code, expected, "{at}");
            assert!(before == world.state(), "{at}: it was refused, and the state has changed");
        }
        _ => panic!("{at}: {:?}, not {:?}", told.map(drop), step.outcome),
    }
    assert_eq!(world.heads(&replay.context), (step.head, step.log_head), "{at}");
    // All that was added is paid, all that was paid too much went back, but for single yoctos.
    let kept = world.surplus() - surplus;
    assert!(kept <= 1, "{at}: {kept} yoctoNEAR stayed");
}

fn told(report: &Report) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    for line in report.logs() {
        let text = line.strip_prefix("EVENT_JSON:").expect("only events are written");
        let event: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!((&event["standard"], &event["version"]), (&"cam".into(), &"1.0.0".into()));
        let name = event["event"].as_str().expect("a name");
        for data in event["data"].as_array().expect("data") {
            told.push((name.to_owned(), data.clone()));
        }
    }
    told
}

fn told_names(report: &Report) -> Vec<String> {
    told(report).into_iter().map(|(name, _)| name).collect()
}

/// Number, kind, payload and log head of the revisions that were told.
fn revs(report: &Report) -> Vec<(String, u64, String, String)> {
    let told = told(report).into_iter().filter(|(name, _)| name == "Rev");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    told.map(|(_, data)| {
        let kind = data["kind"].as_u64().expect("a number");
        (text(&data["rev"]), kind, text(&data["payload"]), text(&data["log_head"]))
    })
    .collect()
}

fn heads(events: &[Event]) -> Vec<(String, u64, String, String)> {
    let head = |event: &Event| match event {
        Event::Rev { rev, happened, log_head } => Some((
            rev.to_string(),
            happened.kind().into(),
            hex(happened.payload()),
            hex(log_head.as_bytes()),
        )),
        _ => None,
    };
    events.iter().filter_map(head).collect()
}

/// What is kept of the revisions leads to the log head.
fn revisions_hold(world: &World, replay: &Replay) {
    let events = replay.steps.iter().filter_map(|step| step.outcome.as_ref().ok()).flatten();
    let events: Vec<Event> = events.cloned().collect();
    let mut kept = Vec::new();
    loop {
        let after = kept.len().to_string();
        let args = serde_json::json!({
            "context": hex(replay.context.as_hash().as_bytes()), "after": after, "limit": 1000,
        });
        let page = world.view("revisions", &args);
        let page = page.as_array().expect("revisions");
        assert!(page.len() <= 64, "{}", replay.name);
        if page.is_empty() {
            break;
        }
        kept.extend(page.iter().map(|revision| {
            let text = |field: &str| revision[field].as_str().expect("text").to_owned();
            let kind = revision["kind"].as_u64().expect("a number");
            (text("rev"), kind, text("payload"), text("log_head"))
        }));
    }
    assert_eq!(kept, heads(&events), "{}", replay.name);
    assert_eq!(log_head(&replay.context, world), replay.log_head, "{}", replay.name);
}

fn log_head(context: &OnChainId, world: &World) -> Hash {
    world.heads(context).1
}

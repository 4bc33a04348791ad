//! What stands in `contracts/vectors`: that it is what the model makes, that the model replays it
//! from the abstract calls, and that it covers every transition and every code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anchorhold_traces::{
    Ask, Expect, Hex, Script, Stage, Trace, Venue, committed, folder, scripts, text,
};
use governance::anchor::{Account, Code, Registry};
use serde_json::Value;

/// Traces that there are at least.
const TRACES_MIN: usize = 200;
/// Deposits are for other chains; version 1 never answers so on Ethereum.
const ELSEWHERE: [Code; 1] = [Code::E02];

fn files() -> Vec<Script> {
    committed().expect("contracts/vectors holds scripts")
}

fn method(ask: &Ask) -> String {
    let value = serde_json::to_value(ask).expect("JSON");
    value["method"].as_str().expect("a method").to_owned()
}

#[test]
fn the_files_are_what_the_model_makes() {
    let scripts = scripts().expect("the model says what the authors say");
    for script in &scripts {
        let path = folder().join(format!("{}.json", script.group));
        let written = fs::read_to_string(&path).unwrap_or_default();
        let made = text(script).expect("JSON");
        assert!(written == made, "{} is old: cargo x traces --write", path.display());
    }
    let made: BTreeSet<&str> = scripts.iter().map(|script| script.group.as_str()).collect();
    let files = files();
    let files: BTreeSet<&str> = files.iter().map(|script| script.group.as_str()).collect();
    assert_eq!(files, made, "a file that nobody makes");
}

#[test]
fn the_model_replays_the_files() {
    let mut steps = 0;
    for script in files() {
        let venue = Venue::ethereum(&script).expect("addresses are their secrets'");
        for trace in &script.traces {
            assert!(trace.steps[0].at_s > script.profile.eip155.start_s, "{}", trace.name);
            replay(&venue, trace);
            steps += trace.steps.len();
        }
    }
    println!("{steps} steps replayed");
}

fn replay(venue: &Venue, trace: &Trace) {
    let name = &trace.name;
    let replay = venue.play(trace).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.steps.len(), replay.left_out), (trace.steps.len(), 0), "{name}");
    let context = Hex::of(replay.context.as_hash().as_bytes());
    assert_eq!(context, trace.context.eip155, "{name}: the context's id");
    let log_head = Hex::of(replay.log_head.as_bytes());
    assert_eq!(log_head, trace.log_head.eip155, "{name}: the log head");
    let stage = Stage::new(venue.cast().clone(), &trace.creator, &trace.salt);
    let stage = stage.expect("an empty registry");
    for (index, step) in trace.steps.iter().enumerate() {
        let wire = stage.wire(&step.by, &step.call).expect("it has a wire form");
        assert_eq!(Hex::of(wire), step.wire.eip155, "{name}, step {}: the wire form", index + 1);
    }
}

#[test]
fn the_model_replays_the_files_on_another_chain() {
    let registry = Registry {
        chain: "near:mainnet".parse().expect("a chain"),
        account: Account::new(b"registry.near").expect("an account"),
    };
    let account = |name: &str| Account::new(format!("{name}.near").as_bytes());
    let (mut played, mut left_out) = (0, 0);
    for script in files() {
        let venue = Venue::elsewhere(&script, registry.clone(), account).expect("who they are");
        for trace in &script.traces {
            let replay = venue.play(trace).unwrap_or_else(|error| panic!("{error}"));
            played += replay.steps.len();
            left_out += replay.left_out;
            let by_signatures =
                trace.steps.iter().any(|step| method(&step.call) == "approveBySigs");
            assert!(replay.left_out == 0 || by_signatures, "{}", trace.name);
            assert_ne!(Hex::of(replay.context.as_hash().as_bytes()), trace.context.eip155);
        }
    }
    println!("{played} steps replayed, {left_out} left out");
    assert!(left_out * 20 < played, "{left_out} of {played} left out");
}

#[test]
fn there_are_enough_and_each_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    let mut traces = 0;
    for script in files() {
        traces += script.traces.len();
        for trace in script.traces {
            assert!(!trace.steps.is_empty() && !trace.summary.is_empty(), "{}", trace.name);
            assert!(names.insert(trace.name.clone()), "{} stands twice", trace.name);
        }
    }
    assert!(traces >= TRACES_MIN, "{traces} of {TRACES_MIN}");
}

/// How often each method and action was done, and each code was met by a method.
#[derive(Debug, Default)]
struct Covered {
    done: BTreeMap<String, u32>,
    executed: BTreeSet<String>,
    events: BTreeSet<String>,
    refused: BTreeMap<String, BTreeSet<String>>,
}

fn covered() -> Covered {
    let mut covered = Covered::default();
    for step in files().iter().flat_map(|script| &script.traces).flat_map(|t| &t.steps) {
        let method = method(&step.call);
        match &step.expect {
            Expect::Refused { error } => {
                covered.refused.entry(error.clone()).or_default().insert(method);
            }
            Expect::Done { events, .. } => {
                *covered.done.entry(method).or_default() += 1;
                if events.iter().any(|name| name == "Executed") {
                    covered.executed.extend(kinds(&step.call));
                }
                covered.events.extend(events.iter().cloned());
            }
        }
    }
    covered
}

fn kinds(ask: &Ask) -> Vec<String> {
    let value = serde_json::to_value(ask).expect("JSON");
    let actions = value["actions"].as_array().cloned().unwrap_or_default();
    actions.iter().map(|action| action["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn every_method_action_and_event_occurs() {
    let Covered { done, executed, events, .. } = covered();
    assert_eq!(done.len(), 17, "{done:?}");
    assert_eq!(executed.len(), 11, "{executed:?}");
    assert_eq!(events.len(), 12, "{events:?}");
}

#[test]
fn every_code_occurs_wherever_a_method_can_answer_so() {
    let refused = covered().refused;
    for code in Code::ALL.iter().filter(|code| !ELSEWHERE.contains(code)) {
        assert!(refused.contains_key(&format!("{code:?}")), "{code} occurs nowhere");
    }
    // By contracts/README.md; what batches answer is left to those who carry them out.
    for (method, codes) in [
        ("create", "01 03"),
        ("propose", "10 11 12 13 14 15 16 17"),
        ("act", "10 11 12 13 15 16 17 44"),
        ("approve", "10 20 21 22 23 24 25"),
        ("approveBySigs", "10 20 21 22 23 24 25 26"),
        ("approveAndExecute", "10 20 21 22 23 24 25 44 57"),
        ("unapprove", "10 20 27"),
        ("cancel", "20 30"),
        ("veto", "20 31"),
        ("execute", "10 40 41 42 43 44 46 54 55 57 58"),
        ("expire", "20 48"),
        ("acceptAdmin", "10 50 51 52"),
        ("renounce", "10 12 53"),
        ("bind", "10 60"),
        ("unbind", "10"),
        ("claimInvite", "10 70 71 72 73 74"),
        ("freeze", "10 80"),
    ] {
        for code in codes.split(' ') {
            let met = refused.get(&format!("E{code}")).is_some_and(|by| by.contains(method));
            assert!(met, "{method} never answers E{code}");
        }
    }
}

#[test]
fn other_fields_of_other_chains_do_not_disturb() {
    let path = folder().join("create.json");
    let text = fs::read_to_string(path).expect("it is there");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["profile"]["near"] = Value::from("registry.near");
    value["accounts"]["alice"]["near"] = Value::from("alice.near");
    value["traces"][0]["steps"][0]["wire"]["near"] = Value::from("0x");
    let script: Script = serde_json::from_value(value).expect("still a script");
    assert_eq!(script.group, "create");
}

#[test]
fn a_file_that_says_something_else_is_found() {
    let script = files().into_iter().find(|script| script.group == "cancel").expect("it is");
    let venue = Venue::ethereum(&script).expect("addresses are their secrets'");
    let trace = script.traces.first().expect("a trace");
    differs(&venue, trace, "another call", |trace| {
        trace.steps[0].call = Ask::Renounce;
    });
    differs(&venue, trace, "another caller", |trace| {
        trace.steps[1].by = "grace".to_owned();
    });
    differs(&venue, trace, "another second", |trace| trace.steps[1].at_s += 90 * 86_400);
    differs(&venue, trace, "other wire data", |trace| {
        trace.steps[0].wire.eip155 = Hex::of([0]);
    });
    differs(&venue, trace, "another code", |trace| {
        trace.steps[0].expect = Expect::Refused { error: "E01".to_owned() };
    });
    differs(&venue, trace, "another head", |trace| {
        let events = vec!["Rev".to_owned()];
        trace.steps[0].expect = Expect::Done { events, head: Hex::of([0; 32]) };
    });
    differs(&venue, trace, "another log head", |trace| trace.log_head.eip155 = Hex::of([0; 32]));
}

#[track_caller]
fn differs(venue: &Venue, trace: &Trace, story: &str, change: impl FnOnce(&mut Trace)) {
    let mut trace = trace.clone();
    change(&mut trace);
    let replayed = std::panic::catch_unwind(|| replay(venue, &trace));
    assert!(replayed.is_err(), "{story} was not found");
}

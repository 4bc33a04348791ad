//! The golden traces, on the wasm.

use anchorhold_traces::{Played, Script, Trace, Venue, committed};
use governance::anchor::OnChainId;

use crate::{
    wire::{Answer, Event},
    world::{World, account},
};

/// The traces of a file in one registry, each with accounts of its own, so that their records lie
/// side by side.
struct Tour {
    world: World,
    traces: usize,
    steps: usize,
    left_out: usize,
}

#[test]
fn the_canister_reproduces_all_traces() {
    let scripts = committed().expect("contracts/vectors is there");
    let mut played = (0, 0, 0);
    for script in &scripts {
        let creator = |trace: &Trace| own(script, trace, &trace.creator);
        let creators: Vec<String> = script.traces.iter().map(creator).collect();
        let creators: Vec<&str> = creators.iter().map(String::as_str).collect();
        let world = World::new(&creators);
        let mut tour = Tour { world, traces: 0, steps: 0, left_out: 0 };
        for trace in &script.traces {
            tour.play(script, trace);
        }
        played = (played.0 + tour.traces, played.1 + tour.steps, played.2 + tour.left_out);
    }
    println!(
        "{} traces, {} steps played, {} of approveBySigs left out",
        played.0, played.1, played.2
    );
    assert!(played.0 >= 456 && played.1 >= 2500, "{played:?}");
}

/// The name of an account in one trace.
fn own(script: &Script, trace: &Trace, name: &str) -> String {
    format!("{}/{}/{name}", script.group, trace.name)
}

impl Tour {
    fn play(&mut self, script: &Script, trace: &Trace) {
        let registry = self.world.name.clone();
        let named = |name: &str| Some(account(&own(script, trace, name)));
        let venue = Venue::elsewhere(script, registry, named).expect("everybody is known");
        let replay = venue.play(trace).expect("the model says what the file says");
        self.world.check(&replay.context);
        for step in &replay.steps {
            self.step(&format!("{}, step {}", replay.name, step.number), &replay.context, step);
        }
        self.world.check(&replay.context);
        let log_head = self.world.head(&replay.context).log_head;
        assert_eq!(log_head, replay.log_head.as_bytes(), "{}", replay.name);
        self.traces += 1;
        self.steps += replay.steps.len();
        self.left_out += replay.left_out;
    }

    fn step(&mut self, at: &str, context: &OnChainId, step: &Played) {
        self.world.at(step.at_s);
        let asked = (context, &step.call);
        let (answer, _) = self.world.measured(&step.caller, asked, step.batch.as_deref());
        match (&step.outcome, answer) {
            (Ok(events), Answer::Ok(outcome)) => {
                let events: Vec<Event> = events.iter().map(Event::from).collect();
                assert_eq!(outcome.events, events, "{at}");
                let stands = (&outcome.head[..], &outcome.log_head[..]);
                assert_eq!(stands, (&step.head[..], &step.log_head.as_bytes()[..]), "{at}");
            }
            (Err(code), Answer::Err(refusal)) => {
                assert_eq!((refusal.code, refusal.text), (code.number(), code.to_string()), "{at}");
                let certified = self.world.head(context);
                assert_eq!(certified.head, step.head, "{at}: refused, but changed");
                assert_eq!(certified.log_head, step.log_head.as_bytes(), "{at}");
            }
            (expected, answer) => panic!("{at}: {answer:?}, not {expected:?}"),
        }
    }
}

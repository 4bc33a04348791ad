//! Plays the files in the registry of any chain: what to send there, and what must come of it.
//!
//! Names of accounts become accounts of that chain, and signatures are made anew for that registry.
//! The model plays along, so that each step tells the events, the head and the log head that the
//! contract must come to; that they are those of the file is looked at here.

use anyhow::{Result, ensure};
use governance::anchor::{Account, Call, Event, OnChainId, Registry, encode_actions};
use types::Hash;

use crate::{
    cast::Cast,
    script::{Ask, Batch, Expect, Hex, Script, Trace},
    stage::{Outcome, Stage},
};

/// A registry in which the traces of a script are played.
#[derive(Clone, Debug)]
pub struct Venue {
    cast: Cast,
    by_signatures: bool,
}

/// A trace, played.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The trace's.
    pub name: String,
    /// The record that it is about, which does not exist before.
    pub context: OnChainId,
    /// What to send, in this order.
    pub steps: Vec<Played>,
    /// How many steps of the trace are not among them: those of `approveBySigs` on a chain that
    /// does not have it, and whatever follows one that is done.
    pub left_out: usize,
    /// The log head after the last of `steps`; zero if there is no record.
    pub log_head: Hash,
}

/// One step of a trace.
#[derive(Clone, Debug)]
pub struct Played {
    /// Its number in the trace, from 1.
    pub number: usize,
    /// Unix time of its block; each is later than the one before.
    pub at_s: u64,
    /// The name of who calls.
    pub by: String,
    /// Who calls.
    pub caller: Account,
    /// What it asks for. Where `batch` is no legal batch there are no actions in it.
    pub call: Call,
    /// The bytes of the batch, if the method takes one; they are what is to be sent.
    pub batch: Option<Vec<u8>>,
    /// What it must come to: these events in this order, or this refusal.
    pub outcome: Outcome,
    /// The packed head after it, zero if there is no record.
    pub head: [u8; 32],
    /// The log head after it, zero if there is no record.
    pub log_head: Hash,
}

impl Venue {
    /// The registry that the script's wire data is for, on an Ethereum chain.
    ///
    /// # Errors
    /// If an address or public key is not its secret's.
    pub fn ethereum(script: &Script) -> Result<Self> {
        Ok(Self { cast: Cast::of_script(script)?, by_signatures: true })
    }

    /// `registry` on a chain without `approveBySigs`; `account` says who the accounts of the script
    /// are there, by their names ([`Script::accounts`] lists them).
    ///
    /// # Errors
    /// As [`Venue::ethereum`], or if `account` does not know a name.
    pub fn elsewhere(
        script: &Script,
        registry: Registry,
        account: impl Fn(&str) -> Option<Account>,
    ) -> Result<Self> {
        let cast = Cast::of_script(script)?.elsewhere(registry, account)?;
        Ok(Self { cast, by_signatures: false })
    }

    /// The cast, with the accounts that they are here.
    pub const fn cast(&self) -> &Cast {
        &self.cast
    }

    /// Plays `trace` on the model.
    ///
    /// # Errors
    /// If a step comes to something else than the trace says, is in no later second than the one
    /// before, or names what there is not.
    pub fn play(&self, trace: &Trace) -> Result<Replay> {
        let mut stage = Stage::new(self.cast.clone(), &trace.creator, &trace.salt)?;
        let context = *stage.context();
        let mut steps: Vec<Played> = Vec::new();
        for (index, step) in trace.steps.iter().enumerate() {
            let at = format!("{}, step {}", trace.name, index + 1);
            let last_s = steps.last().map_or(0, |played| played.at_s);
            ensure!(step.at_s > last_s, "{at}: no later second");
            if !self.by_signatures && matches!(step.call, Ask::ApproveBySigs { .. }) {
                // What is refused changes nothing; what is done is missing from here on.
                if matches!(step.expect, Expect::Refused { .. }) {
                    continue;
                }
                break;
            }
            let (caller, call) = (self.cast.account(&step.by)?, stage.call(&step.by, &step.call)?);
            let outcome = stage.play(step.at_s, &step.by, &step.call)?;
            let told = told(&outcome, stage.head());
            ensure!(told == step.expect, "{at}: {told:?}, not {:?}", step.expect);
            steps.push(Played {
                number: index + 1,
                at_s: step.at_s,
                by: step.by.clone(),
                caller,
                batch: batch(&step.call, &call)?,
                call,
                outcome,
                head: stage.head(),
                log_head: stage.log_head(),
            });
        }
        let (name, log_head) = (trace.name.clone(), stage.log_head());
        let left_out = trace.steps.len() - steps.len();
        Ok(Replay { name, context, steps, left_out, log_head })
    }
}

fn told(outcome: &Outcome, head: [u8; 32]) -> Expect {
    match outcome {
        Ok(events) => Expect::Done {
            events: events.iter().map(Event::name).map(str::to_owned).collect(),
            head: Hex::of(head),
        },
        Err(code) => Expect::Refused { error: format!("{code:?}") },
    }
}

fn batch(ask: &Ask, call: &Call) -> Result<Option<Vec<u8>>> {
    match (ask, call) {
        (
            Ask::Propose { batch: Batch::Raw { raw_actions }, .. }
            | Ask::Act { batch: Batch::Raw { raw_actions }, .. }
            | Ask::Execute { batch: Batch::Raw { raw_actions }, .. }
            | Ask::ApproveAndExecute { batch: Batch::Raw { raw_actions }, .. },
            _,
        ) => Ok(Some(raw_actions.bytes().to_vec())),
        (
            _,
            Call::Propose { actions, .. }
            | Call::Act { actions, .. }
            | Call::Execute { actions, .. }
            | Call::ApproveAndExecute { actions, .. },
        ) => Ok(Some(encode_actions(actions)?)),
        _ => Ok(None),
    }
}

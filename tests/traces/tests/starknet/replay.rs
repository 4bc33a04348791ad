//! All golden traces, each in a registry of its own.

use std::collections::BTreeMap;

use anchorhold_traces::{Played, Replay, Venue, committed};
use anyhow::{Context as _, Result, bail, ensure};
use governance::anchor::{Account, OnChainId, Registry};
use starknet_rs::{
    core::{
        types::{Call, ExecutionResult, Felt},
        utils::get_selector_from_name,
    },
    providers::Provider as _,
};

use crate::{
    devnet::{Artifact, Devnet, PRESENT, program},
    wire,
};

/// Devnet's.
pub(crate) const CHAIN: &str = "starknet:SN_SEPOLIA";

/// Files of traces that are played in one test: so many that a test takes a minute or two.
const PROPOSING: &[&str] = &["propose", "act"];
const BATCHES: &[&str] = &["actions", "batch", "classes"];
const APPROVING: &[&str] = &["approve", "unapprove"];
const SIGNED: &[&str] = &["approve-by-sigs", "approve-and-execute"];
const ENDING: &[&str] = &["cancel", "veto", "expire", "execute"];
const SEATS: &[&str] = &["create", "accept-admin", "renounce", "freeze", "life"];
const KEYS: &[&str] = &["bind", "unbind", "claim-invite"];

/// Who the names of a script are on devnet; account 0 is the one that deploys.
type Players = BTreeMap<String, usize>;

#[tokio::test]
async fn proposals_are_made_as_in_the_model() {
    all(PROPOSING).await.expect("the contract does what the model does");
}

#[tokio::test]
async fn batches_do_what_they_do_in_the_model() {
    all(BATCHES).await.expect("the contract does what the model does");
}

#[tokio::test]
async fn approvals_count_as_in_the_model() {
    all(APPROVING).await.expect("the contract does what the model does");
}

#[tokio::test]
async fn last_approvals_carry_out_as_in_the_model() {
    all(SIGNED).await.expect("the contract does what the model does");
}

#[tokio::test]
async fn proposals_end_as_in_the_model() {
    all(ENDING).await.expect("the contract does what the model does");
}

#[tokio::test]
async fn seats_are_held_as_in_the_model() {
    all(SEATS).await.expect("the contract does what the model does");
}

#[tokio::test]
async fn keys_are_told_as_in_the_model() {
    all(KEYS).await.expect("the contract does what the model does");
}

#[test]
fn every_file_of_traces_is_played_once() {
    let parts = [PROPOSING, BATCHES, APPROVING, SIGNED, ENDING, SEATS, KEYS];
    let mut played: Vec<&str> = parts.concat();
    played.sort_unstable();
    let scripts = committed().expect("the files are there");
    let mut files: Vec<&str> = scripts.iter().map(|script| script.group.as_str()).collect();
    files.sort_unstable();
    assert_eq!(played, files);
}

/// Plays the traces of these files, each in a registry of its own, on one devnet.
async fn all(groups: &[&str]) -> Result<()> {
    let Some(program) = program() else { return Ok(()) };
    let artifact = Artifact::read("artifact", "Registry")?;
    let mut devnet = Devnet::start(&program, &[]).await?;
    devnet.declare(&artifact).await?;
    let (mut traces, mut steps) = (0_u64, 0);
    for script in committed()? {
        if !groups.contains(&script.group.as_str()) {
            continue;
        }
        let players: Players = script.accounts.keys().cloned().zip(1..).collect();
        for trace in &script.traces {
            let registry = devnet.deploy(artifact.class_hash, Felt::from(traces), &[]).await?;
            let account = |name: &str| -> Option<Account> {
                let player = devnet.accounts.get(*players.get(name)?)?;
                wire::account(player.address())
            };
            let place = Registry {
                chain: CHAIN.parse()?,
                account: wire::account(registry).context("an address")?,
            };
            let replay = Venue::elsewhere(&script, place, account)?.play(trace)?;
            play(&mut devnet, registry, &players, &replay).await?;
            (traces, steps) = (traces + 1, steps + replay.steps.len());
        }
    }
    println!("{traces} traces, {steps} steps replayed");
    Ok(())
}

async fn play(
    devnet: &mut Devnet,
    registry: Felt,
    players: &Players,
    replay: &Replay,
) -> Result<()> {
    let slot = wire::anchor_slot(&replay.context)?;
    for step in &replay.steps {
        let at = || format!("{}, step {}: {:?}", replay.name, step.number, step.call);
        devnet.at(step.at_s).await?;
        let by = *players.get(&step.by).context("a player")?;
        check(devnet, registry, by, &replay.context, step).await.with_context(at)?;
        let mut words = [Felt::ZERO; 4];
        for (offset, word) in words.iter_mut().enumerate() {
            let key = slot + Felt::from(offset);
            *word = devnet.rpc.get_storage_at(registry, key, PRESENT).await?;
        }
        let [high, low, log_high, log_low] = words;
        ensure!(wire::joined(high, low) == step.head, "{}: another head", at());
        let log_head = wire::joined(log_high, log_low);
        ensure!(log_head == *step.log_head.as_bytes(), "{}: another log head", at());
    }
    Ok(())
}

/// Sends a step; its events or its refusal must be the model's.
async fn check(
    devnet: &mut Devnet,
    registry: Felt,
    by: usize,
    id: &OnChainId,
    step: &Played,
) -> Result<()> {
    let (name, calldata) = wire::calldata(id, step)?;
    let call = Call { to: registry, selector: get_selector_from_name(name)?, calldata };
    let receipt = devnet.invoke(by, vec![call]).await?;
    match (&step.outcome, &receipt.execution_result) {
        (Ok(expected), ExecutionResult::Succeeded) => {
            let events = receipt.events.iter().filter(|event| event.from_address == registry);
            let told: Vec<_> =
                events.map(|event| (event.keys.clone(), event.data.clone())).collect();
            let expected: Vec<_> =
                expected.iter().map(|event| wire::told(id, step, event)).collect::<Result<_>>()?;
            ensure!(told == expected, "told {told:x?}, not {expected:x?}");
        }
        (Err(code), ExecutionResult::Reverted { reason }) => {
            ensure!(reason.contains(&format!("('{code:?}')")), "not {code:?}: {reason}");
        }
        (expected, result) => bail!("{result:?}, not {expected:?}"),
    }
    Ok(())
}

//! Claims about the beacon chain, as `anchorhold verify` reads them.

use super::{
    committee::Committee,
    containers::{self, Bootstrap, Malformed, Update},
    network::{Fork, Preset},
    store::{self, Refused, Terms},
};
use crate::verdict::{Derived, Input, Refusal, Verdict, judge};

impl From<Refused> for Refusal {
    fn from(error: Refused) -> Self {
        Self(error.to_string())
    }
}

impl From<Malformed> for Refusal {
    fn from(error: Malformed) -> Self {
        Self(error.to_string())
    }
}

/// The verdict on a claim of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived<'_>) -> Result<(), Refusal> = match kind {
        "lc-bootstrap" => bootstrap,
        "lc-update" => update,
        _ => return None,
    };
    Some(judge(|derived| check(input, derived)))
}

fn shape(input: Input<'_>) -> Result<(Fork, Preset), Refusal> {
    let preset = match input.text("preset")? {
        "mainnet" => Preset::Mainnet,
        "minimal" => Preset::Minimal,
        other => return Err(format!("the preset {other:?} is unknown").into()),
    };
    let fork = input.text("fork")?;
    let fork = Fork::named(fork).ok_or_else(|| Refusal(format!("the fork {fork:?} is unknown")))?;
    Ok((fork, preset))
}

fn bootstrap(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let (fork, preset) = shape(input)?;
    let bootstrap = Bootstrap::decode(&input.bytes("bootstrap_ssz")?, fork, preset)?;
    derived.put("slot", bootstrap.header.beacon.slot);
    derived.hex("sync_committee_root", bootstrap.committee.root);
    derived.hex("execution_block_hash", bootstrap.header.execution.block_hash);
    store::check_bootstrap(&input.word("trusted_block_root")?, &bootstrap, None)?;
    Committee::new(&bootstrap.committee).map_err(Refused::from)?;
    Ok(())
}

fn update(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let (fork, preset) = shape(input)?;
    let update = Update::decode(&input.bytes("update_ssz")?, fork, preset)?;
    derived.put("participants", update.participants());
    derived.put("attested_slot", update.attested.beacon.slot);
    derived.put("finalized_slot", update.finalized.beacon.slot);
    derived.put("signature_slot", update.signature_slot);
    derived.hex("finalized_execution_block_hash", update.finalized.execution.block_hash);
    let committee = containers::committee(&input.bytes("sync_committee_ssz")?, preset)?;
    let committee = Committee::new(&committee).map_err(Refused::from)?;
    let genesis_validators_root = input.word("genesis_validators_root")?;
    let version = input.array("fork_version")?;
    let terms = Terms { version, genesis_validators_root: &genesis_validators_root, network: None };
    store::check_update(&update, &committee, &terms)?;
    if update.has_committee() {
        Committee::new(&update.next_committee).map_err(Refused::from)?;
    }
    Ok(())
}

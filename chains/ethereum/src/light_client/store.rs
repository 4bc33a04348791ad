//! What a light client knows, and how it learns more.

use alloy::primitives::B256;
use tree_hash::TreeHash as _;

use super::{
    committee::{BadSignature, Committee},
    containers::{BeaconHeader, Bootstrap, Execution, Header, Update},
    is_under,
    network::{Fork, Network},
};

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The bootstrap is not of the trusted block.
    #[error("it is not of the trusted block")]
    OtherRoot,
    /// The network had no sync committees then, or the message has the shape of another fork.
    #[error("it is not of the fork of its slot")]
    OtherFork,
    /// An execution block is not the one in its beacon block.
    #[error("its execution block is not in its beacon block")]
    Execution,
    /// A committee is not the one in the beacon state.
    #[error("its committee is not in its beacon state")]
    Committee,
    /// The final block is not the one in the beacon state.
    #[error("its final block is not in its beacon state")]
    Finality,
    /// Slots are not in order, or lie in the future.
    #[error("its slots are not in order")]
    Slots,
    /// Fewer than two thirds of the committee signed.
    #[error("only {signed} of {all} signed")]
    TooFew {
        /// Who signed.
        signed: usize,
        /// Who could have.
        all: usize,
    },
    /// It is of a period whose committee is not known.
    #[error("the committee of its period is not known")]
    UnknownPeriod,
    /// It says nothing that is not known.
    #[error("it tells nothing new")]
    Known,
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

/// A light client of one network: what is final, and who signs for it.
///
/// ```text
/// bootstrap(network, trusted root, bootstrap) → Store
/// process(update, now)    one for each period from wanted_period() on, then finality updates
/// finalized_execution()   what everything else is proved under
/// freshness(now)          whether that is new enough to be believed at all
/// ```
///
/// Only what two thirds of a committee signed as final is taken in; there is no optimistic head and
/// no forced update. What was taken in is never taken back.
#[derive(Clone, Debug)]
pub struct Store {
    network: Network,
    finalized: Header,
    current: Committee,
    next: Option<Committee>,
}

/// How old the newest final block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Within the weak subjectivity period.
    Fresh {
        /// Seconds since its slot.
        age_s: u64,
    },
    /// Beyond it: former validators may have sold their keys and sign another history. Begin again
    /// from a root that is trusted today.
    Stale {
        /// Seconds since its slot.
        age_s: u64,
    },
}

/// What a message is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    /// The fork that is signed for.
    pub(super) version: [u8; 4],
    pub(super) genesis_validators_root: &'a B256,
    /// Tells the fork of a slot; without it every slot is of the message's own fork.
    pub(super) network: Option<&'a Network>,
}

impl Store {
    /// Begins at the block whose root is `trusted`. See [`Store::freshness`] for how old that may
    /// be.
    ///
    /// # Errors
    /// [`Refused`] if `bootstrap` is not of that block, or does not hold together.
    pub fn bootstrap(
        network: Network,
        trusted: &B256,
        bootstrap: &Bootstrap,
    ) -> Result<Self, Refused> {
        check_fork(&network, &bootstrap.header, bootstrap.fork)?;
        check_bootstrap(trusted, bootstrap, Some(&network))?;
        let current = Committee::new(&bootstrap.committee)?;
        Ok(Self { network, finalized: bootstrap.header.clone(), current, next: None })
    }

    /// Takes an update in, at `now_s` (Unix seconds).
    ///
    /// It must be signed by the committee of the period that is known to be final, or of the next
    /// one once that is known, and say something new: a newer final block, or the next committee.
    ///
    /// # Errors
    /// [`Refused`]; the store is then as before.
    ///
    /// Source: consensus-specs, `validate_light_client_update`, `apply_light_client_update`.
    pub fn process(&mut self, update: &Update, now_s: u64) -> Result<(), Refused> {
        let preset = self.network.preset;
        check_fork(&self.network, &update.attested, update.fork)?;
        if update.signature_slot > self.network.slot_at(now_s) {
            return Err(Refused::Slots);
        }
        let known_period = preset.period(self.finalized.beacon.slot);
        let period = preset.period(update.signature_slot);
        let committee = if period == known_period {
            &self.current
        } else if period == known_period.saturating_add(1) {
            self.next.as_ref().ok_or(Refused::UnknownPeriod)?
        } else {
            return Err(Refused::UnknownPeriod);
        };
        let attested_period = preset.period(update.attested.beacon.slot);
        let names_next = self.next.is_none()
            && update.has_committee()
            && update.has_finality()
            && attested_period == known_period
            && preset.period(update.finalized.beacon.slot) == attested_period;
        let is_newer = update.finalized.beacon.slot > self.finalized.beacon.slot;
        if !is_newer && !names_next {
            return Err(Refused::Known);
        }
        let version = self.signing_version(update.signature_slot)?;
        let genesis_validators_root = &self.network.genesis_validators_root;
        let terms = Terms { version, genesis_validators_root, network: Some(&self.network) };
        check_update(update, committee, &terms)?;
        if let (Some(next), true) = (&self.next, update.has_committee())
            && attested_period == known_period
            && next.root != update.next_committee.root
        {
            return Err(Refused::Committee);
        }
        self.apply(update, known_period, attested_period)
    }

    fn apply(&mut self, update: &Update, known: u64, attested: u64) -> Result<(), Refused> {
        let finalized = self.network.preset.period(update.finalized.beacon.slot);
        let named = if update.has_committee() {
            Some(Committee::new(&update.next_committee)?)
        } else {
            None
        };
        if finalized > known {
            // Handing over: the next committee is the current one, and the named one comes next.
            let current = self.next.take().ok_or(Refused::UnknownPeriod)?;
            self.current = current;
            self.next = named.filter(|_| attested == finalized);
        } else if self.next.is_none() && attested == known {
            self.next = named;
        }
        if update.finalized.beacon.slot > self.finalized.beacon.slot {
            self.finalized = update.finalized.clone();
        }
        Ok(())
    }

    /// The fork of the block before: who signs at the first slot of a fork signs for the last one.
    fn signing_version(&self, signature_slot: u64) -> Result<[u8; 4], Refused> {
        let slot = signature_slot.max(1) - 1;
        self.network.fork_at(slot).map(|fork| fork.version).ok_or(Refused::OtherFork)
    }

    /// The newest block that is known to be final.
    pub const fn finalized(&self) -> &BeaconHeader {
        &self.finalized.beacon
    }

    /// The execution block in it; `None` before there were any.
    pub fn finalized_execution(&self) -> Option<Execution> {
        Some(self.finalized.execution).filter(|execution| !execution.block_hash.is_zero())
    }

    /// The period whose committee is needed next.
    pub fn wanted_period(&self) -> u64 {
        let period = self.network.preset.period(self.finalized.beacon.slot);
        if self.next.is_some() { period.saturating_add(1) } else { period }
    }

    /// How old that is at `now_s` (Unix seconds), and whether the network's weak subjectivity
    /// period is over. Nothing here refuses to go on from an old block: the caller decides.
    pub const fn freshness(&self, now_s: u64) -> Freshness {
        let age_s = now_s.saturating_sub(self.network.time_of(self.finalized.beacon.slot));
        if age_s <= self.network.weak_subjectivity_s() {
            Freshness::Fresh { age_s }
        } else {
            Freshness::Stale { age_s }
        }
    }

    /// The network that it follows.
    pub const fn network(&self) -> &Network {
        &self.network
    }
}

fn check_fork(network: &Network, header: &Header, fork: Fork) -> Result<(), Refused> {
    // A fork may be told in the shape of a later one, never in that of an earlier one.
    let at = network.fork_at(header.beacon.slot).ok_or(Refused::OtherFork)?;
    if fork >= at.fork { Ok(()) } else { Err(Refused::OtherFork) }
}

/// The rules for `slot`: those of the network's fork, or of the message's where none is known.
fn fork_of(network: Option<&Network>, slot: u64, fork: Fork) -> Fork {
    network.and_then(|network| network.fork_at(slot)).map_or(fork, |at| at.fork)
}

fn check_whole(network: Option<&Network>, header: &Header) -> Result<(), Refused> {
    let at = match network {
        Some(network) => {
            let at = network.fork_at(header.beacon.slot).ok_or(Refused::OtherFork)?;
            Some(at.fork)
        }
        None => None,
    };
    if header.is_whole(at) { Ok(()) } else { Err(Refused::Execution) }
}

/// Whether a bootstrap is of the trusted block and holds together.
pub(super) fn check_bootstrap(
    trusted: &B256,
    bootstrap: &Bootstrap,
    network: Option<&Network>,
) -> Result<(), Refused> {
    let Bootstrap { fork, header, committee, committee_branch } = bootstrap;
    if header.beacon.tree_hash_root() != *trusted {
        return Err(Refused::OtherRoot);
    }
    check_whole(network, header)?;
    let place = fork_of(network, header.beacon.slot, *fork).current_committee();
    if is_at(&header.beacon.state_root, committee.root, committee_branch, place) {
        Ok(())
    } else {
        Err(Refused::Committee)
    }
}

/// Whether an update holds together and those who are said to have signed it did: two thirds of
/// `committee` if it names a final block, else at least one.
pub(super) fn check_update(
    update: &Update,
    committee: &Committee,
    terms: &Terms<'_>,
) -> Result<(), Refused> {
    let (signed, all) = (update.participants(), update.bits.len());
    let is_enough = if update.has_finality() { signed * 3 >= all * 2 } else { signed > 0 };
    if !is_enough {
        return Err(Refused::TooFew { signed, all });
    }
    let attested = &update.attested.beacon;
    let in_order =
        update.signature_slot > attested.slot && attested.slot >= update.finalized.beacon.slot;
    if !in_order {
        return Err(Refused::Slots);
    }
    check_whole(terms.network, &update.attested)?;
    let fork = fork_of(terms.network, attested.slot, update.fork);
    check_finality(update, fork, terms.network)?;
    check_next_committee(update, fork)?;
    let Terms { version, genesis_validators_root, .. } = *terms;
    committee.check(&update.bits, &update.signature, attested, version, genesis_validators_root)?;
    Ok(())
}

fn check_finality(update: &Update, fork: Fork, network: Option<&Network>) -> Result<(), Refused> {
    let finalized = &update.finalized;
    if !update.has_finality() {
        return if finalized.is_empty { Ok(()) } else { Err(Refused::Finality) };
    }
    // Before the first finality the state holds zero, and the update an empty header.
    let root = if finalized.beacon.slot == 0 {
        if !finalized.is_empty {
            return Err(Refused::Finality);
        }
        B256::ZERO
    } else {
        check_whole(network, finalized)?;
        finalized.beacon.tree_hash_root()
    };
    let state_root = &update.attested.beacon.state_root;
    if is_at(state_root, root, &update.finality_branch, fork.finality()) {
        Ok(())
    } else {
        Err(Refused::Finality)
    }
}

fn check_next_committee(update: &Update, fork: Fork) -> Result<(), Refused> {
    let Update { next_committee, next_committee_branch, .. } = update;
    if !update.has_committee() {
        return if next_committee.is_empty { Ok(()) } else { Err(Refused::Committee) };
    }
    let state_root = &update.attested.beacon.state_root;
    if is_at(state_root, next_committee.root, next_committee_branch, fork.next_committee()) {
        Ok(())
    } else {
        Err(Refused::Committee)
    }
}

/// As [`is_under`] at a depth and an index. A branch that was made longer for the shape of a later
/// fork begins with zeros. Source: `is_valid_normalized_merkle_branch`.
fn is_at(root: &B256, leaf: B256, branch: &[B256], (depth, index): (usize, usize)) -> bool {
    let Some(extra) = branch.len().checked_sub(depth) else { return false };
    let (zeros, branch) = branch.split_at(extra);
    zeros.iter().all(|node| node.is_zero()) && is_under(root, leaf, branch, index)
}

#[cfg(test)]
mod tests;

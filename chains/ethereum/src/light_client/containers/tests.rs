//! Messages of made-up chains in every shape, with keys that really sign; and what decoders make of
//! other bytes.

use std::collections::BTreeMap;

use alloy::primitives::keccak256;
use blst::min_pk::{AggregatePublicKey, AggregateSignature, SecretKey, Signature};
use proptest::prelude::*;

use super::*;
use crate::light_client::{committee, network::Network, parent};

/// A chain whose committees are known. The key of member `i` of period `p` comes from both.
#[derive(Clone, Debug)]
pub(in crate::light_client) struct Scene {
    pub(in crate::light_client) network: Network,
    /// The shape in which messages are told.
    pub(in crate::light_client) shape: Fork,
}

/// What an update says.
#[derive(Clone, Copy, Debug)]
pub(in crate::light_client) struct Plan {
    pub(in crate::light_client) attested: u64,
    /// 0 before the first finality; `None` if the update says nothing about it.
    pub(in crate::light_client) finalized: Option<u64>,
    pub(in crate::light_client) signature_slot: u64,
    pub(in crate::light_client) signers: usize,
    pub(in crate::light_client) names_committee: bool,
}

/// A shape of headers.
trait Shape: Encode + Decode + Default + Clone + Into<Header> {
    /// A block of fork `at`, and what is known of it except for its body.
    fn around(beacon: BeaconHeader, at: Fork) -> Self;
}

impl Shape for AltairHeader {
    fn around(beacon: BeaconHeader, _: Fork) -> Self {
        Self { beacon }
    }
}

macro_rules! shape {
    ($name:ident, $execution:ident) => {
        impl Shape for $name {
            fn around(beacon: BeaconHeader, at: Fork) -> Self {
                if at == Fork::Altair {
                    return Self { beacon, ..Self::default() };
                }
                let execution = $execution {
                    block_number: beacon.slot,
                    block_hash: keccak256(beacon.slot.to_be_bytes()),
                    state_root: keccak256(b"execution state"),
                    timestamp: 7 * beacon.slot,
                    extra_data: vec![1, 2, 3].try_into().expect("short"),
                    ..Default::default()
                };
                let root = match at {
                    Fork::Capella => execution.early_root().expect("no blobs"),
                    _ => execution.tree_hash_root(),
                };
                let body = BTreeMap::from([(25, root)]);
                let beacon = BeaconHeader { body_root: node(&body, 1), ..beacon };
                let execution_branch = branch(&body, 25).try_into().expect("4 levels");
                Self { beacon, execution, execution_branch }
            }
        }
    };
}

shape!(CapellaHeader, CapellaExecution);
shape!(DenebHeader, DenebExecution);

/// The node `at` (1 is the root) of the tree with these leaves; whatever else is in it is made up.
fn node(leaves: &BTreeMap<usize, B256>, at: usize) -> B256 {
    let is_below =
        |leaf: &usize| leaf.ilog2() >= at.ilog2() && leaf >> (leaf.ilog2() - at.ilog2()) == at;
    match leaves.get(&at) {
        Some(leaf) => *leaf,
        None if leaves.keys().any(is_below) => {
            parent(&node(leaves, 2 * at), &node(leaves, 2 * at + 1))
        }
        None => keccak256(at.to_be_bytes()),
    }
}

/// The siblings on the way from `at` to the root.
fn branch(leaves: &BTreeMap<usize, B256>, at: usize) -> Vec<B256> {
    let mut at = at;
    let mut siblings = Vec::new();
    while at > 1 {
        siblings.push(node(leaves, at ^ 1));
        at /= 2;
    }
    siblings
}

/// As a longer one, for the shape of a later fork.
fn padded<D: Unsigned>(branch: &[B256]) -> FixedVector<B256, D> {
    let zeros = vec![B256::ZERO; D::to_usize() - branch.len()];
    [zeros, branch.to_vec()].concat().try_into().expect("not too long")
}

const fn index((depth, index): (usize, usize)) -> usize {
    (1 << depth) + index
}

fn key(period: u64, member: usize) -> SecretKey {
    let seed = keccak256([period.to_be_bytes(), (member as u64).to_be_bytes()].concat());
    SecretKey::key_gen(seed.as_slice(), b"").expect("32 bytes are enough")
}

fn sync_committee<N: Unsigned>(period: u64) -> SyncCommittee<N> {
    let keys: Vec<_> = (0..N::to_usize()).map(|member| key(period, member).sk_to_pk()).collect();
    let sum = AggregatePublicKey::aggregate(&keys.iter().collect::<Vec<_>>(), false);
    let pubkeys: Vec<_> = keys.iter().map(|key| PublicKeyBytes::from(key.compress())).collect();
    SyncCommittee {
        pubkeys: pubkeys.try_into().expect("as many"),
        aggregate_pubkey: sum.expect("some").to_public_key().compress().into(),
    }
}

fn empty_committee<N: Unsigned>() -> SyncCommittee<N> {
    let keys = vec![PublicKeyBytes::ZERO; N::to_usize()];
    SyncCommittee {
        pubkeys: keys.try_into().expect("as many"),
        aggregate_pubkey: PublicKeyBytes::ZERO,
    }
}

impl Scene {
    /// Of the minimal preset, with these forks by epoch; told in the shape of the last.
    pub(in crate::light_client) fn new(forks: &[(u64, Fork)]) -> Self {
        let version = |epoch: &u64| [9, 0, 0, u8::try_from(*epoch).expect("small")];
        let at = |(epoch, fork): &(u64, Fork)| crate::light_client::ForkAt {
            epoch: *epoch,
            version: version(epoch),
            fork: *fork,
        };
        let network = Network {
            preset: Preset::Minimal,
            genesis_validators_root: B256::repeat_byte(0x0a),
            genesis_time_s: 1_000,
            slot_s: 6,
            weak_subjectivity_epochs: 100,
            forks: forks.iter().map(at).collect(),
        };
        Self { network, shape: forks.last().expect("a fork").1 }
    }

    fn at(&self, slot: u64) -> Fork {
        self.network.fork_at(slot).expect("since Altair").fork
    }

    /// The block at `slot`, and the part of its state that light clients see.
    fn block<H: Shape, N: Unsigned>(
        &self,
        slot: u64,
        finalized: Option<B256>,
    ) -> (H, BTreeMap<usize, B256>) {
        let (at, period) = (self.at(slot), self.network.preset.period(slot));
        let state = BTreeMap::from([
            (index(at.current_committee()), sync_committee::<N>(period).tree_hash_root()),
            (index(at.next_committee()), sync_committee::<N>(period + 1).tree_hash_root()),
            (index(at.finality()), finalized.unwrap_or(B256::repeat_byte(0xf1))),
        ]);
        let beacon = BeaconHeader {
            slot,
            proposer_index: 3,
            parent_root: keccak256(b"parent"),
            state_root: node(&state, 1),
            body_root: keccak256(b"body"),
        };
        (H::around(beacon, at), state)
    }

    pub(in crate::light_client) fn bootstrap(&self, slot: u64) -> (B256, Vec<u8>) {
        match (self.network.preset, self.shape) {
            (Preset::Mainnet, _) => self.bootstrap_of::<DenebHeader, U512, U6>(slot),
            (_, Fork::Altair) => self.bootstrap_of::<AltairHeader, U32, U5>(slot),
            (_, Fork::Capella) => self.bootstrap_of::<CapellaHeader, U32, U5>(slot),
            (_, Fork::Deneb) => self.bootstrap_of::<DenebHeader, U32, U5>(slot),
            (_, Fork::Electra) => self.bootstrap_of::<DenebHeader, U32, U6>(slot),
        }
    }

    fn bootstrap_of<H: Shape, N: Unsigned, D: Unsigned>(&self, slot: u64) -> (B256, Vec<u8>) {
        let (header, state) = self.block::<H, N>(slot, None);
        let place = index(self.at(slot).current_committee());
        let bootstrap = BootstrapSsz::<H, N, D> {
            header: header.clone(),
            current_sync_committee: sync_committee(self.network.preset.period(slot)),
            current_sync_committee_branch: padded(&branch(&state, place)),
        };
        (header.into().beacon.tree_hash_root(), bootstrap.as_ssz_bytes())
    }

    pub(in crate::light_client) fn update(&self, plan: Plan) -> Vec<u8> {
        match (self.network.preset, self.shape) {
            (Preset::Mainnet, _) => {
                self.update_of::<DenebHeader, U512, U6, U7>(plan).as_ssz_bytes()
            }
            (_, Fork::Altair) => self.update_of::<AltairHeader, U32, U5, U6>(plan).as_ssz_bytes(),
            (_, Fork::Capella) => self.update_of::<CapellaHeader, U32, U5, U6>(plan).as_ssz_bytes(),
            (_, Fork::Deneb) => self.update_of::<DenebHeader, U32, U5, U6>(plan).as_ssz_bytes(),
            (_, Fork::Electra) => self.update_of::<DenebHeader, U32, U6, U7>(plan).as_ssz_bytes(),
        }
    }

    /// As [`Scene::update`], decoded.
    pub(in crate::light_client) fn read(&self, plan: Plan) -> Update {
        let bytes = self.update(plan);
        Update::decode(&bytes, self.shape, self.network.preset).expect("well-formed")
    }

    /// Without the committee, as a `LightClientFinalityUpdate` in the shape of Electra.
    pub(in crate::light_client) fn finality_update(&self, plan: Plan) -> Vec<u8> {
        let whole = self.update_of::<DenebHeader, U32, U6, U7>(plan);
        let finality = FinalitySsz::<DenebHeader, U32, U7> {
            attested_header: whole.attested_header,
            finalized_header: whole.finalized_header,
            finality_branch: whole.finality_branch,
            sync_aggregate: whole.sync_aggregate,
            signature_slot: whole.signature_slot,
        };
        finality.as_ssz_bytes()
    }

    fn update_of<H, N, D, F>(&self, plan: Plan) -> UpdateSsz<H, N, D, F>
    where
        H: Shape,
        N: Unsigned + Clone,
        D: Unsigned,
        F: Unsigned,
    {
        let final_block = plan.finalized.filter(|slot| *slot > 0);
        let finalized_header: H =
            final_block.map_or_else(H::default, |slot| self.block::<H, N>(slot, None).0);
        let root = plan.finalized.map(|slot| match slot {
            0 => B256::ZERO,
            _ => finalized_header.clone().into().beacon.tree_hash_root(),
        });
        let (attested_header, state) = self.block::<H, N>(plan.attested, root);
        let at = self.at(plan.attested);
        let siblings =
            |is_told: bool, place| if is_told { branch(&state, index(place)) } else { Vec::new() };
        let next = self.network.preset.period(plan.attested) + 1;
        UpdateSsz {
            next_sync_committee: if plan.names_committee {
                sync_committee(next)
            } else {
                empty_committee()
            },
            next_sync_committee_branch: padded(&siblings(
                plan.names_committee,
                at.next_committee(),
            )),
            finalized_header,
            finality_branch: padded(&siblings(plan.finalized.is_some(), at.finality())),
            sync_aggregate: self.sign(&attested_header.clone().into().beacon, plan),
            attested_header,
            signature_slot: plan.signature_slot,
        }
    }

    fn sign<N: Unsigned + Clone>(&self, header: &BeaconHeader, plan: Plan) -> SyncAggregate<N> {
        let before = self.network.fork_at(plan.signature_slot - 1).expect("since Altair");
        let domain = committee::domain(before.version, &self.network.genesis_validators_root);
        let message = parent(&header.tree_hash_root(), &domain);
        let period = self.network.preset.period(plan.signature_slot);
        let mut bits = BitVector::new();
        // The last members are those who sign.
        let signers = N::to_usize() - plan.signers..N::to_usize();
        let signatures: Vec<Signature> = signers
            .map(|member| {
                bits.set(member, true).expect("in range");
                key(period, member).sign(message.as_slice(), committee::SCHEME, b"")
            })
            .collect();
        let all: Vec<&Signature> = signatures.iter().collect();
        // The identity, where nobody signs.
        let mut signature = [0; 96];
        signature[0] = 0xc0;
        if let Ok(sum) = AggregateSignature::aggregate(&all, false) {
            signature = sum.to_signature().compress();
        }
        SyncAggregate { bits, signature: signature.into() }
    }
}

#[test]
fn bytes_of_another_shape_are_refused() {
    let shapes = [Fork::Altair, Fork::Capella, Fork::Deneb, Fork::Electra];
    let plan = Plan {
        attested: 40,
        finalized: Some(24),
        signature_slot: 41,
        signers: 32,
        names_committee: true,
    };
    for told in shapes {
        let scene = Scene::new(&[(0, told)]);
        let (bootstrap, update) = (scene.bootstrap(16).1, scene.update(plan));
        for read in shapes {
            let same = told == read;
            assert_eq!(Bootstrap::decode(&bootstrap, read, Preset::Minimal).is_ok(), same);
            assert_eq!(Update::decode(&update, read, Preset::Minimal).is_ok(), same);
            assert!(Bootstrap::decode(&bootstrap, read, Preset::Mainnet).is_err());
            assert!(Update::decode(&update, read, Preset::Mainnet).is_err());
            assert!(Update::decode_finality(&update, read, Preset::Minimal).is_err());
        }
        for cut in [0, 1, 100, update.len() / 2] {
            assert!(Update::decode(&update[..cut], told, Preset::Minimal).is_err());
        }
        // The last bytes are extra data of the final block, where there are any.
        let good = Update::decode(&update, told, Preset::Minimal);
        for other in [&update[..update.len() - 1], &[&update[..], &[0]].concat()] {
            assert_ne!(Update::decode(other, told, Preset::Minimal), good);
        }
    }
}

fn any_shape() -> impl Strategy<Value = (Fork, Preset)> {
    let shapes = vec![Fork::Altair, Fork::Capella, Fork::Deneb, Fork::Electra];
    (prop::sample::select(shapes), prop::sample::select(vec![Preset::Minimal, Preset::Mainnet]))
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..4096),
        (fork, preset) in any_shape(),
    ) {
        drop(Bootstrap::decode(&bytes, fork, preset));
        drop(Update::decode(&bytes, fork, preset));
        drop(Update::decode_finality(&bytes, fork, preset));
        drop(super::committee(&bytes, preset));
    }
}

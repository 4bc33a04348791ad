//! A beacon chain of the minimal preset that exists in its messages alone, in the API's JSON.

use std::{collections::BTreeMap, time::SystemTime};

use alloy::{
    hex,
    primitives::{B256, U256, keccak256},
};
use blst::min_pk::{AggregatePublicKey, AggregateSignature, SecretKey, Signature};
use governance::log::BlockRef;
use serde_json::{Value, json};
use tree_hash::merkle_root;

use super::super::message::{BEACON, Shape, header};
use crate::{
    light_client::{Fork, ForkAt, Network, Preset},
    wire,
};

const KEYS: usize = 32;
const SCHEME: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const VERSION: [u8; 4] = [9, 0, 0, 0];
const SLOT_S: u64 = 6;

pub(super) struct MadeUp {
    fork: Fork,
    genesis_time_s: u64,
}

impl MadeUp {
    /// A chain whose present slot is `slot`.
    pub(super) fn new(fork: Fork, slot: u64) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        Self { fork, genesis_time_s: now.as_secs() - slot * SLOT_S }
    }

    pub(super) fn network(&self) -> Network {
        Network {
            preset: Preset::Minimal,
            genesis_validators_root: B256::repeat_byte(7),
            genesis_time_s: self.genesis_time_s,
            slot_s: SLOT_S,
            forks: vec![ForkAt { epoch: 0, version: VERSION, fork: self.fork }],
            weak_subjectivity_epochs: 256,
        }
    }

    /// The execution block in the block of `slot`.
    pub(super) fn block(&self, slot: u64) -> BlockRef {
        let hash = wire::hash(keccak256(slot.to_be_bytes()));
        BlockRef { height: slot, hash, time_s: 7 * slot }
    }

    /// The root of the block of `slot`, as it is when a client begins there.
    pub(super) fn root(&self, slot: u64) -> B256 {
        root(BEACON, &self.bootstrap(slot)["data"]["header"]["beacon"])
    }

    pub(super) fn bootstrap(&self, slot: u64) -> Value {
        let committee = committee(slot / 64);
        let at = if self.fork == Fork::Electra { 86 } else { 54 };
        let state = BTreeMap::from([(at, committee_root(&committee))]);
        self.message(json!({
            "header": self.header(slot, node(&state, 1)),
            "current_sync_committee": committee,
            "current_sync_committee_branch": branch(&state, at),
        }))
    }

    /// Says that the block of `finalized` is final, two epochs later, and names the committee after
    /// that one's period.
    pub(super) fn update(&self, finalized: u64, signers: usize) -> Value {
        self.message(self.signed(finalized, signers))
    }

    pub(super) fn finality(&self, finalized: u64, signers: usize) -> Value {
        let mut data = self.signed(finalized, signers);
        let fields = data.as_object_mut().expect("an object");
        fields.remove("next_sync_committee");
        fields.remove("next_sync_committee_branch");
        self.message(data)
    }

    fn message(&self, data: Value) -> Value {
        let version = match self.fork {
            Fork::Altair => "bellatrix",
            Fork::Capella => "capella",
            Fork::Deneb => "deneb",
            Fork::Electra => "fulu",
        };
        json!({ "version": version, "data": data })
    }

    fn signed(&self, finalized: u64, signers: usize) -> Value {
        let attested_slot = finalized + 16;
        let next = committee(attested_slot / 64 + 1);
        let finalized = self.header(finalized, B256::repeat_byte(1));
        let (next_at, final_at) = if self.fork == Fork::Electra { (87, 169) } else { (55, 105) };
        let leaves = BTreeMap::from([
            (next_at, committee_root(&next)),
            (final_at, root(BEACON, &finalized["beacon"])),
        ]);
        let attested = self.header(attested_slot, node(&leaves, 1));
        let signature_slot = attested_slot + 1;
        let message = self.message_to_sign(root(BEACON, &attested["beacon"]));
        let signatures: Vec<Signature> = (0..signers)
            .map(|member| key(signature_slot / 64, member).sign(message.as_slice(), SCHEME, &[]))
            .collect();
        let sum = AggregateSignature::aggregate(&signatures.iter().collect::<Vec<_>>(), false);
        let bits = u32::try_from((1_u64 << signers) - 1).expect("32 members");
        json!({
            "attested_header": attested,
            "next_sync_committee": next,
            "next_sync_committee_branch": branch(&leaves, next_at),
            "finalized_header": finalized,
            "finality_branch": branch(&leaves, final_at),
            "sync_aggregate": {
                "sync_committee_bits": prefixed(&bits.to_le_bytes()),
                "sync_committee_signature": prefixed(&sum.expect("some").to_signature().compress()),
            },
            "signature_slot": signature_slot.to_string(),
        })
    }

    fn message_to_sign(&self, header: B256) -> B256 {
        let fork_data =
            pair(B256::right_padding_from(&VERSION), self.network().genesis_validators_root);
        let mut domain = [0; 32];
        domain[0] = 7;
        domain[4..].copy_from_slice(&fork_data[..28]);
        pair(header, B256::from(domain))
    }

    fn header(&self, slot: u64, state_root: B256) -> Value {
        let block = self.block(slot);
        let zero = B256::ZERO;
        let mut execution = json!({
            "parent_hash": zero, "fee_recipient": prefixed(&[0; 20]),
            "state_root": B256::repeat_byte(3), "receipts_root": zero,
            "logs_bloom": prefixed(&[0; 256]), "prev_randao": zero,
            "block_number": block.height.to_string(), "gas_limit": "30000000", "gas_used": "1",
            "timestamp": block.time_s.to_string(), "extra_data": "0x010203",
            "base_fee_per_gas": "1000000007", "block_hash": wire::word(&block.hash),
            "transactions_root": zero, "withdrawals_root": zero,
        });
        if self.fork >= Fork::Deneb {
            execution["blob_gas_used"] = json!("131072");
            execution["excess_blob_gas"] = json!("5");
        }
        let Shape::Object(fields) = header(self.fork) else { panic!("a header has fields") };
        let shape = fields.iter().find(|(name, _)| *name == "execution").map(|(_, shape)| *shape);
        let body = shape.map(|shape| BTreeMap::from([(25, root(shape, &execution))]));
        let body_root = body.as_ref().map_or(B256::repeat_byte(2), |body| node(body, 1));
        let beacon = json!({
            "slot": slot.to_string(), "proposer_index": "3",
            "parent_root": B256::repeat_byte(4), "state_root": state_root, "body_root": body_root,
        });
        match body {
            Some(body) => json!({
                "beacon": beacon, "execution": execution, "execution_branch": branch(&body, 25),
            }),
            None => json!({ "beacon": beacon }),
        }
    }
}

fn key(period: u64, member: usize) -> SecretKey {
    let seed = keccak256([period.to_be_bytes(), (member as u64).to_be_bytes()].concat());
    SecretKey::key_gen(seed.as_slice(), b"").expect("32 bytes are enough")
}

fn committee(period: u64) -> Value {
    let keys: Vec<_> = (0..KEYS).map(|member| key(period, member).sk_to_pk()).collect();
    let sum = AggregatePublicKey::aggregate(&keys.iter().collect::<Vec<_>>(), false);
    let pubkeys: Vec<String> = keys.iter().map(|key| prefixed(&key.compress())).collect();
    let aggregate = prefixed(&sum.expect("some").to_public_key().compress());
    json!({ "pubkeys": pubkeys, "aggregate_pubkey": aggregate })
}

fn committee_root(committee: &Value) -> B256 {
    let keys = committee["pubkeys"].as_array().expect("a list");
    let roots: Vec<u8> = keys.iter().flat_map(|key| root(Shape::Raw, key)).collect();
    pair(merkle_root(&roots, KEYS), root(Shape::Raw, &committee["aggregate_pubkey"]))
}

/// `hash_tree_root`.
fn root(shape: Shape, value: &Value) -> B256 {
    let text = || value.as_str().expect("text");
    let bytes = || hex::decode(text()).expect("hexadecimal");
    match shape {
        Shape::Number => {
            let number: u64 = text().parse().expect("a number");
            B256::right_padding_from(&number.to_le_bytes())
        }
        Shape::BigNumber => {
            let number: U256 = text().parse().expect("a number");
            B256::from(number.to_le_bytes::<32>())
        }
        Shape::Raw => merkle_root(&bytes(), 0),
        Shape::Bytes => {
            let length = (bytes().len() as u64).to_le_bytes();
            pair(merkle_root(&bytes(), 1), B256::right_padding_from(&length))
        }
        Shape::Object(fields) => {
            let roots: Vec<u8> =
                fields.iter().flat_map(|(name, shape)| root(*shape, &value[*name])).collect();
            merkle_root(&roots, 0)
        }
        Shape::RawList => panic!("lists have roots of their own"),
    }
}

fn pair(left: B256, right: B256) -> B256 {
    merkle_root(&[left.0, right.0].concat(), 2)
}

/// The node `at` (1 is the root) of the tree with these leaves; whatever else is in it is made up.
fn node(leaves: &BTreeMap<usize, B256>, at: usize) -> B256 {
    let is_below =
        |leaf: &usize| leaf.ilog2() >= at.ilog2() && leaf >> (leaf.ilog2() - at.ilog2()) == at;
    match leaves.get(&at) {
        Some(leaf) => *leaf,
        None if leaves.keys().any(is_below) => pair(node(leaves, 2 * at), node(leaves, 2 * at + 1)),
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

fn prefixed(bytes: &[u8]) -> String {
    hex::encode_prefixed(bytes)
}

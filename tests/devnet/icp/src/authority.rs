//! The keys of the network, and what they certify: a root subnet, one subnet with all canisters,
//! and the one node of that.

use std::{collections::BTreeMap, sync::Mutex};

use candid::Principal;
use ed25519_dalek::{Signer as _, SigningKey};
use ic_verify_bls_signature::PrivateKey;

use crate::{
    cbor::{Value, leb128, sha256},
    tree::{Path, Tree},
};

/// What stands before a subnet key's 96 bytes in its DER encoding.
const BLS_DER_PREFIX: &[u8] =
    b"\x30\x81\x82\x30\x1d\x06\x0d\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\
    \x01\x02\x01\x06\x0c\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x02\x01\x03\x61\x00";
/// What stands before an Ed25519 key's 32 bytes in its DER encoding.
pub(crate) const ED25519_DER_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// The number of the first canister, and how many there can be.
const FIRST_CANISTER: u64 = 0x0200_0000;
const CANISTERS_MAX: u64 = 0x10_0000;
/// How old a delegation gets before it is signed anew, in nanoseconds.
const DELEGATION_AGE_MAX_NS: u64 = 60_000_000_000;

/// Which form the delegation gives the ranges of canisters in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ranges {
    /// `/subnet/<subnet>/canister_ranges`: the older interfaces.
    Flat,
    /// `/canister_ranges/<subnet>/<first>`: the newer ones.
    Sharded,
}

/// Who vouches for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The subnet, by delegation of the root subnet.
    Subnet(Ranges),
    /// The root subnet itself.
    Root,
}

/// What is vouched for: a tree that holds its time under `/time`.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) tree: Tree,
    pub(crate) time_ns: u64,
}

/// The keys of the network.
#[derive(Debug)]
pub(crate) struct Authority {
    root: PrivateKey,
    pub(crate) root_der: Vec<u8>,
    pub(crate) root_id: Principal,
    subnet: PrivateKey,
    pub(crate) subnet_der: Vec<u8>,
    pub(crate) subnet_id: Principal,
    node: SigningKey,
    node_der: Vec<u8>,
    pub(crate) node_id: Principal,
    // A leaf: held for the look-up and one signature.
    delegations: Mutex<BTreeMap<Ranges, (u64, Vec<u8>)>>,
}

impl Authority {
    /// Keys that follow from `seed`, so that a network can be founded again.
    pub(crate) fn new(seed: &[u8]) -> Self {
        let (root, root_der) = bls_key(seed, b"root");
        let (subnet, subnet_der) = bls_key(seed, b"subnet");
        let node = SigningKey::from_bytes(&sha256(&[seed, b"node"]));
        let node_der = [ED25519_DER_PREFIX, node.verifying_key().as_bytes()].concat();
        Self {
            root_id: Principal::self_authenticating(&root_der),
            subnet_id: Principal::self_authenticating(&subnet_der),
            node_id: Principal::self_authenticating(&node_der),
            root,
            root_der,
            subnet,
            subnet_der,
            node,
            node_der,
            delegations: Mutex::default(),
        }
    }

    /// A certificate of `state` in which `paths` are shown.
    pub(crate) fn certify(&self, state: &State, paths: &[Path], signer: Signer) -> Vec<u8> {
        let time = path([b"time"]);
        let mut shown: Vec<&[Vec<u8>]> = paths.iter().map(Vec::as_slice).collect();
        shown.push(&time);
        let key = match signer {
            Signer::Subnet(_) => &self.subnet,
            Signer::Root => &self.root,
        };
        let message = [&b"\x0dic-state-root"[..], state.tree.digest()].concat();
        let mut fields = vec![
            ("tree".to_owned(), state.tree.reveal(&shown)),
            ("signature".to_owned(), Value::bytes(key.sign(&message).serialize())),
        ];
        if let Signer::Subnet(ranges) = signer {
            let delegation = Value::map([
                ("subnet_id", Value::bytes(self.subnet_id)),
                ("certificate", Value::Bytes(self.delegation(ranges, state.time_ns))),
            ]);
            fields.push(("delegation".to_owned(), delegation));
        }
        Value::Map(fields).document()
    }

    /// The node's signature on the answer to a query: the fields of the answer, with the request
    /// and the time.
    pub(crate) fn sign_answer(&self, answer: &Value) -> Value {
        let message = [&b"\x0bic-response"[..], &answer.hash()].concat();
        Value::bytes(self.node.sign(&message).to_bytes())
    }

    /// What the subnets say of themselves in every state: keys, nodes, ranges.
    pub(crate) fn topology(&self, metrics: &Value) -> [(&'static str, Tree); 2] {
        let node = Tree::folder([("public_key", Tree::leaf(&self.node_der))]);
        let subnet = Tree::folder([
            ("canister_ranges", Tree::leaf(ranges_document())),
            ("metrics", Tree::leaf(metrics.document())),
            ("node", Tree::folder([(self.node_id, node)])),
            ("public_key", Tree::leaf(&self.subnet_der)),
            ("type", Tree::leaf("application")),
        ]);
        let root = Tree::folder([
            ("canister_ranges", Tree::leaf(Value::Array(Vec::new()).document())),
            ("public_key", Tree::leaf(&self.root_der)),
            ("type", Tree::leaf("system")),
        ]);
        let mut subnets = [(self.subnet_id, subnet), (self.root_id, root)];
        subnets.sort_by_key(|(id, _)| *id);
        let shard = Tree::folder([(canister(0), Tree::leaf(ranges_document()))]);
        let shards = Tree::folder([(self.subnet_id, shard)]);
        [("canister_ranges", shards), ("subnet", Tree::folder(subnets))]
    }

    /// The root subnet's word on the subnet: its key and its canisters.
    fn delegation(&self, ranges: Ranges, time_ns: u64) -> Vec<u8> {
        let mut kept = self.delegations.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((signed_ns, certificate)) = kept.get(&ranges)
            && signed_ns.abs_diff(time_ns) < DELEGATION_AGE_MAX_NS
        {
            return certificate.clone();
        }
        let [canister_ranges, subnet] = self.topology(&Value::Map(Vec::new()));
        let time = ("time", Tree::leaf(leb128(time_ns)));
        let tree = Tree::folder([canister_ranges, subnet, time]);
        let subnet = self.subnet_id.as_slice();
        let key = path([b"subnet", subnet, b"public_key"]);
        let range = match ranges {
            Ranges::Flat => path([b"subnet", subnet, b"canister_ranges"]),
            Ranges::Sharded => path([b"canister_ranges", subnet]),
        };
        let state = State { tree, time_ns };
        let certificate = self.certify(&state, &[key, range], Signer::Root);
        kept.insert(ranges, (time_ns, certificate.clone()));
        certificate
    }
}

/// The path of these labels.
pub(crate) fn path<const N: usize>(labels: [&[u8]; N]) -> Path {
    labels.into_iter().map(<[u8]>::to_vec).collect()
}

/// The canister with number `index`, the first being 0.
pub(crate) fn canister(index: u64) -> Principal {
    let number = FIRST_CANISTER.saturating_add(index).to_be_bytes();
    Principal::from_slice(&[&number[..], &[1, 1]].concat())
}

/// Whether `id` belongs to the subnet.
pub(crate) fn in_range(id: &Principal) -> bool {
    (canister(0)..=canister(CANISTERS_MAX - 1)).contains(id)
}

/// The subnet's canisters as state trees hold them.
fn ranges_document() -> Vec<u8> {
    let range = [canister(0), canister(CANISTERS_MAX - 1)].map(Value::bytes);
    Value::Array(vec![Value::Array(range.to_vec())]).document()
}

fn bls_key(seed: &[u8], name: &[u8]) -> (PrivateKey, Vec<u8>) {
    let mut bytes = sha256(&[seed, name]);
    // Below the order of the group, which has 255 bits.
    bytes[0] &= 0x3f;
    let key = PrivateKey::deserialize(&bytes).expect("a number below the group's order");
    (key, [BLS_DER_PREFIX, &key.public_key().serialize()].concat())
}

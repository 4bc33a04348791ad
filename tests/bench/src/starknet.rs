//! What Starknet's typed data and storage proofs cost to check, beside the bare hashes and the bare
//! signature check in them.

use std::{hint::black_box, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use chain::{AccountKey, BlockId, Wallets as _};
use governance::log::Binding;
use starknet::{
    StarknetWallets,
    felt::{Felt, selector, short_string, starknet_keccak},
    hash::FeltHash,
    proof::{Asked, ContractState, Node, Roots, StateProof},
    wallet::ecdsa,
};
use types::{ContextId, Hash, InvitationId, MemberSecret, UnixMillis};

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
};

/// Checks in one value: a single one is too short for the clock.
const BATCH: usize = 10;
const ACCOUNT: &str = "starknet:SN_SEPOLIA:0xa11ce";

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let samples = scale.pick(100, 10);
    Ok(vec![typed_data(samples)?, storage(samples)?])
}

fn typed_data(samples: usize) -> Result<Row> {
    let wallets = StarknetWallets::default();
    let secret = Felt::from(77_u8);
    let binding = Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: ACCOUNT.parse()?,
        time_s: 0,
    };
    let message = wallets.message(&binding, UnixMillis(1_790_000_000_000))?;
    let proof = wallets.sign(&message, &AccountKey::from_bytes(secret.to_bytes_be()))?;
    let proof = wallets.in_block(proof, BlockId { height: 1, hash: Hash::ZERO });
    let proof = proof.context("Starknet's proofs name a block")?;
    let statement = wallets.statement(&binding, &proof)?;
    let public = ecdsa::public_key(&secret).context("a key")?;
    let [r, s] = statement.signature.as_slice() else { bail!("not two felts") };
    let felts: Vec<Felt> = (0..12_u8).map(Felt::from).collect();
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        turns(&mut ours, || {
            let statement = wallets.statement(black_box(&binding), black_box(&proof))?;
            ensure!(statement.is_signed_by(&public), "it holds");
            Ok(())
        })?;
        turns(&mut theirs, || {
            hashes(black_box(&felts));
            let hash = black_box(&statement.message_hash);
            ensure!(starknet_crypto::verify(&public, hash, r, s)?, "it holds");
            Ok(())
        })?;
    }
    Ok(Row {
        what: "check of one SNIP-12 message".to_owned(),
        how: "a binding: every field, type hashes, domain, message, signature on the Stark curve"
            .to_owned(),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("starknet-crypto's hashes and verify of the same", theirs),
        ratio_max: Some(1.1),
    })
}

/// As many as typed data needs: two type hashes, domain, message, all.
fn hashes(felts: &[Felt]) {
    let types = [starknet_keccak(black_box(&[7; 180])), starknet_keccak(black_box(&[7; 400]))];
    let domain = [&types[..1], felts.get(1..5).unwrap_or_default()].concat();
    let domain = starknet_crypto::poseidon_hash_many(black_box(&domain));
    let content = starknet_crypto::poseidon_hash_many(black_box(felts));
    black_box(starknet_crypto::poseidon_hash_many(&[types[1], domain, types[0], content]));
}

fn storage(samples: usize) -> Result<Row> {
    let (address, slot, value) = (selector("address"), selector("slot"), Felt::from(42_u8));
    let (storage_root, storage) = path(&slot, value);
    let contract = ContractState { class_hash: Felt::ONE, nonce: Felt::TWO, storage_root };
    let (root, contracts) = path(&address, contract.leaf());
    let classes = Felt::from(9_u8);
    let tag = short_string("STARKNET_STATE_V0").context("short")?;
    let commitment = FeltHash::Poseidon.list(&[tag, root, classes]);
    let proof = StateProof {
        roots: Roots { contracts: root, classes },
        contract_nodes: contracts,
        class_nodes: Vec::new(),
        contracts: vec![Some(contract)],
        storage_nodes: vec![storage],
    };
    let asked = Asked {
        classes: Vec::new(),
        contracts: vec![address],
        storage: vec![(address, vec![slot])],
    };
    let nodes: Vec<&Node> =
        proof.contract_nodes.iter().chain(proof.storage_nodes.iter().flatten()).collect();
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        ours.time(|| {
            drop(black_box(&proof).check(&commitment, &asked)?);
            Ok(())
        })?;
        theirs.time(|| {
            for node in black_box(&nodes) {
                if let Node::Binary { left, right } = node {
                    black_box(starknet_crypto::pedersen_hash(left, right));
                }
            }
            Ok(())
        })?;
    }
    Ok(Row {
        what: "check of one storage proof of Starknet".to_owned(),
        how: "251 nodes to the contract and 251 to its slot, as deep as tries can be".to_owned(),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("starknet-crypto's Pedersen hashes of the same nodes", theirs),
        ratio_max: Some(1.1),
    })
}

/// The root over a leaf at `key`, and the nodes down to it, none of which is compressed.
fn path(key: &Felt, leaf: Felt) -> (Felt, Vec<Node>) {
    let mut at = leaf;
    let mut nodes = Vec::new();
    for bit in key.to_bits_be().iter().skip(5).rev() {
        let sibling = Felt::from(nodes.len() + 1);
        let (left, right) = if *bit { (sibling, at) } else { (at, sibling) };
        let node = Node::Binary { left, right };
        at = node.hash(FeltHash::Pedersen);
        nodes.push(node);
    }
    (at, nodes)
}

/// Microseconds of one of [`BATCH`] equal turns.
fn turns(sample: &mut Sample, mut turn: impl FnMut() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    (0..BATCH).try_for_each(|_| turn())?;
    sample.push(began.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
    Ok(())
}

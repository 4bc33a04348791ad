//! What the chain side checks, against the parts that no check can do without.

use std::{hint::black_box, time::Instant};

use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer, proof::verify_proof};
use anyhow::{Context as _, Result, ensure};
use chain::{
    AccountKey, AnchorHead, Position, Shown, Trust, Vouched, Wallets as _, check_revisions,
};
use ethereum::{EthereumWallets, proof};
use governance::{
    anchor::{self, Head, Status},
    log::{Binding, BlockRef, Revision, WalletProof},
};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use types::{
    ChainId, ContextId, Hash, InvitationId, MemberSecret, UnixMillis, keccak256 as hash,
    keccak256_concat,
};

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
};

/// Checks in one value: a single one is too short for the clock.
const BATCH: usize = 50;
/// Slots of the contract in whose storage one is proved.
const SLOTS: u64 = 10_000;
const REVISIONS: u64 = 10_000;
/// Bytes in a revision's payload: a batch of members' roots.
const PAYLOAD: usize = 100;
/// In microseconds: ten thousand revisions each second.
const REVISIONS_LIMIT: f64 = 1e6;

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let samples = scale.pick(200, 20);
    Ok(vec![wallet(samples)?, storage(samples)?, revisions(scale.pick(50, 5))?])
}

/// Microseconds of one of [`BATCH`] equal turns.
fn time(sample: &mut Sample, mut turn: impl FnMut() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    (0..BATCH).try_for_each(|_| turn())?;
    sample.push(began.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
    Ok(())
}

fn wallet(samples: usize) -> Result<Row> {
    let key = AccountKey::from_bytes([4; 32]);
    let chain: ChainId = "eip155:1".parse()?;
    let binding = Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: EthereumWallets.account(&chain, &key)?,
        time_s: 0,
    };
    let message = EthereumWallets.message(&binding, UnixMillis(1_790_000_000_000))?;
    let proof = EthereumWallets.sign(&message, &key)?;
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        time(&mut ours, || Ok(EthereumWallets.check(&binding, black_box(&proof))?))?;
        time(&mut theirs, || recover(black_box(&proof)).map(|address| _ = black_box(address)))?;
    }
    Ok(Row {
        what: "check of one EIP-4361 message".to_owned(),
        how: format!(
            "a binding of {} bytes: grammar, every field, digest, recovery of the key, address; \
             {BATCH} checks a turn",
            proof.message.len()
        ),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("k256 recovers the key, keccak-256 of message and key", theirs),
        ratio_max: Some(1.1),
    })
}

/// The address that signed, and nothing looked at.
fn recover(proof: &WalletProof) -> Result<Hash> {
    let len = proof.message.len().to_string();
    let digest =
        keccak256_concat(&[b"\x19Ethereum Signed Message:\n", len.as_bytes(), &proof.message]);
    let (v, rs) = proof.signature.split_last().context("a signature")?;
    let id = RecoveryId::from_byte(v.wrapping_sub(27)).context("27 or 28")?;
    let signature = Signature::from_slice(rs)?;
    let key = VerifyingKey::recover_from_prehash(digest.as_bytes(), &signature, id)?;
    Ok(hash(key.to_encoded_point(false).as_bytes().get(1..).context("a point")?))
}

fn storage(samples: usize) -> Result<Row> {
    let slot = U256::from(SLOTS / 2);
    let key = |slot: U256| keccak256(slot.to_be_bytes::<32>());
    let target = Nibbles::unpack(key(slot));
    let leaf = |slot: u64| (key(U256::from(slot)), alloy_rlp::encode(U256::from(slot + 1) << 128));
    let mut leaves: Vec<(B256, Vec<u8>)> = (0..SLOTS).map(leaf).collect();
    leaves.sort();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    leaves.iter().for_each(|(key, value)| builder.add_leaf(Nibbles::unpack(key), value));
    let root = builder.root();
    let nodes = builder.take_proof_nodes().matching_nodes_sorted(&target);
    let nodes: Vec<Bytes> = nodes.into_iter().map(|(_, node)| node).collect();
    let expected = U256::from(SLOTS / 2 + 1) << 128;
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        time(&mut ours, || {
            let found = proof::storage(&root, &slot, black_box(&nodes))?;
            ensure!(found == expected, "another value");
            Ok(())
        })?;
        time(&mut theirs, || {
            let (path, value) = (Nibbles::unpack(key(slot)), alloy_rlp::encode(expected));
            Ok(verify_proof(root, path, Some(value), black_box(&nodes))?)
        })?;
    }
    Ok(Row {
        what: "check of one storage proof".to_owned(),
        how: format!(
            "one of {SLOTS} slots, {} nodes, from slot number to value; {BATCH} checks a turn",
            nodes.len()
        ),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("alloy-trie's verify_proof of the same, hash of the slot", theirs),
        ratio_max: Some(1.05),
    })
}

fn revisions(samples: usize) -> Result<Row> {
    let start = Position { rev: 0, log_head: Hash::from_bytes([1; 32]), height: 0 };
    let block = |height| BlockRef { height, hash: Hash::ZERO, time_s: 0 };
    let mut log_head = start.log_head;
    let revisions: Vec<Revision> = (1..=REVISIONS)
        .map(|rev| {
            let payload = vec![7; PAYLOAD];
            log_head = anchor::log_head(&log_head, rev, 0x10, &payload);
            Revision { rev, kind: 0x10, payload, log_head, block: block(rev) }
        })
        .collect();
    let head = Head {
        rev: REVISIONS,
        seats_epoch: 1,
        seq: 0,
        threshold: 1,
        admins: 1,
        status: Status::Active,
        flags: 0,
        active: 1,
    };
    let trust = Trust { block: Vouched::Consensus, answer: Shown::Proved };
    let head = AnchorHead { head, log_head, block: block(REVISIONS), trust };
    let mut ours = Sample::default();
    for _ in 0..samples {
        let end = ours.time(|| Ok(check_revisions(&start, black_box(&revisions), &head)?))?;
        ensure!(end.rev == REVISIONS, "not all were checked");
    }
    Ok(Row {
        what: format!("replay of {REVISIONS} revisions, checked"),
        how: format!(
            "payloads of {PAYLOAD} bytes: numbers, the contract's running hash over all, the head; \
             one core; the limit is one second"
        ),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Limit(REVISIONS_LIMIT),
        ratio_max: Some(1.0),
    })
}

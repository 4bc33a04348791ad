//! An outcome in a small chain, and what must not pass for it.

use super::{super::merkle::Direction, *};
use crate::proof::{InnerLite, PATH_MAX};

fn hash(byte: u8) -> CryptoHash {
    CryptoHash::from_bytes([byte; 32])
}

fn outcome() -> Outcome {
    Outcome {
        id: hash(1),
        logs: vec!["EVENT_JSON:{}".to_owned(), String::new()],
        receipt_ids: vec![hash(2), hash(3)],
        gas_burnt: 4,
        tokens_burnt: u128::MAX,
        executor_id: "registry.testnet".parse().expect("legal"),
        status: Status::Value(b"ok".to_vec()),
    }
}

fn step(byte: u8, direction: Direction) -> Step {
    Step { hash: hash(byte), direction }
}

fn parent(left: &CryptoHash, right: &CryptoHash) -> CryptoHash {
    CryptoHash::concat(&[left.as_bytes(), right.as_bytes()])
}

/// The proof, and the root over all blocks under which it holds.
fn proof(outcome: Outcome) -> (OutcomeProof, CryptoHash) {
    let shard = parent(&hash(11), &outcome.hash());
    let outcome_root = parent(&CryptoHash::of(shard.as_bytes()), &hash(12));
    let inner = InnerLite {
        height: 5,
        epoch_id: hash(6),
        next_epoch_id: hash(7),
        prev_state_root: hash(8),
        outcome_root,
        timestamp_ns: 9,
        next_bp_hash: hash(10),
        block_merkle_root: hash(13),
    };
    let header = Header { prev_block_hash: hash(14), inner_rest_hash: hash(15), inner };
    let proof = OutcomeProof {
        outcome,
        block_hash: header.hash(),
        path: vec![step(11, Direction::Left)],
        root_path: vec![step(12, Direction::Right)],
        header,
        block_path: vec![step(16, Direction::Left)],
    };
    (proof, parent(&hash(16), &header.hash()))
}

#[test]
fn the_hash_is_that_of_the_parts() {
    let mut partial = vec![2, 0, 0, 0];
    partial.extend([[2; 32], [3; 32]].concat());
    partial.extend(4_u64.to_le_bytes());
    partial.extend(u128::MAX.to_le_bytes());
    partial.extend(b"\x10\0\0\0registry.testnet");
    partial.extend(b"\x02\x02\0\0\0ok");
    let mut parts = vec![4, 0, 0, 0];
    for hash in
        [hash(1), CryptoHash::of(&partial), CryptoHash::of(b"EVENT_JSON:{}"), CryptoHash::of(b"")]
    {
        parts.extend(hash.as_bytes());
    }
    assert_eq!(outcome().hash(), CryptoHash::of(&parts));
}

#[test]
fn each_status_has_a_hash_of_its_own() {
    let statuses =
        [Status::Unknown, Status::Failure, Status::Value(Vec::new()), Status::Receipt(hash(0))];
    let hashes = statuses.map(|status| Outcome { status, ..outcome() }.hash());
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash), "{index}");
    }
}

#[test]
fn an_outcome_is_proved_under_the_heads_root_alone() {
    let (good, root) = proof(outcome());
    assert_eq!(good.verify(&root), Ok(()));
    assert_eq!(good.verify(&hash(0)), Err(BadProof::OtherValue("chain")));
    let check = |story: &str, error, change: &dyn Fn(&mut OutcomeProof)| {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(bad.verify(&root), Err(error), "{story}");
    };
    let (block, other) = (BadProof::OtherValue("block"), BadProof::OtherValue("outcome"));
    let chain = BadProof::OtherValue("chain");
    check("another block", block, &|proof| proof.block_hash = hash(0));
    check("another header", block, &|proof| proof.header.inner.outcome_root = hash(0));
    check("another id", other, &|proof| proof.outcome.id = hash(0));
    check("a log less", other, &|proof| drop(proof.outcome.logs.pop()));
    check("a log changed", other, &|proof| proof.outcome.logs[1].push('x'));
    check("a receipt less", other, &|proof| proof.outcome.receipt_ids.truncate(1));
    check("more gas", other, &|proof| proof.outcome.gas_burnt += 1);
    check("fewer tokens", other, &|proof| proof.outcome.tokens_burnt -= 1);
    check("another status", other, &|proof| proof.outcome.status = Status::Unknown);
    check("another side", other, &|proof| proof.path[0].direction = Direction::Right);
    check("no shards", other, &|proof| proof.root_path.clear());
    check("another way to the head", chain, &|proof| proof.block_path[0].hash = hash(0));
    let long = vec![step(0, Direction::Left); PATH_MAX + 1];
    check("too long a way", BadProof::TooLarge, &|proof| proof.path.clone_from(&long));
    let executor = "registry2.testnet".parse().expect("legal");
    check("another account", other, &|proof| proof.outcome.executor_id.clone_from(&executor));
}

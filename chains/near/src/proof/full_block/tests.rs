//! Headers that NEAR's own library makes have the same hash here.

use near_primitives::{
    block_header::{BlockHeader, BlockHeaderV4, BlockHeaderV5, BlockHeaderV6},
    hash::CryptoHash as TheirHash,
    merkle::merklize,
    views::ChunkHeaderView,
};
use serde_json::{Value, json};

use super::*;

fn chunk(root: TheirHash, prev: TheirHash) -> Value {
    let zero = TheirHash::default().to_string();
    json!({
        "chunk_hash": zero, "prev_block_hash": prev.to_string(), "outcome_root": zero,
        "prev_state_root": root.to_string(), "encoded_merkle_root": zero, "encoded_length": 0,
        "height_created": 1, "height_included": 1, "shard_id": 0, "gas_used": 0,
        "gas_limit": 0, "balance_burnt": "0", "outgoing_receipts_root": zero, "tx_root": zero,
        "validator_proposals": [], "congestion_info": null, "bandwidth_requests": null,
        "signature": near_crypto::Signature::default().to_string(),
    })
}

fn their(byte: u8) -> TheirHash {
    TheirHash([byte; 32])
}

/// A block of three shards; `make` turns what light clients read into a header.
fn view(
    make: impl FnOnce(near_primitives::block_header::BlockHeaderInnerLite) -> BlockHeader,
) -> BlockView {
    let roots = [their(1), their(2), their(3)];
    let (prev_state_root, _) = merklize(&roots);
    let lite = near_primitives::block_header::BlockHeaderInnerLite {
        height: 9,
        prev_state_root,
        timestamp: 1_786_000_000_123_456_789,
        next_bp_hash: their(4),
        ..Default::default()
    };
    let header = make(lite);
    let chunks = roots.iter().map(|root| {
        serde_json::from_value::<ChunkHeaderView>(chunk(*root, their(8))).expect("a chunk")
    });
    BlockView {
        author: "a.near".parse().expect("legal"),
        header: (&header).into(),
        chunks: chunks.collect(),
    }
}

fn latest() -> BlockHeaderInnerRestV6 {
    let key = near_crypto::PublicKey::empty(near_crypto::KeyType::ED25519);
    let stake = near_primitives::types::Balance::from_yoctonear(u128::MAX);
    BlockHeaderInnerRestV6 {
        block_body_hash: their(5),
        chunk_mask: vec![true, false, true],
        prev_validator_proposals: vec![ValidatorStake::new(
            "v.near".parse().expect("legal"),
            key,
            stake,
        )],
        block_ordinal: 7,
        prev_height: 8,
        epoch_sync_data_hash: Some(their(6)),
        approvals: vec![None, Some(Box::default())],
        latest_protocol_version: 88,
        chunk_endorsements: ChunkEndorsementsBitmap::from_bytes(vec![vec![3], vec![], vec![1]]),
        shard_split: None,
        ..Default::default()
    }
}

fn views() -> [BlockView; 3] {
    let v6 = view(|inner_lite| {
        let mut header = BlockHeaderV6 { inner_lite, inner_rest: latest(), ..Default::default() };
        header.prev_hash = their(8);
        header.init();
        BlockHeader::BlockHeaderV6(header)
    });
    let v5 = view(|inner_lite| {
        let inner_rest = with_challenges(&v6.header, &latest());
        let mut header = BlockHeaderV5 { inner_lite, inner_rest, ..Default::default() };
        header.init();
        BlockHeader::BlockHeaderV5(header)
    });
    let v4 = view(|inner_lite| {
        let inner_rest = without_endorsements(&with_challenges(&v6.header, &latest()));
        let mut header = BlockHeaderV4 { inner_lite, inner_rest, ..Default::default() };
        header.init();
        BlockHeader::BlockHeaderV4(header)
    });
    [v6, v5, v4]
}

#[test]
fn headers_of_nears_own_library_have_their_hash() {
    for view in views() {
        let block = FullBlock::new(&view).expect("a block");
        assert_eq!(block.hash.as_bytes(), &view.header.hash.0);
        assert_eq!(block.header.inner.height, 9);
        // The second shard's chunk is missing.
        let roots = [1, 3].map(|byte| CryptoHash::from_bytes([byte; 32]));
        assert_eq!((&*block.roots, block.shards), (&roots[..], 3));
    }
}

#[test]
fn altered_blocks_are_refused() {
    let check = |story: &str, change: fn(&mut BlockView), expected: BadBlock| {
        for mut view in views() {
            change(&mut view);
            assert_eq!(FullBlock::new(&view), Err(expected), "{story}");
        }
    };
    check("height", |view| view.header.height += 1, BadBlock::Hash);
    check("time", |view| view.header.timestamp_nanosec += 1, BadBlock::Hash);
    check("state", |view| view.header.prev_state_root = their(9), BadBlock::Hash);
    check("parent", |view| view.header.prev_hash = their(9), BadBlock::Hash);
    check("random value", |view| view.header.random_value = their(9), BadBlock::Hash);
    check(
        "a later field",
        |view| view.header.chunk_execution_root = Some(their(9)),
        BadBlock::Hash,
    );
    check("another root", |view| view.chunks[0].prev_state_root = their(9), BadBlock::Roots);
    check("a shard left out", |view| drop(view.chunks.pop()), BadBlock::Roots);
    check("no shard", |view| view.chunks.clear(), BadBlock::Roots);
}

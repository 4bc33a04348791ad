//! Receipts in tries that alloy builds, and events under a header's root.

use alloy::{
    consensus::{Receipt as OtherReceipt, ReceiptEnvelope, ReceiptWithBloom},
    eips::Encodable2718 as _,
    primitives::{Log as OtherLog, LogData},
};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use proptest::prelude::*;

use super::*;

/// The receipt of transaction `index`: kinds take turns, every seventh failed.
fn receipt_at(index: u64) -> ReceiptEnvelope {
    let count = index % 4;
    let logs = (0..count).map(|log| OtherLog {
        address: Address::repeat_byte(log as u8 + 1),
        data: LogData::new_unchecked(
            (0..=log).map(|topic| B256::with_last_byte(topic as u8)).collect(),
            vec![index as u8; 3 * log as usize].into(),
        ),
    });
    let receipt = OtherReceipt {
        status: (index % 7 != 6).into(),
        cumulative_gas_used: 21_000 * (index + 1),
        logs: logs.collect(),
    };
    let receipt: ReceiptWithBloom<OtherReceipt> = receipt.with_bloom();
    match index % 5 {
        0 => ReceiptEnvelope::Legacy(receipt),
        1 => ReceiptEnvelope::Eip2930(receipt),
        2 => ReceiptEnvelope::Eip1559(receipt),
        3 => ReceiptEnvelope::Eip4844(receipt),
        _ => ReceiptEnvelope::Eip7702(receipt),
    }
}

/// The root over these leaves by index, and the proof for `target`.
fn proof(leaves: &[Vec<u8>], target: u64) -> (B256, Vec<Bytes>) {
    let path = |index: u64| Nibbles::unpack(alloy_rlp::encode(index));
    let target = path(target);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    let mut sorted: Vec<(Nibbles, &Vec<u8>)> = (0..).map(path).zip(leaves).collect();
    sorted.sort();
    for (path, leaf) in sorted {
        builder.add_leaf(path, leaf);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes();
    (root, nodes.matching_nodes_sorted(&target).into_iter().map(|(_, node)| node).collect())
}

fn block(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|index| receipt_at(index).encoded_2718()).collect()
}

#[test]
fn every_receipt_of_a_block_is_proved_and_none_beyond() {
    for count in [1, 2, 17, 128, 129, 300] {
        let leaves = block(count);
        for index in [0, 1, 2, 3, 4, 6, 16, 127, 128, 255, 256, 299, 300, 1000] {
            let (root, nodes) = proof(&leaves, index);
            let found = receipt(&root, index, &nodes);
            if index >= count {
                assert_eq!(found, Ok(None), "{index} of {count}");
                continue;
            }
            let found = found.expect("a proof").expect("a receipt");
            let other = receipt_at(index);
            assert_eq!(found.kind, other.tx_type() as u8);
            assert_eq!(found.is_success, Some(other.status()));
            assert_eq!(found.logs.len(), other.logs().len());
            for (at, (log, other)) in found.logs.iter().zip(other.logs()).enumerate() {
                assert_eq!(
                    (log.address, &log.topics[..], &log.data),
                    (other.address, other.topics(), &other.data.data)
                );
                assert_eq!(found.log(at).is_some(), found.is_success == Some(true));
            }
            assert_eq!(found.log(found.logs.len()), None);
        }
    }
}

#[test]
fn an_empty_block_has_no_receipts() {
    assert_eq!(receipt(&trie::EMPTY_ROOT, 0, &[]), Ok(None));
    assert_eq!(receipt(&trie::EMPTY_ROOT, INDEX_MAX + 1, &[]), Err(BadProof::TooLarge));
}

#[test]
fn one_receipt_does_not_pass_for_another() {
    let leaves = block(40);
    let (root, nodes) = proof(&leaves, 5);
    assert!(receipt(&root, 5, &nodes).is_ok());
    for other in (0..40).filter(|other| *other != 5) {
        assert!(receipt(&root, other, &nodes).is_err(), "{other}");
    }
    assert!(receipt(&B256::ZERO, 5, &nodes).is_err());
    let more = [&nodes[..], &nodes[..1]].concat();
    assert_eq!(receipt(&root, 5, &more), Err(BadProof::Superfluous));
}

/// The whole trie is this leaf, at index 0.
fn alone(leaf: Vec<u8>) -> Result<Option<Receipt>, BadProof> {
    let (root, nodes) = proof(&[leaf], 0);
    receipt(&root, 0, &nodes)
}

fn text(bytes: &[u8]) -> Vec<u8> {
    alloy_rlp::encode(bytes)
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut bytes = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    [bytes, payload].concat()
}

#[test]
fn a_receipt_has_one_form() {
    let fields = || vec![text(&[1]), text(&[0x52, 0x08]), text(&[0; 256]), list(&[])];
    let with = |at: usize, item: Vec<u8>| {
        let mut fields = fields();
        fields[at] = item;
        alone(list(&fields))
    };
    let bad = Err(BadProof::Encoding);
    let good = Receipt { kind: 0, is_success: Some(true), logs: vec![] };
    assert_eq!(alone(list(&fields())), Ok(Some(good.clone())));
    assert_eq!(with(0, text(&[])), Ok(Some(Receipt { is_success: Some(false), ..good.clone() })));
    assert_eq!(with(0, text(&[7; 32])), Ok(Some(Receipt { is_success: None, ..good })));
    assert_eq!(with(0, text(&[2])), bad);
    assert_eq!(with(0, vec![0]), bad);
    assert_eq!(with(0, text(&[7; 31])), bad);
    assert_eq!(with(1, text(&[0, 1])), bad);
    assert_eq!(with(1, text(&[1; 9])), bad);
    assert_eq!(with(2, text(&[0; 255])), bad);
    assert_eq!(with(3, text(&[])), bad);
    assert_eq!(alone(list(&fields()[..3])), bad);
    assert_eq!(alone(list(&[fields(), vec![text(&[])]].concat())), bad);
    // Kinds by their first byte; those of later times and other chains are not guessed.
    for kind in 0..0x80 {
        let found = alone([vec![kind], list(&fields())].concat());
        assert_eq!(found.is_ok(), (1..=4).contains(&kind), "kind {kind}");
    }
    let typed = |status: Vec<u8>| {
        alone([vec![2], list(&[vec![status], fields()[1..].to_vec()].concat())].concat())
    };
    assert!(typed(text(&[1])).is_ok());
    assert_eq!(typed(text(&[7; 32])), bad, "a root in a time of statuses");
}

#[test]
fn an_event_has_one_form() {
    let with = |log: Vec<u8>| alone(list(&[text(&[1]), text(&[1]), text(&[0; 256]), list(&[log])]));
    let log = |address: &[u8], topics: usize, topic: &[u8]| {
        list(&[text(address), list(&vec![text(topic); topics]), text(b"data")])
    };
    let bad = Err(BadProof::Encoding);
    for topics in 0..=TOPICS_MAX {
        let found = with(log(&[1; 20], topics, &[2; 32])).expect("well-formed").expect("there");
        assert_eq!(found.logs[0].topics.len(), topics);
        assert_eq!(found.log(0).map(|log| log.data.as_ref()), Some(&b"data"[..]));
    }
    assert_eq!(with(log(&[1; 20], 5, &[2; 32])), Err(BadProof::TooLarge));
    assert_eq!(with(log(&[1; 19], 1, &[2; 32])), bad);
    assert_eq!(with(log(&[1; 20], 1, &[2; 31])), bad);
    assert_eq!(with(list(&[text(&[1; 20]), text(&[]), text(b"data")])), bad);
    assert_eq!(with(list(&[text(&[1; 20]), list(&[])])), bad);
    assert_eq!(with(list(&[text(&[1; 20]), list(&[]), list(&[])])), bad);
    assert_eq!(with(text(b"log")), bad);
}

proptest! {
    #[test]
    fn any_leaf_is_a_receipt_or_an_error(leaf in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(decode(&leaf));
        let logs = list(core::slice::from_ref(&leaf));
        drop(decode(&list(&[text(&[1]), text(&[1]), text(&[0; 256]), logs])));
        drop(log(&leaf));
    }

    #[test]
    fn a_flipped_bit_proves_nothing(
        index in 0_u64..40, node: prop::sample::Index, byte: prop::sample::Index, bit in 0_u8..8,
    ) {
        let (root, mut nodes) = proof(&block(40), index);
        let node = node.index(nodes.len());
        let mut bytes = nodes[node].to_vec();
        let byte = byte.index(bytes.len());
        bytes[byte] ^= 1_u8 << bit;
        nodes[node] = bytes.into();
        prop_assert_eq!(receipt(&root, index, &nodes), Err(BadProof::OtherNode(node)));
    }

    #[test]
    fn a_flipped_bit_of_a_leaf_is_read_or_refused(
        index in 0_u64..40, byte: prop::sample::Index, bit in 0_u8..8,
    ) {
        let mut leaf = receipt_at(index).encoded_2718();
        let byte = byte.index(leaf.len());
        leaf[byte] ^= 1_u8 << bit;
        drop(decode(&leaf));
    }
}

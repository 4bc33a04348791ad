//! The root of a block's receipts, from what endpoints tell of them. Source: Yellow Paper, 4.4.1;
//! EIP-2718; Optimism, deposits.

use alloy::primitives::{B256, Bytes};
use alloy_rlp::{BytesMut, Encodable, Header};
use alloy_trie::root::ordered_trie_root_encoded;

use crate::wire::{Log, Receipt};

/// Kind of a deposit on chains like Optimism, whose receipts have two fields more.
const KIND_DEPOSIT: u8 = 0x7e;
const BLOOM_BYTES: usize = 256;

/// The root over `receipts` in order; `None` if one of them cannot be.
pub(crate) fn root(receipts: &[Receipt]) -> Option<B256> {
    let encoded: Vec<BytesMut> = receipts.iter().map(encode).collect::<Option<_>>()?;
    Some(ordered_trie_root_encoded(&encoded))
}

/// `kind ‖ rlp([status or root, gas, bloom, logs])`, without the kind for the first kind.
fn encode(receipt: &Receipt) -> Option<BytesMut> {
    let kind = u8::try_from(receipt.kind).ok().filter(|kind| *kind < 0x80)?;
    if receipt.logs_bloom.len() != BLOOM_BYTES {
        return None;
    }
    let mut fields = BytesMut::new();
    match (receipt.status, receipt.root) {
        (Some(status), _) => status.encode(&mut fields),
        (None, Some(root)) => root.encode(&mut fields),
        (None, None) => return None,
    }
    receipt.cumulative_gas_used.encode(&mut fields);
    receipt.logs_bloom.encode(&mut fields);
    list(&mut fields, |logs| receipt.logs.iter().for_each(|log| encode_log(log, logs)));
    // Before deposits had a version, their nonce was no part of the root.
    if let (KIND_DEPOSIT, Some(version)) = (kind, receipt.deposit_receipt_version) {
        receipt.deposit_nonce?.encode(&mut fields);
        version.encode(&mut fields);
    }
    let mut encoded = BytesMut::new();
    if kind != 0 {
        encoded.extend_from_slice(&[kind]);
    }
    Header { list: true, payload_length: fields.len() }.encode(&mut encoded);
    encoded.extend_from_slice(&fields);
    Some(encoded)
}

fn encode_log(log: &Log, out: &mut BytesMut) {
    list(out, |fields| {
        log.address.encode(fields);
        list(fields, |topics| log.topics.iter().for_each(|topic| topic.encode(topics)));
        let data: &Bytes = &log.data;
        data.encode(fields);
    });
}

fn list(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let mut payload = BytesMut::new();
    write(&mut payload);
    Header { list: true, payload_length: payload.len() }.encode(out);
    out.extend_from_slice(&payload);
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U64;
    use serde_json::json;

    use super::*;
    use crate::proof;

    fn receipts() -> Vec<Receipt> {
        let bloom = format!("0x{}", "00".repeat(BLOOM_BYTES));
        let log = json!({
            "address": format!("0x{}", "11".repeat(20)), "topics": [B256::repeat_byte(1)],
            "data": "0x0102", "blockHash": null, "blockNumber": null,
        });
        let receipt = |kind: &str, gas: &str, logs: usize| {
            json!({
                "type": kind, "status": "0x1", "cumulativeGasUsed": gas, "logsBloom": bloom,
                "logs": vec![log.clone(); logs],
            })
        };
        let all = json!([receipt("0x0", "0x5208", 0), receipt("0x2", "0xa410", 2)]);
        serde_json::from_value(all).expect("receipts")
    }

    /// A block of one receipt is a trie of one leaf, whose path is the encoded index 0.
    #[test]
    fn a_root_is_one_under_which_receipts_are_proved() {
        for receipt in receipts() {
            let encoded = encode(&receipt).expect("it can be");
            let mut leaf = Vec::new();
            let path: &[u8] = &[0x20, 0x80];
            let fields: [&dyn Encodable; 2] = [&path, &encoded.as_ref()];
            alloy_rlp::encode_list::<_, dyn Encodable>(&fields, &mut leaf);
            let root = root(std::slice::from_ref(&receipt)).expect("it can be");
            let proved = proof::receipt(&root, 0, &[leaf.into()]).expect("the path");
            let proved = proved.expect("it is there");
            assert_eq!(u64::from(proved.kind), receipt.kind.to::<u64>());
            assert_eq!(proved.logs.len(), receipt.logs.len());
        }
        assert_eq!(root(&[]), Some(proof::EMPTY_ROOT));
    }

    #[test]
    fn every_field_counts() {
        let good = root(&receipts()).expect("it can be");
        let changes: [fn(&mut Receipt); 5] = [
            |receipt| receipt.status = Some(U64::ZERO),
            |receipt| receipt.cumulative_gas_used = U64::from(7),
            |receipt| receipt.kind = U64::from(1),
            |receipt| receipt.logs.truncate(1),
            |receipt| receipt.logs[0].data = Bytes::new(),
        ];
        for change in changes {
            let mut receipts = receipts();
            change(&mut receipts[1]);
            assert_ne!(root(&receipts), Some(good));
        }
        let broken: [fn(&mut Receipt); 3] = [
            |receipt| receipt.status = None,
            |receipt| receipt.logs_bloom = Bytes::new(),
            |receipt| receipt.kind = U64::from(0x80),
        ];
        for change in broken {
            let mut receipts = receipts();
            change(&mut receipts[1]);
            assert_eq!(root(&receipts), None);
        }
    }
}

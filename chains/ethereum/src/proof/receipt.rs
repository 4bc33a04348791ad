//! Receipts, and the events in them. Sources: Yellow Paper, 4.4.1; EIP-2718.
//!
//! A receipt shows that an event happened, never that no other did: completeness comes from the
//! contract's own hash chain.

use alloy::primitives::{Address, B256, Bytes};

use super::{
    rlp,
    trie::{self, BadProof},
};

/// Most topics of an event.
const TOPICS_MAX: usize = 4;
/// Kinds whose receipts are laid out like those of the first kind: access lists, dynamic fees,
/// blobs, delegations. Sources: EIPs 2930, 1559, 4844, 7702.
const KINDS: core::ops::RangeInclusive<u8> = 1..=4;
/// Highest index of a transaction in a block that is looked for.
const INDEX_MAX: u64 = 1 << 20;

/// What a transaction left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The kind of transaction (EIP-2718); 0 for the first kind.
    pub kind: u8,
    /// Whether it took effect; `None` in blocks before Byzantium, which do not say.
    pub is_success: Option<bool>,
    /// Its events, in order.
    pub logs: Vec<Log>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Which contract.
    pub address: Address,
    /// At most 4.
    pub topics: Vec<B256>,
    /// What is not indexed.
    pub data: Bytes,
}

/// The receipt of transaction `index` under `receipts_root`; `None` if it is proved that the block
/// has no such transaction.
///
/// # Errors
/// [`BadProof`] if `nodes` are not the path to it, or its leaf is no receipt.
pub fn receipt(
    receipts_root: &B256,
    index: u64,
    nodes: &[Bytes],
) -> Result<Option<Receipt>, BadProof> {
    if index > INDEX_MAX {
        return Err(BadProof::TooLarge);
    }
    let key = alloy_rlp::encode(index);
    let path: Vec<u8> = key.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect();
    trie::walk(receipts_root, &path, nodes)?.map(decode).transpose()
}

impl Receipt {
    /// The event at `index` among those of this transaction, if it took effect.
    pub fn log(&self, index: usize) -> Option<&Log> {
        self.logs.get(index).filter(|_| self.is_success != Some(false))
    }
}

/// `kind ‖ rlp([status or root, gas, bloom, logs])`, without the kind for the first kind.
fn decode(leaf: &[u8]) -> Result<Receipt, BadProof> {
    let (kind, list) = match leaf.split_first() {
        Some((kind, list)) if KINDS.contains(kind) => (*kind, list),
        // A list begins with 0xc0 or more, so that no other kind passes for the first.
        _ => (0, leaf),
    };
    let [status, gas, bloom, logs] = rlp::fields(list)?;
    let is_success = match status.string()? {
        [] => Some(false),
        [1] => Some(true),
        root if root.len() == B256::len_bytes() && kind == 0 => None,
        _ => return Err(BadProof::Encoding),
    };
    gas.u64()?;
    bloom.array::<256>()?;
    if !logs.is_list {
        return Err(BadProof::Encoding);
    }
    let mut rest = logs.payload;
    let mut logs = Vec::new();
    // Bounded by the leaf's bytes.
    while !rest.is_empty() {
        let (item, after) = rlp::split(rest)?;
        logs.push(log(item.whole)?);
        rest = after;
    }
    Ok(Receipt { kind, is_success, logs })
}

fn log(bytes: &[u8]) -> Result<Log, BadProof> {
    let [address, topics, data] = rlp::fields(bytes)?;
    if !topics.is_list {
        return Err(BadProof::Encoding);
    }
    let mut found = Vec::with_capacity(TOPICS_MAX);
    let mut rest = topics.payload;
    while !rest.is_empty() {
        let (topic, after) = rlp::split(rest)?;
        if found.len() == TOPICS_MAX {
            return Err(BadProof::TooLarge);
        }
        found.push(topic.array()?.into());
        rest = after;
    }
    Ok(Log {
        address: address.array()?.into(),
        topics: found,
        data: Bytes::copy_from_slice(data.string()?),
    })
}

#[cfg(test)]
mod tests;

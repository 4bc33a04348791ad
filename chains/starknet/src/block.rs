//! A block as endpoints tell it: its header, and whether the header's hash could be computed.

use governance::log::BlockRef;
use serde_json::Value;
use types::Hash;

use crate::{
    felt::{self, Felt},
    proof::{GasPrice, HashRule, Header, Since0_13_2},
};

/// Where the hashes of a chain's blocks come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockHashes {
    /// Computed here from the header, wherever an endpoint gives all of it (JSON-RPC 0.10).
    #[default]
    Computed,
    /// Told by endpoints. Chains for development hash their blocks by rules of their own.
    Told,
}

/// A header, and what was checked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) height: u64,
    pub(crate) hash: Felt,
    pub(crate) parent: Felt,
    pub(crate) time_s: u64,
    /// What the hash commits to; `None` if it was not computed: nothing is proved under such a
    /// block, since whoever told its roots may have made them up.
    pub(crate) sealed: Option<Sealed>,
    pub(crate) is_on_l1: bool,
}

/// Roots in a header whose hash was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) state_root: Felt,
    pub(crate) events: u64,
    pub(crate) event_commitment: Felt,
}

/// Why a header is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBlock {
    #[error("the block's `{0}` is missing or malformed")]
    Field(&'static str),
    #[error("it is no block of the chain yet")]
    NotAccepted,
    #[error("a header that has the hash {computed} is given as {told}")]
    OtherHash { computed: String, told: String },
}

impl chain::Header for Block {
    fn block(&self) -> BlockRef {
        BlockRef { height: self.height, hash: to_hash(&self.hash), time_s: self.time_s }
    }

    fn parent(&self) -> Hash {
        to_hash(&self.parent)
    }
}

/// The 32 bytes of a felt.
pub(crate) fn to_hash(felt: &Felt) -> Hash {
    Hash::from_bytes(felt.to_bytes_be())
}

impl Block {
    /// Reads a block as `starknet_getBlockWithTxHashes` gives it. Source: JSON-RPC 0.8 to 0.10,
    /// `BLOCK_HEADER`.
    pub(crate) fn read(value: &Value, hashes: BlockHashes) -> Result<Self, BadBlock> {
        let is_on_l1 = match value.get("status").and_then(Value::as_str) {
            Some("ACCEPTED_ON_L1") => true,
            Some("ACCEPTED_ON_L2") => false,
            _ => return Err(BadBlock::NotAccepted),
        };
        let mut block = Self {
            height: number(value, "block_number")?,
            hash: felt(value, "block_hash")?,
            parent: felt(value, "parent_hash")?,
            time_s: number(value, "timestamp")?,
            sealed: None,
            is_on_l1,
        };
        let rule = rule(value, hashes)?;
        if let Some(rule) = rule {
            let header = header(value)?;
            let computed = header.hash(rule).map_err(|_| BadBlock::Field("starknet_version"))?;
            if computed != block.hash {
                let (computed, told) = (felt::to_hex(&computed), felt::to_hex(&block.hash));
                return Err(BadBlock::OtherHash { computed, told });
            }
            let (state_root, events) = (header.state_root, header.events);
            let event_commitment = header.event_commitment;
            block.sealed = Some(Sealed { state_root, events, event_commitment });
        }
        Ok(block)
    }
}

/// By which rule the hash can be computed; `None` where it cannot: before JSON-RPC 0.10 endpoints
/// leave the commitments out, and blocks before 0.13.2 have more rules than they say.
fn rule(value: &Value, hashes: BlockHashes) -> Result<Option<HashRule>, BadBlock> {
    let has_all = value.get("receipt_commitment").is_some_and(|value| !value.is_null());
    if hashes == BlockHashes::Told || !has_all {
        return Ok(None);
    }
    let version = text(value, "starknet_version")?;
    let rule = HashRule::of_version(version).map_err(|_| BadBlock::Field("starknet_version"))?;
    Ok(match rule {
        HashRule::Before0_7 { .. } | HashRule::Before0_13_2 => None,
        HashRule::Since0_13_2 | HashRule::Since0_13_4 => Some(rule),
    })
}

fn header(value: &Value) -> Result<Header, BadBlock> {
    let is_blob = match text(value, "l1_da_mode")? {
        "BLOB" => true,
        "CALLDATA" => false,
        _ => return Err(BadBlock::Field("l1_da_mode")),
    };
    let has_l2 = value.get("l2_gas_price").is_some_and(|price| !price.is_null());
    Ok(Header {
        number: number(value, "block_number")?,
        parent_hash: felt(value, "parent_hash")?,
        state_root: felt(value, "new_root")?,
        sequencer: felt(value, "sequencer_address")?,
        timestamp_s: number(value, "timestamp")?,
        transactions: number(value, "transaction_count")?,
        transaction_commitment: felt(value, "transaction_commitment")?,
        events: number(value, "event_count")?,
        event_commitment: felt(value, "event_commitment")?,
        since_0_13_2: Some(Since0_13_2 {
            version: text(value, "starknet_version")?.to_owned(),
            receipt_commitment: felt(value, "receipt_commitment")?,
            state_diff_commitment: felt(value, "state_diff_commitment")?,
            state_diff_length: number(value, "state_diff_length")?,
            is_blob,
            l1_gas_price: price(value, "l1_gas_price")?,
            l1_data_gas_price: price(value, "l1_data_gas_price")?,
            l2_gas_price: has_l2.then(|| price(value, "l2_gas_price")).transpose()?,
        }),
    })
}

fn price(value: &Value, name: &'static str) -> Result<GasPrice, BadBlock> {
    let price = value.get(name).ok_or(BadBlock::Field(name))?;
    let part = |part: &'static str| {
        u128::try_from(felt(price, part)?).map_err(|_| BadBlock::Field("price"))
    };
    Ok(GasPrice { wei: part("price_in_wei")?, fri: part("price_in_fri")? })
}

fn text<'a>(value: &'a Value, name: &'static str) -> Result<&'a str, BadBlock> {
    value.get(name).and_then(Value::as_str).ok_or(BadBlock::Field(name))
}

fn number(value: &Value, name: &'static str) -> Result<u64, BadBlock> {
    value.get(name).and_then(Value::as_u64).ok_or(BadBlock::Field(name))
}

fn felt(value: &Value, name: &'static str) -> Result<Felt, BadBlock> {
    felt::parse_hex(text(value, name)?).ok_or(BadBlock::Field(name))
}

#[cfg(test)]
mod tests;

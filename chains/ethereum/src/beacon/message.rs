//! The REST API's JSON as SSZ, which is what is hashed and so what is read. Source:
//! consensus-specs, `ssz/simple-serialize.md`; Beacon APIs, `types`.
//!
//! Lengths are not looked at here: the bytes are read strictly, and what they say is signed.

use alloy::{hex, primitives::U256};
use chain::BoxError;
use serde_json::Value;

use crate::light_client::{Bootstrap, Fork, Network, Update};

/// Longest list: a committee's keys.
const ITEMS_MAX: usize = 512;
/// Longest single value, in bytes: the bloom filter has 256.
const VALUE_BYTES_MAX: usize = 1_024;

/// A message, and the fork whose shape it has.
#[derive(Debug)]
pub(super) struct Message {
    fork: Fork,
    data: Value,
}

/// How a value stands in JSON and in SSZ.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A decimal string; 8 bytes.
    Number,
    /// A decimal string; 32 bytes.
    BigNumber,
    /// Hexadecimal; as many bytes as its kind has.
    Raw,
    /// A list of such values; as many as its kind has.
    RawList,
    /// Hexadecimal; any number of bytes.
    Bytes,
    /// An object with these fields.
    Object(&'static [(&'static str, Shape)]),
}

use Shape::{BigNumber, Bytes, Number, Object, Raw, RawList};

pub(super) const BEACON: Shape = Object(&[
    ("slot", Number),
    ("proposer_index", Number),
    ("parent_root", Raw),
    ("state_root", Raw),
    ("body_root", Raw),
]);

macro_rules! execution {
    ($($later:literal),*) => {
        Object(&[
            ("parent_hash", Raw),
            ("fee_recipient", Raw),
            ("state_root", Raw),
            ("receipts_root", Raw),
            ("logs_bloom", Raw),
            ("prev_randao", Raw),
            ("block_number", Number),
            ("gas_limit", Number),
            ("gas_used", Number),
            ("timestamp", Number),
            ("extra_data", Bytes),
            ("base_fee_per_gas", BigNumber),
            ("block_hash", Raw),
            ("transactions_root", Raw),
            ("withdrawals_root", Raw),
            $(($later, Number),)*
        ])
    };
}

const CAPELLA: Shape = execution!();
const DENEB: Shape = execution!("blob_gas_used", "excess_blob_gas");
const COMMITTEE: Shape = Object(&[("pubkeys", RawList), ("aggregate_pubkey", Raw)]);
const AGGREGATE: Shape = Object(&[("sync_committee_bits", Raw), ("sync_committee_signature", Raw)]);

/// The shapes of the three messages whose headers are so.
macro_rules! shapes {
    ($header:expr) => {
        [
            Object(&[
                ("header", $header),
                ("current_sync_committee", COMMITTEE),
                ("current_sync_committee_branch", RawList),
            ]),
            Object(&[
                ("attested_header", $header),
                ("next_sync_committee", COMMITTEE),
                ("next_sync_committee_branch", RawList),
                ("finalized_header", $header),
                ("finality_branch", RawList),
                ("sync_aggregate", AGGREGATE),
                ("signature_slot", Number),
            ]),
            Object(&[
                ("attested_header", $header),
                ("finalized_header", $header),
                ("finality_branch", RawList),
                ("sync_aggregate", AGGREGATE),
                ("signature_slot", Number),
            ]),
        ]
    };
}

const ALTAIR_HEADER: Shape = Object(&[("beacon", BEACON)]);
const CAPELLA_HEADER: Shape =
    Object(&[("beacon", BEACON), ("execution", CAPELLA), ("execution_branch", RawList)]);
const DENEB_HEADER: Shape =
    Object(&[("beacon", BEACON), ("execution", DENEB), ("execution_branch", RawList)]);

const ALTAIR_SHAPES: [Shape; 3] = shapes!(ALTAIR_HEADER);
const CAPELLA_SHAPES: [Shape; 3] = shapes!(CAPELLA_HEADER);
const DENEB_SHAPES: [Shape; 3] = shapes!(DENEB_HEADER);

impl Message {
    /// Takes `{version, data}`.
    pub(super) fn new(value: &Value) -> Result<Self, BoxError> {
        let version = value.get("version").and_then(Value::as_str).ok_or("it names no version")?;
        let fork = Fork::named(version).ok_or("it is of an unknown fork")?;
        let data = value.get("data").ok_or("it has no data")?;
        Ok(Self { fork, data: data.clone() })
    }

    pub(super) fn bootstrap(&self, network: &Network) -> Result<Bootstrap, BoxError> {
        let [shape, _, _] = shapes(self.fork);
        let bytes = encode(shape, &self.data)?;
        Ok(Bootstrap::decode(&bytes, self.fork, network.preset)?)
    }

    /// An update of a period.
    pub(super) fn update(&self, network: &Network) -> Result<Update, BoxError> {
        let [_, shape, _] = shapes(self.fork);
        let bytes = encode(shape, &self.data)?;
        Ok(Update::decode(&bytes, self.fork, network.preset)?)
    }

    /// An update that says nothing but what is final.
    pub(super) fn finality(&self, network: &Network) -> Result<Update, BoxError> {
        let [_, _, shape] = shapes(self.fork);
        let bytes = encode(shape, &self.data)?;
        Ok(Update::decode_finality(&bytes, self.fork, network.preset)?)
    }
}

const fn shapes(fork: Fork) -> [Shape; 3] {
    match fork {
        Fork::Altair => ALTAIR_SHAPES,
        Fork::Capella => CAPELLA_SHAPES,
        Fork::Deneb | Fork::Electra => DENEB_SHAPES,
    }
}

/// The shape of headers.
#[cfg(test)]
pub(super) const fn header(fork: Fork) -> Shape {
    match fork {
        Fork::Altair => ALTAIR_HEADER,
        Fork::Capella => CAPELLA_HEADER,
        Fork::Deneb | Fork::Electra => DENEB_HEADER,
    }
}

/// The SSZ of `value`.
fn encode(shape: Shape, value: &Value) -> Result<Vec<u8>, BoxError> {
    match shape {
        Number => {
            let number: u64 = text(value)?.parse()?;
            Ok(number.to_le_bytes().to_vec())
        }
        BigNumber => {
            let number: U256 = text(value)?.parse()?;
            Ok(number.to_le_bytes::<32>().to_vec())
        }
        Raw | Bytes => raw(value),
        RawList => {
            let list = value.as_array().ok_or("a list is none")?;
            if list.len() > ITEMS_MAX {
                return Err(format!("a list has more than {ITEMS_MAX} items").into());
            }
            let items: Vec<Vec<u8>> = list.iter().map(raw).collect::<Result<_, _>>()?;
            Ok(items.concat())
        }
        Object(fields) => object(fields, value),
    }
}

/// Fields of fixed length in order, with offsets for the others, which follow.
fn object(fields: &[(&str, Shape)], value: &Value) -> Result<Vec<u8>, BoxError> {
    const OFFSET_BYTES: usize = 4;
    let mut parts = Vec::with_capacity(fields.len());
    for (name, shape) in fields {
        let field = value.get(*name).ok_or_else(|| format!("there is no `{name}`"))?;
        let bytes = encode(*shape, field).map_err(|error| format!("`{name}`: {error}"))?;
        parts.push((is_variable(*shape), bytes));
    }
    let fixed = |(is_variable, bytes): &(bool, Vec<u8>)| {
        if *is_variable { OFFSET_BYTES } else { bytes.len() }
    };
    let mut offset: usize = parts.iter().map(fixed).sum();
    let mut out = Vec::with_capacity(parts.iter().map(|(_, bytes)| bytes.len() + 4).sum());
    for (is_variable, bytes) in &parts {
        if *is_variable {
            out.extend_from_slice(&u32::try_from(offset)?.to_le_bytes());
            offset = offset.saturating_add(bytes.len());
        } else {
            out.extend_from_slice(bytes);
        }
    }
    for (_, bytes) in parts.iter().filter(|(is_variable, _)| *is_variable) {
        out.extend_from_slice(bytes);
    }
    Ok(out)
}

fn is_variable(shape: Shape) -> bool {
    match shape {
        Bytes => true,
        Object(fields) => fields.iter().any(|(_, shape)| is_variable(*shape)),
        Number | BigNumber | Raw | RawList => false,
    }
}

fn text(value: &Value) -> Result<&str, BoxError> {
    value.as_str().ok_or_else(|| "a value is no text".into())
}

fn raw(value: &Value) -> Result<Vec<u8>, BoxError> {
    let digits = text(value)?.strip_prefix("0x").ok_or("a value has no 0x")?;
    if digits.len() > 2 * VALUE_BYTES_MAX {
        return Err(format!("a value has more than {VALUE_BYTES_MAX} bytes").into());
    }
    Ok(hex::decode(digits)?)
}

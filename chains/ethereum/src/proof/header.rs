//! Block headers, and the hash that everything else hangs from. Sources: Yellow Paper, 4.4; EIPs
//! 1559, 4895, 4844, 4788, 7685. Fulu (December 2025) adds no field to those of Prague.

use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable as _;
use serde_json::Value;

use super::{rlp, trie::BadProof};
use crate::verdict::{self, Input, Refusal};

/// Longest encoded header, in bytes; real ones have about 650.
const BYTES_MAX: usize = 4096;
/// Longest extra data, in bytes; clique's signer lists are longer than the 32 of main chains.
const EXTRA_BYTES_MAX: usize = 2048;

/// Which fields a header has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fork {
    /// Before there was a base fee.
    PreLondon,
    /// With a base fee.
    London,
    /// With a base fee, after the end of mining.
    Paris,
    /// With withdrawals.
    Shanghai,
    /// With blobs and the beacon chain's root.
    Cancun,
    /// With requests.
    Prague,
}

/// What is needed of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its hash, computed.
    pub hash: B256,
    /// Its height.
    pub number: u64,
    /// Its time, Unix seconds.
    pub time_s: u64,
    /// Its parent's hash.
    pub parent: B256,
    /// Root of all accounts after it.
    pub state_root: B256,
    /// Root of its receipts.
    pub receipts_root: B256,
    /// What a unit of gas costs at least, in wei; `None` before London.
    pub base_fee: Option<U256>,
    /// Which fields it has.
    pub fork: Fork,
}

/// The bytes or fields are no header of a known fork.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a block header: {0}")]
pub struct BadHeader(String);

impl From<BadProof> for BadHeader {
    fn from(_: BadProof) -> Self {
        Self("a field is not encoded as it must be".to_owned())
    }
}

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Exactly so many bytes.
    Fixed(usize),
    /// An integer of at most so many bytes.
    Integer(usize),
    /// At most so many bytes.
    Bytes(usize),
}

/// The fields in the order in which they are hashed.
const FIELDS: [(&str, Kind); 21] = [
    ("parentHash", Kind::Fixed(32)),
    ("sha3Uncles", Kind::Fixed(32)),
    ("miner", Kind::Fixed(20)),
    ("stateRoot", Kind::Fixed(32)),
    ("transactionsRoot", Kind::Fixed(32)),
    ("receiptsRoot", Kind::Fixed(32)),
    ("logsBloom", Kind::Fixed(256)),
    ("difficulty", Kind::Integer(32)),
    ("number", Kind::Integer(8)),
    ("gasLimit", Kind::Integer(8)),
    ("gasUsed", Kind::Integer(8)),
    ("timestamp", Kind::Integer(8)),
    ("extraData", Kind::Bytes(EXTRA_BYTES_MAX)),
    ("mixHash", Kind::Fixed(32)),
    ("nonce", Kind::Fixed(8)),
    ("baseFeePerGas", Kind::Integer(32)),
    ("withdrawalsRoot", Kind::Fixed(32)),
    ("blobGasUsed", Kind::Integer(8)),
    ("excessBlobGas", Kind::Integer(8)),
    ("parentBeaconBlockRoot", Kind::Fixed(32)),
    ("requestsHash", Kind::Fixed(32)),
];
/// What endpoints add to a block's header.
const BESIDE: [&str; 10] = [
    "hash",
    "size",
    "totalDifficulty",
    "uncles",
    "transactions",
    "withdrawals",
    "author",
    "sealFields",
    "l1BlockNumber",
    "sendCount",
];

impl Header {
    /// The header in these bytes.
    ///
    /// # Errors
    /// [`BadHeader`] unless they are exactly one header of a known fork.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        if bytes.len() > BYTES_MAX {
            return Err(BadHeader(format!("it has more than {BYTES_MAX} bytes")));
        }
        let list = rlp::single(bytes)?;
        if !list.is_list {
            return Err(BadProof::Encoding.into());
        }
        let mut fields = Vec::with_capacity(FIELDS.len());
        let mut rest = list.payload;
        while !rest.is_empty() {
            let (_, kind) = FIELDS.get(fields.len()).ok_or_else(too_many)?;
            let (item, after) = rlp::split(rest)?;
            let is_legal = match kind {
                Kind::Fixed(len) => item.string()?.len() == *len,
                Kind::Integer(max) => item.integer(*max).is_ok(),
                Kind::Bytes(max) => item.string()?.len() <= *max,
            };
            if !is_legal {
                return Err(BadProof::Encoding.into());
            }
            fields.push(item);
            rest = after;
        }
        let field = |index: usize| fields.get(index).copied().ok_or_else(too_few);
        let fork = fork(fields.len(), field(7)?.payload.is_empty())?;
        let base_fee = fields.get(15).map(|item| U256::from_be_slice(item.payload));
        Ok(Self {
            hash: keccak256(bytes),
            number: field(8)?.u64()?,
            time_s: field(11)?.u64()?,
            parent: field(0)?.array()?.into(),
            state_root: field(3)?.array()?.into(),
            receipts_root: field(5)?.array()?.into(),
            base_fee,
            fork,
        })
    }

    /// The header with these fields, as endpoints give them in JSON. A hash that stands among them
    /// is not looked at.
    ///
    /// # Errors
    /// [`BadHeader`] if a field is missing, malformed, or of no known fork.
    pub fn from_json(json: &Value) -> Result<Self, BadHeader> {
        let bad = |Refusal(why)| BadHeader(why);
        let fields = json.as_object().ok_or_else(|| BadHeader("it is no object".to_owned()))?;
        let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        let count = FIELDS.iter().take_while(|(name, _)| has(name)).count();
        let rest = FIELDS.get(count..).unwrap_or_default();
        if let Some((later, _)) = rest.iter().find(|(name, _)| has(name)) {
            let missing = rest.first().map_or("", |(name, _)| *name);
            return Err(BadHeader(format!("it has `{later}` but no `{missing}`")));
        }
        let is_known =
            |name: &str| FIELDS.iter().any(|(known, _)| *known == name) || BESIDE.contains(&name);
        if let Some(unknown) = fields.keys().find(|name| !is_known(name) && has(name)) {
            return Err(BadHeader(format!("the field `{unknown}` is of no known fork")));
        }
        let mut payload = Vec::with_capacity(BYTES_MAX);
        for (name, kind) in FIELDS.iter().take(count) {
            let value = fields.get(*name).unwrap_or(&Value::Null);
            let bytes: Bytes = match kind {
                Kind::Integer(_) => {
                    verdict::number(value, name).map_err(bad)?.to_be_bytes_trimmed_vec().into()
                }
                Kind::Fixed(_) | Kind::Bytes(_) => verdict::bytes(value, name).map_err(bad)?,
            };
            if bytes.len() > BYTES_MAX {
                return Err(BadHeader(format!("`{name}` is too long")));
            }
            bytes.encode(&mut payload);
        }
        let mut bytes = Vec::with_capacity(payload.len() + 9);
        alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
        bytes.extend_from_slice(&payload);
        Self::decode(&bytes)
    }
}

fn too_many() -> BadHeader {
    BadHeader("it has more fields than any known fork".to_owned())
}

fn too_few() -> BadHeader {
    BadHeader("fields are missing".to_owned())
}

fn fork(count: usize, is_mined_no_more: bool) -> Result<Fork, BadHeader> {
    match count {
        15 => Ok(Fork::PreLondon),
        16 if is_mined_no_more => Ok(Fork::Paris),
        16 => Ok(Fork::London),
        17 => Ok(Fork::Shanghai),
        20 => Ok(Fork::Cancun),
        21 => Ok(Fork::Prague),
        _ => Err(too_few()),
    }
}

impl Fork {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PreLondon => "pre-london",
            Self::London => "london",
            Self::Paris => "paris",
            Self::Shanghai => "shanghai",
            Self::Cancun => "cancun",
            Self::Prague => "prague",
        }
    }
}

/// The header in a claim's input.
pub(super) fn claimed(input: Input<'_>) -> Result<Header, Refusal> {
    let header = Header::decode(&input.bytes("header_rlp")?);
    header.map_err(|error| error.to_string().into())
}

#[cfg(test)]
mod tests;

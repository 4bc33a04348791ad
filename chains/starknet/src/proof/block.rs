//! Blocks: their hashes, by the rule of their version, and what a sequencer signs of them.
//!
//! Source: Starknet, "Block hash"; for blocks before 0.13.2 the rules of their time.

use crate::{
    felt::{Felt, short_string, word},
    hash::FeltHash,
};

/// Why a header has no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHeader {
    /// A version is up to four numbers with dots between.
    #[error("the version is none of Starknet's")]
    Version,
    /// The version was hashed with parts that this header does not have.
    #[error("a block of this version has no hash without {0}")]
    Lacks(&'static str),
}

/// How a block's hash is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashRule {
    /// Before 0.7: Pedersen; no time, sequencer or events, but the chain's name.
    Before0_7 {
        /// The chain's name, as a short string.
        chain: Felt,
    },
    /// 0.7 to 0.13.1: Pedersen.
    Before0_13_2,
    /// 0.13.2 and 0.13.3: Poseidon, each price alone.
    Since0_13_2,
    /// From 0.13.4: Poseidon, prices hashed together, with those of L2 gas.
    Since0_13_4,
}

/// What a price per unit of gas is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GasPrice {
    /// In 10^-18 ether.
    pub wei: u128,
    /// In 10^-18 STRK.
    pub fri: u128,
}

/// What a block's hash commits to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Its height.
    pub number: u64,
    /// The hash of the block before.
    pub parent_hash: Felt,
    /// The state after it.
    pub state_root: Felt,
    /// Who made it.
    pub sequencer: Felt,
    /// In seconds since the Unix epoch.
    pub timestamp_s: u64,
    /// How many transactions it has.
    pub transactions: u64,
    /// Their commitment.
    pub transaction_commitment: Felt,
    /// How many events they emitted.
    pub events: u64,
    /// Their commitment.
    pub event_commitment: Felt,
    /// What came with 0.13.2.
    pub since_0_13_2: Option<Since0_13_2>,
}

/// The parts of a header that came with 0.13.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since0_13_2 {
    /// The protocol's version, as written.
    pub version: String,
    /// The receipts' commitment.
    pub receipt_commitment: Felt,
    /// The state diff's commitment.
    pub state_diff_commitment: Felt,
    /// How many entries the state diff has.
    pub state_diff_length: u64,
    /// Whether the state diff went to L1 in a blob, not in calldata.
    pub is_blob: bool,
    /// Of L1 gas.
    pub l1_gas_price: GasPrice,
    /// Of L1 data gas.
    pub l1_data_gas_price: GasPrice,
    /// Of L2 gas; came with 0.13.4.
    pub l2_gas_price: Option<GasPrice>,
}

/// What of a block its sequencer signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureRule {
    /// From 0.13.2, and some blocks before that were signed again: the hash itself.
    BlockHash,
    /// Before: Poseidon's hash of the block's hash and the state diff's commitment.
    WithStateDiff(Felt),
}

/// The number under a sequencer's signature.
pub fn signed_hash(block_hash: &Felt, rule: SignatureRule) -> Felt {
    match rule {
        SignatureRule::BlockHash => *block_hash,
        SignatureRule::WithStateDiff(commitment) => {
            FeltHash::Poseidon.list(&[*block_hash, commitment])
        }
    }
}

impl HashRule {
    /// The rule of a version that is written in blocks: those from 0.7 on that have one.
    ///
    /// # Errors
    /// [`BadHeader::Version`].
    pub fn of_version(version: &str) -> Result<Self, BadHeader> {
        match numbers(version)? {
            numbers if numbers < [0, 7, 0, 0] => Err(BadHeader::Version),
            numbers if numbers < [0, 13, 2, 0] => Ok(Self::Before0_13_2),
            numbers if numbers < [0, 13, 4, 0] => Ok(Self::Since0_13_2),
            _ => Ok(Self::Since0_13_4),
        }
    }
}

fn numbers(version: &str) -> Result<[u16; 4], BadHeader> {
    let mut numbers = [0; 4];
    let mut places = numbers.iter_mut();
    for text in version.split('.') {
        let number: u16 = text.parse().map_err(|_| BadHeader::Version)?;
        // What is hashed is the text, so there is one for each number.
        if number.to_string() != text {
            return Err(BadHeader::Version);
        }
        *places.next().ok_or(BadHeader::Version)? = number;
    }
    Ok(numbers)
}

impl Header {
    /// The block's hash by `rule`.
    ///
    /// # Errors
    /// [`BadHeader`] if the header lacks what the rule needs.
    pub fn hash(&self, rule: HashRule) -> Result<Felt, BadHeader> {
        match rule {
            HashRule::Before0_7 { chain } => Ok(self.hash_before_0_7(chain)),
            HashRule::Before0_13_2 => Ok(self.hash_before_0_13_2()),
            HashRule::Since0_13_2 => self.hash_since_0_13_2("STARKNET_BLOCK_HASH0", |late| {
                let (gas, data) = (late.l1_gas_price, late.l1_data_gas_price);
                Ok([gas.wei, gas.fri, data.wei, data.fri].map(Felt::from).to_vec())
            }),
            HashRule::Since0_13_4 => self.hash_since_0_13_2("STARKNET_BLOCK_HASH1", |late| {
                let (gas, data) = (late.l1_gas_price, late.l1_data_gas_price);
                let l2 = late.l2_gas_price.ok_or(BadHeader::Lacks("a price of L2 gas"))?;
                let prices = [gas.wei, gas.fri, data.wei, data.fri, l2.wei, l2.fri];
                let mut parts = vec![word(b"STARKNET_GAS_PRICES0")];
                parts.extend(prices.map(Felt::from));
                Ok(vec![FeltHash::Poseidon.list(&parts)])
            }),
        }
    }

    fn hash_before_0_7(&self, chain: Felt) -> Felt {
        let zero = Felt::ZERO;
        FeltHash::Pedersen.list(&[
            Felt::from(self.number),
            self.state_root,
            zero, // Sequencer.
            zero, // Time.
            Felt::from(self.transactions),
            self.transaction_commitment,
            zero, // Number of events.
            zero, // Their commitment.
            zero, // Protocol version.
            zero, // Extra data.
            chain,
            self.parent_hash,
        ])
    }

    fn hash_before_0_13_2(&self) -> Felt {
        FeltHash::Pedersen.list(&[
            Felt::from(self.number),
            self.state_root,
            self.sequencer,
            Felt::from(self.timestamp_s),
            Felt::from(self.transactions),
            self.transaction_commitment,
            Felt::from(self.events),
            self.event_commitment,
            Felt::ZERO, // Protocol version.
            Felt::ZERO, // Extra data.
            self.parent_hash,
        ])
    }

    fn hash_since_0_13_2(
        &self,
        tag: &str,
        prices: impl FnOnce(&Since0_13_2) -> Result<Vec<Felt>, BadHeader>,
    ) -> Result<Felt, BadHeader> {
        let late = self.since_0_13_2.as_ref().ok_or(BadHeader::Lacks("a receipt commitment"))?;
        let mut parts = vec![
            word(tag.as_bytes()),
            Felt::from(self.number),
            self.state_root,
            self.sequencer,
            Felt::from(self.timestamp_s),
            self.counts(late),
            late.state_diff_commitment,
            self.transaction_commitment,
            self.event_commitment,
            late.receipt_commitment,
        ];
        parts.extend(prices(late)?);
        let version = short_string(&late.version).ok_or(BadHeader::Version)?;
        // The zero is for extra data.
        parts.extend([version, Felt::ZERO, self.parent_hash]);
        Ok(FeltHash::Poseidon.list(&parts))
    }

    /// Transactions, events, entries of the state diff, 64 bits each, then one bit for the blob.
    fn counts(&self, late: &Since0_13_2) -> Felt {
        let last = if late.is_blob { 1 << 63 } else { 0 };
        let counts = [self.transactions, self.events, late.state_diff_length, last];
        let mut bytes = [0; 32];
        let (words, _) = bytes.as_chunks_mut::<8>();
        words.iter_mut().zip(counts).for_each(|(word, count)| *word = count.to_be_bytes());
        Felt::from_bytes_be(&bytes)
    }
}

#[cfg(test)]
mod tests;

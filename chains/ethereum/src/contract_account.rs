//! Accounts that are contracts: how they are asked whether they signed, and what their code says.
//! Sources: ERC-1271, ERC-6492, EIP-7702.
//!
//! Pure: [`judge()`] says what the chain must be asked next, or what the answers come to. Asking is
//! the adapter's, at one block for all questions; what an account's contract says can change with
//! every block.

mod judge;

pub use self::judge::{Answer, Answers, Judgment, Means, Question, judge};

use alloy::primitives::{Address, B256, Bytes, U256};
use types::{Hash, keccak256_concat};

use crate::wallet::eoa;

/// `isValidSignature(bytes32,bytes)`: the selector, and what the account answers for yes.
const MAGIC: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];
/// `6492` sixteen times, at the end of a wrapped signature.
const WRAPPED: [u8; 32] = {
    let mut word = [0x64; 32];
    let mut at = 1;
    while at < 32 {
        word[at] = 0x92;
        at += 2;
    }
    word
};
/// What the code of a delegated account begins with.
const DELEGATED: [u8; 3] = [0xef, 0x01, 0x00];
const WORD: usize = 32;

/// A signature of an account that may not be deployed yet. Source: ERC-6492.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Who deploys the account.
    pub factory: Address,
    /// What the factory is called with.
    pub factory_calldata: Bytes,
    /// What the account itself is asked about.
    pub signature: Bytes,
}

/// Why a wrapped signature is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ERC-6492 wrapper is malformed: {0}")]
pub struct BadWrapping(&'static str);

/// The call that asks an account whether it signed `digest`.
pub fn erc1271_call(digest: &B256, signature: &[u8]) -> Bytes {
    let padding = signature.len().next_multiple_of(WORD) - signature.len();
    let mut call = Vec::with_capacity(MAGIC.len() + 4 * WORD + signature.len());
    call.extend_from_slice(&MAGIC);
    call.extend_from_slice(digest.as_slice());
    call.extend_from_slice(&U256::from(2 * WORD).to_be_bytes::<WORD>());
    call.extend_from_slice(&U256::from(signature.len()).to_be_bytes::<WORD>());
    call.extend_from_slice(signature);
    call.resize(call.len() + padding, 0);
    call.into()
}

/// Whether the answer to [`erc1271_call`] is yes: the call went through, and the first word is the
/// magic value followed by zeros. What comes after it does not count.
pub fn erc1271_accepts(is_success: bool, answer: &[u8]) -> bool {
    let word = answer.first_chunk::<WORD>();
    is_success
        && word.is_some_and(|word| {
            word.starts_with(&MAGIC) && word.iter().skip(MAGIC.len()).all(|byte| *byte == 0)
        })
}

/// The parts of a wrapped signature; `None` if it is not wrapped.
///
/// # Errors
/// [`BadWrapping`] if it ends like one and is none: offsets or lengths lead outside, overlap the
/// head, or an address has more than 20 bytes.
pub fn unwrap(signature: &[u8]) -> Result<Option<Wrapped>, BadWrapping> {
    let Some(body) = signature.strip_suffix(&WRAPPED) else { return Ok(None) };
    let [factory, calldata_at, signature_at] = head(body)?;
    if factory >> 160 != U256::ZERO {
        return Err(BadWrapping("the factory is no address"));
    }
    let factory = Address::from_word(factory.into());
    let factory_calldata = tail(body, calldata_at)?;
    let signature = tail(body, signature_at)?;
    Ok(Some(Wrapped { factory, factory_calldata, signature }))
}

fn head(body: &[u8]) -> Result<[U256; 3], BadWrapping> {
    let word = |index: usize| {
        let bytes = body.get(index * WORD..(index + 1) * WORD);
        bytes.map(U256::from_be_slice).ok_or(BadWrapping("its body is too short"))
    };
    Ok([word(0)?, word(1)?, word(2)?])
}

fn tail(body: &[u8], at: U256) -> Result<Bytes, BadWrapping> {
    const OUTSIDE: BadWrapping = BadWrapping("an offset or a length leads outside");
    let at = usize::try_from(at).map_err(|_| OUTSIDE)?;
    if at < 3 * WORD || !at.is_multiple_of(WORD) {
        return Err(BadWrapping("an offset leads into the head"));
    }
    let rest = body.get(at..).ok_or(OUTSIDE)?;
    let (len, rest) = rest.split_first_chunk::<WORD>().ok_or(OUTSIDE)?;
    let len = usize::try_from(U256::from_be_bytes(*len)).map_err(|_| OUTSIDE)?;
    let padded = len.checked_next_multiple_of(WORD).ok_or(OUTSIDE)?;
    let padded = rest.get(..padded).ok_or(OUTSIDE)?;
    let (bytes, padding) = padded.split_at(len);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(BadWrapping("its padding is not zero"));
    }
    Ok(Bytes::copy_from_slice(bytes))
}

/// To whose code a plain account delegates: its own code is exactly `ef0100` and an address. Such
/// an account still signs with its key. Source: EIP-7702.
pub fn delegate(code: &[u8]) -> Option<Address> {
    let address = code.strip_prefix(&DELEGATED)?;
    (address.len() == 20).then(|| Address::from_slice(address))
}

/// A tuple of a transaction's authorization list. Source: EIP-7702.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// 0 means every chain.
    pub chain_number: U256,
    /// Whose code is taken.
    pub address: Address,
    /// The authority's, below 2^64 - 1.
    pub nonce: u64,
}

impl Authorization {
    /// What the authority signs: `keccak256(0x05 ‖ rlp([chain id, address, nonce]))`.
    pub fn digest(&self) -> Hash {
        use alloy_rlp::Encodable as _;
        let fields: [&dyn alloy_rlp::Encodable; 3] =
            [&self.chain_number, &self.address, &self.nonce];
        let mut list = Vec::new();
        fields.iter().for_each(|field| field.encode(&mut list));
        let mut rlp = Vec::with_capacity(list.len() + 1);
        alloy_rlp::Header { list: true, payload_length: list.len() }.encode(&mut rlp);
        keccak256_concat(&[&[0x05], &rlp, &list])
    }

    /// Who signed it; `None` if nobody can have, s is high, or the nonce is the largest.
    pub fn authority(&self, parity: u8, r: &[u8; 32], s: &[u8; 32]) -> Option<Address> {
        if self.nonce == u64::MAX || parity > 1 {
            return None;
        }
        let rs = [&r[..], &s[..]].concat();
        eoa::recover_parity(&self.digest(), &rs, parity).ok()
    }
}

#[cfg(test)]
mod tests;

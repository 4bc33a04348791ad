//! RLP, strictly: one encoding per value. Source: Yellow Paper, appendix B.

use alloy_rlp::Header;

use super::trie::BadProof;

/// One item: its payload, and whether that is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) is_list: bool,
    pub(super) payload: &'a [u8],
    /// With its header.
    pub(super) whole: &'a [u8],
}

/// The first item of `bytes`, and the rest.
pub(super) fn split(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), BadProof> {
    let mut rest = bytes;
    let header = Header::decode(&mut rest).map_err(|_| BadProof::Encoding)?;
    if rest.len() < header.payload_length {
        return Err(BadProof::Encoding);
    }
    let (payload, rest) = rest.split_at(header.payload_length);
    let (whole, _) = bytes.split_at(bytes.len() - rest.len());
    Ok((Item { is_list: header.list, payload, whole }, rest))
}

/// The only item of `bytes`.
pub(super) fn single(bytes: &[u8]) -> Result<Item<'_>, BadProof> {
    match split(bytes)? {
        (item, []) => Ok(item),
        _ => Err(BadProof::Encoding),
    }
}

/// The items of the list that `bytes` is, if they are `N`.
pub(super) fn fields<const N: usize>(bytes: &[u8]) -> Result<[Item<'_>; N], BadProof> {
    let list = single(bytes)?;
    if !list.is_list {
        return Err(BadProof::Encoding);
    }
    let mut rest = list.payload;
    let mut items = [list; N];
    for item in &mut items {
        (*item, rest) = split(rest)?;
    }
    if rest.is_empty() { Ok(items) } else { Err(BadProof::Encoding) }
}

impl<'a> Item<'a> {
    /// A string.
    pub(super) fn string(self) -> Result<&'a [u8], BadProof> {
        if self.is_list { Err(BadProof::Encoding) } else { Ok(self.payload) }
    }

    /// A string of exactly `N` bytes.
    pub(super) fn array<const N: usize>(self) -> Result<[u8; N], BadProof> {
        self.string()?.try_into().map_err(|_| BadProof::Encoding)
    }

    /// An integer of at most `max` bytes, without leading zeros.
    pub(super) fn integer(self, max: usize) -> Result<&'a [u8], BadProof> {
        let bytes = self.string()?;
        let is_minimal = bytes.first() != Some(&0) && bytes.len() <= max;
        if is_minimal { Ok(bytes) } else { Err(BadProof::Encoding) }
    }

    pub(super) fn u64(self) -> Result<u64, BadProof> {
        let bytes = self.integer(8)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

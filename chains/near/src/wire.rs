//! NEAR's encodings: hashes in base58, values in borsh.
//!
//! The reader borrows and is told the bound of every list, so that a hostile length costs nothing.
//! Source: borsh.io, specification of version 1.

use core::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

/// The bytes or the text are not of their one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// A SHA-256 digest, as NEAR names its blocks, roots, receipts. Text form: base58.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CryptoHash([u8; 32]);

/// What is left of a borsh encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl CryptoHash {
    /// What stands for nothing: the root of a trie with nothing in it, the first epoch's id.
    pub const ZERO: Self = Self([0; 32]);

    /// Wraps bytes that are already such a digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// SHA-256 of all `parts`, one after the other.
    pub fn concat(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        Self::from(hasher)
    }

    /// The bytes inside.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Sha256> for CryptoHash {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl FromStr for CryptoHash {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        base58(text).map(Self).ok_or(Malformed("base58 of 32 bytes"))
    }
}

impl fmt::Display for CryptoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base58(&self.0))
    }
}

impl fmt::Debug for CryptoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CryptoHash({self})")
    }
}

/// Exactly `N` bytes in base58.
pub(crate) fn base58<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Before the decoder, whose work grows with the square: no `N` bytes have more digits.
    if text.len() > 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let len = bs58::decode(text).onto(&mut bytes).ok()?;
    (len == N).then_some(bytes)
}

pub(crate) fn to_base58(bytes: &[u8]) -> String {
    bs58::encode(bytes).into_string()
}

/// The length prefix of `len` bytes or items.
pub(crate) fn prefix(len: usize) -> [u8; 4] {
    // Every caller's length has a bound far below.
    u32::try_from(len).expect("bounded lengths fit in 32 bits").to_le_bytes()
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed("end"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed("end"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, Malformed> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn hash(&mut self) -> Result<CryptoHash, Malformed> {
        self.array().map(CryptoHash)
    }

    /// The number of items that follow, at most `max`.
    pub(crate) fn count(&mut self, max: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.u32()?).ok();
        count.filter(|count| *count <= max).ok_or(Malformed("length"))
    }

    /// A list of bytes, at most `max`.
    pub(crate) fn bytes(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let len = self.count(max)?;
        self.take(len)
    }

    /// A text of at most `max` bytes.
    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, Malformed> {
        str::from_utf8(self.bytes(max)?).map_err(|_| Malformed("UTF-8"))
    }

    /// Something or nothing.
    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Malformed("option")),
        }
    }

    /// What was read since `self`, of which `later` is a later state.
    pub(crate) fn before(self, later: &Self) -> &'a [u8] {
        let len = self.0.len().saturating_sub(later.0.len());
        self.0.split_at_checked(len).map_or(self.0, |(before, _)| before)
    }

    /// That nothing is left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_text() {
        let hash = CryptoHash::of(b"");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("1".repeat(32).parse(), Ok(CryptoHash::ZERO));
        let text = hash.to_string();
        for bad in ["", "1", &"1".repeat(33), &"1".repeat(64), &"z".repeat(44), &"0".repeat(44)] {
            assert!(bad.parse::<CryptoHash>().is_err(), "{bad}");
        }
        assert!(format!("{text}1").parse::<CryptoHash>().is_err());
        assert!(format!(" {text}").parse::<CryptoHash>().is_err());
    }

    #[test]
    fn a_reader_takes_what_is_there_and_no_more() {
        let mut reader = Reader::new(&[2, 0, 0, 0, b'h', b'i', 1, 7, 0, 9]);
        assert_eq!(reader.text(2), Ok("hi"));
        assert_eq!(reader.option(Reader::u8), Ok(Some(7)));
        assert_eq!(reader.option(Reader::u8), Ok(None));
        assert_eq!(reader.end(), Err(Malformed("end")));
        assert_eq!(reader.u16(), Err(Malformed("end")));
        assert_eq!(reader.option(Reader::u8), Err(Malformed("option")));
        assert_eq!(reader.end(), Ok(()));
        let long = Reader::new(&[3, 0, 0, 0, 1, 2, 3]).bytes(2);
        assert_eq!(long, Err(Malformed("length")));
        let hostile = Reader::new(&[0xff; 8]).bytes(usize::MAX);
        assert_eq!(hostile, Err(Malformed("end")));
    }
}

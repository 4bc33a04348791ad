//! Values as contracts read and write them: lists of felts. Source: Cairo, `core::serde`.

use governance::anchor::Account;
use types::Hash;

use crate::{
    felt::{Felt, canonical, word},
    wallet::account,
};

/// Bytes in one felt of a byte array.
const WORD_BYTES: usize = 31;
/// Longest byte array that is read: a batch has at most 4 KiB.
const BYTES_MAX: usize = 8 * 1024;

/// The two felts of 32 bytes: high half, low half.
pub(crate) fn halves(bytes: &[u8; 32]) -> [Felt; 2] {
    let (halves, _) = bytes.as_chunks::<16>();
    let half = |at: usize| halves.get(at).map_or(Felt::ZERO, |half| word(half));
    [half(0), half(1)]
}

/// A `ByteArray`: how many full words, they, what is left, how many bytes that is.
pub(crate) fn byte_array(bytes: &[u8]) -> Vec<Felt> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let mut felts = vec![Felt::from(words.len())];
    felts.extend(words.iter().map(|bytes| word(bytes)));
    felts.extend([word(rest), Felt::from(rest.len())]);
    felts
}

/// Takes values from the front of an answer; `None` is an answer that no registry gives.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [Felt]);

impl Reader<'_> {
    pub(crate) fn felt(&mut self) -> Option<Felt> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        u8::try_from(self.u64()?).ok()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.u64()?).ok()
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        u64::try_from(self.felt()?).ok()
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        u128::try_from(self.felt()?).ok()
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn bytes32(&mut self) -> Option<[u8; 32]> {
        let (high, low) = (self.u128()?, self.u128()?);
        let mut bytes = [0; 32];
        let (halves, _) = bytes.as_chunks_mut::<16>();
        halves.iter_mut().zip([high, low]).for_each(|(to, half)| *to = half.to_be_bytes());
        Some(bytes)
    }

    pub(crate) fn hash(&mut self) -> Option<Hash> {
        self.bytes32().map(Hash::from_bytes)
    }

    /// The inner `None` is nobody.
    pub(crate) fn account(&mut self) -> Option<Option<Account>> {
        let felt = self.felt()?;
        if felt == Felt::ZERO {
            return Some(None);
        }
        self::account(&felt).map(Some)
    }

    pub(crate) fn byte_array(&mut self) -> Option<Vec<u8>> {
        let words = usize::try_from(self.u64()?).ok()?;
        if words > BYTES_MAX / WORD_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(words.saturating_add(1).saturating_mul(WORD_BYTES));
        for _ in 0..words {
            self.tail(WORD_BYTES, &mut bytes)?;
        }
        // The short word stands before its length.
        let (last, rest) = self.0.split_at_checked(2)?;
        let len = usize::try_from(u64::try_from(*last.get(1)?).ok()?).ok()?;
        if len >= WORD_BYTES {
            return None;
        }
        self.tail(len, &mut bytes)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Appends the last `len` bytes of the next felt, which must have no others.
    fn tail(&mut self, len: usize, bytes: &mut Vec<u8>) -> Option<()> {
        let felt = self.felt()?.to_bytes_be();
        let (above, tail) = felt.split_at_checked(felt.len().checked_sub(len)?)?;
        if above.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(tail);
        Some(())
    }

    /// `value`, if nothing is left.
    pub(crate) fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// The address of an account; `None` if it is none of Starknet's.
pub(crate) fn address(account: &Account) -> Option<Felt> {
    let bytes = <&[u8; 32]>::try_from(account.as_bytes()).ok()?;
    canonical(bytes).filter(account::is_address)
}

/// The account at an address; `None` if none can be there.
pub(crate) fn account(address: &Felt) -> Option<Account> {
    account::is_address(address).then(|| Account::new(&address.to_bytes_be()))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_any_length_come_back() {
        for len in [0, 1, 30, 31, 32, 61, 62, 63, 4096] {
            let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let felts = byte_array(&bytes);
            let mut reader = Reader(&felts);
            assert_eq!(reader.byte_array(), Some(bytes));
            assert_eq!(reader.end(()), Some(()));
        }
    }

    #[test]
    fn byte_arrays_have_one_form() {
        let read = |felts: &[Felt]| Reader(felts).byte_array();
        let felts = |numbers: [u64; 3]| numbers.map(Felt::from);
        assert_eq!(read(&felts([0, 7, 1])), Some(vec![7]));
        // Too short, a word of 31 bytes left over, a byte more than it says, far too long.
        assert_eq!(read(&felts([1, 7, 0])), None);
        assert_eq!(read(&felts([0, 7, 31])), None);
        assert_eq!(read(&felts([0, 256, 1])), None);
        assert_eq!(read(&felts([u64::MAX, 0, 0])), None);
        assert_eq!(read(&[Felt::MAX, Felt::ZERO, Felt::ZERO]), None);
    }

    #[test]
    fn accounts_are_addresses_or_nobody() {
        let read = |felt: Felt| Reader(&[felt]).account();
        assert_eq!(read(Felt::ZERO), Some(None));
        assert_eq!(read(Felt::MAX), None);
        let account = read(Felt::THREE).expect("an address").expect("somebody");
        assert_eq!(address(&account), Some(Felt::THREE));
        assert_eq!(Account::new(&[7; 20]).as_ref().and_then(address), None);
        assert_eq!(Account::new(&[0; 32]).as_ref().and_then(address), None);
    }

    proptest! {
        #[test]
        fn any_felts_are_read_or_refused(felts in prop::collection::vec(any::<[u8; 32]>(), 0..8)) {
            let felts: Vec<Felt> = felts.iter().map(Felt::from_bytes_be).collect();
            let mut reader = Reader(&felts);
            let _read = (reader.byte_array(), reader.bytes32(), reader.account(), reader.flag());
        }

        #[test]
        fn halves_come_back(bytes: [u8; 32]) {
            prop_assert_eq!(Reader(&halves(&bytes)).bytes32(), Some(bytes));
        }
    }
}

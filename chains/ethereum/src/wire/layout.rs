//! Where the contract keeps what, so that proofs of it can be asked for. Source: the comments and
//! structs of `contracts/ethereum/src`; Solidity, layout of state variables in storage.

use alloy::primitives::{Address, B256, U256, b256, keccak256};
use governance::anchor::{Class, OnChainId};

use super::word;

/// `keccak256(keccak256("anchorhold.registry.1") - 1) & ~0xff`. Source: ERC-7201.
const BASE: B256 = b256!("eed09a722802ff493bb83c9e31a0e2b715bf15a9e7ae466dc04ecc9303c1a500");

// Words of a record, from its first one on.
const LOG_HEAD: u64 = 1;
const COUNTS: u64 = 5;
const SEATS_SINCE: u64 = 9;
const ADMINS: u64 = 25;
const PROPOSALS: u64 = 26;

/// Seats whose revisions share a word.
const SEATS_PER_WORD: u64 = 4;
/// No record has more seats.
pub(crate) const SEATS_MAX: u8 = 32;

/// One record's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordAt(U256);

/// An open proposal's changing part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ballot {
    /// Bitmap of seats.
    pub(crate) approvals: u64,
    pub(crate) created_rev: u64,
    pub(crate) eta_s: Option<u64>,
    pub(crate) expiry_s: u64,
    pub(crate) threshold: u8,
    pub(crate) class: Class,
}

impl RecordAt {
    pub(crate) fn new(context: &OnChainId) -> Self {
        Self(keccak256([word(context.as_hash()).0, BASE.0].concat()).into())
    }

    /// The two words of its head.
    pub(crate) fn head(self) -> [U256; 2] {
        [self.0, self.field(LOG_HEAD)]
    }

    /// The word that counts its open proposals; see [`open_proposals`].
    pub(crate) fn counts(self) -> U256 {
        self.field(COUNTS)
    }

    /// The words of the revisions since which seats are held; see [`seat_since`].
    pub(crate) fn seats_since(self) -> impl Iterator<Item = U256> {
        (0..u64::from(SEATS_MAX) / SEATS_PER_WORD)
            .map(move |index| self.field(SEATS_SINCE.wrapping_add(index)))
    }

    /// The word of `account`'s seat; see [`seat`].
    pub(crate) fn admin(self, account: Address) -> U256 {
        mapped(account.into_word(), self.field(ADMINS))
    }

    /// The words of proposal `seq`: the hash of its actions, its ballot, its proposer.
    pub(crate) fn proposal(self, seq: u64) -> [U256; 3] {
        let first = mapped(U256::from(seq).into(), self.field(PROPOSALS));
        [first, first.wrapping_add(U256::from(1)), first.wrapping_add(U256::from(2))]
    }

    fn field(self, index: u64) -> U256 {
        self.0.wrapping_add(U256::from(index))
    }
}

fn mapped(key: B256, slot: U256) -> U256 {
    keccak256([key.0, slot.to_be_bytes()].concat()).into()
}

/// The number in bits `at` to `at + bits` (at most 64) of `word`.
fn bits(word: U256, at: usize, bits: usize) -> u64 {
    let shifted: U256 = word >> at;
    let mask = u64::MAX.checked_shr(64_u32.saturating_sub(bits as u32)).unwrap_or_default();
    shifted.as_limbs()[0] & mask
}

fn byte(word: U256, at: usize) -> u8 {
    word.byte(at / 8)
}

/// How many proposals are open.
pub(crate) fn open_proposals(counts: U256) -> usize {
    usize::from(byte(counts, 160))
}

/// Since which revision seat `index` is held.
pub(crate) fn seat_since(words: &[U256], index: u8) -> Option<u64> {
    let index = usize::from(index);
    let word = words.get(index / 4)?;
    Some(bits(*word, index % 4 * 64, 64))
}

/// The seat in an admin's word; `None` if it holds none.
pub(crate) fn seat(admin: U256) -> Option<u8> {
    byte(admin, 0).checked_sub(1)
}

impl Ballot {
    /// The outer `None` if there is no such class, the inner one if there is no such proposal.
    pub(crate) fn read(word: U256) -> Option<Option<Self>> {
        let expiry_s = bits(word, 168, 40);
        if expiry_s == 0 {
            return Some(None);
        }
        let class = match byte(word, 216) {
            0 => Class::Routine,
            1 => Class::App,
            2 => Class::Admin,
            3 => Class::Root,
            _ => return None,
        };
        let eta_s = bits(word, 128, 40);
        Some(Some(Self {
            approvals: bits(word, 0, 32),
            created_rev: bits(word, 64, 64),
            eta_s: (eta_s != 0).then_some(eta_s),
            expiry_s,
            threshold: byte(word, 208),
            class,
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_base_is_the_namespaces() {
        let inner: U256 = keccak256("anchorhold.registry.1").into();
        let outer = keccak256(B256::from(inner - U256::from(1)));
        let mut expected = outer;
        expected[31] = 0;
        assert_eq!(BASE, expected);
    }

    #[test]
    fn numbers_come_out_of_the_bits_they_were_put_in() {
        let put = |number: u64, at: usize| U256::from(number) << at;
        let word = put(0b101, 0)
            | put(7, 64)
            | put(11, 128)
            | put(13, 168)
            | put(2, 208)
            | put(3, 216)
            | put(1, 224);
        let ballot = Ballot::read(word).expect("a class").expect("open");
        let expected = Ballot {
            approvals: 0b101,
            created_rev: 7,
            eta_s: Some(11),
            expiry_s: 13,
            threshold: 2,
            class: Class::Root,
        };
        assert_eq!(ballot, expected);
        assert_eq!(Ballot::read(U256::ZERO), Some(None));
        assert_eq!(Ballot::read(word | put(4, 216)), None);
        assert_eq!(open_proposals(put(9, 160) | put(u64::MAX, 0)), 9);
        assert_eq!(seat_since(&[U256::ZERO, put(5, 64)], 5), Some(5));
        assert_eq!((seat(U256::ZERO), seat(U256::from(3))), (None, Some(2)));
    }

    proptest! {
        #[test]
        fn any_word_is_read_or_refused(limbs in any::<[u64; 4]>(), index in any::<u8>()) {
            let word = U256::from_limbs(limbs);
            let _read = (Ballot::read(word), open_proposals(word), seat(word));
            prop_assert_eq!(seat_since(&[word], index).is_some(), index < 4);
        }
    }
}

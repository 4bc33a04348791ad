//! The canonical encoding: one encoding per value, golden digests, no panic on any bytes.

use anchorhold_types::{
    AccountId, ChainId, DecodeError, Hash, Hlc, MemberKey, Signed, Tagged, decode, encode,
    seal::{Envelope, Sealed},
};
use borsh::{BorshDeserialize, BorshSerialize};
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
struct Note {
    by: MemberKey,
    at: Hlc,
    text: String,
}

impl Tagged for Note {
    const TAG: &'static str = "anchorhold/test-note/1";
}

#[test]
fn the_digest_of_a_fixed_note_is_fixed() {
    let note = Note {
        by: MemberKey::from_bytes([1; 32]),
        at: Hlc { millis: 2, count: 3 },
        text: "four".into(),
    };
    assert_eq!(note.digest(), Hash::of(&note.preimage()));
    assert_eq!(
        note.digest().to_string(),
        "3e270a1c9895fe0f39458dcd31fb770d828bef66c965b8bb62df2e2a2a2bec66"
    );
}

#[test]
fn trailing_bytes_and_oversize_are_refused() {
    assert_eq!(decode::<u32>(&[1, 0, 0, 0, 9], 64), Err(DecodeError::Malformed));
    assert_eq!(decode::<u32>(&[1, 0, 0], 64), Err(DecodeError::Malformed));
    assert_eq!(decode::<u32>(&[1, 0, 0, 0], 3), Err(DecodeError::TooLong { size: 4, max: 3 }));
}

#[test]
fn a_length_that_promises_more_than_there_is_allocates_little_and_fails() {
    let lie = [0xff, 0xff, 0xff, 0xff, 1, 2, 3];
    assert_eq!(decode::<Vec<u8>>(&lie, 64), Err(DecodeError::Malformed));
    assert_eq!(decode::<Vec<Note>>(&lie, 64), Err(DecodeError::Malformed));
    assert_eq!(decode::<String>(&lie, 64), Err(DecodeError::Malformed));
}

#[test]
fn an_account_in_non_canonical_case_is_no_second_encoding() {
    let text = encode(&"eip155:1:0xAB".to_owned());
    assert_eq!(decode::<AccountId>(&text, 64), Err(DecodeError::Malformed));
}

proptest! {
    #[test]
    fn notes_round_trip(key in any::<[u8; 32]>(), millis: u64, count: u32, text: String) {
        let note = Note { by: MemberKey::from_bytes(key), at: Hlc { millis, count }, text };
        prop_assert_eq!(decode::<Note>(&encode(&note), 1 << 20), Ok(note));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_decode_to_one_encoding(bytes: Vec<u8>) {
        check_one_encoding::<Note>(&bytes)?;
        check_one_encoding::<Signed<Note>>(&bytes)?;
        check_one_encoding::<AccountId>(&bytes)?;
        check_one_encoding::<ChainId>(&bytes)?;
        check_one_encoding::<Sealed>(&bytes)?;
        check_one_encoding::<Envelope>(&bytes)?;
    }
}

fn check_one_encoding<T: BorshSerialize + BorshDeserialize>(
    bytes: &[u8],
) -> Result<(), TestCaseError> {
    if let Ok(value) = decode::<T>(bytes, 1 << 20) {
        prop_assert_eq!(encode(&value), bytes);
    }
    Ok(())
}

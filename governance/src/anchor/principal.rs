//! Principals of the Internet Computer as accounts: bytes and text. Source: IC interface
//! specification, "Principals".

use alloc::{string::String, vec::Vec};

/// Most bytes of a principal.
const BYTES_MAX: usize = 29;
/// Characters of the text form between two dashes.
const GROUP: usize = 5;
/// Longest text: 33 bytes in base32, with dashes.
const TEXT_BYTES_MAX: usize = 63;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The bits of a byte and of a digit, the highest first.
const BYTE_BITS: [u8; 8] = [128, 64, 32, 16, 8, 4, 2, 1];
const DIGIT_BITS: [u8; 5] = [16, 8, 4, 2, 1];
/// Who does not sign: nobody's account.
const ANONYMOUS: [u8; 1] = [4];

/// The bytes of the principal that `text` spells; `None` unless it is exactly their text form, or
/// for the anonymous one and the management canister, which are nobody's.
pub(super) fn parse(text: &str) -> Option<Vec<u8>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let digits = text.bytes().filter(|byte| *byte != b'-');
    let places: Option<Vec<u8>> = digits.map(place).collect();
    let bits: Vec<bool> =
        places?.iter().flat_map(|place| DIGIT_BITS.map(|bit| place & bit != 0)).collect();
    let (bytes, _) = bits.as_chunks::<8>();
    let bytes: Vec<u8> = bytes.iter().map(|bits| number(bits)).collect();
    let principal = bytes.get(4..)?.to_vec();
    (format(&principal).as_deref() == Some(text)).then_some(principal)
}

/// The text of a principal; `None` as for [`parse`].
pub(super) fn format(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > BYTES_MAX || bytes == ANONYMOUS {
        return None;
    }
    let checksum = crc32(bytes).to_be_bytes();
    let bytes = checksum.iter().chain(bytes);
    let bits: Vec<bool> = bytes.flat_map(|byte| BYTE_BITS.map(|bit| byte & bit != 0)).collect();
    let digit = |bits: &[bool]| {
        // The last digit is filled up with zeros.
        let missing = bits.len()..DIGIT_BITS.len();
        let place = missing.fold(number(bits), |place, _| place << 1);
        ALPHABET.get(usize::from(place)).map(|digit| char::from(*digit))
    };
    let digits: Option<Vec<char>> = bits.chunks(DIGIT_BITS.len()).map(digit).collect();
    let groups: Vec<String> = digits?.chunks(GROUP).map(|group| group.iter().collect()).collect();
    Some(groups.join("-"))
}

fn place(digit: u8) -> Option<u8> {
    let place = ALPHABET.iter().position(|known| *known == digit)?;
    u8::try_from(place).ok()
}

/// At most eight bits, the highest first.
fn number(bits: &[bool]) -> u8 {
    bits.iter().fold(0, |number, bit| number << 1 | u8::from(*bit))
}

/// CRC-32 as of ISO 3309.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn principals_of_the_specification() {
        let ledger = [0, 0, 0, 0, 0, 0, 0, 2, 1, 1];
        for (text, bytes) in
            [("ryjl3-tyaaa-aaaaa-aaaba-cai", &ledger[..]), ("em77e-bvlzu-aq", &[0xab, 0xcd, 1])]
        {
            assert_eq!(parse(text).as_deref(), Some(bytes), "{text}");
            assert_eq!(format(bytes).as_deref(), Some(text));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "aaaaa-aa",
            "2vxsx-fae",
            "ryjl3tyaaaaaaaaaaabacai",
            "RYJL3-tyaaa-aaaaa-aaaba-cai",
            "ryjl3-tyaaa-aaaaa-aaaba-caa",
            "ryjl3-tyaaa-aaaaa-aaaba-ca1",
            "-ryjl3-tyaaa-aaaaa-aaaba-cai",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(format(&[]), None);
        assert_eq!(format(&[4]), None);
        assert_eq!(format(&[1; 30]), None);
    }

    proptest! {
        #[test]
        fn bytes_go_to_text_and_back(bytes in proptest::collection::vec(any::<u8>(), 2..30)) {
            let text = format(&bytes).expect("a principal's length");
            prop_assert_eq!(parse(&text), Some(bytes));
        }

        #[test]
        fn any_text_is_judged(text in "[a-z2-7-]{0,70}") {
            if let Some(bytes) = parse(&text) {
                prop_assert_eq!(format(&bytes), Some(text));
            }
        }
    }
}

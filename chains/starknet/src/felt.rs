//! Felts: whole numbers below P = 2^251 + 17·2^192 + 1, and what makes felts of text.

pub use starknet_types_core::felt::Felt;
use types::keccak256;

/// Longest text in one felt, in bytes.
pub const SHORT_STRING_BYTES_MAX: usize = 31;

/// Most hexadecimal digits of a felt that are read; zeros may lead.
const HEX_DIGITS_MAX: usize = 64;

/// The felt of big-endian `bytes`; `None` if they are P or more.
pub fn canonical(bytes: &[u8; 32]) -> Option<Felt> {
    let felt = Felt::from_bytes_be(bytes);
    (felt.to_bytes_be() == *bytes).then_some(felt)
}

/// The felt of `0x` and 1 to 64 hexadecimal digits; `None` for other text, or P or more.
pub fn parse_hex(text: &str) -> Option<Felt> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if digits.is_empty() || digits.len() > HEX_DIGITS_MAX {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, digit) in digits.iter().rev().enumerate() {
        let nibble = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        let byte = bytes.get_mut(31 - place / 2)?;
        *byte |= if place % 2 == 0 { nibble } else { nibble << 4 };
    }
    canonical(&bytes)
}

/// The felt of decimal digits; `None` for other text, none, or P or more.
pub fn parse_decimal(text: &str) -> Option<Felt> {
    if text.is_empty() {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for digit in text.bytes() {
        let mut carry = char::from(digit).to_digit(10)?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    canonical(&bytes)
}

/// At most 31 ASCII characters as one number, the first one highest; `None` for other text.
///
/// Source: Cairo, short strings.
pub fn short_string(text: &str) -> Option<Felt> {
    let fits = text.is_ascii() && text.len() <= SHORT_STRING_BYTES_MAX;
    fits.then(|| word(text.as_bytes()))
}

/// The number of at most 31 big-endian bytes; of more the first 31.
pub(crate) fn word(text: &[u8]) -> Felt {
    let mut bytes = [0; 32];
    let len = text.len().min(SHORT_STRING_BYTES_MAX);
    bytes.iter_mut().skip(32 - len).zip(text).for_each(|(to, from)| *to = *from);
    Felt::from_bytes_be(&bytes)
}

/// keccak-256 without its six highest bits. Source: Starknet, "Starknet Keccak".
pub fn starknet_keccak(bytes: &[u8]) -> Felt {
    let mut hash = *keccak256(bytes).as_bytes();
    hash[0] &= 0x03;
    Felt::from_bytes_be(&hash)
}

/// Names the function `name` of a contract; zero for the two names of its default function.
pub fn selector(name: &str) -> Felt {
    match name {
        "__default__" | "__l1_default__" => Felt::ZERO,
        _ => starknet_keccak(name.as_bytes()),
    }
}

/// `0x` and lower-case hexadecimal digits without leading zeros.
pub fn to_hex(felt: &Felt) -> String {
    format!("{felt:#x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIME_HEX: &str = "0x800000000000011000000000000000000000000000000000000000000000001";
    const PRIME: &str =
        "3618502788666131213697322783095070105623107215331596699973092056135872020481";

    #[test]
    fn a_felt_is_below_the_prime_or_none() {
        let last = "0x800000000000011000000000000000000000000000000000000000000000000";
        assert_eq!(parse_hex(last), Some(Felt::MAX));
        assert_eq!(parse_hex(PRIME_HEX), None);
        assert_eq!(parse_decimal(&PRIME.replace("481", "480")), Some(Felt::MAX));
        assert_eq!(parse_decimal(PRIME), None);
        assert_eq!(canonical(&[0xff; 32]), None);
    }

    #[test]
    fn what_is_no_number_is_no_felt() {
        for text in ["", "0x", "0xg", "12", "0X1", "-0x1", " 0x1", "0x+1"] {
            assert_eq!(parse_hex(text), None, "{text:?}");
        }
        assert_eq!(parse_hex(&format!("0x{}1", "0".repeat(64))), None);
        for text in ["", "0x1", "+1", "-1", "1 ", "1.0", &"9".repeat(400)] {
            assert_eq!(parse_decimal(text), None, "{text:?}");
        }
        assert_eq!(parse_decimal(&"0".repeat(400)), Some(Felt::ZERO));
    }

    #[test]
    fn short_strings_are_big_endian_text() {
        assert_eq!(short_string("VALID"), parse_hex("0x56414c4944"));
        assert_eq!(short_string(""), Some(Felt::ZERO));
        assert!(short_string(&"z".repeat(31)).is_some());
        assert_eq!(short_string(&"z".repeat(32)), None);
        assert_eq!(short_string("é"), None);
    }

    #[test]
    fn the_default_function_has_no_name() {
        assert_eq!(selector("__default__"), Felt::ZERO);
        assert_ne!(selector("default"), Felt::ZERO);
    }

    proptest! {
        #[test]
        fn text_is_a_felt_and_back(bytes: [u8; 32]) {
            let felt = Felt::from_bytes_be(&bytes);
            prop_assert_eq!(parse_hex(&to_hex(&felt)), Some(felt));
            prop_assert_eq!(parse_decimal(&felt.to_string()), Some(felt));
        }

        #[test]
        fn any_text_is_a_felt_or_none(text in ".{0,80}") {
            let felts = [parse_hex(&text), parse_decimal(&text), short_string(&text)];
            for felt in felts.into_iter().flatten().chain([selector(&text)]) {
                prop_assert!(canonical(&felt.to_bytes_be()).is_some());
            }
        }
    }
}

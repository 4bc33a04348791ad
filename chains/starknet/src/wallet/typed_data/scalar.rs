//! Values that are one felt, or one text.

use chain::verdict::Refusal;
use serde_json::{Number, Value};

use super::Revision;
use crate::{
    felt::{self, Felt, SHORT_STRING_BYTES_MAX, short_string, starknet_keccak, word},
    hash::FeltHash,
};

/// Largest integer that every JSON reader keeps.
const JSON_INTEGER_MAX: u64 = 1 << 53;
/// Longest text in a document, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// How a text reads where a number may stand.
enum Reading {
    Number(Felt),
    /// No number.
    Text,
    /// A number of P or more.
    TooLarge,
    /// A number to some libraries, a text to others.
    Unclear,
}

pub(super) fn encode(
    revision: Revision,
    kind: &str,
    value: &Value,
    name: &str,
) -> Result<Felt, Refusal> {
    if value.as_str().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(format!("`{name}` has more than {TEXT_BYTES_MAX} bytes").into());
    }
    match (revision, kind) {
        (_, "selector") => selector(value, name),
        (_, "merkletree") => Err(format!("`{name}` is a tree inside a list").into()),
        // Wallets take whatever other type for a felt.
        (Revision::V0, _) | (Revision::V1, "felt" | "shortstring") => anything(value, name),
        (Revision::V1, "string") => string(value, name),
        (Revision::V1, "bool") => value
            .as_bool()
            .map(Felt::from)
            .ok_or_else(|| format!("`{name}` is neither true nor false").into()),
        (Revision::V1, "u128" | "timestamp") => small(number(value, name)?, name),
        (Revision::V1, "i128") => signed(value, name),
        (Revision::V1, "ContractAddress" | "ClassHash") => number(value, name),
        (Revision::V1, _) => Err(format!("`{name}` is of the unknown type {kind}").into()),
    }
}

/// A number, a boolean, or a text of at most 31 characters.
fn anything(value: &Value, name: &str) -> Result<Felt, Refusal> {
    match value {
        Value::Bool(flag) => Ok(Felt::from(*flag)),
        Value::String(text) => match read(text) {
            Reading::Text => printable(text, name),
            reading => numeral(reading, name),
        },
        _ => number(value, name),
    }
}

/// Control characters are left out, as the most used library encodes them wrongly.
fn printable(text: &str, name: &str) -> Result<Felt, Refusal> {
    let felt = short_string(text).filter(|_| text.bytes().all(|byte| byte >= b' '));
    felt.ok_or_else(|| format!("`{name}` is no text of at most 31 printable characters").into())
}

fn number(value: &Value, name: &str) -> Result<Felt, Refusal> {
    match value {
        Value::Number(number) => match integer(number, name)? {
            (false, magnitude) => Ok(Felt::from(magnitude)),
            (true, _) => Err(format!("`{name}` is negative").into()),
        },
        Value::String(text) => numeral(read(text), name),
        _ => Err(format!("`{name}` is no number").into()),
    }
}

fn numeral(reading: Reading, name: &str) -> Result<Felt, Refusal> {
    match reading {
        Reading::Number(felt) => Ok(felt),
        Reading::Text => Err(format!("`{name}` is no number").into()),
        Reading::TooLarge => Err(format!("`{name}` is no felt").into()),
        Reading::Unclear => Err(format!("`{name}` reads in two ways").into()),
    }
}

/// Whether it is negative, and how large.
fn integer(number: &Number, name: &str) -> Result<(bool, u64), Refusal> {
    let found = match (number.as_u64(), number.as_i64()) {
        (Some(positive), _) => Some((false, positive)),
        (None, Some(negative)) => Some((true, negative.unsigned_abs())),
        (None, None) => None,
    };
    found
        .filter(|(_, magnitude)| *magnitude <= JSON_INTEGER_MAX)
        .ok_or_else(|| format!("`{name}` is no whole number, or too large for JSON").into())
}

fn small(felt: Felt, name: &str) -> Result<Felt, Refusal> {
    if felt <= Felt::from(u128::MAX) {
        return Ok(felt);
    }
    Err(format!("`{name}` has more than 128 bits").into())
}

/// −2^127 to 2^127 − 1; below zero it counts from P down.
fn signed(value: &Value, name: &str) -> Result<Felt, Refusal> {
    let (negative, magnitude) = match value {
        Value::Number(number) => {
            let (negative, magnitude) = integer(number, name)?;
            (negative, Felt::from(magnitude))
        }
        Value::String(text) => match text.strip_prefix('-') {
            Some(digits) => {
                let magnitude = felt::parse_decimal(digits);
                (true, magnitude.ok_or_else(|| Refusal(format!("`{name}` is no number")))?)
            }
            None => (false, numeral(read(text), name)?),
        },
        _ => return Err(format!("`{name}` is no number").into()),
    };
    let half = Felt::from(1_u128 << 127);
    match negative {
        true if magnitude <= half => Ok(-magnitude),
        false if magnitude < half => Ok(magnitude),
        _ => Err(format!("`{name}` is no i128").into()),
    }
}

/// The hash of a function's name; a text of `0x` and digits is the hash itself.
fn selector(value: &Value, name: &str) -> Result<Felt, Refusal> {
    let text = value.as_str().ok_or_else(|| Refusal(format!("`{name}` is no text")))?;
    if !text.starts_with("0x") && !text.starts_with("0X") {
        return Ok(starknet_keccak(text.as_bytes()));
    }
    match read(text) {
        Reading::Number(felt) => Ok(felt),
        _ => Err(format!("`{name}` is no selector").into()),
    }
}

/// The hash of the text as Cairo serializes its `ByteArray`: how many whole words of 31 bytes, the
/// words, the bytes left, how many they are.
fn string(value: &Value, name: &str) -> Result<Felt, Refusal> {
    let text = value.as_str().ok_or_else(|| Refusal(format!("`{name}` is no text")))?;
    let (words, rest) = text.as_bytes().as_chunks::<SHORT_STRING_BYTES_MAX>();
    let mut parts = Vec::with_capacity(words.len() + 3);
    parts.push(Felt::from(words.len()));
    parts.extend(words.iter().map(|bytes| word(bytes)));
    parts.extend([word(rest), Felt::from(rest.len())]);
    Ok(FeltHash::Poseidon.list(&parts))
}

/// Reads `text` as wallets do, which take numbers in every form that JavaScript knows.
fn read(text: &str) -> Reading {
    let trimmed = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
    if trimmed.len() != text.len() {
        let is_number = trimmed.is_empty() || !matches!(read(trimmed), Reading::Text);
        return if is_number { Reading::Unclear } else { Reading::Text };
    }
    let all = |digits: &str, radix: u32| {
        !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
    };
    let of = |felt: Option<Felt>| felt.map_or(Reading::TooLarge, Reading::Number);
    if text.is_empty() {
        return Reading::Number(Felt::ZERO);
    }
    if all(text, 10) {
        return of(felt::parse_decimal(text));
    }
    let Some((prefix, digits)) = text.split_at_checked(2) else { return Reading::Text };
    match prefix {
        "0x" if all(digits, 16) => {
            let digits = digits.trim_start_matches('0');
            of(felt::parse_hex(&format!("0x0{digits}")))
        }
        "0X" if all(digits, 16) => Reading::Unclear,
        "0b" | "0B" if all(digits, 2) => Reading::Unclear,
        "0o" | "0O" if all(digits, 8) => Reading::Unclear,
        _ if text.strip_prefix(['+', '-']).is_some_and(|digits| all(digits, 10)) => {
            Reading::Unclear
        }
        _ => Reading::Text,
    }
}

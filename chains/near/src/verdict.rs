//! NEAR's own kinds of fields in statements, beside those that all chains have.

use chain::verdict::{Input, Refusal};
use serde_json::Value;

use crate::wire::{CryptoHash, Malformed};

impl From<Malformed> for Refusal {
    fn from(error: Malformed) -> Self {
        Self(error.to_string())
    }
}

/// The hash in the field: base58.
pub(crate) fn hash(input: Input<'_>, name: &str) -> Result<CryptoHash, Refusal> {
    hash_of(input.value(name)?, name)
}

pub(crate) fn hash_of(value: &Value, name: &str) -> Result<CryptoHash, Refusal> {
    let hash = value.as_str().and_then(|text| text.parse().ok());
    hash.ok_or_else(|| format!("`{name}` is no hash").into())
}

/// The number in the field: a decimal string, or a small JSON number.
pub(crate) fn u128(input: Input<'_>, name: &str) -> Result<u128, Refusal> {
    let number = match input.value(name)? {
        Value::Number(number) => number.as_u64().map(u128::from),
        // `parse` alone would take a plus sign.
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| format!("`{name}` is no number of at most 128 bits").into())
}

/// The list in the field, of at most `max` items.
pub(crate) fn list<'a>(input: Input<'a>, name: &str, max: usize) -> Result<&'a [Value], Refusal> {
    let list = input.list(name)?;
    if list.len() > max {
        return Err(format!("`{name}` has more than {max} items").into());
    }
    Ok(list)
}

/// What `parse` makes of the text in the field.
pub(crate) fn parsed<T: core::str::FromStr>(
    input: Input<'_>,
    name: &str,
    what: &str,
) -> Result<T, Refusal> {
    input.text(name)?.parse().map_err(|_| format!("`{name}` is no {what}").into())
}

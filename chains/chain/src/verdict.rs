//! What the check of one claim came to, and how claims are read from JSON.
//!
//! A claim is what `anchorhold verify` reads: somebody signed something, or a chain's state was
//! such. Each adapter checks the kinds of its chain; how fields are read and verdicts told is the
//! same for all, and stands here.

use hex::FromHexError;
use serde_json::{Map, Value};

/// Longest binary value of a claim, in bytes: a batch of light-client updates has the most.
const BYTES_MAX: usize = 4 << 20;

/// What the check of one claim came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it holds.
    pub valid: bool,
    /// Why not, in a sentence.
    pub reason: Option<String>,
    /// Values derived on the way, under their wire names.
    pub derived: Map<String, Value>,
}

/// Why a claim could not be read, or does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl<T: Into<String>> From<T> for Refusal {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Verdict {
    /// From a check that writes what it derives into its argument as far as it comes.
    pub fn of(check: impl FnOnce(&mut Derived) -> Result<(), Refusal>) -> Self {
        let mut derived = Derived(Map::new());
        let result = check(&mut derived);
        let reason = result.err().map(|Refusal(why)| why);
        Self { valid: reason.is_none(), reason, derived: derived.0 }
    }

    /// Of a claim that cannot be checked at all.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self { valid: false, reason: Some(reason.into()), derived: Map::new() }
    }
}

/// Values that a check derives.
#[derive(Debug)]
pub struct Derived(Map<String, Value>);

impl Derived {
    /// Tells `value` under `name`.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// As `0x` and lower-case hexadecimal digits.
    pub fn hex(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.put(name, format!("0x{}", hex::encode(bytes)));
    }

    /// As lower-case hexadecimal digits alone.
    pub fn bare_hex(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.put(name, hex::encode(bytes));
    }
}

/// The fields of a claim's input.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(pub &'a Value);

impl<'a> Input<'a> {
    /// Whether there is such a field, and it is not null.
    pub fn has(self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// The field, whatever it is.
    ///
    /// # Errors
    /// If there is none.
    pub fn value(self, name: &str) -> Result<&'a Value, Refusal> {
        self.0.get(name).ok_or_else(|| format!("there is no `{name}`").into())
    }

    /// The object in the field.
    ///
    /// # Errors
    /// If there is none.
    pub fn object(self, name: &str) -> Result<Self, Refusal> {
        let value = self.value(name)?;
        if value.is_object() { Ok(Self(value)) } else { Err(not(name, "an object")) }
    }

    /// The list in the field.
    ///
    /// # Errors
    /// If there is none.
    pub fn list(self, name: &str) -> Result<&'a [Value], Refusal> {
        let list = self.value(name)?.as_array().ok_or_else(|| not(name, "a list"))?;
        Ok(list)
    }

    /// The text in the field.
    ///
    /// # Errors
    /// If there is none.
    pub fn text(self, name: &str) -> Result<&'a str, Refusal> {
        self.value(name)?.as_str().ok_or_else(|| not(name, "text"))
    }

    /// The boolean in the field.
    ///
    /// # Errors
    /// If there is none.
    pub fn flag(self, name: &str) -> Result<bool, Refusal> {
        self.value(name)?.as_bool().ok_or_else(|| not(name, "true or false"))
    }

    /// The bytes in the field: `0x` and hexadecimal digits.
    ///
    /// # Errors
    /// If there are none, or more than 4 MiB.
    pub fn bytes(self, name: &str) -> Result<Vec<u8>, Refusal> {
        bytes(self.value(name)?, name)
    }

    /// The bytes in the field: hexadecimal digits alone.
    ///
    /// # Errors
    /// As for [`Input::bytes`].
    pub fn bare_bytes(self, name: &str) -> Result<Vec<u8>, Refusal> {
        bare_bytes(self.value(name)?, name)
    }

    /// Exactly `N` bytes: `0x` and hexadecimal digits.
    ///
    /// # Errors
    /// If it has another length.
    pub fn array<const N: usize>(self, name: &str) -> Result<[u8; N], Refusal> {
        sized(&self.bytes(name)?, name)
    }

    /// Exactly `N` bytes: hexadecimal digits alone.
    ///
    /// # Errors
    /// If it has another length.
    pub fn bare_array<const N: usize>(self, name: &str) -> Result<[u8; N], Refusal> {
        sized(&self.bare_bytes(name)?, name)
    }

    /// The number in the field: a JSON number or a decimal string, as JSON loses bits of large
    /// ones.
    ///
    /// # Errors
    /// If there is none, or it exceeds 64 bits.
    pub fn u64(self, name: &str) -> Result<u64, Refusal> {
        u64_of(self.value(name)?, name)
    }
}

/// As [`Input::bytes`], of any value; `name` is what errors call it.
///
/// # Errors
/// As there.
pub fn bytes(value: &Value, name: &str) -> Result<Vec<u8>, Refusal> {
    let text = value.as_str().ok_or_else(|| not(name, "text"))?;
    let digits = text.strip_prefix("0x").ok_or_else(|| Refusal(format!("`{name}` has no 0x")))?;
    decode(digits, name)
}

/// As [`Input::bare_bytes`], of any value.
///
/// # Errors
/// As there.
pub fn bare_bytes(value: &Value, name: &str) -> Result<Vec<u8>, Refusal> {
    decode(value.as_str().ok_or_else(|| not(name, "text"))?, name)
}

/// As [`Input::u64`], of any value.
///
/// # Errors
/// As there.
pub fn u64_of(value: &Value, name: &str) -> Result<u64, Refusal> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        // `parse` alone would take a plus sign.
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| not(name, "a number of at most 64 bits"))
}

fn decode(digits: &str, name: &str) -> Result<Vec<u8>, Refusal> {
    if digits.len() > 2 * BYTES_MAX {
        return Err(format!("`{name}` has more than {BYTES_MAX} bytes").into());
    }
    hex::decode(digits).map_err(|error: FromHexError| format!("`{name}`: {error}").into())
}

fn sized<const N: usize>(bytes: &[u8], name: &str) -> Result<[u8; N], Refusal> {
    let array = <[u8; N]>::try_from(bytes);
    array.map_err(|_| format!("`{name}` has {} bytes, not {N}", bytes.len()).into())
}

fn not(name: &str, what: &str) -> Refusal {
    Refusal(format!("`{name}` is not {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_what_they_must_be_or_named() {
        let value = json!({
            "some": "0x0aFF", "bare": "0aff", "big": "18446744073709551615", "small": 7,
            "null": null, "odd": "0x0", "plus": "+7", "huge": "18446744073709551616",
        });
        let input = Input(&value);
        assert_eq!(input.bytes("some"), Ok(vec![0x0a, 0xff]));
        assert_eq!(input.bare_array("bare"), Ok([0x0a, 0xff]));
        assert_eq!((input.u64("big"), input.u64("small")), (Ok(u64::MAX), Ok(7)));
        assert!(!input.has("null") && !input.has("none") && input.has("small"));
        for (name, error) in [
            ("bare", input.bytes("bare").err()),
            ("odd", input.bytes("odd").err()),
            ("none", input.text("none").err()),
            ("plus", input.u64("plus").err()),
            ("huge", input.u64("huge").err()),
            ("small", input.text("small").err()),
            ("some", input.array::<3>("some").err()),
        ] {
            let Refusal(text) = error.expect("it is wrong");
            assert!(text.contains(&format!("`{name}`")), "{text}");
        }
    }

    #[test]
    fn what_was_derived_before_a_refusal_is_told() {
        let verdict = Verdict::of(|derived| {
            derived.hex("digest", [1, 2]);
            Err("no".into())
        });
        assert_eq!(verdict.reason.as_deref(), Some("no"));
        assert_eq!((verdict.valid, &verdict.derived["digest"]), (false, &json!("0x0102")));
    }
}

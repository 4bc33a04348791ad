//! Ethereum's own kinds of fields in claims, beside those that all chains have.

use alloy::primitives::{Address, B256, Bytes, U256};
use chain::verdict;
pub(crate) use chain::verdict::{Refusal, Verdict};
use serde_json::Value;

/// Values that a check derives.
#[derive(Debug)]
pub(crate) struct Derived<'a>(&'a mut verdict::Derived);

/// The fields of a claim's input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(pub(crate) &'a Value);

/// The verdict of a check of Ethereum's.
pub(crate) fn judge(check: impl FnOnce(&mut Derived<'_>) -> Result<(), Refusal>) -> Verdict {
    Verdict::of(|derived| check(&mut Derived(derived)))
}

impl Derived<'_> {
    pub(crate) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.put(name, value);
    }

    /// As `0x` and lower-case hex.
    pub(crate) fn hex(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.0.hex(name, bytes);
    }

    /// With EIP-55's checksum.
    pub(crate) fn address(&mut self, name: &str, address: Address) {
        self.put(name, address.to_checksum(None));
    }
}

impl<'a> Input<'a> {
    const fn common(self) -> verdict::Input<'a> {
        verdict::Input(self.0)
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.common().has(name)
    }

    pub(crate) fn value(self, name: &str) -> Result<&'a Value, Refusal> {
        self.common().value(name)
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, Refusal> {
        self.common().text(name)
    }

    pub(crate) fn flag(self, name: &str) -> Result<bool, Refusal> {
        self.common().flag(name)
    }

    pub(crate) fn bytes(self, name: &str) -> Result<Bytes, Refusal> {
        self.common().bytes(name).map(Bytes::from)
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(self, name: &str) -> Result<[u8; N], Refusal> {
        self.common().array(name)
    }

    pub(crate) fn word(self, name: &str) -> Result<B256, Refusal> {
        self.array(name).map(B256::from)
    }

    pub(crate) fn address(self, name: &str) -> Result<Address, Refusal> {
        address(self.value(name)?, name)
    }

    /// A JSON number, a decimal or a hexadecimal string.
    pub(crate) fn number(self, name: &str) -> Result<U256, Refusal> {
        number(self.value(name)?, name)
    }

    pub(crate) fn u64(self, name: &str) -> Result<u64, Refusal> {
        u64::try_from(self.number(name)?).map_err(|_| format!("`{name}` is too large").into())
    }
}

pub(crate) fn bytes(value: &Value, name: &str) -> Result<Bytes, Refusal> {
    verdict::bytes(value, name).map(Bytes::from)
}

/// In any case of letters; mixed case must be EIP-55's.
pub(crate) fn address(value: &Value, name: &str) -> Result<Address, Refusal> {
    let raw = <[u8; 20]>::try_from(bytes(value, name)?.as_ref());
    let address = Address::from(raw.map_err(|_| Refusal(format!("`{name}` is no address")))?);
    let text = value.as_str().unwrap_or_default();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let one_case = !digits.bytes().any(|byte| byte.is_ascii_uppercase())
        || !digits.bytes().any(|byte| byte.is_ascii_lowercase());
    if one_case || address.to_checksum(None) == text {
        return Ok(address);
    }
    Err(format!("`{name}` has a wrong checksum").into())
}

pub(crate) fn number(value: &Value, name: &str) -> Result<U256, Refusal> {
    let bad = || Refusal(format!("`{name}` is no number"));
    match value {
        Value::Number(number) => number.as_u64().map(U256::from).ok_or_else(bad),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                U256::from_str_radix(digits, 16).map_err(|_| bad())
            }
            None if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                U256::from_str_radix(text, 10).map_err(|_| bad())
            }
            _ => Err(bad()),
        },
        _ => Err(bad()),
    }
}

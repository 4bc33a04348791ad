//! Chains and accounts by their chain-agnostic names (CAIP-2, CAIP-10).

use alloc::{borrow::ToOwned as _, format, string::String};
use core::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};

/// The text is no CAIP-2 chain or CAIP-10 account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected <namespace>:<reference>, and :<address> for an account (CAIP-2, CAIP-10)")]
pub struct ParseAccountError;

/// A chain, `namespace:reference`, e.g. `eip155:31337`. Source: CAIP-2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct ChainId(String);

/// An account on a chain, `namespace:reference:address`, e.g. `eip155:1:0xab…`. Source: CAIP-10.
///
/// `eip155` addresses are kept in lower case, `starknet` ones in lower case with all their 64
/// digits, and the `_` of `near` names as `%5F`, so that equal accounts are equal values; what the
/// address means is the adapter's to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct AccountId(String);

impl ChainId {
    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon, e.g. `eip155`.
    pub fn namespace(&self) -> &str {
        self.0.split_once(':').map_or("", |(namespace, _)| namespace)
    }

    /// The part after the colon, e.g. `31337`.
    pub fn reference(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, reference)| reference)
    }
}

impl AccountId {
    /// The account `address` on `chain`.
    ///
    /// # Errors
    /// [`ParseAccountError`] if the address is empty, too long, or has a character CAIP-10 forbids.
    pub fn new(chain: &ChainId, address: &str) -> Result<Self, ParseAccountError> {
        let address = match chain.namespace() {
            "eip155" => address.to_ascii_lowercase(),
            "starknet" => felt(address),
            "near" => address.replace('_', "%5F"),
            _ => address.to_owned(),
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-.%".contains(&byte);
        if !(1..=128).contains(&address.len()) || !address.bytes().all(legal) {
            return Err(ParseAccountError);
        }
        Ok(Self(format!("{chain}:{address}")))
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The chain it lives on.
    pub fn chain(&self) -> ChainId {
        let end = self.0.rfind(':').unwrap_or(0);
        ChainId(self.0.get(..end).unwrap_or_default().to_owned())
    }

    /// The part after the chain.
    pub fn address(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(_, address)| address)
    }
}

/// A felt's digits, filled up to 64; left alone where it is none.
fn felt(address: &str) -> String {
    match address.strip_prefix("0x") {
        Some(digits) => format!("0x{:0>64}", digits.to_ascii_lowercase()),
        None => address.to_owned(),
    }
}

impl FromStr for ChainId {
    type Err = ParseAccountError;

    fn from_str(text: &str) -> Result<Self, ParseAccountError> {
        let (namespace, reference) = text.split_once(':').ok_or(ParseAccountError)?;
        let namespace_legal =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let reference_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let legal = (3..=8).contains(&namespace.len())
            && namespace.bytes().all(namespace_legal)
            && (1..=32).contains(&reference.len())
            && reference.bytes().all(reference_legal);
        if legal { Ok(Self(text.to_owned())) } else { Err(ParseAccountError) }
    }
}

impl FromStr for AccountId {
    type Err = ParseAccountError;

    fn from_str(text: &str) -> Result<Self, ParseAccountError> {
        let (chain, address) = text.rsplit_once(':').ok_or(ParseAccountError)?;
        Self::new(&chain.parse()?, address)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! parse_on_decode {
    ($($name:ident),*) => {$(
        impl BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let text = String::deserialize_reader(reader)?;
                let invalid = |_| borsh::io::Error::from(borsh::io::ErrorKind::InvalidData);
                let value: Self = text.parse().map_err(invalid)?;
                // One encoding per value: an address in another case is not the canonical one.
                if value.0 == text { Ok(value) } else { Err(invalid(ParseAccountError)) }
            }
        }
    )*};
}
parse_on_decode!(ChainId, AccountId);

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn accounts_compare_by_what_they_name() {
        let upper: AccountId = "eip155:1:0xABCDEF".parse().expect("legal");
        let lower: AccountId = "eip155:1:0xabcdef".parse().expect("legal");
        assert_eq!(upper, lower);
        assert_eq!(upper.chain().to_string(), "eip155:1");
        assert_eq!(upper.address(), "0xabcdef");
        let short: AccountId = "starknet:SN_MAIN:0xAb".parse().expect("legal");
        assert_eq!(short.address(), format!("0x{}ab", "0".repeat(62)));
        assert_eq!(short.as_str().parse(), Ok(short.clone()));
        let name: AccountId = "near:mainnet:a_b.near".parse().expect("legal");
        assert_eq!(name.address(), "a%5Fb.near");
    }

    #[test]
    fn malformed_names_are_refused() {
        for bad in ["", "eip155", "eip155:", ":1", "EIP155:1", "ab:1", "eip155:1:2:3", "near:a b"] {
            assert!(bad.parse::<ChainId>().is_err(), "{bad}");
        }
        for bad in ["eip155:1", "eip155:1:", "eip155:1:0x 1", "eip155:1:a_b"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }
}

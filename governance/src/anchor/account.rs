//! Accounts as contracts know them: bytes, whose meaning is their chain's.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use types::{AccountId, ChainId};

use super::principal;

/// Longest account of any chain, in bytes: a NEAR account id has up to 64.
pub const ACCOUNT_BYTES_MAX: usize = 64;

/// An account in its chain's own bytes: `eip155` 20, `starknet` 32, `near` its name, `icp`
/// a principal of up to 29.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(Vec<u8>);

impl Account {
    /// Wraps 1 to [`ACCOUNT_BYTES_MAX`] bytes that are not all zero; zero is nobody's account.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let some = bytes.iter().any(|byte| *byte != 0);
        (some && bytes.len() <= ACCOUNT_BYTES_MAX).then(|| Self(bytes.to_vec()))
    }

    /// The bytes that contracts on its chain use for `id`.
    ///
    /// `None` if the address is not of its chain's form, or the chain's kind is not known here.
    pub fn from_id(id: &AccountId) -> Option<Self> {
        let address = id.address();
        match id.chain().namespace() {
            "eip155" => from_hex(address, 20),
            "starknet" => from_hex(address, 32),
            "near" => Self::new(address.replace("%5F", "_").as_bytes()),
            "icp" => principal::parse(address).and_then(|bytes| Self::new(&bytes)),
            _ => None,
        }
    }

    /// Its name on `chain`; `None` as for [`Account::from_id`].
    pub fn to_id(&self, chain: &ChainId) -> Option<AccountId> {
        let address = match (chain.namespace(), self.0.len()) {
            ("eip155", 20) | ("starknet", 32) => to_hex(&self.0),
            ("near", _) => String::from_utf8(self.0.clone()).ok()?.replace('_', "%5F"),
            ("icp", _) => principal::format(&self.0)?,
            _ => return None,
        };
        AccountId::new(chain, &address).ok()
    }

    /// The bytes inside, 1 to [`ACCOUNT_BYTES_MAX`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Account {
    /// The bytes in hex; [`Account::to_id`] names it as its chain does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({self})")
    }
}

/// Appends `len u8 ‖ bytes`; length 0 for none.
pub(super) fn put(account: Option<&Account>, out: &mut Vec<u8>) {
    let bytes = account.map_or(&[][..], Account::as_bytes);
    let len = u8::try_from(bytes.len()).expect("an account has at most 64 bytes");
    out.push(len);
    out.extend_from_slice(bytes);
}

fn to_hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ["0x", &digits].concat()
}

fn from_hex(text: &str, len: usize) -> Option<Account> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect();
    let bytes = bytes.filter(|bytes| bytes.len() == len && rest.is_empty())?;
    Account::new(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_go_to_bytes_and_back() {
        for text in [
            "eip155:1:0x00000000000000000000000000000000000a11ce",
            "near:mainnet:alice%5F1.near",
            "icp:737ba355e855bd4b61279056603e0550:ryjl3-tyaaa-aaaaa-aaaba-cai",
            "starknet:SN_MAIN:0x00000000000000000000000000000000000000000000000000000000000a11ce",
        ] {
            let id: AccountId = text.parse().expect("legal");
            let account = Account::from_id(&id).expect("known kind");
            assert_eq!(account.to_id(&id.chain()), Some(id), "{text}");
        }
    }

    #[test]
    fn what_is_no_account_is_refused() {
        for text in [
            "eip155:1:0x0000000000000000000000000000000000000000",
            "eip155:1:0x0a11ce",
            "eip155:1:00000000000000000000000000000000000a11ce",
            "eip155:1:0xz0000000000000000000000000000000000a11ce",
            "eip155:1:0x00000000000000000000000000000000000a11ce0",
            "icp:737ba355e855bd4b61279056603e0550:2vxsx-fae",
            "unknown:1:0x00000000000000000000000000000000000a11ce",
        ] {
            let id: AccountId = text.parse().expect("legal");
            assert_eq!(Account::from_id(&id), None, "{text}");
        }
        assert_eq!(Account::new(&[]), None);
        assert_eq!(Account::new(&[1; 65]), None);
    }
}

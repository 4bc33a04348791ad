//! Accounts as NEAR names them. Sources: nomicon, "Account ID Rules"; NEP-518 (accounts of Ethereum
//! keys), NEP-616 (accounts of contracts' first state).

use core::{fmt, str::FromStr};

use types::{AccountId, ChainId};

use crate::wire::{Malformed, Reader};

/// An account's id: 2 to 64 characters, words of `a-z0-9` with one of `-_.` between them.
///
/// Upper case is refused, not folded: it names nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NearId(String);

/// What an account's id says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Made by another account; its keys are what it says on the chain.
    Named,
    /// Made by being paid; its first key is in its id, and may be deleted later.
    NearImplicit,
    /// Made by being paid; has no key at first, but a wallet contract that obeys an Ethereum key.
    EthImplicit,
    /// A contract whose code and first state are in its id.
    Deterministic,
}

/// Fewest and most characters.
const LEN: core::ops::RangeInclusive<usize> = 2..=64;

impl NearId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says about the account.
    pub fn kind(&self) -> IdKind {
        let hex = |digits: &str, len| {
            digits.len() == len
                && digits.bytes().all(|b| b.is_ascii_digit() || b"abcdef".contains(&b))
        };
        if hex(&self.0, 64) {
            return IdKind::NearImplicit;
        }
        match (self.0.strip_prefix("0x"), self.0.strip_prefix("0s")) {
            (Some(digits), _) if hex(digits, 40) => IdKind::EthImplicit,
            (_, Some(digits)) if hex(digits, 40) => IdKind::Deterministic,
            _ => IdKind::Named,
        }
    }

    /// The account that `id` names, if it is one of NEAR's. CAIP-10 has no `_`, and writes `%5F`.
    pub fn from_account(id: &AccountId) -> Option<Self> {
        let is_near = id.chain().namespace() == "near";
        is_near.then(|| id.address().replace("%5F", "_").parse().ok()).flatten()
    }

    /// Its chain-agnostic name on `chain`; `None` if that is no chain of NEAR's.
    pub fn to_account(&self, chain: &ChainId) -> Option<AccountId> {
        if chain.namespace() != "near" {
            return None;
        }
        AccountId::new(chain, &self.0.replace('_', "%5F")).ok()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.text(*LEN.end())?.parse()
    }

    /// An id that is made of hexadecimal digits.
    pub(super) fn implicit(text: String) -> Self {
        debug_assert!(is_legal(&text));
        Self(text)
    }
}

impl IdKind {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::NearImplicit => "near-implicit",
            Self::EthImplicit => "eth-implicit",
            Self::Deterministic => "near-deterministic",
        }
    }
}

impl FromStr for NearId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if is_legal(text) { Ok(Self(text.to_owned())) } else { Err(Malformed("account id")) }
    }
}

impl fmt::Display for NearId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_legal(text: &str) -> bool {
    // As if a separator stood before the text: two never stand together, and none at the end.
    let mut after_separator = true;
    for byte in text.bytes() {
        let is_separator = b"-_.".contains(&byte);
        let is_word = byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !is_word && !is_separator || is_separator && after_separator {
            return false;
        }
        after_separator = is_separator;
    }
    LEN.contains(&text.len()) && !after_separator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_words_with_single_separators() {
        let longest = "a".repeat(64);
        for good in ["aa", "a-a", "a_b.c-d", "100", "0x", "system", &longest] {
            assert_eq!(good.parse::<NearId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        let too_long = "a".repeat(65);
        for bad in
            ["", "a", "A1", "a.", ".a", "a..b", "a-_b", "_a", "a ", "a%5Fb", "ä.near", &too_long]
        {
            assert!(bad.parse::<NearId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn kinds_are_told_by_form_alone() {
        let kind = |text: &str| text.parse::<NearId>().expect("legal").kind();
        assert_eq!(kind(&"0a".repeat(32)), IdKind::NearImplicit);
        assert_eq!(kind(&"0g".repeat(32)), IdKind::Named);
        assert_eq!(kind(&format!("0x{}", "ab".repeat(20))), IdKind::EthImplicit);
        assert_eq!(kind(&format!("0s{}", "ab".repeat(20))), IdKind::Deterministic);
        assert_eq!(kind(&format!("0y{}", "ab".repeat(20))), IdKind::Named);
        assert_eq!(kind(&format!("0x{}", "ab".repeat(19))), IdKind::Named);
    }

    #[test]
    fn an_underscore_is_escaped_in_the_chain_agnostic_name() {
        let chain: ChainId = "near:testnet".parse().expect("legal");
        let id: NearId = "a_b.testnet".parse().expect("legal");
        let account = id.to_account(&chain).expect("of this chain");
        assert_eq!(account.as_str(), "near:testnet:a%5Fb.testnet");
        assert_eq!(NearId::from_account(&account), Some(id.clone()));
        assert_eq!(id.to_account(&"eip155:1".parse().expect("legal")), None);
        for none in ["eip155:1:ab", "near:testnet:a%5fb", "near:testnet:a%2Eb", "near:testnet:A1"] {
            assert_eq!(NearId::from_account(&none.parse().expect("legal")), None, "{none}");
        }
    }
}

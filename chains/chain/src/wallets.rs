//! Wallets: keys of accounts, what they sign, how that is checked.

use core::{fmt, str::FromStr};
use std::sync::Arc;

use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use types::{AccountId, ChainId, Hash, UnixMillis};
use zeroize::Zeroizing;

/// The secret of an account that this node or its operator holds. Wiped when dropped, never
/// printed.
#[derive(Clone)]
pub struct AccountKey(Zeroizing<[u8; 32]>);

/// What a proof leaves to the chain: whether an account says, in one block, that it signed.
///
/// The proof names the block, since a contract's keys change: what it said in a block stays so, and
/// every node that asks hears the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who should have signed.
    pub account: AccountId,
    /// What was signed.
    pub digest: Hash,
    /// The signature, whose form is the account's own.
    pub signature: Vec<u8>,
    /// In which block.
    pub block: BlockId,
}

/// Names a block of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Why a wallet's proof does not hold, or none can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// Nothing here knows this chain or scheme.
    #[error("{account} is of a kind that this node cannot check")]
    Unsupported {
        /// Whose proof it should be.
        account: AccountId,
    },
    /// The account is no account that a wallet can sign for.
    #[error("{account} is not an account that can sign")]
    BadAccount {
        /// Which.
        account: AccountId,
    },
    /// The secret is no key of the chain.
    #[error("the account's key is not valid")]
    BadKey,
    /// The message is not of the scheme's form.
    #[error("the signed message is malformed: {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// The message is well-formed but says something else than it must.
    #[error("the signed message is for another {field}")]
    OtherField {
        /// Which part differs.
        field: &'static str,
    },
    /// The signature is not of the scheme's form.
    #[error("the wallet's signature is malformed")]
    BadSignature,
    /// Another account signed.
    #[error("signed by {found}, not by {expected}")]
    OtherSigner {
        /// Who should have signed.
        expected: AccountId,
        /// Who did.
        found: AccountId,
    },
}

/// Wallets of one kind of chain. Pure: no clock, no network.
pub trait Wallets: WalletVerifier + fmt::Debug + Send + Sync {
    /// The account of `key` on `chain`.
    ///
    /// # Errors
    /// [`WalletError::BadKey`] if it is no key there.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError>;

    /// The text that the wallet of `binding.account` shows and signs. `now` is written into it for
    /// people to read, and decides nothing.
    ///
    /// # Errors
    /// [`WalletError::Unsupported`] or [`WalletError::BadAccount`].
    fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError>;

    /// Signs a [`Wallets::message`] with a key that is at hand.
    ///
    /// # Errors
    /// [`WalletError::BadKey`].
    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError>;

    /// As [`WalletVerifier::verify`], saying what is wrong.
    ///
    /// # Errors
    /// [`WalletError`]; [`WalletError::Unsupported`] stands for [`Answer::Unknown`].
    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError>;

    /// What `proof` leaves to the chain, where all that can be checked without it holds.
    ///
    /// # Errors
    /// [`WalletError::Unsupported`] if the chain would have nothing to say; else as
    /// [`Wallets::check`].
    fn question(&self, binding: &Binding, proof: &WalletProof) -> Result<Question, WalletError> {
        let (account, _) = (binding.account.clone(), proof);
        Err(WalletError::Unsupported { account })
    }

    /// The proof of an account that is a contract: it says in `block` that `signature` of `message`
    /// is its own. `None` where no such proof exists.
    fn contract_proof(
        &self,
        message: &str,
        signature: &[u8],
        block: BlockId,
    ) -> Option<WalletProof> {
        let _: (&str, &[u8], BlockId) = (message, signature, block);
        None
    }
}

/// The wallets of all chains that a node knows.
#[derive(Clone, Debug, Default)]
pub struct WalletSet(Vec<Arc<dyn Wallets>>);

impl AccountKey {
    /// Wraps 32 secret bytes; whether they are a key is the chain's to say.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes inside, for adapters and the keystore alone.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for AccountKey {
    type Err = WalletError;

    /// Reads 64 hexadecimal digits, as wallets export them, with or without `0x` before them.
    fn from_str(text: &str) -> Result<Self, WalletError> {
        let digits = Zeroizing::new(text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase());
        let bytes: Hash = digits.parse().map_err(|_| WalletError::BadKey)?;
        Ok(Self::from_bytes(*bytes.as_bytes()))
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey(…)")
    }
}

impl WalletError {
    /// The same as a [`WalletVerifier`] says it.
    pub const fn answer(result: &Result<(), Self>) -> Answer {
        match result {
            Ok(()) => Answer::Valid,
            Err(Self::Unsupported { .. }) => Answer::Unknown,
            Err(_) => Answer::Invalid,
        }
    }
}

impl WalletSet {
    /// Asks these in turn.
    pub const fn new(wallets: Vec<Arc<dyn Wallets>>) -> Self {
        Self(wallets)
    }

    /// As [`Wallets::message`], by the first that supports the account.
    ///
    /// # Errors
    /// As there; [`WalletError::Unsupported`] if none does.
    pub fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError> {
        self.first(&binding.account, |wallets| wallets.message(binding, now))
    }

    /// As [`Wallets::question`], by the first that supports the account.
    ///
    /// # Errors
    /// As there; [`WalletError::Unsupported`] if none does.
    pub fn question(
        &self,
        binding: &Binding,
        proof: &WalletProof,
    ) -> Result<Question, WalletError> {
        self.first(&binding.account, |wallets| wallets.question(binding, proof))
    }

    /// As [`Wallets::check`], by the first that supports the account.
    ///
    /// # Errors
    /// As there; [`WalletError::Unsupported`] if none does.
    pub fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        self.first(&binding.account, |wallets| wallets.check(binding, proof))
    }

    fn first<T>(
        &self,
        account: &AccountId,
        ask: impl Fn(&dyn Wallets) -> Result<T, WalletError>,
    ) -> Result<T, WalletError> {
        let mut answers = self.0.iter().map(|wallets| ask(&**wallets));
        let known = answers.find(|answer| !matches!(answer, Err(WalletError::Unsupported { .. })));
        known.unwrap_or_else(|| Err(WalletError::Unsupported { account: account.clone() }))
    }
}

impl WalletVerifier for WalletSet {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

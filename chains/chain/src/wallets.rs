//! Wallets: keys of accounts, what they sign, how that is checked.

use core::{fmt, str::FromStr};
use std::{collections::BTreeMap, sync::Arc};

use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use types::{AccountId, ChainId, Hash, UnixMillis};
use zeroize::Zeroizing;

/// The secret of an account that this node or its operator holds. Wiped when dropped, never
/// printed.
#[derive(Clone)]
pub struct AccountKey(Zeroizing<[u8; 32]>);

/// Who sends a call: an account, and a key that may sign for it. On some chains a key names no
/// account.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Who.
    pub account: AccountId,
    /// Its secret.
    pub key: AccountKey,
}

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
    /// On this chain a key does not tell whose it is.
    #[error("a key of {chain} names no account: say which one it is for")]
    Unnamed {
        /// Which chain.
        chain: ChainId,
    },
    /// A delegation to the key that signed is over.
    #[error("the wallet's delegation has expired")]
    Expired,
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
    /// The account that `key` names on `chain`; others may have it too.
    ///
    /// # Errors
    /// [`WalletError::BadKey`] if it is no key there, [`WalletError::Unnamed`] if keys name none.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError>;

    /// Whether `key` may be one of `account`, as far as the two alone tell.
    ///
    /// # Errors
    /// [`WalletError::OtherSigner`] if it is another account's; else as [`Wallets::account`].
    fn fits(&self, account: &AccountId, key: &AccountKey) -> Result<(), WalletError> {
        let found = self.account(&account.chain(), key)?;
        if found == *account {
            return Ok(());
        }
        Err(WalletError::OtherSigner { expected: account.clone(), found })
    }

    /// What the wallet of `binding.account` is given to show and sign, in the form that wallets of
    /// its chain take. `now` is written into it for people to read, and decides nothing.
    ///
    /// # Errors
    /// [`WalletError::Unsupported`] or [`WalletError::BadAccount`].
    fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError>;

    /// Signs a [`Wallets::message`] with a key that is at hand.
    ///
    /// # Errors
    /// [`WalletError::BadKey`].
    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError>;

    /// The proof in what a wallet answered to a [`Wallets::message`]; its form is the chain's.
    ///
    /// # Errors
    /// [`WalletError::BadSignature`] or [`WalletError::Malformed`] if it is of another form. What
    /// it proves is not looked at.
    fn answered(&self, message: &str, answer: &str) -> Result<WalletProof, WalletError>;

    /// Whether the chain has the last word about `proof`, which then must name a block.
    fn needs_block(&self, proof: &WalletProof) -> bool {
        let _: &WalletProof = proof;
        false
    }

    /// The same proof as of `block`: there the chain says that the account signed. `None` where
    /// the chain would have nothing to say.
    fn in_block(&self, proof: WalletProof, block: BlockId) -> Option<WalletProof> {
        let _: (WalletProof, BlockId) = (proof, block);
        None
    }

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
}

/// The wallets of all chains that a node knows, by the namespace of their chains.
#[derive(Clone, Debug, Default)]
pub struct WalletSet(BTreeMap<&'static str, Arc<dyn Wallets>>);

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
    /// The wallets of these namespaces, such as `eip155`; each proof is its account's to judge.
    pub fn new(wallets: impl IntoIterator<Item = (&'static str, Arc<dyn Wallets>)>) -> Self {
        Self(wallets.into_iter().collect())
    }

    /// The wallets of the chain of `account`.
    ///
    /// # Errors
    /// [`WalletError::Unsupported`] if there are none.
    pub fn of(&self, account: &AccountId) -> Result<&dyn Wallets, WalletError> {
        let unsupported = || WalletError::Unsupported { account: account.clone() };
        self.on(&account.chain()).ok_or_else(unsupported)
    }

    /// The wallets of `chain`; `None` if there are none.
    pub fn on(&self, chain: &ChainId) -> Option<&dyn Wallets> {
        self.0.get(chain.namespace()).map(|wallets| &**wallets)
    }
}

impl WalletVerifier for WalletSet {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        match self.of(&binding.account) {
            Ok(wallets) => wallets.verify(binding, proof),
            Err(_) => Answer::Unknown,
        }
    }
}

//! Names of registries and contexts on chain, and the chain of revisions.

use core::fmt;

use types::{ChainId, Hash, keccak256, keccak256_concat};

use crate::anchor::Account;

/// Names a context in its registry: keccak-256 over registry domain, creator and salt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnChainId(Hash);

/// A registry contract: its chain and its account there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Which chain.
    pub chain: ChainId,
    /// The contract's own account.
    pub account: Account,
}

impl OnChainId {
    /// Wraps an id that a contract or a genesis names.
    pub const fn new(id: Hash) -> Self {
        Self(id)
    }

    /// The 32 bytes.
    pub const fn as_hash(&self) -> &Hash {
        &self.0
    }
}

impl fmt::Display for OnChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", self.0)
    }
}

impl fmt::Debug for OnChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnChainId({self})")
    }
}

impl Registry {
    /// `RD = keccak256("cam-1" ‖ len ‖ chain ‖ len ‖ registry)`: what every other hash starts from,
    /// so that nothing said on one chain or registry holds on another.
    pub fn domain(&self) -> Hash {
        let (chain, account) = (self.chain.as_str().as_bytes(), self.account.as_bytes());
        keccak256_concat(&[b"cam-1", &[len(chain)], chain, &[len(account)], account])
    }

    /// The context that `creator` makes here with `salt`. Nobody else can make it.
    pub fn context(&self, creator: &Account, salt: &[u8; 32]) -> OnChainId {
        let creator = creator.as_bytes();
        let domain = self.domain();
        OnChainId(keccak256_concat(&[domain.as_bytes(), &[len(creator)], creator, salt]))
    }

    /// `keccak256(RD ‖ context)`: the log head before revision 1.
    pub fn log_start(&self, context: &OnChainId) -> Hash {
        keccak256_concat(&[self.domain().as_bytes(), context.0.as_bytes()])
    }
}

/// The log head after revision `rev`, from the one before:
/// `keccak256(previous ‖ rev u64 ‖ kind u8 ‖ keccak256(payload))`.
pub fn log_head(previous: &Hash, rev: u64, kind: u8, payload: &[u8]) -> Hash {
    let payload = keccak256(payload);
    keccak256_concat(&[previous.as_bytes(), &rev.to_be_bytes(), &[kind], payload.as_bytes()])
}

fn len(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).expect("chains have at most 41 bytes, accounts at most 64")
}

//! Proofs about a chain's state, from nothing but a header that is trusted.
//!
//! Pure: no clock, no network. A proof is present, proved absent, or bad; the three are never mixed
//! up. Reading order: `header` → `trie` → `account` → `receipt`.

mod account;
mod claims;
mod header;
mod receipt;
mod rlp;
mod trie;

pub(crate) use self::claims::verify;
pub use self::{
    account::{AccountProof, AccountState, account, storage},
    header::{BadHeader, Fork, Header},
    receipt::{Log, Receipt, receipt},
    trie::{BadProof, EMPTY_ROOT},
};

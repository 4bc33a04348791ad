//! Says what a node needs from a chain: to read one registry's records, to change them, to know a
//! wallet when it signs.
//!
//! Refuses to know any real chain: adapters implement [`Chain`] and [`Wallets`] and translate, but
//! never decide or retry. Policy that no single chain owns lives here: what a list of revisions
//! must satisfy ([`check_revisions`]), whom of several endpoints to believe ([`Quorum`]), how old
//! an answer may be ([`is_stale`]).
//!
//! Reading order: `locator` → `seam` → `trust` → `revisions` → `endpoint` → `quorum` → `fault` →
//! `stale` → `repeat` → `wallets` → `error` → `fake`.
//!
//! # Invariants
//! - Revisions that an adapter returns lead to a head that was proved, or that enough endpoints
//!   told; none is given before the last one was read.
//! - An endpoint's error counts as disagreement, never as agreement.

mod endpoint;
mod error;
pub mod fake;
mod fault;
mod locator;
mod quorum;
mod repeat;
mod revisions;
mod seam;
mod stale;
mod trust;
pub mod verdict;
mod wallets;

pub use endpoint::{Claimed, Consensus, Endpoint, Header};
pub use error::{BoxError, ChainError};
pub use fault::{Fault, Misdeed};
pub use governance::anchor::Call;
pub use locator::{Locator, Position};
pub use quorum::{Agreed, Asked, Named, Quorum};
pub use repeat::{Beside, repeats};
pub use revisions::{Inconsistent, check_revisions};
pub use seam::{AnchorHead, Chain, Finality, OpenProposal, PAGE_MAX, Page, Receipt, Signed};
pub use stale::{STALE_AFTER_S, is_stale};
pub use trust::{Shown, Trust, Vouched};
pub use verdict::Verdict;
pub use wallets::{AccountKey, BlockId, Question, Signer, WalletError, WalletSet, Wallets};

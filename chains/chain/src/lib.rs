//! Says what a node needs from a chain: to read one registry's records, to change them, to know a
//! wallet when it signs.
//!
//! Refuses to know any real chain: adapters implement [`Chain`] and [`Wallets`] and translate, but
//! never decide, cache or retry. Policy that no single chain owns lives here: what a list of
//! revisions must satisfy ([`check_revisions`]) and how many endpoints must agree ([`Quorum`]).
//!
//! Reading order: `locator` → `seam` → `revisions` → `wallets` → `quorum` → `error` → `fake`.
//!
//! # Invariants
//! - A page of revisions that an adapter returns has passed [`check_revisions`].
//! - An endpoint's error counts as disagreement, never as agreement.

mod error;
pub mod fake;
mod locator;
mod quorum;
mod revisions;
mod seam;
mod wallets;

pub use error::{BoxError, ChainError};
pub use governance::anchor::Call;
pub use locator::{Locator, Position};
pub use quorum::Quorum;
pub use revisions::{Inconsistent, check_revisions};
pub use seam::{AnchorHead, Chain, Finality, PAGE_MAX, Page, Receipt};
pub use wallets::{AccountKey, WalletError, WalletSet, Wallets};

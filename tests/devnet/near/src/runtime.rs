//! What transactions and receipts do to the state, by the current protocol's rules and prices.
//!
//! Not here, though the protocol has them: stakes that change, gas keys, global contracts and
//! accounts that are made from a state (NEP-591, NEP-611, NEP-616). Actions of these kinds are
//! refused as unsupported. Shards are one, and congestion is none.
//!
//! Source: nearcore, `runtime/runtime`.
//!
//! Reading order: `fees` → `check` → `promises` → `host` → `vm` → `actions` → `refunds` →
//! `receipts` → `step`.

mod actions;
mod check;
mod delegate;
mod fees;
mod host;
mod promises;
mod receipts;
mod refunds;
mod step;
mod vm;

use std::sync::{Arc, LazyLock};

use near_parameters::{RuntimeConfig, RuntimeConfigStore};
use near_primitives::{
    hash::CryptoHash,
    types::{AccountId, Balance, Gas},
    version::PROTOCOL_VERSION,
};

pub(crate) use actions::{key_storage, new_account};
pub(crate) use step::{Applied, apply, verify};
pub(crate) use vm::view;
pub use vm::{ViewError, Viewed};

/// The parameters of the current protocol.
pub(crate) static CONFIG: LazyLock<Arc<RuntimeConfig>> =
    LazyLock::new(|| Arc::clone(RuntimeConfigStore::new(None).get_config(PROTOCOL_VERSION)));

/// How far apart the nonces are that two heights allow.
pub(crate) const NONCES_PER_BLOCK: u64 = 1_000_000;

/// What of the world code and transactions can see.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    pub(crate) chain_id: String,
    pub(crate) height: u64,
    pub(crate) time_ns: u64,
    pub(crate) epoch_height: u64,
    pub(crate) gas_price: Balance,
    pub(crate) gas_limit: Gas,
    pub(crate) seed: CryptoHash,
    pub(crate) stakes: Arc<[(AccountId, Balance)]>,
}

impl Env {
    /// The nonce with which keys begin that are added in this block.
    const fn first_nonce(&self) -> u64 {
        self.height.saturating_sub(1).saturating_mul(NONCES_PER_BLOCK)
    }

    /// Nonces must be below.
    const fn nonce_limit(&self) -> u64 {
        self.height.saturating_mul(NONCES_PER_BLOCK)
    }
}

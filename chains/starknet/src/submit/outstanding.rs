//! Transactions that were sent and that no block has yet.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    felt::Felt,
    transaction::{Body, Bounds},
};

/// Transactions that are remembered per account; more cannot wait in a sequencer's pool either.
const PER_ACCOUNT_MAX: usize = 64;

/// What was sent and is not known to be in a block: repeating a call goes on with its transaction
/// instead of sending a second one.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    // A leaf lock: held for single reads and writes, never over an await.
    sent: Mutex<BTreeMap<Felt, Vec<Sent>>>,
}

/// A transaction with its replacements, of which a block takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) body: Body,
    pub(super) nonce: u64,
    pub(super) bounds: Bounds,
    /// The first, and its replacements in order.
    pub(super) hashes: Vec<Felt>,
}

impl Outstanding {
    /// Takes out what was sent for `account` to do this, if anything was.
    pub(super) fn take(&self, account: Felt, body: &Body) -> Option<Sent> {
        let mut sent = self.lock();
        let own = sent.get_mut(&account)?;
        let at = own.iter().position(|sent| sent.body == *body)?;
        Some(own.remove(at))
    }

    pub(super) fn keep(&self, account: Felt, sent: Sent) {
        let mut all = self.lock();
        let own = all.entry(account).or_default();
        if own.len() == PER_ACCOUNT_MAX {
            own.remove(0);
        }
        own.push(sent);
    }

    /// The first nonce after all that wait, of which none is below `used`.
    pub(super) fn next_nonce(&self, account: Felt, used: u64) -> u64 {
        let mut all = self.lock();
        let Some(own) = all.get_mut(&account) else { return used };
        own.retain(|sent| sent.nonce >= used);
        own.iter().map(|sent| sent.nonce.saturating_add(1)).max().unwrap_or(used)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Felt, Vec<Sent>>> {
        // A list is whole at any time.
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

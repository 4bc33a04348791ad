//! Transactions that were sent and that no block has yet.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use near_primitives::transaction::SignedTransaction;

use super::sender::Transaction;
use crate::{
    wallet::{NearId, PublicKey},
    wire::CryptoHash,
};

/// Transactions that are remembered; more would wait for longer than they are valid.
const SENT_MAX: usize = 256;
/// Keys whose last nonce is remembered.
const KEYS_MAX: usize = 1024;

/// What was sent and is not known to be in a block: repeating a call goes on with its transaction
/// instead of sending a second one.
#[derive(Debug, Default)]
pub(crate) struct Outstanding(
    // A leaf lock: held for single reads and writes, never over an await.
    Mutex<Inside>,
);

#[derive(Debug, Default)]
struct Inside {
    sent: Vec<(NearId, Sent)>,
    /// The last nonce that was taken for each key, so that two calls do not take the same one.
    nonces: BTreeMap<(NearId, PublicKey), u64>,
}

/// A transaction that was signed.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) transaction: Transaction,
    pub(super) signed: SignedTransaction,
    pub(super) hash: CryptoHash,
    pub(super) nonce: u64,
}

impl Outstanding {
    /// Takes out what was sent for `account` to do this, if anything was.
    pub(super) fn take(&self, account: &NearId, transaction: &Transaction) -> Option<Sent> {
        let mut inside = self.lock();
        let is_it = |(by, sent): &(NearId, Sent)| by == account && sent.transaction == *transaction;
        let at = inside.sent.iter().position(is_it)?;
        Some(inside.sent.remove(at).1)
    }

    pub(super) fn keep(&self, account: NearId, sent: Sent) {
        let mut inside = self.lock();
        if inside.sent.len() == SENT_MAX {
            inside.sent.remove(0);
        }
        inside.sent.push((account, sent));
    }

    /// A nonce above `used` and above all that were taken here.
    pub(crate) fn next_nonce(&self, account: &NearId, key: &PublicKey, used: u64) -> u64 {
        let mut inside = self.lock();
        if inside.nonces.len() >= KEYS_MAX {
            inside.nonces.clear();
        }
        let last = inside.nonces.entry((account.clone(), *key)).or_default();
        *last = used.max(*last).saturating_add(1);
        *last
    }

    /// Forgets the nonces of a key, of which the chain has told that they do not fit.
    pub(super) fn forget_nonce(&self, account: &NearId, key: &PublicKey) {
        self.lock().nonces.remove(&(account.clone(), *key));
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A list is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

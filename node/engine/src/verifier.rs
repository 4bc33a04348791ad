//! Wallets' proofs: checked offline where that is possible, else by what their chain was read to
//! say.
//!
//! The log asks without waiting. What it cannot know yet is answered unknown and noted; the context
//! asks the chain in the block that the proof names, keeps a yes on disk, and the log is asked
//! again. An answer about one block never changes, and all nodes hear the same. A no is kept in
//! memory alone: whoever has a link can bring any number of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chain::{Question, WalletSet};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use store::{Batch, Durability, Store};
use types::{ContextId, Hash, encode};

use crate::{error::EngineError, row};

/// Questions that wait at most, of all contexts; one that finds no room comes again with its claim.
const WANTED_MAX: usize = 1_024;
/// Refusals that are remembered at most, of all contexts; the oldest name goes first.
const REFUSED_MAX: usize = 4_096;

/// Checks wallets' proofs for the log.
#[derive(Debug)]
pub(crate) struct Verifier {
    wallets: WalletSet,
    store: Store,
    // A leaf lock: held for single reads and writes, never over an await.
    wanted: Mutex<BTreeMap<(ContextId, Hash), Question>>,
    // Likewise.
    refused: Mutex<BTreeSet<(ContextId, Hash)>>,
}

impl Verifier {
    pub(crate) const fn new(wallets: WalletSet, store: Store) -> Self {
        Self {
            wallets,
            store,
            wanted: Mutex::new(BTreeMap::new()),
            refused: Mutex::new(BTreeSet::new()),
        }
    }

    /// What proofs of `context` wait for, and under which name the answer is kept.
    pub(crate) fn take_wanted(&self, context: &ContextId) -> Vec<(Hash, Question)> {
        let mut wanted = lock(&self.wanted);
        let of_context = wanted.keys().filter(|(of, _)| of == context).copied();
        let names: Vec<(ContextId, Hash)> = of_context.collect();
        let taken = names.into_iter().filter_map(|name| Some((name.1, wanted.remove(&name)?)));
        taken.collect()
    }

    /// Whether a proof of `context` waits for its chain.
    pub(crate) fn is_waiting(&self, context: &ContextId) -> bool {
        lock(&self.wanted).keys().any(|(of, _)| of == context)
    }

    /// Keeps what the chain said: a yes for good, a no until this node is started again.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub(crate) fn keep(
        &self,
        context: &ContextId,
        name: &Hash,
        is_valid: bool,
    ) -> Result<(), EngineError> {
        if !is_valid {
            let mut refused = lock(&self.refused);
            if refused.len() >= REFUSED_MAX {
                refused.pop_first();
            }
            refused.insert((*context, *name));
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.put_local(context, &row::wallet(name), encode(&is_valid));
        self.store.write(batch, Durability::Synced)?;
        Ok(())
    }

    /// What `proof` leaves to the chain, and under which name the answer is kept; `None` if it
    /// leaves nothing.
    pub(crate) fn question(
        &self,
        binding: &Binding,
        proof: &WalletProof,
    ) -> Option<(Hash, Question)> {
        let question = self.wallets.of(&binding.account).ok()?.question(binding, proof).ok()?;
        Some((name(&question), question))
    }

    fn ask(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        let Some((name, question)) = self.question(binding, proof) else { return Answer::Unknown };
        if lock(&self.refused).contains(&(binding.context, name)) {
            return Answer::Invalid;
        }
        let stored = self.store.local(&binding.context, &row::wallet(&name));
        let said = stored.ok().flatten().map(|bytes| row::parse(&bytes, "a wallet's answer"));
        match said {
            Some(Ok(true)) => Answer::Valid,
            Some(Ok(false)) => Answer::Invalid,
            // An unreadable row is asked for again.
            Some(Err(_)) | None => {
                let mut wanted = lock(&self.wanted);
                if wanted.len() < WANTED_MAX {
                    wanted.insert((binding.context, name), question);
                }
                Answer::Unknown
            }
        }
    }
}

impl WalletVerifier for Verifier {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        match self.wallets.verify(binding, proof) {
            Answer::Unknown => self.ask(binding, proof),
            answer => answer,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves the value whole: each change is one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash of all that is asked.
fn name(question: &Question) -> Hash {
    let Question { account, digest, signature, block } = question;
    let account = account.to_string();
    Hash::of(&encode(&(
        "anchorhold/wallet-question/1",
        account.as_str(),
        *digest,
        signature.as_slice(),
        block.height,
        block.hash,
    )))
}

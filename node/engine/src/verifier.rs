//! Wallets' proofs: checked offline where that is possible, else by what their chain was read to
//! say.
//!
//! The log asks without waiting. What it cannot know yet is answered unknown and noted; the context
//! asks the chain in the block that the proof names, keeps the answer on disk, and the log is asked
//! again. An answer about one block never changes, and all nodes hear the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chain::{Question, Wallets};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use store::{Batch, Durability, Store};
use types::{ContextId, Hash, encode};

use crate::{error::EngineError, row};

/// Questions that wait at most, of all contexts; one that finds no room comes again with its claim.
const WANTED_MAX: usize = 1_024;

/// Checks wallets' proofs for the log.
#[derive(Debug)]
pub(crate) struct Verifier {
    wallets: Arc<dyn Wallets>,
    store: Store,
    // A leaf lock: held for single reads and writes, never over an await.
    wanted: Mutex<BTreeMap<(ContextId, Hash), Question>>,
}

impl Verifier {
    pub(crate) const fn new(wallets: Arc<dyn Wallets>, store: Store) -> Self {
        Self { wallets, store, wanted: Mutex::new(BTreeMap::new()) }
    }

    /// What proofs of `context` wait for, and under which name the answer is kept.
    pub(crate) fn take_wanted(&self, context: &ContextId) -> Vec<(Hash, Question)> {
        let mut wanted = self.wanted();
        let of_context = wanted.keys().filter(|(of, _)| of == context).copied();
        let names: Vec<(ContextId, Hash)> = of_context.collect();
        let taken = names.into_iter().filter_map(|name| Some((name.1, wanted.remove(&name)?)));
        taken.collect()
    }

    /// Whether a proof of `context` waits for its chain.
    pub(crate) fn is_waiting(&self, context: &ContextId) -> bool {
        self.wanted().keys().any(|(of, _)| of == context)
    }

    /// Keeps what the chain said.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub(crate) fn keep(
        &self,
        context: &ContextId,
        name: &Hash,
        is_valid: bool,
    ) -> Result<(), EngineError> {
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
        let question = self.wallets.question(binding, proof).ok()?;
        Some((name(&question), question))
    }

    fn ask(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        let Some((name, question)) = self.question(binding, proof) else { return Answer::Unknown };
        let stored = self.store.local(&binding.context, &row::wallet(&name));
        let said = stored.ok().flatten().map(|bytes| row::parse(&bytes, "a wallet's answer"));
        match said {
            Some(Ok(true)) => Answer::Valid,
            Some(Ok(false)) => Answer::Invalid,
            // An unreadable row is asked for again.
            Some(Err(_)) | None => {
                let mut wanted = self.wanted();
                if wanted.len() < WANTED_MAX {
                    wanted.insert((binding.context, name), question);
                }
                Answer::Unknown
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeMap<(ContextId, Hash), Question>> {
        // A panic elsewhere leaves the map whole: each change is one step.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
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

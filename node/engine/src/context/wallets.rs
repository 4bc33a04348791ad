//! Asks the chain what proofs of wallets leave to it.
//!
//! The log takes what a contract said in the block that a proof names, however old that is, since
//! its readers must all hear the same. Whoever admits a claim asks besides whether the contract
//! says so still: the key that signed may have been taken from it meanwhile.

use std::collections::BTreeMap;

use chain::{ChainError, Question, Signed};
use governance::log::{Answer, Claim, Invitation};
use types::{Hash, MemberKey};

use super::{Command, Context, now};
use crate::error::EngineError;

/// Claims about which it is known, or being asked, whether their wallets say so still.
const STILL_MAX: usize = 1_024;

/// What a chain said about a proof.
#[derive(Debug)]
pub(crate) struct Said {
    name: Hash,
    question: Question,
    when: When,
    result: Result<Signed, ChainError>,
}

/// In which block a wallet is asked, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// In the one that its proof names.
    Then,
    /// In the newest final one, for a claim.
    Now,
    /// In the newest final one, for a member.
    Standing(MemberKey),
}

/// Whether wallets say so still; unknown while the chain is asked.
pub(super) type Still = BTreeMap<Hash, Answer>;

impl Context {
    /// Asks what the log could not answer; each question once at a time.
    pub(super) fn ask_chain_about_wallets(&mut self) {
        for (name, question) in self.node.verifier().take_wanted(&self.id) {
            if !self.asking.insert(name) {
                continue;
            }
            if let Err(error) = self.ask_wallet(name, question, When::Then) {
                tracing::warn!(context = ?self.id, %error, "a wallet's proof cannot be checked");
                self.asking.remove(&name);
            }
        }
    }

    /// Whether the wallet that a claim's proof is of says so in the newest final block too.
    ///
    /// [`Answer::Unknown`] while the chain is asked: the claim comes again.
    pub(super) fn says_still(&mut self, invitation: &Invitation, claim: &Claim) -> Answer {
        let proof = claim.account.clone().zip(claim.wallet_proof.as_ref());
        let question = proof.and_then(|(account, proof)| {
            let binding = Claim::binding(invitation, claim.member.key, account, now().0 / 1_000);
            self.node.verifier().question(&binding, proof)
        });
        // A plain account's proof leaves nothing to the chain.
        let Some((name, question)) = question else { return Answer::Valid };
        match self.still.get(&name) {
            Some(Answer::Unknown) => Answer::Unknown,
            // Once: the next claim is about another moment.
            Some(_) => self.still.remove(&name).unwrap_or(Answer::Unknown),
            None => {
                if self.still.len() >= STILL_MAX {
                    self.still.pop_first();
                }
                match self.ask_wallet(name, question, When::Now) {
                    Ok(()) => drop(self.still.insert(name, Answer::Unknown)),
                    Err(error) => {
                        tracing::warn!(context = ?self.id, %error, "a wallet cannot be asked");
                    }
                }
                Answer::Unknown
            }
        }
    }

    pub(super) fn ask_wallet(
        &mut self,
        name: Hash,
        question: Question,
        when: When,
    ) -> Result<(), EngineError> {
        let chain = self.node.chain(&question.account.chain())?;
        let commands = self.commands.clone();
        self.work.spawn(async move {
            let Question { account, digest, signature, block } = &question;
            let at = (when == When::Then).then_some(*block);
            let result = chain.account_signed(account, digest, signature, at).await;
            let Some(commands) = commands.upgrade() else { return };
            let said = Box::new(Said { name, question, when, result });
            drop(commands.send(Command::WalletSaid(said)).await);
        });
        Ok(())
    }

    pub(super) async fn wallet_said(&mut self, said: Said) {
        let Said { name, question, when, result } = said;
        let account = &question.account;
        let answer = match result {
            Ok(signed) => signed.answer,
            Err(error) => {
                tracing::warn!(context = ?self.id, %account, %error, "a wallet was not asked");
                Answer::Unknown
            }
        };
        match when {
            When::Then => {
                self.asking.remove(&name);
                self.wallet_said_then(&name, &question, answer).await;
            }
            // Not known: asked again when the claim comes again.
            When::Standing(member) => self.binding_stands(&member, answer),
            When::Now if answer == Answer::Unknown => drop(self.still.remove(&name)),
            When::Now => {
                if let Some(still) = self.still.get_mut(&name) {
                    *still = answer;
                }
            }
        }
    }

    async fn wallet_said_then(&mut self, name: &Hash, question: &Question, answer: Answer) {
        let account = &question.account;
        let is_valid = match answer {
            Answer::Valid => true,
            Answer::Invalid => false,
            // The endpoints do not have that block's state: asked again when it is needed again.
            Answer::Unknown => return,
        };
        if let Err(error) = self.node.verifier().keep(&self.id, name, is_valid) {
            tracing::error!(context = ?self.id, %error, "what a wallet said was not kept");
            return;
        }
        tracing::info!(context = ?self.id, %account, is_valid, "a wallet was asked");
        self.sequence_backlog().await;
        self.advance_governing().await;
    }

    /// Whether the log waits for what a chain says about a wallet.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty() || self.node.verifier().is_waiting(&self.id)
    }
}

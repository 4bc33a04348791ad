//! Sends one transaction of one account, and goes on with it where no block took it before.

use core::time::Duration;

use chain::{AccountKey, ChainError, Finality, Quorum};
use tokio::time::{Instant, MissedTickBehavior, interval};
use types::ChainId;

use super::{
    Included, failed,
    outstanding::{Outstanding, Sent},
};
use crate::{
    adapter::{StarknetConfig, account_id},
    block::to_hash,
    endpoint::Node,
    felt::Felt,
    rpc::{self, Estimate, Ran},
    signed::balance_of,
    transaction::{Body, Bounds, Purpose, Signed, Transaction},
    wire,
};

/// How often to look whether a block has a transaction.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a transaction is made anew at most because another one took its nonce.
const NONCES_MAX: usize = 4;
/// How often it is handed in again at most, because it paid too little.
const RAISES_MAX: usize = 4;
/// Waiting transactions of an account that an endpoint may tell of; more, and it makes up a gap in
/// which ours would wait for ever.
const WAITING_MAX: u64 = 64;

/// Sends for one account.
pub(super) struct Sender<'a> {
    pub(super) quorum: &'a Quorum<Node>,
    pub(super) config: &'a StarknetConfig,
    pub(super) outstanding: &'a Outstanding,
    pub(super) chain: &'a ChainId,
    pub(super) chain_name: Felt,
    pub(super) account: Felt,
    pub(super) key: &'a AccountKey,
}

/// What waiting for a block came to.
enum Waited {
    Included(Included),
    /// Another transaction has the nonce.
    NonceUsed,
    /// What it would do is done: the class is declared.
    Done,
    /// No block took it in time.
    TooLong,
}

/// What sending came to.
pub(super) enum Outcome {
    Included(Included),
    /// The class is declared already.
    Declared,
    /// It would be reverted, for this reason, so that nothing was sent.
    Refused(serde_json::Value),
}

impl Sender<'_> {
    /// What the call would do: it runs if it does so at any endpoint, with the most gas that any
    /// says; it is refused if all that answer say so.
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if there is no such account, [`ChainError::BadKey`] if the
    /// account does not take the key's signature.
    pub(super) async fn simulate(&self, body: &Body) -> Result<Ran<Estimate>, ChainError> {
        let nonce = self.nonce().await?;
        let query = Transaction {
            sender: self.account,
            nonce,
            bounds: Bounds::default(),
            body: body.clone(),
        };
        let query = query.sign(&self.chain_name, self.key, Purpose::Query)?;
        match self.estimate(&query, true).await? {
            // Not the registry's refusal; the account's, if it runs without being asked.
            Ran::Reverted(reason) if wire::code_of(&reason).is_none() => {
                match self.estimate(&query, false).await? {
                    Ran::Well(_) => Err(ChainError::BadKey),
                    _ => Err(failed(&reason)),
                }
            }
            ran => Ok(ran),
        }
    }

    async fn estimate(
        &self,
        query: &Signed,
        is_validated: bool,
    ) -> Result<Ran<Estimate>, ChainError> {
        let answers = self.quorum.ask_all(|node| Box::pin(node.rpc.estimate(query, is_validated)));
        let (mut most, mut reverted, mut nothing, mut failure) = (None, None, false, None);
        for (_, answer) in answers.await {
            match answer {
                Ok(Ran::Well(estimate)) => {
                    let known: Estimate = most.unwrap_or_default();
                    most = Some(known.or_more(&estimate));
                }
                Ok(Ran::Reverted(reason)) => drop(reverted.get_or_insert(reason)),
                Ok(Ran::Nothing) => nothing = true,
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        match (most, reverted, failure) {
            (Some(most), _, _) => Ok(Ran::Well(most)),
            (None, Some(reason), _) => Ok(Ran::Reverted(reason)),
            (None, None, _) if nothing => Err(self.no_account()),
            (None, None, failure) => Err(failure.unwrap_or_else(|| self.unheard())),
        }
    }

    /// Sends, or goes on with what was sent before, and waits until a block has it.
    pub(super) async fn run(&self, body: &Body) -> Result<Outcome, ChainError> {
        let until = Instant::now() + self.config.patience;
        let mut before = self.outstanding.take(self.account, body);
        for _ in 0..NONCES_MAX {
            let mut sent = match before.take() {
                Some(sent) => sent,
                None => match self.simulate(body).await? {
                    Ran::Well(estimate) => self.first(body, &estimate).await?,
                    Ran::Reverted(reason) => return Ok(Outcome::Refused(reason)),
                    Ran::Nothing => return Err(self.no_account()),
                },
            };
            let waited = self.wait(&mut sent, until).await;
            if matches!(waited, Ok(Waited::TooLong) | Err(_)) && !sent.hashes.is_empty() {
                self.outstanding.keep(self.account, sent.clone());
            }
            match waited? {
                Waited::Included(included) => return Ok(Outcome::Included(included)),
                Waited::Done => return Ok(Outcome::Declared),
                Waited::NonceUsed => {}
                Waited::TooLong => {
                    let transaction = sent.hashes.last().copied().unwrap_or_default();
                    return Err(ChainError::NotIncluded { transaction: to_hash(&transaction) });
                }
            }
            if Instant::now() >= until {
                break;
            }
        }
        Err(ChainError::BadCall { what: "other transactions of the account keep taking its nonce" })
    }

    /// The transaction as it is sent first.
    async fn first(&self, body: &Body, estimate: &Estimate) -> Result<Sent, ChainError> {
        let bounds = estimate.bounds();
        let latest = self.quorum.block(Finality::Latest).await?;
        let latest = latest.map(|agreed| agreed.header).ok_or_else(|| self.unheard())?;
        if balance_of(self.quorum, self.account, &latest).await? < bounds.cost() {
            return Err(self.no_funds());
        }
        let nonce = self.outstanding.next_nonce(self.account, self.nonce().await?);
        Ok(Sent { body: body.clone(), nonce, bounds, hashes: Vec::new() })
    }

    async fn wait(&self, sent: &mut Sent, until: Instant) -> Result<Waited, ChainError> {
        // One that the next block has needs no second hand.
        if self.found(&sent.hashes).await?.is_none()
            && let Some(waited) = self.send(sent).await?
        {
            return Ok(waited);
        }
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Ends with the patience.
        loop {
            let found = self.found(&sent.hashes).await?;
            if let Some(included) = found.filter(|(_, inclusion)| inclusion.block.is_some()) {
                return Ok(Waited::Included(included));
            }
            if Instant::now() >= until {
                return Ok(Waited::TooLong);
            }
            look.tick().await;
        }
    }

    /// Hands the transaction in; with more pay, if one like it waits already.
    async fn send(&self, sent: &mut Sent) -> Result<Option<Waited>, ChainError> {
        let mut is_raised = !sent.hashes.is_empty();
        for _ in 0..=RAISES_MAX {
            if is_raised {
                sent.bounds = sent.bounds.above(&sent.bounds);
            }
            let transaction = Transaction {
                sender: self.account,
                nonce: sent.nonce,
                bounds: sent.bounds,
                body: sent.body.clone(),
            };
            let signed = transaction.sign(&self.chain_name, self.key, Purpose::Send)?;
            match self.hand_in(&signed).await? {
                rpc::Sent::Taken => {
                    sent.hashes.push(signed.hash);
                    return Ok(None);
                }
                rpc::Sent::Underpriced => is_raised = true,
                // Ours may have it: then it is waited for.
                rpc::Sent::BadNonce => {
                    let is_ours = self.found(&sent.hashes).await?.is_some();
                    return Ok((!is_ours).then_some(Waited::NonceUsed));
                }
                rpc::Sent::Declared => return Ok(Some(Waited::Done)),
                // The one that waits is still good.
                rpc::Sent::NoFunds if !sent.hashes.is_empty() => return Ok(None),
                rpc::Sent::NoFunds => return Err(self.no_funds()),
            }
        }
        if sent.hashes.is_empty() { Err(self.no_funds()) } else { Ok(None) }
    }

    /// Hands the transaction in at all endpoints: one that keeps it to itself does no harm then.
    async fn hand_in(&self, signed: &Signed) -> Result<rpc::Sent, ChainError> {
        let (mut refused, mut failure) = (None, None);
        for (_, answer) in self.quorum.ask_all(|node| Box::pin(node.rpc.send(signed))).await {
            match answer {
                Ok(rpc::Sent::Taken) => return Ok(rpc::Sent::Taken),
                Ok(other) => drop(refused.get_or_insert(other)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        match (refused, failure) {
            (Some(refused), _) => Ok(refused),
            (None, failure) => Err(failure.unwrap_or_else(|| self.unheard())),
        }
    }

    /// The first of these transactions that any endpoint says was carried out, in a block or in the
    /// one that is being made.
    async fn found(&self, hashes: &[Felt]) -> Result<Option<Included>, ChainError> {
        for hash in hashes.iter().rev() {
            let hash = *hash;
            let answers = self.quorum.ask_all(|node| Box::pin(node.rpc.inclusion(hash))).await;
            if answers.iter().all(|(_, answer)| answer.is_err()) {
                let failure = answers.into_iter().find_map(|(_, answer)| answer.err());
                return Err(failure.unwrap_or_else(|| self.unheard()));
            }
            let found = answers.into_iter().filter_map(|(_, answer)| answer.ok().flatten());
            if let Some(inclusion) = found.max_by_key(|inclusion| inclusion.block.is_some()) {
                return Ok(Some((hash, inclusion)));
            }
        }
        Ok(None)
    }

    /// The account's next nonce: as many as must agree tell no higher one, and it is not far above
    /// what any tells.
    pub(super) async fn nonce(&self) -> Result<u64, ChainError> {
        let account = self.account;
        let answers = self.quorum.ask_all(|node| Box::pin(node.rpc.nonce(account))).await;
        let mut told: Vec<u64> = Vec::new();
        let mut failure = None;
        let mut is_unknown = false;
        for (_, answer) in answers {
            match answer {
                Ok(Some(nonce)) => told.push(nonce),
                Ok(None) => is_unknown = true,
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        told.sort_unstable_by(|one, other| other.cmp(one));
        let lowest = told.last().copied();
        let nonce = told.get(self.quorum.needed().saturating_sub(1)).copied().or(lowest);
        match (nonce, lowest) {
            (Some(nonce), Some(lowest)) => Ok(nonce.min(lowest.saturating_add(WAITING_MAX))),
            _ if is_unknown => Err(self.no_account()),
            _ => Err(failure.unwrap_or_else(|| self.unheard())),
        }
    }

    fn no_account(&self) -> ChainError {
        ChainError::BadAccount { account: account_id(self.chain, &self.account) }
    }

    fn no_funds(&self) -> ChainError {
        ChainError::NoFunds { account: account_id(self.chain, &self.account) }
    }

    fn unheard(&self) -> ChainError {
        let asked = self.quorum.endpoints().len();
        let needed = self.quorum.needed();
        ChainError::Disagreement { method: "the newest block", agreeing: 0, asked, needed }
    }
}

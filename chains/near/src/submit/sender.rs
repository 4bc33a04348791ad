//! Sends one transaction of one account, and makes it anew where another one took its nonce or the
//! block that it names got too old.

use core::time::Duration;

use chain::{ChainError, Finality, Header as _, Quorum, Signer};
use ed25519_dalek::{Signer as _, SigningKey};
use near_primitives::transaction::{Action, SignedTransaction, TransactionV0};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::outstanding::{Outstanding, Sent};
use crate::{
    adapter::latest,
    endpoint::{self, Node, hash},
    rpc::{self, Invalid, Outcome, Progress, theirs},
    wallet::{NearId, NoAccess, PublicKey},
    wire::CryptoHash,
};

/// How often to look whether a block has a transaction: NEAR makes one in 600 ms.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often a transaction is made anew at most.
const ATTEMPTS_MAX: usize = 32;
/// How often to look whether a transaction that nobody knows can still come.
const REVIEW_EVERY: u32 = 20;

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) receiver: NearId,
    pub(crate) actions: Vec<Action>,
}

/// A transaction's hash, and how it ended.
pub(crate) type Ended = (CryptoHash, Outcome);

/// Sends for one account.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) quorum: &'a Quorum<Node>,
    pub(crate) patience: Duration,
    pub(crate) outstanding: &'a Outstanding,
    pub(crate) signer: &'a Signer,
    pub(crate) account: NearId,
}

/// What waiting for a block came to.
enum Waited {
    Ended(Outcome),
    /// No block will take it: it has to be made anew.
    Dead,
    /// No block took it in time.
    TooLong,
}

impl Sender<'_> {
    /// Sends, or goes on with what was sent before, and waits until all that it set going has
    /// ended.
    pub(crate) async fn run(&self, transaction: &Transaction) -> Result<Ended, ChainError> {
        let until = Instant::now() + self.patience;
        let mut before = self.outstanding.take(&self.account, transaction);
        for _ in 0..ATTEMPTS_MAX {
            let sent = match before.take() {
                Some(sent) => sent,
                None => self.first(transaction).await?,
            };
            let waited = self.wait(&sent, until).await;
            if !matches!(waited, Ok(Waited::Ended(_) | Waited::Dead)) {
                self.outstanding.keep(self.account.clone(), sent.clone());
            }
            match waited? {
                Waited::Ended(outcome) => return Ok((sent.hash, outcome)),
                Waited::Dead => self.outstanding.forget_nonce(&self.account, &self.public_key()),
                Waited::TooLong => {
                    return Err(ChainError::NotIncluded { transaction: hash(&sent.hash) });
                }
            }
        }
        Err(ChainError::BadCall { what: "other transactions of the account keep taking its nonce" })
    }

    /// Waits until a block above `height` is there: it commits to what happened in that one.
    pub(crate) async fn commit(&self, height: u64) -> Result<(), ChainError> {
        let until = Instant::now() + self.patience;
        let mut look = self.looks();
        // Ends with the patience.
        while Instant::now() < until {
            if latest(self.quorum).await?.block().height > height {
                return Ok(());
            }
            look.tick().await;
        }
        Ok(())
    }

    /// The transaction, signed: its nonce above the key's last, naming a block that is final.
    async fn first(&self, transaction: &Transaction) -> Result<Sent, ChainError> {
        let block = self.quorum.block(Finality::Final).await?.ok_or(ChainError::NothingFinal)?;
        let key = self.public_key();
        let used = self.nonce(&key).await?;
        let nonce = self.outstanding.next_nonce(&self.account, &key, used);
        let bad = || ChainError::BadAccount { account: self.signer.account.clone() };
        let unsigned = near_primitives::transaction::Transaction::V0(TransactionV0 {
            signer_id: self.account.as_str().parse().map_err(|_| bad())?,
            public_key: key.to_string().parse().map_err(|_| ChainError::BadKey)?,
            nonce,
            receiver_id: transaction.receiver.as_str().parse().map_err(|_| bad())?,
            block_hash: theirs(&block.header.hash),
            actions: transaction.actions.clone(),
        });
        let (digest, _) = unsigned.get_hash_and_size();
        let signature = near_crypto::Signature::ED25519(self.key().sign(&digest.0));
        let signed = SignedTransaction::new(signature, unsigned);
        let (transaction, hash) = (transaction.clone(), CryptoHash::from_bytes(digest.0));
        Ok(Sent { transaction, signed, hash, nonce })
    }

    async fn wait(&self, sent: &Sent, until: Instant) -> Result<Waited, ChainError> {
        match self.hand_in(&sent.signed).await? {
            rpc::Sent::Done(outcome) => return Ok(Waited::Ended(outcome)),
            rpc::Sent::Taken => {}
            rpc::Sent::Invalid(invalid) => match self.progress(sent).await? {
                // It was taken in before, by way of another endpoint.
                Progress::Ended(outcome) => return Ok(Waited::Ended(outcome)),
                Progress::Pending => {}
                Progress::Unknown => return self.dead(invalid, until).await,
            },
        }
        let mut look = self.looks();
        let mut looks = 0_u32;
        // Ends with the patience.
        loop {
            look.tick().await;
            looks = looks.saturating_add(1);
            match self.progress(sent).await? {
                Progress::Ended(outcome) => return Ok(Waited::Ended(outcome)),
                Progress::Unknown if looks.is_multiple_of(REVIEW_EVERY) => {
                    let used = self.nonce(&self.public_key()).await?;
                    if used >= sent.nonce {
                        return Ok(self.once_more(sent).await?.unwrap_or(Waited::Dead));
                    }
                }
                Progress::Unknown | Progress::Pending => {}
            }
            if Instant::now() >= until {
                return Ok(Waited::TooLong);
            }
        }
    }

    /// The key's nonce is used: by this transaction, if anybody knows it now.
    async fn once_more(&self, sent: &Sent) -> Result<Option<Waited>, ChainError> {
        Ok(match self.progress(sent).await? {
            Progress::Ended(outcome) => Some(Waited::Ended(outcome)),
            Progress::Pending => Some(Waited::TooLong),
            Progress::Unknown => None,
        })
    }

    /// What follows from why no block takes it.
    async fn dead(&self, invalid: Invalid, until: Instant) -> Result<Waited, ChainError> {
        let account = || self.signer.account.clone();
        match invalid {
            Invalid::NonceUsed | Invalid::Expired | Invalid::Congested => {
                if Instant::now() >= until {
                    let what = "no transaction of the account was taken in time";
                    return Err(ChainError::BadCall { what });
                }
                let mut look = self.looks();
                look.tick().await;
                if invalid == Invalid::Congested {
                    look.tick().await;
                }
                Ok(Waited::Dead)
            }
            Invalid::NoFunds | Invalid::NoAccount => {
                Err(ChainError::NoFunds { account: account() })
            }
            Invalid::BadKey => Err(ChainError::BadKey),
            Invalid::Other(text) => Err(super::failed(&text)),
        }
    }

    /// Hands the transaction in at all endpoints: one that keeps it to itself does no harm then.
    async fn hand_in(&self, signed: &SignedTransaction) -> Result<rpc::Sent, ChainError> {
        let (mut taken, mut invalid, mut failure) = (false, None, None);
        for (_, answer) in self.quorum.ask_all(|node| Box::pin(node.rpc.send(signed))).await {
            match answer {
                Ok(done @ rpc::Sent::Done(_)) => return Ok(done),
                Ok(rpc::Sent::Taken) => taken = true,
                Ok(other) => drop(invalid.get_or_insert(other)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        match (taken, invalid, failure) {
            (true, _, _) => Ok(rpc::Sent::Taken),
            (false, Some(invalid), _) => Ok(invalid),
            (false, None, failure) => Err(failure.unwrap_or(ChainError::NothingFinal)),
        }
    }

    /// How far any endpoint says that the transaction is.
    async fn progress(&self, sent: &Sent) -> Result<Progress, ChainError> {
        let ask = |node| -> chain::Asked<'_, Progress> {
            let node: &Node = node;
            Box::pin(node.rpc.progress(&sent.hash, &self.account))
        };
        let (mut known, mut failure) = (None, None);
        for (_, answer) in self.quorum.ask_all(ask).await {
            match answer {
                Ok(ended @ Progress::Ended(_)) => return Ok(ended),
                Ok(Progress::Pending) => known = Some(Progress::Pending),
                Ok(Progress::Unknown) => drop(known.get_or_insert(Progress::Unknown)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        match (known, failure) {
            (Some(known), _) => Ok(known),
            (None, failure) => Err(failure.unwrap_or(ChainError::NothingFinal)),
        }
    }

    /// The last nonce of the key: no more than enough endpoints tell.
    async fn nonce(&self, key: &PublicKey) -> Result<u64, ChainError> {
        let (mut told, mut refused, mut failure) = (Vec::new(), None, None);
        let at = endpoint::finality(Finality::Latest);
        let ask = |node| -> chain::Asked<'_, _> {
            let node: &Node = node;
            Box::pin(node.rpc.access_key_by(&self.account, key, at.clone()))
        };
        for (_, answer) in self.quorum.ask_all(ask).await {
            match answer {
                Ok(Some(Ok(access))) => told.push(access.nonce),
                Ok(Some(Err(error))) => drop(refused.get_or_insert(error)),
                Ok(None) => {}
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        told.sort_unstable_by(|one, other| other.cmp(one));
        let enough = self.quorum.needed().saturating_sub(1);
        if let Some(nonce) = told.get(enough).or(told.last()) {
            return Ok(*nonce);
        }
        match (refused, failure) {
            (Some(NoAccess::NoKey | NoAccess::NoAccount), _) if !self.exists().await? => {
                Err(ChainError::NoFunds { account: self.signer.account.clone() })
            }
            (Some(_), _) => Err(ChainError::BadKey),
            (None, failure) => Err(failure.unwrap_or(ChainError::NothingFinal)),
        }
    }

    /// Whether there is such an account: endpoints answer alike where there is none and where it
    /// has no such key.
    async fn exists(&self) -> Result<bool, ChainError> {
        let newest = latest(self.quorum).await?;
        let ask = |node| -> chain::Asked<'_, _> {
            let node: &Node = node;
            Box::pin(node.rpc.account(&self.account, &newest.hash))
        };
        Ok(matches!(self.quorum.any(ask).await?, Some(Some(_)) | None))
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_bytes(self.signer.key.as_bytes())
    }

    fn public_key(&self) -> PublicKey {
        PublicKey::Ed25519(self.key().verifying_key().to_bytes())
    }

    fn looks(&self) -> tokio::time::Interval {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look
    }
}

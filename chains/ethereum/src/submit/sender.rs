//! Sends one transaction of one account, and replaces it by one that pays more where no block takes
//! it.

use core::time::Duration;

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559},
    eips::eip2718::Encodable2718 as _,
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use chain::{ChainError, Endpoint as _, Finality, Quorum};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Included, account_id,
    fees::Fees,
    outstanding::{Outstanding, Sent},
};
use crate::{
    adapter::EthereumConfig,
    endpoint::Node,
    proof::Header,
    rpc::{self, Simulated},
    wire,
};

/// How often to look whether a block has a transaction.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a transaction is replaced at most: it then pays 1.8 times as much.
const BUMPS_MAX: usize = 5;
/// How often a transaction is made anew at most because another one took its nonce.
const NONCES_MAX: usize = 4;
/// Waiting transactions of an account that an endpoint may tell of; more, and it makes up a gap in
/// which ours would wait for ever.
const WAITING_MAX: u64 = 64;
/// No transaction may use more gas. Source: EIP-7825.
const GAS_MAX: u64 = 1 << 24;

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    /// `None` creates a contract.
    pub(super) to: Option<Address>,
    pub(super) data: Bytes,
}

/// Sends for one account.
pub(super) struct Sender<'a> {
    pub(super) quorum: &'a Quorum<Node>,
    pub(super) config: &'a EthereumConfig,
    pub(super) outstanding: &'a Outstanding,
    pub(super) signer: &'a PrivateKeySigner,
    pub(super) chain_number: u64,
}

/// What waiting for a block came to.
enum Waited {
    Included(Included),
    /// Another transaction has the nonce.
    NonceUsed,
    /// No block took it in time.
    TooLong,
}

impl Sender<'_> {
    /// What the call would do: it runs if it does so at any endpoint, with the most gas that any
    /// says; it is refused if all that answer say so.
    pub(super) async fn simulate(
        &self,
        transaction: &Transaction,
    ) -> Result<Simulated<u64>, ChainError> {
        let (from, to) = (self.signer.address(), transaction.to);
        let data = &transaction.data;
        let (mut gas, mut reverted, mut failure) = (None, None, None);
        let answers =
            self.quorum.ask_all(|node| Box::pin(node.rpc.estimate_gas(from, to, data))).await;
        for (_, answer) in answers {
            match answer {
                Ok(Simulated::Ran(units)) => gas = gas.max(Some(units)),
                Ok(Simulated::Reverted(data)) => drop(reverted.get_or_insert(data)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        match (gas, reverted, failure) {
            (Some(gas), _, _) => Ok(Simulated::Ran(gas)),
            (None, Some(data), _) => Ok(Simulated::Reverted(data)),
            (None, None, Some(error)) => Err(error),
            (None, None, None) => Err(self.unheard()),
        }
    }

    /// Sends, or goes on with what was sent before, and waits until a block has it.
    pub(super) async fn run(
        &self,
        transaction: &Transaction,
    ) -> Result<Simulated<Included>, ChainError> {
        let until = Instant::now() + self.config.patience;
        let mut before = self.outstanding.take(self.signer.address(), transaction);
        for _ in 0..NONCES_MAX {
            let mut sent = match before.take() {
                Some(sent) => sent,
                None => match self.simulate(transaction).await? {
                    Simulated::Ran(gas) => self.first(transaction, gas).await?,
                    Simulated::Reverted(data) => return Ok(Simulated::Reverted(data)),
                },
            };
            let waited = self.wait(&mut sent, until).await;
            if !matches!(waited, Ok(Waited::Included(_) | Waited::NonceUsed)) {
                self.outstanding.keep(self.signer.address(), sent.clone());
            }
            match waited? {
                Waited::Included(included) => return Ok(Simulated::Ran(included)),
                Waited::NonceUsed => {}
                Waited::TooLong => {
                    let transaction = sent.hashes.last().copied().unwrap_or_default();
                    return Err(ChainError::NotIncluded { transaction: wire::hash(transaction) });
                }
            }
        }
        Err(ChainError::BadCall { what: "other transactions of the account keep taking its nonce" })
    }

    /// The transaction as it is sent first.
    async fn first(&self, transaction: &Transaction, gas: u64) -> Result<Sent, ChainError> {
        let from = self.signer.address();
        let header = self.latest().await?;
        let fees = self.fees(&header).await?;
        // State may change before the block: the estimate and a fifth.
        let gas_limit = gas.saturating_add(gas / 5).min(GAS_MAX);
        if self.balance(&header).await? < cost(fees, gas_limit) {
            return Err(self.no_funds());
        }
        let nonce = self.nonce(&header).await?;
        let nonce = self.outstanding.next_nonce(from, nonce);
        let transaction = transaction.clone();
        Ok(Sent { transaction, nonce, gas_limit, fees, hashes: Vec::new() })
    }

    async fn wait(&self, sent: &mut Sent, until: Instant) -> Result<Waited, ChainError> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pays_more_at = None;
        // Ends with the patience.
        loop {
            if let Some(included) = self.inclusion(&sent.hashes).await? {
                return Ok(Waited::Included(included));
            }
            let now = Instant::now();
            if now >= until && !sent.hashes.is_empty() {
                return Ok(Waited::TooLong);
            }
            if pays_more_at.is_none_or(|at| now >= at) {
                if let Some(waited) = self.send(sent).await? {
                    return Ok(waited);
                }
                pays_more_at = Some(now + self.config.bump_after);
            }
            look.tick().await;
        }
    }

    /// Sends the transaction, or a replacement that pays more.
    async fn send(&self, sent: &mut Sent) -> Result<Option<Waited>, ChainError> {
        let header = self.latest().await?;
        if !sent.hashes.is_empty() {
            if sent.hashes.len() > BUMPS_MAX {
                return Ok(None);
            }
            let fees = sent.fees.bumped(self.fees(&header).await?);
            if self.balance(&header).await? < cost(fees, sent.gas_limit) {
                // The one that waits is still good.
                return Ok(None);
            }
            sent.fees = fees;
        }
        // Terminates: what pays too little to replace another is replaced by what pays more.
        for _ in 0..=BUMPS_MAX {
            let bytes = self.sign(sent)?;
            let outcome = self.hand_in(&bytes).await?;
            match outcome {
                rpc::Sent::Taken => {
                    sent.hashes.push(keccak256(&bytes));
                    return Ok(None);
                }
                rpc::Sent::Underpriced => {
                    sent.fees = sent.fees.bumped(self.fees(&header).await?);
                }
                rpc::Sent::NonceUsed => {
                    let included = self.inclusion(&sent.hashes).await?;
                    return Ok(Some(included.map_or(Waited::NonceUsed, Waited::Included)));
                }
                rpc::Sent::NoFunds => return Err(self.no_funds()),
            }
        }
        Ok((!sent.hashes.is_empty()).then_some(Waited::TooLong))
    }

    /// Hands the transaction in at all endpoints: one that keeps it to itself does no harm then.
    async fn hand_in(&self, bytes: &Bytes) -> Result<rpc::Sent, ChainError> {
        let mut refused = None;
        let mut failure = None;
        for (_, answer) in self.quorum.ask_all(|node| Box::pin(node.rpc.send(bytes))).await {
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

    /// The first of these transactions that any endpoint says is in a block.
    async fn inclusion(&self, hashes: &[B256]) -> Result<Option<Included>, ChainError> {
        for hash in hashes.iter().rev() {
            let hash = *hash;
            let answers = self.quorum.ask_all(|node| Box::pin(node.rpc.inclusion(hash))).await;
            if answers.iter().all(|(_, answer)| answer.is_err()) {
                let failure = answers.into_iter().find_map(|(_, answer)| answer.err());
                return Err(failure.unwrap_or_else(|| self.unheard()));
            }
            let mut found = answers.into_iter().filter_map(|(_, answer)| answer.ok().flatten());
            if let Some(inclusion) = found.next() {
                return Ok(Some((hash, inclusion)));
            }
        }
        Ok(None)
    }

    fn sign(&self, sent: &Sent) -> Result<Bytes, ChainError> {
        let transaction = TxEip1559 {
            chain_id: self.chain_number,
            nonce: sent.nonce,
            gas_limit: sent.gas_limit,
            max_fee_per_gas: sent.fees.max,
            max_priority_fee_per_gas: sent.fees.priority,
            to: sent.transaction.to.map_or(TxKind::Create, TxKind::Call),
            value: U256::ZERO,
            access_list: Default::default(),
            input: sent.transaction.data.clone(),
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.map_err(|_| ChainError::BadKey)?;
        Ok(transaction.into_signed(signature).encoded_2718().into())
    }

    async fn latest(&self) -> Result<Header, ChainError> {
        let latest = self.quorum.block(Finality::Latest).await?;
        latest.map(|agreed| agreed.header).ok_or_else(|| self.unheard())
    }

    async fn fees(&self, header: &Header) -> Result<Fees, ChainError> {
        let answers = self.quorum.ask_all(|node| Box::pin(node.rpc.priority_fee())).await;
        let priorities = answers.into_iter().filter_map(|(_, answer)| answer.ok()).collect();
        let base = header.base_fee.ok_or_else(|| ChainError::BadAnswer {
            endpoint: self.quorum.endpoints()[0].name().to_owned(),
            method: "eth_getBlockByNumber",
            source: "a chain without a base fee".into(),
        })?;
        Ok(Fees::usual(base, priorities))
    }

    async fn balance(&self, header: &Header) -> Result<U256, ChainError> {
        crate::adapter::balance_of(self.quorum, self.signer.address(), header).await
    }

    /// The account's next nonce: no less than is proved, no more than enough endpoints tell.
    async fn nonce(&self, header: &Header) -> Result<u64, ChainError> {
        let from = self.signer.address();
        let proved = self.quorum.any(|node| Box::pin(node.account(from, header))).await?;
        let answers = self.quorum.ask_all(|node| Box::pin(node.rpc.nonce(from))).await;
        let mut told: Vec<u64> = Vec::new();
        let mut failure = None;
        for (_, answer) in answers {
            match answer {
                Ok(nonce) => told.push(nonce),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        told.sort_unstable_by(|one, other| other.cmp(one));
        let told = told.get(self.quorum.needed().saturating_sub(1)).or(told.last()).copied();
        let told = told.ok_or_else(|| failure.unwrap_or_else(|| self.unheard()))?;
        Ok(match proved {
            Some(state) => told.clamp(state.nonce, state.nonce.saturating_add(WAITING_MAX)),
            None => told,
        })
    }

    fn no_funds(&self) -> ChainError {
        ChainError::NoFunds { account: account_id(self.chain_number, self.signer.address()) }
    }

    fn unheard(&self) -> ChainError {
        let asked = self.quorum.endpoints().len();
        let needed = self.quorum.needed();
        ChainError::Disagreement { method: "the newest block", agreeing: 0, asked, needed }
    }
}

/// What a transaction costs at most.
fn cost(fees: Fees, gas_limit: u64) -> U256 {
    U256::from(fees.max).saturating_mul(U256::from(gas_limit))
}

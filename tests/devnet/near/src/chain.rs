//! The chain: takes transactions, makes blocks when it is told to, and remembers them.
//!
//! No clock, no network: time is given, and a clone is a snapshot.

mod light;
mod look;
mod report;

use std::{collections::HashMap, time::Duration};

use near_crypto::{KeyType, SecretKey, Signer};
use near_primitives::{
    action::{Action, DeployContractAction, FunctionCallAction},
    errors::InvalidTxError,
    hash::CryptoHash,
    merkle::PartialMerkleTree,
    transaction::{SignedTransaction, Transaction, TransactionV0},
    types::{AccountId, Balance, Gas},
};

pub(crate) use self::look::contract_entries;
pub use self::{
    look::Finality,
    report::{Progress, Ran, Report},
};
use crate::{
    block::{self, Block, Frame, GAS_LIMIT},
    genesis::{self, ChainConfig, Producers},
    runtime::{self, Env},
    state::{Trie, Update},
};

/// Most transactions that wait for a block.
const POOL_MAX: usize = 10_000;
/// Most blocks that [`Chain::run`] makes: each hop of a call takes one.
const RUN_BLOCKS_MAX: usize = 1_000;
/// Most transactions of which it is remembered why they were not included.
const REFUSED_MAX: usize = 10_000;

/// A chain in memory.
#[derive(Clone, Debug)]
pub struct Chain {
    config: ChainConfig,
    producers: Producers,
    blocks: Vec<Block>,
    /// Heights by block hash.
    heights: HashMap<CryptoHash, u64>,
    /// Heights by the id of what ran: transactions and receipts.
    ran_at: HashMap<CryptoHash, u64>,
    pool: Vec<SignedTransaction>,
    refused: HashMap<CryptoHash, InvalidTxError>,
    /// Over all blocks before the head.
    merkle: PartialMerkleTree,
    patch: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    time_ns: u64,
    keys: HashMap<AccountId, SecretKey>,
    forks: u64,
}

/// A call of a contract.
#[derive(Clone, Debug)]
pub struct Call {
    /// The contract's account.
    pub contract: AccountId,
    /// Its method.
    pub method: String,
    /// What it is given.
    pub args: Vec<u8>,
    /// What it may use; what it does not use is given back.
    pub gas: Gas,
    /// What is sent along.
    pub deposit: Balance,
}

impl Call {
    /// A call with 100 TGas and no deposit.
    pub fn new(contract: &AccountId, method: &str, args: impl Into<Vec<u8>>) -> Self {
        Self {
            contract: contract.clone(),
            method: method.to_owned(),
            args: args.into(),
            gas: Gas::from_teragas(100),
            deposit: Balance::ZERO,
        }
    }

    /// The same call with a deposit.
    #[must_use]
    pub const fn with_deposit(mut self, deposit: Balance) -> Self {
        self.deposit = deposit;
        self
    }

    /// The same call with other gas.
    #[must_use]
    pub const fn with_gas(mut self, gas: Gas) -> Self {
        self.gas = gas;
        self
    }
}

impl From<Call> for Action {
    fn from(call: Call) -> Self {
        let Call { method, args, gas, deposit, .. } = call;
        let method_name = method;
        Self::FunctionCall(Box::new(FunctionCallAction { method_name, args, gas, deposit }))
    }
}

impl Chain {
    /// A chain with its first block.
    pub fn new(config: ChainConfig) -> Self {
        let producers = Producers::new(config.producers);
        let state = genesis::state(&config, &producers);
        let first = block::genesis(&config, &producers, state);
        let keys = config.accounts.iter().map(|account| (account.id.clone(), account.key.clone()));
        Self {
            keys: keys.collect(),
            producers,
            heights: HashMap::from([(*first.hash(), 0)]),
            ran_at: HashMap::new(),
            pool: Vec::new(),
            refused: HashMap::new(),
            merkle: PartialMerkleTree::default(),
            patch: Vec::new(),
            time_ns: first.header.raw_timestamp(),
            blocks: vec![first],
            forks: 0,
            config,
        }
    }

    /// How it behaves.
    pub const fn config(&self) -> &ChainConfig {
        &self.config
    }

    pub(crate) const fn producers(&self) -> &Producers {
        &self.producers
    }

    /// The newest block.
    pub fn head(&self) -> &Block {
        self.blocks.last().expect("a chain has its first block")
    }

    fn head_state(&self) -> &Trie {
        self.head().state().expect("the head's state is kept")
    }

    /// The time of the next block, in nanoseconds since 1970, if it is after the head's.
    pub const fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// Sets the time of the next block; blocks' times never go back.
    pub const fn set_time_ns(&mut self, time_ns: u64) {
        self.time_ns = time_ns;
    }

    /// Sets the time of the next block, in seconds since 1970.
    pub const fn set_time_s(&mut self, time_s: u64) {
        self.time_ns = time_s.saturating_mul(1_000_000_000);
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.time_ns = self.time_ns.max(self.head().header.raw_timestamp()).saturating_add(time_ns);
    }

    /// Takes a transaction for the next block.
    ///
    /// # Errors
    /// Why it cannot be included as the chain is now; also if another with the same key and a nonce
    /// that is not smaller waits.
    pub fn submit(&mut self, signed: SignedTransaction) -> Result<CryptoHash, InvalidTxError> {
        let hash = signed.get_hash();
        let is_known = self.ran_at.contains_key(&hash)
            || self.pool.iter().any(|waiting| waiting.get_hash() == hash);
        if is_known {
            return Ok(hash);
        }
        self.check_recent(&signed)?;
        runtime::verify(self.head_state(), &self.next_env(), &signed)?;
        let transaction = &signed.transaction;
        let same_key = self.pool.iter().map(|waiting| &waiting.transaction).filter(|waiting| {
            waiting.signer_id() == transaction.signer_id()
                && waiting.public_key() == transaction.public_key()
        });
        let tx_nonce = transaction.nonce().nonce();
        if let Some(ak_nonce) = same_key.map(|waiting| waiting.nonce().nonce()).max()
            && tx_nonce <= ak_nonce
        {
            return Err(InvalidTxError::InvalidNonce { tx_nonce, ak_nonce });
        }
        if self.pool.len() >= POOL_MAX {
            let congestion_level = 1_u8.into();
            return Err(InvalidTxError::ShardCongested { shard_id: 0, congestion_level });
        }
        self.refused.remove(&hash);
        self.pool.push(signed);
        Ok(hash)
    }

    /// Whether the block that a transaction names is one of ours, and recent enough.
    fn check_recent(&self, signed: &SignedTransaction) -> Result<(), InvalidTxError> {
        let height = self.heights.get(signed.transaction.block_hash());
        let height = height.ok_or(InvalidTxError::Expired)?;
        let age = self.head().height().saturating_sub(*height);
        if age > self.config.validity_blocks { Err(InvalidTxError::Expired) } else { Ok(()) }
    }

    /// Whether transactions or receipts wait for a block.
    pub fn is_busy(&self) -> bool {
        !self.pool.is_empty() || !self.head().outgoing.is_empty() || !self.patch.is_empty()
    }

    fn next_env(&self) -> Env {
        let head = self.head();
        let height = head.height() + 1;
        let fork = [head.seed.as_bytes(), &height.to_le_bytes()[..], &self.forks.to_le_bytes()];
        Env {
            chain_id: self.config.chain_id.clone(),
            height,
            time_ns: self.time_ns.max(head.header.raw_timestamp() + 1),
            epoch_height: head.epoch_height,
            gas_price: self.config.gas_price,
            gas_limit: GAS_LIMIT,
            seed: CryptoHash::hash_bytes(&fork.concat()),
            stakes: block::stakes_for_contracts(&self.producers),
        }
    }

    /// Makes a block of all that waits.
    pub fn produce(&mut self) -> &Block {
        let env = self.next_env();
        let mut state = self.head_state().clone();
        for (key, value) in self.patch.drain(..) {
            match value {
                Some(value) => state.insert(&key, &value),
                None => state.remove(&key),
            }
        }
        let (recent, old): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pool)
            .into_iter()
            .partition(|signed| self.check_recent(signed).is_ok());
        let incoming = self.head().outgoing.clone();
        let mut applied = runtime::apply(&state, &env, recent, incoming.clone());
        let refused = std::mem::take(&mut applied.refused).into_iter();
        let old = old.into_iter().map(|signed| (signed, InvalidTxError::Expired));
        if self.refused.len() > REFUSED_MAX {
            self.refused.clear();
        }
        self.refused.extend(refused.chain(old).map(|(signed, error)| (signed.get_hash(), error)));
        self.merkle.insert(*self.head().hash());
        let frame = Frame {
            config: &self.config,
            producers: &self.producers,
            parent: self.head(),
            grandparent: *self.head().header.prev_hash(),
            time_ns: env.time_ns,
            block_merkle_root: self.merkle.root(),
            seed: env.seed,
        };
        let block = frame.finish(applied, incoming);
        self.append(block);
        self.head()
    }

    fn append(&mut self, block: Block) {
        let height = block.height();
        self.heights.insert(*block.hash(), height);
        self.ran_at.extend(block.outcomes.iter().map(|outcome| (outcome.id, height)));
        self.time_ns = self.time_ns.max(block.header.raw_timestamp());
        self.blocks.push(block);
        let old = self.blocks.len().checked_sub(self.config.states_kept.max(3) + 1);
        if let Some(old) = old {
            self.blocks[old].state = None;
        }
    }

    /// Makes `count` blocks.
    pub fn produce_many(&mut self, count: u64) {
        for _ in 0..count {
            self.produce();
        }
    }

    /// Makes blocks until nothing waits any more, and two more so that all of it is final.
    pub fn settle(&mut self) {
        for _ in 0..RUN_BLOCKS_MAX {
            if !self.is_busy() {
                break;
            }
            self.produce();
        }
        self.produce_many(2);
    }

    /// Drops the blocks that are not final, as a fork of the chain that lost; gives back their
    /// transactions, which nobody has included any more.
    ///
    /// For tests. What comes next has other hashes.
    pub fn drop_unfinal(&mut self) -> Vec<SignedTransaction> {
        let keep = self.blocks.len().saturating_sub(2).max(1);
        let dropped = self.blocks.split_off(keep);
        let mut transactions = Vec::new();
        for block in dropped {
            self.heights.remove(block.hash());
            for outcome in &block.outcomes {
                self.ran_at.remove(&outcome.id);
            }
            transactions.extend(block.transactions);
        }
        self.merkle = PartialMerkleTree::default();
        let before_head = self.blocks.len() - 1;
        for block in &self.blocks[..before_head] {
            self.merkle.insert(*block.hash());
        }
        self.forks += 1;
        transactions
    }

    /// Writes into the next block's state, past all rules.
    pub(crate) fn patch_state(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.patch.push((key, value));
    }

    /// Makes an account out of nothing, whose key follows from its id.
    ///
    /// One that exists is overwritten.
    pub fn create_account(&mut self, id: &AccountId, balance: Balance) -> SecretKey {
        let key = SecretKey::from_seed(KeyType::ED25519, id.as_str());
        let mut update = Update::new(Trie::default());
        genesis::add_account(&mut update, id, balance, &key.public_key());
        update.keep();
        for (key, value) in update.finish().entries(&[]) {
            self.patch_state(key, Some(value.to_vec()));
        }
        self.keys.insert(id.clone(), key.clone());
        self.produce();
        key
    }

    /// The key of an account that this chain made.
    pub fn key(&self, id: &AccountId) -> Option<&SecretKey> {
        self.keys.get(id)
    }

    /// A transaction of an account that this chain made, with its next nonce.
    ///
    /// # Panics
    /// If the chain did not make the account: tests sign what is of others themselves.
    pub fn sign(
        &self,
        signer: &AccountId,
        receiver: &AccountId,
        actions: Vec<Action>,
    ) -> SignedTransaction {
        let secret = self.keys.get(signer).expect("the chain made the signer's account");
        let public_key = secret.public_key();
        let update = Update::new(self.head_state().clone());
        let nonce = update.access_key(signer, &public_key).map_or(0, |access| access.nonce);
        let waiting = self.pool.iter().map(|waiting| &waiting.transaction);
        let waiting = waiting.filter(|waiting| waiting.signer_id() == signer);
        let nonce = waiting.map(|waiting| waiting.nonce().nonce()).fold(nonce, u64::max) + 1;
        let transaction = Transaction::V0(TransactionV0 {
            signer_id: signer.clone(),
            public_key,
            nonce,
            receiver_id: receiver.clone(),
            block_hash: *self.head().hash(),
            actions,
        });
        let signer = near_crypto::InMemorySigner::from_secret_key(signer.clone(), secret.clone());
        sign(&signer, transaction)
    }

    /// Sends actions of an account that this chain made, and makes blocks until all is done.
    ///
    /// # Errors
    /// Why the transaction was not included.
    pub fn act(
        &mut self,
        signer: &AccountId,
        receiver: &AccountId,
        actions: Vec<Action>,
    ) -> Result<Report, InvalidTxError> {
        let signed = self.sign(signer, receiver, actions);
        self.run(signed)
    }

    /// Calls a contract as an account that this chain made, and makes blocks until all is done.
    ///
    /// # Errors
    /// Why the transaction was not included.
    pub fn call(&mut self, signer: &AccountId, call: Call) -> Result<Report, InvalidTxError> {
        let contract = call.contract.clone();
        self.act(signer, &contract, vec![call.into()])
    }

    /// Puts a contract on an account that this chain made.
    ///
    /// # Errors
    /// Why the transaction was not included.
    pub fn deploy(&mut self, id: &AccountId, code: &[u8]) -> Result<Report, InvalidTxError> {
        let deploy = DeployContractAction { code: code.to_vec() };
        self.act(id, id, vec![Action::DeployContract(deploy)])
    }

    /// Submits a transaction and makes blocks until all that it led to is done.
    ///
    /// # Errors
    /// Why it was not included.
    pub fn run(&mut self, signed: SignedTransaction) -> Result<Report, InvalidTxError> {
        let hash = self.submit(signed)?;
        for _ in 0..RUN_BLOCKS_MAX {
            if !self.is_busy() {
                break;
            }
            self.produce();
            if let Some(error) = self.refused.remove(&hash) {
                return Err(error);
            }
        }
        Ok(self.report(&hash).expect("it was included"))
    }

    /// Remembers why a transaction is not included, for those who ask later.
    pub(crate) fn note_refusal(&mut self, hash: CryptoHash, error: InvalidTxError) {
        if self.refused.len() >= REFUSED_MAX {
            self.refused.clear();
        }
        self.refused.insert(hash, error);
    }

    /// Why a transaction that was submitted was not included after all.
    pub fn refusal(&self, hash: &CryptoHash) -> Option<&InvalidTxError> {
        self.refused.get(hash)
    }

    /// Whether a transaction waits for a block.
    pub(crate) fn is_waiting(&self, hash: &CryptoHash) -> bool {
        self.pool.iter().any(|waiting| waiting.get_hash() == *hash)
    }
}

/// Signs a transaction.
pub fn sign(signer: &Signer, transaction: Transaction) -> SignedTransaction {
    let (hash, _) = transaction.get_hash_and_size();
    SignedTransaction::new(signer.sign(hash.as_ref()), transaction)
}

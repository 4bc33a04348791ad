//! Transactions: simulate, price, sign, send, wait for a block.

use core::time::Duration;

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559},
    eips::eip2718::Encodable2718 as _,
    primitives::{Address, B256, Bytes, TxKind, U256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use chain::{AccountKey, Call, ChainError, Locator, Receipt};
use governance::anchor::{Account, Action, Code, OnChainId};
use tokio::time::{Instant, interval};
use types::{AccountId, ChainId};

use crate::{
    adapter::{Ethereum, EthereumConfig},
    rpc::{Inclusion, Rpc, Simulated},
    wire,
};

/// How often to look whether a block has a transaction.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How much of unknown revert data an error shows, in bytes.
const SHOWN_BYTES_MAX: usize = 36;

struct Transaction<'a> {
    signer: &'a PrivateKeySigner,
    to: Option<Address>,
    data: Bytes,
    chain_number: u64,
}

impl Ethereum {
    /// Puts a new registry on the chain that the endpoint serves, paid by `key`, and waits until a
    /// block has it. One registry serves all contexts of a chain.
    ///
    /// # Errors
    /// As for [`chain::Chain::submit`].
    pub async fn deploy(config: EthereumConfig, key: &AccountKey) -> Result<Self, ChainError> {
        let rpc = Rpc::new(config.endpoint.clone(), config.timeout)?;
        let chain_number = rpc.chain_id().await?;
        let signer = signer(key)?;
        let data = wire::creation_code();
        let transaction = Transaction { signer: &signer, to: None, data, chain_number };
        let (hash, inclusion) = match transaction.run(&rpc, config.patience).await? {
            Simulated::Ran(run) => run,
            Simulated::Reverted(data) => return Err(failed(&data)),
        };
        let created = inclusion.contract_address.filter(|_| inclusion.succeeded());
        let Some(address) = created else {
            return Err(ChainError::Failed { data: format!("in transaction {hash}") });
        };
        Self::new(account_id(chain_number, address), config)
    }

    /// Whether the endpoint serves the registry's chain.
    pub(crate) async fn verify_chain(&self) -> Result<(), ChainError> {
        let found = self.rpc.chain_id().await?;
        if found == self.chain_number {
            return Ok(());
        }
        Err(ChainError::OtherChain {
            endpoint: self.rpc.name().to_owned(),
            expected: self.locator.chain().clone(),
            found: chain_id(found),
        })
    }

    pub(crate) async fn submit_call(
        &self,
        context: &OnChainId,
        call: &Call,
        key: &AccountKey,
    ) -> Result<Receipt, ChainError> {
        let signer = signer(key)?;
        if let Call::Create { salt, .. } = call
            && !creates(&self.locator, &signer, salt, context)
        {
            return Err(ChainError::BadCall { what: "the creator or salt is another's" });
        }
        let data = wire::call_data(context, call)?;
        self.verify_chain().await?;
        let (to, chain_number) = (Some(self.address), self.chain_number);
        let transaction = Transaction { signer: &signer, to, data, chain_number };
        match transaction.run(&self.rpc, self.config.patience).await? {
            Simulated::Ran((hash, inclusion)) if inclusion.succeeded() => {
                let done = wire::done(&inclusion.logs, self.address, context);
                let block = self.block(inclusion.block_hash).await?;
                let transaction = Some(wire::hash(hash));
                Ok(Receipt { transaction, block: Some(block), seq: done.seq, rev: done.rev })
            }
            // Something came between simulation and block; ask the contract what.
            Simulated::Ran(_) => match transaction.simulate(&self.rpc).await? {
                Simulated::Reverted(data) => self.refusal(context, call, &data).await,
                Simulated::Ran(_) => Err(failed(&Bytes::new())),
            },
            Simulated::Reverted(data) => self.refusal(context, call, &data).await,
        }
    }

    /// The error for a refused call, unless it would only repeat what is there.
    async fn refusal(
        &self,
        context: &OnChainId,
        call: &Call,
        revert: &Bytes,
    ) -> Result<Receipt, ChainError> {
        let code = wire::code_of(revert).ok_or_else(|| failed(revert))?;
        let done = match (call, code) {
            (Call::AcceptAdmin, Code::E51) => true,
            (Call::Create { terms, .. }, Code::E01) => {
                self.record(context).await?.0 == terms.context
            }
            (Call::Act { actions, .. }, Code::E57) => match actions.as_slice() {
                [Action::SetMembersRoot { new, .. }] => self.record(context).await?.1 == *new,
                _ => false,
            },
            _ => false,
        };
        if done {
            return Ok(Receipt { transaction: None, block: None, seq: None, rev: None });
        }
        Err(ChainError::Refused { code })
    }

    async fn record(
        &self,
        context: &OnChainId,
    ) -> Result<(types::ContextId, types::Hash), ChainError> {
        let missing = || self.rpc.nonsense("eth_getBlockByNumber", "no newest block");
        let newest = self.rpc.block("latest").await?.ok_or_else(missing)?;
        let at = wire::word(&newest.reference().hash);
        let answer = self.rpc.view(self.address, &wire::record_call(context), at).await?;
        wire::record_answer(&answer).ok_or_else(|| self.rpc.nonsense("eth_call", "not a record"))
    }
}

impl Transaction<'_> {
    async fn simulate(&self, rpc: &Rpc) -> Result<Simulated<u64>, ChainError> {
        rpc.estimate_gas(self.signer.address(), self.to, &self.data).await
    }

    async fn run(
        &self,
        rpc: &Rpc,
        patience: Duration,
    ) -> Result<Simulated<(B256, Inclusion)>, ChainError> {
        let gas = match self.simulate(rpc).await? {
            Simulated::Ran(gas) => gas,
            Simulated::Reverted(data) => return Ok(Simulated::Reverted(data)),
        };
        let signed = self.sign(rpc, gas).await?;
        let hash = rpc.send(&signed).await?;
        let inclusion = await_inclusion(rpc, hash, patience).await?;
        Ok(Simulated::Ran((hash, inclusion)))
    }

    async fn sign(&self, rpc: &Rpc, gas: u64) -> Result<Vec<u8>, ChainError> {
        let from = self.signer.address();
        let missing = || rpc.nonsense("eth_getBlockByNumber", "no newest block, or no base fee");
        let newest = rpc.block("latest").await?.and_then(|header| header.base_fee_per_gas);
        let base_fee = newest.ok_or_else(missing)?;
        let priority_fee = rpc.priority_fee().await?;
        // Stays valid over six full blocks in a row, each of which raises the base fee by 1/8.
        let max_fee = base_fee.saturating_mul(U256::from(2)).saturating_add(priority_fee);
        // State may change before the block: the estimate and a fifth.
        let gas_limit = gas.saturating_add(gas / 5);
        if rpc.balance(from).await? < max_fee.saturating_mul(U256::from(gas_limit)) {
            let account = account_id(self.chain_number, from);
            return Err(ChainError::NoFunds { account });
        }
        let fee = |fee: U256| {
            u128::try_from(fee).map_err(|_| rpc.nonsense("eth_maxPriorityFeePerGas", "no fee"))
        };
        let transaction = TxEip1559 {
            chain_id: self.chain_number,
            nonce: rpc.nonce(from).await?,
            gas_limit,
            max_fee_per_gas: fee(max_fee)?,
            max_priority_fee_per_gas: fee(priority_fee)?,
            to: self.to.map_or(TxKind::Create, TxKind::Call),
            value: U256::ZERO,
            access_list: Default::default(),
            input: self.data.clone(),
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.map_err(|_| ChainError::BadKey)?;
        Ok(transaction.into_signed(signature).encoded_2718())
    }
}

async fn await_inclusion(
    rpc: &Rpc,
    hash: B256,
    patience: Duration,
) -> Result<Inclusion, ChainError> {
    let until = Instant::now() + patience;
    let mut look = interval(LOOK_EVERY);
    while Instant::now() < until {
        look.tick().await;
        if let Some(inclusion) = rpc.inclusion(hash).await? {
            return Ok(inclusion);
        }
    }
    Err(ChainError::NotIncluded { transaction: wire::hash(hash) })
}

fn signer(key: &AccountKey) -> Result<PrivateKeySigner, ChainError> {
    PrivateKeySigner::from_slice(key.as_bytes()).map_err(|_| ChainError::BadKey)
}

fn creates(
    locator: &Locator,
    signer: &PrivateKeySigner,
    salt: &[u8; 32],
    context: &OnChainId,
) -> bool {
    let creator = Account::new(signer.address().as_slice());
    creator.is_some_and(|creator| locator.registry().context(&creator, salt) == *context)
}

fn chain_id(number: u64) -> ChainId {
    format!("eip155:{number}").parse().expect("a number is a legal reference")
}

pub(crate) fn account_id(chain_number: u64, address: Address) -> AccountId {
    AccountId::new(&chain_id(chain_number), &address.to_string()).expect("an address is legal")
}

fn failed(revert: &Bytes) -> ChainError {
    let shown = revert.get(..SHOWN_BYTES_MAX).unwrap_or(revert);
    ChainError::Failed { data: Bytes::copy_from_slice(shown).to_string() }
}

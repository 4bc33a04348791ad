//! Calls as transactions: simulated first, sent, and followed until a block has one.

mod fees;
mod outstanding;
mod sender;

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::local::PrivateKeySigner,
};
use chain::{AccountKey, Beside, Call, ChainError, Locator, Receipt, Signer, repeats};
use governance::{
    anchor::{Account, OnChainId},
    log::BlockRef,
};
use types::{AccountId, ChainId};

pub(crate) use self::outstanding::Outstanding;
use self::sender::{Sender, Transaction};
use crate::{
    adapter::{self, Ethereum, EthereumConfig},
    endpoint::Node,
    rpc::{Inclusion, Simulated},
    wire,
};

/// How much of unknown revert data an error shows, in bytes.
const SHOWN_BYTES_MAX: usize = 36;

impl Ethereum {
    /// Puts a new registry on the chain that the endpoints serve, paid by `key`, and waits until a
    /// block has it. One registry serves all contexts of a chain.
    ///
    /// # Errors
    /// As for [`chain::Chain::submit`].
    pub async fn deploy(config: EthereumConfig, key: &AccountKey) -> Result<Self, ChainError> {
        let signer = signer(key)?;
        let quorum = adapter::quorum(&config, Address::ZERO)?;
        let chain_ids = quorum.agree("eth_chainId", |node| Box::pin(node.rpc.chain_id()));
        let (chain_number, _) = chain_ids.await?;
        let transaction = Transaction { to: None, data: wire::creation_code() };
        let outstanding = Outstanding::default();
        let sender = Sender {
            quorum: &quorum,
            config: &config,
            outstanding: &outstanding,
            signer: &signer,
            chain_number,
        };
        let (hash, inclusion) = match sender.run(&transaction).await? {
            Simulated::Ran(run) => run,
            Simulated::Reverted(data) => return Err(failed(&data)),
        };
        let created = inclusion.contract_address.filter(|_| inclusion.succeeded());
        let Some(address) = created else {
            return Err(ChainError::Failed { data: format!("in transaction {hash}") });
        };
        Self::new(account_id(chain_number, address), config)
    }

    pub(crate) async fn submit_call(
        &self,
        context: &OnChainId,
        call: &Call,
        Signer { account, key }: &Signer,
    ) -> Result<Receipt, ChainError> {
        let signer = signer(key)?;
        if account_id(self.chain_number, signer.address()) != *account {
            return Err(ChainError::BadKey);
        }
        if let Call::Create { salt, .. } = call
            && !creates(&self.locator, &signer, salt, context)
        {
            return Err(ChainError::BadCall { what: "the creator or salt is another's" });
        }
        let data = wire::call_data(context, call)?;
        self.verify_chain().await?;
        let transaction = Transaction { to: Some(self.address), data };
        let sender = Sender {
            quorum: &self.quorum,
            config: &self.config,
            outstanding: &self.outstanding,
            signer: &signer,
            chain_number: self.chain_number,
        };
        match sender.run(&transaction).await? {
            Simulated::Ran((hash, inclusion)) if inclusion.succeeded() => {
                let done = wire::done(&inclusion.logs, self.address, context);
                let block = self.block_of(&inclusion).await?;
                let transaction = Some(wire::hash(hash));
                Ok(Receipt { transaction, block, seq: done.seq, rev: done.rev })
            }
            // Something came between simulation and block; ask the contract what.
            Simulated::Ran((hash, _)) => match sender.simulate(&transaction).await? {
                Simulated::Reverted(data) => self.refusal(context, call, &data).await,
                Simulated::Ran(_) => {
                    Err(ChainError::Failed { data: format!("in transaction {hash}") })
                }
            },
            Simulated::Reverted(data) => self.refusal(context, call, &data).await,
        }
    }

    async fn block_of(&self, inclusion: &Inclusion) -> Result<Option<BlockRef>, ChainError> {
        use chain::{Endpoint as _, Header as _};
        let height = inclusion.block_number.to();
        let header = self.quorum.any(|node| node.header(height)).await?;
        Ok(header.map(|header| header.block()))
    }

    /// The error for a refused call, unless it would only repeat what is there.
    async fn refusal(
        &self,
        context: &OnChainId,
        call: &Call,
        revert: &Bytes,
    ) -> Result<Receipt, ChainError> {
        let code = wire::code_of(revert).ok_or_else(|| failed(revert))?;
        if repeats(call, code, &self.beside(context).await?) {
            return Ok(Receipt { transaction: None, block: None, seq: None, rev: None });
        }
        Err(ChainError::Refused { code })
    }

    async fn beside(&self, context: &OnChainId) -> Result<Beside, ChainError> {
        let height = self.latest().await?.number;
        let data = wire::record_call(context);
        self.quorum.any(|node| Box::pin(node.beside(&data, height))).await
    }
}

impl Node {
    async fn beside(&self, call: &Bytes, height: u64) -> Result<Beside, ChainError> {
        let answer = match self.rpc.view(Some(self.registry), call, height).await? {
            Simulated::Ran(answer) => wire::record_answer(&answer),
            Simulated::Reverted(_) => None,
        };
        let read = answer.ok_or_else(|| self.rpc.nonsense("eth_call", "not a record"));
        read.map(|(context, members_root)| Beside { context, members_root })
    }
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

pub(crate) fn chain_id(number: u64) -> ChainId {
    format!("eip155:{number}").parse().expect("a number is a legal reference")
}

pub(crate) fn account_id(chain_number: u64, address: Address) -> AccountId {
    AccountId::new(&chain_id(chain_number), &address.to_string()).expect("an address is legal")
}

fn failed(revert: &Bytes) -> ChainError {
    let shown = revert.get(..SHOWN_BYTES_MAX).unwrap_or(revert);
    ChainError::Failed { data: Bytes::copy_from_slice(shown).to_string() }
}

/// A transaction's hash, and the block's word about it.
type Included = (B256, Inclusion);

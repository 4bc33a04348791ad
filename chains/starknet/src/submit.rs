//! Calls as transactions: simulated first, sent, and followed until a block has one; and the
//! registry itself, declared and deployed.

mod outstanding;
mod sender;

use chain::{Beside, Call, Chain as _, ChainError, Receipt, Signer, repeats};
use governance::{
    anchor::{Account, OnChainId},
    log::BlockRef,
};
use serde_json::Value;

pub(crate) use self::outstanding::Outstanding;
use self::sender::{Outcome, Sender};
use crate::{
    adapter::{self, Starknet, StarknetConfig, account_id, address_on, chain_id},
    artifact,
    block::to_hash,
    felt::{Felt, selector},
    hash::FeltHash,
    rpc::{Inclusion, Ran, shown},
    transaction::{Body, Invocation},
    wallet::account::contract_address,
    wire,
};

/// Deploys what it is asked to, on all of Starknet's chains. Source: OpenZeppelin, Universal
/// Deployer Contract 2.0.
const DEPLOYER: Felt =
    Felt::from_hex_unchecked("0x02ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125");

impl Starknet {
    /// Declares the registry's class where it is not, puts a new registry on the chain that the
    /// endpoints serve, paid by `signer`, and waits until a block has it. One registry serves all
    /// contexts of a chain.
    ///
    /// # Errors
    /// As for [`chain::Chain::submit`] and [`chain::Chain::verify_registry`].
    pub async fn deploy(config: StarknetConfig, signer: &Signer) -> Result<Self, ChainError> {
        let quorum = adapter::quorum(&config, Felt::ZERO)?;
        let names = quorum.agree("starknet_chainId", |node| Box::pin(node.rpc.chain_id()));
        let (chain_name, _) = names.await?;
        let unnamed = || ChainError::BadAccount { account: signer.account.clone() };
        let chain = chain_id(&chain_name).ok_or_else(unnamed)?;
        let account = address_on(&chain, &signer.account)?;
        let outstanding = Outstanding::default();
        let sender = Sender {
            quorum: &quorum,
            config: &config,
            outstanding: &outstanding,
            chain: &chain,
            chain_name,
            account,
            key: &signer.key,
        };
        let declaration = artifact::declaration();
        let class_hash = declaration.class_hash;
        if !quorum.any(|node| Box::pin(node.rpc.has_class(class_hash))).await? {
            done(sender.run(&Body::Declare(declaration)).await?)?;
        }
        // The deployer hashes the account into the salt, so that nobody else takes the address.
        let salt = Felt::from(sender.nonce().await?);
        let calldata = vec![class_hash, salt, Felt::ONE, Felt::ZERO];
        let (to, selector) = (DEPLOYER, selector("deployContract"));
        done(sender.run(&Body::Invoke(Invocation { to, selector, calldata })).await?)?;
        let salt = FeltHash::Pedersen.pair(&account, &salt);
        let address = contract_address(&DEPLOYER, &salt, &class_hash, &[]);
        let registry = Self::new(account_id(&chain, &address), config)?;
        registry.verify_registry().await?;
        Ok(registry)
    }

    pub(crate) async fn submit_call(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        let account = self.account(&signer.account)?;
        if let Call::Create { salt, .. } = call
            && !self.creates(account, salt, context)
        {
            return Err(ChainError::BadCall { what: "the creator or salt is another's" });
        }
        let body = Body::Invoke(wire::invocation(self.address, context, call)?);
        self.verify_chain().await?;
        let chain = self.locator.chain();
        let sender = Sender {
            quorum: &self.quorum,
            config: &self.config,
            outstanding: &self.outstanding,
            chain,
            chain_name: adapter::chain_name(chain).unwrap_or_default(),
            account,
            key: &signer.key,
        };
        match sender.run(&body).await? {
            Outcome::Included((hash, inclusion)) if inclusion.has_succeeded => {
                let done = wire::done(&inclusion.events, self.address, context);
                let block = self.block_of(&inclusion).await?;
                let transaction = Some(to_hash(&hash));
                Ok(Receipt { transaction, block, seq: done.seq, rev: done.rev })
            }
            // Something came between simulation and block; ask the contract what.
            Outcome::Included((_, inclusion)) => match sender.simulate(&body).await? {
                Ran::Reverted(reason) => self.refusal(context, call, &reason).await,
                Ran::Well(_) | Ran::Nothing => {
                    self.refusal(context, call, &Value::from(inclusion.reason)).await
                }
            },
            Outcome::Refused(reason) => self.refusal(context, call, &reason).await,
            Outcome::Declared => Err(ChainError::BadCall { what: "it declares a class" }),
        }
    }

    fn creates(&self, account: Felt, salt: &[u8; 32], context: &OnChainId) -> bool {
        let creator: Option<Account> = wire::account(&account);
        let registry = self.locator.registry();
        creator.is_some_and(|creator| registry.context(&creator, salt) == *context)
    }

    async fn block_of(&self, inclusion: &Inclusion) -> Result<Option<BlockRef>, ChainError> {
        use chain::{Endpoint as _, Header as _};
        let Some((hash, height)) = inclusion.block else { return Ok(None) };
        let header = self.quorum.any(|node| node.header(height)).await?;
        let header = header.filter(|header| header.hash == hash);
        Ok(header.map(|header| header.block()))
    }

    /// The error for a refused call, unless it would only repeat what is there.
    async fn refusal(
        &self,
        context: &OnChainId,
        call: &Call,
        reason: &Value,
    ) -> Result<Receipt, ChainError> {
        let code = wire::code_of(reason).ok_or_else(|| failed(reason))?;
        if repeats(call, code, &self.beside(context).await?) {
            return Ok(Receipt { transaction: None, block: None, seq: None, rev: None });
        }
        Err(ChainError::Refused { code })
    }

    async fn beside(&self, context: &OnChainId) -> Result<Beside, ChainError> {
        let latest = self.latest().await?;
        let arguments = wire::context_arguments(context);
        let (arguments, latest) = (&arguments, &latest);
        let asked = self.quorum.any(|node| {
            Box::pin(async move {
                let beside = node.view("record", arguments, latest, wire::beside).await?;
                beside.ok_or_else(|| node.rpc.nonsense("starknet_call", "not the registry"))
            })
        });
        let wire::Beside { context, members_root, .. } = asked.await?;
        Ok(Beside { context, members_root })
    }
}

/// A transaction's hash, and what became of it.
type Included = (Felt, Inclusion);

/// That a transaction did what it should.
fn done(outcome: Outcome) -> Result<(), ChainError> {
    match outcome {
        Outcome::Declared => Ok(()),
        Outcome::Included((_, inclusion)) if inclusion.has_succeeded => Ok(()),
        Outcome::Included((_, inclusion)) => Err(failed(&Value::from(inclusion.reason))),
        Outcome::Refused(reason) => Err(failed(&reason)),
    }
}

fn failed(reason: &Value) -> ChainError {
    ChainError::Failed { data: shown(&innermost(reason)) }
}

/// The end of a reason, which says most: texts tell it from the account inwards.
fn innermost(reason: &Value) -> String {
    const CHARS: usize = 80;
    let text = reason.as_str().map_or_else(|| reason.to_string(), str::to_owned);
    let skipped = text.chars().count().saturating_sub(CHARS);
    text.chars().skip(skipped).collect()
}

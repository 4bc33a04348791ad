//! Calls as transactions: tried on the model first, sent, and followed until a block has one.

mod outstanding;
mod sender;

use chain::{Beside, Call, ChainError, Header as _, Receipt, Signer, repeats};
use governance::{
    anchor::{Account, Code, OnChainId, Record},
    log::BlockRef,
};
use near_primitives::{
    gas::Gas,
    transaction::{
        Action, CreateAccountAction, DeployContractAction, FunctionCallAction, TransferAction,
    },
    types::Balance,
};
use types::ChainId;

pub(crate) use self::outstanding::Outstanding;
use self::sender::Ended;
pub(crate) use self::sender::{Sender, Transaction};
use crate::{
    adapter::{self, Near, NearConfig},
    endpoint::hash,
    proposals::{At, Reading},
    registry::{self, Ask, Host},
    rpc::{Outcome, Ran},
    wallet::NearId,
};

/// How much of an unknown failure an error shows, in characters.
const SHOWN_CHARS_MAX: usize = 160;
/// How much later than the newest block a call may run, in seconds: what is refused now and not
/// then is not foreseen to be refused.
const SOON_S: u64 = 5;
/// One byte of state, in yoctoNEAR. Source: near-parameters, `storage_amount_per_byte`.
const BYTE_PRICE: u128 = 10_u128.pow(19);
/// What a new registry gets besides what its code takes: 0.1 NEAR.
const SPARE: u128 = 10_u128.pow(23);

impl Near {
    /// Puts a new registry on the chain that the endpoints serve: the account `name` below the
    /// signer's, which pays for it. It has no key, so that nobody can replace the code. One
    /// registry serves all contexts of a chain.
    ///
    /// # Errors
    /// [`ChainError::BadAccount`] if the signer's account is none of that chain;
    /// [`ChainError::BadCall`] if an account below it cannot have that name; else as for
    /// [`chain::Chain::submit`].
    pub async fn deploy(
        config: NearConfig,
        signer: &Signer,
        name: &str,
    ) -> Result<Self, ChainError> {
        let bad = || ChainError::BadAccount { account: signer.account.clone() };
        let parent = NearId::from_account(&signer.account).ok_or_else(bad)?;
        let below: Result<NearId, _> = format!("{name}.{parent}").parse();
        let registry = below.ok().filter(|_| !name.contains('.'));
        let registry = registry.ok_or(ChainError::BadCall { what: "no account has that name" })?;
        let quorum = adapter::quorum(&config, &registry)?;
        let chain = quorum.agree("status", |node| Box::pin(adapter::served(node)));
        let chain: ChainId = chain.await?.0;
        let account = registry.to_account(&chain).filter(|_| signer.account.chain() == chain);
        let account = account.ok_or_else(bad)?;
        let outstanding = Outstanding::default();
        let sender = Sender {
            quorum: &quorum,
            patience: config.patience,
            outstanding: &outstanding,
            signer,
            account: parent,
        };
        let transaction = Transaction { receiver: registry, actions: deployment() };
        let (_, outcome) = sender.run(&transaction).await?;
        match outcome.ended {
            Ran::Value => Self::new(account, config),
            Ran::Failed(text) => Err(failed(&text)),
        }
    }

    pub(crate) async fn submit_call(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Receipt, ChainError> {
        let account = self.id(&signer.account)?;
        if let Call::Create { salt, .. } = call
            && self.locator.context(&signer.account, salt) != Some(*context)
        {
            return Err(ChainError::BadCall { what: "the creator or salt is another's" });
        }
        let action = function_call(Ask::new(context, call)?);
        self.verify_chain().await?;
        let (record, refused) = self.foresee(context, call, &signer.account).await?;
        if let Some(code) = refused {
            return refusal(call, code, record.as_ref());
        }
        let sender = self.sender(account, signer);
        let transaction = Transaction { receiver: self.registry.clone(), actions: vec![action] };
        let ended = sender.run(&transaction).await?;
        self.receipt(context, call, ended, &sender).await
    }

    pub(crate) fn sender<'a>(&'a self, account: NearId, signer: &'a Signer) -> Sender<'a> {
        Sender {
            quorum: &self.quorum,
            patience: self.config.patience,
            outstanding: &self.outstanding,
            signer,
            account,
        }
    }

    /// What a transaction that has ended came to.
    pub(crate) async fn receipt(
        &self,
        context: &OnChainId,
        call: &Call,
        (transaction, outcome): Ended,
        sender: &Sender<'_>,
    ) -> Result<Receipt, ChainError> {
        if let Ran::Failed(text) = &outcome.ended {
            // Something came between trying and block.
            let code = registry::code_of(text).ok_or_else(|| failed(text))?;
            let record = self.record_now(context, None).await?;
            return refusal(call, code, record.as_ref());
        }
        let done = self.done(&outcome, context);
        let block = self.block_of(&outcome, sender).await?;
        let transaction = Some(hash(&transaction));
        Ok(Receipt { transaction, block, seq: done.seq, rev: done.rev })
    }

    fn done(&self, outcome: &Outcome, context: &OnChainId) -> registry::Done {
        let own = outcome.receipts.iter().filter(|ran| ran.executor == self.registry.as_str());
        registry::done(own.flat_map(|ran| &ran.logs), context)
    }

    /// The block that commits to what the contract did: the one after it ran.
    async fn block_of(
        &self,
        outcome: &Outcome,
        sender: &Sender<'_>,
    ) -> Result<Option<BlockRef>, ChainError> {
        let ran = outcome.receipts.iter().find(|ran| ran.executor == self.registry.as_str());
        let Some(ran) = ran else { return Ok(None) };
        let ran_in = self.quorum.any(|node| Box::pin(node.rpc.block_by_hash(&ran.block))).await?;
        let Some(ran_in) = ran_in else { return Ok(None) };
        let height = ran_in.block().height;
        sender.commit(height).await?;
        let next = self.quorum.any(|node| Box::pin(node.next_block(height))).await?;
        Ok(next.map(|next| next.block()))
    }

    /// What the contract will refuse `call` with, by the model that it runs; and the record as it
    /// stands.
    async fn foresee(
        &self,
        context: &OnChainId,
        call: &Call,
        caller: &types::AccountId,
    ) -> Result<(Option<Record>, Option<Code>), ChainError> {
        let bad = || ChainError::BadAccount { account: caller.clone() };
        let caller = Account::from_id(caller).ok_or_else(bad)?;
        let now_s = self.latest().await?.block().time_s;
        let record = self.record_now(context, Some((&caller, call))).await?;
        let refused = match (&record, call) {
            (Some(_), Call::Create { .. }) => Some(Code::E01),
            (None, Call::Create { salt, terms }) => {
                let registry = self.locator.registry();
                Record::create(registry, &caller, *salt, terms.clone()).err()
            }
            (None, call) => call.refusal_without_record(),
            (Some(record), call) => {
                let at = |now_s| record.after(&caller, call, now_s, &Host).err();
                at(now_s).filter(|_| at(now_s.saturating_add(SOON_S)).is_some())
            }
        };
        Ok((record, refused))
    }

    /// The record after the newest block, as enough endpoints tell it, with what `call` by a caller
    /// looks at.
    async fn record_now(
        &self,
        context: &OnChainId,
        asked: Option<(&Account, &Call)>,
    ) -> Result<Option<Record>, ChainError> {
        let block = self.latest().await?;
        let domain = self.locator.registry().log_start(context);
        let at = &block.hash;
        let told = self.quorum.agree("the record", |node| {
            Box::pin(async move {
                let mut reading = Reading::new(node, context, At::After(at));
                let Some(mut record) = reading.record(domain).await? else { return Ok(None) };
                if let Some((caller, Call::AcceptAdmin)) = asked {
                    let until_s = reading.nomination(caller).await?;
                    record.nominated.extend(until_s.map(|until_s| (caller.clone(), until_s)));
                }
                Ok(Some(record))
            })
        });
        Ok(told.await?.0)
    }
}

/// The error for a refused call, unless it would only repeat what is there.
fn refusal(call: &Call, code: Code, record: Option<&Record>) -> Result<Receipt, ChainError> {
    let beside = |record: &Record| Beside {
        context: record.terms.context,
        members_root: record.terms.members_root,
    };
    if record.is_some_and(|record| repeats(call, code, &beside(record))) {
        return Ok(Receipt { transaction: None, block: None, seq: None, rev: None });
    }
    Err(ChainError::Refused { code })
}

pub(crate) fn function_call(ask: Ask) -> Action {
    Action::FunctionCall(Box::new(FunctionCallAction {
        method_name: ask.method.to_owned(),
        args: ask.args,
        gas: Gas::from_gas(ask.gas),
        deposit: Balance::from_yoctonear(ask.deposit),
    }))
}

/// Makes the account, pays for its code, gives it the code, and leaves it without a key.
fn deployment() -> Vec<Action> {
    let code = registry::CODE.to_vec();
    let bytes = u128::try_from(code.len()).unwrap_or(u128::MAX);
    let deposit = bytes.saturating_mul(BYTE_PRICE).saturating_add(SPARE);
    let deposit = Balance::from_yoctonear(deposit);
    vec![
        Action::CreateAccount(CreateAccountAction {}),
        Action::Transfer(TransferAction { deposit }),
        Action::DeployContract(DeployContractAction { code }),
    ]
}

pub(crate) fn failed(text: &str) -> ChainError {
    ChainError::Failed { data: text.chars().take(SHOWN_CHARS_MAX).collect() }
}

//! What an endpoint is asked, and how its answers are read. Nothing is believed here but the form,
//! and a block's own hash. Source: near.org, RPC.

mod outcome;
mod transport;

use core::{num::NonZeroU32, time::Duration};

use chain::ChainError;
use near_jsonrpc_client::methods::{
    EXPERIMENTAL_validators_ordered::RpcValidatorsOrderedRequest,
    RpcMethod,
    block::RpcBlockRequest,
    next_light_client_block::RpcLightClientNextBlockRequest,
    query::RpcQueryRequest,
    send_tx::RpcSendTransactionRequest,
    status::RpcStatusRequest,
    tx::{RpcTransactionStatusRequest, TransactionInfo},
};
use near_primitives::{
    transaction::SignedTransaction,
    types::{BlockId, BlockReference, StoreKey},
    views::{
        AccessKeyList, AccountView, CallResult, QueryRequest, TxExecutionStatus, ViewStateResult,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use self::transport::Transport;
pub(crate) use self::{
    outcome::{Invalid, Outcome, Progress, Ran, Sent},
    transport::Refusal,
};
use crate::{
    proof::{Block, FullBlock, Producer},
    wallet::{FullAccess, NearId, NoAccess, PublicKey},
    wire::CryptoHash,
};

/// Values that are asked for at once where there are no proofs: a record has 64 batches.
const ITEMS_MAX: u32 = 128;

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Rpc(Transport);

/// What a view of a contract came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// It returned this.
    Ran(Vec<u8>),
    /// It failed, with this text.
    Failed(String),
    /// There is no such account, or it has no code.
    NoCode,
}

/// What there is to say about an account in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountAt {
    /// Of its code; that of nothing where it has none of its own.
    pub(crate) code_hash: CryptoHash,
    /// Of shared code that it uses.
    pub(crate) shared_code: Option<CryptoHash>,
    /// Whether it uses shared code that another account may replace.
    pub(crate) follows_account: bool,
    /// What it has, in yoctoNEAR.
    pub(crate) amount: u128,
}

impl Rpc {
    pub(crate) fn new(url: Url, timeout: Duration) -> Result<Self, ChainError> {
        Transport::new(url, timeout).map(Self)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    /// The network's name, such as `mainnet`.
    pub(crate) async fn chain_name(&self) -> Result<String, ChainError> {
        const METHOD: &str = "status";
        let status = self.expect(METHOD, &RpcStatusRequest).await?;
        let name = status.get("chain_id").and_then(Value::as_str);
        name.map(str::to_owned).ok_or_else(|| self.nonsense(METHOD, "no chain id"))
    }

    /// A block; `None` if the endpoint has none there, or no longer.
    pub(crate) async fn block(&self, at: BlockReference) -> Result<Option<FullBlock>, ChainError> {
        const METHOD: &str = "block";
        let value = match self.0.exchange(METHOD, &RpcBlockRequest { block_reference: at }).await? {
            Ok(value) => value,
            Err(refusal) if refusal.is_unknown_block() => return Ok(None),
            Err(refusal) => return Err(self.0.refused(METHOD, refusal)),
        };
        let view = self.typed(METHOD, value)?;
        FullBlock::new(&view).map(Some).map_err(|error| self.0.lied(METHOD, error.to_string()))
    }

    pub(crate) async fn block_by_hash(
        &self,
        hash: &CryptoHash,
    ) -> Result<Option<FullBlock>, ChainError> {
        let found = self.block(by_hash(hash)).await?;
        match found {
            Some(block) if block.hash != *hash => Err(self.0.lied("block", "another block")),
            found => Ok(found),
        }
    }

    /// What a contract has at keys that begin with `prefix`, after the block `at`, with the nodes
    /// of the trie that show it, or without where the contract has too much for this endpoint to
    /// show with them; `None` if it no longer has that block.
    pub(crate) async fn state(
        &self,
        account: &NearId,
        prefix: &[u8],
        at: &CryptoHash,
    ) -> Result<Option<ViewStateResult>, ChainError> {
        const METHOD: &str = "view_state";
        let account_id = self.account_id(account)?;
        let request = |limit, include_proof| QueryRequest::ViewState {
            account_id: account_id.clone(),
            prefix: StoreKey::from(prefix.to_vec()),
            after_key: None,
            limit,
            include_proof,
        };
        let mut answer = self.query(METHOD, request(None, true), at).await?;
        if answer.as_ref().is_err_and(|refusal| refusal.is("TOO_LARGE_CONTRACT_STATE")) {
            // Pages have no such bound, and no proofs.
            answer = self.query(METHOD, request(NonZeroU32::new(ITEMS_MAX), false), at).await?;
        }
        match answer {
            Ok(value) => self.typed(METHOD, value).map(Some),
            Err(refusal) if refusal.is_unknown_block() => Ok(None),
            Err(refusal) if refusal.is("UNKNOWN_ACCOUNT") => {
                let (values, proof, last_key) = (Vec::new(), Vec::new(), None);
                Ok(Some(ViewStateResult { values, proof, last_key }))
            }
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    /// What a contract's view returns after the block `at`; `None` if the endpoint no longer has
    /// that block.
    pub(crate) async fn view(
        &self,
        account: &NearId,
        method_name: &str,
        args: &Value,
        at: &CryptoHash,
    ) -> Result<Option<View>, ChainError> {
        const METHOD: &str = "call_function";
        let request = QueryRequest::CallFunction {
            account_id: self.account_id(account)?,
            method_name: method_name.to_owned(),
            args: args.to_string().into_bytes().into(),
        };
        let value = match self.query(METHOD, request, at).await? {
            Ok(value) => value,
            Err(refusal) if refusal.is_unknown_block() => return Ok(None),
            Err(refusal) if refusal.is("UNKNOWN_ACCOUNT") || refusal.is("NO_CONTRACT_CODE") => {
                return Ok(Some(View::NoCode));
            }
            Err(refusal) if refusal.is("CONTRACT_EXECUTION_ERROR") => {
                let text = refusal.info.get("vm_error").and_then(Value::as_str);
                return Ok(Some(View::Failed(text.unwrap_or(&refusal.text).to_owned())));
            }
            Err(refusal) => return Err(self.0.refused(METHOD, refusal)),
        };
        if let Some(text) = value.get("error").and_then(Value::as_str) {
            // Older endpoints put it here.
            let is_absent = text.contains("CodeDoesNotExist");
            let failed = || View::Failed(text.to_owned());
            return Ok(Some(if is_absent { View::NoCode } else { failed() }));
        }
        let CallResult { result, .. } = self.typed(METHOD, value)?;
        Ok(Some(View::Ran(result)))
    }

    /// What the block `at` says of `key`; `None` if the endpoint no longer has that block.
    pub(crate) async fn access_key(
        &self,
        account: &NearId,
        key: &PublicKey,
        at: &CryptoHash,
    ) -> Result<Option<Result<FullAccess, NoAccess>>, ChainError> {
        self.access_key_by(account, key, by_hash(at)).await
    }

    /// As [`Rpc::access_key`], in whatever block is meant.
    pub(crate) async fn access_key_by(
        &self,
        account: &NearId,
        key: &PublicKey,
        block_reference: BlockReference,
    ) -> Result<Option<Result<FullAccess, NoAccess>>, ChainError> {
        const METHOD: &str = "view_access_key";
        let public_key = key.to_string().parse();
        let public_key = public_key.map_err(|_| self.nonsense(METHOD, "no key of NEAR"))?;
        let account_id = self.account_id(account)?;
        let request = QueryRequest::ViewAccessKey { account_id, public_key };
        let question = RpcQueryRequest { block_reference, request };
        let response = match self.0.exchange(METHOD, &question).await? {
            Ok(value) => serde_json::json!({ "result": value }),
            Err(refusal) if refusal.is_unknown_block() => return Ok(None),
            Err(refusal) => serde_json::json!({ "error": { "cause": { "name": refusal.name } } }),
        };
        match FullAccess::from_response(&response) {
            Err(error @ (NoAccess::Failed(_) | NoAccess::Malformed(_))) => {
                Err(self.0.bad(METHOD, error.into()))
            }
            answer => Ok(Some(answer)),
        }
    }

    /// Whether `account` has any access key after the block `at`.
    pub(crate) async fn has_keys(
        &self,
        account: &NearId,
        at: &CryptoHash,
    ) -> Result<bool, ChainError> {
        const METHOD: &str = "view_access_key_list";
        let request = QueryRequest::ViewAccessKeyList {
            account_id: self.account_id(account)?,
            after_key: None,
            limit: None,
        };
        match self.query(METHOD, request, at).await? {
            Ok(value) => self.typed(METHOD, value).map(|list: AccessKeyList| !list.keys.is_empty()),
            Err(refusal) if refusal.is("TOO_MANY_ACCESS_KEYS") => Ok(true),
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    /// An account after the block `at`; `None` within if there is none, and without if the endpoint
    /// no longer has that block.
    pub(crate) async fn account(
        &self,
        account: &NearId,
        at: &CryptoHash,
    ) -> Result<Option<Option<AccountAt>>, ChainError> {
        const METHOD: &str = "view_account";
        let request = QueryRequest::ViewAccount { account_id: self.account_id(account)? };
        match self.query(METHOD, request, at).await? {
            Ok(value) => self.typed(METHOD, value).map(|view| Some(Some(AccountAt::of(&view)))),
            Err(refusal) if refusal.is("UNKNOWN_ACCOUNT") => Ok(Some(None)),
            Err(refusal) if refusal.is_unknown_block() => Ok(None),
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    /// Hands a transaction in, and waits a little for what comes of it.
    pub(crate) async fn send(&self, transaction: &SignedTransaction) -> Result<Sent, ChainError> {
        const METHOD: &str = "send_tx";
        let question = RpcSendTransactionRequest {
            signed_transaction: transaction.clone(),
            wait_until: TxExecutionStatus::ExecutedOptimistic,
        };
        match self.0.exchange(METHOD, &question).await? {
            Ok(value) => Ok(Outcome::read(&value).map_or(Sent::Taken, Sent::Done)),
            Err(refusal) => self.sent(METHOD, refusal),
        }
    }

    /// How far a transaction is.
    pub(crate) async fn progress(
        &self,
        hash: &CryptoHash,
        sender: &NearId,
    ) -> Result<Progress, ChainError> {
        const METHOD: &str = "tx";
        let (tx_hash, sender_account_id) = (theirs(hash), self.account_id(sender)?);
        let question = RpcTransactionStatusRequest {
            transaction_info: TransactionInfo::TransactionId { tx_hash, sender_account_id },
            wait_until: TxExecutionStatus::None,
        };
        match self.0.exchange(METHOD, &question).await? {
            Ok(value) => Ok(Outcome::read(&value).map_or(Progress::Pending, Progress::Ended)),
            Err(refusal) if refusal.is("UNKNOWN_TRANSACTION") || refusal.is("TIMEOUT_ERROR") => {
                Ok(Progress::Unknown)
            }
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    /// The block with approvals that leads on from `after`; `None` while there is none.
    pub(crate) async fn next_light_client_block(
        &self,
        after: &CryptoHash,
    ) -> Result<Option<Block>, ChainError> {
        const METHOD: &str = "next_light_client_block";
        let question = RpcLightClientNextBlockRequest { last_block_hash: theirs(after) };
        let value = self.expect(METHOD, &question).await?;
        // Where there is none, endpoints answer `null` or an object with nothing in it.
        if value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(None);
        }
        let block = crate::proof::light_client_block(&value);
        block.map(Some).map_err(|why| self.0.bad(METHOD, why.0.into()))
    }

    /// The producers of the epoch of the block `at`.
    pub(crate) async fn producers(&self, at: &CryptoHash) -> Result<Vec<Producer>, ChainError> {
        const METHOD: &str = "EXPERIMENTAL_validators_ordered";
        let block_id = Some(BlockId::Hash(theirs(at)));
        let value = self.expect(METHOD, &RpcValidatorsOrderedRequest { block_id }).await?;
        let producers = crate::proof::producers(&value);
        producers.map_err(|why| self.0.bad(METHOD, why.0.into()))
    }

    async fn query(
        &self,
        method: &'static str,
        request: QueryRequest,
        at: &CryptoHash,
    ) -> Result<Result<Value, Refusal>, ChainError> {
        let question = RpcQueryRequest { block_reference: by_hash(at), request };
        let answer = self.0.exchange(method, &question).await?;
        if let Ok(value) = &answer {
            let block = value.get("block_hash").and_then(Value::as_str);
            if block.and_then(|text| text.parse().ok()) != Some(*at) {
                return Err(self.0.lied(method, "it is about another block"));
            }
        }
        Ok(answer)
    }

    /// The result, where no refusal is foreseen.
    async fn expect<M: RpcMethod>(
        &self,
        method: &'static str,
        question: &M,
    ) -> Result<Value, ChainError> {
        let answer = self.0.exchange(method, question).await?;
        answer.map_err(|refusal| self.0.refused(method, refusal))
    }

    fn typed<T: DeserializeOwned>(
        &self,
        method: &'static str,
        value: Value,
    ) -> Result<T, ChainError> {
        serde_json::from_value(value).map_err(|error| self.0.bad(method, error.into()))
    }

    fn sent(&self, method: &'static str, refusal: Refusal) -> Result<Sent, ChainError> {
        match &*refusal.name {
            // It goes on without us.
            "TIMEOUT_ERROR" | "REQUEST_ROUTED" => Ok(Sent::Taken),
            "INVALID_TRANSACTION" => Ok(Sent::Invalid(outcome::invalid(&refusal))),
            _ => Err(self.0.refused(method, refusal)),
        }
    }

    fn account_id(
        &self,
        account: &NearId,
    ) -> Result<near_primitives::types::AccountId, ChainError> {
        let parsed = account.as_str().parse();
        parsed.map_err(|_| self.nonsense("account", "an account id that NEAR does not take"))
    }

    /// The endpoint answers like no node does.
    pub(crate) fn nonsense(&self, method: &'static str, what: &'static str) -> ChainError {
        self.0.bad(method, what.into())
    }

    /// The endpoint's answer contradicts what is known.
    pub(crate) fn lied(&self, method: &'static str, why: impl Into<String>) -> ChainError {
        self.0.lied(method, why)
    }
}

impl Refusal {
    fn is(&self, name: &str) -> bool {
        self.name == name
    }

    fn is_unknown_block(&self) -> bool {
        self.is("UNKNOWN_BLOCK") || self.is("GARBAGE_COLLECTED_BLOCK")
    }
}

impl AccountAt {
    fn of(view: &AccountView) -> Self {
        Self {
            code_hash: CryptoHash::from_bytes(view.code_hash.0),
            shared_code: view.global_contract_hash.map(|hash| CryptoHash::from_bytes(hash.0)),
            follows_account: view.global_contract_account_id.is_some(),
            amount: view.amount.as_yoctonear(),
        }
    }
}

pub(crate) const fn theirs(hash: &CryptoHash) -> near_primitives::hash::CryptoHash {
    near_primitives::hash::CryptoHash(*hash.as_bytes())
}

fn by_hash(hash: &CryptoHash) -> BlockReference {
    BlockReference::BlockId(BlockId::Hash(theirs(hash)))
}

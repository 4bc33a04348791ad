//! What an endpoint is asked, and what its answers must look like.

mod socket;
mod transport;

use core::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U64, U256};
use chain::ChainError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use self::transport::{Refusal, Transport};
pub(crate) use self::{socket::Socket, transport::is_socket};
use crate::{
    proof::{AccountProof, Header},
    wire::{Log, Receipt},
};

/// Most nodes in all paths of one proof: 65 per path, for as many slots as are ever asked for.
const PROOF_NODES_MAX: usize = 65 * 128;
/// Code of the error that clients give for a call that reverted. Source: execution-apis.
const REVERTED: i64 = 3;

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Rpc(Transport);

/// A transaction that a block has.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inclusion {
    status: U64,
    pub(crate) block_number: U64,
    pub(crate) contract_address: Option<Address>,
    pub(crate) logs: Vec<Log>,
}

/// A simulated call's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Simulated<T> {
    Ran(T),
    /// With what the contract returned as its reason.
    Reverted(Bytes),
}

/// What became of a transaction that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It waits for a block, or is in one.
    Taken,
    /// Another transaction of the account has its nonce, in a block already.
    NonceUsed,
    /// Another one has its nonce, and pays more.
    Underpriced,
    /// The account cannot pay.
    NoFunds,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProofJson {
    account_proof: Vec<Bytes>,
    storage_proof: Vec<SlotJson>,
}

#[derive(Deserialize)]
struct SlotJson {
    key: U256,
    proof: Vec<Bytes>,
}

impl Rpc {
    /// An endpoint whose answers are waited for `timeout` long.
    pub(crate) fn new(url: Url, timeout: Duration) -> Result<Self, ChainError> {
        Transport::new(url, timeout).map(Self)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, ChainError> {
        let id: U64 = self.ask("eth_chainId", json!([])).await?;
        Ok(id.to())
    }

    pub(crate) async fn code(&self, address: Address, at: u64) -> Result<Bytes, ChainError> {
        self.ask("eth_getCode", json!([address, U64::from(at)])).await
    }

    pub(crate) async fn balance(&self, address: Address, at: u64) -> Result<U256, ChainError> {
        self.ask("eth_getBalance", json!([address, U64::from(at)])).await
    }

    /// The next nonce of `address`, waiting transactions included.
    pub(crate) async fn nonce(&self, address: Address) -> Result<u64, ChainError> {
        let nonce: U64 = self.ask("eth_getTransactionCount", json!([address, "pending"])).await?;
        Ok(nonce.to())
    }

    pub(crate) async fn priority_fee(&self) -> Result<U256, ChainError> {
        self.ask("eth_maxPriorityFeePerGas", json!([])).await
    }

    /// The header of the newest block of a tag; `None` where the chain has none yet.
    pub(crate) async fn block(&self, tag: &'static str) -> Result<Option<Header>, ChainError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let answer = self.exchange(METHOD, json!([tag, false])).await?;
        match answer {
            Ok(value) => self.header(METHOD, &value),
            Err(refusal) if is_no_block_yet(&refusal) => Ok(None),
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    /// The header of the block at `height`; `None` if there is none.
    pub(crate) async fn block_at(&self, height: u64) -> Result<Option<Header>, ChainError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let value: Value = self.ask(METHOD, json!([U64::from(height), false])).await?;
        let header = self.header(METHOD, &value)?;
        if header.as_ref().is_some_and(|header| header.number != height) {
            return Err(self.lied(METHOD, "it is of another height"));
        }
        Ok(header)
    }

    fn header(&self, method: &'static str, value: &Value) -> Result<Option<Header>, ChainError> {
        if value.is_null() {
            return Ok(None);
        }
        let header = Header::from_json(value).map_err(|error| self.0.bad(method, error.into()))?;
        let told = value.get("hash").and_then(Value::as_str);
        let told: Option<B256> = told.and_then(|hash| hash.parse().ok());
        if told != Some(header.hash) {
            let told = told.map_or_else(|| "none".to_owned(), |hash| hash.to_string());
            let why = format!("a header that has the hash {} is given as {told}", header.hash);
            return Err(self.lied(method, why));
        }
        Ok(Some(header))
    }

    /// Paths to an account and its slots in the block at `height`; `None` if the endpoint has none:
    /// many know no proofs at all, or none of blocks that are some minutes old.
    pub(crate) async fn proof(
        &self,
        address: Address,
        slots: &[U256],
        height: u64,
    ) -> Result<Option<AccountProof>, ChainError> {
        const METHOD: &str = "eth_getProof";
        let keys: Vec<B256> = slots.iter().map(|slot| B256::from(*slot)).collect();
        let value = match self.exchange(METHOD, json!([address, keys, U64::from(height)])).await? {
            Ok(value) => value,
            Err(refusal) if refusal.is_for_later() => return Err(self.0.refused(METHOD, refusal)),
            Err(_) => return Ok(None),
        };
        let ProofJson { account_proof, storage_proof } = self.read(METHOD, value)?;
        let nodes = storage_proof.iter().map(|slot| slot.proof.len()).sum::<usize>();
        if storage_proof.len() != slots.len() || nodes > PROOF_NODES_MAX {
            return Err(self.nonsense(METHOD, "other slots than were asked for"));
        }
        let storage = storage_proof.into_iter().map(|slot| (slot.key, slot.proof)).collect();
        Ok(Some(AccountProof { account: account_proof, storage }))
    }

    /// The word of `address` at `slot` in the block at `height`, as it is told.
    pub(crate) async fn storage(
        &self,
        address: Address,
        slot: U256,
        height: u64,
    ) -> Result<U256, ChainError> {
        let params = json!([address, B256::from(slot), U64::from(height)]);
        let word: B256 = self.ask("eth_getStorageAt", params).await?;
        Ok(word.into())
    }

    /// What `to` answers to `data` in the block at `height`; with no `to`, what `data` returns as a
    /// contract's creation.
    pub(crate) async fn view(
        &self,
        to: Option<Address>,
        data: &Bytes,
        height: u64,
    ) -> Result<Simulated<Bytes>, ChainError> {
        const METHOD: &str = "eth_call";
        let mut call = json!({ "data": data });
        if let Some(to) = to {
            call["to"] = json!(to);
        }
        match self.exchange(METHOD, json!([call, U64::from(height)])).await? {
            Ok(value) => Ok(Simulated::Ran(self.read(METHOD, value)?)),
            Err(refusal) => self.reverted(METHOD, refusal).map(Simulated::Reverted),
        }
    }

    pub(crate) async fn estimate_gas(
        &self,
        from: Address,
        to: Option<Address>,
        data: &Bytes,
    ) -> Result<Simulated<u64>, ChainError> {
        const METHOD: &str = "eth_estimateGas";
        let mut call = json!({ "from": from, "data": data });
        if let Some(to) = to {
            call["to"] = json!(to);
        }
        match self.exchange(METHOD, json!([call])).await? {
            Ok(value) => {
                let gas: U64 = self.read(METHOD, value)?;
                Ok(Simulated::Ran(gas.to()))
            }
            Err(refusal) => self.reverted(METHOD, refusal).map(Simulated::Reverted),
        }
    }

    /// What a contract gave as its reason, if that is why the endpoint refused.
    fn reverted(&self, method: &'static str, refusal: Refusal) -> Result<Bytes, ChainError> {
        match refusal.revert_data() {
            Some(data) => Ok(data),
            None if refusal.code == REVERTED => Ok(Bytes::new()),
            None => Err(self.0.refused(method, refusal)),
        }
    }

    /// Hands a signed transaction in.
    pub(crate) async fn send(&self, transaction: &Bytes) -> Result<Sent, ChainError> {
        const METHOD: &str = "eth_sendRawTransaction";
        match self.exchange(METHOD, json!([transaction])).await? {
            Ok(_) => Ok(Sent::Taken),
            Err(refusal) => match sent(&refusal) {
                Some(sent) => Ok(sent),
                None => Err(self.0.refused(METHOD, refusal)),
            },
        }
    }

    pub(crate) async fn inclusion(&self, hash: B256) -> Result<Option<Inclusion>, ChainError> {
        self.ask("eth_getTransactionReceipt", json!([hash])).await
    }

    /// All receipts of the block at `height`, in order.
    pub(crate) async fn receipts(&self, height: u64) -> Result<Vec<Receipt>, ChainError> {
        self.ask("eth_getBlockReceipts", json!([U64::from(height)])).await
    }

    /// Events of `address` with these topics, in blocks `from` to `to`. A topic is a value, or a
    /// list of which any will do.
    pub(crate) async fn logs(
        &self,
        address: Address,
        topics: Value,
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        let filter = json!({
            "address": address,
            "topics": topics,
            "fromBlock": U64::from(from),
            "toBlock": U64::from(to),
        });
        self.ask("eth_getLogs", json!([filter])).await
    }

    /// For answers that are well-formed JSON but say something impossible.
    pub(crate) fn nonsense(&self, method: &'static str, what: &'static str) -> ChainError {
        self.0.bad(method, what.into())
    }

    /// For answers that their own proof or block contradicts.
    pub(crate) fn lied(&self, method: &'static str, why: impl Into<String>) -> ChainError {
        ChainError::Lied { endpoint: self.name().to_owned(), method, why: why.into() }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, ChainError> {
        match self.exchange(method, params).await? {
            Ok(value) => self.read(method, value),
            Err(refusal) => Err(self.0.refused(method, refusal)),
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        method: &'static str,
        value: Value,
    ) -> Result<T, ChainError> {
        serde_json::from_value(value).map_err(|error| self.0.bad(method, error.into()))
    }

    async fn exchange(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Result<Value, Refusal>, ChainError> {
        self.0.exchange(method, &params).await
    }
}

impl Inclusion {
    pub(crate) fn succeeded(&self) -> bool {
        self.status == U64::from(1)
    }
}

/// Clients that have no block of a tag yet say so as an error: geth "finalized block not found",
/// others "unknown block".
fn is_no_block_yet(refusal: &Refusal) -> bool {
    let text = refusal.message.to_ascii_lowercase();
    text.contains("block not found") || text.contains("unknown block")
}

/// What a refusal of a transaction means; there are no codes for it, the texts are geth's, which
/// other clients have taken over.
fn sent(refusal: &Refusal) -> Option<Sent> {
    let text = refusal.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["already known", "already imported", "already in", "known transaction"]) {
        Some(Sent::Taken)
    } else if says(&["underpriced"]) {
        Some(Sent::Underpriced)
    } else if says(&["nonce too low", "nonce is too low", "oldnonce"]) {
        Some(Sent::NonceUsed)
    } else if says(&["insufficient funds", "insufficient balance", "insufficientfunds"]) {
        Some(Sent::NoFunds)
    } else {
        None
    }
}

//! What an endpoint is asked, and what its answers must look like. Source: Starknet JSON-RPC 0.8
//! to 0.10.

mod transport;

use core::{ops::RangeInclusive, time::Duration};

use chain::{BoxError, ChainError};
use serde_json::{Value, json};
use url::Url;

pub(crate) use self::transport::shown;
use self::transport::{Refusal, Transport};
use crate::{
    block::{BadBlock, Block, BlockHashes},
    felt::{self, Felt},
    proof::{self, StateProof},
    transaction::{Bounds, Signed},
};

/// Events in one answer. Pathfinder allows 1024, others less.
const EVENTS_PER_PAGE: usize = 256;
/// Answers to one question about events.
const PAGES_MAX: usize = 256;
/// Most felts in one list of an answer: a batch of 4 KiB has some hundred, a record some dozen.
const FELTS_MAX: usize = 16_384;

/// Codes of refusals. Source: Starknet JSON-RPC, `errors`.
mod code {
    pub(super) const NO_CONTRACT: i64 = 20;
    pub(super) const NO_ENTRY_POINT: i64 = 21;
    pub(super) const NO_BLOCK: i64 = 24;
    pub(super) const NO_CLASS: i64 = 28;
    pub(super) const NO_TRANSACTION: i64 = 29;
    pub(super) const CONTRACT_ERROR: i64 = 40;
    pub(super) const EXECUTION_ERROR: i64 = 41;
    pub(super) const CLASS_DECLARED: i64 = 51;
    pub(super) const BAD_NONCE: i64 = 52;
    pub(super) const TOO_FEW_RESOURCES: i64 = 53;
    pub(super) const NO_BALANCE: i64 = 54;
    pub(super) const DUPLICATE: i64 = 59;
    pub(super) const UNDERPRICED: i64 = 64;
    pub(super) const FEE_TOO_LOW: i64 = 65;
    pub(super) const BAD_PARAMS: i64 = -32602;
}

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Rpc(Transport);

/// Which block is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// The newest that L2 accepted.
    Latest,
    /// The newest that L1 accepted.
    OnL1,
    Height(u64),
    Hash(Felt),
}

/// A simulated call's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ran<T> {
    Well(T),
    /// With what the contracts said, one within the other.
    Reverted(Value),
    /// There is no such contract, or it has no such function.
    Nothing,
}

/// What a transaction would use, and what a unit costs in fri.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) l1_gas: (u64, u128),
    pub(crate) l1_data_gas: (u64, u128),
    pub(crate) l2_gas: (u64, u128),
}

/// What became of a transaction that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It waits for a block, or is in one.
    Taken,
    /// Another transaction of the account has its nonce, or one before it is missing.
    BadNonce,
    /// It pays less than the sequencer asks, or than the one that it would replace.
    Underpriced,
    /// The account cannot pay.
    NoFunds,
    /// The class that it declares is declared.
    Declared,
}

/// A transaction that was carried out.
#[derive(Clone, Debug)]
pub(crate) struct Inclusion {
    /// The hash and height of its block; `None` while that is being made.
    pub(crate) block: Option<(Felt, u64)>,
    /// Whether it did what it should, or was reverted and paid all the same.
    pub(crate) has_succeeded: bool,
    pub(crate) reason: String,
    pub(crate) events: Vec<Event>,
}

/// An event as endpoints tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) from: Felt,
    pub(crate) keys: Vec<Felt>,
    pub(crate) data: Vec<Felt>,
    /// Where it was emitted: the transaction, and the block's hash and height.
    pub(crate) place: Option<(Felt, Felt, u64)>,
}

impl Rpc {
    /// An endpoint whose answers are waited for `timeout` long.
    pub(crate) fn new(url: Url, timeout: Duration) -> Result<Self, ChainError> {
        Transport::new(url, timeout).map(Self)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    /// The chain's name, as a short string.
    pub(crate) async fn chain_id(&self) -> Result<Felt, ChainError> {
        const METHOD: &str = "starknet_chainId";
        let value = self.ask(METHOD, json!([])).await?;
        self.felt(METHOD, &value)
    }

    /// A block's header; `None` if there is none.
    pub(crate) async fn block(
        &self,
        at: At,
        hashes: BlockHashes,
    ) -> Result<Option<Block>, ChainError> {
        const METHOD: &str = "starknet_getBlockWithTxHashes";
        let value = match self.exchange(METHOD, json!({ "block_id": at.to_json() })).await? {
            Ok(value) => value,
            Err(refusal) if refusal.code == code::NO_BLOCK => return Ok(None),
            Err(refusal) => return Err(self.0.refused(METHOD, refusal)),
        };
        let block = Block::read(&value, hashes).map_err(|error| match error {
            BadBlock::OtherHash { .. } => self.lied(METHOD, error.to_string()),
            BadBlock::Field(_) | BadBlock::NotAccepted => self.0.bad(METHOD, error.into()),
        })?;
        let is_asked_for = match at {
            At::Height(height) => block.height == height,
            At::Hash(hash) => block.hash == hash,
            At::OnL1 => block.is_on_l1,
            At::Latest => true,
        };
        if is_asked_for { Ok(Some(block)) } else { Err(self.lied(METHOD, "it is another block")) }
    }

    /// The class at `address`, as it is told; `None` if there is no contract.
    pub(crate) async fn class_hash(
        &self,
        address: Felt,
        at: At,
    ) -> Result<Option<Felt>, ChainError> {
        const METHOD: &str = "starknet_getClassHashAt";
        let params = json!({ "block_id": at.to_json(), "contract_address": hex(&address) });
        match self.exchange(METHOD, params).await? {
            Ok(value) => self.felt(METHOD, &value).map(Some),
            Err(refusal) if refusal.code == code::NO_CONTRACT => Ok(None),
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    /// What `to` answers to the function `selector`.
    pub(crate) async fn call(
        &self,
        to: Felt,
        selector: Felt,
        calldata: &[Felt],
        at: At,
    ) -> Result<Ran<Vec<Felt>>, ChainError> {
        const METHOD: &str = "starknet_call";
        let params = json!({
            "request": {
                "contract_address": hex(&to),
                "entry_point_selector": hex(&selector),
                "calldata": hexes(calldata),
            },
            "block_id": at.to_json(),
        });
        match self.exchange(METHOD, params).await? {
            Ok(value) => self.felts(METHOD, &value).map(Ran::Well),
            Err(refusal) => match refusal.code {
                code::NO_CONTRACT | code::NO_ENTRY_POINT => Ok(Ran::Nothing),
                code::CONTRACT_ERROR => Ok(Ran::Reverted(refusal.data.unwrap_or_default())),
                _ => Err(self.0.refused(METHOD, refusal)),
            },
        }
    }

    /// The word of `address` at `key` in the block of this hash, as it is told.
    pub(crate) async fn storage(
        &self,
        address: Felt,
        key: Felt,
        block_hash: Felt,
    ) -> Result<Felt, ChainError> {
        const METHOD: &str = "starknet_getStorageAt";
        let params = json!({
            "contract_address": hex(&address),
            "key": hex(&key),
            "block_id": At::Hash(block_hash).to_json(),
        });
        let value = self.ask(METHOD, params).await?;
        self.felt(METHOD, &value)
    }

    /// Paths to a contract and its storage; `None` if the endpoint has none: some know no proofs at
    /// all, or none of blocks that are some minutes old.
    pub(crate) async fn proof(
        &self,
        address: Felt,
        keys: &[Felt],
        at: At,
    ) -> Result<Option<StateProof>, ChainError> {
        const METHOD: &str = "starknet_getStorageProof";
        let mut params = json!({
            "block_id": at.to_json(),
            "contract_addresses": [hex(&address)],
        });
        if !keys.is_empty() {
            let keys = json!({ "contract_address": hex(&address), "storage_keys": hexes(keys) });
            params["contracts_storage_keys"] = json!([keys]);
        }
        let value = match self.exchange(METHOD, params).await? {
            Ok(value) => value,
            Err(refusal) if refusal.is_for_later() => return Err(self.0.refused(METHOD, refusal)),
            Err(_) => return Ok(None),
        };
        let proof = proof::rpc_proof(&value).map_err(|error| self.0.bad(METHOD, error.into()))?;
        Ok(Some(proof))
    }

    /// All events in the blocks of `heights` with these keys (an empty list matches any), of one
    /// contract or of all.
    pub(crate) async fn events(
        &self,
        from: Option<Felt>,
        keys: &[Vec<Felt>],
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<Event>, ChainError> {
        const METHOD: &str = "starknet_getEvents";
        let keys: Vec<Value> = keys.iter().map(|keys| hexes(keys)).collect();
        let mut filter = json!({
            "from_block": At::Height(*heights.start()).to_json(),
            "to_block": At::Height(*heights.end()).to_json(),
            "keys": keys,
            "chunk_size": EVENTS_PER_PAGE,
        });
        if let Some(from) = from {
            filter["address"] = json!(hex(&from));
        }
        let mut events = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.ask(METHOD, json!({ "filter": filter })).await?;
            let list = page.get("events").and_then(Value::as_array);
            let list = list.filter(|list| list.len() <= EVENTS_PER_PAGE);
            let list = list.ok_or_else(|| self.nonsense(METHOD, "no page of events"))?;
            for event in list {
                events.push(self.event(METHOD, event)?);
            }
            match page.get("continuation_token") {
                None | Some(Value::Null) => return Ok(events),
                Some(token) => filter["continuation_token"] = token.clone(),
            }
        }
        let source = "more pages of events than are read".into();
        Err(ChainError::EndpointRefused {
            endpoint: self.name().to_owned(),
            method: METHOD,
            source,
        })
    }

    /// The next nonce of `address`, waiting transactions included; `None` if there is no contract.
    pub(crate) async fn nonce(&self, address: Felt) -> Result<Option<u64>, ChainError> {
        const METHOD: &str = "starknet_getNonce";
        // JSON-RPC 0.8 calls the block that is being made by another name.
        for tag in ["pre_confirmed", "pending"] {
            let params = json!({ "block_id": tag, "contract_address": hex(&address) });
            match self.exchange(METHOD, params).await? {
                Ok(value) => {
                    let nonce = u64::try_from(self.felt(METHOD, &value)?);
                    let large = |_| self.nonsense(METHOD, "a nonce of more than 64 bits");
                    return nonce.map(Some).map_err(large);
                }
                Err(refusal) if refusal.code == code::NO_CONTRACT => return Ok(None),
                Err(refusal) if refusal.code == code::BAD_PARAMS => {}
                Err(refusal) => return Err(self.0.refused(METHOD, refusal)),
            }
        }
        Err(self.nonsense(METHOD, "no block that is being made"))
    }

    /// What `transaction` would use in the next block.
    pub(crate) async fn estimate(
        &self,
        transaction: &Signed,
        is_validated: bool,
    ) -> Result<Ran<Estimate>, ChainError> {
        const METHOD: &str = "starknet_estimateFee";
        let flags = if is_validated { json!([]) } else { json!(["SKIP_VALIDATE"]) };
        for tag in ["pre_confirmed", "pending"] {
            let params = json!({
                "request": [transaction.to_json()],
                "simulation_flags": flags,
                "block_id": tag,
            });
            match self.exchange(METHOD, params).await? {
                Ok(value) => return self.fee(METHOD, &value).map(Ran::Well),
                Err(refusal) => match refusal.code {
                    code::NO_CONTRACT => return Ok(Ran::Nothing),
                    code::EXECUTION_ERROR | code::CONTRACT_ERROR => {
                        return Ok(Ran::Reverted(refusal.data.unwrap_or_default()));
                    }
                    code::BAD_PARAMS => {}
                    _ => return Err(self.0.refused(METHOD, refusal)),
                },
            }
        }
        Err(self.nonsense(METHOD, "no block that is being made"))
    }

    fn fee(&self, method: &'static str, value: &Value) -> Result<Estimate, ChainError> {
        let fee = value.as_array().and_then(|fees| fees.first());
        let fee = fee.ok_or_else(|| self.nonsense(method, "no estimate"))?;
        let part = |name: &str| self.felt(method, fee.get(name).unwrap_or(&Value::Null));
        let large = || self.nonsense(method, "an estimate that nothing pays");
        let amount = |name: &str| u64::try_from(part(name)?).map_err(|_| large());
        let price = |name: &str| u128::try_from(part(name)?).map_err(|_| large());
        Ok(Estimate {
            l1_gas: (amount("l1_gas_consumed")?, price("l1_gas_price")?),
            l1_data_gas: (amount("l1_data_gas_consumed")?, price("l1_data_gas_price")?),
            l2_gas: (amount("l2_gas_consumed")?, price("l2_gas_price")?),
        })
    }

    /// Hands a transaction in.
    pub(crate) async fn send(&self, transaction: &Signed) -> Result<Sent, ChainError> {
        let (method, name) = if transaction.is_declaration() {
            ("starknet_addDeclareTransaction", "declare_transaction")
        } else {
            ("starknet_addInvokeTransaction", "invoke_transaction")
        };
        let refusal = match self.exchange(method, json!({ name: transaction.to_json() })).await? {
            Ok(_) => return Ok(Sent::Taken),
            Err(refusal) => refusal,
        };
        match refusal.code {
            code::DUPLICATE => Ok(Sent::Taken),
            code::BAD_NONCE => Ok(Sent::BadNonce),
            code::UNDERPRICED | code::FEE_TOO_LOW | code::TOO_FEW_RESOURCES => {
                Ok(Sent::Underpriced)
            }
            code::NO_BALANCE => Ok(Sent::NoFunds),
            code::CLASS_DECLARED => Ok(Sent::Declared),
            _ => Err(self.0.refused(method, refusal)),
        }
    }

    /// What became of a transaction; `None` if no block has it, nor the one that is being made.
    pub(crate) async fn inclusion(&self, hash: Felt) -> Result<Option<Inclusion>, ChainError> {
        const METHOD: &str = "starknet_getTransactionReceipt";
        let value = match self.exchange(METHOD, json!({ "transaction_hash": hex(&hash) })).await? {
            Ok(value) => value,
            Err(refusal) if refusal.code == code::NO_TRANSACTION => return Ok(None),
            Err(refusal) => return Err(self.0.refused(METHOD, refusal)),
        };
        let hash = value.get("block_hash").filter(|hash| !hash.is_null());
        let height = value.get("block_number").and_then(Value::as_u64);
        let block = match hash.zip(height) {
            Some((hash, height)) => Some((self.felt(METHOD, hash)?, height)),
            None => None,
        };
        let has_succeeded = match value.get("execution_status").and_then(Value::as_str) {
            Some("SUCCEEDED") => true,
            Some("REVERTED") => false,
            _ => return Err(self.nonsense(METHOD, "an unknown outcome")),
        };
        let events = value.get("events").and_then(Value::as_array);
        let events = events.ok_or_else(|| self.nonsense(METHOD, "no events"))?;
        let reason = value.get("revert_reason").and_then(Value::as_str).unwrap_or_default();
        Ok(Some(Inclusion {
            block,
            has_succeeded,
            reason: reason.to_owned(),
            events: events
                .iter()
                .map(|event| self.event(METHOD, event))
                .collect::<Result<_, _>>()?,
        }))
    }

    /// Whether a class is declared.
    pub(crate) async fn has_class(&self, class_hash: Felt) -> Result<bool, ChainError> {
        const METHOD: &str = "starknet_getClass";
        let params = json!({ "block_id": At::Latest.to_json(), "class_hash": hex(&class_hash) });
        match self.exchange(METHOD, params).await? {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.code == code::NO_CLASS => Ok(false),
            Err(refusal) => Err(self.0.refused(METHOD, refusal)),
        }
    }

    fn event(&self, method: &'static str, value: &Value) -> Result<Event, ChainError> {
        let part = |name: &str| value.get(name).unwrap_or(&Value::Null);
        let place = match (part("block_hash"), part("block_number").as_u64()) {
            (Value::Null, _) | (_, None) => None,
            (hash, Some(height)) => {
                let transaction = self.felt(method, part("transaction_hash"))?;
                Some((transaction, self.felt(method, hash)?, height))
            }
        };
        Ok(Event {
            from: self.felt(method, part("from_address"))?,
            keys: self.felts(method, part("keys"))?,
            data: self.felts(method, part("data"))?,
            place,
        })
    }

    fn felt(&self, method: &'static str, value: &Value) -> Result<Felt, ChainError> {
        let felt = value.as_str().and_then(felt::parse_hex);
        felt.ok_or_else(|| self.nonsense(method, "no felt"))
    }

    fn felts(&self, method: &'static str, value: &Value) -> Result<Vec<Felt>, ChainError> {
        let list = value.as_array().filter(|list| list.len() <= FELTS_MAX);
        let list = list.ok_or_else(|| self.nonsense(method, "no list of felts"))?;
        list.iter().map(|value| self.felt(method, value)).collect()
    }

    async fn ask(&self, method: &'static str, params: Value) -> Result<Value, ChainError> {
        self.exchange(method, params).await?.map_err(|refusal| self.0.refused(method, refusal))
    }

    async fn exchange(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Result<Value, Refusal>, ChainError> {
        self.0.exchange(method, &params).await
    }

    pub(crate) fn nonsense(&self, method: &'static str, what: &'static str) -> ChainError {
        self.0.bad(method, BoxError::from(what))
    }

    pub(crate) fn lied(&self, method: &'static str, why: impl Into<String>) -> ChainError {
        ChainError::Lied { endpoint: self.name().to_owned(), method, why: why.into() }
    }
}

impl At {
    fn to_json(self) -> Value {
        match self {
            Self::Latest => json!("latest"),
            Self::OnL1 => json!("l1_accepted"),
            Self::Height(height) => json!({ "block_number": height }),
            Self::Hash(hash) => json!({ "block_hash": hex(&hash) }),
        }
    }
}

impl Estimate {
    /// The greater of each part.
    pub(crate) fn or_more(&self, other: &Self) -> Self {
        let part =
            |(one, unit): (u64, u128), (two, cost): (u64, u128)| (one.max(two), unit.max(cost));
        Self {
            l1_gas: part(self.l1_gas, other.l1_gas),
            l1_data_gas: part(self.l1_data_gas, other.l1_data_gas),
            l2_gas: part(self.l2_gas, other.l2_gas),
        }
    }

    /// Room for what may change before the block: half as much of everything, at half as high a
    /// price again.
    pub(crate) fn bounds(&self) -> Bounds {
        let amount = |amount: u64| amount.saturating_add(amount / 2);
        let price = |price: u128| price.saturating_add(price / 2);
        let part = |(used, unit): (u64, u128)| (amount(used), price(unit));
        Bounds {
            l1_gas: part(self.l1_gas),
            l1_data_gas: part(self.l1_data_gas),
            l2_gas: part(self.l2_gas),
        }
    }
}

/// As endpoints read felts.
pub(crate) fn hex(felt: &Felt) -> String {
    felt::to_hex(felt)
}

pub(crate) fn hexes(felts: &[Felt]) -> Value {
    felts.iter().map(hex).collect()
}

//! `query`: what accounts have in a block's state.

use near_crypto::{PublicKey, PublicKeyHandle};
use near_jsonrpc_primitives::{
    errors::RpcError,
    types::query::{QueryResponseKind, RpcQueryError, RpcQueryRequest, RpcQueryResponse},
};
use near_primitives::{
    account::AccessKey,
    hash::CryptoHash,
    trie_key::{TrieKey, trie_key_parsers},
    types::AccountId,
    views::{
        AccessKeyInfoView, AccessKeyList, AccountView, CallResult, ContractCodeView, QueryRequest,
        StateItem, ViewStateResult,
    },
};
use serde_json::{Value, json};

use super::{Answer, params, shown};
use crate::{
    Block, Chain, Trie, ViewError, chain::contract_entries, devnet::Node, runtime, state::Update,
};

/// Most bytes of keys and values that one answer shows; nearcore's default.
const STATE_BYTES_MAX: usize = 50_000;

/// A block and its state, as something is looked up in it.
struct Looked<'a> {
    chain: &'a Chain,
    block: &'a Block,
    state: &'a Trie,
}

type Found = Result<QueryResponseKind, RpcQueryError>;

pub(super) fn query(node: &Node, request: Value) -> Answer {
    if request.is_array() {
        let text = "parameters in order are no longer served here; name them";
        return Err(RpcError::parse_error(text.to_owned()));
    }
    let RpcQueryRequest { block_reference, request } = params::parsed(request)?;
    let chain = node.chain();
    let block = params::block(&chain, &block_reference)
        .ok_or_else(|| RpcQueryError::UnknownBlock { block_reference: block_reference.clone() })?;
    let (block_height, block_hash) = (block.height(), *block.hash());
    let state =
        block.state().ok_or(RpcQueryError::GarbageCollectedBlock { block_height, block_hash })?;
    let looked = Looked { chain: &chain, block, state };
    match looked.find(request) {
        Ok(kind) => shown(RpcQueryResponse { kind, block_height, block_hash }),
        // Two errors are shown as answers, for the sake of old clients.
        Err(RpcQueryError::ContractExecutionError { vm_error, .. }) => Ok(json!({
            "error": vm_error,
            "logs": [],
            "block_height": block_height,
            "block_hash": block_hash,
        })),
        Err(RpcQueryError::UnknownAccessKey { public_key, .. }) => Ok(json!({
            "error": format!("access key {public_key} does not exist while viewing"),
            "logs": [],
            "block_height": block_height,
            "block_hash": block_hash,
        })),
        Err(error) => Err(error.into()),
    }
}

impl Looked<'_> {
    fn find(&self, request: QueryRequest) -> Found {
        match request {
            QueryRequest::ViewAccount { account_id } => {
                let account = self.update().account(&account_id);
                let account = account.ok_or_else(|| self.no_account(&account_id))?;
                Ok(QueryResponseKind::ViewAccount(AccountView::from(account)))
            }
            QueryRequest::ViewCode { account_id } => self.code(&account_id),
            QueryRequest::ViewState { account_id, prefix, include_proof, .. } => {
                self.contract_state(&account_id, &prefix, include_proof)
            }
            QueryRequest::ViewAccessKey { account_id, public_key } => {
                self.access_key(&account_id, public_key)
            }
            QueryRequest::ViewAccessKeyList { account_id, .. } => self.access_keys(&account_id),
            QueryRequest::CallFunction { account_id, method_name, args } => {
                self.call(&account_id, &method_name, &args)
            }
            QueryRequest::ViewGasKeyNonces { public_key, .. } => {
                let (block_height, block_hash) = self.place();
                Err(RpcQueryError::UnknownGasKey { public_key, block_height, block_hash })
            }
            QueryRequest::ViewGlobalContractCode { .. }
            | QueryRequest::ViewGlobalContractCodeByAccountId { .. } => {
                let error_message = "there are no global contracts here".to_owned();
                Err(RpcQueryError::InternalError { error_message })
            }
        }
    }

    fn update(&self) -> Update {
        Update::new(self.state.clone())
    }

    fn place(&self) -> (u64, CryptoHash) {
        (self.block.height(), *self.block.hash())
    }

    fn no_account(&self, id: &AccountId) -> RpcQueryError {
        let (block_height, block_hash) = self.place();
        let requested_account_id = id.clone();
        RpcQueryError::UnknownAccount { requested_account_id, block_height, block_hash }
    }

    fn no_code(&self, id: &AccountId) -> RpcQueryError {
        let (block_height, block_hash) = self.place();
        let contract_account_id = id.clone();
        RpcQueryError::NoContractCode { contract_account_id, block_height, block_hash }
    }

    fn code(&self, id: &AccountId) -> Found {
        let update = self.update();
        update.account(id).ok_or_else(|| self.no_account(id))?;
        let code = update.get(&TrieKey::ContractCode { account_id: id.clone() });
        let code = code.ok_or_else(|| self.no_code(id))?.to_vec();
        let hash = CryptoHash::hash_bytes(&code);
        Ok(QueryResponseKind::ViewCode(ContractCodeView { code, hash }))
    }

    fn contract_state(&self, id: &AccountId, prefix: &[u8], include_proof: bool) -> Found {
        self.update().account(id).ok_or_else(|| self.no_account(id))?;
        let entries = contract_entries(self.state, id, prefix);
        let bytes: usize = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > STATE_BYTES_MAX {
            let (block_height, block_hash) = self.place();
            let contract_account_id = id.clone();
            let error = RpcQueryError::TooLargeContractState {
                contract_account_id,
                block_height,
                block_hash,
            };
            return Err(error);
        }
        let item =
            |(key, value): (Vec<u8>, Vec<u8>)| StateItem { key: key.into(), value: value.into() };
        let nodes = if include_proof {
            self.state.prefix_proof(&trie_key_parsers::get_raw_prefix_for_contract_data(id, prefix))
        } else {
            Vec::new()
        };
        Ok(QueryResponseKind::ViewState(ViewStateResult {
            values: entries.into_iter().map(item).collect(),
            proof: nodes.into_iter().map(std::sync::Arc::from).collect(),
            last_key: None,
        }))
    }

    fn access_key(&self, id: &AccountId, public_key: PublicKey) -> Found {
        let found = self.update().access_key(id, &public_key);
        let (block_height, block_hash) = self.place();
        let found = found.ok_or(RpcQueryError::UnknownAccessKey {
            public_key,
            block_height,
            block_hash,
        })?;
        Ok(QueryResponseKind::AccessKey(found.into()))
    }

    fn access_keys(&self, id: &AccountId) -> Found {
        self.update().account(id).ok_or_else(|| self.no_account(id))?;
        let prefix = trie_key_parsers::get_raw_prefix_for_access_keys(id);
        let entries = self.state.entries(&prefix).into_iter().filter_map(|(key, value)| {
            let key: PublicKeyHandle = borsh::from_slice(key.get(prefix.len()..)?).ok()?;
            let access: AccessKey = borsh::from_slice(&value).ok()?;
            Some(AccessKeyInfoView::new(key, access.into()))
        });
        Ok(QueryResponseKind::AccessKeyList(entries.collect::<AccessKeyList>()))
    }

    fn call(&self, id: &AccountId, method: &str, args: &[u8]) -> Found {
        let env = self.chain.env_of(self.block);
        let (block_height, block_hash) = self.place();
        match runtime::view(self.state, &env, id, method, args) {
            Ok(viewed) => Ok(QueryResponseKind::CallResult(CallResult {
                result: viewed.value,
                logs: viewed.logs,
            })),
            Err(ViewError::NoAccount(id)) => Err(self.no_account(&id)),
            Err(ViewError::NoCode(id)) => Err(self.no_code(&id)),
            Err(failed @ ViewError::Failed { .. }) => {
                let vm_error = failed.to_string();
                let ViewError::Failed { error, .. } = failed else { return Err(self.no_code(id)) };
                Err(RpcQueryError::ContractExecutionError {
                    vm_error,
                    error,
                    block_height,
                    block_hash,
                })
            }
        }
    }
}

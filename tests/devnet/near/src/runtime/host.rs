//! What a running contract can reach. Source: nearcore, `runtime/runtime/src/ext.rs`.

use std::sync::Arc;

use near_crypto::PublicKey;
use near_primitives::{
    account::AccessKey,
    action::{
        Action, CreateAccountAction, DeleteAccountAction, DeleteKeyAction, DeployContractAction,
        DeployGlobalContractAction, DeterministicStateInitAction, FunctionCallAction,
        GlobalContractDeployMode, StakeAction, TransferAction, TransferToGasKeyAction,
        UniversalStateInitAction, UseGlobalContractAction,
    },
    deterministic_account_id::{DeterministicAccountStateInit, DeterministicAccountStateInitV1},
    hash::{CryptoHash, YieldId},
    trie_key::TrieKey,
    types::{AccountId, Balance, Gas, GasWeight, Nonce, NonceIndex},
    universal_state_init::{
        DecodeMode, RawStateInit, StateInitError, UniversalStateInit, UniversalStateInitCounts,
        state_init_send_counts,
    },
    utils::create_receipt_id_from_action_hash,
};
use near_vm_runner::logic::{
    External, HostError, StorageAccessTracker, VMLogicError, ValuePtr,
    types::{self as logic, ActionIndex, ReceiptIndex},
};

use super::{
    Env,
    promises::{Promises, call_key},
};
use crate::state::Update;

type Hosted<T> = Result<T, VMLogicError>;

/// One call's view of the world, and what it makes.
#[derive(Debug)]
pub(super) struct Host<'a> {
    pub(super) update: &'a mut Update,
    pub(super) promises: Promises,
    env: &'a Env,
    account: AccountId,
    action_hash: CryptoHash,
    data_ids: u64,
}

/// A value of the contract, or where it lies in the trie.
struct Found {
    value: Arc<[u8]>,
    is_stored: bool,
}

impl ValuePtr for Found {
    fn len(&self) -> u32 {
        u32::try_from(self.value.len()).unwrap_or(u32::MAX)
    }

    fn deref(&self, tracker: &mut dyn StorageAccessTracker) -> Hosted<Vec<u8>> {
        if self.is_stored {
            tracker.trie_node_touched(1)?;
        }
        Ok(self.value.to_vec())
    }
}

impl<'a> Host<'a> {
    pub(super) fn new(
        update: &'a mut Update,
        env: &'a Env,
        account: AccountId,
        action_hash: CryptoHash,
    ) -> Self {
        Self { update, promises: Promises::default(), env, account, action_hash, data_ids: 0 }
    }

    fn key(&self, key: &[u8]) -> TrieKey {
        TrieKey::ContractData { account_id: self.account.clone(), key: key.to_vec() }
    }

    fn yield_key(&self, data_id: CryptoHash) -> TrieKey {
        TrieKey::PromiseYieldReceipt { receiver_id: self.account.clone(), data_id }
    }

    /// What a write or a removal replaces: it is looked up node by node.
    fn replaced(
        &self,
        key: &TrieKey,
        tracker: &mut dyn StorageAccessTracker,
        charge: fn(&mut dyn StorageAccessTracker, u64) -> Hosted<()>,
    ) -> Hosted<Option<Vec<u8>>> {
        let read = self.update.read(key);
        if let Some(value) = &read.value {
            charge(tracker, value.len() as u64)?;
        }
        tracker.trie_node_touched(read.nodes + u64::from(read.is_stored))?;
        Ok(read.value.map(|value| value.to_vec()))
    }

    fn unsupported<T>(name: &str) -> Hosted<T> {
        Err(HostError::Deprecated { method_name: name.to_owned() }.into())
    }
}

impl External for Host<'_> {
    fn storage_set(
        &mut self,
        tracker: &mut dyn StorageAccessTracker,
        key: &[u8],
        value: &[u8],
    ) -> Hosted<Option<Vec<u8>>> {
        let key = self.key(key);
        let old = self
            .replaced(&key, tracker, |tracker, len| tracker.deref_write_evicted_value_bytes(len))?;
        self.update.set(&key, value);
        Ok(old)
    }

    fn storage_get<'b>(
        &'b self,
        _tracker: &mut dyn StorageAccessTracker,
        key: &[u8],
    ) -> Hosted<Option<Box<dyn ValuePtr + 'b>>> {
        // Reads find the value without the trie; only taking the value itself is charged.
        let read = self.update.read(&self.key(key));
        let found =
            |value| Box::new(Found { value, is_stored: read.is_stored }) as Box<dyn ValuePtr>;
        Ok(read.value.map(found))
    }

    fn storage_remove(
        &mut self,
        tracker: &mut dyn StorageAccessTracker,
        key: &[u8],
    ) -> Hosted<Option<Vec<u8>>> {
        let key = self.key(key);
        let old =
            self.replaced(&key, tracker, |tracker, len| tracker.deref_removed_value_bytes(len))?;
        self.update.remove(&key);
        Ok(old)
    }

    fn storage_has_key(&mut self, _: &mut dyn StorageAccessTracker, key: &[u8]) -> Hosted<bool> {
        Ok(self.update.contains(&self.key(key)))
    }

    fn generate_data_id(&mut self) -> CryptoHash {
        let id =
            create_receipt_id_from_action_hash(&self.action_hash, self.env.height, self.data_ids);
        self.data_ids += 1;
        id
    }

    fn get_recorded_storage_size(&self) -> usize {
        0
    }

    fn storage_proof_size_before_receipt(&self) -> usize {
        0
    }

    fn validator_stake(&self, account_id: &AccountId) -> Hosted<Option<Balance>> {
        Ok(self.env.stakes.iter().find(|(id, _)| id == account_id).map(|(_, stake)| *stake))
    }

    fn validator_total_stake(&self) -> Hosted<Balance> {
        let stakes = self.env.stakes.iter().map(|(_, stake)| *stake);
        Ok(stakes.fold(Balance::ZERO, Balance::saturating_add))
    }

    fn chain_id(&self) -> String {
        self.env.chain_id.clone()
    }

    fn create_action_receipt(
        &mut self,
        receipt_indices: Vec<ReceiptIndex>,
        receiver_id: AccountId,
    ) -> Hosted<ReceiptIndex> {
        let data_ids = receipt_indices.iter().map(|_| self.generate_data_id()).collect();
        self.promises.create(data_ids, &receipt_indices, receiver_id)
    }

    fn create_promise_yield_receipt(
        &mut self,
        receiver_id: AccountId,
    ) -> Hosted<(ReceiptIndex, CryptoHash)> {
        let data_id = self.generate_data_id();
        Ok((self.promises.create_yield(data_id, receiver_id), data_id))
    }

    fn create_promise_yield_receipt_with_id(
        &mut self,
        _receiver_id: AccountId,
        _yield_id: YieldId,
    ) -> Hosted<Option<(ReceiptIndex, CryptoHash)>> {
        Self::unsupported("promise_yield_create_with_id")
    }

    fn submit_promise_resume_data(&mut self, data_id: CryptoHash, data: Vec<u8>) -> Hosted<bool> {
        let is_waiting = self.update.contains(&self.yield_key(data_id));
        if is_waiting || self.promises.yields(&data_id) {
            self.promises.resume(data_id, data);
            return Ok(true);
        }
        Ok(false)
    }

    fn submit_promise_resume_data_with_yield_id(
        &mut self,
        _yield_id: YieldId,
        _data: Vec<u8>,
    ) -> Hosted<bool> {
        Self::unsupported("promise_yield_resume_with_yield_id")
    }

    fn append_action_create_account(&mut self, index: ReceiptIndex) {
        self.promises.append(index, Action::CreateAccount(CreateAccountAction {}));
    }

    fn append_action_deploy_contract(&mut self, index: ReceiptIndex, code: Vec<u8>) {
        self.promises.append(index, Action::DeployContract(DeployContractAction { code }));
    }

    fn append_action_deploy_global_contract(
        &mut self,
        index: ReceiptIndex,
        code: Vec<u8>,
        mode: logic::GlobalContractDeployMode,
    ) {
        let deploy_mode = match mode {
            logic::GlobalContractDeployMode::CodeHash => GlobalContractDeployMode::CodeHash,
            logic::GlobalContractDeployMode::AccountId => GlobalContractDeployMode::AccountId,
        };
        let action = DeployGlobalContractAction { code: code.into(), deploy_mode };
        self.promises.append(index, Action::DeployGlobalContract(action));
    }

    fn append_action_use_global_contract(
        &mut self,
        index: ReceiptIndex,
        contract_id: logic::GlobalContractIdentifier,
    ) {
        let action = UseGlobalContractAction { contract_identifier: contract_id.into() };
        self.promises.append(index, Action::UseGlobalContract(Box::new(action)));
    }

    fn append_action_deterministic_state_init(
        &mut self,
        index: ReceiptIndex,
        contract_id: logic::GlobalContractIdentifier,
        amount: Balance,
    ) -> ActionIndex {
        let code = contract_id.into();
        let first = DeterministicAccountStateInitV1 { code, data: Default::default() };
        let state_init = DeterministicAccountStateInit::V1(first);
        let action = DeterministicStateInitAction { state_init, deposit: amount };
        self.promises.append(index, Action::DeterministicStateInit(Box::new(action)));
        0
    }

    fn set_deterministic_state_init_data_entry(
        &mut self,
        _index: ReceiptIndex,
        _action_index: ActionIndex,
        _key: Vec<u8>,
        _value: Vec<u8>,
    ) -> Hosted<()> {
        // The receipt will be refused, whatever its state is.
        Ok(())
    }

    fn check_state_init(&self, state_init: &RawStateInit) -> Result<(), StateInitError> {
        UniversalStateInit::from_raw_strict(state_init).map(drop)
    }

    fn state_init_send_counts(
        &self,
        state_init: &RawStateInit,
        mode: DecodeMode,
    ) -> UniversalStateInitCounts {
        state_init_send_counts(state_init, mode)
    }

    fn append_action_universal_state_init(
        &mut self,
        index: ReceiptIndex,
        state_init: RawStateInit,
        amount: Balance,
    ) {
        let action = UniversalStateInitAction { state_init, deposit: amount };
        self.promises.append(index, Action::UniversalStateInit(Box::new(action)));
    }

    fn append_action_function_call_weight(
        &mut self,
        index: ReceiptIndex,
        method_name: Vec<u8>,
        args: Vec<u8>,
        deposit: Balance,
        gas: Gas,
        GasWeight(weight): GasWeight,
    ) -> Hosted<()> {
        let method_name =
            String::from_utf8(method_name).map_err(|_| HostError::InvalidMethodName)?;
        let call = FunctionCallAction { method_name, args, gas, deposit };
        self.promises.append_call(index, call, weight);
        Ok(())
    }

    fn append_action_transfer(&mut self, index: ReceiptIndex, deposit: Balance) {
        self.promises.append(index, Action::Transfer(TransferAction { deposit }));
    }

    fn append_action_transfer_to_gas_key(
        &mut self,
        index: ReceiptIndex,
        public_key: PublicKey,
        deposit: Balance,
    ) {
        let action = TransferToGasKeyAction { public_key, deposit };
        self.promises.append(index, Action::TransferToGasKey(Box::new(action)));
    }

    fn append_action_add_gas_key_with_full_access(
        &mut self,
        index: ReceiptIndex,
        public_key: PublicKey,
        num_nonces: NonceIndex,
    ) {
        self.promises.append_key(index, public_key, AccessKey::gas_key_full_access(num_nonces));
    }

    fn append_action_add_gas_key_with_function_call(
        &mut self,
        _index: ReceiptIndex,
        _public_key: PublicKey,
        _num_nonces: NonceIndex,
        _allowance: Option<Balance>,
        _receiver_id: AccountId,
        _method_names: Vec<Vec<u8>>,
    ) -> Hosted<()> {
        Self::unsupported("promise_batch_action_add_gas_key_with_function_call")
    }

    fn append_action_stake(&mut self, index: ReceiptIndex, stake: Balance, public_key: PublicKey) {
        let action = StakeAction { stake, public_key };
        self.promises.append(index, Action::Stake(Box::new(action)));
    }

    fn append_action_add_key_with_full_access(
        &mut self,
        index: ReceiptIndex,
        public_key: PublicKey,
        nonce: Nonce,
    ) {
        let access_key = AccessKey { nonce, ..AccessKey::full_access() };
        self.promises.append_key(index, public_key, access_key);
    }

    fn append_action_add_key_with_function_call(
        &mut self,
        index: ReceiptIndex,
        public_key: PublicKey,
        nonce: Nonce,
        allowance: Option<Balance>,
        receiver_id: AccountId,
        method_names: Vec<Vec<u8>>,
    ) -> Hosted<()> {
        let access_key = call_key(nonce, allowance, &receiver_id, method_names)?;
        self.promises.append_key(index, public_key, access_key);
        Ok(())
    }

    fn append_action_delete_key(&mut self, index: ReceiptIndex, public_key: PublicKey) {
        let action = DeleteKeyAction { public_key };
        self.promises.append(index, Action::DeleteKey(Box::new(action)));
    }

    fn append_action_delete_account(&mut self, index: ReceiptIndex, beneficiary_id: AccountId) {
        self.promises.append(index, Action::DeleteAccount(DeleteAccountAction { beneficiary_id }));
    }

    fn get_receipt_receiver(&self, index: ReceiptIndex) -> &AccountId {
        self.promises.receiver(index)
    }

    fn set_refund_to(&mut self, index: ReceiptIndex, refund_to: AccountId) {
        self.promises.set_refund_to(index, refund_to);
    }

    fn post_quantum_keys_enabled(&self) -> bool {
        true
    }
}

//! What each action does. Source: nearcore, `apply_action` and `runtime/runtime/src/actions.rs`.

use std::sync::Arc;

use near_crypto::{ED25519PublicKey, PublicKey};
use near_primitives::{
    account::{AccessKey, AccessKeyPermission, Account, AccountContract, id::AccountType},
    action::{Action, AddKeyAction, DeployContractAction, FunctionCallAction},
    errors::{ActionError, ActionErrorKind, IntegerOverflowError},
    hash::CryptoHash,
    profile_data_v3::ProfileDataV3,
    receipt::{Receipt, VersionedActionReceipt},
    trie_key::TrieKey,
    types::{AccountId, Balance, Gas},
    utils::create_action_hash_from_receipt_id,
};
use near_vm_runner::logic::{ReturnData, types::PromiseResult};

use super::{
    CONFIG, Env, check, delegate, fees,
    host::Host,
    promises::Origin,
    refunds::balance_refund,
    vm::{self, Call, Caller},
};
use crate::state::{Update, encoded};

/// What accounts with more than this, beside their code, cannot be deleted with. Bytes.
const DELETE_STORAGE_MAX: u64 = 10_000;
/// The code of all accounts of Ethereum keys. Source: nearcore, `near-wallet-contract`, for other
/// networks than the main and the test network.
const ETH_WALLET_CODE: [u8; 32] = [
    0xd2, 0x88, 0x4a, 0x90, 0x0d, 0x4f, 0xa3, 0x70, 0xe4, 0x8f, 0x1e, 0x3d, 0x48, 0x65, 0xd4, 0xdc,
    0x0d, 0xbd, 0x09, 0x3c, 0x89, 0xf0, 0xe7, 0xba, 0xef, 0x2e, 0xdd, 0xc1, 0x42, 0xc4, 0x9e, 0x8d,
];

/// What one or several actions came to.
#[derive(Debug)]
pub(super) struct Acted {
    pub(super) gas_burnt: Gas,
    /// Also what was passed on to other receipts.
    pub(super) gas_used: Gas,
    pub(super) logs: Vec<String>,
    pub(super) made: Vec<Receipt>,
    /// What the gas of calls went into.
    pub(super) profile: ProfileDataV3,
    pub(super) result: Result<ReturnData, ActionError>,
}

impl Acted {
    pub(super) fn cost(gas: Gas) -> Self {
        Self {
            gas_burnt: gas,
            gas_used: gas,
            logs: Vec::new(),
            made: Vec::new(),
            profile: ProfileDataV3::default(),
            result: Ok(ReturnData::None),
        }
    }

    /// Adds what the action number `index` came to.
    pub(super) fn merge(&mut self, mut next: Self, index: u64) {
        self.gas_burnt = self.gas_burnt.saturating_add(next.gas_burnt);
        self.gas_used = self.gas_used.saturating_add(next.gas_used);
        self.logs.append(&mut next.logs);
        self.profile.merge(&next.profile);
        if let Ok(ReturnData::ReceiptIndex(receipt)) = &mut next.result {
            *receipt += self.made.len() as u64;
        }
        if let Err(error) = &mut next.result {
            error.index.get_or_insert(index);
            self.made.clear();
        } else {
            self.made.append(&mut next.made);
        }
        self.result = next.result;
    }
}

/// A receipt as its actions are carried out one after another.
#[derive(Debug)]
pub(super) struct Acting<'a> {
    pub(super) update: &'a mut Update,
    pub(super) env: &'a Env,
    pub(super) receipt: &'a Receipt,
    pub(super) body: &'a VersionedActionReceipt<'a>,
    /// Of the receiver; `None` as long as it does not exist.
    pub(super) account: Option<Account>,
    /// Who acts: who sent the receipt, or the receiver once it was made here.
    pub(super) actor: AccountId,
    pub(super) results: Arc<[PromiseResult]>,
}

type Done = Result<(), ActionErrorKind>;

impl Acting<'_> {
    fn id(&self) -> &AccountId {
        self.receipt.receiver_id()
    }

    pub(super) fn is_refund(&self) -> bool {
        self.receipt.predecessor_id().is_system()
    }

    /// The receiver's account; [`Self::check`] has seen that there is one.
    fn existing(&mut self) -> &mut Account {
        self.account.as_mut().expect("it was checked that the account exists")
    }

    /// Carries out the action number `index`.
    ///
    /// # Errors
    /// If something exceeds what can be counted: then the state itself is bad.
    pub(super) fn act(&mut self, index: usize) -> Result<Acted, IntegerOverflowError> {
        let body = self.body;
        let action = &body.actions()[index];
        let mut acted = Acted::cost(fees::exec(action, self.id()));
        if let Err(kind) = self.check(action) {
            acted.result = Err(kind.into());
            return Ok(acted);
        }
        let done = match action {
            Action::CreateAccount(_) => self.create(),
            Action::DeployContract(deploy) => self.deploy(deploy),
            Action::FunctionCall(call) => {
                self.call(call, index, &mut acted);
                Ok(())
            }
            Action::Transfer(transfer) => self.transfer(transfer.deposit),
            Action::AddKey(add) => self.add_key(add),
            Action::DeleteKey(delete) => self.delete_key(&delete.public_key),
            Action::DeleteAccount(delete) => self.delete(&delete.beneficiary_id, &mut acted),
            Action::Delegate(_) | Action::DelegateV2(_) => {
                return delegate::act(self, action, acted);
            }
            // Refused as they were sent.
            Action::Stake(_)
            | Action::DeployGlobalContract(_)
            | Action::UseGlobalContract(_)
            | Action::DeterministicStateInit(_)
            | Action::UniversalStateInit(_)
            | Action::TransferToGasKey(_)
            | Action::WithdrawFromGasKey(_) => Err(ActionErrorKind::ActorNoPermission {
                account_id: self.id().clone(),
                actor_id: self.actor.clone(),
            }),
        };
        if let Err(kind) = done {
            acted.result = Err(kind.into());
        }
        if acted.result.is_ok() {
            let bad = acted.made.iter().find_map(|receipt| check::new_receipt(receipt).err());
            if let Some(error) = bad {
                acted.result = Err(ActionErrorKind::NewReceiptValidationError(error).into());
            }
        }
        Ok(acted)
    }

    /// Whether the account exists as it must, and the actor may do this.
    fn check(&self, action: &Action) -> Done {
        let id = || self.id().clone();
        let kind = self.id().get_account_type();
        let is_implicit = kind != AccountType::NamedAccount;
        let is_alone = self.body.actions().len() == 1 && !self.is_refund();
        match (action, &self.account) {
            (Action::CreateAccount(_), Some(_)) => {
                return Err(ActionErrorKind::AccountAlreadyExists { account_id: id() });
            }
            (Action::CreateAccount(_), None) if is_implicit => {
                let account_id = id();
                return Err(ActionErrorKind::OnlyImplicitAccountCreationAllowed { account_id });
            }
            (Action::CreateAccount(_), None) | (_, Some(_)) => (),
            (Action::Transfer(_), None) if is_implicit && is_alone => (),
            (_, None) => return Err(ActionErrorKind::AccountDoesNotExist { account_id: id() }),
        }
        let is_own = matches!(
            action,
            Action::DeployContract(_)
                | Action::AddKey(_)
                | Action::DeleteKey(_)
                | Action::DeleteAccount(_)
        );
        if is_own && self.actor != *self.id() {
            let actor_id = self.actor.clone();
            return Err(ActionErrorKind::ActorNoPermission { account_id: id(), actor_id });
        }
        let locked = self.account.as_ref().map_or(Balance::ZERO, Account::locked);
        if matches!(action, Action::DeleteAccount(_)) && !locked.is_zero() {
            return Err(ActionErrorKind::DeleteAccountStaking { account_id: id() });
        }
        Ok(())
    }

    fn create(&mut self) -> Done {
        let id = self.id().clone();
        let predecessor_id = self.receipt.predecessor_id().clone();
        let rules = &CONFIG.account_creation_config;
        if id.is_top_level() {
            let is_short = id.len() < usize::from(rules.min_allowed_top_level_account_length);
            if is_short && predecessor_id != rules.registrar_account_id {
                return Err(ActionErrorKind::CreateAccountOnlyByRegistrar {
                    account_id: id,
                    registrar_account_id: rules.registrar_account_id.clone(),
                    predecessor_id,
                });
            }
        } else if !id.is_sub_account_of(&predecessor_id) {
            return Err(ActionErrorKind::CreateAccountNotAllowed {
                account_id: id,
                predecessor_id,
            });
        }
        self.actor = id;
        self.account = Some(new_account(Balance::ZERO, AccountContract::None));
        Ok(())
    }

    fn deploy(&mut self, deploy: &DeployContractAction) -> Done {
        let key = TrieKey::ContractCode { account_id: self.id().clone() };
        let old = self.update.get(&key).map_or(0, |code| code.len() as u64);
        let account = self.existing();
        let usage = account.storage_usage().saturating_sub(old) + deploy.code.len() as u64;
        account.set_storage_usage(usage);
        let hash = CryptoHash::hash_bytes(&deploy.code);
        account.set_contract(AccountContract::Local(hash)).map_err(|_| self.refused())?;
        self.update.set(&key, &deploy.code);
        Ok(())
    }

    fn refused(&self) -> ActionErrorKind {
        ActionErrorKind::AccountDoesNotExist { account_id: self.id().clone() }
    }

    fn transfer(&mut self, deposit: Balance) -> Done {
        let id = self.id().clone();
        let Some(account) = &mut self.account else {
            self.make_implicit(&id, deposit);
            return Ok(());
        };
        account.set_amount(account.amount().saturating_add(deposit));
        if self.is_refund() && *self.body.signer_id() == id {
            self.refund_allowance(&id, deposit);
        }
        Ok(())
    }

    /// A key's allowance gets back what was not spent, if it still is there.
    fn refund_allowance(&mut self, id: &AccountId, deposit: Balance) {
        let key = self.body.signer_public_key();
        let Some(mut access) = self.update.access_key(id, key) else { return };
        if let AccessKeyPermission::FunctionCall(permission) = &mut access.permission
            && let Some(allowance) = permission.allowance
        {
            permission.allowance = Some(allowance.saturating_add(deposit));
            self.update.set_access_key(id, key, &access);
        }
    }

    fn make_implicit(&mut self, id: &AccountId, deposit: Balance) {
        self.actor = id.clone();
        let account = match id.get_account_type() {
            AccountType::NearImplicitAccount => {
                let mut account = new_account(deposit, AccountContract::None);
                let mut bytes = [0; 32];
                hex::decode_to_slice(id.as_str(), &mut bytes).expect("such ids are 64 hex digits");
                let key = PublicKey::ED25519(ED25519PublicKey(bytes));
                let access =
                    AccessKey { nonce: self.env.first_nonce(), ..AccessKey::full_access() };
                account.set_storage_usage(account.storage_usage() + key_storage(&key, &access));
                self.update.set_access_key(id, &key, &access);
                account
            }
            AccountType::EthImplicitAccount => {
                let contract = AccountContract::Global(CryptoHash(ETH_WALLET_CODE));
                let used = contract.identifier_storage_usage();
                let mut account = new_account(deposit, contract);
                account.set_storage_usage(account.storage_usage() + used);
                account
            }
            _ => new_account(deposit, AccountContract::None),
        };
        self.account = Some(account);
    }

    fn add_key(&mut self, add: &AddKeyAction) -> Done {
        let (id, key) = (self.id().clone(), &add.public_key);
        if self.update.access_key(&id, key).is_some() {
            let public_key = key.clone().into();
            return Err(ActionErrorKind::AddKeyAlreadyExists { account_id: id, public_key });
        }
        let nonce = self.env.first_nonce();
        let access = AccessKey { nonce, permission: add.access_key.permission.clone() };
        let used = key_storage(key, &access);
        let account = self.existing();
        account.set_storage_usage(account.storage_usage() + used);
        self.update.set_access_key(&id, key, &access);
        Ok(())
    }

    fn delete_key(&mut self, key: &PublicKey) -> Done {
        let id = self.id().clone();
        let Some(access) = self.update.access_key(&id, key) else {
            let public_key = key.clone().into();
            return Err(ActionErrorKind::DeleteKeyDoesNotExist { account_id: id, public_key });
        };
        let used = key_storage(key, &access);
        let account = self.existing();
        account.set_storage_usage(account.storage_usage().saturating_sub(used));
        self.update.remove(&TrieKey::access_key(id, key));
        Ok(())
    }

    fn delete(&mut self, beneficiary: &AccountId, acted: &mut Acted) -> Done {
        let id = self.id().clone();
        let code = self.update.get(&TrieKey::ContractCode { account_id: id.clone() });
        let code = code.map_or(0, |code| code.len() as u64);
        let account = self.existing();
        if account.storage_usage().saturating_sub(code) > DELETE_STORAGE_MAX {
            return Err(ActionErrorKind::DeleteAccountWithLargeState { account_id: id });
        }
        let left = account.amount();
        if !left.is_zero() {
            acted.made.push(balance_refund(beneficiary, left));
        }
        self.update.remove_account(&id);
        self.account = None;
        self.actor = self.receipt.predecessor_id().clone();
        Ok(())
    }

    fn call(&mut self, call: &FunctionCallAction, index: usize, acted: &mut Acted) {
        let id = self.id().clone();
        let is_last = index + 1 == self.body.actions().len();
        let outputs = self.body.output_data_receivers();
        let receivers = outputs.iter().filter(|_| is_last).map(|output| output.receiver_id.clone());
        let action_hash =
            create_action_hash_from_receipt_id(self.receipt.receipt_id(), self.env.height, index);
        let origin = Origin {
            signer: self.body.signer_id().clone(),
            key: self.body.signer_public_key().clone(),
            gas_price: self.body.gas_price(),
        };
        let caller = Caller {
            signer: origin.signer.clone(),
            key: origin.key.clone(),
            predecessor: self.receipt.predecessor_id().clone(),
            refund_to: self.receipt.balance_refund_receiver().clone(),
        };
        let account = self.existing().clone();
        let call = Call {
            method: &call.method_name,
            args: &call.args,
            gas: call.gas,
            deposit: call.deposit,
            account: &account,
            caller,
            action_hash,
            results: Arc::clone(&self.results),
            receivers: receivers.collect(),
        };
        let prepaid = call.gas;
        let mut host = Host::new(self.update, self.env, id.clone(), action_hash);
        let outcome = vm::run(&mut host, self.env, &id, call);
        let shared = host.promises.share_gas(prepaid.saturating_sub(outcome.used_gas));
        let made = host.promises;
        acted.gas_burnt = acted.gas_burnt.saturating_add(outcome.burnt_gas);
        acted.gas_used = acted.gas_used.saturating_add(outcome.used_gas).saturating_add(shared);
        acted.profile = vm::profile(&outcome);
        acted.logs.extend(outcome.logs);
        if let Some(error) = outcome.aborted {
            let error = ActionErrorKind::FunctionCallError(vm::reported(error));
            acted.result = Err(error.into());
            return;
        }
        let account = self.existing();
        account.set_amount(outcome.balance);
        account.set_storage_usage(outcome.storage_usage);
        acted.result = Ok(outcome.return_data);
        acted.made.extend(made.finish(&id, &origin));
    }
}

pub(crate) fn new_account(amount: Balance, contract: AccountContract) -> Account {
    let usage = CONFIG.fees.storage_usage_config.num_bytes_account;
    Account::new(amount, Balance::ZERO, contract, usage)
}

/// What a key takes of its account's storage, in bytes.
pub(crate) fn key_storage(key: &PublicKey, access: &AccessKey) -> u64 {
    let extra = CONFIG.fees.storage_usage_config.num_extra_bytes_record;
    (key.trie_id_len() + encoded(access).len()) as u64 + extra
}

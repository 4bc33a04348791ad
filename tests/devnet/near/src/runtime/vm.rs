//! Runs contracts in NEAR's own VM. Source: nearcore, `runtime/runtime/src/function_call.rs`.

use std::{
    path::PathBuf,
    rc::Rc,
    sync::{Arc, LazyLock},
};

use near_crypto::PublicKey;
use near_primitives::{
    account::{Account, AccountContract},
    config::ViewConfig,
    errors::{CompilationError, FunctionCallError, MethodResolveError, PrepareError},
    hash::CryptoHash,
    profile_data_v3::ProfileDataV3,
    trie_key::TrieKey,
    types::{AccountId, Balance, Gas},
    utils::create_random_seed,
};
use near_vm_runner::{
    Contract, ContractCode, ContractRuntimeCache, FilesystemContractRuntimeCache,
    logic::{
        GasCounter, ReturnData, VMContext, VMOutcome,
        errors::{self as logic, VMRunnerError},
        types::PromiseResult,
    },
    noop_background_spawner,
};

use super::{CONFIG, Env, host::Host};
use crate::state::{Trie, Update};

/// Compiled contracts that are kept ready in memory.
const READY_MAX: usize = 64;
/// Compiled contracts on disk.
const DISK_BYTES_MAX: u64 = 1 << 30;

/// Compiled code, shared by all chains of this process, and through the disk by all processes.
static COMPILED: LazyLock<FilesystemContractRuntimeCache> = LazyLock::new(|| {
    let kept = FilesystemContractRuntimeCache::with_memory_cache(
        &cache_folder(),
        None::<&str>,
        "near-contracts",
        READY_MAX,
        None,
        DISK_BYTES_MAX,
        noop_background_spawner(),
    );
    // Without a home of its own, this process compiles for itself.
    kept.or_else(|_| FilesystemContractRuntimeCache::test())
        .expect("there is a folder for temporary files")
});

/// Only the user's own: what lies there is run as machine code.
fn cache_folder() -> PathBuf {
    let own = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folder = own("XDG_CACHE_HOME").or_else(|| own("HOME").map(|home| home.join(".cache")));
    folder.unwrap_or_else(|| PathBuf::from("/nonexistent")).join("anchorhold")
}

/// What is called, and with what.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) args: &'a [u8],
    pub(super) gas: Gas,
    pub(super) deposit: Balance,
    pub(super) account: &'a Account,
    pub(super) caller: Caller,
    pub(super) action_hash: CryptoHash,
    pub(super) results: Arc<[PromiseResult]>,
    pub(super) receivers: Vec<AccountId>,
}

/// On whose account something is called.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) signer: AccountId,
    pub(super) key: PublicKey,
    pub(super) predecessor: AccountId,
    pub(super) refund_to: AccountId,
}

/// An account's code, which is read only if it was not compiled before.
struct Code {
    hash: CryptoHash,
    bytes: Option<Arc<[u8]>>,
}

impl Contract for Code {
    fn hash(&self) -> CryptoHash {
        self.hash
    }

    fn get_code(&self) -> Option<Arc<ContractCode>> {
        let bytes = self.bytes.as_ref()?;
        Some(Arc::new(ContractCode::new(bytes.to_vec(), Some(self.hash))))
    }
}

/// Runs a method of `contract`. The outcome says how it ended; what it made is in `host`.
pub(super) fn run(
    host: &mut Host<'_>,
    env: &Env,
    contract: &AccountId,
    call: Call<'_>,
) -> VMOutcome {
    run_as(host, env, contract, call, None)
}

fn run_as(
    host: &mut Host<'_>,
    env: &Env,
    contract: &AccountId,
    call: Call<'_>,
    view: Option<ViewConfig>,
) -> VMOutcome {
    let code = code(host.update, contract, call.account);
    let wasm = Arc::clone(&CONFIG.wasm_config);
    let burnt_max =
        view.as_ref().map_or(wasm.limit_config.max_gas_burnt, |view| view.max_gas_burnt);
    let gas = GasCounter::new(
        wasm.ext_costs.clone(),
        burnt_max,
        wasm.regular_op_cost,
        call.gas,
        view.is_some(),
    );
    let cache: &dyn ContractRuntimeCache = &*COMPILED;
    let prepared = near_vm_runner::prepare(&code, wasm, Some(cache), gas, call.method);
    let context = context(env, contract, call, view);
    let outcome = near_vm_runner::run(prepared, host, &context, Arc::clone(&CONFIG.fees));
    match outcome {
        Ok(outcome) => outcome,
        Err(VMRunnerError::ContractCodeNotPresent) => {
            let missing =
                logic::CompilationError::CodeDoesNotExist { account_id: contract.as_str().into() };
            VMOutcome::nop_outcome(logic::FunctionCallError::CompilationError(missing))
        }
        // A node of the real network would stop here. A test wants to read why.
        Err(error) => {
            let msg = format!("the virtual machine broke: {error}");
            VMOutcome::nop_outcome(logic::FunctionCallError::LinkError { msg })
        }
    }
}

fn code(update: &Update, contract: &AccountId, account: &Account) -> Code {
    match account.contract().as_ref() {
        AccountContract::Local(hash) => {
            let key = TrieKey::ContractCode { account_id: contract.clone() };
            Code { hash: *hash, bytes: update.get(&key) }
        }
        // Accounts of Ethereum keys name a global contract, which is not here.
        AccountContract::Global(hash) => Code { hash: *hash, bytes: None },
        AccountContract::None | AccountContract::GlobalByAccount(_) => {
            Code { hash: CryptoHash::default(), bytes: None }
        }
    }
}

fn context(env: &Env, contract: &AccountId, call: Call<'_>, view: Option<ViewConfig>) -> VMContext {
    let Caller { signer, key, predecessor, refund_to } = call.caller;
    VMContext {
        current_account_id: contract.clone(),
        signer_account_id: signer,
        signer_account_pk: crate::state::encoded(&key),
        predecessor_account_id: predecessor,
        refund_to_account_id: refund_to,
        input: Rc::from(call.args),
        promise_results: call.results,
        block_height: env.height,
        block_timestamp: env.time_ns,
        epoch_height: env.epoch_height,
        account_balance: call.account.amount(),
        account_locked_balance: call.account.locked(),
        storage_usage: call.account.storage_usage(),
        account_contract: call.account.contract().into_owned(),
        attached_deposit: call.deposit,
        prepaid_gas: call.gas,
        random_seed: create_random_seed(call.action_hash, env.seed),
        view_config: view,
        output_data_receivers: call.receivers,
    }
}

/// What the gas of a call went into, in the form that clients see.
pub(super) fn profile(outcome: &VMOutcome) -> ProfileDataV3 {
    let mut shown = ProfileDataV3::default();
    for (cost, _) in &CONFIG.fees.action_fees {
        shown.add_action_cost(cost, outcome.profile.get_action_cost(cost));
    }
    for (cost, _) in &CONFIG.wasm_config.ext_costs.costs {
        shown.add_ext_cost(cost, outcome.profile.get_ext_cost(cost));
    }
    shown.compute_wasm_instruction_cost(outcome.burnt_gas);
    shown
}

/// What a view method answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// Its value; empty if it gave none.
    pub value: Vec<u8>,
    /// The lines that it wrote.
    pub logs: Vec<String>,
    /// Gas that it took.
    pub gas: Gas,
}

/// Why a view method did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// There is no such account.
    #[error("account {0} does not exist while viewing")]
    NoAccount(AccountId),
    /// It has no contract.
    #[error("contract code for account {0} does not exist while viewing")]
    NoCode(AccountId),
    /// It ended with an error.
    #[error("wasm execution failed with error: {text}")]
    Failed {
        /// In the words in which the network's nodes say it.
        text: String,
        /// As the protocol has it.
        error: FunctionCallError,
        /// What it wrote before.
        logs: Vec<String>,
    },
}

/// Calls a method that changes nothing, on a past state.
pub(crate) fn view(
    state: &Trie,
    env: &Env,
    contract: &AccountId,
    method: &str,
    args: &[u8],
) -> Result<Viewed, ViewError> {
    let mut update = Update::new(state.clone());
    let account = update.account(contract).ok_or_else(|| ViewError::NoAccount(contract.clone()))?;
    if account.contract().is_none() {
        return Err(ViewError::NoCode(contract.clone()));
    }
    let gas = CONFIG.wasm_config.limit_config.max_gas_burnt;
    let key = PublicKey::empty(near_crypto::KeyType::ED25519);
    let caller = Caller {
        signer: contract.clone(),
        key,
        predecessor: contract.clone(),
        refund_to: contract.clone(),
    };
    let call = Call {
        method,
        args,
        gas,
        deposit: Balance::ZERO,
        account: &account,
        caller,
        action_hash: CryptoHash::default(),
        results: Arc::from([]),
        receivers: Vec::new(),
    };
    let mut host = Host::new(&mut update, env, contract.clone(), CryptoHash::default());
    let view = Some(ViewConfig { max_gas_burnt: gas });
    let outcome = run_as(&mut host, env, contract, call, view);
    if let Some(error) = outcome.aborted {
        let text = format!("{error:?}");
        return Err(ViewError::Failed { text, error: reported(error), logs: outcome.logs });
    }
    let value = match outcome.return_data {
        ReturnData::Value(value) => value,
        ReturnData::ReceiptIndex(_) | ReturnData::None => Vec::new(),
    };
    Ok(Viewed { value, logs: outcome.logs, gas: outcome.burnt_gas })
}

/// The error in the form that clients see. Source: nearcore, `conversions.rs`.
pub(super) fn reported(error: logic::FunctionCallError) -> FunctionCallError {
    match error {
        logic::FunctionCallError::CompilationError(error) => {
            FunctionCallError::CompilationError(compilation(error))
        }
        logic::FunctionCallError::MethodResolveError(error) => {
            FunctionCallError::MethodResolveError(match error {
                logic::MethodResolveError::MethodEmptyName => MethodResolveError::MethodEmptyName,
                logic::MethodResolveError::MethodNotFound => MethodResolveError::MethodNotFound,
                logic::MethodResolveError::MethodInvalidSignature => {
                    MethodResolveError::MethodInvalidSignature
                }
            })
        }
        error @ (logic::FunctionCallError::LinkError { .. }
        | logic::FunctionCallError::WasmTrap(_)
        | logic::FunctionCallError::HostError(_)
        | logic::FunctionCallError::LoadingError { .. }) => {
            FunctionCallError::ExecutionError(error.to_string())
        }
    }
}

fn compilation(error: logic::CompilationError) -> CompilationError {
    match error {
        logic::CompilationError::CodeDoesNotExist { account_id } => {
            let account_id = account_id.parse().expect("it is the account that was called");
            CompilationError::CodeDoesNotExist { account_id }
        }
        // Two lists of the same reasons, encoded alike.
        logic::CompilationError::PrepareError(reason) => {
            let reason = borsh::from_slice(&crate::state::encoded(&reason));
            CompilationError::PrepareError(reason.unwrap_or(PrepareError::Deserialization))
        }
        logic::CompilationError::WasmerCompileError { msg } => {
            CompilationError::WasmerCompileError { msg }
        }
        logic::CompilationError::WasmtimeCompileError { msg } => {
            CompilationError::WasmerCompileError { msg }
        }
    }
}

//! What the management canister is told and tells, in Candid.

use std::collections::BTreeSet;

use candid::{CandidType, Nat, Principal};
use serde::Deserialize;

use super::super::{Canister, Reject, Status};

/// Most controllers of a canister.
const CONTROLLERS_MAX: usize = 10;

#[derive(CandidType, Deserialize)]
pub(super) struct Named {
    pub(super) canister_id: Principal,
}

#[derive(CandidType, Deserialize)]
pub(super) struct Created {
    pub(super) canister_id: Principal,
}

/// All settings but the controllers change nothing here.
#[derive(CandidType, Deserialize)]
pub(super) struct Settings {
    controllers: Option<Vec<Principal>>,
}

#[derive(CandidType, Deserialize)]
pub(super) struct Create {
    pub(super) settings: Option<Settings>,
}

#[derive(CandidType, Deserialize)]
pub(super) struct Provision {
    pub(super) settings: Option<Settings>,
    pub(super) amount: Option<Nat>,
}

#[derive(CandidType, Deserialize)]
pub(super) struct TopUp {
    pub(super) canister_id: Principal,
    pub(super) amount: Nat,
}

#[derive(CandidType, Deserialize)]
pub(super) struct Update {
    pub(super) canister_id: Principal,
    pub(super) settings: Settings,
}

#[derive(CandidType, Deserialize)]
pub(super) struct Install {
    pub(super) mode: Mode,
    pub(super) canister_id: Principal,
    pub(super) wasm_module: Vec<u8>,
    pub(super) arg: Vec<u8>,
}

#[derive(CandidType, Deserialize)]
pub(super) enum Mode {
    #[serde(rename = "install")]
    Install,
    #[serde(rename = "reinstall")]
    Reinstall,
    #[serde(rename = "upgrade")]
    Upgrade(Option<UpgradeOptions>),
}

#[derive(CandidType, Deserialize)]
pub(super) struct UpgradeOptions {
    skip_pre_upgrade: Option<bool>,
}

pub(super) fn skips_pre_upgrade(options: Option<UpgradeOptions>) -> bool {
    options.and_then(|options| options.skip_pre_upgrade).unwrap_or(false)
}

impl Settings {
    pub(super) fn controllers(&self) -> Result<Option<BTreeSet<Principal>>, Reject> {
        let Some(controllers) = &self.controllers else { return Ok(None) };
        if controllers.len() > CONTROLLERS_MAX {
            let text = format!("a canister has at most {CONTROLLERS_MAX} controllers");
            return Err(Reject::bad_payload(text));
        }
        Ok(Some(controllers.iter().copied().collect()))
    }
}

pub(super) fn cycles(amount: Nat) -> Result<u128, Reject> {
    u128::try_from(amount.0).map_err(|_| Reject::bad_payload("there are not so many cycles"))
}

#[derive(CandidType, Deserialize)]
enum Activity {
    #[serde(rename = "running")]
    Running,
    #[serde(rename = "stopping")]
    Stopping,
    #[serde(rename = "stopped")]
    Stopped,
}

#[derive(CandidType, Deserialize)]
enum Readers {
    #[serde(rename = "controllers")]
    Controllers,
}

#[derive(CandidType)]
struct Variable {
    name: String,
    value: String,
}

#[derive(CandidType)]
struct DefiniteSettings {
    controllers: Vec<Principal>,
    compute_allocation: Nat,
    memory_allocation: Nat,
    freezing_threshold: Nat,
    reserved_cycles_limit: Nat,
    log_visibility: Readers,
    wasm_memory_limit: Nat,
    wasm_memory_threshold: Nat,
    environment_variables: Vec<Variable>,
}

#[derive(CandidType)]
struct MemoryMetrics {
    wasm_memory_size: Nat,
    stable_memory_size: Nat,
    global_memory_size: Nat,
    wasm_binary_size: Nat,
    custom_sections_size: Nat,
    canister_history_size: Nat,
    wasm_chunk_store_size: Nat,
    snapshots_size: Nat,
}

#[derive(CandidType)]
struct QueryStats {
    num_calls_total: Nat,
    num_instructions_total: Nat,
    request_payload_bytes_total: Nat,
    response_payload_bytes_total: Nat,
}

/// What `canister_status` tells. What is not kept is 0.
#[derive(CandidType)]
pub(super) struct CanisterStatus {
    status: Activity,
    ready_for_migration: bool,
    version: u64,
    settings: DefiniteSettings,
    module_hash: Option<Vec<u8>>,
    memory_size: Nat,
    memory_metrics: MemoryMetrics,
    cycles: Nat,
    reserved_cycles: Nat,
    idle_cycles_burned_per_day: Nat,
    query_stats: QueryStats,
}

impl CanisterStatus {
    pub(super) fn of(canister: &Canister) -> Self {
        let zero = || Nat::from(0_u8);
        let (heap, stable) = (canister.heap_bytes() as u64, canister.stable.bytes());
        Self {
            status: match canister.status {
                Status::Running => Activity::Running,
                Status::Stopping => Activity::Stopping,
                Status::Stopped => Activity::Stopped,
            },
            ready_for_migration: false,
            version: canister.version,
            settings: DefiniteSettings {
                controllers: canister.controllers.iter().copied().collect(),
                compute_allocation: zero(),
                memory_allocation: zero(),
                freezing_threshold: zero(),
                reserved_cycles_limit: zero(),
                log_visibility: Readers::Controllers,
                wasm_memory_limit: zero(),
                wasm_memory_threshold: zero(),
                environment_variables: Vec::new(),
            },
            module_hash: canister.code.as_ref().map(|code| code.module.hash.to_vec()),
            memory_size: Nat::from(heap.saturating_add(stable)),
            memory_metrics: MemoryMetrics {
                wasm_memory_size: Nat::from(heap),
                stable_memory_size: Nat::from(stable),
                global_memory_size: zero(),
                wasm_binary_size: zero(),
                custom_sections_size: zero(),
                canister_history_size: zero(),
                wasm_chunk_store_size: zero(),
                snapshots_size: zero(),
            },
            cycles: Nat::from(canister.balance),
            reserved_cycles: zero(),
            idle_cycles_burned_per_day: zero(),
            query_stats: QueryStats {
                num_calls_total: zero(),
                num_instructions_total: zero(),
                request_payload_bytes_total: zero(),
                response_payload_bytes_total: zero(),
            },
        }
    }
}

//! A canister made with the usual kit: stable structures, certified data, calls, timers.

use std::{cell::RefCell, time::Duration};

use candid::Principal;
use ic_cdk::{
    api,
    call::{Call, CallFailed, Error},
};
use ic_stable_structures::{
    DefaultMemoryImpl, StableBTreeMap, StableCell,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};

type Memory = VirtualMemory<DefaultMemoryImpl>;

thread_local! {
    static MEMORY: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init(DefaultMemoryImpl::default()));
    static NOTES: RefCell<StableBTreeMap<String, String, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(0)));
    static UPGRADES: RefCell<StableCell<u64, Memory>> =
        RefCell::new(StableCell::init(memory(1), 0));
    /// On the heap: an upgrade forgets it.
    static TICKS: RefCell<u64> = const { RefCell::new(0) };
}

fn memory(id: u8) -> Memory {
    MEMORY.with_borrow(|manager| manager.get(MemoryId::new(id)))
}

#[ic_cdk::init]
fn init() {
    certify();
}

#[ic_cdk::post_upgrade]
fn post_upgrade() {
    UPGRADES.with_borrow_mut(|cell| {
        let count = *cell.get() + 1;
        cell.set(count)
    });
    certify();
}

#[ic_cdk::inspect_message]
fn inspect() {
    if api::msg_caller() != Principal::anonymous() {
        api::accept_message();
    }
}

#[ic_cdk::update]
fn put(name: String, text: String) -> Option<String> {
    let old = NOTES.with_borrow_mut(|notes| notes.insert(name, text));
    certify();
    old
}

/// Puts, and panics if it is told to.
#[ic_cdk::update]
fn put_and_panic(name: String, text: String) {
    put(name.clone(), text);
    panic!("not {name}");
}

#[ic_cdk::query]
fn find(name: String) -> Option<String> {
    NOTES.with_borrow(|notes| notes.get(&name))
}

#[ic_cdk::query]
fn counts() -> (u64, u64, u64) {
    let notes = NOTES.with_borrow(|notes| notes.len());
    let upgrades = UPGRADES.with_borrow(|cell| *cell.get());
    (notes, upgrades, TICKS.with_borrow(|ticks| *ticks))
}

#[ic_cdk::query]
fn certificate() -> Option<Vec<u8>> {
    api::data_certificate()
}

/// Who calls, whether they are a controller, and who this is.
#[ic_cdk::query]
fn who() -> (Principal, bool, Principal) {
    let caller = api::msg_caller();
    (caller, api::is_controller(&caller), api::canister_self())
}

#[ic_cdk::update]
fn tick_after(seconds: u64) {
    ic_cdk_timers::set_timer(Duration::from_secs(seconds), async {
        TICKS.with_borrow_mut(|ticks| *ticks += 1);
    });
}

/// Puts a note into another canister like this one, waiting for its answer for a second or for
/// ever. What was put here before the call stays, whatever comes of it.
#[ic_cdk::update]
async fn put_elsewhere(canister: Principal, name: String, bounded: bool) -> Result<(), String> {
    put(name.clone(), "sent".to_owned());
    let args = (name.clone(), "from elsewhere".to_owned());
    let call = if bounded {
        Call::bounded_wait(canister, "put").change_timeout(1)
    } else {
        Call::unbounded_wait(canister, "put")
    };
    match call.with_args(&args).await {
        Ok(_) => {
            put(name, "arrived".to_owned());
            Ok(())
        }
        Err(CallFailed::CallRejected(rejected)) => {
            Err(format!("{}: {}", rejected.raw_reject_code(), rejected.reject_message()))
        }
        Err(other) => Err(Error::from(other).to_string()),
    }
}

/// The same, but panics once the answer is there.
#[ic_cdk::update]
async fn put_elsewhere_and_panic(canister: Principal, name: String) {
    put(name.clone(), "sent".to_owned());
    let args = (name.clone(), "from elsewhere".to_owned());
    let sent = Call::unbounded_wait(canister, "put").with_args(&args).await;
    put(name, "arrived".to_owned());
    panic!("after the answer: {}", sent.is_ok());
}

#[ic_cdk::update]
async fn random() -> Vec<u8> {
    let drawn = Call::unbounded_wait(Principal::management_canister(), "raw_rand").await;
    drawn.expect("it draws").candid().expect("bytes")
}

fn certify() {
    let count = NOTES.with_borrow(|notes| notes.len());
    api::certified_data_set(count.to_be_bytes());
}

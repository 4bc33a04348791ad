//! Installation, upgrades, and the one registry that all methods share.

use std::cell::RefCell;

use governance::anchor;
use ic_cdk::api;
use ic_stable_structures::DefaultMemoryImpl;
use sha2::{Digest as _, Sha256};
use types::ChainId;

use crate::{
    registry::{Caller, Registry},
    room::Till,
    wire::{self, Settings},
};

thread_local! {
    /// Set when the code is installed or upgraded. Messages run one after the other.
    static REGISTRY: RefCell<Option<Registry>> = const { RefCell::new(None) };
}

/// Makes a new registry. Without settings nobody makes records without paying.
#[ic_cdk::init]
fn init(settings: Option<Settings>) {
    let settings = settings.unwrap_or_default();
    keep(Registry::install(DefaultMemoryImpl::default(), name(), settings));
}

/// Goes on with the registry that is there, and certifies it again. Settings that are given
/// replace those of before: only who controls the canister gives any.
#[ic_cdk::post_upgrade]
fn post_upgrade(settings: Option<Settings>) {
    keep(Registry::reopen(DefaultMemoryImpl::default(), name(), settings));
}

fn keep(registry: Result<Registry, &'static str>) {
    match registry {
        Ok(registry) => {
            api::certified_data_set(registry.heads.root());
            REGISTRY.with_borrow_mut(|kept| *kept = Some(registry));
        }
        Err(text) => ic_cdk::trap(text),
    }
}

/// Chain and account of this canister: the chain is named by the root key that its certificates
/// go back to, `icp:<first 32 hex of sha256(root key, DER)>`.
fn name() -> anchor::Registry {
    let digest = Sha256::digest(api::root_key());
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let chain: ChainId =
        format!("icp:{digits}").parse().expect("32 digits are a reference of CAIP-2");
    let account = wire::account(&api::canister_self()).expect("a canister has an id");
    anchor::Registry { chain, account }
}

/// Reads the registry.
pub(crate) fn read<T>(f: impl FnOnce(&Registry) -> T) -> T {
    REGISTRY.with_borrow(|registry| f(registry.as_ref().expect("set when installed")))
}

/// Changes the registry, and certifies what it is then.
pub(crate) fn change<T>(f: impl FnOnce(&mut Registry, &mut dyn Till) -> T) -> T {
    REGISTRY.with_borrow_mut(|registry| {
        let registry = registry.as_mut().expect("set when installed");
        let result = f(registry, &mut Message);
        api::certified_data_set(registry.heads.root());
        result
    })
}

/// Who sent this message; none for the anonymous principal.
pub(crate) fn caller() -> Option<Caller> {
    let account = wire::account(&api::msg_caller())?;
    Some(Caller { account, time_ns: api::time() })
}

/// The cycles of this message.
#[derive(Debug)]
struct Message;

impl Till for Message {
    fn available(&self) -> u128 {
        api::msg_cycles_available()
    }

    fn accept(&mut self, cycles: u128) {
        let accepted = api::msg_cycles_accept(cycles);
        assert_eq!(accepted, cycles, "fewer cycles than were available");
    }
}

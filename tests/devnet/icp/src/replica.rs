//! The replica without a network: canisters, messages between them, time. Synchronous and pure:
//! the same calls give the same state.

mod deliver;
mod execute;
mod management;
mod requests;
mod state;
mod time;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use candid::Principal;

use self::{
    deliver::{Callback, Context, Message, Origin},
    requests::Requests,
};
use crate::{
    authority::{Authority, canister},
    canister::{Canister, Code, Status},
    host::Stage,
    module::{MethodKind, Module},
    price,
    reject::{Reject, RejectCode},
};

pub(crate) use self::{management::effective, requests::Outcome, state::Seat};

/// Most messages that one step delivers; the rest waits for the next.
const MESSAGES_PER_STEP: usize = 10_000;
/// Lines that are kept of what a canister printed.
const PRINTS_MAX: usize = 1_000;

/// How a replica behaves.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// The time that it begins with, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What its keys and its randomness follow from.
    pub seed: [u8; 32],
    /// Instructions of one update or callback; the Internet Computer's limit unless set.
    pub update_instructions_max: u64,
    /// Instructions of one query or inspection.
    pub query_instructions_max: u64,
    /// Instructions of one step of an installation.
    pub install_instructions_max: u64,
}

impl Default for ReplicaConfig {
    /// The Internet Computer's limits, in the year 2026.
    fn default() -> Self {
        Self {
            time_ns: 1_767_225_600_000_000_000,
            seed: [7; 32],
            update_instructions_max: 40_000_000_000,
            query_instructions_max: 5_000_000_000,
            install_instructions_max: 300_000_000_000,
        }
    }
}

/// A call of a canister's method.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who is called; `aaaaa-aa` is the management canister.
    pub canister: Principal,
    /// Who calls.
    pub sender: Principal,
    /// The method's name.
    pub method: String,
    /// Its argument, in Candid as a rule.
    pub arg: Vec<u8>,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The reply, in Candid as a rule.
    pub reply: Vec<u8>,
    /// Instructions of the called canister, in all messages of this call: one for an instruction
    /// of WebAssembly, one for a byte that the system copies, 500 for a call of the system.
    pub instructions: u64,
}

/// How code is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallMode {
    /// Into an empty canister.
    Install,
    /// In place of whatever was there; its state goes, stable memory included.
    Reinstall,
    /// In place of what was there; stable memory stays.
    Upgrade,
}

/// The canisters of one subnet, and the messages between them.
#[derive(Debug)]
pub struct Replica {
    config: ReplicaConfig,
    authority: Arc<Authority>,
    canisters: BTreeMap<Principal, Canister>,
    created: u64,
    time_ns: u64,
    queue: VecDeque<Message>,
    paused: BTreeMap<Principal, VecDeque<Message>>,
    contexts: BTreeMap<u64, Context>,
    callbacks: BTreeMap<u64, Callback>,
    /// The last number that a context, a callback or a request got.
    numbered: u64,
    requests: Requests,
    /// Calls of `stop_canister` that wait for the last answer, by canister.
    stopping: BTreeMap<Principal, Vec<Origin>>,
    draws: u64,
    messages: u64,
}

impl Replica {
    /// A network without canisters.
    pub fn new(config: ReplicaConfig) -> Self {
        Self {
            authority: Arc::new(Authority::new(&config.seed)),
            time_ns: config.time_ns,
            config,
            canisters: BTreeMap::new(),
            created: 0,
            queue: VecDeque::new(),
            paused: BTreeMap::new(),
            contexts: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            numbered: 0,
            requests: Requests::default(),
            stopping: BTreeMap::new(),
            draws: 0,
            messages: 0,
        }
    }

    /// The key that all trust in this network comes from, in DER: 133 bytes.
    pub fn root_key(&self) -> &[u8] {
        &self.authority.root_der
    }

    /// The subnet that all canisters are on.
    pub fn subnet(&self) -> Principal {
        self.authority.subnet_id
    }

    /// A new canister without code, with 100 T cycles.
    ///
    /// # Errors
    /// [`RejectCode::SysTransient`] once a million canisters were created.
    pub fn create_canister(&mut self, controllers: &[Principal]) -> Result<Principal, Reject> {
        self.create(controllers.iter().copied().collect(), price::ENDOWMENT)
    }

    /// Installs `wasm`; `sender` must be a controller. Returns the instructions of it all.
    ///
    /// # Errors
    /// As the management canister's `install_code`: the state is then as before.
    pub fn install(
        &mut self,
        canister: Principal,
        mode: InstallMode,
        wasm: &[u8],
        arg: &[u8],
        sender: Principal,
    ) -> Result<u64, Reject> {
        self.controlled(canister, sender)?;
        self.install_code(canister, (mode, false), wasm, arg, sender)
    }

    /// Calls a method as a user does: inspection first, then the call and all that it leads to.
    ///
    /// # Errors
    /// What the canister or the system says; [`RejectCode::SysTransient`] if the call has no
    /// answer yet.
    pub fn update(&mut self, call: &Call) -> Result<Answer, Reject> {
        self.inspect(call)?;
        self.deliver(call, 0)
    }

    /// Calls a method as a canister does, with cycles that come from nowhere: no inspection.
    ///
    /// # Errors
    /// As [`Replica::update`].
    pub fn deliver(&mut self, call: &Call, cycles: u128) -> Result<Answer, Reject> {
        let number = self.number();
        let mut id = [0; 32];
        id.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        self.requests.insert(id, (call.sender, call.canister), u64::MAX);
        self.enqueue(Origin::Request(id), call, cycles);
        self.step();
        let outcome = self.requests.take(&id);
        outcome.unwrap_or_else(|| {
            let message = "The call has no answer yet".to_owned();
            Err(Reject::new(RejectCode::SysTransient, "IC0000", message))
        })
    }

    /// Asks a query method; nothing that it does lasts.
    ///
    /// # Errors
    /// What the canister or the system says.
    pub fn query(&mut self, call: &Call) -> Result<Answer, Reject> {
        self.query_with(call, crate::authority::Ranges::Sharded)
    }

    /// What the canister certifies: at most 32 bytes.
    pub fn certified_data(&self, canister: Principal) -> Option<&[u8]> {
        self.canisters.get(&canister).map(|canister| canister.certified_data.as_slice())
    }

    /// SHA-256 of the canister's module.
    pub fn module_hash(&self, canister: Principal) -> Option<[u8; 32]> {
        Some(self.canisters.get(&canister)?.code.as_ref()?.module.hash)
    }

    /// The canister's cycles.
    pub fn balance(&self, canister: Principal) -> Option<u128> {
        self.canisters.get(&canister).map(|canister| canister.balance)
    }

    /// Bytes of heap and of stable memory.
    pub fn memory_bytes(&self, canister: Principal) -> Option<(u64, u64)> {
        let canister = self.canisters.get(&canister)?;
        Some((canister.heap_bytes() as u64, canister.stable.bytes()))
    }

    /// What the canister printed, the last thousand lines.
    pub fn prints(&self, canister: Principal) -> &[String] {
        self.canisters.get(&canister).map_or(&[], |canister| &canister.prints)
    }

    /// Keeps messages to `canister` back, as if it were far too busy to answer.
    pub fn pause(&mut self, canister: Principal) {
        self.paused.entry(canister).or_default();
    }

    /// Delivers what was kept back, and what comes of it.
    pub fn resume(&mut self, canister: Principal) {
        if let Some(held) = self.paused.remove(&canister) {
            self.queue.extend(held);
        }
        self.step();
    }

    /// Delivers what waits, at most ten thousand messages.
    pub(crate) fn step(&mut self) {
        for _ in 0..MESSAGES_PER_STEP {
            let Some(message) = self.queue.pop_front() else { return };
            match self.paused.get_mut(&message.receiver(&self.callbacks)) {
                Some(held) => held.push_back(message),
                None => self.handle(message),
            }
        }
    }

    pub(crate) fn authority(&self) -> Arc<Authority> {
        self.authority.clone()
    }

    fn create(
        &mut self,
        controllers: BTreeSet<Principal>,
        balance: u128,
    ) -> Result<Principal, Reject> {
        let id = canister(self.created);
        if !crate::authority::in_range(&id) {
            let message = "The subnet has no room for canisters".to_owned();
            return Err(Reject::new(RejectCode::SysTransient, "IC0103", message));
        }
        self.created += 1;
        self.canisters.insert(id, Canister::new(id, controllers, balance));
        Ok(id)
    }

    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    /// The canister, if `sender` controls it.
    fn controlled(&mut self, id: Principal, sender: Principal) -> Result<&mut Canister, Reject> {
        let canister = self.canisters.get_mut(&id).ok_or_else(|| Reject::no_canister(id))?;
        if canister.controllers.contains(&sender) {
            return Ok(canister);
        }
        Err(Reject::not_controller(sender, id))
    }
}

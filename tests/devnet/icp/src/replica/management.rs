//! The management canister, as far as clients and canisters need one.
//! Source: IC interface specification, "The IC management canister".

mod wire;

use candid::{CandidType, Principal, encode_args, encode_one, utils::ArgumentDecoder};

use self::wire::{Create, Created, Install, Mode, Named, Provision, TopUp, Update};
use super::{
    Call, Canister, Code, InstallMode, Module, Reject, Replica, Stage, Status, deliver::Origin,
    execute,
};
use crate::{canister::Entry, cbor::sha256, host::Given, price};

/// What a call of the management canister comes to at once.
enum Done {
    /// The reply, and what instructions it took.
    Reply(Vec<u8>, u64),
    /// The canister is stopping; the answer comes when it has stopped.
    Later(Principal),
}

/// Methods that users may not call, only canisters.
const CANISTERS_ONLY: [&str; 3] = ["create_canister", "raw_rand", "deposit_cycles"];

/// Methods that give the cycles of the call to a canister.
const KEEPERS: [&str; 2] = ["create_canister", "deposit_cycles"];

impl Replica {
    pub(super) fn manage(&mut self, call: &Call, cycles: u128, origin: Origin) {
        let done = match (origin, call.method.as_str()) {
            (Origin::Request(_), method) if CANISTERS_ONLY.contains(&method) => {
                Err(Reject::bad_payload(format!("{method} cannot be called by a user")))
            }
            _ => self.managed(call, cycles),
        };
        // Some methods keep what came with the call.
        let refund = if KEEPERS.contains(&call.method.as_str()) { 0 } else { cycles };
        match done {
            Ok(Done::Reply(reply, instructions)) => {
                self.answer(origin, Ok(reply), (refund, instructions));
            }
            Ok(Done::Later(canister)) => {
                self.stopping.entry(canister).or_default().push(origin);
                self.stopped(canister);
            }
            Err(reject) => self.answer(origin, Err(reject), (cycles, 0)),
        }
    }

    /// Answers those who wait for the canister to stop, if it has nothing left to do.
    pub(super) fn stopped(&mut self, id: Principal) {
        if !self.stopping.contains_key(&id) || self.waits(id) {
            return;
        }
        if let Some(canister) = self.canisters.get_mut(&id) {
            canister.status = Status::Stopped;
            canister.version += 1;
        }
        for origin in self.stopping.remove(&id).unwrap_or_default() {
            self.answer(origin, nothing(), (0, 0));
        }
    }

    /// Whether a user's call of the management canister is taken at all.
    pub(super) fn inspect_management(&self, call: &Call) -> Result<(), Reject> {
        if call.method.starts_with("provisional_") {
            return Ok(());
        }
        let id = effective(call).ok_or_else(|| {
            Reject::bad_payload(format!("{} cannot be called by a user", call.method))
        })?;
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        if canister.controllers.contains(&call.sender) {
            return Ok(());
        }
        Err(Reject::not_controller(call.sender, id))
    }

    pub(super) fn query_management(&mut self, call: &Call) -> Result<super::Answer, Reject> {
        if call.method != "canister_status" {
            let id = Principal::management_canister();
            return Err(Reject::no_method(id, "query", &call.method));
        }
        let id = named(call)?;
        self.controlled(id, call.sender)?;
        Ok(super::Answer { reply: self.status_of(id)?, instructions: 0 })
    }

    fn managed(&mut self, call: &Call, cycles: u128) -> Result<Done, Reject> {
        let reply = match call.method.as_str() {
            "create_canister" => {
                let (Create { settings },) = decode(call)?;
                let balance = cycles.saturating_sub(price::CANISTER);
                self.created(call.sender, settings, balance)
            }
            "provisional_create_canister_with_cycles" => {
                let (Provision { settings, amount },) = decode(call)?;
                let balance = amount.map_or(Ok(price::ENDOWMENT), wire::cycles)?;
                self.created(call.sender, settings, balance)
            }
            "provisional_top_up_canister" => {
                let (TopUp { canister_id, amount },) = decode(call)?;
                self.top_up(canister_id, wire::cycles(amount)?)
            }
            "deposit_cycles" => self.top_up(named(call)?, cycles),
            "raw_rand" => encoded(&self.random().to_vec()),
            "install_code" => return self.installed(call),
            "uninstall_code" => self.uninstall(named(call)?, call.sender),
            "canister_status" => {
                let id = named(call)?;
                if id != call.sender {
                    self.controlled(id, call.sender)?;
                }
                self.status_of(id)
            }
            "update_settings" => {
                let (Update { canister_id, settings },) = decode(call)?;
                let canister = self.controlled(canister_id, call.sender)?;
                if let Some(controllers) = settings.controllers()? {
                    canister.controllers = controllers;
                }
                canister.version += 1;
                nothing()
            }
            "start_canister" => self.start(named(call)?, call.sender),
            "stop_canister" => {
                let canister = self.controlled(named(call)?, call.sender)?;
                if canister.status == Status::Running {
                    canister.status = Status::Stopping;
                }
                return Ok(Done::Later(canister.id));
            }
            "delete_canister" => self.delete(named(call)?, call.sender),
            method => Err(Reject::no_method(Principal::management_canister(), "update", method)),
        };
        reply.map(|reply| Done::Reply(reply, 0))
    }

    fn created(
        &mut self,
        sender: Principal,
        settings: Option<wire::Settings>,
        balance: u128,
    ) -> Result<Vec<u8>, Reject> {
        let controllers = settings.map_or(Ok(None), |settings| settings.controllers())?;
        let controllers = controllers.unwrap_or_else(|| [sender].into());
        let canister_id = self.create(controllers, balance)?;
        encoded(&Created { canister_id })
    }

    fn top_up(&mut self, id: Principal, cycles: u128) -> Result<Vec<u8>, Reject> {
        let canister = self.canisters.get_mut(&id).ok_or_else(|| Reject::no_canister(id))?;
        canister.balance = canister.balance.saturating_add(cycles);
        nothing()
    }

    fn start(&mut self, id: Principal, sender: Principal) -> Result<Vec<u8>, Reject> {
        let canister = self.controlled(id, sender)?;
        canister.status = Status::Running;
        canister.version += 1;
        for origin in self.stopping.remove(&id).unwrap_or_default() {
            let message = format!("Canister {id} was started again");
            let reject = Reject::new(crate::RejectCode::CanisterError, "IC0508", message);
            self.answer(origin, Err(reject), (0, 0));
        }
        nothing()
    }

    fn uninstall(&mut self, id: Principal, sender: Principal) -> Result<Vec<u8>, Reject> {
        let canister = self.controlled(id, sender)?;
        let kept = (canister.status, canister.balance, canister.version + 1);
        let empty = Canister::new(id, std::mem::take(&mut canister.controllers), 0);
        *canister = Canister { status: kept.0, balance: kept.1, version: kept.2, ..empty };
        self.abandon(id);
        nothing()
    }

    fn delete(&mut self, id: Principal, sender: Principal) -> Result<Vec<u8>, Reject> {
        if self.controlled(id, sender)?.status != Status::Stopped {
            let message = format!("Canister {id} must be stopped before it is deleted");
            return Err(Reject::new(crate::RejectCode::CanisterError, "IC0510", message));
        }
        self.canisters.remove(&id);
        self.abandon(id);
        nothing()
    }

    /// Rejects the calls that a canister without code was handling, and forgets what it waited
    /// for.
    fn abandon(&mut self, id: Principal) {
        let open = self.contexts.iter().filter(|(_, context)| context.canister == id);
        for number in open.map(|(number, _)| *number).collect::<Vec<u64>>() {
            self.respond(number, Err(Reject::no_module(id)));
            self.contexts.remove(&number);
        }
        self.callbacks.retain(|_, callback| callback.canister != id);
        self.stopped(id);
    }

    fn random(&mut self) -> [u8; 32] {
        self.draws += 1;
        sha256(&[b"raw_rand", &self.config.seed, &self.draws.to_be_bytes()])
    }

    fn status_of(&self, id: Principal) -> Result<Vec<u8>, Reject> {
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        encoded(&wire::CanisterStatus::of(canister))
    }

    fn installed(&mut self, call: &Call) -> Result<Done, Reject> {
        let (Install { mode, canister_id, wasm_module, arg },) = decode(call)?;
        self.controlled(canister_id, call.sender)?;
        let mode = match mode {
            Mode::Install => (InstallMode::Install, false),
            Mode::Reinstall => (InstallMode::Reinstall, false),
            Mode::Upgrade(options) => (InstallMode::Upgrade, wire::skips_pre_upgrade(options)),
        };
        let instructions = self.install_code(canister_id, mode, &wasm_module, &arg, call.sender)?;
        Ok(Done::Reply(nothing()?, instructions))
    }

    /// Installs code, or leaves everything as it was. The mode says, for upgrades, whether
    /// `canister_pre_upgrade` is left out.
    pub(super) fn install_code(
        &mut self,
        id: Principal,
        (mode, skip_pre_upgrade): (InstallMode, bool),
        wasm: &[u8],
        arg: &[u8],
        sender: Principal,
    ) -> Result<u64, Reject> {
        let module = Module::new(wasm).map_err(|why| Reject::bad_module(id, &why))?;
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        let call = Call { canister: id, sender, method: String::new(), arg: Vec::new() };
        let mut instructions = 0_u64;
        let mut prints = Vec::new();
        // All steps work on this; it takes the canister's place only if all went well.
        let mut draft = canister.draft();
        match (mode, &canister.code) {
            (InstallMode::Install, Some(_)) => {
                let message = format!(
                    "Canister {id} cannot be installed because the canister is not empty. Try \
                     installing with mode='reinstall' instead."
                );
                return Err(Reject::new(crate::RejectCode::CanisterError, "IC0538", message));
            }
            (InstallMode::Upgrade, None) => return Err(Reject::no_module(id)),
            (InstallMode::Upgrade, Some(_)) if skip_pre_upgrade => {}
            (InstallMode::Upgrade, Some(code)) => {
                let given = self.given(canister, &call);
                let entry = (Stage::PreUpgrade, Entry::Export("canister_pre_upgrade"));
                let run = execute::run(canister, code, entry, given, 0);
                instructions = instructions.saturating_add(run.instructions);
                prints.extend(run.prints);
                draft.stable.commit(run.end?.take_stable());
            }
            _ => draft.stable = crate::stable::Stable::default(),
        }
        draft.version += 1;
        draft.timer_ns = 0;
        draft.certified_data = match mode {
            InstallMode::Upgrade => draft.certified_data,
            _ => Vec::new(),
        };
        let code = Code::new(module);
        let given = Given { arg: arg.to_vec(), ..self.given(&draft, &call) };
        let entry = match mode {
            InstallMode::Upgrade => "canister_post_upgrade",
            _ => "canister_init",
        };
        let run = execute::run(&draft, &code, (Stage::Init, Entry::First(entry)), given, 0);
        instructions = instructions.saturating_add(run.instructions);
        prints.extend(run.prints);
        let mut ended = run.end?;
        let effects = std::mem::take(&mut ended.effects);
        draft.code = Some(code);
        draft.balance = effects.balance.saturating_sub(price::execution(instructions));
        draft.take_over(&effects, ended)?;
        self.canisters.insert(id, draft);
        self.print(id, prints);
        Ok(instructions)
    }
}

impl Canister {
    /// A copy without its code.
    fn draft(&self) -> Self {
        Self {
            id: self.id,
            controllers: self.controllers.clone(),
            status: self.status,
            version: self.version,
            balance: self.balance,
            code: None,
            stable: self.stable.clone(),
            certified_data: self.certified_data.clone(),
            timer_ns: self.timer_ns,
            prints: self.prints.clone(),
        }
    }
}

/// The canister that a call of the management canister is about, if its argument names one.
pub(crate) fn effective(call: &Call) -> Option<Principal> {
    named(call).ok()
}

fn named(call: &Call) -> Result<Principal, Reject> {
    let (Named { canister_id },) = decode(call)?;
    Ok(canister_id)
}

fn decode<'a, T: ArgumentDecoder<'a>>(call: &'a Call) -> Result<T, Reject> {
    candid::decode_args(&call.arg).map_err(|error| {
        Reject::bad_payload(format!("Error decoding the argument of {}: {error}", call.method))
    })
}

fn encoded(value: &impl CandidType) -> Result<Vec<u8>, Reject> {
    encode_one(value).map_err(|error| Reject::bad_payload(error.to_string()))
}

fn nothing() -> Result<Vec<u8>, Reject> {
    encode_args(()).map_err(|error| Reject::bad_payload(error.to_string()))
}

//! Running a canister's code for a message, and taking over what it did.

use candid::Principal;

use super::{
    Answer, Call, Canister, Code, MethodKind, PRINTS_MAX, Reject, Replica, Stage, Status,
    deliver::{Callback, Context, Task},
};
use crate::{
    authority::Ranges,
    canister::{Ended, Entry, Run},
    host::{Certificate, Effects, Given},
    price,
};

impl Replica {
    /// Begins to handle a call: what it answers is on its way when this returns.
    pub(super) fn begin(&mut self, number: u64, call: &Call) -> Result<(), Reject> {
        let id = call.canister;
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        if canister.status != Status::Running {
            return Err(Reject::not_running(id));
        }
        let code = canister.code.as_ref().ok_or_else(|| Reject::no_module(id))?;
        let (stage, export) = match code.module.methods.get(&call.method) {
            Some(MethodKind::Update) => (Stage::Update, format!("canister_update {}", call.method)),
            Some(MethodKind::Query) => {
                (Stage::ReplicatedQuery, format!("canister_query {}", call.method))
            }
            _ => return Err(Reject::no_method(id, "update", &call.method)),
        };
        let entry = (stage, Entry::Export(&export));
        let ended = self.run(number, entry, (&call.arg, None, 0))?;
        self.commit(number, stage, ended)
    }

    /// Hands the answer of a call to the code that waits for it.
    pub(super) fn call_back(
        &mut self,
        callback: &Callback,
        result: Result<Vec<u8>, Reject>,
        refund: u128,
    ) -> Result<(), Reject> {
        let number = callback.context;
        let (arg, reject, stage, closure) = match result {
            Ok(reply) => (reply, None, Stage::Reply, callback.reply),
            Err(reject) => {
                let reject = Some((reject.number(), reject.message));
                (Vec::new(), reject, Stage::Reject, callback.reject)
            }
        };
        let entry = (stage, Entry::Callback(closure));
        let ran = self.run(number, entry, (&arg, reject.clone(), refund));
        let trapped = match ran.and_then(|ended| self.commit(number, stage, ended)) {
            Ok(()) => return Ok(()),
            Err(trapped) => trapped,
        };
        if let Some(cleanup) = callback.cleanup {
            let entry = (Stage::Cleanup, Entry::Callback(cleanup));
            // If the cleanup traps as well, nothing of it counts, and the first trap is told.
            if let Ok(ended) = self.run(number, entry, (&[], reject, 0)) {
                self.commit(number, Stage::Cleanup, ended)?;
            }
        }
        Err(trapped)
    }

    /// Does what a canister does without being called.
    pub(super) fn perform(&mut self, number: u64, task: Task) -> Result<(), Reject> {
        let entry = (Stage::Task, Entry::Export(task.entry()));
        let ended = self.run(number, entry, (&[], None, 0))?;
        self.commit(number, Stage::Task, ended)
    }

    /// Asks the canister whether it takes a call from outside.
    pub(crate) fn inspect(&mut self, call: &Call) -> Result<(), Reject> {
        let id = call.canister;
        if id == Principal::management_canister() {
            return self.inspect_management(call);
        }
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        if canister.status != Status::Running {
            return Err(Reject::not_running(id));
        }
        let code = canister.code.as_ref().ok_or_else(|| Reject::no_module(id))?;
        let entry = "canister_inspect_message";
        if !code.module.exports(entry) {
            return Ok(());
        }
        let given = Given { method: call.method.clone(), ..self.given(canister, call) };
        let given = Given { fuel: self.config.query_instructions_max, ..given };
        let run = run(canister, code, (Stage::Inspect, Entry::Export(entry)), given, 0);
        let accepted = run.end.map(|ended| ended.effects.accepted);
        self.print(id, run.prints);
        if accepted? { Ok(()) } else { Err(Reject::not_accepted(id)) }
    }

    /// Asks a query method; the certificate that it can hand out has its ranges in this form.
    pub(crate) fn query_with(&mut self, call: &Call, ranges: Ranges) -> Result<Answer, Reject> {
        let id = call.canister;
        if id == Principal::management_canister() {
            return self.query_management(call);
        }
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        if canister.status != Status::Running {
            return Err(Reject::not_running(id));
        }
        let code = canister.code.as_ref().ok_or_else(|| Reject::no_module(id))?;
        let export = match code.module.methods.get(&call.method) {
            Some(MethodKind::Query) => format!("canister_query {}", call.method),
            Some(MethodKind::CompositeQuery) => format!("canister_composite_query {}", call.method),
            _ => return Err(Reject::no_method(id, "query", &call.method)),
        };
        let certificate = Certificate {
            authority: self.authority.clone(),
            canister: id,
            certified_data: canister.certified_data.clone(),
            time_ns: self.time_ns,
            ranges,
            made: std::sync::OnceLock::new(),
        };
        let fuel = self.config.query_instructions_max;
        let given = self.given(canister, call);
        let given = Given { certificate: Some(certificate), unanswered: true, fuel, ..given };
        let run = run(canister, code, (Stage::Query, Entry::Export(&export)), given, 0);
        self.print(id, run.prints);
        match run.end?.effects.response {
            Some(Ok(reply)) => Ok(Answer { reply, instructions: run.instructions }),
            Some(Err(text)) => Err(Reject::by_canister(text)),
            None => Err(Reject::no_answer(id)),
        }
    }

    /// Runs code in a context and charges the canister for it.
    fn run(
        &mut self,
        number: u64,
        entry: (Stage, Entry<'_>),
        (arg, reject, refunded): (&[u8], Option<(u32, String)>, u128),
    ) -> Result<Ended, Reject> {
        let Some(context) = self.contexts.get(&number) else {
            return Err(Reject::no_canister(Principal::management_canister()));
        };
        let id = context.canister;
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::no_canister(id))?;
        let code = canister.code.as_ref().ok_or_else(|| Reject::no_module(id))?;
        let call =
            Call { canister: id, sender: context.caller, method: String::new(), arg: arg.to_vec() };
        let given = Given {
            reject,
            refunded,
            deadline_ns: context.deadline_ns,
            instructions: context.instructions,
            unanswered: !context.answered,
            fuel: self.config.update_instructions_max,
            ..self.given(canister, &call)
        };
        if canister.balance < price::execution(0) {
            return Err(Reject::no_cycles(id));
        }
        let Run { instructions, prints, end } =
            run(canister, code, entry, given, context.available);
        if let Some(context) = self.contexts.get_mut(&number) {
            context.instructions = context.instructions.saturating_add(instructions);
        }
        self.print(id, prints);
        if end.is_err() {
            self.charge(id, instructions);
        }
        end.map(|mut ended| {
            let left = ended.effects.balance.saturating_sub(price::execution(instructions));
            ended.effects.balance = left;
            ended
        })
    }

    /// Takes over what code did.
    fn commit(&mut self, number: u64, stage: Stage, mut ended: Ended) -> Result<(), Reject> {
        let Some(context) = self.contexts.get_mut(&number) else { return Ok(()) };
        let effects = std::mem::take(&mut ended.effects);
        context.available = effects.available;
        let Some(canister) = self.canisters.get_mut(&context.canister) else { return Ok(()) };
        canister.balance = effects.balance;
        canister.version += 1;
        if stage != Stage::ReplicatedQuery {
            canister.take_over(&effects, ended)?;
        }
        self.send(number, effects.calls);
        match effects.response {
            Some(Ok(reply)) => self.respond(number, Ok(reply)),
            Some(Err(text)) => self.respond(number, Err(Reject::by_canister(text))),
            None => {}
        }
        Ok(())
    }

    /// What code of this canister can learn, whatever it is run for.
    pub(super) fn given(&self, canister: &Canister, call: &Call) -> Given {
        Given {
            arg: call.arg.clone(),
            caller: call.sender.as_slice().to_vec(),
            canister: canister.id.as_slice().to_vec(),
            controllers: canister.controllers.iter().copied().collect(),
            status: canister.status as u32,
            version: canister.version,
            time_ns: self.time_ns,
            subnet: self.authority.subnet_id.as_slice().to_vec(),
            root_key: self.authority.root_der.clone(),
            fuel: self.config.install_instructions_max,
            ..Given::default()
        }
    }

    pub(super) fn charge(&mut self, id: Principal, instructions: u64) {
        if let Some(canister) = self.canisters.get_mut(&id) {
            let price = price::execution(instructions);
            canister.balance = canister.balance.saturating_sub(price);
        }
    }

    pub(super) fn print(&mut self, id: Principal, mut lines: Vec<String>) {
        if let Some(canister) = self.canisters.get_mut(&id) {
            canister.prints.append(&mut lines);
            let extra = canister.prints.len().saturating_sub(PRINTS_MAX);
            canister.prints.drain(..extra);
        }
    }

    pub(super) fn waits(&self, id: Principal) -> bool {
        self.contexts.values().any(|context: &Context| context.canister == id)
    }
}

impl Canister {
    /// The state that code left, all but cycles and calls.
    pub(super) fn take_over(&mut self, effects: &Effects, mut ended: Ended) -> Result<(), Reject> {
        let stable = ended.take_stable();
        if let Some(code) = &mut self.code {
            code.keep(ended)?;
        }
        self.stable.commit(stable);
        self.timer_ns = effects.timer_ns;
        if let Some(data) = &effects.certified_data {
            self.certified_data.clone_from(data);
        }
        Ok(())
    }
}

/// Runs code of `canister` on a copy of its state, with so many cycles to accept.
pub(super) fn run(
    canister: &Canister,
    code: &Code,
    entry: (Stage, Entry<'_>),
    given: Given,
    available: u128,
) -> Run {
    let effects = Effects {
        balance: canister.balance,
        available,
        timer_ns: canister.timer_ns,
        ..Effects::default()
    };
    code.run(canister.id, entry, (given, effects), canister.stable.draft())
}

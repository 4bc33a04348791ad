//! Messages: calls, answers and tasks, and the contexts in which they are handled.

use candid::Principal;

use super::{Call, Replica};
use crate::{
    host::{Closure, Outgoing},
    price,
    reject::Reject,
};

/// What waits to be handled.
#[derive(Debug)]
pub(super) enum Message {
    Request(Request),
    Response { callback: u64, result: Result<Vec<u8>, Reject>, refund: u128 },
    Task(Principal, Task),
}

/// A call on its way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) call: Call,
    pub(super) cycles: u128,
    pub(super) origin: Origin,
    pub(super) deadline_ns: Option<u64>,
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody outside.
    Request([u8; 32]),
    /// A canister, in this callback.
    Callback(u64),
    /// Nobody.
    System,
}

/// What a canister does without being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Timer,
    Heartbeat,
}

impl Task {
    pub(super) const fn entry(self) -> &'static str {
        match self {
            Self::Timer => "canister_global_timer",
            Self::Heartbeat => "canister_heartbeat",
        }
    }
}

/// A call that a canister is handling.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) canister: Principal,
    pub(super) origin: Origin,
    pub(super) caller: Principal,
    pub(super) answered: bool,
    /// Cycles that came with the call and were not accepted.
    pub(super) available: u128,
    /// Calls of its own that it waits for.
    pub(super) outstanding: usize,
    pub(super) deadline_ns: u64,
    pub(super) instructions: u64,
}

/// What a canister does once an answer comes.
#[derive(Clone, Debug)]
pub(super) struct Callback {
    pub(super) context: u64,
    pub(super) canister: Principal,
    pub(super) reply: Closure,
    pub(super) reject: Closure,
    pub(super) cleanup: Option<Closure>,
    /// When its patience ends.
    pub(super) deadline_ns: Option<u64>,
}

impl Message {
    /// The canister that handles it; the management canister if nobody does any more.
    pub(super) fn receiver(
        &self,
        callbacks: &std::collections::BTreeMap<u64, Callback>,
    ) -> Principal {
        match self {
            Self::Request(request) => request.call.canister,
            Self::Task(canister, _) => *canister,
            Self::Response { callback, .. } => {
                let callback = callbacks.get(callback);
                callback.map_or_else(Principal::management_canister, |callback| callback.canister)
            }
        }
    }
}

impl Replica {
    pub(super) fn enqueue(&mut self, origin: Origin, call: &Call, cycles: u128) {
        let request = Request { call: call.clone(), cycles, origin, deadline_ns: None };
        self.queue.push_back(Message::Request(request));
    }

    pub(super) fn handle(&mut self, message: Message) {
        self.messages += 1;
        match message {
            Message::Request(request) => self.request(request),
            Message::Response { callback, result, refund } => {
                if let Some(callback) = self.callbacks.remove(&callback) {
                    self.response(callback, result, refund);
                }
            }
            Message::Task(canister, task) => self.task(canister, task),
        }
    }

    fn request(&mut self, request: Request) {
        if let Origin::Callback(callback) = request.origin
            && !self.callbacks.contains_key(&callback)
        {
            return; // Its caller waits no longer.
        }
        let Request { call, cycles, origin, deadline_ns } = request;
        if call.canister == Principal::management_canister() {
            self.manage(&call, cycles, origin);
            return;
        }
        let context = Context {
            canister: call.canister,
            origin,
            caller: call.sender,
            answered: false,
            available: cycles,
            outstanding: 0,
            deadline_ns: deadline_ns.unwrap_or(0),
            instructions: 0,
        };
        let number = self.number();
        self.contexts.insert(number, context);
        if let Err(reject) = self.begin(number, &call) {
            self.respond(number, Err(reject));
        }
        self.settle(number, None);
    }

    fn response(&mut self, callback: Callback, result: Result<Vec<u8>, Reject>, refund: u128) {
        let number = callback.context;
        if let Some(canister) = self.canisters.get_mut(&callback.canister) {
            canister.balance = canister.balance.saturating_add(refund);
        }
        let Some(context) = self.contexts.get_mut(&number) else { return };
        context.outstanding = context.outstanding.saturating_sub(1);
        let trapped = self.call_back(&callback, result, refund).err();
        self.settle(number, trapped);
    }

    fn task(&mut self, canister: Principal, task: Task) {
        let context = Context {
            canister,
            origin: Origin::System,
            caller: Principal::management_canister(),
            answered: true,
            available: 0,
            outstanding: 0,
            deadline_ns: 0,
            instructions: 0,
        };
        let number = self.number();
        self.contexts.insert(number, context);
        // A task has nobody to tell that it trapped; what it printed is kept.
        if let Err(reject) = self.perform(number, task) {
            self.print(canister, vec![reject.message]);
        }
        self.settle(number, None);
    }

    /// Sends the answer of a context to whoever waits for it.
    pub(super) fn respond(&mut self, number: u64, result: Result<Vec<u8>, Reject>) {
        let Some(context) = self.contexts.get_mut(&number) else { return };
        if std::mem::replace(&mut context.answered, true) {
            return;
        }
        let refund = std::mem::take(&mut context.available);
        let (origin, instructions) = (context.origin, context.instructions);
        self.answer(origin, result, (refund, instructions));
    }

    pub(super) fn answer(
        &mut self,
        origin: Origin,
        result: Result<Vec<u8>, Reject>,
        (refund, instructions): (u128, u64),
    ) {
        match origin {
            Origin::Request(id) => {
                let outcome = result.map(|reply| super::Answer { reply, instructions });
                self.requests.end(&id, outcome);
            }
            Origin::Callback(callback) => {
                self.queue.push_back(Message::Response { callback, result, refund });
            }
            Origin::System => {}
        }
    }

    /// Ends a context that nothing can happen in any more. `trapped` says why its last callback
    /// failed.
    pub(super) fn settle(&mut self, number: u64, trapped: Option<Reject>) {
        let Some(context) = self.contexts.get(&number) else { return };
        if context.outstanding > 0 {
            return;
        }
        let canister = context.canister;
        if !context.answered {
            self.respond(number, Err(trapped.unwrap_or_else(|| Reject::no_answer(canister))));
        }
        self.contexts.remove(&number);
        self.stopped(canister);
    }

    /// Sends the calls that a message of this context made.
    pub(super) fn send(&mut self, number: u64, calls: Vec<Outgoing>) {
        let Some(context) = self.contexts.get_mut(&number) else { return };
        context.outstanding += calls.len();
        let canister = context.canister;
        for call in calls {
            let deadline_ns = call
                .patience_s
                .map(|seconds| self.time_ns.saturating_add(u64::from(seconds) * 1_000_000_000));
            let callback = self.number();
            let waits = Callback {
                context: number,
                canister,
                reply: call.reply,
                reject: call.reject,
                cleanup: call.cleanup,
                deadline_ns,
            };
            self.callbacks.insert(callback, waits);
            let bytes = call.arg.len() + call.method.len();
            if let Some(canister) = self.canisters.get_mut(&canister) {
                let price = price::call(bytes as u64);
                canister.balance = canister.balance.saturating_sub(price);
            }
            self.queue.push_back(Message::Request(Request {
                call: Call {
                    canister: call.callee,
                    sender: canister,
                    method: call.method,
                    arg: call.arg,
                },
                cycles: call.cycles,
                origin: Origin::Callback(callback),
                deadline_ns,
            }));
        }
    }

    /// Answers waits whose patience has ended; an answer that comes later is dropped.
    pub(super) fn expire(&mut self) {
        for (id, wait) in &mut self.callbacks {
            if wait.deadline_ns.is_some_and(|at| at < self.time_ns) {
                wait.deadline_ns = None;
                let result = Err(Reject::too_late());
                self.queue.push_front(Message::Response { callback: *id, result, refund: 0 });
            }
        }
    }
}

impl Reject {
    /// Its code as callbacks see it.
    pub(super) const fn number(&self) -> u32 {
        self.code as u32
    }
}

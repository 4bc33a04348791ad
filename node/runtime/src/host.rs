//! The node's side of the world in `wit/context.wit`.

mod environment;
mod storage;

use crdt::Transaction;
use wasmtime::component::{HasSelf, Linker, ResourceTable};

use crate::{
    call::{
        Call, CallError, EVENT_MAX_BYTES, EVENTS_MAX, Event, LOG_MAX_BYTES, LOGS_MAX, Mode, Outcome,
    },
    engine::{HANDLES_MAX, MemoryLimit},
};

/// What `wit/context.wit` says, in Rust.
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../sdk/wit",
        world: "context",
        imports: { default: trappable },
        with: {
            "anchorhold:context/storage.register": super::storage::Register,
            "anchorhold:context/storage.counter": super::storage::Counter,
            "anchorhold:context/storage.map": super::storage::Map,
            "anchorhold:context/storage.set": super::storage::Set,
        },
    });
}

pub(crate) use bindings::{
    Context, ContextPre, exports::anchorhold::context::application as exported,
};

/// What an instance's store holds.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) memory: MemoryLimit,
    collections: ResourceTable,
    /// The call that runs. Before it, an instance has no context to speak of.
    running: Option<Running>,
}

/// A call in the middle.
#[derive(Debug)]
pub(crate) struct Running {
    call: Call,
    shared: Transaction,
    private: Transaction,
    random: RandomBytes,
    events: Vec<Event>,
    pub(crate) logs: Vec<String>,
    logs_dropped: u64,
}

/// The random bytes of a call: what BLAKE3 draws out of its seed, never the same twice.
#[derive(Debug)]
struct RandomBytes(blake3::OutputReader);

/// All that a guest may import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    Context::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

impl Guest {
    pub(crate) fn new() -> Self {
        let mut collections = ResourceTable::new();
        collections.set_max_capacity(HANDLES_MAX);
        Self { memory: MemoryLimit::default(), collections, running: None }
    }

    /// Begins `call` over the two states.
    pub(crate) fn begin(&mut self, call: Call, shared: Transaction, private: Transaction) {
        let random = RandomBytes::new(&call.seed);
        let (events, logs) = (Vec::new(), Vec::new());
        self.running =
            Some(Running { call, shared, private, random, events, logs, logs_dropped: 0 });
    }

    /// Takes what the call has come to.
    pub(crate) fn end(&mut self) -> Option<Running> {
        self.running.take()
    }

    fn running(&mut self) -> wasmtime::Result<&mut Running> {
        self.running.as_mut().ok_or_else(|| wasmtime::Error::msg("no call has begun"))
    }

    /// The running call, if it may have an effect.
    fn writing(&mut self) -> wasmtime::Result<&mut Running> {
        let running = self.running()?;
        match running.call.mode {
            Mode::Init | Mode::Mutate => Ok(running),
            Mode::View => Err(wasmtime::Error::new(CallError::ViewWrites)),
        }
    }
}

impl Running {
    /// The outcome of a call that answered with `value`.
    pub(crate) fn into_outcome(self, value: Vec<u8>, fuel_used: u64) -> Outcome {
        Outcome {
            value,
            shared: self.shared.finish(),
            private: self.private.finish(),
            events: self.events,
            logs: self.logs,
            logs_dropped: self.logs_dropped,
            fuel_used,
        }
    }

    fn emit(&mut self, kind: String, data: Vec<u8>) -> Result<(), CallError> {
        if self.events.len() >= EVENTS_MAX {
            return Err(CallError::OverLimit { what: "events", max: EVENTS_MAX });
        }
        if kind.len().saturating_add(data.len()) > EVENT_MAX_BYTES {
            return Err(CallError::OverLimit { what: "bytes of an event", max: EVENT_MAX_BYTES });
        }
        self.events.push(Event { kind, data });
        Ok(())
    }

    fn log(&mut self, mut line: String) {
        if self.logs.len() >= LOGS_MAX {
            self.logs_dropped = self.logs_dropped.saturating_add(1);
            return;
        }
        line.truncate(line.floor_char_boundary(LOG_MAX_BYTES));
        self.logs.push(line);
    }
}

impl RandomBytes {
    fn new(seed: &[u8; 32]) -> Self {
        Self(
            blake3::Hasher::new_derive_key("anchorhold/guest-random/1").update(seed).finalize_xof(),
        )
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_follow_from_the_seed_and_never_repeat() {
        let (mut one, mut two) = (RandomBytes::new(&[1; 32]), RandomBytes::new(&[1; 32]));
        let (first, second) = (one.take(16), one.take(16));
        assert_ne!(first, second);
        assert_eq!(two.take(32), [first, second].concat());
        assert_ne!(RandomBytes::new(&[2; 32]).take(16), RandomBytes::new(&[1; 32]).take(16));
    }
}

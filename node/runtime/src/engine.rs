//! How guests are compiled and run: features, limits, the clock that stops them.

use std::{
    sync::{
        Weak,
        mpsc::{self, RecvTimeoutError, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter,
    Store,
};

use crate::{host::Guest, spare::Pile};

/// Linear memory of one instance, all its memories together.
pub const MEMORY_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Instructions of one call, about: a second or two of computing.
pub const FUEL_MAX: u64 = 2_000_000_000;
/// Time of one call: what a person waits for. Fuel does not count time spent in the node.
pub const TIME_MAX: Duration = Duration::from_secs(5);

/// Instructions for starting an instance, before any call: constructors, no work.
pub(crate) const START_FUEL_MAX: u64 = 20_000_000;

/// How often the clock of all guests moves: the precision of [`TIME_MAX`].
const TICK: Duration = Duration::from_millis(10);
/// The guest's own stack: half the smallest stack of a thread that calls.
const STACK_MAX_BYTES: usize = 512 * 1024;
/// Elements of a table: a compiler's function pointers, with room.
const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Core instances of one component: a module, its shims, an adapter.
const CORES_MAX: u32 = 8;
/// Tables of one component: one of the module, one of its shims, as many again.
const TABLES_MAX: u32 = 4;
/// Memories of one component: what its parts share.
const MEMORIES_MAX: u32 = 1;
/// Bytes a guest may hand over at once: a value, and what surrounds it.
const HANDOVER_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Collections open at once.
pub(crate) const HANDLES_MAX: usize = 10_000;
/// Bytes of a memory that stay mapped for the next instance: about what a call touches.
const RESIDENT_BYTES: usize = 256 * 1024;

/// The engine that all applications of a node share, for at most `instances` at once.
pub(crate) fn engine(instances: u32) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_MAX_BYTES)
        // Nothing that differs between processors.
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        // No unwinding through guests, no traces of them: a smaller file that loads faster.
        .native_unwind_info(false)
        .generate_address_map(false);
    let pool = InstanceAllocationStrategy::Pooling(pool(instances));
    match Engine::new(config.clone().allocation_strategy(pool)) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            // Such as where the address space is limited: a pool reserves 4 GiB for each.
            tracing::warn!(%error, "no pool of memories: calls will be slower");
            Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))
        }
    }
}

/// Memories that stay mapped between instances and are reset page by page, so that a fresh
/// instance neither maps nor faults.
fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .max_core_instances_per_component(CORES_MAX)
        .total_core_instances(instances.saturating_mul(CORES_MAX))
        .max_memories_per_component(MEMORIES_MAX)
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .max_memory_size(MEMORY_MAX_BYTES)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .total_tables(instances.saturating_mul(TABLES_MAX))
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Puts a fresh store under all limits but those of the call.
pub(crate) fn limit(store: &mut Store<Guest>) -> wasmtime::Result<()> {
    store.limiter(|guest| &mut guest.memory);
    store.set_hostcall_fuel(HANDOVER_MAX_BYTES);
    store.set_max_component_handles(HANDLES_MAX);
    budget(store, START_FUEL_MAX, TIME_MAX)
}

/// Gives the store `fuel` and `time` from now on.
pub(crate) fn budget(store: &mut Store<Guest>, fuel: u64, time: Duration) -> wasmtime::Result<()> {
    let ticks = time.as_millis() / TICK.as_millis();
    // One more, since the present tick has begun.
    store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1));
    store.set_fuel(fuel)
}

/// Counts what an instance holds.
#[derive(Debug, Default)]
pub(crate) struct MemoryLimit {
    bytes: usize,
    /// Whether the instance wanted more than it may have: explains the trap that follows.
    pub(crate) refused: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > MEMORY_MAX_BYTES {
            self.refused = true;
            return Ok(false);
        }
        self.bytes = bytes;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        CORES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

/// Moves the clock of all guests, and sweeps up after them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, pile: Weak<Pile>) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::sync_channel(1);
        let engine = engine.weak();
        let thread = thread::Builder::new().name("guest-clock".into()).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                if let Some(pile) = pile.upgrade() {
                    pile.sweep();
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Hanging up is the signal.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the clock of guests had panicked");
        }
    }
}

//! Instances made before they are needed, and unmade after: starting one costs more than a small
//! call, so a thread of its own does both.
//!
//! All instances of a node come out of one pool. They are those ready, those in calls and those
//! used up; each of the three has a bound, so that the pool is never empty for a call.

use std::{
    fmt, io, mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use wasmtime::Store;

use crate::{
    engine,
    host::{Context, ContextPre, Guest},
};

/// Instances ready per application: calls that come at once, before the thread catches up.
const SPARES_PER_APPLICATION: usize = 8;
/// Instances ready in all; applications beyond start theirs when called.
const SPARES_MAX: usize = 128;
/// Calls at once, so that at most 6 GiB are in guests' hands.
pub(crate) const CALLS_MAX: usize = 96;
/// Used instances that wake the thread: waking it for each would cost more than a small call.
const BATCH: usize = 4;
/// Batches that wait for the thread; what comes beyond is unmade by its caller.
const BATCHES_MAX: usize = 6;
/// Used instances: those short of a batch, those in batches, those in the thread's hands with the
/// one that it makes.
const USED_MAX: usize = (BATCH - 1) + BATCHES_MAX * BATCH + BATCH + 1;
/// All of these.
pub(crate) const INSTANCES_MAX: u32 = 256;
const _: () = assert!(SPARES_MAX + CALLS_MAX + USED_MAX <= INSTANCES_MAX as usize);

/// An instance that no call has used.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) guest: Context,
}

/// What one application has ready.
pub(crate) struct Shelf {
    plan: ContextPre<Guest>,
    /// Across all shelves.
    spares: Arc<AtomicUsize>,
    // A leaf: held for a push or a pop, never while an instance is made or called.
    ready: Mutex<Vec<Instance>>,
}

/// The thread that fills shelves and unmakes what was used, and the door to calls.
pub(crate) struct Workshop {
    pile: Option<Arc<Pile>>,
    thread: Option<JoinHandle<()>>,
    spares: Arc<AtomicUsize>,
    door: Door,
}

/// What was used, on its way to the thread.
pub(crate) struct Pile {
    // A leaf: held for a push and a send that does not wait.
    waiting: Mutex<Vec<Used>>,
    batches: SyncSender<Vec<Used>>,
}

struct Used {
    instance: Instance,
    shelf: Weak<Shelf>,
}

/// Counts the calls that run.
#[derive(Default)]
struct Door {
    // A leaf, held to count.
    inside: Mutex<usize>,
    left: Condvar,
}

/// The right to run a call, until it is dropped.
pub(crate) struct Place<'a>(&'a Door);

impl Instance {
    /// Starts an instance under the limits of a start.
    fn start(plan: &ContextPre<Guest>) -> wasmtime::Result<Self> {
        let mut store = Store::new(plan.engine(), Guest::new());
        engine::limit(&mut store)?;
        let guest = plan.instantiate(&mut store)?;
        Ok(Self { store, guest })
    }
}

impl Shelf {
    /// A fresh instance: one that is ready, or else one made now. Only for who has a [`Place`].
    pub(crate) fn take(&self, _place: &Place<'_>) -> wasmtime::Result<Instance> {
        let ready = self.ready().pop();
        match ready {
            Some(instance) => {
                self.spares.fetch_sub(1, Ordering::Relaxed);
                Ok(instance)
            }
            None => Instance::start(&self.plan),
        }
    }

    fn ready(&self) -> MutexGuard<'_, Vec<Instance>> {
        // A panic while it was held cannot have left it half changed.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only for the thread of the workshop: nobody else adds spares.
    fn fill(&self) {
        // Terminates: each turn adds one, and only calls take away.
        while self.ready().len() < SPARES_PER_APPLICATION
            && self.spares.load(Ordering::Relaxed) < SPARES_MAX
        {
            match Instance::start(&self.plan) {
                Ok(instance) => {
                    self.spares.fetch_add(1, Ordering::Relaxed);
                    self.ready().push(instance);
                }
                Err(error) => {
                    // The next call will meet the same error, and tell its caller.
                    tracing::warn!(%error, "cannot make a spare instance");
                    return;
                }
            }
        }
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let unused = mem::take(&mut *self.ready());
        let count = unused.len();
        drop(unused);
        self.spares.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Workshop {
    pub(crate) fn open() -> io::Result<Self> {
        let (batches, incoming) = mpsc::sync_channel(BATCHES_MAX);
        let thread =
            thread::Builder::new().name("guest-spares".into()).spawn(move || work(&incoming))?;
        let waiting = Mutex::new(Vec::with_capacity(BATCH));
        Ok(Self {
            pile: Some(Arc::new(Pile { waiting, batches })),
            thread: Some(thread),
            spares: Arc::default(),
            door: Door::default(),
        })
    }

    /// A shelf for instances of `plan`, empty until the first call is over.
    pub(crate) fn shelf(&self, plan: ContextPre<Guest>) -> Arc<Shelf> {
        let ready = Mutex::new(Vec::with_capacity(SPARES_PER_APPLICATION));
        Arc::new(Shelf { plan, spares: Arc::clone(&self.spares), ready })
    }

    /// Waits until fewer than [`CALLS_MAX`] calls run; none if that takes longer than `patience`.
    pub(crate) fn enter(&self, patience: Duration) -> Option<Place<'_>> {
        let inside = self.door.inside();
        let (mut inside, _) = self
            .door
            .left
            .wait_timeout_while(inside, patience, |inside| *inside >= CALLS_MAX)
            .unwrap_or_else(PoisonError::into_inner);
        if *inside >= CALLS_MAX {
            return None;
        }
        *inside += 1;
        Some(Place(&self.door))
    }

    /// Unmakes `used`, soon, and fills `shelf`. Only for who still has its [`Place`].
    pub(crate) fn replace(&self, shelf: &Arc<Shelf>, used: Instance) {
        if let Some(pile) = &self.pile {
            drop(pile.push(Used { instance: used, shelf: Arc::downgrade(shelf) }));
        }
    }

    /// Where used instances wait; to be swept by the clock, so that the last ones of a burst do
    /// not lie there.
    pub(crate) fn pile(&self) -> Weak<Pile> {
        self.pile.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }
}

impl Pile {
    /// Lays `used` on the pile; returns it if there is no room.
    fn push(&self, used: Used) -> Option<Used> {
        let mut waiting = self.waiting();
        waiting.push(used);
        if waiting.len() < BATCH { None } else { self.send(&mut waiting) }
    }

    /// Hands over what waits, however little.
    pub(crate) fn sweep(&self) {
        let mut waiting = self.waiting();
        if !waiting.is_empty() {
            let no_room = self.send(&mut waiting);
            drop(waiting);
            drop(no_room);
        }
    }

    /// Wakes the thread. If it is behind, the last on the pile comes back, for the caller to
    /// unmake, and the rest stays.
    fn send(&self, waiting: &mut Vec<Used>) -> Option<Used> {
        match self.batches.try_send(mem::take(waiting)) {
            Ok(()) => None,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                *waiting = batch;
                waiting.pop()
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Used>> {
        // A panic while it was held cannot have left it half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Hanging up is the signal.
        drop(self.pile.take());
        // The thread itself may be the last to let go of an application.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the maker of spare instances had panicked");
        }
    }
}

impl Door {
    fn inside(&self) -> MutexGuard<'_, usize> {
        // A panic while it was held cannot have left it half changed.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inside = self.0.inside();
        let was_full = *inside >= CALLS_MAX;
        *inside = inside.saturating_sub(1);
        drop(inside);
        // Nobody waits at a door that is not full.
        if was_full {
            self.0.left.notify_one();
        }
    }
}

fn work(batches: &Receiver<Vec<Used>>) {
    while let Ok(batch) = batches.recv() {
        // First, so that the next instances find their memories warm.
        let (used, shelves): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|it| (it.instance, it.shelf)).unzip();
        drop(used);
        shelves.iter().filter_map(Weak::upgrade).for_each(|shelf| shelf.fill());
    }
}

impl fmt::Debug for Workshop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Workshop({} spares)", self.spares.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf({} ready)", self.ready().len())
    }
}

impl fmt::Debug for Pile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pile({} used)", self.waiting().len())
    }
}

//! Group commit: one thread syncs the write-ahead log for everyone who waits.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use crate::{StoreError, backend::Backend};

/// Callers that may wait at the same time; more block until a sync, some milliseconds, is over.
const WAITERS_MAX: usize = 4_096;

/// Told whether what was written before is on disk.
pub(crate) type Waiter = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The handle on the thread; dropping it syncs once more and ends the thread.
pub(crate) struct Syncer {
    queue: Option<SyncSender<Waiter>>,
    thread: Option<JoinHandle<()>>,
    has_failed: Arc<AtomicBool>,
}

impl Syncer {
    pub(crate) fn start(backend: Backend) -> io::Result<Self> {
        let (queue, waiters) = sync_channel(WAITERS_MAX);
        let has_failed = Arc::new(AtomicBool::new(false));
        let failed = Arc::clone(&has_failed);
        let thread = thread::Builder::new()
            .name("store-sync".into())
            .spawn(move || run(&backend, &waiters, &failed))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), has_failed })
    }

    /// Queues `waiter`. What its caller wrote before is synced before it is told so.
    pub(crate) fn wait(&self, waiter: Waiter) {
        let Some(queue) = &self.queue else { return waiter(Err(StoreError::SyncFailed)) };
        if let Err(refused) = queue.send(waiter) {
            (refused.0)(Err(StoreError::SyncFailed));
        }
    }

    /// # Errors
    /// [`StoreError::SyncFailed`] if a sync ever failed.
    pub(crate) fn refuse_failed(&self) -> Result<(), StoreError> {
        if self.has_failed.load(Ordering::Acquire) { Err(StoreError::SyncFailed) } else { Ok(()) }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        // The last handle may die in a waiter, on the thread itself, which cannot wait for itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            // Waiters cannot unwind out of `tell`, and nothing else there panics.
            debug_assert!(false, "the sync thread panicked");
        }
    }
}

fn run(backend: &Backend, waiters: &Receiver<Waiter>, has_failed: &AtomicBool) {
    // Ends when the handle is dropped and the queue is empty.
    while let Ok(first) = waiters.recv() {
        // Everyone in the queue by now wrote before this sync begins.
        let others: Vec<_> = waiters.try_iter().take(WAITERS_MAX).collect();
        let synced = sync(backend, has_failed);
        let mut result = Some(synced);
        for waiter in std::iter::once(first).chain(others) {
            tell(waiter, next_answer(&mut result));
        }
    }
    // Writes that nobody waited for. An error has no reader any more: nothing was acknowledged.
    drop(sync(backend, has_failed));
}

/// A failed sync is final: the system may have dropped the pages, and a second one would succeed
/// without them. Source: Rebello et al., "Can Applications Recover from fsync Failures?", 2020.
fn sync(backend: &Backend, has_failed: &AtomicBool) -> Result<(), StoreError> {
    if has_failed.load(Ordering::Acquire) {
        return Err(StoreError::SyncFailed);
    }
    let result = backend.sync();
    if result.is_err() {
        has_failed.store(true, Ordering::Release);
    }
    result
}

/// The cause for the first waiter, its consequence for the others.
fn next_answer(result: &mut Option<Result<(), StoreError>>) -> Result<(), StoreError> {
    match result {
        Some(Ok(())) => Ok(()),
        _ => result.take().unwrap_or(Err(StoreError::SyncFailed)),
    }
}

fn tell(waiter: Waiter, result: Result<(), StoreError>) {
    // A waiter that panics must not take the node's ability to acknowledge with it; the panic hook
    // has reported it.
    drop(catch_unwind(AssertUnwindSafe(|| waiter(result))));
}

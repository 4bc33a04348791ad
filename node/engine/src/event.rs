//! What happened in a context, as it is stored and read again.

use store::Store;
use types::{ContextId, decode, encode};

use crate::{
    error::EngineError,
    request::{ContextEvent, EventsPage},
};

/// Events in one page.
pub const PAGE_MAX: usize = 1_000;
/// Bytes after which a page ends early.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Longest stored event, in bytes: a guest's 16 KiB, with its kind.
const EVENT_MAX_BYTES: usize = 32 << 10;

/// The bytes of an event in the store.
pub(crate) fn bytes(kind: &str, data: &[u8]) -> Vec<u8> {
    encode(&(kind, data))
}

pub(crate) fn read(
    store: &Store,
    context: &ContextId,
    after_seq: u64,
) -> Result<EventsPage, EngineError> {
    let page = store.events_after(context, after_seq, PAGE_MAX, PAGE_BYTES_MAX)?;
    let events = page.events.into_iter().map(|row| {
        let (kind, data) = decode::<(String, Vec<u8>)>(&row.bytes, EVENT_MAX_BYTES)
            .map_err(|_| EngineError::Corrupt("an event"))?;
        Ok(ContextEvent { seq: row.seq, kind, data })
    });
    let events = events.collect::<Result<Vec<_>, EngineError>>()?;
    Ok(EventsPage { lost: page.lost, events })
}

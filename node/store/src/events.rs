//! What happened in each context, by sequence number, so that streams can be resumed.

use types::ContextId;

use crate::{
    Batch, Family, Store, StoreError,
    backend::Rows,
    batch::Step,
    family::{key, number},
};

/// Events kept per context; older ones go as new ones come. A reader further behind reads the
/// state instead.
pub(crate) const RETAINED_MAX: u64 = 10_000;

/// An encoded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its sequence number in the context, from 1 on, without gaps.
    pub seq: u64,
    /// The event as it was given.
    pub bytes: Vec<u8>,
}

/// Events in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// How many events after the position asked for are gone: the reader must read the state again.
    pub lost: u64,
    /// Those that are there.
    pub events: Vec<EventRow>,
}

impl Batch {
    /// Appends an event; [`Written::events`](crate::Written::events) tells its number.
    /// The 10,000 latest are kept.
    pub fn append_event(&mut self, context: &ContextId, bytes: Vec<u8>) {
        let size_bytes = 40 + bytes.len();
        self.push(Step::Event { context: *context, bytes }, size_bytes);
    }
}

impl Store {
    /// Events after number `after_seq`: at most `limit`, and none further once they make
    /// `bytes_max`; at least one if there is one.
    ///
    /// # Errors
    /// What the disk says; [`StoreError::Corrupt`] for a row that does not parse.
    pub fn events_after(
        &self,
        context: &ContextId,
        after_seq: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<EventPage, StoreError> {
        let request = Rows::under(prefix(context)).after(event_key(context, after_seq));
        let rows = self.live().rows(Family::Events, &request.at_most(limit, bytes_max))?;
        let events = rows
            .into_iter()
            .map(|(key, bytes)| Ok(EventRow { seq: event_seq(&key)?, bytes }))
            .collect::<Result<Vec<_>, StoreError>>()?;
        // Numbers have no gaps, so a first one further on means that those between are gone.
        let lost = events.first().map_or(0, |first| first.seq.saturating_sub(after_seq) - 1);
        Ok(EventPage { lost, events })
    }

    /// The number of the latest event; 0 if there was none.
    ///
    /// # Errors
    /// As [`Store::events_after`].
    pub fn last_event(&self, context: &ContextId) -> Result<u64, StoreError> {
        let last = self.live().last(Family::Events, &prefix(context))?;
        last.map_or(Ok(0), |(key, _)| event_seq(&key))
    }
}

pub(crate) fn prefix(context: &ContextId) -> Vec<u8> {
    key(context, &[])
}

pub(crate) fn event_key(context: &ContextId, seq: u64) -> Vec<u8> {
    key(context, &[&seq.to_be_bytes()])
}

fn event_seq(key: &[u8]) -> Result<u64, StoreError> {
    let seq = key.get(32..).and_then(number);
    seq.ok_or_else(|| StoreError::corrupt(Family::Events, key))
}

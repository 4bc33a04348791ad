//! Remembers what endpoints did wrong, and asks those that did nothing first.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{ChainError, Fault, Misdeed};

/// Faults that are remembered: every kind of ten endpoints.
const FAULTS_MAX: usize = 64;
/// For how long an endpoint that was silent is not waited for again.
const SILENT_FOR: Duration = Duration::from_secs(10);
/// For how long an endpoint that gave no answer is asked last.
const LAST_FOR: Duration = Duration::from_secs(60);
/// Longest reason that is remembered, in characters.
const WHY_CHARS_MAX: usize = 200;

/// What endpoints did wrong.
#[derive(Debug, Default)]
pub(super) struct Blame {
    // A leaf lock: held for single reads and writes, never over an await.
    rows: Mutex<VecDeque<Row>>,
}

#[derive(Debug)]
struct Row {
    /// Its place among the endpoints; `None` for who serves consensus.
    index: Option<usize>,
    endpoint: String,
    misdeed: Misdeed,
    times: u64,
    last: Instant,
}

impl Blame {
    pub(super) fn note(&self, endpoint: &str, index: Option<usize>, misdeed: Misdeed) {
        let mut rows = self.rows();
        let is_same = |row: &Row| (row.index, row.misdeed.is_like(&misdeed)) == (index, true);
        let known = rows.iter().position(is_same).and_then(|at| rows.remove(at));
        let times = known.map_or(0, |row| row.times).saturating_add(1);
        rows.truncate(FAULTS_MAX - 1);
        let endpoint = endpoint.to_owned();
        rows.push_front(Row { index, endpoint, misdeed, times, last: Instant::now() });
    }

    pub(super) fn wrong_value(&self, endpoint: &str, index: usize, why: String) {
        self.note(endpoint, Some(index), Misdeed::WrongValue { why });
    }

    /// What an error says about the endpoint that it came from; nothing for what is no endpoint's
    /// doing.
    pub(super) fn error(&self, endpoint: &str, index: usize, error: &ChainError) {
        if let Some(misdeed) = misdeed(error) {
            self.note(endpoint, Some(index), misdeed);
        }
    }

    pub(super) fn consensus(&self, name: &str, error: &ChainError) {
        if let Some(misdeed) = misdeed(error) {
            self.note(name, None, misdeed);
        }
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let rows = self.rows();
        let fault = |row: &Row| Fault {
            endpoint: row.endpoint.clone(),
            misdeed: row.misdeed.clone(),
            times: row.times,
            ago_s: row.last.elapsed().as_secs(),
        };
        rows.iter().map(fault).collect()
    }

    /// Whether the endpoint was silent just now.
    pub(super) fn was_silent(&self, index: usize) -> bool {
        self.rows().iter().any(|row| {
            row.index == Some(index)
                && matches!(row.misdeed, Misdeed::Unreachable { .. })
                && row.last.elapsed() < SILENT_FOR
        })
    }

    /// The endpoints, those that never lied first, and of these the ones that answer: who asks in
    /// order waits for each that does not.
    pub(super) fn in_order(&self, count: usize) -> Vec<usize> {
        let rows = self.rows();
        let misdeeds = |index: &usize| {
            let mut own = rows.iter().filter(|row| row.index == Some(*index));
            let lies = own.clone().filter(|row| row.misdeed.is_a_lie()).count();
            (lies, own.any(Row::gave_no_answer))
        };
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(misdeeds);
        order
    }

    fn rows(&self) -> MutexGuard<'_, VecDeque<Row>> {
        // A panic elsewhere leaves whole rows: each is put in one step.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// Whether it is about a question of late that was not answered.
    fn gave_no_answer(&self) -> bool {
        let failed =
            matches!(self.misdeed, Misdeed::Unreachable { .. } | Misdeed::BadAnswer { .. });
        failed && self.last.elapsed() < LAST_FOR
    }
}

fn misdeed(error: &ChainError) -> Option<Misdeed> {
    Some(match error {
        ChainError::Unreachable { .. } => Misdeed::Unreachable { why: line(error) },
        ChainError::BadAnswer { .. } | ChainError::EndpointRefused { .. } => {
            Misdeed::BadAnswer { why: line(error) }
        }
        ChainError::Lied { .. } => Misdeed::WrongValue { why: line(error) },
        ChainError::OtherChain { found, .. } => Misdeed::OtherChain { found: found.to_string() },
        _ => return None,
    })
}

/// The error and what lies below it.
fn line(error: &ChainError) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    // Bounded by the text's length.
    while let Some(source) = below.filter(|_| text.len() < WHY_CHARS_MAX) {
        text = format!("{text}: {source}");
        below = source.source();
    }
    text.chars().take(WHY_CHARS_MAX).collect()
}

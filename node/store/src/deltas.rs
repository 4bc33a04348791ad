//! The deltas of each context, in the order of their admission, which is causal.
//!
//! A delta's bytes stand under its order and never move. An index row by author and sequence number
//! makes it count; voiding replaces that row by a quarantine row, so it costs the same however
//! large the deltas are, and the place in the author's chain is free again.

use std::collections::{BTreeSet, VecDeque};

use types::{ContextId, MemberKey};

use crate::{
    Batch, Family, Store, StoreError,
    backend::{Row, Rows, Source},
    batch::Step,
    family::{key, number, take},
};

/// `context ‖ BODY ‖ order → author ‖ seq ‖ bytes`
const BODY: &[u8] = &[0];
/// `context ‖ INDEX ‖ author ‖ seq → order`
const INDEX: &[u8] = &[1];
/// `context ‖ QUARANTINE ‖ author ‖ seq ‖ order → nothing`
const QUARANTINE: &[u8] = &[2];

/// Rows read at a time when walking all deltas of a context, so that memory stays bounded.
const PAGE_ROWS: usize = 256;
/// Bytes at a time, likewise; one delta may exceed it.
const PAGE_BYTES: usize = 1 << 20;

/// An encoded delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaRow {
    /// Who wrote it.
    pub author: MemberKey,
    /// Its place in the author's chain.
    pub seq: u64,
    /// The delta as it was given.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// Appends the delta `seq` of `author`, which counts from then on. A filled place fails the
    /// batch with [`StoreError::Taken`].
    pub fn append_delta(
        &mut self,
        context: &ContextId,
        author: &MemberKey,
        seq: u64,
        bytes: Vec<u8>,
    ) {
        let size_bytes = 200 + bytes.len();
        self.push(Step::Delta { context: *context, author: *author, seq, bytes }, size_bytes);
    }

    /// Puts every delta of `author` after `after_seq` into quarantine: kept, but counting no more.
    /// Those appended earlier in this batch are included.
    pub fn void_deltas(&mut self, context: &ContextId, author: &MemberKey, after_seq: u64) {
        self.push(Step::Void { context: *context, author: *author, after_seq }, 72);
    }

    /// Takes the deltas of `author` with `after_seq < seq ≤ up_to_seq` out of quarantine, each at
    /// its old place in the order of admission. A place filled meanwhile fails the batch with
    /// [`StoreError::Taken`].
    pub fn readmit_deltas(
        &mut self,
        context: &ContextId,
        author: &MemberKey,
        after_seq: u64,
        up_to_seq: u64,
    ) {
        let (context, author) = (*context, *author);
        self.push(Step::Readmit { context, author, after_seq, up_to_seq }, 80);
    }
}

impl Store {
    /// The delta `seq` of `author`, unless it is in quarantine.
    ///
    /// # Errors
    /// As [`Store::deltas_after`].
    pub fn delta(
        &self,
        context: &ContextId,
        author: &MemberKey,
        seq: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let source = self.frozen();
        let index = index_key(context, author, seq);
        match source.get(Family::Deltas, &index)? {
            Some(order) => Ok(Some(fetch(&source, context, &index, &order)?.bytes)),
            None => Ok(None),
        }
    }

    /// Deltas of `author` with `after_seq < seq ≤ up_to_seq` that count, in ascending order, none
    /// further once they make `bytes_max`; at least one if there is one.
    ///
    /// # Errors
    /// What the disk says; [`StoreError::Corrupt`] for rows that do not parse or not match.
    pub fn deltas_after(
        &self,
        context: &ContextId,
        author: &MemberKey,
        after_seq: u64,
        up_to_seq: u64,
        bytes_max: usize,
    ) -> Result<Vec<DeltaRow>, StoreError> {
        let source = self.frozen();
        let mut found = Vec::new();
        let mut last = index_key(context, author, after_seq);
        let mut bytes = 0_usize;
        // Terminates: each turn begins after the last index row of the turn before.
        loop {
            let mut request = Rows::under(index_prefix(context, author)).after(last.clone());
            request = request.at_most(PAGE_ROWS, usize::MAX);
            let page = source.rows(Family::Deltas, &request)?;
            let Some((end, _)) = page.last() else { return Ok(found) };
            last.clone_from(end);
            for (index, order) in &page {
                if index_seq(index)? > up_to_seq || bytes >= bytes_max {
                    return Ok(found);
                }
                let row = fetch(&source, context, index, order)?;
                bytes = bytes.saturating_add(row.bytes.len());
                found.push(row);
            }
        }
    }

    /// All deltas of `context` that count at this moment, in the order of their admission, read
    /// page by page.
    ///
    /// # Errors
    /// As [`Store::deltas_after`]; each item may fail likewise, and then it is the last.
    pub fn deltas(&self, context: &ContextId) -> Result<Deltas, StoreError> {
        let source = self.frozen();
        let prefix = key(context, &[QUARANTINE]);
        let rows = source.rows(Family::Deltas, &Rows::under(prefix))?;
        let voided = rows.iter().map(|(key, _)| Ok(quarantined(key)?.1));
        let voided = voided.collect::<Result<_, StoreError>>()?;
        let last = Some(body_prefix(context));
        Ok(Deltas { source, prefix: body_prefix(context), last, voided, page: VecDeque::new() })
    }

    /// The deltas of `author` in quarantine, in ascending order, none further once they make
    /// `bytes_max`. One place may occur more than once: the author's chain was cut more than once.
    ///
    /// # Errors
    /// As [`Store::deltas_after`].
    pub fn quarantined_deltas(
        &self,
        context: &ContextId,
        author: &MemberKey,
        bytes_max: usize,
    ) -> Result<Vec<DeltaRow>, StoreError> {
        let source = self.frozen();
        let rows = source.rows(Family::Deltas, &Rows::under(quarantine_prefix(context, author)))?;
        let mut found = Vec::new();
        let mut bytes = 0_usize;
        for (key, _) in &rows {
            if bytes >= bytes_max {
                break;
            }
            let (_, order) = quarantined(key)?;
            let row = fetch(&source, context, key, &order.to_be_bytes())?;
            bytes = bytes.saturating_add(row.bytes.len());
            found.push(row);
        }
        Ok(found)
    }
}

/// All counting deltas of a context, as of the moment it was made. See [`Store::deltas`].
pub struct Deltas {
    source: Source,
    prefix: Vec<u8>,
    /// The last key seen; `None` once all are read.
    last: Option<Vec<u8>>,
    voided: BTreeSet<u64>,
    page: VecDeque<Row>,
}

impl Deltas {
    fn next_row(&mut self) -> Result<Option<DeltaRow>, StoreError> {
        // Terminates: each turn takes a row of a page, or begins after the page before.
        loop {
            let Some((key, value)) = self.page.pop_front() else {
                if self.refill()? == Refill::Ended {
                    return Ok(None);
                }
                continue;
            };
            let corrupt = || StoreError::corrupt(Family::Deltas, &key);
            let order = key.get(self.prefix.len()..).and_then(number).ok_or_else(corrupt)?;
            if !self.voided.contains(&order) {
                return parse_body(&value).map(Some).ok_or_else(corrupt);
            }
        }
    }

    fn refill(&mut self) -> Result<Refill, StoreError> {
        let Some(last) = self.last.take() else { return Ok(Refill::Ended) };
        let request = Rows::under(self.prefix.clone()).after(last).at_most(PAGE_ROWS, PAGE_BYTES);
        self.page = self.source.rows(Family::Deltas, &request)?.into();
        self.last = self.page.back().map(|(key, _)| key.clone());
        Ok(if self.page.is_empty() { Refill::Ended } else { Refill::Filled })
    }
}

#[derive(PartialEq, Eq)]
enum Refill {
    Filled,
    Ended,
}

impl Iterator for Deltas {
    type Item = Result<DeltaRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_row().transpose();
        if matches!(next, Some(Err(_))) {
            self.last = None;
            self.page.clear();
        }
        next
    }
}

impl std::fmt::Debug for Deltas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deltas").field("page", &self.page.len()).finish_non_exhaustive()
    }
}

pub(crate) fn body_prefix(context: &ContextId) -> Vec<u8> {
    key(context, &[BODY])
}

pub(crate) fn body_key(context: &ContextId, order: u64) -> Vec<u8> {
    key(context, &[BODY, &order.to_be_bytes()])
}

pub(crate) fn body(author: &MemberKey, seq: u64, bytes: &[u8]) -> Vec<u8> {
    [author.as_bytes(), seq.to_be_bytes().as_slice(), bytes].concat()
}

pub(crate) fn index_prefix(context: &ContextId, author: &MemberKey) -> Vec<u8> {
    key(context, &[INDEX, author.as_bytes()])
}

pub(crate) fn index_key(context: &ContextId, author: &MemberKey, seq: u64) -> Vec<u8> {
    key(context, &[INDEX, author.as_bytes(), &seq.to_be_bytes()])
}

/// The sequence number in an index key.
pub(crate) fn index_seq(key: &[u8]) -> Result<u64, StoreError> {
    let seq = key.get(32 + 1 + 32..).and_then(number);
    seq.ok_or_else(|| StoreError::corrupt(Family::Deltas, key))
}

pub(crate) fn quarantine_prefix(context: &ContextId, author: &MemberKey) -> Vec<u8> {
    key(context, &[QUARANTINE, author.as_bytes()])
}

pub(crate) fn quarantine_key(
    context: &ContextId,
    author: &MemberKey,
    seq: u64,
    order: &[u8],
) -> Vec<u8> {
    key(context, &[QUARANTINE, author.as_bytes(), &seq.to_be_bytes(), order])
}

/// Sequence number and order in a quarantine key.
pub(crate) fn quarantined(key: &[u8]) -> Result<(u64, u64), StoreError> {
    let parts = key
        .get(32 + 1 + 32..)
        .and_then(take)
        .and_then(|(seq, order)| Some((u64::from_be_bytes(seq), number(order)?)));
    parts.ok_or_else(|| StoreError::corrupt(Family::Deltas, key))
}

/// The delta that the row `key` refers to by `order`.
fn fetch(
    source: &Source,
    context: &ContextId,
    key: &[u8],
    order: &[u8],
) -> Result<DeltaRow, StoreError> {
    let corrupt = || StoreError::corrupt(Family::Deltas, key);
    let order = number(order).ok_or_else(corrupt)?;
    let body = source.get(Family::Deltas, &body_key(context, order))?.ok_or_else(corrupt)?;
    let row = parse_body(&body).ok_or_else(corrupt)?;
    // The row must be the one that the key speaks of.
    let names = [row.author.as_bytes(), row.seq.to_be_bytes().as_slice()].concat();
    if key.get(33..73) == Some(&names) { Ok(row) } else { Err(corrupt()) }
}

fn parse_body(value: &[u8]) -> Option<DeltaRow> {
    let (author, rest) = take(value)?;
    let (seq, bytes) = take(rest)?;
    Some(DeltaRow {
        author: MemberKey::from_bytes(author),
        seq: u64::from_be_bytes(seq),
        bytes: bytes.to_vec(),
    })
}

//! A guest's tentative view: reads see its own writes, and nothing else does.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
    ops::{Bound, ControlFlow},
    sync::Arc,
};

use crate::{
    CollectionId, Dot, EntryKey, IdError, Kind, Op, PAYLOAD_MAX, Payload, Read, Row, StateError,
    VALUE_MAX,
    draft::{decode_entry, read_count, read_entry},
    entry::Entry,
    payload::Change,
    row,
};

/// Most entries on one page: what a guest can take in at once.
pub const PAGE_MAX: usize = 1_000;
/// Bytes of keys and values after which a page ends early.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Most rows read at once for a page: at 1 MiB each they must fit in memory.
const SCAN_STEP_MAX: usize = 32;
/// Rows that one page may pass over, so that a guest which removed many cannot stall the node.
const SCAN_MAX: usize = 4_096;

/// Why a guest's access did not succeed. It changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// A write where only reads are allowed.
    #[error("this call may only read")]
    ReadOnly,
    /// The collection is of another kind.
    #[error("expected a {expected:?}, got a {found:?}")]
    WrongKind {
        /// What the access is for.
        expected: Kind,
        /// What the id says.
        found: Kind,
    },
    /// The key is too long.
    #[error(transparent)]
    Key(#[from] IdError),
    /// A value over [`VALUE_MAX`].
    #[error("value of {size} bytes, at most {VALUE_MAX} allowed")]
    ValueTooLarge {
        /// What came.
        size: usize,
    },
    /// All writes of the call together over [`PAYLOAD_MAX`].
    #[error("writes of {size} bytes in one call, at most {PAYLOAD_MAX} allowed")]
    TooLarge {
        /// What they would come to.
        size: usize,
    },
    /// Additions to one counter beyond 64 bits.
    #[error("additions to one counter in one call exceed 64 bits")]
    Overflow,
    /// The state below failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl TransactionError {
    /// Whether the guest is to blame, not the node.
    pub const fn is_guest_fault(&self) -> bool {
        !matches!(self, Self::State(_))
    }
}

/// Some entries of a map or set, ascending by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Possibly none, even if `next` is there.
    pub items: Vec<T>,
    /// What to pass as `after` for the following page; `None` at the end.
    pub next: Option<Vec<u8>>,
}

/// A tentative view of the state: it reads through its own writes, and records them for
/// [`Transaction::finish`]. Dropping it forgets them.
///
/// Every access fails with [`TransactionError::WrongKind`] on a collection of another kind, with
/// [`TransactionError::Key`] for a key over [`crate::KEY_MAX`], and with
/// [`TransactionError::State`] if the state below fails. Every write fails with
/// [`TransactionError::ReadOnly`] in a read-only view, and with [`TransactionError::TooLarge`] if
/// the payload would exceed [`PAYLOAD_MAX`]. What fails changes nothing.
pub struct Transaction {
    base: Arc<dyn Read>,
    is_read_only: bool,
    /// At most one per entry; a later write to it replaces the earlier.
    ops: BTreeMap<EntryKey, Op>,
    /// How the numbers of entries differ from the base's.
    lens: BTreeMap<CollectionId, i64>,
    size: usize,
}

impl Transaction {
    /// A view that may write. `base` must stay the same state until it ends.
    pub fn new(base: Arc<dyn Read>) -> Self {
        // An empty payload is its length of 4 bytes.
        Self { base, is_read_only: false, ops: BTreeMap::new(), lens: BTreeMap::new(), size: 4 }
    }

    /// A view in which every write is [`TransactionError::ReadOnly`].
    pub fn read_only(base: Arc<dyn Read>) -> Self {
        Self { is_read_only: true, ..Self::new(base) }
    }

    /// The register's value; `None` before the first write.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn register_get(&self, id: &CollectionId) -> Result<Option<Vec<u8>>, TransactionError> {
        self.value(&entry_key(id, Kind::Register, &[])?)
    }

    /// Sets the register to `value`.
    ///
    /// # Errors
    /// As for [`Transaction`], and [`TransactionError::ValueTooLarge`].
    pub fn register_set(
        &mut self,
        id: &CollectionId,
        value: Vec<u8>,
    ) -> Result<(), TransactionError> {
        let at = entry_key(id, Kind::Register, &[])?;
        check_value(&value)?;
        self.record(at, Op::SetRegister { id: *id, value })
    }

    /// The value at `key`; of concurrent puts the one with the greatest stamp.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn map_get(
        &self,
        id: &CollectionId,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, TransactionError> {
        self.value(&entry_key(id, Kind::Map, key)?)
    }

    /// Sets `key` to `value`, whatever was there.
    ///
    /// # Errors
    /// As for [`Transaction`], and [`TransactionError::ValueTooLarge`].
    pub fn map_put(
        &mut self,
        id: &CollectionId,
        key: &[u8],
        value: Vec<u8>,
    ) -> Result<(), TransactionError> {
        let at = entry_key(id, Kind::Map, key)?;
        check_value(&value)?;
        let found = self.look(&at)?;
        let (key, observed) = (key.to_vec(), found.observed);
        self.record(at, Op::Put { id: *id, key, value, observed })?;
        self.add_len(id, i64::from(!found.is_present));
        Ok(())
    }

    /// Removes `key`; whether it was there.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn map_remove(&mut self, id: &CollectionId, key: &[u8]) -> Result<bool, TransactionError> {
        let at = entry_key(id, Kind::Map, key)?;
        let op = |observed| Op::Remove { id: *id, key: key.to_vec(), observed };
        self.remove(at, op)
    }

    /// Entries after the key `after`, ascending: at most `limit`, at most [`PAGE_MAX`], and fewer
    /// once they exceed [`PAGE_BYTES_MAX`]. Only [`Page::next`] tells the end.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn map_entries(
        &self,
        id: &CollectionId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Row>, TransactionError> {
        expect_kind(id, Kind::Map)?;
        self.page(id, after, limit)
    }

    /// How many keys the map has; takes the same time for any number.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn map_len(&self, id: &CollectionId) -> Result<u64, TransactionError> {
        expect_kind(id, Kind::Map)?;
        self.len(id)
    }

    /// Inserts `item`; whether it was absent.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn set_insert(&mut self, id: &CollectionId, item: &[u8]) -> Result<bool, TransactionError> {
        let at = entry_key(id, Kind::Set, item)?;
        let found = self.look(&at)?;
        self.record(at, Op::Insert { id: *id, item: item.to_vec(), observed: found.observed })?;
        self.add_len(id, i64::from(!found.is_present));
        Ok(!found.is_present)
    }

    /// Takes `item` out; whether it was there.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn set_discard(
        &mut self,
        id: &CollectionId,
        item: &[u8],
    ) -> Result<bool, TransactionError> {
        let at = entry_key(id, Kind::Set, item)?;
        let op = |observed| Op::Discard { id: *id, item: item.to_vec(), observed };
        self.remove(at, op)
    }

    /// Whether `item` is in the set.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn set_contains(&self, id: &CollectionId, item: &[u8]) -> Result<bool, TransactionError> {
        Ok(self.look(&entry_key(id, Kind::Set, item)?)?.is_present)
    }

    /// Items after the item `after`, bounded as in [`Transaction::map_entries`].
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn set_items(
        &self,
        id: &CollectionId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Vec<u8>>, TransactionError> {
        expect_kind(id, Kind::Set)?;
        let Page { items, next } = self.page(id, after, limit)?;
        Ok(Page { items: items.into_iter().map(|(item, _)| item).collect(), next })
    }

    /// How many items the set has; takes the same time for any number.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn set_len(&self, id: &CollectionId) -> Result<u64, TransactionError> {
        expect_kind(id, Kind::Set)?;
        self.len(id)
    }

    /// Adds `amount`, which may be negative.
    ///
    /// # Errors
    /// As for [`Transaction`], and [`TransactionError::Overflow`] if this call's additions to this
    /// counter leave 64 bits.
    pub fn counter_add(&mut self, id: &CollectionId, amount: i64) -> Result<(), TransactionError> {
        let at = entry_key(id, Kind::Counter, &[])?;
        let amount = self.added(&at).checked_add(amount).ok_or(TransactionError::Overflow)?;
        if amount == 0 { self.forget(&at) } else { self.record(at, Op::Add { id: *id, amount }) }
    }

    /// The counter's sum, clamped to 64 bits; 0 before the first addition.
    ///
    /// # Errors
    /// As for [`Transaction`].
    pub fn counter_value(&self, id: &CollectionId) -> Result<i64, TransactionError> {
        let at = entry_key(id, Kind::Counter, &[])?;
        let merged = match read_entry(&*self.base, &at)? {
            Some(Entry::Sum(sum)) => sum,
            _ => 0,
        };
        let sum = merged.saturating_add(i128::from(self.added(&at)));
        Ok(i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX }))
    }

    /// What was written, at most one operation per entry. Empty if it all came to nothing.
    pub fn finish(self) -> Payload {
        Payload::from_sorted(self.ops.into_values().collect())
            .expect("each write was checked, and the map sorts them")
    }

    fn value(&self, at: &EntryKey) -> Result<Option<Vec<u8>>, TransactionError> {
        match self.ops.get(at) {
            Some(op) => Ok(written(op).map(<[u8]>::to_vec)),
            None => Ok(read_entry(&*self.base, at)?.and_then(Entry::into_value)),
        }
    }

    fn look(&self, at: &EntryKey) -> Result<Found, TransactionError> {
        match self.ops.get(at).map(Op::change) {
            Some(Change::Live { put, observed }) => {
                Ok(Found { is_present: put.is_some(), observed: observed.to_vec() })
            }
            _ => {
                let observed = read_entry(&*self.base, at)?.map_or_else(Vec::new, |e| e.dots());
                Ok(Found { is_present: !observed.is_empty(), observed })
            }
        }
    }

    fn remove(
        &mut self,
        at: EntryKey,
        op: impl FnOnce(Vec<Dot>) -> Op,
    ) -> Result<bool, TransactionError> {
        let found = self.look(&at)?;
        let id = at.collection();
        if found.observed.is_empty() {
            self.forget(&at)?;
        } else if found.is_present {
            self.record(at, op(found.observed))?;
        }
        self.add_len(&id, i64::from(found.is_present).saturating_neg());
        Ok(found.is_present)
    }

    /// What this call has added to the counter at `at`.
    fn added(&self, at: &EntryKey) -> i64 {
        match self.ops.get(at) {
            Some(Op::Add { amount, .. }) => *amount,
            _ => 0,
        }
    }

    fn record(&mut self, at: EntryKey, op: Op) -> Result<(), TransactionError> {
        self.check_writable()?;
        let slot = self.ops.entry(at);
        let before = match &slot {
            btree_map::Entry::Occupied(old) => old.get().encoded_len(),
            btree_map::Entry::Vacant(_) => 0,
        };
        let size = self.size.saturating_sub(before).saturating_add(op.encoded_len());
        if size > PAYLOAD_MAX {
            return Err(TransactionError::TooLarge { size });
        }
        slot.insert_entry(op);
        self.size = size;
        Ok(())
    }

    /// Takes back what this call wrote at `at`.
    fn forget(&mut self, at: &EntryKey) -> Result<(), TransactionError> {
        self.check_writable()?;
        let freed = self.ops.remove(at).map_or(0, |op| op.encoded_len());
        self.size = self.size.saturating_sub(freed);
        Ok(())
    }

    const fn check_writable(&self) -> Result<(), TransactionError> {
        if self.is_read_only { Err(TransactionError::ReadOnly) } else { Ok(()) }
    }

    fn add_len(&mut self, id: &CollectionId, change: i64) {
        let len = self.lens.entry(*id).or_default();
        *len = len.saturating_add(change);
    }

    fn len(&self, id: &CollectionId) -> Result<u64, TransactionError> {
        let change = self.lens.get(id).copied().unwrap_or(0);
        Ok(read_count(&*self.base, id)?.saturating_add_signed(change))
    }

    /// Walks the base's rows and the own writes side by side.
    fn page(
        &self,
        id: &CollectionId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Row>, TransactionError> {
        let prefix = row::entries(id);
        let from = EntryKey::new(id, after.unwrap_or_default())?;
        let mut cursor = after.map(|_| row::entry(&from));
        let start = if after.is_some() { Bound::Excluded(from) } else { Bound::Included(from) };
        let mut own = self
            .ops
            .range((start, Bound::Unbounded))
            .take_while(|(at, _)| at.collection() == *id)
            .peekable();
        let mut pager = Pager::new(limit);
        let step = limit.clamp(1, SCAN_STEP_MAX);
        for _ in (0..SCAN_MAX).step_by(step) {
            let rows = self.base.scan(&prefix, cursor.as_deref(), step);
            let rows = rows.map_err(StateError::from)?;
            let is_end = rows.len() < step;
            for (row, bytes) in rows {
                let key = row.get(prefix.len()..).unwrap_or_default();
                let at =
                    EntryKey::new(id, key).map_err(|_| StateError::Corrupt { row: row.clone() })?;
                while let Some((before, op)) = own.next_if(|(own, _)| **own < at) {
                    if pager.add(before.key(), written(op)).is_break() {
                        return Ok(pager.stop());
                    }
                }
                let flow = match own.next_if(|(own, _)| **own == at) {
                    Some((_, op)) => pager.add(key, written(op)),
                    None => pager.add(key, decode_entry(&at, &bytes)?.into_value().as_deref()),
                };
                if flow.is_break() {
                    return Ok(pager.stop());
                }
                cursor = Some(row);
            }
            if is_end {
                return Ok(pager.end(own));
            }
        }
        Ok(pager.stop())
    }
}

/// Fills a page until it is full.
struct Pager {
    limit: usize,
    bytes: usize,
    items: Vec<Row>,
    last: Option<Vec<u8>>,
}

impl Pager {
    fn new(limit: usize) -> Self {
        Self { limit: limit.clamp(1, PAGE_MAX), bytes: 0, items: Vec::new(), last: None }
    }

    /// Passes `key`, and takes it if it has a `value`; breaks once the page is full.
    fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> ControlFlow<()> {
        self.last = Some(key.to_vec());
        if let Some(value) = value {
            self.bytes = self.bytes.saturating_add(key.len()).saturating_add(value.len());
            self.items.push((key.to_vec(), value.to_vec()));
        }
        if self.items.len() >= self.limit || self.bytes >= PAGE_BYTES_MAX {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn stop(self) -> Page<Row> {
        Page { items: self.items, next: self.last }
    }

    fn end<'a>(mut self, rest: impl Iterator<Item = (&'a EntryKey, &'a Op)>) -> Page<Row> {
        for (at, op) in rest {
            if self.add(at.key(), written(op)).is_break() {
                return self.stop();
            }
        }
        Page { items: self.items, next: None }
    }
}

/// What stands at an entry of a map or set: whether readers see it, and the base's dots.
struct Found {
    is_present: bool,
    observed: Vec<Dot>,
}

/// What `op` leaves for readers.
fn written(op: &Op) -> Option<&[u8]> {
    match op.change() {
        Change::Set(value) => Some(value),
        Change::Live { put, .. } => put,
        Change::Add(_) => None,
    }
}

fn entry_key(id: &CollectionId, kind: Kind, key: &[u8]) -> Result<EntryKey, TransactionError> {
    expect_kind(id, kind)?;
    Ok(EntryKey::new(id, key)?)
}

fn expect_kind(id: &CollectionId, expected: Kind) -> Result<(), TransactionError> {
    let found = id.kind();
    if found == expected { Ok(()) } else { Err(TransactionError::WrongKind { expected, found }) }
}

const fn check_value(value: &[u8]) -> Result<(), TransactionError> {
    if value.len() > VALUE_MAX {
        return Err(TransactionError::ValueTooLarge { size: value.len() });
    }
    Ok(())
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("is_read_only", &self.is_read_only)
            .field("writes", &self.ops.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

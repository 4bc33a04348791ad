//! Rows in memory: for tests and for nodes that need not remember.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Change, Page, Row, Rows};
use crate::{Family, family::above};

type Table = BTreeMap<Vec<u8>, Vec<u8>>;

/// The tables behind a lock that is held for the length of one clone or one write, never longer.
pub(crate) struct Memory(RwLock<Arc<Tables>>);

/// One table per family; copied on write while a snapshot holds it.
#[derive(Clone, Default)]
pub(crate) struct Tables([Arc<Table>; Family::ALL.len()]);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(Arc::new(Tables::default())))
    }

    pub(super) fn tables(&self) -> Arc<Tables> {
        // A poisoned lock means that a writer panicked between two changes of a batch; only an
        // allocation failure can do that, and it aborts.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write(&self, changes: Vec<Change>) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let tables = Arc::make_mut(&mut tables);
        for change in changes {
            match change {
                Change::Put { family, key, value } => {
                    tables.table_mut(family).insert(key, value);
                }
                Change::Delete { family, key } => {
                    tables.table_mut(family).remove(&key);
                }
                Change::DeletePrefix { family, prefix } => {
                    tables.table_mut(family).retain(|key, _| !key.starts_with(&prefix));
                }
            }
        }
    }
}

impl Tables {
    fn table(&self, family: Family) -> &Table {
        &self.0[family as usize]
    }

    fn table_mut(&mut self, family: Family) -> &mut Table {
        Arc::make_mut(&mut self.0[family as usize])
    }

    pub(super) fn get(&self, family: Family, key: &[u8]) -> Option<Vec<u8>> {
        self.table(family).get(key).cloned()
    }

    pub(super) fn rows(&self, family: Family, request: &Rows) -> Vec<Row> {
        let to = request.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(request.from.as_slice()), to);
        let mut page = Page::new();
        for (key, value) in self.table(family).range::<[u8], _>(range) {
            if !page.push(request, key, value) {
                break;
            }
        }
        page.rows
    }

    pub(super) fn last(&self, family: Family, prefix: &[u8]) -> Option<Row> {
        let end = above(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(prefix), to);
        let (key, value) = self.table(family).range::<[u8], _>(range).next_back()?;
        Some((key.clone(), value.clone()))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}

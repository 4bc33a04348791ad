//! The ACL log of each context: one row per epoch.

use types::ContextId;

use crate::{
    Batch, Family, Store, StoreError,
    backend::Rows,
    batch::Step,
    family::{key, number},
};

/// An encoded ACL log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Its epoch.
    pub epoch: u64,
    /// The entry as it was given.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// Appends the entry of `epoch`. A filled epoch fails the batch with [`StoreError::Taken`].
    pub fn append_entry(&mut self, context: &ContextId, epoch: u64, bytes: Vec<u8>) {
        let size_bytes = 40 + bytes.len();
        self.push(Step::Entry { context: *context, epoch, bytes }, size_bytes);
    }
}

impl Store {
    /// Entries after `after_epoch` (from the first on for `None`), oldest first: at most `limit`,
    /// and none further once they make `bytes_max`; at least one if there is one.
    ///
    /// # Errors
    /// What the disk says; [`StoreError::Corrupt`] for a row that does not parse.
    pub fn entries_after(
        &self,
        context: &ContextId,
        after_epoch: Option<u64>,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let mut request = Rows::under(key(context, &[])).at_most(limit, bytes_max);
        if let Some(epoch) = after_epoch {
            request = request.after(entry_key(context, epoch));
        }
        let rows = self.live().rows(Family::Entries, &request)?;
        rows.into_iter()
            .map(|(key, bytes)| {
                let epoch = number(key.get(32..).unwrap_or_default())
                    .ok_or_else(|| StoreError::corrupt(Family::Entries, &key))?;
                Ok(EntryRow { epoch, bytes })
            })
            .collect()
    }

    /// The entry of `epoch`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn entry(&self, context: &ContextId, epoch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.live().get(Family::Entries, &entry_key(context, epoch))
    }
}

pub(crate) fn entry_key(context: &ContextId, epoch: u64) -> Vec<u8> {
    key(context, &[&epoch.to_be_bytes()])
}

//! Rows of the node itself, and the schema version.

use crate::{
    Batch, Family, Store, StoreError,
    backend::{Change, Disk},
};

/// The version of the layout of rows that this program writes and reads.
pub(crate) const SCHEMA: u32 = 1;
/// The row that holds it, little-endian. Names of other rows get a prefix, so none can be this one.
const SCHEMA_KEY: &[u8] = b"schema";
const NODE_PREFIX: &[u8] = b"node/";

impl Batch {
    /// Sets the node's row `name`.
    pub fn put_meta(&mut self, name: &str, value: Vec<u8>) {
        self.put(Family::Meta, meta_key(name), value);
    }

    /// Deletes the node's row `name`.
    pub fn delete_meta(&mut self, name: &str) {
        self.delete(Family::Meta, meta_key(name));
    }
}

impl Store {
    /// The node's row `name`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.live().get(Family::Meta, &meta_key(name))
    }
}

/// Checks that the database has our schema; marks a new one.
pub(crate) fn claim(disk: &Disk) -> Result<(), StoreError> {
    let unknown = |found| StoreError::UnknownSchema { found, known: SCHEMA };
    match disk.get(Family::Meta, SCHEMA_KEY)? {
        Some(bytes) => match <[u8; 4]>::try_from(bytes).map(u32::from_le_bytes) {
            Ok(SCHEMA) => Ok(()),
            Ok(other) => Err(unknown(other.to_string())),
            Err(_) => Err(StoreError::corrupt(Family::Meta, SCHEMA_KEY)),
        },
        None if disk.is_empty()? => disk.write(vec![Change::Put {
            family: Family::Meta,
            key: SCHEMA_KEY.to_vec(),
            value: SCHEMA.to_le_bytes().to_vec(),
        }]),
        None => Err(unknown("0 (none recorded)".into())),
    }
}

fn meta_key(name: &str) -> Vec<u8> {
    [NODE_PREFIX, name.as_bytes()].concat()
}

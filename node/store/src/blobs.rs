//! Content by its hash: application components, installed once for all contexts.

use types::Hash;

use crate::{Batch, Family, Store, StoreError, backend::Rows};

/// Bytes of one blob: an application module.
pub const BLOB_BYTES_MAX: usize = 16 << 20;

impl Batch {
    /// Adds `blob`, whose name is its BLAKE3 hash. Adding it twice is a no-op.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over [`BLOB_BYTES_MAX`].
    pub fn put_blob(&mut self, blob: Vec<u8>) -> Result<Hash, StoreError> {
        let (size, max) = (blob.len(), BLOB_BYTES_MAX);
        if size > max {
            return Err(StoreError::TooLarge { what: "blob", size, max });
        }
        let hash = Hash::of(&blob);
        self.put(Family::Blobs, hash.as_bytes().to_vec(), blob);
        Ok(hash)
    }

    /// Deletes the blob named `hash`, if it is there.
    pub fn delete_blob(&mut self, hash: &Hash) {
        self.delete(Family::Blobs, hash.as_bytes().to_vec());
    }
}

impl Store {
    /// The blobs that are here, by their names, with their sizes in bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a name that is none; what the disk says.
    pub fn blobs(&self) -> Result<Vec<(Hash, usize)>, StoreError> {
        let rows = self.live().rows(Family::Blobs, &Rows::under(Vec::new()))?;
        rows.into_iter()
            .map(|(key, blob)| {
                let name = key.as_slice().try_into().map(Hash::from_bytes);
                let name = name.map_err(|_| StoreError::corrupt(Family::Blobs, &key))?;
                Ok((name, blob.len()))
            })
            .collect()
    }

    /// The blob named `hash`, hashed again while reading.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is another one; what the disk says.
    pub fn blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let blob = self.live().get(Family::Blobs, hash.as_bytes())?;
        match blob {
            Some(blob) if Hash::of(&blob) != *hash => {
                Err(StoreError::corrupt(Family::Blobs, hash.as_bytes()))
            }
            blob => Ok(blob),
        }
    }
}

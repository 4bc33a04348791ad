//! Why the store could not do what it was asked.

use std::{fmt, io, path::PathBuf};

use types::ContextId;

use crate::Family;

/// An error of a library beneath.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do what it was asked. One clear sentence each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another part of this one, has the folder open.
    #[error("the data folder {} is in use by another running node", .folder.display())]
    Locked {
        /// Which folder.
        folder: PathBuf,
    },
    /// The operating system refuses this user.
    #[error("no permission to use {}", .path.display())]
    Denied {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: BoxError,
    },
    /// There is no room left. The database stays closed to writes until it is opened again.
    #[error("the disk under {} is full; make room and restart the node", .path.display())]
    DiskFull {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        source: BoxError,
    },
    /// Database files are missing or damaged; nothing was changed.
    #[error("the database in {} is damaged; restore it from a backup", .path.display())]
    Damaged {
        /// Which folder.
        path: PathBuf,
        /// What the database said.
        source: BoxError,
    },
    /// A row does not parse, or does not hash to its name.
    #[error("row {key} of family {family} is corrupt")]
    Corrupt {
        /// Where it stands.
        family: Family,
        /// Its key.
        key: RowKey,
    },
    /// The data was written by another version of this program.
    #[error("the data folder has schema {found}, this program knows schema {known}")]
    UnknownSchema {
        /// What the folder says.
        found: String,
        /// What this program writes.
        known: u32,
    },
    /// A file or folder with secrets is open to other users of this machine.
    #[error("{} has mode {mode:o}, open to other users; run chmod go-rwx on it", .path.display())]
    Exposed {
        /// Which one.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The passphrase or the key file does not open the keystore.
    #[error("wrong passphrase or key file")]
    WrongPassphrase,
    /// The keystore is locked in the other way.
    #[error("the keystore is locked with a {needed}")]
    OtherLock {
        /// What opens it.
        needed: &'static str,
    },
    /// There is no keystore yet.
    #[error("no keystore at {}", .path.display())]
    NoKeystore {
        /// Where it was expected.
        path: PathBuf,
    },
    /// There is a keystore already.
    #[error("a keystore exists at {}", .path.display())]
    KeystoreExists {
        /// Where.
        path: PathBuf,
    },
    /// A file is not what it should be.
    #[error("{} is not a valid {what}", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// A value exceeds its bound.
    #[error("{what} of {size} bytes, at most {max} allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The bound.
        max: usize,
    },
    /// A position of a log is filled already: logs are appended to, never overwritten.
    #[error("{what} {position} of context {context} exists already")]
    Taken {
        /// Which log.
        what: &'static str,
        /// In which context.
        context: ContextId,
        /// Epoch or sequence number.
        position: u64,
    },
    /// An earlier sync failed, so what is on disk is unknown.
    #[error("the write-ahead log could not be synced earlier; restart the node")]
    SyncFailed,
    /// A file could not be read or written.
    #[error("could not use {}", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: BoxError,
    },
}

impl StoreError {
    /// Whether the same request may succeed later, without a restart or a repair.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }

    pub(crate) fn corrupt(family: Family, key: &[u8]) -> Self {
        Self::Corrupt { family, key: RowKey(key.to_vec()) }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, error: io::Error) -> Self {
        let path = path.into();
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied { path, source: error.into() },
            io::ErrorKind::StorageFull => Self::DiskFull { path, source: error.into() },
            _ => Self::Io { path, source: error.into() },
        }
    }
}

/// The key of a row, printed as hex.
#[derive(Clone, PartialEq, Eq)]
pub struct RowKey(Vec<u8>);

impl RowKey {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowKey({self})")
    }
}

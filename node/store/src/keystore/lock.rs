//! The file `keystore`: the master key and the node's identity, behind a passphrase or a key file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::CryptoRngCore;
use types::{
    decode, encode,
    seal::{open_at_rest, seal_at_rest},
};
use zeroize::Zeroizing;

use super::{Keystore, random};
use crate::{
    StoreError,
    folder::{self, Existing},
};

const MASTER_PURPOSE: &str = "anchorhold/keystore/master/1";
const NODE_PURPOSE: &str = "anchorhold/keystore/node/1";
/// First bytes of the file; the last one is its version.
const MAGIC: [u8; 8] = *b"ahkeys\0\x01";
/// Bytes of the file; it has about 200.
const FILE_BYTES_MAX: usize = 1 << 10;
const KEY_FILE_BYTES: usize = 32;

/// What opens a keystore. Wiped when dropped, never printed.
#[derive(Clone)]
pub enum Unlock {
    /// Something a person remembers.
    Passphrase(Zeroizing<String>),
    /// The path of a file of 32 random bytes that only this user may read.
    KeyFile(PathBuf),
}

/// What one try of a passphrase costs, by the parameters of Argon2id (RFC 9106 §3.1). Recorded in
/// the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KdfCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl KdfCost {
    /// 64 MiB, three passes, one lane: RFC 9106 §4's second choice, with one lane since a node
    /// starts on any machine.
    pub const DEFAULT: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 1 };

    /// Costs nothing and protects nothing: for tests.
    pub const fn insecure_for_tests() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// `None` out of bounds: a file may not demand more than 256 MiB, 8 passes and 8 lanes of the
    /// node that opens it.
    fn params(self) -> Option<Params> {
        // Before the library multiplies them.
        if self.memory_kib > 256 << 10 || self.passes > 8 || self.lanes > 8 {
            return None;
        }
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase(…)"),
            Self::KeyFile(path) => f.debug_tuple("KeyFile").field(path).finish(),
        }
    }
}

/// Writes 32 random bytes to `path` for [`Unlock::KeyFile`], readable by this user alone.
///
/// # Errors
/// [`StoreError::KeystoreExists`] if there is a file; what the system says.
pub fn generate_key_file(path: &Path, rng: &mut impl CryptoRngCore) -> Result<(), StoreError> {
    if folder::write_secret(path, random(rng).as_slice(), Existing::Keep)? {
        Ok(())
    } else {
        Err(StoreError::KeystoreExists { path: path.to_owned() })
    }
}

/// The file's contents.
#[derive(BorshSerialize, BorshDeserialize)]
struct Locked {
    magic: [u8; 8],
    lock: Lock,
    master: Vec<u8>,
    node_seed: Vec<u8>,
}

#[derive(BorshSerialize, BorshDeserialize)]
enum Lock {
    Passphrase { salt: [u8; 16], cost: KdfCost },
    KeyFile,
}

pub(super) fn path(data_folder: &Path) -> PathBuf {
    data_folder.join("keystore")
}

pub(super) fn create(
    data_folder: &Path,
    unlock: &Unlock,
    cost: KdfCost,
    keystore: &Keystore,
    rng: &mut impl CryptoRngCore,
) -> Result<(), StoreError> {
    folder::prepare(data_folder)?;
    let path = path(data_folder);
    if path.try_exists().map_err(|error| StoreError::io(&path, error))? {
        return Err(StoreError::KeystoreExists { path });
    }
    let bytes = close(unlock, cost, keystore, rng)?;
    if folder::write_secret(&path, &bytes, Existing::Keep)? {
        Ok(())
    } else {
        Err(StoreError::KeystoreExists { path })
    }
}

pub(super) fn replace(
    data_folder: &Path,
    unlock: &Unlock,
    cost: KdfCost,
    keystore: &Keystore,
    rng: &mut impl CryptoRngCore,
) -> Result<(), StoreError> {
    let bytes = close(unlock, cost, keystore, rng)?;
    folder::write_secret(&path(data_folder), &bytes, Existing::Replace).map(|_is_placed| ())
}

pub(super) fn open(data_folder: &Path, unlock: &Unlock) -> Result<Keystore, StoreError> {
    let path = path(data_folder);
    let Some(bytes) = folder::read_secret(&path, FILE_BYTES_MAX)? else {
        return Err(StoreError::NoKeystore { path });
    };
    let malformed = || StoreError::Malformed { path: path.clone(), what: "keystore" };
    let file: Locked = decode(&bytes, FILE_BYTES_MAX).map_err(|_| malformed())?;
    if file.magic != MAGIC {
        return Err(malformed());
    }
    let key = match (&file.lock, unlock) {
        (Lock::Passphrase { salt, cost }, Unlock::Passphrase(passphrase)) => {
            stretch(passphrase, salt, *cost).ok_or_else(malformed)?
        }
        (Lock::KeyFile, Unlock::KeyFile(path)) => read_key_file(path)?,
        (Lock::Passphrase { .. }, Unlock::KeyFile(_)) => {
            return Err(StoreError::OtherLock { needed: "passphrase" });
        }
        (Lock::KeyFile, Unlock::Passphrase(_)) => {
            return Err(StoreError::OtherLock { needed: "key file" });
        }
    };
    let master = unseal(&key, MASTER_PURPOSE, &file.master).ok_or(StoreError::WrongPassphrase)?;
    let node_seed = unseal(&master, NODE_PURPOSE, &file.node_seed).ok_or_else(malformed)?;
    Ok(Keystore { master, node_seed })
}

/// The file's bytes for `keystore` locked with `unlock`.
fn close(
    unlock: &Unlock,
    cost: KdfCost,
    keystore: &Keystore,
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, StoreError> {
    let (lock, key) = match unlock {
        Unlock::Passphrase(passphrase) => {
            let mut salt = [0; 16];
            rng.fill_bytes(&mut salt);
            let key = stretch(passphrase, &salt, cost)
                .expect("a KdfCost is one of our constants or was read within the bounds");
            (Lock::Passphrase { salt, cost }, key)
        }
        Unlock::KeyFile(path) => (Lock::KeyFile, read_key_file(path)?),
    };
    let mut seal = |key: &[u8; 32], purpose, plain: &[u8; 32]| {
        seal_at_rest(key, purpose, plain, rng).expect("32 bytes are within the cipher's limit")
    };
    let master = seal(&key, MASTER_PURPOSE, &keystore.master);
    let node_seed = seal(&keystore.master, NODE_PURPOSE, &keystore.node_seed);
    Ok(encode(&Locked { magic: MAGIC, lock, master, node_seed }))
}

fn read_key_file(path: &Path) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let malformed =
        || StoreError::Malformed { path: path.to_owned(), what: "key file of 32 bytes" };
    let bytes = folder::read_secret(path, KEY_FILE_BYTES)?;
    let Some(bytes) = bytes else {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(StoreError::io(path, error));
    };
    let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| malformed())?;
    Ok(Zeroizing::new(*key))
}

/// `None` if `cost` is out of bounds, or the passphrase has more than 4 GiB.
fn stretch(passphrase: &str, salt: &[u8; 16], cost: KdfCost) -> Option<Zeroizing<[u8; 32]>> {
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    let mut key = Zeroizing::new([0; 32]);
    argon.hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice()).ok()?;
    Some(key)
}

fn unseal(key: &[u8; 32], purpose: &str, sealed: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let plain = Zeroizing::new(open_at_rest(key, purpose, sealed).ok()?);
    let plain: &[u8; 32] = plain.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*plain))
}

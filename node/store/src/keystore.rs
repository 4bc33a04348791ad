//! The secrets of this node, sealed at rest.
//!
//! A random master key seals every secret; the passphrase (through Argon2id) or the key file seals
//! the master key, so that either can be changed without touching the secrets. The master key and
//! the node's identity stand in the file `keystore` of the data folder; secrets of contexts and
//! wallets are rows of the store, so that they are written together with what needs them.

mod lock;

use std::{collections::BTreeMap, fmt, path::Path};

use rand_core::CryptoRngCore;
use types::{
    AccountId, ContextId, ExchangeSecret, MemberSecret,
    seal::{EpochSecret, open_at_rest, seal_at_rest},
};
use zeroize::Zeroizing;

pub use lock::{KdfCost, Unlock, generate_key_file};

use crate::{Batch, Family, Store, StoreError, backend::Rows, family::key};

const MEMBER: &[u8] = &[0];
const EPOCH: &[u8] = &[1];
const WALLET: &[u8] = &[2];
const NAMED: &[u8] = &[3];
/// Where rows of the node stand among those of contexts; no genesis hashes to zero.
const NODE: ContextId = ContextId::from_bytes([0; 32]);

/// Bytes of one named secret.
pub const NAMED_SECRET_BYTES_MAX: usize = 4 << 10;

/// An opened keystore: holds the master key and the node's identity. Both are wiped when dropped.
pub struct Keystore {
    master: Zeroizing<[u8; 32]>,
    node_seed: Zeroizing<[u8; 32]>,
}

/// This node's secrets as a member of one context.
#[derive(Debug)]
pub struct MemberSecrets {
    /// Signs.
    pub member: MemberSecret,
    /// Opens the envelopes that carry epoch secrets.
    pub exchange: ExchangeSecret,
}

impl Keystore {
    /// A keystore without a file, for a store in memory.
    pub fn in_memory(rng: &mut impl CryptoRngCore) -> Self {
        Self { master: random(rng), node_seed: random(rng) }
    }

    /// Whether there is a keystore in `data_folder`.
    ///
    /// # Errors
    /// What the system says.
    pub fn exists(data_folder: &Path) -> Result<bool, StoreError> {
        let path = lock::path(data_folder);
        path.try_exists().map_err(|error| StoreError::io(path, error))
    }

    /// Makes a keystore in `data_folder`, with a new identity of the node.
    ///
    /// # Errors
    /// [`StoreError::KeystoreExists`]; those of [`Keystore::open`].
    pub fn create(
        data_folder: &Path,
        unlock: &Unlock,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, StoreError> {
        Self::create_with_cost(data_folder, unlock, KdfCost::DEFAULT, rng)
    }

    /// As [`Keystore::create`] with another cost of trying a passphrase.
    ///
    /// # Errors
    /// As there.
    pub fn create_with_cost(
        data_folder: &Path,
        unlock: &Unlock,
        cost: KdfCost,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, StoreError> {
        let keystore = Self::in_memory(rng);
        lock::create(data_folder, unlock, cost, &keystore, rng)?;
        Ok(keystore)
    }

    /// Opens the keystore in `data_folder`. Takes as long as its recorded cost demands, about
    /// 0.1 s by default.
    ///
    /// # Errors
    /// [`StoreError::NoKeystore`]; [`StoreError::WrongPassphrase`]; [`StoreError::OtherLock`];
    /// [`StoreError::Exposed`] if others may read it; [`StoreError::Malformed`];
    /// [`StoreError::Denied`] or [`StoreError::Io`].
    pub fn open(data_folder: &Path, unlock: &Unlock) -> Result<Self, StoreError> {
        lock::open(data_folder, unlock)
    }

    /// Locks the file in `data_folder` with `unlock` from now on. The secrets stay what they are.
    ///
    /// # Errors
    /// Those of [`Keystore::open`]; the old file then still stands.
    pub fn change_lock(
        &self,
        data_folder: &Path,
        unlock: &Unlock,
        cost: KdfCost,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        lock::replace(data_folder, unlock, cost, self, rng)
    }

    /// Seed of the node's Ed25519 identity on the network.
    pub fn node_seed(&self) -> &Zeroizing<[u8; 32]> {
        &self.node_seed
    }

    /// Adds this node's secrets as a member of `context` to `batch`, in place of older ones.
    pub fn put_member(
        &self,
        batch: &mut Batch,
        context: &ContextId,
        secrets: &MemberSecrets,
        rng: &mut impl CryptoRngCore,
    ) {
        let mut plain = Zeroizing::new([0; 64]);
        let (member, exchange) = plain.split_at_mut(32);
        member.copy_from_slice(secrets.member.seed().as_slice());
        exchange.copy_from_slice(secrets.exchange.as_bytes());
        self.put(batch, &Place::member(context), plain.as_slice(), rng);
    }

    /// This node's secrets as a member of `context`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the row was not sealed by this keystore for this context; what
    /// the disk says. Likewise in the methods below.
    pub fn member(
        &self,
        store: &Store,
        context: &ContextId,
    ) -> Result<Option<MemberSecrets>, StoreError> {
        let place = Place::member(context);
        let Some(plain) = self.get::<64>(store, &place)? else { return Ok(None) };
        let (seed, exchange) = halves(&plain);
        Ok(Some(MemberSecrets {
            member: MemberSecret::from_seed(&seed),
            exchange: ExchangeSecret::from_bytes(*exchange),
        }))
    }

    /// Adds the secret of `key_epoch` of `context` to `batch`.
    pub fn put_epoch_secret(
        &self,
        batch: &mut Batch,
        context: &ContextId,
        key_epoch: u32,
        secret: &EpochSecret,
        rng: &mut impl CryptoRngCore,
    ) {
        self.put(batch, &Place::epoch(context, key_epoch), secret.as_bytes(), rng);
    }

    /// Deletes the secret of `key_epoch` of `context`: nothing sealed under it opens here again.
    pub fn delete_epoch_secret(&self, batch: &mut Batch, context: &ContextId, key_epoch: u32) {
        batch.delete(Family::Keys, Place::epoch(context, key_epoch).key);
    }

    /// The secret of `key_epoch` of `context`.
    ///
    /// # Errors
    /// As [`Keystore::member`].
    pub fn epoch_secret(
        &self,
        store: &Store,
        context: &ContextId,
        key_epoch: u32,
    ) -> Result<Option<EpochSecret>, StoreError> {
        let plain = self.get::<32>(store, &Place::epoch(context, key_epoch))?;
        Ok(plain.map(|plain| EpochSecret::from_bytes(*plain)))
    }

    /// All secrets of `context` that this node was given, by key epoch.
    ///
    /// # Errors
    /// As [`Keystore::member`].
    pub fn epoch_secrets(
        &self,
        store: &Store,
        context: &ContextId,
    ) -> Result<BTreeMap<u32, EpochSecret>, StoreError> {
        let prefix = key(context, &[EPOCH]);
        let start = prefix.len();
        let rows = store.live().rows(Family::Keys, &Rows::under(prefix))?;
        rows.into_iter()
            .map(|(key, sealed)| {
                let key_epoch = key
                    .get(start..)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(u32::from_be_bytes)
                    .ok_or_else(|| StoreError::corrupt(Family::Keys, &key))?;
                let plain = self.unseal::<32>(&Place::epoch(context, key_epoch), &sealed)?;
                Ok((key_epoch, EpochSecret::from_bytes(*plain)))
            })
            .collect()
    }

    /// Adds the secret key of `account` to `batch`.
    pub fn put_wallet(
        &self,
        batch: &mut Batch,
        account: &AccountId,
        secret: &[u8; 32],
        rng: &mut impl CryptoRngCore,
    ) {
        self.put(batch, &Place::wallet(account), secret, rng);
    }

    /// The secret key of `account`.
    ///
    /// # Errors
    /// As [`Keystore::member`].
    pub fn wallet(
        &self,
        store: &Store,
        account: &AccountId,
    ) -> Result<Option<Zeroizing<[u8; 32]>>, StoreError> {
        self.get(store, &Place::wallet(account))
    }

    /// The accounts whose keys this node holds.
    ///
    /// # Errors
    /// As [`Keystore::member`].
    pub fn wallets(&self, store: &Store) -> Result<Vec<AccountId>, StoreError> {
        let prefix = key(&NODE, &[WALLET]);
        let start = prefix.len();
        let rows = store.live().rows(Family::Keys, &Rows::under(prefix))?;
        rows.into_iter()
            .map(|(key, _)| {
                let text = key.get(start..).and_then(|text| std::str::from_utf8(text).ok());
                text.and_then(|text| text.parse().ok())
                    .ok_or_else(|| StoreError::corrupt(Family::Keys, &key))
            })
            .collect()
    }

    /// Adds a secret of the node, such as a token, to `batch`.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over [`NAMED_SECRET_BYTES_MAX`].
    pub fn put_named(
        &self,
        batch: &mut Batch,
        name: &str,
        secret: &[u8],
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let (size, max) = (secret.len(), NAMED_SECRET_BYTES_MAX);
        if size > max {
            return Err(StoreError::TooLarge { what: "secret", size, max });
        }
        self.put(batch, &Place::named(name), secret, rng);
        Ok(())
    }

    /// The secret of the node called `name`.
    ///
    /// # Errors
    /// As [`Keystore::member`].
    pub fn named(
        &self,
        store: &Store,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let place = Place::named(name);
        let sealed = store.live().get(Family::Keys, &place.key)?;
        sealed.map(|sealed| self.unseal_bytes(&place, &sealed)).transpose()
    }

    fn put(&self, batch: &mut Batch, place: &Place, plain: &[u8], rng: &mut impl CryptoRngCore) {
        let sealed = seal_at_rest(&self.master, &place.purpose, plain, rng)
            .expect("secrets are some kilobytes, the cipher takes gigabytes");
        batch.put(Family::Keys, place.key.clone(), sealed);
    }

    fn get<const N: usize>(
        &self,
        store: &Store,
        place: &Place,
    ) -> Result<Option<Zeroizing<[u8; N]>>, StoreError> {
        let sealed = store.live().get(Family::Keys, &place.key)?;
        sealed.map(|sealed| self.unseal(place, &sealed)).transpose()
    }

    fn unseal<const N: usize>(
        &self,
        place: &Place,
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; N]>, StoreError> {
        let plain = self.unseal_bytes(place, sealed)?;
        let plain: &[u8; N] = plain
            .as_slice()
            .try_into()
            .map_err(|_| StoreError::corrupt(Family::Keys, &place.key))?;
        Ok(Zeroizing::new(*plain))
    }

    fn unseal_bytes(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        open_at_rest(&self.master, &place.purpose, sealed)
            .map(Zeroizing::new)
            .map_err(|_| StoreError::corrupt(Family::Keys, &place.key))
    }
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keystore(…)")
    }
}

/// Where a secret stands and what it is for. The purpose is sealed in, so that a row copied to
/// another place does not open there.
struct Place {
    key: Vec<u8>,
    purpose: String,
}

impl Place {
    fn member(context: &ContextId) -> Self {
        let purpose = format!("anchorhold/keystore/member/1/{context}");
        Self { key: key(context, &[MEMBER]), purpose }
    }

    fn epoch(context: &ContextId, key_epoch: u32) -> Self {
        let purpose = format!("anchorhold/keystore/epoch/1/{context}/{key_epoch}");
        Self { key: key(context, &[EPOCH, &key_epoch.to_be_bytes()]), purpose }
    }

    fn wallet(account: &AccountId) -> Self {
        let purpose = format!("anchorhold/keystore/wallet/1/{account}");
        Self { key: key(&NODE, &[WALLET, account.as_str().as_bytes()]), purpose }
    }

    fn named(name: &str) -> Self {
        let purpose = format!("anchorhold/keystore/named/1/{name}");
        Self { key: key(&NODE, &[NAMED, name.as_bytes()]), purpose }
    }
}

fn random(rng: &mut impl CryptoRngCore) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut_slice());
    bytes
}

fn halves(plain: &Zeroizing<[u8; 64]>) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    let (mut first, mut second) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    let (head, tail) = plain.split_at(32);
    first.copy_from_slice(head);
    second.copy_from_slice(tail);
    (first, second)
}

use std::{borrow::Borrow, fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AsKey, Collection, Key, Place, bindings::anchorhold::context::storage, collection::Handle,
    pages::Pages, value,
};

/// Keys to values, in the order of the keys. Of concurrent writes to one key the later stays.
pub struct Map<K, V> {
    raw: Handle<storage::Map>,
    entry: PhantomData<(K, V)>,
}

impl<K: Key, V: Serialize + DeserializeOwned> Map<K, V> {
    /// The value at `key`.
    pub fn get<Q: AsKey + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.raw.get(&key.as_key()).and_then(|bytes| value::decode(&bytes))
    }

    /// Sets the value at `key`. A key has at most 1 KiB, the value's JSON 1 MiB; more ends the
    /// call.
    pub fn put<Q: AsKey + ?Sized>(&mut self, key: &Q, value: &V)
    where
        K: Borrow<Q>,
    {
        self.raw.put(&key.as_key(), &value::encode(value));
    }

    /// Removes what is known to be at `key`; a concurrent [`Map::put`] of another member survives.
    pub fn remove<Q: AsKey + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.raw.remove(&key.as_key());
    }

    /// How many keys have a value.
    pub fn len(&self) -> u64 {
        self.raw.len()
    }

    /// Whether no key has a value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries in the order of their keys; fetched by pages as they are asked for.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)> + '_ {
        Pages::new(&*self.raw)
            .filter_map(|(key, bytes)| Some((value::key(&key)?, value::decode(&bytes)?)))
    }

    /// As [`Map::iter`], from the first key that follows `key`.
    pub fn iter_after<Q: AsKey + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (K, V)> + '_
    where
        K: Borrow<Q>,
    {
        Pages::after(&*self.raw, key.as_key().into_owned())
            .filter_map(|(key, bytes)| Some((value::key(&key)?, value::decode(&bytes)?)))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        Pages::new(&*self.raw).filter_map(|(key, _)| value::key(&key))
    }

    /// All values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = V> + '_ {
        Pages::new(&*self.raw).filter_map(|(_, bytes)| value::decode(&bytes))
    }
}

impl<K, V> Collection for Map<K, V> {
    fn open(place: &Place, name: &[u8]) -> Self {
        Self { raw: Handle::new(place, name), entry: PhantomData }
    }
}

impl<K, V> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Map")
    }
}

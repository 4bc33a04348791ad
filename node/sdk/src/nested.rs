use std::{
    borrow::Borrow,
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    rc::Rc,
};

use crate::{
    AsKey, Collection, Key, Place, bindings::anchorhold::context::storage, collection::Handle,
    pages::Pages, value,
};

/// Keys to collections: a map whose values merge by their own rules, field by field.
///
/// Two members who change different fields of one entry, apart from each other, both keep their
/// change; as a value of a [`Map`](crate::Map) one of the two would be lost.
pub struct Nested<K, C> {
    raw: Rc<Handle<storage::Map>>,
    entry: PhantomData<(K, C)>,
}

/// An entry to read.
pub struct Entry<'a, C> {
    collection: C,
    owner: PhantomData<&'a C>,
}

/// An entry to read and write.
pub struct EntryMut<'a, C> {
    collection: C,
    owner: PhantomData<&'a mut C>,
}

impl<K: Key, C: Collection> Nested<K, C> {
    /// The entry at `key`, if it was inserted and not removed.
    pub fn get<Q: AsKey + ?Sized>(&self, key: &Q) -> Option<Entry<'_, C>>
    where
        K: Borrow<Q>,
    {
        let key = key.as_key();
        self.raw.get(&key).map(|_| self.entry(&key))
    }

    /// As [`Nested::get`], to write to it.
    pub fn get_mut<Q: AsKey + ?Sized>(&mut self, key: &Q) -> Option<EntryMut<'_, C>>
    where
        K: Borrow<Q>,
    {
        let key = key.as_key();
        self.raw.get(&key).map(|_| self.entry_mut(&key))
    }

    /// The entry at `key`, made present. Use fresh keys: what a removed entry held is still there.
    pub fn insert<Q: AsKey + ?Sized>(&mut self, key: &Q) -> EntryMut<'_, C>
    where
        K: Borrow<Q>,
    {
        let key = key.as_key();
        self.raw.put(&key, &[]);
        self.entry_mut(&key)
    }

    /// Removes the entry at `key`. Changes that others make inside it meanwhile do not bring it
    /// back; a concurrent [`Nested::insert`] of the same key does.
    pub fn remove<Q: AsKey + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.raw.remove(&key.as_key());
    }

    /// How many entries there are.
    pub fn len(&self) -> u64 {
        self.raw.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys in order; fetched by pages as they are asked for.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        Pages::new(&**self.raw).filter_map(|(key, _)| value::key(&key))
    }

    /// All entries in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (K, Entry<'_, C>)> + '_ {
        Pages::new(&**self.raw).filter_map(|(key, _)| Some((value::key(&key)?, self.entry(&key))))
    }

    /// As [`Nested::iter`], from the first key that follows `key`.
    pub fn iter_after<Q>(&self, key: &Q) -> impl Iterator<Item = (K, Entry<'_, C>)> + '_
    where
        K: Borrow<Q>,
        Q: AsKey + ?Sized,
    {
        Pages::after(&**self.raw, key.as_key().into_owned())
            .filter_map(|(key, _)| Some((value::key(&key)?, self.entry(&key))))
    }

    fn entry(&self, key: &[u8]) -> Entry<'_, C> {
        Entry { collection: self.open(key), owner: PhantomData }
    }

    fn entry_mut(&mut self, key: &[u8]) -> EntryMut<'_, C> {
        EntryMut { collection: self.open(key), owner: PhantomData }
    }

    fn open(&self, key: &[u8]) -> C {
        C::open(&Place::within(&self.raw), key)
    }
}

impl<K, C> Collection for Nested<K, C> {
    fn open(place: &Place, name: &[u8]) -> Self {
        Self { raw: Rc::new(Handle::new(place, name)), entry: PhantomData }
    }
}

impl<K, C> fmt::Debug for Nested<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nested")
    }
}

impl<C> Deref for Entry<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.collection
    }
}

impl<C> Deref for EntryMut<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.collection
    }
}

impl<C> DerefMut for EntryMut<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.collection
    }
}

impl<C: fmt::Debug> fmt::Debug for Entry<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.collection.fmt(f)
    }
}

impl<C: fmt::Debug> fmt::Debug for EntryMut<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.collection.fmt(f)
    }
}

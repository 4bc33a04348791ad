use std::{borrow::Borrow, fmt, marker::PhantomData};

use crate::{
    AsKey, Collection, Key, Place, bindings::anchorhold::context::storage, collection::Handle,
    pages::Pages, value,
};

/// Distinct items in order. An insertion concurrent with a removal of the same item survives it.
pub struct Set<T> {
    raw: Handle<storage::Set>,
    item: PhantomData<T>,
}

impl<T: Key> Set<T> {
    /// Whether `item` is in.
    pub fn contains<Q: AsKey + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.raw.contains(&item.as_key())
    }

    /// Inserts `item`; at most 1 KiB, more ends the call.
    pub fn insert<Q: AsKey + ?Sized>(&mut self, item: &Q)
    where
        T: Borrow<Q>,
    {
        self.raw.insert(&item.as_key());
    }

    /// Removes what is known of `item`.
    pub fn remove<Q: AsKey + ?Sized>(&mut self, item: &Q)
    where
        T: Borrow<Q>,
    {
        self.raw.remove(&item.as_key());
    }

    /// How many items are in.
    pub fn len(&self) -> u64 {
        self.raw.len()
    }

    /// Whether no item is in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All items in order; fetched by pages as they are asked for.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        Pages::new(&*self.raw).filter_map(|item| value::key(&item))
    }
}

impl<T> Collection for Set<T> {
    fn open(place: &Place, name: &[u8]) -> Self {
        Self { raw: Handle::new(place, name), item: PhantomData }
    }
}

impl<T> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Set")
    }
}

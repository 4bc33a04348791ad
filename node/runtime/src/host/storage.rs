//! Collections as guests hold them: an area and an id behind each handle.

use crdt::{CollectionId, Kind, Transaction, TransactionError};
use wasmtime::component::Resource;

use super::{
    Guest, Running,
    bindings::anchorhold::context::storage::{
        Area, EntriesPage, Host, HostCounter, HostMap, HostRegister, HostSet, ItemsPage,
    },
};
use crate::{call::CallError, engine::HANDLES_MAX};

/// A collection that a guest has opened.
#[derive(Clone, Copy, Debug)]
struct Place {
    area: Area,
    id: CollectionId,
}

/// A type for each kind, so that a handle of one never passes for another.
macro_rules! handles {
    ($($name:ident)*) => {$(
        #[derive(Debug)]
        #[expect(unreachable_pub, reason = "the generated bindings re-export it")]
        pub struct $name(Place);

        impl Handle for $name {
            const KIND: Kind = Kind::$name;

            fn at(place: Place) -> Self {
                Self(place)
            }

            fn place(&self) -> Place {
                self.0
            }
        }
    )*};
}
handles! { Register Counter Map Set }

trait Handle: Send + 'static {
    const KIND: Kind;

    fn at(place: Place) -> Self;

    fn place(&self) -> Place;
}

impl Guest {
    fn root<H: Handle>(&mut self, area: Area, name: &str) -> wasmtime::Result<Resource<H>> {
        if name.len() > crdt::KEY_MAX {
            return Err(over("bytes of a collection's name", crdt::KEY_MAX));
        }
        self.hold(H::at(Place { area, id: CollectionId::root(H::KIND, name) }))
    }

    fn nested<H: Handle>(
        &mut self,
        map: &Resource<Map>,
        key: &[u8],
    ) -> wasmtime::Result<Resource<H>> {
        if key.len() > crdt::KEY_MAX {
            return Err(over("bytes of a key", crdt::KEY_MAX));
        }
        let Place { area, id } = self.collections.get(map)?.place();
        self.hold(H::at(Place { area, id: id.child(key, H::KIND) }))
    }

    fn hold<H: Handle>(&mut self, handle: H) -> wasmtime::Result<Resource<H>> {
        self.running()?;
        self.collections.push(handle).map_err(|_| over("open collections", HANDLES_MAX))
    }

    /// Reads the collection behind a handle.
    fn read<H: Handle, T>(
        &mut self,
        handle: &Resource<H>,
        read: impl FnOnce(&Transaction, &CollectionId) -> Result<T, TransactionError>,
    ) -> wasmtime::Result<T> {
        let place = self.collections.get(handle)?.place();
        let transaction = self.running()?.transaction(place.area);
        read(transaction, &place.id).map_err(failed)
    }

    /// Writes to the collection behind a handle.
    fn write<H: Handle, T>(
        &mut self,
        handle: &Resource<H>,
        write: impl FnOnce(&mut Transaction, &CollectionId) -> Result<T, TransactionError>,
    ) -> wasmtime::Result<()> {
        let place = self.collections.get(handle)?.place();
        let transaction = self.writing()?.transaction(place.area);
        write(transaction, &place.id).map(drop).map_err(failed)
    }

    fn close<H: Handle>(&mut self, handle: Resource<H>) -> wasmtime::Result<()> {
        self.collections.delete(handle)?;
        Ok(())
    }
}

impl Running {
    fn transaction(&mut self, area: Area) -> &mut Transaction {
        match area {
            Area::Shared => &mut self.shared,
            Area::Local => &mut self.private,
        }
    }
}

impl Host for Guest {}

impl HostRegister for Guest {
    fn open(&mut self, area: Area, name: String) -> wasmtime::Result<Resource<Register>> {
        self.root(area, &name)
    }

    fn get(&mut self, register: Resource<Register>) -> wasmtime::Result<Option<Vec<u8>>> {
        self.read(&register, |state, id| state.register_get(id))
    }

    fn set(&mut self, register: Resource<Register>, value: Vec<u8>) -> wasmtime::Result<()> {
        self.write(&register, |state, id| state.register_set(id, value))
    }

    fn drop(&mut self, register: Resource<Register>) -> wasmtime::Result<()> {
        self.close(register)
    }
}

impl HostCounter for Guest {
    fn open(&mut self, area: Area, name: String) -> wasmtime::Result<Resource<Counter>> {
        self.root(area, &name)
    }

    fn value(&mut self, counter: Resource<Counter>) -> wasmtime::Result<i64> {
        self.read(&counter, |state, id| state.counter_value(id))
    }

    fn add(&mut self, counter: Resource<Counter>, amount: i64) -> wasmtime::Result<()> {
        self.write(&counter, |state, id| state.counter_add(id, amount))
    }

    fn drop(&mut self, counter: Resource<Counter>) -> wasmtime::Result<()> {
        self.close(counter)
    }
}

impl HostMap for Guest {
    fn open(&mut self, area: Area, name: String) -> wasmtime::Result<Resource<Map>> {
        self.root(area, &name)
    }

    fn get(&mut self, map: Resource<Map>, key: Vec<u8>) -> wasmtime::Result<Option<Vec<u8>>> {
        self.read(&map, |state, id| state.map_get(id, &key))
    }

    fn put(&mut self, map: Resource<Map>, key: Vec<u8>, value: Vec<u8>) -> wasmtime::Result<()> {
        self.write(&map, |state, id| state.map_put(id, &key, value))
    }

    fn remove(&mut self, map: Resource<Map>, key: Vec<u8>) -> wasmtime::Result<()> {
        self.write(&map, |state, id| state.map_remove(id, &key))
    }

    fn len(&mut self, map: Resource<Map>) -> wasmtime::Result<u64> {
        self.read(&map, |state, id| state.map_len(id))
    }

    fn entries(
        &mut self,
        map: Resource<Map>,
        after: Option<Vec<u8>>,
        limit: u32,
    ) -> wasmtime::Result<EntriesPage> {
        let page =
            self.read(&map, |state, id| state.map_entries(id, after.as_deref(), page(limit)))?;
        Ok(EntriesPage { entries: page.items, next: page.next })
    }

    fn nested_register(
        &mut self,
        map: Resource<Map>,
        key: Vec<u8>,
    ) -> wasmtime::Result<Resource<Register>> {
        self.nested(&map, &key)
    }

    fn nested_counter(
        &mut self,
        map: Resource<Map>,
        key: Vec<u8>,
    ) -> wasmtime::Result<Resource<Counter>> {
        self.nested(&map, &key)
    }

    fn nested_map(&mut self, map: Resource<Map>, key: Vec<u8>) -> wasmtime::Result<Resource<Map>> {
        self.nested(&map, &key)
    }

    fn nested_set(&mut self, map: Resource<Map>, key: Vec<u8>) -> wasmtime::Result<Resource<Set>> {
        self.nested(&map, &key)
    }

    fn drop(&mut self, map: Resource<Map>) -> wasmtime::Result<()> {
        self.close(map)
    }
}

impl HostSet for Guest {
    fn open(&mut self, area: Area, name: String) -> wasmtime::Result<Resource<Set>> {
        self.root(area, &name)
    }

    fn contains(&mut self, set: Resource<Set>, item: Vec<u8>) -> wasmtime::Result<bool> {
        self.read(&set, |state, id| state.set_contains(id, &item))
    }

    fn insert(&mut self, set: Resource<Set>, item: Vec<u8>) -> wasmtime::Result<()> {
        self.write(&set, |state, id| state.set_insert(id, &item))
    }

    fn remove(&mut self, set: Resource<Set>, item: Vec<u8>) -> wasmtime::Result<()> {
        self.write(&set, |state, id| state.set_discard(id, &item))
    }

    fn len(&mut self, set: Resource<Set>) -> wasmtime::Result<u64> {
        self.read(&set, |state, id| state.set_len(id))
    }

    fn items(
        &mut self,
        set: Resource<Set>,
        after: Option<Vec<u8>>,
        limit: u32,
    ) -> wasmtime::Result<ItemsPage> {
        let page =
            self.read(&set, |state, id| state.set_items(id, after.as_deref(), page(limit)))?;
        Ok(ItemsPage { items: page.items, next: page.next })
    }

    fn drop(&mut self, set: Resource<Set>) -> wasmtime::Result<()> {
        self.close(set)
    }
}

/// A page has at least one item, or walking by pages would not end.
fn page(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, crdt::PAGE_MAX)
}

fn failed(error: TransactionError) -> wasmtime::Error {
    wasmtime::Error::new(CallError::from(error))
}

fn over(what: &'static str, max: usize) -> wasmtime::Error {
    wasmtime::Error::new(CallError::OverLimit { what, max })
}

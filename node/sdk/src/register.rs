use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Collection, Place, bindings::anchorhold::context::storage, collection::Handle, value};

/// One value. Of concurrent writes the later one stays.
pub struct Register<T> {
    raw: Handle<storage::Register>,
    value: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Register<T> {
    /// The value, if one was ever set.
    pub fn get(&self) -> Option<T> {
        self.raw.get().and_then(|bytes| value::decode(&bytes))
    }

    /// Replaces the value. Its JSON is at most 1 MiB; more ends the call.
    pub fn set(&mut self, value: &T) {
        self.raw.set(&value::encode(value));
    }
}

impl<T> Collection for Register<T> {
    fn open(place: &Place, name: &[u8]) -> Self {
        Self { raw: Handle::new(place, name), value: PhantomData }
    }
}

impl<T> fmt::Debug for Register<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Register")
    }
}

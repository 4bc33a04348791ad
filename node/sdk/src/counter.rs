use std::fmt;

use crate::{Collection, Place, bindings::anchorhold::context::storage, collection::Handle};

/// A sum to which members add. Concurrent additions all count.
pub struct Counter(Handle<storage::Counter>);

impl Counter {
    /// The sum of everything added; held within 64 bits.
    pub fn value(&self) -> i64 {
        self.0.value()
    }

    /// Adds `amount`; a negative one takes away.
    pub fn add(&mut self, amount: i64) {
        self.0.add(amount);
    }
}

impl Collection for Counter {
    fn open(place: &Place, name: &[u8]) -> Self {
        Self(Handle::new(place, name))
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counter")
    }
}

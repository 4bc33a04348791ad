use std::ops::{Deref, DerefMut};

use crate::{Collection, Place, Root};

/// A collection in this node's own storage: never sent to another member, part of no snapshot.
///
/// Two devices of one person hold two of them.
#[derive(Debug)]
pub struct Private<C>(C);

impl<C: Collection> Root for Private<C> {
    fn open_root(name: &str) -> Self {
        Self(C::open(&Place::local(), name.as_bytes()))
    }
}

impl<C> Deref for Private<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> DerefMut for Private<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.0
    }
}

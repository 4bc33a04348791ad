//! Where collections lie.

use std::{cell::OnceCell, fmt, ops::Deref, rc::Rc};

use crate::bindings::anchorhold::context::storage::{self, Area};

/// Where a collection lies: among the roots of an area, or within an entry of a map.
#[derive(Clone)]
pub struct Place(Within);

#[derive(Clone)]
enum Within {
    Area(Area),
    Map(Rc<Handle<storage::Map>>),
}

/// A collection, or a [`record`](crate::record) of collections, that may lie anywhere in shared
/// storage.
pub trait Collection: Sized {
    /// The collection called `name` at `place`. Neither asks the node nor writes anything.
    fn open(place: &Place, name: &[u8]) -> Self;
}

/// What a field of an application's state may be: a [`Collection`], or a
/// [`Private`](crate::Private) one.
pub trait Root: Sized {
    /// The collection of that field.
    fn open_root(name: &str) -> Self;
}

impl<C: Collection> Root for C {
    fn open_root(name: &str) -> Self {
        Self::open(&Place::shared(), name.as_bytes())
    }
}

impl Place {
    /// The inside of the entry `name`, where a record keeps its fields.
    #[must_use]
    pub fn inside(&self, name: &[u8]) -> Self {
        Self::within(&Rc::new(Handle::new(self, name)))
    }

    /// Among the entries of `map`.
    pub(crate) fn within(map: &Rc<Handle<storage::Map>>) -> Self {
        Self(Within::Map(Rc::clone(map)))
    }

    /// The roots of replicated storage.
    pub(crate) const fn shared() -> Self {
        Self(Within::Area(Area::Shared))
    }

    /// The roots of this node's own storage.
    pub(crate) const fn local() -> Self {
        Self(Within::Area(Area::Local))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Within::Area(Area::Shared) => "Place(shared)",
            Within::Area(Area::Local) => "Place(local)",
            Within::Map(_) => "Place(nested)",
        })
    }
}

/// A collection of the node's, asked for when first used: most calls use few of what they could.
pub(crate) struct Handle<R> {
    place: Place,
    name: Box<[u8]>,
    raw: OnceCell<R>,
}

/// A kind of collection, as the node knows it.
pub(crate) trait Raw {
    /// The root of that name.
    fn root(area: Area, name: &str) -> Self;

    /// The one nested in `map` at `key`.
    fn nested(map: &storage::Map, key: &[u8]) -> Self;
}

impl<R: Raw> Handle<R> {
    pub(crate) fn new(place: &Place, name: &[u8]) -> Self {
        Self { place: place.clone(), name: name.into(), raw: OnceCell::new() }
    }
}

impl<R: Raw> Deref for Handle<R> {
    type Target = R;

    fn deref(&self) -> &R {
        self.raw.get_or_init(|| match &self.place.0 {
            // Roots are called by fields, so their names are text.
            Within::Area(area) => R::root(*area, &String::from_utf8_lossy(&self.name)),
            Within::Map(map) => R::nested(map, &self.name),
        })
    }
}

macro_rules! raw {
    ($($kind:ident, $nested:ident;)*) => {$(
        impl Raw for storage::$kind {
            fn root(area: Area, name: &str) -> Self {
                Self::open(area, name)
            }

            fn nested(map: &storage::Map, key: &[u8]) -> Self {
                map.$nested(key)
            }
        }
    )*};
}
raw! {
    Map, nested_map;
    Set, nested_set;
    Counter, nested_counter;
    Register, nested_register;
}

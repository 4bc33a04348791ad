//! Walks a collection page by page.

use std::vec;

use crate::bindings::anchorhold::context::storage;

/// How many items are asked of the node at once: enough to make the crossing cheap, few enough to
/// fit in the guest's memory (the node ends a page early where items are large).
const PAGE: u32 = 100;

/// A collection that the node tells by pages.
pub(crate) trait Paged {
    /// What it holds.
    type Item;

    /// The items after `after`, and where the following page starts, if there is one.
    fn page(&self, after: Option<&[u8]>, limit: u32) -> (Vec<Self::Item>, Option<Vec<u8>>);
}

/// Every item of a collection, from a place on.
pub(crate) struct Pages<'a, P: Paged> {
    paged: &'a P,
    page: vec::IntoIter<P::Item>,
    next: Next,
}

enum Next {
    Start,
    After(Vec<u8>),
    End,
}

impl<'a, P: Paged> Pages<'a, P> {
    pub(crate) fn new(paged: &'a P) -> Self {
        Self { paged, page: Vec::new().into_iter(), next: Next::Start }
    }

    pub(crate) fn after(paged: &'a P, key: Vec<u8>) -> Self {
        Self { paged, page: Vec::new().into_iter(), next: Next::After(key) }
    }
}

impl<P: Paged> Iterator for Pages<'_, P> {
    type Item = P::Item;

    fn next(&mut self) -> Option<P::Item> {
        // Terminates: each turn moves `next` forward through a collection of finite size.
        loop {
            if let Some(item) = self.page.next() {
                return Some(item);
            }
            let (page, next) = match &self.next {
                Next::Start => self.paged.page(None, PAGE),
                Next::After(key) => self.paged.page(Some(key), PAGE),
                Next::End => return None,
            };
            self.page = page.into_iter();
            self.next = next.map_or(Next::End, Next::After);
        }
    }
}

impl Paged for storage::Map {
    type Item = (Vec<u8>, Vec<u8>);

    fn page(&self, after: Option<&[u8]>, limit: u32) -> (Vec<Self::Item>, Option<Vec<u8>>) {
        let page = self.entries(after, limit);
        (page.entries, page.next)
    }
}

impl Paged for storage::Set {
    type Item = Vec<u8>;

    fn page(&self, after: Option<&[u8]>, limit: u32) -> (Vec<Self::Item>, Option<Vec<u8>>) {
        let page = self.items(after, limit);
        (page.items, page.next)
    }
}

//! Stable memory: pages that outlive upgrades, and what one message changes of them.

use std::{collections::HashMap, sync::Arc};

/// Bytes that are kept, and copied, as one.
const CHUNK: u64 = 4096;
/// Bytes of a page as canisters count them.
const PAGE: u64 = 65_536;
/// Most pages: 500 GiB, of which only what was written takes room.
const PAGES_MAX: u64 = 500 << 14;

type Chunk = [u8; CHUNK as usize];

/// What was committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stable {
    pages: u64,
    chunks: Arc<HashMap<u64, Box<Chunk>>>,
}

/// What a message sees, and has written so far.
#[derive(Debug)]
pub(crate) struct Draft {
    base: Stable,
    pages: u64,
    written: HashMap<u64, Box<Chunk>>,
}

impl Stable {
    pub(crate) fn draft(&self) -> Draft {
        Draft { base: self.clone(), pages: self.pages, written: HashMap::new() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.pages.saturating_mul(PAGE)
    }

    /// Takes over what `draft` wrote; `draft` came from this.
    pub(crate) fn commit(&mut self, draft: Draft) {
        let Draft { base, pages, written } = draft;
        // Without this the chunks would be shared, and copied.
        drop(base);
        self.pages = pages;
        if !written.is_empty() {
            Arc::make_mut(&mut self.chunks).extend(written);
        }
    }
}

impl Draft {
    pub(crate) fn pages(&self) -> u64 {
        self.pages
    }

    /// Adds pages; tells how many there were, or `None` if there is no room.
    pub(crate) fn grow(&mut self, pages: u64) -> Option<u64> {
        let grown = self.pages.checked_add(pages).filter(|grown| *grown <= PAGES_MAX)?;
        Some(std::mem::replace(&mut self.pages, grown))
    }

    /// Fills `to` from `offset` on; `None` if that is past the end.
    pub(crate) fn read(&self, offset: u64, to: &mut [u8]) -> Option<()> {
        self.within(offset, to.len())?;
        let mut at = offset;
        let mut rest = to;
        while !rest.is_empty() {
            let (chunk, from) = (at / CHUNK, (at % CHUNK) as usize);
            let len = rest.len().min(CHUNK as usize - from);
            let (now, later) = rest.split_at_mut(len);
            match self.written.get(&chunk).or_else(|| self.base.chunks.get(&chunk)) {
                Some(bytes) => now.copy_from_slice(bytes.get(from..from + len)?),
                None => now.fill(0),
            }
            at += len as u64;
            rest = later;
        }
        Some(())
    }

    /// Writes `from` at `offset`; `None` if that is past the end.
    pub(crate) fn write(&mut self, offset: u64, from: &[u8]) -> Option<()> {
        self.within(offset, from.len())?;
        let mut at = offset;
        let mut rest = from;
        while !rest.is_empty() {
            let (chunk, to) = (at / CHUNK, (at % CHUNK) as usize);
            let (now, later) = rest.split_at(rest.len().min(CHUNK as usize - to));
            let base = &self.base.chunks;
            let bytes = self.written.entry(chunk).or_insert_with(|| {
                base.get(&chunk).cloned().unwrap_or_else(|| Box::new([0; CHUNK as usize]))
            });
            bytes.get_mut(to..to + now.len())?.copy_from_slice(now);
            at += now.len() as u64;
            rest = later;
        }
        Some(())
    }

    fn within(&self, offset: u64, len: usize) -> Option<()> {
        let end = offset.checked_add(len as u64)?;
        (end <= self.pages * PAGE).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_is_dropped_leaves_no_trace() {
        let mut stable = Stable::default();
        let mut draft = stable.draft();
        assert_eq!(draft.grow(1), Some(0));
        let text = [7; 5000];
        assert_eq!(draft.write(4000, &text), Some(()));
        let mut seen = [0; 5000];
        assert_eq!(draft.read(4000, &mut seen), Some(()));
        assert_eq!(seen, text);
        stable.commit(draft);

        let mut lost = stable.draft();
        assert_eq!(lost.write(4000, &[9; 5000]), Some(()));
        assert_eq!(lost.grow(1), Some(1));
        drop(lost);
        let draft = stable.draft();
        assert_eq!(draft.read(4000, &mut seen), Some(()));
        assert_eq!((seen, draft.pages()), (text, 1));
    }

    #[test]
    fn nothing_lies_past_the_end() {
        let mut draft = Stable::default().draft();
        assert_eq!(draft.read(0, &mut [0]), None);
        assert_eq!(draft.grow(1), Some(0));
        assert_eq!(draft.write(PAGE - 1, &[1]), Some(()));
        assert_eq!(draft.write(PAGE - 1, &[1, 2]), None);
        assert_eq!(draft.read(u64::MAX, &mut [0]), None);
        assert_eq!(draft.grow(PAGES_MAX), None);
    }
}

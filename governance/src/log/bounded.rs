//! Lists and bytes that are refused at decode when they are too long.

use alloc::vec::Vec;

use borsh::{
    BorshDeserialize,
    io::{Error, ErrorKind, Read, Result},
};

/// A list of at most `MAX` items, in borsh's own encoding of a list.
pub(crate) fn list<T: BorshDeserialize, R: Read, const MAX: usize>(
    reader: &mut R,
) -> Result<Vec<T>> {
    let len = u32::deserialize_reader(reader)? as usize;
    if len > MAX {
        return Err(Error::from(ErrorKind::InvalidData));
    }
    // Grows as items really come, so a short input cannot claim a large allocation.
    (0..len).map(|_| T::deserialize_reader(reader)).collect()
}

//! Lists that are refused at decode when they are too long.

use borsh::{
    BorshDeserialize,
    io::{Error, ErrorKind, Read, Result},
};

/// A list of at most `MAX` items, in borsh's own encoding of a list.
pub(crate) fn list<T: BorshDeserialize, R: Read, const MAX: usize>(
    reader: &mut R,
) -> Result<Vec<T>> {
    let len = length::<R, MAX>(reader)?;
    // Grows as items really come, so that a short input cannot claim a large allocation.
    (0..len).map(|_| T::deserialize_reader(reader)).collect()
}

/// At most `MAX` bytes, in borsh's own encoding of a list.
pub(crate) fn bytes<R: Read, const MAX: usize>(reader: &mut R) -> Result<Vec<u8>> {
    /// Read at a time at first; doubled while the bytes really come.
    const CHUNK: usize = 64 << 10;
    let len = length::<R, MAX>(reader)?;
    let mut out = Vec::new();
    while out.len() < len {
        let start = out.len();
        out.resize(len.min(start.max(CHUNK / 2).saturating_mul(2)), 0);
        reader.read_exact(out.get_mut(start..).unwrap_or_default())?;
    }
    Ok(out)
}

fn length<R: Read, const MAX: usize>(reader: &mut R) -> Result<usize> {
    let len = u32::deserialize_reader(reader)? as usize;
    if len > MAX { Err(Error::from(ErrorKind::InvalidData)) } else { Ok(len) }
}

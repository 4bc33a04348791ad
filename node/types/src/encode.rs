//! The one canonical binary encoding: borsh, led by a domain tag and a version where it is hashed
//! or signed, so that bytes of one kind never pass for another.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Hash;

/// A kind of thing that is hashed or signed.
pub trait Tagged: BorshSerialize {
    /// Domain tag, `anchorhold/<kind>/<version>`, unique in the code base.
    const TAG: &'static str;

    /// The bytes that are hashed or signed: length-prefixed tag, then the borsh encoding.
    fn preimage(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        write_into(Self::TAG, &mut out);
        write_into(self, &mut out);
        out
    }

    /// BLAKE3 of [`Tagged::preimage`].
    fn digest(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        // Fails only if the writer fails, and a hasher does not.
        let _infallible = BorshSerialize::serialize(Self::TAG, &mut HashWriter(&mut hasher));
        let _infallible = self.serialize(&mut HashWriter(&mut hasher));
        Hash::from_bytes(*hasher.finalize().as_bytes())
    }
}

struct HashWriter<'a>(&'a mut blake3::Hasher);

impl borsh::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> borsh::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> borsh::io::Result<()> {
        Ok(())
    }
}

/// Borsh bytes of `value`, without tag: for storage and the wire.
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write_into(value, &mut out);
    out
}

fn write_into<T: BorshSerialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    value.serialize(out).expect("writing to a Vec cannot fail, and our lengths fit in u32");
}

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More bytes than this kind may have.
    #[error("{size} bytes, at most {max} allowed")]
    TooLong {
        /// What came.
        size: usize,
        /// The bound.
        max: usize,
    },
    /// Truncated, trailing bytes, or a value outside its type.
    #[error("malformed bytes")]
    Malformed,
}

/// Parses exactly one `T` from `bytes`.
///
/// # Errors
/// [`DecodeError::TooLong`] over `max_bytes`; [`DecodeError::Malformed`] otherwise. Never panics,
/// and allocates no more than a small multiple of `bytes`.
pub fn decode<T: BorshDeserialize>(bytes: &[u8], max_bytes: usize) -> Result<T, DecodeError> {
    if bytes.len() > max_bytes {
        return Err(DecodeError::TooLong { size: bytes.len(), max: max_bytes });
    }
    T::try_from_slice(bytes).map_err(|_| DecodeError::Malformed)
}

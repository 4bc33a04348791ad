//! Keys of maps and items of sets: bytes whose order is the order of the values.

use std::{borrow::Cow, string::FromUtf8Error};

use crate::MemberId;

/// Bytes are no key of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

/// Can be looked up.
pub trait AsKey {
    /// The bytes it is stored under. Equal values have equal bytes; at most 1 KiB.
    fn as_key(&self) -> Cow<'_, [u8]>;
}

/// Can be stored as a key and read back.
pub trait Key: AsKey + Sized {
    /// The key with those bytes.
    ///
    /// # Errors
    /// [`KeyError`] if there is none.
    fn from_key(bytes: &[u8]) -> Result<Self, KeyError>;
}

impl AsKey for str {
    fn as_key(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl AsKey for String {
    fn as_key(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl Key for String {
    fn from_key(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::from_utf8(bytes.to_vec()).map_err(|_: FromUtf8Error| KeyError)
    }
}

impl AsKey for [u8] {
    fn as_key(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl AsKey for Vec<u8> {
    fn as_key(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl Key for Vec<u8> {
    fn from_key(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(bytes.to_vec())
    }
}

impl AsKey for MemberId {
    fn as_key(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl Key for MemberId {
    fn from_key(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self::from_bytes).map_err(|_| KeyError)
    }
}

macro_rules! big_endian {
    ($($int:ty),*) => {$(
        impl AsKey for $int {
            fn as_key(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.to_be_bytes().to_vec())
            }
        }

        impl Key for $int {
            fn from_key(bytes: &[u8]) -> Result<Self, KeyError> {
                bytes.try_into().map(Self::from_be_bytes).map_err(|_| KeyError)
            }
        }
    )*};
}
big_endian!(u8, u16, u32, u64, u128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_keep_their_order() {
        let numbers = [0, 1, 255, 256, u64::MAX];
        assert!(numbers.windows(2).all(|pair| pair[0].as_key() < pair[1].as_key()));
        for number in numbers {
            assert_eq!(u64::from_key(&number.as_key()), Ok(number));
        }
        assert_eq!(String::from_key(&"é".as_key()), Ok("é".to_owned()));
    }

    #[test]
    fn foreign_bytes_are_no_keys() {
        assert_eq!(u64::from_key(&[1, 2, 3]), Err(KeyError));
        assert_eq!(String::from_key(&[0xff]), Err(KeyError));
        assert_eq!(MemberId::from_key(&[0; 31]), Err(KeyError));
    }
}

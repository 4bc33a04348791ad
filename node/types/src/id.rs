//! Ids: 32 bytes inside, one text form, parsed once at the edge.

use core::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};

/// The text is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 lower-case hex digits")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        /// Text form: 64 lower-case hex digits.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
        )]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps bytes that are already such an id.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes inside.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 64];
                // Both lengths are constants, and hex digits are ASCII.
                hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
                f.write_str(core::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, c, d, ..] = self.0;
                write!(f, "{}({a:02x}{b:02x}{c:02x}{d:02x})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self)
            }
        }
    };
}

id!(
    /// A BLAKE3 or keccak-256 digest with no more specific name.
    Hash
);
id!(
    /// Names a context: BLAKE3 of its genesis record.
    ContextId
);
id!(
    /// Names an application: BLAKE3 of its installed component.
    AppId
);
id!(
    /// Names a delta: BLAKE3 of its signed body.
    DeltaId
);
id!(
    /// Names an ACL log entry: BLAKE3 of the entry.
    EntryId
);
id!(
    /// Names an invitation: BLAKE3 of its signed body.
    InvitationId
);
id!(
    /// Root of a context's state tree.
    Root
);
id!(
    /// Names a gossip topic: keyed BLAKE3 of a context under an epoch secret.
    TopicId
);

macro_rules! from_hash {
    ($($name:ident),*) => {$(
        impl From<Hash> for $name {
            fn from(hash: Hash) -> Self {
                Self(hash.0)
            }
        }
    )*};
}
from_hash!(ContextId, AppId, DeltaId, EntryId, InvitationId, Root);

impl Hash {
    /// All zero: the `prev` of a first link.
    pub const ZERO: Self = Self([0; 32]);

    /// BLAKE3 of raw bytes; for content that is its own domain, such as a module's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ParseIdError);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseIdError)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn id_text_is_exactly_64_lower_case_digits() {
        let id = ContextId::from_bytes([0xab; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(format!("{id:?}"), "ContextId(abababab)");
        for bad in ["", "ab", &"AB".repeat(32), &"ab".repeat(33), &"zz".repeat(32)] {
            assert_eq!(bad.parse::<ContextId>(), Err(ParseIdError), "{bad}");
        }
    }
}

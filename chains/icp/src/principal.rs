//! Principals: who acts on the Internet Computer. Source: IC interface specification, "Principals".

use core::{cmp::Ordering, fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;

use crate::hash::sha224;

/// Most bytes of a principal.
const BYTES_MAX: usize = 29;
/// Characters of the text form between two dashes.
const GROUP: usize = 5;
/// Longest text: 33 bytes in base32, with dashes.
const TEXT_MAX: usize = 63;

/// A user, a canister, a subnet, the management canister or nobody in particular: 0 to 29 bytes.
///
/// Text form: lower-case base32 of a CRC-32 and the bytes, in groups of five. Parsing takes that
/// form alone. Ordered by bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    len: u8,
    /// Zero from `len` on.
    bytes: [u8; BYTES_MAX],
}

/// What a principal's last byte says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// No bytes: the management canister.
    Management,
    /// Given out by the system: canisters.
    Opaque,
    /// The hash of a public key: users and subnets.
    SelfAuthenticating,
    /// Derived from another one.
    Derived,
    /// Whoever does not sign.
    Anonymous,
    /// Kept free for other systems.
    Reserved,
    /// None of those.
    Unassigned,
}

/// The text or the bytes are no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrincipal {
    /// More than 29 bytes.
    #[error("a principal has at most {BYTES_MAX} bytes")]
    TooLong,
    /// Not exactly as the bytes' text form would be.
    #[error("the text is not a principal's: checksum, dashes or case are wrong")]
    Text,
}

impl Principal {
    /// Who does not sign.
    pub const ANONYMOUS: Self = {
        let mut bytes = [0; BYTES_MAX];
        bytes[0] = 4;
        Self { len: 1, bytes }
    };

    /// Wraps at most 29 bytes.
    ///
    /// # Errors
    /// [`BadPrincipal::TooLong`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPrincipal> {
        let mut padded = [0; BYTES_MAX];
        let room = padded.get_mut(..bytes.len()).ok_or(BadPrincipal::TooLong)?;
        room.copy_from_slice(bytes);
        let len = u8::try_from(bytes.len()).map_err(|_| BadPrincipal::TooLong)?;
        Ok(Self { len, bytes: padded })
    }

    /// Of the holder of a public key, given in its canonical DER encoding.
    pub fn self_authenticating(der: &[u8]) -> Self {
        let mut bytes = [2; BYTES_MAX];
        bytes.iter_mut().zip(sha224(der)).for_each(|(to, from)| *to = from);
        Self { len: 29, bytes }
    }

    /// The bytes inside.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// What it stands for.
    pub fn kind(&self) -> PrincipalKind {
        match self.as_bytes() {
            [] => PrincipalKind::Management,
            [4] => PrincipalKind::Anonymous,
            [.., 1] => PrincipalKind::Opaque,
            [.., 2] if usize::from(self.len) == BYTES_MAX => PrincipalKind::SelfAuthenticating,
            [.., 3] => PrincipalKind::Derived,
            [.., 0x7f] => PrincipalKind::Reserved,
            _ => PrincipalKind::Unassigned,
        }
    }
}

impl PrincipalKind {
    /// The name in statements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Opaque => "opaque",
            Self::SelfAuthenticating => "self-authenticating",
            Self::Derived => "derived",
            Self::Anonymous => "anonymous",
            Self::Reserved => "reserved",
            Self::Unassigned => "unassigned",
        }
    }
}

impl Ord for Principal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Principal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checked = [&crc32(self.as_bytes()).to_be_bytes(), self.as_bytes()].concat();
        let digits = BASE32_NOPAD.encode(&checked).to_ascii_lowercase();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && place.is_multiple_of(GROUP) {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({self})")
    }
}

impl FromStr for Principal {
    type Err = BadPrincipal;

    fn from_str(text: &str) -> Result<Self, BadPrincipal> {
        if text.len() > TEXT_MAX {
            return Err(BadPrincipal::TooLong);
        }
        let digits = text.replace('-', "").to_ascii_uppercase();
        let checked = BASE32_NOPAD.decode(digits.as_bytes()).map_err(|_| BadPrincipal::Text)?;
        let bytes = checked.get(4..).ok_or(BadPrincipal::Text)?;
        let principal = Self::from_bytes(bytes)?;
        // Checksum, case, dashes and spare bits, all at once.
        if principal.to_string() == text { Ok(principal) } else { Err(BadPrincipal::Text) }
    }
}

/// As in ISO 3309.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_principal_has_one_text() {
        let check = |bytes: &[u8], text: &str, kind: PrincipalKind| {
            let principal = Principal::from_bytes(bytes).expect("short enough");
            assert_eq!(principal.to_string(), text);
            assert_eq!(text.parse(), Ok(principal));
            assert_eq!(principal.kind(), kind, "{text}");
        };
        // The first four are in the specification or in everybody's use.
        check(&[], "aaaaa-aa", PrincipalKind::Management);
        check(&[4], "2vxsx-fae", PrincipalKind::Anonymous);
        check(&[0xab, 0xcd, 1], "em77e-bvlzu-aq", PrincipalKind::Opaque);
        check(
            &[0, 0, 0, 0, 0, 0, 0, 2, 1, 1],
            "ryjl3-tyaaa-aaaaa-aaaba-cai",
            PrincipalKind::Opaque,
        );
        check(&[2], "hqgi5-iic", PrincipalKind::Unassigned);
        assert_eq!("2vxsx-fae".parse(), Ok(Principal::ANONYMOUS));
        let user = Principal::self_authenticating(b"any key");
        assert_eq!(user.kind(), PrincipalKind::SelfAuthenticating);
        assert_eq!(user.to_string().len(), TEXT_MAX);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "-",
            "aaaaa",
            "aaaaaaa",
            "aaaaa-aa-",
            "-aaaaa-aa",
            "aaaa-aaa",
            "AAAAA-AA",
            "aaaaa-ab",
            "2vxsx-faf",
            "2vxsx-fa1",
            "2vxsx fae",
            " 2vxsx-fae",
            "2vxsx-fae\n",
            "2vxsx--fae",
            "ä",
        ] {
            assert_eq!(text.parse::<Principal>(), Err(BadPrincipal::Text), "{text}");
        }
        let long = "aaaaa-".repeat(11);
        assert_eq!(long.parse::<Principal>(), Err(BadPrincipal::TooLong));
        assert_eq!(Principal::from_bytes(&[0; 30]), Err(BadPrincipal::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,80}") {
            if let Ok(principal) = text.parse::<Principal>() {
                prop_assert_eq!(principal.to_string(), text);
            }
        }

        #[test]
        fn bytes_come_back_from_their_text(bytes in prop::collection::vec(any::<u8>(), 0..=29)) {
            let principal = Principal::from_bytes(&bytes).expect("short enough");
            prop_assert_eq!(principal.as_bytes(), &bytes[..]);
            prop_assert_eq!(principal.to_string().parse(), Ok(principal));
        }
    }
}

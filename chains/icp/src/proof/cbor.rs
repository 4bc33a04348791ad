//! CBOR as far as the Internet Computer's structures use it: unsigned numbers, strings, arrays, and
//! maps with known keys. Sources: RFC 8949; IC interface specification, "CBOR".
//!
//! Refuses what none of them has: indefinite lengths, floats, nulls, unknown or repeated keys,
//! bytes after the end. Heads may be longer than they need be: the specification does not forbid
//! it, and nothing is named by its encoding.

/// Tag 55799, "this is CBOR".
pub(crate) const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// The bytes are not the structure that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCbor {
    /// Ends too early.
    #[error("the CBOR ends too early")]
    Truncated,
    /// Goes on after the end.
    #[error("there is something after the CBOR")]
    Trailing,
    /// Lengths must stand in front.
    #[error("the CBOR has a length that is indefinite or reserved")]
    Length,
    /// Another kind of item than belongs there.
    #[error("the CBOR has {found}, not {expected}")]
    Kind {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Text that is no UTF-8.
    #[error("the CBOR has text that is no UTF-8")]
    Utf8,
    /// A key that the structure does not have.
    #[error("the CBOR has a key that it must not have")]
    UnknownKey,
    /// The same key again.
    #[error("the CBOR has the key `{0}` twice")]
    KeyTwice(&'static str),
    /// A key that it must have.
    #[error("the CBOR has no key `{0}`")]
    NoKey(&'static str),
    /// Not marked as CBOR where it must be.
    #[error("the CBOR does not begin with tag 55799")]
    NoTag,
}

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// The values in a map, by their keys' places.
pub(crate) type Fields<'a, const N: usize> = [Option<&'a [u8]>; N];

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Past the tag that says that this is CBOR, if it is there.
    pub(crate) fn described(bytes: &'a [u8]) -> Self {
        Self(bytes.strip_prefix(&SELF_DESCRIBED).unwrap_or(bytes))
    }

    /// Past that tag, which must be there.
    pub(crate) fn tagged(bytes: &'a [u8]) -> Result<Self, BadCbor> {
        bytes.strip_prefix(&SELF_DESCRIBED).map(Self).ok_or(BadCbor::NoTag)
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, BadCbor> {
        self.expect(UNSIGNED)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], BadCbor> {
        let len = self.expect(BYTES)?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, BadCbor> {
        let len = self.expect(TEXT)?;
        str::from_utf8(self.take(len)?).map_err(|_| BadCbor::Utf8)
    }

    /// The number of items that follow.
    pub(crate) fn array(&mut self) -> Result<u64, BadCbor> {
        self.expect(ARRAY)
    }

    /// The values of a map that has no other keys than `names`, each at most once.
    pub(crate) fn fields<const N: usize>(
        &mut self,
        names: [&'static str; N],
    ) -> Result<Fields<'a, N>, BadCbor> {
        let mut fields = [None; N];
        // Ends early: every key beyond the last of `names` is unknown or comes twice.
        for _ in 0..self.expect(MAP)? {
            let key = self.text()?;
            let place = fields.iter_mut().zip(names).find(|(_, name)| *name == key);
            let (field, name) = place.ok_or(BadCbor::UnknownKey)?;
            if field.replace(self.item()?).is_some() {
                return Err(BadCbor::KeyTwice(name));
            }
        }
        Ok(fields)
    }

    /// The bytes of the next item, whatever it holds.
    pub(crate) fn item(&mut self) -> Result<&'a [u8], BadCbor> {
        let whole = self.0;
        let mut left: u64 = 1;
        while left > 0 {
            left -= 1;
            let (kind, number) = self.head()?;
            let inside = match kind {
                UNSIGNED => 0,
                BYTES | TEXT => {
                    self.take(number)?;
                    0
                }
                ARRAY => number,
                MAP => number.saturating_mul(2),
                TAG => 1,
                _ => return Err(BadCbor::Kind { expected: "a value", found: name(kind) }),
            };
            left = left.saturating_add(inside);
        }
        let len = whole.len().saturating_sub(self.0.len());
        whole.get(..len).ok_or(BadCbor::Truncated)
    }

    /// Nothing is left.
    pub(crate) const fn end(self) -> Result<(), BadCbor> {
        if self.0.is_empty() { Ok(()) } else { Err(BadCbor::Trailing) }
    }

    fn expect(&mut self, kind: u8) -> Result<u64, BadCbor> {
        let (found, number) = self.head()?;
        if found == kind {
            return Ok(number);
        }
        Err(BadCbor::Kind { expected: name(kind), found: name(found) })
    }

    /// The kind of the next item, and its number or length. Takes at least one byte.
    fn head(&mut self) -> Result<(u8, u64), BadCbor> {
        let (first, rest) = self.0.split_first().ok_or(BadCbor::Truncated)?;
        self.0 = rest;
        let (kind, short) = (first >> 5, first & 0x1f);
        let width = match short {
            0..=23 => return Ok((kind, u64::from(short))),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(BadCbor::Length),
        };
        let number = self.take(width)?;
        Ok((kind, number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], BadCbor> {
        let split = usize::try_from(len).ok().and_then(|len| self.0.split_at_checked(len));
        let (taken, rest) = split.ok_or(BadCbor::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// The byte string that `item` is, which must be there.
pub(crate) fn bytes<'a>(item: Option<&'a [u8]>, name: &'static str) -> Result<&'a [u8], BadCbor> {
    let mut reader = Reader::new(item.ok_or(BadCbor::NoKey(name))?);
    let bytes = reader.bytes()?;
    reader.end()?;
    Ok(bytes)
}

const fn name(kind: u8) -> &'static str {
    match kind {
        UNSIGNED => "a number",
        BYTES => "bytes",
        TEXT => "text",
        ARRAY => "an array",
        MAP => "a map",
        TAG => "a tag",
        _ => "a kind that is not used",
    }
}

/// Appends the head of a map of `len` entries.
pub(crate) fn put_map(out: &mut Vec<u8>, len: usize) {
    put_head(out, MAP, count(len));
}

/// Appends a byte string.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, BYTES, count(bytes.len()));
    out.extend_from_slice(bytes);
}

/// Appends text.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, TEXT, count(text.len()));
    out.extend_from_slice(text.as_bytes());
}

/// Appends the head of an array of `len` items.
pub(crate) fn put_array(out: &mut Vec<u8>, len: usize) {
    put_head(out, ARRAY, count(len));
}

/// Appends a number.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, number: u64) {
    put_head(out, UNSIGNED, number);
}

fn count(len: usize) -> u64 {
    u64::try_from(len).expect("lengths have at most 64 bits")
}

/// In the shortest form.
fn put_head(out: &mut Vec<u8>, kind: u8, number: u64) {
    let kind = kind << 5;
    let bytes = number.to_be_bytes();
    match number {
        0..=23 => out.push(kind | bytes[7]),
        24..=0xff => out.extend([kind | 24, bytes[7]]),
        0x100..=0xffff => out.extend([kind | 25, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => {
            out.push(kind | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(kind | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refuses(hex: &str, error: BadCbor) {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex");
        let mut reader = Reader::described(&bytes);
        let result = reader.fields(["a", "b"]).and_then(|_| reader.end());
        assert_eq!(result, Err(error), "{hex}");
    }

    #[test]
    fn a_map_has_its_keys_and_no_others() {
        let bytes = [0xd9, 0xd9, 0xf7, 0xa2, 0x61, b'b', 0x07, 0x61, b'a', 0x41, 0x05];
        let fields = Reader::described(&bytes).fields(["a", "b"]);
        assert_eq!(fields, Ok([Some(&[0x41, 5][..]), Some(&[7][..])]));
        refuses("a1616307", BadCbor::UnknownKey);
        refuses("a261610761610 7".replace(' ', "").as_str(), BadCbor::KeyTwice("a"));
        refuses("a1410107", BadCbor::Kind { expected: "text", found: "bytes" });
        refuses("a16161", BadCbor::Truncated);
        refuses("a1616107ff", BadCbor::Trailing);
        refuses("bf616107ff", BadCbor::Length);
        refuses("a161615f4100ff", BadCbor::Length);
        refuses("bbffffffffffffffff", BadCbor::Truncated);
        refuses("a161f507", BadCbor::Utf8);
        refuses(
            "a16161f6",
            BadCbor::Kind { expected: "a value", found: "a kind that is not used" },
        );
        refuses(
            "a1616120",
            BadCbor::Kind { expected: "a value", found: "a kind that is not used" },
        );
        refuses("d9d9f7d9d9f7a0", BadCbor::Kind { expected: "a map", found: "a tag" });
    }

    #[test]
    fn claimed_lengths_reserve_nothing() {
        for bytes in
            [&b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(Reader::new(bytes).item(), Err(BadCbor::Truncated));
        }
        let nested = [0x81; 1 << 20];
        assert_eq!(Reader::new(&nested).item(), Err(BadCbor::Truncated), "depth takes no stack");
    }

    #[test]
    fn numbers_come_back() {
        for number in [0, 23, 24, 255, 256, 65535, 65536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let mut bytes = Vec::new();
            put_unsigned(&mut bytes, number);
            let mut reader = Reader::new(&bytes);
            assert_eq!((reader.unsigned(), reader.end()), (Ok(number), Ok(())));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Reader::described(&bytes);
            if let Ok(item) = reader.item() {
                prop_assert!(bytes.ends_with(reader.0));
                prop_assert!(item.len() + reader.0.len() <= bytes.len());
            }
            let fields = Reader::described(&bytes).fields(["a", "b"]);
            prop_assert!(fields.is_err() || !bytes.is_empty());
        }
    }
}

//! CBOR, as far as requests to the Internet Computer use it, and the hash of a request.
//! Source: RFC 8949; IC interface specification, "CBOR" and "Representation-independent hashing".

use sha2::{Digest as _, Sha256};

/// How deep values may be nested; requests need five.
const DEPTH_MAX: usize = 16;
/// The tag that says: this is CBOR.
const SELF_DESCRIBED: u64 = 55_799;

/// A value in a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Unsigned(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// The bytes are not CBOR, or more of it than requests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadCbor(&'static str);

impl std::fmt::Display for BadCbor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the CBOR is malformed: {}", self.0)
    }
}

impl std::error::Error for BadCbor {}

impl Value {
    /// Reads one value, with nothing after it. Tags are skipped.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadCbor> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(DEPTH_MAX)?;
        if reader.rest.is_empty() { Ok(value) } else { Err(BadCbor("bytes follow the value")) }
    }

    /// The value as a document that says of itself that it is CBOR.
    pub(crate) fn document(&self) -> Vec<u8> {
        let mut out = Vec::new();
        head(&mut out, 6, SELF_DESCRIBED);
        self.put(&mut out);
        out
    }

    /// The map of these fields.
    pub(crate) fn map<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// What the field `name` of a map holds.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_unsigned(&self) -> Option<u64> {
        if let Self::Unsigned(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The hash that does not depend on the encoding. A request's is its id.
    pub(crate) fn hash(&self) -> [u8; 32] {
        match self {
            Self::Unsigned(number) => sha256(&[&leb128(*number)]),
            Self::Bytes(bytes) => sha256(&[bytes]),
            Self::Text(text) => sha256(&[text.as_bytes()]),
            Self::Array(items) => {
                let hashes: Vec<[u8; 32]> = items.iter().map(Self::hash).collect();
                sha256(&[hashes.as_flattened()])
            }
            Self::Map(fields) => {
                let pair =
                    |(name, value): &(String, Self)| [sha256(&[name.as_bytes()]), value.hash()];
                let mut pairs: Vec<[[u8; 32]; 2]> = fields.iter().map(pair).collect();
                pairs.sort_unstable();
                sha256(&[pairs.as_flattened().as_flattened()])
            }
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(number) => head(out, 0, *number),
            Self::Bytes(bytes) => string(out, 2, bytes),
            Self::Text(text) => string(out, 3, text.as_bytes()),
            Self::Array(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.put(out));
            }
            Self::Map(fields) => {
                head(out, 5, fields.len() as u64);
                for (name, value) in fields {
                    string(out, 3, name.as_bytes());
                    value.put(out);
                }
            }
        }
    }
}

/// Of the parts one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The shortest unsigned form.
pub(crate) fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(10);
    // At most ten turns: each takes seven bits away.
    loop {
        let [group, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(group & 0x7f);
            return bytes;
        }
        bytes.push(group | 0x80);
    }
}

/// A head of `major` type with its number, in the shortest form.
fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    let be = number.to_be_bytes();
    let [_, _, _, _, _, _, _, low] = be;
    match number {
        0..=23 => out.push(major | low),
        24..=0xff => out.extend([major | 24, low]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend(be.iter().skip(6));
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend(be.iter().skip(4));
        }
        _ => {
            out.push(major | 27);
            out.extend(be);
        }
    }
}

fn string(out: &mut Vec<u8>, major: u8, bytes: &[u8]) {
    head(out, major, bytes.len() as u64);
    out.extend(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Takes no more room than there are bytes, whatever lengths they claim.
    fn value(&mut self, depth: usize) -> Result<Value, BadCbor> {
        let depth = depth.checked_sub(1).ok_or(BadCbor("it is nested too deep"))?;
        let (major, number) = self.head()?;
        match major {
            0 => Ok(Value::Unsigned(number)),
            2 => Ok(Value::Bytes(self.take(number)?.to_vec())),
            3 => Ok(Value::Text(self.text(number)?)),
            4 => {
                let mut items = Vec::new();
                for _ in 0..number {
                    items.push(self.value(depth)?);
                }
                Ok(Value::Array(items))
            }
            5 => self.map(number, depth),
            6 => self.value(depth),
            _ => Err(BadCbor("it has a kind that requests do not use")),
        }
    }

    fn map(&mut self, len: u64, depth: usize) -> Result<Value, BadCbor> {
        let mut fields: Vec<(String, Value)> = Vec::new();
        for _ in 0..len {
            let (3, number) = self.head()? else { return Err(BadCbor("a key is no text")) };
            let name = self.text(number)?;
            if fields.iter().any(|(field, _)| *field == name) {
                return Err(BadCbor("a key stands twice"));
            }
            if fields.len() >= 64 {
                return Err(BadCbor("a map has more fields than any request"));
            }
            fields.push((name, self.value(depth)?));
        }
        Ok(Value::Map(fields))
    }

    fn head(&mut self) -> Result<(u8, u64), BadCbor> {
        let first = self.take(1)?.first().copied().ok_or(BadCbor("it ends early"))?;
        let number = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            size @ 24..=27 => {
                let bytes = self.take(1 << (size - 24))?;
                bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
            _ => return Err(BadCbor("a length is not given")),
        };
        Ok((first >> 5, number))
    }

    fn text(&mut self, len: u64) -> Result<String, BadCbor> {
        let bytes = self.take(len)?.to_vec();
        String::from_utf8(bytes).map_err(|_| BadCbor("a text is not UTF-8"))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], BadCbor> {
        let len = usize::try_from(len).map_err(|_| BadCbor("it ends early"))?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(BadCbor("it ends early"))?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the specification.
    #[test]
    fn a_call_has_its_known_id() {
        let call = Value::map([
            ("request_type", Value::text("call")),
            ("canister_id", Value::bytes([0, 0, 0, 0, 0, 0, 4, 0xd2])),
            ("method_name", Value::text("hello")),
            ("arg", Value::bytes(b"DIDL\x00\xfd*")),
        ]);
        let id = "8781291c347db32a9d8c10eb62b710fce5a93be676474c42babc74c51858f94b";
        assert_eq!(hex::encode(call.hash()), id);
    }

    #[test]
    fn other_documents_are_refused() {
        for bytes in [
            &b""[..],
            b"\x00\x00",
            b"\x20",
            b"\xf5",
            b"\x1c",
            b"\x42\x00",
            b"\x5f\x41\x00\xff",
            b"\x61\xff",
            b"\xa1\x00\x00",
            b"\xa2\x61\x61\x00\x61\x61\x00",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            &[0x81; 100],
        ] {
            assert!(Value::decode(bytes).is_err(), "{bytes:02x?}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::Unsigned),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
            ".{0,30}".prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let map = prop::collection::btree_map("[a-z]{0,30}", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::Array),
                map.prop_map(|fields| Value::Map(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back_from_their_document(value in values()) {
            prop_assert_eq!(Value::decode(&value.document()), Ok(value));
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = Value::decode(&bytes) {
                prop_assert_eq!(Value::decode(&value.document()), Ok(value));
            }
        }
    }
}

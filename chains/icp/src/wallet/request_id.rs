//! The hash of a request, the same however it is encoded.
//! Source: IC interface specification, "Representation-independent hashing of structured data".

use std::borrow::Cow;

use crate::hash::sha256;

/// A value in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Hashed as it is.
    Blob(Cow<'a, [u8]>),
    /// Hashed as UTF-8.
    Text(&'a str),
    /// Hashed as unsigned LEB128.
    Nat(u128),
    /// Hashed item by item.
    Array(Vec<Self>),
    /// Hashed as a request is.
    Map(Vec<(&'a str, Self)>),
}

/// The id of the request, or the hash of the delegation, that has these fields, in any order.
pub fn request_id(fields: &[(&str, Content<'_>)]) -> [u8; 32] {
    let pair = |(name, value): &(&str, Content<'_>)| [sha256(&[name.as_bytes()]), value.hash()];
    let mut pairs: Vec<[[u8; 32]; 2]> = fields.iter().map(pair).collect();
    pairs.sort_unstable();
    sha256(&[pairs.as_flattened().as_flattened()])
}

impl Content<'_> {
    fn hash(&self) -> [u8; 32] {
        match self {
            Self::Blob(bytes) => sha256(&[bytes]),
            Self::Text(text) => sha256(&[text.as_bytes()]),
            Self::Nat(number) => sha256(&[&leb128(*number)]),
            Self::Array(items) => {
                let hashes: Vec<[u8; 32]> = items.iter().map(Self::hash).collect();
                sha256(&[hashes.as_flattened()])
            }
            Self::Map(fields) => request_id(fields),
        }
    }
}

fn leb128(mut number: u128) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(10);
    // At most 19 turns: each takes 7 bits away.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_their_shortest_form() {
        for (number, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (624_485, &[0xe5, 0x8e, 0x26]),
            (u128::from(u64::MAX), &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            assert_eq!(leb128(number), bytes);
        }
        assert_eq!(leb128(u128::MAX).len(), 19);
    }

    /// The example of the specification.
    #[test]
    fn a_call_has_its_known_id() {
        let blob = |bytes: &'static [u8]| Content::Blob(bytes.into());
        let fields = [
            ("request_type", Content::Text("call")),
            ("canister_id", blob(&[0, 0, 0, 0, 0, 0, 4, 0xd2])),
            ("method_name", Content::Text("hello")),
            ("arg", blob(b"DIDL\x00\xfd*")),
        ];
        let id = "8781291c347db32a9d8c10eb62b710fce5a93be676474c42babc74c51858f94b";
        assert_eq!(data_encoding::HEXLOWER.encode(&request_id(&fields)), id);
        let mut turned = fields.to_vec();
        turned.reverse();
        assert_eq!(request_id(&turned), request_id(&fields));
    }

    #[test]
    fn folders_hash_as_requests_do() {
        let inner = vec![("a", Content::Nat(1))];
        let nested = [("m", Content::Array(vec![Content::Map(inner.clone())]))];
        let by_hand = sha256(&[&sha256(&[b"m"]), &sha256(&[&request_id(&inner)])]);
        assert_eq!(request_id(&nested), by_hand);
    }
}

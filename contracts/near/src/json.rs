//! The form of arguments and answers: bytes as `0x` and lower-case hex, `u64` as decimal text,
//! accounts by their names.

use std::fmt;

use governance::anchor::{self, Action, OnChainId, decode_actions};
use near_sdk::{
    AccountId,
    json_types::U64,
    near,
    serde::{Deserialize, Deserializer, Serialize, Serializer, de},
};
use types::{ContextId, Hash};

use crate::state;

/// Any number of bytes; gas is what bounds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// Exactly 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes32(pub [u8; 32]);

/// Exactly 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes20(pub [u8; 20]);

/// How a record begins.
#[near(serializers = [json])]
#[derive(Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The application at first.
    pub app: Bytes32,
    /// Root over the first members.
    pub members_root: Bytes32,
    /// How many they are.
    pub members_count: u32,
    /// Bit 0: invitations may be claimed on chain.
    pub flags: u8,
    /// Seconds of delay per class: routine, app, admin, root.
    pub delays_s: [u32; 4],
    /// Who may veto and freeze.
    pub guardian: Option<AccountId>,
    /// The context whose genesis names this record.
    pub context: Bytes32,
}

/// An invitation.
#[near(serializers = [json])]
#[derive(Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The Ethereum address of the key that its link carries.
    pub key: Bytes20,
    /// Unix time of its last second.
    pub expiry_s: U64,
    /// What its holder becomes.
    pub role: u8,
    /// How many may come with it.
    pub uses: u32,
}

impl Bytes {
    /// The batch that they are; none of its actions where they are no legal one, which is other
    /// than whatever was proposed.
    pub(crate) fn batch(&self) -> Vec<Action> {
        decode_actions(&self.0).unwrap_or_else(|_| Vec::new())
    }
}

impl From<Terms> for anchor::Terms {
    fn from(terms: Terms) -> Self {
        Self {
            app: terms.app.into(),
            members_root: terms.members_root.into(),
            members_count: terms.members_count,
            flags: terms.flags,
            delays_s: terms.delays_s,
            guardian: terms.guardian.as_ref().map(state::account),
            context: ContextId::from_bytes(terms.context.0),
        }
    }
}

impl From<Invite> for anchor::Invite {
    fn from(invite: Invite) -> Self {
        let Invite { key, expiry_s, role, uses } = invite;
        Self { key: key.0, expiry_s: expiry_s.0, role, uses }
    }
}

impl From<Bytes32> for Hash {
    fn from(bytes: Bytes32) -> Self {
        Self::from_bytes(bytes.0)
    }
}

impl From<Bytes32> for OnChainId {
    fn from(bytes: Bytes32) -> Self {
        Self::new(bytes.into())
    }
}

impl From<Hash> for Bytes32 {
    fn from(hash: Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl Serialize for Bytes32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl Serialize for Bytes20 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexText).map(Self)
    }
}

impl<'de> Deserialize<'de> for Bytes32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        exactly(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Bytes20 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        exactly(deserializer).map(Self)
    }
}

fn exactly<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    let bytes = deserializer.deserialize_str(HexText)?;
    let len = bytes.len();
    bytes.try_into().map_err(|_| de::Error::invalid_length(len, &HexText))
}

struct HexText;

impl de::Visitor<'_> for HexText {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x and lower-case hex, of the right length")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        from_hex(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str("text"), &self))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.strip_prefix("0x")?.as_bytes().as_chunks::<2>();
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let byte = |[high, low]: &[u8; 2]| Some(nibble(*high)? << 4 | nibble(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// `0x` and lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    let mut text = vec![b'0'; 2 + 2 * bytes.len()];
    text[1] = b'x';
    for (pair, byte) in text[2..].chunks_exact_mut(2).zip(bytes) {
        pair[0] = digit(byte >> 4);
        pair[1] = digit(byte & 15);
    }
    String::from_utf8(text).expect("digits are text")
}

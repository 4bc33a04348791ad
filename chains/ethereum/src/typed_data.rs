//! Typed data as wallets sign it. Source: EIP-712.
//!
//! Strict: whatever is not signed, or could be read in two ways, is refused.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::U256;
use serde_json::{Map, Value};
use types::{Hash, keccak256, keccak256_concat};

use crate::verdict::{self, Refusal};

const DOMAIN: &str = "EIP712Domain";
/// The fields that a domain may have, in the order in which it has them.
const DOMAIN_FIELDS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];
/// Most struct types in one document.
const TYPES_MAX: usize = 64;
/// Most fields in one struct type.
const FIELDS_MAX: usize = 64;
/// Deepest nesting of values.
const DEPTH_MAX: usize = 32;
/// Most values in one document.
const VALUES_MAX: usize = 65_536;
/// Largest integer that every JSON reader keeps.
const JSON_INTEGER_MAX: u64 = 1 << 53;

/// What is signed for `document`: `{types, primaryType, domain, message}`.
///
/// # Errors
/// Naming what is missing, superfluous, too much, or not of its type.
pub(crate) fn digest(document: &Value) -> Result<Hash, Refusal> {
    let object = object(document, "the document")?;
    let field =
        |name: &str| object.get(name).ok_or_else(|| Refusal(format!("there is no `{name}`")));
    let mut types = Types::read(field("types")?)?;
    let domain = field("domain")?;
    types.complete_domain(domain)?;
    let primary = field("primaryType")?.as_str().ok_or("`primaryType` is no text")?;
    if !types.0.contains_key(primary) {
        return Err(format!("there is no type {primary}").into());
    }
    let mut encoder =
        Encoder { types: &types, type_hashes: BTreeMap::new(), values_left: VALUES_MAX };
    let separator = encoder.hash_struct(DOMAIN, domain, 0)?;
    if primary == DOMAIN {
        return Ok(keccak256_concat(&[&[0x19, 0x01], separator.as_bytes()]));
    }
    let message = encoder.hash_struct(primary, field("message")?, 0)?;
    Ok(keccak256_concat(&[&[0x19, 0x01], separator.as_bytes(), message.as_bytes()]))
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| format!("{what} is no object").into())
}

#[derive(Debug)]
struct Field {
    name: String,
    kind: String,
}

/// Struct types by name.
#[derive(Debug)]
struct Types(BTreeMap<String, Vec<Field>>);

impl Types {
    fn read(value: &Value) -> Result<Self, Refusal> {
        let object = object(value, "`types`")?;
        if object.len() > TYPES_MAX {
            return Err(format!("there are more than {TYPES_MAX} types").into());
        }
        let types = object.iter().map(|(name, fields)| {
            if !is_identifier(name) || Atom::parse(name).is_some() {
                return Err(Refusal(format!("{name:?} cannot name a struct")));
            }
            Ok((name.clone(), read_fields(name, fields)?))
        });
        let types = Self(types.collect::<Result<_, _>>()?);
        for field in types.0.values().flatten() {
            let base = base_type(&field.kind);
            if Atom::parse(base).is_none() && !types.0.contains_key(base) {
                return Err(
                    format!("{:?} has the unknown type {:?}", field.name, field.kind).into()
                );
            }
        }
        Ok(types)
    }

    /// The domain's type as its values have it, where the document leaves it out; else the two must
    /// agree, since a domain with fewer fields is another domain.
    fn complete_domain(&mut self, domain: &Value) -> Result<(), Refusal> {
        let values = object(domain, "`domain`")?;
        let present = DOMAIN_FIELDS.iter().filter(|(name, _)| values.contains_key(*name));
        let derived: Vec<Field> = present
            .map(|(name, kind)| Field { name: (*name).to_owned(), kind: (*kind).to_owned() })
            .collect();
        let Some(declared) = self.0.get(DOMAIN) else {
            self.0.insert(DOMAIN.to_owned(), derived);
            return Ok(());
        };
        let known =
            |field: &Field| DOMAIN_FIELDS.contains(&(field.name.as_str(), field.kind.as_str()));
        if declared.iter().all(known) {
            Ok(())
        } else {
            Err("the domain has a field that no domain has".into())
        }
    }

    /// `Name(type name,…)` and then the types that it refers to, by name.
    fn encode_type(&self, name: &str) -> String {
        let mut seen = BTreeSet::new();
        let mut open = vec![name];
        // Terminates: every type is taken once.
        while let Some(next) = open.pop() {
            if let Some((name, fields)) = self.0.get_key_value(next)
                && seen.insert(name.as_str())
            {
                open.extend(fields.iter().map(|field| base_type(&field.kind)));
            }
        }
        seen.remove(name);
        let text = |name: &str| {
            let fields = self.0.get(name).into_iter().flatten();
            let fields: Vec<String> =
                fields.map(|field| format!("{} {}", field.kind, field.name)).collect();
            format!("{name}({})", fields.join(","))
        };
        core::iter::once(name).chain(seen).map(text).collect()
    }
}

fn read_fields(name: &str, value: &Value) -> Result<Vec<Field>, Refusal> {
    let list = value.as_array().filter(|list| list.len() <= FIELDS_MAX);
    let list = list
        .ok_or_else(|| Refusal(format!("type {name} is no list of at most {FIELDS_MAX} fields")))?;
    let mut names = BTreeSet::new();
    let fields = list.iter().map(|field| {
        let part = |part: &str| field.get(part).and_then(Value::as_str);
        let (field, kind) = part("name")
            .zip(part("type"))
            .ok_or_else(|| Refusal(format!("a field of {name} has no name or no type")))?;
        if !is_identifier(field) || !names.insert(field) {
            return Err(format!("{name} has the bad or second field {field:?}").into());
        }
        Ok(Field { name: field.to_owned(), kind: kind.to_owned() })
    });
    fields.collect()
}

fn is_identifier(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || b"_$".contains(&byte);
    let mut bytes = text.bytes();
    bytes.next().is_some_and(letter) && bytes.all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// Without the brackets of arrays.
fn base_type(kind: &str) -> &str {
    kind.split_once('[').map_or(kind, |(base, _)| base)
}

/// The item's type, and the length that an array type names; `None` if it is no array type.
fn array_type(kind: &str) -> Option<(&str, Option<usize>)> {
    let (item, len) = kind.strip_suffix(']')?.rsplit_once('[')?;
    if len.is_empty() {
        return Some((item, None));
    }
    let number: usize = len.parse().ok()?;
    (number.to_string() == len).then_some((item, Some(number)))
}

/// A type that is neither struct nor array.
#[derive(Clone, Copy, Debug)]
enum Atom {
    Address,
    Bool,
    Text,
    Bytes,
    /// 1 to 32 bytes.
    Word(usize),
    /// 8 to 256 bits.
    Uint(usize),
    Int(usize),
}

impl Atom {
    fn parse(kind: &str) -> Option<Self> {
        let size = |prefix: &str| {
            let digits = kind.strip_prefix(prefix)?;
            let number: usize = digits.parse().ok()?;
            (number.to_string() == digits).then_some(number)
        };
        let bits = |prefix| size(prefix).filter(|bits| (8..=256).contains(bits) && bits % 8 == 0);
        match kind {
            "address" => Some(Self::Address),
            "bool" => Some(Self::Bool),
            "string" => Some(Self::Text),
            "bytes" => Some(Self::Bytes),
            _ => bits("uint")
                .map(Self::Uint)
                .or_else(|| bits("int").map(Self::Int))
                .or_else(|| size("bytes").filter(|n| (1..=32).contains(n)).map(Self::Word)),
        }
    }

    fn encode(self, value: &Value, name: &str) -> Result<[u8; 32], Refusal> {
        let bad = |what: &str| Refusal(format!("`{name}` is no {what}"));
        match self {
            Self::Address => Ok(verdict::address(value, name)?.into_word().0),
            Self::Bool => {
                let flag = value.as_bool().ok_or_else(|| bad("bool"))?;
                Ok(U256::from(flag).to_be_bytes())
            }
            Self::Text => {
                let text = value.as_str().ok_or_else(|| bad("text"))?;
                Ok(*keccak256(text.as_bytes()).as_bytes())
            }
            Self::Bytes => Ok(*keccak256(&verdict::bytes(value, name)?).as_bytes()),
            Self::Word(len) => {
                let bytes = verdict::bytes(value, name)?;
                if bytes.len() != len {
                    return Err(bad(&format!("{len} bytes")));
                }
                let mut word = [0; 32];
                word.iter_mut().zip(bytes.iter()).for_each(|(to, from)| *to = *from);
                Ok(word)
            }
            Self::Uint(bits) => {
                let (negative, magnitude) = integer(value, name)?;
                let fits = !negative && magnitude.bit_len() <= bits;
                if fits { Ok(magnitude.to_be_bytes()) } else { Err(bad(&format!("uint{bits}"))) }
            }
            Self::Int(bits) => {
                let (negative, magnitude) = integer(value, name)?;
                let half = U256::ONE << (bits - 1);
                let fits = if negative { magnitude <= half } else { magnitude < half };
                let word = if negative { magnitude.wrapping_neg() } else { magnitude };
                if fits { Ok(word.to_be_bytes()) } else { Err(bad(&format!("int{bits}"))) }
            }
        }
    }
}

/// Whether it is negative, and how large: a JSON number up to 2^53, a decimal or a hex string.
fn integer(value: &Value, name: &str) -> Result<(bool, U256), Refusal> {
    if let Value::Number(number) = value {
        let bad = || Refusal(format!("`{name}` is no whole number, or too large for JSON"));
        let magnitude = match (number.as_u64(), number.as_i64()) {
            (Some(positive), _) => positive,
            (None, Some(negative)) => negative.unsigned_abs(),
            (None, None) => return Err(bad()),
        };
        if magnitude > JSON_INTEGER_MAX {
            return Err(bad());
        }
        return Ok((number.as_u64().is_none(), U256::from(magnitude)));
    }
    match value.as_str().and_then(|text| text.strip_prefix('-')) {
        Some(digits) if !digits.starts_with('-') => {
            let magnitude = verdict::number(&Value::from(digits), name)?;
            Ok((!magnitude.is_zero(), magnitude))
        }
        _ => Ok((false, verdict::number(value, name)?)),
    }
}

struct Encoder<'a> {
    types: &'a Types,
    /// Of the types met so far: a type is written out once, however many values it has.
    type_hashes: BTreeMap<String, Hash>,
    values_left: usize,
}

impl Encoder<'_> {
    fn type_hash(&mut self, name: &str) -> Hash {
        if let Some(hash) = self.type_hashes.get(name) {
            return *hash;
        }
        let hash = keccak256(self.types.encode_type(name).as_bytes());
        self.type_hashes.insert(name.to_owned(), hash);
        hash
    }

    fn hash_struct(&mut self, name: &str, value: &Value, depth: usize) -> Result<Hash, Refusal> {
        let values = object(value, name)?;
        let fields = self.types.0.get(name).ok_or_else(|| Refusal(format!("no type {name}")))?;
        let is_field = |key: &String| fields.iter().any(|field| field.name == *key);
        if let Some(extra) = values.keys().find(|key| !is_field(key)) {
            return Err(format!("{name} has no field `{extra}`, so it is not signed").into());
        }
        let mut encoded = Vec::with_capacity(32 * (fields.len() + 1));
        encoded.extend_from_slice(self.type_hash(name).as_bytes());
        for field in fields {
            let value = values.get(&field.name);
            let value = value.ok_or_else(|| Refusal(format!("`{}` is missing", field.name)))?;
            encoded.extend_from_slice(&self.encode(&field.kind, value, &field.name, depth)?);
        }
        Ok(keccak256(&encoded))
    }

    fn encode(
        &mut self,
        kind: &str,
        value: &Value,
        name: &str,
        depth: usize,
    ) -> Result<[u8; 32], Refusal> {
        self.values_left = self.values_left.checked_sub(1).ok_or("there are too many values")?;
        if depth > DEPTH_MAX {
            return Err("the values are nested too deeply".into());
        }
        if let Some((item, len)) = array_type(kind) {
            let list = value.as_array().ok_or_else(|| Refusal(format!("`{name}` is no list")))?;
            if len.is_some_and(|len| len != list.len()) {
                return Err(format!("`{name}` has {} items, not as {kind} has", list.len()).into());
            }
            let mut encoded = Vec::with_capacity(32 * list.len().min(1024));
            for value in list {
                encoded.extend_from_slice(&self.encode(item, value, name, depth + 1)?);
            }
            return Ok(*keccak256(&encoded).as_bytes());
        }
        match Atom::parse(kind) {
            Some(atom) => atom.encode(value, name),
            None => Ok(*self.hash_struct(kind, value, depth + 1)?.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests;

//! Typed data as accounts sign it, revisions 0 and 1. Source: SNIP-12.
//!
//! Where the text of the standard and what wallets do differ, this does what wallets do
//! (starknet.js, which other libraries follow): a variant's name is followed by a colon, its hash
//! has no type hash, an empty variant counts one zero, a felt's text may be a number or a short
//! string. Refused is what wallets' libraries would hash in different ways, what is not signed, and
//! what a type's text could say in two ways.

mod scalar;
mod types;

use chain::verdict::Refusal;
use serde_json::{Map, Value};

use self::types::{Field, Types};
use crate::{
    felt::{Felt, word},
    hash::FeltHash,
};

/// Deepest nesting of values.
const DEPTH_MAX: usize = 32;
/// Most values in one document.
const VALUES_MAX: usize = 16_384;

/// Which edition of the standard a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// What wallets did before the standard: Pedersen's hash, `StarkNetDomain`, types unchecked.
    V0,
    /// Poseidon's hash, `StarknetDomain`, names in quotes, every type known.
    V1,
}

/// What an account signs for a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The edition that the document follows.
    pub revision: Revision,
    /// The hash under the signature.
    pub hash: Felt,
}

impl Revision {
    /// As documents write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V0 => "0",
            Self::V1 => "1",
        }
    }

    const fn domain(self) -> &'static str {
        match self {
            Self::V0 => "StarkNetDomain",
            Self::V1 => "StarknetDomain",
        }
    }

    const fn hash(self) -> FeltHash {
        match self {
            Self::V0 => FeltHash::Pedersen,
            Self::V1 => FeltHash::Poseidon,
        }
    }

    /// The edition that a domain names; without a name it is the oldest.
    fn of(domain: &Map<String, Value>) -> Result<Self, Refusal> {
        match domain.get("revision") {
            None => Ok(Self::V0),
            Some(Value::String(text)) if text == "0" => Ok(Self::V0),
            Some(Value::String(text)) if text == "1" => Ok(Self::V1),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Self::V0),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Self::V1),
            Some(_) => Err("the domain's revision is neither 0 nor 1".into()),
        }
    }
}

/// What `account` signs for `document`: `{types, primaryType, domain, message}`.
///
/// # Errors
/// Naming what is missing, superfluous, too much, or not of its type.
pub fn message(document: &Value, account: &Felt) -> Result<Message, Refusal> {
    let document = object(document, "the document")?;
    let field =
        |name: &str| document.get(name).ok_or_else(|| Refusal(format!("there is no `{name}`")));
    let domain = field("domain")?;
    let revision = Revision::of(object(domain, "`domain`")?)?;
    let types = Types::read(field("types")?, revision)?;
    let primary = field("primaryType")?.as_str().ok_or("`primaryType` is no text")?;
    let mut encoder = Encoder { revision, types, values_left: VALUES_MAX };
    let separator = encoder.hash_struct(revision.domain(), domain, 0)?;
    let content = encoder.hash_struct(primary, field("message")?, 0)?;
    let parts = [word(b"StarkNet Message"), separator, *account, content];
    Ok(Message { revision, hash: revision.hash().list(&parts) })
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| format!("{what} is no object").into())
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a [Value], Refusal> {
    Ok(value.as_array().ok_or_else(|| Refusal(format!("`{what}` is no list")))?)
}

struct Encoder {
    revision: Revision,
    types: Types,
    values_left: usize,
}

impl Encoder {
    fn hash_struct(&mut self, name: &str, value: &Value, depth: usize) -> Result<Felt, Refusal> {
        let values = object(value, name)?;
        let fields = self.types.fields(name)?;
        // The revision decides how everything is hashed, even where its type does not name it.
        let is_known = |key: &String| {
            let is_revision = name == self.revision.domain() && key == "revision";
            is_revision || fields.iter().any(|field| field.name == *key)
        };
        if let Some(extra) = values.keys().find(|key| !is_known(key)) {
            return Err(format!("{name} has no field `{extra}`, so it is not signed").into());
        }
        let mut encoded = Vec::with_capacity(fields.len() + 1);
        encoded.push(self.types.hash(name)?);
        for field in &*fields {
            let value = values.get(&field.name).filter(|value| !value.is_null());
            let value = value.ok_or_else(|| Refusal(format!("`{}` is missing", field.name)))?;
            encoded.push(self.encode_field(field, value, depth)?);
        }
        Ok(self.revision.hash().list(&encoded))
    }

    fn encode_field(
        &mut self,
        field: &Field,
        value: &Value,
        depth: usize,
    ) -> Result<Felt, Refusal> {
        match (field.kind.as_str(), &field.contains, self.revision) {
            ("enum", Some(variants), Revision::V1) => {
                self.encode_enum(variants, value, &field.name, depth)
            }
            ("merkletree", Some(leaf), _) => {
                self.encode_merkle_tree(leaf, value, &field.name, depth)
            }
            (kind, _, _) => self.encode(kind, value, &field.name, depth),
        }
    }

    fn encode(
        &mut self,
        kind: &str,
        value: &Value,
        name: &str,
        depth: usize,
    ) -> Result<Felt, Refusal> {
        self.spend(depth)?;
        if self.types.has(kind) {
            return self.hash_struct(kind, value, depth + 1);
        }
        let Some(item) = kind.strip_suffix('*') else {
            return scalar::encode(self.revision, kind, value, name);
        };
        let items = list(value, name)?.iter();
        let hashes = items.map(|value| self.encode(item, value, name, depth + 1));
        let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
        Ok(self.revision.hash().list(&hashes))
    }

    /// One variant, `{name: [values]}`: its number, then its values; an empty one has a zero.
    fn encode_enum(
        &mut self,
        variants: &str,
        value: &Value,
        name: &str,
        depth: usize,
    ) -> Result<Felt, Refusal> {
        self.spend(depth)?;
        let mut entries = object(value, name)?.iter();
        let (Some((variant, values)), None) = (entries.next(), entries.next()) else {
            return Err(format!("`{name}` is not one variant").into());
        };
        let variants = self.types.fields(variants)?;
        let (number, kinds) = types::variant(&variants, variant)?;
        let values = list(values, variant)?;
        if values.len() != kinds.len() {
            return Err(
                format!("`{variant}` has {} values, not {}", values.len(), kinds.len()).into()
            );
        }
        let mut encoded = vec![Felt::from(number)];
        for (kind, value) in kinds.iter().zip(values) {
            encoded.push(self.encode(kind, value, variant, depth + 1)?);
        }
        if kinds.is_empty() {
            encoded.push(Felt::ZERO);
        }
        Ok(self.revision.hash().list(&encoded))
    }

    /// The root over the items: pairs sorted, a last one alone with zero.
    fn encode_merkle_tree(
        &mut self,
        leaf: &str,
        value: &Value,
        name: &str,
        depth: usize,
    ) -> Result<Felt, Refusal> {
        self.spend(depth)?;
        let items = list(value, name)?.iter();
        let leaves = items.map(|value| self.encode(leaf, value, name, depth + 1));
        let mut layer: Vec<Felt> = leaves.collect::<Result<_, _>>()?;
        let hash = self.revision.hash();
        // Terminates: every turn halves the layer.
        while layer.len() > 1 {
            let parent = |pair: &[Felt]| match pair {
                [left, right] => hash.pair(left.min(right), left.max(right)),
                alone => hash.pair(&Felt::ZERO, alone.first().unwrap_or(&Felt::ZERO)),
            };
            layer = layer.chunks(2).map(parent).collect();
        }
        layer.pop().ok_or_else(|| format!("the tree `{name}` has no leaf").into())
    }

    fn spend(&mut self, depth: usize) -> Result<(), Refusal> {
        if depth > DEPTH_MAX {
            return Err("the values are nested too deeply".into());
        }
        self.values_left = self.values_left.checked_sub(1).ok_or("there are too many values")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

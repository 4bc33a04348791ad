//! The types of a document, and the text that names each of them under the signature.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use chain::verdict::Refusal;
use serde_json::Value;

use super::Revision;
use crate::felt::{Felt, starknet_keccak};

/// Most types in one document.
const TYPES_MAX: usize = 64;
/// Most fields of a struct, or variants of an enum.
const FIELDS_MAX: usize = 64;
/// Longest name or type of a field, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Types that revision 0 has of itself, so that no document can give them another meaning.
const BASIC_0: [&str; 5] = ["felt", "bool", "string", "selector", "merkletree"];
/// Those that revision 1 adds.
const BASIC_1: [&str; 7] =
    ["enum", "u128", "i128", "ContractAddress", "ClassHash", "timestamp", "shortstring"];
/// Structs that revision 1 defines.
const PRESETS: [(&str, [(&str, &str); 2]); 3] = [
    ("u256", [("low", "u128"), ("high", "u128")]),
    ("TokenAmount", [("token_address", "ContractAddress"), ("amount", "u256")]),
    ("NftId", [("collection_address", "ContractAddress"), ("token_id", "u256")]),
];

/// A field of a struct, or a variant of an enum.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: String,
    /// The enum's name or the type of the tree's leaves.
    pub(super) contains: Option<String>,
}

/// Structs and enums by name, with the hashes of their texts as far as they were asked for.
pub(super) struct Types {
    revision: Revision,
    fields: BTreeMap<String, Rc<[Field]>>,
    hashes: BTreeMap<String, Felt>,
}

impl Types {
    pub(super) fn read(value: &Value, revision: Revision) -> Result<Self, Refusal> {
        let types = super::object(value, "`types`")?;
        if types.len() > TYPES_MAX {
            return Err(format!("there are more than {TYPES_MAX} types").into());
        }
        let mut fields = BTreeMap::new();
        for (name, value) in types {
            if !can_name_type(name, revision) {
                return Err(format!("{name:?} cannot name a type").into());
            }
            fields.insert(name.clone(), read_fields(name, value, revision)?);
        }
        if revision == Revision::V1 {
            for (name, parts) in PRESETS {
                let part = |(name, kind): (&str, &str)| Field {
                    name: name.to_owned(),
                    kind: kind.to_owned(),
                    contains: None,
                };
                fields.insert(name.to_owned(), parts.map(part).into());
            }
        }
        Ok(Self { revision, fields, hashes: BTreeMap::new() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(super) fn fields(&self, name: &str) -> Result<Rc<[Field]>, Refusal> {
        self.fields.get(name).cloned().ok_or_else(|| format!("there is no type {name}").into())
    }

    /// The hash of the text that names the type.
    pub(super) fn hash(&mut self, name: &str) -> Result<Felt, Refusal> {
        if let Some(hash) = self.hashes.get(name) {
            return Ok(*hash);
        }
        let hash = starknet_keccak(self.text(name)?.as_bytes());
        self.hashes.insert(name.to_owned(), hash);
        Ok(hash)
    }

    /// The type with its fields, then all types that it needs, sorted by name.
    fn text(&self, name: &str) -> Result<String, Refusal> {
        let mut text = self.text_alone(name)?;
        let mut needed: Vec<&str> = self.needed(name).into_iter().collect();
        // As wallets sort: by units of UTF-16.
        needed.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
        for name in needed {
            text.push_str(&self.text_alone(name)?);
        }
        Ok(text)
    }

    /// What the type refers to, directly or not, without itself.
    fn needed<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::from([name]);
        let mut open = vec![name];
        // Terminates: every type is taken up once.
        while let Some(name) = open.pop() {
            let fields = self.fields.get(name).map_or(&[][..], |fields| fields);
            for kind in fields.iter().flat_map(|field| self.refers_to(field)) {
                if self.has(kind) && seen.insert(kind) {
                    open.push(kind);
                }
            }
        }
        seen.remove(name);
        seen
    }

    /// The types in a field's own. A tree's leaves are not among them, nor items of lists of lists.
    fn refers_to<'a>(&self, field: &'a Field) -> Vec<&'a str> {
        let item = |kind: &'a str| kind.strip_suffix('*').unwrap_or(kind);
        if self.revision == Revision::V1 && !field.kind.ends_with('*') {
            if field.kind == "enum" {
                return field.contains.as_deref().into_iter().collect();
            }
            if let Some(inner) = tuple(&field.kind) {
                return inner.split(',').map(item).collect();
            }
        }
        vec![item(&field.kind)]
    }

    fn text_alone(&self, name: &str) -> Result<String, Refusal> {
        let fields = self.fields(name)?;
        let quoted = |text: &str| match self.revision {
            Revision::V0 => text.to_owned(),
            Revision::V1 => format!("\"{text}\""),
        };
        let kind = |field: &Field| match (self.revision, field.kind.as_str(), &field.contains) {
            (Revision::V1, "enum", Some(variants)) => quoted(variants),
            (Revision::V1, "()", _) => "()".to_owned(),
            (_, kind, _) => match tuple(kind) {
                Some(inner) => {
                    let kinds: Vec<String> = inner.split(',').map(quoted).collect();
                    format!("({})", kinds.join(","))
                }
                None => quoted(kind),
            },
        };
        let fields: Vec<String> =
            fields.iter().map(|field| format!("{}:{}", quoted(&field.name), kind(field))).collect();
        Ok(format!("{}({})", quoted(name), fields.join(",")))
    }
}

/// The number of the variant `name`, and the types of its values.
pub(super) fn variant<'a>(
    variants: &'a [Field],
    name: &str,
) -> Result<(usize, Vec<&'a str>), Refusal> {
    let number = variants.iter().position(|variant| variant.name == name);
    let found = number.and_then(|number| Some((number, variants.get(number)?)));
    let (number, variant) =
        found.ok_or_else(|| Refusal(format!("there is no variant `{name}`")))?;
    let inner = tuple(&variant.kind);
    let inner = inner.ok_or_else(|| Refusal(format!("variant `{name}` has no list of types")))?;
    let kinds = if inner.is_empty() { Vec::new() } else { inner.split(',').collect() };
    Ok((number, kinds))
}

/// What stands between parentheses, if the type is a variant's.
fn tuple(kind: &str) -> Option<&str> {
    kind.strip_prefix('(')?.strip_suffix(')')
}

fn can_name_type(name: &str, revision: Revision) -> bool {
    let is_taken = BASIC_0.contains(&name)
        || revision == Revision::V1
            && (BASIC_1.contains(&name) || PRESETS.iter().any(|(preset, _)| *preset == name));
    let is_other = name.ends_with('*') || name.contains(',') || tuple(name).is_some();
    !is_taken && !is_other && is_plain(name, revision)
}

/// Whether the name cannot end itself in a type's text. Revision 0 writes names as they are;
/// revision 1 in quotes, which libraries do not escape.
fn is_plain(name: &str, revision: Revision) -> bool {
    let ends = |letter: char| match revision {
        Revision::V0 => "(),:".contains(letter),
        Revision::V1 => letter.is_control() || "\"\\".contains(letter),
    };
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(ends)
}

fn read_fields(name: &str, value: &Value, revision: Revision) -> Result<Rc<[Field]>, Refusal> {
    let list = value.as_array().filter(|list| list.len() <= FIELDS_MAX);
    let list = list
        .ok_or_else(|| Refusal(format!("type {name} is no list of at most {FIELDS_MAX} fields")))?;
    let mut names = BTreeSet::new();
    let fields = list.iter().map(|value| {
        let field = read_field(name, value, revision)?;
        if !names.insert(field.name.clone()) {
            return Err(Refusal(format!("{name} has a second field `{}`", field.name)));
        }
        Ok(field)
    });
    fields.collect()
}

fn read_field(owner: &str, value: &Value, revision: Revision) -> Result<Field, Refusal> {
    let part = |part: &str| match value.get(part) {
        None => Ok(None),
        Some(Value::String(text)) if is_plain(text, revision) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal(format!("a field of {owner} has a bad {part}"))),
    };
    let needed = |name: &str| {
        part(name)?.ok_or_else(|| Refusal(format!("a field of {owner} has no {name}")))
    };
    let field = Field { name: needed("name")?, kind: needed("type")?, contains: part("contains")? };
    let needs_content =
        field.kind == "merkletree" || field.kind == "enum" && revision == Revision::V1;
    let has_gap = |inner: &str| !inner.is_empty() && inner.split(',').any(str::is_empty);
    if tuple(&field.kind).is_some_and(has_gap) {
        return Err(format!("a type of `{}` of {owner} has no name", field.name).into());
    }
    match &field.contains {
        None if needs_content => {
            Err(format!("`{}` of {owner} does not say what it contains", field.name).into())
        }
        Some(leaf) if field.kind == "merkletree" && leaf.ends_with('*') => {
            Err(format!("the leaves of `{}` of {owner} are lists", field.name).into())
        }
        _ => Ok(field),
    }
}

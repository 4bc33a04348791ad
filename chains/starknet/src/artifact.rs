//! The build of the contract that is committed beside it.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Value, json};
use starknet_rs::core::types::{FlattenedSierraClass, contract::SierraClass};

use crate::{
    felt::{Felt, parse_hex},
    transaction::Declaration,
};

const ABOUT: &str = include_str!("../../../contracts/starknet/artifact/artifact.json");
const SIERRA: &str = include_str!("../../../contracts/starknet/artifact/Registry.sierra.json");

/// What this adapter uses of the build.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    class_hash: String,
    compiled_class_hash: String,
}

struct Hashes {
    class: Felt,
    compiled_class: Felt,
}

static HASHES: LazyLock<Hashes> =
    LazyLock::new(|| read().expect("the committed artifact is read by this crate's tests"));

fn read() -> Option<Hashes> {
    let about: About = serde_json::from_str(ABOUT).ok()?;
    let (class, compiled_class) =
        (parse_hex(&about.class_hash)?, parse_hex(&about.compiled_class_hash)?);
    Some(Hashes { class, compiled_class })
}

/// The class that a registry must have.
pub(crate) fn class_hash() -> Felt {
    HASHES.class
}

/// What declares the class. The hash of what it compiles to is the one of Starknet 0.14.1 and
/// later (SNIP-34).
pub(crate) fn declaration() -> Declaration {
    Declaration {
        class: Arc::new(class().expect("the committed artifact is read by this crate's tests")),
        class_hash: HASHES.class,
        compiled_class_hash: HASHES.compiled_class,
    }
}

fn class() -> Option<FlattenedSierraClass> {
    let mut class: Value = serde_json::from_str(SIERRA).ok()?;
    // No part of the class, left out of the artifact, and asked for by the type.
    class["sierra_program_debug_info"] =
        json!({ "type_names": [], "libfunc_names": [], "user_func_names": [] });
    serde_json::from_value::<SierraClass>(class).ok()?.flatten().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_has_the_hash_that_is_written_beside_it() {
        let declaration = declaration();
        assert_eq!(declaration.class.class_hash(), class_hash());
        assert_ne!(declaration.compiled_class_hash, Felt::ZERO);
    }
}

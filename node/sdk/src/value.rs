//! Values between Rust and storage: JSON, so that any language and tool can read them.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Key, env};

/// JSON of `value`.
///
/// # Panics
/// If the type cannot be JSON at all, such as a map with keys that are no text: a defect of the
/// application, which ends the call.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("a stored type can be written as JSON")
}

/// The value, or none with a log line: another member's node may have stored anything.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            env::log(&format!("a stored value is passed over: {error}"));
            None
        }
    }
}

/// The key, or none with a log line, for the same reason.
pub(crate) fn key<K: Key>(bytes: &[u8]) -> Option<K> {
    let key = K::from_key(bytes).ok();
    if key.is_none() {
        env::log("a stored key of another type is passed over");
    }
    key
}

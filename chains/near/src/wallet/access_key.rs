//! What the chain says of a key. Source: near.org, RPC "view_access_key"; NEP-413, "the key must be
//! a full-access key".
//!
//! An endpoint's word: the call has no proof. Whoever relies on it asks several endpoints, and asks
//! again, because a key may be deleted at any time.

use chain::verdict::Input;
use serde_json::Value;

use crate::{
    verdict,
    wire::{CryptoHash, Malformed, Reader},
};

/// Most bytes of method names in one key; the protocol's limit.
const METHODS_BYTES_MAX: usize = 2000;

/// A key that may do everything for its account, as one block has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullAccess {
    /// The last nonce that was used with it.
    pub nonce: u64,
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub block: CryptoHash,
}

/// Why a key is not known to be an account's full-access key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoAccess {
    /// It may only call some contract: any site can get such a key.
    #[error("the key has no full access")]
    Limited,
    /// The account has no such key.
    #[error("the account has no such key")]
    NoKey,
    /// There is no such account.
    #[error("there is no such account")]
    NoAccount,
    /// The endpoint says that it cannot tell.
    #[error("the endpoint does not answer: {0}")]
    Failed(String),
    /// The answer is not of the call's form.
    #[error("the answer about the key is malformed: {0}")]
    Malformed(String),
}

/// What a key may do, in borsh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission<'a> {
    /// Call one contract.
    FunctionCall {
        /// Most yoctoNEAR for fees; `None` is any.
        allowance: Option<u128>,
        /// Which contract. Any text: old keys name what is no account.
        receiver_id: &'a str,
        /// Which methods; none means all.
        method_names: Vec<&'a str>,
    },
    /// Everything.
    Full,
}

impl NoAccess {
    /// Whether the chain itself says no, so that asking again about that block cannot help.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Limited | Self::NoKey | Self::NoAccount)
    }
}

impl FullAccess {
    /// Reads the answer to `query` with `view_access_key`; the caller asked about a final block.
    ///
    /// # Errors
    /// [`NoAccess`].
    pub fn from_response(response: &Value) -> Result<Self, NoAccess> {
        if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
            return Err(refusal(error));
        }
        let malformed = |error: chain::verdict::Refusal| NoAccess::Malformed(error.0);
        let result = Input(response).object("result").map_err(malformed)?;
        if result.has("error") {
            // Before 2021 endpoints put the error here, as a sentence.
            return Err(old_refusal(result.text("error").map_err(malformed)?));
        }
        // First, so that a malformed limited key is a limited key.
        if result.value("permission").map_err(malformed)? != "FullAccess" {
            return Err(NoAccess::Limited);
        }
        Ok(Self {
            nonce: result.u64("nonce").map_err(malformed)?,
            height: result.u64("block_height").map_err(malformed)?,
            block: verdict::hash(result, "block_hash").map_err(malformed)?,
        })
    }
}

fn refusal(error: &Value) -> NoAccess {
    let cause = error.get("cause").and_then(|cause| cause.get("name")).and_then(Value::as_str);
    match cause {
        Some("UNKNOWN_ACCESS_KEY") => NoAccess::NoKey,
        Some("UNKNOWN_ACCOUNT") => NoAccess::NoAccount,
        Some(name) => NoAccess::Failed(name.chars().take(80).collect()),
        None => NoAccess::Failed("it names no cause".to_owned()),
    }
}

fn old_refusal(text: &str) -> NoAccess {
    if text.starts_with("access key ") && text.contains(" does not exist") {
        NoAccess::NoKey
    } else {
        NoAccess::Failed(text.chars().take(80).collect())
    }
}

impl<'a> Permission<'a> {
    /// Refuses what NEP-611 adds (keys with a balance): nothing here gives or takes such keys.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => {
                let allowance = reader.option(Reader::u128)?;
                let receiver_id = reader.text(METHODS_BYTES_MAX)?;
                let count = reader.count(METHODS_BYTES_MAX)?;
                let names = (0..count).map(|_| reader.text(METHODS_BYTES_MAX));
                let method_names = names.collect::<Result<_, _>>()?;
                Ok(Self::FunctionCall { allowance, receiver_id, method_names })
            }
            1 => Ok(Self::Full),
            _ => Err(Malformed("permission")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(permission: &Value) -> Value {
        let block = CryptoHash::of(b"block").to_string();
        let result = json!({
            "nonce": 5, "permission": permission, "block_height": 7, "block_hash": block,
        });
        json!({"jsonrpc": "2.0", "id": 1, "result": result})
    }

    #[test]
    fn full_access_is_read_with_its_block() {
        let expected = FullAccess { nonce: 5, height: 7, block: CryptoHash::of(b"block") };
        assert_eq!(FullAccess::from_response(&answer(&json!("FullAccess"))), Ok(expected));
    }

    #[test]
    fn every_other_permission_is_limited() {
        let call = json!({"allowance": null, "receiver_id": "a.near", "method_names": []});
        let gas = json!({"balance": "1", "num_nonces": 1});
        for permission in [
            json!("fullaccess"),
            json!("FullAccess "),
            json!(null),
            json!({"FullAccess": {}}),
            json!(["FullAccess"]),
            json!({"FunctionCall": call}),
            json!({"GasKeyFullAccess": gas}),
            json!({"GasKeyFunctionCall": [gas, call]}),
        ] {
            let found = FullAccess::from_response(&answer(&permission));
            assert_eq!(found, Err(NoAccess::Limited), "{permission}");
        }
    }

    #[test]
    fn refusals_are_told_apart_from_failures() {
        let check = |response: Value, expected: &NoAccess| {
            let found = FullAccess::from_response(&response);
            assert_eq!(found.as_ref().err(), Some(expected), "{response}");
        };
        let cause = |name: &str| json!({"error": {"cause": {"name": name}}});
        check(cause("UNKNOWN_ACCESS_KEY"), &NoAccess::NoKey);
        check(cause("UNKNOWN_ACCOUNT"), &NoAccess::NoAccount);
        check(cause("NO_SYNCED_BLOCKS"), &NoAccess::Failed("NO_SYNCED_BLOCKS".to_owned()));
        check(json!({"error": "x"}), &NoAccess::Failed("it names no cause".to_owned()));
        let old = "access key ed25519:1 does not exist while viewing";
        check(json!({"result": {"error": old}}), &NoAccess::NoKey);
        check(json!({"result": {"error": "busy"}}), &NoAccess::Failed("busy".to_owned()));
        // An answer beside an error is none.
        let mut both = answer(&json!("FullAccess"));
        both["error"] = json!({"cause": {"name": "UNKNOWN_ACCESS_KEY"}});
        check(both, &NoAccess::NoKey);
        let mut cut = answer(&json!("FullAccess"));
        cut["result"]["block_hash"] = json!("1");
        let found = FullAccess::from_response(&cut);
        assert!(matches!(&found, Err(error @ NoAccess::Malformed(_)) if !error.is_final()));
    }
}

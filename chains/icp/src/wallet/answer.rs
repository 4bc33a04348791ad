//! What a wallet's page hands back: JSON as the Internet Computer's own library writes keys and
//! delegations. Source: `toJSON` of `DelegationChain` in @icp-sdk/core.

use chain::WalletError;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use super::{
    delegation::{Delegation, DelegationChain, SignedDelegation},
    envelope::Envelope,
};
use crate::{Principal, UnixNanos};

/// Most characters: every byte of the longest envelope is two digits, and names come on top.
const ANSWER_CHARS_MAX: usize = 48 << 10;

// Other names are refused: `permissions`, which the library knows, limits a delegation to queries,
// and one that is not known here may limit it in any other way.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Json {
    public_key: String,
    #[serde(default)]
    delegations: Vec<SignedJson>,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedJson {
    delegation: DelegationJson,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DelegationJson {
    pubkey: String,
    expiration: String,
    targets: Option<Vec<String>>,
}

/// Reads an answer, and looks at none of what it says.
pub(super) fn read(answer: &str) -> Result<Envelope, WalletError> {
    if answer.len() > ANSWER_CHARS_MAX {
        return Err(WalletError::Malformed { what: "length" });
    }
    let json: Json =
        serde_json::from_str(answer).map_err(|_| WalletError::Malformed { what: "JSON" })?;
    let hops = json.delegations.iter().map(hop).collect::<Result<_, _>>()?;
    let chain = DelegationChain { key: bytes(&json.public_key, "public key")?, hops };
    Ok(Envelope { chain, signature: bytes(&json.signature, "signature")? })
}

fn hop(json: &SignedJson) -> Result<SignedDelegation, WalletError> {
    let malformed = |what| WalletError::Malformed { what };
    let DelegationJson { pubkey, expiration, targets } = &json.delegation;
    let target = |digits: &String| {
        let target = Principal::from_bytes(&bytes(digits, "target")?);
        target.map_err(|_| malformed("target"))
    };
    let targets = targets.as_ref().map(|targets| targets.iter().map(target).collect());
    // `from_str_radix` alone would take a plus sign.
    let is_number = expiration.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u64::from_str_radix(expiration, 16).ok().filter(|_| is_number);
    let delegation = Delegation {
        key: bytes(pubkey, "key of a delegation")?,
        expiration: UnixNanos(number.ok_or(malformed("expiration"))?),
        targets: targets.transpose()?,
    };
    Ok(SignedDelegation { delegation, signature: bytes(&json.signature, "signature")? })
}

fn bytes(digits: &str, what: &'static str) -> Result<Vec<u8>, WalletError> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits).as_bytes();
    HEXLOWER_PERMISSIVE.decode(digits).map_err(|_| WalletError::Malformed { what })
}

#[cfg(test)]
mod tests;

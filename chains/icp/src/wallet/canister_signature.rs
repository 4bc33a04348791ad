//! Canister signatures: a canister certifies that it signed a message, and the network certifies
//! what the canister certifies. Internet Identity signs like this.
//! Source: IC interface specification, "Canister signatures".

use super::key::{BadKey, BadSignature};
use crate::{
    Principal, UnixNanos,
    hash::sha256,
    proof::{
        BadWitness, Lookup, RootKey, Scope,
        cbor::{self, BadCbor, Reader},
        certificate, witness,
    },
};

/// Which canister signs, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanisterKey {
    /// The canister.
    pub canister: Principal,
    /// What it calls the user, in bytes of its own making.
    pub seed: Vec<u8>,
}

/// What a canister signature shows beside its holding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanisterSigned {
    /// When the network certified it, if the certificate shows that. It does not limit the
    /// signature, which holds for ever.
    pub certified_at: Option<UnixNanos>,
}

impl CanisterKey {
    /// Reads `length ‖ canister ‖ seed`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BadKey> {
        let (len, rest) = bytes.split_first().ok_or(BadKey::Canister)?;
        let (canister, seed) = rest.split_at_checked((*len).into()).ok_or(BadKey::Canister)?;
        let canister = Principal::from_bytes(canister).map_err(|_| BadKey::Canister)?;
        // The management canister is no canister, and in no subnet's ranges.
        if canister.as_bytes().is_empty() {
            return Err(BadKey::Canister);
        }
        Ok(Self { canister, seed: seed.to_vec() })
    }
}

/// Whether the canister signed `message` for its seed, under `root`.
///
/// # Errors
/// [`BadSignature`].
pub fn canister_signature(
    key: &CanisterKey,
    message: &[u8],
    signature: &[u8],
    root: &RootKey,
) -> Result<CanisterSigned, BadSignature> {
    let mut reader = Reader::tagged(signature)?;
    let [proof, tree] = reader.fields(["certificate", "tree"])?;
    reader.end()?;
    let proof = cbor::bytes(proof, "certificate")?;
    let certified = certificate(proof, root, Scope::Canister(key.canister))?;
    let tree = witness(&certified, tree.ok_or(BadCbor::NoKey("tree"))?)?;
    let path: [&[u8]; 3] = [b"sig", &sha256(&[&key.seed]), &sha256(&[message])];
    match tree.lookup(&path) {
        Lookup::Found([]) => Ok(CanisterSigned { certified_at: certified.time().ok() }),
        Lookup::Found(_) | Lookup::Absent | Lookup::Unknown | Lookup::Error => {
            Err(BadSignature::NotSigned)
        }
    }
}

impl From<BadWitness> for BadSignature {
    fn from(error: BadWitness) -> Self {
        match error {
            BadWitness::Certificate(error) => Self::Certificate(error),
            BadWitness::Tree(error) => Self::Tree(error),
            BadWitness::OtherTree => Self::OtherTree,
        }
    }
}

#[cfg(test)]
mod tests;

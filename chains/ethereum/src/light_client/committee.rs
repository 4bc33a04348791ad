//! A sync committee's signature. Source: consensus-specs, Altair, `validate_light_client_update`;
//! IETF BLS signatures, minimal public keys, proof of possession.

use alloy::primitives::B256;
use blst::{
    BLST_ERROR,
    min_pk::{AggregatePublicKey, PublicKey, Signature},
};
use tree_hash::TreeHash as _;

use super::{
    containers::{BeaconHeader, CommitteeBytes, SignatureBytes},
    parent,
};

/// Domain separation of the signature scheme.
pub(super) const SCHEME: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
/// `DOMAIN_SYNC_COMMITTEE`.
const DOMAIN_KIND: [u8; 4] = [7, 0, 0, 0];

/// A committee whose keys are points of the group, none the identity, and sum up as it says.
#[derive(Clone, Debug)]
pub(super) struct Committee {
    keys: Vec<PublicKey>,
    pub(super) root: B256,
}

/// Why a committee's signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignature {
    /// A key is no point of the group, or the identity.
    #[error("a key of the committee is none")]
    Key,
    /// The committee's aggregate key is not the sum of its keys.
    #[error("the aggregate key of the committee is not the sum of its keys")]
    Aggregate,
    /// The signature is no point of the group, or not of those who are said to have signed.
    #[error("the committee did not sign this")]
    Signature,
}

impl Committee {
    pub(super) fn new(bytes: &CommitteeBytes) -> Result<Self, BadSignature> {
        let keys = bytes.keys.iter().map(|key| PublicKey::key_validate(key.as_slice()));
        let keys = keys.collect::<Result<Vec<_>, BLST_ERROR>>().map_err(|_| BadSignature::Key)?;
        let all: Vec<&PublicKey> = keys.iter().collect();
        let sum = AggregatePublicKey::aggregate(&all, false).map_err(|_| BadSignature::Key)?;
        if sum.to_public_key().compress() != bytes.aggregate.0 {
            return Err(BadSignature::Aggregate);
        }
        Ok(Self { keys, root: bytes.root })
    }

    /// Whether the members at `bits` signed `header` under this fork of this network.
    pub(super) fn check(
        &self,
        bits: &[bool],
        signature: &SignatureBytes,
        header: &BeaconHeader,
        version: [u8; 4],
        genesis_validators_root: &B256,
    ) -> Result<(), BadSignature> {
        let signers = self.keys.iter().zip(bits).filter(|(_, bit)| **bit).map(|(key, _)| key);
        let signers: Vec<&PublicKey> = signers.collect();
        if signers.is_empty() || bits.len() != self.keys.len() {
            return Err(BadSignature::Signature);
        }
        let signature = Signature::sig_validate(signature.as_slice(), true)
            .map_err(|_| BadSignature::Signature)?;
        let domain = domain(version, genesis_validators_root);
        let message = parent(&header.tree_hash_root(), &domain);
        // Keys were looked at when the committee was made, the signature just now.
        let result = signature.fast_aggregate_verify(false, message.as_slice(), SCHEME, &signers);
        if result == BLST_ERROR::BLST_SUCCESS { Ok(()) } else { Err(BadSignature::Signature) }
    }
}

/// `compute_domain`.
pub(super) fn domain(version: [u8; 4], genesis_validators_root: &B256) -> B256 {
    let version = B256::right_padding_from(&version);
    let fork_data = parent(&version, genesis_validators_root);
    let mut domain = B256::right_padding_from(&DOMAIN_KIND);
    domain.0.iter_mut().skip(4).zip(fork_data).for_each(|(to, from)| *to = from);
    domain
}

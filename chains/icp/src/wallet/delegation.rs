//! Delegations: a key lets another one sign for it, for a time, and perhaps for certain canisters.
//! Source: IC interface specification, "Authentication".

use std::collections::BTreeSet;

use super::{
    key::{BadKey, BadSignature, PublicKey, Trust},
    request_id::{Content, request_id},
};
use crate::{Principal, UnixNanos};

/// Most delegations in a chain.
const HOPS_MAX: usize = 20;
/// Most canisters in one delegation.
const TARGETS_MAX: usize = 1000;
/// Stands before a delegation's hash when it is signed.
const DOMAIN: &[u8] = b"\x1aic-request-auth-delegation";

/// A key, and those to which it hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationChain {
    /// The first key, in DER: its principal is who acts.
    pub key: Vec<u8>,
    /// One after the other; none if the first key signs itself.
    pub hops: Vec<SignedDelegation>,
}

/// A delegation, signed with the key before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDelegation {
    /// What is signed.
    pub delegation: Delegation,
    /// By what the key before it signs with.
    pub signature: Vec<u8>,
}

/// What a key allows another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The other key, in DER.
    pub key: Vec<u8>,
    /// The first moment at which it is over.
    pub expiration: UnixNanos,
    /// The only canisters that it is for, if it is not for all.
    pub targets: Option<Vec<Principal>>,
}

/// What a chain comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who acts.
    pub principal: Principal,
    /// Which key signs for it.
    pub key: PublicKey,
    /// When the first of its delegations is over; never if there is none.
    pub expiration: Option<UnixNanos>,
    /// The canisters that all of its delegations are for, if not all canisters.
    pub targets: Option<BTreeSet<Principal>>,
}

/// Why a chain lets nobody sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadDelegation {
    /// Too many.
    #[error("a chain has at most {HOPS_MAX} delegations")]
    TooLong,
    /// Too many.
    #[error("delegation {hop} has more than {TARGETS_MAX} targets")]
    TooManyTargets {
        /// Counted from 1.
        hop: usize,
    },
    /// One of the keys is none.
    #[error("key {hop} of the chain: {source}")]
    Key {
        /// Counted from 0, the first key.
        hop: usize,
        /// What is wrong with it.
        source: BadKey,
    },
    /// A chain that comes back to itself.
    #[error("key {hop} of the chain stands in it twice")]
    Cycle {
        /// Counted from 0, the first key.
        hop: usize,
    },
    /// It is over.
    #[error("delegation {hop} expired at {expiration} ns")]
    Expired {
        /// Counted from 1.
        hop: usize,
        /// In nanoseconds since the Unix epoch.
        expiration: u64,
    },
    /// Not signed by the key before it.
    #[error("delegation {hop}: {source}")]
    Signature {
        /// Counted from 1.
        hop: usize,
        /// What is wrong with it.
        source: BadSignature,
    },
}

impl Delegation {
    /// What is signed.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut fields = vec![
            ("pubkey", Content::Blob((&self.key).into())),
            ("expiration", Content::Nat(self.expiration.0.into())),
        ];
        if let Some(targets) = &self.targets {
            let targets = targets.iter().map(|target| Content::Blob(target.as_bytes().into()));
            fields.push(("targets", Content::Array(targets.collect())));
        }
        [DOMAIN, &request_id(&fields)].concat()
    }
}

impl DelegationChain {
    /// Who may sign for whom at `now`.
    ///
    /// Signatures, which cost most, are looked at last.
    ///
    /// # Errors
    /// [`BadDelegation`].
    pub fn verify(&self, now: UnixNanos, trust: &Trust) -> Result<Session, BadDelegation> {
        self.check_terms(now)?;
        let parse = |hop: usize, der: &[u8]| {
            PublicKey::from_der(der).map_err(|source| BadDelegation::Key { hop, source })
        };
        let mut key = parse(0, &self.key)?;
        let principal = key.principal();
        for (hop, signed) in (1..).zip(&self.hops) {
            let next = parse(hop, &signed.delegation.key)?;
            key.verify(&signed.delegation.signed_bytes(), &signed.signature, trust)
                .map_err(|source| BadDelegation::Signature { hop, source })?;
            key = next;
        }
        let expiration = self.hops.iter().map(|signed| signed.delegation.expiration).min();
        Ok(Session { principal, key, expiration, targets: self.targets() })
    }

    /// Whether one of the keys is a canister, whose word rests on the root key.
    pub(super) fn needs_root_key(&self) -> bool {
        let others = self.hops.iter().map(|hop| &hop.delegation.key);
        let mut keys = core::iter::once(&self.key).chain(others);
        keys.any(|der| PublicKey::from_der(der).is_ok_and(|key| key.is_canister()))
    }

    /// Everything but keys and signatures.
    fn check_terms(&self, now: UnixNanos) -> Result<(), BadDelegation> {
        if self.hops.len() > HOPS_MAX {
            return Err(BadDelegation::TooLong);
        }
        let mut seen = BTreeSet::from([&self.key]);
        for (hop, SignedDelegation { delegation, .. }) in (1..).zip(&self.hops) {
            if delegation.targets.as_ref().is_some_and(|targets| targets.len() > TARGETS_MAX) {
                return Err(BadDelegation::TooManyTargets { hop });
            }
            if !seen.insert(&delegation.key) {
                return Err(BadDelegation::Cycle { hop });
            }
            if now >= delegation.expiration {
                return Err(BadDelegation::Expired { hop, expiration: delegation.expiration.0 });
            }
        }
        Ok(())
    }

    /// The intersection of all that have targets.
    fn targets(&self) -> Option<BTreeSet<Principal>> {
        let sets = self.hops.iter().filter_map(|signed| signed.delegation.targets.as_ref());
        let sets = sets.map(|targets| targets.iter().copied().collect::<BTreeSet<_>>());
        sets.reduce(|all, targets| &all & &targets)
    }
}

impl Session {
    /// Whether it may act at `canister`; `None` stands for what is no canister at all.
    pub fn is_for(&self, canister: Option<Principal>) -> bool {
        let targets = self.targets.as_ref();
        targets.is_none_or(|targets| canister.is_some_and(|canister| targets.contains(&canister)))
    }
}

#[cfg(test)]
mod tests;

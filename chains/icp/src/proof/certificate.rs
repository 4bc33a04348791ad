//! Certificates: what a subnet's nodes agreed on, signed with the subnet's key, which the root key
//! vouches for. Source: IC interface specification, "Certification", "Canister ranges", "Time".

use super::{
    bls::{BadBls, BlsKey, RootKey},
    cbor::{self, BadCbor, Reader},
    hash_tree::{BadTree, HashTree, Lookup},
};
use crate::{BadPrincipal, Principal, UnixNanos};

/// Most bytes: an answer of a canister has at most 2 MiB, and is in it once.
const CERTIFICATE_BYTES_MAX: usize = 4 << 20;
/// How far a certificate's time may be from the reader's, in nanoseconds, as the Internet
/// Computer's own clients have it.
pub const AGE_MAX_NS: u64 = 5 * 60 * 1_000_000_000;

/// What a certificate is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A canister: it must be one of those that the subnet may speak for.
    Canister(Principal),
    /// The subnet itself. Says nothing about any canister, so that no subnet can speak for
    /// another one's.
    Subnet,
}

/// A certificate that the root key stands behind. There is no other way to one than
/// [`certificate`].
#[derive(Clone, Debug)]
pub struct Certified<'a> {
    tree: HashTree<'a>,
    root_hash: [u8; 32],
    subnet: Option<Principal>,
    scope: Scope,
}

/// Why a certificate proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadCertificate {
    /// Not the structure of one.
    #[error(transparent)]
    Encoding(#[from] BadCbor),
    /// Its tree, or that of its delegation, is none.
    #[error(transparent)]
    Tree(#[from] BadTree),
    /// A subnet or a range is no principal.
    #[error(transparent)]
    Principal(#[from] BadPrincipal),
    /// Too many bytes.
    #[error("the certificate has more than {CERTIFICATE_BYTES_MAX} bytes")]
    TooLarge,
    /// Not by the subnet, or not vouched for by the root key.
    #[error("{of}: {source}")]
    Signature {
        /// Which certificate.
        of: &'static str,
        /// What is wrong.
        source: BadBls,
    },
    /// A delegation is by the root subnet itself, or it could go on for ever.
    #[error("the certificate of the delegation has a delegation itself")]
    NestedDelegation,
    /// The root subnet says nothing about what the subnet may speak for.
    #[error("the delegation does not say which canisters subnet {subnet} has")]
    NoRanges {
        /// Which.
        subnet: Principal,
    },
    /// Another subnet's canister.
    #[error("canister {canister} is not in the ranges of subnet {subnet}")]
    OtherSubnet {
        /// Asked about.
        canister: Principal,
        /// Who signed.
        subnet: Principal,
    },
    /// The tree has no such value, or does not show it.
    #[error("the certificate has no {what}: {why}")]
    NoValue {
        /// What was looked for.
        what: &'static str,
        /// What the tree says instead.
        why: &'static str,
    },
    /// A value is not of its form.
    #[error("the {what} in the certificate is malformed")]
    Malformed {
        /// Which.
        what: &'static str,
    },
    /// Older than it may be.
    #[error("the certificate is of {time} ns, more than {age_max_ns} ns ago")]
    Stale {
        /// Of when it is, in nanoseconds since the Unix epoch.
        time: u64,
        /// How old it may be.
        age_max_ns: u64,
    },
    /// From the future.
    #[error("the certificate is of {time} ns, which is yet to come")]
    Future {
        /// Of when it is, in nanoseconds since the Unix epoch.
        time: u64,
    },
    /// It was checked for the subnet, or for another canister.
    #[error("the certificate was not checked for a canister")]
    NoCanister,
}

/// Checks a certificate under `root`; without a delegation the root key itself must have signed.
///
/// Looks at no clock: who wants news calls [`Certified::check_age`].
///
/// # Errors
/// [`BadCertificate`].
pub fn certificate<'a>(
    bytes: &'a [u8],
    root: &RootKey,
    scope: Scope,
) -> Result<Certified<'a>, BadCertificate> {
    let raw = Raw::parse(bytes)?;
    let Some(delegation) = raw.delegation else {
        let of = "the certificate, under the root key";
        return raw.checked(root.key(), of, None, scope);
    };
    let (subnet, proof) = read_delegation(delegation)?;
    let proof = Raw::parse(proof)?;
    if proof.delegation.is_some() {
        return Err(BadCertificate::NestedDelegation);
    }
    let of = "the delegation, under the root key";
    let proof = proof.checked(root.key(), of, None, Scope::Subnet)?;
    let key = proof.value(&[b"subnet", subnet.as_bytes(), b"public_key"], "key of the subnet")?;
    let key = BlsKey::from_der(key)
        .map_err(|source| BadCertificate::Signature { of: "the key of the subnet", source })?;
    if let Scope::Canister(canister) = scope {
        check_range(&proof.tree, subnet, canister)?;
    }
    raw.checked(&key, "the certificate, under the key of the subnet", Some(subnet), scope)
}

/// The parts of a certificate, not checked.
struct Raw<'a> {
    tree: HashTree<'a>,
    signature: &'a [u8],
    delegation: Option<&'a [u8]>,
}

impl<'a> Raw<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, BadCertificate> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(BadCertificate::TooLarge);
        }
        let mut reader = Reader::described(bytes);
        let [tree, signature, delegation] = reader.fields(["tree", "signature", "delegation"])?;
        reader.end()?;
        let tree = HashTree::parse(tree.ok_or(BadCbor::NoKey("tree"))?)?;
        Ok(Self { tree, signature: cbor::bytes(signature, "signature")?, delegation })
    }

    fn checked(
        self,
        key: &BlsKey,
        of: &'static str,
        subnet: Option<Principal>,
        scope: Scope,
    ) -> Result<Certified<'a>, BadCertificate> {
        let root_hash = self.tree.digest();
        let message = [&b"\x0dic-state-root"[..], &root_hash].concat();
        key.verify(&message, self.signature)
            .map_err(|source| BadCertificate::Signature { of, source })?;
        Ok(Certified { tree: self.tree, root_hash, subnet, scope })
    }
}

fn read_delegation(bytes: &[u8]) -> Result<(Principal, &[u8]), BadCertificate> {
    let mut reader = Reader::new(bytes);
    let [subnet, proof] = reader.fields(["subnet_id", "certificate"])?;
    reader.end()?;
    let subnet = Principal::from_bytes(cbor::bytes(subnet, "subnet_id")?)?;
    Ok((subnet, cbor::bytes(proof, "certificate")?))
}

/// Whether the root subnet says that `subnet` has `canister`. It does so in pieces, of which one
/// is enough, or, in certificates before 2025, all at once.
fn check_range(
    tree: &HashTree<'_>,
    subnet: Principal,
    canister: Principal,
) -> Result<(), BadCertificate> {
    let mut ranges = tree.values(&[b"canister_ranges", subnet.as_bytes()]);
    let path: [&[u8]; 3] = [b"subnet", subnet.as_bytes(), b"canister_ranges"];
    if let Lookup::Found(value) = tree.lookup(&path) {
        ranges.push(value);
    }
    if ranges.is_empty() {
        return Err(BadCertificate::NoRanges { subnet });
    }
    for range in ranges {
        if has(range, canister)? {
            return Ok(());
        }
    }
    Err(BadCertificate::OtherSubnet { canister, subnet })
}

/// Whether one of the closed ranges has `canister`. Ids of another length are in none, however
/// they compare.
fn has(ranges: &[u8], canister: Principal) -> Result<bool, BadCertificate> {
    let mut reader = Reader::described(ranges);
    let mut is_in = false;
    for _ in 0..reader.array()? {
        if reader.array()? != 2 {
            return Err(BadCertificate::Malformed { what: "canister range" });
        }
        let low = Principal::from_bytes(reader.bytes()?)?;
        let high = Principal::from_bytes(reader.bytes()?)?;
        let len = canister.as_bytes().len();
        let comparable = low.as_bytes().len() == len && high.as_bytes().len() == len;
        is_in |= comparable && (low..=high).contains(&canister);
    }
    reader.end()?;
    Ok(is_in)
}

/// A list of principals as state trees hold them; there are no more of them than bytes.
pub(crate) fn principals(bytes: &[u8]) -> Result<Vec<Principal>, BadCertificate> {
    let mut reader = Reader::described(bytes);
    let mut principals = Vec::new();
    for _ in 0..reader.array()? {
        principals.push(Principal::from_bytes(reader.bytes()?)?);
    }
    reader.end()?;
    Ok(principals)
}

impl<'a> Certified<'a> {
    /// Names the state that it is about.
    pub const fn root_hash(&self) -> &[u8; 32] {
        &self.root_hash
    }

    /// Whose nodes signed; `None` if it was the root subnet.
    pub const fn subnet(&self) -> Option<Principal> {
        self.subnet
    }

    /// What it says about `path`.
    pub fn lookup<P: AsRef<[u8]>>(&self, path: &[P]) -> Lookup<'a> {
        self.tree.lookup(path)
    }

    /// Of when it is.
    ///
    /// # Errors
    /// [`BadCertificate::NoValue`], [`BadCertificate::Malformed`].
    pub fn time(&self) -> Result<UnixNanos, BadCertificate> {
        let what = "time";
        leb128(self.value(&[b"time"], what)?, what).map(UnixNanos)
    }

    /// Of when it is, if that is at most `age_max_ns` before `now`, and at most as much or five
    /// minutes after it.
    ///
    /// # Errors
    /// [`BadCertificate::Stale`], [`BadCertificate::Future`], and as for [`Certified::time`].
    pub fn check_age(&self, now: UnixNanos, age_max_ns: u64) -> Result<UnixNanos, BadCertificate> {
        let time = self.time()?;
        if now.0.saturating_sub(time.0) > age_max_ns {
            return Err(BadCertificate::Stale { time: time.0, age_max_ns });
        }
        if time.0.saturating_sub(now.0) > age_max_ns.min(AGE_MAX_NS) {
            return Err(BadCertificate::Future { time: time.0 });
        }
        Ok(time)
    }

    /// The 32 bytes that the canister in its scope stands for.
    ///
    /// # Errors
    /// [`BadCertificate::NoCanister`], [`BadCertificate::NoValue`]; [`BadCertificate::Malformed`]
    /// if the canister certifies fewer bytes.
    pub fn certified_data(&self) -> Result<&'a [u8; 32], BadCertificate> {
        let what = "certified data";
        let canister = self.canister()?;
        let data = self.value(&[b"canister", canister.as_bytes(), b"certified_data"], what)?;
        data.try_into().map_err(|_| BadCertificate::Malformed { what })
    }

    /// The canister in its scope.
    pub(super) const fn canister(&self) -> Result<Principal, BadCertificate> {
        match self.scope {
            Scope::Canister(canister) => Ok(canister),
            Scope::Subnet => Err(BadCertificate::NoCanister),
        }
    }

    /// The value at `path`, which must be there; errors call it `what`.
    pub(super) fn value(
        &self,
        path: &[&[u8]],
        what: &'static str,
    ) -> Result<&'a [u8], BadCertificate> {
        match self.lookup(path) {
            Lookup::Found(value) => Ok(value),
            nothing => Err(BadCertificate::NoValue { what, why: nothing.name() }),
        }
    }
}

impl Lookup<'_> {
    /// The name in statements.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

/// A number in the shortest form of unsigned LEB128.
pub(crate) fn leb128(bytes: &[u8], what: &'static str) -> Result<u64, BadCertificate> {
    let malformed = BadCertificate::Malformed { what };
    let (last, rest) = bytes.split_last().ok_or(malformed)?;
    let is_shortest = *last < 0x80 && (*last > 0 || rest.is_empty());
    if !is_shortest || bytes.len() > 10 || rest.iter().any(|byte| *byte < 0x80) {
        return Err(malformed);
    }
    let group = |number: u64, byte: &u8| {
        let shifted = number.checked_mul(0x80)?;
        Some(shifted | u64::from(byte & 0x7f))
    };
    bytes.iter().rev().try_fold(0, group).ok_or(malformed)
}

#[cfg(test)]
mod tests;

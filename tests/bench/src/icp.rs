//! What certificates and delegations of the Internet Computer cost to check, beside the bare
//! signatures in them.

use std::hint::black_box;

use anyhow::{Context as _, Result, bail};
use candid::{CandidType, Encode};
use devnet_icp::{Call, InstallMode, Replica, ReplicaConfig};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use icp::{
    Principal, UnixNanos,
    proof::{RootKey, Scope, certificate},
    wallet::{Delegation, DelegationChain, SignedDelegation, Trust},
};
use serde::Deserialize;

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
};

const REGISTRY: &[u8] = include_bytes!("../../../contracts/icp/artifact/registry.wasm");
/// Before an Ed25519 key in DER. Source: RFC 8410, §4.
const ED25519_DER: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// What the registry says about a record.
#[derive(CandidType, Deserialize)]
struct Certified {
    certificate: Option<Vec<u8>>,
}

/// A certificate with its delegation, and what it takes to check both.
struct Scene {
    bytes: Vec<u8>,
    root: RootKey,
    scope: Scope,
    /// The delegation's own certificate.
    delegation: Vec<u8>,
}

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let samples = scale.pick(200, 20);
    let scene = Scene::new()?;
    Ok(vec![scene.with_delegation(samples)?, scene.without(samples)?, chain(samples)?])
}

impl Scene {
    fn new() -> Result<Self> {
        let mut replica = Replica::new(ReplicaConfig::default());
        let nobody = candid::Principal::anonymous();
        let refused = |error| anyhow::anyhow!("the replica refused: {error:?}");
        let canister = replica.create_canister(&[nobody]).map_err(refused)?;
        let arg = Encode!(&None::<u8>)?;
        let installed = replica.install(canister, InstallMode::Install, REGISTRY, &arg, nobody);
        installed.map_err(refused)?;
        let (method, arg) = ("head".to_owned(), Encode!(&vec![7_u8; 32])?);
        let answer = replica.query(&Call { canister, sender: nobody, method, arg });
        let answer: Certified = candid::decode_one(&answer.map_err(refused)?.reply)?;
        let bytes = answer.certificate.context("a query has one")?;
        let delegation = bytes_after(&bytes, "certificate")?;
        let scope = Scope::Canister(Principal::from_bytes(canister.as_slice())?);
        Ok(Self { bytes, root: RootKey::from_bytes(replica.root_key())?, scope, delegation })
    }

    /// What the root key signed, and its signature.
    fn signed(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let whole = certificate(&self.delegation, &self.root, Scope::Subnet)?;
        let message = [&b"\x0dic-state-root"[..], whole.root_hash()].concat();
        Ok((message, bytes_after(&self.delegation, "signature")?))
    }

    fn with_delegation(&self, samples: usize) -> Result<Row> {
        let (message, signature) = self.signed()?;
        let (mut ours, mut theirs) = <(Sample, Sample)>::default();
        for _ in 0..samples {
            ours.time(|| {
                drop(certificate(black_box(&self.bytes), &self.root, self.scope)?);
                Ok(())
            })?;
            theirs.time(|| {
                (0..2).try_for_each(|_| {
                    Ok(self.root.key().verify(black_box(&message), black_box(&signature))?)
                })
            })?;
        }
        Ok(row("certificate with a delegation", "two BLS12-381 verifications", ours, theirs))
    }

    fn without(&self, samples: usize) -> Result<Row> {
        let (message, signature) = self.signed()?;
        let (mut ours, mut theirs) = <(Sample, Sample)>::default();
        for _ in 0..samples {
            ours.time(|| {
                let bytes = black_box(&self.delegation);
                drop(certificate(bytes, &self.root, Scope::Subnet)?);
                Ok(())
            })?;
            theirs.time(|| {
                Ok(self.root.key().verify(black_box(&message), black_box(&signature))?)
            })?;
        }
        Ok(row("certificate of the root subnet", "one BLS12-381 verification", ours, theirs))
    }
}

fn chain(samples: usize) -> Result<Row> {
    let secrets: Vec<SigningKey> =
        (1..=4).map(|byte| SigningKey::from_bytes(&[byte; 32])).collect();
    let der = |key: &SigningKey| [ED25519_DER, key.verifying_key().as_bytes()].concat();
    let mut hops = Vec::new();
    let mut bare = Vec::new();
    for pair in secrets.windows(2) {
        let [by, to] = pair else { bail!("not a pair") };
        let delegation =
            Delegation { key: der(to), expiration: UnixNanos(u64::MAX), targets: None };
        let message = delegation.signed_bytes();
        let signature = by.sign(&message);
        bare.push((by.verifying_key().to_bytes(), message, signature));
        hops.push(SignedDelegation { delegation, signature: signature.to_bytes().to_vec() });
    }
    let first = secrets.first().context("a key")?;
    let chain = DelegationChain { key: der(first), hops };
    let trust = Trust::default();
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        ours.time(|| {
            drop(black_box(&chain).verify(UnixNanos(0), &trust)?);
            Ok(())
        })?;
        theirs.time(|| signatures(black_box(&bare)))?;
    }
    Ok(row("chain of three delegations", "verify_strict of its three signatures", ours, theirs))
}

fn signatures(bare: &[([u8; 32], Vec<u8>, Signature)]) -> Result<()> {
    bare.iter().try_for_each(|(key, message, signature)| {
        Ok(VerifyingKey::from_bytes(key)?.verify_strict(message, signature)?)
    })
}

fn row(what: &str, rival: &'static str, ours: Sample, theirs: Sample) -> Row {
    Row {
        what: format!("check of a {what}"),
        how: "from bytes to what it says".to_owned(),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival(rival, theirs),
        ratio_max: Some(1.1),
    }
}

/// The byte string that follows `name` in CBOR: of at most 65,535 bytes.
fn bytes_after(bytes: &[u8], name: &str) -> Result<Vec<u8>> {
    let place = bytes.windows(name.len()).position(|window| window == name.as_bytes());
    let rest = place.and_then(|place| bytes.get(place + name.len()..));
    let (len, rest) = match rest.with_context(|| format!("no {name}"))? {
        [0x58, len, rest @ ..] => (usize::from(*len), rest),
        [0x59, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => bail!("{name} is no byte string"),
    };
    Ok(rest.get(..len).context("cut off")?.to_vec())
}

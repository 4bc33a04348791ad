//! Who signed, in the form in which calls have it. Source: IC interface specification, "HTTPS
//! Interface", "Authentication".

use super::delegation::{Delegation, DelegationChain, SignedDelegation};
use crate::{
    BadPrincipal, Principal, UnixNanos,
    proof::cbor::{self, BadCbor, Reader},
};

/// Most bytes: a delegation of Internet Identity has some 4 KiB.
const ENVELOPE_BYTES_MAX: usize = 16 << 10;

/// A chain of keys, and what the last of them signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) chain: DelegationChain,
    pub(super) signature: Vec<u8>,
}

/// The bytes are no envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadEnvelope {
    #[error(transparent)]
    Encoding(#[from] BadCbor),
    #[error(transparent)]
    Principal(#[from] BadPrincipal),
    #[error("an envelope has at most {ENVELOPE_BYTES_MAX} bytes")]
    TooLarge,
}

impl Envelope {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BadEnvelope> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(BadEnvelope::TooLarge);
        }
        let mut reader = Reader::described(bytes);
        let names = ["sender_pubkey", "sender_delegation", "sender_sig"];
        let [key, hops, signature] = reader.fields(names)?;
        reader.end()?;
        let key = cbor::bytes(key, "sender_pubkey")?.to_vec();
        let hops = hops.map_or_else(|| Ok(Vec::new()), |hops| list(hops, signed_delegation))?;
        let signature = cbor::bytes(signature, "sender_sig")?.to_vec();
        Ok(Self { chain: DelegationChain { key, hops }, signature })
    }

    /// The bytes that [`Envelope::parse`] reads.
    pub(super) fn encode(&self) -> Vec<u8> {
        let hops = &self.chain.hops;
        let mut bytes = cbor::SELF_DESCRIBED.to_vec();
        cbor::put_map(&mut bytes, 2 + usize::from(!hops.is_empty()));
        cbor::put_text(&mut bytes, "sender_pubkey");
        cbor::put_bytes(&mut bytes, &self.chain.key);
        if !hops.is_empty() {
            cbor::put_text(&mut bytes, "sender_delegation");
            cbor::put_array(&mut bytes, hops.len());
            hops.iter().for_each(|hop| put_hop(&mut bytes, hop));
        }
        cbor::put_text(&mut bytes, "sender_sig");
        cbor::put_bytes(&mut bytes, &self.signature);
        bytes
    }
}

/// The items of the array that `bytes` is; there are no more of them than bytes.
fn list<'a, T>(
    bytes: &'a [u8],
    item: impl Fn(&mut Reader<'a>) -> Result<T, BadEnvelope>,
) -> Result<Vec<T>, BadEnvelope> {
    let mut reader = Reader::new(bytes);
    let mut items = Vec::new();
    for _ in 0..reader.array()? {
        items.push(item(&mut reader)?);
    }
    reader.end()?;
    Ok(items)
}

fn signed_delegation(reader: &mut Reader<'_>) -> Result<SignedDelegation, BadEnvelope> {
    let [delegation, signature] = reader.fields(["delegation", "signature"])?;
    let mut reader = Reader::new(delegation.ok_or(BadCbor::NoKey("delegation"))?);
    let [key, expiration, targets] = reader.fields(["pubkey", "expiration", "targets"])?;
    reader.end()?;
    let mut expiration = Reader::new(expiration.ok_or(BadCbor::NoKey("expiration"))?);
    let target = |reader: &mut Reader<'_>| Ok(Principal::from_bytes(reader.bytes()?)?);
    let delegation = Delegation {
        key: cbor::bytes(key, "pubkey")?.to_vec(),
        // The item ends with its number.
        expiration: UnixNanos(expiration.unsigned()?),
        targets: targets.map(|targets| list(targets, target)).transpose()?,
    };
    Ok(SignedDelegation { delegation, signature: cbor::bytes(signature, "signature")?.to_vec() })
}

fn put_hop(out: &mut Vec<u8>, SignedDelegation { delegation, signature }: &SignedDelegation) {
    cbor::put_map(out, 2);
    cbor::put_text(out, "delegation");
    cbor::put_map(out, 2 + usize::from(delegation.targets.is_some()));
    cbor::put_text(out, "pubkey");
    cbor::put_bytes(out, &delegation.key);
    cbor::put_text(out, "expiration");
    cbor::put_unsigned(out, delegation.expiration.0);
    if let Some(targets) = &delegation.targets {
        cbor::put_text(out, "targets");
        cbor::put_array(out, targets.len());
        targets.iter().for_each(|target| cbor::put_bytes(out, target.as_bytes()));
    }
    cbor::put_text(out, "signature");
    cbor::put_bytes(out, signature);
}

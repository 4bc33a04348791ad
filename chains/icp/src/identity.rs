//! Statements about who signed what, as `anchorhold verify` reads them.

use chain::{
    Verdict,
    verdict::{Derived, Input, Refusal, bare_bytes, u64_of},
};
use serde_json::{Map, Value};

use crate::{
    Principal, UnixNanos,
    proof::{root_key, said},
    wallet::{
        Content, CoseKey, Delegation, DelegationChain, Key, PublicKey, RelyingParty,
        SignedDelegation, Trust, canister_signature, request_id,
    },
};

/// Most levels of arrays and maps in a request.
const DEPTH_MAX: u8 = 32;

/// The verdict on a statement of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived) -> Result<(), Refusal> = match kind {
        "principal" => principal,
        "der-key" => der_key,
        "request-id" => request,
        "delegation-chain" => delegation_chain,
        "webauthn-signature" => webauthn_signature,
        "canister-signature" => canister_signed,
        _ => return None,
    };
    Some(Verdict::of(|derived| check(input, derived)))
}

/// From `bytes`, `text` or `der_public_key`.
fn principal(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let principal = if input.has("der_public_key") {
        let der = input.bare_bytes("der_public_key")?;
        PublicKey::from_der(&der).map_err(said)?.principal()
    } else if input.has("bytes") {
        Principal::from_bytes(&input.bare_bytes("bytes")?).map_err(said)?
    } else {
        input.text("text")?.parse().map_err(said)?
    };
    derived.put("text", principal.to_string());
    derived.bare_hex("principal_hex", principal.as_bytes());
    derived.put("cls", principal.kind().name());
    Ok(())
}

fn der_key(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let key = PublicKey::from_der(&input.bare_bytes("der")?).map_err(said)?;
    derived.put("principal", key.principal().to_string());
    derived.put("alg", key.key().name());
    match key.key() {
        Key::Ed25519(bytes) => derived.bare_hex("raw", bytes),
        Key::Secp256k1(key) => derived.bare_hex("raw", key.to_encoded_point(false)),
        Key::P256(key) | Key::WebAuthn(CoseKey::P256(key)) => {
            derived.bare_hex("raw", key.to_encoded_point(false));
        }
        Key::WebAuthn(CoseKey::Rsa(_)) => {}
        Key::Canister(key) => {
            derived.put("canister_id", key.canister.to_string());
            derived.bare_hex("seed", &key.seed);
        }
        Key::Bls(key) => derived.bare_hex("raw", key.to_bytes()),
    }
    Ok(())
}

/// `content` is a map; every value says its kind, e.g. `{"nat": "7"}`.
fn request(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let fields = input.value("content")?.as_object().ok_or("`content` is not an object")?;
    derived.bare_hex("request_id", request_id(&map(fields, DEPTH_MAX)?));
    Ok(())
}

fn map(fields: &Map<String, Value>, depth_left: u8) -> Result<Vec<(&str, Content<'_>)>, Refusal> {
    let fields = fields.iter();
    fields.map(|(name, value)| Ok((name.as_str(), content(value, depth_left)?))).collect()
}

fn content(value: &Value, depth_left: u8) -> Result<Content<'_>, Refusal> {
    let depth_left = depth_left.checked_sub(1).ok_or("the content is too deep")?;
    let mut entries = value.as_object().into_iter().flatten();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err("a value of the content does not say its one kind".into());
    };
    let not = || Refusal(format!("a value of the content is no {kind}"));
    match kind.as_str() {
        "blob" => Ok(Content::Blob(bare_bytes(value, "blob")?.into())),
        "text" => value.as_str().map(Content::Text).ok_or_else(not),
        "nat" => natural(value).map(Content::Nat).ok_or_else(not),
        "array" => {
            let items = value.as_array().ok_or_else(not)?.iter();
            items
                .map(|item| content(item, depth_left))
                .collect::<Result<_, _>>()
                .map(Content::Array)
        }
        "map" => map(value.as_object().ok_or_else(not)?, depth_left).map(Content::Map),
        _ => Err(format!("values of kind `{kind}` are unknown").into()),
    }
}

/// A JSON number or a decimal string of at most 128 bits.
fn natural(value: &Value) -> Option<u128> {
    match value {
        Value::Number(number) => number.as_u64().map(u128::from),
        // `parse` alone would take a plus sign.
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// `chain` at `now_ns`; for `session_key` and at `canister_id` if given.
fn delegation_chain(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let object = input.object("chain")?;
    let key = object.bare_bytes("publicKey")?;
    let principal = PublicKey::from_der(&key).map_err(said)?.principal();
    derived.put("principal", principal.to_string());
    let hops = object.list("delegations")?.iter().map(|hop| signed_delegation(Input(hop)));
    let chain = DelegationChain { key, hops: hops.collect::<Result<_, _>>()? };
    let now = UnixNanos(input.u64("now_ns")?);
    let session = chain.verify(now, &trust(input)?).map_err(said)?;
    derived.bare_hex("session_key", session.key.as_der());
    if let Some(expiration) = session.expiration {
        derived.put("expiration_ns", expiration.0.to_string());
    }
    if let Some(targets) = &session.targets {
        let targets = targets.iter().map(Principal::to_string);
        derived.put("targets", targets.collect::<Vec<_>>());
    }
    if input.has("session_key") && input.bare_bytes("session_key")? != session.key.as_der() {
        return Err("the chain ends at another key".into());
    }
    if !input.has("canister_id") {
        return Ok(());
    }
    let canister = input.text("canister_id")?.parse().map_err(said)?;
    if session.is_for(Some(canister)) {
        Ok(())
    } else {
        Err(format!("the chain is not for canister {canister}").into())
    }
}

fn signed_delegation(input: Input<'_>) -> Result<SignedDelegation, Refusal> {
    let delegation = input.object("delegation")?;
    let target = |value: &Value| -> Result<Principal, Refusal> {
        value.as_str().ok_or("a target is not text")?.parse().map_err(said)
    };
    let targets = if delegation.has("targets") {
        Some(delegation.list("targets")?.iter().map(target).collect::<Result<_, _>>()?)
    } else {
        None
    };
    let expiration = u64_of(delegation.value("expiration")?, "expiration")?;
    let key = delegation.bare_bytes("pubkey")?;
    Ok(SignedDelegation {
        delegation: Delegation { key, expiration: UnixNanos(expiration), targets },
        signature: input.bare_bytes("signature")?,
    })
}

/// `root_key`, and who may have asked an authenticator: `expected_rp_id`, `expected_origin`.
fn trust(input: Input<'_>) -> Result<Trust, Refusal> {
    let text = |name: &str| {
        if input.has(name) { input.text(name).map(|text| Some(text.to_owned())) } else { Ok(None) }
    };
    let origins = text("expected_origin")?.map(|origin| vec![origin]);
    let relying_party = RelyingParty { id: text("expected_rp_id")?, origins };
    Ok(Trust { root_key: root_key(input)?, relying_party: Some(relying_party) })
}

fn webauthn_signature(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let key = PublicKey::from_der(&input.bare_bytes("public_key_der")?).map_err(said)?;
    derived.put("principal", key.principal().to_string());
    if !matches!(key.key(), Key::WebAuthn(_)) {
        return Err("the key is not an authenticator's".into());
    }
    let (message, signature) = (input.bare_bytes("message")?, input.bare_bytes("signature_cbor")?);
    key.verify(&message, &signature, &trust(input)?).map_err(said)
}

fn canister_signed(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let key = PublicKey::from_der(&input.bare_bytes("public_key_der")?).map_err(said)?;
    derived.put("principal", key.principal().to_string());
    let Key::Canister(key) = key.key() else {
        return Err("the key is not a canister's".into());
    };
    derived.put("canister_id", key.canister.to_string());
    let (message, signature) = (input.bare_bytes("message")?, input.bare_bytes("signature_cbor")?);
    let signed = canister_signature(key, &message, &signature, &root_key(input)?).map_err(said)?;
    let certified_at = signed.certified_at.map(|time| time.0.to_string());
    derived.put("certificate_time_ns", certified_at);
    Ok(())
}

#[cfg(test)]
mod tests;

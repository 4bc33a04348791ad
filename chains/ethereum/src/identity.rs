//! Claims about who signed what, as `anchorhold verify` reads them. Pure: what would need the state
//! of the chain (a contract's answer) is checked in the form in which it would be asked.

use alloy::primitives::{Address, B256};
use chain::verdict::u64_of;
use serde_json::Value;
use types::{Hash, keccak256};

use crate::{
    contract_account::{self, Authorization},
    typed_data,
    verdict::{self, Derived, Input, Refusal, Verdict, judge},
    wallet::{eoa, siwe},
};

/// The verdict on a claim of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived<'_>) -> Result<(), Refusal> = match kind {
        "ecrecover" => precompile,
        "eip191" => personal,
        "eip712" => typed,
        "siwe-parse" => siwe_parse,
        "siwe-verify" => siwe_verify,
        "erc1271-call" => erc1271_call,
        "erc1271-return" => erc1271_return,
        "erc6492" => erc6492,
        "eip7702-code" => delegation,
        "eip7702-auth" => authorization,
        _ => return None,
    };
    Some(judge(|derived| check(input, derived)))
}

fn hash(word: B256) -> Hash {
    Hash::from_bytes(word.0)
}

fn precompile(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    derived.put("address", Value::Null);
    let v = u8::try_from(input.number("v")?).map_err(|_| "v is neither 27 nor 28")?;
    let rs = [input.word("r")?.0, input.word("s")?.0].concat();
    let digest = hash(input.word("hash")?);
    let found = eoa::precompile(&digest, v, &rs).ok_or("nobody can have signed this")?;
    derived.hex("address", found);
    Ok(())
}

fn personal(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let digest = eoa::personal_digest(&input.bytes("message")?);
    derived.hex("digest", digest.as_bytes());
    is_signed_by(input, &digest)
}

fn typed(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let digest = typed_data::digest(input.value("typed_data")?)?;
    derived.hex("digest", digest.as_bytes());
    if input.has("signature") || input.has("address") {
        is_signed_by(input, &digest)
    } else {
        Ok(())
    }
}

/// Whether `input.address` signed `digest` with `input.signature`.
fn is_signed_by(input: Input<'_>, digest: &Hash) -> Result<(), Refusal> {
    let claimed = input.address("address")?;
    if claimed.is_zero() {
        return Err("the zero address is nobody's".into());
    }
    let found = eoa::recover_digest(digest, &input.bytes("signature")?);
    let found = found.map_err(|error| error.to_string())?;
    if found == claimed { Ok(()) } else { Err(format!("signed by {found}").into()) }
}

fn siwe_parse(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let message = siwe::parse(input.text("message")?)?;
    derived.put("fields", message.to_json());
    Ok(())
}

fn siwe_verify(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let text = input.text("message")?;
    // The second line, even of a text that is wrong elsewhere.
    let address = text.split('\n').nth(1).and_then(|line| line.parse::<Address>().ok());
    let signer =
        eoa::recover_digest(&eoa::personal_digest(text.as_bytes()), &input.bytes("signature")?);
    let is_signed = address.is_some() && signer.as_ref().ok() == address.as_ref();
    derived.put("signature_recovers_address", is_signed);
    let message = siwe::parse(text)?;
    derived.put("fields", message.to_json());
    says_what_is_expected(input, &message)?;
    let now_ns = siwe::instant(input.text("now")?).ok_or("`now` is no RFC 3339 time")?;
    message.holds_at(now_ns)?;
    let found = signer.map_err(|error| error.to_string())?;
    if message.address().is_zero() || found != message.address() {
        return Err(format!("signed by {found}, not by {}", message.address()).into());
    }
    Ok(())
}

/// Whether each `expected_…` field of the claim is as in the message; the expectation of a field
/// that no message has is never met. A list names all that are allowed.
fn says_what_is_expected(input: Input<'_>, message: &siwe::Message) -> Result<(), Refusal> {
    let fields = message.to_json();
    for (name, expected) in input.0.as_object().into_iter().flatten() {
        let Some(field) = name.strip_prefix("expected_").filter(|_| !expected.is_null()) else {
            continue;
        };
        let found = fields.get(camel(field)).unwrap_or(&Value::Null);
        let is_same = |expected: &Value| match field {
            "chain_id" => u64_of(expected, name) == Ok(message.chain_number()),
            "address" => verdict::address(expected, name) == Ok(message.address()),
            _ => expected == found,
        };
        let allowed = expected.as_array().map_or(core::slice::from_ref(expected), Vec::as_slice);
        if expected != found && !allowed.iter().any(is_same) {
            return Err(
                format!("it was signed for another {}: {found}", field.replace('_', " ")).into()
            );
        }
    }
    Ok(())
}

/// `chain_id` becomes `chainId`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at_checked(1).unwrap_or((word, ""));
        name + &head.to_ascii_uppercase() + tail
    })
}

fn erc1271_call(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let digest = if input.has("hash") {
        input.word("hash")?
    } else {
        let text = input.text("message")?;
        B256::from(*eoa::personal_digest(text.as_bytes()).as_bytes())
    };
    let signature = input.bytes("signature")?;
    if input.has("address") {
        // Whether a plain account signed; the contract itself is not asked here.
        let found = eoa::recover_digest(&hash(digest), &signature).ok();
        let text = found.map(|address| address.to_checksum(None));
        derived.put("eoa_recovers_to", text);
    }
    derived.hex("calldata", contract_account::erc1271_call(&digest, &signature));
    Ok(())
}

fn erc1271_return(input: Input<'_>, _: &mut Derived<'_>) -> Result<(), Refusal> {
    let answer = input.bytes("returndata")?;
    let is_yes = contract_account::erc1271_accepts(input.flag("call_success")?, &answer);
    if is_yes { Ok(()) } else { Err("the account does not say that it signed".into()) }
}

fn erc6492(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let signature = input.bytes("signature")?;
    match contract_account::unwrap(&signature) {
        Ok(None) => {
            derived.put("wrapped", false);
            derived.hex("inner_signature", &signature);
            Ok(())
        }
        Ok(Some(parts)) => {
            derived.put("wrapped", true);
            derived.address("factory", parts.factory);
            derived.hex("factory_calldata", &parts.factory_calldata);
            derived.hex("inner_signature", &parts.signature);
            Ok(())
        }
        Err(error) => {
            derived.put("wrapped", true);
            Err(error.to_string().into())
        }
    }
}

fn delegation(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let code = input.bytes("code")?;
    derived.hex("code_hash", keccak256(&code).as_bytes());
    let delegate = contract_account::delegate(&code);
    derived.put("delegate", delegate.map(|address| format!("{address:?}").to_lowercase()));
    delegate.map(drop).ok_or_else(|| "the code is no delegation".into())
}

fn authorization(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let authorization = Authorization {
        chain_number: input.number("chain_id")?,
        address: input.address("address")?,
        nonce: input.u64("nonce")?,
    };
    derived.hex("digest", authorization.digest().as_bytes());
    let parity = u8::try_from(input.number("y_parity")?).map_err(|_| "y_parity is not 0 or 1")?;
    let (r, s) = (input.number("r")?.to_be_bytes(), input.number("s")?.to_be_bytes());
    let authority = authorization.authority(parity, &r, &s);
    let authority = authority.ok_or("nobody can have signed this, or the nonce is the largest")?;
    derived.address("authority", authority);
    if input.has("expected_chain_id") {
        let expected = input.number("expected_chain_id")?;
        if !authorization.chain_number.is_zero() && authorization.chain_number != expected {
            return Err(format!("it is for chain {}", authorization.chain_number).into());
        }
    }
    if input.has("expected_authority") && input.address("expected_authority")? != authority {
        return Err(format!("signed by {authority}").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;

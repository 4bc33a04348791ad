//! Claims about who signed what, as `anchorhold verify` reads them. Pure: what would need the state
//! of the chain (whose a key is) is checked in the form in which it would be told.

use chain::verdict::{Derived, Input, Refusal, Verdict};
use serde_json::Value;

use crate::{
    verdict::parsed,
    wallet::{
        FullAccess, IdKind, NearId, Payload, PublicKey, Signature,
        delegate::{self, DelegateAction, SignedDelegateAction},
    },
};

/// Longest preimage that a verdict shows: what people still look at.
const SHOWN_BYTES_MAX: usize = 2048;

/// The verdict on a claim of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived) -> Result<(), Refusal> = match kind {
        "account-id" => account_id,
        "public-key" => public_key,
        "implicit-account" => implicit_account,
        "nep413-hash" => nep413_hash,
        "nep413" => nep413,
        "nep366-delegate" => nep366_delegate,
        "nep366-decode" => nep366_decode,
        "access-key" => access_key,
        _ => return None,
    };
    Some(Verdict::of(|derived| check(input, derived)))
}

fn account_id(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let id: NearId = parsed(input, "account_id", "account id")?;
    derived.put("cls", id.kind().name());
    Ok(())
}

fn public_key(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let key: PublicKey = parsed(input, "public_key", "public key")?;
    derived.put("curve", key.curve());
    derived.bare_hex("bytes", key.as_bytes());
    Ok(())
}

fn implicit_account(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let key: PublicKey = parsed(input, "public_key", "public key")?;
    let id = key.implicit_id();
    derived.put("account_id", id.as_str());
    let claimed = if input.has("account_id") { Some(input.text("account_id")?) } else { None };
    match claimed {
        Some(claimed) if claimed != id.as_str() => Err(format!("its account is {id}").into()),
        _ => Ok(()),
    }
}

/// The fields of a payload; the nonce apart, since a payload borrows it.
struct Fields<'a> {
    message: &'a str,
    nonce: [u8; 32],
    recipient: &'a str,
    callback_url: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn read(input: Input<'a>) -> Result<Self, Refusal> {
        let payload = input.object("payload")?;
        Ok(Self {
            message: payload.text("message")?,
            nonce: payload.bare_array("nonce")?,
            recipient: payload.text("recipient")?,
            callback_url: optional(payload, "callbackUrl")?,
        })
    }

    fn payload(&self) -> Result<Payload<'_>, Refusal> {
        let Self { message, nonce, recipient, callback_url } = self;
        Ok(Payload::new(message, nonce, recipient, *callback_url)?)
    }

    /// Whether it says what we asked for; what is not named may be anything.
    fn meets(&self, expected: Input<'_>) -> Result<(), Refusal> {
        let names = expected.0.as_object().ok_or("`expected` is not an object")?.keys();
        for name in names {
            let is_same = match name.as_str() {
                "message" => expected.text(name)? == self.message,
                "nonce" => expected.bare_array(name)? == self.nonce,
                "recipient" => expected.text(name)? == self.recipient,
                "callbackUrl" => optional(expected, name)? == self.callback_url,
                _ => return Err(format!("what to expect of `{name}` is not known here").into()),
            };
            if !is_same {
                return Err(format!("it was signed with another {name}").into());
            }
        }
        Ok(())
    }
}

fn optional<'a>(input: Input<'a>, name: &str) -> Result<Option<&'a str>, Refusal> {
    if input.has(name) { input.text(name).map(Some) } else { Ok(None) }
}

fn nep413_hash(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let fields = Fields::read(input)?;
    let payload = fields.payload()?;
    derived.bare_hex("hash", payload.hash().as_bytes());
    let preimage = payload.preimage();
    if preimage.len() <= SHOWN_BYTES_MAX {
        derived.bare_hex("preimage", preimage);
    } else {
        derived.put("preimage", Value::Null);
    }
    Ok(())
}

fn nep413(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let fields = Fields::read(input)?;
    let payload = fields.payload()?;
    derived.bare_hex("hash", payload.hash().as_bytes());
    let account: NearId = parsed(input, "account_id", "account id")?;
    if input.has("expected") {
        fields.meets(input.object("expected")?)?;
    }
    let key: PublicKey = parsed(input, "public_key", "public key")?;
    if account.kind() == IdKind::EthImplicit && key.implicit_id() == account {
        // The account's contract obeys it, but it is no access key, and so signs no messages.
        return Err("the Ethereum key of an account is none of its access keys".into());
    }
    let signature = signature(input)?;
    payload.verify(&key, &signature).map_err(|error| Refusal(error.to_string()))
}

fn signature(input: Input<'_>) -> Result<Signature, Refusal> {
    let bytes = input.bare_bytes("signature")?;
    let signature = Signature::from_slice(&bytes);
    signature.ok_or_else(|| format!("a signature has no {} bytes", bytes.len()).into())
}

fn nep366_delegate(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let preimage = input.bare_bytes("preimage")?;
    let hash = delegate::hash(&preimage);
    derived.bare_hex("hash", hash.as_bytes());
    let action = DelegateAction::from_preimage(&preimage)?;
    describe(&action, derived);
    let key: PublicKey = parsed(input, "signer_public_key", "public key")?;
    key.verify(&hash, &signature(input)?).map_err(|error| Refusal(error.to_string()))
}

fn nep366_decode(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let bytes = input.bare_bytes("action_borsh")?;
    let signed = SignedDelegateAction::from_action(&bytes)?;
    describe(&signed.delegate_action, derived);
    Ok(())
}

fn describe(action: &DelegateAction<'_>, derived: &mut Derived) {
    derived.put("sender_id", action.sender_id.as_str());
    derived.put("receiver_id", action.receiver_id.as_str());
    derived.put("nonce", action.nonce.to_string());
    derived.put("max_block_height", action.max_block_height.to_string());
    derived.put("action_count", action.actions.len());
}

fn access_key(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    for name in ["finality_required", "finality"] {
        // What is not final may still be taken back, with the key in it.
        if input.has(name) && input.text(name)? != "final" {
            return Err("only a final block says whose a key is".into());
        }
    }
    let access = FullAccess::from_response(input.value("rpc_response")?);
    let access = access.map_err(|error| Refusal(error.to_string()))?;
    derived.put("nonce", access.nonce);
    derived.put("block_height", access.height);
    derived.put("block_hash", access.block.to_string());
    Ok(())
}

//! Requests from outside: what they ask, and whether whoever they name did ask it.
//! Source: IC interface specification, "Authentication".

use std::fmt;

use candid::Principal;

use crate::{
    cbor::{BadCbor, Value},
    signature::Key,
    tree::Path,
};

/// How far ahead a request may expire, in nanoseconds: five minutes, and one for clocks that
/// differ.
const EXPIRY_NS_MAX: u64 = 360_000_000_000;
/// Most delegations of a chain.
const DELEGATIONS_MAX: usize = 20;
/// Most targets of a delegation.
const TARGETS_MAX: usize = 1_000;
/// Most paths of a request to read the state, and most labels of one.
const PATHS_MAX: usize = 1_000;
const LABELS_MAX: usize = 127;
/// Most bytes of a nonce.
const NONCE_BYTES_MAX: usize = 32;

/// A request that its sender signed, or one that nobody did.
#[derive(Debug)]
pub(crate) struct Request {
    /// The hash of its content.
    pub(crate) id: [u8; 32],
    pub(crate) sender: Principal,
    pub(crate) expiry_ns: u64,
    pub(crate) ask: Ask,
    /// The only canisters that the sender's delegations are for, if they say so.
    targets: Option<Vec<Principal>>,
}

/// What a request asks.
#[derive(Debug)]
pub(crate) enum Ask {
    Call { canister: Principal, method: String, arg: Vec<u8> },
    Query { canister: Principal, method: String, arg: Vec<u8> },
    ReadState(Vec<Path>),
}

/// Why a request is not heard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is no request, or one that has expired.
    Malformed(String),
    /// Its sender did not make it, or may not.
    Forbidden(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) | Self::Forbidden(text) => f.write_str(text),
        }
    }
}

impl From<BadCbor> for Refusal {
    fn from(bad: BadCbor) -> Self {
        Self::Malformed(bad.to_string())
    }
}

fn malformed<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Malformed(text.into()))
}

fn forbidden<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Forbidden(text.into()))
}

impl Request {
    /// Reads an envelope, and checks who sent it, at the time `now_ns`.
    pub(crate) fn open(envelope: &[u8], now_ns: u64) -> Result<Self, Refusal> {
        let envelope = Value::decode(envelope)?;
        let content = field(&envelope, "content")?;
        let sender = principal(field(content, "sender")?)?;
        let expiry = field(content, "ingress_expiry")?.as_unsigned();
        let Some(expiry_ns) = expiry else { return malformed("the expiry is no number") };
        if let Some(nonce) = content.field("nonce")
            && nonce.as_bytes().is_none_or(|nonce| nonce.len() > NONCE_BYTES_MAX)
        {
            return malformed(format!("a nonce has at most {NONCE_BYTES_MAX} bytes"));
        }
        if content.field("sender_info").is_some() {
            return malformed("sender_info is not supported here");
        }
        let ask = ask(content)?;
        let anonymous = sender == Principal::anonymous();
        if !anonymous || matches!(ask, Ask::Call { .. }) {
            timely(expiry_ns, now_ns)?;
        }
        let id = content.hash();
        let targets = if anonymous {
            let signed = ["sender_pubkey", "sender_sig", "sender_delegation"];
            if signed.iter().any(|name| envelope.field(name).is_some()) {
                return forbidden("an anonymous request is not signed");
            }
            None
        } else {
            let calls = matches!(ask, Ask::Call { .. });
            signed(&envelope, sender, &id, (now_ns, calls))?
        };
        Ok(Self { id, sender, expiry_ns, ask, targets })
    }

    /// Whether the sender's delegations are for this canister.
    pub(crate) fn aimed_at(&self, canister: Principal) -> Result<(), Refusal> {
        match &self.targets {
            Some(targets) if !targets.contains(&canister) => {
                forbidden(format!("the delegation is not for the canister {canister}"))
            }
            _ => Ok(()),
        }
    }
}

fn timely(expiry_ns: u64, now_ns: u64) -> Result<(), Refusal> {
    if expiry_ns < now_ns {
        return malformed(format!(
            "Invalid request expiry: the request expired at {expiry_ns}, it is {now_ns}"
        ));
    }
    if expiry_ns - now_ns > EXPIRY_NS_MAX {
        return malformed(format!(
            "Invalid request expiry: {expiry_ns} is too far ahead, it is {now_ns}"
        ));
    }
    Ok(())
}

fn ask(content: &Value) -> Result<Ask, Refusal> {
    let kind = field(content, "request_type")?.as_text();
    if kind == Some("read_state") {
        return paths(field(content, "paths")?).map(Ask::ReadState);
    }
    let canister = principal(field(content, "canister_id")?)?;
    let Some(method) = field(content, "method_name")?.as_text() else {
        return malformed("the method's name is no text");
    };
    let Some(arg) = field(content, "arg")?.as_bytes() else {
        return malformed("the argument is no bytes");
    };
    let (method, arg) = (method.to_owned(), arg.to_vec());
    match kind {
        Some("call") => Ok(Ask::Call { canister, method, arg }),
        Some("query") => Ok(Ask::Query { canister, method, arg }),
        _ => malformed("there is no such type of request"),
    }
}

fn paths(value: &Value) -> Result<Vec<Path>, Refusal> {
    let label = |label: &Value| label.as_bytes().map(<[u8]>::to_vec);
    let path = |path: &Value| -> Option<Path> {
        let labels = path.as_array().filter(|labels| labels.len() <= LABELS_MAX)?;
        labels.iter().map(label).collect()
    };
    let paths = value.as_array().filter(|paths| paths.len() <= PATHS_MAX);
    match paths.and_then(|paths| paths.iter().map(path).collect()) {
        Some(paths) => Ok(paths),
        None => malformed("the paths are malformed, or there are too many"),
    }
}

/// Checks the chain from the sender's key to the signature of the request; gives the targets that
/// all of it agrees on.
fn signed(
    envelope: &Value,
    sender: Principal,
    id: &[u8; 32],
    (now_ns, calls): (u64, bool),
) -> Result<Option<Vec<Principal>>, Refusal> {
    let Some(mut der) = envelope.field("sender_pubkey").and_then(Value::as_bytes) else {
        return forbidden("the request has no public key");
    };
    if Principal::self_authenticating(der) != sender {
        return forbidden("the public key is not the sender's");
    }
    let none = Value::Array(Vec::new());
    let chain = envelope.field("sender_delegation").unwrap_or(&none).as_array();
    let Some(chain) = chain.filter(|chain| chain.len() <= DELEGATIONS_MAX) else {
        return malformed(format!("a chain has at most {DELEGATIONS_MAX} delegations"));
    };
    let mut seen = vec![der];
    let mut targets: Option<Vec<Principal>> = None;
    for hop in chain {
        let delegation = field(hop, "delegation")?;
        let message = [&b"\x1aic-request-auth-delegation"[..], &delegation.hash()].concat();
        check(der, &message, hop.field("signature"), "delegation")?;
        let next = field(delegation, "pubkey")?.as_bytes().unwrap_or_default();
        if seen.contains(&next) {
            return forbidden("a key stands twice in the chain of delegations");
        }
        let expiration = field(delegation, "expiration")?.as_unsigned();
        if expiration.is_none_or(|expiration| expiration <= now_ns) {
            return forbidden("a delegation has expired");
        }
        permitted(delegation, calls)?;
        if let Some(own) = delegation.field("targets") {
            let own = principals(own)?;
            targets = Some(match targets {
                Some(others) => others.into_iter().filter(|id| own.contains(id)).collect(),
                None => own,
            });
        }
        seen.push(next);
        der = next;
    }
    let message = [&b"\x0aic-request"[..], id].concat();
    check(der, &message, envelope.field("sender_sig"), "request")?;
    Ok(targets)
}

/// Whether a delegation permits this kind of request.
fn permitted(delegation: &Value, calls: bool) -> Result<(), Refusal> {
    match delegation.field("permissions").map(Value::as_text) {
        None | Some(Some("all")) => Ok(()),
        Some(Some("queries")) if !calls => Ok(()),
        Some(Some("queries")) => forbidden("a delegation permits queries only"),
        Some(_) => malformed("a delegation permits what nobody knows"),
    }
}

fn check(der: &[u8], message: &[u8], signature: Option<&Value>, of: &str) -> Result<(), Refusal> {
    let Some(key) = Key::from_der(der) else {
        return forbidden(format!("the key of the {of} is of no known kind"));
    };
    let signature = signature.and_then(Value::as_bytes).unwrap_or_default();
    if key.signed(message, signature) {
        return Ok(());
    }
    forbidden(format!("Invalid signature: that of the {of} does not hold"))
}

fn principals(value: &Value) -> Result<Vec<Principal>, Refusal> {
    let list = value.as_array().filter(|list| list.len() <= TARGETS_MAX);
    let Some(list) = list else {
        return malformed(format!("a delegation has at most {TARGETS_MAX} targets"));
    };
    list.iter().map(principal).collect()
}

fn principal(value: &Value) -> Result<Principal, Refusal> {
    let id = value.as_bytes().and_then(|bytes| Principal::try_from_slice(bytes).ok());
    id.map_or_else(|| malformed("an id is no principal"), Ok)
}

fn field<'a>(value: &'a Value, name: &str) -> Result<&'a Value, Refusal> {
    value.field(name).map_or_else(|| malformed(format!("the field {name} is missing")), Ok)
}

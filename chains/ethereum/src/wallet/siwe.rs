//! The text of EIP-4361, whole: what the grammar allows is read, and written back byte for byte.

mod instant;
mod uri;

use core::{fmt, str::FromStr};

use alloy::primitives::Address;
use serde_json::{Value, json};

pub(crate) use self::instant::instant;
use crate::{verdict::Refusal, wallet::eoa};

/// The text is not of the grammar; this part is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The message that `text` is.
pub(crate) fn parse(text: &str) -> Result<Message, Refusal> {
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(format!("the message has more than {MESSAGE_BYTES_MAX} bytes").into());
    }
    text.parse().map_err(|Malformed(part)| format!("the message is malformed: {part}").into())
}

/// A message. Source: EIP-4361, "Message Format". Version is always 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(super) scheme: Option<String>,
    pub(super) domain: String,
    pub(super) address: Address,
    pub(super) statement: Option<String>,
    pub(super) uri: String,
    pub(super) chain_number: u64,
    /// As written: the grammar allows leading zeros.
    pub(super) chain_id: String,
    pub(super) nonce: String,
    /// RFC 3339, kept as written.
    pub(super) issued_at: String,
    pub(super) expiration_time: Option<String>,
    pub(super) not_before: Option<String>,
    pub(super) request_id: Option<String>,
    /// `None` without the heading; the grammar allows a heading with nothing below.
    pub(super) resources: Option<Vec<String>>,
}

/// Longest message of others that is read.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

impl Message {
    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    pub(crate) const fn chain_number(&self) -> u64 {
        self.chain_number
    }

    /// Whether `now_ns` (Unix nanoseconds) is not before its beginning, and before its end.
    pub(crate) fn holds_at(&self, now_ns: i128) -> Result<(), Refusal> {
        let time = |text: &Option<String>| text.as_deref().and_then(instant);
        if time(&self.not_before).is_some_and(|from| now_ns < from) {
            return Err("it is not valid yet".into());
        }
        if time(&self.expiration_time).is_some_and(|end| now_ns >= end) {
            return Err("it has expired".into());
        }
        Ok(())
    }

    /// The fields by the names that wallets' libraries give them.
    pub(crate) fn to_json(&self) -> Value {
        let mut fields = json!({
            "domain": self.domain,
            "address": self.address.to_checksum(None),
            "uri": self.uri,
            "version": "1",
            "chainId": self.chain_number,
            "nonce": self.nonce,
            "issuedAt": self.issued_at,
        });
        for (name, value) in [
            ("scheme", &self.scheme),
            ("statement", &self.statement),
            ("expirationTime", &self.expiration_time),
            ("notBefore", &self.not_before),
            ("requestId", &self.request_id),
        ] {
            if let Some(text) = value {
                fields[name] = json!(text);
            }
        }
        if let Some(resources) = &self.resources {
            fields["resources"] = json!(resources);
        }
        fields
    }
}

const ASKS: &str = " wants you to sign in with your Ethereum account:";

impl FromStr for Message {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut lines = Lines(Some(text));
        let (scheme, domain) = asker(lines.next("domain")?)?;
        let address = eoa::parse_checksummed(lines.next("address")?);
        let address = address.ok_or(Malformed("address"))?;
        let statement = statement(&mut lines)?;
        let uri = lines.field("URI: ").filter(|uri| uri::is_uri(uri)).ok_or(Malformed("URI"))?;
        lines.field("Version: ").filter(|version| *version == "1").ok_or(Malformed("version"))?;
        let chain = lines.field("Chain ID: ").ok_or(Malformed("chain id"))?;
        let nonce = lines.field("Nonce: ").filter(|nonce| is_nonce(nonce));
        let issued_at = lines.field("Issued At: ").filter(|time| is_time(time));
        let message = Self {
            scheme,
            domain,
            address,
            statement,
            uri: uri.to_owned(),
            chain_number: decimal(chain).ok_or(Malformed("chain id"))?,
            chain_id: chain.to_owned(),
            nonce: nonce.ok_or(Malformed("nonce"))?.to_owned(),
            issued_at: issued_at.ok_or(Malformed("issued at"))?.to_owned(),
            expiration_time: lines.time("Expiration Time: ", "expiration time")?,
            not_before: lines.time("Not Before: ", "not before")?,
            request_id: request_id(&mut lines)?,
            resources: resources(&mut lines)?,
        };
        if lines.0.is_some() { Err(Malformed("end")) } else { Ok(message) }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        write!(f, "{}{ASKS}\n{}\n\n", self.domain, self.address.to_checksum(None))?;
        if let Some(statement) = &self.statement {
            writeln!(f, "{statement}")?;
        }
        write!(f, "\nURI: {}\nVersion: 1\nChain ID: {}", self.uri, self.chain_id)?;
        write!(f, "\nNonce: {}\nIssued At: {}", self.nonce, self.issued_at)?;
        if let Some(time) = &self.expiration_time {
            write!(f, "\nExpiration Time: {time}")?;
        }
        if let Some(time) = &self.not_before {
            write!(f, "\nNot Before: {time}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "\nRequest ID: {id}")?;
        }
        if let Some(resources) = &self.resources {
            write!(f, "\nResources:")?;
            resources.iter().try_for_each(|uri| write!(f, "\n- {uri}"))?;
        }
        Ok(())
    }
}

/// What is left of a text, line by line; `None` once the last line, which has no line feed after
/// it, is taken.
struct Lines<'a>(Option<&'a str>);

impl<'a> Lines<'a> {
    fn next(&mut self, part: &'static str) -> Result<&'a str, Malformed> {
        let text = self.0.ok_or(Malformed(part))?;
        let (line, rest) = match text.split_once('\n') {
            Some((line, rest)) => (line, Some(rest)),
            None => (text, None),
        };
        self.0 = rest;
        Ok(line)
    }

    /// The rest of the next line if it begins with `name`; else the line stays.
    fn field(&mut self, name: &str) -> Option<&'a str> {
        let text = self.0?;
        let line = text.split_once('\n').map_or(text, |(line, _)| line);
        let value = line.strip_prefix(name)?;
        self.0 = text.split_once('\n').map(|(_, rest)| rest);
        Some(value)
    }

    fn time(&mut self, name: &str, part: &'static str) -> Result<Option<String>, Malformed> {
        match self.field(name) {
            Some(time) if is_time(time) => Ok(Some(time.to_owned())),
            Some(_) => Err(Malformed(part)),
            None => Ok(None),
        }
    }
}

fn asker(line: &str) -> Result<(Option<String>, String), Malformed> {
    let asker = line.strip_suffix(ASKS).ok_or(Malformed("domain"))?;
    let (scheme, domain) = match asker.split_once("://") {
        Some((scheme, domain)) => (Some(scheme), domain),
        None => (None, asker),
    };
    // An authority may be without a host; nobody is asked by one.
    let has_host = uri::host(domain).is_some_and(|host| !host.is_empty());
    let legal = scheme.is_none_or(uri::is_scheme) && has_host;
    if legal {
        Ok((scheme.map(str::to_owned), domain.to_owned()))
    } else {
        Err(Malformed("domain"))
    }
}

/// An empty line, then the statement and another empty line, or an empty line alone.
fn statement(lines: &mut Lines<'_>) -> Result<Option<String>, Malformed> {
    let part = "statement";
    if !lines.next(part)?.is_empty() {
        return Err(Malformed(part));
    }
    let line = lines.next(part)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.bytes().all(uri::is_statement) && lines.next(part)?.is_empty() {
        Ok(Some(line.to_owned()))
    } else {
        Err(Malformed(part))
    }
}

fn request_id(lines: &mut Lines<'_>) -> Result<Option<String>, Malformed> {
    let Some(id) = lines.field("Request ID: ") else { return Ok(None) };
    if uri::is_segment(id) { Ok(Some(id.to_owned())) } else { Err(Malformed("request id")) }
}

fn resources(lines: &mut Lines<'_>) -> Result<Option<Vec<String>>, Malformed> {
    let part = "resources";
    match lines.field("Resources:") {
        None => return Ok(None),
        Some(rest) if !rest.is_empty() => return Err(Malformed(part)),
        Some(_) => {}
    }
    let mut resources = Vec::new();
    while let Some(uri) = lines.field("- ") {
        if !uri::is_uri(uri) {
            return Err(Malformed(part));
        }
        resources.push(uri.to_owned());
    }
    Ok(Some(resources))
}

/// `1*DIGIT`, up to 64 bits.
fn decimal(text: &str) -> Option<u64> {
    // `parse` alone would take a plus sign.
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_nonce(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_time(text: &str) -> bool {
    instant(text).is_some()
}

#[cfg(test)]
mod tests;

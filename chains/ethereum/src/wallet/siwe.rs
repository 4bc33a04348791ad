//! The text of EIP-4361, whole: what the grammar allows is read, and written back byte for byte.

use core::{fmt, str::FromStr};

use alloy::primitives::Address;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::wallet::eoa;

/// Most resources in one message; the 4 KiB of a message hold few more.
const RESOURCES_MAX: usize = 64;

/// The text is not of the grammar; this part is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// A message. Source: EIP-4361, "Message Format". Version is always 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) scheme: Option<String>,
    pub(super) domain: String,
    pub(super) address: Address,
    pub(super) statement: Option<String>,
    pub(super) uri: String,
    pub(super) chain_number: u64,
    pub(super) nonce: String,
    /// RFC 3339, kept as written.
    pub(super) issued_at: String,
    pub(super) expiration_time: Option<String>,
    pub(super) not_before: Option<String>,
    pub(super) request_id: Option<String>,
    /// `None` without the heading; the grammar allows a heading with nothing below.
    pub(super) resources: Option<Vec<String>>,
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
        let uri = lines.field("URI: ").filter(|uri| is_uri(uri)).ok_or(Malformed("URI"))?;
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
        write!(f, "\nURI: {}\nVersion: 1\nChain ID: {}", self.uri, self.chain_number)?;
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
    let legal = scheme.is_none_or(is_scheme) && !domain.is_empty() && is_authority(domain);
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
    let legal = line.bytes().all(|byte| is_unreserved(byte) || is_reserved(byte) || byte == b' ');
    if legal && lines.next(part)?.is_empty() {
        Ok(Some(line.to_owned()))
    } else {
        Err(Malformed(part))
    }
}

fn request_id(lines: &mut Lines<'_>) -> Result<Option<String>, Malformed> {
    let Some(id) = lines.field("Request ID: ") else { return Ok(None) };
    let plain = |byte| is_unreserved(byte) || is_sub_delim(byte) || b":@".contains(&byte);
    if is_made_of(id, plain) { Ok(Some(id.to_owned())) } else { Err(Malformed("request id")) }
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
        if !is_uri(uri) || resources.len() == RESOURCES_MAX {
            return Err(Malformed(part));
        }
        resources.push(uri.to_owned());
    }
    Ok(Some(resources))
}

fn decimal(text: &str) -> Option<u64> {
    // One spelling per number: no sign, no leading zero.
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn is_nonce(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_time(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

/// RFC 3986 §3: a scheme, a colon, and legal characters.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    is_scheme(scheme) && is_made_of(rest, |byte| is_unreserved(byte) || is_reserved(byte))
}

fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) && text.bytes().all(rest)
}

/// RFC 3986 §3.2: user, host and port, by their characters.
fn is_authority(text: &str) -> bool {
    is_made_of(text, |byte| is_unreserved(byte) || is_sub_delim(byte) || b":@[]".contains(&byte))
}

/// Whether every character is `plain` or a percent sign with two hexadecimal digits.
fn is_made_of(text: &str, plain: impl Fn(u8) -> bool) -> bool {
    let mut rest = text.as_bytes();
    // Ends: every turn takes one byte or three.
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..] if plain(*byte) => rest,
            _ => return false,
        };
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_reserved(byte: u8) -> bool {
    is_sub_delim(byte) || b":/?#[]@".contains(&byte)
}

fn is_sub_delim(byte: u8) -> bool {
    b"!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests;

//! Names of resources, by the whole grammar. Source: RFC 3986, appendix A.

use std::net::Ipv6Addr;

/// `scheme ":" hier-part [ "?" query ] [ "#" fragment ]`.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let (rest, fragment) = cut(rest, '#');
    let (hierarchy, query) = cut(rest, '?');
    let is_tail = |text| is_made_of(text, |byte| is_pchar(byte) || b"/?".contains(&byte));
    is_scheme(scheme)
        && is_hierarchy(hierarchy)
        && query.is_none_or(is_tail)
        && fragment.is_none_or(is_tail)
}

/// A letter, then letters, digits, plus, minus and dots.
pub(super) fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) && text.bytes().all(rest)
}

/// The host in `[ userinfo "@" ] host [ ":" port ]`, which may be empty; `None` if it is no
/// authority.
pub(super) fn host(authority: &str) -> Option<&str> {
    let (user, place) = match authority.split_once('@') {
        Some((user, place)) => (user, place),
        None => ("", authority),
    };
    let is_user = |byte| is_unreserved(byte) || is_sub_delim(byte) || byte == b':';
    let end = if place.starts_with('[') {
        place.find(']')? + 1
    } else {
        place.find(':').unwrap_or(place.len())
    };
    let (host, port) = place.split_at_checked(end)?;
    let is_name = |byte| is_unreserved(byte) || is_sub_delim(byte);
    let is_host = match host.strip_prefix('[') {
        Some(literal) => literal.strip_suffix(']').is_some_and(is_ip_literal),
        None => is_made_of(host, is_name),
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    (is_made_of(user, is_user) && is_host && is_port).then_some(host)
}

/// A segment of a path, or several without slashes between: `*pchar`.
pub(super) fn is_segment(text: &str) -> bool {
    is_made_of(text, is_pchar)
}

/// Whether a statement may have this character: reserved, unreserved, or a space, and so no percent
/// sign. Source: EIP-4361, "statement".
pub(super) fn is_statement(byte: u8) -> bool {
    is_unreserved(byte) || is_sub_delim(byte) || b":/?#[]@ ".contains(&byte)
}

/// `text` before `mark`, and what comes after it.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_hierarchy(text: &str) -> bool {
    let is_path = |text| is_made_of(text, |byte| is_pchar(byte) || byte == b'/');
    match text.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            host(authority).is_some() && is_path(path)
        }
        None => is_path(text),
    }
}

fn is_ip_literal(text: &str) -> bool {
    let Some(future) = text.strip_prefix(['v', 'V']) else {
        return text.parse::<Ipv6Addr>().is_ok();
    };
    let legal = |byte| is_unreserved(byte) || is_sub_delim(byte) || byte == b':';
    future.split_once('.').is_some_and(|(version, rest)| {
        !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !rest.is_empty()
            && rest.bytes().all(legal)
    })
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

fn is_pchar(byte: u8) -> bool {
    is_unreserved(byte) || is_sub_delim(byte) || b":@".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_sub_delim(byte: u8) -> bool {
    b"!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_follow_the_grammar() {
        let check = |text: &str, expected: bool| assert_eq!(is_uri(text), expected, "{text:?}");
        for text in [
            "https://example.com",
            "https://me:secret@example.com:8443/a/b;c=1?q=/?&r#f?/",
            "http://[::1]:80/",
            "http://[2001:db8::7]",
            "http://[::ffff:1.2.3.4]",
            "http://[v1.fe80::a+en1]",
            "http://example.com:",
            "http://%65xample.com",
            "file:///etc/hosts",
            "mailto:a@b.c",
            "urn:isbn:0451450523",
            "did:key:z6Mk",
            "a:",
            "a:/",
            "a://",
            "a+b-c.d:e",
            "tel:+1-816-555-1212",
        ] {
            check(text, true);
        }
        for text in [
            "",
            "example.com/path",
            "1a:b",
            ":b",
            "a:b c",
            "a:%2",
            "a:%zz",
            "a:b#c#d",
            "a:b[c]",
            "http://[::1",
            "http://::1/",
            "http://[::1]x",
            "http://[1:2:3:4:5:6:7:8:9]",
            "http://[v.a]",
            "http://[fe80::1%25eth0]",
            "http://a@b@c",
            "http://example.com:80a",
            "http://exämple.com",
            "a:\"b\"",
            "a:<b>",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn an_authority_has_a_host() {
        assert_eq!(host("me:x@service.org:443"), Some("service.org"));
        assert_eq!(host("[::cafe]:1"), Some("[::cafe]"));
        assert_eq!(host("service.org:"), Some("service.org"));
        assert_eq!(host(":80"), Some(""));
        for text in ["a b", "a/b", "a?b", "a#b", "[::1", "::1", "a:b", "a@b@c", "[1.2.3.4]"] {
            assert_eq!(host(text), None, "{text:?}");
        }
    }
}

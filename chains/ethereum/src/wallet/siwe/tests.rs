//! The grammar, both ways. The first table is legal and comes back byte for byte.

use proptest::prelude::*;

use super::*;

const ADDRESS: &str = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
const TAIL: &str = "URI: https://service.org/login\nVersion: 1\nChain ID: 1\nNonce: 32891757\n\
                    Issued At: 2021-09-30T16:25:24.000Z";

#[test]
fn what_the_grammar_allows_is_read_and_written_back() {
    let told = format!("service.org{ASKS}\n{ADDRESS}\n\nI accept.\n\n{TAIL}");
    reads("a statement", &told);
    let plain = format!("service.org{ASKS}\n{ADDRESS}\n\n\n{TAIL}");
    reads("no statement", &plain);
    reads("a scheme", &format!("https://{plain}"));
    reads("a port", &plain.replacen("service.org", "127.0.0.1:8080", 1));
    reads("IPv6", &plain.replacen("service.org", "[::cafe]", 1));
    reads("a user", &plain.replacen("service.org", "me@service.org", 1));
    reads("another zone", &plain.replace("24.000Z", "24-02:00"));
    reads(
        "both times",
        &format!(
            "{plain}\nExpiration Time: 2022-01-01T00:00:00Z\nNot Before: 2021-01-01T00:00:00Z"
        ),
    );
    reads("small letters in a time", &plain.replace("T16:25:24.000Z", "t16:25:24z"));
    reads("a second let in", &plain.replace("09-30T16:25:24.000Z", "12-31T23:59:60Z"));
    reads("a long fraction", &plain.replace("24.000Z", "24.12345678901234567890+05:30"));
    reads("a user with a password and a port", &plain.replacen("service.org", "a:b@c:1", 1));
    reads("an escaped host", &plain.replacen("service.org", "%73ervice.org", 1));
    reads("a port of no digits", &plain.replacen("service.org", "service.org:", 1));
    reads("an address of the future", &plain.replacen("service.org", "[v7.a:b]", 1));
    reads("a chain with leading zeros", &plain.replacen("Chain ID: 1", "Chain ID: 001", 1));
    reads("the largest chain", &plain.replacen("Chain ID: 1", "Chain ID: 18446744073709551615", 1));
    reads("every mark in a statement", &told.replacen("I accept.", " -._~:/?#[]@!$&'()*+,;= ", 1));
    reads("a statement like a field", &told.replacen("I accept.", "URI: a:b", 1));
    reads("a request id", &format!("{plain}\nRequest ID: some_id%20:@"));
    reads("an empty request id", &format!("{plain}\nRequest ID: "));
    reads("resources", &format!("{plain}\nResources:\n- ipfs://Qme7\n- did:key:z6Mk"));
    reads("no resource below the heading", &format!("{plain}\nResources:"));
}

#[track_caller]
fn reads(story: &str, text: &str) {
    let message: Result<Message, Malformed> = text.parse();
    assert_eq!(message.map(|message| message.to_string()), Ok(text.to_owned()), "{story}");
}

#[test]
fn what_the_grammar_forbids_is_refused_by_part() {
    let good = format!(
        "service.org{ASKS}\n{ADDRESS}\n\nI accept.\n\n{TAIL}\nRequest ID: id\nResources:\n- a:b"
    );
    reads("the table's base", &good);
    let refuses = |from: &str, to: &str, part: &'static str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from:?} is there to be replaced");
        let message: Result<Message, Malformed> = text.parse();
        assert_eq!(message, Err(Malformed(part)), "{from:?} became {to:?}");
    };
    refuses("service.org", "", "domain");
    refuses("service.org", "service org", "domain");
    refuses("service.org", "service.org/path", "domain");
    refuses("service.org", ":443", "domain");
    refuses("service.org", "me@", "domain");
    refuses("service.org", "a@b@service.org", "domain");
    refuses("service.org", "::cafe", "domain");
    refuses("service.org", "[::cafe", "domain");
    refuses("service.org", "service.org:http", "domain");
    refuses("service.org", "service.org:1:2", "domain");
    refuses("service.org", "%service.org", "domain");
    refuses("service.org", "://service.org", "domain");
    refuses("service.org", "1a://service.org", "domain");
    refuses("wants", "demands", "domain");
    refuses(ADDRESS, &ADDRESS.to_lowercase(), "address");
    refuses(ADDRESS, &ADDRESS[..41], "address");
    refuses(ADDRESS, &ADDRESS[2..], "address");
    refuses("I accept.", "I\naccept.", "statement");
    refuses("I accept.", "I accept ✓", "statement");
    refuses("I accept.", "I accept 100%", "statement");
    refuses("I accept.", "I\taccept", "statement");
    refuses("I accept.", "I accept.\r", "statement");
    refuses("I accept.", "", "URI");
    refuses("I accept.\n", "I accept.", "statement");
    refuses("URI: https", "URI: :https", "URI");
    refuses("URI: https://service.org/login", "URI: a b", "URI");
    refuses("URI: https://service.org/login\n", "", "URI");
    refuses("https://service.org/login", "https://service.org/%zz", "URI");
    refuses("Version: 1", "Version: 2", "version");
    refuses("Version: 1", "Version: 11", "version");
    refuses("Chain ID: 1", "Chain ID: ?", "chain id");
    refuses("Chain ID: 1", "Chain ID: ", "chain id");
    refuses("Chain ID: 1", "Chain ID: +1", "chain id");
    refuses("Chain ID: 1", "Chain ID: 0x1", "chain id");
    refuses("Chain ID: 1", "Chain ID: 18446744073709551616", "chain id");
    refuses("Chain ID: 1", "Chain ID: 99999999999999999999", "chain id");
    refuses("32891757", "3289175", "nonce");
    refuses("32891757", "3289175!", "nonce");
    refuses("2021-09-30T", "2021-02-30T", "issued at");
    refuses("2021-09-30T16:25:24.000Z", "Wed Oct 05 2011", "issued at");
    refuses("2021-09-30T", "2021-09-30 ", "issued at");
    refuses("24.000Z", "24.000", "issued at");
    refuses("24.000Z", "60Z", "issued at");
    refuses("Request ID: id", "Expiration Time: soon", "expiration time");
    refuses("Request ID: id", "Not Before: soon", "not before");
    refuses("Request ID: id", "Request ID: i d", "request id");
    refuses("Resources:\n- a:b", "Resources: a:b", "resources");
    refuses("- a:b", "- a:b - c:d", "resources");
    refuses("- a:b", "-", "end");
    refuses("- a:b", "- ", "resources");
    refuses("- a:b", "- a:b\n\n- c:d", "end");
    refuses("- a:b", "- a:b\r\n- c:d", "resources");
    refuses("- a:b", "- ab", "resources");
    refuses("- a:b", "- a:b\n", "end");
    refuses("- a:b", "- a:b\nRequest ID: late", "end");
    refuses("Request ID: id", "Request ID: id\nNot Before: 2021-01-01T00:00:00Z", "end");
}

proptest! {
    #[test]
    fn any_text_is_a_message_or_an_error(text in "\\PC*") {
        if let Ok(message) = text.parse::<Message>() {
            prop_assert_eq!(message.to_string(), text);
        }
    }

    #[test]
    fn any_line_in_any_place_is_read_back_or_refused(
        line in "[ -~\n]{0,40}",
        place in 0_usize..12,
    ) {
        let begin = format!("service.org{ASKS}\n{ADDRESS}\n\nI accept.");
        let good = format!("{begin}\n\n{TAIL}\nResources:\n- a:b");
        let mut lines: Vec<&str> = good.split('\n').collect();
        let place = place.min(lines.len() - 1);
        lines[place] = &line;
        let text = lines.join("\n");
        if let Ok(message) = text.parse::<Message>() {
            prop_assert_eq!(message.to_string(), text);
        }
    }
}

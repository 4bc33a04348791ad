//! What the contract tells: revisions by its view, events in its log, refusals in its panics.

use governance::anchor::{Code, OnChainId};
use serde::Deserialize;
use serde_json::Value;
use types::Hash;

/// Longest payload of a revision: a batch's.
const PAYLOAD_BYTES_MAX: usize = governance::anchor::ACTIONS_BYTES_MAX;
/// What stands before the text that a contract panicked with.
const PANICKED: &str = "Smart contract panicked: ";
/// What begins an event in a log. Source: NEP-297.
const EVENT: &str = "EVENT_JSON:";

/// A revision as the contract has it: of the block that it ran in it knows height and time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) rev: u64,
    pub(crate) kind: u8,
    pub(crate) height: u64,
    pub(crate) time_ns: u64,
    pub(crate) payload: Vec<u8>,
    pub(crate) log_head: Hash,
}

/// What a call brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// The proposal that it made.
    pub(crate) seq: Option<u64>,
    /// The last revision that it made.
    pub(crate) rev: Option<u64>,
}

#[derive(Deserialize)]
struct Row {
    rev: String,
    kind: u8,
    height: String,
    time_ns: String,
    payload: String,
    log_head: String,
}

#[derive(Deserialize)]
struct Event {
    standard: String,
    event: String,
    data: Vec<Value>,
}

/// The answer of the view `revisions`; `None` if it is none.
pub(crate) fn revisions(answer: &[u8]) -> Option<Vec<Told>> {
    let rows: Vec<Row> = serde_json::from_slice(answer).ok()?;
    rows.iter().map(row).collect()
}

fn row(row: &Row) -> Option<Told> {
    let digits = row.payload.strip_prefix("0x")?;
    if digits.len() > 2 * PAYLOAD_BYTES_MAX {
        return None;
    }
    Some(Told {
        rev: number(&row.rev)?,
        kind: row.kind,
        height: number(&row.height)?,
        time_ns: number(&row.time_ns)?,
        payload: hex::decode(digits).ok()?,
        log_head: row.log_head.strip_prefix("0x")?.parse().ok()?,
    })
}

/// Decimal digits alone.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// What a call about `context` brought about, by what it wrote.
pub(crate) fn done<'a>(logs: impl IntoIterator<Item = &'a String>, context: &OnChainId) -> Done {
    let mut done = Done::default();
    let context = format!("0x{}", context.as_hash());
    for log in logs {
        let Some(text) = log.strip_prefix(EVENT) else { continue };
        let Ok(event) = serde_json::from_str::<Event>(text) else { continue };
        if event.standard != "cam" {
            continue;
        }
        let own = |data: &&Value| data.get("context").and_then(Value::as_str) == Some(&context);
        for data in event.data.iter().filter(own) {
            let field = |name: &str| data.get(name).and_then(Value::as_str).and_then(number);
            match &*event.event {
                "Rev" => done.rev = done.rev.max(field("rev")),
                "Proposed" => done.seq = field("seq").or(done.seq),
                _ => {}
            }
        }
    }
    done
}

/// The code that a panic's text begins with; `None` if it begins with none.
pub(crate) fn code_of(text: &str) -> Option<Code> {
    let text = text.split_once(PANICKED).map_or(text, |(_, text)| text);
    let digits = text.strip_prefix('E')?;
    let (digits, rest) = digits.split_at_checked(2)?;
    let ends = rest.is_empty() || rest.starts_with([' ', '\'', '"']);
    let number = u16::from_str_radix(digits, 16).ok().filter(|_| ends)?;
    Code::from_number(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const CONTEXT: OnChainId = OnChainId::new(Hash::from_bytes([1; 32]));

    #[test]
    fn refusals_are_read_from_panics() {
        for (text, code) in [
            ("Smart contract panicked: E12 the account is not an admin", Some(Code::E12)),
            ("Smart contract panicked: E02 the deposit does not cover it", Some(Code::E02)),
            ("E57 the root has changed", Some(Code::E57)),
            ("E57", Some(Code::E57)),
            ("E575 something", None),
            ("E99 nothing", None),
            ("Smart contract panicked: the state is damaged", None),
            ("Exceeded the prepaid gas.", None),
            ("E+5 x", None),
            ("", None),
        ] {
            assert_eq!(code_of(text), code, "{text}");
        }
    }

    #[test]
    fn events_of_the_record_tell_what_was_done() {
        let ours = format!("0x{}", "01".repeat(32));
        let event = |standard: &str, event: &str, data: Value| {
            format!("{EVENT}{}", json!({"standard": standard, "event": event, "data": data}))
        };
        let logs = [
            event("cam", "Proposed", json!([{"context": ours, "seq": "4"}])),
            event(
                "cam",
                "Rev",
                json!([{"context": ours, "rev": "7"}, {"context": ours, "rev": "8"}]),
            ),
            event("cam", "Rev", json!([{"context": "0x02", "rev": "99"}])),
            event("nep141", "Rev", json!([{"context": ours, "rev": "99"}])),
            "EVENT_JSON:{".to_owned(),
            "anything".to_owned(),
        ];
        assert_eq!(done(&logs, &CONTEXT), Done { seq: Some(4), rev: Some(8) });
        assert_eq!(done(&[], &CONTEXT), Done::default());
    }

    #[test]
    fn revisions_are_read_strictly() {
        let good = json!({
            "rev": "3", "kind": 5, "height": "10", "time_ns": "11", "payload": "0x0a",
            "log_head": format!("0x{}", "02".repeat(32)),
        });
        let read = |row: &Value| revisions(json!([row]).to_string().as_bytes());
        let told = read(&good).expect("well-formed");
        assert_eq!((told[0].rev, told[0].kind, told[0].height), (3, 5, 10));
        for (field, value) in [
            ("rev", json!("+3")),
            ("rev", json!(3)),
            ("kind", json!(256)),
            ("height", json!("99999999999999999999")),
            ("payload", json!("0a")),
            ("payload", json!(format!("0x{}", "00".repeat(PAYLOAD_BYTES_MAX + 1)))),
            ("log_head", json!("0x02")),
        ] {
            let mut row = good.clone();
            row[field] = value;
            assert_eq!(read(&row), None, "{row}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,200}") {
            let _either = code_of(&text).is_some();
            let _either = revisions(text.as_bytes()).is_some();
            let _either = done(&[format!("{EVENT}{text}")], &CONTEXT);
        }
    }
}

//! What happened, as NEP-297 events of the standard `cam`: for indexers and people. A node reads
//! `revisions` and `proposals`, which stay in the state.

use governance::anchor::{Account, Call, Event, OnChainId};
use near_sdk::env;

use crate::{json::to_hex, state};

/// Tells `events` in their order; those of one name that follow each other share a line.
pub(crate) fn tell(
    context: &OnChainId,
    caller: &Account,
    call: &Call,
    batch: &[u8],
    events: &[Event],
) {
    let (context, by) = (context.to_string(), state::name(caller));
    // A batch that was carried out at once stands in the revisions that it made: each byte of a
    // line is dear.
    let is_done = events.iter().any(|event| matches!(event, Event::Executed { .. }));
    for same in events.chunk_by(|a, b| a.name() == b.name()) {
        let Some(name) = same.first().map(Event::name) else { continue };
        let mut line = String::with_capacity(256 * same.len());
        line.push_str(r#"EVENT_JSON:{"standard":"cam","version":"1.0.0","event":""#);
        line.push_str(name);
        line.push_str(r#"","data":["#);
        for (index, event) in same.iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            line.push_str(r#"{"context":""#);
            line.push_str(&context);
            line.push('"');
            for (field, value) in fields(event, (by.as_str(), call), batch, is_done) {
                line.push_str(",\"");
                line.push_str(field);
                line.push_str("\":");
                value.put(&mut line);
            }
            line.push('}');
        }
        line.push_str("]}");
        env::log_str(&line);
    }
}

/// Nothing that JSON would have to escape: numbers, hex, names of accounts.
enum Value<'a> {
    Number(u32),
    Decimal(u64),
    Bytes(&'a [u8]),
    Owned(Vec<u8>),
    Name(&'a str),
}

impl Value<'_> {
    fn put(&self, line: &mut String) {
        if let Self::Number(number) = self {
            line.push_str(&number.to_string());
            return;
        }
        line.push('"');
        match self {
            Self::Number(_) => {}
            Self::Decimal(number) => line.push_str(&number.to_string()),
            Self::Bytes(bytes) => line.push_str(&to_hex(bytes)),
            Self::Owned(bytes) => line.push_str(&to_hex(bytes)),
            Self::Name(name) => line.push_str(name),
        }
        line.push('"');
    }
}

fn fields<'a>(
    event: &'a Event,
    (by, call): (&'a str, &'a Call),
    batch: &'a [u8],
    is_done: bool,
) -> Vec<(&'static str, Value<'a>)> {
    use Value::{Bytes, Decimal, Name, Number, Owned};
    match event {
        Event::Rev { rev, happened, log_head } => vec![
            ("rev", Decimal(*rev)),
            ("kind", Number(happened.kind().into())),
            ("payload", Owned(happened.payload())),
            ("log_head", Bytes(log_head.as_bytes())),
        ],
        Event::Proposed { seq } => {
            let mut fields = vec![("seq", Decimal(*seq)), ("by", Name(by))];
            if !is_done {
                fields.push(("actions", Bytes(batch)));
            }
            if let Call::Propose { expiry_s, .. } | Call::Act { expiry_s, .. } = call {
                fields.push(("expiry_s", Decimal(*expiry_s)));
            }
            fields
        }
        // Here everybody approves for itself.
        Event::Approved { seq, .. }
        | Event::Unapproved { seq }
        | Event::Executed { seq }
        | Event::Canceled { seq }
        | Event::Vetoed { seq } => vec![("seq", Decimal(*seq)), ("by", Name(by))],
        Event::Queued { seq, eta_s } => vec![("seq", Decimal(*seq)), ("eta_s", Decimal(*eta_s))],
        Event::Expired { seq } => vec![("seq", Decimal(*seq))],
        Event::Bound { key } => {
            let mut fields = vec![("by", Name(by)), ("key", Bytes(key))];
            if let Call::Bind { scheme, signature, expiry_s, .. } = call {
                fields.push(("scheme", Number((*scheme).into())));
                fields.push(("signature", Bytes(signature)));
                fields.push(("expiry_s", Decimal(*expiry_s)));
            }
            fields
        }
        Event::Unbound { key } => vec![("by", Name(by)), ("key", Bytes(key))],
        Event::Claimed { key, leaf, use_number } => vec![
            ("by", Name(by)),
            ("key", Bytes(key)),
            ("leaf", Bytes(leaf.as_bytes())),
            ("use", Number(*use_number)),
        ],
    }
}

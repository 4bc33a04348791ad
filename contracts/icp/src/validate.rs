//! What the `validate_` twins answer: SNS and Orbit ask them before a proposal is made, and show
//! the text to whoever votes. A call that cannot succeed as it is written is refused; whether it
//! would succeed at present is told, since that may change before it is made.

use candid::Principal;
use governance::anchor::{Code, OnChainId, Status};

use crate::{ask::Ask, lifecycle, registry::Caller, wire, words};

/// What would be done.
type Validity = Result<String, String>;

/// A call about a record.
pub(crate) fn ask(ask: &Ask) -> Validity {
    let caller = caller()?;
    if let Some(code) = ask.fault {
        return Err(code.to_string());
    }
    lifecycle::read(|registry| {
        let row = registry.store.record(&ask.context);
        let row = row.ok_or_else(|| format!("there is no record {}", ask.context))?;
        let record = row.record(ask.context, registry.name.log_start(&ask.context));
        // What is left of a dissolved record can still be cleared up.
        let needs_active = ask.call.refusal_without_record() == Some(Code::E10);
        if needs_active && record.head.status != Status::Active {
            return Err(format!("the record {} was dissolved", ask.context));
        }
        let verdict = registry.judge(&caller, ask).map(|verdict| words::events(&verdict.events));
        Ok(told(&words::ask(ask), verdict))
    })
}

/// Creation. It is refused where it could never be done; what it costs is looked at when it is.
pub(crate) fn create(salt: [u8; 32], terms: wire::Terms) -> Validity {
    let caller = caller()?;
    lifecycle::read(|registry| {
        let text = words::create(&terms);
        let made = registry.judge_create(&caller, salt, terms);
        let (record, _) = made.map_err(|code| code.to_string())?;
        Ok(format!("{text}; it becomes record {}", record.id))
    })
}

/// The purchase of a record.
pub(crate) fn buy_record(account: &Principal) -> Validity {
    caller()?;
    if wire::account(account).is_none() {
        return Err("nobody makes records with that principal".to_owned());
    }
    Ok(format!("pay {} for one record that {account} will make", price()?))
}

/// The purchase of room.
pub(crate) fn buy_room(context: &OnChainId) -> Validity {
    caller()?;
    let (is_there, more) = lifecycle::read(|registry| {
        (registry.store.record(context).is_some(), registry.settings.room_bytes)
    });
    if !is_there {
        return Err(format!("there is no record {context}"));
    }
    Ok(format!("pay {} for {more} bytes more in record {context}", price()?))
}

fn price() -> Validity {
    let price = lifecycle::read(|registry| registry.settings.price_cycles);
    price
        .map(|price| format!("{price} cycles"))
        .ok_or_else(|| "nothing is for sale here".to_owned())
}

fn caller() -> Result<Caller, String> {
    lifecycle::caller().ok_or_else(|| "the anonymous principal is nobody".to_owned())
}

fn told(text: &str, verdict: Result<String, Code>) -> String {
    match verdict {
        Ok(events) => format!("{text}; at present this would be done: {events}"),
        Err(code) => format!("{text}; at present it would be refused: {code}"),
    }
}

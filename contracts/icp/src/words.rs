//! Calls in words, for whoever votes on them.

use governance::anchor::{Account, Action, Call, Event};

use crate::{ask::Ask, wire};

/// What a call about a record says.
pub(crate) fn ask(ask: &Ask) -> String {
    let says = match &ask.call {
        // Creation is no call about a record.
        Call::Create { .. } => "create it".to_owned(),
        Call::Propose { actions, expiry_s } => {
            format!("propose, until Unix second {expiry_s}, to {}", batch(actions))
        }
        Call::Act { actions, expiry_s } => {
            format!(
                "do at once, or else propose until Unix second {expiry_s}, to {}",
                batch(actions)
            )
        }
        Call::Approve { seq, actions_hash } => {
            format!("approve proposal {seq} with actions 0x{actions_hash}")
        }
        Call::ApproveBySigs { seq, .. } => format!("approve proposal {seq} by signatures"),
        Call::ApproveAndExecute { seq, actions } => {
            format!("approve proposal {seq} and, if that is enough, {}", batch(actions))
        }
        Call::Unapprove { seq } => format!("take the approval of proposal {seq} back"),
        Call::Cancel { seq } => format!("withdraw proposal {seq}"),
        Call::Veto { seq } => format!("veto proposal {seq}"),
        Call::Execute { seq, actions } => {
            format!("carry proposal {seq} out: {}", batch(actions))
        }
        Call::Expire { seq } => format!("free proposal {seq}, which ran out"),
        Call::AcceptAdmin => "become an admin".to_owned(),
        Call::Renounce => "be no admin any more".to_owned(),
        Call::Bind { scheme, key, expiry_s, .. } => format!(
            "tell that member key {} of scheme {scheme} is the caller's, until Unix second \
             {expiry_s}",
            hex(key)
        ),
        Call::Unbind { key } => format!("tell that member key {} is not the caller's", hex(key)),
        Call::ClaimInvite { key, invite, use_number, .. } => format!(
            "use invitation {} (use {use_number}) for member key {}",
            hex(&invite.key),
            hex(key)
        ),
        Call::Freeze { secs } => format!("freeze for {secs} s"),
    };
    format!("in record {}: {says}", ask.context)
}

/// What a creation says.
pub(crate) fn create(terms: &wire::Terms) -> String {
    let wire::Delays { routine, app, admin, root } = terms.delays_s;
    let guardian = terms.guardian.map_or("nobody".to_owned(), |guardian| guardian.to_text());
    format!(
        "create the record of context {} with application {}, {} members, root {}, delays \
         {routine}/{app}/{admin}/{root} s, guardian {guardian}, flags {}",
        hex(&*terms.context),
        hex(&*terms.app),
        terms.members_count,
        hex(&*terms.members_root),
        terms.flags
    )
}

/// The names of what would happen.
pub(crate) fn events(events: &[Event]) -> String {
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    names.join(", ")
}

fn batch(actions: &[Action]) -> String {
    let says: Vec<String> = actions.iter().map(action).collect();
    says.join(", then ")
}

/// As the model says it, but with accounts as this chain writes them.
fn action(action: &Action) -> String {
    match action {
        Action::NominateAdmin { account, ttl_s } => {
            format!("nominate {} for {ttl_s} s", name(account))
        }
        Action::RemoveAdmin { account } => format!("remove admin {}", name(account)),
        Action::SetGuardian { guardian: Some(account) } => {
            format!("make {} guardian", name(account))
        }
        other => other.to_string(),
    }
}

fn name(account: &Account) -> String {
    wire::principal(account).to_text()
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ["0x", &digits].concat()
}

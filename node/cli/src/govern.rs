//! Changes of the rules: asked for, and waited for until they are sequenced.

use std::time::Duration;

use anyhow::bail;
use api::wire::{Governance, Member, Status};
use serde::Serialize;
use tokio::time::Instant;
use types::ContextId;

use crate::{args::Global, client::Client, context::Wait, duration::Secs};

/// How often the node is asked how far it is.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// How one sees that a change came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The log is longer, and nothing waits.
    Change,
    /// This member is none any more.
    Gone(String),
    /// This member has this role.
    Role(String, String),
    /// This node's member is an admin, or is none.
    SelfAdmin(bool),
}

/// Asks for a change of `context` at the route `what`.
///
/// # Errors
/// What the node says; that it was not sequenced in the time given.
pub(crate) async fn govern(
    global: &Global,
    context: ContextId,
    what: &str,
    body: &impl Serialize,
    wanted: Wanted,
    wait: Wait,
) -> anyhow::Result<()> {
    let client = Client::open(global)?;
    let before: Status = client.get(&format!("/v1/contexts/{context}")).await?;
    let mut state: Governance =
        client.post(&format!("/v1/contexts/{context}/{what}"), body).await?;
    if let Some(Secs(secs)) = wait.wait {
        let mut shown = None;
        let end = Instant::now() + Duration::from_secs(secs);
        while state.epoch.is_none() {
            if let Some(why) = state.waiting.filter(|why| shown.as_ref() != Some(why)) {
                global.output.progress(&format!("waiting: {why}"));
                shown = Some(why);
            }
            if Instant::now() >= end {
                let why = shown.unwrap_or_else(|| "the node does not say for what".to_owned());
                bail!("not sequenced within {secs} s; waiting: {why}");
            }
            tokio::time::sleep(ASK_INTERVAL).await;
            state = asked(&client, context, &wanted, &before).await?;
        }
    }
    global.output.show(&state, |state| match (state.epoch, &state.waiting) {
        (Some(epoch), _) => format!("done, as entry {epoch}"),
        (None, Some(why)) => format!("taken; waiting: {why}"),
        (None, None) => "taken".to_owned(),
    })
}

async fn asked(
    client: &Client,
    context: ContextId,
    wanted: &Wanted,
    before: &Status,
) -> anyhow::Result<Governance> {
    let status: Status = client.get(&format!("/v1/contexts/{context}")).await?;
    let members: Vec<Member> = client.get(&format!("/v1/contexts/{context}/members")).await?;
    if has_come(wanted, &status, &members, before.epoch) {
        return Ok(Governance { epoch: Some(status.epoch), waiting: None });
    }
    if status.failures > before.failures {
        bail!("it failed: {}", status.failure.as_deref().unwrap_or("no reason was given"));
    }
    let waiting = Some(status.waiting.join("; ")).filter(|why| !why.is_empty());
    Ok(Governance { epoch: None, waiting })
}

fn has_come(wanted: &Wanted, status: &Status, members: &[Member], epoch_before: u64) -> bool {
    let find = |key: &str| members.iter().find(|member| member.member == key);
    match wanted {
        Wanted::Change => status.epoch > epoch_before && status.waiting.is_empty(),
        Wanted::Gone(member) => find(member).is_none(),
        Wanted::Role(member, role) => find(member).is_some_and(|member| member.role == *role),
        Wanted::SelfAdmin(wanted) => {
            let is_admin = matches!(status.role.as_deref(), Some("admin" | "owner"));
            is_admin == *wanted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(epoch: u64, role: Option<&str>, waiting: &[&str]) -> Status {
        let waiting: Vec<String> = waiting.iter().map(|&why| why.to_owned()).collect();
        serde_json::from_value(serde_json::json!({
            "context": "c", "app": "a", "member": "me", "role": role, "epoch": epoch, "head": "h",
            "key_epoch": 0, "root": "r", "deltas": 0, "members": 1, "peers": 0,
            "peers_in_sync": 0, "pending": 0, "anchor": null, "waiting": waiting,
            "failures": 0, "failure": null,
        }))
        .expect("a status")
    }

    fn member(key: &str, role: &str) -> Member {
        let (member, role) = (key.to_owned(), role.to_owned());
        Member {
            member,
            role,
            caps: 0,
            account: None,
            since_epoch: 1,
            is_self: false,
            has_lapsed: false,
        }
    }

    #[test]
    fn a_change_has_come_when_its_effect_is_there() {
        let members = [member("bob", "read-only")];
        let come = |wanted, status| has_come(&wanted, &status, &members, 3);
        assert!(!come(Wanted::Change, status(3, None, &[])));
        assert!(!come(Wanted::Change, status(4, None, &["finality"])));
        assert!(come(Wanted::Change, status(4, None, &[])));
        assert!(!come(Wanted::Gone("bob".to_owned()), status(9, None, &[])));
        assert!(come(Wanted::Gone("eve".to_owned()), status(3, None, &[])));
        let role = |role: &str| Wanted::Role("bob".to_owned(), role.to_owned());
        assert!(come(role("read-only"), status(3, None, &[])));
        assert!(!come(role("member"), status(3, None, &[])));
        assert!(come(Wanted::SelfAdmin(true), status(3, Some("admin"), &[])));
        assert!(come(Wanted::SelfAdmin(false), status(3, Some("member"), &[])));
        assert!(!come(Wanted::SelfAdmin(true), status(3, None, &[])));
    }
}

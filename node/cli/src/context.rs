//! `anchorhold context`: making contexts, and changing their rules.

use anyhow::Context as _;
use api::wire::{Act, Anchor, Context, CreateContext, Freeze, NamesMember, Status};
use clap::Subcommand;
use serde_json::value::RawValue;
use types::{AccountId, AppId, ContextId, InvitationId, MemberKey};

use crate::{
    args::Global,
    client::Client,
    duration::Secs,
    govern::{self, Wanted},
    invite::GivenRole,
    proposal, status,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Make a context.
    Create(CreateArgs),
    /// List the contexts on this node.
    List,
    /// Nominate a member for admin.
    Nominate {
        /// The context.
        context: ContextId,
        /// The member's key.
        member: MemberKey,
        #[command(flatten)]
        wait: Wait,
    },
    /// Accept one's own nomination.
    Accept {
        /// The context.
        context: ContextId,
        #[command(flatten)]
        wait: Wait,
        /// Take the seat of another account whose key the node holds.
        #[arg(long, value_name = "ACCOUNT", conflicts_with = "wait")]
        account: Option<AccountId>,
    },
    /// Give up one's own admin role.
    Renounce {
        /// The context.
        context: ContextId,
        #[command(flatten)]
        wait: Wait,
        /// Give up the seat of another account whose key the node holds.
        #[arg(long, value_name = "ACCOUNT", conflicts_with = "wait")]
        account: Option<AccountId>,
    },
    /// Remove a member.
    Remove {
        /// The context.
        context: ContextId,
        /// The member's key.
        member: MemberKey,
        #[command(flatten)]
        wait: Wait,
    },
    /// Make a member a reader or a writer.
    Role {
        /// The context.
        context: ContextId,
        /// The member's key.
        member: MemberKey,
        /// What it becomes.
        #[arg(value_enum)]
        role: GivenRole,
        #[command(flatten)]
        wait: Wait,
    },
    /// End an invitation.
    Revoke {
        /// The context.
        context: ContextId,
        /// The invitation.
        invitation: InvitationId,
        #[command(flatten)]
        wait: Wait,
    },
    /// As the guardian: stop grave proposals, and all executions, for a while.
    Freeze {
        /// The context.
        context: ContextId,
        /// For how long, at most 7 days; and not again within 30.
        #[arg(value_name = "TIME")]
        time: Secs,
        /// The guardian, whose key the node holds, if it is not the node's member's own account.
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<AccountId>,
    },
}

/// How long a change of the rules is waited for.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Wait {
    /// Wait so long until the change is sequenced, and fail if it is not.
    #[arg(long, value_name = "SECS")]
    pub(crate) wait: Option<Secs>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// An installed application.
    #[arg(long, value_name = "ID")]
    app: AppId,
    /// An account whose key the node holds: anchors the context on its chain, and pays.
    #[arg(long, value_name = "ACCOUNT")]
    anchor: Option<AccountId>,
    /// Time between approval and execution on chain: routine, application, admin, root.
    #[arg(
        long,
        value_name = "A,B,C,D",
        requires = "anchor",
        value_parser = delays,
        default_value = "0,1h,1d,2d"
    )]
    delays: Delays,
    /// Who may veto and freeze on chain, but change nothing.
    #[arg(long, value_name = "ACCOUNT", requires = "anchor")]
    guardian: Option<AccountId>,
    /// Arguments of the application's `init`, as JSON.
    #[arg(long, value_name = "JSON")]
    init: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delays(pub(crate) [u32; 4]);

/// Four times, as `A,B,C,D`.
pub(crate) fn delays(text: &str) -> Result<Delays, String> {
    let secs = |part: &str| {
        let Secs(secs) = part.parse()?;
        u32::try_from(secs).map_err(|_| format!("{part:?} is too long"))
    };
    let parts = text.split(',').map(secs).collect::<Result<Vec<u32>, String>>()?;
    let count = parts.len();
    parts.try_into().map(Delays).map_err(|_| format!("expected four lengths of time, not {count}"))
}

pub(crate) async fn context(global: &Global, command: ContextCommand) -> anyhow::Result<()> {
    match command {
        ContextCommand::Create(args) => create(global, args).await,
        ContextCommand::List => list(global).await,
        ContextCommand::Nominate { context, member, wait } => {
            let body = names(member, None);
            govern::govern(global, context, "nominate", &body, Wanted::Change, wait).await
        }
        ContextCommand::Accept { context, account: Some(account), .. } => {
            seat(global, context, "accept", &account).await
        }
        ContextCommand::Renounce { context, account: Some(account), .. } => {
            seat(global, context, "renounce", &account).await
        }
        ContextCommand::Accept { context, wait, account: None } => {
            govern::govern(global, context, "accept", &(), Wanted::SelfAdmin(true), wait).await
        }
        ContextCommand::Renounce { context, wait, account: None } => {
            govern::govern(global, context, "renounce", &(), Wanted::SelfAdmin(false), wait).await
        }
        ContextCommand::Remove { context, member, wait } => {
            let wanted = Wanted::Gone(member.to_string());
            govern::govern(global, context, "remove", &names(member, None), wanted, wait).await
        }
        ContextCommand::Role { context, member, role, wait } => {
            let role = role.as_str().to_owned();
            let wanted = Wanted::Role(member.to_string(), role.clone());
            govern::govern(global, context, "role", &names(member, Some(role)), wanted, wait).await
        }
        ContextCommand::Revoke { context, invitation, wait } => {
            let what = format!("invitations/{invitation}/revoke");
            govern::govern(global, context, &what, &(), Wanted::Change, wait).await
        }
        ContextCommand::Freeze { context, time, account } => {
            freeze(global, context, time, account).await
        }
    }
}

async fn seat(
    global: &Global,
    context: ContextId,
    act: &str,
    account: &AccountId,
) -> anyhow::Result<()> {
    let body = Act { act: act.to_owned(), account: Some(account.to_string()) };
    let path = format!("/v1/contexts/{context}/seat");
    proposal::show_receipt(global, &Client::open(global)?.post(&path, &body).await?)
}

async fn freeze(
    global: &Global,
    context: ContextId,
    Secs(secs): Secs,
    account: Option<AccountId>,
) -> anyhow::Result<()> {
    let secs = u32::try_from(secs).context("a freeze lasts at most 7 days")?;
    let body = Freeze { secs, account: account.map(|account| account.to_string()) };
    let path = format!("/v1/contexts/{context}/freeze");
    proposal::show_receipt(global, &Client::open(global)?.post(&path, &body).await?)
}

fn names(member: MemberKey, role: Option<String>) -> NamesMember {
    NamesMember { member: member.to_string(), role }
}

async fn create(global: &Global, args: CreateArgs) -> anyhow::Result<()> {
    let init = args.init.map(|init| json(init, "--init")).transpose()?;
    let Delays(delays_secs) = args.delays;
    if args.anchor.is_some() {
        proposal::warn_of_short_delays(delays_secs);
    }
    let anchor = args.anchor.map(|account| Anchor {
        account: account.to_string(),
        delays_secs,
        guardian: args.guardian.map(|guardian| guardian.to_string()),
    });
    let body = CreateContext { app: args.app.to_string(), anchor, init };
    let made: Context = Client::open(global)?.post("/v1/contexts", &body).await?;
    global.output.show(&made, |made| made.context.clone())
}

async fn list(global: &Global) -> anyhow::Result<()> {
    let contexts: Vec<Status> = Client::open(global)?.get("/v1/contexts").await?;
    global.output.show(&contexts, |contexts| status::rows(contexts))
}

/// `text` as JSON, unchanged.
///
/// # Errors
/// If it is none.
pub(crate) fn json(text: String, what: &str) -> anyhow::Result<Box<RawValue>> {
    let shown = text.clone();
    RawValue::from_string(text).with_context(|| format!("{what}: {shown:?} is not JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_four() {
        assert_eq!(delays("0,60,1h,1d"), Ok(Delays([0, 60, 3_600, 86_400])));
        for bad in ["", "0", "0,0,0", "0,0,0,0,0", "0,0,0,x", "0,0,0,99999999999"] {
            assert!(delays(bad).is_err(), "{bad}");
        }
    }
}

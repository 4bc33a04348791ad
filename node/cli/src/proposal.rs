//! `anchorhold proposal`: what several admins decide together, on the context's chain.

use anyhow::bail;
use api::wire::{Act, Action, Proposal, Propose, Receipt};
use clap::{Subcommand, ValueEnum};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use types::{AccountId, AppId, ContextId, Hash};

use crate::{args::Global, client::Client, duration::Secs, output};

/// For how long a nomination may be accepted unless told otherwise, in seconds: two weeks.
const NOMINATION_TTL_SECS: u32 = 14 * 24 * 3_600;

#[derive(Debug, Subcommand)]
pub(crate) enum ProposalCommand {
    /// Propose changes of the rules; with one admin and no delay they take effect at once.
    New(Box<NewArgs>),
    /// List the open proposals.
    List {
        /// The context.
        context: ContextId,
    },
    /// Approve one; the last approval carries it out where there is no delay.
    Approve(ActArgs),
    /// Take one's approval back.
    Unapprove(ActArgs),
    /// Carry one out whose delay is over.
    Execute(ActArgs),
    /// Withdraw one.
    Cancel(ActArgs),
    /// Refuse one as the context's guardian.
    Veto(ActArgs),
    /// Close one that ran out.
    Expire(ActArgs),
}

/// Actions are done in the order in which they stand here, all or none.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// The context.
    context: ContextId,
    /// Let this account take an admin's seat.
    #[arg(long, value_name = "ACCOUNT")]
    nominate: Vec<AccountId>,
    /// Take this account's seat away.
    #[arg(long, value_name = "ACCOUNT")]
    remove_admin: Vec<AccountId>,
    /// So many admins must approve.
    #[arg(long, value_name = "COUNT")]
    threshold: Option<u8>,
    /// How long batches of a class wait: routine, app, admin or root; such as `admin=1d`.
    #[arg(long, value_name = "CLASS=TIME", value_parser = delay)]
    delay: Vec<(DelayClass, u32)>,
    /// Run this application.
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// What moves the state over to it.
    #[arg(long, value_name = "HASH", requires = "app")]
    migration: Option<Hash>,
    /// Who may veto and freeze; `none` for nobody.
    #[arg(long, value_name = "ACCOUNT")]
    guardian: Option<Guardian>,
    /// The hash of what the context says about itself.
    #[arg(long, value_name = "HASH")]
    meta: Option<Hash>,
    /// End the record on chain for good.
    #[arg(long)]
    dissolve: bool,
    /// For how long it may be approved and carried out, at most 90 days.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    expires: Secs,
    /// Act as this account, whose key the node holds, instead of the node's member's own.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountId>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ActArgs {
    /// The context.
    context: ContextId,
    /// The proposal's number.
    proposal: u64,
    /// Act as this account, whose key the node holds, instead of the node's member's own.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountId>,
}

/// How grave a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DelayClass {
    Routine,
    App,
    Admin,
    Root,
}

/// An account, or nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Guardian(Option<AccountId>);

impl std::str::FromStr for Guardian {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|account| Self(Some(account))).map_err(|error| format!("{error}"))
    }
}

fn delay(text: &str) -> Result<(DelayClass, u32), String> {
    let (class, time) = text.split_once('=').ok_or("expected CLASS=TIME, such as admin=1d")?;
    let class = DelayClass::from_str(class, false)
        .map_err(|_| format!("{class:?} is not routine, app, admin or root"))?;
    let Secs(secs) = time.parse()?;
    let secs = u32::try_from(secs).map_err(|_| format!("{time:?} is too long"))?;
    Ok((class, secs))
}

impl DelayClass {
    const fn word(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::App => "app",
            Self::Admin => "admin",
            Self::Root => "root",
        }
    }
}

impl NewArgs {
    fn actions(&self) -> Vec<Action> {
        let nominations = self.nominate.iter().map(|account| Action::NominateAdmin {
            account: account.to_string(),
            ttl_secs: NOMINATION_TTL_SECS,
        });
        let removals = self.remove_admin.iter();
        let removals = removals.map(|account| Action::RemoveAdmin { account: account.to_string() });
        let mut actions: Vec<Action> = nominations.chain(removals).collect();
        actions.extend(self.threshold.map(|threshold| Action::SetThreshold { threshold }));
        actions.extend(
            self.delay.iter().map(|(class, secs)| Action::SetDelay {
                class: class.word().to_owned(),
                secs: *secs,
            }),
        );
        actions.extend(self.app.map(|app| Action::SetApp {
            app: app.to_string(),
            migration: self.migration.map(|migration| migration.to_string()),
        }));
        actions.extend(self.guardian.as_ref().map(|Guardian(account)| Action::SetGuardian {
            account: account.as_ref().map(ToString::to_string),
        }));
        actions.extend(self.meta.map(|meta| Action::SetMeta { meta: meta.to_string() }));
        actions.extend(self.dissolve.then_some(Action::Dissolve {}));
        actions
    }
}

pub(crate) async fn proposal(global: &Global, command: ProposalCommand) -> anyhow::Result<()> {
    let (args, act) = match command {
        ProposalCommand::New(args) => return new(global, *args).await,
        ProposalCommand::List { context } => return list(global, context).await,
        ProposalCommand::Approve(args) => (args, "approve"),
        ProposalCommand::Unapprove(args) => (args, "unapprove"),
        ProposalCommand::Execute(args) => (args, "execute"),
        ProposalCommand::Cancel(args) => (args, "cancel"),
        ProposalCommand::Veto(args) => (args, "veto"),
        ProposalCommand::Expire(args) => (args, "expire"),
    };
    let ActArgs { context, proposal, account } = args;
    let body = Act { act: act.to_owned(), account: account.map(|account| account.to_string()) };
    let path = format!("/v1/contexts/{context}/proposals/{proposal}");
    show_receipt(global, &Client::open(global)?.post(&path, &body).await?)
}

async fn new(global: &Global, args: NewArgs) -> anyhow::Result<()> {
    let actions = args.actions();
    if actions.is_empty() {
        bail!("nothing is proposed; see `anchorhold proposal new --help`");
    }
    let Secs(ttl_secs) = args.expires;
    let account = args.account.map(|account| account.to_string());
    let body = Propose { actions, ttl_secs: Some(ttl_secs), account };
    let path = format!("/v1/contexts/{}/proposals", args.context);
    show_receipt(global, &Client::open(global)?.post(&path, &body).await?)
}

async fn list(global: &Global, context: ContextId) -> anyhow::Result<()> {
    let path = format!("/v1/contexts/{context}/proposals");
    let proposals: Vec<Proposal> = Client::open(global)?.get(&path).await?;
    global.output.show(&proposals, |proposals| {
        let texts: Vec<String> = proposals.iter().map(text).collect();
        texts.join("\n")
    })
}

fn text(proposal: &Proposal) -> String {
    let Proposal { seq, proposer, approvals, needed, class, .. } = proposal;
    let mut lines = vec![format!("{seq}  {class}, by {proposer}")];
    lines.extend(proposal.actions.iter().map(|action| format!("   - {}", describe(action))));
    if let Some(members) = &proposal.members {
        lines.extend(members.added.iter().map(|key| format!("     + member {key}")));
        lines.extend(members.removed.iter().map(|key| format!("     - member {key}")));
        if members.others > 0 {
            lines.push(format!("     and {} other changes", members.others));
        }
    }
    lines.push(format!("   approved by {} of {needed}: {}", approvals.len(), approvals.join(", ")));
    if let Some(at) = proposal.executable_at {
        lines.push(format!("   may be executed from {} on", moment(at)));
    }
    lines.push(format!("   expires at {}", moment(proposal.expires_at)));
    lines.extend(proposal.objection.iter().map(|why| format!("   this node objects: {why}")));
    lines.join("\n")
}

/// The action in words.
pub(crate) fn describe(action: &Action) -> String {
    match action {
        Action::NominateAdmin { account, ttl_secs } => {
            format!("nominate {account} as admin, to accept within {ttl_secs} s")
        }
        Action::RemoveAdmin { account } => format!("remove admin {account}"),
        Action::SetThreshold { threshold } => format!("ask {threshold} admins for approval"),
        Action::SetDelay { class, secs } => format!("delay {class} batches by {secs} s"),
        Action::SetMembers { new, count, .. } => format!("set {count} members, root {new}"),
        Action::SetApp { app, migration: None } => format!("run application {app}"),
        Action::SetApp { app, migration: Some(migration) } => {
            format!("run application {app}, state moved by {migration}")
        }
        Action::SetInvites { new, .. } => format!("set the invitations' root {new}"),
        Action::SetCaps { key_hash, caps } => format!("record capabilities {caps} of {key_hash}"),
        Action::SetGuardian { account: Some(account) } => format!("make {account} guardian"),
        Action::SetGuardian { account: None } => "have no guardian".to_owned(),
        Action::Dissolve {} => "dissolve the record for good".to_owned(),
        Action::SetMeta { meta } => format!("set the description's hash {meta}"),
    }
}

fn moment(unix_s: u64) -> String {
    let time = i64::try_from(unix_s).ok();
    let time = time.and_then(|unix_s| OffsetDateTime::from_unix_timestamp(unix_s).ok());
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("{unix_s} s"))
}

/// Prints what a chain made of a call.
///
/// # Errors
/// If it cannot be printed.
pub(crate) fn show_receipt(global: &Global, receipt: &Receipt) -> anyhow::Result<()> {
    global.output.show(receipt, |receipt| {
        let mut parts = Vec::new();
        parts.extend(receipt.seq.map(|seq| format!("proposal {seq}")));
        parts.extend(receipt.rev.map(|rev| format!("revision {rev}, not final yet")));
        match (&receipt.transaction, receipt.height) {
            (Some(transaction), Some(height)) => {
                parts.push(format!("in block {height}, transaction {transaction}"));
            }
            (Some(transaction), None) => parts.push(format!("in transaction {transaction}")),
            (None, _) => parts.push("nothing had to be sent".to_owned()),
        }
        parts.join("; ")
    })
}

/// Warns people of delays that leave no time to notice a stolen key.
pub(crate) fn warn_of_short_delays(delays_secs: [u32; 4]) {
    let [_, _, admin, root] = delays_secs;
    if admin < 3_600 || root < 3_600 {
        output::note(
            "changes of admins take effect within the hour: nobody can stop a stolen key in time",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_name_their_class() {
        assert_eq!(delay("admin=1d"), Ok((DelayClass::Admin, 86_400)));
        assert_eq!(delay("routine=0"), Ok((DelayClass::Routine, 0)));
        for bad in ["", "admin", "grave=1d", "admin=", "admin=x", "root=99999999999", "=1d"] {
            assert!(delay(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn moments_are_dates() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(u64::MAX), format!("{} s", u64::MAX));
    }

    #[test]
    fn proposals_read_as_sentences() {
        let proposal: Proposal = serde_json::from_value(serde_json::json!({
            "seq": 3, "proposer": "eip155:1:0xab", "class": "admin", "needed": 2,
            "actions": [{"kind": "set-threshold", "threshold": 2}],
            "members": {"added": ["k1"], "removed": [], "others": 1},
            "approvals": ["eip155:1:0xab"], "executable_at": null, "expires_at": 60,
            "objection": "the batch is not here",
        }))
        .expect("a proposal");
        let text = text(&proposal);
        for said in [
            "3  admin, by eip155:1:0xab",
            "ask 2 admins for approval",
            "+ member k1",
            "and 1 other changes",
            "approved by 1 of 2",
            "expires at 1970-01-01T00:01:00Z",
            "objects: the batch is not here",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

//! `anchorhold invite`: a link that somebody may join with.

use api::wire::{Invite, Invited};
use types::{AccountId, ContextId, MemberKey};

use crate::{args::Global, client::Client, duration::Secs};

#[derive(Debug, clap::Args)]
pub(crate) struct InviteArgs {
    /// The context.
    context: ContextId,
    #[command(flatten)]
    invitee: Invitee,
    /// What the newcomer becomes.
    #[arg(long, value_enum, default_value_t = GivenRole::Member)]
    role: GivenRole,
    /// How many may come with it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    uses: u32,
    /// For how long, such as 1h; without it for ever.
    #[arg(long)]
    ttl: Option<Secs>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Invitee {
    /// Whoever controls this account.
    #[arg(long)]
    account: Option<AccountId>,
    /// Whoever holds this member key.
    #[arg(long, value_name = "KEY")]
    member: Option<MemberKey>,
    /// Whoever holds the link: pass it on like a password.
    #[arg(long)]
    open: bool,
}

/// A role that can be given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GivenRole {
    /// Reads and writes.
    Member,
    /// Reads.
    ReadOnly,
}

impl GivenRole {
    /// As the API names it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::ReadOnly => "read-only",
        }
    }
}

pub(crate) async fn invite(global: &Global, args: InviteArgs) -> anyhow::Result<()> {
    let body = Invite {
        account: args.invitee.account.map(|account| account.to_string()),
        member: args.invitee.member.map(|member| member.to_string()),
        role: args.role.as_str().to_owned(),
        caps: 0,
        uses: args.uses,
        ttl_secs: args.ttl.map(|Secs(secs)| secs),
    };
    let path = format!("/v1/contexts/{}/invitations", args.context);
    let invited: Invited = Client::open(global)?.post(&path, &body).await?;
    global.output.show(&invited, |invited| {
        global.output.progress(&format!("invitation {}", invited.invitation));
        invited.link.clone()
    })
}

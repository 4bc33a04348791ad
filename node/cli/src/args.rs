//! The command line: what all commands share, and which there are.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    account, anchor, app, call, context, events, init, invite, join, output::Output, proposal, run,
    status, verify,
};

/// A node for private, replicated rooms whose membership can be anchored on a chain.
#[derive(Debug, Parser)]
#[command(name = "anchorhold", version, about, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What all commands share.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// The folder where the node keeps everything [default: ~/.anchorhold].
    #[arg(long, global = true, env = "ANCHORHOLD_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the running node's API answers [default: what the data folder says].
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) api: Option<String>,
    /// For people or for programs.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make keys and a configuration in the data folder.
    Init(init::InitArgs),
    /// Run the node until Ctrl-C or SIGTERM.
    Run(run::RunArgs),
    /// Install and list applications.
    #[command(subcommand)]
    App(app::AppCommand),
    /// Keep and list accounts on chains.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Make, list and govern contexts.
    #[command(subcommand)]
    Context(context::ContextCommand),
    /// Make an invitation and print its link.
    Invite(invite::InviteArgs),
    /// Join a context by an invitation.
    Join(join::JoinArgs),
    /// Call a method that may write.
    Call(call::CallArgs),
    /// Call a method that only reads.
    View(call::CallArgs),
    /// List the members of a context.
    Members(status::MembersArgs),
    /// Show how the node, or one context, stands.
    Status(status::StatusArgs),
    /// Show what happened in a context.
    Events(events::EventsArgs),
    /// What several admins of a context decide together.
    #[command(subcommand)]
    Proposal(proposal::ProposalCommand),
    /// Registries on chains, and the records in them.
    #[command(subcommand)]
    Anchor(anchor::AnchorCommand),
    /// Check claims about identities and chains, offline.
    ///
    /// Ends with 0 if all hold, with 1 if some do not, with 2 if the file cannot be read.
    Verify(verify::VerifyArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parses(line: &str) -> bool {
        Args::try_parse_from(line.split_whitespace()).is_ok()
    }

    #[test]
    fn command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn shared_options_stand_before_or_after_the_command() {
        for line in [
            "anchorhold --data d status --output json",
            "anchorhold status --output json --data d",
            "anchorhold --data d init --passphrase-file f --no-mdns",
            "anchorhold --data d run --api-addr 127.0.0.1:1 --passphrase-file f --log json",
            "anchorhold context list --output json",
        ] {
            assert!(parses(line), "{line}");
        }
    }

    #[test]
    fn every_command_of_the_guide_parses() {
        let id = "1f".repeat(32);
        for line in [
            "app install board.wasm",
            "app list",
            "account import --chain eip155:1 --key-file k",
            "context create --app ID",
            "context create --app ID --anchor eip155:1:0xab --delays 0,1m,1h,1d --init {}",
            "context nominate ID ID --wait 30",
            "context accept ID",
            "context renounce ID",
            "context remove ID ID",
            "context role ID ID read-only",
            "context revoke ID ID",
            "context freeze ID 7d --account eip155:1:0xab",
            "context accept ID --account eip155:1:0xab",
            "context renounce ID --account eip155:1:0xab",
            "account bind ID --account eip155:1:0xab --expires 90d",
            "proposal new ID --nominate eip155:1:0xab --nominate eip155:1:0xcd --threshold 2",
            "proposal new ID --remove-admin eip155:1:0xab --delay admin=1d --delay root=2d",
            "proposal new ID --guardian none --app ID --migration ID --meta ID --dissolve",
            "proposal new ID --guardian eip155:1:0xab --expires 3d --account eip155:1:0xcd",
            "proposal list ID",
            "proposal approve ID 3",
            "proposal unapprove ID 3",
            "proposal execute ID 3",
            "proposal cancel ID 3",
            "proposal veto ID 3 --account eip155:1:0xab",
            "proposal expire ID 3",
            "invite ID --open --role read-only --uses 3 --ttl 1h",
            "invite ID --account eip155:1:0xab",
            "invite ID --member ID",
            "join anchorhold:00 --account eip155:1:0xab --wait 5",
            "join anchorhold:00 --plan",
            "join anchorhold:00 --account eip155:1:0xab --signature 00 --message-file m",
            "join anchorhold:00 --account eip155:1:0xab --signature 00 --message-file m --contract",
            "call ID add {}",
            "view ID list",
            "members ID",
            "status ID",
            "events ID --after 3 --follow",
            "verify claims.json --output json",
            "verify -",
            "anchor deploy --chain eip155:1 --key-file k --endpoint http://127.0.0.1:8545",
            "anchor create --chain eip155:1 --key-file k --context ID --app ID",
            "anchor create --chain eip155:1 --key-file k --context ID --app ID --claims --salt ID",
            "anchor create --chain eip155:1 --key-file k --context ID --app ID \
             --members-root ID --members 3 --delays 0,0,0,0 --guardian eip155:1:0xab",
            "anchor show ID --chain eip155:1",
            "anchor verify ID --chain eip155:1 --endpoint http://a --endpoint ws://b \
             --registry 0xab",
        ] {
            let line = format!("anchorhold {}", line.replace("ID", &id));
            assert!(parses(&line), "{line}");
        }
    }

    #[test]
    fn contradictions_and_bad_values_are_refused() {
        let id = "1f".repeat(32);
        for line in [
            "init --passphrase-file a --key-file b",
            "invite ID",
            "invite ID --open --account eip155:1:0xab",
            "invite ID --open --role admin",
            "join anchorhold:00 --signature 00",
            "join anchorhold:00 --message-file m",
            "join anchorhold:00 --contract",
            "context create",
            "context create --app ID --delays 0,0,0,0",
            "context create --app ID --anchor eip155:1:0xab --delays 0,0",
            "status nonsense",
            "call ID",
            "events ID --after -1",
            "proposal new ID --threshold 256",
            "proposal new ID --migration ID",
            "proposal new ID --delay grave=1d",
            "proposal approve ID",
            "context freeze ID",
            "account bind ID",
            "anchor deploy --chain nonsense --key-file k",
            "anchor create --chain eip155:1 --key-file k --context ID --app ID --members 3",
            "anchor show ID",
            "anchor show nonsense --chain eip155:1",
            "anchor verify ID --chain eip155:1 --endpoint http://a",
            "run --log xml",
        ] {
            let line = format!("anchorhold {}", line.replace("ID", &id));
            assert!(!parses(&line), "{line}");
        }
    }
}

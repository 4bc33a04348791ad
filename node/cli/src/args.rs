//! The command line: what all commands share, and which there are.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    account, anchor, app, call, context, events, init, invite, join, output::Output, run, status,
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
    /// Registries on chains.
    #[command(subcommand)]
    Anchor(anchor::AnchorCommand),
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
            "invite ID --open --role read-only --uses 3 --ttl 1h",
            "invite ID --account eip155:1:0xab",
            "invite ID --member ID",
            "join anchorhold:00 --account eip155:1:0xab --wait 5",
            "join anchorhold:00 --plan",
            "join anchorhold:00 --account eip155:1:0xab --signature 00 --message-file m",
            "call ID add {}",
            "view ID list",
            "members ID",
            "status ID",
            "events ID --after 3 --follow",
            "anchor deploy --chain eip155:1 --key-file k --endpoint http://127.0.0.1:8545",
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
            "context create",
            "context create --app ID --delays 0,0,0,0",
            "context create --app ID --anchor eip155:1:0xab --delays 0,0",
            "status nonsense",
            "call ID",
            "events ID --after -1",
            "anchor deploy --chain nonsense --key-file k",
            "run --log xml",
        ] {
            let line = format!("anchorhold {}", line.replace("ID", &id));
            assert!(!parses(&line), "{line}");
        }
    }
}

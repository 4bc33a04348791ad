//! The one binary: the daemon, and the commands that talk to it over HTTP.
//!
//! Refuses to decide anything: `run` builds the rooms and joins them, every other command asks the
//! running node. Only `init` and `run` touch the data folder's secrets.
//!
//! Reading order: `args` → `folder`, `config`, `unlock` → `init` → `run`, `bridge` → `client` → one
//! file per group of commands.

mod account;
mod anchor;
mod app;
mod args;
mod bridge;
mod call;
mod chains;
mod client;
mod config;
mod context;
mod duration;
mod events;
mod failure;
mod folder;
mod govern;
mod init;
mod invite;
mod join;
mod logs;
mod output;
mod proposal;
mod run;
mod secret;
mod status;
mod unlock;
mod verify;

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind};

use crate::{
    args::{Args, Command},
    verify::Outcome,
};

/// What a shell expects of a program that was called wrongly.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return misused(&error),
    };
    if let Command::Verify(verify) = &args.command {
        return verdict(verify::verify(&args.global, verify));
    }
    match act(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&failure::line(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// 0 if all claims hold, 1 if some do not, 2 if they cannot be read.
fn verdict(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::AllValid) => ExitCode::SUCCESS,
        Ok(Outcome::SomeInvalid) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&failure::line(error.as_ref()));
            ExitCode::from(USAGE)
        }
    }
}

/// Help and version are answers; a value that does not parse is one line; the rest shows the usage.
fn misused(error: &clap::Error) -> ExitCode {
    if error.kind() == ErrorKind::ValueValidation {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        output::complain(line.strip_prefix("error: ").unwrap_or(line));
        return ExitCode::from(USAGE);
    }
    let code = if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
    match error.print() {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

fn act(args: Args) -> anyhow::Result<()> {
    let Args { global, command } = args;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match command {
            Command::Init(args) => init::init(&global, args),
            Command::Run(args) => run::run(&global, args).await,
            Command::App(command) => app::app(&global, command).await,
            Command::Account(command) => account::account(&global, command).await,
            Command::Context(command) => context::context(&global, command).await,
            Command::Invite(args) => invite::invite(&global, args).await,
            Command::Join(args) => join::join(&global, args).await,
            Command::Call(args) => call::call(&global, args).await,
            Command::View(args) => call::view(&global, args).await,
            Command::Members(args) => status::members(&global, args).await,
            Command::Status(args) => status::status(&global, args).await,
            Command::Events(args) => events::events(&global, args).await,
            Command::Proposal(command) => proposal::proposal(&global, command).await,
            Command::Anchor(command) => anchor::anchor(&global, command).await,
            // Answered before, without a runtime.
            Command::Verify(args) => verify::verify(&global, &args).map(drop),
        }
    });
    // A blocked thread of a library must not keep a command that is done.
    runtime.shutdown_background();
    done
}

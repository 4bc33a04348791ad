//! Repository tasks: `cargo x <command>`, one file per command; `cargo x help` lists them.
//!
//! Reading order: `shell` (runs programs) → `repo` (where things lie) → the commands in the order
//! in which they use each other: `starknet` → `setup` → `guests` → `traces` → `contracts` → `up`,
//! `devnet`, `test`, `demo`, `bench` → `tidy` → `ci`.
//!
//! # Invariants
//! - Every command builds into one target folder, the one that `cargo metadata` names, and selects
//!   the same packages and profile: nothing is compiled twice under other features.
//! - Whatever is started or installed is printed first, with the reason.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

mod bench;
mod ci;
mod contracts;
mod demo;
mod devnet;
mod guests;
mod repo;
mod setup;
mod shell;
mod starknet;
mod test;
mod tidy;
mod traces;
mod up;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// One thing that `cargo x` can do.
pub(crate) struct Command {
    /// The word after `cargo x`.
    pub(crate) name: &'static str,
    /// One line for the list.
    pub(crate) summary: &'static str,
    /// What `cargo x <name> --help` prints below the summary.
    pub(crate) help: &'static str,
    /// Carries it out, with the words after the name.
    pub(crate) run: fn(&[String]) -> Result<()>,
}

const COMMANDS: [&Command; 11] = [
    &setup::COMMAND,
    &up::COMMAND,
    &test::COMMAND,
    &devnet::COMMAND,
    &demo::COMMAND,
    &bench::COMMAND,
    &guests::COMMAND,
    &traces::COMMAND,
    &contracts::COMMAND,
    &tidy::COMMAND,
    &ci::COMMAND,
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo x: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else {
        print_list();
        return Ok(());
    };
    if is_help(name) {
        match rest.first() {
            Some(topic) => print_help(find(topic)?),
            None => print_list(),
        }
        return Ok(());
    }
    let command = find(name)?;
    if rest.first().is_some_and(|word| is_help(word)) {
        print_help(command);
        return Ok(());
    }
    (command.run)(rest)
}

fn is_help(word: &str) -> bool {
    matches!(word, "help" | "--help" | "-h")
}

fn find(name: &str) -> Result<&'static Command> {
    match COMMANDS.into_iter().find(|command| command.name == name) {
        Some(command) => Ok(command),
        None => bail!("no command `{name}`; `cargo x help` lists what there is"),
    }
}

fn print_list() {
    println!("Usage: cargo x <command> [arguments]\n");
    for command in COMMANDS {
        println!("  {:<10} {}", command.name, command.summary);
    }
    println!("\n`cargo x help <command>` says more about one of them.");
}

fn print_help(command: &Command) {
    println!("cargo x {}: {}\n", command.name, command.summary);
    println!("{}", command.help.trim());
}

/// Refuses words that a command does not know.
pub(crate) fn expect_no_arguments(command: &Command, args: &[String]) -> Result<()> {
    match args.first() {
        None => Ok(()),
        Some(word) => bail!(
            "`cargo x {}` does not know `{word}`; see `cargo x help {}`",
            command.name,
            command.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, dispatch};

    #[test]
    fn every_command_has_a_name_of_its_own_and_help() {
        for (index, command) in COMMANDS.iter().enumerate() {
            assert!(!command.summary.is_empty(), "{}", command.name);
            assert!(!command.help.trim().is_empty(), "{}", command.name);
            let twin = COMMANDS.iter().skip(index + 1).find(|other| other.name == command.name);
            assert!(twin.is_none(), "{} stands twice", command.name);
        }
    }

    #[test]
    fn unknown_words_are_refused() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(String::from).collect() };
        assert!(dispatch(&words("dance")).is_err());
        assert!(dispatch(&words("help dance")).is_err());
        assert!(dispatch(&words("ci dance")).is_err());
        assert!(dispatch(&words("help tidy")).is_ok());
        assert!(dispatch(&words("tidy --help")).is_ok());
    }
}

//! `anchorhold account`: keys of accounts, for which the node signs and pays.

use std::path::PathBuf;

use api::wire::{Account, ImportAccount};
use clap::Subcommand;
use types::ChainId;
use zeroize::Zeroize as _;

use crate::{args::Global, client::Client, secret};

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Keep an account's secret key, sealed.
    Import {
        /// The account's chain, such as `eip155:1`.
        #[arg(long)]
        chain: ChainId,
        /// A file with the key as 64 hex digits, which only you may read.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
    /// List the accounts whose keys the node holds.
    List,
}

pub(crate) async fn account(global: &Global, command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Import { chain, key_file } => {
            let key = secret::key(&key_file)?;
            let secret = types::Hash::from_bytes(*key).to_string();
            let mut body = ImportAccount { chain: chain.to_string(), secret };
            let account = Client::open(global)?.post("/v1/accounts", &body).await;
            body.secret.zeroize();
            global.output.show(&account?, |account: &Account| account.account.clone())
        }
        AccountCommand::List => {
            let accounts: Vec<Account> = Client::open(global)?.get("/v1/accounts").await?;
            global.output.show(&accounts, |accounts| {
                let names: Vec<_> = accounts.iter().map(|one| one.account.as_str()).collect();
                names.join("\n")
            })
        }
    }
}
